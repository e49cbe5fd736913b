"""The pages of sensitivity studies: what each asked, what it found, what was lost, and whether it has settled.

Start with `compose_sensitivities`.
"""

from collections.abc import Sequence

from kinimmune.fitting.sensitivity.results import SensitivityResult, judge_convergence
from kinimmune.reports.figures.captions.analyses import list_study_figures
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.figures.sensitivity import describe_output
from kinimmune.reports.typesetting.blocks import Block, Cell, Heading, Mark, Paragraph, Strong, Table, TableBlock
from kinimmune.reports.typesetting.formats import MISSING, list_words, print_fixed, print_number, print_percent
from kinimmune.reports.typesetting.labels import PLAIN, Labels

MOST = 20
"""Rows of a table; the CSV of the study has all."""
_TITLES = {
    "local": "derivatives at one point",
    "morris": "screening by elementary effects",
    "sobol": "shares of the variance",
    "prcc": "partial rank correlations",
}
_ROWS = {"sobol": "base rows", "morris": "trajectories", "prcc": "draws", "local": "parameters"}
_MEANING = (
    "Sensitivity is always to what was varied and how far: a parameter with a wide prior ranks high for that reason too. A "
    "parameter without influence here may matter for another output."
)


def compose_sensitivities(studies: Sequence[SensitivityResult], figures: DrawnFigures, labels: Labels = PLAIN) -> list[Block]:
    """Return the pages of all studies, none when there are none."""
    if not studies:
        return []
    blocks: list[Block] = [Heading("What moves the outputs"), Paragraph(_MEANING)]
    for study in studies:
        blocks += _compose_study(study, figures, labels)
    return blocks


def _compose_study(study: SensitivityResult, figures: DrawnFigures, labels: Labels) -> list[Block]:
    names, output = [recipe.name for recipe in list_study_figures(study)], describe_output(study, labels)
    caption = f"{output}, by the largest index. {_explain(study)}"
    return [
        Heading(f"{output}: {_TITLES[study.method]}", 2),
        Paragraph(_describe(study)),
        *show_figures(figures, *names),
        TableBlock(list_indices(study), caption, small=True),
    ]


def _describe(study: SensitivityResult) -> tuple[str | Strong | Mark, ...]:
    over = {
        "point": "at one point",
        "prior": "over the priors",
        "range": "over ranges",
        "posterior": f"over the posterior of the fit with its correlations ({_describe_posterior(study)})",
    }
    among = "" if study.patients is None else f", {study.patients} virtual patients per arm, the same at every point"
    size = f"{study.n} {_ROWS[study.method]}, {study.evaluations} points{among}. "
    told = [f" {note[:1].upper()}{note[1:]}." for note in (study.gap_note, judge_convergence(study)) if note]
    return Mark(
        study.output
    ), f" {over[study.distribution]}: {size}{_describe_value(study)} {_describe_loss(study)}{''.join(told)}"


def _describe_posterior(study: SensitivityResult) -> str:
    return study.posterior_note or "Gaussian by the curvature"


def _describe_value(study: SensitivityResult) -> str:
    unit = "" if study.unit == "1" else f" {study.unit}"
    if study.sd is None:
        return f"The output is {print_number(study.value)}{unit} there."
    return f"The output has mean {print_number(study.value)} and standard deviation {print_number(study.sd)}{unit}."


def _describe_loss(study: SensitivityResult) -> str:
    if not study.failed:
        return "No point failed."
    why = list_words([f"{reason} ({count})" for reason, count in study.reasons.items()])
    what = "parameters have no index" if study.method == "local" else f"{_ROWS[study.method]} failed and were drawn again"
    return f"{study.failed} {what} ({print_percent(study.failed_share)}): {why}."


def _explain(study: SensitivityResult) -> str:
    texts = {
        "local": "Elasticity: per cent of the output per per cent of the parameter. Per sd: change per prior standard deviation.",
        "morris": "Elementary effects, in units of the output: mean size with 95 % interval, mean, standard deviation.",
        "sobol": "Half-widths of 95 % intervals by bootstrap over rows.",
        "prcc": "Intervals by Fisher's transformation; p: two-sided, of no correlation, without allowance for their number.",
    }
    left = f" The {MOST} largest of {len(study.names)}; the others are in the CSV." if len(study.names) > MOST else ""
    return texts[study.method] + left


_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "local": (("Elasticity", "elasticity"), ("Per sd", "effect"), ("Low", "low"), ("High", "high")),
    "morris": (("μ*", "mu_star"), ("±", "mu_star_conf"), ("μ", "mu"), ("σ", "sigma")),
    "sobol": (("First", "S1"), ("±", "S1_conf"), ("Total", "ST"), ("±", "ST_conf")),
    "prcc": (("PRCC", "prcc"), ("Lower", "prcc_lower"), ("Upper", "prcc_upper"), ("p", "p")),
}


def list_indices(study: SensitivityResult) -> Table:
    """Return the indices of a study, largest first, with what each parameter was varied over."""
    columns = _COLUMNS[study.method]
    varied: dict[str, list[str]] = {}
    for item in study.inputs:
        varied.setdefault(item.group, []).append(item.distribution if item.group == item.name else item.name)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Mark(study.names[place]),
            *(
                _print(getattr(study, field), place, fixed=study.method in ("sobol", "prcc") and field != "p")
                for _, field in columns
            ),
            list_words(varied.get(study.names[place], [MISSING])),
        )
        for place in study.order[:MOST]
    )
    names = ("Parameter", *(title for title, _ in columns), "Varied over")
    return Table(names, rows, f"l{'r' * len(columns)}l")


def _print(values: Sequence[float | None] | None, place: int, *, fixed: bool) -> str:
    value = None if values is None else values[place]
    return print_fixed(value, 3) if fixed else print_number(value)
