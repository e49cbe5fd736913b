"""What was found, in sentences; the numbers are those of the results.

Start with `summarise`.
"""

from collections.abc import Sequence

from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.problem.targets import UNITS, Statistic
from kinimmune.reports.typesetting.blocks import Cell, Strong
from kinimmune.reports.typesetting.formats import list_words, print_endpoint, print_fixed, print_interval, print_number
from kinimmune.reports.typesetting.labels import PLAIN, Labels
from kinimmune.reports.typesetting.statistics import (
    count_fitted,
    has_number,
    is_range,
    lies_in_range,
    name_arms,
    name_row,
    print_predicted,
    print_reported,
)


def summarise(fit: FitResult, labels: Labels = PLAIN) -> tuple[Cell, ...]:
    """Return the paragraphs under the title: the fit, the unfitted ratios beside their null, the transport."""
    return tuple(
        text for text in (_describe_fit(fit, labels), _describe_ratios(fit, labels), _describe_transport(fit, labels)) if text
    )


def _describe_fit(fit: FitResult, labels: Labels) -> Cell:
    studies = list_words([labels.study(name) for name in dict.fromkeys(row.study for row in fit.targets if row.read_out is None)])
    outcome = "converged" if fit.status == "converged" else f"did not converge ({fit.status})"
    place = f" of {studies}" if studies else ""
    fitted = f"{count_fitted(fit.targets)}{place} were fitted with {len(fit.parameters)} parameters and their priors"
    parts = [f"{fitted[:1].upper()}{fitted[1:]}; the fit {outcome}.", *_count_met(fit.targets)]
    return (Strong("The fit. "), " ".join(parts), " Since these numbers were fitted, this shows flexibility, not validity.")


def _count_met(rows: Sequence[ComparisonRow]) -> list[str]:
    """Say how many of the fitted numbers are met, and how far curves and patients are."""
    parts = []
    medians = [row for row in rows if row.statistic == Statistic.MEDIAN]
    for endpoint, words in (("os", "overall survival"), ("pfs", "progression-free survival")):
        own = [row for row in medians if row.endpoint == endpoint]
        parts += [f"{_count_near(own)} medians of {words} lie within one standard error."] if own else []
    scans = [row for row in medians if row.scan_observed is not None]
    if scans:
        hit = sum(row.scan_observed == row.scan_predicted for row in scans)
        parts.append(f"{hit} of {len(scans)} medians of time to progression fall on the published scan.")
    measured = [row for row in rows if row.read_out is not None and not is_range(row)]
    ranges = [row for row in rows if is_range(row)]
    others = [row for row in rows if has_number(row) and row.statistic != Statistic.MEDIAN and row.read_out is None]
    parts += [f"{_count_near(others)} other numbers lie within one standard error."] if others else []
    parts += [f"{_count_near(measured)} measurements lie within one standard error."] if measured else []
    inside = sum(lies_in_range(row) for row in ranges)
    parts += [f"Of {len(ranges)} only a range is known; {inside} predictions lie in theirs."] if ranges else []
    data = [row for row in rows if not has_number(row) and row.deviance is not None]
    if data:
        deviance, intervals = sum(row.deviance or 0.0 for row in data), sum(row.n_residuals or 0 for row in data)
        parts.append(f"The deviance of curves and patients is {print_fixed(deviance, 1)} over {intervals} intervals.")
    return parts


def _count_near(rows: Sequence[ComparisonRow]) -> str:
    return f"{sum(row.residual is not None and abs(row.residual) <= 1.0 for row in rows)} of {len(rows)}"


def _describe_ratios(fit: FitResult, labels: Labels) -> Cell | None:
    ratios = [row for row in fit.unfitted if row.statistic == "hazard_ratio"]
    if fit.companion is not None and fit.companion.ratios:
        title = "Hazard ratios by a refit to medians alone. "
        return (Strong(title), f"Predicted {_list_ratios(fit.companion.ratios, labels)}. ", *_judge(fit))
    if not ratios:
        return None
    return (Strong("Not fitted: hazard ratios. "), f"Predicted {_list_ratios(ratios, labels)}. ", *_judge(fit))


