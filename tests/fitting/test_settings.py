"""Options of a command, the configuration file and the inputs of tasks: one declaration, and each reads back what it wrote."""

import json
import tomllib
from pathlib import Path

import pytest
from paths import OWN_TRIAL

from kinimmune.fitting.configuration import hold_the_same, parse_options, read_configuration, read_settings, write_configuration
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.fittable import choose_changes
from kinimmune.fitting.problem.settings import ProblemSettings, describe_problem
from kinimmune.fitting.settings import FitOptions, SampleOptions, Settings
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.rows import Tables


def test_options_go_before_the_file_and_the_file_before_defaults(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('seed = 7\ndata = "tables"\n[fit]\npatients = 64\nstarts = 5\n')

    settings = read_settings(file, {"seed": None, "jobs": 2, "fit": {"patients": 128, "starts": None}})

    assert (settings.seed, settings.jobs, settings.fit.patients, settings.fit.starts) == (7, 2, 128, 5)
    assert settings.data == tmp_path / "tables"
    assert (settings.fit.integrator, settings.simulate.days) == ("kernel", None)


@pytest.mark.parametrize("lines", ["\n", "\r\n"])
def test_a_byte_order_mark_and_line_ends_of_another_system_change_nothing(tmp_path, lines):
    file = tmp_path / "config.toml"
    file.write_bytes(lines.join(["\ufeffseed = 7", "[fit]", "patients = 64", ""]).encode())

    settings = read_configuration(file)

    assert (settings.seed, settings.fit.patients) == (7, 64)


def test_a_written_configuration_reads_back(tmp_path):
    data = Path('/a "b\\c')
    options = FitOptions(patients=64, starts=2, stop_rule="never")
    file = tmp_path / "config.toml"
    file.write_text(write_configuration(Settings(model="hcc_trial", data=data, seed=3, jobs=1, fit=options), "fit"))

    settings = read_configuration(file)

    assert (settings.model, settings.data, settings.seed) == ("hcc_trial", data, 3)
    assert settings.fit == options
    assert "stop_rule" not in write_configuration(Settings(), "fit")


def test_a_configuration_of_before_holds_the_same_as_one_of_today():
    """The text is that of a run made at commit 735154f."""
    before = """model = "hcc_trial"
data = "/tables"
seed = 1
jobs = 2

[fit]
patients = 8
starts = 2
integrator = "kernel"
compare_rules = false
"""
    settings = Settings(model="hcc_trial", data=Path("/tables"), jobs=2, fit=FitOptions(patients=8, starts=2))

    assert hold_the_same(before, write_configuration(settings, "fit"))
    assert not hold_the_same(before, write_configuration(settings.model_copy(update={"seed": 2}), "fit"))


def test_the_example_configuration_is_one():
    settings = read_configuration(OWN_TRIAL / "config.toml")

    assert settings.data == OWN_TRIAL
    assert settings.model_dump(exclude_unset=True)["fit"] == tomllib.loads((OWN_TRIAL / "config.toml").read_text())["fit"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 'one'", "config.toml, key 'seed': 'one' cannot be used; input should be a valid integer"),
        ("sed = 1", "config.toml, key 'sed': unknown; did you mean 'seed'"),
        ("[fit]\nstrats = 1", "key 'fit.strats': unknown; did you mean 'starts'"),
        ("[fit]\nstart = 1", "key 'fit.start': '1' cannot be used; write a table with a line NAME = ... for each parameter"),
        ("[fit.start]\ngrowth = true", "key 'fit.start.growth': 'True' cannot be used; write a number"),
        ("[fit.fix]\ngrowth = false", "key 'fit.fix.growth': 'False' cannot be used; write a number, or true to hold it"),
        ("[fit.fix]\ngrowth = nan", "key 'fit.fix.growth': 'nan' cannot be used; write a number"),
        ("[fit.prior]\ngrowth = 'flat(1, 2)'", "key 'fit.prior.growth': 'flat.1, 2.' cannot be used; 'flat.1, 2.' is no prior"),
        ("[fit]\npatients = 100", "'100' cannot be used; must be a power of two, such as 64 or 128"),
        ("seed = ", "config.toml is no TOML: Invalid value"),
    ],
)
def test_a_configuration_that_cannot_be_used_names_file_and_key(tmp_path, text, message):
    file = tmp_path / "config.toml"
    file.write_text(text)

    with pytest.raises(DataError, match=message):
        read_settings(file, {})


