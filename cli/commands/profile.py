"""`kinimmune profile`: what is identified in a fit, by profile likelihoods, curvature and refits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json

if TYPE_CHECKING:
    from kinimmune.fitting.identifiability.results import IdentifiabilityResult
    from kinimmune.fitting.profile.results import ProfileResult

PREFIX = "profile"
USUAL_DRAWS = 64
Wanted = Annotated[str | None, typer.Option("--parameters", metavar="A,B", help="Parameters to profile; all estimated if none.")]
Predictions = Annotated[
    list[str] | None,
    typer.Option(
        "--prediction", metavar="NAME", help="hazard_ratio:STUDY[:ARM]:ENDPOINT or median:STUDY:ARM:os; may be repeated."
    ),
]
Draws = Annotated[int, typer.Option("--draws", min=0, help="Draws for the share of a mechanism; 0 leaves it out.")]
Refits = Annotated[
    bool | None,
    typer.Option(
        "--refits/--no-refits", help="Curvature, refits and shares; computed unless --parameters names some, if neither is given."
    ),
]
Only = Annotated[bool, typer.Option("--identifiability-only", help="Curvature, refits and shares; no profiles.")]


def profile(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished fit.")],
    parameters: Wanted = None,
    prediction: Predictions = None,
    patients: Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, if not those of the run.")] = None,
    draws: Draws = USUAL_DRAWS,
    refits: Refits = None,
    identifiability_only: Only = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on at the last finished points.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew where profiles were begun before.")] = False,
    dask: options.Dask = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; results do not depend on them.")] = None,
    seed: options.NoSeed = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Tell what the published numbers identify in a fit.

    Profiles go to RUN/results/profile.json, curvature, refits and shares to RUN/results/identifiability.json; the report of the
    run shows both. With --parameters only those are computed, with no prediction but those named, and no refits unless --refits
    asks for them. Draws and starts use the seed of the run.
    """
    from kinimmune.cli.session import ExecutionOptions, run_in, try_cluster
    from kinimmune.fitting.configuration import read_settings
    from kinimmune.fitting.estimation.fitted import read_fitted
    from kinimmune.fitting.identifiability.run import plan_profile, run_profile
    from kinimmune.fitting.runs.lock import lock_run
    from kinimmune.fitting.runs.run import open_run

    notes = Notes(quiet)
    execution = ExecutionOptions(read_settings(None, {"jobs": jobs}).jobs, dask, resume, force, notes)
    names = options.split_names(parameters)
    try_cluster(dask)
    with lock_run(open_run(run).path, force=force):
        fitted = read_fitted(open_run(run)).with_patients(patients)
        wanted = (identifiability_only or not names) if refits is None else refits
        plan = plan_profile(fitted, names, tuple(prediction or ()), draws=draws, profiles=not identifiability_only, refits=wanted)
        found = run_in(fitted.run, execution, PREFIX, plan.forecast, lambda runtime: run_profile(plan, runtime))
    _tell(*found, notes, as_json=as_json)


def _tell(profiled: "ProfileResult | None", identified: "IdentifiabilityResult | None", notes: Notes, *, as_json: bool) -> None:
    """Print results on stdout, warnings on stderr."""
    from kinimmune.cli.printing.profile import print_identifiability, print_profile

    for text in () if profiled is None else profiled.warnings:
        notes.say(f"warning: {text}")
    if as_json:
        print_json(_as_json(profiled, identified))
        return
    if profiled is not None:
        print_profile(profiled)
    if identified is not None:
        print_identifiability(identified)


def _as_json(profiled: "ProfileResult | None", identified: "IdentifiabilityResult | None") -> dict[str, object]:
    """Return the profiles with what is identified under a key of its own, or either alone."""
    import json

    from kinimmune.fitting.identifiability.results import IDENTIFIABILITY_JSON
    from kinimmune.fitting.profile.results import PROFILE_JSON

    found: dict[str, object] = {} if profiled is None else json.loads(PROFILE_JSON.dump(profiled))
    if identified is None:
        return found
    known: dict[str, object] = json.loads(IDENTIFIABILITY_JSON.dump(identified))
    return known if profiled is None else {**found, "identifiability": known}
