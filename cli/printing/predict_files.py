"""What `kinimmune predict` writes: every number as a table, and a figure.

Start with `write_prediction`.
"""

from collections.abc import Mapping

from kinimmune.cli.output_files import TABLE, OutputFile
from kinimmune.cli.terminal import Notes
from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.prediction.results import PredictionResult
from kinimmune.fitting.prediction.table import to_csv


def write_prediction(targets: Mapping[str, OutputFile], result: PredictionResult, plan: PlannedPrediction, notes: Notes) -> None:
    """Write the files that were asked for, and say which were there before."""
    for target in targets.values():
        if target.write(_make(target, result, plan)) and not target.fills_stdout:
            notes.say(f"replaced {target.path}")


def _make(target: OutputFile, result: PredictionResult, plan: PlannedPrediction) -> bytes:
    """Return the content of a file: the table, or a figure of sizes or else cut-offs where there are any, else of curves."""
    if target.ending in TABLE:
        return to_csv(result).encode()
    from kinimmune.reports.figures.prediction import plot_cut_offs, plot_predicted_curves, plot_sizes
    from kinimmune.reports.figures.style import render_as
    from kinimmune.reports.typesetting.labels import collect_labels

    labels = collect_labels(plan.problem.simulator.model, plan.problem.trials)
    if result.sizes:
        return render_as(plot_sizes(result, labels), target.form)
    return render_as(plot_cut_offs(result, labels) if result.cut_offs else plot_predicted_curves(result, labels), target.form)