@pytest.mark.parametrize("patients", [-1, 0, 3, 100, 511])
def test_patients_are_a_power_of_two(patients):
    with pytest.raises(UsageError, match=r"--patients: .*must be a power of two"):
        read_settings(None, {"fit": {"patients": patients}})


def test_the_inputs_of_a_task_are_those_of_runs_of_before_and_read_back():
    """Keys and values as the run made at commit 735154f has them; only the digest of its tables had another form."""
    options = FitOptions(patients=8, starts=2)

    problem = describe_problem("hcc_trial", Tables(), 1, options)

    tables = digest_inputs("hcc_trial", Tables())
    before = {"model": "hcc_trial", "tables": tables, "patients": 8, "seed": 1, "stop_rule": None, "integrator": "kernel"}
    assert json.loads(json.dumps(problem.plain)) == before
    assert ProblemSettings(**before) == problem
    assert problem.with_patients(None) == problem
    assert problem.with_patients(16).plain == {**before, "patients": 16}


def test_an_option_that_is_not_given_is_left_to_its_default():
    assert parse_options(SampleOptions, {"steps": None, "seed": 3}) == SampleOptions(seed=3)
    with pytest.raises(UsageError, match=r"^--patients: '100' cannot be used; must be a power of two, such as 64 or 128"):
        parse_options(SampleOptions, {"patients": 100})


CHANGES = FitOptions(
    fix={"growth": True, "kappa:sharp": 2.0},
    free=["erk_rate"],
    prior={"growth:sharp": "lognormal(0.005, 0.5)"},
    start={"immune_kill": 0.002},
)


def test_changes_of_parameters_read_back_from_the_configuration_of_a_run(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(write_configuration(Settings(fit=CHANGES), "fit"))

    assert read_configuration(file).fit == CHANGES
    assert read_configuration(file).fit.fix["growth"] is True


def test_a_configuration_without_changes_has_no_word_of_them():
    assert not {"fix", "free", "prior", "start"} & set(tomllib.loads(write_configuration(Settings(), "fit"))["fit"])


@pytest.mark.parametrize(
    ("given", "fix", "free", "start"),
    [
        ({}, {"growth": True, "kappa:sharp": 2.0}, ["erk_rate"], {"immune_kill": 0.002}),
        ({"fix": {"kappa": 3.0}}, {"growth": True, "kappa": 3.0}, ["erk_rate"], {"immune_kill": 0.002}),
        ({"free": ["growth"]}, {"kappa:sharp": 2.0}, ["erk_rate", "growth"], {"immune_kill": 0.002}),
        ({"fix": {"erk_rate": True, "immune_kill": True}}, {**CHANGES.fix, "erk_rate": True, "immune_kill": True}, [], {}),
        ({"start": {"growth": 1.0}}, CHANGES.fix, ["erk_rate"], {"immune_kill": 0.002, "growth": 1.0}),
        ({"fix": None, "patients": 8}, CHANGES.fix, ["erk_rate"], {"immune_kill": 0.002}),
    ],
)
def test_the_command_line_has_the_last_word_of_each_parameter(tmp_path, given, fix, free, start):
    file = tmp_path / "config.toml"
    file.write_text(write_configuration(Settings(fit=CHANGES), "fit"))

    found = read_settings(file, {"fit": given}).fit

    assert (found.fix, found.free, found.start) == (fix, free, start)
    assert found.prior == CHANGES.prior


def test_a_task_without_changes_has_the_inputs_of_before_there_were_any():
    plain = describe_problem("hcc_trial", Tables(), 1, FitOptions()).plain

    assert set(plain) == {"patients", "stop_rule", "integrator", "model", "tables", "seed"}


def test_a_task_with_changes_builds_the_same_problem_from_json():
    asked = FitOptions(fix={"immune_kill": 0.003}, free=["erk_rate"], prior={"growth:sharp": "lognormal(0.006, 0.4)"})
    changes = choose_changes("hcc_trial", Tables(), asked)
    settings = describe_problem("hcc_trial", Tables(), 1, asked, changes)

    back = ProblemSettings(**json.loads(json.dumps(settings.plain)))

    assert (back, hash(back)) == (settings, hash(settings))
    assert back.plain == settings.plain
    assert settings.tables == describe_problem("hcc_trial", Tables(), 1, FitOptions()).tables
