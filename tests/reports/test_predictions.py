"""What was not fitted: intervals with the place of the report, why any is missing, and Q of a refit to medians alone."""

import json
from dataclasses import replace

import pytest
from report_example import make_content

from kinimmune.fitting.estimation.outcome_rows import ScoreReference
from kinimmune.fitting.estimation.results import CompanionResult
from kinimmune.reports.document import set_pages
from kinimmune.reports.pages.comparisons import list_intervals
from kinimmune.reports.pages.predictions import compose_predictions
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.typesetting.blocks import Strong, TableBlock


@pytest.fixture(scope="module")
def content():
    return make_content()


@pytest.fixture(scope="module")
def refitted(content):
    """Return the example with its ratios fitted, and a companion that predicts them."""
    fit = content.fit
    ratios = tuple(replace(row, role="fit") for row in fit.unfitted)
    companion = CompanionResult("converged", 30, 2.1, 1.8, {"kinase_shift": 1.2}, fit.targets, ratios)
    reference = ScoreReference(2.3, 0.3, 1.9, 7.0, 0.08, 2000)
    changed = {"q_basis": "companion", "q_reference": reference, "companion": companion}
    return replace(content, fit=replace(fit, targets=(*fit.targets, *ratios), unfitted=(), **changed))


def words_of(content):
    return json.dumps(compose_report(content, {}).as_plain(), ensure_ascii=False)


def test_intervals_stand_with_the_place_of_the_report(content):
    (first, *_) = list_intervals(content.fit.unfitted, content.labels).rows
    ends = ("0.59 to 0.83", "0.48 to 0.97", "0.48 to 1.00")
    assert first == ("OS hazard ratio", "SHARP –", "0.69", Strong("0.71"), *ends, "0.410")


def test_a_row_without_any_interval_is_left_out_and_its_reason_told(content):
    why = "it is no single number, and stands by its deviance over intervals"
    bare = dict.fromkeys(("predicted_lower", "predicted_upper", "drawn_lower", "drawn_upper", "trial_lower", "trial_upper"))
    first, second = content.fit.transport
    rows = (replace(first, trial_place=0.2), replace(second, **bare, interval_reason=why))
    assert len(list_intervals(rows, content.labels).rows) == 1
    told = words_of(replace(content, fit=replace(content.fit, transport=rows)))
    assert f"Not all intervals of TTP median of Asia-Pacific sorafenib: {why}." in told


def test_fitted_ratios_are_predicted_by_a_refit_to_medians_alone_and_scored_by_it(refitted):
    blocks = compose_predictions(refitted, {})
    (table,) = [block for block in blocks if isinstance(block, TableBlock) and "Report at" in block.table.columns][:1]
    assert "fitted once more, from its optimum, to its 8 medians alone" in str(table.caption)
    assert len(table.table.rows) == 4
    told = words_of(refitted)
    assert "0.42 for the refitted model, 2.16 for the null" in told
    assert "2.30 on average (0.30 to 7.00 in 95 % of 2000 drawn trials)" in told
    assert "Hazard ratios by a refit to medians alone. " in told
    assert set_pages(compose_report(refitted, {}), {}, {}).startswith(b"%PDF")


def test_where_there_is_no_q_of_fitted_ratios_the_report_says_why(refitted):
    why = "no median was fitted, and Q is of a fit to medians alone"
    none = {"companion": None, "q_model": None, "q_null": None, "q_basis": None, "q_reference": None, "q_reason": why}
    told = words_of(replace(refitted, fit=replace(refitted.fit, **none)))
    assert f"There is no score Q of hazard ratios: {why}." in told
    assert "Hazard ratios by a refit" not in told
