"""What the published numbers hold of a fit: spectrum of J'J, dependence of each estimate on each number, refits.

Start with `identify`.  Coordinates are z-scores, in units of prior standard deviations, so J'J is compared with 1, the
information of a prior.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.estimation.laplace import posterior_covariance
from kinimmune.fitting.identifiability.information import (
    effective_parameters,
    gather_answers,
    informativeness,
    sensitivity,
    share_out,
    spectrum,
    symmetrise,
)
from kinimmune.fitting.identifiability.results import IdentifiabilityResult, MechanismShare, Refit, Verdict
from kinimmune.fitting.identifiability.verdicts import Findings, describe, find_support
from kinimmune.fitting.problem.derivatives import slope_between
from kinimmune.fitting.problem.residuals import decorrelation_of, slice_targets
from kinimmune.fitting.profile.optima import ProfileContext
from kinimmune.fitting.profile.points import PROFILE_OPTIMUM, open_objective
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array, real

DRAWS = 20
"""Draws from the Gaussian posterior at which the spectrum is computed again."""
CURVATURE_STEP = 0.05
"""Step of the differences between gradients [prior sd]."""


def compute_jacobian(inputs: Json) -> Json:
    """Return the Jacobian of the data residuals at a point: the function of a task."""
    objective = open_objective(inputs)
    z = np.clip(np.array(inputs["point"]), *objective.bounds)
    return {"jacobian": objective.jacobian(z).tolist(), "evaluations": z.size + 1}


def compute_curvature(inputs: Json) -> Json:
    """Return a column of the Hessian of half the sum of squares: the function of a task.

    It is the central difference of the gradient J'r by one coordinate.
    """
    objective = open_objective(inputs)
    shift = CURVATURE_STEP * np.eye(len(objective.names))[int(inputs["place"])]
    lower, upper = (np.clip(np.array(inputs["point"]) + sign * shift, *objective.bounds) for sign in (-1.0, 1.0))

    def gradient(z: Array) -> Array:
        return np.asarray(objective.jacobian(z).T @ objective.residuals(z), dtype=float)

    return {"column": slope_between(gradient, lower, upper).tolist(), "evaluations": 2 * (shift.size + 2)}


JACOBIAN = TaskFunction("identifiability.jacobian", compute_jacobian, "kinimmune.fitting.identifiability:trial_jacobian")
CURVATURE = TaskFunction("identifiability.curvature", compute_curvature, "kinimmune.fitting.identifiability:trial_curvature")


@dataclass(frozen=True)
class _LocalFit:
    """The fit to second order about its optimum."""

    z: Array
    """z-scores of the optimum, shape (n,)."""
    jacobian: Array
    """Jacobian of the data residuals, shape (m, n)."""
    hessian: Array
    """Hessian of half the sum of squares of data and priors, shape (n, n)."""
    exact: bool
    """Whether the Hessian is that of the fit, not J'J + 1."""

    @property
    def covariance(self) -> Array:
        """Posterior covariance by J'J + 1, shape (n, n)."""
        return posterior_covariance(self.jacobian)

    @property
    def standard_errors(self) -> Array:
        """Standard errors [prior sd] by J'J + 1, shape (n,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), dtype=float)


@dataclass(frozen=True)
class _Refits:
    """Fits that were changed and repeated."""

    left_out: tuple[Refit, ...]
    """Fits without one target each, in the order of the targets."""
    doubled: Refit
    """Fit with all priors twice as wide."""


def identify(
    context: ProfileContext, estimates: Array, runtime: Runtime, share: Callable[[Array], MechanismShare | None]
) -> IdentifiabilityResult:
    """Find out what the published numbers hold of a fit.

    Parameters
    ----------
    context
        the fit
    estimates
        its estimates as z-scores, shape (n,)
    runtime
        where chains are run
    share
        takes the estimates and gives the share of the benefit that runs through a mechanism, None for none
    """
    refitted = runtime.run([TaskChain(task) for task in _refit_tasks(context, estimates)])
    best = np.array(refitted[0][0]["point"])
    first = runtime.run([TaskChain(_jacobian_task(context, "profile-jacobian-fit", best))])
    curved = runtime.run([TaskChain(task) for task in _curvature_tasks(context, best)])
    jacobian = np.array(first[0][0]["jacobian"])
    local = _LocalFit(best, jacobian, *symmetrise([chain[0]["column"] for chain in curved], jacobian))
    drawn = runtime.run(
        [
            TaskChain(_jacobian_task(context, f"profile-jacobian-{number:03d}", draw))
            for number, draw in enumerate(_draw(local, context))
        ]
    )
    outcomes = [outcome for chain in (*refitted, *first, *curved, *drawn) for outcome in chain]
    labels = [target.label for target in context.problem.targets]
    refits = _Refits(
        tuple(_refit(label, local, chain[0]) for label, chain in zip(labels, refitted[1:-1], strict=True)),
        _refit("priors twice as wide", local, refitted[-1][0]),
    )
    jacobians = [np.array(chain[0]["jacobian"]) for chain in drawn]
    return _result(context, local, jacobians, refits, share(best), outcomes)


def count_tasks(context: ProfileContext) -> int:
    """Return how many tasks `identify` takes, without those of the share: refits, Jacobian at the fit, curvature, draws."""
    return len(context.problem.targets) + 2 + 1 + len(context.problem.estimated) + DRAWS


def _refit_tasks(context: ProfileContext, estimates: Array) -> list[Task]:
    """Return the tasks that fit again: as it was, without each target, with priors twice as wide."""
    shared = {"problem": context.settings.plain, "start": _plain(estimates)}
    tasks = [Task(PROFILE_OPTIMUM, "profile-refit-all", {**shared, "prior_weight": 1.0}, context.task_context)]
    for target in context.problem.targets:
        name = f"profile-without-{target.label.replace(':', '-')}"
        inputs = {**shared, "prior_weight": 1.0, "without": target.label}
        tasks.append(Task(PROFILE_OPTIMUM, name, inputs, context.task_context))
    return [*tasks, Task(PROFILE_OPTIMUM, "profile-refit-doubled", {**shared, "prior_weight": 0.5}, context.task_context)]


def _jacobian_task(context: ProfileContext, name: str, z: Array) -> Task:
    return Task(JACOBIAN, name, {**context.inputs("data"), "point": _plain(z)}, context.task_context)


def _curvature_tasks(context: ProfileContext, z: Array) -> list[Task]:
    inputs = {**context.inputs("posterior"), "point": _plain(z)}
    return [
        Task(CURVATURE, f"profile-curvature-{index:02d}", {**inputs, "place": index}, context.task_context)
        for index in range(z.size)
    ]


def _draw(local: _LocalFit, context: ProfileContext) -> list[Array]:
    """Return draws from the Gaussian posterior, inside the range of profiles."""
    root = np.linalg.cholesky(local.covariance)
    normal = np.random.default_rng([context.settings.seed, 20]).standard_normal((DRAWS, local.z.size))
    return [np.clip(local.z + root @ draw, *context.range) for draw in normal]


def _refit(change: str, local: _LocalFit, outcome: Json) -> Refit:
    z = np.array(outcome["point"])
    shifts = (z - local.z) / local.standard_errors
    return Refit(change, tuple(map(float, z)), tuple(map(float, shifts)), float(outcome["cost"]))


def _result(
    context: ProfileContext,
    local: _LocalFit,
    drawn: Sequence[Array],
    refits: _Refits,
    shares: MechanismShare | None,
    outcomes: Sequence[Json],
) -> IdentifiabilityResult:
    values, vectors = spectrum(local.jacobian)
    drawn_values = [spectrum(jacobian)[0] for jacobian in drawn]
    answers, information = _attribute(context, sensitivity(local.jacobian, local.hessian))
    rows = slice_targets(context.problem)
    errors = local.standard_errors
    return IdentifiabilityResult(
        model=context.settings.model,
        seed=context.settings.seed,
        patients=context.settings.patients,
        names=tuple(item.key for item in context.problem.estimated),
        targets=tuple(target.label for target in context.problem.targets),
        eigenvalues=tuple(map(float, values)),
        eigenvectors=_rows(vectors),
        drawn_eigenvalues=_rows(np.array(drawn_values)),
        effective_parameters=effective_parameters(values),
        drawn_effective=tuple(map(effective_parameters, drawn_values)),
        correlation=_rows(local.covariance / np.outer(errors, errors)),
        sensitivity=_rows(gather_answers(answers, rows)),
        exact_curvature=local.exact,
        informativeness=_rows(information),
        left_out=refits.left_out,
        doubled=refits.doubled,
        verdicts=_verdicts(context, local, information, refits),
        shares=shares,
        evaluations=sum(int(outcome["evaluations"]) for outcome in outcomes),
        failures=tuple(dict(row) for outcome in outcomes for row in outcome.get("failures", ())),
    )


def _attribute(context: ProfileContext, answers: Array) -> tuple[Array, Array]:
    """Return how estimates answer to the numbers as they were published, and the share of each, from answers to residuals.

    Where residuals were made independent, r' = W r, the answers to r are those to r' times W, and the correlations of r are the
    inverse of W'W.
    """
    rows, whitening = slice_targets(context.problem), decorrelation_of(context.problem)
    if whitening is None:
        return answers, informativeness(answers, rows)
    published = real(answers @ whitening)
    return published, informativeness(share_out(published, real(np.linalg.inv(whitening.T @ whitening))), rows)


def _verdicts(context: ProfileContext, local: _LocalFit, information: Array, refits: _Refits) -> tuple[Verdict, ...]:
    errors = local.standard_errors.tolist()
    verdicts = []
    for index, (parameter, contraction) in enumerate(zip(context.problem.estimated, errors, strict=True)):
        main = int(np.argmax(information[index]))
        farthest = max(refits.left_out, key=lambda refit: abs(refit.shifts[index]))
        findings = Findings(find_support(contraction), farthest.change, farthest.shifts[index], refits.doubled.shifts[index])
        verdicts.append(
            Verdict(
                name=parameter.key,
                symbol=parameter.symbol,
                contraction=contraction,
                main_target=context.problem.targets[main].label,
                main_share=float(information[index, main]),
                left_out=findings.left_out,
                left_out_shift=findings.left_out_shift,
                doubled_shift=findings.doubled_shift,
                verdict=describe(findings),
            )
        )
    return tuple(verdicts)


def _rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in matrix)


def _plain(z: Array) -> list[float]:
    return [float(score) for score in z]
