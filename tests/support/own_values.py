"""The example with a third arm on regorafenib, and parameters that an arm or a drug has a value of its own of."""

import csv

from three_arms import change_rows, write_three_arms

REGIMENS = (
    "study,arm,drug,amount,unit,duration,first_day,last_day,every,on_days,off_days,stops,source,locator,status,note\n"
    "example,lowdose,regorafenib,160,mg/d,,,,,,,yes,assumption,invented,assumed,\n"
)


def write_regorafenib(folder):
    """Write the tables: arm `lowdose` is given 160 mg of regorafenib a day and nothing else."""
    write_three_arms(folder)
    change_rows(folder, "arms.csv", lambda row: row | ({"drug": "", "treatment": "other"} if row["arm"] == "lowdose" else {}))
    change_rows(
        folder,
        "design.csv",
        lambda row: row | ({"value": "0"} if (row["arm"], row["quantity"]) == ("lowdose", "dose") else {}),
    )
    (folder / "regimens.csv").write_text(REGIMENS, encoding="utf-8")
    return folder


def add_own(folder, **cells):
    """Add a row of `clearance`, of which only the cells given are otherwise than in the row of all."""
    with (folder / "parameters.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    base = next(row for row in rows if row["name"] == "clearance")
    origin = {"source": "assumption", "locator": "invented", "status": "assumed", "note": "", "prior_sd": "0.7"}
    header = list(dict.fromkeys(["drug", "arm", *rows[0], *cells]))
    with (folder / "parameters.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, {**base, **origin, **cells}])
    return folder
