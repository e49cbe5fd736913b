"""Work and precision of the ensemble kernel beside other integrators: same patients, same output grid, one core each.

Run `python benchmarks/ensemble.py`; `--json` prints one object instead of tables, `--large` adds a million patients over 36
months, `--plot FILE` draws the table.  One arm, fixed dosing, no branching.  libRoadRunner, numbalsoda and scikit-sundae's CVODE
are optional (extra `[bench]`); the model goes to the first as SBML that `integrators.py` writes.
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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from compiled_solvers import load_cvode, load_numbalsoda
from integrators import (
    MODELS,
    Task,
    compile_for_odeint,
    draw_columns,
    load_roadrunner,
    prepare,
    run_kernel,
    run_odeint,
    run_solve_ivp,
)

from kinimmune.models.solvers.chunks import map_chunks
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.ensemble import integrate

TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
EQUAL_ERROR = 1e-5
"""Integrators are compared where each achieves this error, or the smallest one it reaches."""
THREADED = 32_768
"""Patients with whom one thread is compared with two."""
LONG_ENOUGH = 100_000
"""Patients of one measurement of throughput; fewer are integrated again and again."""
JUDGED = 16
"""Patients whose error is measured against Radau at 1e-11."""


NAMES = {
    "kernel": "ensemble kernel",
    "kernel_checked": "ensemble kernel, checked",
    "solve_ivp": "solve_ivp, LSODA, Jacobian",
    "odeint": "odeint, compiled functions",
    "roadrunner": "libRoadRunner",
    "numbalsoda": "numbalsoda",
    "cvode": "CVODE (scikit-sundae), Jacobian",
}


@dataclass
class Curve:
    """Achieved error against speed of one integrator."""

    errors: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)

    def speed_at(self, error: float) -> float | None:
        """Return the best speed [patients/s] at an achieved error, interpolated on logarithms; None where it was not reached."""
        points = np.log(sorted(zip(self.errors, self.speeds, strict=True)))
        if not points.size or points[0, 0] > math.log(error):
            return None
        best = np.maximum.accumulate(points[:, 1])
        return float(math.exp(np.interp(math.log(error), points[:, 0], best)))


Runner = Callable[[Task, int, float], np.ndarray]


def measure(task: Task, runners: Mapping[str, tuple[Runner, int]], exact: np.ndarray) -> dict[str, Curve]:
    """Return error and speed at each tolerance, the best of three runs, which take turns."""
    curves = {name: Curve() for name in runners}
    scale = np.maximum(np.abs(exact), 1e-3 * np.abs(exact).max(axis=2, keepdims=True))
    for tolerance in TOLERANCES:
        seconds: dict[str, list[float]] = {name: [] for name in runners}
        found: dict[str, np.ndarray] = {}
        for _ in range(3):
            for name, (run, n) in runners.items():
                begin = time.perf_counter()
                found[name] = run(task, n, tolerance)
                seconds[name].append(time.perf_counter() - begin)
        for name, (_, n) in runners.items():
            curves[name].errors.append(float(np.max(np.abs(found[name][:JUDGED] - exact) / scale)))
            curves[name].speeds.append(n / min(seconds[name]))
    return curves


def compare(task: Task, patients: int) -> dict[str, Curve]:
    """Return the curve of every integrator that is there."""
    exact = run_solve_ivp(task, JUDGED, 1e-11, "Radau")
    functions = compile_for_odeint(task.kernel.model)
    run_odeint(task, 1, 1e-3, functions)
    runners: dict[str, tuple[Runner, int]] = {
        "kernel": (run_kernel, patients),
        "kernel_checked": (partial(run_kernel, checked=True), patients),
        "solve_ivp": (run_solve_ivp, JUDGED),
        "odeint": (partial(run_odeint, functions=functions), 64),
    }
    for name, load in (("roadrunner", load_roadrunner), ("numbalsoda", load_numbalsoda), ("cvode", load_cvode)):
        runner = load(task)
        if runner is not None:
            runner(task, 1, 1e-3)  # compiled when first called
            runners[name] = (runner, 64)
    return measure(task, runners, exact)


def run_streamed(task: Task, patients: int, jobs: int) -> float:
    """Return the seconds that patients take in chunks over threads, reduced to the mean course as they come.

    They are drawn as their chunk begins, so that they take no memory before and after.
    """
    rows, plan = len(task.kernel.parameter_names), constant(**task.inputs)

    def total(part: slice) -> np.ndarray:
        p = draw_columns(task.compiled.model, task.inputs, part.stop - part.start, seed=part.start)
        people = {"initial": task.compiled.initial(p), "parameters": p[:rows]}
        return integrate(task.kernel, **people, time=task.time, schedule=plan, checked=False).states.sum(axis=2)

    begin = time.perf_counter()
    sum(map_chunks(total, patients, jobs=jobs))
    return time.perf_counter() - begin


def measure_start(name: str) -> tuple[float, float]:
    """Return the seconds from nothing, and from a filled cache, to a kernel that is ready."""
    text = f"""
