"""Work and precision of the ensemble kernel beside other integrators: same patients, same output grid, one core each.

Run `python benchmarks/ensemble.py`; `--json` prints one object instead of tables, `--large` adds a million patients over 36
months, `--plot FILE` draws the table.  One arm, fixed dosing, no branching.  libRoadRunner is optional (`pip install libroadrunner`); the
model goes to it as SBML written here.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy as sp
from numba import njit
from scipy.integrate import odeint, solve_ivp
from sympy.printing.mathml import mathml

from kinimmune.models.chunks import map_chunks
from kinimmune.models.compile import CompiledModel, compile_model
from kinimmune.models.dosing import constant
from kinimmune.models.ensemble import integrate
from kinimmune.models.kernels import Kernel, load_kernel
from kinimmune.models.library import hcc_trial
from kinimmune.models.model import TIME, OdeModel, symbol
from kinimmune.models.parameters import values_for
from kinimmune.models.population import draw_individuals, individual_values
from kinimmune.models.simulate import Tolerances
from kinimmune.models.tables import read_parameters

MODELS: Mapping[str, tuple[Callable[..., OdeModel], dict[str, float]]] = {
    "hcc_trial": (hcc_trial.hcc_trial, {"dose_rate": 800.0})
}
"""Name -> how to build the model, and its inputs."""

TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
EQUAL_ERROR = 1e-5
JUDGED = 16
"""Patients whose error is measured against Radau at 1e-11."""


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


@dataclass
class Curve:
    """Achieved error against speed of one integrator."""

    errors: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)

    def speed_at(self, error: float) -> float | None:
        """Return patients/s at an achieved error, interpolated on logarithms; None where it was not reached."""
        points = sorted(zip(self.errors, self.speeds, strict=True))
        if not points or points[0][0] > error:
            return None
        logs = np.log([(e, s) for e, s in points])
        return float(math.exp(np.interp(math.log(error), logs[:, 0], logs[:, 1])))


def prepare(name: str, patients: int, days: float) -> Task:
    """Draw patients and load the kernel."""
    build, inputs = MODELS[name]
    parameters = read_parameters(name)
    model = build(parameters)
    values = individual_values(parameters, values_for(parameters, None), draw_individuals(parameters, patients, seed=1))
    p = np.vstack([values, *(np.full((1, patients), inputs[item.name]) for item in model.inputs)])
    return Task(compile_model(model), load_kernel(model), p, inputs, np.linspace(0.0, days, 101))


def run_kernel(task: Task, n: int, tolerance: float) -> np.ndarray:
    """Integrate n patients by the kernel; shape (n, n_states, k)."""
    found = integrate(
        task.kernel,
        initial=task.initial[:, :n],
        parameters=task.p[: len(task.kernel.parameter_names), :n],
        time=task.time,
        schedule=constant(**task.inputs),
        tolerances=Tolerances(tolerance, 1e-2 * tolerance),
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
            atol=1e-2 * tolerance * np.maximum(np.abs(y), 1.0),
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
        flat = njit(sp.lambdify([TIME, states, names], tuple(matrix), modules="math", cse=True))
        functions.append(njit(lambda t, y, p, flat=flat, shape=shape: np.array(flat(t, y, p)).reshape(shape)))
    return functions[0], functions[1]


def run_odeint(task: Task, n: int, tolerance: float, functions: tuple[Callable[..., np.ndarray], ...]) -> np.ndarray:
    """Integrate by `odeint` with compiled functions."""
    rates, jacobian = functions
    found = []
    for i in range(n):
        y = task.initial[:, i]
        scale = 1e-2 * tolerance * np.maximum(np.abs(y), 1.0)
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
        machine.integrator.absolute_tolerance = 1e-2 * tolerance
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


def measure(task: Task, run: Callable[[Task, int, float], np.ndarray], n: int, exact: np.ndarray) -> Curve:
    """Return error and speed at each tolerance, the best of two runs."""
    curve = Curve()
    scale = np.maximum(np.abs(exact), 1e-3 * np.abs(exact).max(axis=2, keepdims=True))
    for tolerance in TOLERANCES:
        seconds = []
        for _ in range(2):
            begin = time.perf_counter()
            found = run(task, n, tolerance)
            seconds.append(time.perf_counter() - begin)
        judged = min(n, JUDGED)
        curve.errors.append(float(np.max(np.abs(found[:judged] - exact[:judged]) / scale[:judged])))
        curve.speeds.append(n / min(seconds))
    return curve


def compare(task: Task, patients: int) -> dict[str, Curve]:
    """Return the curve of every integrator that is there."""
    exact = run_solve_ivp(task, JUDGED, 1e-11, "Radau")
    functions = compile_for_odeint(task.kernel.model)
    run_odeint(task, 1, 1e-3, functions)
    runners: dict[str, tuple[Callable[[Task, int, float], np.ndarray], int]] = {
        "kernel": (run_kernel, patients),
        "solve_ivp": (run_solve_ivp, JUDGED),
        "odeint": (lambda task, n, tolerance: run_odeint(task, n, tolerance, functions), 128),
    }
    roadrunner = load_roadrunner(task)
    if roadrunner is not None:
        runners["roadrunner"] = (roadrunner, 128)
    return {name: measure(task, run, n, exact) for name, (run, n) in runners.items()}


def run_threads(task: Task, jobs: int) -> float:
    """Return the seconds that all patients take in chunks over threads, reduced to the mean course as they come."""
    rows = len(task.kernel.parameter_names)
    initial, plan = task.initial, constant(**task.inputs)

    def total(part: slice) -> np.ndarray:
        people = {"initial": initial[:, part], "parameters": task.p[:rows, part]}
        return integrate(task.kernel, **people, time=task.time, schedule=plan).states.sum(axis=2)

    begin = time.perf_counter()
    sum(map_chunks(total, task.p.shape[1], jobs=jobs))
    return time.perf_counter() - begin


def measure_start(name: str) -> tuple[float, float]:
    """Return the seconds from nothing, and from a filled cache, to a kernel that is ready."""
    text = f"""
