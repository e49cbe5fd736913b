"""What a fit identifies, from plan to files: curvature, refits and shares, then profiles.

Start with `plan_profile` and `run_profile`.
"""

from dataclasses import dataclass, replace

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.identifiability import identifiability, mechanism_share
from kinimmune.fitting.identifiability.results import IdentifiabilityResult, write_identifiability
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.fitting.profile.optima import OPTIMUM_TASKS, ProfileContext
from kinimmune.fitting.profile.path import USUAL_POINTS
from kinimmune.fitting.profile.predictions import choose_predictions
from kinimmune.fitting.profile.profile import ProfileSettings, count_paths, profile, require_parameters
from kinimmune.fitting.profile.results import ProfileResult, write_profiles
from kinimmune.fitting.workflow.forecast import Forecast
from kinimmune.fitting.workflow.runtime import Runtime


@dataclass(frozen=True)
class ProfilePlan:
    """What is to be profiled, and how many tasks that is expected to take."""

    fitted: Fitted
    context: ProfileContext
    settings: ProfileSettings | None
    """None leaves the profiles out: curvature, refits and shares alone."""
    draws: int
    """Draws for the share of a mechanism; 0 leaves it out."""
    forecast: Forecast


def plan_profile(
    fitted: Fitted, parameters: tuple[str, ...], predictions: tuple[str, ...], *, draws: int, profiles: bool = True
) -> ProfilePlan:
    """Return the plan; what cannot be profiled is refused before anything is written.

    Parameters
    ----------
    fitted
        a finished fit
    parameters
        names of what is profiled; everything that is estimated when empty
    predictions
        names of predictions that are profiled too
    draws
        draws for the share of a mechanism
    profiles
        whether anything is profiled

    Raises
    ------
    UsageError
        for a parameter or prediction the fit does not have
    """
    problem = open_problem(fitted.settings, fitted.folder)
    require_parameters(problem, parameters)
    chosen = choose_predictions(problem, predictions)
    settings = ProfileSettings(fitted.settings, fitted.folder, tuple(map(float, fitted.z)), parameters, chosen)
    context = ProfileContext(fitted.settings, fitted.folder, problem)
    wanted = settings if profiles else None
    return ProfilePlan(fitted, context, wanted, draws, _forecast(context, draws, wanted))


def run_profile(plan: ProfilePlan, runtime: Runtime) -> tuple[ProfileResult | None, IdentifiabilityResult]:
    """Carry out a plan and write `results/identifiability.json` and `results/profile.json` of the run."""
    counted = replace(runtime, begin=plan.forecast.begin)
    runtime.tell("curvature and refits")
    identified = identifiability.identify(
        plan.context,
        plan.fitted.z,
        counted,
        lambda best: mechanism_share.measure_shares(plan.context, best, plan.draws, counted),
    )
    profiled = None
    if plan.settings is not None:
        runtime.tell("profiles")
        profiled = profile(plan.settings, counted)
    write_identifiability(plan.fitted.run, identified)
    if profiled is not None:
        write_profiles(plan.fitted.run, profiled)
    return profiled, identified


def _forecast(context: ProfileContext, draws: int, wanted: ProfileSettings | None) -> Forecast:
    """Return how many tasks are expected before any has begun."""
    singles = identifiability.count_tasks(context) + mechanism_share.count_tasks(context, draws)
    if wanted is None:
        return Forecast(USUAL_POINTS, singles)
    return Forecast(USUAL_POINTS, singles + OPTIMUM_TASKS, count_paths(wanted))
