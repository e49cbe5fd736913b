"""Laws of a read curve: it does not depend on the order or the scale of the points, falls, and knows its error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printed_curves import draw_arm, write_points

from kinimmune.fitting.curves.digitised import read_clicks
from kinimmune.fitting.curves.reading import LEAST_ERROR, Points, clean
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.patient_rows import TimeUnit

MOMENTS = np.linspace(0.0, 30.0, 121)


def read(path, unit=None, points=Points.CURVE, reading_error=None):
    return clean(read_clicks(path, unit), points, reading_error)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@st.composite
def clicks(draw):
    """Draw points of a falling curve with a little noise, as rows of a file."""
    count = draw(st.integers(3, 30))
    times = np.array(sorted(draw(st.lists(st.integers(100, 2400), min_size=count, max_size=count)))) / 100.0
    falls = np.array(draw(st.lists(st.integers(0, 100), min_size=count, max_size=count)), dtype=float)
    noise = np.array(draw(st.lists(st.integers(-10, 10), min_size=count, max_size=count))) / 1000.0
    values = 1.0 - 0.99 * np.cumsum(falls) / max(falls.sum(), 1.0) + noise
    return [(0.0, 1.0), *zip(times.tolist(), np.clip(values, 0.0, 1.0).round(4).tolist(), strict=True)]


@settings(max_examples=60, deadline=None)
@given(clicks(), st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(tmp_path_factory, rows, random):
    folder = tmp_path_factory.mktemp("order")
    curves = []
    for name in ("given", "mixed"):
        curves.append(try_read(write_points(folder / f"{name}.csv", *zip(*rows, strict=True))))
        random.shuffle(rows)

    assert curves[0] == curves[1]


def try_read(path):
    """Return a curve at some moments with its error; None where it is refused."""
    from kinimmune.models.errors import DataError

    try:
        curve = read(path)
    except DataError:
        return None
    return (*curve.at(MOMENTS).tolist(), curve.error.value)


@settings(max_examples=40, deadline=None)
@given(clicks())
def test_percent_is_the_share_times_a_hundred(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("percent")
    times, values = zip(*rows, strict=True)
    share = try_read(write_points(folder / "share.csv", times, values))
    percent = try_read(write(folder / "percent.csv", points_text(times, 100.0 * np.array(values))))

    assert (share is None) == (percent is None)
    if share is not None:
        assert share == pytest.approx(percent, abs=1e-12)


def points_text(times, values):
    return "month,percent\n" + "".join(f"{time:.4f},{value:.3f}\n" for time, value in zip(times, values, strict=True))


@settings(max_examples=60, deadline=None)
@given(clicks(), st.sampled_from(list(Points)))
def test_a_read_curve_falls_from_one_and_stays_within_the_noise_of_its_points(tmp_path_factory, rows, points):
    path = write_points(tmp_path_factory.mktemp("falls") / "curve.csv", *zip(*rows, strict=True))

    curve = read(path, points=points)

    assert curve.survival[0] == 1.0
    assert (np.diff(curve.at(MOMENTS)) <= 0.0).all()
    later = [(time, value) for time, value in rows if time > 2.0 * curve.time_error]
    for time, value in later:
        near = np.array([time - 3.0 * curve.time_error, time + 3.0 * curve.time_error])
        assert curve.at(near)[1] - 0.021 <= value <= curve.just_before(near)[0] + 0.021


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1,0.9\n2,0.7\n4,0.5\n",
        "time [months];survival\n0;1\n1;0,9\n2;0,7\n4;0,5\n",
        "Months\tSurvival (%)\n4\t50\n2\t70\n1\t90\n0\t100\n",
        "Dataset 1,\nX,Y\n0,100\n1,90\n2,70\n4,50\n",
        "survival,month\n1,0\n0.9,1\n0.7,2\n0.5,4\n",
        '"time","S"\r\n0,1.0\r\n1,9e-1\r\n\r\n2,0.7\r\n4,.5\r\n',
        "\ufefft,S\n-0.004,1.003\n1,0.9\n2,0.7\n4,0.5\n",
    ],
    ids=["bare", "semicolons", "tabs", "title", "swapped", "quoted", "slips"],
)
def test_files_of_any_digitiser_say_the_same(tmp_path, text):
    path = write(tmp_path / "curve.csv", text)
    unit = None if "onth" in text else TimeUnit.MONTH

    curve = read(path, unit)

    assert curve.at(np.array([0.0, 1.0, 1.5, 3.0, 4.0, 9.0])) == pytest.approx([1.0, 0.9, 0.8, 0.6, 0.5, 0.5])


def test_steps_fall_at_their_points_and_lines_between_them(tmp_path):
    path = write(tmp_path / "curve.csv", "month,S\n0,1\n2,0.8\n4,0.5\n")
    moments = np.array([1.0, 2.0, 3.999, 4.0])

    assert read(path).at(moments) == pytest.approx([0.9, 0.8, 0.50015, 0.5])
    assert read(path, points=Points.STEPS).at(moments) == pytest.approx([1.0, 0.8, 0.8, 0.5])
    assert read(path, points=Points.STEPS).just_before(moments) == pytest.approx([1.0, 1.0, 0.8, 0.8])


def test_corners_of_a_fall_that_were_clicked_a_little_too_late_are_no_rise(tmp_path):
    path = write(tmp_path / "curve.csv", "month,S\n0,1\n2.99,0.7\n3.01,1\n6,0.7\n12,0.4\n")

    curve = read(path)

    assert curve.at(np.array([2.9, 3.1, 6.0])) == pytest.approx([1.0, 0.7, 0.7], abs=1e-12)


def test_the_scatter_of_many_points_is_the_reading_error(tmp_path):
    rng = np.random.default_rng(1)
    times = np.linspace(0.0, 22.0, 400)
    values = draw_arm(rng, 300, 12.0).survival(times) + rng.normal(0.0, 0.006, times.size) * (times > 0.1)

    curve = read(write_points(tmp_path / "curve.csv", times, np.clip(values, 0.0, 1.0)))

    assert curve.error.value == pytest.approx(0.006, rel=0.15)
    assert curve.error.origin == "scatter about the monotone curve"


@pytest.mark.parametrize(
    ("decimals", "expected", "origin"),
    [(4, LEAST_ERROR, "assumed, half a pixel"), (2, 0.005, "half of the last decimal")],
)
def test_a_curve_is_not_read_better_than_its_file_was_written(tmp_path, decimals, expected, origin):
    times = np.arange(0.0, 24.0, 0.5)
    values = np.exp(-times / 12.0)
    rows = "".join(f"{time},{value:.{decimals}f}\n" for time, value in zip(times, values, strict=True))

    curve = read(write(tmp_path / "curve.csv", f"month,S\n{rows}"))

    assert curve.error.value == pytest.approx(expected)
    assert curve.error.origin.startswith(origin)


def test_values_on_the_grid_of_a_coarse_picture_are_not_read_better_than_half_a_pixel(tmp_path):
    times = np.arange(0.0, 24.0, 0.25)
    pixels = np.round(np.exp(-times / 12.0) * 60.0) / 60.0

    curve = read(write_points(tmp_path / "curve.csv", times, pixels))

    assert curve.error.value == pytest.approx(1.0 / 120.0, rel=0.01)
    assert curve.error.origin == "half of a pixel"


def test_an_error_that_is_given_holds_everywhere_but_at_the_start(tmp_path):
    arm = draw_arm(np.random.default_rng(2), 200, 10.0)
    curve = read(write_points(tmp_path / "curve.csv", *arm.steps()), reading_error=0.013)

    assert curve.errors_at(np.array([0.0, 6.0, 12.0]), np.array([200, 100, 50])).tolist() == [0.0, 0.013, 0.013]
    with pytest.raises(UsageError, match=r"--reading-error 0\.2 lies outside 0 to 0\.05; give a standard deviation"):
        read(tmp_path / "curve.csv", reading_error=0.2)


def test_a_fall_within_the_error_of_the_time_widens_the_reading_error(tmp_path):
    path = write_points(tmp_path / "curve.csv", [0.0, 3.0, 3.0, 6.0, 6.5, 12.0], [1.0, 1.0, 0.7, 0.7, 0.4, 0.4])

    errors = read(path).errors_at(np.array([3.0, 4.5]), np.array([100, 90]))

    assert errors == pytest.approx([np.hypot(LEAST_ERROR, 0.3 / np.sqrt(12.0)), LEAST_ERROR])


def test_between_two_points_the_error_is_that_of_events_nobody_saw(tmp_path):
    curve = read(write_points(tmp_path / "curve.csv", [0.0, 6.0, 12.0], [1.0, 0.8, 0.6]))

    unseen = curve.errors_at(np.array([9.0]), np.array([80]))[0] ** 2 - curve.error.value**2
    fall = curve.falls_near(np.array([9.0]))[0] ** 2 / 12.0

    assert np.sqrt(unseen - fall) == pytest.approx(0.2 * np.sqrt(0.25 / 20.0), rel=1e-9)
