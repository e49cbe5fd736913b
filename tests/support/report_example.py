"""An invented trial with closed-form courses and a fit of it, for tests that draw reports.

Start with `make_content`.  Medians, intervals and ratios are those of SHARP and Asia-Pacific; survival is exponential.
"""

import math

import numpy as np

from kinimmune.fitting.estimation.outcome_rows import ContrastResult, CurveRow, EventRow, QuadratureRow, ResponseRow, StopRuleRow
from kinimmune.fitting.estimation.results import ComparisonRow, ConstantRow, EstimateRow, FitResult, StartRow
from kinimmune.fitting.estimation.trial_results import ArmResult, TrialResult
from kinimmune.models.catalogue import load_model
from kinimmune.models.symbolic.parameters import Scale
from kinimmune.models.tables.readers import (
    read_kinases,
    read_limitations,
    read_observations,
    read_sources,
    read_stop_rule_sources,
    read_trials,
)
from kinimmune.reports.content import Content

SCAN = 42.0 / 30.44
"""[month]"""
MEDIANS = {
    ("sharp", "sorafenib"): (10.7, 9.4, 13.3, 299, 4),
    ("sharp", "placebo"): (7.9, 6.8, 9.1, 303, 2),
    ("asia_pacific", "sorafenib"): (6.5, 5.56, 7.56, 150, 2),
    ("asia_pacific", "placebo"): (4.2, 3.75, 5.46, 76, 1),
}
RATIOS = {
    ("sharp", "os"): (0.69, 0.55, 0.87),
    ("asia_pacific", "os"): (0.68, 0.50, 0.93),
    ("sharp", "ttp"): (0.58, 0.45, 0.74),
    ("asia_pacific", "ttp"): (0.57, 0.42, 0.79),
}


def make_comparison(study, arm, endpoint, statistic, observed, predicted, **more):
    empty = dict.fromkeys(("lower", "upper", "interval_status", "residual", "scan_observed", "scan_predicted", "null_prediction"))
    row = {**empty, "inside": None, "value_status": "reported", **more}
    return ComparisonRow(study, arm, endpoint, statistic, observed, predicted=predicted, **row)


def make_targets():
    rows = []
    for (study, arm), (median, lower, upper, _, scan) in MEDIANS.items():
        interval = {"lower": lower, "upper": upper, "interval_status": "recalled" if arm == "placebo" else "reported"}
        rows.append(make_comparison(study, arm, "os", "median", median, 1.02 * median, residual=0.25, inside=True, **interval))
        at = {"residual": -0.31, "scan_observed": scan, "scan_predicted": scan, "inside": None}
        rows.append(make_comparison(study, arm, "ttp", "median", round(scan * SCAN, 1), scan * SCAN, **at))
    return tuple(sorted(rows, key=lambda row: row.endpoint))


def make_ratios():
    rows = []
    for (study, endpoint), (value, lower, upper) in RATIOS.items():
        wide = {
            "predicted_lower": 0.85 * value,
            "predicted_upper": 1.2 * value,
            "drawn_lower": 0.7 * value,
            "drawn_upper": 1.4 * value,
        }
        wide |= {"trial_lower": 0.7 * value, "trial_upper": 1.45 * value, "null_prediction": 1.07 * value, "trial_place": 0.41}
        known = {"lower": lower, "upper": upper, "interval_status": "reported", "residual": 0.3, "inside": True}
        rows.append(make_comparison(study, None, endpoint, "hazard_ratio", value, 1.03 * value, **known, **wide))
    return tuple(rows)


def make_transport():
    known = {
        "lower": 5.56,
        "upper": 7.56,
        "interval_status": "recalled",
        "inside": True,
        "predicted_lower": 5.1,
        "predicted_upper": 6.9,
    }
    return (
        make_comparison("asia_pacific", "sorafenib", "os", "median", 6.5, 5.9, residual=-1.1, null_prediction=5.69, **known),
        make_comparison(
            "asia_pacific",
            "sorafenib",
            "ttp",
            "median",
            2.8,
            4.1,
            residual=1.64,
            scan_observed=2,
            scan_predicted=3,
            null_prediction=2.8,
        ),
    )


