"""Projects on the command line: what is said first, what is run and what never is, from `init` to a page."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from plain_models import small_gompertz
from plug_in import install, install_five_states

import kinimmune
from kinimmune.cli.exits import Exit
from kinimmune.cli.main import main
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.model_data import write_model


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a new project of one's own model in the folder of work."""
    monkeypatch.chdir(tmp_path)
    assert main(["init", "mine", "--from", "own_model"]) == Exit.DONE
    return tmp_path / "mine"


@pytest.fixture
def trap(project):
    """Return a project whose model file tells when it is run."""
    marker = project.parent / "was_run"
    (project / "five_states.py").write_text(f"open({str(marker)!r}, 'w')\n")
    yield project
    assert not marker.exists()


@pytest.mark.parametrize("command", [["show"], ["simulate", "--days", "2"], ["claims", "--draws", "16"], ["list"]])
@pytest.mark.usefixtures("project")
def test_commands_take_a_project_and_say_first_what_they_run(capsys, command):
    capsys.readouterr()
    assert main([command[0], "mine", *command[1:], "--json"]) == Exit.DONE
    told = capsys.readouterr()
    assert told.err.splitlines()[0] == "runs the code of mine/five_states.py"
    assert json.loads(told.out)["schema"].startswith("kinimmune.")


@pytest.mark.usefixtures("project")
def test_settings_of_a_project_are_defaults(capsys):
    capsys.readouterr()
    assert main(["simulate", "mine", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["arm"] == "treated"


@pytest.mark.slow
def test_a_project_goes_to_a_page_and_its_run_needs_it_no_more(project, tmp_path):
    assert main(["fit", "mine", "-o", "mine/run", "--patients", "8", "--starts", "1", "-q"]) in (Exit.DONE, Exit.NOT_CONVERGED)
    shutil.move("mine/run", "elsewhere")
    shutil.rmtree(project)
    assert main(["report", "elsewhere", "-o", "page.pdf", "-q"]) == Exit.DONE
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "mine"],
        ["show", "gompertz", "--data", "mine"],
        ["simulate", "gompertz", "--data", "mine", "--days", "2"],
        ["show", "five_states", "--data", "mine"],
        ["fit", "mine", "-o", "nowhere", "--resume"],
    ],
)
@pytest.mark.usefixtures("trap")
def test_check_tables_and_what_is_done_to_a_run_run_nothing(arguments):
    main(arguments)


@pytest.mark.parametrize("command", ["show", "simulate", "claims", "fit", "report", "sensitivity", "profile", "sample", "check"])
def test_a_folder_with_a_run_is_a_run_whatever_else_it_holds(trap, capsys, command):
    (trap / "run.json").write_text("{}")
    more = ["--output", "state:drug:2"] if command == "sensitivity" else []
    code = main([command, "mine", *more])
    assert code in ((Exit.DONE,) if command == "check" else (Exit.USAGE, Exit.DATA))
    assert len(capsys.readouterr().err.splitlines()) <= 1


def test_check_says_what_it_does_not_run(project, capsys):
    capsys.readouterr()
    assert main(["check", "mine"]) == Exit.DONE
    nothing, last = capsys.readouterr().out.splitlines()
    assert nothing == "nothing wrong"
    assert last.startswith("not run: mine/five_states.py; ")
    (project / "kinimmune.toml").write_text('model = "../mine/five_states.py"\n')
    assert main(["check", "mine"]) == Exit.DATA
    assert "does not lie in the folder" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_a_project_that_is_not_read_is_told(capsys):
    main(["show", "gompertz", "--data", "mine"])
    assert "note: mine/kinimmune.toml is not read: --data takes tables alone" in capsys.readouterr().err


def test_a_folder_that_is_no_project_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").mkdir()
    assert main(["show", "plain"]) == Exit.USAGE
    assert "folder 'plain' holds no kinimmune.toml" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_init_makes_nothing_over_what_is_there(capsys):
    capsys.readouterr()
    assert main(["init", "mine"]) == Exit.USAGE
    assert capsys.readouterr().err == "error: folder 'mine' is not empty; give the name of a new one\n"


def test_init_tells_what_it_made_as_json(tmp_path, capsys):
    assert main(["init", str(tmp_path / "new"), "--from", "gompertz", "--json"]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "kinimmune.init/1"
    assert sorted(told["files"]) == sorted(path.name for path in (tmp_path / "new").iterdir())
    assert told["next"][0] == f"kinimmune check {tmp_path / 'new'}"


def spoil(content, case):
    deep = "volume"
    for _ in range(300):
        deep = ["exp", deep]
    mechanism = content["mechanisms"][0]
    if case == "operator":
        mechanism["terms"][0]["expression"] = ["__import__", "os"]
    elif case == "depth":
        mechanism["terms"][0]["expression"] = deep
    elif case == "circle":
        made = {"symbol": "a", "unit": "1", "reason": ""}
        mechanism["definitions"] = [made | {"name": "a", "expression": "b"}, made | {"name": "b", "expression": "a"}]
    else:
        mechanism["states"][0]["name"] = "lambda"
    return json.dumps(content)


@pytest.mark.parametrize("case", ["operator", "depth", "circle", "keyword", "brackets"])
@pytest.mark.parametrize("place", ["project", "data"])
def test_a_hostile_model_as_data_is_one_line(tmp_path, monkeypatch, capsys, case, place):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "got"
    folder.mkdir()
    text = "[" * 100_000 if case == "brackets" else spoil(json.loads(write_model(small_gompertz())), case)
    (folder / "model.json").write_text(text)
    (folder / "kinimmune.toml").write_text('model = "model.json"\n')
    arguments = ["show", "got"] if place == "project" else ["simulate", "gompertz", "--data", "got", "-q"]
    assert main(arguments) in (Exit.DATA, Exit.MODEL)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith("error: got/model.json")


@pytest.mark.slow
def test_installed_plug_ins_are_listed_and_a_broken_one_is_a_line(tmp_path):
    site = install_five_states(tmp_path / "site")
    install(site, "broken-plug", "broken = nowhere_at_all:broken\ngompertz = nowhere_at_all:gompertz")
    program = "import sys; from kinimmune.cli.main import main; sys.exit(main(['list', '--json']))"
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    (listed,) = [item for item in json.loads(done.stdout)["models"] if item["name"] == "five_states"]
    assert (listed["states"], listed["targets"]) == (5, {"first_trial": 4})
    assert done.stderr.splitlines() == [
        "runs the code of plug-in 'broken' of broken-plug",
        "warning: plug-in 'broken' of broken-plug: ModuleNotFoundError: No module named 'nowhere_at_all'; update or remove "
        "broken-plug; left out",
        "runs the code of plug-in 'five_states' of five-plug",
        "warning: plug-in 'gompertz' of broken-plug is left out: the library, or a model beside the tables, goes before it",
    ]


def test_a_program_fits_a_project_as_the_command_does(project, tmp_path):
    (project / "kinimmune.toml").write_text(
        'model = "five_states.py"\n[fit]\npatients = 8\nstarts = 1\n[fit.start]\nnothing = 1.0\n'
    )
    with pytest.raises(UsageError, match="nothing"):
        kinimmune.fit(str(project), tmp_path / "run")
    assert not (tmp_path / "run").exists()
