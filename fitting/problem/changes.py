"""What a fit takes otherwise than its tables say: parameters that are held, freed, given another prior or another start.

Start with `ParameterChange`; `resolve_changes` makes them from what was asked for, `apply_changes` puts them into parameters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Any

from kinimmune.fitting.settings import FitOptions
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.symbolic.parameters import Parameter, ParameterKey, Prior, Scale
from kinimmune.models.tables.parameters import largest_sd


@dataclass(frozen=True)
class ParameterChange:
    """What is otherwise about one parameter; what is None is as in the tables."""

    key: str
    estimated: bool | None = None
    """True where it is freed, False where it is held."""
    value: float | None = None
    """Value of a parameter that is held."""
    prior: Prior | None = None
    start: float | None = None
    """Value from which the optimiser starts."""

    @property
    def plain(self) -> dict[str, Any]:
        """The change as an input of a task; pydantic is the way back."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return found if self.prior is None else {**found, "prior": {**found["prior"], "scale": str(self.prior.scale)}}

    def __str__(self) -> str:
        """Return it in words.

        >>> str(ParameterChange("growth", estimated=False, value=0.01))
        'held at 0.01'
        """
        held = "held at its value" if self.value is None else f"held at {self.value:g}"
        parts = {True: "freed", False: held, None: "" if self.value is None else held}
        prior = "" if self.prior is None else f"prior {self.prior}"
        start = "" if self.start is None else f"start {self.start:g}"
        return ", ".join(part for part in (parts[self.estimated], prior, start) if part)


def apply_changes(parameters: Sequence[Parameter], changes: Sequence[ParameterChange]) -> tuple[Parameter, ...]:
    """Return parameters with what is otherwise about them."""
    by_key = {change.key: change for change in changes}
    return tuple(_changed(item, by_key[item.key]) if item.key in by_key else item for item in parameters)


def _changed(item: Parameter, change: ParameterChange) -> Parameter:
    origin = f"{item.origin}, prior given at the call" if change.prior is not None else item.origin
    value = item.value if change.value is None else change.value
    prior = item.prior if change.prior is None else change.prior
    if prior.scale is Scale.FIXED:
        prior = replace(prior, median=value)
    estimated = item.estimated if change.estimated is None else change.estimated
    return replace(item, value=value, prior=prior, estimated=estimated, origin=origin)


def resolve_changes(parameters: Sequence[Parameter], asked: FitOptions) -> tuple[ParameterChange, ...]:
    """Return what is otherwise about parameters, in their order; what the tables say already is no change.

    A name alone stands for the parameter of every study, arm and drug; one with its study, arm or drug goes before it.

    Parameters
    ----------
    parameters
        those of the problem, as the tables have them
    asked
        what was asked for

    Raises
    ------
    UsageError
        for an unknown name, with the nearest one; a value, median or start outside its range; a parameter that is both held and
        freed, freed without a prior, or started without being estimated
    """
    held = _assign(parameters, asked.fix, "--fix")
    freed = _assign(parameters, dict.fromkeys(asked.free, True), "--free")
    priors, starts = _assign(parameters, asked.prior, "--prior"), _assign(parameters, asked.start, "--start")
    changes = []
    for item in parameters:
        key = item.key
        estimated = _is_estimated(item, held.get(key), freed.get(key))
        value = held[key][1] if estimated is False and held[key][1] is not True else None
        prior = Prior.parse(priors[key][1]) if key in priors else None
        start = starts[key][1] if key in starts else None
        change = ParameterChange(key, estimated, value, prior, start)
        _require_possible(item, change)
        changes.append(_without_the_known(item, change))
    return tuple(change for change in changes if change != ParameterChange(change.key))


_Asked = tuple[str, Any]
"""The name as it was given, and what was asked for it."""


def _assign(parameters: Sequence[Parameter], asked: Mapping[str, Any], option: str) -> dict[str, _Asked]:
    """Return key of a parameter -> what is asked for it; names with a study, arm or drug go before those without."""
    found: dict[str, _Asked] = {}
    for given in sorted(asked, key=_is_of_one):
        keys = [item.key for item in parameters if given in (item.key, item.name)]
        if not keys:
            names = dict.fromkeys(name for item in parameters for name in (item.name, item.key))
            close = get_close_matches(given, names, 1)
            advice = f"did you mean '{close[0]}'?" if close else "kinimmune show lists the parameters of a model"
            raise UsageError(f"{option} {given}: no such parameter in this fit; {advice}")
        found |= dict.fromkeys(keys, (given, asked[given]))
    return found


