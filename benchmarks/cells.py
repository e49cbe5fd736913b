"""Print what the IC50s of cell lines say of the kinase shift, and how that agrees with a fit of trials.

python benchmarks/cells.py [FIT.json]  where FIT.json is the fit of a run of `kinimmune fit hcc_trial`.
"""

import sys
from pathlib import Path

from kinimmune.fitting.cell_lines.fit import compare_shifts, fit_cells
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.models.library.hcc_cells import SHIFT
from kinimmune.models.tables.rows import Tables


def main(arguments: list[str]) -> None:
    """Print the estimates, the lines, and the comparison with each fit of trials named in the arguments."""
    fit = fit_cells(Tables())
    print("kinase shift        optimum  mean of ln  sd of ln  95 % interval     effective draws")
    for item in fit.estimates:
        name = " + ".join(item.lines) or "prior"
        low, high = item.interval
        numbers = f"{item.optimum:8.2f} {item.log_mean:11.2f} {item.log_sd:9.2f}  {low:6.2f} - {high:<9.2f}"
        print(f"{name:<18} {numbers} {item.effective_draws:10.0f}")
    print("\nIC50 [umol/L]  published      median over the posterior (95 % interval)")
    for line in fit.lines:
        published = "not stated" if line.published is None else f"{line.published[0]:g} - {line.published[1]:g}"
        low, high = line.interval
        print(f"{line.line:<14} {published:<14} {line.median:6.2f} ({low:.2f} - {high:.2f})")
    for name in arguments:
        path = Path(name)
        row = next(item for item in FIT_JSON.load(path.read_text("utf-8"), path).parameters if item.name == SHIFT)
        print(f"\n{path}: shift {row.value:.2f} ({row.lower:.2f} - {row.upper:.2f})")
        found = compare_shifts(fit, row)
        for what, (mean, sd) in (("cells", found.cells), ("trials", found.trials)):
            print(f"ln shift without its prior, {what}: {mean:.2f} +- {sd:.2f}")
        print(f"difference over its standard deviation: {found.score:.2f}; with the prior in both {found.posterior_score:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
