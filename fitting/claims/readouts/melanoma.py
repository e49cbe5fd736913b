"""Read-outs of claims about `melanoma`: the landmark association in virtual trials, and comparisons of several experiments.

Start with `READOUTS`.  The covariates are fixed beforehand: the counted ln rise of CD4+NKG2D+ cells after two cycles (`rise`) and
ln of their counted number before treatment (`start`).
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kinimmune.fitting.claims.batch import Laboratory
from kinimmune.fitting.claims.landmark import Association, Cohort, expected_association
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.trial.population import Population, draw_individuals, draw_population, individual_values

PATIENTS = 128
"""Common patients over which the expected association is taken."""
LANDMARK = "two_cycles"
STEP, INTERVALS = 56.0, 20
"""Grid of the hazard after the landmark [d]; 20 steps reach beyond three years, when few are alive."""
CHUNK = 2048
"""Patients integrated together; fixed, so that results do not depend on the number of threads."""
TOLERANCES = Tolerances(1e-3, 1e-5)
"""Log hazard ratios move by less than 1e-4 against tolerances a hundred times as tight."""
CELLS, HAZARD, RECEPTOR = "cd4_nkg2d_cells", "death_hazard", "il15ra_monocytes"


def landmark_hazard_ratio(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the hazard ratio of death per sd of the covariate `quantity`, in expectation, shape (n,)."""
    return np.exp(_association(laboratory, claim).log_hazard_ratio)


def landmark_size(laboratory: Laboratory, claim: Claim) -> Array:
    """Return |ln HR| per sd of the covariate `quantity`, in expectation, shape (n,)."""
    return np.abs(_association(laboratory, claim).log_hazard_ratio)


