"""Fits to patients who are known before treatment: closed forms of constant hazards that a covariate multiplies."""

import math
import random

import covariate_trial as example
import numpy as np
import pytest
from exponential_trial import RATE, RATIO, SPREAD
from scipy.optimize import minimize

from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.problem import build_problem, predict
from kinimmune.fitting.problem.residuals import count_data_residuals, residuals
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables

BETA, POWER = 0.6, 1.2
BOTH = (example.EFFECTS, example.AGE_EFFECTS)


def draw_patients(seed=5, n=100):
    """Return arm -> patients with their status, age and a hazard that follows from both."""
    rng, drawn = np.random.default_rng(seed), {}
    for arm, ratio in (("drug", RATIO), ("control", 1.0)):
        ecog, age = (rng.random(n) < 0.4).astype(int), np.round(60.0 * np.exp(0.2 * rng.standard_normal(n)), 1)
        time = rng.exponential(1.0 / (RATE * ratio * np.exp(BETA * ecog) * (age / 60.0) ** POWER))
        last = rng.uniform(800.0, 1400.0, n)
        columns = zip(
            np.maximum(np.minimum(time, last), 0.5).round(3).tolist(),
            (time <= last).tolist(),
            ecog.tolist(),
            age.tolist(),
            strict=True,
        )
        drawn[arm] = [(f"{arm}{number}", *row) for number, row in enumerate(columns)]
    return drawn


def open_fit(folder, patients=2):
    """Return the plan of a fit of a project, with the folder that holds its tables and model for as long as it is open."""
    with gather_model(str(folder / "exponential.py"), folder) as (name, data):
        settings = Settings(model=name, data=data, seed=1, jobs=1, fit=FitOptions(patients=patients, starts=1))
        return fit(plan_fit(name, settings, Tables(data)), Runtime())


def open_trial(folder, patients=64):
    with gather_model(str(folder / "exponential.py"), folder) as (name, data):
        return build_problem(name, Tables(data), patients=patients, seed=1)


def fit_closed_form(patients, *, aged):
    """Return the mode of the posterior and its standard errors: ln of the rate and of the ratio, and the coefficients."""
    rows = [(arm == "drug", *row[1:]) for arm, own in patients.items() for row in own]
    drug, time, event, ecog, age = map(np.array, zip(*rows, strict=True))
    columns = np.column_stack([np.ones(len(rows)), drug, ecog, *([np.log(age / 60.0)] if aged else [])])
    centre, sd = np.array([math.log(RATE), math.log(RATIO), 0.0, 0.0][: columns.shape[1]]), np.array([1.0, SPREAD, 1.0, 1.0])

    def loss(point):
        log_hazard = columns @ point
        return np.exp(log_hazard) @ time - event @ log_hazard + 0.5 * np.sum(((point - centre) / sd[: point.size]) ** 2)

    mode = minimize(loss, centre, tol=1e-12).x
    weight = columns * (np.exp(columns @ mode) * time)[:, None]
    information = columns.T @ weight + np.diag(sd[: mode.size] ** -2.0)
    return mode, np.sqrt(np.diag(np.linalg.inv(information)))


def test_the_hazard_ratio_of_a_category_is_that_of_the_closed_form(tmp_path):
    """Rate, ratio of the arms and exp(beta) lie within .03 standard errors of the posterior's mode; errors within 10 %."""
    patients = draw_patients()
    example.write_patients(example.write_project(tmp_path / "own"), patients)
    mode, errors = fit_closed_form(patients, aged=False)

    result, _ = open_fit(tmp_path / "own")

    assert result.status == "converged"
    found = {row.name: row for row in result.parameters}
    for name, expected, error in zip(("rate", "ratio", example.ECOG), mode, errors, strict=True):
        value = found[name].value if name == example.ECOG else math.log(found[name].value)
        assert abs(value - expected) < 0.03 * error
        assert found[name].standard_error == pytest.approx(error, rel=0.1)
    told = {row.arm: row.strata for row in result.targets}
    split = {status: [row for row in patients["drug"] if row[3] == status] for status in (0, 1)}
    parts = [f"ecog={status} (n {len(rows)}, events {sum(row[2] for row in rows)})" for status, rows in split.items()]
    assert told["drug"] == "; ".join(parts)


def test_the_power_of_a_continuous_covariate_is_found_in_quarters(tmp_path):
    """Within .5 standard errors of the fit to each patient's own age, which quarters make up to a tenth larger."""
    patients = draw_patients(seed=8)
    example.write_patients(example.write_project(tmp_path / "own", BOTH), patients, ("ecog", "age"))
    mode, errors = fit_closed_form(patients, aged=True)

    result, _ = open_fit(tmp_path / "own", patients=64)

    found = {row.name: row for row in result.parameters}
    assert abs(found[example.AGE].value - mode[3]) < 0.5 * errors[3]
    assert 0.95 < found[example.AGE].standard_error / errors[3] < 1.15
    assert abs(found[example.ECOG].value - mode[2]) < 0.2 * errors[2]


