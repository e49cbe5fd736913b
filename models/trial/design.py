"""The design of a clinical trial: arms, scans, follow-up and the rule by which treatment stops.

Start with `Trial`; `read_trials` (in `kinimmune.models.tables.readers`) makes them from `trials.csv`, `arms.csv`
and `follow_up.csv`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import LEAST_READING_ERROR
from kinimmune.models.trial.case_mix import CaseMix
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.next_line import NextLine
from kinimmune.models.trial.regimens import Administration, list_drugs
from kinimmune.models.trial.scan_plan import ScanPlan


class Endpoint(StrEnum):
    """What is timed from randomisation."""

    OS = "os"
    """Death from any cause."""
    TTP = "ttp"
    """Radiological progression; death before it censors."""
    PFS = "pfs"
    """Radiological progression or death, whichever comes first."""


class StopRule(StrEnum):
    """When a patient on drug stops taking it."""

    RADIOLOGICAL = "radiological"
    """At the scan that shows progression."""
    ONE_SCAN_LATER = "one_scan_later"
    """At the scan after the one that shows progression."""
    RADIOLOGICAL_AND_SYMPTOMATIC = "radiological_and_symptomatic"
    """At the first scan by which progression was both seen and felt; also at a constant rate for adverse events."""
    NEVER = "never"
    """The drug is taken to the end."""


class ErrorRule(StrEnum):
    """Where the standard errors of a study's numbers come from; one rule for all of them."""

    INTERVALS = "intervals"
    """From the printed intervals, half of their width to either side."""
    SIDES = "sides"
    """From the printed intervals, where they are asymmetric each side from its own half."""
    PATIENTS = "patients"
    """From the numbers of patients and their follow-up, whatever was printed."""


@dataclass(frozen=True)
class Arm:
    """One arm of a study."""

    study: str
    name: str
    n: int
    """Patients randomised."""
    control: bool
    """True for the arm hazard ratios are relative to."""
    dose: float
    """[mg] per administration; 0 in a placebo arm"""
    doses_per_day: float
    """[1/d]"""
    discontinuation_rate: float
    """Rate [1/d] of stopping for adverse events."""
    symptomatic_median: float
    """Median time to symptomatic progression [d], infinite when not known."""

    drug: str | None = None
    """What `dose` and `doses_per_day` are of; None where nothing is given by them."""
    regimen: tuple[Administration, ...] = ()
    """What is given besides, or in place of, the constant dose."""
    next_line: NextLine | None = None
    """What a share of the patients goes on with after treatment; None where nobody does."""
    case_mix: CaseMix | None = None
    """Covariates of its patients; None where tables tell nothing of them."""

    def __post_init__(self) -> None:
        """Refuse a dose of no drug."""
        if self.daily_dose > 0.0 and self.drug is None:
            raise DataError(f"arm '{self.study}:{self.name}' is given {self.daily_dose:g} mg a day of no drug; name the drug")

    @property
    def administrations(self) -> tuple[Administration, ...]:
        """All that is given: the constant dose as a rate, then the regimen."""
        if self.drug is None or self.daily_dose == 0.0:
            return self.regimen
        return (Administration(self.drug, self.daily_dose, "mg/d"), *self.regimen)

    @property
    def drugs(self) -> tuple[str, ...]:
        """Drugs that are given, each once."""
        return list_drugs(self.administrations)

    @property
    def daily_dose(self) -> float:
        """Amount of drug per day [mg/d]."""
        return self.dose * self.doses_per_day

    @property
    def treated(self) -> bool:
        """Whether any drug is given."""
        return any(item.amount > 0.0 for item in self.administrations)

    @property
    def symptomatic_rate(self) -> float:
        """Rate [1/d] of symptomatic progression, taken as constant: ln 2 / median."""
        return math.log(2.0) / self.symptomatic_median


