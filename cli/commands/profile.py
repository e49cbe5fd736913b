"""`kinimmune profile`: what is identified in a fit, by profile likelihoods, curvature and refits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json

if TYPE_CHECKING:
    from kinimmune.cli.session import Workshop
    from kinimmune.fitting.estimation.fitted import Fitted
    from kinimmune.fitting.identifiability.results import IdentifiabilityResult
    from kinimmune.fitting.profile.optima import Ground, Runner
    from kinimmune.fitting.profile.profile import ProfileSettings
    from kinimmune.fitting.profile.results import ProfileResult
    from kinimmune.fitting.runs.run import Run
    from kinimmune.fitting.workflow.forecast import Forecast
    from kinimmune.fitting.workflow.task import Chain, Plain
    from kinimmune.models.arrays import Array

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

    from kinimmune.cli.session import Effort, carry_out
    from kinimmune.cli.settings import read_settings
    from kinimmune.fitting.estimation.fitted import read_fitted
    from kinimmune.fitting.runs.run import open_run

    opened = open_run(run)
    notes = Notes(quiet)
    effort = Effort(read_settings(None, {"jobs": jobs}).jobs, dask, resume, force, notes)
    fitted = read_fitted(opened)
    fitted = replace(fitted, settings=replace(fitted.settings, patients=patients or fitted.settings.patients))
    names = tuple(name for name in (parameters or "").split(",") if name)
    settings = _require(fitted, names, tuple(prediction or ()))
    wanted = None if identifiability_only else settings
    ground = _ground(fitted)
    forecast = _forecast(ground, draws, wanted)

    def work(shop: "Workshop") -> "tuple[ProfileResult | None, IdentifiabilityResult]":
        run_chains = _runner(shop, forecast)
        shop.say("curvature and refits")
        identified = _identify(ground, fitted.point, draws, run_chains)
        profiled = None if wanted is None else _profile(wanted, shop, run_chains)
        _write(opened, profiled, identified)
        return profiled, identified

    _tell(*carry_out(fitted.run, effort, PREFIX, forecast, work), notes, as_json=as_json)


def _tell(profiled: "ProfileResult | None", identified: "IdentifiabilityResult", notes: Notes, *, as_json: bool) -> None:
    """Print results on stdout, warnings on stderr."""
    from kinimmune.cli.printing.profile import print_identifiability, print_profile

    for text in () if profiled is None else profiled.warnings:
        notes.say(f"warning: {text}")
    if as_json:
        print_json(_as_json(profiled, identified))
        return
    if profiled is not None:
        print_profile(profiled)
    print_identifiability(identified)


def _require(fitted: "Fitted", parameters: tuple[str, ...], predictions: tuple[str, ...]) -> "ProfileSettings":
    """Return what is profiled; refuse what cannot be before anything is written."""
    from kinimmune.fitting.problem.settings import open_problem
    from kinimmune.fitting.profile.predictions import require_predictions
    from kinimmune.fitting.profile.profile import ProfileSettings, require_parameters

    problem = open_problem(fitted.settings, fitted.folder)
    require_parameters(problem, parameters)
    require_predictions(problem, predictions)
    return ProfileSettings(fitted.settings, fitted.folder, tuple(map(float, fitted.point)), parameters, predictions)


def _ground(fitted: "Fitted") -> "Ground":
    from kinimmune.fitting.problem.settings import open_problem
    from kinimmune.fitting.profile.optima import Ground

    return Ground(fitted.settings, fitted.folder, open_problem(fitted.settings, fitted.folder))


def _forecast(ground: "Ground", draws: int, wanted: "ProfileSettings | None") -> "Forecast":
    """Return how many steps are expected before any has begun."""
    from kinimmune.fitting.identifiability import identifiability, mechanism_share
    from kinimmune.fitting.profile.optima import STEPS
    from kinimmune.fitting.profile.profile import count_walks
    from kinimmune.fitting.profile.walk import USUAL_POINTS
    from kinimmune.fitting.workflow.forecast import Forecast

    singles = identifiability.count_steps(ground) + mechanism_share.count_steps(ground, draws)
    if wanted is None:
        return Forecast(USUAL_POINTS, singles)
    return Forecast(USUAL_POINTS, singles + STEPS, count_walks(wanted))


def _runner(shop: "Workshop", forecast: "Forecast") -> "Runner":
    """Return what carries chains out, and lets the forecast know how far they get."""
    from kinimmune.fitting.workflow.task import run_chains

    def run(chains: "Sequence[Chain]") -> "list[list[Plain]]":
        return run_chains(forecast.begin(chains), shop.store, shop.pool, shop.watch)

    return run


def _profile(wanted: "ProfileSettings", shop: "Workshop", run: "Runner") -> "ProfileResult":
    from kinimmune.fitting.profile.profile import profile

    shop.say("profiles")
    return profile(wanted, run)


def _identify(ground: "Ground", point: "Array", draws: int, run: "Runner") -> "IdentifiabilityResult":
    from kinimmune.fitting.identifiability.identifiability import identify
    from kinimmune.fitting.identifiability.mechanism_share import measure_shares

    return identify(ground, point, run, lambda best: measure_shares(ground, best, draws, run))


def _write(run: "Run", profiled: "ProfileResult | None", identified: "IdentifiabilityResult") -> None:
    from kinimmune.fitting.identifiability import results as identifiability_results
    from kinimmune.fitting.profile import results as profile_results

    identifiability_results.write_identifiability(run, identified)
    if profiled is not None:
        profile_results.write_profiles(run, profiled)


def _as_json(profiled: "ProfileResult | None", identified: "IdentifiabilityResult") -> dict[str, object]:
    """Return the profiles with what is identified under a key of its own, or the latter alone."""
    import json

    from kinimmune.fitting.identifiability import results as identifiability_results
    from kinimmune.fitting.profile import results as profile_results

    known: dict[str, object] = json.loads(identifiability_results.to_json(identified))
    return known if profiled is None else {**json.loads(profile_results.to_json(profiled)), "identifiability": known}
