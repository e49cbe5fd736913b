"""Print what the landmark analysis of the melanoma trial finds, under the structures that were tried.

python benchmarks/association.py [REPLICATES]   chosen structure: 4th row, gate with Hill exponent 4.
"""

import sys

import numpy as np

from kinimmune.fitting.association import analyse, draw_survival, expected_association
from kinimmune.fitting.claims import set_up
from kinimmune.fitting.laboratory import Bench, Laboratory, draw_parameters, nominal
from kinimmune.fitting.readouts_melanoma import drawn_cohort, expected_cohort
from kinimmune.models.catalogue import load_model
from kinimmune.models.library.melanoma import STEEPNESS, build

ARMS = ("sorafenib_temozolomide", "temozolomide")
STRUCTURES = (
    ("gate without threshold, exponent 1", 1, {}),
    ("exponent 2", 2, {}),
    ("exponent 3", 3, {}),
    ("exponent 4", 4, {}),
    ("4, threshold at the untreated level", 4, {"il15_threshold_distance": 0.0}),
    ("4, strong down-modulation by shed MICA/B", 4, {"soluble_half": 1.0}),
    ("4, exact counts", 4, {"count_error_sd": 1e-3}),
)
COUNT = 63


def main(replicates: int) -> None:
    """Print expected hazard ratios and probabilities of p < .05 for every structure, then drawn trials of the chosen one."""
    parameters = load_model("melanoma").parameters
    benches = {steepness: set_up(build(parameters, steepness), (), None, 2) for steepness in {row[1] for row in STRUCTURES}}
    print(f"{'':42s}{'both drugs':>26s}{'temozolomide alone':>26s}")
    print(f"{'structure':42s}" + 2 * f"{'HR/sd':>8s}{'HR<1':>9s}{'either':>9s}")
    for name, steepness, changes in STRUCTURES:
        bench = benches[steepness]
        laboratory = Laboratory(bench, changed(bench, changes))
        cells = [row(laboratory, arm) for arm in ARMS]
        print(f"{name:42s}" + "".join(cells))
    chosen = benches[STEEPNESS]
    print(f"\n{replicates} drawn trials of {COUNT}, Cox regression and log-rank test by lifelines")
    drawn(chosen, np.repeat(nominal(chosen.compiled.model.parameters), replicates, axis=1), "at the table's values")
    drawn(chosen, draw_parameters(chosen.compiled.model.parameters, replicates, 1.0, 1), "one per prior draw")


def changed(bench: Bench, changes: dict[str, float]) -> np.ndarray:
    """Return the table's values with some changed."""
    names, values = bench.compiled.model.parameter_names, nominal(bench.compiled.model.parameters)
    for name, value in changes.items():
        values[names.index(name)] = value
    return values


def row(laboratory: Laboratory, arm: str) -> str:
    """Return expected hazard ratio, and probability of p < .05 with HR < 1 and with either sign."""
    found = expected_association(expected_cohort(laboratory, arm)[0])
    either, below = found.rejected(COUNT), found.detected(COUNT)
    return f"{np.exp(found.log_hazard_ratio[0]):8.2f}{below[0]:9.3f}{either[0]:9.3f}"


def drawn(bench: Bench, values: np.ndarray, what: str) -> None:
    """Print how often drawn trials find the link."""
    for arm in ARMS:
        laboratory = Laboratory(bench, values, seed=7)
        cohort, _ = drawn_cohort(laboratory, arm)
        time, died = draw_survival(cohort, np.random.default_rng(8))
        trials = [
            analyse(*columns, cohort.time[0])
            for columns in zip(time, died, cohort.covariate, strict=True)
            if (columns[0] > cohort.time[0]).sum() > 2
        ]
        ratio, p = np.array([item.hazard_ratio for item in trials]), np.array([item.p_value for item in trials])
        log_rank = np.array([item.log_rank_p_value for item in trials])
        print(
            f"{what:24s}{arm:24s} median HR/sd {np.median(ratio):.2f}; HR < 1 {np.mean(ratio < 1):.2f}; HR < 1, p < .05 "
            f"{np.mean((ratio < 1) & (p < 0.05)):.3f}; p < .05 {np.mean(p < 0.05):.3f}; log-rank p < .05 "
            f"{np.mean(log_rank < 0.05):.3f} of {len(trials)}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
