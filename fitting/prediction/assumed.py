"""What a prediction takes otherwise than its source and its tables: values of parameters, what arms give, arrows that are cut.

Start with `hold_values`, `change_design` and `add_switches`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.prediction.matching import MatchedParameters
from kinimmune.fitting.prediction.trials import GivenTrials
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.experiments.individual import change_parameters
from kinimmune.models.trial.design import Arm, Trial

SET = "set"
"""Origin of a parameter whose value is given at the call."""
CUT = "keep_{}"
"""Name of the switch of an arrow, as `OdeModel.with_switches` has it."""
_OF_ARM = ("dose", "doses_per_day")
_OF_ROW = ("amount", "every")


@dataclass(frozen=True)
class DesignPlace:
    """A number of what an arm gives: `dose`, `doses_per_day` of its short form, `amount`, `every` of a row of its regimen."""

    what: str
    study: str
    arm: str
    row: int | None = None
    """Of the arm's rows of `regimens.csv` the first is 1; None for the short form in `design.csv`."""

    @property
    def name(self) -> str:
        """As it is given to `--set`."""
        return ":".join((self.what, self.study, self.arm, *(() if self.row is None else (str(self.row),))))


def list_design(trials: Sequence[Trial]) -> dict[DesignPlace, float]:
    """Return every number of what arms give that can be changed, with its value in the tables.

    Doses [mg] and doses a day [1/d] where an arm has the short form; of every row of its regimen the amount in the row's unit,
    and days between doses where it has any.
    """
    found: dict[DesignPlace, float] = {}
    for arm in (arm for trial in trials for arm in trial.arms):
        if arm.drug is not None:
            found[DesignPlace("dose", arm.study, arm.name)] = arm.dose
            found[DesignPlace("doses_per_day", arm.study, arm.name)] = arm.doses_per_day
        for number, item in enumerate(arm.regimen, 1):
            found[DesignPlace("amount", arm.study, arm.name, number)] = item.amount
            if item.every is not None:
                found[DesignPlace("every", arm.study, arm.name, number)] = item.every
    return found


def names_design(name: str) -> bool:
    """Return whether a name is one of what an arm gives.

    >>> names_design("dose:sharp:sorafenib"), names_design("growth:sharp")
    (True, False)
    """
    return name.partition(":")[0] in {*_OF_ARM, *_OF_ROW} and ":" in name


def change_design(trials: Sequence[Trial], values: Mapping[str, float]) -> tuple[Trial, ...]:
    """Return trials whose arms give something else.

    Parameters
    ----------
    trials
        as the tables have them
    values
        name of `DesignPlace` -> value; others are no matter of this function

    Raises
    ------
    UsageError
        for what no arm gives, with the nearest name, and for an amount nobody can give
    """
    given = {place.name: place for place in list_design(trials)}
    wanted = {name: value for name, value in values.items() if names_design(name)}
    for name in wanted:
        if name not in given:
            advice = nearest(name, given) if given else "these arms are given nothing; leave it out"
            raise UsageError(f"--set {name}: no arm that is predicted gives it; {advice}")
    changed = tuple(trials)
    for name, value in wanted.items():
        changed = tuple(_change_trial(item, given[name], value) for item in changed)
    return changed


def _change_trial(trial: Trial, place: DesignPlace, value: float) -> Trial:
    if trial.study != place.study:
        return trial
    try:
        arms = tuple(_change_arm(arm, place, value) if arm.name == place.arm else arm for arm in trial.arms)
    except DataError as error:
        raise UsageError(f"--set {place.name}={value:g}: {error}") from error
    return replace(trial, arms=arms)


def _change_arm(arm: Arm, place: DesignPlace, value: float) -> Arm:
    if place.row is None:
        if value < 0.0:
            raise DataError("nobody can be given less than nothing; give 0 or more")
        return replace(arm, dose=value) if place.what == "dose" else replace(arm, doses_per_day=value)
    row = arm.regimen[place.row - 1]
    given = replace(row, amount=value) if place.what == "amount" else replace(row, every=value)
    return replace(arm, regimen=tuple(given if item is row else item for item in arm.regimen))


def add_switches(given: GivenTrials) -> GivenTrials:
    """Return trials of a model with a switch on every arrow: one compiled model for any of them that are cut."""
    model = given.model.with_switches(*given.model.interactions)
    switches = model.parameters[len(given.model.parameters) :]
    return replace(given, model=model, parameters=(*given.parameters, *switches))


def hold_values(
    matched: MatchedParameters, values: Mapping[str, float], cuts: Sequence[str] = (), arrows: Sequence[str] = ()
) -> MatchedParameters:
    """Return parameters of which some have the same value at every draw.

    Parameters
    ----------
    matched
        as the source has them
    values
        name or key of a parameter -> value; a name stands for the parameter of every study, arm and drug
    cuts
        arrows that are cut
    arrows
        all there are, of a model with switches

    Raises
    ------
    UsageError
        for an unknown parameter or arrow, with the nearest name, or a value outside its range
    """
    for name in cuts:
        if name not in arrows:
            raise UsageError(f"--cut {name}: the model has no such arrow; {nearest(name, arrows)}")
    switches = {CUT.format(name) for name in arrows}
    wanted = {name: value for name, value in values.items() if not names_design(name)}
    changed = change_parameters(matched.parameters, wanted | {CUT.format(name): float(name not in cuts) for name in arrows})
    held = {item.key for item in matched.parameters if {item.name, item.key} & wanted.keys()}
    kept = [place for place, item in enumerate(matched.moved) if item.key not in held]
    by_key = {item.key: item for item in changed}
    return MatchedParameters(
        parameters=changed,
        moved=tuple(matched.moved[place] for place in kept),
        points=np.asarray(matched.points[:, kept], dtype=float),
        origins=tuple(
            replace(item, origin=SET, of=item.name, value=by_key[item.name].value) if item.name in held else item
            for item in matched.origins
            if item.name not in switches
        ),
    )
