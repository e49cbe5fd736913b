"""Pages about what holds each parameter: a verdict each, the numbers it rests on, and what no number here can tell.

Start with `compose_identifiability`.
"""

from collections.abc import Sequence
from dataclasses import replace

from kinimmune.fitting.identifiability.results import IdentifiabilityResult, MechanismShare, Refit, ShareRow, Verdict
from kinimmune.fitting.profile.results import ProfileResult
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.typesetting.blocks import Block, Cell, Heading, Mark, Paragraph, Strong, Table, TableBlock
from kinimmune.reports.typesetting.formats import (
    MISSING,
    list_words,
    print_fixed,
    print_interval,
    print_percent,
)
from kinimmune.reports.typesetting.labels import PLAIN, Labels, lower_first

FIGURES = ("spectrum", "sensitivity", "mechanism_share")


def compose_identifiability(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages about what holds each parameter; none when a run has not been asked."""
    result, labels = content.identifiability, content.labels
    if result is None:
        return []
    caption = (
        "Sd ratio: posterior over prior standard deviation by the curvature. Rests on: the number that brings most of the "
        "variance the data bring. Without: the number whose leaving out moves the estimate most; doubled: all priors twice as "
        "wide; both in standard errors of the fit."
    )
    return [
        Heading("What holds each parameter"),
        TableBlock(list_verdicts(_name_targets(result.verdicts, content), content.profiles, labels), caption, small=True),
        Paragraph(_describe_spectrum(result)),
        *show_figures(figures, "spectrum"),
        *show_figures(figures, "sensitivity"),
        TableBlock(list_refits(result, labels), _REFITS, small=True),
        *_compose_shares(result.shares, content, figures),
    ]


_REFITS = (
    "Fits repeated without one published number, and with all priors twice as wide: shift of each estimate [standard errors]."
)


def _name_targets(verdicts: Sequence[Verdict], content: Content) -> tuple[Verdict, ...]:
    """Return verdicts with the words of published numbers of every kind in place of their names; those of medians stay."""
    if content.fits_medians_alone:
        return tuple(verdicts)
    written = {item.left_out: lower_first(content.labels.output(item.left_out)) for item in verdicts}
    return tuple(replace(item, verdict=item.verdict.replace(item.left_out, written[item.left_out])) for item in verdicts)


def list_verdicts(verdicts: Sequence[Verdict], profiled: ProfileResult | None, labels: Labels = PLAIN) -> Table:
    """Return one row a parameter, with its class where it was profiled."""
    kinds = {} if profiled is None else {item.name: str(item.identifiability) for item in profiled.parameters}
    rows = tuple(
        (
            Mark(item.name),
            print_fixed(item.contraction, 2),
            f"{labels.output(item.main_target)} ({print_percent(item.main_share)})",
            f"{labels.output(item.left_out)} ({print_fixed(item.left_out_shift, 1)})",
            print_fixed(item.doubled_shift, 1),
            kinds.get(item.name, MISSING),
            Strong(item.verdict),
        )
        for item in verdicts
    )
    names = ("Name", "sd ratio", "Rests on", "Without", "Doubled", "Data alone", "Verdict")
    return Table(names, rows, "lrllrll", widths=(0, 0, 1, 1, 0, 1, 1.2))


def _describe_spectrum(result: IdentifiabilityResult) -> Cell:
    above = sum(value > 1.0 for value in result.eigenvalues)
    low, high = min(result.drawn_effective, default=0.0), max(result.drawn_effective, default=0.0)
    return (
        f"J'J in units of prior standard deviations has {above} of {len(result.eigenvalues)} eigenvalues above 1: so many "
        f"combinations of parameters the {len(result.targets)} numbers know better than the priors do. That makes "
        f"{print_fixed(result.effective_parameters, 1)} effective parameters at the fit, {print_fixed(low, 1)} to "
        f"{print_fixed(high, 1)} at {len(result.drawn_effective)} draws from the posterior. The correlation map stands with the "
        "estimates."
    )


def list_refits(result: IdentifiabilityResult, labels: Labels = PLAIN) -> Table:
    """Return the shift of each estimate in every refit."""
    refits: list[Refit] = [*result.left_out, result.doubled]
    rows = tuple((_describe_change(item.change, labels), *(print_fixed(shift, 1) for shift in item.shifts)) for item in refits)
    widths = (2.2, *(1.0 for _ in result.names))
    return Table(("Fit without", *map(labels.parameter, result.names)), rows, "l" + "r" * len(result.names), widths)


def _describe_change(change: str, labels: Labels) -> str:
    return labels.output(change) if ":" in change else f"({change})"


def _compose_shares(shares: MechanismShare | None, content: Content, figures: DrawnFigures) -> list[Block]:
    if shares is None:
        return []
    caption = (
        "Share of the survival benefit that is lost without these arrows. Ratio: of −ln hazard ratio of death; median: of the "
        "gain in median survival. Draws move free parameters and constants alike. None: draws in which the drug brings less "
        "than 0.02 of either, which have no share."
    )
    return [
        Heading(f"What runs through {list_words(_name_mechanisms(shares, content.model))}", 2),
        Paragraph(_describe_shares(shares, content.labels, medians_alone=content.fits_medians_alone)),
        *show_figures(figures, "mechanism_share"),
        TableBlock(list_shares(shares.rows, content.labels), caption, small=True),
    ]


def _name_mechanisms(shares: MechanismShare, model: OdeModel) -> list[str]:
    """Return the labels of the mechanisms that the arrows belong to, as they stand within a sentence."""
    names = set(shares.arrows)
    owned = {
        item.label: {part.name for part in item.definitions} | {part.name for part in item.terms} for item in model.mechanisms
    }
    return [lower_first(label) for label, parts in owned.items() if names & parts] or ["one mechanism"]


def _describe_shares(shares: MechanismShare, labels: Labels, *, medians_alone: bool) -> Cell:
    ratios: dict[tuple[str, str | None, str], dict[str, float]] = {}
    for row in shares.rows:
        if row.measure == "hazard_ratio" and row.lower is not None and row.upper is not None:
            ratios.setdefault((row.study, row.arm, row.rule), {})[row.draws_from] = row.upper - row.lower
    widths = [pair["posterior"] / pair["prior"] for pair in ratios.values() if len(pair) == 2 and pair["prior"] > 0.0]
    if not widths:
        return "Too few draws brought a benefit to tell its share."
    low, high = min(widths), max(widths)
    arrows = list_words(list(map(labels.interaction, shares.arrows)))
    numbers = f"The published {'medians' if medians_alone else 'numbers'}"
    learnt = f"{numbers} do not identify it" if high > _NARROW else f"{numbers} narrow it"
    return (
        f"The arrows {arrows} were cut together in virtual trials of {shares.patients} patients per arm. ",
        Strong(f"{learnt}: "),
        f"the 5 to 95 % interval of the share is {print_fixed(low, 2)} to {print_fixed(high, 2)} times as wide in the posterior "
        "as in the prior, over studies and rules for stopping treatment. What is printed at the estimates is a choice of "
        "constants, not a finding.",
    )


_NARROW = 0.7
"""Posterior over prior width above which the data say little."""


def list_shares(rows: Sequence[ShareRow], labels: Labels = PLAIN) -> Table:
    """Return the shares, prior beside posterior."""
    pairs: dict[tuple[str, str, str], dict[str, ShareRow]] = {}
    for row in rows:
        pairs.setdefault((labels.comparison(row.study, row.arm), row.measure, row.rule), {})[row.draws_from] = row
    printed = tuple(
        (
            compared,
            {"hazard_ratio": "ratio"}.get(measure, measure),
            rule.replace("_", " "),
            print_fixed(pair["posterior"].at_fit, 2),
            *(cell for origin in ("prior", "posterior") for cell in _print_share(pair[origin])),
        )
        for (compared, measure, rule), pair in pairs.items()
    )
    heads = ("Prior", "5–95 %", "Draws | none", "Posterior", "5–95 %", "Draws | none")
    return Table(("Study", "In", "Treatment stops", "At the fit", *heads), printed, "lllrrrrrrr", group=0)


def _print_share(row: ShareRow) -> tuple[Cell, Cell, Cell]:
    return print_fixed(row.median, 2), print_interval(row.lower, row.upper, 2), f"{row.draws} | {row.without_benefit}"
