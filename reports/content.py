"""What a report is made from.

Start with `Content`, everything a report of a run needs, or `ModelContent`, what a report of a model alone needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.estimation.trial_results import ArmResult, TrialResult
from kinimmune.fitting.identifiability.results import IdentifiabilityResult
from kinimmune.fitting.problem.targets import Statistic, Target
from kinimmune.fitting.profile.results import ProfileResult
from kinimmune.fitting.sampling.results import Band, Draws, SampleResult
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Source
from kinimmune.models.tables.drugs import GivenDrug
from kinimmune.models.tables.evidence import Kinase, Observation, Reference
from kinimmune.models.tables.limitations import Limitation, Outcome
from kinimmune.models.trial.design import Trial
from kinimmune.reports.panels import NominalCourse, Picture
from kinimmune.reports.typesetting.labels import Labels, collect_labels
from kinimmune.reports.typesetting.statistics import are_medians

_SAME_TARGET: Mapping[str, tuple[Statistic, str | None]] = {
    "deaths": (Statistic.DEATHS, "os"),
    "ttp_events": (Statistic.EVENTS, "ttp"),
    "response_fraction": (Statistic.RESPONSE_RATE, None),
    "control_fraction": (Statistic.CONTROL_RATE, None),
}
"""Quantity of an observation -> the statistic and endpoint of a target that says the same."""


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
    limitations: tuple[Limitation, ...] = ()
    """What a reader must not read into reports, of all models."""
    stop_rule_sources: Mapping[str, Source] = field(default_factory=dict)
    """Study -> where the rule by which its treatment stops comes from."""
    drugs: tuple[GivenDrug, ...] = ()
    """Drugs that arms are given and the model's parameters are not of."""
    experiments: tuple[Experiment, ...] = ()
    """Those in which something was measured, fitted or not, and those it is compared with."""

    @property
    def studies(self) -> tuple[str, ...]:
        """Studies in the order of the trial's arms."""
        return tuple(dict.fromkeys(arm.study for arm in self.trial.arms))

    def arms(self, study: str) -> tuple[ArmResult, ...]:
        """Return the arms of one study."""
        return tuple(arm for arm in self.ordered_arms if arm.study == study)

    @property
    def ordered_arms(self) -> tuple[ArmResult, ...]:
        """Arms by study, the control arm, where there is one, last, as figures expect them."""
        return tuple(sorted(self.trial.arms, key=self._rank))

    @property
    def ordered_trial(self) -> TrialResult:
        """The virtual trial with its arms by study, the control arm last."""
        return replace(self.trial, arms=self.ordered_arms)

    @property
    def ordered_sample(self) -> SampleResult | None:
        """The posterior with its bands by study, the control arm last, None where the run has none."""
        if self.sample is None:
            return None
        result, _ = self.sample
        return replace(result, bands=tuple(sorted(result.bands, key=self._rank)))

    def _rank(self, row: ArmResult | Band) -> tuple[int, bool]:
        controls = {(trial.study, arm.name) for trial in self.trials for arm in trial.arms if arm.control}
        return self.studies.index(row.study), (row.study, row.arm) in controls

    @property
    def labels(self) -> Labels:
        """Words for the names of the model and its trials."""
        return collect_labels(self.model, self.trials)

    def list_limits(self, about: Outcome) -> tuple[str, ...]:
        """Return the titles of the limitations of the model that are about one kind of result."""
        return tuple(item.title for item in self.limitations if item.about is about and item.concerns(self.model))

    @property
    def hazard_ratios(self) -> tuple[ComparisonRow, ...]:
        """The published hazard ratios that were not fitted, beside their predictions."""
        return tuple(row for row in self.fit.unfitted if row.statistic == Statistic.HAZARD_RATIO)

    @property
    def unfitted_medians(self) -> tuple[ComparisonRow, ...]:
        """The published medians that were not fitted, beside their predictions."""
        return tuple(row for row in self.fit.unfitted if row.statistic == Statistic.MEDIAN)

    @property
    def unfitted_others(self) -> tuple[ComparisonRow, ...]:
        """What was published of other kinds and not fitted, beside its predictions."""
        known = (Statistic.HAZARD_RATIO, Statistic.MEDIAN)
        return tuple(row for row in self.fit.unfitted if row.statistic not in known)

    def medians(self, endpoint: str) -> tuple[ComparisonRow, ...]:
        """Return the fitted medians of one endpoint."""
        return self.list_fitted(Statistic.MEDIAN, endpoint=endpoint)

    def survivals(self, endpoint: str) -> tuple[ComparisonRow, ...]:
        """Return the published shares without an event of one endpoint at a month, fitted or not."""
        rows = (*self.fit.targets, *self.fit.unfitted)
        return tuple(row for row in rows if row.statistic == Statistic.SURVIVAL and row.endpoint == endpoint)

    def list_fitted(self, *statistics: Statistic, endpoint: str | None = None) -> tuple[ComparisonRow, ...]:
        """Return the fitted rows of some statistics, of one endpoint or of all."""
        rows = (row for row in self.fit.targets if row.statistic in statistics)
        return tuple(row for row in rows if endpoint in (None, row.endpoint))

    def is_fitted(self, output: str) -> bool:
        """Return whether a named median or hazard ratio was fitted; the only ratio of a study need not name its arm."""
        statistic, study, *arm, endpoint = output.split(":")
        rows = (row for row in self.fit.targets if (row.statistic, row.study, row.endpoint) == (statistic, study, endpoint))
        return any(not arm or row.arm in (None, *arm) for row in rows)

    @property
    def fits_medians_alone(self) -> bool:
        """Whether nothing but medians was fitted."""
        return are_medians(self.fit.targets)

    @property
    def fits_outcomes(self) -> bool:
        """Whether anything was fitted that tells rates, shares or counts, or a median of progression-free survival."""
        known = (Statistic.HAZARD_RATIO, Statistic.MEDIAN)
        return bool(self.medians("pfs")) or any(row.statistic not in known for row in self.fit.targets)

    @property
    def unfitted_observations(self) -> tuple[Observation, ...]:
        """The published numbers that are compared with and stand in no row of `targets.csv`, which has a table of its own."""

        def is_target(item: Observation) -> bool:
            rows = (row for row in (*self.fit.targets, *self.fit.unfitted) if row.study == item.study)
            known = _SAME_TARGET.get(item.quantity)
            return any((row.statistic, row.endpoint) == known and row.arm in (None, item.arm or row.arm) for row in rows)

        return tuple(item for item in self.observations if not is_target(item))

    def count_patients(self, row: ComparisonRow) -> int | None:
        """Return the patients behind a published count, None where the tables do not have it any more."""
        place = (row.study, row.arm, row.endpoint, row.statistic, row.observed)
        known = {(item.study, item.arm, item.endpoint, item.statistic, item.value): item.n for item in self.targets}
        return next((n for key, n in known.items() if key == place), None)


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
    limitations: tuple[Limitation, ...] = ()
    """What a reader must not read into reports, of all models."""
    trials: tuple[Trial, ...] = ()
    """Designs of the studies that parameters belong to."""
    drugs: tuple[GivenDrug, ...] = ()
    """Drugs that arms are given and the model's parameters are not of."""

    @property
    def labels(self) -> Labels:
        """Words for the names of the model and its trials."""
        return collect_labels(self.model, self.trials)
