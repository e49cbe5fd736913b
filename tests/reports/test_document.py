"""A report of an invented trial with closed-form courses: everything is drawn, set, reproducible and free of machine paths."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typst
from report_example import make_content

from kinimmune import reports
from kinimmune.models.errors import DataError
from kinimmune.reports.content import Content, ModelContent
from kinimmune.reports.document import set_pages, write_model_report, write_report
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.panels import NominalCourse
from kinimmune.reports.typesetting.blocks import FigureBlock, Heading, Strong, TableBlock


@pytest.fixture(scope="module")
def content():
    return make_content()


@pytest.fixture(scope="module")
def report(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    warnings = write_report(content, folder, (folder / "report.pdf").write_bytes)
    return folder, warnings


def test_every_figure_is_drawn_and_its_data_stand_beside_it(content, report):
    folder, warnings = report
    assert warnings == ()
    for recipe in list_figures(content):
        assert (folder / "figures" / f"{recipe.name}.svg").read_bytes().lstrip().startswith(b"<?xml")
        rows = list(csv.reader(io.StringIO((folder / "figures" / f"{recipe.name}.csv").read_text(encoding="utf-8"))))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


def test_csv_beside_the_survival_figure_holds_the_drawn_values(content, report):
    rows = list(csv.DictReader(io.StringIO((report[0] / "figures" / "survival.csv").read_text(encoding="utf-8"))))
    arm = content.trial.arms[0]
    own = [float(row["survival"]) for row in rows if (row["study"], row["arm"]) == (arm.study, arm.arm)]
    assert own == list(arm.survival)


def test_same_run_gives_the_same_bytes(content, report, tmp_path):
    write_report(content, tmp_path, (tmp_path / "report.pdf").write_bytes)
    first = {path.relative_to(report[0]): path.read_bytes() for path in sorted(report[0].rglob("*")) if path.is_file()}
    second = {path.relative_to(tmp_path): path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    assert first == second


def test_no_path_of_the_machine_and_no_date_of_the_day_is_written(report):
    folder, _ = report
    home = re.escape(str(Path.home()).encode())
    here = re.escape(str(Path.cwd()).encode())
    inside = re.escape(str(folder).encode())
    for path in [folder / "report.pdf", *(folder / "figures").iterdir()]:
        assert not re.search(b"|".join([home + b"/", here, inside]), path.read_bytes())
    assert b"D:20260131120000" in (folder / "report.pdf").read_bytes()


def test_report_is_18_to_25_pages(report):
    pages = re.findall(rb"/Type\s*/Page\b", (report[0] / "report.pdf").read_bytes())
    assert 18 <= len(pages) <= 25


def test_sections_stand_in_their_order(content):
    titles = [block.text for block in compose_report(content, {}).blocks if isinstance(block, Heading) and block.level == 1]
    assert titles == [
        "Context of use",
        "The fit",
        "Predictions that were not fitted",
        "The virtual trial",
        "Virtual patients",
        "When treatment stops",
        "What the data determined",
        "The model",
        "Constants",
        "Numerical accuracy",
        "Limitations",
        "Sources",
        "Provenance",
    ]


def test_figure_that_cannot_be_drawn_is_a_box_and_a_warning(content, tmp_path):
    broken = replace(content.trial.arms[0], survival=(1.0, 0.5))
    trial = replace(content.trial, arms=(broken, content.trial.arms[1]), contrasts=content.trial.contrasts[:1], stop_rules=())
    fit = replace(content.fit, starts=(), correlation=())
    warnings = write_report(replace(content, fit=fit, trial=trial), tmp_path, (tmp_path / "report.pdf").write_bytes)
    assert [text.partition(" could not be drawn: ValueError: ")[0] for text in warnings] == [
        "figure 'survival'",
        "figure 'treatment'",
    ]
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert not (tmp_path / "figures" / "survival.svg").exists()


def test_figure_of_an_earlier_report_does_not_survive_a_failure(content, tmp_path):
    recipe = next(item for item in list_figures(content) if item.name == "forest")
    draw_all([recipe], tmp_path)
    failed = draw_all([replace(recipe, draw=lambda: [][0])], tmp_path)
    assert failed["forest"].block == FigureBlock("forest", recipe.caption, None, "IndexError: list index out of range")
    assert not (tmp_path / "forest.svg").exists()


def test_summary_says_plainly_when_the_model_is_no_better_than_its_null(content):
    better = json.dumps(compose_report(content, {}).as_plain()["summary"])
    worse_fit = replace(content.fit, q_model=2.2)
    worse = json.dumps(compose_report(replace(content, fit=worse_fit), {}).as_plain()["summary"])
    assert "on these ratios the model is no better than its null" not in better
    assert "on these ratios the model is no better than its null" in worse
    assert "For TTP the model is no better than its null." in better


def test_text_from_tables_is_printed_and_never_evaluated(content):
    markup = '#read("content.json") *bold* $x$ \\ <label> @ref'
    fit = replace(content.fit, starts=(replace(content.fit.starts[0], message=markup),))
    document = compose_report(replace(content, fit=fit, provenance={"command": markup}), {})
    assert set_pages(replace(document, title=markup, summary=(markup,)), {}, {}).startswith(b"%PDF")


def test_symbol_that_is_no_notation_is_refused(content):
    estimate = replace(content.fit.parameters[0], symbol='std.read("content.json")')
    fit = replace(content.fit, parameters=(estimate, *content.fit.parameters[1:]))
    with pytest.raises(DataError, match="is no plain notation"):
        compose_report(replace(content, fit=fit), {})


def test_start_that_is_no_time_is_refused(content):
    with pytest.raises(DataError, match=r"'started' = 'yesterday' in run\.json is no ISO 8601 time"):
        set_pages(compose_report(content, {}), {}, {"started": "yesterday"})


def test_pages_leave_out_what_a_run_does_not_have(content):
    fit = replace(content.fit, unfitted=(), transport=(), starts=(), correlation=(), q_model=None, q_null=None)
    trial = replace(content.trial, stop_rules=(), quadrature=(), notes=())
    bare = Content(content.model, fit, trial, {})
    blocks = compose_report(bare, {}).blocks
    titles = [block.text for block in blocks if isinstance(block, Heading)]
    assert not {"Predictions that were not fitted", "When treatment stops", "Sources", "Provenance", "Kinases"} & set(titles)
    assert all(block.table.rows for block in blocks if isinstance(block, TableBlock))


def test_fit_table_prints_reported_and_predicted_scans(content):
    tables = [block.table for block in compose_report(content, {}).blocks if isinstance(block, TableBlock)]
    fitted = next(table for table in tables if "Residual" in table.columns)
    scans = [row[7] for row in fitted.rows if row[0] == "TTP median"]
    assert scans == ["4 | 4", "2 | 2", "2 | 2", "1 | 1"]
    assert fitted.rows[0][6] == Strong("10.9")


def test_model_report_needs_no_fit(content, tmp_path):
    days = np.linspace(0.0, 360.0, 61)
    courses = tuple(NominalCourse(arm, days, {"treg_number": 1.0 + 0.0 * days, "concentration": scale * days}) for arm, scale in
                    (("sorafenib", 0.01), ("placebo", 0.0)))  # fmt: skip
    subject = ModelContent(content.model, courses, content.references, content.kinases, {"python": "3.11"})
    assert write_model_report(subject, tmp_path, (tmp_path / "model.pdf").write_bytes) == ()
    assert (tmp_path / "model.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "figures" / "nominal.csv").is_file()


NAME = "sorafenib_pembrolizumab_after_progression"
CELLS = {"text": NAME, "strong": {"strong": NAME}, "mark": {"mark": NAME}, "spans": ["of ", NAME]}
PROBE = """
#import "report.typ": table-of
#let height(width) = measure(width: width, table-of(json("table.json"), false)).height.pt()
#context [#metadata((height(40cm), height(4cm))) <heights>]
"""


@pytest.mark.parametrize("kind", ["header", *CELLS])
def test_a_name_with_underscores_breaks_in_every_kind_of_cell_where_a_column_is_narrow(tmp_path, kind):
    """In a narrow table its row is higher than in a wide one: the name goes on in the next line, not over the next column."""
    columns, cell = (NAME if kind == "header" else "", "n"), CELLS.get(kind, "")
    table = {"columns": columns, "rows": [(cell, "1")], "align": "lr", "widths": (1, 1), "group": None}
    empty = dict.fromkeys(("title", "subtitle", "running_title", "date"), "") | {"facts": [], "summary": [], "blocks": []}
    for name, value in (("content", empty), ("table", table)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    for name in ("report.typ", "diagram.typ"):
        (tmp_path / name).write_bytes((Path(reports.__file__).parent / name).read_bytes())
    (tmp_path / "main.typ").write_text(PROBE, encoding="utf-8")
    ((wide, narrow),) = json.loads(typst.query(tmp_path / "main.typ", "<heights>", field="value", ignore_system_fonts=True))
    assert narrow > wide + 8.0
