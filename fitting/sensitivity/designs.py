"""Which points a sensitivity study asks for, block by block: any row of a design can be made alone and is always the same.

Start with `Design` and `draw_rows`.  A row is what is lost or kept as a whole: a base row of a Sobol design with its points, a
trajectory of Morris, one draw of PRCC, a parameter of a local study.  Rows go on without end, so what is lost is drawn again.
SALib makes the points of Sobol and Morris designs.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from kinimmune.fitting.sensitivity.inputs import STEP, JointDistribution, SensitivityInput
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError

LEVELS = 4
"""Levels of Morris' design, as SALib and most published studies take them."""
BLOCK_POINTS = 256
"""Most points in a block, unless a row has more: half a minute of virtual trials, which is what a killed study loses."""
BLOCK_ROWS = 32
"""Most rows in a block, so that a small study has blocks for several processes."""


class Method(StrEnum):
    """How sensitivity is measured."""

    LOCAL = "local"
    """Derivatives at one point, one parameter after the other."""
    MORRIS = "morris"
    """Elementary effects along trajectories: screening."""
    SOBOL = "sobol"
    """Shares of the variance, alone and with interactions."""
    PRCC = "prcc"
    """Partial rank correlation; the only one here whose inputs may be correlated."""


@dataclass(frozen=True)
class Design:
    """The points of a study, without end."""

    method: Method
    inputs: tuple[SensitivityInput, ...]
    seed: int
    groups: tuple[str, ...]
    """Group of each input; its own key where it is in none."""
    second_order: bool = False
    """Whether a Sobol design also has the points for pairs."""
    posterior: JointDistribution | None = None
    """Joint distribution of the inputs, in place of their own."""

    def __post_init__(self) -> None:
        """Refuse what a method cannot do."""
        if self.posterior is not None:
            self.require_joint()
        if len(set(self.groups)) < len(self.groups) and self.method not in (Method.SOBOL, Method.MORRIS):
            raise UsageError(f"--group: --method {self.method} has no groups; take sobol or morris")
        if len(set(self.groups)) < 2 and self.method in (Method.SOBOL, Method.MORRIS):
            raise UsageError(f"--method {self.method} compares; give it at least two parameters or groups")

    def require_joint(self) -> None:
        """Raise a `UsageError` when the method cannot have correlated inputs."""
        if self.method is not Method.PRCC:
            raise UsageError(
                f"--posterior: --method {self.method} needs inputs that vary independently, and those of a posterior are "
                "correlated; take --method prcc"
            )

    def over(self, posterior: JointDistribution) -> "Design":
        """Return the same design with its inputs drawn from a joint distribution."""
        return replace(self, posterior=posterior)

    def part(self, first: int, count: int) -> "Design":
        """Return what some rows depend on."""
        return self if self.posterior is None else self.over(self.posterior.part(first, count))

    @property
    def names(self) -> tuple[str, ...]:
        """What gets an index: the groups in the order of their first input."""
        return tuple(dict.fromkeys(self.groups))

    @property
    def width(self) -> int:
        """Points in a row."""
        size = len(self.names)
        sobol = 2 * size + 2 if self.second_order else size + 2
        return {Method.SOBOL: sobol, Method.MORRIS: size + 1, Method.PRCC: 1, Method.LOCAL: 5}[self.method]

    @property
    def block(self) -> int:
        """Rows in a block, a power of two."""
        most = max(1, min(BLOCK_ROWS, BLOCK_POINTS // self.width))
        return 1 << (most.bit_length() - 1)

    @property
    def problem(self) -> dict[str, Any]:
        """The inputs as SALib takes them: shares between 0 and 1."""
        return {
            "num_vars": len(self.inputs),
            "names": [item.key for item in self.inputs],
            "bounds": [[0.0, 1.0]] * len(self.inputs),
            "groups": list(self.groups),
        }

    def as_plain(self) -> dict[str, Any]:
        """Return what JSON can hold; `Design.from_plain` is the way back."""
        joint = self.posterior
        return {
            "method": str(self.method),
            "inputs": [item.as_plain() for item in self.inputs],
            "seed": self.seed,
            "groups": list(self.groups),
            "second_order": self.second_order,
            "posterior": None if joint is None else joint.as_plain(),
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "Design":
        """Return the design that was made plain."""
        joint = plain["posterior"]
        return Design(
            method=Method(plain["method"]),
            inputs=tuple(map(SensitivityInput.from_plain, plain["inputs"])),
            seed=plain["seed"],
            groups=tuple(plain["groups"]),
            second_order=plain["second_order"],
            posterior=None if joint is None else JointDistribution.from_plain(joint),
        )


def draw_rows(design: Design, first: int, count: int) -> Array:
    """Return rows of a design as coordinates, shape (count, width, n_inputs).

    Parameters
    ----------
    design
        the design
    first
        number of the first row, from 0
    count
        how many; a power of two for the first rows of a Sobol design
    """
    drawn = _DRAW[design.method](design, first, count)
    return drawn.reshape(count, design.width, len(design.inputs))


def _draw_sobol(design: Design, first: int, count: int) -> Array:
    """Return a part of Saltelli's design on one scrambled Sobol sequence."""
    from SALib.sample import sobol

    generator = np.random.default_rng([design.seed, 2])
    with warnings.catch_warnings():
        # SALib takes rows that were passed over for a burn-in; here they are the blocks before this one
        warnings.filterwarnings("ignore", message=r"\s*Convergence", category=UserWarning)
        shares = sobol.sample(design.problem, count, calc_second_order=design.second_order, skip_values=first, seed=generator)
    return np.stack([item.quantile(shares[:, index]) for index, item in enumerate(design.inputs)], axis=1)


def _draw_morris(design: Design, first: int, count: int) -> Array:
    """Return trajectories, each with a seed of its own."""
    from SALib.sample import morris

    shares = np.concatenate(
        [
            morris.sample(design.problem, 1, num_levels=LEVELS, seed=np.random.default_rng([design.seed, 3, row]))
            for row in range(first, first + count)
        ]
    )
    return np.stack([item.level(shares[:, index]) for index, item in enumerate(design.inputs)], axis=1)


def _draw_ranks(design: Design, first: int, count: int) -> Array:
    """Return independent draws, each with a seed of its own."""
    generators = {row: np.random.default_rng([design.seed, 4, row]) for row in range(first, first + count)}
    if design.posterior is not None:
        return np.stack([design.posterior.draw(row, generator) for row, generator in generators.items()])
    shares = np.stack([generator.random(len(design.inputs)) for generator in generators.values()])
    return np.stack([item.quantile(shares[:, index]) for index, item in enumerate(design.inputs)], axis=1)


def _draw_local(design: Design, first: int, count: int) -> Array:
    """Return per input the centre, a small step to either side, and one standard deviation (or the ends) to either side."""
    centre = np.array([item.centre for item in design.inputs])
    rows = np.tile(centre, (count, 5, 1))
    for row, item in enumerate(design.inputs[first : first + count]):
        far = (item.lower, item.upper) if item.ranged else (item.near(-1.0), item.near(1.0))
        rows[row, 1:, first + row] = (item.near(-STEP), item.near(STEP), *far)
    return rows


_DRAW = {Method.SOBOL: _draw_sobol, Method.MORRIS: _draw_morris, Method.PRCC: _draw_ranks, Method.LOCAL: _draw_local}
