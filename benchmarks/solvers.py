"""Agreement of LSODA, BDF and Radau on patients drawn from the priors of the trial model.

Run `python benchmarks/solvers.py [DRAWS]`.  Each draw is one patient, untreated and under 800 mg/d, over 24 months.  The
difference of two courses is relative to the state, or to a thousandth of its largest value where it is smaller, or to 1e-6 where
that is smaller still (a cumulative hazard of 1e-6 is a death in a million).  The logarithm of volume counts as it is, since its
difference is the relative one of the volume.  The tests do the same with 20 draws at the tolerances named here.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel, compile_model

TIME = np.linspace(0.0, 24.0 * 30.44, 25)
DOSES = (0.0, 800.0)
TOLERANCES = {"LSODA": Tolerances(1e-9, 1e-15), "BDF": Tolerances(1e-9, 1e-15), "Radau": Tolerances(1e-7, 1e-15)}
PAIRS = (("LSODA", "BDF"), ("LSODA", "Radau"), ("BDF", "Radau"))
DEMANDED = 1e-6
LEAST = 1e-6
"""State below which a difference is not relative, in the units of the states, all of which are of order one."""


@dataclass(frozen=True)
class Difference:
    """The largest difference of two courses."""

    size: float
    pair: tuple[str, str]
    draw: int
    dose_rate: float
    state: str
    day: float


def draw_values(compiled: CompiledModel, rng: np.random.Generator) -> dict[str, float]:
    """Return every parameter of one study drawn from its prior, within its range."""
    own = [item for item in compiled.model.parameters if item.study in (None, "sharp")]
    return {item.name: float(np.clip(item.prior.from_z(rng.standard_normal()), item.lower, item.upper)) for item in own}


def find_largest(compiled: CompiledModel, courses: dict[str, Array], draw: int, dose_rate: float) -> Iterator[Difference]:
    """Yield the largest difference of each pair of methods."""
    names = compiled.model.state_names
    for one, other in PAIRS:
        first, second = courses[one], courses[other]
        floor = np.where(np.array(names) == "log_volume", 1.0, np.maximum(1e-3 * np.abs(first).max(axis=1), LEAST))
        size = np.abs(first - second) / np.maximum(np.abs(first), floor[:, None])
        row, column = np.unravel_index(int(size.argmax()), size.shape)
        yield Difference(float(size.max()), (one, other), draw, dose_rate, names[row], float(TIME[column]))


def main(draws: int) -> int:
    """Print the table; return 1 when two methods differ by more than is demanded or one failed."""
    compiled, rng = compile_model(load_model("hcc_trial")), np.random.default_rng(20)
    found: list[Difference] = []
    seconds, failures = dict.fromkeys(TOLERANCES, 0.0), 0
    for draw in range(draws):
        values = draw_values(compiled, rng)
        for dose_rate in DOSES:
            courses = {}
            for method, tolerances in TOLERANCES.items():
                begun = time.process_time()
                course = simulate(compiled, values, TIME, constant(dose_rate=dose_rate), tolerances=tolerances, method=method)
                seconds[method] += time.process_time() - begun
                failures += course.completion is not Completion.COMPLETE
                courses[method] = course.states
            found += find_largest(compiled, courses, draw, dose_rate)
    print(f"{draws} draws, two arms, 24 months; failed integrations: {failures}")
    print(f"{'pair':<16}{'median':>10}{'95 %':>10}{'largest':>10}")
    for pair in PAIRS:
        sizes = [item.size for item in found if item.pair == pair]
        print(f"{' - '.join(pair):<16}{np.median(sizes):>10.1e}{np.quantile(sizes, 0.95):>10.1e}{max(sizes):>10.1e}")
    worst = max(found, key=lambda item: item.size)
    print(f"largest: {worst.size:.1e}, {' - '.join(worst.pair)}, {worst.state} on day {worst.day:.0f}", end=" ")
    print(f"of draw {worst.draw} at {worst.dose_rate:g} mg/d; demanded: {DEMANDED:g}")
    print("seconds per course: " + ", ".join(f"{name} {spent / (2 * draws):.3f}" for name, spent in seconds.items()))
    return int(failures > 0 or worst.size > DEMANDED)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