import time, numba
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.catalogue import load_model
model = load_model("{name}")
begin = time.perf_counter()
load_kernel(model)
print(time.perf_counter() - begin)
"""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"KINIMMUNE_CACHE": folder}
        runs = [subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, check=True) for _ in range(2)]
    return float(runs[0].stdout), float(runs[1].stdout)


def measure_alone(name: str, what: str, patients: int) -> dict[str, float]:
    """Return what `stream` or `compare_threads` gives in a process of its own."""
    command = [sys.executable, __file__, "--model", name, "--alone", what, "--patients", str(patients)]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def compare_threads(name: str, patients: int) -> dict[str, float]:
    """Return how much faster two threads are than one, median of five pairs."""
    task = prepare(name, 1, 1000.0)
    run_streamed(task, patients, 2)
    pairs = [run_streamed(task, patients, 1) / run_streamed(task, patients, 2) for _ in range(5)]
    return {"threads_speedup": statistics.median(pairs)}


def stream(name: str, patients: int) -> dict[str, float]:
    """Return peak memory [MB] of this process and patients/s over 36 months, on all cores."""
    task = prepare(name, 1, 36 * 30.4375)
    runs = [run_streamed(task, patients, os.cpu_count() or 1) for _ in range(max(1, LONG_ENOUGH // patients))]
    return {"rss_mb": peak_memory(), "patients_per_second": patients / statistics.median(runs)}


ALONE = {"stream": stream, "threads": compare_threads}
"""What is measured in a process of its own."""


def peak_memory() -> float:
    """Return the peak memory of this process [MB].

    Linux hands the peak that `getrusage` tells on from the process that started this one, so its own record is read there.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1024.0


def report(name: str, patients: int, large: bool) -> tuple[dict[str, object], dict[str, Curve]]:
    """Return the JSON object and the curves."""
    task = prepare(name, patients, 1000.0)
    curves = compare(task, patients)
    levels = {other: max(EQUAL_ERROR, min(curve.errors)) for other, curve in curves.items()}
    ratios: dict[str, float | None] = dict.fromkeys(("roadrunner", "numbalsoda", "cvode", "solve_ivp", "odeint"))
    for other in sorted(ratios.keys() & curves.keys()):
        theirs, ours = curves[other].speed_at(levels[other]), curves["kernel"].speed_at(levels[other])
        ratios[other] = None if ours is None or theirs is None else ours / theirs
    cold, warm = measure_start(name)
    sizes = [10_000, 1_000_000] if large else [10_000]
    memory = {str(size): measure_alone(name, "stream", size) for size in sizes}
    document: dict[str, object] = {
        "schema": "kinimmune.bench/1",
        "model": name,
        "patients_per_second": {other: curve.speed_at(levels[other]) for other, curve in curves.items()},
        "equal_error": levels,
        "ratio_at_equal_error": ratios,
        "work_precision": {
            other: [list(point) for point in zip(TOLERANCES, curve.errors, curve.speeds, strict=True)]
            for other, curve in curves.items()
        },
        **measure_alone(name, "threads", THREADED),
        "compile_seconds": cold,
        "warm_seconds": warm,
        "rss_mb": {size: item["rss_mb"] for size, item in memory.items()},
        "streamed_patients_per_second": {size: item["patients_per_second"] for size, item in memory.items()},
    }
    return document, curves


def draw(curves: Mapping[str, Curve], path: str) -> None:
    """Plot error against speed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, curve in curves.items():
        axes.loglog(curve.errors, curve.speeds, "o-", markersize=4, label=NAMES[name])
    axes.axvline(EQUAL_ERROR, color="0.6", linewidth=0.8, linestyle="--")
    axes.set(xlabel="largest relative error (against Radau at 1e-11)", ylabel="patients/s on one core")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="hcc_trial", choices=sorted(MODELS))
    parser.add_argument("--patients", type=int, default=2048)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--large", action="store_true", help="add a million patients")
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--alone", choices=sorted(ALONE), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(ALONE[options.alone](options.model, options.patients)))
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
    for key in ("equal_error", "ratio_at_equal_error", "threads_speedup", "compile_seconds", "warm_seconds", "rss_mb"):
        print(f"{key}: {document[key]}")


if __name__ == "__main__":
    main()
