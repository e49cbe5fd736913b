"""Options that say what a command takes otherwise than its tables: `--set`; of a fit `--fix`, `--free`, `--prior`, `--start`.

Start with `parse_changes` and `gather_changes`.
"""

import math
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import typer

from kinimmune.models.errors import DataError, UsageError

T = TypeVar("T")

SetValues = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a parameter. Repeatable.")]
Fix = Annotated[
    list[str] | None,
    typer.Option("--fix", metavar="NAME[=VALUE]", help="Hold a parameter, at its value in the tables or at another. Repeatable."),
]
Free = Annotated[
    list[str] | None,
    typer.Option("--free", metavar="NAME", help="Estimate a parameter that the tables hold; it needs a prior. Repeatable."),
]
Priors = Annotated[
    list[str] | None,
    typer.Option(
        "--prior", metavar="NAME=PRIOR", help="lognormal(MEDIAN, SD), logitnormal(...), normal(...) or fixed. Repeatable."
    ),
]
Starts = Annotated[
    list[str] | None,
    typer.Option(
        "--start", metavar="NAME=VALUE", help="Start an estimated parameter there, not at its prior median. Repeatable."
    ),
]


def parse_changes(texts: Iterable[str]) -> dict[str, float]:
    """Return parameter -> value from texts such as `growth=0.01`.

    Raises
    ------
    UsageError
        for a text of another form

    Examples
    --------
    >>> parse_changes(["growth=0.01", "kinase_shift = 2"])
    {'growth': 0.01, 'kinase_shift': 2.0}
    """
    changes: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            changes[name.strip()] = float(value)
        except ValueError:
            raise UsageError(f"--set '{text}': write NAME=VALUE with a number, such as growth=0.01") from None
        if not math.isfinite(changes[name.strip()]):
            raise UsageError(f"--set '{text}': the value must be finite; write a number such as 0.01")
    return changes


def gather_changes(
    fix: Iterable[str] | None, free: Iterable[str] | None, prior: Iterable[str] | None, start: Iterable[str] | None
) -> dict[str, Any]:
    """Return the options as table `[fit]` of a configuration holds them; None for one that was not given.

    Raises
    ------
    UsageError
        for a text of another form, or a name that is given twice

    Examples
    --------
    >>> gather_changes(["growth:sharp", "kappa=2"], None, ["kappa = normal(2, 1)"], None)
    {'fix': {'growth:sharp': True, 'kappa': 2.0}, 'free': None, 'prior': {'kappa': 'normal(2, 1)'}, 'start': None}
    """
    return {
        "fix": _gather("--fix", fix, _read_held),
        "free": None if not free else list(_gather("--free", free, _read_free) or ()),
        "prior": _gather("--prior", prior, _read_prior),
        "start": _gather("--start", start, _read_number),
    }


def _gather(option: str, texts: Iterable[str] | None, read: Callable[[str, str, bool], T]) -> dict[str, T] | None:
    """Return name -> what is given for it."""
    found: dict[str, T] = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name:
            raise UsageError(f"{option} '{text}': no name; write the parameter first, such as growth:sharp")
        if name in found:
            raise UsageError(f"{option} {name}: given twice; give it once")
        found[name] = read(f"{option} '{text}'", value, bool(equals))
    return found or None


def _read_held(what: str, value: str, given: bool) -> bool | float:
    return _read_number(what, value, given) if given else True


def _read_free(what: str, value: str, given: bool) -> bool:
    if given:
        raise UsageError(f"{what}: --free takes a name alone; give a start with --start, a prior with --prior")
    return True


def _read_prior(what: str, value: str, given: bool) -> str:
    from kinimmune.models.symbolic.parameters import Prior

    try:
        Prior.parse(value)
    except DataError as error:
        raise UsageError(f"{what}: {error}") from error
    return value


def _read_number(what: str, value: str, given: bool) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{what}: write NAME=VALUE with a number, such as growth:sharp=0.01")
    return number
