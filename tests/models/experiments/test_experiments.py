"""Experiments as data: what their schedules give when, what one takes over from another, and what running them yields."""

import csv
import math
from importlib.resources import files

import numpy as np
import pytest
from compartment import COMPARTMENT

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import UsageError
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.planning import plan_experiment, plan_individuals
from kinimmune.models.experiments.run import apply_experiment, find_errors, run_experiment
from kinimmune.models.solvers.integrators import by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status
from kinimmune.models.tables.readers import read_days, read_experiments
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.regimens import Administration

HEADER = "model,experiment,meaning,kind,target,value,unit,amount,first_day,last_day,every,source,locator,status,note"
ORIGIN = "assumption,data/README.md,assumed,"
TIGHT = Tolerances(1e-10, 1e-12)


@pytest.fixture
def read(tmp_path, one_state):
    """Return a function that reads experiments from rows such as `a,,set,growth,1,1/d,,,,`, model and origin left out."""

    def from_rows(*rows):
        text = "\n".join([HEADER, *(f"one_state,{row},{ORIGIN}" for row in rows)])
        (tmp_path / "experiments.csv").write_text(text + "\n", encoding="utf-8")
        return {item.name: item for item in read_experiments(one_state.model, Tables(tmp_path))}

    return from_rows


def make_parameter(name, value, unit):
    source = Source("convention", "test", Status.ASSUMED)
    return Parameter(name, "x", value, unit, 0.0, math.inf, Prior(Scale.FIXED, value, 0.0), False, None, None, name, source)


@pytest.fixture(scope="module")
def one_state():
    """Return an amount that is fed and leaves at a rate: its course under steps and doses is a sum of exponentials."""
    amount, rate, feed = symbol("amount"), symbol("rate"), symbol("feed")
    mechanism = Mechanism(
        "washout",
        "first order",
        states=(State("amount", "x", "mg", "amount", symbol("start")),),
        terms=(Term("loss", "amount", -rate * amount, "leaves"), Term("gain", "amount", feed, "is fed")),
        inputs=(Input("feed", "u", "mg/d", "feed"),),
    )
    parameters = (make_parameter("rate", 0.1, "1/d"), make_parameter("start", 5.0, "mg"))
    outputs = (
        Definition("fed", "u", "mg/d", feed + 0 * amount, "what is fed"),
        Definition("twice", "2x", "mg", 2 * amount, "2x"),
    )
    return compile_model(OdeModel("one_state", "washout", (mechanism,), parameters, outputs))


def run(compiled, experiment, parameters, days):
    values = apply_experiment(compiled, experiment, parameters)
    return run_experiment(compiled, by_scipy(compiled), experiment, values, days, TIGHT).values


def feed(rate, first, last):
    return Administration(None, rate, "mg/d", first, last, target="feed")


def test_inputs_that_overlap_add_and_return_to_nothing(one_state):
    given = (feed(2.0, 1.0, 5.0), feed(3.0, 4.0, 9.0))
    plan = plan_experiment(one_state.model, Experiment("one_state", "both", "", given=given), {}, 1.0)
    assert {day: dict(plan.at(day)) for day in (0.0, 1.0, 3.0, 4.0, 5.0, 8.9, 9.0, 20.0)} == {
        0.0: {},
        1.0: {"feed": 2.0},
        3.0: {"feed": 2.0},
        4.0: {"feed": 5.0},
        5.0: {"feed": 3.0},
        8.9: {"feed": 3.0},
        9.0: {},
        20.0: {},
    }


def test_an_experiment_that_gives_nothing_has_an_empty_schedule(one_state):
    plan = plan_experiment(one_state.model, Experiment("one_state", "control", ""), {}, 100.0)
    assert (plan.at(0.0), plan.breakpoints(0.0, 100.0)) == ({}, ())


