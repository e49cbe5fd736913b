"""A sensitivity study carried out: blocks of rows as steps of long work, and what failed drawn again.

Start with `collect_rows`.  A row in which any point fails is lost as a whole, and the next row of the same design takes its
place: the rows that are kept are exchangeable, so no index is ever computed from a gap.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinimmune.fitting.sensitivity.designs import Design, Method, draw_rows
from kinimmune.fitting.sensitivity.responses import ResponseSettings, open_response
from kinimmune.fitting.sensitivity.values import Response
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

MOST_LOST = 1.0
"""Rows that may be lost for each that is wanted; above it the inputs lead where the model cannot follow."""


@dataclass(frozen=True)
class Sample:
    """The rows a study is computed from."""

    rows: Array
    """Coordinates, shape (n, width, n_inputs)."""
    values: Array
    """The output, shape (n, width, t); only a lost row of a local study holds what is not a number."""
    lost: int
    """Rows in which a point failed."""
    reasons: Mapping[str, int]
    """Why -> number of points."""

    @property
    def output(self) -> Array:
        """The output itself, without its course, shape (n, width)."""
        last: Array = self.values[:, :, -1]
        return last


@dataclass(frozen=True)
class Study:
    """What is to be carried out."""

    design: Design
    samples: int
    """Rows wanted; in a local study one for each input."""
    prefix: str
    """What the names of all steps begin with."""
    function: TaskFunction
    """Takes what `measure_block` takes; tests put a function with a closed form in its place."""
    inputs: Mapping[str, Any]
    """What `work` needs besides the design, as plain values."""
    context: Mapping[str, Any]
    """What it needs and the outcome does not depend on."""

    def step(self, first: int, count: int) -> Task:
        """Return the step that measures some rows.  The number of rows wanted is no input of it: a larger study goes on."""
        inputs = {**self.inputs, "design": self.design.part(first, count).as_plain(), "first": first, "count": count}
        return Task(self.function, f"{self.prefix}{first:06d}", inputs, self.context)

    @property
    def blocks(self) -> int:
        """Blocks without any that are drawn again."""
        return -(-self.samples // self.design.block)


def measure_block(inputs: Json) -> Json:
    """Measure rows of a design: a step of long work."""
    response = open_response(ResponseSettings.from_plain(inputs["response"]), inputs["folder"], inputs["jobs"])
    return measure_rows(inputs, response)


SENSITIVITY_BLOCK = TaskFunction("sensitivity.block", measure_block, "kinimmune.fitting.sensitivity_blocks:measure_block")


def measure_rows(inputs: Json, response: Response) -> Json:
    """Return the output at every point of some rows, None for a row in which one failed, and why."""
    design = Design.from_plain(inputs["design"])
    rows = draw_rows(design, inputs["first"], inputs["count"])
    points = rows.reshape(-1, len(design.inputs))
    values = np.array([[item.value(at) for item, at in zip(design.inputs, point, strict=True)] for point in points.tolist()])
    reasons = np.array([_find_outside(design, point) for point in points], dtype=object)
    inside = np.array([place for place, reason in enumerate(reasons) if reason is None], dtype=np.int64)
    outputs = np.full((points.shape[0], 1), np.nan)
    if inside.size:
        found = response(values[inside])
        reasons[inside] = np.array(found.reasons, dtype=object)
        outputs = np.full((points.shape[0], found.values.shape[1]), np.nan)
        outputs[inside] = found.values
    failed = [place for place, reason in enumerate(reasons) if reason is not None]
    lost = {place // design.width for place in failed}
    shaped = outputs.reshape(inputs["count"], design.width, -1)
    return {
        "values": [None if row in lost else part.tolist() for row, part in enumerate(shaped)],
        "failures": [_tell(design, inputs["first"], place, values[place], str(reasons[place])) for place in failed],
    }


def _find_outside(design: Design, point: Array) -> str | None:
    for item, coordinate in zip(design.inputs, point.tolist(), strict=True):
        if not item.lower <= coordinate <= item.upper:
            return f"'{item.key}' lies outside its range"
    return None


def _tell(design: Design, first: int, place: int, values: Array, reason: str) -> dict[str, Any]:
    row, point = divmod(place, design.width)
    given = {item.key: value for item, value in zip(design.inputs, values.tolist(), strict=True)}
    return {"what": f"row {first + row} point {point}", "reason": reason, "values": given}


def collect_rows(study: Study, runtime: Runtime) -> Sample:
    """Carry out a study until it has its rows.

    Raises
    ------
    NumericalError
        when more rows fail than are wanted, with the commonest reason
    """
    drawn: list[int] = []
    kept: list[Any] = []
    reasons: Counter[str] = Counter()
    local = study.design.method is Method.LOCAL
    first = 0
    while len(kept) < study.samples:
        sizes = _cut(study, study.samples - len(kept))
        chains = [TaskChain(study.step(first + place, size)) for place, size in sizes]
        for (place, _), (outcome,) in zip(sizes, runtime.run(chains), strict=True):
            reasons.update(str(item["reason"]) for item in outcome["failures"])
            good = [(first + place + row, values) for row, values in enumerate(outcome["values"]) if local or values is not None]
            drawn += [number for number, _ in good]
            kept += [values for _, values in good]
        first += sum(size for _, size in sizes)
        _require_enough(study, kept, first, reasons)
    lost = sum(values is None for values in kept) if local else drawn[study.samples - 1] + 1 - study.samples
    return _gather(study, drawn[: study.samples], kept[: study.samples], (lost, dict(reasons.most_common())))


def _cut(study: Study, wanted: int) -> list[tuple[int, int]]:
    """Return (first, count) of blocks for so many rows; the last is shorter where fewer are left."""
    size = study.design.block
    return [(place, min(size, wanted - place)) for place in range(0, wanted, size)]


def _require_enough(study: Study, kept: list[Any], asked: int, reasons: Counter[str]) -> None:
    lost = asked - len(kept)
    if lost > MOST_LOST * study.samples or not any(values is not None for values in kept):
        worst = reasons.most_common(1)[0][0] if reasons else "no reason was given"
        raise NumericalError(
            f"{lost or len(kept)} of {asked} rows failed, too many for {study.samples} good ones; most often: {worst}; "
            "narrow the inputs"
        )


def _gather(study: Study, drawn: list[int], kept: list[Any], loss: tuple[int, dict[str, int]]) -> Sample:
    design = study.design
    times = next(len(values[0]) for values in kept if values is not None)
    gap = np.full((design.width, times), np.nan)
    values = np.array([gap if item is None else np.array(item, dtype=float) for item in kept])
    rows = np.concatenate([draw_rows(design, number, count) for number, count in _runs(drawn, design)])
    return Sample(rows[_places(drawn, design)], values, *loss)


def _runs(drawn: list[int], design: Design) -> list[tuple[int, int]]:
    """Return (first, count) of the whole blocks that hold the kept rows; drawing a block is cheaper than its rows one by one."""
    return [(first, design.block) for first in sorted({number - number % design.block for number in drawn})]


def _places(drawn: list[int], design: Design) -> list[int]:
    """Return where the kept rows stand among the rows of those blocks."""
    starts = {first: place * design.block for place, (first, _) in enumerate(_runs(drawn, design))}
    return [starts[number - number % design.block] + number % design.block for number in drawn]
