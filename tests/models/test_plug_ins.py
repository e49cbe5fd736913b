"""Models of other distributions: found without importing them, run when they are named, and told when they cannot be used."""

import sys

import pytest
from paths import OWN_MODEL
from plug_in import install, install_five_states

from kinimmune.models.catalogue import find_unknown_models, load_model, model_names
from kinimmune.models.errors import ModelError, UsageError
from kinimmune.models.model_file import open_model
from kinimmune.models.plug_ins import find_plug_ins
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.trials import examine_trials


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a folder whose distributions are installed; what is imported from there is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "five_plug"]:
        del sys.modules[name]


def test_without_plug_ins_there_are_none():
    assert find_plug_ins() == {}


def test_a_plug_in_is_found_and_not_imported(site):
    install_five_states(site)
    assert {name: item.label for name, item in find_plug_ins().items()} == {"five_states": "plug-in 'five_states' of five-plug"}
    assert "five_plug" not in sys.modules
    assert "five_states" not in model_names()


def test_a_plug_in_has_the_tables_it_brings(site):
    install_five_states(site)
    name, tables = open_model("five_states", Tables())
    model = load_model(name, tables)
    assert (len(model.states), len(model.parameters)) == (5, 9)
    assert [trial.study for trial in examine_trials(tables).require()] == ["first_trial"]
    assert tables.shipped == site / "five_plug" / "tables"


def test_tables_that_are_given_go_before_those_of_a_plug_in(site, tmp_path):
    install_five_states(site)
    own = tmp_path / "own"
    own.mkdir()
    table = (OWN_MODEL / "parameters.csv").read_text()
    (own / "parameters.csv").write_text(table.replace("five_states,hazard,,h,0.001,", "five_states,hazard,,h,0.002,"))
    name, tables = open_model("five_states", Tables(own))
    assert {item.name: item.value for item in load_model(name, tables).parameters}["hazard"] == 0.002
    assert [trial.study for trial in examine_trials(tables).require()] == ["first_trial"]
    assert find_unknown_models(Tables(own)) == ()


def test_a_plug_in_without_tables_takes_those_that_are_given(site):
    install_five_states(site, with_tables=False)
    name, tables = open_model("five_states", Tables(OWN_MODEL))
    assert (len(load_model(name, tables).parameters), tables.shipped) == (9, None)
    with pytest.raises(ModelError, match=r"^plug-in 'five_states' of five-plug: "):
        open_model("five_states", Tables())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("mine = nowhere_at_all.model:mine", "ModuleNotFoundError: No module named 'nowhere_at_all'; update or remove odd"),
        ("mine = five_plug.model:mine", "module 'five_plug.model' has no attribute 'mine'"),
        ("mine = five_plug.model:volume", "it has no function 'mine'"),
        ("mine = five_plug.model:death", "TypeError: death() takes 0 positional arguments but 1 was given"),
        ("mine = five_plug.model:five_states", "plug-in 'mine' of odd: "),
        ("mine = five_plug.model", "'five_plug.model' names no function, which is module:function"),
        ("lambda = five_plug.model:five_states", "its name is not that of a model"),
        ("mine = five_plug.leaving:mine", "SystemExit: 3"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_one_line_with_its_owner(site, entry, message):
    install_five_states(site)
    (site / "five_plug" / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    install(site, "odd", entry)
    with pytest.raises(ModelError) as raised:
        open_model(entry.partition(" ")[0], Tables())
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"plug-in '{entry.partition(' ')[0]}' of odd: ")
    assert "\n" not in str(raised.value)


def test_one_name_of_two_distributions_is_refused(site):
    install_five_states(site)
    install(site, "other", "five_states = elsewhere:five_states")
    with pytest.raises(ModelError, match="has a model of that name too; update or remove"):
        open_model("five_states", Tables())


def test_the_library_goes_before_a_plug_in(site):
    install(site, "odd", "gompertz = nowhere_at_all:gompertz")
    tables = Tables()
    assert open_model("gompertz", tables) == ("gompertz", tables)


def test_an_unknown_name_may_be_near_that_of_a_plug_in(site):
    install_five_states(site)
    with pytest.raises(UsageError, match=r"unknown model 'five_state'; did you mean 'five_states'\?"):
        open_model("five_state", Tables())
