"""Covariates of virtual patients: shares, means and strata of a case mix, and what effects make of them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import Covariate, CovariateEffect, CovariateKind
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Spread, Status
from kinimmune.models.trial.case_mix import CaseMix, LevelShares, Lognormal
from kinimmune.models.trial.population import draw_individuals, draw_population, individual_values
from kinimmune.models.trial.subgroups import Condition, Subgroup

PATIENTS = 1024
ECOG = Covariate("ecog", CovariateKind.CATEGORY, "1", "0", ("0", "1", "2"))
SHARES = LevelShares("ecog", ECOG.levels, (0.5, 0.38, 0.12))
AGES = Lognormal("age", 62.0, 9.0)
PUBLISHED = CaseMix("study:arm", (SHARES, AGES))
KNOWN = CaseMix("study:arm", (AGES,), ("ecog", "sex"), tuple(sorted([("0", "f"), ("0", "f"), ("0", "m"), ("1", "m")])))
ORIGIN = Source("invented", "", Status.ASSUMED)
EFFECTS = (CovariateEffect("ecog", "beta", level="1"), CovariateEffect("age", "power", reference=60.0))


def make(name, value, spread=None, effects=()):
    unit = Prior(Scale.NORMAL if value <= 0.0 or effects == () else Scale.LOGNORMAL, value, 1.0)
    return Parameter(name, name, value, "1", -10.0, 10.0, unit, False, spread, None, name, ORIGIN, effects=effects)


TABLE = (
    make("rate", 0.3, Spread(Scale.LOGNORMAL, 0.4), EFFECTS),
    make("share", 0.2, Spread(Scale.LOGITNORMAL, 0.5), EFFECTS[:1]),
    make("plain", 0.7, None, EFFECTS[1:]),
    make("other", 2.0, Spread(Scale.NORMAL, 0.1)),
    make("beta", 0.5),
    make("power", 1.5),
)
BARE = tuple(replace(item, effects=()) for item in TABLE)
VALUES = {item.name: item.value for item in TABLE}
NOTHING = VALUES | {"beta": 0.0, "power": 0.0}


def test_without_an_effect_patients_are_what_they_are_without_covariates():
    """Bit for bit where patients differ; a value that has been to its scale and back within rounding."""
    drawn = individual_values(TABLE, NOTHING, draw_population(TABLE, PATIENTS, 3), PUBLISHED)
    bare = individual_values(BARE, NOTHING, draw_population(BARE, PATIENTS, 3))

    assert np.array_equal(np.delete(drawn, 2, axis=0), np.delete(bare, 2, axis=0))
    assert drawn[2] == pytest.approx(bare[2], rel=1e-15)
    people = draw_individuals(TABLE, 9, 4), draw_individuals(BARE, 9, 4)
    assert np.array_equal(people[0].scores, people[1].scores)


def test_an_effect_is_that_of_population_models():
    """P (age/60)^power exp(beta) of those of the level on ln, beta on the logit of a share; the reference without a mix."""
    population = draw_population(TABLE, PATIENTS, 3)
    told = PUBLISHED.draw(population.covariates, population.uniforms)
    drawn, bare = individual_values(TABLE, VALUES, population, PUBLISHED), individual_values(TABLE, VALUES, population)
    has = told["ecog"] == "1"

    assert drawn[0] == pytest.approx(bare[0] * np.exp(0.5 * has) * (told["age"] / 60.0) ** 1.5, rel=1e-12)
    logit = [np.log(rows[1] / (1.0 - rows[1])) for rows in (drawn, bare)]
    assert logit[0] - logit[1] == pytest.approx(0.5 * has, abs=1e-12)
    assert drawn[2] == pytest.approx(0.7 * (told["age"] / 60.0) ** 1.5, rel=1e-12)
    assert np.array_equal(bare, individual_values(BARE, VALUES, population))


def test_virtual_patients_have_the_published_shares_and_moments():
    """Shares within one of the patients, mean and sd within .5 %; independent of each other and of the parameters' scores."""
    population = draw_population(TABLE, PATIENTS, 3)
    told = PUBLISHED.draw(population.covariates, population.uniforms)

    for level, share in zip(SHARES.levels, SHARES.shares, strict=True):
        assert abs(np.sum(told["ecog"] == level) - share * PATIENTS) <= 1.0
    assert told["age"].mean() == pytest.approx(62.0, rel=0.005)
    assert told["age"].std() == pytest.approx(9.0, rel=0.005)
    rows = np.vstack([population.scores, told["ecog"] == "1", told["age"]])
    assert np.abs(np.corrcoef(rows) - np.eye(len(rows))).max() < 0.02


