"""What the published numbers hold of a fit: spectrum of J'J, dependence of each estimate on each number, refits.

Start with `identify`.  Scores are in units of prior standard deviations, so J'J is compared with 1, the information of a prior.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.identifiability.results import IdentifiabilityResult, MechanismShare, Refit, Verdict
from kinimmune.fitting.profile.optima import Ground
from kinimmune.fitting.profile.points import PROFILE_OPTIMUM, open_objective
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array

DRAWS = 20
"""Draws from the Gaussian posterior at which the spectrum is computed again."""
CURVATURE_STEP = 0.05
"""Step of the differences between gradients [prior sd]."""
HELD, NARROWED = 0.5, 0.9
"""Posterior over prior standard deviation below which the data hold a parameter, or at least narrow it."""


def trial_jacobian(inputs: Json) -> Json:
    """Return the Jacobian of the data residuals at a point: the work of a step."""
    objective = open_objective(inputs)
    point = np.clip(np.array(inputs["point"]), *objective.bounds)
    return {"jacobian": objective.jacobian(point).tolist(), "evaluations": point.size + 1}


def trial_curvature(inputs: Json) -> Json:
    """Return a column of the Hessian of half the sum of squares, by central differences of its gradient: the work of a step."""
    objective = open_objective(inputs)
    shift = CURVATURE_STEP * np.eye(len(objective.names))[int(inputs["place"])]
    ends = [np.clip(np.array(inputs["point"]) + sign * shift, *objective.bounds) for sign in (-1.0, 1.0)]
    lower, upper = (objective.jacobian(end).T @ objective.residuals(end) for end in ends)
    return {"column": ((upper - lower) / float(np.sum(ends[1] - ends[0]))).tolist(), "evaluations": 2 * (shift.size + 2)}


JACOBIAN = TaskFunction("identifiability.jacobian", trial_jacobian, "kinimmune.fitting.identifiability:trial_jacobian")
CURVATURE = TaskFunction("identifiability.curvature", trial_curvature, "kinimmune.fitting.identifiability:trial_curvature")


def posterior_covariance(jacobian: Array) -> Array:
    """Return (J'J + 1)^-1, shape (n, n), from the Jacobian of the data residuals in units of prior standard deviations."""
    return np.asarray(np.linalg.inv(jacobian.T @ jacobian + np.eye(jacobian.shape[1])), dtype=float)


def sensitivity(jacobian: Array, hessian: Array) -> Array:
    """Return how estimates answer to the data, H^-1 J', shape (n, m).

    Element (i, k): change of estimate i [prior sd] when number k rises by one standard error, that is when residual k falls by 1
    (I. Andrews, M. Gentzkow and J. M. Shapiro, Quarterly Journal of Economics 132:1553, 2017, with priors as further moments).

    Parameters
    ----------
    jacobian
        of the data residuals, shape (m, n)
    hessian
        of half the sum of squares of data and priors, shape (n, n): J'J + 1 where residuals are straight or zero.  With so few
        numbers they are neither, and J'J + 1 misses refits by half.
    """
    return np.asarray(np.linalg.solve(hessian, jacobian.T), dtype=float)


def symmetrise(columns: Sequence[Sequence[float]], jacobian: Array) -> tuple[Array, bool]:
    """Return the Hessian from its columns, and whether it is positive definite; J'J + 1 in its place where it is not."""
    found = np.array(columns)
    hessian = (found + found.T) / 2.0
    if np.linalg.eigvalsh(hessian)[0] > 0.0:
        return hessian, True
    return jacobian.T @ jacobian + np.eye(jacobian.shape[1]), False


def informativeness(answers: Array) -> Array:
    """Return the share of the variance of each estimate that each number brings, rows summing to 1, shape (n, n_targets).

    Numbers are independent with unit standard errors, so the variance the data bring is the sum of squared sensitivities (I.
    Andrews, M. Gentzkow and J. M. Shapiro, American Economic Review: Insights 2:139, 2020).

    Parameters
    ----------
    answers
        sensitivities with two columns a target, shape (n, 2 n_targets)
    """
    squared = answers**2
    by_target = squared[:, ::2] + squared[:, 1::2]
    total = by_target.sum(axis=1, keepdims=True)
    shares: Array = np.divide(by_target, total, out=np.zeros_like(by_target), where=total > 0.0)
    return shares


def spectrum(jacobian: Array) -> tuple[Array, Array]:
    """Return eigenvalues of J'J, largest first, and their vectors as rows, the largest element of each positive."""
    values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
    rows = vectors.T[::-1]
    signs = np.sign(rows[np.arange(values.size), np.argmax(np.abs(rows), axis=1)])
    return np.maximum(values[::-1], 0.0), rows * signs[:, None]


def effective_parameters(eigenvalues: Array) -> float:
    """Return the number of parameters the data determine, tr[J'J (J'J + 1)^-1], from the eigenvalues of J'J.

    >>> effective_parameters(np.array([1.0, 0.0]))
    0.5
    """
    return float(np.sum(eigenvalues / (1.0 + eigenvalues)))


@dataclass(frozen=True)
class _Local:
    """The fit to first order."""

    point: Array
    jacobian: Array
    hessian: Array
    exact: bool
    """Whether the Hessian is that of the fit, not J'J + 1."""

    @property
    def errors(self) -> Array:
        """Standard errors [prior sd], shape (n,)."""
        errors: Array = np.sqrt(np.diag(posterior_covariance(self.jacobian)))
        return errors


def identify(
    ground: Ground, point: Array, runtime: Runtime, share: Callable[[Array], MechanismShare | None]
) -> IdentifiabilityResult:
    """Tell what the published numbers hold of a fit.

    Parameters
    ----------
    ground
        the fit
    point
        its estimates as standard scores, shape (n_free,)
    runtime
        where chains are run
    share
        takes the estimates and gives the share of the benefit that runs through a mechanism, None for none
    """
    refitted = runtime.run([TaskChain(step) for step in _refits(ground, point)])
    best = np.array(refitted[0][0]["point"])
    first = runtime.run([TaskChain(_at(ground, "profile-jacobian-fit", best))])
    curved = runtime.run([TaskChain(step) for step in _curve(ground, best)])
    jacobian = np.array(first[0][0]["jacobian"])
    local = _Local(best, jacobian, *symmetrise([item[0]["column"] for item in curved], jacobian))
    draws = _draw(local, ground)
    drawn = runtime.run([TaskChain(_at(ground, f"profile-jacobian-{number:03d}", draw)) for number, draw in enumerate(draws)])
    outcomes = [item for group in (*refitted, *first, *curved, *drawn) for item in group]
    labels = tuple(target.label for target in ground.problem.targets)
    left_out = tuple(_refit(label, local, item[0]) for label, item in zip(labels, refitted[1:-1], strict=True))
    doubled = _refit("priors twice as wide", local, refitted[-1][0])
    return _result(ground, local, [np.array(item[0]["jacobian"]) for item in drawn], (left_out, doubled), share(best), outcomes)


def count_steps(ground: Ground) -> int:
    """Return how many steps `identify` takes, without those of the share: refits, Jacobian at the fit, curvature, draws."""
    return len(ground.problem.targets) + 2 + 1 + len(ground.problem.free) + DRAWS


def _refits(ground: Ground, point: Array) -> list[Task]:
    """Return the steps that fit again: as it was, without each target, with priors twice as wide."""
    start = [float(score) for score in point]
    settled = {"problem": ground.settings.plain, "start": start}
    steps = [Task(PROFILE_OPTIMUM, "profile-refit-all", {**settled, "prior_weight": 1.0}, ground.context)]
    for target in ground.problem.targets:
        inputs = {**settled, "prior_weight": 1.0, "without": target.label}
        steps.append(Task(PROFILE_OPTIMUM, f"profile-without-{target.label.replace(':', '-')}", inputs, ground.context))
    return [*steps, Task(PROFILE_OPTIMUM, "profile-refit-doubled", {**settled, "prior_weight": 0.5}, ground.context)]


def _at(ground: Ground, name: str, point: Array) -> Task:
    return Task(JACOBIAN, name, {**ground.inputs("data"), "point": [float(score) for score in point]}, ground.context)


def _curve(ground: Ground, point: Array) -> list[Task]:
    inputs = {**ground.inputs("posterior"), "point": [float(score) for score in point]}
    return [
        Task(CURVATURE, f"profile-curvature-{place:02d}", {**inputs, "place": place}, ground.context)
        for place in range(point.size)
    ]


def _draw(local: _Local, ground: Ground) -> list[Array]:
    root = np.linalg.cholesky(posterior_covariance(local.jacobian))
    scores = np.random.default_rng([ground.settings.seed, 20]).standard_normal((DRAWS, local.point.size))
    return [np.clip(local.point + root @ score, *ground.range) for score in scores]


def _refit(change: str, local: _Local, outcome: Json) -> Refit:
    scores = np.array(outcome["point"])
    shifts = (scores - local.point) / local.errors
    return Refit(change, tuple(map(float, scores)), tuple(map(float, shifts)), float(outcome["cost"]))


def _result(
    ground: Ground,
    local: _Local,
    drawn: Sequence[Array],
    refits: tuple[tuple[Refit, ...], Refit],
    shares: MechanismShare | None,
    outcomes: Sequence[Json],
) -> IdentifiabilityResult:
    values, vectors = spectrum(local.jacobian)
    drawn_values = [spectrum(item)[0] for item in drawn]
    answers = sensitivity(local.jacobian, local.hessian)
    carried = informativeness(answers)
    covariance = posterior_covariance(local.jacobian)
    return IdentifiabilityResult(
        model=ground.settings.model,
        seed=ground.settings.seed,
        patients=ground.settings.patients,
        names=tuple(item.key for item in ground.problem.free),
        targets=tuple(target.label for target in ground.problem.targets),
        eigenvalues=tuple(map(float, values)),
        eigenvectors=_rows(vectors),
        drawn_eigenvalues=_rows(np.array(drawn_values)),
        effective_parameters=effective_parameters(values),
        drawn_effective=tuple(map(effective_parameters, drawn_values)),
        correlation=_rows(covariance / np.outer(local.errors, local.errors)),
        sensitivity=_rows(answers[:, ::2]),
        exact_curvature=local.exact,
        informativeness=_rows(carried),
        left_out=refits[0],
        doubled=refits[1],
        verdicts=_judge(ground, local, carried, refits),
        shares=shares,
        evaluations=sum(int(item["evaluations"]) for item in outcomes),
        failures=tuple(dict(row) for item in outcomes for row in item.get("failures", ())),
    )


def _rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in matrix)


