"""Carrying a prediction out: the virtual trial at every draw, and what the draws say together.

Start with `predict_plan`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kinimmune.fitting.prediction.outcome import DrawnTrial, describe_outcomes
from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.prediction.ratios import add_shares, plan_sizes, summarise_ratios
from kinimmune.fitting.prediction.results import ParameterRow, PredictionResult
from kinimmune.fitting.prediction.shares import find_shares
from kinimmune.fitting.prediction.summary import summarise_arms
from kinimmune.fitting.prediction.timings import summarise_cut_offs, summarise_looks
from kinimmune.fitting.problem.many_trials import COMPUTATION_ERRORS, predict_each
from kinimmune.models.errors import NumericalError

BLOCK = 20
"""Draws that are run side by side."""


@dataclass(frozen=True)
class DrawnTrials:
    """The virtual trials at the draws."""

    trials: tuple[DrawnTrial, ...]
    """Those that could be computed."""
    failures: tuple[str, ...]
    """Why others could not, one for each."""


def predict_plan(plan: PlannedPrediction, seed: int, tell: Callable[[str], None], run: str | None = None) -> PredictionResult:
    """Return what a prediction shows; the same bits for any number of threads.

    Parameters
    ----------
    plan
        what is computed
    seed
        of its draws, for the result
    tell
        takes one line about what is being done
    run
        folder of the run whose posterior the draws are of

    Raises
    ------
    NumericalError
        when the virtual trial could be computed at no draw
    """
    drawn = run_draws(plan, tell)
    if not drawn.trials:
        raise NumericalError(f"the virtual trial could be computed at none of {len(drawn.failures)} draws: {drawn.failures[0]}")
    problem, request, source = plan.problem, plan.request, plan.source
    count = len(drawn.trials)
    effective = float(count) if source.effective is None else min(float(count), source.effective)
    if source.covariance is not None:
        tell("what the ratios rest on")
    arms = summarise_arms(problem, drawn.trials)
    return PredictionResult(
        model=problem.simulator.model.name,
        run=run,
        basis=source.basis,
        note=source.note,
        seed=seed,
        patients=problem.population.patients,
        draws=len(plan.matched.points),
        effective_draws=effective,
        failed_draws=len(drawn.failures),
        failures=tuple(dict.fromkeys(drawn.failures)),
        alpha=request.alpha,
        stop_rules={study: str(rule) for study, rule in problem.rules.items()},
        parameters=tuple(ParameterRow(item.name, item.origin, item.of, item.value) for item in plan.matched.origins),
        notes=plan.notes,
        numbers=arms.numbers,
        ratios=add_shares(summarise_ratios(drawn.trials, plan, effective), find_shares(plan)),
        sizes=plan_sizes(drawn.trials, plan, effective),
        looks=tuple(summarise_looks(drawn.trials, plan, effective)),
        spending=str(request.spending) if request.looks else None,
        cut_offs=tuple(summarise_cut_offs(drawn.trials, plan, effective)),
        at_risk=arms.at_risk,
        calendar=arms.calendar,
        curves=arms.curves,
        values=dict(request.values),
        cuts=request.cuts,
    )


def run_draws(plan: PlannedPrediction, tell: Callable[[str], None]) -> DrawnTrials:
    """Return the virtual trial at every draw, blocks of them side by side; one that fails does not stop the others."""
    trials: list[DrawnTrial] = []
    failures: list[str] = []
    points = list(plan.matched.points)
    for first in range(0, len(points), BLOCK):
        tell(f"virtual trials {first + 1} to {min(first + BLOCK, len(points))} of {len(points)}")
        for outcomes in predict_each(plan.problem, points[first : first + BLOCK]):
            try:
                if isinstance(outcomes, Exception):
                    raise outcomes
                trials.append(describe_outcomes(plan.problem, outcomes, plan.comparisons))
            except COMPUTATION_ERRORS as error:
                failures.append(str(error))
    return DrawnTrials(tuple(trials), tuple(failures))