def make_estimates(model):
    rows = []
    for item in (item for item in model.parameters if item.estimated):
        line = item.prior.scale.transform(item.prior.median)
        ends = [item.prior.scale.inverse(line + sign * 1.959964 * item.prior.sd) for sign in (-1.0, 1.0)]
        inner = [item.prior.scale.inverse(line + 0.3 * item.prior.sd + sign * item.prior.sd) for sign in (-1.0, 0.0, 1.0)]
        text = f"{item.prior.scale}({item.prior.median:g}, {item.prior.sd:g})"
        rows.append(
            EstimateRow(
                item.key, item.symbol, inner[1], item.unit, 0.5 * item.prior.sd, inner[0], inner[2], False, text,
                item.prior.median, ends[0], ends[1], 0.51, str(item.source.status), item.source.key,
            )
        )  # fmt: skip
    return tuple(rows)


def make_constants(model):
    return tuple(
        ConstantRow(
            item.key, item.symbol, item.value, item.unit,
            "fixed" if item.prior.scale is Scale.FIXED else f"{item.prior.scale}({item.prior.median:g}, {item.prior.sd:g})",
            str(item.source.status), item.source.key, item.meaning,
        )
        for item in model.parameters if not item.estimated
    )  # fmt: skip


def make_fit(model):
    estimates = make_estimates(model)
    n = len(estimates)
    correlation = tuple(tuple(1.0 if i == j else 0.8 * math.cos(i - j) / (1 + abs(i - j)) for j in range(n)) for i in range(n))
    months = tuple(float(month) for month in range(25))
    return FitResult(
        model="hcc_trial", seed=1, patients=1024, status="converged", wall_seconds=93.0, evaluations=512, failed_patients=0,
        stop_rules={"sharp": "radiological_and_symptomatic", "asia_pacific": "radiological_and_symptomatic"},
        chi_square_data=2.31, chi_square_prior=1.87, effective_parameters=5.2, degrees_of_freedom=2.8, q_model=0.42, q_null=2.16,
        parameters=estimates, targets=make_targets(), unfitted=make_ratios(), transport=make_transport(),
        responses=tuple(ResponseRow(study, arm, 0.02) for study, arm in MEDIANS),
        events=tuple(EventRow(*place, kind, 0.6 * known[3]) for place, known in MEDIANS.items() for kind in ("os", "ttp")),
        curves=tuple(
            CurveRow(*place, "os", months, tuple(0.5 ** (time / known[0]) for time in months)) for place, known in MEDIANS.items()
        ),
        starts=tuple(StartRow(i, 4.18 + 0.4 * (i > 3) * i, i != 5, 80 + i, "`ftol` reached") for i in range(6)),
        constants=make_constants(model), correlation=correlation,
    )  # fmt: skip


