"""Where the fit of a run leaves the parameters: its estimates, and draws from their posterior.

Start with `PosteriorDraws`; `kinimmune.fitting.sampling.posterior` reads them from a run.
"""

from dataclasses import dataclass

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError

SAMPLE, GAUSSIAN = "sample", "gaussian"
BASES = {SAMPLE: "draws of the run's sample", GAUSSIAN: "draws of the normal approximation at the optimum"}
"""What draws from a posterior are -> in words."""


@dataclass(frozen=True)
class PosteriorDraws:
    """Estimates of a fit and draws from their posterior."""

    basis: str
    """What the draws are: a key of `BASES`."""
    note: str
    """In words, with what kept the run's sample from being used where it was not."""
    names: tuple[str, ...]
    """Keys of the estimated parameters."""
    estimates: Array
    """Shape (n_estimated,)."""
    draws: Array
    """Shape (k, n_estimated)."""
    effective: float | None
    """How many independent draws they count for; None for all of them."""
    places: frozenset[str]
    """Studies and experiments of which something was fitted."""
    comparisons: frozenset[tuple[str, str, str]] = frozenset()
    """Read-out, experiment and reference of measurements that were fitted."""

    def __post_init__(self) -> None:
        """Refuse draws of other parameters, and a basis nobody knows."""
        if self.basis not in BASES:
            raise DataError(f"posterior of basis '{self.basis}'; allowed: {', '.join(BASES)}")
        if self.estimates.shape != (len(self.names),) or self.draws.shape[1:] != self.estimates.shape:
            raise DataError(f"draws of {self.draws.shape[1:]} values for {len(self.names)} estimates; give one per estimate")
