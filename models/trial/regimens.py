"""What the patients of an arm, or an experiment, are given, as data, and what it is in a model: schedules on and after treatment.

Start with `Administration`, one drug over one period; `plan_dosing` turns the administrations of an arm into the schedules that
an integrator takes.  Amounts keep the unit they were written in until a model says what takes them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.solvers.dosing import Dose, InputSpan, Schedule, combine
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.trial.routes import Route, assign_roles, find_target

MOST_DOSES = 100_000
"""Largest number of doses of one administration: an hourly dose for eleven years."""


@dataclass(frozen=True)
class Administration:
    """One drug over one period, or what goes to an input or state of a model directly.

    With `every` a dose is given each so many days, over `duration` where that is more than nothing; without, a rate is held.

    Raises
    ------
    DataError
        for an amount below 0, a period or cycle that is none, more than `MOST_DOSES` doses, or a drug beside a target
    """

    drug: str | None
    """None where there is a target."""
    amount: float
    """In `unit`: of a dose with `every`, else of a rate."""
    unit: str
    first_day: float = 0.0
    """Day of the first dose, or from which the rate is held [d]."""
    last_day: float = math.inf
    """Last day on which a dose may be given, or on which the rate ends [d]."""
    every: float | None = None
    """Days between doses; None for a rate."""
    duration: float = 0.0
    """Days a dose is infused over; 0 for one that is there at once."""
    on_days: float | None = None
    """Days of each cycle on which the drug is given; None for no cycles."""
    off_days: float = 0.0
    """Days of each cycle after them on which it is not."""
    stops: bool = True
    """Whether it ends with treatment; else it goes on."""
    target: str | None = None
    """Input that a rate is held in, or state that a dose is added to, by the model's own name; None for a drug."""

    def __post_init__(self) -> None:
        """Refuse what nobody can give."""
        what = f"'{self.given}' {self.amount:g} {self.unit}"
        if (self.drug is None) == (self.target is None):
            raise DataError(f"{what}: a drug and a target (an input or a state), or neither; fill in one of them")
        if not (0.0 <= self.amount < math.inf):
            raise DataError(f"{what}: an amount is 0 or more; correct it")
        if not (0.0 <= self.first_day <= self.last_day) or math.isinf(self.first_day):
            period = f"from day {self.first_day:g} to {self.last_day:g}"
            raise DataError(f"{what}: {period} is no period; correct first_day or last_day")
        self._require_doses(what)
        if self.on_days is None and self.off_days > 0.0:
            raise DataError(f"{what}: off_days without on_days; fill in both or none")
        if self.on_days is not None and not (0.0 < self.on_days < math.inf and 0.0 <= self.off_days < math.inf):
            raise DataError(f"{what}: a cycle of {self.on_days:g} days on and {self.off_days:g} off; give positive numbers")

    def _require_doses(self, what: str) -> None:
        """Raise unless doses and infusions are apart."""
        if self.every is not None and not (0.0 < self.every < math.inf):
            raise DataError(f"{what}: a dose every {self.every:g} d; give a positive number of days")
        if not (0.0 <= self.duration < math.inf) or (self.every is None and self.duration > 0.0):
            raise DataError(f"{what}: an infusion over {self.duration:g} d needs 'every' and a duration of 0 or more")
        if self.every is not None and self.duration > self.every:
            never = f"an infusion over {self.duration:g} d every {self.every:g} d never ends"
            raise DataError(f"{what}: {never}; hold a rate instead")

    def __str__(self) -> str:
        """Return what is given in words.

        >>> str(Administration("regorafenib", 160.0, "mg/d", on_days=21.0, off_days=7.0))
        'regorafenib 160 mg/d, 21 days on and 7 off'
        """
        words = f"{self.given} {self.amount:g} {self.unit}"
        words += "" if self.every is None else f" every {self.every:g} d"
        words += f", each over {self.duration:g} d" if self.duration else ""
        words += "" if self.on_days is None else f", {self.on_days:g} days on and {self.off_days:g} off"
        words += f", from day {self.first_day:g}" if self.first_day else ""
        words += f", to day {self.last_day:g}" if self.last_day < math.inf else ""
        return words + ("" if self.stops else ", also after treatment has stopped")

    @property
    def given(self) -> str:
        """The drug, or the input or state it goes to."""
        return self.drug or self.target or ""

    @property
    def as_doses(self) -> bool:
        """Whether amounts are there at once: neither a rate nor infusions."""
        return self.every is not None and self.duration == 0.0

    def periods(self, horizon: float) -> list[tuple[float, float]]:
        """Return (first day, last day) of each stretch on the drug up to a horizon [d]."""
        end = min(self.last_day, horizon)
        if self.on_days is None or self.off_days == 0.0:
            return [(self.first_day, end)] if self.first_day < end or self.first_day == self.last_day <= horizon else []
        cycle = self.on_days + self.off_days
        count = math.ceil(max(0.0, end - self.first_day) / cycle - 1e-9)
        if count > MOST_DOSES:
            raise DataError(f"'{self.given}': cycles of {cycle:g} d to day {end:g} are {count}; at most {MOST_DOSES}")
        starts = self.first_day + cycle * np.arange(count)
        return [(float(start), min(float(start) + self.on_days, end)) for start in starts]

    def moments(self, horizon: float) -> Array:
        """Return the days of the doses up to a horizon [d], shape (k,); none for a rate.

        A stretch of a cycle ends before its last day, so that the next dose is the next cycle's; without cycles the last day
        counts.
        """
        if self.every is None:
            return np.zeros(0)
        cycled = self.on_days is not None and self.off_days > 0.0
        found: list[Array] = [np.zeros(0)]
        total = 0
        for first, last in self.periods(horizon):
            fitting = min((last - first) / self.every, 2.0 * MOST_DOSES)
            count = math.ceil(fitting - 1e-9) if cycled else math.floor(fitting + 1e-9) + 1
            total += count
            if total > MOST_DOSES:
                problem = f"'{self.given}' every {self.every:g} d to day {min(self.last_day, horizon):g}"
                raise DataError(f"{problem} is more than {MOST_DOSES} doses; correct every or last_day")
            found.append(np.asarray(first + self.every * np.arange(count), dtype=float))
        return np.concatenate(found)


