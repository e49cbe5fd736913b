"""Pages about profiles: what the data alone identify, what the priors add, and which conclusions rest on neither.

Start with `compose_profiles`.
"""

from collections.abc import Sequence

from kinimmune.fitting.profile.results import (
    THRESHOLD_90,
    THRESHOLD_95,
    Conclusion,
    Curve,
    Ending,
    Identifiability,
    ParameterProfile,
    ProfileResult,
)
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.typesetting.blocks import Block, Bullets, Cell, Heading, Mark, Paragraph, Strong, Table, TableBlock
from kinimmune.reports.typesetting.formats import list_words, print_fixed, print_interval, print_number, print_unit
from kinimmune.reports.typesetting.labels import PLAIN, Labels

FIGURES = ("profiles", "profile_paths", "profile_predictions")


def compose_profiles(result: ProfileResult | None, figures: DrawnFigures, labels: Labels = PLAIN) -> list[Block]:
    """Return the pages about profiles; none when a run has none."""
    if result is None:
        return []
    caption = (
        "Estimate: data and priors. Without priors and with: 95 % intervals of the profiles; open where the deviance does not "
        "pass the threshold within four prior standard deviations or the bounds of the tables."
    )
    return [
        Heading("What the data identify"),
        Paragraph(_introduce(result)),
        TableBlock(list_profiles(result.parameters, labels), caption, small=True),
        *show_figures(figures, "profiles"),
        Heading("What would help", 2),
        Bullets(tuple((Strong(f"{item.name}. "), item.advice) for item in result.parameters)),
        *show_figures(figures, "profile_paths"),
        *_compose_predictions(result, figures, labels),
        *_list_warnings(result),
    ]


def _introduce(result: ProfileResult) -> Cell:
    counts = [f"{sum(item.identifiability is kind for item in result.parameters)} {kind}" for kind in Identifiability]
    return (
        "Each parameter is held at a row of values while all others are fitted again. Without priors the rise of the sum of "
        "squares (the deviance) shows what the data alone say: of the parameters profiled, "
        f"{list_words(counts)} (classes of Raue et al., 2009). The thresholds, {print_fixed(THRESHOLD_95, 2)} for 95 % and "
        f"{print_fixed(THRESHOLD_90, 2)} for 90 %, hold for many data; with {result.targets} published numbers they are nominal. "
        f"{result.patients} virtual patients per arm.",
    )


def list_profiles(parameters: Sequence[ParameterProfile], labels: Labels = PLAIN) -> Table:
    """Return class and intervals of every parameter."""
    rows = tuple(
        (
            Mark(item.name),
            print_unit(item.unit),
            Strong(print_number(item.estimate)),
            item.identifiability,
            _print_curve(item.data),
            _print_curve(item.posterior),
            list_words([f"{labels.parameter(other.name)} ({print_fixed(other.slope, 1)})" for other in item.companions[:3]]),
        )
        for item in parameters
    )
    names = ("Name", "Unit", "Estimate", "Class", "95 % without priors", "95 % with priors", "Moves along (per sd)")
    return Table(names, rows, "llrlrrl", widths=(0, 0, 0, 1, 0, 0, 1.6))


def _print_curve(curve: Curve) -> str:
    """Return an interval with its open ends named."""
    lower, upper = curve.lower_95, curve.upper_95
    if lower is not None and upper is not None:
        return print_interval(lower, upper)
    if lower is None and upper is None:
        return "open on both sides"
    return f"above {print_number(lower)}" if upper is None else f"below {print_number(upper)}"


def _compose_predictions(result: ProfileResult, figures: DrawnFigures, labels: Labels) -> list[Block]:
    if not result.predictions:
        return []
    caption = (
        "Estimate and interval: profile of the prediction, data and priors. Range: over all points, compatible with the data "
        "alone, on the profiles of the parameters that are not identified; these points may lie four prior standard "
        "deviations out."
    )
    worst = max(item.reach_error for item in result.predictions)
    method = (
        "A prediction is drawn away from its estimate by one more residual. Whatever the weight of that residual, the point "
        "found has the lowest deviance of all with the prediction it reached, so the deviance stands at the value reached and "
        f"carries no error of the weight; between the value asked for and the one reached lay at most {print_fixed(worst, 3)} "
        "of ln."
    )
    return [
        Heading("Conclusions that do not need the unidentified parameters", 2),
        Paragraph(_describe_conclusions(result, labels)),
        TableBlock(list_conclusions(result.conclusions, labels), caption, small=True),
        *show_figures(figures, "profile_predictions"),
        Paragraph(method),
    ]


def _describe_conclusions(result: ProfileResult, labels: Labels) -> Cell:
    loose = [item.name for item in result.parameters if item.identifiability is not Identifiability.IDENTIFIABLE]
    if not loose:
        return "Every parameter profiled is identified by the data alone, so no conclusion rests on one that is not."
    firm = [_describe_conclusion(item, labels) for item in result.conclusions if item.independent]
    weak = [_describe_conclusion(item, labels) for item in result.conclusions if not item.independent]
    spans: list[str | Strong] = [f"The data alone do not identify {list_words(loose)}. "]
    if firm:
        spans += ["While these move and all others follow, ", Strong(list_words(firm)), ". "]
    if weak:
        spans += ["What does depend on them: ", Strong(list_words(weak)), "."]
    return tuple(spans)


def _describe_conclusion(item: Conclusion, labels: Labels) -> str:
    moved = f"{labels.output(item.prediction)} stays between {print_number(item.lowest, 2)} and {print_number(item.highest, 2)}"
    if not item.prediction.startswith("hazard_ratio"):
        return moved
    side = "on one side of 1" if item.independent else "and passes 1"
    return f"{moved}, {side}"


def list_conclusions(conclusions: Sequence[Conclusion], labels: Labels = PLAIN) -> Table:
    """Return each prediction with its interval and its range along what is not identified."""
    rows = tuple(
        (
            labels.output(item.prediction),
            Strong(print_number(item.estimate)),
            print_interval(item.lower, item.upper),
            print_interval(item.lowest, item.highest),
            _name_farthest_mover(item),
            "yes" if item.independent else "no",
        )
        for item in conclusions
    )
    names = ("Prediction", "Estimate", "95 %", "Range", "Moved most by", "Holds throughout")
    return Table(names, rows, "lrrrlc")


def _name_farthest_mover(item: Conclusion) -> Cell:
    if not item.movers:
        return ""
    return Mark(max(item.movers, key=lambda name: item.movers[name][1] / item.movers[name][0]))


def _list_warnings(result: ProfileResult) -> list[Block]:
    stuck = [item.name for item in result.parameters if Ending.STUCK in (*item.data.ended, *item.posterior.ended)]
    entries: list[Cell] = list(result.warnings)
    if stuck:
        entries.append(f"The profile of {list_words(stuck)} ended before threshold or range: points there could not be computed.")
    if result.failures:
        entries.append(f"{len(result.failures)} points could not be computed; they stand in failures.csv.")
    return [Bullets(tuple(entries))] if entries else []
