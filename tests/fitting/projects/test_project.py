"""A project: whose model it is, which settings hold, and what its file may not name."""

import os

import pytest
from own_model import write_project

from kinimmune.fitting.projects.project import choose_subject, find_project, find_unread_models, is_project, name_subject
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.model_file import open_model
from kinimmune.models.symbolic.model_data import write_model
from kinimmune.models.tables.rows import Tables

MODEL = "five_cells.py"


def write_toml(folder, text):
    (folder / "kinimmune.toml").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_toml(write_project(tmp_path / "own").parent, f'model = "{MODEL}"\nseed = 7\n[fit]\npatients = 32\nstarts = 2\n')


def test_options_go_before_the_file_before_the_project_before_the_defaults(folder, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text("[fit]\npatients = 64\n[simulate]\ndays = 9\n")
    subject = choose_subject(str(folder), config, {"data": None, "fit": {"starts": 1}})
    fit, simulate = subject.settings.fit, subject.settings.simulate
    assert (subject.settings.seed, fit.patients, fit.starts, fit.integrator, simulate.days) == (7, 64, 1, "kernel", 9)
    assert subject.settings.data == folder
    assert subject.model == str(folder / MODEL)


@pytest.mark.parametrize(("asked", "patients", "fixed"), [(None, 32, {"half": 3.0}), ({"fix": {"half": 4.0}}, 32, {"half": 4.0})])
def test_parameters_a_project_fixes_are_those_of_the_command_where_it_says(folder, asked, patients, fixed):
    write_toml(folder, f'model = "{MODEL}"\n[fit]\npatients = 32\n[fit.fix]\nhalf = 3.0\n')
    fit = choose_subject(str(folder), None, {"fit": asked or {}}).settings.fit
    assert (fit.patients, fit.fix) == (patients, fixed)


def test_other_tables_than_its_own_are_refused(folder, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('data = "elsewhere"\n')
    with pytest.raises(UsageError, match=r"^--data: the tables of project .* are its own; leave it out"):
        choose_subject(str(folder), None, {"data": tmp_path})
    with pytest.raises(UsageError, match=r"key 'data': the tables of project"):
        choose_subject(str(folder), config, {})
    with pytest.raises(UsageError, match=r"^--data"):
        name_subject(str(folder), {"data": tmp_path})
    assert choose_subject(str(folder), None, {"data": folder}).settings.data == folder


def test_a_run_is_taken_up_with_the_tables_of_its_project_and_its_own_settings(folder):
    assert name_subject(str(folder), {"seed": None}) == (str(folder / MODEL), {"seed": None, "data": folder})
    assert name_subject("five_cells", {"seed": 1}) == ("five_cells", {"seed": 1})


def test_a_folder_with_a_run_is_a_run(folder):
    (folder / "run.json").write_text("{}")
    assert not is_project(folder)
    assert find_project(str(folder)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "key 'model': no value"),
        ("model = 3", "key 'model'"),
        ('model = "../own/five_cells.py"', "does not lie in the folder"),
        ('model = "below/mine.py"', "does not lie in the folder"),
        ('model = "/etc/mine.py"', "does not lie in the folder"),
        ('model = "..\\\\mine.py"', "does not lie in the folder"),
        ('model = "mi\\u0000ne.py"', "does not lie in the folder"),
        ('model = "out.py"', "does not lie in the folder"),
        ('model = "gone.py"', "there is no file 'gone.py'"),
        ('model = "circle.py"', "there is no file 'circle.py'"),
        ('model = "lambda.py"', "'lambda' is no name"),
        ('model = "five_cell"', "did you mean 'five_cells.py'"),
        ('model = "gompert"', "did you mean 'gompertz'"),
        ('model = "other.json"', "those are called model.json"),
        ('model = "../model.json"', "does not lie in the folder"),
        ('model = "model.json"', "there is no file 'model.json'"),
        ('model = "gompertz"\ndata = "."', "key 'data': the tables of a project lie beside it"),
        ('model = "gompertz"\n[fit]\npatient = 8', "key 'fit.patient': unknown; did you mean 'patients'"),
        ('model = "gompertz"\n[fits]\npatients = 8', "key 'fits': unknown; did you mean 'fit'"),
        ("x = " + "[" * 10_000, "is no"),
        ("model = ", "is no TOML"),
    ],
)
def test_what_a_project_cannot_name_is_told_in_one_line(folder, tmp_path, text, message):
    (tmp_path / "out.py").write_text("")
    (folder / "out.py").symlink_to(tmp_path / "out.py")
    (folder / "circle.py").symlink_to(folder / "circle.py")
    (folder / "lambda.py").write_text("")
    (folder / "other.json").write_text("")
    write_toml(folder, text)
    with pytest.raises(DataError) as raised:
        find_project(str(folder))
    assert str(raised.value).startswith(str(folder / "kinimmune.toml"))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_of_a_project_that_cannot_be_read_is_told(folder):
    (folder / "kinimmune.toml").unlink()
    os.mkfifo(folder / "kinimmune.toml")
    with pytest.raises(DataError, match="is no file that can be read"):
        find_project(str(folder))


def test_a_project_may_have_its_model_as_data(folder):
    model = load_model(*open_model(str(folder / MODEL), Tables(folder)))
    (folder / "model.json").write_text(write_model(model))
    (folder / MODEL).unlink()
    write_toml(folder, 'model = "model.json"')
    subject = choose_subject(str(folder), None, {})
    assert subject.model == "five_cells"
    assert load_model(*open_model(subject.model, Tables(subject.settings.data))) == model
    assert find_unread_models(Tables(folder)) == ()


def test_what_would_have_to_be_run_is_named(folder):
    assert find_unread_models(Tables(folder)) == (str(folder / MODEL),)
    assert find_unread_models(Tables()) == ()
