"""What a report is made from, gathered from a run or a model.

Start with `run_content` or `model_content`.
"""

from collections.abc import Mapping
from pathlib import Path

from kinimmune.cli.patient import plan_patient
from kinimmune.cli.settings import SimulateOptions, read_configuration
from kinimmune.fitting.provenance import Environment, current_environment, hash_tables
from kinimmune.fitting.run_results import read_results
from kinimmune.fitting.runs import Run
from kinimmune.models.catalogue import load_model
from kinimmune.models.model import OdeModel
from kinimmune.models.tables import read_kinases, read_observations, read_sources, read_trials
from kinimmune.reports.content import Content, ModelContent, NominalCourse


def run_content(run: Run) -> tuple[Content, tuple[str, ...]]:
    """Return what the report of a run is made from, and warnings.

    Raises
    ------
    DataError
        when a file of the run or a table cannot be used
    """
    fit, trial = read_results(run)
    data = read_configuration(run.settings_file).data
    record = run.record
    now = hash_tables(data)
    changed = [name for name in {**record.inputs, **now} if record.inputs.get(name) != now.get(name)]
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
        model=load_model(record.model, data),
        fit=fit,
        trial=trial,
        provenance=provenance,
        trials=read_trials(data),
        references=read_sources(data),
        kinases=read_kinases(data),
        observations=read_observations(data),
    )
    warning = f"tables changed since the fit, and the report prints them as they are now: {', '.join(changed)}"
    return content, (warning,) if changed else ()


def model_content(name: str, data: Path | None, options: SimulateOptions) -> ModelContent:
    """Return what the report of a model alone is made from: its typical patient in every arm of one study."""
    model = load_model(name, data)
    return ModelContent(
        model=model,
        courses=_courses(model, data, options),
        references=read_sources(data),
        kinases=read_kinases(data),
        provenance=_describe(current_environment(), hash_tables(data)),
    )


def _courses(model: OdeModel, data: Path | None, options: SimulateOptions) -> tuple[NominalCourse, ...]:
    arms: list[str | None] = [None]
    if any(item.name == "dose_rate" for item in model.inputs):
        trial = read_trials(data)[0]
        arms = [f"{trial.study}:{arm.name}" for arm in trial.arms]
    courses = []
    for arm in arms:
        patient = plan_patient(model.name, data, options.model_copy(update={"arm": arm}))
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
