"""What a prediction is asked for: arms, pairs of arms that are compared, bounds, the test, and sizes of a trial.

Start with `PredictionRequest`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from kinimmune.fitting.prediction.spending import AnalysisPlan, Spending, plan_analyses
from kinimmune.models.errors import UsageError
from kinimmune.models.trial.design import StopRule

BOUNDS = (1.0, 0.8)
"""Values of a hazard ratio below which its probability is told where none is asked for."""
LEAST_DRAWS = 16
CURVE_SIZES = 14
"""Steps of a curve over sizes where none is given."""
CURVE_CUT_OFFS = 8
LATEST = 240.0
"""Month up to which data can be cut off."""
MOST_SIZES = 200
LARGEST_SIZE = 1_000_000
_FORM = "write TOTAL, FIRST:LAST or FIRST:LAST:STEP with whole numbers of patients, such as 100:800"


@dataclass(frozen=True)
class PredictionRequest:
    """What is predicted, for whom and how many times."""

    arms: tuple[str, ...] = ()
    """STUDY:ARM, or ARM where one study has it; none for all."""
    ratios: tuple[str, ...] = ()
    """STUDY:ARM/ARM, besides every treated arm against its control."""
    below: tuple[float, ...] = BOUNDS
    """Values of a hazard ratio below which its probability is computed."""
    alpha: float = 0.05
    """Two-sided level of the log-rank test."""
    assume_ratio: float | None = None
    """Hazard ratio whose power stands beside the assurance; None for the median predicted."""
    looks: tuple[float, ...] = ()
    """Interim analyses, as shares of the events by the cut-off."""
    spending: Spending = Spending.OBRIEN_FLEMING
    """How the level is spent over them."""
    cut_offs: tuple[float, ...] = ()
    """Months after the first entry at which data are cut off in place of the design's, for a curve."""
    sizes: tuple[int, ...] = ()
    """Total numbers of patients of a study for which the test is planned."""
    draws: int = 400
    draw_constants: bool = False
    """Whether what a run held is drawn within its priors too."""
    borrowed: str | None = None
    """A study whose own parameters are taken for studies that were not fitted."""
    stop_rule: StopRule | None = None
    """By which treatment stops, in place of each study's own."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Name or key of a parameter, or name of a `DesignPlace`, -> value at every draw, in place of the source's."""
    cuts: tuple[str, ...] = ()
    """Arrows of the model that are cut."""
    at_estimates: bool = False
    """Of a run: whether its estimates are taken in place of draws."""

    def __post_init__(self) -> None:
        """Refuse levels, ratios and numbers that are none."""
        if not 0.0 < self.alpha < 1.0:
            raise UsageError(f"--alpha {self.alpha:g}: must lie between 0 and 1, such as 0.05")
        for option, ratio in (("--assume-ratio", self.assume_ratio), *(("--ratio-below", bound) for bound in self.below)):
            if ratio is not None and not (math.isfinite(ratio) and ratio > 0.0):
                raise UsageError(f"{option} {ratio:g}: a hazard ratio must be positive, such as 0.8")
        if self.draws < LEAST_DRAWS:
            raise UsageError(f"--draws {self.draws} are too few to tell an interval; give at least {LEAST_DRAWS}")

    def plan_analyses(self) -> AnalysisPlan:
        """Return the analyses of a trial; a UsageError for looks that are none."""
        return plan_analyses(self.alpha, self.looks, self.spending)


def read_looks(text: str) -> tuple[float, ...]:
    """Return the shares of the events a text asks for, separated by commas.

    >>> read_looks("0.5,0.75")
    (0.5, 0.75)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--looks {text}: no shares; write shares of the events, such as 0.5,0.75") from None


def read_cut_offs(text: str) -> tuple[float, ...]:
    """Return the months a text asks for, the last one included.

    Raises
    ------
    UsageError
        for a text of another form, or months that do not rise

    Examples
    --------
    >>> read_cut_offs("12:36:12"), read_cut_offs("18")
    ((12.0, 24.0, 36.0), (18.0,))
    """
    form = "write MONTH, FIRST:LAST or FIRST:LAST:STEP with months after the first entry, such as 12:36"
    try:
        numbers = [float(part) for part in text.split(":")]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or not all(map(math.isfinite, numbers)):
        raise UsageError(f"--cut-off {text}: no months; {form}")
    first, last = numbers[0], numbers[min(1, len(numbers) - 1)]
    step = numbers[2] if len(numbers) == 3 else max((last - first) / CURVE_CUT_OFFS, 1.0)
    if not 0.0 < first <= last <= LATEST or step <= 0.0 or (last - first) / step > MOST_SIZES:
        raise UsageError(f"--cut-off {text}: months must rise to at most {LATEST:g}, in at most {MOST_SIZES} steps; {form}")
    steps = math.ceil((last - first) / step - 1e-9)
    return (*(first + place * step for place in range(steps)), last)


def read_sizes(text: str) -> tuple[int, ...]:
    """Return the sizes a text asks for, the last one included.

    Raises
    ------
    UsageError
        for a text of another form, or sizes that do not rise

    Examples
    --------
    >>> read_sizes("100:800:350"), read_sizes("602")
    ((100, 450, 800), (602,))
    """
    parts = text.split(":")
    if not 1 <= len(parts) <= 3 or not all(part.strip().isdecimal() and part.isascii() for part in parts):
        raise UsageError(f"--size {text}: no sizes; {_FORM}")
    numbers = [int(part) for part in parts]
    first, last = numbers[0], numbers[min(1, len(numbers) - 1)]
    step = numbers[2] if len(numbers) == 3 else max(round((last - first) / CURVE_SIZES), 1)
    if not 0 < first <= last <= LARGEST_SIZE or step == 0 or (last - first) // step > MOST_SIZES:
        raise UsageError(f"--size {text}: sizes must rise to at most {LARGEST_SIZE}, in at most {MOST_SIZES} steps; {_FORM}")
    return (*range(first, last, step), last)
