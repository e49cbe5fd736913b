"""A prediction before anything is computed: virtual trials without a target, and the points at which they are run.

Start with `plan_prediction`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinimmune.fitting.prediction.matching import MatchedParameters, match_parameters
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.source import ParameterSource
from kinimmune.fitting.prediction.trials import Contrast, GivenTrials, choose_arms, find_missing, list_contrasts, open_trials
from kinimmune.fitting.problem.horizon import REPORT_MONTHS
from kinimmune.fitting.problem.problem import FIT_TOLERANCES, FitProblem
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import UsageError
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.readers import read_drugs
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import StopRule, Trial
from kinimmune.models.trial.population import draw_population
from kinimmune.models.trial.simulator import TrialSimulator


@dataclass(frozen=True)
class Virtual:
    """How virtual trials are run."""

    options: ProblemOptions
    seed: int
    """Of the virtual patients."""
    jobs: int
    horizon: float = 0.0
    """Least horizon of the curves [d]."""
    studies: tuple[str, ...] | None = None
    """Those that are predicted where no arm is named; None for all that have a value of every parameter."""


@dataclass(frozen=True)
class PlannedPrediction:
    """Everything a prediction is computed from."""

    request: PredictionRequest
    source: ParameterSource
    problem: FitProblem
    """The virtual trials; what differs from draw to draw is what it estimates, and it has no target."""
    matched: MatchedParameters
    contrasts: tuple[Contrast, ...]
    notes: tuple[str, ...]
    """What a reader must know, a line each."""


def plan_prediction(
    source: ParameterSource, request: PredictionRequest, virtual: Virtual, trial: Tables | None, seed: int
) -> PlannedPrediction:
    """Return a prediction that can be computed.

    Parameters
    ----------
    source
        what is known of the parameters
    request
        what is asked
    virtual
        how virtual trials are run
    trial
        tables whose arms are predicted; None for those of the source
    seed
        of draws from priors

    Raises
    ------
    UsageError
        for an arm, study or size that cannot be predicted
    DataError
        when a table cannot be used
    """
    given = open_trials(source, trial)
    asked = choose_arms(given.trials, request.arms)
    usual, left = _choose_usual(given, request, virtual) if not request.arms else (asked, ())
    if not usual:
        raise UsageError(left[0])
    studies = tuple(dict.fromkeys([*(virtual.studies or ()), *(item.study for item in usual)]))
    matched = match_parameters(source, given, studies, request.borrowed, seed)
    for item in usual:
        missing = find_missing(given.model, matched.parameters, item.study)
        if missing:
            raise UsageError(_tell_missing(item.study, missing))
    _require_sizes(usual, request.sizes)
    problem = _build(given, usual, matched, request, virtual)
    contrasts = list_contrasts(usual, request.ratios)
    return PlannedPrediction(request, source, problem, matched, contrasts, (*left, *_list_notes(source, given, trial, matched)))


def _choose_usual(given: GivenTrials, request: PredictionRequest, virtual: Virtual) -> tuple[tuple[Trial, ...], tuple[str, ...]]:
    """Return the trials that are predicted where no arm is named, and why others are not."""
    if virtual.studies is not None:
        return tuple(item for item in given.trials if item.study in virtual.studies), ()
    if request.borrowed is not None:
        return given.trials, ()
    gaps = {item.study: find_missing(given.model, given.parameters, item.study) for item in given.trials}
    kept = tuple(item for item in given.trials if not gaps[item.study])
    return kept, tuple(_tell_missing(study, names) for study, names in gaps.items() if names)


def _tell_missing(study: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    what = f"study '{study}' is not predicted: parameters.csv has no value of {shown} for it"
    return f"{what}; add a row, or take those of another study with --as STUDY"


def _require_sizes(trials: Sequence[Trial], sizes: Sequence[int]) -> None:
    """Refuse sizes at which an arm would have fewer than two patients."""
    for trial in trials if sizes else ():
        total, smallest = sum(arm.n for arm in trial.arms), min(trial.arms, key=lambda arm: arm.n)
        if smallest.n * sizes[0] < 2 * total:
            least = -(-2 * total // smallest.n)
            raise UsageError(
                f"--size {sizes[0]}: arm '{trial.study}:{smallest.name}' would have fewer than 2 patients; give at least {least}"
            )


def _build(
    given: GivenTrials, trials: tuple[Trial, ...], matched: MatchedParameters, request: PredictionRequest, virtual: Virtual
) -> FitProblem:
    compiled = compile_model(given.model)
    followed = [period.longest for trial in trials for period in trial.follow_up.values()]
    longest = max([REPORT_MONTHS * DAYS_PER_MONTH, virtual.horizon, *followed])
    integrate = choose_integrator(virtual.options.integrator, compiled)
    simulator = TrialSimulator(compiled, integrate, FIT_TOLERANCES, longest, virtual.options.every_scan)
    return FitProblem(
        simulator=simulator,
        parameters=matched.parameters,
        estimated=matched.moved,
        trials=trials,
        arms=tuple((trial.study, arm.name) for trial in trials for arm in trial.arms),
        targets=(),
        rules=_choose_rules(trials, request.stop_rule or virtual.options.stop_rule),
        population=draw_population(matched.parameters, virtual.options.patients, virtual.seed),
        jobs=virtual.jobs,
        drugs=read_drugs(given.tables),
    )


def _choose_rules(trials: Sequence[Trial], rule: StopRule | None) -> Mapping[str, StopRule]:
    return {trial.study: rule or trial.stop_rule for trial in trials}


def _list_notes(source: ParameterSource, given: GivenTrials, trial: Tables | None, matched: MatchedParameters) -> tuple[str, ...]:
    """Return constants that the tables of a trial have otherwise than what the parameters are taken from."""
    if trial is None:
        return ()
    theirs = {item.key: item.value for item in given.parameters}
    held = [item for item in matched.origins if item.origin == "held"]
    other = [item.name for item in held if theirs.get(item.name, item.value) != item.value]
    if not other:
        return ()
    return (f"held as in {'the run' if source.studies else 'the model'}, not as in the tables of the trial: {', '.join(other)}",)
