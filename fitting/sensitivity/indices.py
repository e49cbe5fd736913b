"""Indices from the rows of a study, with intervals, and from its first quarter and half to see whether they settle.

Start with `compute_indices`.  SALib computes those of Sobol and Morris; every generator is made here from the study's seed.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kinimmune.fitting.sensitivity.blocks import Sample
from kinimmune.fitting.sensitivity.designs import LEVELS, Design, Method
from kinimmune.fitting.sensitivity.prcc import correlate_partially
from kinimmune.fitting.sensitivity.results import ConvergenceRow, CourseRow, as_indices
from kinimmune.models.errors import NumericalError

RESAMPLES = 200
"""Bootstrap samples of rows; a half-width is then known to a twentieth."""
Found = dict[str, Any]
"""Fields of a `SensitivityResult`."""


def compute_indices(design: Design, sample: Sample, times: Sequence[float]) -> Found:
    """Return the fields of a result that a method fills.

    Raises
    ------
    NumericalError
        when the output does not vary over the inputs
    """
    if design.method is Method.LOCAL:
        return _differentiate(design, sample)
    if not np.ptp(sample.output) > 0.0:
        raise NumericalError(f"the output is {sample.output.flat[0]:g} at every point, so no index exists; vary other parameters")
    compute = {Method.SOBOL: _share_variance, Method.MORRIS: _screen, Method.PRCC: _rank}[design.method]
    found = compute(design, sample, sample.rows.shape[0])
    found["value"], found["sd"] = float(sample.output.mean()), float(sample.output.std(ddof=1))
    found["convergence"] = _converge(design, sample, compute, found)
    if design.method is Method.PRCC and times:
        found["course"] = _follow(sample, times)
    return found


Compute = Callable[[Design, Sample, int], Found]


def _converge(design: Design, sample: Sample, compute: Compute, whole: Found) -> tuple[ConvergenceRow, ...]:
    n = sample.rows.shape[0]
    least = len(design.inputs) + 4 if design.method is Method.PRCC else 4
    rows = []
    for part in (n // 4, n // 2, n):
        if part >= least and np.ptp(sample.output[:part]) > 0.0:
            found = whole if part == n else compute(design, sample, part)
            rows.append(ConvergenceRow(part, *_main(design.method, found)))
    return tuple(rows)


def _main(method: Method, found: Found) -> tuple[Any, Any]:
    """Return the main indices and the half-widths of their intervals."""
    if method is Method.SOBOL:
        return found["ST"], found["ST_conf"]
    if method is Method.MORRIS:
        return found["mu_star"], found["mu_star_conf"]
    ends = zip(found["prcc_lower"], found["prcc_upper"], strict=True)
    return found["prcc"], tuple(None if low is None or high is None else (high - low) / 2.0 for low, high in ends)


def _share_variance(design: Design, sample: Sample, n: int) -> Found:
    """Return Sobol's indices: Saltelli et al. 2010, Comput Phys Commun 181:259 (first), Jansen's form (total)."""
    from SALib.analyze import sobol

    found = sobol.analyze(
        design.problem,
        sample.output[:n].ravel(),
        calc_second_order=design.second_order,
        num_resamples=RESAMPLES,
        seed=np.random.default_rng([design.seed, 5]),  # a number would do only where it is not 0
    )
    fields: Found = {name: as_indices(found[name]) for name in ("S1", "S1_conf", "ST", "ST_conf")}
    if design.second_order:
        fields |= {name: tuple(map(as_indices, found[name])) for name in ("S2", "S2_conf")}
    return fields


def _screen(design: Design, sample: Sample, n: int) -> Found:
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
    fields: Found = {name: as_indices(found[name]) for name in ("mu_star", "mu_star_conf")}
    # the effects of a group have no direction
    fields |= {name: as_indices(np.where(single, found[name], math.nan)) for name in ("mu", "sigma")}
    return fields


def _rank(_design: Design, sample: Sample, n: int) -> Found:
    found = correlate_partially(sample.rows[:n, 0], sample.values[:n, 0])
    return {
        "prcc": as_indices(found.coefficient[-1]),
        "prcc_lower": as_indices(found.lower[-1]),
        "prcc_upper": as_indices(found.upper[-1]),
        "p": as_indices(found.p_value[-1]),
    }


def _follow(sample: Sample, times: Sequence[float]) -> tuple[CourseRow, ...]:
    found = correlate_partially(sample.rows[:, 0], sample.values[:, 0])
    return tuple(
        CourseRow(time, as_indices(prcc), as_indices(p))
        for time, prcc, p in zip(times, found.coefficient, found.p_value, strict=True)
    )


def _differentiate(design: Design, sample: Sample) -> Found:
    """Return elasticities ln(y+/y-) / ln(p+/p-), which are exact for a power law, changes per sd, and swings.

    An elasticity needs an output and a parameter of one sign.
    """
    centre, below, above, low, high = sample.output.T
    places = np.arange(len(design.inputs))
    down, up = sample.rows[places, 1, places], sample.rows[places, 2, places]
    sd = np.array([item.sd for item in design.inputs])
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
        "effect": as_indices(effect),
        "elasticity": as_indices(elasticity),
        "low": as_indices(low),
        "high": as_indices(high),
    }
