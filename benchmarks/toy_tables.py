"""The work of what interrupts, kills and fuzzes commands: the example trial with two estimated parameters.

Start with `write_toy_tables`.
"""

import csv
import shutil
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "own_trial"
ESTIMATED = ("growth", "baseline_hazard")
"""All other parameters are constants, so that there is time for every mishap."""


def write_toy_tables(target: Path) -> None:
    """Write the tables of the example trial to a new folder, all parameters but `ESTIMATED` made constants."""
    target.mkdir()
    for table in EXAMPLE.glob("*.csv"):
        shutil.copy(table, target)
    with (target / "parameters.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (target / "parameters.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "estimated": "yes" if row["name"] in ESTIMATED else "no"} for row in rows)
