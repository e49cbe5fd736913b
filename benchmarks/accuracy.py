"""Does the ensemble kernel keep the tolerance it is asked for?  Draws from widened priors against scipy's Radau.

Run `python benchmarks/accuracy.py [MODEL ...] [--draws 1000] [--references FOLDER]`.  Every library model is integrated for
parameters drawn from its priors with four times their standard deviation, by Radau at 1e-11 and by the kernel at three
tolerances.  The error of a patient is the largest over states and times of |y - reference| / (atol + rtol |reference|), with the
absolute tolerances the kernel itself used.  A patient either stays below ten or must have failed with a status; what does neither
is a silent miss.  References take most of the time (`--draws 1000`: about half an
hour on two cores); finished ones are kept in the folder and used again.  `--store`
writes the drawn parameters and every fifth time of the references, as `tests/models/kernel/test_accuracy.py` reads them.
"""

import argparse
import math
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from integrators import compile_for_odeint
from scipy.integrate import LSODA, OdeSolver, Radau, solve_ivp
from scipy.linalg import lapack

from kinimmune.fitting.claims.parameter_sets import draw_parameters
from kinimmune.models.catalogue import load_model
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.tolerances import Tolerances, sizes_of
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.tables.rows import Tables

TOLERANCES = (1e-4, 1e-6, 1e-8)
ALLOWED = 10.0
"""Error in units of the tolerance that is no miss."""
WIDTH = 4.0
"""Factor on the standard deviation of every prior."""
ABSOLUTE = 1e-2
"""Absolute over relative tolerance, in units of the size of a state."""
MOST_RATES = 1_000_000
"""Rates a reference may ask for before it is given up."""
POINTS = 41
STORED_STEP = 5
BLOCK = 25


Rates = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Method:
    """An integrator of scipy and its relative tolerance."""

    solver: type[OdeSolver]
    tolerance: float


class PlainRadau(Radau):
    """scipy's Radau with LAPACK's own elimination: the checks around it cost more than the elimination of a small system."""

    def __init__(self, *given: object, **named: object) -> None:
        """Take what scipy's takes."""
        super().__init__(*given, **named)
        self.lu, self.solve_lu = self._factorise, self._solve

    def _factorise(self, matrix: np.ndarray) -> tuple[Callable[..., tuple[np.ndarray, int]], np.ndarray, np.ndarray]:
        self.nlu += 1
        real = matrix.dtype == np.float64
        factors, pivots, _ = (lapack.dgetrf if real else lapack.zgetrf)(matrix, overwrite_a=True)
        return (lapack.dgetrs if real else lapack.zgetrs), factors, pivots

    def _solve(self, factored: tuple[Callable[..., tuple[np.ndarray, int]], np.ndarray, np.ndarray], b: np.ndarray) -> np.ndarray:
        substitute, factors, pivots = factored
        return substitute(factors, pivots, b)[0]


METHODS = {"radau": Method(PlainRadau, 1e-11), "lsoda": Method(LSODA, 1e-12)}


@dataclass(frozen=True)
class Case:
    """What is done to the patients of a model."""

    days: float
    inputs: Mapping[str, float]
    doses: Mapping[str, float]
    """State -> amount added at the start."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Parameters that are set."""


CASES: Mapping[str, Case] = {
    "gompertz": Case(400.0, {}, {}),
    "hcc_trial": Case(1096.0, {"dose_rate": 800.0}, {}),
    "hcc_mouse": Case(28.0, {}, {"gut_drug": 30.0}),
    "melanoma": Case(730.0, {"dose_rate": 800.0, "temozolomide_rate": 270.0}, {}),
    "breast": Case(28.0, {"dose_rate": 100.0}, {"antibody": 5.0}),
    "hcc_cells": Case(4.0, {}, {}, {"medium_concentration": 5000.0}),
}


@dataclass(frozen=True)
class Drawn:
    """The patients of a case."""

    compiled: CompiledModel
    case: Case
    p: np.ndarray
    """shape (n_parameters + n_inputs, n)"""
    initial: np.ndarray
    """shape (n_states, n)"""

    @property
    def time(self) -> np.ndarray:
        """Output grid [d]."""
        return np.linspace(0.0, self.case.days, POINTS)

    @property
    def scale(self) -> np.ndarray:
        """Unit of the absolute tolerance, shape (n_states, n)."""
        return sizes_of(self.compiled.model, self.initial)


def draw(name: str, draws: int) -> Drawn:
    """Draw parameters and start values."""
    model, case = load_model(name, Tables()), CASES[name]
    values = draw_parameters(model.parameters, draws, WIDTH, 1)
    for parameter, value in case.values.items():
        values[model.parameter_names.index(parameter)] = value
    p = np.vstack([values, *(np.full((1, draws), case.inputs.get(item.name, 0.0)) for item in model.inputs)])
    compiled = compile_model(model)
    initial = compiled.initial(p)
    for state, amount in case.doses.items():
        initial[[item.name for item in model.states].index(state)] += amount
    return Drawn(compiled, case, p, initial)


