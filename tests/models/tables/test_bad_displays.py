"""Panels and limitations: rows of panels.csv and limitations.csv, what is wrong with them, and what a user's folder replaces."""

import re
from importlib.resources import files

import pytest
from model_rows import add, found

from kinimmune.fitting.lint import check
from kinimmune.fitting.runs.provenance import changed_tables, hash_tables
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.panels import BarPanel, CoursePanel, SeriesPanel
from kinimmune.models.tables.readers import read_limitations, read_panels
from kinimmune.models.tables.rows import Tables

PANELS, LIMITATIONS = "panels.csv", "limitations.csv"
COURSES = {
    "model": "hcc_trial",
    "kind": "courses",
    "title": "Odd",
    "quantities": "treg_number",
    "experiments": "placebo sorafenib",
}
BARS = COURSES | {"kind": "bars", "day": "day28"}
SERIES = {
    "model": "hcc_trial", "kind": "series", "title": "Odd", "quantities": "treg_number pd1_cells", "experiments": "sorafenib",
    "day": "day28", "parameter": "kinase_shift", "level": "0.5", "relative": "yes",
}  # fmt: skip
LIMITATION = {"model": "hcc_trial", "mechanism": "tregs", "title": "Nothing is known", "text": "Nobody looked."}


def test_a_row_becomes_the_panel_of_its_kind(trial):
    for cells in (COURSES, BARS, SERIES):
        add(trial, PANELS, **cells)
    assert read_panels("hcc_trial", Tables(trial.path)) == (
        CoursePanel("Odd", "treg_number", ("placebo", "sorafenib")),
        BarPanel("Odd", "treg_number", ("placebo", "sorafenib"), "day28"),
        SeriesPanel("Odd", ("treg_number", "pd1_cells"), "sorafenib", "kinase_shift", "day28", 0.5, relative=True),
    )


@pytest.mark.parametrize(
    ("cells", "column", "problem", "advice"),
    [
        (BARS | {"day": ""}, "day", "a panel of kind 'bars' has no value in column 'day'", "fill it in"),
        (SERIES | {"level": ""}, "level", "a panel of kind 'series' has no value in column 'level'", "fill it in"),
        (SERIES | {"parameter": ""}, "parameter", "a panel of kind 'series' has no value in column 'parameter'", "fill it in"),
        (COURSES | {"day": "day28"}, "day", "a panel of kind 'courses' has no use for column 'day'", "leave it empty"),
        (
            BARS | {"quantities": "treg_number pd1_cells"},
            "quantities",
            "a panel of kind 'bars' has 2 names in column 'quantities'",
            "give it one, and each other one a row of its own",
        ),
        (
            SERIES | {"experiments": "placebo sorafenib"},
            "experiments",
            "a panel of kind 'series' has 2 names in column 'experiments'",
            "give it one, and each other one a row of its own",
        ),
        (COURSES | {"kind": "pie"}, "kind", "unknown value 'pie' in column 'kind'", "allowed: 'courses', 'bars' or 'series'"),
        (COURSES | {"title": ""}, "title", "no value in column 'title'", "fill it in"),
        (COURSES | {"model": "hcc_tria"}, "model", "unknown model 'hcc_tria' in column 'model'", "did you mean 'hcc_trial'?"),
    ],
)
def test_a_panel_that_makes_no_sense_is_refused(trial, cells, column, problem, advice):
    line = add(trial, PANELS, **cells)
    assert found(trial) == [(PANELS, line, column, f"{problem} ({PANELS} row {line}); {advice}")]


def test_a_panel_that_cannot_be_read_is_told_by_its_reader(trial):
    line = add(trial, PANELS, **BARS | {"day": ""})
    message = f"a panel of kind 'bars' has no value in column 'day' ({PANELS} row {line}); fill it in"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_panels("hcc_trial", Tables(trial.path))


@pytest.mark.parametrize(
    ("cells", "column", "what", "given", "nearest"),
    [
        (COURSES | {"quantities": "treg_numbr"}, "quantities", "quantity", "treg_numbr", "treg_number"),
        (COURSES | {"experiments": "placebo sorafenb"}, "experiments", "experiment", "sorafenb", "sorafenib"),
        (BARS | {"day": "day29"}, "day", "read-out day", "day29", "day28"),
        (SERIES | {"parameter": "kinase_shft"}, "parameter", "parameter", "kinase_shft", "kinase_shift"),
    ],
)
def test_a_panel_of_what_the_model_does_not_have_is_found(trial, cells, column, what, given, nearest):
    line = add(trial, PANELS, **cells)
    problem = f"model 'hcc_trial' has no {what} '{given}' in column '{column}'"
    assert found(trial) == [(PANELS, line, column, f"{problem} ({PANELS} row {line}); did you mean '{nearest}'?")]


