"""Posteriors with closed forms, as steps that other processes can import."""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.sampling.block import run_block
from kinimmune.fitting.sampling.chains import SamplingTarget
from kinimmune.fitting.sampling.density import DensityValues
from kinimmune.fitting.sampling.emulator import RowForm, SurrogateTarget, measure_points
from kinimmune.fitting.sampling.search import search_optimum
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


DESIGN = np.array([[1.0, 0.5, 0.0], [0.0, 2.0, -1.0], [0.3, 0.0, 1.0]])
OBSERVED = np.array([1.0, -0.5, 0.2])
PLACE, NARROW = 2.0, 0.15
"""Of the two modes: the distance of each from the middle in every coordinate, and its width."""


@dataclass(frozen=True)
class Learned:
    """A target of three coordinates whose numbers a surrogate learns.

    `normal`: y = A x is observed with errors of unit size, x having a prior of unit width.  `funnel`: x1 ~ N(0, 1), and the two
    others ~ N(0, exp(x1)), whose densities have exp(-x1/2) before them: with x1^2 that completes a square about -1.  `modes`: two
    narrow normals far apart, times a prior of unit width.
    """

    kind: str

    def measure(self, points):
        if self.kind == "normal":
            return DensityValues(points @ DESIGN.T - OBSERVED)
        if self.kind == "funnel":
            others = points[:, 1:] * np.exp(-0.5 * points[:, :1])
            return DensityValues(np.concatenate([points[:, :1] + 1.0, others], axis=1))
        squares = [(((points - place) / NARROW) ** 2).sum(axis=1) for place in (-PLACE, PLACE)]
        nearest, other = np.minimum(*squares), np.maximum(*squares)
        return DensityValues(np.sqrt(nearest + 2.0 * (math.log(2.0) - np.log1p(np.exp(-0.5 * (other - nearest)))))[:, None])


def measure_toy(inputs):
    return measure_points(Learned(inputs["kind"]), inputs)


def search_toy(inputs):
    return search_optimum(Learned(inputs["kind"]), inputs)


def learned(kind):
    width = 1 if kind == "modes" else 3
    form = RowForm(np.eye(width), np.full(3, -9.0), np.full(3, 9.0), prior=kind != "funnel")
    functions = (TaskFunction("toy.measure", measure_toy), TaskFunction("toy.search", search_toy))
    return SurrogateTarget(*functions, {"kind": kind}, {}, form)
