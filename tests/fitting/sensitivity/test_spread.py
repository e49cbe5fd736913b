"""An output that varies by less than its numerical error has no index, whatever the method; what varies by more keeps its own."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensitivity_toys import design, run, uniform

from kinimmune.fitting.sensitivity.blocks import StudyRows
from kinimmune.fitting.sensitivity.designs import Method
from kinimmune.fitting.sensitivity.indices import compute_indices
from kinimmune.fitting.sensitivity.results import SENSITIVITY_JSON, CourseRow, SensitivityResult
from kinimmune.fitting.sensitivity.spread import varies
from kinimmune.fitting.sensitivity.wording import explain_gaps
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.models.errors import NumericalError
from kinimmune.reports.figures.sensitivity_courses import list_rank_courses, plot_rank_courses
from kinimmune.reports.pages.sensitivity import compose_sensitivities

THREE = uniform(3, 0.0, 1.0)
ROWS = {Method.LOCAL: 3, Method.MORRIS: 16, Method.SOBOL: 16, Method.PRCC: 16}
NUMBERS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.0, 1e3)), min_size=1, max_size=8)


@given(NUMBERS, st.floats(-1e6, 1e6))
def test_numbers_within_their_error_of_one_number_do_not_vary(pairs, truth):
    errors = np.array([error for _, error in pairs])
    shares = np.array([np.clip(value / 1e6, -1.0, 1.0) for value, _ in pairs])

    assert not varies(truth + 0.999 * shares * errors, errors * (1.0 + 1e-6) + 1e-6)


@given(NUMBERS)
def test_numbers_vary_exactly_if_two_of_them_lie_farther_apart_than_both_their_errors(pairs):
    values, errors = np.array(pairs).T
    lower, upper = values - errors, values + errors

    assert varies(values, errors) == any(low > high for low in lower for high in upper)


@given(NUMBERS, st.integers(-30, 30), st.permutations(range(8)))
def test_neither_the_unit_nor_the_order_matters_nor_a_number_that_does_not_exist(pairs, power, order):
    values, errors = np.array(pairs).T
    order = [place for place in order if place < values.size]

    expected = varies(values, errors)
    assert varies(2.0**power * values[order], 2.0**power * errors[order]) == expected
    assert varies(np.append(values, np.nan), np.append(errors, np.nan)) == expected
    assert varies(np.append(values, 0.0), np.append(errors, 1e300)) == expected


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_noise_below_the_error_gives_no_index(method, scale):
    with pytest.raises(NumericalError, match=r"at every point within its numerical error: it spreads over .* so no index exists"):
        run(design(method, THREE), "constant", ROWS[method], noise=1e-9, error=1.01e-9, scale=scale)


@pytest.mark.parametrize("method", Method)
def test_an_output_that_is_exactly_constant_has_none_either(method):
    with pytest.raises(NumericalError, match="the output is 4 at every point, so no index exists"):
        run(design(method, THREE), "constant", ROWS[method], error=1e-9)


@pytest.mark.parametrize("method", Method)
def test_above_the_error_indices_are_those_without_any(method):
    planned = design(method, uniform(4, 0.0, 1.0))
    exact = run(planned, "linear", max(ROWS[method], 4))[1]

    known = run(planned, "linear", max(ROWS[method], 4), error=0.01)[1]

    assert known.pop("error") == 0.01
    assert exact.pop("error") == 0.0
    assert known == exact


@pytest.mark.parametrize("method", [Method.SOBOL, Method.PRCC])
def test_the_unit_of_output_and_error_changes_no_index(method):
    planned = design(method, uniform(4, 0.0, 1.0))
    names = ("ST", "S1") if method is Method.SOBOL else ("prcc", "p")

    small, large = (run(planned, "linear", 64, noise=0.1, error=0.1, scale=scale)[1] for scale in (1.0, 2.0**20))

    for name in names:
        assert large[name] == pytest.approx(small[name], rel=1e-9)


def test_a_parameter_that_moves_the_output_within_its_error_has_no_derivative_and_the_others_keep_theirs():
    planned = design(Method.LOCAL, uniform(4, 0.0, 1.0))
    exact = run(planned, "linear", 4)[1]

    # by less than one standard deviation of the last, .5 / sqrt(12), on either side
    found = run(planned, "linear", 4, error=0.3)[1]

    assert [value is None for value in found["effect"]] == [False, False, False, True]
    assert [value is None for value in found["elasticity"]] == [False, False, False, True]
    assert found["effect"][:3] == exact["effect"][:3]
    assert found["effect"][2] == 0.0  # the same to the last bit: it does not depend on the third
    assert (found["low"], found["high"]) == (exact["low"], exact["high"])


def make_rows(make_columns, error):
    """Return 32 rows whose course is made of the first input and of noise up to 1e-9."""
    rows, noise = np.random.default_rng(1).random((32, 1, 3)), np.random.default_rng(2).uniform(-1e-9, 1e-9, 32)
    values = np.stack(make_columns(rows[:, 0, 0], noise), axis=1)[:, None]
    return StudyRows(rows, values, np.full(values.shape, error), 0, {})


def test_a_time_at_which_only_the_error_varies_has_no_correlation():
    def columns(first, noise):
        return 1.0 + noise, 1.0 + 1e3 * noise, first

    planned = design(Method.PRCC, THREE)

    found = compute_indices(planned, make_rows(columns, 1.01e-9), (1.0, 2.0, 3.0))
    exact = compute_indices(planned, make_rows(columns, 0.0), (1.0, 2.0, 3.0))

    assert found["course"][0] == CourseRow(1.0, (None,) * 3, (None,) * 3)
    assert found["course"][1:] == exact["course"][1:]
    assert found["prcc"] == exact["prcc"]
    assert None not in exact["course"][0].prcc


def test_a_part_of_the_rows_in_which_only_the_error_varies_is_left_out_of_the_convergence():
    def late(first, noise):
        return (np.where(np.arange(32) < 16, noise, first),)

    found = compute_indices(design(Method.PRCC, THREE), make_rows(late, 1.01e-9), ())

    assert [step.n for step in found["convergence"]] == [32]


def test_outcomes_of_before_errors_were_kept_count_as_exact(tmp_path):
    """A task finished by an earlier version has no errors; the study goes on with it and gives what that version gave."""
    planned, store = design(Method.PRCC, THREE), Earlier(tmp_path)
    run(planned, "first", 32, store=store)

    sample, found = run(planned, "first", 64, store=store)
    exact = run(planned, "first", 64)[1]

    assert np.isnan(sample.errors[:32]).all()
    assert (sample.errors[32:] == 0.0).all()
    assert found == exact


class Earlier(TaskStore):
    """Keeps what a version kept that knew no errors."""

    def save(self, task, outcome):
        super().save(task, {key: value for key, value in outcome.items() if key != "errors"})


def with_gap():
    course = (
        CourseRow(1.0, (None, None), (None, None)),
        CourseRow(2.0, (0.5, -0.2), (0.01, 0.4)),
        CourseRow(3.0, (None, None), (None, None)),
        CourseRow(4.0, (0.7, -0.1), (0.001, 0.6)),
    )
    found = SensitivityResult("m", "prcc", "state:x:4", "1", ("a", "b"), 32, 0, 32, {}, "prior", (), None, 1, 1.0, 0.5,
                              prcc=course[-1].prcc, p=course[-1].p, course=course, course_unit="d", error=1e-9)  # fmt: skip
    return replace(found, gap_note=explain_gaps(found))


def test_a_course_with_gaps_tells_them_once_and_is_drawn_over_all_its_times():
    found = with_gap()

    (axes,) = plot_rank_courses(found).axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 4]

    told = "no correlations at 2 of 4 times (1 to 3 d): the output varies there by no more than its numerical error"
    assert found.gap_note == told
    assert str(compose_sensitivities((found,), {})).count(told[1:]) == 1
    assert all(np.isnan(line.get_ydata()).tolist() == [True, False, True, False] for line in lines)
    assert len(lines) == 2
    assert axes.get_xlim()[0] < 1.0
    assert axes.get_xlim()[1] > 4.0
    assert list_rank_courses(found).as_csv().splitlines()[1] == "a,1.0,,"


def test_a_result_of_before_errors_were_kept_reads(tmp_path):
    plain = json.loads(SENSITIVITY_JSON.dump(with_gap()))

    found = SENSITIVITY_JSON.load(json.dumps({key: plain[key] for key in plain if key not in ("error", "gap_note")}), tmp_path)

    assert (found.error, found.gap_note) == (None, "")
    assert found.course == with_gap().course


HEP3B = ("--parameters", "growth_hep3b,death_hep3b,raf_dependence_hep3b")
OF_HLE = ("sensitivity", "hcc_cells", "--output", "state:cells_hle:3:hle_low", "-q", "--jobs", "1")


@pytest.mark.parametrize(("method", "samples"), [("local", ()), ("morris", ("4",)), ("sobol", ("16",)), ("prcc", ("12",))])
def test_cells_of_one_line_have_no_index_by_parameters_of_another(kinimmune, method, samples):
    """Found at commit 735154f: Sobol total .835 and PRCC -.595 (p 3.5e-7) of differences of 5e-13."""
    count = tuple(part for given in samples for part in ("--samples", given))

    code, out, err = kinimmune(*OF_HLE, "--method", method, *count, *HEP3B)

    assert (code, out) == (5, "")
    assert "the output is 0.988491 at every point within its numerical error: it spreads over " in err
    assert "so no index exists; vary other parameters" in err


def test_a_parameter_of_the_line_itself_has_its_derivative_and_that_of_another_is_left_out(kinimmune):
    code, out, _ = kinimmune(*OF_HLE, "--method", "local", "--parameters", "growth_hle,death_hep3b")

    assert code == 0
    assert out.count("no derivative by death_hep3b: the output moves by no more than its numerical error (") == 1
    (row,) = [line.split() for line in out.splitlines() if line.strip().startswith("death_hep3b")]
    assert row[1:3] == ["-", "-"]


def test_a_course_begins_when_the_output_varies(kinimmune):
    """V = K (V0/K)^q with q = exp(-a t): a share s of K moves V by a share (1 - q) s, at first less than ten tolerances, 1e-6."""
    ranges = ("--range", "capacity=1000:1000.01", "--range", "start_volume=10:10.0000001")

    code, out, _ = kinimmune("sensitivity", "gompertz", "--output", "state:volume:60", "--method", "prcc", "--samples", "16",
                             *ranges, "--json", "-q", "--jobs", "1")  # fmt: skip

    found = json.loads(out)
    gaps = [row["prcc"] == row["p"] == [None, None] for row in found["course"]]
    assert code == 0
    assert gaps == sorted(gaps, reverse=True)
    assert 1 <= gaps.count(True) <= 4
    assert f"no correlations at {gaps.count(True)} of 12 times (5 to " in found["gap_note"]
    assert found["course"][-1]["prcc"] == found["prcc"]
