"""The text of the generated modules of the ensemble kernel: one for each model, and one loop over steps for all.

Start with `write_model`.  What is compiled together stands in one file, because numba's cache on disk does not notice a
change in a function of another file; between the two files stand only addresses of functions.
"""

import inspect

from kinimmune.models.kernel import event_location, scan_loop, scan_window, step_control, step_loop, vector_math
from kinimmune.models.kernel.model_code import ModelFunctions
from kinimmune.models.kernel.rosenbrock import RODAS5P, Rosenbrock
from kinimmune.models.kernel.sparse_lu import plan_elimination
from kinimmune.models.kernel.straight_line import lower_model
from kinimmune.models.kernel.workspace import LANES
from kinimmune.models.symbolic.model import OdeModel

_SETTINGS = """
FAST = {"contract", "arcp", "nsz"}
jit = njit(fastmath=FAST, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""

_MODEL = '''"""Equations and one step of the model '{model}', written by kinimmune; it is safe to delete.

States: {states}.
Method: {method} ({source}).
Row r of a lane is work[r * LANES + lane].  In the names: s_ state, p_ parameter or input, d_ definition, j_ its derivative,
k_ constant of a segment, c_ common subexpression, f_ rate, a_ entry of the Jacobian, w_ entry of its factors, b_ right-hand side.
"""

import math

from kinimmune.models.kernel.intrinsics import from_bits, to_bits
from numba import cfunc, njit, types
{settings}entry = cfunc(types.void(types.CPointer(types.float64), types.int64), fastmath=FAST, error_model="numpy", cache=True)

LANES, N_STATES, N_PARAMETERS, N_INPUTS, HAS_EVENT = {lanes}, {n_states}, {n_parameters}, {n_inputs}, {has_event}
TINY = 2.2250738585072014e-308

{rows}
'''

_LOOP = '''"""The loop over steps of the ensemble kernel, written by kinimmune; it is safe to delete."""

import math

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.intrinsics import call_model
from kinimmune.models.kernel.workspace import EXPONENT, LANES, IntRow, KernelLayout, Outcome, Patients, Row, SharedProblem
from numba import njit
{settings}# what the loop works with has too many parts to be handed over at every call
jit = njit(fastmath=FAST, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)
jit_entry = njit(fastmath=FAST, error_model="numpy", _nrt=False, nogil=True, cache=True)
PLACE = {place:#x}
'''

_SCANS = '''"""The loop over scans, written by kinimmune; it is safe to delete."""

import math

from kinimmune.models.arrays import Array
from kinimmune.models.kernel.intrinsics import from_bits, to_bits
from kinimmune.models.kernel.scan_arrays import EDGE, PAD, Criteria, Given, Scratch, Seen
from numba import njit
{settings}# what the loop works in has too many parts to be handed over at every call
jit = njit(fastmath=FAST, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)
jit_entry = njit(fastmath=FAST, error_model="numpy", _nrt=False, nogil=True, cache=True)
{numbers}
'''


def write_scans() -> str:
    """Return the module that holds the loop over scans."""
    parts = [inspect.getsource(module).split("# TEMPLATE\n", 1)[1].strip() for module in (vector_math, scan_window, scan_loop)]
    own = ((scan_window, ("REACH", "DENSITY")), (scan_loop, ("NOBODY", "FEW")))
    numbers = "\n".join(f"{name} = {getattr(module, name)!r}" for module, names in own for name in names)
    return "\n\n\n".join([_SCANS.format(settings=_SETTINGS, numbers=numbers).rstrip(), *parts]) + "\n"


def write_loop() -> str:
    """Return the module that holds the loop over steps."""
    parts = [
        inspect.getsource(module).split("# TEMPLATE\n", 1)[1].strip() for module in (event_location, step_control, step_loop)
    ]
    return "\n\n\n".join([_LOOP.format(settings=_SETTINGS, place=step_loop.PLACE).rstrip(), *parts]) + "\n"


def write_model(model: OdeModel, event_output: str | None, method: Rosenbrock = RODAS5P) -> str:
    """Return the module that computes a step of a model.

    Parameters
    ----------
    model
        the equations
    event_output
        output whose events are located, or None
    method
        coefficients
    """
    code = lower_model(model, event_output)
    writer = ModelFunctions(code, plan_elimination(len(code.states), code.jacobian), method)
    rows = [f"{name} = {place}" for name, place in writer.blocks.begins.items()]
    header = _MODEL.format(
        model=model.name,
        states=", ".join(model.state_names),
        method=method.name,
        source=method.source,
        settings=_SETTINGS,
        lanes=LANES,
        n_states=len(code.states),
        n_parameters=len(model.parameter_names),
        n_inputs=len(model.inputs),
        has_event=int(event_output is not None),
        rows="\n".join([*rows, f"ROWS = {writer.blocks.rows}"]),
    )
    vectors = inspect.getsource(vector_math).split("# TEMPLATE\n", 1)[1].strip()
    return "\n\n\n".join([header.rstrip(), vectors, *writer.write()]) + "\n"
