"""The text of the generated ensemble kernel: one readable module a model, the loop over steps included.

Start with `write_kernel`.  Everything that is compiled stands in one file because numba's cache on disk does not notice a change in
a function that another file calls.
"""

import inspect
from collections.abc import Sequence

import sympy as sp
from kinimmune.models import step_loop
from kinimmune.models.elimination import Elimination, factor_lines, plan_elimination, solve_lines
from kinimmune.models.model import TIME, OdeModel
from kinimmune.models.rosenbrock import RODAS, Rosenbrock
from kinimmune.models.straight_line import Linearisation, linearise, share, to_python

LANES = 8
"""Patients side by side: a multiple of the vector width of every current processor."""

_HEADER = '''"""Ensemble kernel of the model '{model}', written by kinimmune {version}; it is safe to delete.

States: {states}.
Method: {method} ({source}).
"""

import math

import numpy as np
from kinimmune.models.step_loop import Course, Lanes, Outcome, Patients
from numba import njit

LANES, STAGES, N_STATES, N_PARAMETERS, N_SLOTS = {lanes}, {stages}, {n_states}, {n_parameters}, {n_slots}
WATCH = {watch}
COMPLETE, NOT_FINITE, STEP_UNDERFLOW, TOO_MANY_STEPS, PIVOT_GROWTH = range(5)
TINY = 2.2250738585072014e-308
jit = njit(fastmath={{"contract", "arcp", "nsz"}}, error_model="numpy", nogil=True, cache=True)
'''


def read_template() -> str:
    """Return the text of the loop over steps."""
    return inspect.getsource(step_loop).split("# TEMPLATE\n", 1)[1].strip() + "\n"


def write_kernel(model: OdeModel, watch: str | None, version: str, method: Rosenbrock = RODAS, lanes: int = LANES) -> str:
    """Return the module that integrates a model.

    Parameters
    ----------
    model
        the equations
    watch
        output whose rise is located, or None
    version
        of the generator
    method
        coefficients
    lanes
        patients side by side
    """
    system = linearise(model, watch)
    plan = plan_elimination(len(system.states), system.jacobian)
    header = _HEADER.format(
        model=model.name,
        version=version,
        states=", ".join(state.name for state in model.states),
        method=method.name,
        source=method.source,
        lanes=lanes,
        stages=method.stages,
        n_states=len(system.states),
        n_parameters=max(1, len(system.parameters)),
        n_slots=len(plan.slots),
        watch=watch is not None,
    )
    parts = [header, *_model_functions(system, plan), *_method_functions(method, bool(system.time_derivative))]
    return "\n\n".join([*parts, read_template()])


def _model_functions(system: Linearisation, plan: Elimination) -> list[str]:
    rates = [(f"f[{i}, l]", rate) for i, rate in enumerate(system.rates)]
    jacobian = [(f"w[{plan.slots[entry]}, l]", value) for entry, value in system.jacobian.items()]
    n = len(system.states)
    by_time = [(f"g[{i}, l]", system.time_derivative.get(i, sp.Integer(0))) for i in range(n)] if system.time_derivative else []
    watched = [] if system.watched is None else list(zip(("q[l]", "slope[l]"), system.watched, strict=True))
    return [
        _function("rates(t, y, p, f)", _assign(system, rates)),
        _function("evaluate(t, y, p, f, g, w, q, slope)", _assign(system, [*rates, *jacobian, *by_time, *watched])),
        _function("watch(t, y, p, q, slope)", _assign(system, watched)),
        _function("factorise(w, diagonal, growth)", factor_lines(plan, system.jacobian)),
        _function("solve(w, b)", solve_lines(plan)),
    ]


def _function(signature: str, lines: Sequence[str]) -> str:
    body = [f"        {line}" for line in lines]
    return "\n".join(["@jit", f"def {signature}:", "    for l in range(LANES):", *(body or ["        pass"])])


def _assign(system: Linearisation, results: Sequence[tuple[str, sp.Expr]]) -> list[str]:
    """Return loads, assignments and stores of one lane."""
    stores = {sp.Symbol(f"r_{number}", real=True): target for number, (target, _) in enumerate(results)}
    wanted = [(name, expression) for name, (_, expression) in zip(stores, results, strict=True)]
    steps = share([*system.definitions, *system.derivatives], wanted) if wanted else []
    used = set().union(*(expression.free_symbols for _, expression in steps))
    lines = [f"{TIME.name}_now = t[l]"] if TIME in used else []
    lines += [f"{name.name} = y[{i}, l]" for i, name in enumerate(system.states) if name in used]
    lines += [f"{name.name} = p[{i}, l]" for i, name in enumerate(system.parameters) if name in used]
    now = {TIME: sp.Symbol(f"{TIME.name}_now", real=True)}
    return lines + [f"{stores.get(name, name.name)} = {to_python(expression.xreplace(now))}" for name, expression in steps]


def _method_functions(method: Rosenbrock, timed: bool) -> list[str]:
    functions = []
    for stage in range(method.stages):
        if stage:
            functions.append(_over_states(f"blend_{stage}(y, k, trial)", [f"trial[i, l] = y[i, l] + {_sum(method.a[stage])}"]))
        load = f"k[{stage}, i, l] + per_step[l] * ({_sum(method.c[stage])})" if stage else "f[i, l]"
        by_time = f" + ({method.gammas[stage]!r}) * h[l] * g[i, l]" if timed and method.gammas[stage] else ""
        functions.append(_over_states(f"load_{stage}(f, g, h, per_step, k)", [f"k[{stage}, i, l] = {load}{by_time}"]))
    rows = [f"{name}[i, l] = {_sum(weights)}" for name, weights in zip(("bend", "twist"), method.dense, strict=True)]
    functions.append(_over_states("extend(k, bend, twist)", rows))
    return [*functions, _advance(method)]


def _over_states(signature: str, lines: Sequence[str]) -> str:
    body = [f"            {line}" for line in lines]
    return "\n".join(["@jit", f"def {signature}:", "    for i in range(N_STATES):", "        for l in range(LANES):", *body])


def _sum(weights: Sequence[float]) -> str:
    factors = [(f"({weight!r}) * " if weight != 1.0 else "", stage) for stage, weight in enumerate(weights) if weight]
    return " + ".join(f"{factor}k[{stage}, i, l]" for factor, stage in factors)


def _advance(method: Rosenbrock) -> str:
    lines = [
        "@jit",
        "def advance(lanes):",
        "    t, h, moment, y, p, f, g, w, k = "
        "lanes.t, lanes.h, lanes.moment, lanes.y, lanes.p, lanes.f, lanes.g, lanes.w, lanes.k",
        "    trial, per_step = lanes.trial, lanes.per_step",
        "    for l in range(LANES):",
        "        per_step[l] = 1.0 / h[l]",
        f"        lanes.diagonal[l] = {1.0 / method.gamma!r} * per_step[l]",
        "    evaluate(t, y, p, f, g, w, lanes.q, lanes.slope)",
        "    factorise(w, lanes.diagonal, lanes.growth)",
        "    load_0(f, g, h, per_step, k)",
        "    solve(w, k[0])",
    ]
    for stage in range(1, method.stages):
        lines += [
            f"    blend_{stage}(y, k, trial)",
            "    for l in range(LANES):",
            f"        moment[l] = t[l] + {method.alpha[stage]!r} * h[l]",
            f"    rates(moment, trial, p, k[{stage}])",
            f"    load_{stage}(f, g, h, per_step, k)",
            f"    solve(w, k[{stage}])",
        ]
    return "\n".join([*lines, "    extend(k, lanes.bend, lanes.twist)"])
