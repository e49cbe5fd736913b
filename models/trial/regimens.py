"""What the patients of an arm are given, as data, and what it is in a model: a schedule on treatment and one after it.

Start with `Administration`, one drug over one period; `plan_dosing` turns the administrations of an arm into the schedules that
an integrator takes.  Amounts keep the unit they were written in until a model says what takes them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, nearest
from kinimmune.models.solvers.dosing import Dose, InputSpan, Schedule, combine
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.units import convert, parse_unit

PER_BODY = {"kg": "body_weight", "m^2": "body_surface_area"}
"""Unit that an amount may be given per -> parameter of a model that is that size of a patient."""
MOST_DOSES = 100_000
"""Largest number of doses of one administration: an hourly dose for eleven years."""


@dataclass(frozen=True)
class Administration:
    """One drug over one period.

    With `every` a dose is given each so many days, over `duration` where that is more than nothing; without, a rate is held.

    Raises
    ------
    DataError
        for an amount below 0, a period or cycle that is none, or more than `MOST_DOSES` doses
    """

    drug: str
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

    def __post_init__(self) -> None:
        """Refuse what nobody can give."""
        what = f"'{self.drug}' {self.amount:g} {self.unit}"
        if not (0.0 <= self.amount < math.inf):
            raise DataError(f"{what}: an amount is 0 or more; correct it")
        if not (0.0 <= self.first_day <= self.last_day) or math.isinf(self.first_day):
            period = f"from day {self.first_day:g} to {self.last_day:g}"
            raise DataError(f"{what}: {period} is no period; correct first_day or last_day")
        if self.every is not None and not (0.0 < self.every < math.inf):
            raise DataError(f"{what}: a dose every {self.every:g} d; give a positive number of days")
        if not (0.0 <= self.duration < math.inf) or (self.every is None and self.duration > 0.0):
            raise DataError(f"{what}: an infusion over {self.duration:g} d needs 'every' and a duration of 0 or more")
        if self.every is not None and self.duration > self.every:
            never = f"an infusion over {self.duration:g} d every {self.every:g} d never ends"
            raise DataError(f"{what}: {never}; hold a rate instead")
        if self.on_days is None and self.off_days > 0.0:
            raise DataError(f"{what}: off_days without on_days; fill in both or none")
        if self.on_days is not None and not (0.0 < self.on_days < math.inf and 0.0 <= self.off_days < math.inf):
            raise DataError(f"{what}: a cycle of {self.on_days:g} days on and {self.off_days:g} off; give positive numbers")

    def __str__(self) -> str:
        """Return what is given in words.

        >>> str(Administration("regorafenib", 160.0, "mg/d", on_days=21.0, off_days=7.0))
        'regorafenib 160 mg/d, 21 days on and 7 off'
        """
        words = f"{self.drug} {self.amount:g} {self.unit}"
        words += "" if self.every is None else f" every {self.every:g} d"
        words += f", each over {self.duration:g} d" if self.duration else ""
        words += "" if self.on_days is None else f", {self.on_days:g} days on and {self.off_days:g} off"
        words += f", from day {self.first_day:g}" if self.first_day else ""
        words += f", to day {self.last_day:g}" if self.last_day < math.inf else ""
        return words + ("" if self.stops else ", also after treatment has stopped")

    def periods(self, horizon: float) -> list[tuple[float, float]]:
        """Return (first day, last day) of each stretch on the drug up to a horizon [d]."""
        end = min(self.last_day, horizon)
        if self.on_days is None or self.off_days == 0.0:
            return [(self.first_day, end)] if self.first_day < end or self.first_day == self.last_day <= horizon else []
        cycle = self.on_days + self.off_days
        starts = self.first_day + cycle * np.arange(math.ceil(max(0.0, end - self.first_day) / cycle - 1e-9))
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
        for first, last in self.periods(horizon):
            fitting = (last - first) / self.every
            count = math.ceil(fitting - 1e-9) if cycled else math.floor(fitting + 1e-9) + 1
            if count > MOST_DOSES:
                raise DataError(f"'{self.drug}' every {self.every:g} d to day {last:g} is {count} doses; at most {MOST_DOSES}")
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
        for a drug without a role, or an amount that nothing takes in its unit
    """
    roles = assign_roles(model, [item.drug for item in administrations])
    given = [(item, _Taker(model, roles[item.drug], values)) for item in administrations]
    return Dosing(_schedule(given, horizon), _schedule([pair for pair in given if not pair[0].stops], horizon))


