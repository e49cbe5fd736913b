"""What differs between runs before anything was fitted: model, tables, settings, what was told of parameters, versions.

Start with `list_differences`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from kinimmune.fitting.comparison.numbers import name_rows, report
from kinimmune.fitting.comparison.reading import FittedRun, shorten
from kinimmune.fitting.comparison.results import Difference

NONE = "-"
"""What stands for nothing."""


def list_differences(runs: Sequence[FittedRun]) -> tuple[Difference, ...]:
    """Return everything that is not the same in all runs, what weighs most first."""
    return tuple(Difference(what, values) for what, values in _list_values(runs) if len(set(values)) > 1)


def _list_values(runs: Sequence[FittedRun]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "model", tuple(run.fit.model for run in runs)
    yield "equations", tuple(_tell_equations(run) for run in runs)
    yield "digest of tables and equations", tuple(shorten(run.record.digest) for run in runs)
    yield from _spread("table", runs, lambda run: {name: shorten(digest) for name, digest in run.record.inputs.items()})
    yield "studies", tuple(", ".join(run.fit.stop_rules) for run in runs)
    yield "fitted numbers", tuple(str(len(run.fit.targets)) for run in runs)
    yield from _share("fitted number", runs, _list_fitted)
    yield from _share("stop rule of", runs, lambda run: run.fit.stop_rules)
    yield from _spread("at the call:", runs, lambda run: {row.name: row.changed for row in run.fit.changes})
    yield from _share("prior of", runs, lambda run: {row.name: row.prior for row in run.fit.parameters})
    yield from _share("constant", runs, lambda run: {row.name: f"{row.value!r} {row.unit}" for row in run.fit.constants})
    yield "seed", tuple(str(run.fit.seed) for run in runs)
    yield "patients", tuple(str(run.fit.patients) for run in runs)
    yield "starts", tuple(str(run.settings.fit.starts) for run in runs)
    yield "integrator", tuple(run.settings.fit.integrator for run in runs)
    yield "paths after treatment", tuple("every scan" if run.settings.fit.every_scan else "some for others" for run in runs)
    yield "factor of the residuals", tuple(NONE if run.whitening is None else shorten(run.whitening) for run in runs)
    yield "schema", tuple(run.fit.schema for run in runs)
    yield from _spread("version of", runs, _list_versions)
    yield "system", tuple(run.record.environment.system for run in runs)
    yield "processor", tuple(run.record.environment.cpu for run in runs)


def _spread(
    what: str, runs: Sequence[FittedRun], read: Callable[[FittedRun], Mapping[str, str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a row for each name that one of the runs has something under."""
    known = [read(run) for run in runs]
    for name in dict.fromkeys(name for own in known for name in own):
        yield f"{what} {name}", tuple(own.get(name) or NONE for own in known)


def _share(
    what: str, runs: Sequence[FittedRun], read: Callable[[FittedRun], Mapping[str, str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the rows of `_spread` in which two runs have something, and not the same."""
    yield from ((name, values) for name, values in _spread(what, runs, read) if len({*values} - {NONE}) > 1)


def _list_versions(run: FittedRun) -> Mapping[str, str]:
    return {"python": run.record.environment.python, **run.record.environment.libraries}


def _list_fitted(run: FittedRun) -> Mapping[str, str]:
    """Return what was fitted, with its interval where the fit read one."""
    told = {}
    for place, row in name_rows(run.fit.targets).items():
        origin = "" if row.interval_status is None else f", interval {row.interval_status}"
        told[str(place)] = f"{report(row)}{origin}"
    return told


def _tell_equations(run: FittedRun) -> str:
    return "not known" if run.equations is None else shorten(run.equations)
