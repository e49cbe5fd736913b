"""The invented trial of `report_example` fitted to published numbers of every kind, with a curve and patients.

Start with `make_mixed_content`.
"""

from dataclasses import replace

from report_example import MEDIANS, make_comparison, make_content, make_ratios, make_targets

from kinimmune.fitting.estimation.outcome_rows import ObservedRow

SINGLE = {"deviance": 0.49, "n_residuals": 1, "residual": 0.7}
FITTED, UNFITTED, HELD_OUT = ({"role": role} for role in ("fit", "unfitted", "held_out"))


def make_mixed_targets():
    """Return a fitted row of every statistic; the medians that a curve and patients tell are not among them."""
    sharp, asia = "sharp", "asia_pacific"
    places = {(sharp, "sorafenib", "os"), (asia, "placebo", "ttp")}
    medians = [replace(row, role="fit") for row in make_targets() if (row.study, row.arm, row.endpoint) not in places]
    ratio = replace(make_ratios()[3], arm="sorafenib", reference_arm="placebo", role="fit")
    rows = [
        make_comparison(sharp, "placebo", "os", "survival", 0.33, 0.35, lower=0.27, upper=0.39, month=12.0, **SINGLE, **FITTED),
        make_comparison(asia, "sorafenib", "ttp", "survival", 0.2, 0.22, month=6.0, **SINGLE, **FITTED),
        make_comparison(sharp, "sorafenib", None, "response_rate", 0.02, 0.013, **SINGLE, **FITTED),
        make_comparison(sharp, "sorafenib", None, "control_rate", 0.43, 0.41, lower=0.37, upper=0.49, **SINGLE, **FITTED),
        make_comparison(asia, "placebo", "os", "deaths", 60.0, 58.31, **SINGLE, **FITTED),
        make_comparison(sharp, None, "ttp", "events", 263.0, 255.5, **SINGLE, **FITTED),
        make_comparison(sharp, None, "os", "cutoff", 19.3, 18.8, **SINGLE, **FITTED),
        make_comparison(sharp, "sorafenib", "os", "curve", None, None, deviance=5.1, n_residuals=5, **FITTED),
        make_comparison(asia, "placebo", "ttp", "patients", None, None, deviance=8.2, n_residuals=6, **FITTED),
    ]
    return (*medians, ratio, *rows)


def make_mixed_unfitted():
    """Return rows of roles `unfitted` and `held_out`."""
    sharp, asia = "sharp", "asia_pacific"
    ratios = [replace(row, arm="sorafenib", reference_arm="placebo", role="unfitted") for row in make_ratios()[:3]]
    median = next(row for row in make_targets() if (row.study, row.arm, row.endpoint) == (sharp, "sorafenib", "os"))
    rows = [
        make_comparison(sharp, "sorafenib", "os", "survival", 0.44, 0.46, month=12.0, **SINGLE, **HELD_OUT),
        make_comparison(sharp, "placebo", "ttp", "curve", None, None, deviance=3.3, n_residuals=4, **UNFITTED),
    ]
    return (*ratios, replace(median, role="unfitted"), *(replace(row, study=row.study or asia) for row in rows))


def make_observed():
    """Return curves and patients: of one arm to a month past the horizon of the figure."""
    months, risk = (0.0, 6.0, 12.0, 18.0, 24.0, 30.0), (0.0, 6.0, 12.0, 18.0, 24.0, 30.0)
    sharp = ObservedRow(
        "sharp", "sorafenib", "os", "curve", "fit", months, (1.0, 0.7, 0.46, 0.3, 0.2, 0.15), risk, (299, 205, 120, 60, 24, 5)
    )
    asia = ObservedRow(
        "asia_pacific", "placebo", "ttp", "patients", "fit", (0.0, 1.4, 2.8, 4.2), (1.0, 0.45, 0.2, 0.1),
        (0.0, 3.0, 6.0), (76, 14, 2),
    )  # fmt: skip
    other = ObservedRow(
        "sharp", "placebo", "ttp", "curve", "unfitted", (0.0, 3.0, 6.0, 9.0, 12.0), (1.0, 0.5, 0.25, 0.1, 0.05),
        (0.0, 3.0, 6.0, 9.0, 12.0), (303, 140, 50, 18, 6),
    )  # fmt: skip
    return (sharp, asia, other)


def make_mixed_content():
    """Return the content of a report of a fit to numbers of every kind."""
    content = make_content()
    assert len(MEDIANS) == len(content.trial.arms)
    fit = replace(content.fit, targets=make_mixed_targets(), unfitted=make_mixed_unfitted())
    return replace(content, fit=fit, trial=replace(content.trial, observed=make_observed()))
