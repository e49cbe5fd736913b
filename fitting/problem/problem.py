"""A fit as data: the model, its trials, the targets, the estimated parameters and the virtual patients.

Start with `build_problem`; `predict` turns points in parameter space into virtual trials, `residuals` compares one with
the targets.  A point is a vector of z-scores: how many prior standard deviations each estimated parameter lies above
its prior median.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kinimmune.fitting.problem.changes import ParameterChange, apply_changes
from kinimmune.fitting.problem.correlation import CorrelatedBlock
from kinimmune.fitting.problem.fittable import require_trials, select_parameters
from kinimmune.fitting.problem.horizon import HORIZON_FACTOR, REPORT_MONTHS, find_horizon
from kinimmune.fitting.problem.measurements import ExperimentSetup, collect_measurements, measure, read_measurements
from kinimmune.fitting.problem.read_targets import read_fitted_targets, read_tried_trials
from kinimmune.fitting.problem.subgroups import Group, list_groups, require_case_mix, restrict_arm
from kinimmune.fitting.problem.targets import Role, Target, can_predict
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Scale, values_for
from kinimmune.models.symbolic.scope import own_values, parameters_of
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.drugs import KnownDrugs, assign_next_line, find_drug_values, find_next_line_values
from kinimmune.models.tables.readers import read_drugs, read_experiments
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.cohort import ArmCohort, PopulationCohort
from kinimmune.models.trial.design import Arm, Endpoint, StopRule, Trial, supports_trials
from kinimmune.models.trial.next_line import NextLineDosing, plan_next_line
from kinimmune.models.trial.population import Population, draw_population, list_covariates
from kinimmune.models.trial.published import PatientTimes, PublishedCurve
from kinimmune.models.trial.regimens import plan_dosing
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.subgroups import Subgroup
from kinimmune.models.trial.survival import TrialCurves, expected_curve
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

Place = tuple[str, str]
"""(study, arm)"""
Values = tuple[tuple[str, float], ...]
CohortPlace = tuple[str, str, Subgroup | None]
"""(study, arm, subgroup, None for all patients)"""
CohortKey = tuple[CohortPlace, Values, tuple[float, ...], Values | None]
"""(place, values of all parameters and of the arm's, those on the next line)"""


@dataclass(frozen=True)
class Outcomes:
    """What a point predicts: the arms of virtual trials by study and arm, and the measurements in experiments by label."""

    arms: Mapping[Place, ArmOutcome]
    measured: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[Group, ArmOutcome] = field(default_factory=dict)
    """Arms with the patients of a subgroup alone."""

    def __getitem__(self, place: Place) -> ArmOutcome:
        """Return the outcome of an arm."""
        return self.arms[place]

    def items(self) -> Iterable[tuple[Place, ArmOutcome]]:
        """Return places and outcomes of all arms."""
        return self.arms.items()

    def values(self) -> Iterable[ArmOutcome]:
        """Return the outcomes of all arms."""
        return self.arms.values()

    def among(self, subgroup: Subgroup | None) -> "Outcomes":
        """Return the arms with the patients of a subgroup alone; as they are for None."""
        if subgroup is None:
            return self
        found = {(study, arm): outcome for (study, arm, own), outcome in self.groups.items() if own == subgroup}
        return Outcomes(found, self.measured)


FIT_TOLERANCES = Tolerances(1e-4, 1e-6)
"""Residuals then move smoothly under parameter steps of 1e-4 (benchmarks/smoothness.py)."""


@dataclass(frozen=True)
class FitProblem:
    """What is fitted to what."""

    simulator: TrialSimulator
    parameters: tuple[Parameter, ...]
    """Every parameter of the model; constants at their values."""
    estimated: tuple[Parameter, ...]
    """Parameters that a fit moves; each needs a prior."""
    trials: tuple[Trial, ...]
    arms: tuple[tuple[str, str], ...]
    """(study, arm) that are run."""
    targets: tuple[Target, ...]
    """Role `fit` only."""
    rules: Mapping[str, StopRule]
    """Study -> rule by which treatment stops."""
    population: Population
    jobs: int = 1
    drugs: KnownDrugs = field(default_factory=KnownDrugs)
    """Properties of the drugs that arms give, where they are not those of the model's parameters."""
    changes: tuple[ParameterChange, ...] = ()
    """What is otherwise than in the tables; `parameters` have it already."""
    experiments: ExperimentSetup | None = None
    """Experiments that are run and what is measured in them; None where nothing is."""
    correlations: tuple[CorrelatedBlock, ...] = ()
    """Of numbers that share patients, one block a study; none where they are taken as independent."""
    others: tuple[Target, ...] = ()
    """Targets that are not fitted, whose subgroups are predicted too."""

    def __post_init__(self) -> None:
        """Refuse targets a fit must not see, parameters without a prior, and arms of which nobody knows the patients."""
        for study, name in self.arms:
            require_case_mix(self.trial(study).arm(name), list_covariates(self.parameters))
        for target in self.targets:
            if target.role is not Role.FIT:
                raise UsageError(f"target {target.label} has role '{target.role}'; a fit accepts role 'fit' only")
            if not can_predict(target, self.endpoints):
                raise UsageError(
                    f"target {target.label}: model '{self.simulator.model.name}' has no progression; give it role 'unfitted'"
                )
            if target.of_trial and any((target.study, arm) not in self.arms for arm in target.arms(self.trial(target.study))):
                raise UsageError(f"target {target.label} belongs to an arm that is not run; run it, or leave the target out")
        for parameter in self.estimated:
            if parameter.prior.scale is Scale.FIXED:
                raise DataError(
                    f"parameter '{parameter.key}' is estimated but its prior is fixed ({parameter.origin}); give it a prior"
                )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints the model has."""
        return self.simulator.endpoints

    @property
    def groups(self) -> tuple[Group, ...]:
        """Subgroups of arms that are run besides all patients of each."""
        found = list_groups((*self.targets, *self.others), self.trials, list_covariates(self.parameters))
        return tuple(group for group in found if group[:2] in self.arms)

    def drug_values(self, arm: Arm) -> dict[str, float]:
        """Return parameter -> value where an arm gives another drug than the one the model's parameters are of."""
        return find_drug_values(self.simulator.model, arm.administrations, self.drugs)

    def trial(self, study: str) -> Trial:
        """Return the trial of a study."""
        return next(trial for trial in self.trials if trial.study == study)

    def values(self, z: Array) -> dict[str, float]:
        """Return parameter key -> value at a point, shape (n_estimated,)."""
        return {item.key: item.prior.from_z(float(score)) for item, score in zip(self.estimated, z, strict=True)}


def build_problem(  # noqa: PLR0913 - the settings of a fit, all by name
    model: str,
    tables: Tables,
    *,
    patients: int,
    seed: int,
    jobs: int = 1,
    stop_rule: StopRule | None = None,
    integrator: str = "kernel",
    every_scan: bool = False,
    changes: Sequence[ParameterChange] = (),
) -> FitProblem:
    """Read the tables and set up the fit of every target with role `fit` of the studies the model is tried in.

    Where none has that role the problem is the virtual trials of the studies that name the model, with nothing to fit.

    Raises
    ------
    UsageError
        when the model cannot be fitted to these tables, as `require_trials` tells it
    DataError
        when a table cannot be used
    """
    built = load_model(model, tables)
    require_trials(built, tables)
    measured = read_measurements(built, tables)
    targets, trials = _read_tried(built, tables, alone=bool(measured))
    kept = apply_changes(select_parameters(built, [trial.study for trial in trials]), changes)
    longest = max([find_horizon(target, trials) for target in targets], default=REPORT_MONTHS * HORIZON_FACTOR * DAYS_PER_MONTH)
    compiled = compile_model(built)
    simulator = TrialSimulator(compiled, choose_integrator(integrator, compiled), FIT_TOLERANCES, longest, every_scan)
    return FitProblem(
        simulator=simulator,
        parameters=kept,
        estimated=tuple(item for item in kept if item.estimated),
        trials=trials,
        arms=tuple((trial.study, arm.name) for trial in trials for arm in trial.arms),
        targets=(*targets, *(target for target in measured if target.role is Role.FIT)),
        rules={trial.study: stop_rule or trial.stop_rule for trial in trials},
        population=draw_population(kept, patients, seed),
        jobs=jobs,
        drugs=read_drugs(tables),
        changes=tuple(changes),
        experiments=_set_up(built, compiled, integrator, measured, tables),
    )


def _read_tried(model: OdeModel, tables: Tables, *, alone: bool) -> tuple[tuple[Target, ...], tuple[Trial, ...]]:
    """Return the fitted targets of trials and the trials; none of a model that is measured in experiments alone."""
    if not supports_trials(model):
        return (), ()
    targets = read_fitted_targets(model.name, tables)
    return targets, read_tried_trials(model.name, tables) if targets or not alone else ()


def _set_up(
    model: OdeModel, compiled: CompiledModel, integrator: str, measured: Sequence[Target], tables: Tables
) -> ExperimentSetup | None:
    if not measured:
        return None
    experiments = {item.name: item for item in read_experiments(model, tables)}
    return ExperimentSetup(compiled, choose_integrator(integrator, compiled), experiments, collect_measurements(measured))


def widen(problem: FitProblem, others: Sequence[Target] = ()) -> FitProblem:
    """Return the same problem with curves over the whole follow-up of its trials, and at least to the horizon of a report.

    They also reach over published curves and patients among `others`, which are not fitted, and have their subgroups.
    """
    followed = [period.longest for trial in problem.trials for period in trial.follow_up.values()]
    data = [item.published for item in others if isinstance(item.published, PublishedCurve | PatientTimes)]
    longest = max(
        [REPORT_MONTHS * DAYS_PER_MONTH, problem.simulator.horizon, *followed, *(float(item.time.max()) for item in data)]
    )
    known = (*problem.others, *(item for item in others if item.of_trial))
    return replace(problem, simulator=replace(problem.simulator, horizon=longest), others=known)


def to_horizon(problem: FitProblem, months: float) -> FitProblem:
    """Return the same problem with curves that reach to another horizon [month]."""
    return replace(problem, simulator=replace(problem.simulator, horizon=months * DAYS_PER_MONTH))


def predict(problem: FitProblem, points: Sequence[Array]) -> list[Outcomes]:
    """Run the virtual trial at several points, all arms and subgroups side by side; those that points share are run once."""
    divided = problem.groups
    places = [*((*place, None) for place in problem.arms), *divided]
    cohorts = [enrol(problem, z, *place) for z in points for place in places]
    keys = [_identify(place, cohort) for place, cohort in zip(places * len(points), cohorts, strict=True)]
    different = dict(zip(keys, cohorts, strict=True))
    outcomes = dict(zip(different, run_arms(problem.simulator, list(different.values()), problem.jobs), strict=True))
    found = []
    for point, measured in enumerate(_measure(problem, points)):
        own = [outcomes[key] for key in keys[point * len(places) : (point + 1) * len(places)]]
        arms, groups = own[: len(problem.arms)], own[len(problem.arms) :]
        found.append(Outcomes(dict(zip(problem.arms, arms, strict=True)), measured, dict(zip(divided, groups, strict=True))))
    return found


def _identify(place: CohortPlace, cohort: PopulationCohort) -> CohortKey:
    """Return what tells the cohorts of one problem apart: a parameter of one study moves no arm of another."""
    later = None if cohort.next_line is None else tuple(cohort.next_line.values.items())
    return place, tuple(cohort.values.items()), tuple(item.value for item in cohort.parameters), later


def _measure(problem: FitProblem, points: Sequence[Array]) -> list[dict[str, float]]:
    """Return what is measured in the experiments at every point; nothing where there are none."""
    setup = problem.experiments
    if setup is None or not points:
        return [{} for _ in points]
    columns = []
    for z in points:
        moved = problem.values(z)
        values = values_for(tuple(item.at(moved[item.key]) if item.key in moved else item for item in problem.parameters), None)
        columns.append([values[name] for name in setup.compiled.model.parameter_names])
    return measure(setup, np.array(columns).T)


def enrol(problem: FitProblem, z: Array, study: str, arm: str, within: Subgroup | None = None) -> PopulationCohort:
    """Return one arm at a point with the problem's virtual patients, all with the covariates of a subgroup where one is named."""
    moved = problem.values(z)
    parameters = tuple(item.at(moved[item.key]) if item.key in moved else item for item in problem.parameters)
    trial = problem.trial(study)
    given = trial.arm(arm) if within is None else restrict_arm(trial.arm(arm), within)
    model = problem.simulator.model
    usual = values_for(parameters, study)
    seen = parameters_of(parameters, study, arm, given.drugs)
    values = usual | problem.drug_values(given) | own_values(seen)
    horizon = float(problem.simulator.grid(trial)[-1])
    dosing = plan_dosing(model, given.administrations, values, horizon)
    later = None
    if given.next_line is not None:
        after = parameters_of(parameters, study, arm, tuple(assign_next_line(model, given)))
        then = usual | find_next_line_values(model, given, problem.drugs) | own_values(after)
        later = NextLineDosing(plan_next_line(model, given.next_line, then, horizon), after, then)
    return PopulationCohort(trial, given, problem.rules[study], seen, values, problem.population, dosing, later)


def arm_cohort(problem: FitProblem, z: Array, study: str, arm: str) -> ArmCohort:
    """Return one arm at a point with the parameters of all its virtual patients."""
    return enrol(problem, z, study, arm).part(slice(None))


def curve(problem: FitProblem, outcomes: Outcomes, study: str, arm: str, endpoint: Endpoint) -> TrialCurves:
    """Return the curve of one arm under its study's follow-up."""
    return expected_curve(outcomes[study, arm], endpoint, problem.trial(study).follow_up[endpoint])
