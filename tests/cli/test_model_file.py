"""A model file on the command line: said first, told in one line, its output kept apart."""

import json

import pytest
from own_model import write_project

from kinimmune.cli.exits import Exit
from kinimmune.cli.main import main


def test_the_first_line_says_that_code_is_run(tmp_path, capsys):
    file = write_project(tmp_path / "own")
    file.write_text("print('from the file')\n" + file.read_text())
    arguments = ["simulate", str(file), "--data", str(file.parent), "--arm", "example:sorafenib", "--days", "2", "--json"]
    assert main(arguments) == Exit.DONE
    told = capsys.readouterr()
    assert told.err.splitlines()[:2] == [f"runs the code of {file}", "from the file"]
    assert json.loads(told.out)["model"] == "five_cells"


@pytest.mark.parametrize("command", ["show", "simulate", "claims", "report"])
@pytest.mark.parametrize(("text", "code"), [(None, Exit.USAGE), ("def mine(p):\n    return p[99]\n", Exit.MODEL)])
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, monkeypatch, capsys, command, text, code):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    assert main([command, "mine.py"]) == code
    *before, last = capsys.readouterr().err.splitlines()
    assert before == ([] if text is None else ["runs the code of mine.py"])
    assert last.startswith("error: model file ")


def test_a_file_that_cannot_be_fitted_leaves_no_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("raise ValueError('not today')\n")
    assert main(["fit", "mine.py", "-o", "run"]) == Exit.MODEL
    assert "model file mine.py line 1: ValueError: not today" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_check_and_tables_run_nothing(tmp_path):
    file = write_project(tmp_path / "own")
    marker = tmp_path / "was_run"
    file.write_text(f"open({str(marker)!r}, 'w')\n")
    main(["check", str(file.parent)])
    main(["show", "gompertz", "--data", str(file.parent)])
    main(["simulate", "five_cells", "--data", str(file.parent)])
    assert not marker.exists()
