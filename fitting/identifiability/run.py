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
from kinimmune.models.errors import UsageError


@dataclass(frozen=True)
class ProfilePlan:
    """What is to be profiled, and how many tasks that is expected to take."""

    fitted: Fitted
    context: ProfileContext
    settings: ProfileSettings | None
    """None leaves the profiles out: curvature, refits and shares alone."""
    draws: int | None
    """Draws for the share of a mechanism; 0 leaves it out, None curvature and refits too: profiles alone."""
    forecast: Forecast


def plan_profile(
    fitted: Fitted,
    parameters: tuple[str, ...],
    predictions: tuple[str, ...],
    *,
    draws: int,
    profiles: bool = True,
    refits: bool = True,
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
    refits
        whether curvature, refits and shares are computed

    Raises
    ------
    UsageError
        for a parameter or prediction the fit does not have, or when nothing is left to compute
    """
    if not (profiles or refits):
        raise UsageError("--identifiability-only and --no-refits leave nothing to compute; take one of them")
    problem = open_problem(fitted.settings, fitted.folder)
    require_parameters(problem, parameters)
    chosen = choose_predictions(problem, predictions)
    settings = ProfileSettings(fitted.settings, fitted.folder, tuple(map(float, fitted.z)), parameters, chosen)
    context = ProfileContext(fitted.settings, fitted.folder, problem)
    wanted = settings if profiles else None
    return ProfilePlan(fitted, context, wanted, draws if refits else None, _forecast(context, draws if refits else None, wanted))


def run_profile(plan: ProfilePlan, runtime: Runtime) -> tuple[ProfileResult | None, IdentifiabilityResult | None]:
    """Carry out a plan and write what it asks for of `results/identifiability.json` and `results/profile.json` of the run."""
    counted = replace(runtime, begin=plan.forecast.begin)
    identified = None if plan.draws is None else _identify(plan, plan.draws, counted)
    profiled = None
    if plan.settings is not None:
        runtime.tell("profiles")
        profiled = profile(plan.settings, counted)
    if identified is not None:
        write_identifiability(plan.fitted.run, identified)
    if profiled is not None:
        write_profiles(plan.fitted.run, profiled)
    return profiled, identified


def _identify(plan: ProfilePlan, draws: int, runtime: Runtime) -> IdentifiabilityResult:
    runtime.tell("curvature and refits")
    return identifiability.identify(
        plan.context,
        plan.fitted.z,
        runtime,
        lambda best: mechanism_share.measure_shares(plan.context, best, draws, runtime),
    )


def _forecast(context: ProfileContext, draws: int | None, wanted: ProfileSettings | None) -> Forecast:
    """Return how many tasks are expected before any has begun."""
    singles = 0 if draws is None else identifiability.count_tasks(context) + mechanism_share.count_tasks(context, draws)
    if wanted is None:
        return Forecast(USUAL_POINTS, singles)
    return Forecast(USUAL_POINTS, singles + OPTIMUM_TASKS, count_paths(wanted))
