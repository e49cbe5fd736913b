"""Claims: intervals of fractions, draws from priors, arrows cut in compiled code, and verdicts whose answer is known."""

import math
from dataclasses import replace
from functools import partial

import gompertz_claims as example
import numpy as np
import pytest
from scipy.special import ndtr

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.check import check_claims, set_up
from kinimmune.fitting.claims.evidence import satisfies
from kinimmune.fitting.claims.general import GENERAL
from kinimmune.fitting.claims.parameter_sets import draw_parameters, nominal
from kinimmune.fitting.claims.registry import models_with_readouts, readouts_of
from kinimmune.fitting.claims.table import Claim, ClaimKind, Comparison, read_claims
from kinimmune.fitting.claims.verdict import wilson
from kinimmune.fitting.lint import check
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.library.gompertz import gompertz_volume
from kinimmune.models.symbolic.parameters import Scale, values_for
from kinimmune.models.tables.rows import Tables

DRAWS = 256


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gompertz")
    example.write_tables(folder)
    return folder


@pytest.fixture(scope="module")
def results(tables):
    found = check_claims(["gompertz"], Tables(tables), draws=DRAWS, seed=3, jobs=2, progress=lambda _: None)
    return {item.id: item for item in found}


@pytest.fixture(scope="module")
def trial_model():
    return load_model("hcc_trial")


def make_batch(folder, parameters=None):
    model = load_model("gompertz", Tables(folder))
    setup = set_up(model, read_claims(Tables(folder), "gompertz"), Tables(folder), jobs=1)
    table = setup.compiled.model.parameters
    return ExperimentBatch(setup, nominal(table) if parameters is None else parameters(table))


def test_draws_are_those_of_the_seed(trial_model):
    first, again, other = (draw_parameters(trial_model.parameters, 32, 1.0, seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (len(trial_model.parameter_names), 32)


def test_halved_priors_have_half_the_spread_about_the_same_median(trial_model):
    whole, half = (draw_parameters(trial_model.parameters, 64, width, 5) for width in (1.0, 0.5))
    seen = set()
    for name, wide, narrow in zip(trial_model.parameter_names, whole, half, strict=True):
        prior = next(item.prior for item in trial_model.parameters if item.name == name)
        seen.add(prior.scale)
        if prior.scale is Scale.FIXED:
            assert set(wide) == set(narrow) == {prior.median}
            continue
        middle = prior.scale.transform(prior.median)
        wide, narrow = ([prior.scale.transform(value) - middle for value in row] for row in (wide, narrow))
        np.testing.assert_allclose(narrow, 0.5 * np.array(wide), rtol=1e-6, atol=1e-9)
    assert {Scale.FIXED, Scale.LOGNORMAL} <= seen


def test_draws_have_the_median_and_spread_of_the_prior(tables):
    n = 4096
    drawn = draw_parameters(load_model("gompertz", Tables(tables)).parameters, n, 1.0, 1)
    scores = np.log(drawn[0] / example.RETARDATION) / example.SD
    assert abs(scores.mean()) < 4.0 / math.sqrt(n)
    assert abs(scores.std() - 1.0) < 4.0 / math.sqrt(2.0 * n)


def test_nominal_values_are_those_of_the_table(trial_model):
    values = values_for(trial_model.parameters, None)
    assert nominal(trial_model.parameters)[:, 0].tolist() == [values[name] for name in trial_model.parameter_names]


def test_the_tables_of_the_example_have_no_findings(tables):
    assert check(Tables(tables)) == ()


def test_a_read_out_is_the_closed_form(tables):
    batch = make_batch(tables)
    volume = gompertz_volume(np.array([example.DAY]), example.RETARDATION, example.CAPACITY, example.START)
    assert batch.read("control", "volume", "month") == pytest.approx(volume, rel=1e-4)
    assert batch.without("growth").read("control", "volume", "month").tolist() == [example.START]
    assert batch.without("growth").read("large", "volume", "month").tolist() == [2.0 * example.START]


def test_an_experiment_is_run_once_per_batch_and_interaction(tables):
    batch = make_batch(tables)
    assert batch.without("growth") is batch.without("growth")
    assert np.shares_memory(*(batch.read("control", "volume", "month") for _ in range(2)))


def test_a_result_is_computed_once_per_batch_function_and_arguments(tables):
    batch, seen = make_batch(tables), []

    def scaled_size(given, factor):
        seen.append(factor)
        return factor * given.size

    assert [batch.cached(scaled_size, factor) for factor in (2, 3, 2)] == [2, 3, 2]
    assert seen == [2, 3]
    assert replace(batch, parameters=np.repeat(batch.parameters, 5, axis=1)).cached(scaled_size, 2) == 10


def test_every_module_of_read_outs_is_about_a_model_of_the_library():
    assert set(models_with_readouts()) <= set(model_names())


@pytest.mark.parametrize("model", model_names())
def test_every_model_has_the_general_read_outs_and_says_what_each_of_its_own_needs(model):
    found = readouts_of(model)
    assert GENERAL.items() <= found.items()
    columns = {"quantity", "experiment", "baseline", "day", "arrows"}
    assert all(readout.needs and set(readout.needs) <= columns for readout in found.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("controll", "volume", "month"), "model 'gompertz' has no experiment 'controll'; did you mean 'control'"),
        (("control", "volumes", "month"), "no quantity 'volumes' in model 'gompertz'; did you mean 'volume'"),
        (("control", "volume", "moth"), "model 'gompertz' has no read-out day 'moth'; did you mean 'month'"),
    ],
)
def test_reading_what_is_not_there_is_refused(tables, arguments, message):
    with pytest.raises(UsageError, match=message):
        make_batch(tables).read(*arguments)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("grows", "supported"),
        ("own", "supported"),
        ("through", "supported"),
        ("explained", "supported"),
        ("larger", "vacuous"),
        ("no_arrow", "vacuous"),
        ("shrinks", "failed"),
        ("explained_shrinks", "failed"),
        ("half", "failed"),
        ("close", "undecided"),
        ("dispute", "disputed"),
    ],
)
def test_verdicts_follow_from_the_closed_form(results, claim, verdict):
    assert results[claim].verdict == verdict


