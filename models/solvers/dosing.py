"""Inputs that are constant between changes, and doses that add to a state at once.

Start with `Schedule`; `constant` makes the usual one.  Every change is a breakpoint at which an integrator restarts.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kinimmune.models.errors import UsageError


@dataclass(frozen=True)
class Dose:
    """An amount added to a state at one moment."""

    time: float
    """Moment of the dose [d]."""
    state: str
    amount: float
    """Amount in the unit of the state."""


@dataclass(frozen=True)
class InputSpan:
    """An input held at a value for some days."""

    name: str
    value: float
    """Value in the unit of the input."""
    first_day: float
    """Day from which the value holds [d]."""
    last_day: float
    """Day on which the input returns to 0 [d]; infinite where it never does."""


@dataclass(frozen=True)
class Schedule:
    """Inputs as a step function of time, and doses."""

    starts: tuple[float, ...] = (0.0,)
    """Times [d] at which a segment begins, increasing; before the first one its values hold as well."""
    inputs: tuple[Mapping[str, float], ...] = field(default=({},))
    """Input name -> value, one mapping per segment; an input that is not named is 0."""
    doses: tuple[Dose, ...] = ()

    def __post_init__(self) -> None:
        """Refuse segments that are not in order."""
        if not self.starts or len(self.starts) != len(self.inputs):
            raise UsageError(f"a schedule needs one set of inputs per segment: {len(self.starts)} and {len(self.inputs)} given")
        if any(later <= earlier for earlier, later in zip(self.starts, self.starts[1:], strict=False)):
            raise UsageError(f"segments must begin at increasing times, given {self.starts}")

    def at(self, time: float) -> Mapping[str, float]:
        """Return the inputs that hold from `time` [d] on."""
        return self.inputs[max(bisect_right(self.starts, time) - 1, 0)]

    @property
    def changes(self) -> bool:
        """Whether anything changes in time, so that the day on which it begins matters."""
        return len(self.starts) > 1 or bool(self.doses)

    def later(self, days: float) -> "Schedule":
        """Return the same schedule some days later [d].

        >>> combine([InputSpan("rate", 2.0, 0.0, 3.0)], [Dose(1.0, "drug", 5.0)]).later(42.0).breakpoints(0.0, 50.0)
        (42.0, 43.0, 45.0)
        """
        doses = tuple(replace(dose, time=dose.time + days) for dose in self.doses)
        return Schedule(tuple(start + days for start in self.starts), self.inputs, doses)

    def breakpoints(self, start: float, end: float) -> tuple[float, ...]:
        """Return the times [d] strictly between `start` and `end` at which something changes."""
        times = {*self.starts, *(dose.time for dose in self.doses)}
        return tuple(sorted(time for time in times if start < time < end))


def combine(spans: Sequence[InputSpan], doses: Sequence[Dose]) -> Schedule:
    """Return spans and doses as a schedule; spans of one input add where they overlap.

    >>> combine([InputSpan("rate", 2.0, 0.0, math.inf), InputSpan("rate", 1.0, 3.0, 4.0)], ()).at(3.5)
    {'rate': 3.0}
    """
    edges = sorted({0.0, *(edge for span in spans for edge in (span.first_day, span.last_day) if edge < math.inf)})
    inputs: list[dict[str, float]] = []
    for edge in edges:
        values: dict[str, float] = {}
        for span in spans:
            if span.first_day <= edge < span.last_day:
                values[span.name] = values.get(span.name, 0.0) + span.value
        inputs.append(values)
    return Schedule(tuple(edges), tuple(inputs), tuple(doses))


def constant(**inputs: float) -> Schedule:
    """Return the schedule whose inputs never change.

    >>> constant(dose_rate=800.0).at(3.0)
    {'dose_rate': 800.0}
    """
    return Schedule(inputs=(inputs,))
