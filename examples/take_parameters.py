"""Write `parameters.csv` for a trial of one's own: the package's rows of a model, those of its first study for the new one.

Run it as `python examples/take_parameters.py hcc_trial my_study my_folder`, then put in what is known about the new study.
"""

import csv
import sys
from importlib.resources import files
from pathlib import Path


def take_parameters(model: str, study: str) -> list[dict[str, str]]:
    """Return the rows of a model as `parameters.csv` has them, with one study in place of all."""
    with files("kinimmune.data").joinpath("parameters.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if model in row["model"].split()]
    first = next((row["study"] for row in rows if row["study"]), "")
    kept = [row for row in rows if row["study"] in ("", first)]
    return [{**row, "model": model, "study": study if row["study"] else ""} for row in kept]


if __name__ == "__main__":
    model, study, folder = sys.argv[1:]
    rows = take_parameters(model, study)
    with (Path(folder) / "parameters.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"wrote {len(rows)} parameters of {model} for {study} to {folder}/parameters.csv")
