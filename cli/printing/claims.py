"""What `kinimmune claims` prints: every claim with its verdict, and how many claims there are of each.

Start with `print_claims`.
"""

from collections.abc import Sequence

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.claims.results import DISPUTED, UNDECIDED, VERDICTS, ClaimRecord
from kinimmune.fitting.claims.verdict import describe_loss


def print_claims(records: Sequence[ClaimRecord], note: str = "") -> None:
    """Print a table of claims for each model on stdout, and how many there are of each verdict.

    Parameters
    ----------
    records
        tested claims
    note
        what the draws from the posterior of a run are, in words; empty where there is no run
    """
    if not records:
        print("claims.csv has no claims to try")
        return
    for model in dict.fromkeys(item.model for item in records):
        rows = [_cells(item) for item in records if item.model == model]
        columns = ("claim", "kind", "verdict", "value", "must be", "of draws", "priors halved", "without its mechanism", "text")
        print_table(model, columns, rows, ("value",))
    if note:
        _print_fit([item for item in records if item.basis is not None], note)
    print(count_claims(records))
    undecided = [item for item in records if item.verdict == UNDECIDED]
    if undecided:
        print(f"undecided, not failed: {', '.join(item.id for item in undecided)}; what would decide each stands with it")


def _print_fit(records: Sequence[ClaimRecord], note: str) -> None:
    """Print where claims stand at and about the estimates of a run, and which survive less often there than over the priors."""
    rows = [
        (
            item.id,
            item.verdict,
            _value(item, item.fitted_value),
            _bound(item),
            _fraction(item.fraction, item.fraction_lower, item.fraction_upper),
            _fraction(item.posterior_fraction, item.posterior_fraction_lower, item.posterior_fraction_upper),
            _fraction(item.posterior_fraction_held, item.posterior_fraction_held_lower, item.posterior_fraction_held_upper),
        )
        for item in records
    ]
    columns = ("claim", "verdict", "value", "must be", "of prior draws", "of posterior draws", "constants held")
    print_table("At the fit of the run", columns, rows, ("value",))
    print(f"posterior: {note}")
    fitted = [item.id for item in records if item.fitted_itself]
    if fitted:
        print(f"no test at the fit, because the run fitted what they compare: {', '.join(fitted)}")
    for item in records:
        if item.survives_less:
            print(describe_loss(item))


def count_claims(records: Sequence[ClaimRecord]) -> str:
    """Return how many claims there are of each verdict; those a document states are counted apart."""

    def tell(some: Sequence[ClaimRecord]) -> str:
        counts = {verdict: sum(item.verdict == verdict for item in some) for verdict in VERDICTS}
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        return f"{told or 'none'}; {sum(item.explained for item in some)} explained"

    stated = [item for item in records if item.source is not None]
    return f"{len(records)} claims: {tell(records)}\n{len(stated)} of them stated by a document: {tell(stated)}"


def _cells(item: ClaimRecord) -> tuple[str, ...]:
    cut = "; ".join(f"{one.arrow}: {'holds' if one.holds else 'fails'} ({one.fraction:.2f})" for one in item.ablations)
    return (
        item.id,
        item.kind,
        item.verdict,
        _value(item, item.value),
        _bound(item),
        _fraction(item.fraction, item.fraction_lower, item.fraction_upper),
        _fraction(item.fraction_halved, item.fraction_halved_lower, item.fraction_halved_upper),
        cut or "-",
        item.text + (f" [{item.explanation}]" if item.explanation else ""),
    )


def _value(item: ClaimRecord, value: float | None) -> str:
    return format_number(value) if value is None or item.unit == "1" else f"{format_number(value)} {item.unit}"


def _bound(item: ClaimRecord) -> str:
    """Return what a value must be; what is disputed need not be anything."""
    return "-" if item.verdict == DISPUTED else f"{item.comparison} {item.bound:.4g}"


def _fraction(value: float | None, lower: float | None, upper: float | None) -> str:
    return "-" if value is None or lower is None or upper is None else f"{value:.3f} ({lower:.2f}-{upper:.2f})"
