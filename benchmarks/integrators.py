"""The integrators that `ensemble.py` compares, each as a function of (task, number of patients, relative tolerance).

Start with `prepare`, which draws the patients all of them get.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numba import njit
from scipy.integrate import odeint, solve_ivp
from sympy.printing.mathml import mathml

from kinimmune.models.catalogue import load_model
from kinimmune.models.kernel.kernel import Kernel, load_kernel
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.tolerances import Tolerances, sizes_of
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.symbolic.components import TIME, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.trial.population import draw_individuals, individual_values

MODELS: Mapping[str, dict[str, float]] = {"hcc_trial": {"dose_rate": 800.0}}
"""Name of a model -> its inputs."""


SMALLEST_SIZE = 1e-3
"""`State.size` where a state does not tell its own; libRoadRunner is given one absolute tolerance for all states."""


@dataclass(frozen=True)
class Task:
    """What every integrator gets."""

    compiled: CompiledModel
    kernel: Kernel
    p: np.ndarray
    """shape (n_parameters + n_inputs, n)"""
    inputs: Mapping[str, float]
    time: np.ndarray

    @property
    def initial(self) -> np.ndarray:
        """States at the start, shape (n_states, n)."""
        return self.compiled.initial(self.p)


def prepare(name: str, patients: int, days: float) -> Task:
    """Draw patients and load the kernel."""
    model, inputs = load_model(name), MODELS[name]
    p = draw_columns(model, inputs, patients, seed=1)
    return Task(compile_model(model), load_kernel(model), p, inputs, np.linspace(0.0, days, 101))


def draw_columns(model: OdeModel, inputs: Mapping[str, float], patients: int, seed: int) -> np.ndarray:
    """Return parameters and inputs of patients drawn at random, shape (n_parameters + n_inputs, n)."""
    people = draw_individuals(model.parameters, patients, seed)
    values = individual_values(model.parameters, values_for(model.parameters, None), people)
    return np.vstack([values, *(np.full((1, patients), inputs[item.name]) for item in model.inputs)])


def run_kernel(task: Task, n: int, tolerance: float, *, checked: bool = False) -> np.ndarray:
    """Integrate n patients by the kernel, as fits do or with its second look at every course; shape (n, n_states, k)."""
    found = integrate(
        task.kernel,
        initial=task.initial[:, :n],
        parameters=task.p[: len(task.kernel.parameter_names), :n],
        time=task.time,
        schedule=constant(**task.inputs),
        tolerances=Tolerances(tolerance, 1e-2 * tolerance),
        checked=checked,
    )
    return found.states.transpose(2, 0, 1)


def run_solve_ivp(task: Task, n: int, tolerance: float, method: str = "LSODA") -> np.ndarray:
    """Integrate by `solve_ivp` with the analytic Jacobian."""
    found = []
    for i in range(n):
        y = task.initial[:, i]
        course = solve_ivp(
            task.compiled.rhs,
            (task.time[0], task.time[-1]),
            y,
            method=method,
            t_eval=task.time,
            args=(task.p[:, i],),
            jac=task.compiled.jacobian,
            rtol=tolerance,
            atol=1e-2 * tolerance * sizes_of(task.compiled.model, y),
        )
        found.append(course.y)
    return np.array(found)


def compile_for_odeint(model: OdeModel) -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
    """Return rates and Jacobian of (t, y, p) compiled by numba."""
    states = [symbol(state.name) for state in model.states]
    names = [symbol(name) for name in (*model.parameter_names, *(item.name for item in model.inputs))]
    rates = sp.Matrix([model.expand(rate) for rate in model.rates.values()])
    n = len(states)
    functions = []
    for matrix, shape in ((rates, (n,)), (rates.jacobian(states), (n, n))):
        functions.append(_compile(njit(sp.lambdify([TIME, states, names], tuple(matrix), modules="math", cse=True)), shape))
    return functions[0], functions[1]


def _compile(flat: Callable[..., tuple[float, ...]], shape: tuple[int, ...]) -> Callable[..., np.ndarray]:
    """Return a compiled function that gives arrays; an argument with a default would cost more at each call than the rates."""

    @njit
    def values(t: float, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.array(flat(t, y, p)).reshape(shape)

    return values


def run_odeint(task: Task, n: int, tolerance: float, functions: tuple[Callable[..., np.ndarray], ...]) -> np.ndarray:
    """Integrate by `odeint` with compiled functions."""
    rates, jacobian = functions
    found = []
    for i in range(n):
        y = task.initial[:, i]
        scale = 1e-2 * tolerance * sizes_of(task.compiled.model, y)
        arguments = (np.ascontiguousarray(task.p[:, i]),)
        course = odeint(
            rates, y, task.time, args=arguments, Dfun=jacobian, tfirst=True, rtol=tolerance, atol=scale, mxstep=100_000
        )
        found.append(course.T)
    return np.array(found)


def letters(names: Iterable[str]) -> dict[str, str]:
    """Return a name of letters alone for each name; sympy's MathML would print digits and underscores as subscripts."""
    return {name: "q" + "".join("abcdefghij"[int(digit)] for digit in f"{i:03d}") for i, name in enumerate(names)}


def write_sbml(model: OdeModel) -> tuple[str, dict[str, str]]:
    """Return the equations as rate rules of SBML level 3, and the name each quantity has there."""
    constants = [*model.parameter_names, *(item.name for item in model.inputs)]
    ids = letters([*(item.name for item in model.states), *constants])
    renamed = {symbol(name): sp.Symbol(short) for name, short in ids.items()}
    variables = "".join(
        f'<parameter id="{short}" value="1" constant="{str(name in constants).lower()}"/>' for name, short in ids.items()
    )
    rules = "".join(
        f'<rateRule variable="{ids[name]}"><math xmlns="http://www.w3.org/1998/Math/MathML">'
        f"{mathml(model.expand(rate).xreplace(renamed).evalf())}</math></rateRule>"
        for name, rate in model.rates.items()
    )
    head = '<?xml version="1.0"?><sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">'
    parts = f"<listOfParameters>{variables}</listOfParameters><listOfRules>{rules}</listOfRules>"
    return f'{head}<model id="{model.name}">{parts}</model></sbml>', ids


def load_roadrunner(task: Task) -> Callable[[Task, int, float], np.ndarray] | None:
    """Return a runner, or None with a word on stderr when libRoadRunner is not installed."""
    try:
        import roadrunner
    except ImportError:
        sys.stderr.write("libRoadRunner is not installed (pip install libroadrunner); its row is left out\n")
        return None
    model = task.kernel.model
    text, ids = write_sbml(model)
    machine = roadrunner.RoadRunner(text)
    states = [ids[state.name] for state in model.states]
    constants = [ids[name] for name in task.compiled.parameter_names]
    machine.timeCourseSelections = ["time", *states]

    def run(task: Task, n: int, tolerance: float) -> np.ndarray:
        machine.integrator.relative_tolerance = tolerance
        machine.integrator.absolute_tolerance = 1e-2 * SMALLEST_SIZE * tolerance
        machine.integrator.maximum_num_steps = 100_000
        found = []
        for i in range(n):
            machine.reset()
            for name, value in zip(constants, task.p[:, i], strict=True):
                machine[name] = value
            for name, value in zip(states, task.initial[:, i], strict=True):
                machine[name] = value
            course = machine.simulate(task.time[0], task.time[-1], task.time.size)
            found.append(np.array(course)[:, 1:].T)
        return np.array(found)

    return run