def test_a_larger_tumour_stays_larger_without_the_arrow_named(results):
    """The arrow is irrelevant to the claim, so that it is vacuous."""
    (cut,) = results["larger"].ablations
    assert (cut.arrow, cut.holds, cut.fraction) == ("growth", True, 1.0)


def test_a_claim_that_rests_on_its_arrow_fails_in_every_draw_without_it(results):
    (cut,) = results["grows"].ablations
    assert (cut.arrow, cut.holds, cut.fraction) == ("growth", False, 0.0)
    assert results["grows"].sign_fixed_by_prior
    assert not results["half"].sign_fixed_by_prior


def test_a_fraction_of_draws_is_the_probability_of_the_prior(results):
    item = results["half"]
    bound = item.bound
    assert bound == pytest.approx(0.95 * example.MEDIAN_VOLUME)
    slowest = math.log(math.log(example.START / example.CAPACITY) / math.log(bound / example.CAPACITY)) / example.DAY
    standard = math.log(example.RETARDATION / slowest) / example.SD
    for fraction, width in ((item.fraction, 1.0), (item.fraction_halved, 0.5)):
        expected = float(ndtr(standard / width))
        assert abs(fraction - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / DRAWS)
    assert (item.draws, item.holds, item.value) == (DRAWS, True, pytest.approx(example.MEDIAN_VOLUME, rel=1e-4))
    assert (item.fraction_lower, item.fraction_upper) == pytest.approx(wilson(round(item.fraction * DRAWS), DRAWS), rel=1e-12)


def test_a_disputed_claim_has_few_draws_and_no_halved_ones(results):
    assert results["dispute"].fraction_halved is None
    assert results["dispute"].draws < DRAWS


def test_results_are_those_of_the_seed_and_do_not_depend_on_threads(tables, results):
    again = check_claims(["gompertz"], Tables(tables), draws=DRAWS, seed=3, jobs=1, progress=lambda _: None)
    assert {item.id: item for item in again} == results


def test_a_draw_that_cannot_be_integrated_counts_against(tmp_path):
    example.write_tables(tmp_path, capacity_sd=1000.0, claims=("no_arrow",))
    batch = make_batch(tmp_path, partial(draw_parameters, draws=DRAWS, width=1.0, seed=3))
    claim = replace(read_claims(Tables(tmp_path), "gompertz")[0], reference=0.0)
    volume = batch.read("control", "volume", "month")
    without_logarithm = batch.parameters[1] <= 0.0
    assert 0.1 < without_logarithm.mean() < 0.2
    assert np.isnan(volume[without_logarithm]).all()
    assert satisfies(claim, volume).tolist() == (~without_logarithm).tolist()
    (found,) = check_claims(["gompertz"], Tables(tmp_path), draws=DRAWS, seed=3, jobs=1, progress=lambda _: None)
    assert found.fraction < 1.0 - without_logarithm.mean() + 1e-12


def make_claim(**cells):
    plain = Claim("X", "gompertz", "", "", ClaimKind.PREDICTION, "value", "", "", "", "", Comparison.BELOW, 1.0, 0.05, (), "")
    return replace(plain, **cells)


def test_the_bound_lies_a_margin_beyond_the_reference():
    values = np.array([0.9, 0.95, 1.0, 1.05, 1.1, math.nan, math.inf, -math.inf])
    below, above = make_claim(), make_claim(comparison=Comparison.ABOVE)
    assert (below.bound, above.bound) == (0.95, 1.05)
    assert np.flatnonzero(satisfies(below, values)).tolist() == [0]
    assert np.flatnonzero(satisfies(above, values)).tolist() == [4]


def test_an_unknown_read_out_is_refused(tables, tmp_path):
    for name in ("parameters", "experiments", "claims"):
        (tmp_path / f"{name}.csv").write_bytes((tables / f"{name}.csv").read_bytes())
    text = (tmp_path / "claims.csv").read_text(encoding="utf-8").replace(",value,", ",valeu,", 1)
    (tmp_path / "claims.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"claim 'grows' in claims\.csv: unknown read-out 'valeu'; did you mean 'value'"):
        check_claims(["gompertz"], Tables(tmp_path), draws=16, seed=1, jobs=1, progress=lambda _: None)


def test_models_without_claims_are_passed_over(tables):
    said = []
    assert check_claims(["melanoma"], Tables(tables), draws=16, seed=1, jobs=1, progress=said.append) == ()
    assert said == []


def test_a_value_has_the_unit_of_what_is_read():
    """Ratios and shares have none, a quantity its own, a boundary that of its parameter."""
    wanted = {
        **dict.fromkeys(("C4", "C10", "K1", "L3", "A3b", "B2a"), "1"),
        **dict.fromkeys(("C15", "L4", "A13", "A17", "D19"), "1/d"),
        "L1": "umol/L", "A12b": "nmol/L", "D3c": "d",
    }  # fmt: skip
    claims = [claim for claim in read_claims() if claim.id in wanted]
    units = {claim.id: readouts_of(claim.model)[claim.readout].find_unit(load_model(claim.model), claim) for claim in claims}
    assert units == wanted
