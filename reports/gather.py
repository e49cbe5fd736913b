"""What a report is made from, gathered from a run or computed for a model.

Start with `gather_run`, `gather_studies` or `gather_model`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.claims.run import ClaimTesting, run_claims
from kinimmune.fitting.configuration import read_run_settings
from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.estimation.results import FitResult
from kinimmune.fitting.estimation.run_files import read_results, read_tested_claims, write_claims
from kinimmune.fitting.identifiability.results import read_identifiability
from kinimmune.fitting.problem.measurements import read_measurements
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.profile.results import read_profiles
from kinimmune.fitting.run_claims.run import try_fit
from kinimmune.fitting.runs.provenance import Environment, changed_tables, current_environment, hash_tables
from kinimmune.fitting.runs.run import Run
from kinimmune.fitting.sampling.results import read_sample
from kinimmune.fitting.sensitivity.results import read_studies
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.experiments.design import Designs, Experiment
from kinimmune.models.experiments.individual import IndividualRequest, plan_individual, simulate_individual
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.drugs import GivenDrug, list_given_drugs
from kinimmune.models.tables.evidence import Observation
from kinimmune.models.tables.readers import (
    read_designs,
    read_drugs,
    read_experiments,
    read_kinases,
    read_limitations,
    read_observations,
    read_sources,
    read_stop_rule_sources,
    read_trials,
)
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Trial, supports_trials
from kinimmune.reports.content import Content, ModelContent
from kinimmune.reports.gather_panels import gather_picture
from kinimmune.reports.panels import NominalCourse

USUAL_DRAWS = 200
"""Draws from the priors in the report of a model, when none are given."""
MOST_COURSES = 3
"""Experiments of which every state is drawn."""


@dataclass(frozen=True)
class ReportedClaims:
    """Which claims a report shows."""

    draws: int | None
    """Draws from the priors over which they are tested now; 0 leaves claims out; None takes those tested before in a run, and
    `USUAL_DRAWS` for a model alone."""
    seed: int
    """Seed of the draws."""
    jobs: int
    """Threads."""
    tell: Callable[[str], None]
    """Takes one line about what is being done."""

    def test(self, model: str, tables: Tables, draws: int) -> tuple[ClaimRecord, ...]:
        """Return what becomes of the claims about a model over so many draws, none for 0."""
        return run_claims([model], tables, self.testing(draws), self.tell)

    def testing(self, draws: int) -> ClaimTesting:
        """Return how claims are tested over so many draws."""
        return ClaimTesting(draws, self.seed, self.jobs)


def gather_run(run: Run, claims: ReportedClaims) -> tuple[Content, tuple[str, ...]]:
    """Return what the report of a run is made from, and warnings; claims that are tested are kept in the run.

    Raises
    ------
    DataError
        when a file of the run or a table cannot be used
    """
    fit, trial = read_results(run)
    tables = Tables(read_run_settings(run).data)
    record = run.record
    changed = changed_tables(record.inputs, tables.folder)
    tested, doubts = _gather_claims(run, tables, claims)
    provenance = {
        "command": " ".join(record.command),
        "started": record.started,
        "status": str(record.status),
        "wall time": f"{record.wall_seconds:.0f} s",
        "seed": str(record.seed),
        **_describe(record.environment, record.inputs),
        **{f"note {number}": note for number, note in enumerate(record.notes, start=1)},
    }
    model, trials = load_model(record.model, tables), read_trials(tables, record.model)
    studies = {trial.study for trial in trials}
    content = Content(
        model=model,
        fit=fit,
        trial=trial,
        provenance=provenance,
        trials=trials,
        stop_rule_sources=read_stop_rule_sources(tables, record.model),
        references=read_sources(tables),
        kinases=read_kinases(tables),
        drugs=_list_drugs(model, [trial for trial in trials if trial.study in fit.stop_rules], tables),
        experiments=list_measured(fit, read_experiments(model, tables)),
        observations=_gather_observations(record.model, studies, tables),
        limitations=read_limitations(tables),
        targets=(*read_targets(tables, record.model), *read_measurements(model, tables)),
        claims=tested,
        profiles=read_profiles(run),
        identifiability=read_identifiability(run),
        sensitivities=read_studies(run),
        sample=read_sample(run),
    )
    warning = f"tables changed since the fit, and the report prints them as they are now: {', '.join(changed)}"
    return content, (*((warning,) if changed else ()), *doubts)


def gather_studies(run: Run, claims: ReportedClaims) -> ModelContent:
    """Return what the report of a run without a fit is made from: its model and the sensitivity studies of it.

    Raises
    ------
    DataError
        when a file of the run or a table cannot be used
    """
    settings = read_run_settings(run)
    untested = replace(claims, draws=claims.draws or 0)
    content = gather_model(run.record.model, Tables(settings.data), settings.simulate.request, untested)
    provenance = {"command": " ".join(run.record.command), "started": run.record.started, **content.provenance}
    return replace(content, provenance=provenance, sensitivities=read_studies(run))


def gather_model(name: str, tables: Tables, request: IndividualRequest, claims: ReportedClaims) -> ModelContent:
    """Return what the report of a model alone is made from: its experiments, or its typical individual in every arm of one study.

    Parameters
    ----------
    name
        of a model of the library
    tables
        of its parameters, experiments, trials and claims
    request
        horizon and changed parameters of the individual; its arm is not used
    claims
        which claims about the model are shown

    Raises
    ------
    UsageError
        for an unknown model, or a parameter that cannot be changed as requested
    DataError
        when a table cannot be used
    """
    model = load_model(name, tables)
    picture = gather_picture(model, tables, request.changes)
    trials = read_trials(tables, name) if supports_trials(model) else ()
    return ModelContent(
        model=model,
        courses=_follow_arms(model, tables, request) if picture is None else tuple(picture.courses.values())[:MOST_COURSES],
        references=read_sources(tables),
        kinases=read_kinases(tables),
        drugs=_list_drugs(model, trials, tables),
        limitations=read_limitations(tables),
        trials=trials,
        provenance=_describe(current_environment(), hash_tables(tables.folder, tables.shipped)),
        picture=picture,
        claims=claims.test(name, tables, USUAL_DRAWS if claims.draws is None else claims.draws),
    )


def list_measured(fit: FitResult, experiments: Iterable[Experiment]) -> tuple[Experiment, ...]:
    """Return the experiments in which something was measured, and those it is compared with."""
    rows = [row for row in (*fit.targets, *fit.unfitted) if row.read_out is not None]
    named = {name for row in rows for name in (row.arm, row.reference_arm)}
    return tuple(item for item in experiments if item.name in named)


def _gather_observations(model: str, studies: Collection[str], tables: Tables) -> tuple[Observation, ...]:
    """Return the numbers to compare with: those of the studies, and those of no study that are about the model or about any."""
    return tuple(
        item for item in read_observations(tables) if item.study in {None, *studies} and (not item.models or model in item.models)
    )


def _list_drugs(model: OdeModel, trials: Iterable[Trial], tables: Tables) -> tuple[GivenDrug, ...]:
    if not supports_trials(model):
        return ()
    arms = [arm for trial in trials for arm in trial.arms]
    lines = [arm.next_line.administrations for arm in arms if arm.next_line is not None]
    return list_given_drugs(model, [*(arm.administrations for arm in arms), *lines], read_drugs(tables))


def _gather_claims(run: Run, tables: Tables, claims: ReportedClaims) -> tuple[tuple[ClaimRecord, ...], tuple[str, ...]]:
    """Return the claims a report of a run shows, and warnings; those that are tested now are kept in the run."""
    doubts: tuple[str, ...] = ()
    if claims.draws:
        try:
            fitted = read_fitted(run)
        except (DataError, UsageError) as error:
            doubts = (f"claims are tried over the priors alone, not at the fit: {error}",)
            write_claims(run, claims.test(run.record.model, tables, claims.draws))
        else:
            try_fit(fitted, claims.testing(claims.draws), claims.tell)
    return () if claims.draws == 0 else read_tested_claims(run), doubts


def _follow_arms(model: OdeModel, tables: Tables, request: IndividualRequest) -> tuple[NominalCourse, ...]:
    """Return the course of the typical individual in every arm of the first study; untreated where the model has no study."""
    designs = Designs()
    arms: list[str | None] = [None]
    if supports_trials(model):
        designs = read_designs(model, tables)
        arms = [f"{arm.study}:{arm.name}" for arm in designs.trials[0].arms]
    courses = []
    for arm in arms:
        individual = plan_individual(model, replace(request, arm=arm), designs)
        course = simulate_individual(individual)
        values = {item.name: item.course for item in course.quantities}
        courses.append(NominalCourse(course.arm or "untreated", course.time, values))
    return tuple(courses)


def _describe(environment: Environment, inputs: Mapping[str, str]) -> dict[str, str]:
    libraries = ", ".join(f"{name} {version}" for name, version in environment.libraries.items())
    tables = ", ".join(f"{name} {digest[:12]}" for name, digest in inputs.items())
    return {
        "python": environment.python,
        "system": environment.system,
        "cpu": environment.cpu,
        "versions": libraries,
        "tables (SHA-256)": tables,
    }
