"""A model or a run that is explored: its virtual trials, planned once, at any setting.

Start with `explore_model` or `explore_run`; `place_session` puts a setting into the virtual trials.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.exploration.setting import MOST_PATIENTS, Setting
from kinimmune.fitting.prediction.plan import PlannedPrediction, assume, choose_rules
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.run import plan_model, plan_run
from kinimmune.fitting.problem.settings import open_tables
from kinimmune.fitting.problem.target_rows import TargetRow, examine_targets
from kinimmune.fitting.problem.targets import Target, can_predict
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.population import draw_population

BAND_DRAWS = 32
"""Draws from the posterior of a run that bands are made of."""


@dataclass(frozen=True)
class Session:
    """What is explored; what takes time is done when it is first needed, and kept."""

    words: tuple[str, ...]
    """The beginning of the command that predicts the same."""
    start: Setting
    """What is shown first."""
    plan: Callable[[PredictionRequest], PlannedPrediction]
    tables: Tables
    """As its virtual trials read them."""
    run: str | None = None
    """Folder of the run that is explored."""

    @cached_property
    def plain(self) -> PlannedPrediction:
        """The virtual trials at the values of the tables, or at the estimates."""
        return self.plan(PredictionRequest(at_estimates=self.run is not None))

    @cached_property
    def switched(self) -> PlannedPrediction:
        """The same, of a model with a switch on every arrow; its kernel is compiled once."""
        request = PredictionRequest(at_estimates=self.run is not None, cuts=self.model.interactions[:1])
        return self.plan(request)

    @cached_property
    def drawn(self) -> PlannedPrediction:
        """The virtual trials over draws from the posterior of a run."""
        return self.plan(PredictionRequest(draws=BAND_DRAWS))

    @cached_property
    def drawn_switched(self) -> PlannedPrediction:
        """The same with a switch on every arrow."""
        return self.plan(PredictionRequest(draws=BAND_DRAWS, cuts=self.model.interactions[:1]))

    @property
    def model(self) -> OdeModel:
        """The model as it is without a switch."""
        return self.plain.problem.simulator.model

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Published numbers of the virtual trials, of every role, in the order of the table."""
        problem = self.plain.problem
        studies = {trial.study for trial in problem.trials}
        found = read_shown_targets(self.tables)
        return tuple(item for item in found if item.study in studies and item.of_trial and can_predict(item, problem.endpoints))


def read_shown_targets(tables: Tables) -> tuple[Target, ...]:
    """Return the published numbers of some tables; none where a folder has none of its own and the package's are of others.

    Raises
    ------
    DataError
        when a table of numbers that is the user's own is wrong
    """
    rows, found = tables.rows(TargetRow).entries, examine_targets(tables)
    return found.require() if any(row.own for row in rows) or not rows else found.entries


def explore_model(name: str, tables: Tables, *, words: tuple[str, ...], options: ProblemOptions, seed: int, jobs: int) -> Session:
    """Return a model that is explored at the values of its tables.

    Parameters
    ----------
    name, tables
        as `open_model` gives them
    words
        the beginning of the command that predicts the same
    options
        virtual patients, stop rule and integrator to begin with
    seed
        of the virtual patients
    jobs
        threads

    Raises
    ------
    UsageError, DataError
        as `plan_prediction` does, when the model can be tried in no trial
    """

    def plan(request: PredictionRequest) -> PlannedPrediction:
        return plan_model(name, tables, request, trial=None, from_prior=False, options=options, seed=seed, jobs=jobs)

    start = _begin(options, seed)
    session = Session(words, start, plan, tables)
    _ = session.plain, session.targets  # what is wrong with the tables is told now
    return session


def explore_run(fitted: Fitted, words: tuple[str, ...], run: str, jobs: int) -> Session:
    """Return a run that is explored at its estimates.

    Parameters
    ----------
    fitted
        the fit of the run
    words
        the beginning of the command that predicts the same
    run
        its folder
    jobs
        threads

    Raises
    ------
    UsageError, DataError
        as `plan_prediction` does
    """
    settings = fitted.settings

    def plan(request: PredictionRequest) -> PlannedPrediction:
        return plan_run(fitted, request, None, settings.seed, jobs)

    start = _begin(settings, settings.seed)
    session = Session(words, start, plan, open_tables(fitted.folder), run)
    _ = session.plain, session.targets
    return session


def _begin(options: ProblemOptions, seed: int) -> Setting:
    if options.patients > MOST_PATIENTS:
        told = f"{options.patients} virtual patients take too long on a page that is waited for"
        raise UsageError(f"{told}; give at most {MOST_PATIENTS} with --patients")
    return Setting(stop_rule=options.stop_rule, patients=options.patients, seed=seed)


def place_session(session: Session, setting: Setting, *, draws: bool = False) -> PlannedPrediction:
    """Return the virtual trials of a session at a setting, as `kinimmune predict` plans them.

    Parameters
    ----------
    session
        what is explored
    setting
        what was chosen
    draws
        whether parameters are draws from the posterior of the session's run

    Raises
    ------
    UsageError
        for an unknown parameter, arm or arrow, with the nearest name, and a value outside its range
    """
    base = (session.drawn_switched if setting.cuts else session.drawn) if draws else None
    base = base or (session.switched if setting.cuts else session.plain)
    plan = assume(base, setting.values, setting.cuts)
    problem = plan.problem
    population = draw_population(problem.parameters, setting.patients, setting.seed)
    rule = setting.stop_rule or session.start.stop_rule  # as the command has it, which can take back no rule of its subject
    return replace(plan, problem=replace(problem, population=population, rules=choose_rules(problem.trials, rule)))
