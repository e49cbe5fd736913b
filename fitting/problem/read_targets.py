"""Reading the published numbers a model is fitted to or compared with, and the trials it is tried in.

Start with `read_targets`.  Everything here raises the first thing that is wrong with the tables.
"""

from kinimmune.fitting.problem.target_rows import examine_targets
from kinimmune.fitting.problem.targets import Role, Target
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.studies import list_named_studies, list_studies
from kinimmune.models.tables.trials import TrialRow
from kinimmune.models.trial.design import Trial


def read_targets(tables: Tables | None = None, model: str | None = None) -> tuple[Target, ...]:
    """Return the targets of `targets.csv`, the user's or the package's; of one model those of the studies it is tried in.

    Raises
    ------
    DataError
        when targets.csv, or a table it points to, is wrong; the first finding of `examine_targets`
    UsageError
        when the folder does not exist
    """
    given = tables or Tables()
    targets = examine_targets(given).require()
    studies = None if model is None else list_studies(model, given)
    return targets if studies is None else tuple(target for target in targets if target.study in studies)


def read_fitted_targets(model: str, tables: Tables) -> tuple[Target, ...]:
    """Return the targets with role `fit` of the studies a model is tried in; raises as `read_targets` does."""
    return tuple(target for target in read_targets(tables, model) if target.role is Role.FIT)


def list_tried_studies(model: str, tables: Tables) -> tuple[str, ...]:
    """Return the studies whose virtual trials a model's outputs are of: those that name it, else those it is fitted to."""
    fitted = tuple(dict.fromkeys(target.study for target in read_fitted_targets(model, tables)))
    return list_named_studies(model, tables) or fitted


def read_tried_trials(model: str, tables: Tables) -> tuple[Trial, ...]:
    """Return the trials of the studies of `list_tried_studies`; raises as `read_targets` and `read_trials` do."""
    studies = list_tried_studies(model, tables)
    return tuple(trial for trial in read_trials(tables) if trial.study in studies)


def describe_left_out(model: str, tables: Tables) -> tuple[str, ...]:
    """Return a line about studies with numbers to be fitted that are left out: they name no model, where others name this one.

    Studies of the package's own table are left out on purpose.
    """
    if tables.folder is None:
        return ()
    named = list_named_studies(model, tables)
    unnamed = {row.study for row in tables.rows(TrialRow).entries if row.own and not row.models}
    left = dict.fromkeys(item.study for item in read_targets(tables) if item.role is Role.FIT and item.study in unnamed)
    if not named or not left:
        return ()
    why = f"they name no model in trials.csv, and {', '.join(named)} name '{model}'"
    return (f"targets of {', '.join(left)} are not fitted: {why}; name it in column 'model' of those that are meant too",)
