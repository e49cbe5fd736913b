"""Finished fits to compare, without a run on disk: the invented trial of the reports, changed as a test needs it.

Start with `make_run`.
"""

import math
from dataclasses import replace
from pathlib import Path

from report_example import make_content

from kinimmune.fitting.comparison.reading import FittedRun
from kinimmune.fitting.runs.provenance import Environment
from kinimmune.fitting.runs.run import RunRecord, RunStatus
from kinimmune.fitting.settings import Settings

DIGEST = "1.1:0123456789abcdef"


def make_run(label="first", **changed):
    """Return a finished fit; `changed` goes into its result."""
    content = make_content()
    environment = Environment("3.11.7", "Linux x86_64", "one", {"numpy": "2.4.6"})
    inputs = {"targets.csv": "ab" * 32}
    record = RunRecord(
        ("kinimmune",), "hcc_trial", 1, "2026-01-31T12:00:00+00:00", environment, inputs, RunStatus.DONE, digest=DIGEST
    )
    targets = tuple(replace(row, residual=_residual(row)) for row in content.fit.targets)
    fit = replace(content.fit, targets=targets, **changed)
    return FittedRun(label, Path("runs", label), record, Settings(model="hcc_trial", jobs=1), fit, content.trial, None)


def _residual(row):
    """Return a residual that tells the standard error of ln 0.1 of a median of OS, and any other of one of TTP."""
    return math.log(row.predicted / row.observed) / 0.1 if row.endpoint == "os" else row.residual


def change_fit(run, label="second", **changed):
    """Return a run with another label and what is changed in the result of its fit."""
    return replace(run, label=label, fit=replace(run.fit, **changed))


def change_rows(rows, endpoint, **changed):
    """Return rows with something changed in the first of an endpoint."""
    place = next(index for index, row in enumerate(rows) if row.endpoint == endpoint)
    return (*rows[:place], replace(rows[place], **changed), *rows[place + 1 :])
