"""Fits beside each other: a fit does not differ from itself, order flips signs, and what cannot be compared is refused."""

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
from compared_runs import change_fit, change_rows, make_run
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.cli.printing.compare import print_comparison
from kinimmune.fitting.comparison.compare import compare
from kinimmune.fitting.comparison.measures import compute_criteria
from kinimmune.fitting.comparison.reading import name_arms
from kinimmune.fitting.comparison.results import COMPARISON_JSON, Comparison
from kinimmune.fitting.comparison.table import to_csv
from kinimmune.fitting.estimation.results import CompanionResult
from kinimmune.fitting.runs.run import RunStatus

OF_DATA = {"chi_square_data", "aic", "aicc", "bic", "chi_square"}


@pytest.fixture(scope="module")
def first():
    return make_run()


def refused(comparison):
    return {name for refusal in comparison.refusals for name in refusal.measures}


def measure(comparison, name):
    return next(item for item in comparison.measures if item.name == name)


def parameter(comparison, name):
    return next(row for row in comparison.parameters if row.name == name)


def estimate(run, name):
    return next(row for row in run.fit.parameters if row.name == name)


def with_estimate(run, name, **changed):
    rows = tuple(replace(row, **changed) if row.name == name else row for row in run.fit.parameters)
    return change_fit(run, parameters=rows)


def test_a_run_does_not_differ_from_itself(first):
    comparison = compare([first, replace(first, label="again")])
    assert (comparison.differences, comparison.refusals) == ((), ())
    assert {item.differences[1] for item in comparison.measures} == {0.0}
    rows = (*comparison.numbers, *comparison.transport)
    assert {row.differences[1] for row in rows} == {0.0}
    assert {row.in_errors[1] for row in comparison.parameters} == {row.differences[1] for row in comparison.parameters} == {0.0}


@given(factor=st.floats(0.2, 5.0), chi_square=st.floats(0.1, 50.0), effective=st.floats(1.0, 6.0))
def test_the_other_order_flips_the_signs_of_differences_and_nothing_else(first, factor, chi_square, effective):
    one = first
    moved = tuple(replace(row, value=row.value * factor) for row in one.fit.parameters)
    targets = tuple(replace(row, predicted=row.predicted * factor) for row in one.fit.unfitted)
    two = change_fit(one, parameters=moved, unfitted=targets, chi_square_data=chi_square, effective_parameters=effective)
    there, back = compare([one, two]), compare([two, one])
    for rows in ("measures", "numbers", "transport", "parameters"):
        pairs = zip(getattr(there, rows), getattr(back, rows), strict=True)
        assert all(a.differences[1] == pytest.approx(-b.differences[1], abs=1e-12) for a, b in pairs)
    assert [item.values[::-1] for item in there.measures] == [item.values for item in back.measures]
    assert there.runs[::-1] == back.runs


@given(st.floats(0.0, 1e4), st.floats(0.0, 30.0), st.integers(1, 10**9))
def test_criteria_are_their_closed_forms(chi_square, parameters, numbers):
    """BIC - AIC = k (ln n - 2); the correction of AICc is 2 k (k + 1)/(n - k - 1), and there is none where n is too small."""
    found = compute_criteria(chi_square, parameters, numbers)
    assert found.aic == chi_square + 2.0 * parameters
    assert found.bic - found.aic == pytest.approx(parameters * (math.log(numbers) - 2.0), abs=1e-8 * (1.0 + chi_square))
    assert (found.aicc is None) == (numbers - parameters - 1.0 <= 0.0)
    if found.aicc is not None:
        left = (found.aicc - found.aic) * (numbers - parameters - 1.0)
        assert left == pytest.approx(2.0 * parameters * (parameters + 1.0), rel=1e-6, abs=1e-8 * numbers * (1.0 + chi_square))


def test_criteria_of_the_example_are_numbers_on_paper(first):
    """2.31 + 2 x 5.2; + 2 x 5.2 x 6.2/(8 - 6.2); 2.31 + 5.2 ln 8."""
    comparison = compare([first, first])
    assert measure(comparison, "aic").values[0] == pytest.approx(12.71)
    assert measure(comparison, "aicc").values[0] == pytest.approx(12.71 + 64.48 / 1.8)
    assert measure(comparison, "bic").values[0] == pytest.approx(13.1231, abs=1e-4)


