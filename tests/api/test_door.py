"""`import kinimmune`: a dozen names that load when they are used, and values that fit on a line."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from paths import DATA as FILES
from paths import OWN_MODEL
from report_kinds import make_mixed_content

import kinimmune as ki
from kinimmune.fitting.problem.targets import DATA, Statistic
from kinimmune.models.errors import UsageError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a finished run."""
    folder = tmp_path_factory.mktemp("door")
    with zipfile.ZipFile(FILES / "run-735154f.zip") as archive:
        archive.extractall(folder)
    return ki.read_run(folder / "witness")


def test_importing_loads_nothing_below():
    program = "import sys, kinimmune; print(*[name for name in sys.modules if name.partition('.')[0] in ('kinimmune', 'numpy')])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert loaded == ["kinimmune"]


@pytest.mark.parametrize("name", ki.__all__)
def test_every_name_is_there_and_documented(name):
    assert name in dir(ki)
    assert name == "__version__" or getattr(ki, name).__doc__


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(AttributeError, match=r"no attribute 'simulat'; it has: __version__, Tables"):
        _ = ki.simulat


def test_a_course_has_its_outputs_by_name():
    course = ki.simulate("gompertz", days=30, changes={"retardation": 0.05})

    frame = course.to_frame()
    assert frame.index.tolist() == list(range(31))
    assert np.array_equal(frame["volume"].to_numpy(), course["volume"])
    with pytest.raises(KeyError, match="no quantity 'volum'; did you mean 'volume'"):
        _ = course["volum"]


def test_a_course_is_that_of_the_command(kinimmune):
    code, out, _ = kinimmune("simulate", "hcc_trial", "--arm", "sharp:sorafenib", "--days", "60", "--json")

    told = json.loads(out)
    course = ki.simulate(ki.load_model("hcc_trial"), arm="sharp:sorafenib", days=60)
    assert code == 0
    assert told["days"] == course.time.tolist()
    assert {item["name"]: item["values"] for item in told["columns"]} == {
        item.name: item.course.tolist() for item in course.quantities
    }


def test_an_interaction_can_be_cut():
    model = ki.load_model("hcc_trial")
    whole, cut = (ki.simulate(item, days=120)["tumour_volume"][-1] for item in (model, model.without("treg_suppression")))

    assert cut < whole


def test_an_unknown_arm_is_told_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'sharp:sorafenib'"):
        ki.simulate("hcc_trial", arm="sharp:sorafenb")


def test_rows_of_a_run_are_tables(run):
    estimates = ki.to_frame(run.fit.parameters)

    assert estimates["name"].tolist() == [row.name for row in run.fit.parameters]
    assert estimates["value"].tolist() == [row.value for row in run.fit.parameters]
    assert len(ki.to_frame(run.fit.targets)) == 8
    assert ki.to_frame(()).empty
    with pytest.raises(TypeError, match="to_frame takes a course, or results of one kind"):
        ki.to_frame([1, 2])


def test_plots_are_figures_without_a_report(run):
    course = ki.simulate("gompertz", days=10)
    figures = [
        ki.plot_course(course),
        ki.plot_course(course, ["volume"]),
        ki.plot_survival(run.trial),
        ki.plot_survival(run.trial, run.fit),
        ki.plot_survival(run.trial, run.fit, "ttp"),
        ki.plot_comparisons(run.fit),
        ki.plot_estimates(run.fit),
    ]

    assert all(isinstance(figure, Figure) and figure.axes for figure in figures)
    with pytest.raises(ValueError, match="no endpoint 'efs'; allowed: os, ttp, pfs"):
        ki.plot_survival(run.trial, endpoint="efs")
    with pytest.raises(ValueError, match="no progression-free survival; fit again"):  # a run from before there was PFS
        ki.plot_survival(run.trial, endpoint="pfs")


def test_every_statistic_but_data_has_a_figure_of_reported_and_predicted():
    content = make_mixed_content()
    for statistic in Statistic:
        if statistic in DATA:
            with pytest.raises(ValueError, match=f"no statistic '{statistic}'; allowed: median, hazard_ratio, survival"):
                ki.plot_comparisons(content.fit, statistic)
        else:
            assert ki.plot_comparisons(content.fit, statistic).axes
    assert ki.plot_comparisons(content.fit, "residual").axes
    assert len(ki.plot_survival(content.trial, content.fit, "ttp").axes) == 2
    bare = replace(content.fit, targets=content.fit.targets[:1], unfitted=())
    with pytest.raises(ValueError, match="this fit has no deaths; it has: median, residual"):
        ki.plot_comparisons(bare, "deaths")


@pytest.mark.slow
def test_a_fit_from_a_program_is_that_of_the_command(tmp_path, kinimmune):
    run = ki.fit(str(OWN_MODEL), tmp_path / "program", patients=8, starts=1, seed=1)
    code, out, _ = kinimmune(
        "fit", str(OWN_MODEL), "-o", "command", "--patients", "8", "--starts", "1", "--seed", "1", "--json", "-q"
    )

    told = json.loads(out)
    assert code in (0, 1)
    assert {row.name: row.value for row in run.fit.parameters} == {row["name"]: row["value"] for row in told["parameters"]}
    assert run.record.status == "done"
    assert ki.read_run(tmp_path / "program").fit == run.fit


def test_values_fit_on_a_line(run):
    values = [run, ki.simulate("gompertz", days=10)]
    assert [len(repr(value)) < 300 for value in values] == [True, True]
