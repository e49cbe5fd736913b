"""Fits beside each other: what differs between the runs, their sums of squares, what they predict and what they estimate.

Start with `compare`; `kinimmune.fitting.comparison.reading.read_runs` reads what it takes.
"""

from collections.abc import Sequence

from kinimmune.fitting.comparison.differences import list_differences
from kinimmune.fitting.comparison.measures import count_numbers, list_measures
from kinimmune.fitting.comparison.numbers import list_numbers, list_transport
from kinimmune.fitting.comparison.parameters import list_parameters
from kinimmune.fitting.comparison.reading import FittedRun
from kinimmune.fitting.comparison.results import ComparedRun, Comparison
from kinimmune.fitting.runs.run import RunStatus


def compare(runs: Sequence[FittedRun]) -> Comparison:
    """Return fits beside each other; the first is the reference of all differences.

    Parameters
    ----------
    runs
        at least two

    Raises
    ------
    ValueError
        for fewer
    """
    measures, refusals = list_measures(runs)
    return Comparison(
        runs=tuple(map(_describe, runs)),
        differences=list_differences(runs),
        refusals=refusals,
        measures=measures,
        numbers=list_numbers(runs),
        transport=list_transport(runs),
        parameters=list_parameters(runs),
        cautions=tuple(_list_cautions(runs)),
    )


def _describe(run: FittedRun) -> ComparedRun:
    fit = run.fit
    status, path = str(run.record.status), str(run.path)
    return ComparedRun(run.label, path, fit.model, status, fit.status, fit.seed, fit.patients, tuple(_list_flags(run)))


def _list_flags(run: FittedRun) -> list[str]:
    """Return what makes a fit doubtful."""
    fit, status = run.fit, run.record.status
    bounds = [row.name for row in fit.parameters if row.at_bound]
    flags = [] if fit.status == "converged" else [f"the fit did not converge: {fit.status}"]
    flags += [] if status is RunStatus.DONE else [f"the run is '{status}': a command in it has not ended as it should"]
    flags += [f"at a bound: {', '.join(bounds)}"] if bounds else []
    return flags + ([f"virtual patients that failed to integrate: {fit.failed_patients}"] if fit.failed_patients else [])


def _list_cautions(runs: Sequence[FittedRun]) -> list[str]:
    """Return what the numbers cannot say."""
    numbers = count_numbers(runs[0].fit)
    told = [
        "Sums of squares and criteria rank fits to the same numbers with the same errors, and nothing else. Their k is "
        "the effective parameters: priors leave fewer than are counted, and AIC with them is the DIC by the curvature.",
        f"The n of AICc and BIC is the number of fitted numbers, {numbers} of the first run: with few they say little. No "
        "criterion knows from what the structure of a model was chosen.",
    ]
    early = [run.label for run in runs if not run.record.digest]
    if early:
        told.append(f"From before runs told the form of their objective, taken to be that of the others: {', '.join(early)}.")
    if len({(run.fit.seed, run.fit.patients) for run in runs}) > 1:
        told.append("The virtual patients are not the same (seed or number): part of every difference is theirs.")
    return told
