"""A model in a file of the user's own: what is run, what it must give, and what is told when it does not."""

import sys

import pytest
from own_model import MODEL, write_project

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import ModelError, UsageError
from kinimmune.models.model_file import open_model
from kinimmune.models.symbolic.model_data import write_model
from kinimmune.models.tables.rows import Tables


def test_a_file_makes_a_model_of_its_tables(tmp_path):
    file = write_project(tmp_path / "own")
    name, tables = open_model(str(file), Tables(file.parent))
    model = load_model(name, tables)
    assert (name, len(model.states)) == (MODEL, 5)
    assert {item.name: item.value for item in model.parameters}["half"] == 2000.0
    assert name in model_names(tables)
    assert name not in model_names()
    assert not list(file.parent.rglob("*.pyc"))


def test_a_model_as_data_beside_tables_is_found_by_its_name(tmp_path):
    file = write_project(tmp_path / "own")
    name, tables = open_model(str(file), Tables(file.parent))
    (file.parent / "model.json").write_text(write_model(load_model(name, tables)))
    file.unlink()
    assert load_model(name, Tables(file.parent)) == load_model(name, tables)


def test_a_library_model_needs_no_file():
    tables = Tables()
    assert open_model("gompertz", tables) == ("gompertz", tables)
    with pytest.raises(UsageError, match="unknown model 'gompert'; did you mean 'gompertz'"):
        open_model("gompert", Tables())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def mine(:\n", "line 1: SyntaxError: invalid syntax; correct the file"),
        ("x = 1\n\nraise RuntimeError('no\\nluck')\n", "line 3: RuntimeError: no luck; correct the file"),
        ("def mine(p):\n    return p[99]\n", "line 2: IndexError: tuple index out of range; correct the file"),
        ("import sys\nsys.exit(0)\n", "line 2: SystemExit: 0; correct the file"),
        (
            "import nothing_of_that_name\n",
            "line 1: ModuleNotFoundError: No module named 'nothing_of_that_name'; correct the file",
        ),
        ("yours = 1\n", ": it has no function 'mine'; write def mine(parameters) that returns an OdeModel"),
        ("def mine(p):\n    return 3\n", ": 'mine' returned int; let it return an OdeModel"),
        ("\0", ": "),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(tmp_path, text, message):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(ModelError) as raised:
        open_model(str(file), Tables())
    assert f"{file}{'' if message.startswith(':') else ' '}{message}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_symbol_that_cannot_be_printed_is_told_when_the_model_is_built(tmp_path):
    file = write_project(tmp_path / "own")
    file.write_text(file.read_text().replace('"cells", "E"', '"cells", "#read"'))
    with pytest.raises(ModelError, match=r"symbol '#read' of state 'cells' is no plain notation"):
        open_model(str(file), Tables(file.parent))


def test_a_model_has_the_name_of_its_file(tmp_path):
    file = write_project(tmp_path / "own")
    other = file.with_name("other.py")
    other.write_text(file.read_text().replace("def five_cells", "def other"))
    table = file.with_name("parameters.csv")
    table.write_text(table.read_text().replace("five_cells,", "other,"))
    with pytest.raises(ModelError, match="'other' returned the model 'five_cells'; give both one name"):
        open_model(str(other), Tables(file.parent))


def test_what_lies_beside_a_file_can_be_imported_and_output_stays_clean(tmp_path, capsys):
    file = write_project(tmp_path / "own")
    file.with_name("numbers_of_mine.py").write_text("TITLE = 'Five'\n")
    file.write_text("import numbers_of_mine\nprint('hello')\n" + file.read_text())
    before = list(sys.path)
    open_model(str(file), Tables(file.parent))
    assert capsys.readouterr() == ("", "hello\n")
    assert sys.path == before
    assert not list(file.parent.rglob("*.pyc"))


@pytest.mark.parametrize("name", ["absent.py", "."])
def test_a_file_that_is_not_there_is_a_slip_of_usage(tmp_path, name):
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(UsageError, match="model file"):
        open_model(str(tmp_path / ("folder.py" if name == "." else name)), Tables())
