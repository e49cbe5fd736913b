"""The text of the functions of a model in its generated kernel: rates, Jacobian with its factors, solves, one whole step.

Start with `ModelFunctions`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sympy as sp

from kinimmune.models.kernel.code_printer import to_python
from kinimmune.models.kernel.rosenbrock import Rosenbrock
from kinimmune.models.kernel.segment_constants import Assignment
from kinimmune.models.kernel.sparse_lu import Elimination, factor_lines, solve_lines
from kinimmune.models.kernel.straight_line import StraightLineCode
from kinimmune.models.kernel.subexpressions import share_subexpressions
from kinimmune.models.kernel.workspace import LANES, STATE_BLOCKS, Row
from kinimmune.models.symbolic.components import TIME


class _Point(NamedTuple):
    """Where in `work` the states and the time stand at which an expression is computed."""

    states: str
    time: str


AT_START, AT_STAGE, AT_INTERIOR = _Point("Y", "T"), _Point("TRIAL", "STAGE_TIME"), _Point("B", "STAGE_TIME")
"""At the start of the step, at a stage or the end, at a point between start and end."""
END, DIFFERENCE, SLOPE_INTERIOR = range(3)
"""Stages whose room holds, once they are summed up, the end of the step, the embedded difference, the slope in its middle."""


@dataclass(frozen=True)
class Blocks:
    """Where the blocks of `work` begin."""

    begins: dict[str, int]
    """Name of a row or block -> its first place."""
    rows: int
    """Number of rows."""

    def lane(self, block: str, row: int = 0) -> str:
        """Return the text of a number of a block in the lane `lane`."""
        return f"work[{self.begins[block] + row * LANES} + lane]"

    def flat(self, block: str, row: int = 0) -> str:
        """Return the text of a number of a block in a loop with `i` over states and lanes; the block begins at a row."""
        return f"work[{self.begins[block] + row * LANES} + i]"


def lay_out(code: StraightLineCode, plan: Elimination, method: Rosenbrock) -> Blocks:
    """Return where the blocks of `work` begin for a model and a method."""
    n = len(code.states)
    lengths = {row.name: 1 for row in Row} | dict.fromkeys(STATE_BLOCKS, n)
    lengths |= {"P": len(code.parameters) + len(code.constants), "W": len(plan.slots), "K": n * method.stages}
    begins, rows = {}, 0
    for name, length in lengths.items():
        begins[name] = rows * LANES
        rows += length
    return Blocks(begins, rows)


class ModelFunctions:
    """Writes the functions that depend on a model and a method."""

    def __init__(self, code: StraightLineCode, plan: Elimination, method: Rosenbrock) -> None:
        """Lay out `work` and name the results of the functions."""
        self.code, self.plan, self.method = code, plan, method
        self.blocks = lay_out(code, plan, method)
        self.rates = _name([f"f_{state.name.removeprefix('s_')}" for state in code.states], code.rates)
        self.jacobian = _name([f"a_{plan.slots[entry]}" for entry in code.jacobian], code.jacobian.values())
        self.by_time = _name([f"g_{i}" for i in code.time_derivative], code.time_derivative.values())
        self.event = _name(["quantity", "slope"][: len(code.event_output)], code.event_output)

    def write(self) -> list[str]:
        """Return the text of each function."""
        finish = [*self._estimate_lines(), *self._assign(AT_STAGE, self.event), *self._save_event("Q_END", "SLOPE_END")]
        interior = [*self._assign(AT_INTERIOR, self.event), *self._save_event("Q_INTERIOR", "SLOPE_INTERIOR")]
        return [
            _write_function("@entry", "find_constants(work, lane)", self._constant_lines()),
            _write_function(
                "@jit", "rates(work)", _loop_over_lanes([*self._assign(AT_STAGE, self.rates), *self._save_rates("B")])
            ),
            _write_function("@jit", "prepare(work)", _loop_over_lanes(self._prepare_lines())),
            _write_function("@jit", "solve(work)", _loop_over_lanes(self._solve_lines())),
            _write_function("@jit", "finish(work)", _loop_over_lanes(finish)),
            _write_function("@entry", "find_event_output(work, lane)", interior),
            _write_function("@entry", "find_rates(work, lane)", ["rates(work)"]),
            _write_function("@entry", "advance(work, lane)", self._advance_lines()),
        ]

    def _constant_lines(self) -> list[str]:
        lane, first = self.blocks.lane, len(self.code.parameters)
        steps = share_subexpressions([], self.code.constants)
        lines = self._load("P", self.code.parameters, steps)
        lines += [f"{name.name} = {to_python(expression)}" for name, expression in steps]
        return lines + [f"{lane('P', first + i)} = {name.name}" for i, (name, _) in enumerate(self.code.constants)]

    def _load(self, block: str, names: Sequence[sp.Symbol], steps: Sequence[Assignment]) -> list[str]:
        """Return statements that read what the steps use of a block."""
        used = set().union(*(expression.free_symbols for _, expression in steps))
        return [f"{name.name} = {self.blocks.lane(block, i)}" for i, name in enumerate(names) if name in used]

    def _assign(self, point: _Point, results: Sequence[Assignment]) -> list[str]:
        """Return loads and assignments that give the results in one lane."""
        steps = share_subexpressions(self.code.named, results) if results else []
        constants = (name for name, _ in self.code.constants)
        lines = self._load(point.states, self.code.states, steps)
        lines += self._load("P", [*self.code.parameters, *constants], steps)
        if any(TIME in expression.free_symbols for _, expression in steps):
            lines.append(f"now = {self.blocks.lane(point.time)}")
        now = {TIME: sp.Symbol("now", real=True)}
        return lines + [f"{name.name} = {to_python(expression.xreplace(now))}" for name, expression in steps]

    def _save_rates(self, block: str) -> list[str]:
        return [f"{self.blocks.lane(block, i)} = {name.name}" for i, (name, _) in enumerate(self.rates)]

    def _save_event(self, value: str, slope: str) -> list[str]:
        rows = zip((value, slope), self.event, strict=False)  # without event output there is nothing to save
        return [f"{self.blocks.lane(row)} = {name.name}" for row, (name, _) in rows]

    def _prepare_lines(self) -> list[str]:
        """Compute everything at the start of a step: rates, and 1/(h gamma) - J in factors."""
        lane = self.blocks.lane
        lines = [*self._assign(AT_START, [*self.rates, *self.jacobian, *self.by_time, *self.event]), *self._save_rates("F")]
        if self.by_time:
            squared = f"{lane('H')} * {lane('H')}"
            entries = [f"{squared} * g_{i}" if i in self.code.time_derivative else "0.0" for i in range(len(self.rates))]
            lines += [f"{lane('G', i)} = {entry}" for i, entry in enumerate(entries)]
        lines += self._save_event("Q", "SLOPE")
        lines += [f"d = {lane('PER_STEP')} * {1.0 / self.method.gamma!r}", *factor_lines(self.plan, self.code.jacobian)]
        lines += [f"{lane('W', slot)} = w_{slot}" for slot in self.plan.slots.values()]
        return [*lines, f"{lane('GROWTH')} = worst"]

    def _solve_lines(self) -> list[str]:
        lane, rows = self.blocks.lane, range(len(self.plan.order))
        lines = [f"per_step = {lane('PER_STEP')}"]
        lines += [f"b_{i} = {lane('B', i)} + per_step * {lane('SUM', i)}" for i in rows]
        lines += [f"w_{slot} = {lane('W', slot)}" for slot in self.plan.slots.values()]
        return [*lines, *solve_lines(self.plan), *(f"{lane('B', i)} = b_{i}" for i in rows)]

    def _estimate_lines(self) -> list[str]:
        """Compare the difference of the embedded pair, and the error of the continuous extension, with the tolerances.

        The largest over the states counts.  A comparison drops what is not a number, so `total` carries it into the error: it is
        0, or not a number as soon as one of its summands is infinite or not a number.
        """
        lane, n = self.blocks.lane, len(self.plan.order)
        lines = [f"relative = {lane('RELATIVE')}", "worst, total = 0.0, 0.0"]
        for i in range(n):
            lines += [
                f"middle, new = {lane('TRIAL', i)}, {lane('K', END * n + i)}",
                f"{lane('TRIAL', i)} = new",
                f"ratio = {lane('K', DIFFERENCE * n + i)} / ({lane('SCALE', i)} + relative * abs(new))",
                f"gap = {lane('B', i)} / ({lane('SCALE', i)} + relative * abs(middle))",
                "worst = max(worst, max(ratio * ratio, gap * gap))",
                "total += ratio * 0.0 + gap * 0.0",
            ]
        lines += ["error = math.sqrt(worst) + total", f"{lane('ERROR')} = error"]
        return [*lines, f"{lane('ROOT')} = exponential({1.0 / self.method.order!r} * logarithm(error))"]

    def _advance_lines(self) -> list[str]:
        """Take one step of all lanes: the stages, the end with the embedded difference, the continuous extension, the errors."""
        method, flat = self.method, self.blocks.flat
        n = len(self.code.states)
        lines = ["for l in range(LANES):", f"    {self._all_lanes('PER_STEP')} = 1.0 / {self._all_lanes('H')}", "prepare(work)"]
        for stage in range(method.stages):
            lines += self._loop_over_states(self._stage_lines(stage))
            if stage:
                lines += [*self._set_stage_time(method.alpha[stage]), "rates(work)"]
            lines.append("solve(work)")
        dense = [f"{flat(name)} = {self._sum(row)}" for name, row in zip(("D1", "D2", "D3"), method.dense, strict=True)]
        lines += self._loop_over_states([f"{flat('K', (method.stages - 1) * n)} = {flat('B')}", *dense])
        return [*lines, *self._check_lines(), "finish(work)"]

    def _stage_lines(self, stage: int) -> list[str]:
        flat, n = self.blocks.flat, len(self.code.states)
        weight = self.method.gammas[stage]
        by_time = f" + ({weight!r}) * {flat('G')}" if self.by_time and weight else ""
        if stage == 0:
            return [f"{flat('SUM')} = 0.0{by_time}", f"{flat('B')} = {flat('F')}"]
        return [
            f"{flat('K', (stage - 1) * n)} = {flat('B')}",
            f"{flat('TRIAL')} = {flat('Y')} + {self._sum(self.method.a[stage])}",
            f"{flat('SUM')} = {self._sum(self.method.c[stage])}{by_time}",
        ]

    def _check_lines(self) -> list[str]:
        """Estimate the error of the continuous extension: its residual in the middle of the step, through the step's own matrix.

        The matrix damps what the residual of a stiff component exaggerates.
        """
        flat, n = self.blocks.flat, len(self.code.states)
        y, trial, b, d1, d2, d3 = (flat(name) for name in ("Y", "TRIAL", "B", "D1", "D2", "D3"))
        end, difference, slope = (flat("K", stage * n) for stage in (END, DIFFERENCE, SLOPE_INTERIOR))
        sums = [
            f"end = {trial} + {b}",
            f"{slope} = end - {y} + 0.25 * ({d2} + {d3})",
            f"{trial} = 0.5 * ({y} + end) + 0.25 * ({d1} + 0.5 * ({d2} + 0.5 * {d3}))",
            f"{end} = end",
            f"{difference} = {b}",
        ]
        lines = [*self._loop_over_states(sums), *self._set_stage_time(0.5), "rates(work)"]
        return [*lines, *self._loop_over_states([f"{flat('SUM')} = -{slope}"]), "solve(work)", *self._set_stage_time(1.0)]

    def _all_lanes(self, row: str) -> str:
        return f"work[{self.blocks.begins[row]} + l]"

    def _set_stage_time(self, share: float) -> list[str]:
        time = f"{self._all_lanes('T')} + {share!r} * {self._all_lanes('H')}"
        return ["for l in range(LANES):", f"    {self._all_lanes('STAGE_TIME')} = {time}"]

    def _loop_over_states(self, lines: Sequence[str]) -> list[str]:
        return [f"for i in range({len(self.code.states) * LANES}):", *(f"    {line}" for line in lines)]

    def _sum(self, weights: Sequence[float]) -> str:
        n = len(self.code.states)
        terms = [f"({weight!r}) * {self.blocks.flat('K', j * n)}" for j, weight in enumerate(weights) if weight]
        return " + ".join(terms)


def _name(names: Sequence[str], expressions: Iterable[sp.Expr]) -> list[Assignment]:
    return [(sp.Symbol(name, real=True), expression) for name, expression in zip(names, expressions, strict=True)]


def _loop_over_lanes(lines: Sequence[str]) -> list[str]:
    return ["for lane in range(LANES):", *(f"    {line}" for line in lines or ["pass"])]


def _write_function(decorator: str, signature: str, lines: Sequence[str]) -> str:
    return "\n".join([decorator, f"def {signature}:", *(f"    {line}" for line in lines or ["pass"])])
