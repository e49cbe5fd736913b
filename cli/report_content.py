"""What a report is made from, gathered from a run or a model.

Start with `run_content` or `model_content`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kinimmune.cli.patient import plan_patient
from kinimmune.cli.picture import take_picture
from kinimmune.cli.settings import SimulateOptions, read_configuration
from kinimmune.fitting.claims.check import check_claims, record
from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.estimation.run_files import read_results, read_tested_claims, write_claims
from kinimmune.fitting.identifiability.results import read_identifiability
from kinimmune.fitting.problem.targets import read_targets
from kinimmune.fitting.profile.results import read_profiles
from kinimmune.fitting.runs.provenance import Environment, changed_tables, current_environment, hash_tables
from kinimmune.fitting.runs.run import Run
from kinimmune.fitting.sampling.results import read_sample
from kinimmune.fitting.sensitivity.results import read_studies
from kinimmune.models.catalogue import load_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.readers import (
    read_kinases,
    read_limitations,
    read_observations,
    read_sources,
    read_stop_rule_sources,
    read_trials,
)
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.content import Content, ModelContent
from kinimmune.reports.panels import NominalCourse

DRAWS = 200
"""Draws from the priors in the report of a model, when none are given."""
MOST_COURSES = 3
"""Experiments of which every state is drawn."""


@dataclass(frozen=True)
class Effort:
    """How claims are tested for a report."""

    draws: int | None
    """From the priors; 0 for no claims, None for what is usual."""
    seed: int
    jobs: int
    tell: Callable[[str], None]
    """Takes what is being done."""


def run_content(run: Run, effort: Effort) -> tuple[Content, tuple[str, ...]]:
    """Return what the report of a run is made from, and warnings; claims that are tested are kept in the run.

    Raises
    ------
    DataError
        when a file of the run or a table cannot be used
    """
    fit, trial = read_results(run)
    tables = Tables(read_configuration(run.settings_file).data)
    record = run.record
    changed = changed_tables(record.inputs, tables.folder)
    provenance = {
        "command": " ".join(record.command),
        "started": record.started,
        "status": str(record.status),
        "wall time": f"{record.wall_seconds:.0f} s",
        "seed": str(record.seed),
        **_describe(record.environment, record.inputs),
        **{f"note {number}": note for number, note in enumerate(record.notes, start=1)},
    }
    content = Content(
        model=load_model(record.model, tables),
        fit=fit,
        trial=trial,
        provenance=provenance,
        trials=read_trials(tables),
        stop_rule_sources=read_stop_rule_sources(tables),
        references=read_sources(tables),
        kinases=read_kinases(tables),
        observations=read_observations(tables),
        limitations=read_limitations(tables),
        targets=read_targets(tables),
        claims=_claims_of(run, tables, effort),
        profiles=read_profiles(run),
        identifiability=read_identifiability(run),
        sensitivities=read_studies(run),
        sample=read_sample(run),
    )
    warning = f"tables changed since the fit, and the report prints them as they are now: {', '.join(changed)}"
    return content, (warning,) if changed else ()


def study_content(run: Run, effort: Effort) -> ModelContent:
    """Return what the report of a run without a fit is made from: its model and the studies of it."""
    settings = read_configuration(run.settings_file)
    content = model_content(run.record.model, Tables(settings.data), settings.simulate, replace(effort, draws=effort.draws or 0))
    provenance = {"command": " ".join(run.record.command), "started": run.record.started, **content.provenance}
    return replace(content, provenance=provenance, sensitivities=read_studies(run))


def _claims_of(run: Run, tables: Tables, effort: Effort) -> tuple[ClaimRecord, ...]:
    if effort.draws is None:
        return read_tested_claims(run)
    if effort.draws:
        write_claims(run, _test_claims(run.record.model, tables, effort, effort.draws))
        return read_tested_claims(run)
    return ()


def _test_claims(model: str, tables: Tables, effort: Effort, draws: int) -> tuple[ClaimRecord, ...]:
    if not draws:
        return ()
    found = check_claims(
        [model],
        tables,
        draws=draws,
        seed=effort.seed,
        jobs=effort.jobs,
        progress=lambda name: effort.tell(f"claims of {name}"),
    )
    return tuple(map(record, found))


def model_content(name: str, tables: Tables, options: SimulateOptions, effort: Effort) -> ModelContent:
    """Return what the report of a model alone is made from: its experiments, or its typical patient in every arm of one study."""
    model = load_model(name, tables)
    picture = take_picture(model, tables, options.set)
    return ModelContent(
        model=model,
        courses=_courses(model, tables, options) if picture is None else tuple(picture.courses.values())[:MOST_COURSES],
        references=read_sources(tables),
        kinases=read_kinases(tables),
        limitations=read_limitations(tables),
        trials=read_trials(tables) if any(item.study for item in model.parameters) else (),
        provenance=_describe(current_environment(), hash_tables(tables.folder)),
        picture=picture,
        claims=_test_claims(name, tables, effort, DRAWS if effort.draws is None else effort.draws),
    )


def _courses(model: OdeModel, tables: Tables, options: SimulateOptions) -> tuple[NominalCourse, ...]:
    arms: list[str | None] = [None]
    if any(item.study is not None for item in model.parameters):
        trial = read_trials(tables)[0]
        arms = [f"{trial.study}:{arm.name}" for arm in trial.arms]
    courses = []
    for arm in arms:
        patient = plan_patient(model.name, tables, options.model_copy(update={"arm": arm}))
        course = patient.simulate()
        label = "untreated" if patient.arm is None else patient.arm.name
        courses.append(NominalCourse(label, course.time, {column.name: column.values for column in course.columns}))
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
