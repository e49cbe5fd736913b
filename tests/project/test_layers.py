"""Who may import what, where import-linter cannot say it: sub-packages of other projects, and evaluation of text."""

import ast
import subprocess
import sys

import pytest
from paths import ROOT

PACKAGES = ("models", "fitting", "reports", "cli")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported(path):
    """Names of all modules a file imports, also within functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def importers(module):
    """Files of the packages that import a module or a part of it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if any(name == module or name.startswith(f"{module}.") for name in imported(path))
    }


def test_sources_are_found():
    assert len(SOURCES) > 30


def test_one_patient_is_integrated_in_one_place():
    assert importers("scipy.integrate") == {"models/solvers/scipy_segment.py"}


def test_only_kernel_files_know_the_compiler():
    assert {path.rpartition("/")[0] for path in importers("numba") | importers("llvmlite")} == {"models/kernel"}


def test_units_are_parsed_in_one_place():
    assert importers("pint") == {"models/symbolic/units.py"}


def test_prints_are_in_the_command_line_alone():
    printing = {
        path.relative_to(ROOT).parts[0]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing == {"cli"}


def callers(name):
    """Files that call a function or method of that name."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == name
    }


@pytest.mark.parametrize("name", ["eval", "sympify", "parse_expr", "literal_eval"])
def test_no_text_is_evaluated(name):
    assert callers(name) == set()


def test_only_kernels_of_its_own_and_a_model_file_the_user_named_are_executed():
    assert callers("exec") == {"models/kernel/cache.py", "models/model_file.py"}
    assert callers("open_model") == {
        "cli/commands/claims.py",
        "cli/commands/explore.py",
        "cli/commands/predict.py",
        "cli/commands/report.py",
        "cli/commands/show.py",
        "cli/commands/simulate.py",
        "cli/printing/offers.py",  # of `list`, which runs plug-ins too
        "fitting/runs/kept_model.py",  # for a run that is about to begin
    }
    assert callers("open_plug_in") == {"cli/printing/offers.py", "models/model_file.py"}


@pytest.mark.parametrize("module", ["pickle", "dill", "shelve", "marshal", "joblib"])
def test_nothing_is_unpickled(module):
    assert importers(module) == set()


def test_importing_the_command_line_loads_nothing_heavy():
    heavy = {"sympy", "numpy", "scipy", "numba", "lmfit", "matplotlib", "seaborn", "pydantic", "pint", "rich", "typst"}
    program = "import sys, kinimmune.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "kinimmune.cli.main" in loaded
    assert heavy & set(loaded) == set()
