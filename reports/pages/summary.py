"""What was found, in sentences; the numbers are those of the results.

Start with `summarise`.
"""

from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.reports.typesetting.blocks import Cell, Strong
from kinimmune.reports.typesetting.formats import list_words, print_endpoint, print_fixed, print_interval, print_number
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def summarise(fit: FitResult, labels: Labels = PLAIN) -> tuple[Cell, ...]:
    """Return the paragraphs under the title: the fit, the unfitted ratios beside their null, the transport."""
    return tuple(
        text for text in (_describe_fit(fit, labels), _describe_ratios(fit, labels), _describe_transport(fit, labels)) if text
    )


def _describe_fit(fit: FitResult, labels: Labels) -> Cell:
    studies = list_words([labels.study(study) for study in dict.fromkeys(row.study for row in fit.targets)])
    outcome = "converged" if fit.status == "converged" else f"did not converge ({fit.status})"
    parts = [
        f"{len(fit.targets)} published medians of {studies} were fitted with {len(fit.parameters)} parameters and their priors; "
        f"the fit {outcome}."
    ]
    survival = [row for row in fit.targets if row.scan_observed is None]
    met = sum(row.residual is not None and abs(row.residual) <= 1.0 for row in survival)
    if survival:
        parts.append(f"{met} of {len(survival)} medians of overall survival lie within one standard error.")
    scans = [row for row in fit.targets if row.scan_observed is not None]
    hit = sum(row.scan_observed == row.scan_predicted for row in scans)
    if scans:
        parts.append(f"{hit} of {len(scans)} medians of time to progression fall on the published scan.")
    return (Strong("The fit. "), " ".join(parts), " Since these numbers were fitted, this shows flexibility, not validity.")


def _describe_ratios(fit: FitResult, labels: Labels) -> Cell | None:
    ratios = [row for row in fit.unfitted if row.statistic == "hazard_ratio"]
    if not ratios:
        return None
    told = [
        f"{print_fixed(row.predicted, 2)} for {print_endpoint(row.endpoint)} in {labels.comparison(row.study, row.arm)} "
        f"(reported {print_number(row.observed)}, null {print_fixed(row.null_prediction, 2)})"
        for row in ratios
    ]
    return (Strong("Not fitted: hazard ratios. "), f"Predicted {list_words(told)}. ", *_judge(fit))


def _judge(fit: FitResult) -> tuple[str | Strong, ...]:
    """Say whether the model is any better than its null; scores are sums of squared standardised errors, lower is nearer."""
    if fit.q_model is None or fit.q_null is None:
        return ("There is no score against the null.",)
    scores = f"The score Q is {print_fixed(fit.q_model, 2)} for the model and {print_fixed(fit.q_null, 2)} for the null: "
    if fit.q_model >= fit.q_null:
        return (scores, Strong("on these ratios the model is no better than its null"), ", which needs no mechanism at all.")
    return (scores, "the model is nearer than its null, on numbers that were known when its structure was chosen.")


def _describe_transport(fit: FitResult, labels: Labels) -> Cell | None:
    if not fit.transport:
        return None
    told = [_describe_transported(row, labels) for row in fit.transport]
    worse = [row for row in fit.transport if not _is_nearer(row)]
    verdict: tuple[str | Strong, ...] = (" Each prediction is nearer than its null.",)
    if worse:
        names = list_words([print_endpoint(row.endpoint) for row in worse])
        verdict = (" ", Strong(f"For {names} the model is no better than its null."))
    return (Strong("Not fitted: an arm left out. "), f"{_begin(list_words(told))}.", *verdict)


def _begin(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _describe_transported(row: ComparisonRow, labels: Labels) -> str:
    place = f"{labels.study(row.study)} {row.arm}"
    null = f"null {print_fixed(row.null_prediction, 1)}"
    if row.scan_observed is not None:
        predicted = "at no scan" if row.scan_predicted is None else f"at scan {row.scan_predicted}"
        reported = f"reported at scan {row.scan_observed}, {null} months"
        return f"the median of {print_endpoint(row.endpoint)} in {place} is predicted {predicted} ({reported})"
    predicted = "not reached" if row.predicted is None else f"{print_fixed(row.predicted, 1)} months"
    interval = f", 95 % {print_interval(row.lower, row.upper)}" if row.lower is not None else ""
    return (
        f"the median of {print_endpoint(row.endpoint)} in {place} is predicted at {predicted} "
        f"(reported {print_number(row.observed)}{interval}; {null})"
    )


def _is_nearer(row: ComparisonRow) -> bool:
    """Return whether the prediction is nearer to the reported number than its null is."""
    if row.predicted is None:
        return False
    if row.null_prediction is None:
        return True
    if row.scan_observed is not None and row.scan_predicted == row.scan_observed:
        return abs(row.null_prediction - row.observed) > 0.0
    return abs(row.predicted - row.observed) < abs(row.null_prediction - row.observed)