@pytest.mark.parametrize(
    ("first", "last", "interval", "days"),
    [
        ("0", "3", "1", [0.0, 1.0, 2.0, 3.0]),
        ("7", "14", "3", [7.0, 10.0, 13.0]),
        ("2", "2", "1", [2.0]),
        ("0", "1", "0.1", [0.1 * k for k in range(11)]),  # 1/0.1 falls short of 10 by rounding
    ],
)
def test_doses_are_repeated_from_the_first_to_the_last_day(read, one_state, first, last, interval, days):
    daily = read(f"daily,,give,amount,,mg,4,{first},{last},{interval}")["daily"]
    given = plan_experiment(one_state.model, daily, {}, 0.5).doses
    assert [dose.time for dose in given] == pytest.approx(days, abs=1e-12)
    assert {(dose.state, dose.amount) for dose in given} == {("amount", 4.0)}


def test_an_experiment_takes_over_everything_of_another_and_later_rows_win(read):
    found = read(
        "treated,drug,give,feed,,mg/d,2,0,9,",
        "treated,,give,amount,,mg,1,0,1,1",
        "treated,,set,rate,0.2,1/d,,,,",
        "treated,,scale,start,3,,,,,",
        "slow,drug but slow,as,treated,,,,,,",
        "slow,,set,rate,0.05,1/d,,,,",
        "slower,,as,slow,,,,,,",
        "slower,,give,feed,,mg/d,1,2,3,",
    )
    slow, slower = found["slow"], found["slower"]
    assert (slow.meaning, dict(slow.values), dict(slow.factors)) == ("drug but slow", {"rate": 0.05}, {"start": 3.0})
    assert (
        slow.given
        == found["treated"].given
        == (feed(2.0, 0.0, 9.0), Administration(None, 1.0, "mg", 0.0, 1.0, 1.0, target="amount"))
    )
    assert (slower.meaning, dict(slower.values)) == ("slower", {"rate": 0.05})
    assert slower.given == (*slow.given, feed(1.0, 2.0, 3.0))
    assert dict(found["treated"].values) == {"rate": 0.2}


def test_read_out_days_are_no_experiments(read, tmp_path):
    assert set(read("control,,none,,,,,,,", "end,,day,,12,d,,,,")) == {"control"}
    assert read_days("one_state", Tables(tmp_path)) == {"end": 12.0}


def test_changes_set_scale_and_leave_the_rest(one_state):
    batch = np.array([[0.1, 0.3], [5.0, 6.0]])
    experiment = Experiment("one_state", "both", "", {"rate": 0.2}, {"rate": 2.0, "start": 10.0})
    assert apply_experiment(one_state, experiment, batch).tolist() == [[0.4, 0.4], [50.0, 60.0]]
    assert batch.tolist() == [[0.1, 0.3], [5.0, 6.0]]


@pytest.mark.parametrize("experiment", [{"values": {"rat": 1.0}}, {"factors": {"rat": 1.0}}])
def test_a_change_of_an_unknown_parameter_is_refused(one_state, experiment):
    plain = {"values": {}, "factors": {}, **experiment}
    subject = Experiment("one_state", "odd", "", plain["values"], plain["factors"])
    with pytest.raises(UsageError, match="experiment 'odd' changes 'rat', which model 'one_state' does not have"):
        apply_experiment(one_state, subject, np.ones((2, 1)))


def test_a_step_of_an_input_gives_the_closed_form(one_state):
    experiment = Experiment("one_state", "step", "", given=(feed(2.0, 3.0, 8.0),))
    rate, start, days = np.array([0.1, 0.4]), 5.0, (3.0, 6.0, 8.0, 20.0)
    found = run(one_state, experiment, np.array([rate, [start, start]]), days)

    def exact(day):
        rise = 2.0 / rate * (1.0 - np.exp(-rate * np.clip(day - 3.0, 0.0, 5.0)))
        return start * np.exp(-rate * day) + rise * np.exp(-rate * max(day - 8.0, 0.0))

    np.testing.assert_allclose(found["amount"], [exact(day) for day in days], rtol=1e-7)
    assert found["twice"].tolist() == (2.0 * found["amount"]).tolist()
    assert found["fed"].tolist() == [[2.0, 2.0], [2.0, 2.0], [0.0, 0.0], [0.0, 0.0]]


