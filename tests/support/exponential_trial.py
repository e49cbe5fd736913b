"""A project with two arms and proportional hazards that are constant: what a trial of it reports has closed forms.

Start with `write_project`.
"""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path

from paths import DATA

ORIGIN = "assumption,a test,assumed"
RATE, RATIO, SPREAD = 0.003, 0.7, 0.2
"""Hazard of the control [1/d]; hazard ratio, and its prior sd of ln."""
ACCRUAL, SHORTEST = 366.0, 1095.0
"""[d], from 2000-01-01 to 2001-01-01, and from then to 2004-01-01."""
ARMS = {"drug": 100, "control": 100}


def write_project(folder: Path, study: str = "two_arms", arms: Mapping[str, int] = ARMS, own: str = "") -> Path:
    """Write model and tables; the last arm is the control, the others are given the full dose; return the folder.

    With `own` the rate is that of this study alone.
    """
    shutil.copytree(DATA / "exponential", folder)
    header = (
        "model,name,study,symbol,value,unit,lower,upper,prior,prior_median,prior_sd,estimated,spread_scale,spread_sd,"
        "meaning,source,locator,status,note"
    )
    parameters = [
        f"exponential,rate,{own},l,{RATE},1/d,1e-9,1e6,lognormal,,1,yes,,,hazard,{ORIGIN},",
        f"exponential,ratio,,h,{RATIO},1,1e-9,1e6,lognormal,,{SPREAD},yes,,,hazard ratio,{ORIGIN},",
        f"exponential,full_dose,,D,800,mg/d,1,1000,fixed,,,no,,,full dose,{ORIGIN},",
    ]
    _write(folder / "parameters.csv", header, parameters)
    header = "study,title,registration,criterion,stop_rule,source,locator,status,note,model"
    _write(folder / "trials.csv", header, [f"{study},Two arms,,RECIST 1.0,never,{ORIGIN},,exponential"])
    last = list(arms)[-1]
    rows = [f"{study},{name},{'yes' if name == last else 'no'},{'' if name == last else 'sorafenib'},given" for name in arms]
    _write(folder / "arms.csv", "study,arm,control,drug,treatment", rows)
    numbers = {"scan_interval": (42, "d"), "scan_jitter": (3, "d"), "reading_error": (0.05, "1")}
    numbers |= {"progression_ratio": (1.2, "1"), "response_ratio": (0.7, "1")}
    design = [f"{study},,{name},{value},{unit},{ORIGIN}," for name, (value, unit) in numbers.items()]
    for name, n in arms.items():
        of_arm = {"n": (n, "1"), "dose": (0 if name == last else 400, "mg"), "doses_per_day": (0 if name == last else 2, "1/d")}
        design += [f"{study},{name},{quantity},{value},{unit},{ORIGIN}," for quantity, (value, unit) in of_arm.items()]
    _write(folder / "design.csv", "study,arm,quantity,value,unit,source,locator,status,note", design)
    dates = f"2000-01-01,2001-01-01,{ORIGIN},2004-01-01,{ORIGIN},,,1,{ORIGIN},"
    header = (
        "study,endpoint,accrual_start,accrual_end,accrual_source,accrual_locator,accrual_status,cutoff,cutoff_source,"
        "cutoff_locator,cutoff_status,shortest,longest,shape,shape_source,shape_locator,shape_status,note"
    )
    _write(folder / "follow_up.csv", header, [f"{study},os,{dates}", f"{study},ttp,{dates}"])
    _write(folder / "observations.csv", "study,arm,quantity,value,unit,month,source,locator,status,note", [])
    (folder / "kinimmune.toml").write_text('model = "exponential.py"\nseed = 1\n\n[fit]\npatients = 2\n', encoding="utf-8")
    return folder


def find_share(rate: float) -> float:
    """Return the share of patients at a constant hazard [1/d] who die by the cut-off, entry uniform over the accrual."""
    return 1.0 - math.exp(-rate * SHORTEST) * -math.expm1(-rate * ACCRUAL) / (rate * ACCRUAL)


def _write(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
