"""Tables about the Gompertz model with priors, experiments and claims whose answers follow from its closed form.

Start with `write_tables`.  ln V(t) = ln K + ln(V0/K) exp(-a t), so a claim about V at a day is one about the parameter a.
"""

import csv
import math

RETARDATION, CAPACITY, START, DAY = 0.02, 1000.0, 10.0, 30.0
SD = 1.0
"""Of ln retardation."""
_ORIGIN = ("assumption", "data/README.md", "assumed", "")
_PARAMETERS = (
    ("retardation", "a", RETARDATION, "1/d", 0.0, 1e6, "lognormal", SD),
    ("capacity", "K", CAPACITY, "mL", -1e6, 1e6, "fixed", 0.0),
    ("start_volume", "V_0", START, "mL", 0.001, 1e6, "fixed", 0.0),
)
_EXPERIMENTS = (
    ("control", "untreated", "none", "", "", ""),
    ("large", "twice the tumour", "scale", "start_volume", 2.0, ""),
    ("slow", "half the retardation", "scale", "retardation", 0.5, ""),
    ("month", "", "day", "", DAY, "d"),
)
MEDIAN_VOLUME = CAPACITY * (START / CAPACITY) ** math.exp(-RETARDATION * DAY)
"""Volume at the read-out day with the median retardation [mL]."""
CLOSE_VOLUME = CAPACITY * (START / CAPACITY) ** math.exp(-RETARDATION * math.exp(-0.8416212 * SD) * DAY)
"""Volume at the read-out day that four fifths of prior draws exceed [mL]."""
CLAIMS = {
    "grows": ("emergent", "value", "control", "", ">", START, 0.0, "growth", ""),
    "larger": ("built-in", "ratio", "large", "control", ">", 1.0, 0.05, "growth", ""),
    "no_arrow": ("built-in", "value", "control", "", ">", START, 0.0, "", ""),
    "shrinks": ("emergent", "value", "control", "", "<", START, 0.0, "growth", ""),
    "half": ("emergent", "value", "control", "", ">", 0.9 * MEDIAN_VOLUME, 0.05 * MEDIAN_VOLUME, "growth", ""),
    "close": ("emergent", "value", "control", "", ">", CLOSE_VOLUME, 0.0, "growth", ""),
    "explained": ("emergent", "value", "control", "", ">", 0.95 * MEDIAN_VOLUME, 0.0, "growth", "half of all priors are slower"),
    "explained_shrinks": ("emergent", "value", "control", "", "<", START, 0.0, "growth", "it does not"),
    "own": ("prediction", "difference", "control", "slow", ">", 0.0, 0.0, "growth", ""),
    "dispute": ("conflict", "log_ratio", "slow", "control", ">", 0.0, 0.0, "", ""),
    "through": ("prediction", "through", "control", "", ">", 1.0, 0.05, "growth", ""),
}
"""id -> kind, read-out, experiment, baseline, comparison, reference, margin, arrows, explanation."""


def write_tables(folder, *, capacity_sd=0.0, claims=tuple(CLAIMS)):
    """Write the tables of parameters, experiments and claims into a folder; `capacity_sd` gives the capacity a normal prior."""
    rows = [list(row) for row in _PARAMETERS]
    if capacity_sd:
        rows[1][6:] = ["normal", capacity_sd]
    header = "model,name,study,symbol,value,unit,lower,upper,prior,prior_median,prior_sd,estimated,spread_scale,spread_sd,meaning"
    _write(
        folder / "parameters.csv",
        f"{header},source,locator,status,note",
        [
            ("gompertz", name, "", letter, value, unit, low, high, prior, "", sd, "no", "", "", name, *_origin(prior))
            for name, letter, value, unit, low, high, prior, sd in rows
        ],
    )
    _write(
        folder / "experiments.csv",
        "model,experiment,meaning,kind,target,value,unit,source,locator,status,note",
        [("gompertz", *row, *_ORIGIN) for row in _EXPERIMENTS],
    )
    _write(
        folder / "claims.csv",
        "id,model,text,document,kind,readout,quantity,experiment,baseline,day,comparison,reference,margin,arrows,explanation",
        [_claim(name, *CLAIMS[name]) for name in claims],
    )


def _claim(name, kind, readout, experiment, baseline, *rest):
    document = "" if kind in ("prediction", "conflict") else "document000"
    return (name, "gompertz", f"tumour {name}", document, kind, readout, "volume", experiment, baseline, "month", *rest)


def _origin(prior):
    return ("convention", "test", "assumed", "") if prior == "fixed" else _ORIGIN


def _write(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)
