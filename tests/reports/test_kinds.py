"""Published numbers of every kind, curves and patients: each stands once in the table of the fit and on one figure."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from report_example import make_content
from report_kinds import make_mixed_content

from kinimmune.fitting.estimation.whitening import BlockSummary, describe_whitening
from kinimmune.fitting.problem.correlation import CorrelatedBlock
from kinimmune.fitting.problem.targets import Role, Statistic
from kinimmune.fitting.sampling.results import Band, SampleResult
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.comparisons import plot_counts, plot_medians, plot_residuals
from kinimmune.reports.figures.fit import plot_forest
from kinimmune.reports.figures.observed import pale
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.figures.sample_curves import plot_bands
from kinimmune.reports.figures.style import CONTROL, TREATED
from kinimmune.reports.figures.survival import plot_progression, plot_survival
from kinimmune.reports.pages.comparisons import list_correlations, list_predicted, list_targets
from kinimmune.reports.pages.fit import compose_fit
from kinimmune.reports.pages.limitations import list_fit_limitations
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.pages.summary import summarise
from kinimmune.reports.typesetting.blocks import Strong, TableBlock

CURVES = {"survival": "os", "progression": "ttp", "progression_free": "pfs"}
"""Figure of a curve -> its endpoint."""


@pytest.fixture(scope="module")
def content():
    return make_mixed_content()


def place(row):
    return (row.study, row.arm, row.endpoint, row.statistic, row.month)


def list_drawn(recipe):
    """Return the targets that the data of a figure hold, each as often as it is there."""
    rows = [dict(zip(recipe.data().columns, row, strict=True)) for row in recipe.data().rows]
    if recipe.name in CURVES:
        own = {(row["study"], row["arm"], CURVES[recipe.name], row["of"], None) for row in rows if row.get("of")}
        return [item for item in own if item[3] != "virtual trial"]
    if not {"statistic", "observed"} <= set(recipe.data().columns):
        return []
    return [tuple(row[name] for name in ("study", "arm", "endpoint", "statistic", "month")) for row in rows]


def find_words(content):
    return json.dumps(compose_report(content, {}).as_plain(), ensure_ascii=False)


def test_the_example_has_every_statistic(content):
    assert {row.statistic for row in content.fit.targets} == set(Statistic)


def test_every_fitted_number_is_one_row_of_the_table_with_its_residual(content):
    table = list_targets(content.fit, content.labels)
    assert len(table.rows) == len(content.fit.targets)
    assert len({row[:3] for row in table.rows}) == len(table.rows)
    assert {len(row) for row in table.rows} == {len(table.columns)} == {len(table.align)} == {len(table.widths)}
    residuals = [row[-1] for row in table.rows]
    assert residuals == ["–" if row.residual is None else f"{row.residual:.2f}".replace("-", "−") for row in content.fit.targets]


def test_every_fitted_number_stands_in_the_data_of_one_figure(content):
    drawn = Counter(item for recipe in list_figures(content) for item in list_drawn(recipe))
    assert {drawn[place(row)] for row in content.fit.targets} == {1}


def test_the_residuals_of_all_are_one_figure_and_curves_have_a_size_without_a_sign(content):
    recipe = next(item for item in list_figures(content) if item.name == "residuals")
    rows = [dict(zip(recipe.data().columns, row, strict=True)) for row in recipe.data().rows]
    published = (*content.fit.targets, *content.fit.unfitted)
    assert [row["statistic"] for row in rows] == [row.statistic for row in published]
    sized = [row for row in rows if row["root_mean_square"] is not None]
    assert [row["statistic"] for row in sized] == ["curve", "patients", "curve"]
    for row in sized:
        assert row["root_mean_square"] ** 2 * row["n_residuals"] == pytest.approx(row["deviance"])
    (axes,) = plot_residuals(content.fit).axes
    spans = {tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2 and line.get_marker() == "|"}
    assert (-np.sqrt(5.1 / 5.0), np.sqrt(5.1 / 5.0)) in spans
    assert all(first == -last for first, last in spans)


def test_a_curve_has_its_intervals_and_deviance_in_place_of_numbers(content):
    row = next(row for row in list_targets(content.fit, content.labels).rows if row[0] == "OS curve")
    assert row[3:] == ("5 intervals", "–", row[5], Strong("deviance 5.1"), "", "–")


def test_a_ratio_names_both_arms_and_what_is_of_all_arms_says_so(content):
    arms = {row[0]: row[2] for row in list_targets(content.fit, content.labels).rows}
    assert arms["TTP hazard ratio"] == "Sorafenib : Placebo"
    assert arms["TTP events"] == "All arms"


def test_what_is_held_out_is_told(content):
    names = [row[0] for row in list_predicted(content.unfitted_others, content.labels).rows]
    assert names == ["OS at month 12, held out", "TTP curve"]


def test_a_fit_to_medians_alone_has_the_figures_and_words_of_medians():
    content = make_content()
    names = [recipe.name for recipe in list_figures(content)]
    assert names[:2] == ["medians", "forest"]
    assert not {"shares", "counts", "cutoffs", "residuals"} & set(names)
    words = find_words(content)
    assert "8 published medians of SHARP and Asia-Pacific were fitted" in words
    assert "Fitted numbers, in months." in words
    assert "Hazard ratios, none fitted." in words
    assert "Outcomes per arm. None of them was fitted." in words
    first = next(recipe for recipe in list_figures(content) if recipe.name == "survival")
    assert first.data().columns == ("study", "arm", "month", "survival")


def test_nothing_is_called_unfitted_that_was_fitted(content):
    words = find_words(content) + " ".join(recipe.caption for recipe in list_figures(content))
    assert "14 published numbers, 1 published curve and the patients of 1 arm of SHARP and Asia-Pacific were fitted" in words
    for untrue in (
        "none fitted",
        "none of them fitted",
        "None of them was fitted",
        "Hazard ratios and response rates were not in the objective",
        "the shape was not",
        "does not. Not fitted",
    ):
        assert untrue not in words
    (axes,) = plot_forest(content.fit).axes
    assert "none of these was fitted" not in axes.get_xlabel()
    assert [label.get_text().endswith(", fitted") for label in axes.get_yticklabels()] == [True, False, False, False]


def test_observations_that_were_fitted_are_not_called_never_fitted(content):
    kept = {(item.study, item.arm, item.quantity) for item in content.unfitted_observations}
    assert ("sharp", "sorafenib", "response_fraction") not in kept
    assert ("asia_pacific", "sorafenib", "response_fraction") in kept
    assert not any(quantity == "ttp_events" and study == "sharp" for study, _, quantity in kept)


def test_only_fitted_medians_are_on_the_figure_of_medians(content):
    (axes,) = plot_medians(content.fit).axes
    assert len(axes.get_yticks()) == sum(row.statistic == "median" for row in content.fit.targets)


def test_a_fit_without_medians_has_no_figure_of_them(content):
    fit = replace(content.fit, targets=tuple(row for row in content.fit.targets if row.statistic != "median"))
    assert "medians" not in {recipe.name for recipe in list_figures(replace(content, fit=fit))}


def test_counts_name_the_patients_they_are_among(content):
    rows = content.list_fitted(Statistic.DEATHS)
    (axes,) = plot_counts(rows, [76]).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Deaths, Asia pacific, placebo (n = 76)"]


def test_a_published_curve_is_a_pale_step_to_its_end_with_its_numbers_at_risk(content):
    axes = plot_survival(content.trial, content.survivals("os")).axes[0]
    curve = next(row for row in content.trial.observed if row.endpoint == "os")
    line = next(line for line in axes.lines if tuple(line.get_xdata()) == curve.months)
    assert (tuple(line.get_xdata()), tuple(line.get_ydata())) == (curve.months, curve.survival)
    assert (line.get_drawstyle(), line.get_color(), line.get_marker()) == ("steps-post", pale(TREATED), "o")
    assert axes.get_xlim() == (0.0, curve.months[-1])
    texts = [text.get_text() for text in axes.texts]
    assert texts[texts.index("Published at risk") + 1 :] == [str(count) for count in curve.at_risk]


def test_patients_are_a_step_without_marks_and_what_was_not_fitted_is_dotted(content):
    first, second = plot_progression(content.trial).axes
    _, patients, unfitted = content.trial.observed
    steps = {tuple(line.get_xdata()): line for axes in (first, second) for line in axes.lines}
    assert steps[patients.months].get_marker() == ""
    assert steps[patients.months].get_color() == pale(CONTROL)
    assert steps[patients.months].get_linestyle() == "-"
    assert steps[unfitted.months].get_linestyle() != "-"
    told = [[text.get_text() for text in axes.get_legend().get_texts()][-1] for axes in (first, second)]
    assert told == ["published curve, not fitted", "patients"]


def test_survival_at_a_month_is_a_point_with_its_interval(content):
    axes = plot_survival(content.trial, content.survivals("os")).axes[0]
    points = {line.get_marker(): (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() in "sD"}
    assert points == {"s": (12.0, 0.33), "D": (12.0, 0.44)}
    assert any(tuple(line.get_ydata()) == (0.27, 0.39) for line in axes.lines)


def test_numbers_at_risk_have_room_beside_each_other(content):
    curve = next(row for row in content.trial.observed if row.endpoint == "os")
    often = tuple(np.linspace(0.0, 30.0, 301))
    dense = replace(curve, risk_months=often, at_risk=tuple(float(number) for number in range(1000, 699, -1)))
    axes = plot_survival(replace(content.trial, observed=(dense,))).axes[0]
    shown = [text for text in axes.texts if text.get_text().isdigit() and int(text.get_text()) >= 700]
    assert 10 <= len(shown) <= 20


def test_bands_lie_over_what_was_observed(content):
    months = (0.0, 12.0, 24.0)
    ends = ((1.0, 0.5, 0.2),) * 5
    bands = tuple(Band("sharp", arm, "os", months, *ends) for arm in ("sorafenib", "placebo"))
    counts = {"seed": 1, "patients": 8, "ensembles": 4, "walkers": 2, "steps": 1, "burn_in": 0, "converged": True, "faults": ()}
    none = dict.fromkeys(("acceptance", "parameters", "predictions", "probabilities", "ratios", "traces", "correlation"), ())
    zero = dict.fromkeys(("evaluations", "failed", "draws", "failed_draws"), 0)
    sample = SampleResult(model="hcc_trial", **counts, **none, **zero, bands=bands)
    (axes,) = plot_bands(sample, content.survivals("os"), content.trial.observed).axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["Sorafenib", "Placebo", "published curve"]
    assert {line.get_marker() for line in axes.lines} >= {"s", "D", "o"}


def test_every_figure_of_a_kind_is_drawn_and_has_data(content, tmp_path):
    names = {"medians", "shares", "counts", "cutoffs", "residuals", "forest", "survival", "progression"}
    recipes = [recipe for recipe in list_figures(content) if recipe.name in names]
    drawn = draw_all(recipes, tmp_path)
    assert drawn.keys() == names
    assert {figure.block.failure for figure in drawn.values()} == {""}
    assert all(len((tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()) > 1 for name in names)


def test_arms_left_out_of_a_fit_are_told_in_the_words_of_their_numbers(content):
    named = {row.statistic: row for row in content.fit.targets}
    rows = tuple(named[name] for name in ("curve", "survival", "cutoff", "hazard_ratio"))
    words = str(summarise(replace(content.fit, transport=rows), content.labels))
    assert "The OS curve of SHARP sorafenib has a deviance of 5.1 over 5 intervals" in words
    assert "the TTP at month 6 of Asia-Pacific sorafenib is predicted at 0.220 (reported 0.2)" in words
    assert "the OS cut-off of SHARP all arms is predicted at 18.8 months (reported 19.3)" in words


def test_numbers_of_roles_that_nobody_looked_at_are_not_said_to_have_been_known(content):
    known = Strong("The unfitted numbers were known. ")
    unseen = tuple(replace(row, role=Role.HELD_OUT) for row in content.fit.unfitted)
    published = (content.fit.unfitted, unseen)
    told = [[entry[0] for entry in list_fit_limitations(replace(content.fit, unfitted=rows))] for rows in published]
    assert [known in heads for heads in told] == [True, False]


def test_correlations_that_were_taken_into_account_are_tabled_and_nothing_is_called_independent(content):
    rows = (("median:sharp:placebo:os", 0), ("curve:sharp:sorafenib:os", 2))
    block = CorrelatedBlock("sharp", rows, 0, (0.4,))
    whitening = describe_whitening((BlockSummary(block, (1.0, 1.1), 7 / 3, 0.02, 990, 10),))
    fit = replace(content.fit, whitening=whitening)
    row = list_correlations(whitening.blocks, content.labels).rows[0]
    assert row[4:] == ("median OS, SHARP placebo and interval 3 of OS curve, SHARP sorafenib", "0.40")
    captions = [block.caption for block in compose_fit(replace(content, fit=fit), {}) if isinstance(block, TableBlock)]
    assert any(text.startswith("Numbers that share patients, fitted with their correlations") for text in captions)
    assert ["as independent" in str(list_fit_limitations(item)) for item in (content.fit, fit)] == [True, False]
