"""`kinimmune predict`: what the arms of a trial would show, from the posterior of a run, from priors or at the tables' values."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinimmune.cli import options
from kinimmune.cli.changes import parse_changes
from kinimmune.cli.completion import complete_arm, complete_model
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from kinimmune.fitting.prediction.plan import PlannedPrediction
    from kinimmune.fitting.prediction.request import PredictionRequest
    from kinimmune.fitting.prediction.results import PredictionResult
    from kinimmune.fitting.prediction.spending import Spending
    from kinimmune.models.trial.design import StopRule

Subject = Annotated[
    str,
    typer.Argument(
        metavar="RUN|MODEL|PROJECT",
        autocompletion=complete_model,
        help="Folder of a run, whose posterior gives the parameters; or name of a model, FILE.py or a project, whose tables do.",
    ),
]
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm", metavar="STUDY:ARM", autocompletion=complete_arm, help="An arm that is predicted; all if none is given."
    ),
]
Ratios = Annotated[
    list[str] | None,
    typer.Option("--ratio", metavar="STUDY:ARM/ARM", help="Compare two arms of a study, besides each with its control."),
]
Trial = Annotated[
    Path | None,
    typer.Option("--trial", metavar="FOLDER", help="Project or tables whose arms are predicted; no target is needed."),
]
Borrowed = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="STUDY",
        help="Whose own parameters a study that was not fitted gets; draws from their priors if none.",
    ),
]
SetValues = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A value at every draw: of a parameter, or dose:STUDY:ARM and the like of what an arm gives. Repeatable.",
    ),
]
Cuts = Annotated[
    list[str] | None,
    typer.Option("--cut", metavar="ARROW", help="An arrow of the model that is cut, such as pd1_block. Repeatable."),
]
Below = Annotated[
    list[float] | None,
    typer.Option("--ratio-below", metavar="X", help="Tell how probable a hazard ratio below X is; 1 and 0.8 if none is given."),
]
Sizes = Annotated[
    str | None,
    typer.Option("--size", metavar="A:B[:STEP]", help="Assurance and power of trials of A to B patients in all predicted arms."),
]
Looks = Annotated[
    str | None,
    typer.Option(
        "--looks", metavar="SHARE,...", help="Interim analyses, as shares of the events by the cut-off, such as 0.5,0.75."
    ),
]
CutOffs = Annotated[
    str | None,
    typer.Option(
        "--cut-off", metavar="A:B[:STEP]", help="Assurance and power with data cut off A to B months after the first entry."
    ),
]
Table = Annotated[Path | None, typer.Option("-o", "--output", metavar="CSV", help="Write every number; - for stdout.")]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw curves with bands, with --size or --cut-off assurance and power: .svg, .png or .pdf; - for stdout.",
    ),
]


def predict(
    subject: Subject,
    arm: Arms = None,
    trial: Trial = None,
    borrowed: Borrowed = None,
    ratio: Ratios = None,
    prior: Annotated[bool, typer.Option("--prior", help="Of a MODEL: draws from the priors in place of one value.")] = False,
    estimates: Annotated[bool, typer.Option("--estimates", help="Of a RUN: its estimates in place of draws.")] = False,
    set_values: SetValues = None,
    cut: Cuts = None,
    draws: Annotated[int | None, typer.Option("--draws", help="Draws of the parameters; 400 if none is given.")] = None,
    draw_constants: Annotated[
        bool, typer.Option("--draw-constants", help="Of a RUN: draw what the fit held within its priors, too.")
    ] = False,
    ratio_below: Below = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Two-sided level of the log-rank test.")] = 0.05,
    assume_ratio: Annotated[
        float | None, typer.Option("--assume-ratio", help="Hazard ratio whose power is told; the median predicted if none.")
    ] = None,
    looks: Looks = None,
    spending: Annotated[
        str | None, typer.Option("--spending", help="How --looks spend the level: obrien-fleming (the default) or pocock.")
    ] = None,
    size: Sizes = None,
    cut_off: CutOffs = None,
    patients: Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, a power of two.")] = None,
    stop_rule: Annotated[
        str | None, typer.Option("--stop-rule", help="Rule by which treatment stops, in place of each study's.")
    ] = None,
    output: Table = None,
    plot: Plot = None,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Predict what arms would show, for the population and for one trial of their size, and how probable a success is.

    Parameters are draws of a RUN's sample where that has converged, else of the normal approximation at its optimum; of a MODEL
    the values of its tables, or draws from the priors (--prior). Success is a two-sided log-rank p below --alpha with a hazard
    ratio below 1 at the cut-off of the trial, or at one of its --looks; its mean over the draws is the assurance.
    """
    require_names(subject, data, config, arms=() if trial else _list_named(arm, ratio), studies=filter(None, [borrowed]))
    from kinimmune.cli.output_files import PICTURE, TABLE, Inputs, plan_outputs
    from kinimmune.cli.printing.predict import print_prediction
    from kinimmune.cli.printing.predict_files import write_prediction
    from kinimmune.fitting.prediction.request import BOUNDS, PredictionRequest, read_cut_offs, read_looks, read_sizes
    from kinimmune.fitting.prediction.results import PREDICTION_JSON

    notes, of_run = Notes(quiet), options.names_run(subject)
    _require_sense(subject, of_run=of_run, prior=prior, estimates=estimates, draws=draws, data=data)
    _require_constants(of_run=of_run, estimates=estimates, wanted=draw_constants)
    request = PredictionRequest(
        arms=tuple(arm or ()),
        ratios=tuple(ratio or ()),
        below=tuple(ratio_below or BOUNDS),
        alpha=alpha,
        assume_ratio=assume_ratio,
        looks=() if looks is None else read_looks(looks),
        spending=_read_spending(spending, looks),
        sizes=() if size is None else read_sizes(size),
        cut_offs=() if cut_off is None else read_cut_offs(cut_off),
        draws=PredictionRequest.draws if draws is None else draws,
        draw_constants=draw_constants,
        borrowed=borrowed,
        stop_rule=_read_rule(stop_rule),
        values=parse_changes(set_values or ()),
        cuts=tuple(dict.fromkeys(cut or ())),
        at_estimates=estimates,
    )
    own = Path(subject) if not of_run and Path(subject).is_dir() else data
    inputs = Inputs(own if trial is None else trial, config, Path(subject) if of_run else None)
    targets = plan_outputs([("-o", output, TABLE), ("--plot", plot, PICTURE)], inputs, stdout_is_free=not as_json)
    given = {"data": data, "seed": seed, "jobs": jobs, "fit": {"patients": patients}}
    if of_run:
        plan, seeded = _plan_run(Path(subject), request, trial, config, given)
    else:
        plan, seeded = _plan_model(subject, request, trial, config, given, notes, from_prior=prior)
    result = _carry_out(plan, seeded, notes, subject if of_run else None)
    write_prediction(targets, result, plan, notes)
    if as_json:
        print(PREDICTION_JSON.dump(result))
    elif not any(target.fills_stdout for target in targets.values()):
        print_prediction(result)


