"""What a setting shows: curves, numbers at risk, medians, hazard ratios, and how far published numbers are.

Start with `compute_view`, which gives a `View` (`kinimmune.fitting.exploration.shown`).
"""

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from kinimmune.fitting.estimation.comparisons import Evidence, compare
from kinimmune.fitting.estimation.outcome_rows import CurveRow
from kinimmune.fitting.exploration.session import Session, place_session
from kinimmune.fitting.exploration.setting import Setting, write_command
from kinimmune.fitting.exploration.shown import ShownNumber, ShownRatio, ShownRisk, ShownTarget, View
from kinimmune.fitting.prediction.analyses import DrawnRatio
from kinimmune.fitting.prediction.outcome import DrawnTrial, describe_outcomes, risk_months
from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, enrol
from kinimmune.fitting.problem.targets import UNITS, Role, Statistic
from kinimmune.models.arrays import NORMAL_95
from kinimmune.models.trial.cohort import PopulationCohort
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

MOST_KEPT = 64
"""Arms whose outcomes are kept for when they are shown again."""


@dataclass(frozen=True)
class KnownArms:
    """Outcomes of arms that were run lately: a dose that moves leaves all other arms as they were."""

    kept: "OrderedDict[object, ArmOutcome]" = field(default_factory=OrderedDict)

    def find(self, key: object) -> ArmOutcome | None:
        """Return an outcome, None where there is none; it counts as used."""
        if key in self.kept:
            self.kept.move_to_end(key)
        return self.kept.get(key)

    def keep(self, key: object, outcome: ArmOutcome) -> None:
        """Keep an outcome; the one longest unused goes."""
        self.kept[key] = outcome
        while len(self.kept) > MOST_KEPT:
            self.kept.popitem(last=False)


def compute_view(session: Session, setting: Setting, known: KnownArms) -> View:
    """Return what a setting shows: the numbers of `kinimmune predict` with the same values, patients and seed, bit by bit.

    Parameters
    ----------
    session
        what is explored
    setting
        what was chosen
    known
        outcomes that need not be computed again; new ones are added

    Raises
    ------
    UsageError
        for a setting that cannot be, as `place_session` tells it
    NumericalError
        where no patient of an arm could be integrated
    """
    plan = place_session(session, setting)
    outcomes = run_point(plan, known)
    drawn = describe_outcomes(plan.problem, outcomes, plan.comparisons)
    targets = tuple(list_targets(session, plan.problem, outcomes))
    fitted = [item.deviance for item in targets if item.role == Role.FIT]
    sums = [value for value in fitted if value is not None]
    return View(
        command=write_command(session.words, setting),
        patients=setting.patients,
        failed=sum(outcome.failed for outcome in outcomes.values()),
        chi_square=sum(sums) if sums and len(sums) == len(fitted) else None,
        curves=tuple(list_curves(drawn)),
        at_risk=tuple(_list_at_risk(plan.problem, drawn)),
        numbers=tuple(_list_numbers(drawn)),
        ratios=tuple(_list_ratios(drawn)),
        targets=targets,
    )


def run_point(plan: PlannedPrediction, known: KnownArms) -> Outcomes:
    """Return the outcomes of every arm at the first point of a plan; those that are known are not run again."""
    problem, z = plan.problem, plan.matched.points[0]
    cohorts = {place: enrol(problem, z, *place) for place in problem.arms}
    keys = {place: _identify(cohort) for place, cohort in cohorts.items()}
    missing = [place for place in problem.arms if known.find(keys[place]) is None]
    found = {place: known.find(key) for place, key in keys.items()}
    for place, outcome in zip(
        missing, run_arms(problem.simulator, [cohorts[place] for place in missing], problem.jobs), strict=True
    ):
        known.keep(keys[place], outcome)
        found[place] = outcome
    return Outcomes({place: outcome for place, outcome in found.items() if outcome is not None})


def _identify(cohort: PopulationCohort) -> object:
    """Return what the outcome of an arm depends on, within one session."""
    later = cohort.next_line
    after = None if later is None else (later.parameters, tuple(later.values.items()))
    drawn = (cohort.population.patients, cohort.population.seed)
    return (cohort.arm, cohort.rule, cohort.parameters, tuple(cohort.values.items()), after, drawn)


def list_curves(drawn: DrawnTrial) -> Iterator[CurveRow]:
    """Yield the curves of every arm and endpoint; months, and the share without the event at each."""
    for place, curve in drawn.curves.items():
        yield CurveRow(*place, tuple(curve.months.tolist()), tuple(curve.survival.tolist()))


def _list_at_risk(problem: FitProblem, drawn: DrawnTrial) -> Iterator[ShownRisk]:
    for (study, arm, endpoint), counts in drawn.at_risk.items():
        months = risk_months(problem.trial(study), Endpoint(endpoint))
        yield ShownRisk(study, arm, endpoint, tuple(months.tolist()), tuple(counts.tolist()))


def _list_numbers(drawn: DrawnTrial) -> Iterator[ShownNumber]:
    for place, number in drawn.numbers.items():
        month = None if math.isnan(place.month) else place.month
        value = number.value if math.isfinite(number.value) else None
        unit = UNITS.get(Statistic(place.statistic), "1")
        yield ShownNumber(place.study, place.arm, place.endpoint or None, place.statistic, month, unit, value)


def _list_ratios(drawn: DrawnTrial) -> Iterator[ShownRatio]:
    for (pair, endpoint), found in drawn.ratios.items():
        place = (pair.study, pair.arm, pair.reference, endpoint)
        if not isinstance(found, DrawnRatio):
            yield ShownRatio(*place, None, None, None, found)
            continue
        away = NORMAL_95 * found.error
        value, lower, upper = (float(np.exp(found.log_ratio + by)) for by in (0.0, -away, away))
        yield ShownRatio(*place, value, lower, upper, "")


def list_targets(session: Session, problem: FitProblem, outcomes: Outcomes) -> Iterator[ShownTarget]:
    """Yield published numbers of a session beside those of its virtual trials."""
    rows = compare(Evidence(problem, outcomes, None, session.targets), session.targets, with_null=False)
    for target, row in zip(session.targets, rows, strict=True):
        endpoint = None if target.endpoint is None else str(target.endpoint)
        yield ShownTarget(
            target.label, target.study, row.arm, endpoint, str(target.statistic), str(target.role), target.unit,
            row.observed, row.lower, row.upper, row.predicted, row.residual, row.deviance, row.n_residuals, row.reason,
        )  # fmt: skip
