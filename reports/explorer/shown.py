"""What the page shows that does not move, as plain values.

Start with `ShownSubject`; `kinimmune.reports.explorer.subject` describes it.
"""

from dataclasses import dataclass

from kinimmune.fitting.estimation.outcome_rows import ObservedRow
from kinimmune.reports.explorer.ranges import SliderRange


@dataclass(frozen=True)
class ShownParameter:
    """A parameter beside its slider."""

    key: str
    words: str
    symbol: tuple[str, str]
    """Base and subscript."""
    unit: str
    meaning: str
    value: float
    """At which the page begins: the estimate of a run, or the value of the tables."""
    prior: str
    estimated: bool
    status: str
    source: str
    range: SliderRange


@dataclass(frozen=True)
class ShownArrow:
    """An interaction that can be cut."""

    name: str
    label: str
    reason: str


@dataclass(frozen=True)
class ShownMechanism:
    """A mechanism with what can be moved in it."""

    name: str
    label: str
    reason: str
    parameters: tuple[ShownParameter, ...]
    arrows: tuple[ShownArrow, ...]


@dataclass(frozen=True)
class ShownDose:
    """A number of what an arm gives."""

    name: str
    words: str
    unit: str
    value: float
    range: SliderRange


@dataclass(frozen=True)
class ShownArm:
    """An arm of a study."""

    name: str
    n: int
    control: bool
    given: str
    """In words."""
    doses: tuple[ShownDose, ...]


@dataclass(frozen=True)
class ShownStudy:
    """A study that is explored."""

    name: str
    title: str
    stop_rule: str
    arms: tuple[ShownArm, ...]
    follow_up: dict[str, float]
    """Endpoint -> longest follow-up [month]."""


@dataclass(frozen=True)
class ShownSubject:
    """Everything that does not move."""

    name: str
    title: str
    run: str | None
    note: str
    """What the parameters are, in words."""
    start: dict[str, object]
    endpoints: tuple[str, ...]
    studies: tuple[ShownStudy, ...]
    mechanisms: tuple[ShownMechanism, ...]
    stop_rules: tuple[str, ...]
    patients: tuple[int, ...]
    observed: tuple[ObservedRow, ...]
    quantities: dict[str, tuple[str, str]]
    """State or output of the courses -> label and unit."""
    targets: dict[str, str]
    """Published number -> its words."""
    diameters: bool
    """Whether single patients have a sum of diameters."""
    saves: str
    """Folder that saved arms are written to; empty where they are downloaded."""
