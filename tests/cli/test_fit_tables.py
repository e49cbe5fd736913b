"""What a fit prints: medians alone in the tables of medians, numbers of every kind in a table with a row each."""

from dataclasses import replace

import pytest
from report_example import make_content
from report_kinds import make_mixed_content

from kinimmune.cli.printing.fit import print_fit


@pytest.fixture(scope="module")
def medians():
    return make_content().fit


@pytest.fixture(scope="module")
def mixed():
    return make_mixed_content().fit


def read_table(text, title):
    """Return the cells of a printed table, its names first."""
    lines = text[text.index(f"\n{title} ") + 1 :].splitlines()
    rows = [line for line in lines[2:] if set(line) != {"─"}]
    end = next(number for number, line in enumerate(rows) if not line.strip())
    return [[cell for cell in line.replace("  ", "\t").split("\t") if cell.strip()] for line in rows[:end] if "──" not in line]


def strip(rows):
    return [[cell.strip() for cell in row] for row in rows]


def test_medians_alone_have_the_tables_of_medians(medians, capsys):
    print_fit(medians)
    out = capsys.readouterr().out
    fitted = strip(read_table(out, "Fitted medians [month]"))
    assert fitted[0] == [
        *("study", "arm", "endpoint", "reported", "interval", "predicted", "residual", "scan reported", "scan predicted"),
    ]
    assert fitted[1] == ["sharp", "sorafenib", "os", "10.7", "9.4 to 13.3", "10.9", "0.25", "-", "-"]
    unfitted = strip(read_table(out, "Not fitted"))
    assert unfitted[0] == [
        *("study", "arm", "endpoint", "statistic", "reported", "interval", "predicted", "naive rule", "in interval"),
    ]
    assert unfitted[1] == ["sharp", "-", "os", "hazard ratio", "0.69", "0.55 to 0.87", "0.711", "0.738", "yes"]
    assert [row[3] for row in unfitted[-2:]] == ["median, arm left out", "median, arm left out"]
    assert "Agreement with the fitted medians shows" in out
    assert "Fitted numbers" not in out


def test_every_fitted_number_is_printed_once(mixed, capsys):
    print_fit(mixed)
    out = capsys.readouterr().out
    names, *rows = strip(read_table(out, "Fitted numbers"))
    assert names[:7] == ["study", "arm", "what", "reported", "interval", "predicted", "residual"]
    assert len(rows) == len(mixed.targets) == len({tuple(row[:3]) for row in rows})
    told = {tuple(row[1:3]): row[3:] for row in rows}
    assert told["placebo", "OS at month 12"][:4] == ["0.33", "0.27 to 0.39", "0.35", "0.7"]
    assert told["sorafenib", "response rate"][:4] == ["0.02", "-", "0.013", "0.7"]
    assert told["placebo", "deaths"][:4] == ["60", "-", "58.3", "0.7"]
    assert told["all arms", "OS cut-off [month]"][:4] == ["19.3", "-", "18.8", "0.7"]
    assert told["sorafenib : placebo", "TTP hazard ratio"][0] == "0.57"
    assert told["sorafenib", "OS curve"] == ["5 intervals", "-", "deviance 5.1", "-", "-", "-"]
    assert told["placebo", "TTP patients"][:3] == ["6 intervals", "-", "deviance 8.2"]
    assert "Agreement with the fitted numbers shows" in out


def test_what_was_held_out_and_what_was_left_out_are_marked(mixed, capsys):
    print_fit(mixed)
    _, *rows = strip(read_table(capsys.readouterr().out, "Not fitted"))
    told = [row[2] for row in rows]
    assert "OS at month 12, held out" in told
    assert told[-2:] == ["OS median [month], arm left out", "TTP median [month], arm left out"]


def test_scans_are_columns_where_a_median_falls_on_one(mixed, capsys):
    print_fit(mixed)
    assert "scan predicted" in capsys.readouterr().out
    print_fit(replace(mixed, targets=tuple(row for row in mixed.targets if row.scan_observed is None)))
    assert "scan predicted" not in capsys.readouterr().out