def _require_sense(subject: str, *, of_run: bool, prior: bool, estimates: bool, draws: int | None, data: Path | None) -> None:
    """Refuse options that say nothing of a run, or of a model."""
    if of_run and data is not None:
        raise UsageError(f"--data {data}: run '{subject}' keeps its tables; give a trial of other tables with --trial")
    if of_run and prior:
        raise UsageError(f"--prior: run '{subject}' has a posterior; leave it out, or predict from the model")
    if not of_run and estimates:
        raise UsageError(f"--estimates: '{subject}' is no run; without --prior the values of the tables are taken anyway")
    if estimates and draws is not None:
        raise UsageError(f"--draws {draws}: --estimates are one point; leave one of them out")
    if not of_run and not prior and draws is not None:
        raise UsageError(f"--draws {draws}: the tables of a model are one point; add --prior, or give a RUN")


def _require_constants(*, of_run: bool, estimates: bool, wanted: bool) -> None:
    """Refuse to draw constants where nothing was held, or where nothing is drawn."""
    if wanted and not of_run:
        raise UsageError("--draw-constants: without a run nothing was held; draw all that has a prior with --prior")
    if wanted and estimates:
        raise UsageError("--draw-constants: --estimates are one point; leave one of them out")


def _list_named(arms: list[str] | None, ratios: list[str] | None) -> list[str]:
    """Return the arms that are named, of a ratio the first."""
    return [*(arms or ()), *(text.partition("/")[0] for text in ratios or ())]


