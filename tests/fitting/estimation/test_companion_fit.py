"""Q comes from a fit to medians alone: the fit itself, or a companion of it that saw nothing else."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from memory_store import Memory
from paths import OWN_TRIAL
from three_arms import change_rows

from kinimmune.cli.printing.fit import print_fit
from kinimmune.fitting.estimation.companion_fit import TASKS, restrict_to_medians
from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.problem.correlation import CorrelatedBlock
from kinimmune.fitting.problem.problem import build_problem
from kinimmune.fitting.settings import Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint

ESTIMATED = ("growth", "baseline_hazard", "kinase_shift")
READ = {"interval_source": "llovet2008", "interval_locator": "invented", "interval_status": "reported"}


def write_trial(folder, roles):
    """Write the example of a trial of one's own with three parameters estimated, its ratio's interval read, and other roles."""
    shutil.copytree(OWN_TRIAL, folder, ignore=shutil.ignore_patterns("*.toml", "*.md"))
    change_rows(folder, "parameters.csv", lambda row: row | {"estimated": "yes" if row["name"] in ESTIMATED else "no"})

    def change(row):
        read = READ if row["statistic"] == "hazard_ratio" else {}
        return row | read | {"role": roles.get((row["statistic"], row["endpoint"]), row["role"])}

    change_rows(folder, "targets.csv", change)
    return folder


def run(folder, store=None, jobs=1):
    settings = Settings(data=folder, model="hcc_trial", seed=1, jobs=jobs, fit={"patients": 16, "starts": 1})
    plan, said = plan_fit("hcc_trial", settings, Tables(folder)), []
    result, _ = fit(plan, Runtime(store or Memory(), report=said.append))
    return plan, result, said


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return the fit to the medians alone."""
    return run(write_trial(tmp_path_factory.mktemp("companion") / "alone", {}))[1]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return the folder of a fit to the medians and the ratio, what it kept, its plan, its result and what it said."""
    folder = write_trial(tmp_path_factory.mktemp("companion") / "both", {("hazard_ratio", "os"): "fit"})
    store = Memory()
    return folder, store, *run(folder, store)


def test_a_fit_to_medians_alone_is_its_own_basis(alone):
    assert (alone.q_basis, alone.q_reason, alone.companion) == ("medians", "", None)
    assert alone.q_model is not None


def test_q_of_the_companion_is_that_of_a_fit_to_the_medians_alone(alone, both):
    """Within the tolerance of the optimiser: ln of the ratio moves by less than a hundredth of its standard error."""
    result = both[3]
    assert [row.statistic for row in result.targets] == ["median"] * 4 + ["hazard_ratio"]
    assert result.unfitted == ()
    assert result.q_basis == "companion"
    assert result.q_null == alone.q_null
    assert np.sqrt(result.q_model) == pytest.approx(np.sqrt(alone.q_model), abs=0.01)
    assert result.q_reference.mean == pytest.approx(alone.q_reference.mean, rel=0.05)
    companion, (ratio,) = result.companion, alone.unfitted
    assert companion.status == "converged"
    total = alone.chi_square_data + alone.chi_square_prior
    assert companion.chi_square_data + companion.chi_square_prior == pytest.approx(total, rel=1e-4)
    assert [row.predicted for row in companion.medians] == pytest.approx([row.predicted for row in alone.targets], rel=0.01)
    for row in alone.parameters:
        assert np.log(companion.estimates[row.name] / row.value) == pytest.approx(0.0, abs=0.1 * row.standard_error)
    (told,) = companion.ratios
    assert (told.role, told.null_prediction, told.observed) == ("fit", ratio.null_prediction, ratio.observed)
    for name in ("predicted", "predicted_lower", "predicted_upper", "drawn_lower", "trial_upper", "trial_place"):
        assert getattr(told, name) == pytest.approx(getattr(ratio, name), rel=0.02)
    assert companion.ratios[0].predicted != result.targets[-1].predicted


def test_the_refit_is_a_task_that_is_told_and_kept(both):
    _, store, plan, _, said = both
    assert "start-companion" in store.names
    assert plan.tasks == len(store.kept) == 1 + 2 + TASKS
    assert "fitting to the medians alone, for the score of hazard ratios" in said


def test_a_resumed_fit_has_the_same_bits_with_any_number_of_threads(both):
    folder, store, _, result, _ = both
    kept = dict(store.kept)
    again = run(folder, store, jobs=2)[1]
    assert store.kept == kept
    assert replace(again, wall_seconds=0.0) == replace(result, wall_seconds=0.0)
    del store.kept[list(kept)[-1]]  # what ended last: the companion
    anew = run(folder, store, jobs=2)[1]
    assert store.kept == kept
    assert anew.companion == result.companion


def test_a_result_with_a_companion_comes_back_from_json_equal(both, tmp_path):
    result = both[3]
    assert FIT_JSON.load(FIT_JSON.dump(result), tmp_path) == result


def test_without_a_fitted_median_there_is_no_q_and_it_says_why(tmp_path, capsys):
    roles = {("median", "os"): "unfitted", ("median", "ttp"): "unfitted", ("hazard_ratio", "os"): "fit"}
    store = Memory()
    _, result, _ = run(write_trial(tmp_path / "ratio", roles), store)
    assert (result.q_model, result.q_null, result.q_basis, result.q_reference, result.companion) == (None,) * 5
    assert result.q_reason == "no median was fitted, and Q is of a fit to medians alone"
    print_fit(result)
    assert f"no Q of the hazard ratios: {result.q_reason}" in capsys.readouterr().out
    assert "start-companion" not in store.names


def test_without_a_ratio_whose_interval_was_read_there_is_no_q_and_it_says_why(tmp_path):
    folder = write_trial(tmp_path / "bare", {("hazard_ratio", "os"): "fit"})
    change_rows(folder, "targets.csv", lambda row: row | ({"interval_status": "recalled"} if row["endpoint"] == "os" else {}))
    plan, result, _ = run(folder)
    assert not plan.has_companion
    assert (result.q_basis, result.companion) == (None, None)
    assert result.q_reason == "no hazard ratio of a study that is tried has an interval that was read"


def test_the_terminal_tells_the_ratios_of_the_refit_and_whose_q_it_is(both, alone, capsys):
    print_fit(both[3])
    told = capsys.readouterr().out
    assert "Hazard ratios predicted by a refit to the 4 medians alone\n" in told.replace(" " * 2, "").replace(" \n", "\n")
    assert "Q of the hazard ratios, by the refit to medians alone: " in told
    print_fit(replace(both[3], companion=replace(both[3].companion, status="too many evaluations")))
    assert "the refit to the medians alone did not converge: too many evaluations" in capsys.readouterr().out
    print_fit(alone)
    told = capsys.readouterr().out
    assert "refit" not in told
    assert "Q of the hazard ratios: " in told


def test_the_companion_keeps_correlations_of_medians_that_a_fit_to_them_would_have(both):
    """Medians of OS and TTP are taken as independent, whatever they are beside a ratio; those of PFS are not."""
    problem = build_problem("hcc_trial", Tables(both[0]), patients=8, seed=1)
    block = CorrelatedBlock("example", (("hazard_ratio:example:os", 0), ("median:example:sorafenib:os", 0)), 0, (0.5,))
    informed = replace(problem, correlations=(block,))
    smaller = restrict_to_medians(informed)
    assert [item.statistic for item in smaller.targets] == ["median"] * 4
    assert smaller.correlations == ()
    progression = [replace(item, endpoint=Endpoint.PFS) if item.endpoint is Endpoint.TTP else item for item in problem.targets]
    assert restrict_to_medians(replace(informed, targets=tuple(progression))).correlations == (block,)
