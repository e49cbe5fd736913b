"""Cases: one mutation, one command, and what is wrong with its outcome.

Start with `try_case`.  A case is drawn from the seed and its number alone, so that each can be tried again by itself.
"""

import os
import random
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from fuzzing import configurations, files, oracles
from fuzzing.additions import STRANGER
from fuzzing.children import Outcome, run_anew, run_forked
from fuzzing.commands import (
    CONFIGURATION_COMMANDS,
    INTERRUPTED_COMMANDS,
    KERNEL_COMMANDS,
    PLAIN_COMMANDS,
    RUN_COMMANDS,
    TABLE_COMMANDS,
    Command,
    choose,
)
from fuzzing.comparison import find_difference
from fuzzing.mutations import Law, Mutation
from fuzzing.mutators import apply_bytes, apply_place, mutate_run_file, mutate_table
from fuzzing.surroundings import draw_environment
from fuzzing.templates import CACHE, CONFIGURED, INTERRUPTED, OWN, PACKAGE, RUN, Templates, gather_numbers, lay_out

KINDS = {"tables": 50, "run": 22, "configuration": 13, "surroundings": 9, "cache": 6}
"""What is mutated, and how often."""
QUICK_KINDS = {"tables": 60, "run": 20, "configuration": 20}
"""Those for which no program is begun anew."""
QUICK_COMMANDS = ("check", "list", "show", "task")
CHECK = {"tables": ("check", "tables", "--json"), "configuration": ("check", ".", "--json")}


@dataclass(frozen=True)
class Case:
    """A mutation and a command."""

    number: int
    kind: str
    template: str
    command: Command
    mutation: Mutation
    as_json: bool
    environment: dict[str, str] | None = None
    """Of a program begun anew; None for a fork."""


@dataclass(frozen=True)
class Verdict:
    """What became of a case."""

    case: Case
    outcome: Outcome
    failures: dict[str, str]
    """Oracle -> what is wrong."""


def try_case(templates: Templates, seed: int, number: int, work: Path) -> Verdict:
    """Try one case in `work/case`, which is left as the command left it.

    Parameters
    ----------
    templates
        what is mutated
    seed
        of all cases
    number
        of this one
    work
        a folder
    """
    rng = random.Random(f"{seed}:{number}")
    case = None
    while case is None:
        case = _draw(rng, templates, number, work / "case")
    arguments = [*case.command.arguments, *(["--json"] if case.as_json else [])]
    folder = work / "case"
    outcome = run_forked(arguments, folder) if case.environment is None else run_anew(arguments, folder, case.environment)
    return Verdict(case, outcome, {name: text for name, text in _judge(templates, case, outcome, work).items() if text})


def _judge(templates: Templates, case: Case, outcome: Outcome, work: Path) -> dict[str, str]:
    """Return oracle -> what is wrong."""
    law = case.mutation.law
    # what the system cannot read, such as this link, is a machine that fails
    machine_may_fail = case.kind in ("surroundings", "cache") or case.mutation.words == "a link to mem"
    found = {oracles.CRASH: oracles.find_crash(outcome, as_json=case.as_json, machine_may_fail=machine_may_fail)}
    if found[oracles.CRASH]:
        return found
    if law in (Law.HARMLESS, Law.TAMPERED) and not _shows_units(case):
        numbers = gather_numbers(case.command, outcome, work / "case")
        name = OWN if case.template == CACHE else case.template
        expected = templates.expect(name, case.command, work / "expected")
        refusals = oracles.REFUSED if law is Law.HARMLESS and case.kind != "surroundings" else tuple(range(1, 8))
        found[oracles.SILENCE] = oracles.find_silence(outcome, find_difference(expected.numbers, numbers), refusals=refusals)
    if case.kind in CHECK and case.command.arguments[0] != "check":
        check = run_forked(CHECK[case.kind], work / "case")
        found[oracles.CRASH] = oracles.find_crash(check, as_json=True)
        found[oracles.IGNORANCE] = oracles.find_ignorance(outcome, check)
        if law is Law.UNREAD:
            found[oracles.UNREAD] = oracles.find_unread(check, "check")
    if law is Law.UNREAD and _is_concerned(case):
        found[oracles.UNREAD] = found.get(oracles.UNREAD) or oracles.find_unread(outcome, case.command.arguments[0])
    return found


def _shows_units(case: Case) -> bool:
    """Return whether the command shows a number as the table has it, with the unit that was changed."""
    return case.mutation.mutator == "other unit" and case.command.arguments[0] == "show"


def _is_concerned(case: Case) -> bool:
    """Return whether the command reads what was added to."""
    return case.kind != "tables" or (
        case.mutation.target in case.command.reads
        and not _is_for_check_alone(case.mutation)
        and not _is_of_another_model(case.mutation, case.command)
    )


def _is_of_another_model(mutation: Mutation, command: Command) -> bool:
    """Return whether what was added is of models the command does not ask for; `check` asks for all."""
    of = re.match(rf"a row whose (?:name|target) is '{STRANGER}': ([\w ]+),", mutation.words)
    asked, tables = set(command.arguments), ("parameters.csv", "experiments.csv")
    return mutation.target in tables and of is not None and "check" not in asked and not asked & set(of[1].split())