def _read_rule(text: str | None) -> "StopRule | None":
    from kinimmune.models.errors import nearest
    from kinimmune.models.trial.design import StopRule

    if text is not None and text not in list(StopRule):
        raise UsageError(f"--stop-rule {text}: no such rule; {nearest(text, StopRule)}")
    return None if text is None else StopRule(text)


def _read_spending(text: str | None, looks: str | None) -> "Spending":
    from kinimmune.fitting.prediction.spending import Spending
    from kinimmune.models.errors import nearest

    if text is None:
        return Spending.OBRIEN_FLEMING
    if looks is None:
        raise UsageError(f"--spending {text}: a trial that is analysed once spends nothing before; give --looks too")
    if text not in list(Spending):
        raise UsageError(f"--spending {text}: no such rule; {nearest(text, Spending)}")
    return Spending(text)


def _plan_run(  # the arguments of the command that are about it
    folder: Path,
    request: "PredictionRequest",
    trial: Path | None,
    config: Path | None,
    given: Mapping[str, Any],
) -> "tuple[PlannedPrediction, int]":
    """Return a prediction from the posterior of a run, with its seed; seed and threads are the run's where none are given."""
    from kinimmune.fitting.configuration import read_run_settings, read_settings
    from kinimmune.fitting.estimation.fitted import read_fitted
    from kinimmune.fitting.prediction.run import plan_run
    from kinimmune.fitting.runs.run import open_run

    run = open_run(folder)
    kept = read_run_settings(run)
    own = {"seed": kept.seed, "jobs": kept.jobs if "jobs" in kept.model_fields_set else None}
    chosen = {**own, **{name: given[name] for name in own if given[name] is not None}}
    settings = read_settings(config, {**chosen, "fit": given["fit"]})
    fitted = read_fitted(run).with_patients(settings.fit.patients if "patients" in settings.fit.model_fields_set else None)
    return plan_run(fitted, request, trial, settings.seed, settings.jobs), settings.seed


def _plan_model(
    subject: str,
    request: "PredictionRequest",
    trial: Path | None,
    config: Path | None,
    given: Mapping[str, Any],
    notes: Notes,
    *,
    from_prior: bool,
) -> "tuple[PlannedPrediction, int]":
    """Return a prediction from the tables of a model, with its seed."""
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.prediction.run import plan_model
    from kinimmune.fitting.projects.project import choose_subject
    from kinimmune.fitting.settings import ProblemOptions
    from kinimmune.models.model_file import open_model
    from kinimmune.models.tables.rows import Tables

    about = choose_subject(subject, config, given)
    say_first(notes, about)
    settings = about.settings
    name, tables = open_model(about.model, Tables(settings.data))
    shared = {field: getattr(settings.fit, field) for field in ProblemOptions.model_fields}
    plan = plan_model(
        name,
        tables,
        request,
        trial=trial,
        from_prior=from_prior,
        options=ProblemOptions(**shared),
        seed=settings.seed,
        jobs=settings.jobs,
    )
    return plan, settings.seed


def _carry_out(plan: "PlannedPrediction", seed: int, notes: Notes, run: str | None) -> "PredictionResult":
    """Say what a reader must know, and return what is predicted."""
    from kinimmune.fitting.prediction.predict import predict_plan

    for text in plan.notes:
        notes.say(f"note: {text}")
    with notes.progress() as show:
        return predict_plan(plan, seed, show, run)
