"""Versions of the form of tables: what is of before is read as it was and rewritten, what is newer than known is refused."""

import json
import re
from importlib.resources import files

import pytest

from kinimmune.fitting.lint import check, warn
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.solvers.dosing import Dose, InputSpan
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.experiments import examine_experiments
from kinimmune.models.tables.former import VERSION
from kinimmune.models.tables.migration import find_former, migrate
from kinimmune.models.tables.readers import read_days, read_experiments
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.version import DESCRIPTOR, KEY
from kinimmune.models.trial.regimens import list_changes

OLD = "model,experiment,meaning,kind,target,value,unit,first_day,last_day,interval,source,locator,status,note"
ORIGIN = "assumption,data/README.md,assumed"
ROWS = (
    "hcc_mouse,vehicle,nothing,none,,,,,,,{},",
    'hcc_mouse,daily,"10 mg/kg, daily",dose,gut_drug,10.0,mg/kg,7,28,0.1,{},"as it was, once"',
    "hcc_mouse,daily,,input,cd8_depletion,5,1/d,0,60,,{},",
    "hcc_mouse,daily,,set,initial_volume,0,uL,,,,{},",
    "hcc_mouse,more,,as,daily,,,,,,{},",
    "hcc_mouse,more,,scale,immune_kill,3,1,,,,{},",
    "hcc_mouse,end,,day,,28,d,,,,{},",
)


@pytest.fixture
def old(tmp_path):
    return write_old(tmp_path, *ROWS)


def write_old(folder, *rows):
    (folder / "experiments.csv").write_text("\n".join([OLD, *(row.format(ORIGIN) for row in rows)]) + "\n", encoding="utf-8")
    return folder


def rewrite(folder):
    for file in migrate(folder, ["sorafenib"]):
        (folder / file.name).write_text(file.text, encoding="utf-8")


def tell_version(folder, number, **rest):
    (folder / DESCRIPTOR).write_text(json.dumps({**rest, KEY: number}), encoding="utf-8")


def test_experiments_of_before_give_what_they_gave(old):
    """First day plus each multiple of the interval to the last day: 0.1 fits 210 times into 21 days."""
    model = load_model("hcc_mouse")
    found = {item.name: item for item in read_experiments(model, Tables(old))}
    doses = [Dose(7.0 + 0.1 * k, "gut_drug", 10.0) for k in range(211)]

    for name in ("daily", "more"):
        (_, given), (spans, _) = list_changes(model, found[name].given, values_for(model.parameters, None), 60.0)
        assert [(dose.state, dose.amount) for dose in given] == [(dose.state, dose.amount) for dose in doses]
        assert [dose.time for dose in given] == pytest.approx([dose.time for dose in doses], abs=1e-12)
        assert spans == (InputSpan("cd8_depletion", 5.0, 0.0, 60.0),)
    assert (dict(found["more"].values), dict(found["more"].factors)) == ({"initial_volume": 0.0}, {"immune_kill": 3.0})
    assert found["daily"].meaning == "10 mg/kg, daily"
    assert found["vehicle"].given == ()


def test_a_rewritten_table_says_the_same_in_todays_form(old):
    before = Tables(old)
    rows, days = examine_experiments(before).require(), read_days("hcc_mouse", before)
    told = [item.message for item in warn(before) if item.file == "experiments.csv"]
    rewrite(old)
    after = Tables(old)

    assert examine_experiments(after).require() == rows
    assert read_days("hcc_mouse", after) == days == {"end": 28.0}
    assert told == [
        "column 'interval' is of tables of before (experiments.csv row 1); kinimmune check --migrate FOLDER rewrites them"
    ]
    assert find_former(old) == ()
    assert migrate(old, ["sorafenib"]) == ()
    assert "give,,gut_drug,,10.0,mg/kg,,7,28,0.1" in (old / "experiments.csv").read_text(encoding="utf-8")
    assert json.loads((old / DESCRIPTOR).read_text(encoding="utf-8"))[KEY] == VERSION


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("hcc_mouse,odd,,input,cd8_depletion,5,1/d,,60,,{},", "first_day"),
        ("hcc_mouse,odd,,input,cd8_depletion,5,1/d,0,,,{},", "last_day"),
        ("hcc_mouse,odd,,dose,gut_drug,5,mg/kg,0,7,,{},", "interval"),
        ("hcc_mouse,odd,,dose,gut_drug,,mg/kg,0,7,1,{},", "value"),
    ],
)
def test_what_was_refused_before_is_not_read_otherwise_now(tmp_path, row, column):
    (finding,) = examine_experiments(Tables(write_old(tmp_path, row))).findings
    kind = row.split(",")[3]
    assert finding.message == f"a row of kind '{kind}' has no value in column '{column}' (experiments.csv row 2); fill it in"


def test_a_version_that_is_not_known_yet_is_refused_once(old):
    tell_version(old, VERSION + 1)
    (finding,) = check(Tables(old))
    for read in (lambda: read_days("hcc_mouse", Tables(old)), lambda: migrate(old, ["sorafenib"])):
        with pytest.raises(DataError, match=f"^{re.escape(finding.message)}$"):
            read()
    start = (
        f"the tables are of version {VERSION + 1} ({DESCRIPTOR}, '{KEY}'); this kinimmune knows {VERSION}: install a newer one"
    )
    assert finding.message.startswith(start)
    assert find_former(old) == ()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[1, 2]", "is no JSON object"),
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ('{"kinimmune_tables": "three"}', "is 'three'; write a whole number such as"),
        ('{"kinimmune_tables": 2.5}', "is '2.5'; write a whole number such as"),
        ('{"kinimmune_tables": true}', "is 'True'; write a whole number such as"),
        ('{"kinimmune_tables": 0}', "is '0'; write a whole number such as"),
    ],
)
def test_a_version_that_cannot_be_read_is_refused(old, text, part):
    (old / DESCRIPTOR).write_text(text, encoding="utf-8")
    (finding,) = examine_experiments(Tables(old)).findings
    assert finding.file == DESCRIPTOR
    assert part in finding.message


@pytest.mark.parametrize("number", [None, 1, VERSION])
def test_a_descriptor_of_ones_own_keeps_what_it_says(old, number):
    tell_version(old, number, name="mine", version="4.5", resources=[])
    rewrite(old)
    assert json.loads((old / DESCRIPTOR).read_text(encoding="utf-8")) == {
        "name": "mine",
        "version": "4.5",
        "resources": [],
        KEY: VERSION,
    }


def test_an_older_version_is_told_and_stated_anew(old):
    rewrite(old)
    tell_version(old, VERSION - 1)
    (finding,) = find_former(old)
    assert finding.message.startswith(
        f"the tables are said to be of version {VERSION - 1} ({DESCRIPTOR}, '{KEY}'), today's is {VERSION}"
    )
    (descriptor,) = migrate(old, ["sorafenib"])
    assert descriptor.name == DESCRIPTOR


def test_the_package_tells_the_version_of_its_tables():
    assert json.loads(files("kinimmune.data").joinpath(DESCRIPTOR).read_text("utf-8"))[KEY] == VERSION