import time, numba
from kinimmune.models.kernels import load_kernel
from kinimmune.models.library import {name}
from kinimmune.models.tables import read_parameters
model = {name}.{name}(read_parameters("{name}"))
begin = time.perf_counter()
load_kernel(model)
print(time.perf_counter() - begin)
"""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"KINIMMUNE_CACHE": folder}
        runs = [subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, check=True) for _ in range(2)]
    return float(runs[0].stdout), float(runs[1].stdout)


def measure_memory(name: str, patients: int) -> dict[str, float]:
    """Return peak memory [MB] and patients/s of a process that integrates so many patients over 36 months."""
    command = [sys.executable, __file__, "--model", name, "--only-threads", "--patients", str(patients)]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def report(name: str, patients: int, large: bool) -> tuple[dict[str, object], dict[str, Curve]]:
    """Return the JSON object and the curves."""
    task = prepare(name, patients, 1000.0)
    curves = compare(task, patients)
    ours = curves["kernel"].speed_at(EQUAL_ERROR)
    ratios: dict[str, float | None] = {}
    for other in ("roadrunner", "solve_ivp", "odeint"):
        theirs = curves[other].speed_at(EQUAL_ERROR) if other in curves else None
        ratios[other] = None if ours is None or theirs is None else ours / theirs
    speedup = statistics.median(run_threads(task, 1) / run_threads(task, 2) for _ in range(5))
    cold, warm = measure_start(name)
    sizes = [10_000, 1_000_000] if large else [10_000]
    memory = {str(size): measure_memory(name, size) for size in sizes}
    document: dict[str, object] = {
        "schema": "kinimmune.bench/1",
        "model": name,
        "patients_per_second": {other: curve.speed_at(EQUAL_ERROR) for other, curve in curves.items()},
        "ratio_at_equal_error": ratios,
        "work_precision": {
            other: [list(point) for point in zip(TOLERANCES, curve.errors, curve.speeds, strict=True)]
            for other, curve in curves.items()
        },
        "threads_speedup": speedup,
        "compile_seconds": cold,
        "warm_seconds": warm,
        "rss_mb": {size: item["rss_mb"] for size, item in memory.items()},
        "streamed_patients_per_second": {size: item["patients_per_second"] for size, item in memory.items()},
    }
    return document, curves


def draw(curves: Mapping[str, Curve], path: str) -> None:
    """Plot error against speed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.5), layout="constrained")
    axes = figure.add_subplot()
    for name, curve in curves.items():
        axes.loglog(curve.errors, curve.speeds, "o-", label=name)
    axes.set(xlabel="largest relative error", ylabel="patients/s on one core")
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="hcc_trial", choices=sorted(MODELS))
    parser.add_argument("--patients", type=int, default=2048)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--large", action="store_true", help="add a million patients")
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--only-threads", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_threads:
        task = prepare(options.model, options.patients, 36 * 30.4375)
        seconds = run_threads(task, os.cpu_count() or 1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
        print(json.dumps({"rss_mb": peak, "patients_per_second": options.patients / seconds}))
        return
    document, curves = report(options.model, options.patients, options.large)
    if options.plot:
        draw(curves, options.plot)
    if options.json:
        print(json.dumps(document, indent=1))
        return
    for name, curve in curves.items():
        print(name)
        for tolerance, error, speed in zip(TOLERANCES, curve.errors, curve.speeds, strict=True):
            print(f"  rtol {tolerance:.0e}   error {error:9.2e}   {speed:10.1f} patients/s")
    for key in ("ratio_at_equal_error", "threads_speedup", "compile_seconds", "warm_seconds", "rss_mb"):
        print(f"{key}: {document[key]}")


if __name__ == "__main__":
    main()
