"""What the parts of the ensemble kernel share: the work space of the lanes, and the arrays a call brings and takes away.

Start with `ROWS_PER_LANE` and `Course`.  All numbers of all lanes stand in one array `m`, so that the compiler knows every
distance: row r of a lane is `m[r * LANES + lane]`.  First come the rows below, then blocks of one row a state, then parameters,
factors and
stages; `Machine` says where.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.rosenbrock import RODAS5P

LANES = 8
"""Patients side by side: a multiple of the vector width of every current processor."""

ROWS_PER_LANE = (
    "T",  # time
    "H",  # step
    "PER_STEP",  # 1 / step
    "MOMENT",  # time of a stage
    "RELATIVE",  # relative tolerance
    "GROWTH",  # of the pivots
    "ERROR",  # of the step, in units of the tolerances
    "STOP",  # end of the segment
    "ROOT",  # of the error: what the step should be divided by
    "LAST_ROOT",  # of the last accepted step
    "LAST_H",
    "Q",  # watched quantity at the start of the step
    "SLOPE",  # its derivative by time
    "Q_END",  # the same at the end
    "SLOPE_END",
    "Q_INSIDE",  # the same at MOMENT, from the states in B
    "SLOPE_INSIDE",
)
T, H, PER_STEP, MOMENT, RELATIVE, GROWTH, ERROR, STOP, ROOT, LAST_ROOT, LAST_H = range(0, 11 * LANES, LANES)
Q, SLOPE, Q_END, SLOPE_END, Q_INSIDE, SLOPE_INSIDE = range(11 * LANES, 17 * LANES, LANES)

ROWS_PER_STATE = (
    "Y",  # state
    "TRIAL",  # state at a stage, then at the end of the step
    "F",  # rates at the start of the step
    "G",  # their derivative by time, times the step squared
    "B",  # right-hand side and solution of a stage
    "SUM",  # of the earlier stages on the right-hand side
    "BEND",  # continuous extension
    "TWIST",
    "CURL",
    "SCALE",  # absolute tolerance
)

TAGS = (
    "WHO",  # patient, -1 for none
    "CURSOR",  # next time of the output grid
    "SEGMENT",  # of the schedule
    "COUNT",  # steps tried
    "FRESH",  # 1 before the first step of a segment
    "SHRUNK",  # 1 after a rejected step
    "LANDING",  # 1 when the step ends the segment
    "WAITING",  # first patient without a lane (lane 0 only)
)
WHO, CURSOR, SEGMENT, COUNT, FRESH, SHRUNK, LANDING, WAITING = range(0, 8 * LANES, LANES)

EXPONENT = 1.0 / RODAS5P.order
"""Power of the error estimate that is proportional to the step."""

COMPLETE, NOT_FINITE, STEP_UNDERFLOW, TOO_MANY_STEPS, PIVOT_GROWTH, INACCURATE = range(6)
"""Places of the members of `span.Completion`."""


class Machine(NamedTuple):
    """The compiled functions of a model, as addresses, and where its blocks begin in `m`."""

    advance: int
    find_rates: int
    find_constants: int
    find_watched: int
    watch: int
    """1 when an output is watched."""
    n_states: int
    n_parameters: int
    y: int
    trial: int
    f: int
    b: int
    bend: int
    twist: int
    curl: int
    scale: int
    p: int
    rows: int


class Course(NamedTuple):
    """What all patients of one call share."""

    time: Array
    """Output grid [d], shape (k,)"""
    breaks: Array
    """Times [d] at which inputs change or doses fall, strictly inside the grid"""
    inputs: Array
    """shape (n_breaks + 1, n_inputs): values before the first break, and from each break on"""
    doses: Array
    """shape (n_breaks + 2, n_states): added at the start of the grid, at each break, and at the end"""
    keep: Integers
    """States to store."""
    relative: float
    rise: float
    """Rise of the watched quantity above its running minimum that counts as a crossing; infinite for none."""
    level: float
    """Level of the watched quantity that counts as a crossing; infinite for none."""
    most_steps: int


class Patients(NamedTuple):
    """What differs from patient to patient."""

    initial: Array
    """shape (n_states, n)"""
    parameters: Array
    """shape (n_parameters, n)"""
    start: Integers
    """Place in the output grid, shape (n,)"""
    scale: Array
    """Absolute tolerances, shape (n_states, n)"""


class Outcome(NamedTuple):
    """Arrays the kernel fills."""

    states: Array
    """shape (n, n_kept, k)"""
    final: Array
    """shape (n, n_states)"""
    crossing: Array
    nadir: Array
    completion: "np.ndarray[Any, np.dtype[np.int8]]"
    failed_at: Array
    blamed: Integers
    """Row of the state that broke, -1 without one"""
    steps: Integers


Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Stand for numba's decorator, which the generated modules put in its place."""
    return function


jit_entry = jit
