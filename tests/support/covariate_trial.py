"""The trial of `exponential_trial` with patients who are known before treatment: hazards by stratum have closed forms.

Start with `write_project` and `write_patients`.  `rate` depends on the category `ecog` (0, 1) and on the age of a patient.
"""

import csv
from pathlib import Path

import exponential_trial

STUDY = "two_arms"
ECOG, AGE = "beta_ecog", "beta_age"
REFERENCE_AGE = 60.0
EFFECTS = f"exponential,rate,ecog,1,{ECOG},"
AGE_EFFECTS = f"exponential,rate,age,,{AGE},"
DECLARED = ("ecog,category,1,0,0 1,performance status", f"age,continuous,year,{REFERENCE_AGE:g},,age at entry")
ORIGIN = exponential_trial.ORIGIN


def write_project(folder, effects=(EFFECTS,), values=None, arms=exponential_trial.ARMS, mix=()) -> Path:
    """Write the project with coefficients among its parameters; return the folder."""
    exponential_trial.write_project(folder, arms=arms)
    given = {ECOG: 0.0, AGE: 0.0, **(values or {})}
    used = [name for name in given if any(f",{name}," in row for row in effects)]
    rows = [f"exponential,{name},,b,{given[name]},1,-5,5,normal,,1,yes,,,coefficient,{ORIGIN}," for name in used]
    append(folder / "parameters.csv", rows)
    table = folder / "parameters.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("full dose,assumption", "full dose,convention"), encoding="utf-8")
    write(folder / "covariates.csv", "name,kind,unit,reference,levels,meaning", DECLARED)
    write(folder / "covariate_effects.csv", "model,parameter,covariate,level,effect,note", effects)
    write_mix(folder, mix)
    return folder


def write_mix(folder, rows):
    """Write baseline tables; rows are the cells from study to sd."""
    header = "study,arm,covariate,level,share,mean,sd,source,locator,status,note"
    write(folder / "case_mix.csv", header, [f"{row},{ORIGIN}," for row in rows])


def write_patients(folder, patients, covariates=("ecog",), endpoint="os"):
    """Write patients, arm -> rows of (name, time [d], event, values of the covariates), and the rows that make them targets."""
    own = "study,arm,patient,endpoint,time,unit,event,last_without,source,locator,status,note"
    lines = [
        [STUDY, arm, name, endpoint, time, "d", int(event), "", *ORIGIN.split(","), "", *values[: len(covariates)]]
        for arm, rows in patients.items()
        for name, time, event, *values in rows
    ]
    with (folder / "patients.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*own.split(","), *covariates], *lines])
    targets = [f"{STUDY},{arm},{endpoint},patients,,,,{len(rows)},1,fit,{ORIGIN},,,," for arm, rows in patients.items()]
    write_targets(folder, targets)


def write_targets(folder, rows, more=""):
    """Write the table of targets; `more` is one more column."""
    header = (
        "study,arm,endpoint,statistic,value,lower,upper,n,unit,role,value_source,value_locator,value_status,interval_source,"
        "interval_locator,interval_status,note"
    )
    write(folder / "targets.csv", f"{header}{more}", rows)


def write(path, header, rows):
    """Write a table."""
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def append(path, rows):
    """Add rows to a table."""
    path.write_text(path.read_text(encoding="utf-8") + "".join(f"{row}\n" for row in rows), encoding="utf-8")