def assign_roles(model: OdeModel, drugs: Iterable[str]) -> dict[str, DrugRole]:
    """Return drug -> the role it is given in; two drugs of one arm cannot share a role.

    Raises
    ------
    DataError
        when the model has no role left for a drug
    """
    assigned: dict[str, DrugRole] = {}
    names = list(dict.fromkeys(drugs))
    own = {drug: role for role in model.drugs for drug in role.others} | {role.drug: role for role in model.drugs}
    for drug in sorted(names, key=lambda name: name not in own):
        free = [role for role in model.drugs if role not in assigned.values() and own.get(drug, role) is role]
        if drug in own and free:
            assigned[drug] = own[drug]
        elif free:
            assigned[drug] = free[0]
        else:
            kinds = ", ".join(role.name for role in model.drugs) or "none"
            taken = f" beside {', '.join(assigned)}" if assigned else ""
            raise DataError(f"model '{model.name}' takes no '{drug}'{taken}: it has roles for {kinds}; {nearest(drug, own)}")
    return assigned


@dataclass(frozen=True)
class _Taker:
    """What takes the amounts of one drug in a model."""

    model: OdeModel
    role: DrugRole
    values: Mapping[str, float]

    def rate(self, item: Administration, amount: float, unit: str) -> tuple[str, float]:
        """Return (input, value) that a rate is held at."""
        name = self.role.rate_input
        if name is None:
            problem = f"model '{self.model.name}' takes '{item.drug}' in doses alone, given {amount:g} {unit}"
            raise DataError(f"{problem}; fill in 'every'")
        return name, self._convert(item, amount, unit, self._unit_of(name))

    def dose(self, item: Administration) -> tuple[str, float]:
        """Return (state, amount) that a dose adds."""
        name = self.role.dose_state
        if name is None:
            raise DataError(
                f"model '{self.model.name}' takes '{item.drug}' as a rate alone, given {item.amount:g} {item.unit} every "
                f"{item.every:g} d; give a rate, or an infusion with a duration"
            )
        if self.role.dose_volume is None:
            return name, self._convert(item, item.amount, item.unit, self._unit_of(name))
        volume = next(one.unit for one in self.model.parameters if one.name == self.role.dose_volume)
        mass = self._convert(item, item.amount, item.unit, f"{self._unit_of(name)}*{volume}")
        return name, mass / self.values[self.role.dose_volume]

    def _unit_of(self, name: str) -> str:
        return self.model.units[name]

    def _convert(self, item: Administration, amount: float, unit: str, wanted: str) -> float:
        """Return an amount in a unit of the model, by the size of a patient where one is per kilogram or square metre."""
        for per, parameter in PER_BODY.items():
            for given, target, power in ((f"({unit})*{per}", wanted, 1.0), (f"({unit})/({per})", wanted, -1.0)):
                if parse_unit(given).dimension == parse_unit(target).dimension:
                    if parameter not in self.values:
                        problem = f"'{item.drug}' {item.amount:g} {item.unit}: model '{self.model.name}' takes {wanted}"
                        needs = f"has no parameter '{parameter}' to convert by"
                        raise DataError(f"{problem} and {needs}; give the amount in {wanted}")
                    return float(convert(amount, given, target) * self.values[parameter] ** power)
        try:
            return convert(amount, unit, wanted)
        except DataError as error:
            raise DataError(f"'{item.drug}' {item.amount:g} {item.unit}: {error}") from error


def _schedule(given: Iterable[tuple[Administration, _Taker]], horizon: float) -> Schedule:
    spans: list[InputSpan] = []
    doses: list[Dose] = []
    for item, taker in given:
        if item.every is None:
            name, rate = taker.rate(item, item.amount, item.unit)
            spans += [InputSpan(name, rate, first, _forever(item, last, horizon)) for first, last in item.periods(horizon)]
        elif item.duration > 0.0:
            name, rate = taker.rate(item, item.amount / item.duration, f"({item.unit})/d")
            spans += [InputSpan(name, rate, float(day), float(day) + item.duration) for day in item.moments(horizon)]
        else:
            state, amount = taker.dose(item)
            doses += [Dose(float(day), state, amount) for day in item.moments(horizon)]
    return combine(spans, doses)


def _forever(item: Administration, last: float, horizon: float) -> float:
    """Return the end of a stretch; one that only the horizon ends has none, so that nothing changes there."""
    return math.inf if last == horizon < item.last_day and item.on_days is None else last
