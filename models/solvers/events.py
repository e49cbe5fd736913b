"""Events that end a course: a rise above the smallest value so far, or a level that is reached.

Start with `Event`.
"""

import math
from dataclasses import dataclass

from kinimmune.models.errors import UsageError


@dataclass(frozen=True)
class Rise:
    """What a crossing as by RECIST watches."""

    quantity: str
    """Name of an output of the model, a logarithm such as `log_burden`."""
    by: float
    """A crossing is where the quantity first stands this much above its running minimum."""

    @property
    def rise(self) -> float:
        """Above the running minimum."""
        return self.by

    @property
    def level(self) -> float:
        """No level counts as a crossing."""
        return math.inf

    def __post_init__(self) -> None:
        """Refuse a rise that is none."""
        if not self.by > 0.0:
            raise UsageError(f"rise of '{self.quantity}' by {self.by:g}: the rise must be positive")


@dataclass(frozen=True)
class Level:
    """What a crossing of a threshold watches; for one from above watch an output of opposite sign."""

    quantity: str
    """Name of an output of the model."""
    value: float
    """A crossing is where the quantity first stands at this or above, in its unit."""

    @property
    def rise(self) -> float:
        """No rise counts as a crossing."""
        return math.inf

    @property
    def level(self) -> float:
        """Of the quantity itself."""
        return self.value

    def __post_init__(self) -> None:
        """Refuse a level that is none."""
        if not math.isfinite(self.value):
            raise UsageError(f"level of '{self.quantity}' at {self.value:g}: the level must be finite")


Event = Rise | Level
"""What is located exactly on the way."""
