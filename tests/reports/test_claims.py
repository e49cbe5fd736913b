"""Pages on claims and pictures of experiments: what is counted, what is drawn, and which sources are listed."""

import math
from dataclasses import replace

import numpy as np
import pytest
from gompertz_claims import write_tables
from report_example import make_content

from kinimmune.fitting.claims.results import Ablation, ClaimRecord
from kinimmune.fitting.estimation.run_files import CLAIMS, read_tested_claims, write_claims, write_results
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.runs.provenance import current_environment
from kinimmune.fitting.runs.run import RunRecord, create_run
from kinimmune.models.catalogue import load_model
from kinimmune.models.experiments.panels import BarPanel, CoursePanel, SeriesPanel, select_panels
from kinimmune.models.tables.readers import (
    read_days,
    read_drugs,
    read_experiments,
    read_observations,
    read_panels,
    read_sources,
)
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.content import ModelContent
from kinimmune.reports.document import set_pages, write_model_report
from kinimmune.reports.figures.claims import plot_claims
from kinimmune.reports.figures.panels import list_picture, plot_picture
from kinimmune.reports.figures.style import render_svg
from kinimmune.reports.gather import ReportedClaims, gather_run
from kinimmune.reports.gather_panels import choose_times, gather_picture
from kinimmune.reports.pages.citations import cited_in_model, cited_in_run
from kinimmune.reports.pages.claims import compose_claims, list_claims, list_fitted_claims
from kinimmune.reports.pages.model import compose_model_report
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.panels import NominalCourse, Picture, SteppedSeries
from kinimmune.reports.typesetting.blocks import Bullets, Heading, Paragraph, TableBlock


def make_claim(name, kind="emergent", verdict="supported", source="document002", explanation=None):
    disputed = kind == "conflict"
    return ClaimRecord(
        id=name, model="hcc_trial", text=f"what {name} says", source=source, kind=kind, holds=verdict != "failed", value=0.5,
        comparison="<", bound=0.95, draws=200, fraction=0.9, fraction_lower=0.85, fraction_upper=0.94,
        fraction_halved=None if disputed else 0.97, fraction_halved_lower=None if disputed else 0.93,
        fraction_halved_upper=None if disputed else 0.99, sign_fixed_by_prior=False, verdict=verdict, explanation=explanation,
        ablations=() if disputed else (Ablation("raf_inhibition", verdict == "vacuous", 0.25),),
        holds_without={} if disputed else {"raf_inhibition": verdict == "vacuous", "vegfr2_block": True},
    )  # fmt: skip


CLAIM_ROWS = (
    make_claim("A1"),
    make_claim("A2", verdict="vacuous"),
    make_claim("A3", verdict="failed", explanation="it does not hold and #emph[nobody] knows why"),
    make_claim("A4", kind="prediction", source=None),
    make_claim("A5", kind="conflict", verdict="disputed", source=None),
    make_claim("A6", verdict="undecided", explanation="more draws would tell"),
)


@pytest.fixture(scope="module")
def content():
    return make_content()


def flatten(cell):
    return "".join(
        part if isinstance(part, str) else next(iter(vars(part).values())) for part in ((cell,), cell)[isinstance(cell, tuple)]
    )


def test_what_documents_state_is_counted_apart():
    blocks = compose_claims(CLAIM_ROWS, {})
    (counts, explained, undecided) = (block for block in blocks if isinstance(block, Bullets))
    assert [flatten(entry) for entry in counts.entries] == [
        "Stated by a document: 4. 1 supported, 1 vacuous, 1 undecided, 1 failed; 1 explained.",
        "Stated by none (predictions): 1. 1 supported; 0 explained.",
        "Disputed in the literature: 1. Not scored.",
    ]
    assert [flatten(entry) for entry in explained.entries] == ["A3. it does not hold and #emph[nobody] knows why"]
    assert [flatten(entry) for entry in undecided.entries] == ["A6. more draws would tell"]


def test_claims_that_no_draw_contradicts_are_counted():
    """Their sign was put in by the equations or the priors."""
    (counts,) = (
        block for block in compose_claims((replace(CLAIM_ROWS[0], sign_fixed_by_prior=True),), {}) if isinstance(block, Bullets)
    )
    assert flatten(counts.entries[0]).endswith("1 supported; 0 explained; no draw contradicts 1 of them.")


