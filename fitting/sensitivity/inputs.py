"""What a sensitivity study varies: parameters over their priors, over ranges, or over the posterior of a fit.

Start with `SensitivityInput` and `choose_inputs`.  A coordinate is a value on the scale of its prior: ln of a positive quantity,
logit of a fraction, the value itself otherwise.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.parameters import Parameter, Scale

MIN_SHARE = 2.0**-32
"""Half the resolution of a Sobol point: no quantile is taken at 0 or 1."""
STEP = 0.02
"""Step of a derivative, in prior standard deviations; as in `kinimmune.fitting.estimation.laplace`."""


@dataclass(frozen=True)
class SensitivityInput:
    """One parameter and how it varies; all numbers are coordinates."""

    key: str
    """Name, followed by `:study` for a value that belongs to one study."""
    scale: Scale
    centre: float
    """Value of the tables, or the estimate."""
    median: float
    """Median of the prior."""
    sd: float
    """Standard deviation of the prior; of the uniform distribution where a range is given."""
    lower: float
    """Lower end of the range, or of what the tables allow; may be infinite."""
    upper: float
    """Upper end of the same."""
    ranged: bool
    """Whether it is uniform between the ends; else it has its prior, cut off at the ends."""

    def quantile(self, share: Array) -> Array:
        """Return the coordinates below which a share of the distribution lies, shape of `share`; never at its ends."""
        inside = np.clip(share, MIN_SHARE, 1.0 - MIN_SHARE)
        if self.ranged:
            return np.asarray(self.lower + inside * (self.upper - self.lower), dtype=float)
        low, high = ndtr((np.array([self.lower, self.upper]) - self.median) / self.sd)
        drawn = self.median + self.sd * ndtri(np.clip(low + inside * (high - low), MIN_SHARE, 1.0 - MIN_SHARE))
        return np.asarray(np.clip(drawn, self.lower, self.upper), dtype=float)

    def level(self, share: Array) -> Array:
        """Return coordinates evenly over the range, or over the central 95 % of the prior; 0 and 1 are the ends."""
        low, high = self.lower, self.upper
        if not self.ranged:
            low, high = max(low, self.median - NORMAL_95 * self.sd), min(high, self.median + NORMAL_95 * self.sd)
        return np.asarray(low + share * (high - low), dtype=float)

    def near(self, shift: float) -> float:
        """Return the coordinate `shift` standard deviations from the centre, inside the ends."""
        return min(max(self.centre + shift * self.sd, self.lower), self.upper)

    def value(self, coordinate: float) -> float:
        """Return the value at a coordinate."""
        return self.scale.inverse(coordinate)

    def as_plain(self) -> dict[str, Any]:
        """Return what JSON can hold; `SensitivityInput.from_plain` is the way back."""
        return {**asdict(self), "scale": str(self.scale)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "SensitivityInput":
        """Return the input that was made plain."""
        return SensitivityInput(**{**plain, "scale": Scale(plain["scale"])})


def choose_inputs(
    parameters: Sequence[Parameter], wanted: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> tuple[SensitivityInput, ...]:
    """Return what varies, in the order of the tables.

    With `wanted` these; else with `ranges` those; else every parameter that has a prior.

    Parameters
    ----------
    parameters
        those the output can depend on, each at the value about which a local study is made
    wanted
        names or keys of parameters
    ranges
        name or key -> lowest and highest value, in the parameter's unit

    Raises
    ------
    UsageError
        for an unknown name, a range upside down or outside what the tables allow, or a wanted constant without a distribution
    """
    spans = {_find(given, parameters, "--range").key: _check(given, span) for given, span in ranges.items()}
    named = {_find(given, parameters, "--parameters").key for given in wanted}
    chosen = {*named, *spans} or {item.key for item in parameters if item.prior.scale is not Scale.FIXED}
    inputs = tuple(_input(item, spans.get(item.key)) for item in parameters if item.key in chosen)
    if not inputs:
        raise UsageError("no parameter of this model has a prior; give ranges, such as --range NAME=0.1:0.2")
    return inputs


def _find(given: str, parameters: Sequence[Parameter], option: str) -> Parameter:
    found = [item for item in parameters if given in (item.key, item.name)]
    if not found:
        names = [alias for item in parameters for alias in dict.fromkeys((item.key, item.name))]
        raise UsageError(f"{option}: no parameter '{given}' on which this output depends; {nearest(given, names)}")
    if len(found) > 1:
        raise UsageError(
            f"{option}: '{given}' belongs to several studies or arms; write {' or '.join(item.key for item in found)}"
        )
    return found[0]


def _check(given: str, span: tuple[float, float]) -> tuple[float, float]:
    low, high = span
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"--range {given}={low:g}:{high:g}: the lower end must lie below the upper one")
    return span


def _input(item: Parameter, span: tuple[float, float] | None) -> SensitivityInput:
    scale = Scale.NORMAL if item.prior.scale is Scale.FIXED else item.prior.scale
    centre = scale.transform(item.value)
    if span is None:
        if item.prior.scale is Scale.FIXED:
            raise UsageError(
                f"--parameters: '{item.key}' has a fixed prior; give it a range, such as --range {item.key}=LOW:HIGH"
            )
        low, high = _line(scale, item.lower), _line(scale, item.upper)
        return SensitivityInput(
            item.key, scale, centre, scale.transform(item.prior.median), item.prior.sd, low, high, ranged=False
        )
    if span[0] < item.lower or span[1] > item.upper:
        raise UsageError(
            f"--range {item.key}={span[0]:g}:{span[1]:g} reaches outside [{item.lower:g}, {item.upper:g}] {item.unit}; "
            "narrow it, or widen the parameter's range in parameters.csv"
        )
    try:
        low, high = (scale.transform(end) for end in span)
    except DataError as error:
        raise UsageError(f"--range {item.key}={span[0]:g}:{span[1]:g}: {error}") from error
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UsageError(f"--range {item.key}={span[0]:g}:{span[1]:g} ends where the {scale} scale does; leave the end out")
    return SensitivityInput(item.key, scale, centre, (low + high) / 2.0, (high - low) / math.sqrt(12.0), low, high, ranged=True)


def _line(scale: Scale, bound: float) -> float:
    """Return a bound of the tables as a coordinate, infinite where it lies beyond the scale."""
    if scale is Scale.LOGNORMAL:
        return scale.transform(max(bound, 0.0))
    return scale.transform(min(max(bound, 0.0), 1.0)) if scale is Scale.LOGITNORMAL else bound


@dataclass(frozen=True)
class JointDistribution:
    """A distribution of all inputs together, in which they may be correlated: a point for each row, and a Gaussian step from it.

    A Gaussian distribution has one point, its mean, for all rows.  A sample has its draws, one row after the other and from the
    beginning again when they are used up; its steps are in what the draws do not vary.  Coordinates in the order of the inputs.
    """

    points: tuple[tuple[float, ...], ...]
    """Points a row starts from, used in turn."""
    root: tuple[tuple[float, ...], ...]
    """Shape (k, m): the step is this matrix times m independent standard normal numbers; of a Gaussian distribution the lower
    Cholesky factor of its covariance."""
    first: int = 0
    """Number of the row that has the first of the points."""

    def draw(self, row: int, generator: np.random.Generator) -> Array:
        """Return the draw of a row, shape (k,)."""
        root = np.array(self.root)
        drawn: Array = np.array(self._point(row)) + root @ generator.standard_normal(root.shape[1])
        return drawn

    def part(self, first: int, count: int) -> "JointDistribution":
        """Return what some rows are drawn from: their points and no others, so that a task depends on the draws it uses."""
        if len(self.points) == 1:
            return self
        return replace(self, points=tuple(self._point(row) for row in range(first, first + count)), first=first)

    def as_plain(self) -> dict[str, Any]:
        """Return what JSON can hold; `JointDistribution.from_plain` is the way back."""
        return {"points": [*map(list, self.points)], "root": [*map(list, self.root)], "first": self.first}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "JointDistribution":
        """Return the distribution that was made plain."""
        return JointDistribution(tuple(map(tuple, plain["points"])), tuple(map(tuple, plain["root"])), plain["first"])

    def _point(self, row: int) -> tuple[float, ...]:
        return self.points[(row - self.first) % len(self.points)]