def test_other_numbers_are_refused_and_the_rest_is_told(first):
    other = change_fit(first, targets=first.fit.targets[1:])
    comparison = compare([first, other])
    assert refused(comparison) == OF_DATA
    assert comparison.refusals[0].reason == "other numbers were fitted: median:sharp:sorafenib:os by first alone"
    assert measure(comparison, "aic").values == (pytest.approx(12.71), None)
    assert measure(comparison, "chi_square_prior").differences == (None, 0.0)
    assert measure(comparison, "q_model").differences == (None, 0.0)
    row = next(row for row in comparison.numbers if row.name == "median:sharp:sorafenib:os")
    assert (row.cells[1], row.differences[1]) == (None, None)
    assert parameter(comparison, "kinase_shift").differences == (None, 0.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"observed": 10.8}, "fitted numbers have other values or intervals"),
        ({"upper": 12.0}, "fitted numbers have other values or intervals"),
        ({"interval_status": "recalled"}, "fitted numbers have other values or intervals"),
        ({"residual": 0.1}, "fitted numbers have other standard errors"),
    ],
)
def test_other_values_intervals_or_errors_of_the_same_numbers_are_refused(first, change, reason):
    other = change_fit(first, targets=change_rows(first.fit.targets, "os", **change))
    (refusal,) = compare([first, other]).refusals
    assert set(refusal.measures) == OF_DATA
    assert refusal.reason == f"{reason}: median:sharp:sorafenib:os"


def test_other_patients_behind_a_number_are_refused(first):
    arms = tuple(replace(arm, n=arm.n + (arm.arm == "placebo")) for arm in first.trial.arms)
    other = replace(first, label="second", trial=replace(first.trial, arms=arms))
    (refusal,) = compare([first, other]).refusals
    assert refusal.reason == "arms have other patients, scans or follow-up: sharp:placebo, asia_pacific:placebo"


def test_residuals_that_were_multiplied_by_another_factor_are_refused(first):
    whitened = replace(first, label="second", whitening="ab" * 32)
    (refusal,) = compare([first, whitened]).refusals
    assert set(refusal.measures) == OF_DATA
    assert refusal.reason == (
        "residuals were multiplied by other factors (as they are; by abababababab): each fit finds the correlations of numbers "
        "that share patients at its own optimum; fit both with --no-correlations"
    )
    assert compare([whitened, replace(whitened, label="third")]).refusals == ()


def test_another_form_of_the_objective_is_refused_and_one_nobody_knows_is_told(first):
    later = replace(first, label="second", record=replace(first.record, digest="1.2:0123456789abcdef"))
    assert refused(compare([first, later])) == OF_DATA
    early = replace(first, label="early", record=replace(first.record, digest=""))
    comparison = compare([first, early])
    assert comparison.refusals == ()
    assert any("From before runs told the form of their objective" in text for text in comparison.cautions)


def test_other_priors_are_refused_where_priors_count_alone(first):
    comparison = compare([first, with_estimate(first, "kinase_shift", prior="lognormal(1, 2)")])
    assert refused(comparison) == {"chi_square_prior", "chi_square"}
    assert ("prior of kinase_shift", ("lognormal(1, 1)", "lognormal(1, 2)")) in [
        (item.what, item.values) for item in comparison.differences
    ]


def test_scores_of_other_hazard_ratios_or_of_ratios_that_were_fitted_too_are_refused(first):
    other = change_fit(first, unfitted=change_rows(first.fit.unfitted, "ttp", observed=0.6))
    assert refused(compare([first, other])) == {"q_model", "q_null"}
    ratio, *rest = first.fit.unfitted
    fitted = change_fit(first, targets=(*first.fit.targets, ratio), unfitted=tuple(rest))
    assert {"q_model", "q_null"} <= refused(compare([first, fitted]))


