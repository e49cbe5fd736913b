"""Fits of several trials that differ by random effects: laws between no spread and a large one, and their closed forms."""

import math

import numpy as np
import pytest
from several_trials import PRIOR_CENTRE, PRIOR_SD, change_parameter, share_by_study, write_trials

from kinimmune.fitting.estimation.fit import plan_fit
from kinimmune.fitting.estimation.laplace import approximate
from kinimmune.fitting.estimation.optimise import optimise
from kinimmune.fitting.problem.changes import resolve_changes
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.outputs import parse_output
from kinimmune.fitting.problem.problem import build_problem, predict
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.fitting.sensitivity.values import read_catalogue, select_parameters
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.rows import Tables

TRIALS = {"alpha": (5.0, 0.1), "beta": (5.6, 0.2)}
NEW = {"new": (5.3, 0.15)}


class Found:
    """A fit with its uncertainty."""

    def __init__(self, model, **asked):
        with gather_model(str(model), model.parent) as (name, data):
            tables = Tables(data)
            changes = resolve_changes(load_model(name, tables).parameters, FitOptions(**asked))
            self.problem = build_problem(name, tables, patients=1, seed=1, changes=changes)
            self.others = [item for item in read_targets(tables, name) if item not in self.problem.targets]
        outcome = optimise(self.problem, np.zeros(len(self.problem.estimated)), lambda _: None)
        assert outcome.converged
        self.z = np.array(outcome.z)
        self.values = self.problem.values(self.z)
        self.approximation = approximate(self.problem, self.z, self.others)
        errors = np.sqrt(np.diag(self.approximation.covariance(constants_drawn=False)))
        self.errors = {item.key: error * item.prior.sd for item, error in zip(self.problem.estimated, errors, strict=True)}

    def predict_error(self, study):
        """Return the standard error of ln of a predicted median, constants fixed."""
        return float(self.approximation.standard_error(f"median:{study}:all:os", constants_drawn=False)[0])


def pool(trials, spread):
    """Return mean and standard error of ln of the scale: random effects with the variance between trials given.

    Trials weigh 1 / (se^2 + s^2) (R. DerSimonian and N. Laird, Control Clin Trials 7:177, 1986), the prior 1 / sd^2.
    """
    weights = np.array([1.0 / (error**2 + spread**2) for _, error in trials.values()] + [1.0 / PRIOR_SD**2])
    places = np.array([place for place, _ in trials.values()] + [PRIOR_CENTRE])
    return float(weights @ places / weights.sum()), float(weights.sum() ** -0.5)


@pytest.mark.parametrize("spread", [0.05, 0.3, 1.0])
def test_estimates_are_those_of_the_meta_analysis_with_that_variance_between_trials(tmp_path, spread):
    """So are the deviations, each the share s^2 / (s^2 + se^2) of what its trial lies from the mean (shrinkage)."""
    found = Found(write_trials(tmp_path / "own", TRIALS, str(spread)))
    mean, error = pool(TRIALS, spread)

    assert math.log(found.values["scale"]) == pytest.approx(mean, abs=2e-3 * error)
    assert found.errors["scale"] == pytest.approx(error, rel=2e-3)
    for study, (place, own) in TRIALS.items():
        shrunk = spread**2 / (spread**2 + own**2) * (place - mean)
        assert found.values[f"scale_deviation:{study}"] == pytest.approx(shrunk, abs=2e-3 * spread)


def test_a_new_trial_is_predicted_with_the_variance_between_trials_besides_that_of_the_mean(tmp_path):
    """Its deviation is left to its prior: 0 at the point, s in the interval."""
    found = Found(write_trials(tmp_path / "own", TRIALS | NEW, "0.3", unfitted=("new",)))
    mean, error = pool(TRIALS, 0.3)

    assert math.log(found.values["scale"]) == pytest.approx(mean, abs=2e-3 * error)
    assert found.values["scale_deviation:new"] == pytest.approx(0.0, abs=1e-9)
    assert found.errors["scale_deviation:new"] == pytest.approx(0.3)
    assert found.predict_error("new") == pytest.approx(math.hypot(error, 0.3), rel=2e-3)
    assert found.predict_error("alpha") < 0.1  # of its own, below the published error


