"""What a fit found: plain values that go to JSON and back.

Start with `FitResult` (schema `kinimmune.fit/2`), which `FIT_JSON` converts; what its virtual trial shows is in
`kinimmune.fitting.estimation.trial_results`.
"""

from dataclasses import dataclass, field
from typing import Literal

from kinimmune.fitting.estimation.outcome_rows import (
    CurveRow,
    EventRow,
    Numbers,
    PredictedRow,
    ResponseRow,
    ScoreReference,
)
from kinimmune.fitting.estimation.whitening import Whitening
from kinimmune.fitting.runs.codec import JsonFormat


@dataclass(frozen=True)
class EstimateRow:
    """One estimated parameter."""

    name: str
    """Key: name, with `:study` where it belongs to one study."""
    symbol: str
    value: float
    unit: str
    standard_error: float
    """On the scale that `standard_error_scale` names."""
    lower: float
    """Lower end of the 95 % interval by the curvature at the optimum."""
    upper: float
    at_bound: bool
    prior: str
    """Scale, median and sd in words, e.g. `lognormal(0.005, 0.5)`."""
    prior_median: float
    prior_lower: float
    """2.5 % quantile of the prior."""
    prior_upper: float
    contraction: float
    """Posterior over prior standard deviation, both on the scale of the prior."""
    status: str
    source: str
    changed: str = ""
    """What was told of it at the call, such as `freed`; empty where it is as in the tables."""
    standard_error_scale: str = ""
    """`ln` or `logit` where the standard error is of that [1], else `value` [`unit`]; empty in runs of before."""


@dataclass(frozen=True)
class ChangeRow:
    """What was told of one parameter at the call or in the settings, in place of what the tables say."""

    name: str
    """Key: name, with `:study` where it belongs to one study."""
    changed: str
    """In words, such as `held at 0.01`."""
    tables: str
    """What the tables say of it, such as `estimated, 0.005, lognormal(0.005, 0.5)`."""
    estimated: bool
    """Whether the fit moved it."""
    value: float | None
    """Value it was held at; None where the fit moved it, or it has that of the tables."""
    prior: str | None
    """Its prior in place of that of the tables, as `EstimateRow.prior`; None for that of the tables."""
    start: float | None
    """Value the optimiser started from; None for the prior median."""


@dataclass(frozen=True)
class ComparisonRow:
    """A published number beside its prediction."""

    study: str
    arm: str | None
    """Of a ratio the treated arm; None in results of schema 1, where a study compares only one."""
    endpoint: str | None
    """None of responses and disease control."""
    statistic: str
    observed: float | None
    """None of a curve and of patients, which have intervals in place of a number."""
    lower: float | None
    upper: float | None
    value_status: str
    interval_status: str | None
    predicted: float | None
    """None when the curve does not reach one half within the horizon."""
    residual: float | None
    """In standard errors; for medians of TTP and PFS, shares of patients and counts the signed root of the deviance; None of a
    curve and of patients."""
    scan_observed: int | None
    scan_predicted: int | None
    null_prediction: float | None
    """What the naive rule predicts: ratio of the fitted medians; placebo median times the other study's ratio."""
    inside: bool | None
    """Whether the prediction lies in the published interval; None without one."""
    predicted_lower: float | None = None
    """Interval for the parameters, constants fixed."""
    predicted_upper: float | None = None
    drawn_lower: float | None = None
    """Interval for the parameters and the constants."""
    drawn_upper: float | None = None
    trial_lower: float | None = None
    """Interval for one trial of that size (sampling error and parameters)."""
    trial_upper: float | None = None
    trial_place: float | None = None
    """Of what was not fitted, where the reported number falls among those that trials of that size would report: the probability
    of a smaller one, and half of that of the same.  From .025 to .975 it lies in the interval for one trial.  None of what was
    fitted, where `reason` or `interval_reason` tells why, and in results from before it was told."""
    reason: str = ""
    """Why nothing is predicted; empty where something is."""
    interval_reason: str = ""
    """Of what was predicted and not fitted, why an end of an interval or the place of the report is missing; empty where all are
    there."""
    reference_arm: str | None = None
    """Of a ratio the control; None of a median, and in results of schema 1."""
    role: str | None = None
    """`fit`, `unfitted` or `held_out`; None in results from before it was told."""
    month: float | None = None
    """Of a survival."""
    deviance: float | None = None
    """Sum of the squares of its residuals; None where nothing is predicted, and in results from before it was told."""
    n_residuals: int | None = None
    """Number of those residuals."""
    read_out: str | None = None
    """Of a measurement the state or read-out; its `arm` is the experiment and its `study` the model."""
    day: float | None = None
    """Of a measurement [d]."""
    reference_day: float | None = None
    """Of a measured ratio the day [d] of the reference."""
    unit: str | None = None
    """Of `observed` and `predicted`; None in results from before it was told."""
    n: int | None = None
    """Patients or animals it was published of; None where nobody tells, and in results from before it was told."""
    error_rule: str | None = None
    """Rule of its study that its standard error comes from; None where that is decided number by number."""
    measured_error: float | None = None
    """Of a measurement, on the scale of its errors; None of a share, and in results from before it was told."""
    strata: str | None = None
    """Of patients who are held against virtual patients stratum by stratum: the strata with patients and events, else None."""


