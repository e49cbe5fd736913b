"""The share of a survival benefit that runs through one mechanism: virtual trials with its arrows and without, over draws.

Start with `measure_shares`.  Which arrows are cut stands in `claims.csv`, in the first row whose read-out is declared to be such
a share (`kinimmune.fitting.claims.readout.Readout.share_of_benefit`); a model without such a row has none.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from kinimmune.fitting.claims.registry import readouts_of
from kinimmune.fitting.claims.table import read_claims
from kinimmune.fitting.estimation.laplace import approximate, uncertain_constants
from kinimmune.fitting.estimation.stop_rules import COMPARED
from kinimmune.fitting.identifiability.results import MechanismShare, ShareRow
from kinimmune.fitting.problem.objective import INSIDE, log_prediction, table_bounds
from kinimmune.fitting.problem.outputs import HazardRatioOutput, MedianOutput, list_ratios
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, arm_cohort, widen
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem, open_tables
from kinimmune.fitting.profile.optima import ProfileContext
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.trial.design import Endpoint, StopRule
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

MAX_PATIENTS = 64
"""Patients of these virtual trials; a share moves by a few hundredths over sets of them, far less than over draws."""
BLOCK = 8
"""Draws in a task."""
MIN_BENEFIT = 0.02
"""|ln hazard ratio|, or relative gain of the median, below which there is no benefit to share."""
MEASURES = ("hazard_ratio", "median")


def find_arrows(folder: str | None, model: str) -> tuple[str, ...]:
    """Return the arrows of the mechanism whose share of a survival benefit is claimed; none without such a claim."""
    shares = {name for name, readout in readouts_of(model).items() if readout.share_of_benefit}
    claims = read_claims(open_tables(folder), model)
    mechanism = next((claim.knock_outs[0] for claim in claims if claim.readout in shares and claim.knock_outs), "")
    return tuple(mechanism.split("+")) if mechanism else ()


def list_rules(problem: FitProblem) -> tuple[StopRule, ...]:
    """Return the rules for stopping treatment that every study can be run under."""
    known = all(math.isfinite(arm.symptomatic_median) for trial in problem.trials for arm in trial.treated)
    return tuple(rule for rule in COMPARED if known or rule is not StopRule.RADIOLOGICAL_AND_SYMPTOMATIC)


@dataclass(frozen=True)
class ShareDraws:
    """z-scores of every uncertain parameter: the estimated ones, then the constants that have a prior."""

    prior: Array
    """Draws from the priors, shape (n_draws, n)."""
    posterior: Array
    """Draws from the Gaussian posterior, shape (n_draws, n)."""
    fit: Array
    """The estimates, constants at their values, shape (1, n)."""


def draw_parameters(problem: FitProblem, estimates: Array, draws: int) -> ShareDraws:
    """Return draws from the priors and from the Gaussian posterior, of estimated parameters and constants together.

    The constants enter the posterior too: where the data say nothing of them it is their prior.
    """
    gaussian = approximate(problem, estimates)
    parameters = _uncertain(problem)
    constants = parameters[estimates.size :]
    centre = np.concatenate([estimates, [item.prior.to_z(item.value) for item in constants]])
    root = np.linalg.cholesky(gaussian.covariance(constants_drawn=True))
    normal = np.random.default_rng([problem.population.seed, 64]).standard_normal((draws, centre.size))
    lower, upper = table_bounds(parameters, INSIDE)
    return ShareDraws(np.clip(normal, lower, upper), np.clip(centre + normal @ root.T, lower, upper), centre[None, :])


def _uncertain(problem: FitProblem) -> tuple[Parameter, ...]:
    return (*problem.estimated, *uncertain_constants(problem))


def compute_draws(inputs: Json) -> Json:
    """Draw z-scores of the uncertain parameters: the function of a task."""
    problem = _open(inputs)
    found = draw_parameters(problem, np.array(inputs["point"]), int(inputs["draws"]))
    spent = len(problem.estimated) + len(_uncertain(problem)) + 1
    return {"prior": found.prior.tolist(), "posterior": found.posterior.tolist(), "fit": found.fit.tolist(), "evaluations": spent}


def compute_benefits(inputs: Json) -> Json:
    """Return, for every draw, the benefit with the mechanism and without it, per study and rule: the function of a task."""
    problem = _open_switched(_settings(inputs), inputs["folder"])
    arrows, rules = tuple(inputs["arrows"]), [StopRule(rule) for rule in inputs["rules"]]
    benefits: list[dict[str, dict[str, list[float]]] | None] = []
    failures = []
    for number, z in enumerate(inputs["points"]):
        try:
            benefits.append(_benefits(problem, np.array(z), arrows, rules))
        except NumericalError as error:
            benefits.append(None)
            failures.append({"what": f"draw {number} of the block", "reason": str(error)})
    runs = sum(len(trial.compared) for trial in problem.trials) * (1 + 2 * len(rules))
    return {"benefits": benefits, "evaluations": len(benefits) * runs // len(problem.arms), "failures": failures}


SHARE_DRAWS = TaskFunction("mechanism_share.draws", compute_draws, "kinimmune.fitting.mechanism_share:trial_draws")
SHARE_BLOCK = TaskFunction("mechanism_share.shares", compute_benefits, "kinimmune.fitting.mechanism_share:trial_shares")


def _settings(inputs: Json) -> ProblemSettings:
    settings = ProblemSettings(**inputs["problem"])
    return settings.with_patients(min(settings.patients, MAX_PATIENTS))


def _open(inputs: Json) -> FitProblem:
    return widen(open_problem(_settings(inputs), inputs["folder"], inputs["jobs"]))


@lru_cache(maxsize=1)
def _open_switched(settings: ProblemSettings, folder: str | None) -> FitProblem:
    """Return the problem with a switch on every arrow that claims cut, every uncertain parameter estimated.

    The arrows are those for which `kinimmune claims` has a kernel, so that none is compiled for this alone.
    """
    problem = widen(open_problem(settings, folder))
    claims = read_claims(open_tables(folder), settings.model)
    arrows = dict.fromkeys(arrow for claim in claims for group in claim.knock_outs for arrow in group.split("+"))
    whole = problem.simulator.compiled.model
    compiled = compile_model(whole.with_switches(*arrows))
    simulator = replace(problem.simulator, compiled=compiled, integrate=choose_integrator(settings.integrator, compiled))
    switches = compiled.model.parameters[len(whole.parameters) :]
    return replace(problem, simulator=simulator, parameters=(*problem.parameters, *switches), estimated=_uncertain(problem))


def without(problem: FitProblem, arrows: Sequence[str]) -> FitProblem:
    """Return a problem with switches, with some of them off."""
    off = {f"keep_{name}" for name in arrows}
    return replace(problem, parameters=tuple(item.at(0.0) if item.name in off else item for item in problem.parameters))


def _benefits(
    problem: FitProblem, z: Array, arrows: Sequence[str], rules: Sequence[StopRule]
) -> dict[str, dict[str, list[float]]]:
    """Return `study[:arm]:rule` -> measure -> the benefit with the arrows and without them."""
    cut = without(problem, arrows)
    benefits = {}
    for trial in problem.trials:
        for ratio in list_ratios(trial, Endpoint.OS):
            treated, control = (arm.name for arm in trial.contrast(ratio.arm))
            cohorts = [arm_cohort(problem, z, trial.study, control)]
            for variant in (problem, cut):
                cohort = arm_cohort(variant, z, trial.study, treated)
                cohorts += [replace(cohort, rule=rule) for rule in rules]
            placebo, *others = run_arms(problem.simulator, cohorts, problem.jobs)
            for rule, whole, rest in zip(rules, others[: len(rules)], others[len(rules) :], strict=True):
                pair = [_benefit(problem, ratio, outcome, placebo) for outcome in (whole, rest)]
                benefits[_key(ratio, rule)] = {name: [benefit[name] for benefit in pair] for name in MEASURES}
    return benefits


def _key(ratio: HazardRatioOutput, rule: StopRule) -> str:
    return f"{ratio.study}:{rule}" if ratio.arm is None else f"{ratio.study}:{ratio.arm}:{rule}"


def _benefit(problem: FitProblem, ratio: HazardRatioOutput, treated: ArmOutcome, control: ArmOutcome) -> dict[str, float]:
    """Return -ln hazard ratio of death, and the gain in median survival over the control's median."""
    outcomes = Outcomes({(ratio.study, item.arm.name): item for item in (treated, control)})
    medians = [math.exp(log_prediction(problem, outcomes, MedianOutput(study, arm).name)) for study, arm in outcomes.arms]
    return {
        "hazard_ratio": -log_prediction(problem, outcomes, ratio.name),
        "median": medians[0] / medians[1] - 1.0,
    }


