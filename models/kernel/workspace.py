"""What the parts of the ensemble kernel share: the work space of the lanes, and the arrays a call brings and takes away.

A *lane* is one of the places in which the kernel integrates patients side by side; each has a time and a step of its own.  All
numbers of all lanes stand in one array `work`, so that the compiler knows every distance: row r of a lane is
`work[r * LANES + lane]`.  First come the rows of `Row`, then blocks of one row a state, then parameters, factors and stages;
`KernelLayout` says where.  Whole numbers stand in `iwork` in the same way.  Start with `Row` and `SharedProblem`.
"""

from collections.abc import Callable
from enum import IntEnum, auto
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.rosenbrock import RODAS5P

LANES = 8
"""Patients side by side: a multiple of the vector width of every current processor."""


class _Rows(IntEnum):
    """Rows that follow each other; the value of a member is the place of its first lane."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[Any]) -> int:  # noqa: ARG004 - of enum
        return count * LANES


class Row(_Rows):
    """Rows of `work` that hold one number a lane."""

    T = auto()
    """Time [d] at the start of the step."""
    H = auto()
    """Length of the step [d]."""
    PER_STEP = auto()
    """1 / length of the step [1/d]."""
    STAGE_TIME = auto()
    """Time [d] of a stage of the method."""
    RELATIVE = auto()
    """Relative tolerance."""
    GROWTH = auto()
    """Largest growth of a pivot in the elimination."""
    ERROR = auto()
    """Error of the step in units of the tolerances."""
    STOP = auto()
    """Time [d] at which the segment of the schedule ends."""
    ROOT = auto()
    """Root of the error by the order of the method: what the step should be divided by."""
    LAST_ROOT = auto()
    """`ROOT` of the last accepted step, 0 before the first."""
    LAST_H = auto()
    """Length of the last accepted step [d]."""
    Q = auto()
    """Event output at the start of the step."""
    SLOPE = auto()
    """Time derivative of the event output at the start of the step."""
    Q_END = auto()
    """Event output at the end of the step."""
    SLOPE_END = auto()
    """Time derivative of the event output at the end of the step."""
    Q_INTERIOR = auto()
    """Event output at `STAGE_TIME`, from the states in block B."""
    SLOPE_INTERIOR = auto()
    """Time derivative of the event output at `STAGE_TIME`, from the states in block B."""


class IntRow(_Rows):
    """Rows of `iwork`, which hold one whole number a lane."""

    PATIENT = auto()
    """Column of the patient in the lane, -1 for none."""
    CURSOR = auto()
    """Place in the output grid of the next time to store."""
    SEGMENT = auto()
    """Segment of the schedule."""
    COUNT = auto()
    """Steps tried so far."""
    FIRST_STEP = auto()
    """1 before the first step of a segment, else 0."""
    REJECTED = auto()
    """1 after a rejected step, else 0."""
    HITS_STOP = auto()
    """1 when the step ends the segment, else 0."""
    NEXT_PATIENT = auto()
    """First patient without a lane; stands in lane 0 only."""


STATE_BLOCKS = (
    "Y",  # state at the start of the step
    "TRIAL",  # state at a stage, then at the end of the step
    "F",  # rates at the start of the step
    "G",  # time derivative of the rates, times the step squared
    "B",  # right-hand side and solution of a stage
    "SUM",  # part of the right-hand side that comes from earlier stages
    "D1",  # coefficients of the continuous extension, as in `rosenbrock`
    "D2",
    "D3",
    "SCALE",  # absolute tolerance
)
"""Blocks of `work` with one row a state."""

EXPONENT = 1.0 / RODAS5P.order
"""Power of the error estimate that is proportional to the step."""


class KernelLayout(NamedTuple):
    """The compiled functions of a model, as addresses, and where its blocks begin in `work`."""

    advance: int
    find_rates: int
    find_constants: int
    find_event_output: int
    has_event: int
    """1 when an output is followed for events, else 0."""
    n_states: int
    n_parameters: int
    y: int
    trial: int
    f: int
    b: int
    d1: int
    d2: int
    d3: int
    scale: int
    p: int
    rows: int
    """Number of rows of `work`."""


class SharedProblem(NamedTuple):
    """What all patients of one call share."""

    time: Array
    """Output grid [d], shape (k,)"""
    breaks: Array
    """Times [d] at which inputs change or doses fall, strictly inside the grid"""
    inputs: Array
    """Inputs before the first break, and from each break on, shape (n_breaks + 1, n_inputs)"""
    doses: Array
    """Amounts added at the start of the grid, at each break, and at the end, shape (n_breaks + 2, n_states)"""
    keep: Integers
    """Rows of the states to store."""
    relative: float
    """Relative tolerance."""
    rise: float
    """Rise of the event output above its running minimum that counts as a crossing; infinite for none."""
    threshold: float
    """Value of the event output that counts as a crossing; infinite for none."""
    most_steps: int
    """Steps a patient may take."""


class Patients(NamedTuple):
    """What differs from patient to patient."""

    initial: Array
    """States at the start, shape (n_states, n)"""
    parameters: Array
    """Parameters without inputs, shape (n_parameters, n)"""
    start: Integers
    """Place in the output grid, shape (n,)"""
    scale: Array
    """Absolute tolerances, shape (n_states, n)"""
    nadir: Array
    """Running minimum of the event output before the start, infinite for none, shape (n,)"""


class Outcome(NamedTuple):
    """Arrays the kernel fills."""

    states: Array
    """Stored states on the grid, shape (n, n_kept, k)"""
    final: Array
    """All states at the last time, shape (n, n_states)"""
    crossing: Array
    """Time [d] of the first event, infinite for none, shape (n,)"""
    nadir: Array
    """Running minimum of the event output, shape (n,)"""
    completion: "np.ndarray[Any, np.dtype[np.int8]]"
    """Codes of `Completion`, shape (n,)"""
    failed_at: Array
    """Time [d] of a failure, infinite without one, shape (n,)"""
    failed_state: Integers
    """Row of the state that broke, -1 without one, shape (n,)"""
    steps: Integers
    """Steps tried, shape (n,)"""


Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Return the function as it is; generated modules put numba's decorator in the place of this one."""
    return function


jit_entry = jit
