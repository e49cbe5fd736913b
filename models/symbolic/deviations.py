"""What a parameter is in one trial where trials differ in it: a deviation of each from the value of all, normal on its scale.

Start with `make_deviation`.  A deviation is a parameter of its own, `NAME_deviation:STUDY`.  Its prior is normal about 0 with the
standard deviation between trials; `shift_values` (in `kinimmune.models.symbolic.parameters`) applies it.  With standard errors
se_i of the trials' own values and the spread s, estimates are those of the random-effects meta-analysis that weighs trials by
1 / (se_i^2 + s^2) (R. DerSimonian and N. Laird, Control Clin Trials 7:177, 1986), s given.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, ModelError
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Shift
from kinimmune.models.symbolic.scales import invert

_ENDING = "_deviation"
_OF_SCALE = {Scale.LOGNORMAL: "of ln ", Scale.LOGITNORMAL: "of logit ", Scale.NORMAL: "of "}


def name_deviation(name: str) -> str:
    """Return what the deviation of a parameter is called.

    >>> name_deviation("kinase_shift")
    'kinase_shift_deviation'
    """
    return f"{name}{_ENDING}"


def make_deviation(item: Parameter, study: str) -> Parameter:
    """Return the deviation of a parameter in a study from its value in all, 0 where nothing tells otherwise.

    It has the unit 1 on the ln and logit scales, else that of the parameter.  No deviation is larger than the range of the
    parameter is wide on its scale.

    Parameters
    ----------
    item
        with a spread between trials
    study
        key of a trial

    Raises
    ------
    DataError
        for a parameter that trials do not differ in
    """
    if item.trial_spread is None:
        raise DataError(f"parameter '{item.key}' is the same in all trials; fill in trial_spread ({item.origin})")
    scale, width = item.prior.scale, _width(item)
    return replace(
        item,
        name=name_deviation(item.name),
        symbol=f"delta_({item.symbol})",
        value=0.0,
        unit=item.unit if scale is Scale.NORMAL else "1",
        lower=-width,
        upper=width,
        prior=Prior(Scale.NORMAL, 0.0, item.trial_spread),
        spread=None,
        study=study,
        meaning=f"deviation {_OF_SCALE[scale]}{item.name} in one trial from that of all",
        trial_spread=None,
        shift=Shift(item.name, scale),
        effects=(),
    )


def _width(item: Parameter) -> float:
    """Return how wide the range of a parameter is on the scale of its prior, infinite where it reaches to an end or beyond."""
    try:
        return item.prior.scale.transform(item.upper) - item.prior.scale.transform(item.lower)
    except DataError:
        return math.inf


def move_to_trial(parameters: Iterable[Parameter], key: str, shared: Array, by: Array) -> Array:
    """Return values of a parameter in one trial, from those of all and its deviations, as `Parameter.shifted` does; shape (n,).

    Parameters
    ----------
    parameters
        of a model
    key
        of the deviation
    shared
        values in all trials, shape (n,)
    by
        deviations of the trial from them, on the scale of the prior, shape (n,)
    """
    shift = next(item.shift for item in parameters if item.key == key)
    assert shift is not None  # a deviation has one
    moved = [shift.scale.transform(value) + step for value, step in zip(shared.tolist(), by.tolist(), strict=True)]
    return np.where(by == 0.0, shared, invert(shift.scale, np.array(moved)))


def check_deviations(parameters: Iterable[Parameter], model: str) -> None:
    """Refuse deviations of what a model does not have, or of no study.

    Raises
    ------
    ModelError
        naming the deviation
    """
    parameters = tuple(parameters)
    known = {(item.name, item.drug) for item in parameters if item.shift is None and item.study is None}
    for item in parameters:
        if item.shift is not None and (item.study is None or (item.shift.name, item.drug) not in known):
            where = f"model '{model}': parameter '{item.key}' shifts '{item.shift.name}' in study '{item.study}'"
            raise ModelError(f"{where}, and there is no such parameter or study; leave it out")