def test_a_value_has_its_unit_and_what_is_disputed_no_bound():
    """The boundary of a dispute need not lie beyond anything."""
    rows = (replace(CLAIM_ROWS[0], unit="umol/L"), replace(CLAIM_ROWS[4], unit="1/d"), CLAIM_ROWS[1])
    assert [row[4] for row in list_claims(rows).rows] == ["0.5 umol/L (< 0.95)", "0.5 1/d", "0.5 (< 0.95)"]
    assert [row[2] for row in list_fitted_claims(rows).rows] == ["– (< 0.95)", "–", "– (< 0.95)"]


def test_claims_about_what_the_run_fitted_are_named_as_no_test():
    """Where none was fitted nothing is said."""
    claims = [at_the_fit(item, 1.0, 1.0) for item in CLAIM_ROWS[:2]]
    fitted = [replace(claims[0], fitted_itself=True), claims[1]]
    told = [block.content for block in compose_claims(fitted, {}) if isinstance(block, Paragraph)]
    assert "No test here, because the run fitted what they compare: A1." in told
    assert not any("No test" in str(block) for block in compose_claims(claims, {}))


def at_the_fit(item, drawn, held):
    """Return a claim as a run of 400 draws has it, each share with an interval of .1."""
    ends = {"lower": -0.05, "upper": 0.05}
    shares = {"posterior_fraction": drawn, "posterior_fraction_held": held}
    moved = {f"{name}_{end}": value + shift for name, value in shares.items() for end, shift in ends.items()}
    return replace(item, basis="gaussian", fitted_value=0.7, posterior_draws=400, **shares, **moved)


def test_a_run_has_a_page_that_names_what_survives_less_often_at_its_fit(content):
    """Only a claim that is supported on prior draws can, and only beyond the error of both shares."""
    claims = (
        at_the_fit(CLAIM_ROWS[0], 0.3, 0.2),
        at_the_fit(CLAIM_ROWS[1], 0.3, 0.2),
        at_the_fit(CLAIM_ROWS[3], 0.84, 0.84),
        at_the_fit(replace(CLAIM_ROWS[0], id="A7"), 0.9, 0.2),
    )
    blocks = compose_claims(claims, {})
    titles = [block.text for block in blocks if isinstance(block, Heading)]
    assert titles[-1] == "Claims at the fit of this run"
    *_, losses = (block for block in blocks if isinstance(block, Bullets))
    assert [entry[:2] for entry in losses.entries] == ["A1", "A7"]
    assert losses.entries[0].startswith("A1 is supported on draws from the priors, of which 0.90 satisfy it, and survives less")
    row = list_fitted_claims(claims[:1]).rows[0]
    assert [flatten(cell) for cell in row] == [
        "A1", "supported", "0.7 (< 0.95)", "0.90 (0.85–0.94)", "0.30 (0.25–0.35)", "0.20 (0.15–0.25)",
    ]  # fmt: skip
    assert set_pages(compose_report(replace(content, claims=claims), {}), {}, {}).startswith(b"%PDF")
    usual = compose_claims(CLAIM_ROWS, {})
    assert "Claims at the fit of this run" not in {block.text for block in usual if isinstance(block, Heading)}


def test_no_claims_no_pages(content):
    assert compose_claims((), {}) == []
    assert "Claims" not in {block.text for block in compose_report(content, {}).blocks if isinstance(block, Heading)}


def test_claims_stand_between_the_estimates_and_the_model(content):
    blocks = compose_report(replace(content, claims=CLAIM_ROWS), {}).blocks
    titles = [block.text for block in blocks if isinstance(block, Heading) and block.level == 1]
    assert titles[titles.index("Claims") - 1 : titles.index("Claims") + 2] == ["What the data determined", "Claims", "The model"]


def test_a_row_has_value_bound_shares_and_what_removal_does():
    row = list_claims(CLAIM_ROWS[:1]).rows[0]
    assert [flatten(cell) for cell in row] == [
        "A1", "what A1 says", "emergent", "supported", "0.5 (< 0.95)", "0.90 (0.85–0.94)", "0.97 (0.93–0.99)",
        "raf_inhibition fails (0.25) ",
    ]  # fmt: skip


def test_matrix_marks_what_each_claim_breaks_on(content):
    figure = plot_claims(CLAIM_ROWS, content.labels)
    left, right = figure.axes
    assert [label.get_text().split()[0] for label in left.get_yticklabels()] == [item.id for item in CLAIM_ROWS]
    assert [label.get_text() for label in right.get_xticklabels()] == ["RAF inhibition", "VEGFR-2 block"]
    cells = {(round(patch.get_x() + 0.44), round(patch.get_y() + 0.44)): patch.get_facecolor() for patch in right.patches}
    assert set(cells) == {(column, row) for column in (0, 1) for row in (0, 1, 2, 3, 5)}
    broken, kept = cells[0, 0], cells[1, 0]
    assert broken != kept
    assert [cells[0, row] == broken for row in range(4)] == [True, False, False, True]  # A2 survives, A3 never held
    assert {text.get_text() for text in right.texts} == {".25"}


