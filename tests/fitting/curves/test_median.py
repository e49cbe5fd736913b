"""Laws of the correction by a printed median: the curve crosses one half in the printed digits, and the ends stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.fitting.curves.median import PrintedMedian, correct_by_median
from kinimmune.fitting.curves.reading import ReadCurve, ReadingError
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.patient_rows import TimeUnit


def exponential(error=0.01, shift=0.0):
    """Return S = exp(-t/12), ln 2 * 12 = 8.318 its median, read beside itself by `shift` where it is one half."""
    time = np.linspace(0.0, 30.0, 601)
    true = np.exp(-time / 12.0)
    return ReadCurve(TimeUnit.MONTH, time, true + 4.0 * shift * true * (1.0 - true), ReadingError(error, "known"), 0.01)


@pytest.mark.parametrize("shift", [-0.03, -0.01, 0.02])
def test_a_curve_read_beside_itself_crosses_one_half_where_printed(shift):
    curve = exponential(shift=shift)
    printed = PrintedMedian.parse("8.32")

    correction = correct_by_median(curve, printed)

    assert correction.curve.first_time_at(0.5) == pytest.approx(8.32, abs=0.0051)
    assert correction.shift == pytest.approx(-shift, abs=0.002)
    assert correction.curve.survival[0] == 1.0
    assert correction.before is curve
    assert (np.diff(correction.curve.survival) < 0.0).all()
    off = np.abs(correction.curve.at(curve.time) - np.exp(-curve.time / 12.0))
    assert off.max() < 0.002


def test_a_median_in_the_printed_digits_changes_nothing():
    curve = exponential()

    correction = correct_by_median(curve, PrintedMedian.parse("8.3"))

    assert (correction.shift, correction.changed) == (0.0, False)
    assert correction.read == pytest.approx(12.0 * np.log(2.0), rel=1e-5)


def test_between_two_points_the_printed_median_is_a_third():
    time, survival = np.array([0.0, 4.0, 10.0, 20.0]), np.array([1.0, 0.7, 0.4, 0.1])
    curve = ReadCurve(TimeUnit.MONTH, time, survival, ReadingError(0.002, "known"), 0.05)

    correction = correct_by_median(curve, PrintedMedian.parse("7.2"))

    assert (correction.read, correction.shift) == (pytest.approx(8.0), 0.0)
    assert correction.curve.time.tolist() == [0.0, 4.0, 7.25, 10.0, 20.0]
    assert correction.curve.survival.tolist() == [1.0, 0.7, 0.5, 0.4, 0.1]


@pytest.mark.parametrize("level", [0.495, 0.5, 0.505])
def test_a_median_within_a_level_at_one_half_is_where_printed(level):
    """Many programs print the middle of a level at one half."""
    time, survival = np.array([0.0, 5.0, 5.0, 11.0, 11.0, 20.0]), np.array([1.0, 1.0, level, level, 0.2, 0.2])
    curve = ReadCurve(TimeUnit.MONTH, time, survival, ReadingError(0.002, "known"), 0.02)

    corrected = correct_by_median(curve, PrintedMedian.parse("8.0")).curve

    assert corrected.first_time_at(0.5) == pytest.approx(8.0, abs=0.0501)
    assert corrected.at(np.array([2.0, 6.0, 10.0, 15.0])) == pytest.approx([1.0, 0.5, 0.5, 0.2], abs=0.004)


@st.composite
def step_curves(draw):
    """Draw a curve of steps between levels of which many are at one half or beside it."""
    levels = sorted(
        draw(st.lists(st.sampled_from([0.9, 0.7, 0.51, 0.505, 0.5, 0.495, 0.49, 0.3, 0.0]), min_size=2)), reverse=True
    )
    waits = draw(st.lists(st.integers(0, 20), min_size=len(levels), max_size=len(levels)))
    time, values = np.cumsum([0.0, *waits]) / 4.0, np.array([1.0, *levels])
    if draw(st.booleans()):
        time, values = np.repeat(time, 2)[1:], np.repeat(values, 2)[:-1]
    values[time == 0.0] = 1.0
    return ReadCurve(TimeUnit.MONTH, time, values, ReadingError(0.003, "known"), 0.05)


@given(step_curves(), st.integers(1, 40), st.sampled_from(["", ".0", ".25"]))
def test_a_curve_of_steps_is_corrected_to_one_that_crosses_one_half_where_printed_or_refused(curve, number, decimals):
    printed = PrintedMedian.parse(f"{number}{decimals}")
    try:
        correction = correct_by_median(curve, printed)
    except DataError:
        return

    if correction.changed:
        assert correction.curve.first_time_at(0.5) == pytest.approx(printed.value, abs=printed.rounding + 1e-6)


def test_a_step_beside_the_printed_median_is_a_misread_time_and_survival_stays():
    time, survival = np.array([0.0, 2.81, 2.81, 9.0]), np.array([1.0, 1.0, 0.3, 0.3])
    curve = ReadCurve(TimeUnit.MONTH, time, survival, ReadingError(0.005, "known"), 0.02)

    assert not correct_by_median(curve, PrintedMedian.parse("2.8")).changed
    assert not correct_by_median(curve, PrintedMedian.parse("2.80")).changed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "10.4",
            r"--median 10\.4 contradicts the curve, which crosses 1/2 at month 8\.32 and is 0\.42 at month 10\.4 \(reading error",
        ),
        ("40", r"--median 40 contradicts the curve, which crosses 1/2 at month 8\.32"),
    ],
)
def test_a_median_beyond_the_reading_error_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        correct_by_median(exponential(), PrintedMedian.parse(text))


def test_a_curve_that_ends_just_above_one_half_is_brought_down_to_it():
    time = np.linspace(0.0, 10.0, 101)
    curve = ReadCurve(TimeUnit.WEEK, time, 1.0 - 0.049 * time, ReadingError(0.01, "known"), 0.01)

    correction = correct_by_median(curve, PrintedMedian.parse("10.0"))

    assert correction.read is None
    assert correction.curve.survival[-1] == pytest.approx(0.5, abs=1e-8)


def test_the_decimals_of_a_median_are_its_rounding():
    assert PrintedMedian.parse("37") == PrintedMedian(37.0, 0.5)
    assert PrintedMedian.parse(" 10,75 ").rounding == pytest.approx(0.005)


@pytest.mark.parametrize("text", ["", "NR", "-3", "0", "1e1", "nan"])
def test_what_is_no_median_is_refused(text):
    with pytest.raises(UsageError, match="is no time; write it with the decimals that are printed, such as"):
        PrintedMedian.parse(text)
