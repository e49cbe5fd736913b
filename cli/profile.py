"""`kinimmune profile`: what is identified in a fit, by profile likelihoods, curvature and refits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json

if TYPE_CHECKING:
    from kinimmune.cli.long_work import Workshop
    from kinimmune.fitting.fitted import Fitted
    from kinimmune.fitting.identifiability_results import IdentifiabilityResult
    from kinimmune.fitting.profile_results import ProfileResult
    from kinimmune.fitting.runs import Run

PREFIX = "profile"
USUAL_DRAWS = 64
Wanted = Annotated[str | None, typer.Option("--parameters", metavar="A,B", help="Parameters to profile; all estimated if none.")]
Predictions = Annotated[
    list[str] | None,
    typer.Option("--prediction", metavar="NAME", help="hazard_ratio:STUDY:ENDPOINT or median:STUDY:ARM:os; may be repeated."),
]
Draws = Annotated[int, typer.Option("--draws", min=0, help="Draws for the share of a mechanism; 0 leaves it out.")]
Only = Annotated[bool, typer.Option("--identifiability-only", help="Curvature, refits and shares; no profiles.")]


def profile(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished fit.")],
    parameters: Wanted = None,
    prediction: Predictions = None,
    patients: Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, if not those of the run.")] = None,
    draws: Draws = USUAL_DRAWS,
    identifiability_only: Only = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on at the last finished points.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew where profiles were begun before.")] = False,
    dask: Annotated[
        str | None, typer.Option("--dask", metavar="ADDRESS", help="Dask scheduler that carries the steps out.")
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; results do not depend on them.")] = None,
    seed: options.UnusedSeed = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Tell what the published numbers identify in a fit.

    Profiles go to RUN/results/profile.json, curvature, refits and shares to RUN/results/identifiability.json; the report of the
    run shows both. Draws and starts use the seed of the run.
    """
    from dataclasses import replace

    from kinimmune.cli.long_work import Effort, carry_out
    from kinimmune.cli.profile_summary import print_identifiability, print_profile
    from kinimmune.cli.settings import read_settings
    from kinimmune.fitting.fitted import read_fitted
    from kinimmune.fitting.runs import open_run

    opened = open_run(run)
    notes = Notes(quiet)
    effort = Effort(read_settings(None, {"jobs": jobs}).jobs, dask, resume, force, notes)
    fitted = read_fitted(opened)
    fitted = replace(fitted, settings=replace(fitted.settings, patients=patients or fitted.settings.patients))
    names = tuple(name for name in (parameters or "").split(",") if name)
    _require(fitted, names, tuple(prediction or ()))

    def work(shop: "Workshop") -> "tuple[ProfileResult | None, IdentifiabilityResult]":
        identified = _identify(fitted, draws, shop)
        profiled = None if identifiability_only else _profile(fitted, names, tuple(prediction or ()), shop)
        _write(opened, profiled, identified)
        return profiled, identified

    profiled, identified = carry_out(opened, effort, PREFIX, None, work)
    for text in () if profiled is None else profiled.warnings:
        notes.say(f"warning: {text}")
    if as_json:
        print_json(_as_json(profiled, identified))
        return
    if profiled is not None:
        print_profile(profiled)
    print_identifiability(identified)


def _require(fitted: "Fitted", parameters: tuple[str, ...], predictions: tuple[str, ...]) -> None:
    """Refuse what cannot be profiled before anything is written."""
    from kinimmune.fitting.problem_settings import open_problem
    from kinimmune.fitting.profile import require_parameters
    from kinimmune.fitting.profile_predictions import require_predictions

    problem = open_problem(fitted.settings, fitted.folder)
    require_parameters(problem, parameters)
    require_predictions(problem, predictions)


def _profile(fitted: "Fitted", names: tuple[str, ...], predictions: tuple[str, ...], shop: "Workshop") -> "ProfileResult":
    from kinimmune.fitting.profile import ProfileSettings, profile

    shop.say("profiles")
    point = tuple(map(float, fitted.point))
    settings = ProfileSettings(fitted.settings, fitted.folder, point, names, predictions)
    return profile(settings, shop.store, shop.pool, shop.watch)


def _identify(fitted: "Fitted", draws: int, shop: "Workshop") -> "IdentifiabilityResult":
    from kinimmune.fitting.identifiability import identify
    from kinimmune.fitting.mechanism_share import measure_shares
    from kinimmune.fitting.problem_settings import open_problem
    from kinimmune.fitting.profile_optima import Ground
    from kinimmune.fitting.work import Chain, Plain, run_chains

    ground = Ground(fitted.settings, fitted.folder, open_problem(fitted.settings, fitted.folder))

    def run(chains: Sequence[Chain]) -> list[list[Plain]]:
        return run_chains(chains, shop.store, shop.pool, shop.watch)

    shop.say("curvature and refits")
    return identify(ground, fitted.point, run, lambda best: measure_shares(ground, best, draws, run))


def _write(run: "Run", profiled: "ProfileResult | None", identified: "IdentifiabilityResult") -> None:
    from kinimmune.fitting import identifiability_results, profile_results

    identifiability_results.write_identifiability(run, identified)
    if profiled is not None:
        profile_results.write_profiles(run, profiled)


def _as_json(profiled: "ProfileResult | None", identified: "IdentifiabilityResult") -> dict[str, object]:
    """Return the profiles with what is identified under a key of its own, or the latter alone."""
    import json

    from kinimmune.fitting import identifiability_results, profile_results

    known: dict[str, object] = json.loads(identifiability_results.to_json(identified))
    return known if profiled is None else {**json.loads(profile_results.to_json(profiled)), "identifiability": known}