def _list_ratios(rows: Sequence[ComparisonRow], labels: Labels) -> str:
    told = [
        f"{print_fixed(row.predicted, 2)} for {print_endpoint(row.endpoint)} in {labels.comparison(row.study, row.arm)} "
        f"(reported {print_number(row.observed)}{_print_null(row, 2, ', ')})"
        for row in rows
    ]
    return list_words(told)


def _judge(fit: FitResult) -> tuple[str | Strong, ...]:
    """Say whether the model is any better than its null; scores are sums of squared standardised errors, lower is nearer."""
    if fit.q_model is None or fit.q_null is None:
        why = f": {fit.q_reason}" if fit.q_reason else ""
        return (f"There is no score against the null{why}.",)
    whose = "the refitted model" if fit.q_basis == "companion" else "the model"
    scores = f"The score Q is {print_fixed(fit.q_model, 2)} for {whose} and {print_fixed(fit.q_null, 2)} for the null: "
    if fit.q_model >= fit.q_null:
        return (scores, Strong("on these ratios the model is no better than its null"), ", which needs no mechanism at all.")
    return (scores, "the model is nearer than its null, on numbers that were known when its structure was chosen.")


def _describe_transport(fit: FitResult, labels: Labels) -> Cell | None:
    if not fit.transport:
        return None
    told = [_describe_transported(row, labels) for row in fit.transport]
    judged = [row for row in fit.transport if has_number(row) and row.null_prediction is not None]
    worse = [row for row in judged if not _is_nearer(row)]
    verdict: tuple[str | Strong, ...] = (" Each prediction is nearer than its null.",) if judged else ()
    if worse:
        names = list_words([_name_judged(row) for row in worse])
        verdict = (" ", Strong(f"For {names} the model is no better than its null."))
    return (Strong("Not fitted: an arm left out. "), f"{_begin(list_words(told))}.", *verdict)


def _begin(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _name_judged(row: ComparisonRow) -> str:
    return print_endpoint(row.endpoint) if row.statistic == Statistic.MEDIAN else f"the {_name(row)}"


def _name(row: ComparisonRow) -> str:
    return name_row(row)


def _describe_transported(row: ComparisonRow, labels: Labels) -> str:
    place = f"{labels.study(row.study)} {name_arms(row)}"
    if not has_number(row):
        return f"the {_name(row)} of {place} has a deviance of {print_fixed(row.deviance, 1)} over {print_reported(row)}"
    if row.statistic != Statistic.MEDIAN:
        unit = " months" if row.statistic in UNITS else ""
        null = _print_null(row, None)
        predicted = f"{print_predicted(row)}{unit} (reported {_print_reported(row)}{null})"
        return f"the {_name(row)} of {place} is predicted at {predicted}"
    null = _print_null(row, 1)
    if row.scan_observed is not None:
        predicted = "at no scan" if row.scan_predicted is None else f"at scan {row.scan_predicted}"
        null = _print_null(row, 1, ", ")
        reported = f"reported at scan {row.scan_observed}{null}{' months' if null else ''}"
        return f"the median of {print_endpoint(row.endpoint)} in {place} is predicted {predicted} ({reported})"
    predicted = "not reached" if row.predicted is None else f"{print_fixed(row.predicted, 1)} months"
    return (
        f"the median of {print_endpoint(row.endpoint)} in {place} is predicted at {predicted} "
        f"(reported {_print_reported(row)}{null})"
    )


def _print_null(row: ComparisonRow, decimals: int | None, sign: str = "; ") -> str:
    """Return the null of a row after a sign, nothing where there is none."""
    if row.null_prediction is None:
        return ""
    return f"{sign}null {print_number(row.null_prediction) if decimals is None else print_fixed(row.null_prediction, decimals)}"


def _print_reported(row: ComparisonRow) -> str:
    interval = f", 95 % {print_interval(row.lower, row.upper)}" if row.lower is not None else ""
    return f"{print_number(row.observed)}{interval}"


def _is_nearer(row: ComparisonRow) -> bool:
    """Return whether the prediction is nearer to the reported number than its null is."""
    if row.predicted is None or row.observed is None or row.null_prediction is None:
        return False
    if row.scan_observed is not None and row.scan_predicted == row.scan_observed:
        return abs(row.null_prediction - row.observed) > 0.0
    return abs(row.predicted - row.observed) < abs(row.null_prediction - row.observed)