def make_arm(study, arm):
    median, _, _, n, scan = MEDIANS[study, arm]
    treated = arm == "sorafenib"
    months = np.linspace(0.0, 24.0, 97)
    scans = SCAN * np.arange(1, 14)
    risk = np.arange(0.0, 19.0, 3.0)
    hazard, per_scan = math.log(2.0) / median, 0.5 ** (1.0 / scan)
    progressed = (
        (1.0 - per_scan)
        / (1.0 - per_scan * 0.5 ** (SCAN / median))
        * (1.0 - (per_scan * 0.5 ** (SCAN / median)) ** np.arange(1, 14))
    )
    died = 1.0 - progressed - per_scan ** np.arange(1, 14) * np.exp(-hazard * scans)
    best = 60.0 * np.sin(np.linspace(1.4, -0.8 if treated else 0.2, 80))
    spiders = tuple(
        (tuple(SCAN * np.arange(6)), tuple(100.0 * (np.exp(rate * np.arange(6)) - 1.0)))
        for rate in np.linspace(-0.12 if treated else 0.0, 0.2, 12)
    )
    drop = 0.5 * (1.0 - np.exp(-months)) if treated else np.zeros_like(months)
    courses = {
        "tumour_volume": 300.0 * np.exp((0.03 if treated else 0.06) * months),
        "treg_number": 1.2 * (1.0 - drop),
        "treg_function": 1.0 - drop,
        "effector_cells": 0.6 * (1.0 + drop),
        "pd1_cells": 0.8 * (1.0 - 0.5 * drop),
        "phospho_erk": 1.0 - 1.2 * drop,
        "vascular_support": 1.0 - 0.6 * drop,
        "concentration": (5.0 if treated else 0.0) * np.exp(-0.05 * months),
        "liver_reserve": np.exp(-0.02 * months),
    }
    return ArmResult(
        study=study, arm=arm, n=n, months=tuple(months), survival=tuple(np.exp(-hazard * months)),
        on_treatment=tuple(np.exp(-2.0 * hazard * months)), follow_up_os=(6.2, 19.3), follow_up_ttp=(1.0, 14.1),
        risk_months=tuple(risk), at_risk_os=tuple(n * np.exp(-hazard * risk)),
        at_risk_ttp=tuple(n * np.exp(-3.0 * hazard * risk)),
        scan_months=tuple(scans), ttp_survival=tuple(per_scan ** np.arange(1, 14)), progression_incidence=tuple(progressed),
        death_incidence=tuple(died), new_lesion_share=0.31, last_cause_share=0.2, response_fraction=0.02, treatment_median=5.1,
        survival_6=float(np.exp(-6.0 * hazard)), survival_12=float(np.exp(-12.0 * hazard)), ttp_6=0.4, best_change=tuple(best),
        spiders=spiders, courses={name: tuple(values) for name, values in courses.items()},
    )  # fmt: skip


def make_trial():
    months = tuple(np.linspace(0.5, 18.0, 36))
    contrasts = tuple(
        ContrastResult(study, endpoint, value, months, tuple(value + 0.1 * np.tanh(np.array(months) - 9.0)), 1.7, 17.0)
        for (study, endpoint), (value, _, _) in RATIOS.items()
    )
    labels = [f"median:{study}:{arm}:{endpoint}" for study, arm in MEDIANS for endpoint in ("os", "ttp")]
    predictions = {label: 3.0 + index for index, label in enumerate(labels)}
    predictions |= {f"hazard_ratio:{study}:{endpoint}": value for (study, endpoint), (value, _, _) in RATIOS.items()}
    rules = tuple(
        StopRuleRow(rule, {label: value * factor for label, value in predictions.items()}, 2.3 * factor, refitted=True)
        for rule, factor in (("radiological", 0.95), ("one_scan_later", 1.0), ("radiological_and_symptomatic", 1.04))
    )
    return TrialResult(
        model="hcc_trial", seed=1, patients=1024, arms=tuple(make_arm(*place) for place in MEDIANS), contrasts=contrasts,
        quadrature=tuple(QuadratureRow(label, value, 0.003 * value) for label, value in predictions.items()),
        stop_rules=rules, notes=("branches below a weight of 1e-5 join the last kept one",),
    )  # fmt: skip


PROVENANCE = {
    "command": "kinimmune fit hcc_trial -o runs/example --seed 1",
    "seed": "1",
    "started": "2026-01-31T12:00:00+00:00",
    "wall time": "93 s",
    "numpy": "2.4.6",
    "targets.csv": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


def make_content():
    model = load_model("hcc_trial")
    return Content(
        model, make_fit(model), make_trial(), PROVENANCE, trials=read_trials(model="hcc_trial"),
        stop_rule_sources=read_stop_rule_sources(model="hcc_trial"),
        references=read_sources(), kinases=read_kinases(), observations=read_observations(), limitations=read_limitations(),
    )  # fmt: skip
