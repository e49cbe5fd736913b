"""What a report is made from.

Start with `Content`, everything a report of a run needs, or `ModelContent`, what a report of a model alone needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.estimation.results import ArmResult, ComparisonRow, FitResult, TrialResult
from kinimmune.fitting.identifiability.results import IdentifiabilityResult
from kinimmune.fitting.problem.targets import Target
from kinimmune.fitting.profile.results import ProfileResult
from kinimmune.fitting.sampling.results import Draws, SampleResult
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.evidence import Kinase, Observation, Reference
from kinimmune.models.trial.design import Trial
from kinimmune.reports.panels import NominalCourse, Picture


@dataclass(frozen=True)
class Content:
    """A run: a fitted model and its virtual trial."""

    model: OdeModel
    fit: FitResult
    trial: TrialResult
    provenance: Mapping[str, str]
    """From `run.json`, label -> value, in the order of printing; `started` is an ISO 8601 time and dates the document."""
    trials: tuple[Trial, ...] = ()
    """Designs, for the context of use."""
    references: tuple[Reference, ...] = ()
    kinases: tuple[Kinase, ...] = ()
    observations: tuple[Observation, ...] = ()
    """Published numbers the report compares with; they were never fitted."""
    targets: tuple[Target, ...] = ()
    """The published numbers as the tables have them, with their sources."""
    claims: tuple[ClaimRecord, ...] = ()
    profiles: ProfileResult | None = None
    identifiability: IdentifiabilityResult | None = None
    sensitivities: tuple[SensitivityResult, ...] = ()
    sample: tuple[SampleResult, Draws] | None = None
    """The posterior, where the run has one."""

    @property
    def studies(self) -> tuple[str, ...]:
        """Studies in the order of the trial's arms."""
        return tuple(dict.fromkeys(arm.study for arm in self.trial.arms))

    def arms(self, study: str) -> tuple[ArmResult, ...]:
        """Return the arms of one study."""
        return tuple(arm for arm in self.ordered_arms if arm.study == study)

    @property
    def ordered_arms(self) -> tuple[ArmResult, ...]:
        """Arms by study, the control arm last, as figures expect them."""
        controls = {(trial.study, trial.control.name) for trial in self.trials}
        by_study = {study: place for place, study in enumerate(self.studies)}
        return tuple(sorted(self.trial.arms, key=lambda arm: (by_study[arm.study], (arm.study, arm.arm) in controls)))

    def medians(self, endpoint: str) -> tuple[ComparisonRow, ...]:
        """Return the fitted medians of one endpoint."""
        return tuple(row for row in self.fit.targets if row.endpoint == endpoint and row.statistic == "median")

    def target(self, study: str, arm: str, endpoint: str) -> ComparisonRow | None:
        """Return the fitted median of one arm, None when there is none."""
        return next((row for row in self.medians(endpoint) if (row.study, row.arm) == (study, arm)), None)


@dataclass(frozen=True)
class ModelContent:
    """A model alone."""

    model: OdeModel
    courses: tuple[NominalCourse, ...] = ()
    references: tuple[Reference, ...] = ()
    kinases: tuple[Kinase, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[ClaimRecord, ...] = ()
    sensitivities: tuple[SensitivityResult, ...] = ()
    picture: Picture | None = None
    """What the system's paper would show; None when the model has no picture."""