@dataclass(frozen=True)
class CompanionResult:
    """The same problem fitted to its medians alone, from where the fit ended: hazard ratios are predictions of it."""

    status: str
    """`converged` or the reason it is not."""
    evaluations: int
    chi_square_data: float | None
    """Of the medians; None where no point with a finite sum of squares was found."""
    chi_square_prior: float | None
    estimates: dict[str, float]
    """Parameter -> its estimate by the medians alone; empty where there is none."""
    medians: tuple[ComparisonRow, ...]
    """What it was fitted to."""
    ratios: tuple[ComparisonRow, ...]
    """The hazard ratios that Q is of, predicted; `role` is what they were for in the fit."""


@dataclass(frozen=True)
class StartRow:
    """One start of the optimiser."""

    index: int
    cost: float
    """Sum of squares, data and priors."""
    converged: bool
    evaluations: int
    message: str


@dataclass(frozen=True)
class ConstantRow:
    """A parameter the fit did not move."""

    name: str
    symbol: str
    value: float
    unit: str
    prior: str
    status: str
    source: str
    meaning: str
    changed: str = ""
    """As in `EstimateRow`."""


@dataclass(frozen=True)
class FitResult:
    """Everything a fit found."""

    model: str
    seed: int
    patients: int
    status: str
    """`converged` or the reason it is not."""
    wall_seconds: float
    evaluations: int
    failed_patients: int
    stop_rules: dict[str, str]
    """Study -> rule by which treatment stopped."""
    chi_square_data: float
    chi_square_prior: float
    effective_parameters: float
    degrees_of_freedom: float
    q_model: float | None
    """Q of the published hazard ratios, sum of ((ln predicted - ln reported)/se)^2, as a fit to medians alone predicts them."""
    q_null: float | None
    """That of the naive rule."""
    parameters: tuple[EstimateRow, ...]
    targets: tuple[ComparisonRow, ...]
    unfitted: tuple[ComparisonRow, ...]
    transport: tuple[ComparisonRow, ...]
    responses: tuple[ResponseRow, ...]
    events: tuple[EventRow, ...]
    curves: tuple[CurveRow, ...]
    starts: tuple[StartRow, ...]
    constants: tuple[ConstantRow, ...]
    retried_courses: int = 0
    """Courses of patients, on drug or off, that the kernel gave up and scipy was asked for."""
    correlation: tuple[Numbers, ...] = ()
    """Of the estimates on the scale of their priors, in the order of `parameters`."""
    predicted: tuple[PredictedRow, ...] = ()
    """Every median and hazard ratio; empty in results from before there were any."""
    changes: tuple[ChangeRow, ...] = ()
    """Parameters that were held, freed, or given another prior or start at the call."""
    warnings: tuple[str, ...] = ()
    """What is doubtful about the priors."""
    deaths_by_cause: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Study -> arm -> cause, as the model calls it -> expected deaths by the cut-off; empty in results of schema 1."""
    n_data_residuals: int | None = None
    """Residuals whose squares add to `chi_square_data`: two of a median (the second of OS is 0), one of any other number and of
    each interval of data."""
    q_basis: str | None = None
    """Which fit `q_model` and `q_reference` are of: `medians`, this one, which was to medians alone; `companion`, a refit to the
    medians alone; None where there is no Q."""
    q_reason: str = ""
    """Why there is no Q; empty where there is one, and in results from before it was told."""
    q_reference: ScoreReference | None = None
    """What Q would be were the model exactly true; None where there is no `q_basis`, where too few drawn trials have the numbers,
    and in results from before it was told."""
    companion: CompanionResult | None = None
    """The refit to the medians alone; None where nothing but medians was fitted, or no median, or no ratio has an interval that
    was read."""
    reference_arms: dict[str, str | None] = field(default_factory=dict)
    """Study -> the arm its ratios are relative to; None where it has no control, and so no ratio."""
    whitening: Whitening | None = None
    """Correlations of numbers that share patients, by which the residuals behind `chi_square_data` were made independent; rows of
    targets have them as they were.  None where numbers are independent, or were taken as such."""
    schema: Literal["kinimmune.fit/1", "kinimmune.fit/2"] = "kinimmune.fit/2"


FIT_JSON = JsonFormat(FitResult, "is no FitResult", "run the fit again")
