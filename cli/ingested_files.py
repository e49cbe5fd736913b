"""Tables that an ingestion adds rows to, and pictures: planned first, written last.

Start with `plan_ingested`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kinimmune.cli.output_files import PICTURE, TABLE, Inputs, OutputFile, plan_outputs, require_makeable
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from kinimmune.fitting.curves.rows import Cells, Merged


SEED = 1
"""Of replicates where none is given."""


@dataclass(frozen=True)
class TableFile:
    """A table with new rows, ready to be written."""

    target: OutputFile
    merged: "Merged"
    added: int
    """Number of new rows."""

    def write(self) -> str:
        """Write it; return what was done in words, empty for the standard output."""
        self.target.write(self.merged.text.encode())
        if self.target.fills_stdout:
            return ""
        before = f", {self.merged.replaced} replaced" if self.merged.replaced else ""
        kept = f", {self.merged.kept} as before" if self.merged.kept else ""
        return f"wrote {self.target.path}: {self.added} rows{before}{kept}"


@dataclass(frozen=True)
class ReplicateFiles:
    """Rebuilt patients of curves that are read again."""

    folder: Path
    name: str
    """That of their files before the number."""
    count: int
    seed: int

    def path(self, number: int) -> Path:
        """Return the file of one, numbered from 1."""
        return self.folder / f"{self.name}-{number}.csv"


def prepare_table(
    target: OutputFile, columns: Sequence[str], rows: "Sequence[Cells]", *, replace: bool, more: Sequence[str] = ()
) -> TableFile:
    """Return the table of before, where there is one, with rows added; raises as `kinimmune.fitting.curves.rows.merge` does."""
    from kinimmune.fitting.curves.rows import merge

    return TableFile(target, merge(target.path, columns, rows, replace=replace, more=more), len(rows))


def plan_ingested(
    tables: Mapping[str, Path | None], plot: Path | None, inputs: Sequence[Path], *, stdout_is_free: bool
) -> dict[str, OutputFile]:
    """Return option -> where its output goes, for those that were given; nothing is created.

    Parameters
    ----------
    tables
        option -> the table it names
    plot
        the picture, None for none
    inputs
        files the command reads
    stdout_is_free
        whether nothing else is printed on the standard output

    Raises
    ------
    UsageError
        for what cannot be written, is an input, or has an ending that tells no format
    """
    wanted = [*((option, path, TABLE) for option, path in tables.items()), ("--plot", plot, PICTURE)]
    return plan_outputs(wanted, Inputs(named=tuple(inputs)), stdout_is_free=stdout_is_free)


def plan_replicates(count: int | None, targets: Mapping[str, OutputFile], seed: int | None) -> ReplicateFiles | None:
    """Return where replicates go, None where there are none; nothing is created.

    Raises
    ------
    UsageError
        for a seed without replicates, a number that cannot be drawn, no file beside which they can go, or another number of them
        there
    """
    from kinimmune.fitting.curves.replicates import require_replicates
    from kinimmune.fitting.runs.atomic_files import is_stream

    if count is None and seed is not None:
        raise UsageError(f"--seed {seed} is of replicates alone; give --replicates N, or leave --seed out")
    if count is None:
        return None
    require_replicates(count)
    path = targets["--patients"].path if "--patients" in targets else None
    if path is None or is_stream(path):
        raise UsageError("--replicates needs a file of rebuilt patients, beside which they go; give --patients FILE.csv")
    folder = path.with_suffix("")
    require_makeable(folder, "--patients")
    planned = ReplicateFiles(folder, folder.name, count, SEED if seed is None else seed)
    _require_same_number(planned)
    return planned


def _require_same_number(planned: ReplicateFiles) -> None:
    """Raise a `UsageError` where another number of replicates lies: some files would lack this arm, or the arms of before."""
    pattern = re.compile(rf"{re.escape(planned.name)}-([1-9][0-9]*)\.csv")
    found = filter(None, map(pattern.fullmatch, (file.name for file in planned.folder.glob("*.csv"))))
    numbers = sorted(int(match[1]) for match in found)
    if not numbers or numbers == list(range(1, planned.count + 1)):
        return
    same = f"give --replicates {len(numbers)}, or " if numbers[-1] == len(numbers) else ""
    raise UsageError(
        f"--replicates {planned.count}, but folder '{planned.folder}' has {len(numbers)} of before, and all must have the same "
        f"arms; {same}remove them"
    )


def write_all(
    tables: Sequence[TableFile], targets: Mapping[str, OutputFile], picture: bytes, again: ReplicateFiles | None
) -> Iterator[str]:
    """Write everything; yield what was done in words."""
    from kinimmune.fitting.runs.atomic_files import make_folder

    if again is not None:
        make_folder(again.folder)
    told = [table.write() for table in tables]
    alone = len(told) if again is None else len(told) - again.count
    yield from filter(None, told[:alone])
    if again is not None:
        yield (
            f"wrote {again.path(1)} to {again.path(again.count).name}: put each in the place of patients.csv and fit; how the "
            "estimates scatter is what the error of reading adds"
        )
        yield from _tell_other_arms(tables[alone - 1], tables[alone:])
    if "--plot" in targets:
        replaced = targets["--plot"].write(picture)
        if not targets["--plot"].fills_stdout:
            yield f"{'replaced' if replaced else 'wrote'} {targets['--plot'].path}"


def _tell_other_arms(patients: TableFile, replicates: Sequence[TableFile]) -> Iterator[str]:
    """Yield a sentence where replicates have other rows of before than the table in whose place they are to be put."""
    for other in replicates:
        if other.merged.kept != patients.merged.kept:
            yield (
                f"{patients.target.path} has {patients.merged.kept} rows of other arms or endpoints, {other.target.path} has "
                f"{other.merged.kept}: both must have those that are fitted"
            )
            return
