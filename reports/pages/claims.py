"""Pages about claims: how many hold, which mechanism each rests on, and every number.

Start with `compose_claims`.
"""

from collections.abc import Sequence

from kinimmune.fitting.claims.results import DISPUTED, UNDECIDED, VERDICTS, Ablation, ClaimRecord
from kinimmune.fitting.claims.verdict import ENOUGH, describe_loss
from kinimmune.fitting.problem.posterior_draws import BASES, SAMPLE
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.typesetting.blocks import Block, Bullets, Cell, Heading, Mark, Paragraph, Strong, Table, TableBlock, Tag
from kinimmune.reports.typesetting.formats import MISSING, list_words, print_fixed, print_number, print_unit

FIGURE = "claims"


def compose_claims(claims: Sequence[ClaimRecord], figures: DrawnFigures) -> list[Block]:
    """Return the pages about tested claims; none when there are none."""
    if not claims:
        return []
    draws = max(item.draws for item in claims)
    judged = any(item.kind == "fitted" and item.basis is not None for item in claims)
    caption = (
        "Value: read-out at the values of the tables. Of draws: share of independent draws from the priors that satisfy the "
        "claim, with its Wilson interval (Monte Carlo error alone), at the declared and at halved standard deviations. Without: "
        "the claim with its mechanism removed, at the values of the tables and as a share of draws"
        f"{'; of kind fitted, where this run judges it, at the estimates and of draws about them' if judged else ''}."
    )
    return [
        Heading("Claims"),
        Paragraph(_COUNTED),
        Bullets(tuple(_count(claims))),
        Paragraph(
            f"Shares are over {draws} draws from the priors. A claim is supported when it holds at the values of the tables, the "
            f"lower end of its share is at least {ENOUGH} or the row says why not, and it fails once the mechanism it is about "
            "is removed. One that survives the removal is vacuous: it says nothing about that mechanism. Where the interval of "
            f"the share holds {ENOUGH} so many draws cannot tell, and the claim is undecided. What the literature disputes is "
            "not scored; its value is the boundary at which the model turns over."
        ),
        *show_figures(figures, FIGURE),
        TableBlock(list_claims(claims), caption, small=True),
        *_explain(claims),
        *_compose_fit([item for item in claims if item.basis is not None]),
    ]


_COUNTED = (
    "Sentences a model can contradict, each an inequality on a read-out. Those a document states are counted apart from "
    "predictions of the model's own."
)


def _count(claims: Sequence[ClaimRecord]) -> list[Cell]:
    groups = (
        ("Stated by a document", [item for item in claims if item.source is not None and item.kind != "conflict"]),
        ("Stated by none (predictions)", [item for item in claims if item.source is None and item.kind != "conflict"]),
        ("Disputed in the literature", [item for item in claims if item.kind == "conflict"]),
    )
    return [(Strong(f"{name}: {len(some)}. "), _describe_verdicts(some)) for name, some in groups if some]


def _describe_verdicts(some: Sequence[ClaimRecord]) -> str:
    counts = {verdict: sum(item.verdict == verdict for item in some) for verdict in VERDICTS}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    if all(item.verdict == DISPUTED for item in some):
        return "Not scored."
    explained = sum(item.explained for item in some)
    fixed = sum(item.sign_fixed_by_prior for item in some)
    return f"{told}; {explained} explained{f'; no draw contradicts {fixed} of them' if fixed else ''}."


def _compose_fit(claims: Sequence[ClaimRecord]) -> list[Block]:
    """Return where claims stand at the fit of the run, and which survive less often there; nothing without a run."""
    if not claims:
        return []
    draws = max(item.posterior_draws or 0 for item in claims)
    bases = dict.fromkeys(item.basis for item in claims if item.basis is not None)
    kinds = " and ".join(BASES.get(basis, basis) for basis in bases)
    caption = (
        "Value: read-out at the estimates, constants at the values of the tables. Priors: share of draws from the priors. "
        "Posterior: share of draws of the estimates, constants drawn from their priors. Held: of the same draws with constants "
        "held, as in the fit. With Wilson intervals."
    )
    doubt = _APPROXIMATE if set(bases) - {SAMPLE} else ""
    losses = [describe_loss(item) for item in claims if item.survives_less]
    return [
        Heading("Claims at the fit of this run", 2),
        Paragraph(
            f"Shares are over {draws} {kinds}{doubt}. With constants held they are what the fit leaves open; with constants from "
            "their priors they need not meet what was fitted any more, and differ from draws of the priors in the estimated "
            "parameters alone. A claim of kind fitted is judged here, by its value at the estimates and its share with constants "
            "held."
        ),
        *([Bullets(tuple(losses))] if losses else [Paragraph("No claim that is supported survives less often here.")]),
        *_tell_fitted(claims),
        TableBlock(list_fitted_claims(claims), caption, small=True),
    ]


