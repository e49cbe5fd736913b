"""Print what the landmark analysis of the melanoma trial finds, under the structures that were tried.

python benchmarks/association.py [REPLICATES]   the chosen row is marked.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup
from kinimmune.fitting.claims.check import set_up
from kinimmune.fitting.claims.landmark import expected_association
from kinimmune.fitting.claims.parameter_sets import draw_parameters, nominal
from kinimmune.fitting.claims.readouts.melanoma import expected_trial
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import NumericalError
from kinimmune.models.library.melanoma import STEEPNESS, build
from kinimmune.models.symbolic.components import symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.rows import Tables

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from landmark_trials import LandmarkResult, analyse, draw_survival, drawn_trial

ARMS = ("sorafenib_temozolomide", "temozolomide")
STRUCTURES = (
    ("exponent 1, cells not at rest", 1, False, {}),
    ("the same, counts exact", 1, False, {"count_error_sd": 1e-3}),
    ("exponent 1, at rest", 1, True, {}),
    ("the same, counts exact", 1, True, {"count_error_sd": 1e-3}),
    ("exponent 2, at rest", 2, True, {}),
    ("exponent 4, cells not at rest", 4, False, {}),
    ("exponent 4, at rest (chosen)", 4, True, {}),
    ("the same, counts exact", 4, True, {"count_error_sd": 1e-3}),
    ("the same, threshold at untreated level", 4, True, {"il15_threshold_distance": 0.0}),
    ("the same, much lost to shed MICA/B", 4, True, {"soluble_half": 1.0}),
)
COUNT = 63


def main(replicates: int) -> None:
    """Print expected hazard ratios and probabilities of p < .05 for every structure, then drawn trials of the chosen one."""
    parameters = load_model("melanoma").parameters
    setups = {key: set_up(structure(parameters, *key), (), Tables(), 2) for key in dict.fromkeys(row[1:3] for row in STRUCTURES)}
    print(f"{'':42s}{'both drugs':>26s}{'temozolomide alone':>26s}")
    print(f"{'structure':42s}" + 2 * f"{'HR/sd':>8s}{'HR<1':>9s}{'either':>9s}")
    for name, steepness, rests, changes in STRUCTURES:
        setup = setups[steepness, rests]
        batch = ExperimentBatch(setup, changed(setup, changes))
        cells = [row(batch, arm) for arm in ARMS]
        print(f"{name:42s}" + "".join(cells))
    chosen = setups[STEEPNESS, True]
    print(f"\n{replicates} drawn trials of {COUNT}, Cox regression and log-rank test by lifelines")
    drawn(chosen, np.repeat(nominal(chosen.compiled.model.parameters), replicates, axis=1), "at the table's values")
    drawn(chosen, draw_parameters(chosen.compiled.model.parameters, replicates, 1.0, 1), "one per prior draw")


def structure(parameters: tuple[Parameter, ...], steepness: int, rests: bool) -> OdeModel:
    """Return the model with another gate; unless it rests, cells start where supply alone holds them."""
    model = build(parameters, steepness)
    if rests:
        return model
    supplied = symbol("cell_supply") / symbol("cell_death")
    mechanisms = tuple(
        replace(
            item,
            states=tuple(replace(state, initial=supplied) if state.name == "cd4_nkg2d_cells" else state for state in item.states),
        )
        for item in model.mechanisms
    )
    return replace(model, mechanisms=mechanisms)


def changed(setup: ExperimentSetup, changes: dict[str, float]) -> np.ndarray:
    """Return the table's values with some changed."""
    names, values = setup.compiled.model.parameter_names, nominal(setup.compiled.model.parameters)
    for name, value in changes.items():
        values[names.index(name)] = value
    return values


def row(batch: ExperimentBatch, arm: str) -> str:
    """Return expected hazard ratio, and probability of p < .05 with HR < 1 and with either sign."""
    found = expected_association(expected_trial(batch, arm).cohort)
    either, below = found.rejected(COUNT), found.detected(COUNT)
    return f"{np.exp(found.log_hazard_ratio[0]):8.2f}{below[0]:9.3f}{either[0]:9.3f}"


def drawn(setup: ExperimentSetup, values: np.ndarray, what: str) -> None:
    """Print how often drawn trials find the link."""
    for arm in ARMS:
        batch = ExperimentBatch(setup, values, seed=7)
        cohort = drawn_trial(batch, arm).cohort
        time, died = draw_survival(cohort, np.random.default_rng(8))
        trials = [item for columns in zip(time, died, cohort.covariate, strict=True) if (item := tried(columns, cohort.time[0]))]
        ratio, p = np.array([item.hazard_ratio for item in trials]), np.array([item.p_value for item in trials])
        log_rank = np.array([item.log_rank_p_value for item in trials])
        print(
            f"{what:24s}{arm:24s} median HR/sd {np.median(ratio):.2f}; HR < 1 {np.mean(ratio < 1):.2f}; HR < 1, p < .05 "
            f"{np.mean((ratio < 1) & (p < 0.05)):.3f}; p < .05 {np.mean(p < 0.05):.3f}; log-rank p < .05 "
            f"{np.mean(log_rank < 0.05):.3f} of {len(trials)}"
        )


def tried(columns: tuple[np.ndarray, np.ndarray, np.ndarray], landmark: float) -> LandmarkResult | None:
    """Return what one trial finds, None where nearly everybody or nobody died by the landmark."""
    try:
        return analyse(*columns, landmark) if (columns[0] > landmark).sum() > 2 else None
    except NumericalError:
        return None


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
