"""Survival curves as a publication prints them: trials drawn from known hazards, drawn to pixels, and read back."""

from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = (0.0, 0.3, 0.7)


@dataclass(frozen=True)
class Arm:
    """The patients of an arm."""

    time: np.ndarray
    """[month]"""
    event: np.ndarray

    def at_risk(self, times):
        """Return numbers at risk just before times."""
        return np.array([int((self.time >= time).sum()) for time in times])

    def steps(self):
        """Return times and values of the Kaplan-Meier estimate after each fall, from (0, 1) to the end of follow-up."""
        times = np.unique(self.time[self.event])
        falls = [1.0 - (self.event & (self.time == time)).sum() / (self.time >= time).sum() for time in times]
        values = np.concatenate([[1.0], np.cumprod(falls)])
        times = np.concatenate([[0.0], times])
        end = self.time.max()
        return (np.append(times, end), np.append(values, values[-1])) if end > times[-1] else (times, values)

    def survival(self, at):
        """Return the Kaplan-Meier estimate at times."""
        times, values = self.steps()
        return values[np.searchsorted(times, at, side="right") - 1]

    def median(self):
        """Return the first time at which the estimate is at most one half."""
        times, values = self.steps()
        return times[np.argmax(values <= 0.5)]


def draw_arm(rng, n, scale, shape=1.0, accrual=12.0, cut_off=24.0):
    """Return n patients with Weibull times [month] who enter evenly over `accrual` months; some are lost, the others cut off."""
    event = scale * rng.weibull(shape, n)
    followed = np.minimum(cut_off - accrual * rng.random(n), rng.exponential(150.0, n))
    return Arm(np.round(np.minimum(event, followed), 3) + 0.001, event <= followed)


def print_curve(arm, last, width=700, height=450):
    """Return a picture, shape (height, width, 3), with time to `last`, and a function from pixels to time and survival."""
    figure = Figure(figsize=(width / 100.0, height / 100.0), dpi=100)
    panel = figure.add_axes((0.1, 0.12, 0.85, 0.84))
    panel.step(*arm.steps(), where="post", color=INK, linewidth=1.2)
    panel.set_xlim(0.0, last)
    panel.set_ylim(0.0, 1.02)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[:, :, :3] / 255.0
    back = panel.transData.inverted()
    return picture, lambda columns, rows: back.transform(np.column_stack([columns + 0.5, height - (rows + 0.5)])).T


def read_pixels(picture, to_data):
    """Return time and survival of the curve in a picture: in each column of pixels the upper and the lower end of its colour.

    Half of the thickness of the line, which is that of most columns, is taken off at both ends.
    """
    inked = picture[:, :, 2] - picture[:, :, 0] > 0.5 * (INK[2] - INK[0])  # letters and axes are grey
    columns = np.flatnonzero(inked.any(axis=0))
    top = inked[:, columns].argmax(axis=0)
    bottom = picture.shape[0] - 1 - inked[::-1, columns].argmax(axis=0)
    half = np.median(bottom - top) / 2.0
    upper, lower = to_data(columns, top + half), to_data(columns, bottom - half)
    return np.concatenate([upper[0], lower[0]]), np.concatenate([upper[1], lower[1]])


def write_points(path, times, values, header="time [months],survival"):
    """Write a file of points as a digitiser does, and return its path."""
    rows = "".join(f"{time:.4f},{value:.5f}\n" for time, value in zip(times, values, strict=True))
    path.write_text(f"{header}\n{rows}", encoding="utf-8")
    return path


def write_risk(path, arm, times, header="time,at risk"):
    """Write a file of numbers at risk, and return its path."""
    rows = "".join(f"{time:g},{count}\n" for time, count in zip(times, arm.at_risk(times), strict=True))
    path.write_text(f"{header}\n{rows}", encoding="utf-8")
    return path
