"""The claims about the model of a run, put to the test where its fit leaves the parameters, beside draws from the priors.

Start with `try_fit`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from kinimmune.fitting.claims.check import check_model
from kinimmune.fitting.claims.lint import check_models
from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.claims.run import ClaimTesting
from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.estimation.run_files import write_claims
from kinimmune.fitting.problem.changes import apply_changes
from kinimmune.fitting.problem.settings import open_tables
from kinimmune.fitting.sampling.posterior import read_posterior
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError


@dataclass(frozen=True)
class RunClaims:
    """What became of the claims about the model of a run."""

    records: tuple[ClaimRecord, ...]
    note: str
    """What the draws from the posterior are, in words."""


def try_fit(fitted: Fitted, testing: ClaimTesting, tell: Callable[[str], None]) -> RunClaims:
    """Return what becomes of every claim about the model of a run, and keep it in the run.

    Parameters
    ----------
    fitted
        the fit of the run, as `kinimmune.fitting.estimation.fitted.read_fitted` finds it
    testing
        over how many draws, and how they are computed
    tell
        takes one line about what is being done

    Raises
    ------
    DataError
        when a file of the run or a table cannot be used
    """
    tables = open_tables(fitted.folder)
    for finding in check_models(tables):
        raise DataError(finding.message)
    model = load_model(fitted.settings.model, tables)
    model = replace(model, parameters=apply_changes(model.parameters, fitted.settings.changes))
    posterior = read_posterior(fitted, testing.draws, testing.seed)
    tell(f"claims of {model.name} at the fit")
    records = check_model(
        model, tables, draws=testing.draws, seed=testing.seed, jobs=testing.jobs, posterior=posterior, progress=tell
    )
    write_claims(fitted.run, records)
    return RunClaims(records, posterior.note)
