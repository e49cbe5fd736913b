"""`kinimmune claims`: the documents' sentences put to the test, with and without the mechanism each is about."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, format_number, print_json, print_table

if TYPE_CHECKING:
    from kinimmune.fitting.claims.results import ClaimRecord

AnyModel = Annotated[str | None, typer.Argument(metavar="MODEL", help="Name of a model; all models with claims if none.")]


def claims(
    model: AnyModel = None,
    draws: Annotated[int, typer.Option("--draws", min=16, help="Draws from the priors.")] = 1000,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test the documents' claims: at nominal values, over draws from the priors, and with the named mechanism cut.

    Exit code 1 says that a claim failed.
    """
    from kinimmune.cli.settings import read_settings
    from kinimmune.fitting.claims.check import check_claims, record
    from kinimmune.fitting.claims.results import to_plain
    from kinimmune.models.catalogue import model_names, require_model
    from kinimmune.models.tables.rows import Tables

    settings = read_settings(config, {"data": data, "seed": seed, "jobs": jobs})
    names = model_names() if model is None else (require_model(model),)
    notes = Notes(quiet)
    with notes.progress() as show:
        tested = check_claims(
            names,
            Tables(settings.data),
            draws=draws,
            seed=settings.seed,
            jobs=settings.jobs,
            progress=lambda text: show(f"claims of {text}", None),
        )
    found = tuple(map(record, tested))
    if as_json:
        print_json(to_plain(found))
    else:
        _print(found)
    if any(item.verdict == "failed" for item in found):
        raise typer.Exit(Exit.NOT_CONVERGED)


def _print(records: Sequence["ClaimRecord"]) -> None:
    for model in dict.fromkeys(item.model for item in records):
        rows = [_cells(item) for item in records if item.model == model]
        columns = ("claim", "kind", "verdict", "value", "must be", "of draws", "priors halved", "without its mechanism", "text")
        print_table(model, columns, rows, ("value",))
    print(count_claims(records))


def count_claims(records: Sequence["ClaimRecord"]) -> str:
    """Return how many claims there are of each verdict; those a document states are counted apart."""
    from kinimmune.fitting.claims.results import VERDICTS

    def tell(some: Sequence["ClaimRecord"]) -> str:
        counts = {verdict: sum(item.verdict == verdict for item in some) for verdict in VERDICTS}
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        return f"{told or 'none'}; {sum(item.explanation is not None for item in some)} explained"

    stated = [item for item in records if item.source is not None]
    return f"{len(records)} claims: {tell(records)}\n{len(stated)} of them stated by a document: {tell(stated)}"


def _cells(item: "ClaimRecord") -> tuple[str, ...]:
    cut = "; ".join(f"{one.arrow}: {'holds' if one.holds else 'fails'} ({one.fraction:.2f})" for one in item.ablations)
    return (
        item.id,
        item.kind,
        item.verdict,
        format_number(item.value),
        f"{item.comparison} {item.bound:.4g}",
        _fraction(item.fraction, item.fraction_lower, item.fraction_upper),
        _fraction(item.fraction_halved, item.fraction_halved_lower, item.fraction_halved_upper),
        cut or "-",
        item.text + (f" [{item.explanation}]" if item.explanation else ""),
    )


def _fraction(value: float | None, lower: float | None, upper: float | None) -> str:
    return "-" if value is None or lower is None or upper is None else f"{value:.3f} ({lower:.2f}-{upper:.2f})"
