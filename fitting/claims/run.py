"""The claims about models put to the test, from tables to records.

Start with `run_claims`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kinimmune.fitting.claims.check import check_claims
from kinimmune.fitting.claims.lint import check_models
from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables


@dataclass(frozen=True)
class ClaimTesting:
    """How claims are tested."""

    draws: int
    """Draws from the priors; none test nothing."""
    seed: int
    """Seed of the draws."""
    jobs: int
    """Threads; results do not depend on them."""


def run_claims(
    models: Sequence[str], tables: Tables, testing: ClaimTesting, tell: Callable[[str], None]
) -> tuple[ClaimRecord, ...]:
    """Return what becomes of every claim about some models.

    Parameters
    ----------
    models
        names of models
    tables
        of claims, parameters and experiments
    testing
        over how many draws, and how they are computed
    tell
        takes one line about what is being done

    Raises
    ------
    DataError
        when a table cannot be used, or claims.csv has a row about a model there is not
    """
    if not testing.draws:
        return ()
    for finding in check_models(tables):
        raise DataError(finding.message)
    return check_claims(
        models,
        tables,
        draws=testing.draws,
        seed=testing.seed,
        jobs=testing.jobs,
        progress=tell,
    )
