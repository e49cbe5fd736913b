"""`kinimmune claims`: the documents' sentences put to the test, with and without the mechanism each is about."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_json, print_table

if TYPE_CHECKING:
    from kinimmune.fitting.claims import ClaimResult

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
    from kinimmune.fitting.claims import check_claims
    from kinimmune.models.catalogue import model_names, require_model

    settings = read_settings(config, {"data": data, "seed": seed, "jobs": jobs})
    names = model_names() if model is None else (require_model(model),)
    notes = Notes(quiet)
    with notes.progress() as show:
        found = check_claims(
            names,
            settings.data,
            draws=draws,
            seed=settings.seed,
            jobs=settings.jobs,
            progress=lambda text: show(f"claims of {text}", None),
        )
    if as_json:
        print_json({"schema": "kinimmune.claims/1", "claims": [_plain(item) for item in found]})
    else:
        _print(found)
    if any(item.verdict == "failed" for item in found):
        raise typer.Exit(Exit.NOT_CONVERGED)


def _plain(result: "ClaimResult") -> dict[str, object]:
    claim = result.claim
    return {
        "id": claim.id,
        "model": claim.model,
        "text": claim.text,
        "source": claim.document or None,
        "kind": str(claim.kind),
        "holds": result.holds,
        "value": result.value if math.isfinite(result.value) else None,
        "comparison": str(claim.comparison),
        "bound": claim.bound,
        "draws": result.draws,
        "fraction": result.fraction,
        "fraction_lower": result.fraction_lower,
        "fraction_upper": result.fraction_upper,
        "fraction_halved": result.fraction_halved,
        "sign_fixed_by_prior": result.sign_fixed_by_prior,
        "verdict": result.verdict,
        "explanation": claim.explanation or None,
        "ablations": [asdict(item) for item in result.ablations],
    }


def _print(results: Sequence["ClaimResult"]) -> None:
    for model in dict.fromkeys(item.claim.model for item in results):
        rows = [_cells(item) for item in results if item.claim.model == model]
        columns = ("claim", "kind", "verdict", "value", "must be", "of draws", "without its mechanism", "text")
        print_table(model, columns, rows, ("value",))
    counts = {verdict: sum(item.verdict == verdict for item in results) for verdict in _VERDICTS}
    stated = sum(bool(item.claim.document) for item in results)
    explained = sum(bool(item.claim.explanation) for item in results)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"{len(results)} claims, {stated} of them stated by a document: {told}; {explained} explained")


_VERDICTS = ("supported", "vacuous", "failed", "disputed")


def _cells(result: "ClaimResult") -> tuple[str, ...]:
    claim = result.claim
    cut = "; ".join(f"{item.arrow}: {'holds' if item.holds else 'fails'} ({item.fraction:.2f})" for item in result.ablations)
    return (
        claim.id,
        str(claim.kind),
        result.verdict,
        f"{result.value:.4g}",
        f"{claim.comparison} {claim.bound:.4g}",
        f"{result.fraction:.3f} ({result.fraction_lower:.2f}-{result.fraction_upper:.2f})",
        cut or "-",
        claim.text + (f" [{claim.explanation}]" if claim.explanation else ""),
    )