@dataclass(frozen=True)
class Trial:
    """A trial as the virtual trial repeats it, with any number of arms, one or none of which is the control."""

    study: str
    title: str
    arms: tuple[Arm, ...]
    scan_interval: float
    """[d] between scheduled scans, the first one interval after the start"""
    scan_jitter: float
    """Standard deviation [d] of a scan about its date."""
    reading_error: float
    """Standard deviation of ln of the sum of diameters as a reader measures it, anew at every scan, where the model has none."""
    progression_ratio: float
    """Sum of diameters over its smallest value so far at which RECIST says progression (1.2)."""
    response_ratio: float
    """Sum of diameters over its first value at which RECIST says partial response (0.7)."""
    follow_up: Mapping[Endpoint, FollowUp]
    stop_rule: StopRule
    later_scan_interval: float | None = None
    """[d] between scans from `later_scans_from` on; None where the interval does not change."""
    later_scans_from: float | None = None
    """Day [d] whose scan is the last at the first interval."""
    criterion: str = ""
    """Name of the published criterion of progression and response."""
    progression_increase: float = 0.0
    """Increase [mm] of the sum of diameters over its smallest value that the criterion asks for besides the ratio."""
    baseline_diameter: float | None = None
    """First sum of diameters [mm], the same of all patients; None where it is not known: no increase in mm can be asked for."""

    def __post_init__(self) -> None:
        """Refuse a trial without arms or with several controls, or whose scans are less sure than they are apart."""
        if not self.scan_jitter < self.scan_interval:
            raise DataError(
                f"study '{self.study}': scan_jitter {self.scan_jitter:g} d is not below scan_interval {self.scan_interval:g} d; "
                "correct one of them in design.csv"
            )
        if not LEAST_READING_ERROR < self.reading_error < 1.0:
            raise DataError(
                f"study '{self.study}': reading_error {self.reading_error:g} does not lie between {LEAST_READING_ERROR:g} and 1; "
                "correct it in design.csv"
            )
        self._require_arms()
        try:
            plan = self.plan
        except DataError as error:
            raise DataError(f"study '{self.study}': {error}") from error
        if plan.later_interval is not None and not self.scan_jitter < plan.later_interval:
            raise DataError(
                f"study '{self.study}': scan_jitter {self.scan_jitter:g} d is not below later_scan_interval "
                f"{plan.later_interval:g} d; correct one of them in design.csv"
            )

    def _require_arms(self) -> None:
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) != len(names):
            raise DataError(f"study '{self.study}' needs arms, each of another name; correct arms.csv")
        controls = [arm.name for arm in self.arms if arm.control]
        if len(controls) > 1:
            told = f"study '{self.study}' has {len(controls)} control arms ({', '.join(controls)}) where one or none belongs"
            raise DataError(f"{told}; write no in column 'control' of arms.csv for the others")

    @property
    def caveat(self) -> str:
        """What of its criterion the virtual trial cannot apply; empty where it applies all."""
        if self.progression_increase == 0.0 or self.baseline_diameter is not None:
            return ""
        return (
            f"study '{self.study}': {self.criterion} asks for an increase of {self.progression_increase:g} mm too, which is not "
            "applied: design.csv has no baseline_diameter [mm]"
        )

    def progression_limit(self, lowest: Array) -> Array | float:
        """Return how far ln of the sum of diameters must stand above its smallest value for progression.

        ln of the ratio r, or ln(1 + d / (B exp(x))) where that is more: an increase of d [mm] over a smallest sum of B exp(x).

        Parameters
        ----------
        lowest
            x, ln of the smallest sum so far over the first, any shape
        """
        ratio = math.log(self.progression_ratio)
        if self.progression_increase == 0.0 or self.baseline_diameter is None:
            return ratio
        increase = math.log(self.progression_increase / self.baseline_diameter) - lowest
        return np.maximum(ratio, np.logaddexp(0.0, increase))

    @property
    def plan(self) -> ScanPlan:
        """When scans are planned."""
        return ScanPlan(self.scan_interval, self.later_scan_interval, self.later_scans_from)

    @property
    def control(self) -> Arm | None:
        """The arm hazard ratios are relative to; None in a study without one, which has no ratio."""
        return next((arm for arm in self.arms if arm.control), None)

    @property
    def treated(self) -> tuple[Arm, ...]:
        """The arms that are not the control, in the order of the tables."""
        return tuple(arm for arm in self.arms if not arm.control)

    @property
    def compared(self) -> tuple[Arm, ...]:
        """The arms that have a hazard ratio: those that are not the control, none in a study without one."""
        return () if self.control is None else self.treated

    def contrast(self, name: str | None) -> tuple[Arm, Arm]:
        """Return the arm of that name and the control it is compared with; without a name the only arm that is compared.

        Raises
        ------
        UsageError
            when the study has no control, when several arms are compared and none is named, or when no such arm is compared
        """
        names, control = [arm.name for arm in self.compared], self.control
        if control is None:
            told = f"study '{self.study}' has no control arm, so none of its arms has a hazard ratio"
            raise UsageError(f"{told}; ask for a median or survival, or mark a control in arms.csv")
        if name is None and len(names) != 1:
            raise UsageError(f"study '{self.study}' compares {len(names)} arms with its control; name one of {', '.join(names)}")
        if name is not None and name not in names:
            raise UsageError(f"study '{self.study}' compares no arm '{name}' with its control; {nearest(name, names)}")
        return (self.compared[0] if name is None else self.arm(name)), control

    def arm(self, name: str) -> Arm:
        """Return the arm of that name."""
        found = [arm for arm in self.arms if arm.name == name]
        if not found:
            raise DataError(f"study '{self.study}' has no arm '{name}'; arms: {', '.join(arm.name for arm in self.arms)}")
        return found[0]

    def scans(self, horizon: float) -> Array:
        """Return the scheduled scan times [d] up to `horizon` [d], shape (n_scans,)."""
        return self.plan.dates(horizon)


def list_endpoints(model: OdeModel) -> tuple[Endpoint, ...]:
    """Return the endpoints a model has in a trial: progression needs a diameter or new lesions; none outside trials."""
    if model.trial is None:
        return ()
    return tuple(Endpoint) if model.trial.has_progression else (Endpoint.OS,)


def supports_trials(model: OdeModel) -> bool:
    """Return whether the arms of the trial tables can be run in a model: it says who dies of what, and where a dose goes."""
    return model.trial is not None and bool(model.drugs)
