"""Fits to patients one by one: they find what programs for survival data find, and what is published."""

import math
import warnings

import numpy as np
import pytest
from weibull_trial import SCAN, add_target, read_survival_data, write_patients, write_project

from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.tables.rows import Tables


def run(model):
    """Return name -> (estimate, standard error of its logarithm) of a fit, its table of targets and its virtual trial."""
    with gather_model(str(model), model.parent) as (name, data):
        settings = Settings(model=name, data=data, seed=1, jobs=1, fit=FitOptions(patients=2, starts=1))
        result, trial = fit(plan_fit(name, settings, Tables(data)), Runtime())
    assert result.status == "converged"
    return {row.name: (row.value, row.standard_error) for row in result.parameters}, result, trial


def fit_weibull(times, events):
    """Return lifelines' shape and scale, each with the standard error of its logarithm."""
    from lifelines import WeibullFitter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = WeibullFitter().fit(times, events)
    errors = found.summary["se(coef)"]
    return {"shape": (found.rho_, errors["rho_"] / found.rho_), "scale": (found.lambda_, errors["lambda_"] / found.lambda_)}


@pytest.mark.parametrize(("data", "unit"), [("freireich1963", "week"), ("edmunson1979", "d")])
@pytest.mark.parametrize("treated", [0, 1])
def test_a_weibull_fitted_to_patients_is_that_of_lifelines(tmp_path, data, unit, treated):
    """Shape and scale lie within .02 standard errors, times in weeks or days; errors by the expected information within 20 %."""
    times, events = read_survival_data(data, treated)
    days = 7.0 if unit == "week" else 1.0
    expected = fit_weibull(np.array(times) * days, events)
    model = write_project(tmp_path / "own", len(times), ["shape", "scale"], {"scale": sum(times) * days / sum(events)})
    write_patients(model.parent, "os", times, events, [None] * len(times), unit)
    add_target(model.parent, "os", "patients", len(times))

    found, _, _ = run(model)

    for name, (value, error) in expected.items():
        assert abs(math.log(found[name][0] / value)) < 0.02 * error
        assert found[name][1] == pytest.approx(error, rel=0.2)


def test_the_rates_of_remission_of_1963_are_the_published_ones(tmp_path):
    """An exponential gives events over weeks at risk: 9/359 with 6-mercaptopurine, 21/182 with placebo (Cox & Oakes 1984)."""
    for treated, rate in ((1, 9.0 / 359.0), (0, 21.0 / 182.0)):
        times, events = read_survival_data("freireich1963", treated)
        model = write_project(tmp_path / f"own{treated}", len(times), ["scale"], {"shape": 1.0, "scale": 8.0 / rate})
        write_patients(model.parent, "os", times, events, [None] * len(times), "week")
        add_target(model.parent, "os", "patients", len(times))

        found, _, _ = run(model)

        error = 1.0 / math.sqrt(sum(events))
        assert abs(math.log(found["scale"][0] / 7.0 * rate)) < 0.02 * error
        assert found["scale"][1] == pytest.approx(error, rel=0.02)


def test_progression_seen_at_visits_of_each_patient_is_interval_censored(tmp_path):
    """The rate is that of lifelines' exponential fitted to the intervals (L, R], whatever the protocol's scans."""
    from lifelines import ExponentialFitter

    rng = np.random.default_rng(8)
    visits = np.cumsum(rng.uniform(20.0, 60.0, (80, 12)), axis=1).round(1)
    seen = (visits < rng.exponential(120.0, 80)[:, None]).sum(axis=1)
    last = rng.integers(2, 10, 80)
    events = seen < last
    right = np.where(events, visits[np.arange(80), np.minimum(seen, 11)], visits[np.arange(80), last - 1])
    left = np.where(seen > 0, visits[np.arange(80), np.maximum(seen - 1, 0)], 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = ExponentialFitter().fit_interval_censoring(np.where(events, left, right), np.where(events, right, np.inf))
    model = write_project(tmp_path / "own", 80, ["rate"])
    before = [float(day) if event else None for day, event in zip(left, events, strict=True)]
    write_patients(model.parent, "ttp", [float(day) for day in right], list(events), before)
    add_target(model.parent, "ttp", "patients", 80)

    found, result, trial = run(model)

    error = reference.summary["se(coef)"].iloc[0] / reference.lambda_
    assert abs(math.log(found["rate"][0] * reference.lambda_)) < 0.02 * error
    assert found["rate"][1] == pytest.approx(error, rel=0.02)
    assert [(row.statistic, row.observed, row.residual) for row in result.targets] == [("patients", None, None)]
    assert [(row.endpoint, row.at_risk[0]) for row in trial.observed] == [("ttp", 80.0)]


def test_without_visits_of_their_own_progressions_lie_since_the_scan_before(tmp_path):
    """Events on the days of the protocol's scans give the rate of -ln(1 - events/at risk) a scan."""
    times = [SCAN] * 30 + [2.0 * SCAN] * 20 + [3.0 * SCAN] * 50
    events = [True] * 30 + [True] * 20 + [False] * 50
    model = write_project(tmp_path / "own", 100, ["rate"])
    write_patients(model.parent, "ttp", times, events, [None] * 100)
    add_target(model.parent, "ttp", "patients", 100)

    found, _, _ = run(model)

    share = 50.0 / (100.0 + 70.0 + 50.0)  # a geometric law: events over scans at risk
    assert found["rate"][0] == pytest.approx(-math.log1p(-share) / SCAN, rel=1e-3)
