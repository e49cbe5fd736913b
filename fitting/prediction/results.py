"""What a prediction shows: plain values that go to JSON and back.

Start with `PredictionResult` (schema `kinimmune.predict/1`); `PREDICTION_JSON` converts it.
"""

from dataclasses import dataclass, field

from kinimmune.fitting.estimation.outcome_rows import Numbers
from kinimmune.fitting.runs.codec import JsonFormat

Bound = float | None


@dataclass(frozen=True)
class ParameterRow:
    """Where the values of one parameter come from."""

    name: str
    origin: str
    """`posterior`, `study` (of another one), `prior`, `set` at the call, or `held` where all draws have the same."""
    of: str
    """Key of the parameter whose values they are."""
    value: float


@dataclass(frozen=True)
class NumberRow:
    """A number of one arm: its median over the draws, and where it lies with 95 % probability.

    None for a median beyond the curve, and for what is not known.
    """

    study: str
    arm: str
    n: int
    """Patients randomised."""
    endpoint: str | None
    statistic: str
    """`median`, `survival`, `deaths`, `events`, `response_rate` or `control_rate`."""
    month: float | None
    unit: str
    predicted: Bound
    lower: Bound
    upper: Bound
    trial_lower: Bound
    """As one trial of n patients reports it."""
    trial_upper: Bound


@dataclass(frozen=True)
class BelowRow:
    """How probable a hazard ratio below a bound is."""

    bound: float
    population: float
    population_error: Bound
    """Monte Carlo error."""
    trial: float
    """In what one trial reports."""
    trial_error: Bound


@dataclass(frozen=True)
class RatioRow:
    """A hazard ratio of two arms and endpoint, and how probable a significant benefit is."""

    study: str
    arm: str
    reference_arm: str
    endpoint: str
    without: int
    """Draws without a ratio, as in one of the arms there were no events; they are left out."""
    reason: str
    """Why no draw has one; empty where any has."""
    predicted: Bound = None
    lower: Bound = None
    upper: Bound = None
    trial_lower: Bound = None
    """As one trial of the design's size reports it."""
    trial_upper: Bound = None
    log_error: Bound = None
    """Median standard error of ln ratio that one trial reports."""
    events: Bound = None
    """Median expected events of both arms by the cut-off."""
    below: tuple[BelowRow, ...] = ()
    assurance: Bound = None
    """Probability of p < alpha and a ratio below 1, over the draws."""
    assurance_error: Bound = None
    """Monte Carlo error."""
    assumed_ratio: Bound = None
    power: Bound = None
    """Probability of the same at `assumed_ratio`."""
    log_sd: Bound = None
    """Standard deviation of ln ratio in the population by the delta method about the estimates of a run."""
    data_share: Bound = None
    """Share of that variance which the data of the run determine."""
    prior_share: Bound = None
    """Share that the priors determine of what was estimated, or is drawn afresh."""
    constant_share: Bound = None
    """Share that the priors of constants determine, 0 where they are held."""


@dataclass(frozen=True)
class SizeRow:
    """The same test in a trial of another size, randomised, accrued and followed alike."""

    study: str
    arm: str
    reference_arm: str
    endpoint: str
    total: int
    """Patients of all predicted arms of the study."""
    assurance: float
    assurance_error: Bound
    power: float
    events: float
    """Median expected events of both arms by the cut-off."""
    events_lower: float
    events_upper: float


@dataclass(frozen=True)
class LookRow:
    """One analysis of a trial that is looked at before its cut-off; the last one is at it."""

    study: str
    arm: str
    reference_arm: str
    endpoint: str
    look: int
    """From 1."""
    share: float
    """Of the events by the cut-off."""
    month: float
    """Since the first patient entered, median over the draws."""
    month_lower: float
    month_upper: float
    events: float
    """Median expected events of both arms."""
    z: float
    """What the standardised log-rank statistic of a benefit must reach."""
    p: float
    """The same as a two-sided p value."""
    ratio: float
    """The same as a hazard ratio, at the median information."""
    spent: float
    """Two-sided level spent up to this analysis."""
    assurance: float
    """Probability of a success up to this analysis."""
    assurance_error: Bound
    power: float


@dataclass(frozen=True)
class CutOffRow:
    """The same test with the data cut off on another day, accrual as designed."""

    study: str
    arm: str
    reference_arm: str
    endpoint: str
    month: float
    """Since the first patient entered."""
    entered: float
    """Expected patients of all predicted arms by then."""
    without: int
    """Draws without a ratio by then; they are left out."""
    predicted: Bound
    """Hazard ratio in the population; None where no draw has one."""
    lower: Bound
    upper: Bound
    assurance: Bound
    assurance_error: Bound
    power: Bound
    events: Bound
    """Median expected events of both arms."""
    events_lower: Bound
    events_upper: Bound


@dataclass(frozen=True)
class RiskRow:
    """Expected patients at risk, the median over the draws."""

    study: str
    arm: str
    endpoint: str
    months: Numbers
    at_risk: Numbers


@dataclass(frozen=True)
class CalendarRow:
    """Expected events of all predicted arms of a study by months since the first patient entered."""

    study: str
    endpoint: str
    months: Numbers
    entered: Numbers
    """Expected patients."""
    events: Numbers
    """Median over the draws."""
    lower: Numbers
    upper: Numbers


@dataclass(frozen=True)
class CurveRow:
    """Where a curve lies: pointwise 2.5, 50 and 97.5 % of the draws."""

    study: str
    arm: str
    endpoint: str
    months: Numbers
    median: Numbers
    lower: Numbers
    upper: Numbers


@dataclass(frozen=True)
class PredictionResult:
    """Everything a prediction shows."""

    model: str
    run: str | None
    """Folder of the run whose posterior it is."""
    basis: str
    """`sample`, `gaussian`, `estimates`, `prior` or `tables`."""
    note: str
    """What the draws are, in words, and why not others."""
    seed: int
    patients: int
    """Virtual patients of each arm."""
    draws: int
    effective_draws: float
    """Independent draws that they count for in Monte Carlo errors."""
    failed_draws: int
    """Draws at which the virtual trial could not be computed."""
    failures: tuple[str, ...]
    """Their reasons, each once."""
    alpha: float
    stop_rules: dict[str, str]
    parameters: tuple[ParameterRow, ...]
    notes: tuple[str, ...]
    numbers: tuple[NumberRow, ...]
    ratios: tuple[RatioRow, ...]
    sizes: tuple[SizeRow, ...]
    looks: tuple[LookRow, ...]
    """None where the trial is analysed once."""
    spending: str | None
    """How the level is spent over them."""
    cut_offs: tuple[CutOffRow, ...]
    at_risk: tuple[RiskRow, ...]
    calendar: tuple[CalendarRow, ...]
    curves: tuple[CurveRow, ...]
    values: dict[str, float] = field(default_factory=dict)
    """What was given at the call in place of the source's: parameters and doses."""
    cuts: tuple[str, ...] = ()
    """Arrows of the model that were cut."""
    schema: str = "kinimmune.predict/1"


PREDICTION_JSON = JsonFormat(PredictionResult, "is no prediction", "predict again")