def _judge(ground: Ground, local: _Local, carried: Array, refits: tuple[tuple[Refit, ...], Refit]) -> tuple[Verdict, ...]:
    left_out, doubled = refits
    verdicts = []
    for place, item in enumerate(ground.problem.free):
        main = int(np.argmax(carried[place]))
        farthest = max(left_out, key=lambda refit: abs(refit.shifts[place]))
        contraction = float(local.errors[place])
        shift, loose = farthest.shifts[place], doubled.shifts[place]
        verdicts.append(
            Verdict(
                name=item.key,
                symbol=item.symbol,
                contraction=contraction,
                main_target=ground.problem.targets[main].label,
                main_share=float(carried[place, main]),
                left_out=farthest.change,
                left_out_shift=shift,
                doubled_shift=loose,
                verdict=tell(contraction, (farthest.change, shift), loose),
            )
        )
    return tuple(verdicts)


def tell(contraction: float, left_out: tuple[str, float], doubled: float) -> str:
    """Return the verdict on a parameter in words.

    >>> tell(0.3, ("median:sharp:placebo:os", 2.1), 0.2)
    'held by the data, above all by median:sharp:placebo:os'
    """
    if contraction < HELD:
        text = "held by the data"
    elif contraction < NARROWED:
        text = "narrowed by the data, held by its prior"
    else:
        return "left to its prior"
    if abs(left_out[1]) > 1.0:
        text += f", above all by {left_out[0]}"
    if abs(doubled) > 1.0:
        text += ", and moves when priors widen"
    return text if math.isfinite(doubled) else f"{text}; the refit failed"
