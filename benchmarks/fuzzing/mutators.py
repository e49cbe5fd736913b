"""Mutators drawn at random and applied to a file where it lies.

Start with `mutate_table` and `mutate_run_file`.
"""

import random
from collections.abc import Callable
from pathlib import Path

from fuzzing import additions, cells, files, objects, rewritings
from fuzzing.mutations import Law, Mutation


def mutate_table(rng: random.Random, path: Path) -> Mutation | None:
    """Mutate a table where it lies; None where what was drawn does not apply to it."""
    family = rng.choices(("cells", "bytes", "place", "rewriting", "addition"), (30, 12, 6, 30, 22))[0]
    if family == "bytes":
        return apply_bytes(rng, path, files.BYTE_MUTATORS, Law.DAMAGE)
    if family == "place":
        return apply_place(rng, path, files.PLACE_MUTATORS)
    if family == "cells":
        name = rng.choice(sorted(cells.CELL_MUTATORS))
        return apply_cells(path, name, Law.DAMAGE, lambda rows: cells.CELL_MUTATORS[name](rng, rows))
    if family == "rewriting":
        if rng.random() < 0.35:
            return apply_cells(path, "other unit", Law.HARMLESS, lambda rows: rewritings.rewrite_unit(rng, rows, path.name))
        return apply_bytes(rng, path, rewritings.REWRITINGS, Law.HARMLESS)
    return _add(rng, path)


def _add(rng: random.Random, path: Path) -> Mutation | None:
    how = rng.choice(("column added", "row added", "row added", "file added", "file renamed"))
    if how == "column added":
        return apply_cells(path, how, Law.UNREAD, lambda rows: additions.add_column(rng, rows))
    if how == "row added":
        return apply_cells(path, how, Law.UNREAD, lambda rows: additions.add_row(rng, rows, path.name))
    words = (additions.add_file if how == "file added" else additions.rename_file)(rng, path)
    return None if words is None else Mutation(how, Law.UNREAD, path.name, words)


def apply_cells(path: Path, name: str, law: Law, change: Callable[[cells.Rows], str | None]) -> Mutation | None:
    """Change the rows of a table and write it; None where the change does not apply."""
    rows = cells.read_rows(path.read_bytes())
    words = change(rows)
    if words is None:
        return None
    path.write_bytes(cells.write_rows(rows))
    return Mutation(name, law, path.name, words)


def apply_bytes(rng: random.Random, path: Path, mutators: dict[str, files.ByteMutator], law: Law) -> Mutation | None:
    """Apply one of these mutators to the content of a file; None where it changes nothing."""
    name = rng.choice(sorted(mutators))
    before = path.read_bytes()
    found = mutators[name](rng, before)
    if found is None or found[0] == before:
        return None
    path.write_bytes(found[0])
    return Mutation(name, law, path.name, found[1])


def apply_place(
    rng: random.Random, path: Path, mutators: dict[str, files.PlaceMutator], law: Law = Law.DAMAGE
) -> Mutation | None:
    """Apply one of these mutators to a file and its folder; None where it does not apply."""
    name = rng.choice(sorted(mutators))
    words = mutators[name](rng, path)
    return None if words is None else Mutation(name, law, path.name, words)


def mutate_run_file(rng: random.Random, path: Path) -> Mutation | None:
    """Mutate a file of a run where it lies."""
    is_object = path.suffix == ".json"
    family = rng.choices(("object", "same", "bytes", "place"), (50 if is_object else 0, 8 if is_object else 0, 25, 12))[0]
    if family == "object":
        return apply_bytes(rng, path, objects.JSON_MUTATORS, Law.TAMPERED)
    if family == "same":
        return apply_bytes(rng, path, {"JSON: respelt": objects.respell}, Law.TAMPERED)
    if family == "bytes":
        return apply_bytes(rng, path, files.BYTE_MUTATORS, Law.TAMPERED)
    return apply_place(rng, path, files.PLACE_MUTATORS, Law.TAMPERED)
