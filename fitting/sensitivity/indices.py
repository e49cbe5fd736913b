"""Indices from the rows of a study, with intervals, and from its first quarter and half to see whether they settle.

Start with `compute_indices`.  SALib computes those of Sobol and Morris; every generator is made here from the study's seed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kinimmune.fitting.sensitivity.blocks import StudyRows
from kinimmune.fitting.sensitivity.designs import LEVELS, Design, Method
from kinimmune.fitting.sensitivity.prcc import correlate_partially
from kinimmune.fitting.sensitivity.results import ConvergenceRow, CourseRow, as_indices
from kinimmune.fitting.sensitivity.spread import require_spread, varies
from kinimmune.models.arrays import Array

RESAMPLES = 200
"""Bootstrap samples of rows; a half-width is then known to a twentieth."""
Fields = dict[str, Any]
"""Name of a field of `SensitivityResult` -> its value."""


def compute_indices(design: Design, sample: StudyRows, times: Sequence[float]) -> Fields:
    """Return the fields of a result that a method fills.

    Raises
    ------
    NumericalError
        when the output does not vary over the inputs, or by less than its numerical error
    """
    if design.method is Method.LOCAL:
        return _local_derivatives(design, sample)
    require_spread(sample.output, sample.output_errors)
    compute = {Method.SOBOL: _sobol_indices, Method.MORRIS: _elementary_effects, Method.PRCC: _partial_ranks}[design.method]
    found = compute(design, sample, sample.rows.shape[0])
    found["value"], found["sd"] = float(sample.output.mean()), float(sample.output.std(ddof=1))
    found["error"] = _largest(sample.output_errors)
    found["convergence"] = _convergence_rows(design, sample, compute, found)
    if design.method is Method.PRCC and times:
        found["course"] = _course_rows(sample, times)
    return found


def widen_indices(found: Fields, missed: float) -> Fields:
    """Return the fields of a Sobol study of a learned output with the share of the variance it misses added to half-widths.

    What is missed can belong to any input or interaction.  The strict bound is wider, sqrt(missed) between the square
    roots of two indices, and met only where all that is missed varies with what was learned, which its fit excludes.
    """
    widened = {name: tuple(None if half is None else half + missed for half in found[name]) for name in ("S1_conf", "ST_conf")}
    rows = tuple(
        replace(row, half_widths=tuple(None if half is None else half + missed for half in row.half_widths))
        for row in found["convergence"]
    )
    if "S2_conf" in found:
        widened["S2_conf"] = tuple(tuple(None if half is None else half + missed for half in row) for row in found["S2_conf"])
    return {**found, **widened, "convergence": rows}


def _largest(errors: Array) -> float | None:
    """Return the largest of some errors, None where none was kept."""
    return None if np.isnan(errors).all() else float(np.nanmax(errors))


Compute = Callable[[Design, StudyRows, int], Fields]


def _convergence_rows(design: Design, sample: StudyRows, compute: Compute, whole: Fields) -> tuple[ConvergenceRow, ...]:
    n = sample.rows.shape[0]
    least = len(design.inputs) + 4 if design.method is Method.PRCC else 4
    rows = []
    for part in (n // 4, n // 2, n):
        if part >= least and varies(sample.output[:part], sample.output_errors[:part]):
            found = whole if part == n else compute(design, sample, part)
            rows.append(ConvergenceRow(part, *_main_index(design.method, found)))
    return tuple(rows)


def _main_index(method: Method, found: Fields) -> tuple[Any, Any]:
    """Return the main indices and the half-widths of their intervals."""
    if method is Method.SOBOL:
        return found["ST"], found["ST_conf"]
    if method is Method.MORRIS:
        return found["mu_star"], found["mu_star_conf"]
    ends = zip(found["prcc_lower"], found["prcc_upper"], strict=True)
    return found["prcc"], tuple(None if low is None or high is None else (high - low) / 2.0 for low, high in ends)


def _sobol_indices(design: Design, sample: StudyRows, n: int) -> Fields:
    """Return Sobol's indices: Saltelli et al. 2010, Comput Phys Commun 181:259 (first), Jansen's form (total)."""
    from SALib.analyze import sobol

    found = sobol.analyze(
        design.problem,
        sample.output[:n].ravel(),
        calc_second_order=design.second_order,
        num_resamples=RESAMPLES,
        seed=np.random.default_rng([design.seed, 5]),  # a number would do only where it is not 0
    )
    fields: Fields = {name: as_indices(found[name]) for name in ("S1", "S1_conf", "ST", "ST_conf")}
    if design.second_order:
        fields |= {name: tuple(map(as_indices, found[name])) for name in ("S2", "S2_conf")}
    return fields


def _elementary_effects(design: Design, sample: StudyRows, n: int) -> Fields:
    """Return the statistics of elementary effects: Morris 1991; Campolongo et al. 2007, Environ Model Softw 22:1509 (mu*)."""
    from SALib.analyze import morris

    found = morris.analyze(
        design.problem,
        sample.rows[:n].reshape(-1, len(design.inputs)),
        sample.output[:n].ravel(),
        num_resamples=RESAMPLES,
        num_levels=LEVELS,
        seed=np.random.default_rng([design.seed, 5]),
    )
    single = np.array([design.groups.count(name) == 1 for name in design.names])
    fields: Fields = {name: as_indices(found[name]) for name in ("mu_star", "mu_star_conf")}
    # the effects of a group have no direction
    fields |= {name: as_indices(np.where(single, found[name], math.nan)) for name in ("mu", "sigma")}
    return fields


def _partial_ranks(_design: Design, sample: StudyRows, n: int) -> Fields:
    found = correlate_partially(sample.rows[:n, 0], sample.values[:n, 0])
    return {
        "prcc": as_indices(found.coefficient[-1]),
        "prcc_lower": as_indices(found.lower[-1]),
        "prcc_upper": as_indices(found.upper[-1]),
        "p": as_indices(found.p_value[-1]),
    }


def _course_rows(sample: StudyRows, times: Sequence[float]) -> tuple[CourseRow, ...]:
    """Return partial rank correlations in time; none where the output does not vary, or by less than its error."""
    found = correlate_partially(sample.rows[:, 0], sample.values[:, 0])
    known = varies(sample.values[:, 0], sample.errors[:, 0], axis=0)[:, None]
    rows = zip(times, np.where(known, found.coefficient, math.nan), np.where(known, found.p_value, math.nan), strict=True)
    return tuple(CourseRow(time, as_indices(prcc), as_indices(p)) for time, prcc, p in rows)


def _local_derivatives(design: Design, sample: StudyRows) -> Fields:
    """Return elasticities ln(y+/y-) / ln(p+/p-), which are exact for a power law, changes per sd, and swings.

    An elasticity needs an output and a parameter of one sign.  A parameter whose points, one standard deviation away included,
    give outputs that differ by no more than their errors has neither elasticity nor change; where they are the same to the last
    bit both are 0.  The error of a derivative itself is far smaller than two errors over the step, since points so near share
    their integration steps (benchmarks/smoothness.py).
    """
    require_spread(sample.output, sample.output_errors)
    centre, below, above, low, high = sample.output.T
    indices = np.arange(len(design.inputs))
    down, up = sample.rows[indices, 1, indices], sample.rows[indices, 2, indices]
    sd = np.array([item.sd for item in design.inputs])
    hidden = (np.ptp(sample.output, axis=1) > 0.0) & ~varies(sample.output, sample.output_errors, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = (above - below) / ((up - down) / sd)
        before, after = (
            np.array([item.value(at) for item, at in zip(design.inputs, ends.tolist(), strict=True)]) for ends in (down, up)
        )
        elasticity = np.log(above / below) / np.log(after / before)
    known = centre[np.isfinite(centre)]
    return {
        "value": float(known[0]),
        "sd": None,
        "error": _largest(sample.output_errors),
        "effect": as_indices(np.where(hidden, math.nan, effect)),
        "elasticity": as_indices(np.where(hidden, math.nan, elasticity)),
        "low": as_indices(low),
        "high": as_indices(high),
    }