def test_the_score_of_a_companion_stands_beside_that_of_a_fit_to_medians_alone(first):
    """Both are of fits that saw medians and nothing else."""
    ratios = first.fit.unfitted
    companion = CompanionResult("converged", 30, 2.0, 1.0, {}, first.fit.targets, ratios)
    fitted = change_fit(
        first, targets=(*first.fit.targets, *ratios), unfitted=(), companion=companion, q_model=0.5, q_basis="companion"
    )
    comparison = compare([first, fitted])
    assert not {"q_model", "q_null"} & refused(comparison)
    assert measure(comparison, "q_model").differences == (None, pytest.approx(0.08))


def test_a_held_parameter_stands_beside_the_estimate_in_its_standard_errors(first):
    """(ln held - ln estimate) / se."""
    known = estimate(first, "kinase_shift")
    kept = tuple(row for row in first.fit.parameters if row.name != "kinase_shift")
    held = replace(first.fit.constants[0], name="kinase_shift", value=2.0 * known.value, prior=known.prior, changed="held at 2")
    other = change_fit(first, parameters=kept, constants=(*first.fit.constants, held))
    comparison = compare([first, other])
    row = parameter(comparison, "kinase_shift")
    assert (row.cells[1].estimated, row.cells[1].lower, row.cells[1].changed) == (False, None, "held at 2")
    assert row.in_errors[1] == pytest.approx(math.log(2.0) / known.standard_error)
    assert parameter(compare([other, first]), "kinase_shift").in_errors == (None, None)
    assert "kinase_shift by one of the two alone" in comparison.refusals[0].reason


def test_several_runs_are_all_held_against_the_first(first):
    runs = [replace(change_fit(first, chi_square_data=value), label=f"run {value}") for value in (2.0, 3.0, 5.0)]
    comparison = compare(runs)
    assert measure(comparison, "chi_square_data").differences == (None, 1.0, 3.0)
    assert measure(comparison, "aic").differences == (None, pytest.approx(1.0), pytest.approx(3.0))


def test_what_makes_a_fit_doubtful_is_flagged(first):
    bound = with_estimate(first, "kinase_shift", at_bound=True)
    doubtful = change_fit(bound, status="too many evaluations", failed_patients=2)
    stopped = replace(doubtful, record=replace(first.record, status=RunStatus.INTERRUPTED))
    plain, flagged = compare([first, stopped]).runs
    assert plain.flags == ()
    assert flagged.flags == (
        "the fit did not converge: too many evaluations",
        "the run is 'interrupted': a command in it has not ended as it should",
        "at a bound: kinase_shift",
        "virtual patients that failed to integrate: 2",
    )


def test_what_differs_between_runs_is_told_with_the_values_of_each(first):
    environment = replace(first.record.environment, libraries={"numpy": "2.5.0"})
    record = replace(first.record, inputs={"targets.csv": "cd" * 32, "drugs.csv": "ef" * 32}, environment=environment)
    other = replace(change_fit(first, seed=2, patients=64, stop_rules={"sharp": "never"}), record=record)
    told = {item.what: item.values for item in compare([first, other]).differences}
    assert told == {
        "table targets.csv": ("abababababab", "cdcdcdcdcdcd"),
        "table drugs.csv": ("-", "efefefefefef"),
        "studies": ("sharp, asia_pacific", "sharp"),
        "stop rule of sharp": ("radiological_and_symptomatic", "never"),
        "seed": ("1", "2"),
        "patients": ("1024", "64"),
        "version of numpy": ("2.4.6", "2.5.0"),
    }


def test_a_ratio_that_names_no_arm_is_that_of_the_arm_the_other_run_names(first):
    named = change_fit(first, unfitted=tuple(replace(row, arm="sorafenib") for row in first.fit.unfitted))
    comparison = compare(name_arms([first, named]))
    ratios = [row for row in comparison.numbers if row.name.startswith("hazard_ratio")]
    assert [row.name for row in ratios] == [f"hazard_ratio:{study}:sorafenib:{of}" for of in ("os", "ttp")
                                            for study in ("sharp", "asia_pacific")]  # fmt: skip
    assert all(None not in row.cells for row in ratios)