def test_repeated_doses_give_the_sum_of_their_courses(one_state, read):
    experiment = read("daily,,give,amount,,mg,4,1,7,2", "daily,,set,start,0,mg,,,,")["daily"]
    rate = np.array([0.1, 0.4])
    found = run(one_state, experiment, np.array([rate, [5.0, 5.0]]), (0.5, 2.0, 9.0))["amount"]
    exact = [sum(4.0 * np.exp(-rate * (day - given)) for given in (1.0, 3.0, 5.0, 7.0) if given < day) + 0 * rate
             for day in (0.5, 2.0, 9.0)]  # fmt: skip
    np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-12)


def test_a_dose_at_the_start_counts(one_state, read):
    experiment = read("once,,give,amount,,mg,4,0,0,1")["once"]
    found = run(one_state, experiment, np.array([[0.1], [5.0]]), (10.0,))["amount"]
    assert found[0, 0] == pytest.approx(9.0 * math.exp(-1.0), rel=1e-7)


def test_what_has_no_last_day_goes_on(one_state, read):
    endless = read("endless,,give,feed,,mg/d,2,3,,", "endless,,give,amount,,mg,1,0,,2")["endless"]
    plan = plan_experiment(one_state.model, endless, {}, 9.0)
    assert (dict(plan.at(2.9)), dict(plan.at(1e6))) == ({}, {"feed": 2.0})
    assert [dose.time for dose in plan.doses] == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_a_dose_is_diluted_in_the_volume_of_each_individual():
    """Doses of a drug [mg] in a compartment: each individual's own volume counts, in whatever order they stand."""
    compartment = compile_model(COMPARTMENT)
    given = (Administration("drug", 1.0, "mg/kg", every=3.0, last_day=6.0), Administration("drug", 5.0, "mg/d"))
    experiment = Experiment("compartment", "doses", "", values={"body_weight": 50.0}, given=given)
    batch = np.array([[0.25, 0.5, 0.1], [20.0, 5.0, 20.0], [70.0] * 3, [1.8] * 3])
    changed, days = apply_experiment(compartment, experiment, batch), (2.0, 8.0)
    readings = run_experiment(compartment, by_scipy(compartment), experiment, changed, days, TIGHT)

    for column, (rate, volume) in enumerate(batch[:2].T):
        exact = [
            sum(50.0 / volume * math.exp(-rate * (day - dose)) for dose in (0.0, 3.0, 6.0) if dose < day)
            + 5.0 / (rate * volume) * -math.expm1(-rate * day)
            for day in days
        ]
        np.testing.assert_allclose(readings.values["concentration"][:, column], exact, rtol=1e-7)
    errors = find_errors(compartment, experiment, changed, readings, "concentration", TIGHT)
    assert errors.shape == (2, 3)
    assert len(plan_individuals(COMPARTMENT, experiment, changed, 8.0)) == 2
    assert len(plan_individuals(COMPARTMENT, experiment, changed[:, [0, 2]], 8.0)) == 1


def test_experiments_of_the_package_change_something_or_are_controls():
    with files("kinimmune.data").joinpath("experiments.csv").open("r", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] != "day"]
    controls = {(row["model"], row["experiment"]) for row in rows if row["kind"] == "none"}
    found = [item for name in model_names() for item in read_experiments(load_model(name))]
    assert {(item.model, item.name) for item in found} == {(row["model"], row["experiment"]) for row in rows}
    for item in found:
        assert (
            (item.model, item.name) in controls
            or item.values
            or item.factors
            or item.given
            or any(row["kind"] == "as" for row in rows if (row["model"], row["experiment"]) == (item.model, item.name))
        )
