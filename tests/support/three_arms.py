"""The example of a trial of one's own with a third arm on a low dose, which stands first in its table."""

import csv
import shutil

from paths import OWN_TRIAL

LOW = {"arm": "lowdose", "control": "no", "drug": "sorafenib", "treatment": "sorafenib 50 mg once daily"}
NUMBERS = {"n": ("60", "1"), "dose": ("50", "mg"), "doses_per_day": ("1", "1/d")}


def write_three_arms(folder):
    """Write the tables; the published hazard ratio names the arm it is about."""
    shutil.copytree(OWN_TRIAL, folder, ignore=shutil.ignore_patterns("*.toml", "*.md"))
    arms = _read(folder, "arms.csv")
    _write(folder, "arms.csv", [{**arms[0], **LOW}, *arms])
    design = _read(folder, "design.csv")
    origin = {"study": "example", "source": "assumption", "locator": "invented", "status": "assumed"}
    rows = [
        {**origin, "arm": "lowdose", "quantity": name, "value": value, "unit": unit} for name, (value, unit) in NUMBERS.items()
    ]
    _write(folder, "design.csv", [*design, *rows])
    targets = _read(folder, "targets.csv")
    _write(folder, "targets.csv", [row | ({"arm": "sorafenib"} if row["statistic"] == "hazard_ratio" else {}) for row in targets])
    return folder


def change_rows(folder, name, change):
    """Write a table again with every row changed by a function; None leaves the row out."""
    _write(folder, name, [row for row in map(change, _read(folder, name)) if row is not None])


def _read(folder, name):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(folder, name, rows):
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(max(rows, key=len)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_without_control(folder):
    """Write the tables of the two treated arms alone, two of the parameters estimated; the published hazard ratio goes too."""
    write_three_arms(folder)
    for name in ("arms.csv", "design.csv", "targets.csv"):
        change_rows(folder, name, lambda row: None if "observation" in row.values() else row)
    change_rows(folder, "targets.csv", lambda row: None if row["statistic"] == "hazard_ratio" else row)
    estimated = ("growth", "baseline_hazard")
    change_rows(folder, "parameters.csv", lambda row: row | {"estimated": "yes" if row["name"] in estimated else "no"})
    return folder