def test_the_order_of_patients_changes_nothing(tmp_path):
    """Residuals have the same bits, and so has what results depend on; another status of one patient is another input."""
    patients = draw_patients()
    found, digests = [], []
    for name in ("one", "other", "third"):
        if name == "other":
            patients = {arm: random.Random(3).sample(rows, len(rows)) for arm, rows in patients.items()}
        if name == "third":
            first, *rest = patients["drug"]
            patients = {**patients, "drug": [(*first[:3], 1 - first[3], first[4]), *rest]}
        folder = example.write_project(tmp_path / name, BOTH, {example.ECOG: BETA, example.AGE: POWER})
        example.write_patients(folder, patients, ("ecog", "age"))
        problem = open_trial(folder)
        z = np.array([item.prior.to_z(item.value) for item in problem.estimated])
        found.append(residuals(problem, predict(problem, [z])[0], z))
        with gather_model(str(folder / "exponential.py"), folder) as (model, data):
            digests.append(digest_inputs(model, Tables(data)))

    assert np.array_equal(found[0], found[1])
    assert digests[0] == digests[1] != digests[2]


def test_without_an_effect_arms_and_strata_are_those_without_covariates(tmp_path):
    """Every curve has the bits of the project without the tables, of all patients and of each stratum."""
    patients = draw_patients()
    with_effects, without = example.write_project(tmp_path / "one", BOTH), example.write_project(tmp_path / "other", ())
    for folder in (with_effects, without):
        example.write_patients(folder, patients, ("ecog", "age"))
    one, other = open_trial(with_effects), open_trial(without)
    outcomes = predict(one, [np.zeros(len(one.estimated))])[0]
    (bare,) = predict(other, [np.zeros(len(other.estimated))])

    assert other.groups == ()
    assert len(one.groups) == 16
    assert count_data_residuals(one) > count_data_residuals(other)
    for study, arm, group in [*((*place, None) for place in one.arms), *one.groups]:
        curve = outcomes.among(group)[study, arm].survival
        assert curve == pytest.approx(bare[study, arm].survival, rel=1e-12)


def test_an_arm_is_the_mixture_of_its_strata(tmp_path):
    """With shares of a quarter and three quarters S is their sum, and each stratum's hazard is multiplied by exp(beta)."""
    rows = [(f"p{number}", 300.0 + number, True, int(number < 5)) for number in range(20)]
    folder = example.write_project(tmp_path / "own", values={example.ECOG: BETA})
    example.write_patients(folder, {"drug": rows, "control": rows})
    problem = open_trial(folder)
    point = np.array([item.prior.to_z(BETA if item.name == example.ECOG else item.value) for item in problem.estimated])
    outcomes = predict(problem, [point])[0]
    strata = {group.label: outcomes.among(group) for _, _, group in problem.groups}

    for arm, ratio in (("drug", RATIO), ("control", 1.0)):
        whole = outcomes[example.STUDY, arm]
        low, high = (strata[f"ecog={level}"][example.STUDY, arm].survival for level in (0, 1))
        assert whole.survival == pytest.approx(0.75 * low + 0.25 * high, rel=1e-12)
        assert low == pytest.approx(np.exp(-RATE * ratio * whole.grid), rel=1e-3)
        assert high == pytest.approx(np.exp(-RATE * ratio * math.exp(BETA) * whole.grid), rel=1e-3)
        assert strata["ecog=1"][example.STUDY, arm].arm.n == 25


def test_residuals_are_smooth_in_the_coefficients(tmp_path):
    """Second differences of the sum of squares do not depend on the step: no patient changes stratum or covariates."""
    example.write_patients(example.write_project(tmp_path / "own", BOTH), draw_patients(), ("ecog", "age"))
    problem = open_trial(tmp_path / "own")
    places = [place for place, item in enumerate(problem.estimated) if item.name in (example.ECOG, example.AGE)]

    for place in places:
        curvature = []
        for step in (0.02, 0.04):
            points = [np.eye(len(problem.estimated))[place] * (0.3 + way * step) for way in (-1.0, 0.0, 1.0)]
            sums = [np.sum(residuals(problem, found, z) ** 2) for found, z in zip(predict(problem, points), points, strict=True)]
            curvature.append((sums[0] - 2.0 * sums[1] + sums[2]) / step**2)
        assert curvature[0] == pytest.approx(curvature[1], rel=0.01)


def test_arms_of_which_nothing_is_known_are_refused(tmp_path):
    """By check with the row of the effect, and by the fit; a published case mix mends it."""
    folder = example.write_project(tmp_path / "own")
    rows = {arm: [row[:3] for row in own] for arm, own in draw_patients().items()}
    example.write_patients(folder, rows, ())
    message = "two_arms:drug tells nothing of covariate 'ecog', on which a parameter depends; add a row to case_mix.csv"
    with pytest.raises(DataError, match=message):
        open_trial(folder)
    example.write_mix(folder, ["two_arms,,ecog,0,0.6,,", "two_arms,,ecog,1,0.39,,"])
    problem = open_trial(folder)

    assert problem.groups == ()
    assert problem.trial(example.STUDY).arm("drug").case_mix.marginals[0].shares == pytest.approx([0.6 / 0.99, 0.39 / 0.99])
    share = 0.39 / 0.99
    point = np.array([item.prior.to_z(item.value) + (item.name == example.ECOG) for item in problem.estimated])
    outcome = predict(problem, [point])[0][example.STUDY, "control"]
    expected = (1.0 - share) * np.exp(-RATE * outcome.grid) + share * np.exp(-RATE * math.e * outcome.grid)
    assert outcome.survival == pytest.approx(expected, abs=0.5 / 64)
