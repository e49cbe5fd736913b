"""A folder with the package's tables, to be damaged."""

import csv
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from kinimmune.fitting.claims.table import read_claims
from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.models.errors import DataError
from kinimmune.models.tables.case_mix import examine_case_mix
from kinimmune.models.tables.covariate_effects import examine_effects
from kinimmune.models.tables.covariates import examine_covariates
from kinimmune.models.tables.experiments import examine_experiments
from kinimmune.models.tables.files import TABLES
from kinimmune.models.tables.measurements import examine_measurements
from kinimmune.models.tables.published import examine_curves, examine_patients
from kinimmune.models.tables.readers import (
    read_cell_lines,
    read_criteria,
    read_drugs,
    read_kinases,
    read_limitations,
    read_observations,
    read_panels,
    read_parameters,
    read_sources,
    read_trials,
)
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.treatments import examine_regimens

READERS = {
    "sources.csv": read_sources,
    "drugs.csv": read_drugs,
    "kinases.csv": read_kinases,
    "cell_lines.csv": read_cell_lines,
    "trials.csv": read_trials,
    "arms.csv": read_trials,
    "regimens.csv": lambda tables: examine_regimens(tables).require(),
    "design.csv": read_trials,
    "follow_up.csv": read_trials,
    "criteria.csv": read_criteria,
    "observations.csv": read_observations,
    "targets.csv": read_targets,
    "curves.csv": lambda tables: examine_curves(tables).require(),
    "patients.csv": lambda tables: examine_patients(tables).require(),
    "covariates.csv": lambda tables: examine_covariates(tables).require(),
    "case_mix.csv": lambda tables: examine_case_mix(tables).require(),
    "covariate_effects.csv": lambda tables: examine_effects(tables).require(),
    "measurements.csv": lambda tables: examine_measurements(tables).require(),
    "parameters.csv": lambda tables: read_parameters("hcc_trial", tables),
    "experiments.csv": lambda tables: examine_experiments(tables).require(),
    "claims.csv": read_claims,
    "panels.csv": lambda tables: read_panels("hcc_mouse", tables),
    "limitations.csv": read_limitations,
}


@dataclass(frozen=True)
class TableFolder:
    """Tables on disk and what is done to them; lines count from 1, the header."""

    path: Path

    def rows_of(self, name):
        with (self.path / name).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def save(self, name, rows):
        with (self.path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def line_of(self, table, /, **cells):
        """Return the line of the first row with these cells."""
        header, *rows = self.rows_of(table)
        wanted = {header.index(column): cell for column, cell in cells.items()}
        return next(line for line, row in enumerate(rows, 2) if all(row[index] == cell for index, cell in wanted.items()))

    def put(self, table, line, /, **cells):
        rows = self.rows_of(table)
        for column, cell in cells.items():
            rows[line - 1][rows[0].index(column)] = cell
        self.save(table, rows)

    def drop(self, name, line):
        self.save(name, [row for number, row in enumerate(self.rows_of(name), 1) if number != line])

    def read(self, name):
        return READERS[name](Tables(self.path))

    def assert_found(self, name, column, message, line=None):
        """One finding about the file, with its place, and the reader says the same."""
        findings = [finding for finding in check(Tables(self.path)) if finding.file == name]
        assert [(finding.row, finding.column, finding.message) for finding in findings] == [(line, column, message)]
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            self.read(name)

    def assert_only_finding(self, name, line, column, start):
        """One finding in the whole folder, whose message starts so, and the reader says the same."""
        (finding,) = check(Tables(self.path))
        assert (finding.file, finding.row, finding.column) == (name, line, column)
        assert finding.message.startswith(start)
        with pytest.raises(DataError, match=f"^{re.escape(finding.message)}$"):
            self.read(name)


@pytest.fixture
def folder(tmp_path):
    for name in TABLES:
        (tmp_path / name).write_bytes(files("kinimmune.data").joinpath(name).read_bytes())
    return TableFolder(tmp_path)


@pytest.fixture
def trial(folder):
    """Return the package's tables with experiments and claims about `hcc_trial` alone, so that one model is built."""
    for name in ("experiments.csv", "claims.csv"):
        header, *rows = folder.rows_of(name)
        place = header.index("model")
        folder.save(name, [header, *(row for row in rows if row[place] == "hcc_trial")])
    header, *rows = folder.rows_of("parameters.csv")
    folder.save("parameters.csv", [header, *(row for row in rows if "hcc_trial" in row[0].split())])
    return folder
