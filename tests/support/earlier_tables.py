"""Tables of `hcc_trial` as they were: with medians and ratios alone, and with the model, the patients and the entry of then.

Start with `write_medians_and_ratios` for what is fitted to medians alone, and with `write_earlier` for the model of then.
"""

import shutil

from paths import ROOT
from three_arms import change_rows

MODEL = "hcc_trial"
SINCE = ("lesion_burden", "diameter_error")
"""Parameters without whose rows the model is that of then."""
SPREADS = {"kinase_shift": ("", ""), "clearance": ("lognormal", "0.47")}
"""Parameter -> scale and sd of how patients differed in it."""
STATISTICS = ("median", "hazard_ratio")


def write_medians_and_ratios(folder):
    """Write the targets with medians, which are fitted, and ratios, which are not: no two fitted numbers correlate by much."""
    _copy(folder, "targets.csv")
    change_rows(folder, "targets.csv", lambda row: row if row["statistic"] in STATISTICS else None)
    return folder


def write_earlier(folder):
    """Write medians and ratios, and the parameters and follow-up of before patients differed in IC50s and SHARP enrolled late."""
    write_medians_and_ratios(folder)
    for name in ("parameters.csv", "follow_up.csv"):
        _copy(folder, name)
    change_rows(folder, "parameters.csv", _restore)
    change_rows(folder, "follow_up.csv", lambda row: row | {"shape": "1"})
    return folder


def _copy(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "data" / name, folder)


def _restore(row):
    if MODEL not in row["model"].split():
        return row
    scale, sd = SPREADS.get(row["name"], (row["spread_scale"], row["spread_sd"]))
    return None if row["name"] in SINCE else row | {"spread_scale": scale, "spread_sd": sd}
