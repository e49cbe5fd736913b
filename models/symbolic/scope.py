"""Which of several values of a parameter an arm sees: one may belong to a study, to an arm of it, or to a drug.

Start with `parameters_of`.
"""

from collections.abc import Iterable

from kinimmune.models.symbolic.parameters import Parameter, shift_values


def parameters_of(
    parameters: Iterable[Parameter], study: str | None, arm: str | None = None, drugs: Iterable[str] = ()
) -> tuple[Parameter, ...]:
    """Return the parameter of every name that an arm sees, names in their order of the table.

    It is the arm's own, else that of a drug it is given, else its study's or the shared one; where trials differ in it, as the
    study has it.

    Parameters
    ----------
    parameters
        of a model
    study
        whose values are seen; with None the first study's stand for study-specific ones
    arm
        of that study; with None no arm's own is seen
    drugs
        that are given
    """
    given = set(drugs)
    seen: dict[str, tuple[int, Parameter]] = {}
    for item in shift_values(tuple(parameters), study):
        if item.drug is not None:
            rank = 3 if item.drug in given else 0
        elif item.arm is not None:
            rank = 4 if (item.study, item.arm) == (study, arm) else 0
        else:
            rank = 2 if item.study in (None, study) else 1
        if item.name not in seen or rank > seen[item.name][0]:
            seen[item.name] = (rank, item)
    return tuple(item for _, item in seen.values())


def own_studies(parameters: Iterable[Parameter]) -> tuple[str, ...]:
    """Return the studies that have values of their own, not only deviations from one that is shared."""
    own = (item.study for item in parameters if item.everywhere and item.shift is None)
    return tuple(dict.fromkeys(study for study in own if study is not None))


def own_values(parameters: Iterable[Parameter]) -> dict[str, float]:
    """Return name -> value of those that belong to one arm or drug; they go before what tables of drugs say."""
    return {item.name: item.value for item in parameters if not item.everywhere}
