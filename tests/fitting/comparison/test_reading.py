"""The equations of a run are told where they are known to be those of today, and not where tables have changed since."""

from dataclasses import replace
from pathlib import Path

import pytest
from compared_runs import make_run

from kinimmune.fitting.comparison.reading import find_equations, label_runs
from kinimmune.fitting.problem.digest import digest_equations, digest_inputs
from kinimmune.fitting.settings import Settings
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.rows import Tables


@pytest.fixture(scope="module")
def gompertz():
    """Return a run of today's equations and tables."""
    run = make_run()
    record = replace(run.record, model="gompertz", digest=digest_inputs("gompertz", Tables()))
    return replace(run, record=record, settings=Settings(model="gompertz"))


def test_equations_are_those_of_the_model_while_tables_and_equations_are_what_they_were(gompertz):
    assert find_equations(gompertz) == digest_equations(load_model("gompertz"))


def test_equations_are_not_known_where_something_has_changed_or_is_gone(gompertz):
    other = replace(gompertz, record=replace(gompertz.record, digest="1.1:" + "0" * 64))
    assert find_equations(other) is None
    assert find_equations(replace(gompertz, settings=Settings(model="gompertz", data=Path("absent")))) is None
    assert find_equations(replace(gompertz, record=replace(gompertz.record, model="unknown"))) is None


def test_every_run_has_a_label_of_its_own():
    paths = [Path("one"), Path("one"), Path("deep/run"), Path("deeper/run"), Path("one")]
    labels = label_runs(paths)
    assert labels == ("one", "one (2)", "deep/run", "deeper/run", "one (3)")
