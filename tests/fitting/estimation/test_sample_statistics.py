"""Medians and Cox ratios of many trials at once are those that lifelines finds in each, with ties, censoring and neither."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter

from kinimmune.fitting.estimation.sample_statistics import find_medians, fit_log_ratios

TRIALS, PATIENTS = 6, 120


def draw(step):
    """Return observed times, events and arms of trials; times are rounded up to `step`, as those of scans are, or not at all."""
    generator = np.random.default_rng(5)
    treated = np.broadcast_to(np.arange(PATIENTS) < PATIENTS // 2, (TRIALS, PATIENTS))
    event_time = generator.exponential(np.where(treated, 12.0, 8.0))
    event_time = event_time if step is None else np.ceil(event_time / step) * step
    followed = generator.uniform(4.0, 20.0, (TRIALS, PATIENTS))
    followed = followed if step is None else np.floor(followed / step) * step
    return np.minimum(event_time, followed), event_time <= followed, treated


def fit_cox(time, event, treated):
    frame = pd.DataFrame({"time": time, "event": event, "treated": treated.astype(float)})
    return float(CoxPHFitter().fit(frame, "time", "event", fit_options={"precision": 1e-10}).params_["treated"])


@pytest.mark.parametrize("step", [None, 2.0], ids=["untied", "at scans"])
def test_ratios_and_medians_are_those_of_lifelines(step):
    time, event, treated = draw(step)
    expected = [fit_cox(*row) for row in zip(time, event, treated, strict=True)]
    assert fit_log_ratios(time, event, treated) == pytest.approx(expected, abs=1e-6)
    medians = [KaplanMeierFitter().fit(*row).median_survival_time_ for row in zip(time, event, strict=True)]
    assert find_medians(time, event) == pytest.approx(medians, rel=1e-12)


def test_ratio_of_remission_in_leukaemia_is_the_published_one(load_patients):
    """Freireich 1963: ln hazard ratio -1.57 by Efron's method (J. P. Klein and M. L. Moeschberger, Survival Analysis)."""
    time, event, treated = load_patients("freireich1963").T
    found = fit_log_ratios(time[None], event[None] == 1.0, treated[None] == 1.0)
    assert abs(found[0]) == pytest.approx(1.57, abs=0.005)


def test_the_order_of_patients_does_not_matter():
    time, event, treated = draw(2.0)
    order = np.random.default_rng(1).permutation(PATIENTS)
    assert fit_log_ratios(time[:, order], event[:, order], treated[:, order]) == pytest.approx(
        fit_log_ratios(time, event, treated)
    )
    assert find_medians(time[:, order], event[:, order]) == pytest.approx(find_medians(time, event))


def test_where_there_is_no_number_none_is_found():
    time, event, treated = draw(None)
    nobody = np.zeros_like(event)
    assert np.isnan(fit_log_ratios(time, event & treated, treated)).all()
    assert np.isnan(fit_log_ratios(time, nobody, treated)).all()
    assert np.isinf(find_medians(time, nobody)).all()
    assert find_medians(np.array([[3.0, 1.0, 2.0, 4.0]]), np.array([[True] * 4])) == pytest.approx([2.0])
