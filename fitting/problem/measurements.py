"""Measurements in experiments as targets of a fit: read, held against the model, and predicted.

Start with `read_measurements`; `measure` runs the experiments at points of parameter space.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.targets import Role, Target
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import known_names, load_model, model_names
from kinimmune.models.errors import DataError, ModelError, NumericalError, nearest
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.measurement import Measurement, MeasurementKind, find_interval
from kinimmune.models.experiments.run import apply_experiment, run_experiment
from kinimmune.models.solvers.integrators import Integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.measurements import MeasurementRow, examine_measurements, make_measurement
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.readers import read_experiments
from kinimmune.models.tables.rows import Tables, dangling

TOLERANCES = Tolerances(1e-7, 1e-9)
"""Residuals of measurements are then smooth under the steps of derivatives."""


def read_measurements(model: OdeModel, tables: Tables) -> tuple[Target, ...]:
    """Return the measurements in experiments of a model as targets.

    Raises
    ------
    DataError
        when measurements.csv or experiments.csv is wrong, or names what the model does not have
    """
    return examine_model_measurements(model, tables).require()


def examine_model_measurements(model: OdeModel, tables: Tables) -> Examined[Target]:
    """Return the measurements of a model, and what is wrong with their table or beside the model."""
    examined = examine_measurements(tables)
    rows = [row for row in examined.entries if row.model == model.name]
    if examined.findings or not rows:
        return Examined((), examined.findings)
    experiments = {item.name for item in read_experiments(model, tables)}
    units = {state.name: state.unit for state in model.states} | {item.name: item.unit for item in model.outputs}
    targets: list[Target] = []
    findings: list[Finding] = []
    for row in rows:
        faults = tuple(_find_misfits(row, experiments, units))
        findings += faults if row.own else ()  # a folder with other experiments leaves the package's measurements out
        if not faults:
            targets.append(_target(row, units[row.read_out]))
    return Examined(tuple(targets), tuple(findings))


def check_measurements(tables: Tables) -> tuple[Finding, ...]:
    """Return what measurements name that their models do not have; the tables themselves must be without findings."""
    in_use = {name for row, _ in examine_parameters(tables).entries for name in row.models}
    found: list[Finding] = []
    for name in dict.fromkeys(row.model for row in tables.rows(MeasurementRow).entries if row.own):
        if name not in model_names(tables):
            rows = [row for row in tables.rows(MeasurementRow).entries if row.model == name]
            found += dangling(rows, "model", known_names(tables, [name]), "the library")
        elif name in in_use:
            found += _check_model(name, tables)
    return tuple(found)


def _check_model(name: str, tables: Tables) -> tuple[Finding, ...]:
    """Return what measurements of a model name that it does not have; why it cannot be built is told with its experiments."""
    try:
        return examine_model_measurements(load_model(name, tables), tables).findings
    except (DataError, ModelError):
        return ()


def _find_misfits(row: MeasurementRow, experiments: set[str], units: Mapping[str, str]) -> Iterator[Finding]:
    for column in ("experiment", "reference"):
        name = getattr(row, column)
        if name is not None and name not in experiments:
            problem = f"model '{row.model}' has no experiment '{name}' in column '{column}'"
            yield row.finding(column, problem, nearest(name, sorted(experiments)))
    if row.read_out not in units:
        problem = f"model '{row.model}' has no state or read-out '{row.read_out}' in column 'read_out'"
        yield row.finding("read_out", problem, nearest(row.read_out, sorted(units)))
        return
    wanted = units[row.read_out] if row.kind is MeasurementKind.MEAN else "1"
    try:
        convert(1.0, row.unit, wanted)
    except DataError as error:
        yield row.refused("unit", error)


def _target(row: MeasurementRow, unit: str) -> Target:
    wanted = unit if row.kind is MeasurementKind.MEAN else "1"
    measurement = make_measurement(row, convert(1.0, row.unit, wanted))
    lower, upper = find_interval(measurement)
    return Target(
        study=row.model,
        arm=row.experiment,
        endpoint=None,
        statistic=row.kind,
        value=measurement.value,
        lower=lower,
        upper=upper,
        n=row.n or 1,
        unit=wanted,
        role=Role(row.role),
        value_source=row.origin,
        interval_source=row.origin if lower is not None or upper is not None else None,
        origin=row.place,
        published=measurement,
    )


@dataclass(frozen=True)
class ExperimentSetup:
    """Experiments of a model and what is read of them."""

    compiled: CompiledModel
    integrate: Integrator
    experiments: Mapping[str, Experiment]
    measurements: tuple[Measurement, ...]

    @property
    def days(self) -> dict[str, tuple[float, ...]]:
        """Experiment -> days [d] on which it is read."""
        found: dict[str, set[float]] = {}
        for item in self.measurements:
            for name, day in item.readings:
                found.setdefault(name, set()).add(day)
        return {name: tuple(sorted(days)) for name, days in found.items()}


def measure(setup: ExperimentSetup, parameters: Array) -> list[dict[str, float]]:
    """Return label -> prediction of every measurement, one mapping a set of parameters.

    The individual of an experiment is the typical one.

    Parameters
    ----------
    setup
        what is read
    parameters
        one column a set, shape (n_parameters, k)
    """
    read: dict[tuple[str, str, float], Array] = {}
    for name, days in setup.days.items():
        experiment = setup.experiments[name]
        given = apply_experiment(setup.compiled, experiment, parameters)
        readings = run_experiment(setup.compiled, setup.integrate, experiment, given, days, TOLERANCES)
        for item in setup.measurements:
            for other, day in item.readings:
                if other == name:
                    read[name, item.read_out, day] = readings.values[item.read_out][days.index(day)]
    return [{item.label: _predict(item, read, place) for item in setup.measurements} for place in range(parameters.shape[1])]


def _predict(item: Measurement, read: Mapping[tuple[str, str, float], Array], place: int) -> float:
    value = float(read[item.experiment, item.read_out, item.day][place])
    if not np.isfinite(value):
        raise NumericalError(f"{item.label}: the individual could not be integrated to day {item.day:g}")
    if item.reference is None:
        return value
    below = float(read[item.reference, item.read_out, item.reference_day][place])
    if not below != 0.0:
        raise NumericalError(f"{item.label}: the reference is 0, so that there is no ratio")
    return value / below


def collect_measurements(targets: Sequence[Target]) -> tuple[Measurement, ...]:
    """Return the measurements among targets."""
    return tuple(target.published for target in targets if isinstance(target.published, Measurement))
