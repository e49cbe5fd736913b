"""The text of the generated ensemble kernel: one readable module a model, the loop over steps included.

Start with `write_kernel`.  Everything that is compiled stands in one file because numba's cache on disk does not notice a change in
a function that another file calls.  All numbers of all lanes live in one array `m`, so that the compiler sees every distance:
row r of lane l is `m[r * LANES + lane]`, and `Layout` says which row is what.
"""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from kinimmune.models import step_loop, vector_math
from kinimmune.models.elimination import Elimination, factor_lines, plan_elimination, solve_lines
from kinimmune.models.model import TIME, OdeModel
from kinimmune.models.rosenbrock import RODAS, Rosenbrock
from kinimmune.models.straight_line import Assignment, Constants, Linearisation, by_logarithm, linearise, share, to_python

LANES = 8
"""Patients side by side: a multiple of the vector width of every current processor."""

_HEADER = '''"""Ensemble kernel of the model '{model}', written by kinimmune (generator {version}); it is safe to delete.

States: {states}.
Method: {method} ({source}).
Row r of lane l is m[r * LANES + lane]; s_ states, p_ parameters and inputs, d_ definitions, j_ their derivatives, k_ constants of a
segment, c_ common subexpressions, f_ rates, a_ entries of the Jacobian, w_ of its factors, b_ of a right-hand side.
"""

import math

import numpy as np
from kinimmune.models.arrays import Array, Integers
from kinimmune.models.step_loop import Course, Outcome, Patients
from kinimmune.models.vector_math import from_bits, to_bits
from numba import njit

LANES, STAGES, N_STATES, N_PARAMETERS, N_INPUTS, N_TAGS = {lanes}, {stages}, {n_states}, {n_parameters}, {n_inputs}, {n_tags}
WATCH = {watch}
{rows}
COMPLETE, NOT_FINITE, STEP_UNDERFLOW, TOO_MANY_STEPS, PIVOT_GROWTH = range(5)
TINY = 2.2250738585072014e-308
FAST = {{"contract", "arcp", "nsz"}}
jit = njit(fastmath=FAST, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
jit_entry = njit(fastmath=FAST, error_model="numpy", _nrt=False, nogil=True, cache=True)
'''


@dataclass
class Layout:
    """Which rows of the one array hold what."""

    lanes: int
    rows: int = 0
    places: dict[str, int] = field(default_factory=dict)
    """Name of a block -> where it begins in the array."""

    def add(self, name: str, rows: int = 1) -> None:
        """Append a block."""
        self.places[name] = self.rows * self.lanes
        self.rows += rows

    def at(self, name: str, row: int = 0) -> str:
        """Return the text for one row of a block in lane `lane`."""
        return f"m[{self.places[name] + row * self.lanes} + lane]"


def read_templates() -> tuple[str, str]:
    """Return the text that is the same for all models: vector functions, and the loop over steps."""
    vectors, loop = (inspect.getsource(module).split("# TEMPLATE\n", 1)[1].strip() for module in (vector_math, step_loop))
    return vectors, loop


def write_kernel(model: OdeModel, watch: str | None, version: str, method: Rosenbrock = RODAS, lanes: int = LANES) -> str:
    """Return the module that integrates a model.

    Parameters
    ----------
    model
        the equations
    watch
        output whose rise is located, or None
    version
        of the generator
    method
        coefficients
    lanes
        patients side by side
    """
    system = linearise(model, watch)
    plan = plan_elimination(len(system.states), system.jacobian)
    writer = _Writer(system, plan, method, lanes)
    functions = writer.functions()
    rows = "\n".join(f"{name} = {place}" for name, place in writer.layout.places.items())
    header = _HEADER.format(
        model=model.name,
        version=version,
        states=", ".join(state.name for state in model.states),
        method=method.name,
        source=method.source,
        lanes=lanes,
        stages=method.stages,
        n_states=len(system.states),
        n_parameters=len(model.parameter_names),
        n_inputs=len(model.inputs),
        n_tags=len(step_loop.TAGS),
        watch=watch is not None,
        rows=f"{rows}\nROWS = {writer.layout.rows}\n{_tags(lanes)}",
    )
    vectors, loop = read_templates()
    return "\n\n\n".join([header.rstrip(), vectors, *functions, loop]) + "\n"


