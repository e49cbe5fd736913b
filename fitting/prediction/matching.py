"""Which values and draws the arms of a prediction get: parameter by parameter, from a run, from priors, or as they are.

Start with `match_parameters`.  A trial that a run did not fit shares with it what all studies share; what belongs to one study is
drawn from its prior in the trial's tables, or taken from a fitted study where that is asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.prediction.source import PRIOR, TABLES, ParameterSource
from kinimmune.fitting.prediction.trials import GivenTrials
from kinimmune.fitting.problem.objective import INSIDE, table_bounds
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.symbolic.parameters import Parameter, Scale

FRESH = 5
"""What sets the seed of draws from priors apart from those of a posterior."""
OF_POSTERIOR, OF_STUDY, OF_PRIOR, HELD = "posterior", "study", "prior", "held"
"""Whose values a parameter has: the run's posterior, that of another study, its prior, or one value for all draws."""


@dataclass(frozen=True)
class ParameterOrigin:
    """Where the values of one parameter come from."""

    name: str
    origin: str
    """`posterior`, `study`, `prior` or `held`."""
    of: str
    """Key of the parameter of the run whose values they are; its own where it is that."""
    value: float
    """That all draws have, or the estimate or table's value the draws lie about, in the unit of the parameter."""


@dataclass(frozen=True)
class MatchedParameters:
    """The parameters that arms see, and what they are at every draw."""

    parameters: tuple[Parameter, ...]
    moved: tuple[Parameter, ...]
    """Those that differ from draw to draw."""
    points: Array
    """Their z-scores, shape (k, n_moved)."""
    origins: tuple[ParameterOrigin, ...]
    """In the order of `parameters`."""


def match_parameters(
    source: ParameterSource, given: GivenTrials, studies: Sequence[str], borrowed: str | None, seed: int
) -> MatchedParameters:
    """Return the parameters of a prediction with their draws.

    Parameters
    ----------
    source
        what is known of them
    given
        the model and its parameters as the tables of the trial have them
    studies
        that are predicted
    borrowed
        a study whose own parameters those of a study that was not fitted get; None for their priors
    seed
        of draws from priors

    Raises
    ------
    UsageError
        when there is nothing of the borrowed study to take
    """
    wanted, taken = _borrow(source, given.parameters, studies, borrowed)
    order = {name: place for place, name in enumerate(given.model.parameter_names)}  # that of a patient's values
    known = {item.key: item for item in source.parameters}
    columns = dict(zip(source.names, source.draws.T, strict=True))
    rows, values, origins = [], {}, []
    fresh = np.random.default_rng([seed, FRESH])
    for item in sorted(wanted, key=lambda row: order[row.name]):
        of = taken.get(item.key, item.key)
        if of in columns:
            row, origin = item if item.key in taken else known[of], OF_STUDY if item.key in taken else OF_POSTERIOR
            values[item.key] = np.array([row.prior.to_z(value) for value in columns[of].tolist()])
        elif _is_drawn(item, source, known):
            row, origin = item, OF_PRIOR
            values[item.key] = _draw(item, len(source.draws), fresh)
        else:
            row = item if item.key in taken else known.get(item.key, item)
            origin = OF_STUDY if item.key in taken else HELD
        rows.append(row)
        origins.append(ParameterOrigin(row.key, origin, row.key if origin == OF_PRIOR else of, row.value))
    moved = tuple(row for row in rows if row.key in values)
    points = np.array([values[row.key] for row in moved]).reshape(len(moved), len(source.draws)).T
    return MatchedParameters(tuple(rows), moved, points, tuple(origins))


def _is_drawn(item: Parameter, source: ParameterSource, known: Mapping[str, Parameter]) -> bool:
    """Return whether a parameter without a posterior is drawn: all with a prior, or beside a run what a fit would estimate."""
    if source.basis == TABLES or item.prior.scale is Scale.FIXED:
        return False
    if source.basis == PRIOR:
        return True
    return item.estimated and (item.key not in known or item.study not in (None, *source.studies))


def _draw(item: Parameter, count: int, fresh: np.random.Generator) -> Array:
    """Return z-scores from the prior, those beyond the range of the table on its end, shape (count,)."""
    (low,), (high,) = table_bounds((item,), INSIDE)
    return np.clip(fresh.standard_normal(count), low, high)


def _borrow(
    source: ParameterSource, given: Sequence[Parameter], studies: Sequence[str], borrowed: str | None
) -> tuple[tuple[Parameter, ...], dict[str, str]]:
    """Return the parameters that are seen, and which of them are those of another study: key -> key of the run's."""
    seen = [item for item in given if item.study is None or item.study in studies]
    if borrowed is None:
        return tuple(seen), {}
    own = _list_own(source, borrowed)
    others = [study for study in studies if study != borrowed and study not in source.studies]
    if not others:
        raise UsageError(f"--as {borrowed}: every study that is predicted has parameters of its own from the fit; leave it out")
    lent = {replace(item, study=study).key: (item, study) for study in others for item in own}
    kept = [item for item in seen if item.key not in lent]
    return (*kept, *_rename(lent)), {key: item.key for key, (item, _) in lent.items()}


def _rename(lent: Mapping[str, tuple[Parameter, str]]) -> Iterator[Parameter]:
    for item, study in lent.values():
        yield replace(item, study=study)


def _list_own(source: ParameterSource, study: str) -> list[Parameter]:
    """Return the parameters that belong to a study whose values another one can take."""
    own = [item for item in source.parameters if item.study is not None and item.everywhere]
    names = sorted(source.studies & {item.study for item in own} if source.studies else {str(item.study) for item in own})
    if not names:
        raise UsageError(f"--as {study}: no parameter of model '{source.model.name}' belongs to one study; leave it out")
    if study not in names:
        what = "fitted" if source.studies else "in parameters.csv"
        raise UsageError(f"--as {study}: no parameters of such a study are {what}; {nearest(study, names)}")
    return [item for item in own if item.study == study]
