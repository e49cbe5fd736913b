"""Which of emcee's moves `kinimmune sample` uses: python benchmarks/sample_moves.py RUN.

The run has been sampled with --method emcee.

First the variance of a standard normal that each move gives, which must be 1: DESnookerMove of emcee 3.1.6 does not keep it.
Then autocorrelation times on the surrogate of the run's posterior, which costs nothing to evaluate: moves that need no surrogate
need 70 steps and more for an independent draw, the slowest coordinate above 100.  Chosen: half of the steps are walks on the
surrogate, with which the model itself needs about 5 (`results/sample.json` of the run); 40 % DEMove and 10 % StretchMove go
where the surrogate is wrong.
"""

import sys
from pathlib import Path

import emcee
import numpy as np

from kinimmune.fitting.sampling.diagnostics import autocorrelation_time, effective_size
from kinimmune.fitting.sampling.surrogate import Surrogate
from kinimmune.fitting.workflow.store import TaskStore

MIXTURES = {
    "stretch": [(emcee.moves.StretchMove(), 1.0)],
    "differential evolution": [(emcee.moves.DEMove(), 1.0)],
    "snooker": [(emcee.moves.DESnookerMove(), 1.0)],
    "0.9 differential evolution, 0.1 stretch": [(emcee.moves.DEMove(), 0.9), (emcee.moves.StretchMove(), 0.1)],
}


def walk(log_probability, start, moves, steps):
    """Return where walkers were after the first tenth, shape (1, steps, walkers, n), and the share of accepted proposals."""
    sampler = emcee.EnsembleSampler(*start.shape, log_probability, moves=moves, vectorize=True)
    random = np.random.RandomState(1).get_state(legacy=True)
    sampler.run_mcmc(emcee.State(start, random_state=random), steps, skip_initial_state_check=True)
    return sampler.get_chain(discard=steps // 10)[None], sampler.acceptance_fraction.mean()


def main(run: Path) -> None:
    """Print both tables."""
    random = np.random.default_rng(1)
    print("variance of a standard normal in 5 dimensions, 40 walkers, 5000 steps")
    for name, moves in MIXTURES.items():
        draws, _ = walk(lambda at: -0.5 * (at**2).sum(axis=1), random.standard_normal((40, 5)), moves, 5000)
        squares = (draws**2).mean(axis=3)
        print(f"{name:42s}{squares.mean():8.3f} +- {np.sqrt(squares.var() / effective_size(squares)):.3f}")
    kept = TaskStore(run / "results" / "tasks").read("sample-survey")
    surrogate = Surrogate.from_plain(kept.outcome["surrogate"])
    size = surrogate.normal.mean.size
    print(f"\nautocorrelation time [steps] on the surrogate of {run}, {size} parameters, 4000 steps: slowest, median")
    for walkers in (2 * size + 2, 4 * size):
        for name, moves in MIXTURES.items():
            start = surrogate.normal.mean + random.standard_normal((walkers, size)) @ surrogate.normal.factor.T
            draws, accepted = walk(surrogate.log_probability, start, moves, 4000)
            times = [autocorrelation_time(draws[..., place]) for place in range(size)]
            print(f"{walkers:3d} walkers, {name:42s}{max(times):7.1f}{np.median(times):7.1f}   accepted {100.0 * accepted:.0f} %")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