def measure_shares(context: ProfileContext, estimates: Array, draws: int, runtime: Runtime) -> MechanismShare | None:
    """Return the shares under every rule for stopping treatment, over draws from priors and posterior.

    None without a claim, and where no study has a control.

    Parameters
    ----------
    context
        the fit
    estimates
        its estimates as z-scores, shape (n,)
    draws
        number of draws from each distribution
    runtime
        where chains are run
    """
    arrows = _choose_arrows(context)
    if not arrows or draws < 1:
        return None
    inputs = {"problem": context.settings.plain}
    drawing = {**inputs, "point": [float(score) for score in estimates], "draws": draws}
    drawn = runtime.run([TaskChain(Task(SHARE_DRAWS, "profile-draws", drawing, context.task_context))])[0][0]
    tasks = {
        (origin, first): Task(
            SHARE_BLOCK,
            f"profile-share-{origin}-{first // BLOCK:03d}",
            {
                **inputs,
                "points": drawn[origin][first : first + BLOCK],
                "arrows": list(arrows),
                "rules": [str(rule) for rule in list_rules(context.problem)],
            },
            context.task_context,
        )
        for origin in ("fit", "prior", "posterior")
        for first in range(0, len(drawn[origin]), BLOCK)
    }
    outcomes = dict(zip(tasks, runtime.run([TaskChain(task) for task in tasks.values()]), strict=True))
    benefits: dict[str, list[Json]] = {"fit": [], "prior": [], "posterior": []}
    for (origin, _), (outcome,) in outcomes.items():
        benefits[origin] += [item for item in outcome["benefits"] if item is not None]
    return MechanismShare(arrows, min(context.settings.patients, MAX_PATIENTS), tuple(_summarise(context.problem, benefits)))


