"""Measurements in experiments: read with their errors, predicted as closed forms are, fitted to what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from weibull_trial import START, write_project

from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.measurement_likelihood import binomial_root, measurement_residual
from kinimmune.fitting.problem.measurements import read_measurements
from kinimmune.fitting.problem.problem import build_problem, predict
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.problem.targets import Role
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import NumericalError
from kinimmune.models.experiments.measurement import ErrorModel, Measurement, MeasurementKind
from kinimmune.models.tables.rows import Tables

SHAPE, SCALE = START["shape"], START["scale"]
ROWS = (
    "model,experiment,read_out,day,kind,reference,reference_day,value,lower,upper,sd,sem,n,unit,errors,role,"
    "source,locator,status,note"
)
CHANGES = (
    "model,experiment,meaning,kind,drug,target,value,amount,unit,duration,first_day,last_day,every,on_days,off_days,"
    "source,locator,status,note"
)
ORIGIN = "assumption,a test,assumed"


def write(folder, *rows, estimated=("scale",)):
    """Write a project with the experiments `plain` and `slow`, which doubles the scale, and these measurements."""
    model = write_project(folder, 100, estimated)
    changes = [
        f"weibull,plain,as it is,none,{',' * 10},{ORIGIN},",
        f"weibull,slow,twice the scale,scale,,scale,2{',' * 8},{ORIGIN},",
    ]
    (folder / "experiments.csv").write_text("\n".join([CHANGES, *changes, ""]), encoding="utf-8")
    (folder / "measurements.csv").write_text("\n".join([ROWS, *(f"{row},{ORIGIN}," for row in rows), ""]), encoding="utf-8")
    (folder / "targets.csv").write_text(
        "study,arm,endpoint,statistic,value,lower,upper,n,unit,role,value_source,value_locator,value_status,"
        f"interval_source,interval_locator,interval_status,note\nalone,all,os,median,9,,,100,month,unfitted,{ORIGIN},,,,\n",
        encoding="utf-8",
    )
    return model


def opened(model):
    return gather_model(str(model), model.parent)


def test_predictions_are_those_of_the_closed_form(tmp_path):
    """H = (t/scale)^shape; half of it by 2^shape where the scale is doubled; its change since a day; units are converted."""
    model = write(
        tmp_path / "own",
        "weibull,plain,death,100,mean,,,0.4,,,,0.1,,1,normal,fit",
        "weibull,slow,death,100,ratio,plain,,0.4,,,,0.1,,1,lognormal,fit",
        "weibull,plain,death,100,ratio,plain,50,2.5,,,,0.1,,1,lognormal,fit",
    )
    with opened(model) as (name, data):
        problem = build_problem(name, Tables(data), patients=2, seed=1)
        outcomes = predict(problem, [np.zeros(1), np.array([0.1])])

    hazard = (100.0 / SCALE) ** SHAPE
    expected = [hazard, 2.0**-SHAPE, 2.0**SHAPE]
    assert list(outcomes[0].measured.values()) == pytest.approx(expected, rel=1e-3)
    moved = SCALE * math.exp(0.1 * 3.0)  # a prior of sd 3 of ln
    assert outcomes[1].measured["mean:death:100:plain"] == pytest.approx((100.0 / moved) ** SHAPE, rel=1e-3)
    assert residuals(problem, outcomes[0], np.zeros(1))[:-1] == pytest.approx(
        [(hazard - 0.4) / 0.1, math.log(2.0**-SHAPE / 0.4) / 0.25, math.log(2.0**SHAPE / 2.5) / 0.04], rel=5e-3, abs=5e-3
    )


def test_a_fit_finds_what_was_measured(tmp_path):
    """One mean without trial: the scale at which it is met, with the error that its error has on ln scale."""
    model = write(tmp_path / "own", "weibull,plain,death,100,mean,,,0.25,,,,0.01,,1,lognormal,fit")
    with opened(model) as (name, data):
        plan = plan_fit(name, Settings(model=name, data=data, seed=1, jobs=1, fit=FitOptions(patients=2, starts=1)), Tables(data))
        result, trial = fit(plan, Runtime())

    (row,), (estimate,) = result.targets, result.parameters
    scale = 100.0 / 0.25 ** (1.0 / SHAPE)
    error = 0.01 / 0.25 / SHAPE
    assert result.status == "converged"
    assert math.log(estimate.value / scale) == pytest.approx(0.0, abs=0.02 * error + 1e-3)
    assert estimate.standard_error == pytest.approx(error, rel=0.01)
    assert (row.read_out, row.day, row.arm, row.predicted) == ("death", 100.0, "plain", pytest.approx(0.25, rel=1e-3))
    assert trial.arms == ()


def make(value=None, lower=None, upper=None, errors=ErrorModel.NORMAL, error=0.5, n=None):
    kind = MeasurementKind.SHARE if errors is ErrorModel.BINOMIAL else MeasurementKind.MEAN
    return Measurement("e", "r", 1.0, kind, None, 1.0, value, lower, upper, error, errors, n)


def test_a_share_has_the_deviance_of_its_count():
    residual = measurement_residual(make(0.3, errors=ErrorModel.BINOMIAL, error=None, n=20), 0.5)
    assert residual == pytest.approx(math.sqrt(40.0 * (0.3 * math.log(0.3 / 0.5) + 0.7 * math.log(0.7 / 0.5))))
    assert binomial_root(6.0, 6.0, 20) == 0.0


@given(st.floats(-5.0, 5.0), st.floats(0.05, 1.0))
def test_a_range_costs_minus_twice_the_logarithm_of_lying_in_it(x, sharp):
    """P = Phi((x - a)/s) Phi((b - x)/s): next to nothing well inside, and the squared distance far outside."""
    residual = measurement_residual(make(lower=-1.0, upper=1.0, error=sharp), x)
    inside = ndtr((x + 1.0) / sharp) * ndtr((1.0 - x) / sharp)
    if inside > 1e-200:
        assert residual**2 == pytest.approx(-2.0 * math.log(inside), rel=1e-9, abs=1e-12)
    assert residual >= 0.0


def test_what_has_no_logarithm_is_told():
    with pytest.raises(NumericalError, match="mean:r:1:e is -1 here, which has no logarithm"):
        measurement_residual(make(2.0, errors=ErrorModel.LOGNORMAL), -1.0)


def test_errors_come_from_what_the_row_gives(tmp_path):
    """sem, sd over the root of n, or the width of the 95 % interval; on ln over the value.  Where none was read it follows."""
    model = write(
        tmp_path / "own",
        "weibull,plain,death,10,mean,,,4,,,,0.4,,1,lognormal,fit",
        "weibull,plain,death,20,mean,,,4,,,2,,16,1,normal,fit",
        "weibull,plain,death,30,mean,,,4,3,5.5,,,,1,lognormal,fit",
        "weibull,plain,death,40,mean,,,,1,,,0.2,,1,lognormal,held_out",
    )
    with opened(model) as (name, data):
        found = read_measurements(load_model(name, Tables(data)), Tables(data))
    errors = [target.published.error for target in found]
    assert errors == pytest.approx([0.1, 0.5, math.log(5.5 / 3.0) / 3.919927969080108, 0.2], rel=1e-9)
    assert [target.role for target in found][-1] is Role.HELD_OUT
    ends = [4.0 * math.exp(-0.196), 4.0 * math.exp(0.196), 4.0 - 0.98, 4.0 + 0.98, 3.0, 5.5]
    assert [end for target in found[:3] for end in (target.lower, target.upper)] == pytest.approx(ends, rel=1e-4)
    assert (found[3].lower, found[3].upper) == (1.0, None)


def test_what_is_measured_is_part_of_what_a_result_depends_on(tmp_path):
    """Another value, and another experiment behind it, are other inputs; a note and a number that is not fitted are not."""
    row = "weibull,plain,death,100,mean,,,{},,,,0.1,,1,normal,fit"
    other = "weibull,slow,death,9,mean,,,1,,,,1,,1,normal,unfitted"
    digests = []
    for place, rows in enumerate(([row.format(0.4)], [row.format(0.5)], [row.format(0.4), other])):
        model = write(tmp_path / str(place), *rows)
        with opened(model) as (name, data):
            digests.append(digest_inputs(name, Tables(data)))
    assert digests[0] == digests[2] != digests[1]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "weibull,plain,deth,100,mean,,,1,,,,1,,1,normal,fit",
            "model 'weibull' has no state or read-out 'deth'",
        ),
        ("weibull,plan,death,100,mean,,,1,,,,1,,1,normal,fit", "model 'weibull' has no experiment 'plan' in column 'experiment'"),
        ("weibull,plain,death,100,mean,,,1,,,,1,,d,normal,fit", "unit 'd' does not measure the same as 1"),
        ("weibull,plain,death,100,ratio,,,1,,,,1,,1,normal,fit", "a ratio names its reference experiment, nothing else does"),
        ("weibull,plain,death,100,ratio,plain,,1,,,,1,,1,normal,fit", "ratio of a read-out to itself in column 'reference'"),
        ("weibull,plain,death,100,mean,,,1,,,,,,1,normal,fit", "0 errors in columns 'sd', 'sem', 'lower' and 'upper'"),
        ("weibull,plain,death,100,mean,,,1,,,1,1,5,1,normal,fit", "2 errors in columns 'sd', 'sem', 'lower' and 'upper'"),
        ("weibull,plain,death,100,mean,,,1,,,1,,,1,normal,fit", "sd without n in column 'n'"),
        ("weibull,plain,death,100,mean,,,,,,,1,,1,normal,fit", "neither value nor range in column 'value'"),
        ("weibull,plain,death,100,mean,,,-1,,,,1,,1,lognormal,fit", "lognormal errors of a number that is not positive"),
        ("weibull,plain,death,100,share,,,0.5,,,,,,1,binomial,fit", "a share needs a value from 0 to 1 and n"),
        ("weibull,plain,death,100,mean,,,0.5,,,,,9,1,binomial,fit", "binomial errors of a mean in column 'errors'"),
        ("weibull,plain,death,100,mean,,,1,,,,1,,1,normal,fitt", "unknown value 'fitt' in column 'role'"),
        ("weibul,plain,death,100,mean,,,1,,,,1,,1,normal,fit", "unknown model 'weibul' in column 'model'"),
    ],
)
def test_a_measurement_that_cannot_be_is_told_with_its_row(tmp_path, row, message):
    model = write(tmp_path / "own", row)
    with opened(model) as (_, data):
        found = [finding.message for finding in check(Tables(data)) if finding.file == "measurements.csv"]
    assert any(message in text and "(measurements.csv row 2)" in text for text in found), found


def test_measurements_of_the_package_are_left_out_where_a_folder_has_other_experiments(tmp_path):
    """And stop nothing there."""
    (tmp_path / "experiments.csv").write_text(f"{CHANGES}\nhcc_cells,other,another,none,{',' * 10},{ORIGIN},\n", encoding="utf-8")
    assert read_measurements(load_model("hcc_cells"), Tables(tmp_path)) == ()
