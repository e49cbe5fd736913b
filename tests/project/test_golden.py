"""The numbers in `benchmarks/golden.csv` that need no kernel come out, and the script notices a number that does not."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def golden(benchmarks):
    return benchmarks("golden")


@pytest.fixture(scope="module")
def golden_commands(benchmarks):
    return benchmarks("golden_commands")


@pytest.fixture
def rows(golden):
    """Return three expected numbers by name."""
    values = {"median": 10.0, "ratio": 0.7, "share": 0.4}
    return {name: golden.Row(name, value, 0.01, "Monte Carlo", "kinimmune fit") for name, value in values.items()}


@pytest.mark.slow
def test_numbers_without_a_kernel_are_as_expected():
    command = [sys.executable, str(BENCHMARKS / "golden.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 outside\n")


def test_every_expected_number_has_a_tolerance_and_a_command_that_is_run(golden):
    table = golden.read_table(golden.TABLE)

    assert all(row.tolerance > 0.0 and row.kind.startswith((golden.MONTE_CARLO, golden.INTEGRATION)) for row in table.values())
    assert {row.command for row in table.values()} == {command.text for command in golden.COMMANDS}


@pytest.mark.parametrize("now", [10.02, 9.98, float("nan"), None])
def test_a_number_that_moved_vanished_or_does_not_exist_is_outside(golden, rows, now):
    numbers = {"median": now, "ratio": 0.699, "share": 0.409}
    numbers = {name: value for name, value in numbers.items() if value is not None}

    assert [name for name, _, holds in golden.compare(rows, numbers) if not holds] == ["median"]


def test_a_number_nobody_expects_is_outside(golden, rows):
    numbers = {name: row.value for name, row in rows.items()}

    assert [name for name, _, holds in golden.compare(rows, {**numbers, "other": 1.0}) if not holds] == ["other"]


def test_the_table_for_the_changelog_holds_what_moved_came_or_went(golden, rows):
    after = {
        "median": golden.Row("median", 10.025, 0.01, "Monte Carlo", "kinimmune fit"),
        "ratio": golden.Row("ratio", 0.701, 0.01, "Monte Carlo", "kinimmune fit"),
        "other": golden.Row("other", 1.0, 0.01, "Monte Carlo", "kinimmune fit"),
    }

    assert list(golden.tabulate(rows, after))[2:] == [
        "| median | 10 | 10.025 | +2.5 |",
        "| share | 0.4 | - | gone |",
        "| other | - | 1 | new |",
    ]


def test_a_tolerance_is_the_larger_of_monte_carlo_and_integration(golden, golden_commands):
    command = golden_commands.Command(("fit", "hcc_trial"), golden_commands.read_fit, golden_commands.FIT_ERROR, drawn=True)
    scatter = {"median": (0.02, "Monte Carlo, sd of 8 seeds"), "q_null": (0.0, "Monte Carlo, sd of 8 seeds")}

    assert golden.expect(command, "median", 10.0, scatter).tolerance == 0.02
    assert golden.expect(command, "q_null", 2.0, scatter).tolerance == 2e-4
    assert golden.expect(command, "q_null", 2.0, scatter).kind == "integration, 0.0001 relative"


def test_a_drawn_number_without_a_monte_carlo_error_is_refused(golden, golden_commands):
    command = golden_commands.Command(("fit", "hcc_trial"), golden_commands.read_fit, golden_commands.FIT_ERROR, drawn=True)

    with pytest.raises(SystemExit, match="'median' has no Monte Carlo error yet; give --seeds"):
        golden.expect(command, "median", 10.0, {})