def _tags(lanes: int) -> str:
    return "\n".join(f"{name} = {row * lanes}" for row, name in enumerate(step_loop.TAGS))


class _Writer:
    """Writes the functions that depend on the model and the method."""

    def __init__(self, system: Linearisation, plan: Elimination, method: Rosenbrock, lanes: int) -> None:
        self.system, self.plan, self.method = system, plan, method
        self.layout = Layout(lanes)
        constants = Constants(set(system.parameters))
        named = ((name, by_logarithm(expression)) for name, expression in (*system.definitions, *system.derivatives))
        kept = [constants.take_definition(name, expression) for name, expression in named]
        self.named: list[Assignment] = [item for item in kept if item is not None]
        self.constants = constants
        self.timed = bool(system.time_derivative)

    def functions(self) -> list[str]:
        """Return the text of each function, and lay out the array on the way."""
        system, n = self.system, len(self.system.states)
        rates = self._results((f"f_{state.name[2:]}", rate) for state, rate in zip(system.states, system.rates, strict=True))
        jacobian = self._results((f"a_{self.plan.slots[entry]}", value) for entry, value in system.jacobian.items())
        by_time = self._results((f"g_{i}", value) for i, value in system.time_derivative.items())
        watched = self._results(zip(("quantity", "slope"), system.watched or (), strict=False))
        self._lay_out(n)
        at = self.layout.at
        stores = [f"{at('B', i)} = {name.name}" for i, (name, _) in enumerate(rates)]
        keeps = [f"{at('F', i)} = {name.name}" for i, (name, _) in enumerate(rates)]
        keeps += [
            f"{at('G', i)} = g_{i}" if i in system.time_derivative else f"{at('G', i)} = 0.0" for i in range(n)
        ] * self.timed
        keeps += [f"{at('Q')} = quantity", f"{at('SLOPE')} = slope"] * bool(watched)
        factors = [f"d = {at('PER_STEP')} * {1.0 / self.method.gamma!r}", *factor_lines(self.plan, system.jacobian)]
        factors += [f"{at('W', slot)} = w_{slot}" for slot in self.plan.slots.values()]
        ends = [f"{at('Q_END')} = quantity", f"{at('SLOPE_END')} = slope"] * bool(watched)
        here, there = ("Y", "T"), ("TRIAL", "MOMENT")
        texts = [
            _function("find_constants(m, lane)", self._constant_lines(), looped=False),
            _function("rates(m)", [*self._assign(there, rates), *stores]),
            _function(
                "prepare(m)",
                [*self._assign(here, [*rates, *jacobian, *by_time, *watched]), *keeps, *factors, f"{at('GROWTH')} = worst"],
            ),
            _function("watch(m)", [*self._assign(there, watched), *ends]),
            _function("solve(m)", self._solve_lines()),
            _function("estimate(m, relative)", self._estimate_lines()),
            self._advance(),
        ]
        return texts

    def _results(self, results: Iterable[tuple[str, sp.Expr]]) -> list[Assignment]:
        return [(sp.Symbol(name, real=True), self.constants.take(by_logarithm(value))) for name, value in results]

    def _lay_out(self, n: int) -> None:
        for name in step_loop.ROWS_PER_LANE:
            self.layout.add(name)
        self.layout.add("P", len(self.system.parameters) + len(self.constants.found))
        for name in step_loop.ROWS_PER_STATE:
            self.layout.add(name, n)
        self.layout.add("W", len(self.plan.slots))
        self.layout.add("K", n * self.method.stages)

    def _constant_lines(self) -> list[str]:
        found = self.constants.found
        steps = share([], found)
        names = [name for name, _ in found]
        rows = {name: len(self.system.parameters) + i for i, name in enumerate(names)}
        lines = [
            f"{name.name} = {self.layout.at('P', i)}" for i, name in enumerate(self.system.parameters) if name in _used(steps)
        ]
        lines += [f"{name.name} = {to_python(expression)}" for name, expression in steps]
        return [*lines, *(f"{self.layout.at('P', row)} = {name.name}" for name, row in rows.items())] or ["pass"]

    def _assign(self, source: tuple[str, str], results: Sequence[Assignment]) -> list[str]:
        """Return loads and assignments that give the results in one lane."""
        at, (y, t) = self.layout.at, source
        steps = share(self.named, results) if results else []
        used = _used(steps)
        fixed = [*self.system.parameters, *(name for name, _ in self.constants.found)]
        lines = [f"now = {at(t)}"] if TIME in used else []
        lines += [f"{name.name} = {at(y, i)}" for i, name in enumerate(self.system.states) if name in used]
        lines += [f"{name.name} = {at('P', i)}" for i, name in enumerate(fixed) if name in used]
        now = {TIME: sp.Symbol("now", real=True)}
        return lines + [f"{name.name} = {to_python(expression.xreplace(now))}" for name, expression in steps]

    def _solve_lines(self) -> list[str]:
        at, plan = self.layout.at, self.plan
        solution = solve_lines(plan)
        lines = [f"per_step = {at('PER_STEP')}"]
        lines += [f"b_{i} = {at('B', i)} + per_step * {at('SUM', i)}" for i in range(len(plan.order))]
        lines += [f"w_{slot} = {at('W', slot)}" for slot in plan.slots.values()]
        return [*lines, *solution, *(f"{at('B', i)} = b_{i}" for i in range(len(plan.order)))]

    def _estimate_lines(self) -> list[str]:
        """Finish the step in TRIAL and weigh its last stage, which is the difference of the embedded pair."""
        at, n = self.layout.at, len(self.plan.order)
        lines = ["total = 0.0"]
        for i in range(n):
            lines += [
                f"new, old, difference = {at('TRIAL', i)} + {at('B', i)}, {at('Y', i)}, {at('B', i)}",
                f"{at('TRIAL', i)} = new",
                f"ratio = difference / ({at('SCALE', i)} + relative * max(abs(old), abs(new)))",
                "total += ratio * ratio + new * 0.0",
            ]
        return [*lines, f"{at('ERROR')} = math.sqrt(total / {n}.0)"]

    def _advance(self) -> str:
        method, size = self.method, len(self.system.states) * self.layout.lanes
        lines = [
            "@jit",
            "def advance(m):",
            "    for lane in range(LANES):",
            "        m[PER_STEP + lane] = 1.0 / m[H + lane]",
            "    prepare(m)",
        ]
        for stage in range(method.stages):
            by_time = f" + ({method.gammas[stage]!r}) * m[G + i]" if self.timed and method.gammas[stage] else ""
            lines.append(f"    for i in range({size}):")
            if stage:
                earlier = f"K + {(stage - 1) * size}"
                lines += ["        k = m[B + i]", f"        m[{earlier} + i] = k"]
                lines.append(f"        m[TRIAL + i] = m[Y + i] + {_sum(method.a[stage], size)}")
                lines.append(f"        m[SUM + i] = {_sum(method.c[stage], size)}{by_time}")
                lines += [
                    "    for lane in range(LANES):",
                    f"        m[MOMENT + lane] = m[T + lane] + {method.alpha[stage]!r} * m[H + lane]",
                ]
                lines.append("    rates(m)")
            else:
                lines += [f"        m[SUM + i] = 0.0{by_time}", "        m[B + i] = m[F + i]"]
            lines.append("    solve(m)")
        lines.append(f"    for i in range({size}):")
        lines += [
            f"        m[{name} + i] = {_sum(weights, size, whole=False)}"
            for name, weights in zip(("BEND", "TWIST"), method.dense, strict=True)
        ]
        return "\n".join(lines)


def _used(steps: Sequence[Assignment]) -> set[sp.Symbol]:
    return set().union(*(expression.free_symbols for _, expression in steps))


def _function(signature: str, lines: Sequence[str], *, looped: bool = True) -> str:
    indent = "        " if looped else "    "
    body = [f"{indent}{line}" for line in (lines or ["pass"])]
    return "\n".join(["@jit", f"def {signature}:", *(["    for lane in range(LANES):"] if looped else []), *body])


def _sum(weights: Sequence[float], size: int, *, whole: bool = True) -> str:
    """Return a weighted sum of stages; the latest one still stands in `k` when the sum is over all `whole` stages so far."""
    last = len(weights) - 1 if whole else len(weights)
    stages = [f"m[K + {stage * size} + i]" if stage != last else "k" for stage in range(len(weights))]
    return " + ".join(f"({weight!r}) * {stage}" for stage, weight in zip(stages, weights, strict=True) if weight) or "0.0"