@pytest.mark.parametrize(
    ("cells", "column", "problem", "advice"),
    [
        (
            {"model": "", "mechanism": ""},
            "mechanism",
            "limitation 'Nothing is known' names neither a model nor a mechanism",
            "name the models it belongs to, or the mechanism",
        ),
        ({"about": "weather"}, "about", "unknown value 'weather' in column 'about'", "allowed: 'response'"),
        ({"text": ""}, "text", "no value in column 'text'", "fill it in"),
        (
            {"model": "melanoma hcc_tria"},
            "model",
            "unknown model 'hcc_tria' in column 'model'",
            "did you mean 'hcc_trial'?",
        ),
        (
            {"mechanism": "treg"},
            "mechanism",
            "model 'hcc_trial' has no mechanism 'treg' in column 'mechanism'",
            "did you mean 'tregs'?",
        ),
        (
            {"model": "", "mechanism": "treg"},
            "mechanism",
            "the library has no mechanism 'treg' in column 'mechanism'",
            "did you mean 'tregs'?",
        ),
    ],
)
def test_a_limitation_that_makes_no_sense_is_refused(trial, cells, column, problem, advice):
    line = add(trial, LIMITATIONS, **LIMITATION | cells)
    assert found(trial) == [(LIMITATIONS, line, column, f"{problem} ({LIMITATIONS} row {line}); {advice}")]


def test_a_limitation_belongs_to_its_models_and_to_those_with_its_mechanism():
    limitations = {item.title: item for item in read_limitations()}
    averaged, everywhere = limitations["Exposure is an average"], limitations["Binding is biochemical"]
    names = ("breast", "gompertz", "hcc_cells", "hcc_mouse", "hcc_trial", "melanoma")
    models = {name: load_model(name) for name in names}
    assert [name for name in names if averaged.concerns(models[name])] == ["breast", "hcc_trial", "melanoma"]
    assert [name for name in names if everywhere.concerns(models[name])] == [*names[:1], *names[2:]]


def test_a_folder_of_ones_own_replaces_panels_and_limitations(tmp_path):
    (tmp_path / LIMITATIONS).write_text("model,mechanism,about,title,text\nmelanoma,,,Own,Words.\n", encoding="utf-8")
    (tmp_path / PANELS).write_text(
        "model,kind,title,quantities,experiments,day,parameter,level,relative\n"
        "melanoma,courses,Hazard,death_hazard,untreated,,,,\n",
        encoding="utf-8",
    )
    tables = Tables(tmp_path)
    assert check(tables) == ()
    assert [item.title for item in read_limitations(tables)] == ["Own"]
    assert read_panels("melanoma", tables) == (CoursePanel("Hazard", "death_hazard", ("untreated",)),)
    assert read_panels("hcc_mouse", tables) == ()


def test_panels_of_the_package_are_not_held_against_experiments_of_ones_own(tmp_path):
    rows = files("kinimmune.data").joinpath("experiments.csv").read_text("utf-8").splitlines()
    kept = [row for row in rows if row.split(",")[0] != "melanoma"]
    (tmp_path / "experiments.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert {finding.file for finding in check(Tables(tmp_path))} <= {"the package's claims.csv"}


def test_a_run_from_before_a_table_was_there_is_not_told_of_it():
    now = hash_tables(None)
    then = {name: digest for name, digest in now.items() if name not in (PANELS, LIMITATIONS)}
    assert len(then) == len(now) - 2
    assert changed_tables(then, None) == ()
    assert changed_tables(then | {"arms.csv": "other"}, None) == ("arms.csv",)


@pytest.mark.parametrize("drives", ["occupancy_rfa", "nobody_knows", "phospho"])
def test_a_kinase_that_drives_what_no_model_defines_is_told(folder, drives):
    line = folder.line_of("kinases.csv", kinase="B-RAF")
    folder.put("kinases.csv", line, drives=drives)

    (finding,) = [item for item in check(Tables(folder.path)) if item.column == "drives"]

    assert (finding.file, finding.row) == ("kinases.csv", line)
    assert finding.message.startswith(f"the library has no definition '{drives}' in column 'drives' (kinases.csv row {line}); ")


def test_a_kinase_may_drive_a_model_that_is_not_in_use(trial):
    line = trial.line_of("kinases.csv", kinase="B-RAF (V600E)")
    trial.put("kinases.csv", line, drives="occupancy_braf_v600e")

    assert [item for item in check(Tables(trial.path)) if item.file == "kinases.csv"] == []
