"""Whose arms are predicted: the trials of some tables, the arms that were asked for, and the pairs that are compared.

Start with `open_trials` and `choose_arms`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from kinimmune.fitting.prediction.covariates import Effects, gather_effects, list_coefficients
from kinimmune.fitting.prediction.source import ParameterSource
from kinimmune.models.catalogue import find_own_model, load_model
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.readers import read_model_names, read_parameters, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Trial, supports_trials

PARAMETERS = "parameters.csv"
"""Table without which a trial has no parameters of its own."""


@dataclass(frozen=True)
class GivenTrials:
    """Trials as some tables have them, with the model whose arms they are."""

    model: OdeModel
    tables: Tables
    parameters: tuple[Parameter, ...]
    """As these tables have them."""
    trials: tuple[Trial, ...]
    effects: Effects
    """How parameters depend on covariates of patients."""


@dataclass(frozen=True)
class Contrast:
    """Two arms of a study that are compared."""

    study: str
    arm: str
    reference: str


def open_trials(source: ParameterSource, tables: Tables | None) -> GivenTrials:
    """Return the trials of some tables, or of those of the source, in its model.

    A model of the library is built for what the arms of these tables give, where they have parameters of their own; otherwise,
    and where it is the user's own, it is as the source has it, and no code is run for these tables.

    Raises
    ------
    UsageError
        when no trial can be run in the model, or the tables have none for it
    DataError
        when a table cannot be used
    """
    name = source.model.name
    if not supports_trials(source.model):
        lacks = "has no hazard of death" if source.model.trial is None else "does not take the dose of an arm"
        raise UsageError(f"model '{name}' {lacks}, so it is tried in no trial; give a model that has one (kinimmune list)")
    if tables is None or tables.folder is None or not (tables.folder / PARAMETERS).is_file():
        model, parameters = source.model, source.parameters
    elif find_own_model(source.tables) is not None:
        rows = name in read_model_names(tables)
        model, parameters = source.model, read_parameters(name, tables) if rows else ()
    else:
        model = load_model(name, tables)
        parameters = model.parameters
    used = source.tables if tables is None else tables
    trials = read_trials(used, name)
    if not trials:
        raise UsageError(f"no trial names model '{name}' in trials.csv; name it in column 'model', or give --trial FOLDER")
    effects = gather_effects(source, used)
    complete = _complete((*model.parameter_names, *list_coefficients(effects)), source, parameters)
    coefficients = [item for item in complete if item.name in list_coefficients(effects) - set(model.parameter_names)]
    if coefficients:
        model = replace(model, parameters=(*model.parameters, *coefficients))
    return GivenTrials(model, used, complete, trials, effects)


def _complete(known: Collection[str], source: ParameterSource, parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters of tables, and what they lack of those of some names that all studies of the source share."""
    names = {item.name for item in parameters if item.study is None}
    shared = [item for item in source.parameters if item.study is None and item.name not in names]
    return (*parameters, *(item for item in shared if item.name in known))


def find_missing(model: OdeModel, parameters: Sequence[Parameter], study: str) -> tuple[str, ...]:
    """Return the parameters of a model that have no value in a study."""
    known = {item.name for item in parameters if item.study in (None, study) and item.everywhere}
    return tuple(name for name in model.parameter_names if name not in known)


def choose_arms(trials: Sequence[Trial], asked: Sequence[str]) -> tuple[Trial, ...]:
    """Return the trials with the arms that were asked for alone, in their order; without any as they are.

    Parameters
    ----------
    trials
        all there are
    asked
        STUDY:ARM, or ARM where one study has it

    Raises
    ------
    UsageError
        for an arm there is not, or that several studies have
    """
    if not asked:
        return tuple(trials)
    chosen = {find_arm(trials, text, "--arm") for text in asked}
    kept = [(trial, tuple(arm for arm in trial.arms if (trial.study, arm.name) in chosen)) for trial in trials]
    return tuple(replace(trial, arms=arms) for trial, arms in kept if arms)


def find_arm(trials: Sequence[Trial], text: str, option: str) -> tuple[str, str]:
    """Return study and name of an arm; raises as `choose_arms` does, naming the option."""
    places = [(trial.study, arm.name) for trial in trials for arm in trial.arms]
    found = [place for place in places if text in (place[1], ":".join(place))]
    if len(found) > 1:
        raise UsageError(
            f"{option} {text}: several studies have that arm; write {' or '.join(':'.join(place) for place in found)}"
        )
    if not found:
        raise UsageError(f"{option} {text}: no such arm; {nearest(text, [':'.join(place) for place in places])}")
    return found[0]


def list_contrasts(trials: Sequence[Trial], asked: Sequence[str]) -> tuple[Contrast, ...]:
    """Return every treated arm against its control where both are predicted, then the pairs that were asked for.

    Parameters
    ----------
    trials
        with the arms that are predicted
    asked
        STUDY:ARM/ARM, the second one the reference

    Raises
    ------
    UsageError
        for a pair of another form, of arms that are not predicted, or of different studies
    """
    usual = [Contrast(trial.study, arm.name, trial.control.name) for trial in trials if trial.control for arm in trial.compared]
    return tuple(dict.fromkeys([*usual, *(_read_contrast(trials, text) for text in asked)]))


def _read_contrast(trials: Sequence[Trial], text: str) -> Contrast:
    first, slash, second = text.partition("/")
    if not slash:
        raise UsageError(f"--ratio {text}: write STUDY:ARM/ARM, the arm and the one it is compared with")
    study, arm = find_arm(trials, first, "--ratio")
    own = [item for item in trials if item.study == study]
    other = find_arm(trials if ":" in second else own, second, "--ratio")
    if other[0] != study:
        told = f"{study} and {other[0]} randomised other patients, so no trial compares them"
        raise UsageError(f"--ratio {text}: {told}; put both arms into one study and give it with --trial")
    if other[1] == arm:
        raise UsageError(f"--ratio {text}: an arm has no ratio to itself; name two arms")
    return Contrast(study, arm, other[1])
