"""No command writes over what it reads: tables, configurations, and what a run consists of, by whatever name."""

from importlib.resources import files

import pytest
from paths import OWN_TRIAL

from kinimmune.cli.exits import Exit

SIMULATE = ("simulate", "gompertz", "--days", "30")
REPORT = ("report", "gompertz", "--draws", "0")


@pytest.fixture
def tables(tmp_path):
    """Return a folder with tables of the package, a configuration beside it, and a run."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for name in ("parameters.csv", "trials.csv"):
        (folder / name).write_bytes(files("kinimmune.data").joinpath(name).read_bytes())
    (tmp_path / "config.csv").write_text("seed = 1\n")
    return folder


def test_a_table_that_is_read_is_never_written_over_by_whatever_name(refused, tmp_path, tables):
    (tmp_path / "link.csv").symlink_to(tables / "parameters.csv")
    (tmp_path / "hard.csv").hardlink_to(tables / "trials.csv")
    (tmp_path / "linked").symlink_to(tables, target_is_directory=True)
    (tmp_path / "picture.svg").symlink_to("tables/parameters.csv")
    package = files("kinimmune.data").joinpath("targets.csv")
    targets = ["tables/parameters.csv", str(tables / "trials.csv"), "tables/../tables/trials.csv", "tables/targets.csv"]
    targets += ["tables/Claims.csv", "linked/parameters.csv", "linked/sources.csv", "link.csv", "hard.csv", str(package)]
    for target in targets:
        assert "it is a table this command reads" in refused(*SIMULATE, "--data", "tables", "-o", target)
    assert "it is a table this command reads" in refused(*SIMULATE, "--data", "linked", "--plot", "picture.svg")


def test_tables_are_those_of_the_configuration_too(refused, tables):
    tables.with_name("own.toml").write_text('data = "tables"\n')

    assert "it is a table this command reads" in refused(*SIMULATE, "-c", "own.toml", "-o", "tables/trials.csv")


def test_a_configuration_is_never_written_over(refused, tables):
    tables.with_name("hard.csv").hardlink_to(tables.with_name("config.csv"))
    for target in ("config.csv", "./tables/../config.csv", "hard.csv"):
        assert "it is the configuration of this command" in refused(*SIMULATE, "-c", "config.csv", "-o", target)


def test_no_command_writes_over_what_a_run_consists_of(refused, tmp_path):
    results = tmp_path / "run" / "results"
    results.mkdir(parents=True)
    for file in (tmp_path / "run" / "run.json", tmp_path / "run" / "failures.csv", results / "curves.csv"):
        file.write_text("{}")
    (tmp_path / "link.csv").symlink_to(results / "curves.csv")
    (tmp_path / "link.pdf").symlink_to(results / "curves.csv")
    for target in ("run/results/curves.csv", "run/results/new.csv", "run/failures.csv", "link.csv"):
        assert "it is a file of run" in refused(*SIMULATE, "-o", target)
    assert "it is a file of run" in refused(*REPORT, "-o", "link.pdf")


def test_beside_the_results_of_a_run_there_is_room(kinimmune, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")

    assert kinimmune(*SIMULATE, "-o", "run/course.csv", "-q")[0] == Exit.DONE


def test_a_run_keeps_its_tables(refused, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")

    assert "run 'run' keeps its tables; leave it out" in refused("report", "run", "--data", str(OWN_TRIAL))
