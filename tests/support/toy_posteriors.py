"""Posteriors with closed forms, as steps that other processes can import."""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.sampling.block import run_block
from kinimmune.fitting.sampling.chains import SamplingTarget
from kinimmune.fitting.sampling.density import DensityValues
from kinimmune.fitting.sampling.surrogate import fit_surrogate
from kinimmune.fitting.workflow.task import TaskFunction

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[1.0, 0.6, 0.0], [0.6, 4.0, -0.5], [0.0, -0.5, 0.25]])
WIDTH, TURNS = 0.5, 1.5
"""Of the wavy posterior: its width across its line, and the wave number."""


@dataclass(frozen=True)
class Toy:
    """A target: `normal`, `half` of it, `wavy` (x1 ~ N(0, 1), x2 ~ N(sin(TURNS x1), WIDTH)), or `holed`, half of which fails."""

    kind: str

    def evaluate(self, points):
        if self.kind == "wavy":
            return DensityValues(np.stack([points[:, 0], (points[:, 1] - np.sin(TURNS * points[:, 0])) / WIDTH], axis=1))
        found = np.linalg.solve(np.linalg.cholesky(COVARIANCE), (points - MEAN).T).T
        if self.kind == "half":
            found[points[:, 0] < MEAN[0]] = math.inf
        failing = points[:, 2] > MEAN[2] if self.kind == "holed" else np.zeros(len(points), dtype=bool)
        found[failing] = math.inf
        return DensityValues(found, tuple({"what": f"point {point}", "reason": "a hole"} for point in points[failing]))


def learn_toy(inputs):
    return fit_surrogate(Toy(inputs["kind"]), inputs)


def advance_toy(inputs):
    return run_block(Toy(inputs["kind"]), inputs)


def sampled(kind):
    return SamplingTarget(TaskFunction("toy.learn", learn_toy), TaskFunction("toy.advance", advance_toy), {"kind": kind}, {})
