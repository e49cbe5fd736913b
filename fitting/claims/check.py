"""Claims put to the test: at nominal values, over draws from the priors, and with the named mechanism knocked out.

Start with `check_claims`; `set_up` makes a model ready.  A claim that also holds without its mechanism is vacuous, and is
reported so (`kinimmune.fitting.claims.verdict`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from kinimmune.fitting.claims.batch import ExperimentSetup
from kinimmune.fitting.claims.evidence import draw_batches, try_claims
from kinimmune.fitting.claims.registry import readouts_of
from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.claims.table import Claim, read_claims
from kinimmune.fitting.problem.posterior_draws import PosteriorDraws
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.scope import own_values, parameters_of
from kinimmune.models.tables.drugs import KnownDrugs, find_drug_values
from kinimmune.models.tables.readers import read_days, read_drugs, read_experiments, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Trial, supports_trials


def check_claims(
    models: Sequence[str], tables: Tables, *, draws: int, seed: int, jobs: int, progress: Callable[[str], None]
) -> tuple[ClaimRecord, ...]:
    """Put every claim about some models to the test.

    Parameters
    ----------
    models
        names of models
    tables
        of claims, parameters, experiments and trials
    draws
        from the priors, at declared and at halved width
    seed
        of the draws
    jobs
        threads
    progress
        takes what is being done, in words
    """
    results: list[ClaimRecord] = []
    for name in models:
        if read_claims(tables, name):
            progress(f"claims of {name}")
            model = load_model(name, tables)
            results += check_model(model, tables, draws=draws, seed=seed, jobs=jobs, progress=progress)
    return tuple(results)


def check_model(  # noqa: PLR0913 - the last two are who watches and what a run adds
    model: OdeModel,
    tables: Tables,
    *,
    draws: int,
    seed: int,
    jobs: int,
    posterior: PosteriorDraws | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[ClaimRecord, ...]:
    """Put every claim about one model to the test.

    Parameters
    ----------
    model
        with its parameters as the claims are to see them
    tables
        of claims, experiments and trials
    draws, seed, jobs
        as of `check_claims`
    posterior
        of the run whose claims are tested; None for the model alone
    progress
        takes what is being done, in words; None where nobody watches
    """
    claims = read_claims(tables, model.name)
    if not claims:
        return ()
    setup = set_up(model, claims, tables, jobs)
    what = f"claims of {model.name}{'' if posterior is None else ' at the fit'}"
    batches = draw_batches(setup, claims, draws, seed, posterior)
    return tuple(try_claims(claims, batches, lambda step: None if progress is None else progress(f"{what}: {step}")))


def set_up(model: OdeModel, claims: Sequence[Claim], tables: Tables, jobs: int) -> ExperimentSetup:
    """Return a model ready for experiments, with a switch on every interaction the claims knock out.

    Raises
    ------
    DataError
        when a claim names an interaction the model does not have, or a table cannot be used
    """
    interactions = dict.fromkeys(name for claim in claims for mechanism in claim.knock_outs for name in mechanism.split("+"))
    try:
        switched = model.with_switches(*interactions)
    except UsageError as error:
        raise DataError(f"column 'arrows' of claims.csv: {error}") from error
    experiments = {item.name: item for item in read_experiments(model, tables)}
    trials = _gather_trials(model, claims, tables, experiments)
    return ExperimentSetup(
        compiled=compile_model(switched),
        integrate=partial(integrate, load_kernel(switched), checked=False),  # signs and ratios, far from the tolerance
        experiments=experiments,
        days=read_days(model.name, tables),
        trials=trials,
        arm_values=_gather_values(model, claims, tables, trials),
        jobs=jobs,
    )


def _gather_trials(model: OdeModel, claims: Sequence[Claim], tables: Tables, others: Collection[str]) -> dict[str, Trial]:
    """Return study -> its trial; a study that claims name and the tables lack is the package's, as the claim mostly is too."""
    if not supports_trials(model):
        return {}
    trials = {trial.study: trial for trial in read_trials(tables, model.name)}
    named = _list_named(model, claims)
    missing = named - set(trials) - {*others, *model.state_names, *(item.name for item in model.outputs)}
    return trials | ({trial.study: trial for trial in read_trials() if trial.study in missing} if missing else {})


def _list_named(model: OdeModel, claims: Iterable[Claim]) -> set[str]:
    """Return what claims are read in, studies among it."""
    readouts = readouts_of(model.name)
    return {place for claim in claims if claim.readout in readouts for place in readouts[claim.readout].list_places(claim)}


def _gather_values(
    model: OdeModel, claims: Sequence[Claim], tables: Tables, trials: Mapping[str, Trial]
) -> dict[str, dict[str, float]]:
    """Return `STUDY:ARM` -> what parameters are in that arm alone, of the trials that claims name; arms without are left out."""
    named = [trials[study] for study in trials if study in _list_named(model, claims)]
    drugs = read_drugs(tables) if named else KnownDrugs()
    found: dict[str, dict[str, float]] = {}
    for arm in (arm for trial in named for arm in trial.arms):
        own = find_drug_values(model, arm.administrations, drugs)
        own |= own_values(parameters_of(model.parameters, arm.study, arm.name, arm.drugs))
        found |= {f"{arm.study}:{arm.name}": own} if own else {}
    return found
