"""Parameters that are to differ between trials where a fit sees one trial alone.

Start with `find_lone_trials`.
"""

from collections.abc import Iterable

from kinimmune.fitting.problem.target_rows import examine_targets
from kinimmune.fitting.problem.targets import Role
from kinimmune.models.tables.deviations import list_deviating_studies
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.parameters import ParameterRow
from kinimmune.models.tables.rows import Tables


def find_lone_trials(tables: Tables, model: str | None = None) -> Iterable[Finding]:
    """Find parameters with a spread between trials of which one alone is fitted; of one model, or of all.

    The value of all and the deviation of that trial are then told apart by their priors, or by experiments.
    """
    fitted = {target.study for target in examine_targets(tables).entries if target.role is Role.FIT}
    for row in tables.rows(ParameterRow).entries:
        for name in row.models if row.trial_spread > 0.0 and row.own else ():
            alone = [study for study in list_deviating_studies(name, row.drug, tables) if study in fitted]
            if len(alone) == 1 and model in (None, name):
                subject = f"parameter '{row.key}' of model '{name}' has trial_spread {row.trial_spread:g}"
                problem = f"{subject} and study '{alone[0]}' alone is fitted: no other tells its deviation from the value of all"
                advice = "fit a second trial, or leave it empty where no new trial is to be predicted"
                yield row.finding("trial_spread", problem, advice)
