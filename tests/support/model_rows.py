"""Rows of experiments.csv and claims.csv, and what is found about them."""

import re

import pytest

from kinimmune.fitting.claims.table import read_claims
from kinimmune.fitting.lint import check, require
from kinimmune.models.errors import DataError
from kinimmune.models.tables.experiments import examine_experiments
from kinimmune.models.tables.rows import Tables

EXPERIMENTS, CLAIMS = "experiments.csv", "claims.csv"
READERS = {EXPERIMENTS: lambda tables: examine_experiments(tables).require(), CLAIMS: read_claims}


def add(folder, name, **cells):
    """Append a row and return its line."""
    rows = folder.rows_of(name)
    folder.save(name, [*rows, [cells.get(column, "") for column in rows[0]]])
    return len(rows) + 1


def add_experiment(folder, **cells):
    origin = {"model": "hcc_trial", "source": "assumption", "locator": "data/README.md", "status": "assumed"}
    return add(folder, EXPERIMENTS, **origin | {"experiment": "odd", **cells})


def claim_line(folder, identity="C1a"):
    return folder.line_of(CLAIMS, id=identity)


def found(folder):
    return [(item.file, item.row, item.column, item.message) for item in check(Tables(folder.path))]


def assert_refused(folder, name, line, column, problem, advice):
    """One finding of `check`, which the reader of the table raises as well."""
    message = f"{problem} ({name} row {line}); {advice}"
    assert found(folder) == [(name, line, column, message)]
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        READERS[name](Tables(folder.path))


def assert_misnamed(folder, name, line, column, problem, advice):
    """One finding that only the model shows; the table alone can be read."""
    assert found(folder) == [(name, line, column, f"{problem} ({name} row {line}); {advice}")]
    READERS[name](Tables(folder.path))
    require(Tables(folder.path))
