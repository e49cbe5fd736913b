"""What captions, tables and summaries say of a fit is true of it, whatever kinds of numbers it had."""

import json
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from report_kinds import make_mixed_content

from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.estimates import plot_correlation
from kinimmune.reports.figures.fit import plot_forest
from kinimmune.reports.figures.survival import plot_hazard_ratios, plot_progression
from kinimmune.reports.pages.comparisons import list_ratios
from kinimmune.reports.pages.fit import compose_fit
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.pages.summary import summarise
from kinimmune.reports.pages.tables import list_quadrature
from kinimmune.reports.typesetting.blocks import TableBlock


@pytest.fixture(scope="module")
def content():
    return make_mixed_content()


def find_words(content):
    return json.dumps(compose_report(content, {}).as_plain(), ensure_ascii=False)


def tell(content):
    """Return name -> caption of every figure."""
    return {recipe.name: recipe.caption for recipe in list_figures(content)}


def with_targets(content, *statistics, unfitted=()):
    """Return content whose fit is to some statistics, with other rows that were not fitted."""
    rows = tuple(row for row in content.fit.targets if row.statistic in statistics)
    return replace(content, fit=replace(content.fit, targets=rows, unfitted=unfitted), trial=replace(content.trial, observed=()))


def test_captions_say_nothing_of_medians_that_were_not_published(content):
    """Of a fit to deaths alone no circle is drawn and no scan was fitted."""
    captions = tell(with_targets(content, "deaths"))
    for name in ("survival", "progression"):
        assert "median" not in captions[name]
        assert captions[name].endswith(" Not fitted.")
        assert "  " not in captions[name]


def test_medians_that_were_not_fitted_are_diamonds_in_the_figure_of_their_curve(content):
    """Those of TTP as those of PFS; fitted ones are circles."""
    medians = {row.endpoint: replace(row, role="unfitted") for row in content.fit.targets if row.statistic == "median"}
    ttp, os = medians["ttp"], medians["os"]
    shown = with_targets(content, "deaths", unfitted=(ttp, os))
    captions = tell(shown)
    assert "Open diamond: reported median; small dot: predicted median. Not fitted." in captions["progression"]
    assert "Open diamond and bar: reported median with its 95 % interval; small dot" in captions["survival"]
    axes = next(axes for axes in plot_progression(shown.trial, (ttp,)).axes if axes.get_title(loc="left") or axes.get_title())
    assert axes is not None
    figure = plot_progression(shown.trial, (ttp, replace(ttp, role="fit", observed=1.0)))
    marks = [
        (line.get_marker(), line.get_xdata()[0]) for axes in figure.axes for line in axes.lines if line.get_markersize() > 4.1
    ]
    assert ("D", ttp.observed) in marks
    assert ("o", 1.0) in marks


def test_a_ratio_without_a_null_has_none_in_table_figure_and_words(content):
    """A study whose medians were not published has none."""
    ratios = tuple(replace(row, null_prediction=None) for row in content.fit.unfitted if row.statistic == "hazard_ratio")
    alone = with_targets(content, "deaths", unfitted=ratios)
    assert "Null" not in list_ratios(ratios).columns
    assert "null" not in tell(alone)["forest"]
    (axes,) = plot_forest(alone.fit).axes
    assert not any("null" in text.get_text() for text in axes.figure.legends[0].get_texts())
    assert not any(text.get_text() == "–" for text in axes.texts)
    assert "(reported 0.69)" in str(summarise(alone.fit, alone.labels))


def test_effective_parameters_are_beside_all_that_counts_as_a_number(content):
    """Eleven intervals of a curve and of patients and every other number once."""
    numbers = sum(row.statistic not in ("curve", "patients") for row in content.fit.targets)
    facts = dict(compose_report(content, {}).facts)
    assert facts["Effective parameters"].endswith(f" for {numbers + 11} numbers and intervals")


def test_a_study_of_which_nothing_was_published_is_not_said_to_be_carried(content):
    """Its arms are predictions."""
    rows = tuple(row for row in content.fit.targets if row.study == "sharp")
    words = find_words(replace(content, fit=replace(content.fit, targets=rows, unfitted=())))
    assert "can carry the published results of SHARP." in words
    assert "Nothing published of Asia-Pacific is compared here." in words
    assert "is compared here" not in find_words(content)


def test_captions_of_medians_name_the_endpoints_there_are(content):
    """Medians of PFS have a deviance too, and no scan on which alone they can fall."""
    pfs = [replace(row, endpoint="pfs") for row in content.fit.targets if row.statistic == "median" and row.endpoint == "ttp"]
    os = [row for row in content.fit.targets if row.statistic == "median" and row.endpoint == "os"]

    def caption(*rows):
        fit = replace(content.fit, targets=rows, unfitted=())
        return next(block.caption for block in compose_fit(replace(content, fit=fit), {}) if isinstance(block, TableBlock))

    assert caption(*os) == "Fitted numbers, in months. Residual: in standard errors of the logarithm."
    assert caption(*os, *pfs).endswith(
        "of the logarithm, for medians of progression-free survival the signed root of the deviance."
    )
    assert caption(*pfs).endswith("Residual: for medians of progression-free survival the signed root of the deviance.")


@pytest.mark.parametrize("many", [3, 12, 13, 20, 30])
def test_correlations_do_not_touch_each_other_whatever_their_number(content, many):
    """With little room only those that say something are written; the strongest always is."""
    rows = tuple(replace(content.fit.parameters[0], name=f"p{place}") for place in range(many))
    values = np.full((many, many), -0.04) + 1.04 * np.eye(many)
    values[1, 0] = values[2, 1] = values[2, 0] = -0.87
    figure = plot_correlation(replace(content.fit, parameters=rows, correlation=values.tolist()))
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert sum(text.get_text() == "-0.87" for text in texts) >= 3


def test_months_under_ratios_of_a_long_trial_do_not_touch(content):
    """A trial that is followed for three years has half as many ticks."""
    months = tuple(np.linspace(1.0, 36.0, 20))
    rows = tuple(replace(row, months=months, hazard_ratio_course=20 * (0.8,)) for row in content.trial.contrasts)
    figure = plot_hazard_ratios(replace(content.trial, contrasts=rows))
    figure.draw_without_rendering()
    for axes in figure.axes[:2]:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert len(boxes) >= 6
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_one_start_is_no_ladder(content):
    """It cannot tell whether others end at the same optimum; the table has it."""
    assert "start_ladder" in tell(content)
    one = replace(content, fit=replace(content.fit, starts=content.fit.starts[:1]))
    assert "start_ladder" not in tell(one)
    assert "Starts of the optimiser." in find_words(one)


def test_a_deviation_that_is_rounding_alone_is_0(content):
    """A median that falls on a scan is the same for all virtual patients but for the order of additions."""
    row = content.trial.quadrature[0]
    rows = (replace(row, value=3.68, sd=5e-16), replace(row, value=3.68, sd=5e-9))
    assert [cells[2] for cells in list_quadrature(replace(content.trial, quadrature=rows)).rows] == ["0", "5 × 10⁻⁹"]


def test_warnings_of_a_fit_are_not_all_called_doubts_about_priors(content):
    """Targets that were not fitted are warned of too."""
    words = find_words(replace(content, fit=replace(content.fit, warnings=("targets of a study are not fitted",))))
    assert "Warnings of the fit." in words
    assert "Doubtful priors" not in words
