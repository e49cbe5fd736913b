"""A project to begin with: right at once, of the same numbers as its source, and never over something else."""

import csv
import tomllib

import pytest

from kinimmune.fitting import lint
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.projects.beginning import plan_project, write_project
from kinimmune.fitting.projects.examples import list_examples
from kinimmune.fitting.projects.project import read_project
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.rows import Tables


@pytest.mark.parametrize("name", [*list_examples(), *model_names()])
def test_nothing_is_wrong_with_what_is_written(tmp_path, name):
    folder = tmp_path / "new"
    written = write_project(plan_project(name), folder)
    assert sorted(written) == sorted(path.name for path in folder.iterdir())
    assert lint.check(Tables(folder)) == ()
    assert read_project(folder).settings.model == tomllib.loads((folder / "kinimmune.toml").read_text())["model"]


@pytest.mark.parametrize("name", list_examples())
def test_the_page_tells_what_every_column_means(tmp_path, name):
    folder = tmp_path / "my trial"
    project = plan_project(name)
    write_project(project, folder)
    page = (folder / "README.md").read_text()
    assert all(line in page.splitlines() for line in project.list_commands(folder))
    assert f"kinimmune check '{folder}'" in page
    for table in folder.glob("*.csv"):
        section = page.partition(f"### {table.name}\n")[2].partition("### ")[0]
        header = next(csv.reader(table.read_text().splitlines()))
        assert [column for column in header if f"| `{column}` | " not in section] == [], table.name


@pytest.mark.parametrize("name", ["hcc_trial", "melanoma", "hcc_mouse", "hcc_cells", "breast"])
def test_a_project_of_a_model_states_the_problem_of_the_package(tmp_path, name):
    """Every model that is fitted, to trials or in experiments, has its numbers in the project and a fit on its page."""
    project = plan_project(name)
    write_project(project, tmp_path / "new")
    assert digest_inputs(name, Tables(tmp_path / "new")) == digest_inputs(name, Tables())
    assert {"targets.csv", "measurements.csv"} & set(project.texts)
    assert any(command.startswith("kinimmune fit ") for command in project.list_commands(tmp_path / "new"))


def test_a_project_of_a_model_has_no_row_of_another(tmp_path):
    write_project(plan_project("hcc_cells"), tmp_path)
    ours, theirs = ({item.key: (item.value, item.prior) for item in load_model("hcc_cells", where).parameters}
                    for where in (Tables(tmp_path), Tables()))  # fmt: skip
    assert ours == theirs
    for name in ("parameters.csv", "experiments.csv", "claims.csv", "panels.csv"):
        assert {row["model"] for row in csv.DictReader((tmp_path / name).read_text().splitlines())} == {"hcc_cells"}
    assert not (tmp_path / "trials.csv").exists()


def test_a_model_and_an_example_never_share_a_name():
    assert not set(list_examples()) & set(model_names())


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty; give the name of a new one"):
        write_project(plan_project("gompertz"), tmp_path)
    with pytest.raises(UsageError, match="is a file; give the name of a new folder"):
        write_project(plan_project("gompertz"), tmp_path / "mine.txt")
    with pytest.raises(UsageError, match="cannot make folder"):
        write_project(plan_project("gompertz"), tmp_path / "mine.txt" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_there_is_not_is_told_with_what_there_is():
    with pytest.raises(UsageError, match=r"unknown model or example 'own_modl'; did you mean 'own_model'\? \(examples: "):
        plan_project("own_modl")
