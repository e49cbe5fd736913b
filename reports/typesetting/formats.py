"""Numbers and words as a reader wants to see them.

Start with `print_number`; names of a model and its trials are written by `kinimmune.reports.typesetting.labels`.
"""

from collections.abc import Sequence
from math import floor, isfinite, log10

from kinimmune.models.symbolic.components import derive_label

MISSING = "–"

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ENDPOINTS = {"os": "OS", "ttp": "TTP", "pfs": "PFS"}


def print_number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, a dash for None.

    >>> print_number(0.004951), print_number(10.7), print_number(0.0000123), print_number(6000.0), print_number(None)
    ('0.00495', '10.7', '1.23 × 10⁻⁵', '6000', '–')
    """
    if value is None or not isfinite(value):
        return MISSING
    if value == 0.0:
        return "0"
    exponent = floor(log10(abs(value)))
    if exponent < -4 or exponent > 6:
        mantissa = f"{value / 10.0**exponent:.{digits - 1}f}".rstrip("0").rstrip(".")
        return f"{mantissa} × 10{str(exponent).translate(_SUPERSCRIPT)}".replace("-", "−")
    text = f"{value:.{max(digits - 1 - exponent, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def print_fixed(value: float | None, decimals: int) -> str:
    """Return a number with so many decimals, a dash for None.

    >>> print_fixed(0.7, 2), print_fixed(-1.23, 1), print_fixed(-0.001, 2)
    ('0.70', '−1.2', '0.00')
    """
    if value is None or not isfinite(value):
        return MISSING
    text = f"{value:.{decimals}f}"
    return (text.removeprefix("-") if float(text) == 0.0 else text).replace("-", "−")


def print_interval(lower: float | None, upper: float | None, decimals: int | None = None) -> str:
    """Return both ends with `decimals` decimals, or three significant digits; a dash when an end is missing.

    >>> print_interval(0.55, 0.871, 2)
    '0.55 to 0.87'
    """
    if lower is None or upper is None:
        return MISSING
    ends = [print_number(end) if decimals is None else print_fixed(end, decimals) for end in (lower, upper)]
    return " to ".join(ends)


def print_percent(fraction: float | None) -> str:
    """Return a fraction in per cent.

    >>> print_percent(0.0231)
    '2.3 %'
    """
    return MISSING if fraction is None else f"{print_fixed(100.0 * fraction, 1)} %"


def print_unit(unit: str) -> str:
    """Return a unit, nothing for a plain number.

    >>> print_unit("1/d"), print_unit("1")
    ('1/d', '')
    """
    return "" if unit == "1" else unit


def print_words(name: str | None) -> str:
    """Return a name such as that of an arm as words, a dash for None.

    >>> print_words("best_supportive_care"), print_words(None)
    ('Best supportive care', '–')
    """
    return MISSING if name is None else derive_label(name)


def print_endpoint(name: str | None) -> str:
    """Return an endpoint as it is written in text, a dash for None.

    >>> print_endpoint("os"), print_endpoint("time_to_response"), print_endpoint(None)
    ('OS', 'Time to response', '–')
    """
    return MISSING if name is None else _ENDPOINTS.get(name) or derive_label(name)


def list_words(words: Sequence[str]) -> str:
    """Return words joined as in a sentence.

    >>> list_words(["a", "b", "c"])
    'a, b and c'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
