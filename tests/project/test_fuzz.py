"""Seeded cases of the fuzzer hold, its mutators are reproducible and say what they claim, and its oracles see planted faults."""

import csv
import io
import random
import subprocess
import sys
from importlib.resources import files

import pytest
from paths import ROOT

from kinimmune.models.symbolic.units import DAYS_PER_MONTH, parse_unit

CASES = 12


@pytest.fixture(scope="module")
def fuzzing(benchmarks):
    """Return a function that gives a module of the fuzzer by its name."""
    return lambda name: benchmarks(f"fuzzing.{name}")


@pytest.fixture
def outcome(fuzzing):
    """Return a function that makes an outcome."""
    return lambda code, out="", err="", killed="": fuzzing("children").Outcome(code, out, err, 1.0, 0, killed)


def table(name):
    return files("kinimmune.data").joinpath(name).read_bytes()


def parse(content):
    """Return the rows of a table as the package would see them: column -> text, in no order."""
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    return sorted(sorted(zip(map(str.strip, head), row, strict=True)) for row in rows)


def size(unit):
    return DAYS_PER_MONTH * parse_unit("d").size if unit == "month" else parse_unit(unit).size


@pytest.mark.slow
def test_seeded_cases_hold(tmp_path):
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "fuzz.py"),
        "--quick",
        "--cases",
        str(CASES),
        "--seed",
        "11",
        "-o",
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"\n{CASES} cases in " in done.stdout


@pytest.mark.parametrize("name", ["parameters.csv", "experiments.csv", "targets.csv", "arms.csv", "kinases.csv"])
def test_a_table_is_mutated_as_its_seed_tells(fuzzing, tmp_path, name):
    made = []
    for copy in range(2):
        rng = random.Random(3)
        (tmp_path / str(copy)).mkdir()
        mutations = []
        for number in range(60):
            path = tmp_path / str(copy) / f"{number}" / name
            path.parent.mkdir()
            path.write_bytes(table(name))
            mutation = fuzzing("mutators").mutate_table(rng, path)
            content = path.read_bytes() if path.is_file() and path.stat().st_size < 10**7 and not path.is_symlink() else None
            mutations.append((mutation, content))
        made.append(mutations)

    assert made[0] == made[1]
    assert len({mutation.mutator for mutation, _ in made[0] if mutation}) > 10


@pytest.mark.parametrize("name", ["parameters.csv", "experiments.csv", "design.csv", "claims.csv"])
def test_a_rewriting_says_the_same(fuzzing, name):
    rng = random.Random(1)
    for rewrite in fuzzing("rewritings").REWRITINGS.values():
        found = rewrite(rng, table(name))
        if found is None or rewrite.__name__ == "respell_numbers":
            continue
        content = found[0] if b"\n" in found[0] else found[0].replace(b"\r", b"\n")

        assert parse(content) == parse(table(name)), found[1]


@pytest.mark.parametrize("name", ["design.csv", "kinases.csv", "parameters.csv", "experiments.csv"])
def test_a_number_in_another_unit_is_the_same_amount(fuzzing, name):
    rewritings, cells, rng = fuzzing("rewritings"), fuzzing("cells"), random.Random(5)
    column = rewritings.NUMBERS[name][0]
    changed = 0
    for _ in range(100):
        before, rows = cells.read_rows(table(name)), cells.read_rows(table(name))
        rewritings.rewrite_unit(rng, rows, name)
        value, unit = rows[0].index(column), rows[0].index("unit")
        for old, new in zip(before[1:], rows[1:], strict=True):
            if old[unit] != new[unit]:
                changed += 1
                amounts = [float(row[value] or 0.0) * size(row[unit]) for row in (old, new)]
                assert amounts[0] == pytest.approx(amounts[1], rel=1e-12)
                assert parse_unit(old[unit]).dimension == parse_unit(new[unit]).dimension
    assert changed > 50


@pytest.mark.parametrize(
    ("code", "out", "err"),
    [
        (1, "", "Traceback (most recent call last):\n  ...\nValueError: x\n"),
        (7, "", "error: internal error at rows.py:12: TypeError: x\n"),
        (7, "", "error: memory ran out; use fewer --patients\n"),
        (-11, "", ""),
        (6, "", "error: interrupted\n"),
        (3, "", ""),
        (3, "", "error: 'a' is wrong\nerror: 'b' is wrong\n"),
        (3, "", "error: something went wrong\n"),
        (2, '{"schema": "x"}', "error: 'a' is wrong\n"),
        (0, '{"schema": "x", "value": NaN}', ""),
        (0, '{"schema": "x"}\n{"schema": "x"}', ""),
        (0, '{"value": 1}', ""),
        (0, "[1]", ""),
        (0, '{"schema": "x"}', "/site-packages/numpy/x.py:12: RuntimeWarning: overflow\n"),
    ],
)
def test_a_crash_is_seen(fuzzing, outcome, code, out, err):
    assert fuzzing("oracles").find_crash(outcome(code, out, err), as_json=True)


@pytest.mark.parametrize("killed", ["time", "memory"])
def test_what_had_to_be_killed_is_a_crash(fuzzing, outcome, killed):
    assert "more than" in fuzzing("oracles").find_crash(outcome(-9, killed=killed), as_json=False)


@pytest.mark.parametrize(
    ("code", "out", "err"),
    [
        (0, '{"schema": "x", "value": null}', "note: slow\n"),
        (1, '{"schema": "x"}', "error: the fit did not converge\n"),
        (3, "", "run runs/a\nerror: '1x' is not a number in column 'value' (arms.csv row 3); correct it\n"),
        (3, '{"schema": "kinimmune.check/1"}', ""),
    ],
)
def test_an_end_in_order_is_no_crash(fuzzing, outcome, code, out, err):
    assert fuzzing("oracles").find_crash(outcome(code, out, err), as_json=True) == ""


def test_a_number_that_changed_needs_a_word(fuzzing, outcome):
    find = fuzzing("oracles").find_silence

    assert find(outcome(0), "x: 1 -> 2", refusals=(3,))
    assert find(outcome(5), "", refusals=(3,))
    assert not find(outcome(0), "", refusals=(3,))
    assert not find(outcome(0, err="a line\nnote: 1 finished task was of other settings\n"), "x: 1 -> 2", refusals=(3,))
    assert not find(outcome(3), "everything", refusals=(3,))


def test_what_check_does_not_know_is_seen(fuzzing, outcome):
    find = fuzzing("oracles").find_ignorance

    assert find(outcome(3, err="error: 'x'"), outcome(0))
    assert not find(outcome(3), outcome(3))
    assert not find(outcome(0), outcome(3))


def test_numbers_are_the_same_in_any_order_and_differ_by_one_part_in_a_thousand_million(fuzzing):
    comparison = fuzzing("comparison")
    one = comparison.read_numbers('{"rows": [{"name": "a", "value": 1.0}, {"name": "b", "value": 2.0}], "wall_seconds": 1}')
    other = comparison.read_numbers('{"wall_seconds": 9, "rows": [{"name": "b", "value": 2.0}, {"value": 1.0, "name": "a"}]}')

    assert comparison.find_difference(one, other) == ""
    assert comparison.find_difference(one, {**other, "/rows/a/value": 1.0 + 5e-10}) == ""
    assert comparison.find_difference(one, {**other, "/rows/a/value": 1.0 + 2e-9}).startswith("/rows/a/value: 1.0 -> ")
    assert comparison.find_difference(one, {}) == "/rows/a/value is not there"