def test_without_spread_all_trials_have_one_value(tmp_path):
    """A small spread, deviations held at 0 and a table without the column give one fit."""
    shared = Found(write_trials(tmp_path / "shared", TRIALS, None))
    small = Found(write_trials(tmp_path / "small", TRIALS, "1e-4"))
    held = Found(write_trials(tmp_path / "held", TRIALS, "0.3"), fix={"scale_deviation": True})

    assert held.values == shared.values
    assert small.values["scale"] == pytest.approx(shared.values["scale"], rel=1e-5)
    assert small.errors["scale"] == pytest.approx(shared.errors["scale"], rel=1e-4)
    assert abs(small.values["scale_deviation:alpha"]) < 1e-5


def test_with_a_large_spread_every_trial_has_its_own_value(tmp_path):
    own = write_trials(tmp_path / "own", TRIALS, None)
    share_by_study(own.parent, TRIALS)
    apart = Found(own)
    large = Found(write_trials(tmp_path / "large", TRIALS, "10"))

    for study, (_, error) in TRIALS.items():
        ours = math.log(large.values["scale"]) + large.values[f"scale_deviation:{study}"]
        assert ours == pytest.approx(math.log(apart.values[f"scale:{study}"]), abs=0.01 * error)
        assert large.predict_error(study) == pytest.approx(apart.predict_error(study), rel=0.01)


def test_another_prior_of_the_deviations_is_another_spread(tmp_path):
    """So the spread is varied at the call."""
    model = write_trials(tmp_path / "own", TRIALS, "0.3")
    varied = Found(model, prior={"scale_deviation": "normal(0, 1)"})
    change_parameter(model.parent, "scale", {"trial_spread": "1"})

    assert varied.values == Found(model).values


def test_at_no_deviation_every_trial_is_what_it_is_without_the_column_bit_for_bit(tmp_path):
    """Deviations add columns to the point and nothing to the virtual trial."""
    curves = []
    for spread in (None, "0.3"):
        model = write_trials(tmp_path / str(spread), TRIALS, spread)
        with gather_model(str(model), model.parent) as (name, data):
            problem = build_problem(name, Tables(data), patients=1, seed=1)
        (outcomes,) = predict(problem, [np.zeros(len(problem.estimated))])
        curves.append([outcome.survival for outcome in outcomes.values()])
    np.testing.assert_array_equal(*curves)


def test_a_spread_is_another_fit_and_an_empty_cell_is_none(tmp_path):
    def digest(cell):
        model = write_trials(tmp_path / f"own{cell}", TRIALS, cell)
        with gather_model(str(model), model.parent) as (name, data):
            return digest_inputs(name, Tables(data))

    assert digest("") == digest(None) != digest("0.3") != digest("0.4")


def test_an_output_depends_on_the_deviation_of_its_trial_alone(tmp_path):
    model = write_trials(tmp_path / "own", TRIALS, "0.3")
    with gather_model(str(model), model.parent) as (name, data):
        catalogue = read_catalogue(name, Tables(data))

    def depend(output):
        found = select_parameters(catalogue, parse_output(output, catalogue))
        return [item.key for item in found if item.shift is not None]

    assert depend("median:beta:all:os") == ["scale_deviation:beta"]
    assert depend("state:death:30") == []


@pytest.mark.parametrize(
    ("unfitted", "asked", "told"), [((), {}, 0), (("beta",), {}, 1), (("beta",), {"fix": {"scale_deviation": True}}, 0)]
)
def test_a_fit_of_one_trial_alone_says_that_no_other_tells_its_deviation(tmp_path, unfitted, asked, told):
    model = write_trials(tmp_path / "own", TRIALS, "0.3", unfitted=unfitted)
    with gather_model(str(model), model.parent) as (name, data):
        plan = plan_fit(name, Settings(model=name, data=data, fit=FitOptions(**asked)), Tables(data))
        assert sum("study 'alpha' alone is fitted" in line for line in plan.warnings) == told
