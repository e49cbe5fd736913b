"""Posteriors with closed forms, as steps that other processes can import."""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.sampling.block import walk
from kinimmune.fitting.sampling.chains import Sampled
from kinimmune.fitting.sampling.posterior import Evaluated
from kinimmune.fitting.sampling.surrogate import survey
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
            return Evaluated(np.stack([points[:, 0], (points[:, 1] - np.sin(TURNS * points[:, 0])) / WIDTH], axis=1))
        found = np.linalg.solve(np.linalg.cholesky(COVARIANCE), (points - MEAN).T).T
        if self.kind == "half":
            found[points[:, 0] < MEAN[0]] = math.inf
        failing = points[:, 2] > MEAN[2] if self.kind == "holed" else np.zeros(len(points), dtype=bool)
        found[failing] = math.inf
        return Evaluated(found, tuple({"what": f"point {point}", "reason": "a hole"} for point in points[failing]))


def survey_toy(inputs):
    return survey(Toy(inputs["kind"]), inputs)


def walk_toy(inputs):
    return walk(Toy(inputs["kind"]), inputs)


def sampled(kind):
    return Sampled(TaskFunction("toy.survey", survey_toy), TaskFunction("toy.walk", walk_toy), {"kind": kind}, {})