def _draw(rng: random.Random, templates: Templates, number: int, folder: Path) -> Case | None:
    kinds = QUICK_KINDS if templates.quick else KINDS
    kind = rng.choices(list(kinds), list(kinds.values()))[0]
    return _DRAWERS[kind](rng, templates, number, folder)


def _quick(templates: Templates, commands: tuple[Command, ...]) -> tuple[Command, ...]:
    quick = tuple(item for item in commands if item.arguments[0] in QUICK_COMMANDS)
    return quick if templates.quick else commands


def _draw_tables(rng: random.Random, templates: Templates, number: int, folder: Path) -> Case | None:
    """Mutate one table of a folder."""
    template = rng.choice((PACKAGE, OWN))
    command = choose(rng, _quick(templates, TABLE_COMMANDS[template]))
    lay_out(templates, template, folder)
    present = sorted(path.name for path in (folder / "tables").iterdir())
    read = [name for name in present if name in command.reads]
    name = rng.choice(read if read and rng.random() < 0.85 else present)
    mutation = mutate_table(rng, folder / "tables" / name)
    return (
        None
        if mutation is None
        else Case(number, "tables", template, command, mutation, mutation.law is Law.HARMLESS or rng.random() < 0.5)
    )


def _is_for_check_alone(mutation: Mutation) -> bool:
    """Return whether only all models, or all files, together tell that nothing reads what was added."""
    return "whose drives is" in mutation.words or "'notes.csv'" in mutation.words


def _draw_run(rng: random.Random, templates: Templates, number: int, folder: Path) -> Case | None:
    """Mutate one file of a run."""
    template = rng.choice((RUN, RUN, RUN, INTERRUPTED))
    commands = INTERRUPTED_COMMANDS if template == INTERRUPTED else RUN_COMMANDS
    command = choose(rng, _quick(templates, commands))
    lay_out(templates, template, folder)
    run = folder / "run"
    every = sorted(path for path in run.rglob("*") if path.is_file())
    read = [path for path in every if any(fnmatch(str(path.relative_to(run)), pattern) for pattern in command.reads)]
    path = rng.choice(read if read and rng.random() < 0.8 else every)
    mutation = mutate_run_file(rng, path)
    if mutation is None:
        return None
    shown = Mutation(mutation.mutator, mutation.law, str(path.relative_to(run)), mutation.words)
    return Case(number, "run", template, command, shown, as_json=True)


def _draw_configuration(rng: random.Random, templates: Templates, number: int, folder: Path) -> Case | None:
    """Mutate the configuration."""
    command = choose(rng, _quick(templates, CONFIGURATION_COMMANDS))
    lay_out(templates, CONFIGURED, folder)
    path = folder / "config.toml"
    families = (
        (configurations.ODD_SETTINGS, Law.DAMAGE, 40),
        (configurations.UNKNOWN_SETTINGS, Law.UNREAD, 20),
        (configurations.SAME_SETTINGS, Law.HARMLESS, 20),
        (files.BYTE_MUTATORS, Law.DAMAGE, 15),
        (None, Law.DAMAGE, 5),
    )
    mutators, law, _ = rng.choices(families, [family[2] for family in families])[0]
    places = {name: mutator for name, mutator in files.PLACE_MUTATORS.items() if name != "exchanged with another"}
    mutation = apply_place(rng, path, places) if mutators is None else apply_bytes(rng, path, mutators, law)
    return None if mutation is None else Case(number, "configuration", CONFIGURED, command, mutation, as_json=True)


def _base_environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _draw_surroundings(rng: random.Random, templates: Templates, number: int, folder: Path) -> Case | None:
    """Change variables of the environment of a new program."""
    command = choose(rng, PLAIN_COMMANDS)
    lay_out(templates, OWN, folder)
    environment, words = draw_environment(rng, _base_environment(), folder)
    return Case(
        number, "surroundings", OWN, command, Mutation("environment", Law.HARMLESS, "environment", words), True, environment
    )


def _draw_cache(rng: random.Random, templates: Templates, number: int, folder: Path) -> Case | None:
    """Mutate one file of the kernel cache of a new program."""
    command = choose(rng, KERNEL_COMMANDS)
    lay_out(templates, CACHE, folder)
    cache = folder / "cache"
    path = rng.choice(sorted(item for item in cache.rglob("*") if item.is_file()))
    if rng.random() < 0.75:
        mutation = apply_bytes(rng, path, files.BYTE_MUTATORS, Law.TAMPERED)
    else:
        mutation = apply_place(rng, path, files.PLACE_MUTATORS, Law.TAMPERED)
    if mutation is None:
        return None
    shown = Mutation(f"cache: {mutation.mutator}", Law.TAMPERED, str(path.relative_to(cache)), mutation.words)
    return Case(number, "cache", CACHE, command, shown, True, {**_base_environment(), "KINIMMUNE_CACHE": str(cache)})


_DRAWERS = {
    "tables": _draw_tables,
    "run": _draw_run,
    "configuration": _draw_configuration,
    "surroundings": _draw_surroundings,
    "cache": _draw_cache,
}
