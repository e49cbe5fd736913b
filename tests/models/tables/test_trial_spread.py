"""The column `trial_spread` of `parameters.csv`: the trials that differ, and what is refused."""

from importlib.resources import files

import pytest
from own_values import add_own, write_regorafenib
from several_trials import change_parameter, drop_parameter, split_row, write_trials

from kinimmune.cli.printing.model import describe, print_model
from kinimmune.fitting.lint import check, warn
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.model_file import open_model
from kinimmune.models.symbolic.parameters import Prior, Scale
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import Tables

TRIALS = {"alpha": (5.0, 0.1), "beta": (5.5, 0.2)}
DRUG = {"drug": "regorafenib", "value": "80", "prior_median": "80", "estimated": "yes", "trial_spread": "0.2"}


def open_weibull(folder):
    name, tables = open_model(str(folder / "weibull.py"), Tables(folder))
    return load_model(name, tables)


def test_every_trial_of_the_model_has_a_deviation(tmp_path):
    write_trials(tmp_path / "own", TRIALS, "0.3")
    found = {item.key: item for item in open_weibull(tmp_path / "own").parameters if item.shift is not None}

    assert list(found) == ["scale_deviation:alpha", "scale_deviation:beta"]
    assert {item.prior for item in found.values()} == {Prior(Scale.NORMAL, 0.0, 0.3)}
    assert {(item.source.key, str(item.source.status), item.origin) for item in found.values()} == {
        ("assumption", "assumed", "parameters.csv row 3")
    }


@pytest.mark.parametrize("cell", ["", "0", "0.0"])
def test_without_a_spread_the_model_is_what_it_is_without_the_column(tmp_path, cell):
    write_trials(tmp_path / "own", TRIALS, cell)
    write_trials(tmp_path / "other", TRIALS, None)
    assert open_weibull(tmp_path / "own").parameters == open_weibull(tmp_path / "other").parameters


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"trial_spread": "-0.1"}, "'-0.1' lies outside its range in column 'trial_spread' (parameters.csv row 3)"),
        ({"trial_spread": "inf"}, "'inf' is not a finite number in column 'trial_spread'"),
        ({"trial_spread": "nan"}, "'nan' is not a finite number in column 'trial_spread'"),
        ({"trial_spread": "31"}, "parameter 'scale' has trial_spread 31 (parameters.csv row 3); it must be at most 30"),
        ({"study": "alpha"}, "(parameters.csv row 3) in a row of study 'alpha' alone; leave it empty, or give all studies one"),
        ({"estimated": "no"}, "trial_spread 0.3 (parameters.csv row 3) and is not estimated; leave it empty, or estimate it"),
    ],
)
def test_a_spread_that_cannot_be_is_told_in_one_line(tmp_path, cells, told):
    write_trials(tmp_path / "own", TRIALS, "0.3", **cells)
    (finding,) = examine_parameters(Tables(tmp_path / "own")).findings
    assert told in finding.message


def test_a_parameter_that_is_called_as_the_deviations_of_another_is_told(tmp_path):
    write_trials(tmp_path / "own", TRIALS, "0.3")
    path = tmp_path / "own" / "parameters.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("weibull,rate,", "weibull,scale_deviation,"), encoding="utf-8")
    (finding,) = examine_parameters(Tables(path.parent)).findings
    assert finding.message.startswith("parameter 'scale_deviation' has the name of the deviations of 'scale'")


def test_the_value_of_a_drug_differs_between_the_trials_that_give_it(tmp_path):
    tables = Tables(add_own(write_regorafenib(tmp_path / "tables"), **DRUG))
    found = [item.key for item in load_model("hcc_trial", tables).parameters if item.shift is not None]
    assert found == ["clearance_deviation:example@regorafenib"]


def test_the_value_of_a_drug_that_no_trial_gives_cannot_differ(tmp_path):
    tables = Tables(add_own(write_regorafenib(tmp_path / "tables"), **DRUG | {"drug": "palbociclib"}))
    with pytest.raises(DataError, match="and model 'hcc_trial' is tried in no trial that gives palbociclib; leave it empty, or"):
        load_model("hcc_trial", tables)


@pytest.mark.slow
def test_a_model_without_trials_has_none_to_differ_between(tmp_path):
    """Of the models that share the row one has no trial; with a row of its own it has nothing to refuse."""
    (tmp_path / "tables").mkdir()
    path = tmp_path / "tables" / "parameters.csv"
    path.write_text(files("kinimmune.data").joinpath("parameters.csv").read_text(encoding="utf-8"), encoding="utf-8")
    drop_parameter(path.parent, "kinase_shift", "hcc_cells")
    change_parameter(path.parent, "kinase_shift", {"model": "melanoma hcc_cells", "trial_spread": "0.2"}, "melanoma")
    with pytest.raises(DataError, match=r"'kinase_shift' has trial_spread 0\.2 .* and model 'hcc_cells' is tried in no trial"):
        load_model("hcc_cells", Tables(path.parent))
    assert any("model 'hcc_cells' is tried in no trial" in item.message for item in check(Tables(path.parent)))

    split_row(path.parent, "kinase_shift", "hcc_cells", {"trial_spread": ""})
    assert load_model("hcc_cells", Tables(path.parent)).parameters
    found = [item.key for item in load_model("melanoma", Tables(path.parent)).parameters if item.shift is not None]
    assert found == [f"kinase_shift_deviation:{study}" for study in ("soraftem", "mcdermott2008", "eisen2006", "eisen2011")]


def test_one_fitted_trial_is_told_and_two_are_not(tmp_path):
    write_trials(tmp_path / "one", TRIALS, "0.3", unfitted=("beta",))
    write_trials(tmp_path / "two", TRIALS, "0.3")
    told = [item.message for item in warn(Tables(tmp_path / "one")) if item.column == "trial_spread"]

    assert len(told) == 1
    assert "study 'alpha' alone is fitted: no other tells its deviation from the value of all (parameters.csv row 3)" in told[0]
    assert [item for item in warn(Tables(tmp_path / "two")) if item.column == "trial_spread"] == []
    change_parameter(tmp_path / "one", "scale", {"trial_spread": ""})
    assert [item for item in warn(Tables(tmp_path / "one")) if item.column == "trial_spread"] == []


def test_show_tells_the_spread_between_trials(tmp_path, capsys):
    write_trials(tmp_path / "own", TRIALS, "0.3")
    content = describe(open_weibull(tmp_path / "own"), ())
    print_model(content)

    assert {row["name"]: row["trial_spread"] for row in content["parameters"]} == {
        "shape": None,
        "scale": 0.3,
        "rate": None,
        "begin": None,
        "scale_deviation:alpha": None,
        "scale_deviation:beta": None,
    }
    assert "between trials (0.3)" in capsys.readouterr().out