_APPROXIMATE = (
    ", which need not meet what was fitted where the posterior is not normal; a sample of the run (kinimmune sample) tells"
)


def _tell_fitted(claims: Sequence[ClaimRecord]) -> list[Block]:
    """Return which claims are no test at the fit, where there are any."""
    fitted = [item.id for item in claims if item.fitted_itself]
    return [Paragraph(f"No test here, because the run fitted what they compare: {list_words(fitted)}.")] if fitted else []


def list_fitted_claims(claims: Sequence[ClaimRecord]) -> Table:
    """Return claims with their value at the estimates of a run and their shares of draws about them."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Strong(item.id),
            Tag(item.verdict),
            _print_value(item, item.fitted_value),
            _share(item.fraction, item.fraction_lower, item.fraction_upper),
            _share(item.posterior_fraction, item.posterior_fraction_lower, item.posterior_fraction_upper),
            _share(item.posterior_fraction_held, item.posterior_fraction_held_lower, item.posterior_fraction_held_upper),
        )
        for item in claims
    )
    return Table(("", "Verdict", "Value (must be)", "Priors", "Posterior", "Held"), rows, "llllll")


def list_claims(claims: Sequence[ClaimRecord]) -> Table:
    """Return claims with value, bound, shares of draws and what removing their mechanism does."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Strong(item.id),
            item.text,
            item.kind,
            Tag(item.verdict),
            _print_value(item, item.value),
            _share(item.fraction, item.fraction_lower, item.fraction_upper),
            _share(item.fraction_halved, item.fraction_halved_lower, item.fraction_halved_upper),
            _without(item.ablations),
        )
        for item in claims
    )
    names = ("", "Claim", "Kind", "Verdict", "Value (must be)", "Of draws", "Halved", "Without")
    return Table(names, rows, "llllllll", widths=(0, 1.5, 0, 0, 0, 0, 0, 1.1))


def _print_value(item: ClaimRecord, value: float | None) -> str:
    """Return a value with its unit and what it must be; what is disputed need not be anything."""
    unit = f" {item.unit}" if print_unit(item.unit) and value is not None else ""
    bound = "" if item.verdict == DISPUTED else f" ({item.comparison} {print_number(item.bound)})"
    return f"{print_number(value)}{unit}{bound}"


def _share(fraction: float | None, lower: float | None, upper: float | None) -> str:
    if fraction is None or lower is None or upper is None:
        return MISSING
    return f"{print_fixed(fraction, 2)} ({print_fixed(lower, 2)}–{print_fixed(upper, 2)})"


def _without(ablations: Sequence[Ablation]) -> Cell:
    spans: list[str | Mark] = []
    for item in ablations:
        spans += [
            Mark(item.arrow.replace("+", " + ")),
            f" {'holds' if item.holds else 'fails'} ({print_fixed(item.fraction, 2)}) ",
        ]
    return tuple(spans) if spans else MISSING


def _explain(claims: Sequence[ClaimRecord]) -> list[Block]:
    kept = [item for item in claims if item.explained]
    open_ones = [item for item in claims if item.verdict == UNDECIDED]
    return [*_list_reasons("Claims kept with an explanation", kept), *_list_reasons("Claims that are undecided", open_ones)]


def _list_reasons(title: str, claims: Sequence[ClaimRecord]) -> list[Block]:
    entries = tuple((Strong(f"{item.id}. "), item.explanation) for item in claims if item.explanation is not None)
    return [Heading(title, 2), Bullets(entries)] if entries else []
