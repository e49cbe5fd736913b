"""Landmark trials drawn patient by patient, and their analysis by lifelines, beside the expected association.

Start with `drawn_trial`, `draw_survival` and `analyse`.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from lifelines.statistics import logrank_test

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.landmark import Cohort
from kinimmune.fitting.claims.readouts.melanoma import STUDY, LandmarkTrial, enrol
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.trial.population import Population, draw_individuals


def drawn_trial(batch: ExperimentBatch, arm: str, patients: int | None = None) -> LandmarkTrial:
    """Return one trial of random patients per parameter set of a batch; of as many as the arm has where no number is given."""
    size = batch.trial(STUDY).arm(arm).n if patients is None else patients
    everyone = draw_individuals(batch.setup.compiled.model.parameters, size * batch.size, batch.seed)
    trials = np.split(everyone.scores, batch.size, axis=1)
    return enrol(batch, arm, [Population(everyone.names, scores, batch.seed) for scores in trials])


def draw_survival(cohort: Cohort, generator: np.random.Generator) -> tuple[Array, Array]:
    """Return end of observation [d] and whether it is death, shape (n, m) each, of trials drawn from a cohort.

    Deaths before the landmark keep the landmark as their time; those beyond the grid are censored at its end.
    """
    n, m, _ = cohort.hazard.shape
    level = generator.exponential(size=(n, m))
    entry = generator.random((n, m))
    span = cohort.follow_up
    followed = span.longest - entry ** (1.0 / span.shape) * (span.longest - span.shortest)
    limit = np.minimum(followed, cohort.time[-1])
    death = np.array(
        [[np.interp(level[i, j], cohort.hazard[i, j], cohort.time, right=np.inf) for j in range(m)] for i in range(n)]
    )
    return np.minimum(death, limit), death <= limit


@dataclass(frozen=True)
class LandmarkResult:
    """One trial, analysed."""

    patients: int
    """Number of patients alive at the landmark."""
    hazard_ratio: float
    """Hazard ratio per standard deviation of the covariate."""
    p_value: float
    """Two-sided p-value of that hazard ratio (Wald)."""
    log_rank_p_value: float
    """p-value of rise against no rise; NaN where one group is empty."""


def analyse(time: Array, died: Array, covariate: Array, landmark: float) -> LandmarkResult:
    """Return Cox regression and log-rank test of one drawn trial, by lifelines.

    Parameters
    ----------
    time
        end of observation [d], shape (m,)
    died
        whether it is death, shape (m,)
    covariate
        ln of the rise of the biomarker, shape (m,)
    landmark
        [d]; who is not observed beyond it is left out

    Raises
    ------
    NumericalError
        when too few deaths determine no hazard ratio
    """
    kept = time > landmark
    time, died, covariate = time[kept] - landmark, died[kept], covariate[kept]
    standard = (covariate - covariate.mean()) / covariate.std()
    table = pd.DataFrame({"time": time, "died": died.astype(float), "covariate": standard})
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            fitted: Any = CoxPHFitter().fit(table, "time", "died")
        except (ConvergenceError, ConvergenceWarning) as error:
            what = f"{table['died'].sum():.0f} deaths of {len(table)} patients do not determine a hazard ratio"
            raise NumericalError(f"{what}; take a larger trial or a longer follow-up") from error
    rose = covariate > 0.0
    groups = bool(rose.any()) and not bool(rose.all())
    test = logrank_test(time[rose], time[~rose], died[rose], died[~rose]).p_value if groups else float("nan")
    return LandmarkResult(
        patients=int(kept.sum()),
        hazard_ratio=float(np.exp(fitted.params_["covariate"])),
        p_value=float(fitted.summary["p"]["covariate"]),
        log_rank_p_value=float(test),
    )
