"""Patients with a tumour under a drug that is stopped, for tests of the ensemble kernel."""

import numpy as np
import plain_models as plain

from kinimmune.models.kernel.kernel import Kernel, load_kernel
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import EnsembleTrajectories, integrate

make_model, columns = plain.make_model, plain.columns


def load_tumour() -> Kernel:
    """Return a tumour with drug and effector cells whose burden falls first and rises later."""
    model = make_model(
        "tumour_with_drug",
        {
            "drug": "dose - ke * drug",
            "tumour": "g * tumour * log(1000 / tumour) - kill * cells * tumour / (50 + tumour) - e * drug / (drug + 1) * tumour",
            "cells": "s + a * cells * tumour / (100 + tumour) - d * cells * (1 + tumour / 200)",
            "hazard": "h0 * (tumour / 50) ** b",
        },
        {"drug": 0.0, "tumour": 80.0, "cells": 2.0, "hazard": 0.0},
        {"ke": 0.5, "g": 0.02, "kill": 0.3, "e": 0.1, "s": 0.4, "a": 0.1, "d": 0.08, "h0": 0.001, "b": 2 / 3},
        inputs=("dose",),
        outputs={"log_burden": "log(tumour) / 3"},
    )
    return load_kernel(model, event_output="log_burden")


TREATED = Schedule(starts=(0.0, 60.0), inputs=({"dose": 2.0}, {"dose": 0.0}))
GRID = np.linspace(0.0, 200.0, 41)


def treat(kernel: Kernel, n: int, seed: int = 1, **keywords: object) -> EnsembleTrajectories:
    return integrate(kernel, **draw(kernel, n, seed), **{"time": GRID, "schedule": TREATED, **keywords})


def draw(kernel: Kernel, n: int, seed: int = 1) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    changed = {
        name: value * np.exp(0.3 * generator.standard_normal(n)) for name, value in (("g", 0.02), ("kill", 0.3), ("e", 0.1))
    }
    return columns(kernel, n, **changed)
