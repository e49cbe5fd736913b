"""The share of a survival benefit that runs through one mechanism: virtual trials with its arrows and without, over draws.

Start with `measure_shares`.  Which arrows are cut stands in `claims.csv`, in the row whose read-out is `os_benefit_through`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from kinimmune.fitting.claims.table import read_claims
from kinimmune.fitting.estimation.laplace import linearise
from kinimmune.fitting.estimation.stop_rules import COMPARED
from kinimmune.fitting.identifiability.results import MechanismShare, ShareRow
from kinimmune.fitting.problem.objective import INSIDE, log_prediction, table_bounds
from kinimmune.fitting.problem.predictions import pairs
from kinimmune.fitting.problem.problem import REPORT_MONTHS, FitProblem, arm_cohort, to_horizon
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem, open_tables
from kinimmune.fitting.profile.optima import Ground
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import Parameter, Scale
from kinimmune.models.trial.design import StopRule
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

READOUT = "os_benefit_through"
MOST_PATIENTS = 64
"""Patients of these virtual trials; a share moves by a few hundredths over sets of them, far less than over draws."""
BLOCK = 8
"""Draws in a step."""
LEAST_BENEFIT = 0.02
"""|ln hazard ratio|, or relative gain of the median, below which there is no benefit to share."""
MEASURES = ("hazard_ratio", "median")


def find_arrows(folder: str | None, model: str) -> tuple[str, ...]:
    """Return the arrows of the mechanism whose share of a survival benefit is claimed; none without such a claim."""
    claims = read_claims(open_tables(folder), model)
    found = [claim.knock_outs[0] for claim in claims if claim.readout == READOUT and claim.knock_outs]
    return tuple(found[0].split("+")) if found else ()


def list_rules(problem: FitProblem) -> tuple[StopRule, ...]:
    """Return the rules for stopping treatment that every study can be run under."""
    known = all(math.isfinite(trial.arm(pairs(trial)[0]).symptomatic_median) for trial in problem.trials)
    return tuple(rule for rule in COMPARED if known or rule is not StopRule.RADIOLOGICAL_AND_SYMPTOMATIC)


@dataclass(frozen=True)
class Draws:
    """Points in all uncertain parameters: free ones, then constants with a prior."""

    prior: Array
    """shape (n_draws, n)"""
    posterior: Array
    fit: Array
    """The estimates, constants at their values, shape (1, n)"""


def draw_points(problem: FitProblem, point: Array, draws: int) -> Draws:
    """Return draws from the priors and from the Gaussian posterior, of free parameters and constants together.

    The constants enter the posterior too: where the data say nothing of them it is their prior.
    """
    linear = linearise(problem, point)
    items = _uncertain(problem)
    centre = np.concatenate([point, [item.prior.standardise(item.value) for item in items[point.size :]]])
    root = np.linalg.cholesky(linear.covariance(constants_drawn=True))
    scores = np.random.default_rng([problem.population.seed, 64]).standard_normal((draws, centre.size))
    lower, upper = table_bounds(items, INSIDE)
    return Draws(np.clip(scores, lower, upper), np.clip(centre + scores @ root.T, lower, upper), centre[None, :])


def _uncertain(problem: FitProblem) -> tuple[Parameter, ...]:
    constants = tuple(item for item in problem.parameters if not item.estimated and item.prior.scale is not Scale.FIXED)
    return (*problem.free, *constants)


def trial_draws(inputs: Json) -> Json:
    """Draw points: the work of a step."""
    problem = _problem(inputs)
    found = draw_points(problem, np.array(inputs["point"]), int(inputs["draws"]))
    spent = len(problem.free) + len(_uncertain(problem)) + 1
    return {"prior": found.prior.tolist(), "posterior": found.posterior.tolist(), "fit": found.fit.tolist(), "evaluations": spent}


def trial_shares(inputs: Json) -> Json:
    """Return, for every point, the benefit with the mechanism and without it, per study and rule: the work of a step."""
    problem = _switched(_settings(inputs), inputs["folder"])
    arrows, rules = tuple(inputs["arrows"]), [StopRule(rule) for rule in inputs["rules"]]
    found: list[dict[str, dict[str, list[float]]] | None] = []
    failures = []
    for number, point in enumerate(inputs["points"]):
        try:
            found.append(_benefits(problem, np.array(point), arrows, rules))
        except NumericalError as error:
            found.append(None)
            failures.append({"what": f"draw {number} of the block", "reason": str(error)})
    runs = len(problem.trials) * (1 + 2 * len(rules))
    return {"benefits": found, "evaluations": len(found) * runs // len(problem.arms), "failures": failures}


def _settings(inputs: Json) -> ProblemSettings:
    settings = ProblemSettings(**inputs["problem"])
    return settings.with_patients(min(settings.patients, MOST_PATIENTS))


def _problem(inputs: Json) -> FitProblem:
    return to_horizon(open_problem(_settings(inputs), inputs["folder"], inputs["jobs"]), REPORT_MONTHS)


@lru_cache(maxsize=1)
def _switched(settings: ProblemSettings, folder: str | None) -> FitProblem:
    """Return the problem with a switch on every arrow that claims cut, every uncertain parameter free.

    The arrows are those for which `kinimmune claims` has a kernel, so that none is compiled for this alone.
    """
    problem = to_horizon(open_problem(settings, folder), REPORT_MONTHS)
    claims = read_claims(open_tables(folder), settings.model)
    arrows = dict.fromkeys(arrow for claim in claims for group in claim.knock_outs for arrow in group.split("+"))
    model = problem.simulator.compiled.model.with_switches(*arrows)
    compiled = compile_model(model)
    simulator = replace(problem.simulator, compiled=compiled, integrate=choose_integrator(settings.integrator, compiled))
    switches = model.parameters[-len(arrows) :]
    return replace(problem, simulator=simulator, parameters=(*problem.parameters, *switches), free=_uncertain(problem))


def without(problem: FitProblem, arrows: Sequence[str]) -> FitProblem:
    """Return a problem with switches, with some of them off."""
    off = {f"keep_{name}" for name in arrows}
    return replace(problem, parameters=tuple(item.at(0.0) if item.name in off else item for item in problem.parameters))


def _benefits(
    problem: FitProblem, point: Array, arrows: Sequence[str], rules: Sequence[StopRule]
) -> dict[str, dict[str, list[float]]]:
    """Return `study:rule` -> measure -> the benefit with the arrows and without them."""
    found = {}
    for trial in problem.trials:
        treated, control = pairs(trial)[0], trial.control.name
        cohorts = [arm_cohort(problem, point, trial.study, control)]
        for variant in (problem, without(problem, arrows)):
            cohort = arm_cohort(variant, point, trial.study, treated)
            cohorts += [replace(cohort, rule=rule) for rule in rules]
        placebo, *others = run_arms(problem.simulator, cohorts, problem.jobs)
        for place, rule in enumerate(rules):
            both = [
                _benefit(problem, {(trial.study, treated): outcome, (trial.study, control): placebo})
                for outcome in (others[place], others[len(rules) + place])
            ]
            found[f"{trial.study}:{rule}"] = {name: [item[name] for item in both] for name in MEASURES}
    return found


def _benefit(problem: FitProblem, outcomes: Mapping[tuple[str, str], ArmOutcome]) -> dict[str, float]:
    """Return -ln hazard ratio of death, and the gain in median survival over the control's median."""
    (study, treated), (_, control) = outcomes  # in the order they were put in
    medians = [math.exp(log_prediction(problem, outcomes, f"median:{study}:{arm}:os")) for arm in (treated, control)]
    return {
        "hazard_ratio": -log_prediction(problem, outcomes, f"hazard_ratio:{study}:os"),
        "median": medians[0] / medians[1] - 1.0,
    }