def count_tasks(context: ProfileContext, draws: int) -> int:
    """Return how many tasks `measure_shares` takes: drawing, the fit, and blocks of draws from priors and posterior."""
    if draws < 1 or not _choose_arrows(context):
        return 0
    return 2 + 2 * math.ceil(draws / BLOCK)


def _choose_arrows(context: ProfileContext) -> tuple[str, ...]:
    """Return the arrows that are cut; none where no arm is compared with a control, which leaves no benefit to share."""
    compared = any(trial.compared for trial in context.problem.trials)
    return find_arrows(context.folder, context.settings.model) if compared else ()


def _summarise(problem: FitProblem, benefits: Mapping[str, Sequence[Json]]) -> list[ShareRow]:
    rows = []
    ratios = [ratio for trial in problem.trials for ratio in list_ratios(trial, Endpoint.OS)]
    for ratio in ratios:
        for rule in list_rules(problem):
            for measure in MEASURES:
                shares = {
                    origin: [share_of(*benefit[_key(ratio, rule)][measure]) for benefit in found]
                    for origin, found in benefits.items()
                }
                at_fit = shares["fit"][0] if shares["fit"] else None
                for origin in ("prior", "posterior"):
                    known = [share for share in shares[origin] if share is not None]
                    median, lower, upper = (float(np.quantile(known, level)) if known else None for level in (0.5, 0.05, 0.95))
                    rows.append(
                        ShareRow(
                            study=ratio.study,
                            arm=ratio.arm,
                            rule=str(rule),
                            measure=measure,
                            draws_from=origin,
                            at_fit=at_fit,
                            median=median,
                            lower=lower,
                            upper=upper,
                            draws=len(known),
                            without_benefit=len(shares[origin]) - len(known),
                        )
                    )
    return rows


def share_of(whole: float, rest: float) -> float | None:
    """Return the share of a benefit that is lost with a mechanism, None where there is no benefit.

    >>> share_of(0.4, 0.2), share_of(0.0, 0.1)
    (0.5, None)
    """
    return 1.0 - rest / whole if whole >= MIN_BENEFIT else None
