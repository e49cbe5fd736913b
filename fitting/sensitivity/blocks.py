"""A sensitivity study carried out: blocks of rows as tasks, and what failed drawn again.

Start with `collect_rows`.  A row in which any point fails is lost as a whole, and the next row of the same design takes its
place: the rows that are kept are exchangeable, so no index is ever computed from a gap.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kinimmune.fitting.sensitivity.designs import Design, Method, draw_rows
from kinimmune.fitting.sensitivity.responses import ResponseSettings, open_response
from kinimmune.fitting.sensitivity.values import Response
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

MAX_LOST = 1.0
"""Rows that may be lost for each that is wanted; above it the inputs lead where the model cannot follow."""


@dataclass(frozen=True)
class StudyRows:
    """The rows a study is computed from."""

    rows: Array
    """Coordinates of the inputs, shape (n, width, n_inputs)."""
    values: Array
    """The output with its course, shape (n, width, t); only a lost row of a local study holds what is not a number."""
    errors: Array
    """How far each value may be off by the error of what computed it, same shape; not a number in a lost row, and in one that a
    version computed which kept no errors."""
    lost: int
    """Number of rows in which a point failed."""
    reasons: Mapping[str, int]
    """Why points failed -> how many."""

    @property
    def output(self) -> Array:
        """The output itself, without its course, shape (n, width)."""
        last: Array = self.values[:, :, -1]
        return last

    @property
    def output_errors(self) -> Array:
        """Errors of `output`, shape (n, width)."""
        last: Array = self.errors[:, :, -1]
        return last


@dataclass(frozen=True)
class Study:
    """What is to be carried out."""

    design: Design
    samples: int
    """Number of rows wanted; in a local study one for each input."""
    prefix: str
    """Beginning of the names of all tasks."""
    function: TaskFunction
    """Takes what `measure_block` takes; tests put a function with a closed form in its place."""
    inputs: Mapping[str, Any]
    """What the function needs besides the design, as plain values."""
    context: Mapping[str, Any]
    """What it needs and the outcome does not depend on."""

    def task(self, first: int, count: int) -> Task:
        """Return the task that measures some rows.  The number of rows wanted is no input of it: a larger study goes on."""
        inputs = {**self.inputs, "design": self.design.part(first, count).as_plain(), "first": first, "count": count}
        return Task(self.function, f"{self.prefix}{first:06d}", inputs, self.context)

    @property
    def blocks(self) -> int:
        """Number of blocks, without any that are drawn again."""
        return -(-self.samples // self.design.block)


def measure_block(inputs: Json) -> Json:
    """Measure rows of a design: the function of a task."""
    response = open_response(ResponseSettings.from_plain(inputs["response"]), inputs["folder"], inputs["jobs"])
    return measure_rows(inputs, response)


SENSITIVITY_BLOCK = TaskFunction("sensitivity.block", measure_block, "kinimmune.fitting.sensitivity_blocks:measure_block")


def measure_rows(inputs: Json, response: Response) -> Json:
    """Return the output and its error at every point of some rows, None for a row in which one failed, and why."""
    design = Design.from_plain(inputs["design"])
    rows = draw_rows(design, inputs["first"], inputs["count"])
    points = rows.reshape(-1, len(design.inputs))
    values = np.array([[item.value(at) for item, at in zip(design.inputs, point, strict=True)] for point in points.tolist()])
    reasons = np.array([_find_outside(design, point) for point in points], dtype=object)
    inside = np.array([index for index, reason in enumerate(reasons) if reason is None], dtype=np.int64)
    outputs = errors = np.full((points.shape[0], 1), np.nan)
    if inside.size:
        responses = response(values[inside])
        reasons[inside] = np.array(responses.reasons, dtype=object)
        outputs, errors = np.full((2, points.shape[0], responses.values.shape[1]), np.nan)
        outputs[inside] = responses.values
        errors[inside] = 0.0 if responses.errors is None else responses.errors
    failed = [index for index, reason in enumerate(reasons) if reason is not None]
    lost = {index // design.width for index in failed}
    shaped = (inputs["count"], design.width, -1)
    return {
        "values": [None if row in lost else part.tolist() for row, part in enumerate(outputs.reshape(shaped))],
        "errors": [None if row in lost else part.tolist() for row, part in enumerate(errors.reshape(shaped))],
        "failures": [_failure(design, inputs["first"], index, values[index], str(reasons[index])) for index in failed],
    }


def _find_outside(design: Design, point: Array) -> str | None:
    for item, coordinate in zip(design.inputs, point.tolist(), strict=True):
        if not item.lower <= coordinate <= item.upper:
            return f"'{item.key}' lies outside its range"
    return None


def _failure(design: Design, first: int, index: int, values: Array, reason: str) -> dict[str, Any]:
    row, point = divmod(index, design.width)
    # JSON has no infinity, to which a far draw may overflow: it is None, and the reason says that it lies outside
    pairs = zip(design.inputs, values.tolist(), strict=True)
    given = {item.key: value if math.isfinite(value) else None for item, value in pairs}
    return {"what": f"row {first + row} point {point}", "reason": reason, "values": given}


@dataclass(frozen=True)
class _Collected:
    """The rows a study has so far."""

    numbers: list[int] = field(default_factory=list)
    """Number of each row in the design."""
    values: list[Any] = field(default_factory=list)
    """The output at the points of each row; None for a lost row of a local study."""
    errors: list[Any] = field(default_factory=list)
    """Its errors; None for a lost row, and where the outcome has none."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why points failed -> how many."""

    def add(self, first: int, outcome: Json, *, keep_lost: bool) -> None:
        """Take the rows of a block that begins with row `first`."""
        self.reasons.update(str(failure["reason"]) for failure in outcome["failures"])
        rows = outcome["values"]
        # outcomes of before errors were kept go on to count
        for row, (values, errors) in enumerate(zip(rows, outcome.get("errors", [None] * len(rows)), strict=True)):
            if keep_lost or values is not None:
                self.numbers.append(first + row)
                self.values.append(values)
                self.errors.append(errors)


