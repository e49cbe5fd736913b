"""What is located exactly on the way: a rise of an output above its smallest value so far, or a threshold that it reaches.

Start with `Event`.
"""

import math
from dataclasses import dataclass

from kinimmune.models.errors import UsageError


@dataclass(frozen=True)
class RiseFromNadir:
    """An event where an output stands a given amount above its running minimum, as progression by RECIST does."""

    output: str
    """Name of an output of the model, a logarithm such as `log_burden`."""
    rise: float
    """Rise above the running minimum, in the unit of the output, positive."""

    @property
    def threshold(self) -> float:
        """Value that counts as an event: infinite, for none does."""
        return math.inf

    def __post_init__(self) -> None:
        """Refuse a rise that is not positive."""
        if not self.rise > 0.0:
            raise UsageError(f"rise of '{self.output}' by {self.rise:g}: the rise must be positive")


@dataclass(frozen=True)
class Threshold:
    """An event where an output reaches a value from below; for one from above use an output of opposite sign."""

    output: str
    """Name of an output of the model."""
    threshold: float
    """Value in the unit of the output, finite."""

    @property
    def rise(self) -> float:
        """Rise above the running minimum that counts as an event: infinite, for none does."""
        return math.inf

    def __post_init__(self) -> None:
        """Refuse a threshold that is not finite."""
        if not math.isfinite(self.threshold):
            raise UsageError(f"threshold of '{self.output}' at {self.threshold:g}: the threshold must be finite")


Event = RiseFromNadir | Threshold
"""An event of one output."""
