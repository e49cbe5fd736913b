"""The figure of a read curve shows what was read: its points, the curve, survival with its error, and numbers at risk."""

import numpy as np
import pytest
from printed_curves import draw_arm, write_points, write_risk

from kinimmune.fitting.curves.figure import FigureRequest, read_figure
from kinimmune.fitting.curves.median import PrintedMedian
from kinimmune.fitting.curves.rebuild import rebuild
from kinimmune.reports.figures.read_curve import plot_read_curve

MONTHS = np.arange(0.0, 21.0, 5.0)


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    folder, arm = tmp_path_factory.mktemp("figure"), draw_arm(np.random.default_rng(4), 120, 9.0)
    points = write_points(folder / "curve.csv", *arm.steps())
    median = PrintedMedian.parse(f"{arm.median():.1f}")
    return read_figure(FigureRequest(points, write_risk(folder / "risk.csv", arm, MONTHS), median=median))


def lines(figure):
    return {line.get_label(): line.get_xydata() for line in figure.axes[0].get_lines()}


def test_points_and_curve_are_drawn_as_they_are(reading):
    drawn = lines(plot_read_curve(reading, title="my_trial:treated:os"))

    assert drawn["points as read"].tolist() == np.column_stack([reading.clicks.time, reading.clicks.survival]).tolist()
    assert drawn["curve"].tolist() == np.column_stack([reading.curve.time, reading.curve.survival]).tolist()
    assert not any("rebuilt" in label for label in drawn)


def test_numbers_at_risk_stand_below_their_times(reading):
    axes = plot_read_curve(reading).axes[0]

    written = [label.get_text().split("\n") for label in axes.get_xticklabels()]
    assert [(float(time), int(count)) for time, count in written] == list(zip(MONTHS, reading.risk.at_risk, strict=True))


def test_rebuilt_patients_are_steps_with_their_numbers(reading):
    patients = rebuild(reading.curve, reading.risk)

    drawn = lines(plot_read_curve(reading, patients))

    steps = drawn[f"120 rebuilt patients, {patients.events} events"]
    assert steps[:, 1].tolist() == patients.survival(steps[:, 0]).tolist()
    assert steps[-1, 0] == patients.time[-1]