def collect_rows(study: Study, runtime: Runtime) -> StudyRows:
    """Carry out a study until it has its rows.

    Raises
    ------
    NumericalError
        when more rows fail than are wanted, with the commonest reason
    """
    collected = _Collected()
    local = study.design.method is Method.LOCAL
    asked = 0
    while len(collected.values) < study.samples:
        starts, counts = _split(study.design.block, asked, study.samples - len(collected.values))
        chains = [TaskChain(study.task(first, count)) for first, count in zip(starts, counts, strict=True)]
        for first, (outcome,) in zip(starts, runtime.run(chains), strict=True):
            collected.add(first, outcome, keep_lost=local)
        asked += sum(counts)
        _require_enough(study, collected, asked)
    return _gather(study, collected)


def _split(size: int, first: int, wanted: int) -> tuple[list[int], list[int]]:
    """Return first row and number of rows of the blocks for so many rows; the last is shorter where fewer are left."""
    starts = list(range(first, first + wanted, size))
    return starts, [min(size, first + wanted - start) for start in starts]


def _require_enough(study: Study, collected: _Collected, asked: int) -> None:
    kept = collected.values
    lost = asked - len(kept)
    if lost > MAX_LOST * study.samples or not any(values is not None for values in kept):
        worst = collected.reasons.most_common(1)[0][0] if collected.reasons else "no reason was given"
        raise NumericalError(
            f"{lost or len(kept)} of {asked} rows failed, too many for {study.samples} good ones; most often: {worst}; "
            "narrow the inputs"
        )


def _gather(study: Study, collected: _Collected) -> StudyRows:
    """Return the first rows that are as many as are wanted; those drawn beyond them do not count."""
    numbers, kept = collected.numbers[: study.samples], collected.values[: study.samples]
    local = study.design.method is Method.LOCAL
    times = next(len(values[0]) for values in kept if values is not None)
    gap = np.full((study.design.width, times), np.nan)
    return StudyRows(
        rows=_draw_again(study.design, numbers),
        values=np.array([gap if values is None else np.array(values, dtype=float) for values in kept]),
        errors=np.array([gap if part is None else np.array(part, dtype=float) for part in collected.errors[: study.samples]]),
        lost=sum(values is None for values in collected.values) if local else numbers[-1] + 1 - study.samples,
        reasons=dict(collected.reasons.most_common()),
    )


def _draw_again(design: Design, numbers: Sequence[int]) -> Array:
    """Return the coordinates of some rows; whole blocks are drawn, which is cheaper than their rows one by one."""
    starts = sorted({number - number % design.block for number in numbers})
    drawn = np.concatenate([draw_rows(design, first, design.block) for first in starts])
    offsets = {first: index * design.block for index, first in enumerate(starts)}
    return drawn[[offsets[number - number % design.block] + number % design.block for number in numbers]]