def test_a_comparison_goes_to_json_and_back(first):
    comparison = compare([first, with_estimate(first, "kinase_shift", value=2.0)])
    assert COMPARISON_JSON.load(COMPARISON_JSON.dump(comparison), Path("comparison.json")) == comparison


def test_csv_has_every_value_of_every_run(first):
    comparison = compare([first, with_estimate(first, "kinase_shift", value=2.0)])
    rows = list(csv.DictReader(io.StringIO(to_csv(comparison))))
    value = {(row["section"], row["name"], row["quantity"], row["run"]): row["value"] for row in rows}
    assert len(value) == len(rows)
    assert value["parameter", "kinase_shift", "value", "second"] == "2.0"
    assert float(value["number", "median:sharp:placebo:os", "predicted", "first"]) == pytest.approx(1.02 * 7.9)
    assert value["measure", "chi_square_data", "", "second"] == "2.31"


def test_one_run_is_no_comparison(first):
    with pytest.raises(ValueError, match="at least two runs"):
        compare([first])
    with pytest.raises(ValueError, match="a cell for each"):
        Comparison((compare([first, first]).runs * 2)[:3], (), (), compare([first, first]).measures, (), (), (), ())


def with_data(run, label, **table):
    """Return a run that was fitted to a curve of ten intervals and to a range besides, under tables of those digests."""
    nothing = dict.fromkeys(("observed", "lower", "upper", "predicted", "residual"))
    curve = replace(run.fit.targets[0], statistic="curve", deviance=8.0, n_residuals=10, **nothing)
    reach = replace(run.fit.targets[0], statistic="median", arm="third", observed=None, lower=2.0, upper=None)
    fit = replace(run.fit, targets=(*run.fit.targets, curve, reach), degrees_of_freedom=run.fit.degrees_of_freedom + 11.0)
    return replace(run, label=label, fit=fit, record=replace(run.record, inputs=run.record.inputs | table))


def test_data_and_ranges_stand_beside_each_other(first, capsys, monkeypatch):
    """Of a curve its intervals and deviance; every interval is a number of the criteria."""
    monkeypatch.setenv("COLUMNS", "300")
    pair = [with_data(first, "one"), with_data(first, "two")]
    comparison = compare(pair)
    print_comparison(comparison)
    out = capsys.readouterr().out
    assert all(word in out for word in ("intervals: 10", "deviance 8", "above 2"))
    assert comparison.refusals == ()
    assert measure(comparison, "fitted_numbers").values == (19.0, 19.0)
    cells = [row for row in csv.DictReader(io.StringIO(to_csv(comparison))) if row["quantity"] == "deviance" and row["value"]]
    assert {row["value"] for row in cells} == {"8.0"}


def test_a_fit_to_a_curve_besides_is_one_to_other_numbers(first):
    assert refused(compare([first, with_data(first, "two")])) >= OF_DATA


def test_values_of_other_tables_are_not_compared(first):
    """A curve that was read anew has no other number in the result."""
    one, two = with_data(first, "one", **{"curves.csv": "aa"}), with_data(first, "two", **{"curves.csv": "bb"})
    (refusal,) = compare([one, two]).refusals
    assert set(refusal.measures) == OF_DATA
    assert refusal.reason == "curves.csv, of which curves or patients were fitted, are others"
    beside = replace(first, label="two", record=replace(first.record, inputs=first.record.inputs | {"curves.csv": "bb"}))
    assert compare([first, beside]).refusals == ()


@pytest.mark.parametrize("changed", [{"n": 30}, {"error_rule": "patients"}, {"measured_error": 0.2}])
def test_errors_of_other_patients_or_another_rule_are_not_compared(first, changed):
    rows = change_rows(first.fit.targets, "os", n=120, error_rule=None, measured_error=None)
    one = change_fit(first, "one", targets=rows)
    two = change_fit(first, "two", targets=change_rows(rows, "os", **changed))
    (refusal,) = compare([one, two]).refusals
    assert set(refusal.measures) == OF_DATA
    assert refusal.reason.startswith("standard errors of fitted numbers come from other patients or by another rule: median")
