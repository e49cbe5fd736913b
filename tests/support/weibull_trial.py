"""A project with one arm of patients and a model of Weibull's hazard: what a fit must find is known.

Start with `write_patients`.
"""

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from paths import DATA

ORIGIN = "assumption,a test,assumed"
START = {"shape": 1.5, "scale": 200.0, "rate": 0.01, "begin": 0.01}
SCAN = 42.0


def write_project(folder: Path, n: int, estimated: Sequence[str], start: Mapping[str, float] | None = None) -> Path:
    """Write model and tables of one arm without control and drug, and no target; return the model file."""
    shutil.copytree(DATA / "weibull", folder)
    given = START | dict(start or {})
    units = {"shape": "1", "scale": "d", "rate": "1/d", "begin": "d"}
    header = (
        "model,name,study,symbol,value,unit,lower,upper,prior,prior_median,prior_sd,estimated,spread_scale,spread_sd,"
        "meaning,source,locator,status,note"
    )
    rows = [
        f"weibull,{name},,{name[0]},{value},{units[name]},1e-6,1e6,lognormal,,3,"
        f"{'yes' if name in estimated else 'no'},,,{name},{ORIGIN},"
        for name, value in given.items()
    ]
    _write(folder / "parameters.csv", header, rows)
    _write(
        folder / "trials.csv",
        "study,title,registration,criterion,stop_rule,source,locator,status,note,model",
        [f"alone,One arm,,RECIST 1.0,radiological,{ORIGIN},,weibull"],
    )
    _write(folder / "arms.csv", "study,arm,control,drug,treatment", ["alone,all,no,,nothing"])
    numbers = {"scan_interval": (SCAN, "d"), "scan_jitter": (3, "d"), "reading_error": (0.05, "1")}
    numbers |= {"progression_ratio": (1.2, "1"), "response_ratio": (0.7, "1")}
    design = [f"alone,,{name},{value},{unit},{ORIGIN}," for name, (value, unit) in numbers.items()]
    of_arm = {"n": (n, "1"), "dose": (0, "mg"), "doses_per_day": (0, "1/d")}
    design += [f"alone,all,{name},{value},{unit},{ORIGIN}," for name, (value, unit) in of_arm.items()]
    _write(folder / "design.csv", "study,arm,quantity,value,unit,source,locator,status,note", design)
    dates = f"2000-01-01,2001-01-01,{ORIGIN},2004-01-01,{ORIGIN},,,1,{ORIGIN},"
    header = (
        "study,endpoint,accrual_start,accrual_end,accrual_source,accrual_locator,accrual_status,cutoff,cutoff_source,"
        "cutoff_locator,cutoff_status,shortest,longest,shape,shape_source,shape_locator,shape_status,note"
    )
    _write(folder / "follow_up.csv", header, [f"alone,os,{dates}", f"alone,ttp,{dates}"])
    _write(folder / "observations.csv", "study,arm,quantity,value,unit,month,source,locator,status,note", [])
    return folder / "weibull.py"


def add_target(folder: Path, endpoint: str, statistic: str, n: int, value: str = "", month: str = "", role: str = "fit") -> None:
    """Add a row to the targets of a project."""
    path = folder / "targets.csv"
    header = (
        "study,arm,endpoint,statistic,month,value,lower,upper,n,unit,role,value_source,value_locator,value_status,"
        "interval_source,interval_locator,interval_status,note"
    )
    if not path.exists():
        _write(path, header, [])
    unit = "month" if statistic in ("median", "cutoff") else "1"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"alone,all,{endpoint},{statistic},{month},{value},,,{n},{unit},{role},{ORIGIN},,,,\n")


def write_patients(
    folder: Path, endpoint: str, times: Sequence[float], events: Sequence[bool], before: Sequence[float | None], unit: str = "d"
) -> None:
    """Write `patients.csv` of the arm."""
    rows = [
        f"alone,all,p{place},{endpoint},{time!r},{unit},{int(event)},{'' if last is None else repr(last)},{ORIGIN},"
        for place, (time, event, last) in enumerate(zip(times, events, before, strict=True))
    ]
    _write(folder / "patients.csv", "study,arm,patient,endpoint,time,unit,event,last_without,source,locator,status,note", rows)


def read_survival_data(name: str, treated: int) -> tuple[list[float], list[bool]]:
    """Return times and events of one arm of a data set of real patients."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["treated"]) == treated]
    return [float(row["time"]) for row in rows], [row["event"] == "1" for row in rows]


def _write(path: Path, header: str, rows: Sequence[str]) -> None:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
