"""What somebody who explores a model has chosen: numbers, arrows that are cut, how patients stop, how many there are.

Start with `Setting`; `write_command` is the command that predicts the same.
"""

import shlex
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kinimmune.fitting.settings import Patients, Seed
from kinimmune.models.errors import UsageError
from kinimmune.models.trial.design import StopRule

MOST_PATIENTS = 4096
"""Virtual patients beyond which a picture that is waited for moves by less than its lines are wide."""
Value = Annotated[float, Field(allow_inf_nan=False)]


class Setting(BaseModel):
    """Everything a view depends on, but for what it is a view of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: dict[str, Value] = {}
    """Parameters and what arms give, as `--set` takes them, where they are not those of the tables or the estimates."""
    cuts: tuple[str, ...] = ()
    """Arrows of the model that are cut."""
    stop_rule: StopRule | None = None
    """By which treatment stops in all studies; None for each study's own."""
    patients: Annotated[Patients, Field(le=MOST_PATIENTS)] = 256
    """Virtual patients of each arm, a power of two."""
    seed: Seed = 0
    """Of the virtual patients."""


def read_setting(plain: object) -> Setting:
    """Return the setting of plain values.

    Raises
    ------
    UsageError
        for what is none, naming the first thing that is wrong
    """
    try:
        return Setting.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "setting"
        raise UsageError(f"{place}: {first['msg']}; correct it, or reset the page") from error


def write_command(words: tuple[str, ...], setting: Setting) -> str:
    """Return the command line that predicts what a setting shows.

    Parameters
    ----------
    words
        with which it begins: the program, the command, what it is about
    setting
        what was chosen

    Examples
    --------
    >>> write_command(("kinimmune", "predict", "hcc_trial"), Setting(values={"growth:sharp": 0.01}, cuts=("pd1_block",), seed=7))
    'kinimmune predict hcc_trial --set growth:sharp=0.01 --cut pd1_block --patients 256 --seed 7'
    """
    given = [word for name, value in setting.values.items() for word in ("--set", f"{name}={value!r}")]
    given += [word for name in setting.cuts for word in ("--cut", name)]
    given += [] if setting.stop_rule is None else ["--stop-rule", str(setting.stop_rule)]
    return shlex.join([*words, *given, "--patients", str(setting.patients), "--seed", str(setting.seed)])
