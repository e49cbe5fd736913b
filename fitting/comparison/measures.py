"""Numbers about fits as a whole, and whether those of two fits can stand beside each other.

Start with `list_measures`; `compute_criteria` has the formulas.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kinimmune.fitting.comparison.comparability import find_data_obstacle, find_prior_obstacle, find_ratio_obstacle
from kinimmune.fitting.comparison.reading import FittedRun
from kinimmune.fitting.comparison.results import Measure, Refusal, subtract
from kinimmune.fitting.estimation.results import FitResult


@dataclass(frozen=True)
class Criteria:
    """Information criteria of one fit; the lower, the better, among fits to the same numbers with the same errors."""

    aic: float
    aicc: float | None
    """None with too few numbers for its correction."""
    bic: float


def compute_criteria(chi_square: float, parameters: float, numbers: int) -> Criteria:
    """Return information criteria from a sum of squares that is -2 ln likelihood up to a constant.

    AIC = X + 2 k (H. Akaike, IEEE Trans Automat Contr 19:716, 1974), AICc = AIC + 2 k (k + 1)/(n - k - 1) (C. M. Hurvich and
    C.-L. Tsai, Biometrika 76:297, 1989), BIC = X + k ln n (G. Schwarz, Ann Stat 6:461, 1978).  With k the effective parameters of
    a fit with priors, AIC is the deviance information criterion of D. J. Spiegelhalter et al. (J R Stat Soc B 64:583, 2002) by
    the curvature at the optimum.

    Parameters
    ----------
    chi_square
        X, of the data alone
    parameters
        k, effective parameters, no whole number
    numbers
        n, published numbers that were fitted, and intervals of curves and patients

    Examples
    --------
    >>> compute_criteria(3.0, 2.0, 5).aicc
    13.0
    """
    aic, left = chi_square + 2.0 * parameters, numbers - parameters - 1.0
    correction = 2.0 * parameters * (parameters + 1.0) / left if left > 0.0 else None
    return Criteria(aic, None if correction is None else aic + correction, chi_square + parameters * math.log(numbers))


@dataclass(frozen=True)
class _Kind:
    """What measures need, to stand beside those of another run."""

    names: tuple[str, ...]
    find_obstacle: Callable[[FittedRun, FittedRun], str]
    """Takes the reference and another run; returns why not, empty for nothing."""


def _find_any_obstacle(first: FittedRun, other: FittedRun) -> str:
    return find_data_obstacle(first, other) or find_prior_obstacle(first, other)


_KINDS = (
    _Kind(("chi_square_data", "aic", "aicc", "bic"), find_data_obstacle),
    _Kind(("chi_square_prior",), find_prior_obstacle),
    _Kind(("chi_square",), _find_any_obstacle),
    _Kind(("q_model", "q_null"), find_ratio_obstacle),
)
_ORDER = (
    "chi_square_data", "chi_square_prior", "chi_square", "fitted_numbers", "effective_parameters", "degrees_of_freedom",
    "aic", "aicc", "bic", "q_model", "q_null",
)  # fmt: skip


def list_measures(runs: Sequence[FittedRun]) -> tuple[tuple[Measure, ...], tuple[Refusal, ...]]:
    """Return measures of every run beside those of the first, and which of them are refused.

    A measure that is refused is None; so is one a fit does not have, such as Q without hazard ratios.
    """
    refusals = [refusal for run in runs[1:] for refusal in _refuse(runs[0], run)]
    refused = {(refusal.run, name) for refusal in refusals for name in refusal.measures}
    known = [_measure(run) for run in runs]
    rows = []
    for name in _ORDER:
        pairs = zip(runs, known, strict=True)
        values = tuple(None if (run.label, name) in refused else own[name] for run, own in pairs)
        rows.append(Measure(name, values, subtract(values)))
    return tuple(rows), tuple(refusals)


def count_numbers(fit: FitResult) -> int:
    """Return how many numbers were fitted: every interval of a curve and of patients is one."""
    return round(fit.degrees_of_freedom + fit.effective_parameters)


def _measure(run: FittedRun) -> Mapping[str, float | None]:
    fit = run.fit
    numbers = count_numbers(fit)
    criteria = compute_criteria(fit.chi_square_data, fit.effective_parameters, numbers)
    return {
        "chi_square_data": fit.chi_square_data,
        "chi_square_prior": fit.chi_square_prior,
        "chi_square": fit.chi_square_data + fit.chi_square_prior,
        "fitted_numbers": float(numbers),
        "effective_parameters": fit.effective_parameters,
        "degrees_of_freedom": fit.degrees_of_freedom,
        "aic": criteria.aic,
        "aicc": criteria.aicc,
        "bic": criteria.bic,
        "q_model": fit.q_model,
        "q_null": fit.q_null,
    }


def _refuse(first: FittedRun, other: FittedRun) -> list[Refusal]:
    """Return what of a run does not stand beside the reference, each reason once."""
    found: dict[str, tuple[str, ...]] = {}
    for kind in _KINDS:
        reason = kind.find_obstacle(first, other)
        if reason:
            found[reason] = (*found.get(reason, ()), *kind.names)
    return [Refusal(other.label, names, reason) for reason, names in found.items()]
