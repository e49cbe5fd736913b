"""The text of the functions of a model in its generated kernel: rates, Jacobian with its factors, solves, one whole step.

Start with `ModelFunctions`.
"""

from collections.abc import Iterable, Sequence

import sympy as sp

from kinimmune.models.kernel.code_printer import to_python
from kinimmune.models.kernel.powers import by_logarithm
from kinimmune.models.kernel.rosenbrock import Rosenbrock
from kinimmune.models.kernel.sparse_lu import Elimination, factor_lines, solve_lines
from kinimmune.models.kernel.straight_line import Assignment, Constants, Linearisation, share
from kinimmune.models.kernel.workspace import LANES, ROWS_PER_LANE, ROWS_PER_STATE
from kinimmune.models.symbolic.components import TIME

HERE, THERE, INSIDE = ("Y", "T"), ("TRIAL", "MOMENT"), ("B", "MOMENT")
"""Where states and time are read: at the start of the step, at a stage or the end, at a place inside."""
END, DIFFERENCE, SLOPE_INSIDE_STEP = range(3)
"""Stages whose room holds, once they are summed up, the end of the step, the embedded difference, the slope in its middle."""


class ModelFunctions:
    """Writes the functions that depend on a model and a method, and decides what stands where in `m`."""

    def __init__(self, system: Linearisation, plan: Elimination, method: Rosenbrock) -> None:
        """Draw out what is constant over a segment and lay out the array."""
        self.system, self.plan, self.method = system, plan, method
        self.timed = bool(system.time_derivative)
        self.constants = Constants(set(system.parameters))
        named = ((name, by_logarithm(expression)) for name, expression in (*system.definitions, *system.derivatives))
        kept = [self.constants.take_definition(name, expression) for name, expression in named]
        self.named: list[Assignment] = [item for item in kept if item is not None]
        names = [f"f_{state.name.removeprefix('s_')}" for state in system.states]
        self.rates = self._take(zip(names, system.rates, strict=True))
        self.jacobian = self._take((f"a_{plan.slots[entry]}", value) for entry, value in system.jacobian.items())
        self.by_time = self._take((f"g_{i}", value) for i, value in system.time_derivative.items())
        self.watched = self._take(zip(("quantity", "slope"), system.watched or (), strict=False))
        self.places, self.rows = self._lay_out()

    def write(self) -> list[str]:
        """Return the text of each function."""
        ends = [f"{self._at('Q_END')} = quantity", f"{self._at('SLOPE_END')} = slope"] * bool(self.watched)
        inside = [f"{self._at('Q_INSIDE')} = quantity", f"{self._at('SLOPE_INSIDE')} = slope"] * bool(self.watched)
        return [
            _function("@entry", "find_constants(m, lane)", self._constant_lines(), looped=False),
            _function("@jit", "rates(m)", [*self._assign(THERE, self.rates), *self._save("B", self.rates)]),
            _function("@jit", "prepare(m)", self._prepare_lines()),
            _function("@jit", "solve(m)", self._solve_lines()),
            _function("@jit", "finish(m)", [*self._estimate_lines(), *self._assign(THERE, self.watched), *ends]),
            _function("@entry", "find_watched(m, lane)", [*self._assign(INSIDE, self.watched), *inside], looped=False),
            _function("@entry", "find_rates(m, lane)", ["rates(m)"], looped=False),
            _function("@entry", "advance(m, lane)", self._advance_lines(), looped=False),
        ]

    def _at(self, name: str, row: int = 0) -> str:
        return f"m[{self.places[name] + row * LANES} + lane]"

    def _take(self, results: Iterable[tuple[str, sp.Expr]]) -> list[Assignment]:
        return [(sp.Symbol(name, real=True), self.constants.take(by_logarithm(value))) for name, value in results]

    def _lay_out(self) -> tuple[dict[str, int], int]:
        n = len(self.system.states)
        blocks = [(name, 1) for name in ROWS_PER_LANE] + [(name, n) for name in ROWS_PER_STATE]
        blocks += [("P", len(self.system.parameters) + len(self.constants.found))]
        blocks += [("W", len(self.plan.slots)), ("K", n * self.method.stages)]
        places, rows = {}, 0
        for name, length in blocks:
            places[name] = rows * LANES
            rows += length
        return places, rows

    def _constant_lines(self) -> list[str]:
        found = self.constants.found
        steps = share([], found)
        first = len(self.system.parameters)
        lines = self._load("P", self.system.parameters, steps)
        lines += [f"{name.name} = {to_python(expression)}" for name, expression in steps]
        return lines + [f"{self._at('P', first + i)} = {name.name}" for i, (name, _) in enumerate(found)]

    def _load(self, block: str, names: Sequence[sp.Symbol], steps: Sequence[Assignment]) -> list[str]:
        used = set().union(*(expression.free_symbols for _, expression in steps))
        return [f"{name.name} = {self._at(block, i)}" for i, name in enumerate(names) if name in used]

    def _save(self, block: str, results: Sequence[Assignment]) -> list[str]:
        return [f"{self._at(block, i)} = {name.name}" for i, (name, _) in enumerate(results)]

    def _assign(self, source: tuple[str, str], results: Sequence[Assignment]) -> list[str]:
        """Return loads and assignments that give the results in one lane."""
        steps = share(self.named, results) if results else []
        lines = self._load(source[0], self.system.states, steps)
        lines += self._load("P", [*self.system.parameters, *(name for name, _ in self.constants.found)], steps)
        lines += [f"now = {self._at(source[1])}"] * any(TIME in expression.free_symbols for _, expression in steps)
        now = {TIME: sp.Symbol("now", real=True)}
        return lines + [f"{name.name} = {to_python(expression.xreplace(now))}" for name, expression in steps]

    def _prepare_lines(self) -> list[str]:
        """Compute everything at the start of a step: rates, and 1/(h gamma) - J in factors."""
        lines = [*self._assign(HERE, [*self.rates, *self.jacobian, *self.by_time, *self.watched]), *self._save("F", self.rates)]
        if self.timed:
            moving = self.system.time_derivative
            squared = f"{self._at('H')} * {self._at('H')}"
            entries = [f"{squared} * g_{i}" if i in moving else "0.0" for i in range(len(self.rates))]
            lines += [f"{self._at('G', i)} = {entry}" for i, entry in enumerate(entries)]
        lines += [f"{self._at('Q')} = quantity", f"{self._at('SLOPE')} = slope"] * bool(self.watched)
        lines += [f"d = {self._at('PER_STEP')} * {1.0 / self.method.gamma!r}", *factor_lines(self.plan, self.system.jacobian)]
        lines += [f"{self._at('W', slot)} = w_{slot}" for slot in self.plan.slots.values()]
        return [*lines, f"{self._at('GROWTH')} = worst"]

    def _solve_lines(self) -> list[str]:
        rows = range(len(self.plan.order))
        lines = [f"per_step = {self._at('PER_STEP')}"]
        lines += [f"b_{i} = {self._at('B', i)} + per_step * {self._at('SUM', i)}" for i in rows]
        lines += [f"w_{slot} = {self._at('W', slot)}" for slot in self.plan.slots.values()]
        return [*lines, *solve_lines(self.plan), *(f"{self._at('B', i)} = b_{i}" for i in rows)]

    def _estimate_lines(self) -> list[str]:
        """Weigh the difference of the embedded pair and, in the middle of the step, the error of the continuous extension."""
        n = len(self.plan.order)
        lines = [f"relative = {self._at('RELATIVE')}", "worst, total = 0.0, 0.0"]
        for i in range(n):
            lines += [
                f"middle, new = {self._at('TRIAL', i)}, {self._at('K', END * n + i)}",
                f"{self._at('TRIAL', i)} = new",
                f"ratio = {self._at('K', DIFFERENCE * n + i)} / ({self._at('SCALE', i)} + relative * abs(new))",
                f"gap = {self._at('B', i)} / ({self._at('SCALE', i)} + relative * abs(middle))",
                "worst = max(worst, max(ratio * ratio, gap * gap))",
                "total += ratio * 0.0 + gap * 0.0",
            ]
        lines += ["error = math.sqrt(worst) + total", f"{self._at('ERROR')} = error"]
        return [*lines, f"{self._at('ROOT')} = exponential({1.0 / self.method.order!r} * logarithm(error))"]

    def _check_lines(self) -> list[str]:
        """Estimate the error of the continuous extension: its residual in the middle of the step, through the step's own matrix.

        The matrix damps what the residual of a stiff component exaggerates.
        """
        place, size = self.places, len(self.system.states) * LANES
        k = place["K"]
        y, trial, bend, twist, curl = (f"m[{place[name]} + i]" for name in ("Y", "TRIAL", "BEND", "TWIST", "CURL"))
        end, slope = f"m[{k + END * size} + i]", f"m[{k + SLOPE_INSIDE_STEP * size} + i]"
        return [
            f"for i in range({size}):",
            f"    end = {trial} + m[{place['B']} + i]",
            f"    {slope} = end - {y} + 0.25 * ({twist} + {curl})",
            f"    {trial} = 0.5 * ({y} + end) + 0.25 * ({bend} + 0.5 * ({twist} + 0.5 * {curl}))",
            f"    {end} = end",
            f"    m[{k + DIFFERENCE * size} + i] = m[{place['B']} + i]",
            *self._set_moment(0.5),
            "rates(m)",
            f"for i in range({size}):",
            f"    m[{place['SUM']} + i] = -{slope}",
            "solve(m)",
            *self._set_moment(1.0),
        ]

    def _set_moment(self, share: float) -> list[str]:
        place = self.places
        return ["for l in range(LANES):", f"    m[{place['MOMENT']} + l] = m[{place['T']} + l] + {share!r} * m[{place['H']} + l]"]

    def _advance_lines(self) -> list[str]:
        method, size = self.method, len(self.system.states) * LANES
        place = self.places
        flat = f"for i in range({size}):"
        lines = ["for l in range(LANES):", f"    m[{place['PER_STEP']} + l] = 1.0 / m[{place['H']} + l]", "prepare(m)"]
        for stage in range(method.stages):
            by_time = f" + ({method.gammas[stage]!r}) * m[{place['G']} + i]" * bool(self.timed and method.gammas[stage])
            lines += [flat, *(f"    {line}" for line in self._stage_lines(stage, by_time))]
            if stage:
                lines += [*self._set_moment(method.alpha[stage]), "rates(m)"]
            lines.append("solve(m)")
        lines += [flat, f"    m[{place['K'] + (method.stages - 1) * size} + i] = m[{place['B']} + i]"]
        lines += [
            f"    m[{place[name]} + i] = {self._sum(weights)}"
            for name, weights in zip(("BEND", "TWIST", "CURL"), method.dense, strict=True)
        ]
        return [*lines, *self._check_lines(), "finish(m)"]

    def _stage_lines(self, stage: int, by_time: str) -> list[str]:
        place, size = self.places, len(self.system.states) * LANES
        if stage == 0:
            return [f"m[{place['SUM']} + i] = 0.0{by_time}", f"m[{place['B']} + i] = m[{place['F']} + i]"]
        return [
            f"m[{place['K'] + (stage - 1) * size} + i] = m[{place['B']} + i]",
            f"m[{place['TRIAL']} + i] = m[{place['Y']} + i] + {self._sum(self.method.a[stage])}",
            f"m[{place['SUM']} + i] = {self._sum(self.method.c[stage])}{by_time}",
        ]

    def _sum(self, weights: Sequence[float]) -> str:
        size = len(self.system.states) * LANES
        return " + ".join(f"({weight!r}) * m[{self.places['K'] + j * size} + i]" for j, weight in enumerate(weights) if weight)


def _function(decorator: str, signature: str, lines: Sequence[str], *, looped: bool = True) -> str:
    indent = "        " if looped else "    "
    body = [f"{indent}{line}" for line in (lines or ["pass"])]
    return "\n".join([decorator, f"def {signature}:", *(["    for lane in range(LANES):"] if looped else []), *body])
