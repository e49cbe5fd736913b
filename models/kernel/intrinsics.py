"""What numba's language lacks: the bits of a number, and a call of compiled code by its address.

Start with `call_model`.  The loop over steps calls a model's functions by address, so that it is compiled once for all models, a
model is compiled without the loop, and no compiled caller can hold an old copy of a callee.
"""
# ruff: noqa: ANN401, ARG001 - the objects of numba's code generation carry no types, and its typing functions take them unused

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from kinimmune.models.arrays import Array


def _to_bits(_context: Any, value: Any) -> Any:
    """Return the 64 bits of a double as an integer."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


def _from_bits(_context: Any, bits: Any) -> Any:
    """Return the double with these 64 bits."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


def _call_model(_context: Any, address: Any, work: Any, lane: Any) -> Any:
    """Call the C function `void (double *work, int64_t lane)` at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, array, lane_number = arguments
        data = context.make_array(signature.args[1])(context, builder, value=array).data
        function = ir.FunctionType(ir.VoidType(), [data.type, ir.IntType(64)])
        builder.call(builder.inttoptr(address, function.as_pointer()), [data, lane_number])
        return context.get_dummy_value()

    return types.void(types.int64, work, types.int64), generate


to_bits = cast(Callable[[float], int], intrinsic(_to_bits))
from_bits = cast(Callable[[int], float], intrinsic(_from_bits))
call_model = cast(Callable[[int, Array, int], None], intrinsic(_call_model))
