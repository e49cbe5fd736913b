"""The figure each system's paper would show, from its experiments at the values of the tables.

Start with `PICTURES`, which says per model what is drawn; `kinimmune.reports.figures.panels` draws it.  A model without an
entry has no picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array


@dataclass(frozen=True)
class NominalCourse:
    """A typical individual in one arm or experiment, at the values of the tables."""

    arm: str
    days: Array
    """[d], shape (k,)"""
    values: Mapping[str, Array]
    """State or output -> shape (k,)"""


@dataclass(frozen=True)
class Courses:
    """A quantity in time, one line per experiment."""

    title: str
    quantity: str
    experiments: tuple[str, ...]


@dataclass(frozen=True)
class Bars:
    """A quantity at a read-out day, one bar per experiment."""

    title: str
    quantity: str
    experiments: tuple[str, ...]
    day: str


@dataclass(frozen=True)
class Series:
    """Quantities at a read-out day against a parameter that is stepped through a series, one line per quantity."""

    title: str
    quantities: tuple[str, ...]
    experiment: str
    parameter: str
    day: str
    level: float
    """Where a line crosses it, a mark stands; the crossing is an IC50 when the level is one half."""
    relative: bool = False
    """Whether values are over that at the start of the series."""


Panel = Courses | Bars | Series

_DOSES = ("vehicle", "sorafenib_10", "sorafenib_30", "sorafenib_60")
_WITH_AND_WITHOUT = ("vehicle", "sorafenib_30", "tumour_free", "tumour_free_30")
_TREATMENTS = ("untreated", "temozolomide", "sorafenib", "sorafenib_temozolomide")
_MIF = ("vehicle", "cdk46i", "mif_loss", "cdk46i_mif_loss")
_LINES = ("hepg2", "huh7", "plc_prf_5", "hle", "hlf", "hep3b")
_DEPLETED = ("vehicle", "cdk46i", "cdk46i_cd8_depletion", "cdk46i_macrophage_depletion")
_CULTURE = ("untreated", "medium_concentration", "h72", 0.5)
"""Where and when cells are read, what is stepped, and the level of an IC50."""
_KINASES = ("raf", "braf", "vegfr1", "vegfr2", "vegfr3", "pdgfrb", "kit", "treg", "ret")

PICTURES: Mapping[str, tuple[Panel, ...]] = {
    "hcc_mouse": (
        Courses("Tumour volume", "tumour_volume", _DOSES),
        Courses("Tregs among CD4 cells", "treg_fraction", _DOSES),
        Courses("PD-1+ among CD8 cells", "pd1_fraction", _DOSES),
        Bars("Tregs among CD4 cells", "treg_fraction", _WITH_AND_WITHOUT, "end"),
        Bars("Ki67+ Tregs", "ki67_fraction", _WITH_AND_WITHOUT, "end"),
        Bars("Annexin+ Tregs", "annexin_fraction", _WITH_AND_WITHOUT, "end"),
        Bars("Suppression, equal Tregs", "suppression_assay", _WITH_AND_WITHOUT, "end"),
        Bars("PD-1+ among CD8 cells", "pd1_fraction", _DOSES, "end"),
        Bars("Tumour, with anti-PD-1", "tumour_volume", ("vehicle", "sorafenib_30", "anti_pd1", "anti_pd1_30"), "end"),
    ),
    "melanoma": (
        Courses("IL-15Rα on monocytes", "il15ra_monocytes", _TREATMENTS),
        Courses("CD4+NKG2D+ cells", "cd4_nkg2d_cells", _TREATMENTS),
        Courses("Th1 effectors", "th1_effectors", _TREATMENTS),
        Courses("Tumour volume", "tumour_volume", _TREATMENTS),
        Courses("Soluble MICA/B", "soluble_mica", _TREATMENTS),
        Courses("Cumulative hazard", "death_hazard", _TREATMENTS),
        Bars("Rise of CD4+NKG2D+", "rise", (*_TREATMENTS[1:], "not_inducible", "no_mica"), "two_cycles"),
        Bars("IL-15Rα in a dish", "il15ra_monocytes", ("in_vitro_0", "in_vitro_1", "in_vitro_10"), "in_vitro"),
        Bars("Th1 share", "th1_fraction", _TREATMENTS, "two_cycles"),
    ),
    "breast": (
        Courses("Tumour: Mif", "tumour_volume", _MIF),
        Courses("Tumour: depletion", "tumour_volume", _DEPLETED),
        Courses("Tumour: M1 medium", "tumour_volume", ("vehicle", "m1_medium", "low_pd1", "m1_medium_low_pd1")),
        Bars("MIF", "mif", _MIF, "end"),
        Bars("M1 macrophages", "m1", _MIF, "end"),
        Bars("M2 macrophages", "m2", _MIF, "end"),
        Bars("MHC-I", "presentation", _MIF, "end"),
        Bars("CD8 cells", "cd8_cells", _MIF, "end"),
        Bars("Functional among CD8", "functional_fraction", _MIF, "end"),
    ),
    "hcc_cells": (
        Series("Cells over untreated", tuple(f"cells_{name}" for name in _LINES), *_CULTURE, relative=True),
        Series("Kinase held by drug", tuple(f"held_{name}" for name in _KINASES), *_CULTURE),
        Series("Phosphorylated ERK", ("phospho_erk",), *_CULTURE),
        Bars("Apoptosis, HLE", "dying_hle", ("untreated", "hle_low", "hle_high"), "h72"),
        Bars("Number, HLF", "cells_hlf", ("untreated", "hlf_low", "hlf_high"), "h72"),
    ),
}  # fmt: skip
"""Model -> panels in reading order."""


@dataclass(frozen=True)
class Stepped:
    """What a series of values of a parameter gave."""

    panel: Series
    series: Array
    """Values of the parameter, increasing, shape (k,)"""
    values: Mapping[str, Array]
    """Quantity -> shape (k,)"""

    def crossing(self, quantity: str) -> float | None:
        """Return where the quantity first crosses the panel's level, straight over the logarithm; None where it does not."""
        side = self.values[quantity] > self.panel.level
        changes = np.flatnonzero(side[1:] != side[:-1])
        if not changes.size:
            return None
        k = int(changes[0])
        low, high = (float(self.values[quantity][place]) for place in (k, k + 1))
        share = (self.panel.level - low) / (high - low)
        return float(self.series[k] * (self.series[k + 1] / self.series[k]) ** share)


@dataclass(frozen=True)
class Picture:
    """Everything a picture is drawn from."""

    panels: tuple[Panel, ...]
    courses: Mapping[str, NominalCourse]
    """Experiment -> course; read-out days are among its days."""
    stepped: tuple[Stepped, ...]
    days: Mapping[str, float]
    """Read-out day -> [d]"""
    units: Mapping[str, str]
    """Quantity or parameter -> unit"""

    def at(self, panel: Bars, experiment: str) -> float:
        """Return the height of a bar."""
        course = self.courses[experiment]
        return float(np.interp(self.days[panel.day], course.days, course.values[panel.quantity]))


def select_panels(model: str, experiments: Sequence[str], days: Sequence[str], quantities: Sequence[str]) -> tuple[Panel, ...]:
    """Return the panels of a model's picture for which the tables have everything."""

    def possible(panel: Panel) -> bool:
        wanted = (panel.experiment,) if isinstance(panel, Series) else panel.experiments
        read = panel.quantities if isinstance(panel, Series) else (panel.quantity,)
        dated = isinstance(panel, Courses) or panel.day in days
        return set(wanted) <= set(experiments) and set(read) <= set(quantities) and dated

    return tuple(panel for panel in PICTURES.get(model, ()) if possible(panel))
