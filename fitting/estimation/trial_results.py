"""What the virtual trial of a fit shows: plain values that go to JSON and back.

Start with `TrialResult` (schema `kinimmune.trial/1`, everything a report draws of it), which `TRIAL_JSON` converts.
"""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from kinimmune.fitting.estimation.outcome_rows import ContrastResult, Numbers, ObservedRow, QuadratureRow, StopRuleRow
from kinimmune.fitting.runs.codec import JsonFormat


@dataclass(frozen=True)
class ArmResult:
    """One arm of the virtual trial, ready to be drawn; probabilities unless told otherwise."""

    study: str
    arm: str
    n: int
    months: Numbers
    """Time grid of survival and state courses."""
    survival: Numbers
    """Overall survival at `months`."""
    on_treatment: Numbers
    """Alive and still taking the study drug (or placebo), at `months`."""
    follow_up_os: tuple[float, float]
    """Shortest and longest follow-up for OS [month]."""
    follow_up_ttp: tuple[float, float]
    risk_months: Numbers
    """Times of the at-risk table."""
    at_risk_os: Numbers
    """Expected patients alive and followed, at `risk_months`."""
    at_risk_ttp: Numbers
    scan_months: Numbers
    ttp_survival: Numbers
    """Product-limit progression-free probability after each scan, death censoring."""
    progression_incidence: Numbers
    """Cumulative incidence of detected progression after each scan, death competing."""
    death_incidence: Numbers
    """Cumulative incidence of death without detected progression, by each scan."""
    new_lesion_share: float
    """Share of detected progressions in which a new lesion was seen and target lesions had not crossed."""
    last_cause_share: Annotated[float, Field(alias="liver_death_share")]
    """Share of deaths within the horizon by the cause the model names last; schema 1 was published with the alias for its key."""
    response_fraction: float
    treatment_median: float | None
    """Median time on treatment [month]."""
    survival_6: float
    survival_12: float
    ttp_6: float
    best_change: Numbers
    """Best change of the sum of diameters [%], one per drawn patient, sorted for a waterfall."""
    spiders: tuple[tuple[Numbers, Numbers], ...]
    """(months, change of the sum of diameters [%]) for some patients, while under observation."""
    courses: dict[str, Numbers]
    """State or output -> mean over surviving patients at `months`; keys are `OdeModel.reported_courses`."""
    pfs_months: Numbers = ()
    """Times of `pfs_survival`, a scan twice; empty in results from before there was PFS, and in a model without progression."""
    pfs_survival: Numbers = ()
    """Progression-free survival, before and after each scan and between scans."""
    follow_up_pfs: tuple[float, float] | None = None
    at_risk_pfs: Numbers = ()
    """Expected patients alive, unprogressed and followed, at `risk_months`."""
    pfs_6: float | None = None
    disease_control: float | None = None
    """Share alive at the first scan, which shows no progression."""
    response_duration: float | None = None
    """Median duration of confirmed responses [month]."""
    diameter_growth: float | None = None
    """Rate [1/d] at which ln of the sum of diameters of the median patient grows over his first 24 weeks."""


@dataclass(frozen=True)
class TrialResult:
    """The virtual trial at the estimates."""

    model: str
    seed: int
    patients: int
    arms: tuple[ArmResult, ...]
    contrasts: tuple[ContrastResult, ...]
    quadrature: tuple[QuadratureRow, ...]
    stop_rules: tuple[StopRuleRow, ...] = ()
    notes: tuple[str, ...] = field(default=())
    observed: tuple[ObservedRow, ...] = ()
    """Published curves and patients, fitted or not."""
    schema: str = "kinimmune.trial/1"


TRIAL_JSON = JsonFormat(TrialResult, "is no TrialResult", "run the fit again")
