"""Every number that is not fitted has its intervals and the place of the report, or a reason; told on the terminal as in JSON."""

import csv
import json
import shutil

import pytest
from memory_store import Memory
from paths import OWN_TRIAL, ROOT
from three_arms import change_rows

from kinimmune.cli.printing.fit import print_fit
from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.settings import Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.tables.rows import Tables

ORIGIN = "assumption,invented,assumed"
KINDS = (
    # arm, endpoint, statistic, month, value, n, role
    ("sorafenib", "pfs", "median", "", "3.4", 120, "unfitted"),
    ("sorafenib", "os", "survival", "12", "0.38", 120, "held_out"),
    ("observation", "ttp", "survival", "4", "0.2", 60, "unfitted"),
    ("observation", "pfs", "survival", "4", "0.18", 60, "held_out"),
    ("sorafenib", "", "response_rate", "", "0.03", 120, "unfitted"),
    ("observation", "", "control_rate", "", "0.4", 60, "held_out"),
    ("sorafenib", "os", "deaths", "", "80", 120, "unfitted"),
    ("", "os", "deaths", "", "125", 180, "held_out"),
    ("observation", "ttp", "events", "", "45", 60, "unfitted"),
    ("", "os", "cutoff", "", "24", 120, "held_out"),
    ("", "ttp", "cutoff", "", "30", 180, "unfitted"),
    ("", "pfs", "hazard_ratio", "", "0.6", 180, "held_out"),
    ("observation", "os", "curve", "", "", 60, "unfitted"),
    ("observation", "ttp", "patients", "", "", 60, "held_out"),
)


def write_trial(folder):
    """Write the example of a trial of one's own, its medians of OS and TTP fitted, with numbers of every kind beside them."""
    shutil.copytree(OWN_TRIAL, folder, ignore=shutil.ignore_patterns("*.toml", "*.md"))
    estimated = ("growth", "baseline_hazard")
    change_rows(folder, "parameters.csv", lambda row: row | {"estimated": "yes" if row["name"] in estimated else "no"})
    with (folder / "targets.csv").open(encoding="utf-8", newline="") as file:
        rows = [row | {"month": ""} for row in csv.DictReader(file)]
    for arm, endpoint, statistic, month, value, n, role in KINDS:
        unit = "month" if statistic in ("median", "cutoff") else "1"
        new = {"arm": arm, "endpoint": endpoint, "statistic": statistic, "month": month, "value": value, "n": n, "unit": unit}
        origin = {"value_source": "assumption", "value_locator": "invented", "value_status": "assumed"}
        rows.append(dict.fromkeys(rows[0], "") | {"study": "example", "role": role} | new | origin)
    with (folder / "targets.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    points = ((0, 1.0, 60), (6, 0.55, 32), (12, 0.3, 15))
    curve = "".join(f"example,observation,os,{month},{share},{count},0.01,{ORIGIN},\n" for month, share, count in points)
    header = "study,arm,endpoint,month,survival,at_risk,reading_error,source,locator,status,note"
    (folder / "curves.csv").write_text(f"{header}\n{curve}")
    header = "study,arm,patient,endpoint,time,unit,event,last_without,source,locator,status,note"
    seen = "".join(f"example,observation,p{i},ttp,{56 * (1 + i % 3)},d,{int(i % 4 > 0)},,{ORIGIN},\n" for i in range(60))
    (folder / "patients.csv").write_text(f"{header}\n{seen}")
    return folder


def run(model, folder):
    settings = Settings(data=folder, model=model, seed=1, jobs=1, fit={"patients": 16, "starts": 1})
    return fit(plan_fit(model, settings, Tables(folder)), Runtime(Memory()))[0]


@pytest.fixture(scope="module")
def of_trial(tmp_path_factory):
    return run("hcc_trial", write_trial(tmp_path_factory.mktemp("kinds") / "trial"))


@pytest.fixture(scope="module")
def of_experiments(tmp_path_factory):
    """Return a fit of the mouse to half of what was measured in it, the other half held out."""
    folder = tmp_path_factory.mktemp("kinds") / "mouse"
    shutil.copytree(ROOT / "data", folder, ignore=shutil.ignore_patterns("*.json", "*.md", "__pycache__"))
    places = iter(range(1000))

    def change(row):
        held = row["model"] == "hcc_mouse" and next(places) % 2 == 0
        number = {"value": "0.8", "lower": "", "upper": ""} if held and row["read_out"] == "tumour_volume" else {}
        return row | ({"role": "held_out", **number} if held else {})

    change_rows(folder, "measurements.csv", change)
    return run("hcc_mouse", folder)


def check(rows):
    """Assert the law: all six ends and the place, or a reason."""
    for row in rows:
        ends = (row.predicted_lower, row.predicted_upper, row.drawn_lower, row.drawn_upper, row.trial_lower, row.trial_upper)
        whole = None not in (*ends, row.trial_place)
        assert whole != bool(row.reason or row.interval_reason), row
        if whole:
            assert row.drawn_lower <= row.predicted_lower <= row.predicted_upper <= row.drawn_upper
            assert 0.0 <= row.trial_place <= 1.0
            if not row.trial_lower <= row.observed <= row.trial_upper:
                assert not 0.025 < row.trial_place < 0.975


def test_every_kind_of_a_trial_has_its_place_or_a_reason(of_trial):
    rows = of_trial.unfitted
    assert {row.statistic for row in rows} == {kind[2] for kind in KINDS}
    assert {row.role for row in rows} == {"unfitted", "held_out"}
    check((*rows, *of_trial.transport))
    placed = [(row.statistic, row.endpoint) for row in rows if row.trial_place is not None]
    assert len(placed) == len(rows) - 3
    without = {(row.statistic, row.reason or row.interval_reason) for row in rows if row.trial_place is None}
    told, late = (
        "it is no single number, and stands by its deviance over intervals",
        "the date lies where no events come any more",
    )
    assert without == {("curve", told), ("patients", told), ("cutoff", late)}


def test_every_measurement_has_its_place_or_a_reason(of_experiments):
    rows = of_experiments.unfitted
    check(rows)
    assert any(row.trial_place is not None for row in rows)
    ranges = [row for row in rows if row.observed is None]
    assert {row.interval_reason for row in ranges} == {
        "only a range was published: no number to place, and no error of one experiment"
    }
    assert all(row.predicted_lower is not None for row in ranges)


def test_the_terminal_tells_every_place_and_every_reason(of_trial, of_experiments, capsys):
    for result in (of_trial, of_experiments):
        print_fit(result)
        told = capsys.readouterr().out
        json.loads(FIT_JSON.dump(result), parse_constant=pytest.fail)
        for row in result.unfitted:
            assert (row.reason or row.interval_reason) in told
            assert row.trial_place is None or f"{row.trial_place:.2g} \n" in told
