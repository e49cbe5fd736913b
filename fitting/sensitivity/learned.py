"""Sobol's indices from a learned output: some hundred runs of the model in place of some ten thousand.

Start with `learn_output` and `draw_learned`.  The output is learned as a Gaussian process from draws of the inputs; how much of
its variance it misses is measured on draws it has not seen.  As many rows of the Sobol design as are wanted then cost nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.sampling.emulator import SAMPLE_LEARN
from kinimmune.fitting.sampling.gaussian_process import GaussianProcess
from kinimmune.fitting.sensitivity.blocks import Study, StudyRows, collect_rows
from kinimmune.fitting.sensitivity.designs import Design, Method, draw_rows
from kinimmune.fitting.sensitivity.results import NARROW, LearnedOutput
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.slots import one_blas_thread
from kinimmune.fitting.workflow.task import Task, TaskChain
from kinimmune.models.arrays import Array

TAUGHT, UNSEEN = 640, 160
"""Draws the output is learned from, and draws by which its error is measured."""
LEARNED_ROWS = 4096
"""Base rows of a Sobol design on a learned output."""
MOST_MISSED = NARROW / 2.0
"""Share of the variance a learned output may miss: half the half-width that is narrow enough."""


@dataclass(frozen=True)
class LearnedStudy:
    """An output that was learned."""

    process: GaussianProcess
    taught: Array
    """Coordinates of the inputs it was learned from, shape (N, n_inputs)."""
    drawn: StudyRows
    """Every draw of the model."""
    report: LearnedOutput

    @property
    def trusted(self) -> bool:
        """Whether it misses little enough."""
        return self.report.missed <= MOST_MISSED


def count_learning_tasks(study: Study) -> int:
    """Return how many tasks it takes to learn the output of a study."""
    return _plan_draws(study).blocks + 1


def learn_output(study: Study, runtime: Runtime) -> LearnedStudy:
    """Return the output of a study as a learned function of its inputs.

    Raises
    ------
    NumericalError
        when too many draws fail
    """
    drawn = collect_rows(_plan_draws(study), runtime)
    points, values = drawn.rows[:, 0], drawn.output[:, 0]
    taught, unseen = points[:TAUGHT], points[TAUGHT:]
    inputs = {
        "points": taught.tolist(),
        "values": values[:TAUGHT].tolist(),
        "noise": np.ones(len(taught)).tolist(),
        "columns": list(range(points.shape[1])),
        "seed": study.design.seed,
    }
    ((outcome,),) = runtime.run([TaskChain(Task(SAMPLE_LEARN, f"{study.prefix}learned", inputs))])
    process = GaussianProcess.from_plain(outcome["process"])
    with one_blas_thread():
        error = float(np.mean((process.evaluate(unseen, taught) - values[TAUGHT:]) ** 2))
    variance = float(values.var())
    report = LearnedOutput(len(taught), len(unseen), error / variance if variance > 0.0 else 0.0, float(np.sqrt(error)))
    return LearnedStudy(process, taught, drawn, report)


def _plan_draws(study: Study) -> Study:
    """Return the study that draws the inputs of another one by one."""
    design = Design(Method.PRCC, study.design.inputs, study.design.seed, tuple(item.key for item in study.design.inputs))
    return replace(study, design=design, samples=TAUGHT + UNSEEN, prefix=f"{study.prefix}learn-")


def draw_learned(learned: LearnedStudy, design: Design, count: int) -> StudyRows:
    """Return rows of a design with the learned output, count of them, a multiple of the design's block."""
    rows = np.concatenate([draw_rows(design, first, design.block) for first in range(0, count, design.block)])
    with one_blas_thread():
        flat = np.concatenate([learned.process.evaluate(part.reshape(-1, part.shape[-1]), learned.taught) for part in rows])
    values = flat.reshape(*rows.shape[:2], 1)
    error = float(np.nanmax(learned.drawn.output_errors)) if np.isfinite(learned.drawn.output_errors).any() else np.nan
    return StudyRows(rows, values, np.full(values.shape, error), learned.drawn.lost, learned.drawn.reasons)
