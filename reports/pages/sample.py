"""Pages about the sampled posterior of a run: how it was sampled, whether it converged, and what it predicts.

Start with `compose_sample`.
"""

from collections.abc import Sequence

from kinimmune.fitting.sampling.results import Probability, SampledParameter, SampledPrediction, SampleResult
from kinimmune.fitting.sampling.surrogate_checks import SurrogateReport, describe_report
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.typesetting.blocks import Block, Bullets, Cell, Heading, Math, Paragraph, Strong, Table, TableBlock
from kinimmune.reports.typesetting.formats import (
    MISSING,
    print_endpoint,
    print_fixed,
    print_interval,
    print_number,
    print_unit,
)
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def compose_sample(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages about a sample; none when the run has none."""
    if content.sample is None:
        return []
    result, labels = content.sample[0], content.labels

    return [
        Heading("The posterior"),
        *_describe_sampling(result),
        TableBlock(list_posterior(result.parameters, labels), _POSTERIOR, small=True),
        *show_figures(figures, "sample_marginals", "sample_ensembles", "sample_corner"),
        Heading("What the posterior predicts", 2),
        *show_figures(figures, "sample_bands"),
        TableBlock(list_sampled(result.predictions, labels), _PREDICTIONS, small=True),
        *show_figures(figures, "sample_ratios"),
        *([TableBlock(list_probabilities(result.probabilities, labels), _PROBABILITIES)] if result.probabilities else []),
    ]


_POSTERIOR = (
    "Posterior medians with 95 % intervals. R-hat compares ensembles (1: no difference). Effective sample sizes of bulk and tail "
    "are by the mean over walkers, so that walkers which move together count once. Autocorrelation time in steps."
)
_PREDICTIONS = (
    "Predictions over draws from the posterior, medians in months: median with its Monte Carlo error, and 95 % interval for the "
    "parameters, constants fixed. Medians of time to progression fall on scans."
)
_PROBABILITIES = (
    "Probability that a hazard ratio lies below a bound, for the population and for the ratio that one trial of the reported "
    "size would report; the number after ± is the Monte Carlo error. All of it holds if the model does, with its constants and "
    "priors."
)


def _describe_sampling(result: SampleResult) -> list[Block]:
    if result.surrogate is not None:
        return _describe_surrogate(result, result.surrogate)
    text = (
        f"{result.ensembles} independent ensembles of {result.walkers} walkers went {result.steps} steps from draws twice as "
        f"wide as the normal approximation at the fit; the first {result.burn_in} are left out: until the log probability had "
        "settled, and five autocorrelation times more. Steps are walks on a quadratic surrogate of the residuals, differential "
        f"evolution and stretches, accepted by the model itself. {result.evaluations} virtual trials with {result.patients} "
        "patients per arm; "
        f"{_count(result.failed, 'evaluation')} failed and counted as impossible. Predictions are over {result.draws} draws; "
        f"{_count(result.failed_draws, 'draw')} failed and are left out."
    )
    verdict: Cell
    if result.converged:
        verdict = (Strong("Converged. "), "Every R-hat is at most 1.01, and lengths and effective sample sizes suffice.")
        return [Paragraph(text), Paragraph(verdict)]
    verdict = (Strong("Not converged. "), "What follows may change with more steps; against it speaks:")
    return [Paragraph(text), Paragraph(verdict), _list_faults(result)]


def _describe_surrogate(result: SampleResult, report: SurrogateReport) -> list[Block]:
    text = (
        f"The residuals of the fit were learned as Gaussian processes from {report.training} virtual trials with "
        f"{result.patients} patients per arm. {result.ensembles} independent ensembles of {result.walkers} walkers went "
        f"{result.steps} steps on what was learned, ln density divided by {report.temper:g}, from draws twice as wide as the "
        f"normal approximation at the fit; the first {result.burn_in} are left out. At {report.draws} of their draws virtual "
        "trials were run, and weights by the ratio of the posterior to what was learned, the largest smoothed by a Pareto "
        f"distribution, make the draws those of the posterior itself. {result.evaluations} virtual trials in all; "
        f"{_count(result.failed, 'evaluation')} failed and counted as impossible. Predictions are over {result.draws} draws; "
        f"{_count(result.failed_draws, 'draw')} failed and are left out."
    )
    sentence = describe_report(report)
    judged = Paragraph(f"{sentence[0].upper()}{sentence[1:]}.")
    if result.converged:
        words = "Weights, walk, tails and what lies beyond them agree; the surrogate leaves no trace in what follows."
        return [Paragraph(text), judged, Paragraph((Strong("Trusted. "), words))]
    verdict: Cell = (Strong("Not to be trusted. "), "Sample with --method emcee; against the surrogate speaks:")
    return [Paragraph(text), judged, Paragraph(verdict), _list_faults(result)]


def _list_faults(result: SampleResult) -> Bullets:
    more = (f"and {len(result.faults) - 6} more.",) if len(result.faults) > 6 else ()
    return Bullets((*result.faults[:6], *more))


def _count(number: int, thing: str) -> str:
    return f"{'no' if number == 0 else number} {thing}{'' if number == 1 else 's'}"


def list_posterior(rows: Sequence[SampledParameter], labels: Labels = PLAIN) -> Table:
    """Return parameters with interval and diagnostics."""
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Math(row.symbol),
            labels.parameter(row.name),
            print_number(row.median),
            print_interval(row.lower, row.upper),
            print_unit(row.unit),
            print_fixed(row.contraction, 2),
            print_fixed(row.r_hat, 3),
            print_fixed(row.bulk_ess, 0),
            print_fixed(row.tail_ess, 0),
            print_fixed(row.autocorrelation_time, 1),
        )
        for row in rows
    )
    names = ("", "Parameter", "Median", "95 % interval", "Unit", "sd ratio", "R-hat", "Bulk", "Tail", "Steps")
    return Table(names, cells, "llrllrrrrr")


def list_sampled(rows: Sequence[SampledPrediction], labels: Labels = PLAIN) -> Table:
    """Return predictions with interval and Monte Carlo error."""
    cells = tuple(
        (
            labels.output(row.name),
            f"{print_fixed(row.median, 2)} ± {print_fixed(row.error, 3)}",
            print_interval(row.lower, row.upper, 2) if row.upper is not None else f"{print_fixed(row.lower, 2)} to {MISSING}",
            print_fixed(row.ess, 0),
        )
        for row in rows
    )
    return Table(("Prediction", "Median", "95 % interval", "Effective draws"), cells, "lrlr")


def list_probabilities(rows: Sequence[Probability], labels: Labels = PLAIN) -> Table:
    """Return probabilities, one row per ratio and bound, population and trial side by side."""
    by_place = {(row.study, row.arm, row.endpoint, row.bound, row.of): row for row in rows}
    keys = dict.fromkeys((row.study, row.arm, row.endpoint, row.bound) for row in rows)
    cells = tuple(
        (
            f"{print_endpoint(endpoint)}, {labels.comparison(study, arm)}",
            print_number(bound),
            *(_print_probability(by_place.get((study, arm, endpoint, bound, of))) for of in ("population", "trial")),
        )
        for study, arm, endpoint, bound in keys
    )
    return Table(("Hazard ratio", "Below", "Population", "One trial"), cells, "lrrr", group=0)


def _print_probability(row: Probability | None) -> str:
    return MISSING if row is None else f"{print_fixed(row.probability, 3)} ± {print_fixed(row.error, 3)}"