def landmark_power(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the probability that one trial of its size finds HR < 1 with two-sided p < .05, shape (n,)."""
    return _association(laboratory, claim).detected(_row(laboratory, "trial_patients"))


def landmark_rejection(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the probability that one trial of its size finds a link of either sign with p < .05, shape (n,)."""
    return _association(laboratory, claim).rejected(_row(laboratory, "trial_patients"))


def responder_difference(laboratory: Laboratory, claim: Claim) -> Array:
    """Return mean ln IL-15 receptor alpha on monocytes of patients alive at the median survival less that of the dead, (n,)."""
    cohort, kept = expected_cohort(laboratory, claim.experiment)
    alive = np.exp(-cohort.hazard)
    share = alive.mean(axis=1)
    place = np.argmin(np.abs(share - share[:, :1] / 2.0), axis=1)
    survived = np.take_along_axis(alive, place[:, None, None], axis=2)[:, :, 0]
    value = np.log(kept[RECEPTOR])
    return _mean(value, survived) - _mean(value, alive[:, :, 0] - survived)


def _mean(value: Array, weight: Array) -> Array:
    mean: Array = (value * weight).sum(axis=1) / weight.sum(axis=1)
    return mean


def smallest_step(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the smallest ratio between neighbours of a dose series, `baseline` first, `experiment` its higher doses, (n,)."""
    series = [laboratory.read(name, claim.quantity, claim.day) for name in (claim.baseline, *DOSES[claim.experiment])]
    smallest: Array = np.min([high / low for low, high in itertools.pairwise(series)], axis=0)
    return smallest


def beyond_either(laboratory: Laboratory, claim: Claim) -> Array:
    """Return the quantity under both signals over the larger of those with one signal missing, shape (n,)."""
    both = laboratory.read(claim.experiment, claim.quantity, claim.day)
    single = [laboratory.read(name, claim.quantity, claim.day) for name in ONE_SIGNAL]
    return both / np.maximum(*single)


DOSES = {"in_vitro_10": ("in_vitro_1", "in_vitro_10")}
ONE_SIGNAL = ("not_inducible", "no_mica")


def _association(laboratory: Laboratory, claim: Claim) -> Association:
    def compute() -> Association:
        cohort, kept = expected_cohort(laboratory, claim.experiment)
        return expected_association(_with(cohort, kept, claim.quantity))

    return laboratory.once(f"association {claim.experiment} {claim.quantity}", compute)


def _with(cohort: Cohort, kept: dict[str, Array], covariate: str) -> Cohort:
    if covariate not in kept:
        raise UsageError(f"no covariate '{covariate}' in a landmark analysis of melanoma; allowed: rise, start")
    return Cohort(cohort.time, cohort.hazard, kept[covariate], cohort.shortest, cohort.accrual)


def expected_cohort(laboratory: Laboratory, experiment: str) -> tuple[Cohort, dict[str, Array]]:
    """Return evenly spread common patients for every parameter set of a laboratory, and what was kept of each."""
    model = laboratory.bench.compiled.model
    population = draw_population(model.parameters, PATIENTS, laboratory.seed)
    return laboratory.once(f"cohort {experiment}", lambda: _enrol(laboratory, experiment, [population] * laboratory.size))


def drawn_cohort(laboratory: Laboratory, experiment: str) -> tuple[Cohort, dict[str, Array]]:
    """Return one trial of random patients per parameter set of a laboratory, and what was kept of each."""
    size, seed = round(float(_row(laboratory, "trial_patients")[0])), laboratory.seed
    parameters = laboratory.bench.compiled.model.parameters
    everyone = draw_individuals(parameters, size * laboratory.size, seed)
    trials = np.split(everyone.scores, laboratory.size, axis=1)
    drawn = [Population(everyone.names, scores, seed) for scores in trials]
    return laboratory.once(f"drawn cohort {experiment}", lambda: _enrol(laboratory, experiment, drawn))


def _enrol(laboratory: Laboratory, experiment: str, populations: list[Population]) -> tuple[Cohort, dict[str, Array]]:
    """Return n cohorts and, per patient, both covariates and the receptor at the landmark, shape (n, m) each."""
    bench, model = laboratory.bench, laboratory.bench.compiled.model
    landmark = laboratory.day(LANDMARK)
    time = np.array([0.0, *(landmark + STEP * np.arange(INTERVALS + 1))])
    people = np.concatenate(
        [
            individual_values(model.parameters, dict(zip(model.parameter_names, map(float, column), strict=True)), population)
            for column, population in zip(laboratory.changed(experiment).T, populations, strict=True)
        ],
        axis=1,
    )
    plan = bench.experiments[experiment].schedule()

    def work(first: int) -> Array:
        chunk = np.ascontiguousarray(people[:, first : first + CHUNK])
        inputs = np.zeros((len(model.inputs), chunk.shape[1]))
        courses = bench.integrate(
            initial=bench.compiled.initial(np.concatenate([chunk, inputs])),
            parameters=chunk,
            time=time,
            schedule=plan,
            keep=(CELLS, HAZARD, RECEPTOR),
            tolerances=TOLERANCES,
        )
        return courses.states

    with ThreadPoolExecutor(bench.jobs) as pool:
        states = np.concatenate(list(pool.map(work, range(0, people.shape[1], CHUNK))), axis=2)
    shape = (laboratory.size, populations[0].patients)
    cells, hazard, receptor = (row.reshape(time.size, *shape) for row in states)
    error = people[model.parameter_names.index("count_error")].reshape(shape)
    kept = {
        "rise": np.log(cells[1] / cells[0]) + error,
        "start": np.log(cells[0]) + error,
        RECEPTOR: receptor[1],
    }
    hazard = np.moveaxis(hazard[1:], 0, 2)
    shortest, accrual = _row(laboratory, "follow_up_after_accrual"), _row(laboratory, "accrual_duration")
    return Cohort(time[1:], hazard, kept["rise"], shortest, accrual), kept


def _row(laboratory: Laboratory, name: str) -> Array:
    row: Array = laboratory.parameters[laboratory.bench.compiled.model.parameter_names.index(name)]
    return row


READOUTS = {
    function.__name__: function
    for function in (
        landmark_hazard_ratio,
        landmark_size,
        landmark_power,
        landmark_rejection,
        responder_difference,
        smallest_step,
        beyond_either,
    )
}