@dataclass(frozen=True)
class Dosing:
    """What an arm is given, in a model."""

    on: Schedule
    """While on treatment."""
    off: Schedule
    """After treatment has stopped: what does not end with it."""

    @property
    def stops(self) -> bool:
        """Whether leaving treatment changes anything."""
        return self.on != self.off


def plan_dosing(
    model: OdeModel, administrations: Sequence[Administration], values: Mapping[str, float], horizon: float
) -> Dosing:
    """Return the schedules of an arm in a model.

    Parameters
    ----------
    model
        with the roles of its drugs
    administrations
        what is given; a drug the model has several roles for takes the one of its name, else the first that fits
    values
        parameter -> typical value, for body weight, surface and volumes
    horizon
        up to which doses are listed [d]

    Raises
    ------
    DataError
        for a drug without a role, a target the model does not have, or an amount that nothing takes in its unit
    """
    on = list_changes(model, administrations, values, horizon)
    going_on = [each for each, item in zip(on, administrations, strict=True) if not item.stops]
    return Dosing(combine_changes(on), combine_changes(going_on))


Changes = tuple[tuple[InputSpan, ...], tuple[Dose, ...]]
"""Spans of inputs and doses of one administration."""


def list_changes(
    model: OdeModel, administrations: Sequence[Administration], values: Mapping[str, float], horizon: float
) -> list[Changes]:
    """Return the spans and doses of each administration in a model; arguments and errors are those of `plan_dosing`."""
    routes = find_routes(model, administrations)
    return [_list_changes(item, route, values, horizon) for item, route in zip(administrations, routes, strict=True)]


def combine_changes(changes: Iterable[Changes]) -> Schedule:
    """Return spans and doses of several administrations as one schedule."""
    both = list(changes)
    return combine([span for spans, _ in both for span in spans], [dose for _, doses in both for dose in doses])


def list_drugs(administrations: Iterable[Administration]) -> tuple[str, ...]:
    """Return the drugs that are given, each once, in the order they are first named.

    >>> list_drugs([Administration("nivolumab", 3.0, "mg/kg", every=14.0), Administration(None, 1.0, "1/d", target="removal")])
    ('nivolumab',)
    """
    return tuple(dict.fromkeys(item.drug for item in administrations if item.drug is not None))


def find_routes(model: OdeModel, administrations: Sequence[Administration]) -> list[Route]:
    """Return what takes each administration in a model; raises as `plan_dosing` does."""
    roles = assign_roles(model, list_drugs(administrations))
    found = []
    for item in administrations:
        role = find_target(model, item.target) if item.target is not None else roles[item.given]
        found.append(Route(model, role, item.given))
    return found


def list_sizes(model: OdeModel, administrations: Sequence[Administration]) -> tuple[str, ...]:
    """Return the parameters by which what is given is converted: sizes of a patient, volumes doses are diluted in."""
    routes = zip(administrations, find_routes(model, administrations), strict=True)
    names = [name for item, route in routes for name in route.sizes(_unit(item), as_dose=item.as_doses)]
    return tuple(dict.fromkeys(names))


def _unit(item: Administration) -> str:
    """Return the unit of a dose, or of the rate that is held."""
    return f"({item.unit})/d" if item.every is not None and item.duration > 0.0 else item.unit


def _list_changes(item: Administration, route: Route, values: Mapping[str, float], horizon: float) -> Changes:
    if item.every is None:
        name, rate = route.rate(item.amount, item.unit, values)
        spans = [InputSpan(name, rate, first, _forever(item, last, horizon)) for first, last in item.periods(horizon)]
        return tuple(spans), ()
    if item.as_doses:
        state, amount = route.dose(item.amount, item.unit, values)
        return (), tuple(Dose(float(day), state, amount) for day in item.moments(horizon))
    name, rate = route.rate(item.amount / item.duration, _unit(item), values)
    return tuple(InputSpan(name, rate, float(day), float(day) + item.duration) for day in item.moments(horizon)), ()


def _forever(item: Administration, last: float, horizon: float) -> float:
    """Return the end of a stretch; one that only the horizon ends has none, so that nothing changes there."""
    return math.inf if last == horizon < item.last_day and item.on_days is None else last
