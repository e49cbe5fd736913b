"""A prediction before anything is computed: virtual trials without a target, and the points at which they are run.

Start with `plan_prediction`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kinimmune.fitting.prediction.assumed import CUT, add_switches, change_design, hold_values
from kinimmune.fitting.prediction.matching import MatchedParameters, match_parameters
from kinimmune.fitting.prediction.outcome import Comparisons
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.source import ParameterSource
from kinimmune.fitting.prediction.spending import AnalysisPlan
from kinimmune.fitting.prediction.trials import GivenTrials, choose_arms, find_missing, list_contrasts, open_trials
from kinimmune.fitting.problem.horizon import REPORT_MONTHS
from kinimmune.fitting.problem.problem import FIT_TOLERANCES, FitProblem
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import UsageError
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.covariate_effects import set_effects
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
    comparisons: Comparisons
    analyses: AnalysisPlan
    """When the test is made, and what it must come to."""
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
        for an arm, study, size, value or arrow that cannot be predicted
    DataError
        when a table cannot be used
    """
    analyses = request.plan_analyses()
    given = open_trials(source, trial)
    if request.cuts:
        given = add_switches(given)
    asked = choose_arms(given.trials, request.arms)
    usual, left = _choose_usual(given, request, virtual) if not request.arms else (asked, ())
    if not usual:
        raise UsageError(left[0])
    studies = tuple(dict.fromkeys([*(virtual.studies or ()), *(item.study for item in usual)]))
    matched = match_parameters(source, given, studies, request.borrowed, seed)
    matched = replace(matched, parameters=set_effects(matched.parameters, given.effects))
    for item in usual:
        missing = find_missing(given.model, matched.parameters, item.study)
        if missing:
            raise UsageError(_tell_missing(item.study, missing))
    _require_sizes(usual, request.sizes)
    problem = _build(given, usual, matched, request, virtual)
    comparisons = Comparisons(list_contrasts(usual, request.ratios), analyses.interim, request.cut_offs)
    notes = (*left, *_list_notes(source, given, trial, matched))
    plan = PlannedPrediction(request, source, problem, matched, comparisons, analyses, notes)
    return assume(plan, request.values, request.cuts)


def assume(plan: PlannedPrediction, values: Mapping[str, float], cuts: Sequence[str] = ()) -> PlannedPrediction:
    """Return a prediction in which some numbers are otherwise than in its source and its tables.

    Nothing is compiled: cuts need the plan of a request that has some, whose model has a switch on every arrow.

    Parameters
    ----------
    plan
        as it is planned without them
    values
        name or key of a parameter, or name of a `DesignPlace`, -> value
    cuts
        arrows that are cut

    Raises
    ------
    UsageError
        for an unknown name, with the nearest one, or a value outside its range
    """
    model = plan.problem.simulator.model
    switched = any(CUT.format(name) in model.parameter_names for name in model.interactions)
    matched = hold_values(plan.matched, values, cuts, model.interactions if switched else ())
    trials = change_design(plan.problem.trials, values)
    problem = replace(plan.problem, parameters=matched.parameters, estimated=matched.moved, trials=trials)
    return replace(plan, problem=problem, matched=matched)


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
    last = max([REPORT_MONTHS, *request.cut_offs]) * DAYS_PER_MONTH
    longest = max([last, virtual.horizon, *followed])
    integrate = choose_integrator(virtual.options.integrator, compiled)
    simulator = TrialSimulator(compiled, integrate, FIT_TOLERANCES, longest, virtual.options.every_scan)
    return FitProblem(
        simulator=simulator,
        parameters=matched.parameters,
        estimated=matched.moved,
        trials=trials,
        arms=tuple((trial.study, arm.name) for trial in trials for arm in trial.arms),
        targets=(),
        rules=choose_rules(trials, request.stop_rule or virtual.options.stop_rule),
        population=draw_population(matched.parameters, virtual.options.patients, virtual.seed),
        jobs=virtual.jobs,
        drugs=read_drugs(given.tables),
    )


def choose_rules(trials: Sequence[Trial], rule: StopRule | None) -> Mapping[str, StopRule]:
    """Return study -> the rule by which treatment stops: one for all, or None for each study's own."""
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
