"""A posterior by a surrogate beside emcee's: python benchmarks/surrogate_posterior.py RUN EMCEE_RUN [EMCEE_RUN ...].

All are runs of one fit, sampled.  Quantiles are those each sample tells, from all its steps or with its weights; those of several
emcee runs are averaged.  The draws that are written tell how far apart quantiles lie.  Of every parameter and hazard ratio the
2.5, 50 and 97.5 % quantiles are compared: their difference in Monte Carlo errors of both sides, by the effective sizes each told;
no difference should be above 3, and their mean square below the 99 % point of a chi-square over its degrees of freedom, which
takes quantiles as independent.  Hazard ratios are compared as numbers too.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from kinimmune.fitting.runs.run import open_run
from kinimmune.fitting.sampling.results import Draws, SampleResult, read_sample

LEVELS = (0.025, 0.5, 0.975)


@dataclass(frozen=True)
class Quantity:
    """One number: its quantiles at the levels, draws, and how many independent ones the sample is worth at each."""

    at: np.ndarray
    values: np.ndarray
    sizes: tuple[float, float, float]

    def errors(self) -> np.ndarray:
        """Return their Monte Carlo errors: a quarter of the distance of the quantiles two binomial errors to either side."""
        ends = [
            np.quantile(self.values, [level - wide, level + wide])
            for level, size in zip(LEVELS, self.sizes, strict=True)
            for wide in [min(2.0 * math.sqrt(level * (1.0 - level) / size), level, 1.0 - level)]
        ]
        return np.array([(high - low) / 4.0 for low, high in ends])


def read(run: Path) -> tuple[SampleResult, Draws]:
    """Return the sample of a run."""
    found = read_sample(open_run(run))
    if found is None:
        sys.exit(f"{run} holds no sample; kinimmune sample {run}")
    result, _ = found
    print(f"{run}: {result.method}, {result.evaluations} evaluations, {'sound' if result.converged else result.faults}")
    if result.surrogate is not None:
        print(f"  {result.surrogate}")
    return found


def list_quantities(result: SampleResult, draws: Draws) -> dict[str, Quantity]:
    """Return every parameter (ln where it is positive, as it is compared) and hazard ratio of a sample."""
    found = {}
    for row in result.parameters:
        tail, bulk = row.tail_ess or 1.0, row.bulk_ess or 1.0
        at = np.log([row.lower, row.median, row.upper])
        found[row.name] = Quantity(at, np.log(draws.values[:, draws.names.index(row.name)]), (tail, bulk, tail))
    rows = [row for row in result.predictions if row.name.startswith("hazard_ratio:")]
    for row, ratios in zip(rows, result.ratios, strict=True):
        at = np.array([row.lower, row.median, row.upper], dtype=float)
        found[row.name] = Quantity(at, np.array(ratios.ratios), (row.ess or 1.0,) * 3)
    return found


def join(parts: list[dict[str, Quantity]]) -> dict[str, Quantity]:
    """Return the draws of several samples as one."""
    return {
        name: Quantity(
            np.mean([part[name].at for part in parts], axis=0),
            np.concatenate([part[name].values for part in parts]),
            tuple(sum(part[name].sizes[place] for part in parts) for place in range(3)),  # type: ignore[arg-type]
        )
        for name in parts[0]
    }


def main(learned: Path, others: list[Path]) -> None:
    """Print the comparison."""
    own, emcee = list_quantities(*read(learned)), join([list_quantities(*read(other)) for other in others])
    print(f"\n{'':36s}{'2.5 %':>26s}{'50 %':>26s}{'97.5 %':>26s}   in Monte Carlo errors")
    away = []
    for name, quantity in own.items():
        reference = emcee[name]
        here, there = quantity.at, reference.at
        away.append((here - there) / np.hypot(quantity.errors(), reference.errors()))
        cells = "".join(f"{a:12.4f} for {b:9.4f}" for a, b in zip(here, there, strict=True))
        print(f"{name:36s}{cells}   {' '.join(f'{item:5.2f}' for item in away[-1])}")
    flat = np.concatenate(away)
    limit = chi2.ppf(0.99, flat.size) / flat.size
    print(f"\nlargest {np.abs(flat).max():.2f} (3), mean square {np.mean(flat**2):.2f} ({limit:.2f}) of {flat.size} quantiles")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