def test_patients_who_are_known_are_drawn_whole():
    """What they have in common stays together, and a marginal of what is known of them does not count."""
    mix = replace(KNOWN, marginals=(AGES, SHARES))
    told = mix.draw(("age", "ecog", "sex"), draw_population(TABLE, PATIENTS, 3).uniforms[[1, 0, 1]])

    assert np.sum((told["ecog"] == "0") & (told["sex"] == "f")) == pytest.approx(PATIENTS / 2, abs=1.0)
    assert not np.any((told["ecog"] == "1") & (told["sex"] == "f"))
    assert np.all(told["ecog"] != "2")


def test_a_mixture_of_strata_is_the_weighted_sum_of_each_alone():
    """Means over all patients are those of the strata by their shares, within the error of the points."""
    population = draw_population(TABLE, 8192, 3)
    for mix, levels in ((PUBLISHED, ECOG.levels), (replace(KNOWN, known=("ecog", "sex")), ("0", "1"))):
        ages = (Condition("age", None, 0.0, 60.0), Condition("age", None, 60.0))
        strata = [Subgroup((Condition("ecog", level), age)) for level in levels for age in ages]
        shares = [mix.share(stratum) for stratum in strata]
        means = [individual_values(TABLE, VALUES, population, mix.within(stratum)).mean(axis=1) for stratum in strata]

        assert sum(shares) == pytest.approx(1.0, rel=1e-12)
        assert individual_values(TABLE, VALUES, population, mix).mean(axis=1) == pytest.approx(
            np.average(means, axis=0, weights=shares), rel=2e-3
        )


def test_a_part_of_a_continuous_covariate_lies_within_its_ends():
    told = PUBLISHED.within(Subgroup((Condition("age", None, 55.0, 65.0),)))
    values = told.draw(("age",), draw_population(TABLE, PATIENTS, 3).uniforms[1:])["age"]

    assert 55.0 <= values.min() < 55.1 < 64.9 < values.max() <= 65.0


def test_what_nobody_tells_and_nobody_has_is_refused():
    with pytest.raises(DataError, match="study:arm tells nothing of covariate 'sex', on which a parameter depends; add a row to"):
        PUBLISHED.require(("sex",))
    with pytest.raises(DataError, match="nobody in study:arm belongs to subgroup 'ecog=2'; correct it, or the case mix"):
        KNOWN.within(Subgroup((Condition("ecog", "2"),)))
    with pytest.raises(DataError, match=r"shares of covariate 'ecog' add to 0\.9; they must add to 1"):
        LevelShares("ecog", ECOG.levels, (0.5, 0.3, 0.1))


def test_a_subgroup_has_one_condition_a_covariate():
    with pytest.raises(DataError, match="subgroup 'ecog=1 & ecog=0' has two conditions about one covariate; write one"):
        Subgroup((Condition("ecog", "1"), Condition("ecog", "0")))


def test_quarters_keep_86_percent_of_the_information_about_a_normal_covariate():
    """The variance of the means of the quarters of a normal distribution over its own, by the density at the quartile."""
    quartile, density = 0.6744897501960817, lambda x: math.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)
    means = [4.0 * density(quartile), 4.0 * (density(0.0) - density(quartile))]

    assert sum(mean**2 for mean in means) / 2.0 == pytest.approx(0.86, abs=0.005)