def measure_shares(ground: Ground, point: Array, draws: int, runtime: Runtime) -> MechanismShare | None:
    """Return the shares under every rule for stopping treatment, over draws from priors and posterior; None without a claim.

    Parameters
    ----------
    ground
        the fit
    point
        its estimates as standard scores, shape (n_free,)
    draws
        from each distribution
    runtime
        where chains are run
    """
    arrows = find_arrows(ground.folder, ground.settings.model)
    if not arrows or draws < 1:
        return None
    inputs = {"problem": ground.settings.plain}
    drawing = Task(SHARE_DRAWS, "profile-draws", {**inputs, "point": [float(x) for x in point], "draws": draws}, ground.context)
    drawn = runtime.run([TaskChain(drawing)])[0][0]
    steps = {
        (origin, first): Task(
            SHARE_BLOCK,
            f"profile-share-{origin}-{first // BLOCK:03d}",
            {
                **inputs,
                "points": drawn[origin][first : first + BLOCK],
                "arrows": list(arrows),
                "rules": [str(rule) for rule in list_rules(ground.problem)],
            },
            ground.context,
        )
        for origin in ("fit", "prior", "posterior")
        for first in range(0, len(drawn[origin]), BLOCK)
    }
    outcomes = dict(zip(steps, runtime.run([TaskChain(step) for step in steps.values()]), strict=True))
    benefits: dict[str, list[Json]] = {"fit": [], "prior": [], "posterior": []}
    for (origin, _), group in outcomes.items():
        benefits[origin] += [item for item in group[0]["benefits"] if item is not None]
    return MechanismShare(arrows, min(ground.settings.patients, MOST_PATIENTS), tuple(_summarise(ground, benefits)))


def count_steps(ground: Ground, draws: int) -> int:
    """Return how many steps `measure_shares` takes: drawing, the fit, and blocks of draws from priors and posterior."""
    if draws < 1 or not find_arrows(ground.folder, ground.settings.model):
        return 0
    return 2 + 2 * math.ceil(draws / BLOCK)


def _summarise(ground: Ground, benefits: Mapping[str, Sequence[Json]]) -> list[ShareRow]:
    rows = []
    for trial in ground.problem.trials:
        for rule in list_rules(ground.problem):
            for measure in MEASURES:
                shares = {
                    origin: [share_of(*item[f"{trial.study}:{rule}"][measure]) for item in found]
                    for origin, found in benefits.items()
                }
                at_fit = shares["fit"][0] if shares["fit"] else None
                rows += [
                    _row((trial.study, str(rule), measure, origin), at_fit, shares[origin]) for origin in ("prior", "posterior")
                ]
    return rows


def share_of(whole: float, rest: float) -> float | None:
    """Return the share of a benefit that is lost with a mechanism, None where there is no benefit.

    >>> share_of(0.4, 0.2), share_of(0.0, 0.1)
    (0.5, None)
    """
    return 1.0 - rest / whole if whole >= LEAST_BENEFIT else None


def _row(what: tuple[str, str, str, str], at_fit: float | None, shares: Sequence[float | None]) -> ShareRow:
    known = [share for share in shares if share is not None]
    middle = [float(np.quantile(known, level)) for level in (0.5, 0.05, 0.95)] if known else [None, None, None]
    return ShareRow(*what, at_fit, middle[0], middle[1], middle[2], len(known), len(shares) - len(known))


SHARE_DRAWS = TaskFunction("mechanism_share.draws", trial_draws, "kinimmune.fitting.mechanism_share:trial_draws")
SHARE_BLOCK = TaskFunction("mechanism_share.shares", trial_shares, "kinimmune.fitting.mechanism_share:trial_shares")
