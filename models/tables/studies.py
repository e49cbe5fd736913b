"""Which studies a model is tried in.

Start with `list_studies`.  What is wrong with `trials.csv` is told where its trials are read.
"""

from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.trials import TrialRow


def list_studies(model: str, tables: Tables) -> tuple[str, ...]:
    """Return the studies a model is tried in: those that name it, and where none does those that name no model."""
    rows = tables.rows(TrialRow).entries
    named = tuple(row.study for row in rows if model in row.models)
    return named or tuple(row.study for row in rows if not row.models)


def list_named_studies(model: str, tables: Tables) -> tuple[str, ...]:
    """Return the studies that name a model."""
    return tuple(row.study for row in tables.rows(TrialRow).entries if model in row.models)