def refer(name: str, draws: int, first: int, method: str) -> np.ndarray:
    """Return courses of a block of patients, shape (block, n_states, k); NaN where the reference gave up."""
    drawn = draw(name, draws)
    rates, jacobian = compile_for_odeint(drawn.compiled.model)
    found = np.full((min(BLOCK, draws - first), drawn.initial.shape[0], POINTS), np.nan)
    for row in range(found.shape[0]):
        i = first + row
        if np.isfinite(drawn.initial[:, i]).all():
            course = follow(drawn, i, METHODS[method], rates, jacobian)
            found[row] = np.nan if course is None else course
    return found


def follow(drawn: Drawn, i: int, method: Method, rates: Rates, jacobian: Rates) -> np.ndarray | None:
    """Return the course of one patient, None where the integrator gave up."""
    p = np.ascontiguousarray(drawn.p[:, i])
    asked = 0

    def watched(t: float, y: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += 1
        found = rates(t, y, p)
        if asked > MOST_RATES or not math.isfinite(found.sum()):
            raise ArithmeticError  # scipy itself would go round for ever
        return found

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            course = solve_ivp(
                watched,
                (0.0, drawn.case.days),
                drawn.initial[:, i],
                method.solver,
                drawn.time,
                jac=lambda t, y: jacobian(t, y, p),
                rtol=method.tolerance,
                atol=method.tolerance * ABSOLUTE * drawn.scale[:, i],
            )
        except (ArithmeticError, ValueError):  # ours, numba's and scipy's words for a rate that is not finite
            return None
    return course.y if course.success and np.isfinite(course.y).all() else None


def read_references(name: str, draws: int, method: str, folder: Path, jobs: int) -> np.ndarray:
    """Return the references, those already in the folder as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {first: folder / f"{name}-{method}-{draws}-{first:04d}.npy" for first in range(0, draws, BLOCK)}
    with ProcessPoolExecutor(jobs) as pool:
        running = {first: pool.submit(refer, name, draws, first, method) for first, file in files.items() if not file.exists()}
        for first, future in running.items():
            np.save(files[first], future.result())
    return np.concatenate([np.load(file) for file in files.values()])


def store(drawn: Drawn, exact: np.ndarray, file: Path) -> None:
    """Write what a test needs to integrate the same patients and compare."""
    names = list(drawn.compiled.parameter_names)
    np.savez_compressed(
        file, names=names, p=drawn.p, initial=drawn.initial, time=drawn.time[::STORED_STEP], states=exact[:, :, ::STORED_STEP]
    )


def judge(drawn: Drawn, exact: np.ndarray, tolerance: float) -> str:
    """Integrate by the kernel and return a line of counts."""
    begin = time.perf_counter()
    found = integrate(
        load_kernel(drawn.compiled.model),
        initial=drawn.initial,
        parameters=drawn.p[: len(drawn.compiled.model.parameter_names)],
        time=drawn.time,
        schedule=constant(**drawn.case.inputs),
        tolerances=Tolerances(tolerance, ABSOLUTE * tolerance),
    )
    seconds = time.perf_counter() - begin
    limit = tolerance * (ABSOLUTE * drawn.scale.T[:, :, None] + np.abs(exact))
    with np.errstate(invalid="ignore"):
        error = np.max(np.abs(found.states.transpose(2, 0, 1) - exact) / limit, axis=(1, 2))
    judged = (found.completion == 0) & np.isfinite(exact).all(axis=(1, 2))
    within, missed = int(np.sum(error[judged] <= ALLOWED)), int(np.sum(error[judged] > ALLOWED))
    alone = int(np.sum((found.completion == 0) & ~np.isfinite(exact).all(axis=(1, 2))))
    failures = ", ".join(f"{count} {kind.name.lower()}" for kind, count in found.failures.items()) or "none"
    quantiles = np.quantile(error[judged], (0.5, 0.99)) if judged.any() else (np.nan, np.nan)
    return (
        f"  {tolerance:.0e}   within {within:5d}   missed {missed:4d}   median {quantiles[0]:6.3f}   99 % {quantiles[1]:6.2f}   "
        f"largest {np.max(error[judged], initial=0.0):6.2f}   without reference {alone}   failed: {failures}   ({seconds:.2f} s)"
    )


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(CASES), metavar="MODEL")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--reference", choices=sorted(METHODS), default="radau")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--references", type=Path, default=Path("build/references"), metavar="FOLDER")
    parser.add_argument("--store", type=Path, metavar="FOLDER", help="where to write references for the tests")
    options = parser.parse_args()
    for name in options.models:
        exact = read_references(name, options.draws, options.reference, options.references, options.jobs)
        lost = int(np.sum(~np.isfinite(exact).all(axis=(1, 2))))
        print(f"{name}: {options.draws} draws, {lost} without a reference", flush=True)
        drawn = draw(name, options.draws)
        if options.store:
            store(drawn, exact, options.store / f"{name}.npz")
        for tolerance in TOLERANCES:
            print(judge(drawn, exact, tolerance), flush=True)


if __name__ == "__main__":
    main()
