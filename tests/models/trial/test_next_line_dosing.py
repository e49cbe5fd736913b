"""What is given after treatment against a regimen that switches by itself, and against scipy: doses, infusions, cycles."""

import math
from dataclasses import replace

import numpy as np
import pytest
from next_lines import enrol_line, make_patients
from plain_models import make_parameter
from scipy.integrate import solve_ivp
from straight_trial import enrol, make_simulator, make_trial

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import TrialRoles
from kinimmune.models.trial.design import StopRule
from kinimmune.models.trial.next_line import NextLine, Reason
from kinimmune.models.trial.regimens import Administration
from kinimmune.models.trial.treatment_paths import integrate_paths
from kinimmune.models.trial.virtual_trial import run_arms


def make_dosed_model():
    """Return a drug in one compartment that eases death, and a tumour on a straight line."""
    level = symbol("level")
    mechanism = Mechanism(
        "dosed",
        "doses and rates",
        states=(
            State("level", "C", "mg/L", "drug", 0 * symbol("elimination")),
            *(State(name, name, "1", name, 0 * symbol("death"), nonnegative=False) for name in ("line", "wear")),
        ),
        terms=(
            Term("loss", "level", -symbol("elimination") * level, "leaves"),
            Term("feeding", "level", symbol("rate") / symbol("volume"), "is fed"),
            Term("growing", "line", symbol("growth"), "grows"),
            Term("dying", "wear", symbol("death") / (1 + level / symbol("half")), "is eased"),
        ),
        inputs=(Input("rate", "u", "mg/d", "rate"),),
    )
    parameters = (
        make_parameter("elimination", 0.02, "1/d"),
        make_parameter("volume", 20.0, "L"),
        make_parameter("half", 1.0, "mg/L"),
        make_parameter("death", 0.01, "1/d"),
        make_parameter("growth", math.log(1.2) / 60.0, "1/d"),
    )
    properties = {"clearance": "elimination", "potency": "half"}
    role = DrugRole("any", "old", rate_input="rate", dose_state="level", dose_volume="volume", properties=properties)
    width = Definition("width", "x", "1", symbol("line"), "read")
    roles = TrialRoles({"wear": "wear"}, None, "width")
    return OdeModel("dosed", "doses", (mechanism,), parameters, (width,), trial=roles, drugs=(role,), reported_courses=("line",))


DOSED = make_dosed_model()
OLD = Administration("old", 100.0, "mg", every=21.0)
KNOWN_DAY = 84.0
"""Day of the scan that shows progression: the line reaches the limit on day 60."""
GROWTHS = 0.004 * np.exp(np.linspace(-1.2, 1.2, 5))


def give(trial, *regimen, line=None):
    """Return a trial whose treated arm has a regimen in place of its constant dose, and whom nobody leaves for adverse events."""
    changed = {"dose": 0.0, "doses_per_day": 0.0, "drug": None, "discontinuation_rate": 0.0}
    arms = tuple(replace(arm, regimen=regimen, next_line=line, **changed) if arm.name == "drug" else arm for arm in trial.arms)
    return replace(trial, arms=arms, scan_jitter=1e-6)


@pytest.mark.parametrize(
    "following",
    [
        Administration("old", 300.0, "mg", every=14.0, on_days=28.0, off_days=14.0),
        Administration("old", 40.0, "mg/d", first_day=5.0, last_day=100.0),
        Administration("old", 300.0, "mg", every=21.0, duration=1.5),
        Administration("old", 40.0, "mg/d"),
    ],
)
def test_all_who_go_on_at_a_known_day_have_the_regimen_that_switches_on_it(following):
    simulator, given = make_simulator(DOSED), make_patients(DOSED)
    trial = give(make_trial(), OLD, line=NextLine("second", 1.0, (following,), Reason.PROGRESSION))
    last = following.last_day + KNOWN_DAY
    switched = (
        replace(OLD, last_day=KNOWN_DAY),
        replace(following, first_day=following.first_day + KNOWN_DAY, last_day=last),
    )

    going = run_arms(simulator, [enrol_line(DOSED, trial, "drug", StopRule.RADIOLOGICAL, given)], 1)[0]
    plain = run_arms(simulator, [enrol(DOSED, give(make_trial(), *switched), "drug", StopRule.NEVER, given)], 1)[0]

    np.testing.assert_allclose(going.survival, plain.survival, rtol=1e-6)


def test_an_individual_takes_what_is_left_of_the_old_drug_into_the_new_one():
    """Against scipy's own solution of the two halves: the level goes on, its loss and its potency are the new drug's."""
    simulator, later = make_simulator(DOSED), {"elimination": 0.1, "half": 0.2}
    new = Administration("new", 300.0, "mg", every=28.0)
    trial = give(make_trial(), OLD, line=NextLine("second", 1.0, (new,), Reason.PROGRESSION))
    cohort = enrol_line(DOSED, trial, "drug", StopRule.RADIOLOGICAL, make_patients(DOSED), later)

    paths = integrate_paths(simulator, cohort, DOSED.state_names)

    level = 0.0
    for day in (0.0, 21.0, 42.0, 63.0, 84.0):
        level = level * math.exp(-0.02 * 21.0) + 5.0 if day else 5.0
    wear = paths.on_treatment["wear"][paths.grid == KNOWN_DAY, 0].item()
    day = KNOWN_DAY
    while day < 504.0:
        level += 15.0
        until = min(day + 28.0, 504.0)
        inside = (paths.grid >= day) & (paths.grid < until)
        found = solve_ivp(
            lambda _, y: [-0.1 * y[0], 0.01 / (1.0 + y[0] / 0.2)],
            (day, until),
            [level, wear],
            t_eval=np.append(paths.grid[inside], until),
            rtol=1e-10,
            atol=1e-12,
        )
        for row, name in enumerate(("level", "wear")):
            np.testing.assert_allclose(paths.off_treatment[name][inside, 0], found.y[row, :-1], rtol=1e-7, err_msg=name)
        (level, wear), day = found.y[:, -1], until


def test_the_kernel_follows_next_lines_as_scipy_does():
    """Doses and rates in cycles that begin anew at every scan."""
    cycles = (
        Administration("new", 300.0, "mg", every=28.0, on_days=84.0, off_days=28.0),
        Administration("new", 20.0, "mg/d", on_days=10.0, off_days=5.0),
    )
    trial = give(make_trial(), OLD, line=NextLine("second", 0.6, cycles))
    patients = make_patients(DOSED, growth=GROWTHS)
    cohort = enrol_line(DOSED, trial, "drug", StopRule.RADIOLOGICAL, patients, {"elimination": 0.1, "half": 0.2})

    kernel, scipy = (run_arms(make_simulator(DOSED, name), [cohort], 1)[0] for name in ("kernel", "scipy"))

    for name in ("survival", "detected", "unprogressed"):
        np.testing.assert_allclose(getattr(kernel, name), getattr(scipy, name), atol=1e-8, err_msg=name)