def test_claims_are_set_and_their_texts_never_evaluated(content):
    document = compose_report(replace(content, claims=CLAIM_ROWS), {})
    assert set_pages(document, {}, {}).startswith(b"%PDF")


def test_only_cited_sources_are_listed(content):
    everything = {item.key for item in read_sources()}
    run = replace(content, targets=read_targets(model="hcc_trial"), references=read_sources())
    cited = {item.key for item in cited_in_run(run)}
    model = {item.source.key for item in run.model.parameters}
    targets = {item.value_source.key for item in run.targets}
    assert model | targets | {item.source.key for item in run.observations} <= cited < everything
    other = next(iter(everything - cited))
    assert other not in {flatten(row[0]) for row in source_table(run).rows}
    claimed = replace(run, claims=(make_claim("A1", source=other),))
    assert other in {flatten(row[0]) for row in source_table(claimed).rows}


def test_a_report_has_the_values_and_sources_of_drugs_that_are_not_the_models_own(content):
    known = read_drugs()
    drug = known.describe(content.model.drugs[0], "regorafenib")
    subject = ModelContent(content.model, references=read_sources(), kinases=known.kinases, drugs=(drug,))
    assert drug.sources == {"stivarga_label", "assumption", "esmo_regorafenib", "convention", "wilhelm2011", "esmo_kinases"}
    assert drug.sources <= {item.key for item in cited_in_model(subject)}
    assert drug.sources <= {item.key for item in cited_in_run(replace(content, references=read_sources(), drugs=(drug,)))}
    tables = [block.table for block in compose_model_report(subject, {}).blocks if isinstance(block, TableBlock)]
    rows = [row for table in tables for row in table.rows if row[0] == "regorafenib"]
    assert len(rows) == len(drug.properties) + len(drug.kinases)
    assert ("regorafenib", "IC50 of VEGFR-2", "4.2") in {row[:3] for row in rows}


def source_table(run):
    tables = [block.table for block in compose_report(run, {}).blocks if isinstance(block, TableBlock)]
    return next(table for table in tables if "Identifier" in table.columns)


def test_report_of_a_model_lists_what_it_and_its_claims_cite(content):
    subject = ModelContent(content.model, references=read_sources(), claims=(make_claim("A1", source="document003"),))
    cited = {item.key for item in cited_in_model(subject)}
    assert cited == {item.source.key for item in content.model.parameters} | {"document003"}
    assert "Claims" in {block.text for block in compose_model_report(subject, {}).blocks if isinstance(block, Heading)}


@pytest.fixture
def run(tmp_path, content):
    folder = tmp_path / "tables"
    folder.mkdir()
    write_tables(folder, claims=("grows",))
    record = RunRecord(("kinimmune", "fit"), "gompertz", 1, "2026-01-31T12:00:00+00:00", current_environment(), {})
    made = create_run(tmp_path / "run", record)
    made.write("config.toml", f'model = "gompertz"\ndata = "{folder.as_posix()}"\n')
    write_results(made, content.fit, content.trial)
    return made


def test_claims_tested_for_a_run_are_kept_in_it(run):
    said = []

    def gather(draws):
        return gather_run(run, ReportedClaims(draws, 1, 1, said.append))[0].claims

    assert gather(None) == ()
    (tested,) = gather(32)
    assert (tested.id, tested.draws, said) == ("grows", 32, ["claims of gompertz", "claims of gompertz: 1 of 1, grows"])
    assert (run.path / CLAIMS).is_file()
    assert gather(None) == read_tested_claims(run) == (tested,)
    assert gather(0) == ()


def test_a_run_is_not_compared_with_numbers_about_other_models(run):
    """Numbers of no study are about a model, and none is about this one."""
    content, _ = gather_run(run, ReportedClaims(0, 1, 1, lambda _: None))
    assert any(item.study is None for item in read_observations())
    assert [item for item in content.observations if item.study is None] == []


def test_claims_of_a_run_read_back_as_they_were(run):
    write_claims(run, CLAIM_ROWS)
    assert read_tested_claims(run) == CLAIM_ROWS


@pytest.mark.parametrize("name", ["breast", "hcc_cells", "hcc_mouse", "melanoma"])
def test_every_panel_of_a_picture_can_be_drawn_from_the_tables(name):
    model, panels = load_model(name), read_panels(name)
    experiments = [item.name for item in read_experiments(model)]
    days = read_days(name)
    quantities = [*(item.name for item in model.states), *(item.name for item in model.outputs)]
    assert panels
    assert select_panels(panels, experiments, days, quantities) == panels
    stepped = {panel.parameter for panel in panels if isinstance(panel, SeriesPanel)}
    assert stepped <= set(model.parameter_names)


