"""A mechanism without any influence changes nothing: no claim holds because of the error of integration."""

import numpy as np
import pytest

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.check import check_claims, set_up
from kinimmune.fitting.claims.general import GENERAL, difference, quotient
from kinimmune.fitting.claims.parameter_sets import draw_parameters
from kinimmune.fitting.claims.table import read_claims
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.rows import Tables

HEADER = "id,model,text,document,kind,readout,quantity,experiment,baseline,day,comparison,reference,margin,arrows,explanation"
"""HLE cells are another line than Hep3B, whose growth and death therefore move them by the error of integration alone."""
ROWS = (
    "below,hcc_cells,growth of Hep3B keeps HLE down,,prediction,through,cells_hle,hle_low,,h72,<,1,0,growth_of_hep3b,",
    "above,hcc_cells,growth of Hep3B lifts HLE,,prediction,through,cells_hle,hle_low,,h72,>,1,0,growth_of_hep3b,",
    "own,hcc_cells,growth of HLE lifts HLE,,prediction,through,cells_hle,hle_low,,h72,>,1,0,growth_of_hle,",
    "dose,hcc_cells,sorafenib lowers HLE,,prediction,ratio,cells_hle,hle_high,untreated,h72,<,1,0,death_of_hle,",
)
DRAWS = 32


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    (folder / "claims.csv").write_text("\n".join((HEADER, *ROWS, "")), encoding="utf-8")
    return Tables(folder)


@pytest.fixture(scope="module")
def batch(tables):
    model = load_model("hcc_cells", tables)
    setup = set_up(model, read_claims(tables, "hcc_cells"), tables, jobs=1)
    return ExperimentBatch(setup, draw_parameters(setup.compiled.model.parameters, DRAWS, 1.0, 1))


@pytest.fixture(scope="module")
def claims(tables):
    return {claim.id: claim for claim in read_claims(tables, "hcc_cells")}


def test_a_claim_about_a_mechanism_without_influence_holds_in_no_draw_in_either_direction(tables):
    found = {item.id: item for item in check_claims(["hcc_cells"], tables, draws=DRAWS, seed=1, jobs=1, progress=lambda _: None)}

    for name in ("below", "above"):
        assert (found[name].value, found[name].holds, found[name].fraction, found[name].verdict) == (1.0, False, 0.0, "failed")
        assert not found[name].sign_fixed_by_prior
    assert found["own"].fraction == 1.0
    assert found["own"].value > 1.5


def test_a_change_within_the_errors_is_none_and_every_other_is_as_it_was_computed(batch, claims):
    still = GENERAL["through"](batch, claims["above"])
    with_it, rest = (
        batch.read("hle_low", "cells_hle", "h72"),
        batch.without("growth_of_hep3b").read("hle_low", "cells_hle", "h72"),
    )

    assert (still == 1.0).all()
    assert (with_it != rest).any()  # by the error of integration
    assert np.array_equal(GENERAL["ratio"](batch, claims["dose"]), quotient(batch, claims["dose"]))
    values = [batch.read(name, "cells_hle", "h72") for name in ("hle_high", "untreated")]
    assert np.array_equal(difference(batch, claims["dose"]), values[0] - values[1])


def test_errors_of_a_batch_are_those_of_its_tolerance(batch):
    values, errors = (read("hle_low", "cells_hle", "h72") for read in (batch.read, batch.read_error))

    assert errors.shape == values.shape == (DRAWS,)
    assert (errors > 0.0).all()
    assert (errors < 1e-3 * values).all()
