"""Generic code knows no model: what belongs to one disease, drug or trial stands in the library and in the tables."""

import ast
import re
from functools import cache

import pytest
from paths import ROOT

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.tables.readers import read_experiments, read_kinases, read_trials

GENERIC = (
    "models/symbolic",
    "models/kernel",
    "models/solvers",
    "models/trial",
    "models/experiments",
    "models/tables",
    "models/lint.py",
    "models/catalogue.py",
    "models/model_file.py",
    "fitting",
    "reports",
    "cli",
    "api",
)
"""Folders and files of generic code."""
SPECIFIC = ("fitting/claims/readouts", "cli/self_test.py")
"""What in those folders is about one model: its read-outs, and the self-test, which solves one with a closed form."""
PLAIN_WORDS = {
    "body_surface_area": "the size of a patient that doses per square metre are converted by, `PER_BODY`",
    "log_diameter": "the role of an output in `TrialRoles`",
    "rise": "how much above its smallest value so far an event is, the event's own word",
    "untreated": "no arm and no experiment given",
}  # fmt: skip
"""Names of library models that are ordinary words -> what they mean in generic code; reviewed one by one."""
PUBLISHED = {"fitting/estimation/trial_results.py": {"liver_death_share"}}
"""File of generic code -> keys of published JSON that happen to be names of a model."""


@cache
def library_names():
    """Names of states, inputs, definitions, read-outs and parameters of all models, of studies, arms and experiments."""
    names: set[str] = set()
    for trial in read_trials():
        names |= {trial.study, *(arm.name for arm in trial.arms)}
    for model in map(load_model, model_names()):
        names |= {*model.labels, *model.parameter_names, *(item.name for item in read_experiments(model))}
    return frozenset(names)


@cache
def library_words():
    """Words a reader sees that belong to one model or trial: titles of studies, kinases, and abbreviations in labels."""
    words = {trial.title for trial in read_trials()} | {kinase.name for kinase in read_kinases()}
    for model in map(load_model, model_names()):
        labels = (*model.labels.values(), *model.interaction_labels.values(), *(item.label for item in model.mechanisms))
        words |= {word for label in labels for word in label.split() if re.search(r"\d|[A-Z].*[A-Z]", word)}
    return frozenset(words)


def sources(place):
    paths = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
    return [path for path in paths if not any(path.is_relative_to(ROOT / own) for own in SPECIFIC)]


def texts_of(tree):
    """Return the string constants of a module that are no docstrings."""
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented
    }


def words_of(tree):
    """Return the string constants, attributes and names of arguments of a module."""
    words = texts_of(tree)
    words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return words | {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_there_are_names_to_look_for():
    assert {"il15_complex", "dose_rate", "growth", "sharp", "placebo", "vehicle", "kill_volume"} <= library_names()
    assert {"SHARP", "IL-15", "MICA/B", "PD-1+", "FLT-3", "RAF/MEK/ERK"} <= library_words()


@pytest.mark.parametrize("place", GENERIC)
def test_generic_code_knows_no_name_of_a_library_model(place):
    known = {name_of(path): words_of(parse(path)) & library_names() - PLAIN_WORDS.keys() for path in sources(place)}
    assert known  # the folder is there
    allowed = {name: PUBLISHED.get(name, set()) for name in known}
    assert {name: sorted(words - allowed[name]) for name, words in known.items() if words - allowed[name]} == {}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_keys_are_still_there(name):
    assert words_of(parse(ROOT / name)) & library_names() - PLAIN_WORDS.keys() == PUBLISHED[name]


def test_every_plain_word_is_a_name_of_a_model_and_used():
    used = set().union(*(words_of(parse(path)) for place in GENERIC for path in sources(place)))
    assert PLAIN_WORDS.keys() <= library_names() & used


@pytest.mark.parametrize("place", ["models/tables", "reports"])
def test_no_text_of_a_report_has_words_of_one_model_or_trial(place):
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(word)}(?![\w-])" for word in sorted(library_words(), key=len)[::-1]))
    found = {name_of(path): [text for text in texts_of(parse(path)) if pattern.search(text)] for path in sources(place)}
    assert {name: texts for name, texts in found.items() if texts} == {}
