"""What twice-daily doses cost an ensemble beside the same drug averaged over the day.

`python benchmarks/breakpoints.py` integrates patients of `hcc_trial` over two years under 400 mg twice daily, once as a rate and
once as 1,460 doses, and prints seconds, their ratio, and how far the mean tumour volume and survival are apart at the end.
"""

import argparse
import time

import numpy as np

from kinimmune.models.catalogue import load_model
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.trial.population import draw_population, individual_values
from kinimmune.models.trial.regimens import Administration, plan_dosing

DAYS = 730.0
WAYS = {
    "a rate": Administration("sorafenib", 800.0, "mg/d"),
    "1,460 doses": Administration("sorafenib", 400.0, "mg", every=0.5, last_day=DAYS - 0.5),
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=256)
    given = parser.parse_args()
    model = load_model("hcc_trial")
    compiled, kernel = compile_model(model), load_kernel(model)
    values = values_for(model.parameters, "sharp")
    parameters = individual_values(model.parameters, values, draw_population(model.parameters, given.patients, 1))
    initial = compiled.initial(np.vstack([parameters, np.zeros((len(model.inputs), given.patients))]))
    print("| given as | s | ratio | failed | mean tumour over start | alive |")
    print("|---|---|---|---|---|---|")
    first = None
    for name, administration in WAYS.items():
        schedule = plan_dosing(model, [administration], values, DAYS).on
        begin = time.perf_counter()
        found = integrate(
            kernel,
            initial=initial,
            parameters=parameters,
            time=np.linspace(0.0, DAYS, 105),
            schedule=schedule,
            tolerances=Tolerances(1e-4, 1e-6),
            checked=False,
        )
        seconds = time.perf_counter() - begin
        first = first or seconds
        fine = found.completion == 0
        hazard = sum(found[state][-1] for state in model.trial.causes_of_death.values())
        size = compiled.outputs(DAYS, found.states[:, -1], np.vstack([parameters, np.zeros((len(model.inputs), given.patients))]))
        width = size[[item.name for item in model.outputs].index("log_diameter")]
        cells = f"{np.mean(~fine):.3f} | {np.mean(np.exp(width[fine])):.3f} | {np.mean(np.exp(-hazard[fine])):.4f}"
        print(f"| {name} | {seconds:.2f} | {seconds / first:.1f} | {cells} |")


if __name__ == "__main__":
    main()