def _is_estimated(item: Parameter, held: _Asked | None, freed: _Asked | None) -> bool | None:
    """Return whether a parameter is to be freed (True) or held (False), None where neither was asked for."""
    if held is None or freed is None:
        return None if held is freed else held is None
    if _is_of_one(held[0]) == _is_of_one(freed[0]):
        raise UsageError(f"--fix {held[0]} and --free {freed[0]}: '{item.key}' is either held or free; leave one of them out")
    return _is_of_one(freed[0])


def _is_of_one(name: str) -> bool:
    """Return whether a text names the parameter of one study, arm or drug."""
    return ParameterKey.parse(name) != ParameterKey(name)


def _require_possible(item: Parameter, change: ParameterChange) -> None:
    """Raise a `UsageError` where a parameter cannot be changed so; the checks are those of the tables."""
    _require_inside(item, change.value, "--fix", "value")
    _require_inside(item, change.start, "--start", "start")
    if change.prior is not None and change.prior.scale is not Scale.FIXED:
        _require_inside(item, change.prior.median, "--prior", "median")
        widest = largest_sd(change.prior.scale, change.prior.median)
        if change.prior.sd > widest:
            raise UsageError(f"--prior {item.key}={change.prior}: the sd must be at most {widest:g}")
    then = _changed(item, change)
    if not then.estimated:
        _require_held(then, change)
    elif change != ParameterChange(item.key):
        _require_free(then, change)


def _require_inside(item: Parameter, number: float | None, option: str, what: str) -> None:
    if number is not None and not item.lower <= number <= item.upper:
        where = f"[{item.lower:g}, {item.upper:g}] {item.unit}"
        raise UsageError(
            f"{option} {item.key}: {what} {number:g} lies outside {where}; give one inside, or widen the range in parameters.csv"
        )


def _require_held(then: Parameter, change: ParameterChange) -> None:
    if change.start is not None:
        raise UsageError(f"--start {then.key}: it is not estimated; free it (--free {then.key}), or leave its start out")
    if (change.value is not None or change.prior is not None) and not math.isfinite(_coordinate(then, then.value)):
        raise UsageError(
            f"--fix {then.key}={then.value:g}: its prior {then.prior} gives that value no place; hold it at another, "
            f"or without a prior (--prior {then.key}=fixed)"
        )


def _require_free(then: Parameter, change: ParameterChange) -> None:
    """Raise unless an optimiser can move a parameter within its range."""
    if then.prior.scale is Scale.FIXED:
        raise UsageError(f"--free {then.key}: it has no prior; give it one, such as --prior '{then.key}=lognormal(MEDIAN, SD)'")
    if not then.lower < then.upper:
        raise UsageError(
            f"--free {then.key}: its range [{then.lower:g}, {then.upper:g}] leaves it one value; widen it in parameters.csv"
        )
    if math.isnan(_coordinate(then, then.lower)) or math.isnan(_coordinate(then, then.upper)):
        raise UsageError(
            f"--prior {then.key}={then.prior}: its range [{then.lower:g}, {then.upper:g}] reaches beyond the {then.prior.scale} "
            "scale; take another scale, or narrow the range in parameters.csv"
        )
    if change.start is not None and not math.isfinite(_coordinate(then, change.start)):
        raise UsageError(f"--start {then.key}={change.start:g}: the end of the {then.prior.scale} scale; start inside")


def _coordinate(item: Parameter, value: float) -> float:
    """Return the coordinate of a value on the scale of a parameter's prior, not a number where it has none."""
    try:
        return item.prior.scale.transform(value)
    except DataError:
        return math.nan


def _without_the_known(item: Parameter, change: ParameterChange) -> ParameterChange:
    return ParameterChange(
        change.key,
        None if change.estimated == item.estimated else change.estimated,
        None if change.value == item.value else change.value,
        None if _changed(item, change).prior == item.prior else change.prior,
        change.start,
    )
