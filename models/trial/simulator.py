"""How the patients of a trial are integrated, and which parts of the model a trial observes.

Start with `TrialSimulator`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.solvers.integrators import Integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel, Reading, read_output
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import TrialRoles
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint, Trial, list_endpoints


@dataclass(frozen=True)
class TrialSimulator:
    """A compiled model with the integrator, the accuracy and the horizon of a virtual trial.

    That of a model that names no cause of death has no trial to simulate: `roles` says so.
    """

    compiled: CompiledModel
    integrate: Integrator
    tolerances: Tolerances
    horizon: float
    """Time [d] to which every prediction reaches."""
    every_scan: bool = True
    """Whether patients who leave treatment are integrated from every scan, or some stand for others
    (`kinimmune.models.trial.path_spacing`), which saves a third of the paths."""

    @property
    def model(self) -> OdeModel:
        """The equations."""
        return self.compiled.model

    @property
    def roles(self) -> TrialRoles:
        """The parts of the model a trial has names for; `UsageError` for a model without."""
        if self.model.trial is None:
            raise UsageError(
                f"model '{self.model.name}' is not tried in a trial: it names no cause of death; name one in its roles"
            )
        return self.model.trial

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints the model has."""
        return list_endpoints(self.model)

    @property
    def log_diameter(self) -> Reading | None:
        """Ln of the sum of diameters over its start; None for a model without."""
        return None if self.roles.log_diameter is None else read_output(self.compiled, self.roles.log_diameter)

    @property
    def observed_states(self) -> tuple[str, ...]:
        """States the numbers of a trial are computed from, in the order of the model."""
        reading = self.log_diameter
        observed = {*self.roles.hazards, *(() if reading is None else reading.states)}
        return tuple(name for name in self.model.state_names if name in observed)

    def grid(self, trial: Trial) -> Array:
        """Return the time grid [d]: every scan of the trial's plan is a point of it, to the horizon or just beyond.

        The last scan has a neighbour after it, from which its speed is read, and room for late visits.
        """
        step = trial.plan.step
        steps = math.ceil(self.horizon / step - 1e-9)
        late = max(1, math.ceil(4.0 * trial.scan_jitter / step))
        scans = trial.plan.multiples(steps / trial.plan.steps).size
        last = int(trial.plan.places(scans)[-1]) if scans else 0
        return step * np.arange(max(steps, last + late) + 1.0)

    def reading_error(self, trial: Trial, parameters: Array) -> Array:
        """Return the standard deviation of a reading of ln of each patient's sum of diameters, shape (n,).

        It is a parameter of the model where this names one in its roles, else the number of the trial's design.
        """
        name = self.roles.reading_error
        if name is None:
            return np.full(parameters.shape[1], trial.reading_error)
        return np.asarray(parameters[self.model.parameter_names.index(name)])

    def with_inputs(self, parameters: Array, schedule: Schedule, time: Array) -> Array:
        """Return parameters with the inputs of a schedule below them, shape (n_parameters + n_inputs, k, n).

        Parameters
        ----------
        parameters
            shape (n_parameters, n)
        schedule
            what is given
        time
            [d], shape (t,); k is t, or 1 where the inputs never change
        """
        moments = time[:1] if len(schedule.starts) == 1 else time
        held = np.array([[schedule.at(float(moment)).get(item.name, 0.0) for moment in moments] for item in self.model.inputs])
        shape = (parameters.shape[0] + len(self.model.inputs), moments.size, parameters.shape[1])
        below = np.empty(shape)
        below[: parameters.shape[0]] = parameters[:, None, :]
        below[parameters.shape[0] :] = held.reshape(-1, moments.size, 1)
        return below

    def integrate_on_treatment(self, cohort: ArmCohort) -> EnsembleTrajectories:
        """Return the courses of all patients of a cohort on treatment to the end of the grid, every state kept."""
        start = self.grid(cohort.trial)[:1]
        initial = self.compiled.initial(self.with_inputs(cohort.parameters, cohort.dosing.on, start)[:, 0])
        return self.integrate(
            initial=np.ascontiguousarray(initial),
            parameters=cohort.parameters,
            time=self.grid(cohort.trial),
            schedule=cohort.dosing.on,
            tolerances=self.tolerances,
        )

    def read(self, courses: EnsembleTrajectories, inputs: Array, names: Sequence[str]) -> Array:
        """Return named states and outputs of courses with every state kept, shape (n_names, g, n).

        Parameters
        ----------
        courses
            of n patients
        inputs
            what `with_inputs` gives at the times of the courses, shape (n_parameters + n_inputs, k, n)
        names
            states and outputs of the model
        """
        outputs = self.compiled.outputs(courses.time[:, None], courses.states, inputs)
        rows = {item.name: row for item, row in zip(self.model.states, courses.states, strict=True)}
        rows |= {item.name: row for item, row in zip(self.model.outputs, outputs, strict=True)}
        return np.stack([rows[name] for name in names])

    def hazard_of_death(self, courses: EnsembleTrajectories) -> Array:
        """Return the cumulative hazard of death of each course, shape (g, n): the sum over causes in the model's order."""
        hazards = [courses[state] for state in self.roles.causes_of_death.values()]
        return reduce(np.add, hazards[1:], hazards[0])

    def survival(self, courses: EnsembleTrajectories) -> Array:
        """Return survival of each course given its path, shape (g, n); 0 before a course begins and after a failure."""
        return np.nan_to_num(np.exp(-self.hazard_of_death(courses)))

    def hazard_of_lesions(self, courses: EnsembleTrajectories) -> Array:
        """Return the cumulative hazard of new lesions of each course, shape (g, n); 0 in a model without."""
        if self.roles.new_lesions is None:
            return np.zeros(courses.states.shape[1:])
        return courses[self.roles.new_lesions]