def test_panels_without_their_experiments_are_left_out():
    doses = ("vehicle", "sorafenib_10", "sorafenib_30", "sorafenib_60")
    panels = select_panels(read_panels("hcc_mouse"), doses, [], ["tumour_volume"])
    assert panels == (CoursePanel("Tumour volume", "tumour_volume", doses),)
    assert read_panels("gompertz") == ()


@pytest.fixture
def picture():
    days = np.linspace(0.0, 10.0, 21)
    courses = {
        name: NominalCourse(name, days, {"x": scale * np.exp(-0.1 * days)}) for name, scale in (("low", 1.0), ("high", 2.0))
    }
    series = np.geomspace(1.0, 1e4, 81)
    step = SeriesPanel("Cells", ("c_a", "c_b"), "low", "drug", "end", 0.5)
    found = SteppedSeries(step, series, {"c_a": 1.0 / (1.0 + series / 60.0), "c_b": np.ones_like(series)})
    panels = (CoursePanel("Course", "x", ("low", "high")), BarPanel("Bar", "x", ("high", "low"), "end"), step)
    return Picture(panels, courses, (found,), {"end": 5.0}, {"x": "mL", "drug": "nmol/L"})


def test_a_bar_is_the_course_at_its_day_and_an_experiment_keeps_its_colour(picture):
    figure = plot_picture(picture)
    course, bar, _ = figure.axes
    colours = {line.get_label(): line.get_color() for line in course.lines}
    heights = [patch.get_height() for patch in bar.patches]
    assert heights == pytest.approx([2.0 * math.exp(-0.5), math.exp(-0.5)])
    from matplotlib.colors import to_rgba

    assert [patch.get_facecolor() for patch in bar.patches] == [to_rgba(colours["high"]), to_rgba(colours["low"])]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Course", "Bar", "Cells"]


def test_the_mark_of_a_series_is_the_concentration_that_halves(picture):
    (found,) = picture.stepped
    assert found.crossing("c_a") == pytest.approx(60.0, rel=1e-3)
    assert found.crossing("c_b") is None


def test_data_of_a_picture_hold_all_that_is_drawn(picture):
    table = list_picture(picture)
    counts = {title: sum(row[0] == title for row in table.rows) for title in ("Course", "Bar", "Cells")}
    assert counts == {"Course": 42, "Bar": 2, "Cells": 162}
    assert ("Bar", "high", "x", 5.0, pytest.approx(2.0 * math.exp(-0.5))) in table.rows


def test_report_of_a_model_shows_its_picture_and_claims(picture, content, tmp_path):
    subject = ModelContent(content.model, picture=picture, claims=CLAIM_ROWS, provenance={"python": "3.11"})
    assert write_model_report(subject, tmp_path, (tmp_path / "model.pdf").write_bytes) == ()
    assert {path.stem for path in (tmp_path / "figures").glob("*.svg")} == {"experiments", "claims"}
    assert render_svg(plot_picture(picture)) == render_svg(plot_picture(picture))


@pytest.mark.parametrize(("end", "interval"), [(56.0, 1.0), (28.0, 0.5), (336.0, 21.0), (50.0, 30.0), (720.0, 0.125)])
def test_a_course_shows_no_rhythm_but_that_of_its_doses(end, interval):
    """Times lie at the same hours after every dose: a course that repeats with the doses is drawn alike between any two."""
    time = choose_times(end, interval)
    phase = np.round(time[:-1] % interval / interval, 6) % 1.0
    assert (time[0], time[-1]) == (0.0, end)
    assert (np.diff(time) > 0.0).all()
    assert 120 <= len(time) <= 4002
    repeats = len(time[:-1]) // len(set(phase))
    assert {np.count_nonzero(phase == value) for value in set(phase)} <= {repeats, repeats + 1}
    assert len(set(phase)) >= 12 or end / interval > 300.0


def test_daily_doses_are_seen_as_such_in_the_picture_of_mice():
    """Every day of treatment has its own peak in the gut, as high as the others."""
    picture = gather_picture(load_model("hcc_mouse"), Tables(), {})
    course = picture.courses["sorafenib_30"]
    drug = course.values["gut_drug"]
    peaks = [drug[(course.days > day) & (course.days <= day + 1.0)].max() for day in range(8, 28)]
    assert max(peaks) < 1.05 * min(peaks)
    assert min(peaks) > 1.0
