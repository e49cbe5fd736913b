"""Every function that steps of long work call, by the name under which runs keep it.

Start with `find_task_function`, and `compute_again` for a finished task.  A name in a file is compared with these and nothing
else; a module is never imported because a file names it.
"""

from typing import Any

from kinimmune.fitting.estimation.companion_fit import FIT_COMPANION
from kinimmune.fitting.estimation.correlated_fit import FIT_AGAIN, FIT_CORRELATIONS
from kinimmune.fitting.estimation.fit import FIT_START
from kinimmune.fitting.identifiability.identifiability import CURVATURE, JACOBIAN
from kinimmune.fitting.identifiability.mechanism_share import SHARE_BLOCK, SHARE_DRAWS
from kinimmune.fitting.profile.points import PROFILE_OPTIMUM, PROFILE_OUTLOOK, PROFILE_POINT, PROFILE_PREDICTION
from kinimmune.fitting.sampling.emulator import SAMPLE_LEARN
from kinimmune.fitting.sampling.predictions import SAMPLE_PREDICT
from kinimmune.fitting.sampling.sample import SAMPLE_BLOCK, SAMPLE_SURVEY
from kinimmune.fitting.sampling.surrogate_sample import SAMPLE_MEASURE, SAMPLE_SEARCH
from kinimmune.fitting.sampling.surrogate_stages import SAMPLE_WALK, SAMPLE_WALK_SURVEY
from kinimmune.fitting.sensitivity.blocks import SENSITIVITY_BLOCK
from kinimmune.fitting.workflow.slots import one_blas_thread
from kinimmune.fitting.workflow.store import StoredTask
from kinimmune.fitting.workflow.task import TaskFunction
from kinimmune.models.errors import DataError

TASK_FUNCTIONS: tuple[TaskFunction, ...] = (
    FIT_START,
    FIT_CORRELATIONS,
    FIT_AGAIN,
    FIT_COMPANION,
    PROFILE_OPTIMUM,
    PROFILE_POINT,
    PROFILE_OUTLOOK,
    PROFILE_PREDICTION,
    JACOBIAN,
    CURVATURE,
    SHARE_DRAWS,
    SHARE_BLOCK,
    SAMPLE_SURVEY,
    SAMPLE_BLOCK,
    SAMPLE_PREDICT,
    SAMPLE_MEASURE,
    SAMPLE_SEARCH,
    SAMPLE_LEARN,
    SAMPLE_WALK_SURVEY,
    SAMPLE_WALK,
    SENSITIVITY_BLOCK,
)


def find_task_function(name: str) -> TaskFunction:
    """Return the function of a name, or of the alias that runs of the first format give it.

    Raises
    ------
    DataError
        when there is none; the message lists the known names

    >>> find_task_function("kinimmune.fitting.fit:run_start").name
    'fit.start'
    """
    for function in TASK_FUNCTIONS:
        if name and name in (function.name, function.alias):
            return function
    known = ", ".join(function.name for function in TASK_FUNCTIONS)
    raise DataError(f"a step was made by '{name}', which this version does not know; known are {known}; take that version")


def compute_again(stored: StoredTask) -> dict[str, Any]:
    """Return the outcome of a finished task, computed once more in this process from what the run keeps of it.

    Raises
    ------
    DataError
        when no function of this version has made it
    """
    function = find_task_function(stored.function)
    with one_blas_thread():
        return dict(function({**stored.inputs, **stored.context}))
