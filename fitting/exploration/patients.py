"""Single patients and mean courses at a setting: what takes longer than curves, and is computed when it is looked at.

Start with `compute_patients` and `compute_courses`.
"""

from dataclasses import dataclass, replace

from kinimmune.fitting.estimation.outcome_rows import Numbers
from kinimmune.fitting.estimation.trial_summary import draw_patients, find_best_changes, list_spiders
from kinimmune.fitting.exploration.session import Session, place_session
from kinimmune.fitting.exploration.setting import Setting
from kinimmune.fitting.problem.problem import arm_cohort
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.population import draw_population
from kinimmune.models.trial.virtual_trial import mean_courses

COURSE_PATIENTS = 64
"""Virtual patients that mean courses are taken over."""


@dataclass(frozen=True)
class ShownPatients:
    """The patients of one arm, drawn as a trial enrols them."""

    study: str
    arm: str
    best_change: Numbers
    """Best change of the sum of diameters [%] of each who had a scan, falling."""
    spiders: tuple[tuple[Numbers, Numbers], ...]
    """(months, change [%]) of some of them while observed."""


@dataclass(frozen=True)
class ShownCourses:
    """Mean courses over the living of one arm."""

    study: str
    arm: str
    months: Numbers
    courses: dict[str, Numbers]
    """State or output -> its mean at `months`."""


def compute_patients(session: Session, setting: Setting) -> tuple[ShownPatients, ...]:
    """Return as many drawn patients of each arm as were randomised, by the seed of a setting; none without diameters.

    Raises
    ------
    UsageError
        for a setting that cannot be
    """
    plan = place_session(session, setting)
    problem, z = plan.problem, plan.matched.points[0]
    shown = []
    for trial in problem.trials:
        for arm in trial.arms:
            drawn = draw_patients(problem, z, trial, arm, setting.seed)
            scans = trial.scans(float(drawn.grid[-1]))
            shown.append(ShownPatients(trial.study, arm.name, find_best_changes(drawn, scans), list_spiders(drawn, scans)))
    return tuple(shown)


def compute_courses(session: Session, setting: Setting) -> tuple[ShownCourses, ...]:
    """Return the mean courses, over 64 virtual patients or fewer, of the states and outputs that the model's report shows.

    Raises
    ------
    UsageError
        for a setting that cannot be
    """
    plan = place_session(session, setting)
    patients = min(setting.patients, COURSE_PATIENTS)
    population = draw_population(plan.problem.parameters, patients, setting.seed)
    problem, z = replace(plan.problem, population=population), plan.matched.points[0]
    shown = []
    for study, arm in problem.arms:
        rows = mean_courses(problem.simulator, arm_cohort(problem, z, study, arm), problem.simulator.model.reported_courses)
        months = problem.simulator.grid(problem.trial(study)) / DAYS_PER_MONTH
        courses = {name: tuple(row.tolist()) for name, row in rows.items()}
        shown.append(ShownCourses(study, arm, tuple(months.tolist()), courses))
    return tuple(shown)
