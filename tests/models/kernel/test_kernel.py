"""Laws of the generated kernel: its method, its linear algebra, its vector functions, the text of expressions, and its cache."""

import itertools
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from numba import njit
from paths import SUPPORT
from plain_models import small_gompertz

from kinimmune.models.errors import ModelError, UsageError
from kinimmune.models.kernel import cache as kernel_cache
from kinimmune.models.kernel import vector_math
from kinimmune.models.kernel.code_printer import to_python
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.intrinsics import from_bits, to_bits
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.kernel.module_source import write_model
from kinimmune.models.kernel.powers import Power, by_logarithm
from kinimmune.models.kernel.rosenbrock import RODAS5P
from kinimmune.models.kernel.sparse_lu import factor_lines, plan_elimination, solve_lines
from kinimmune.models.kernel.workspace import LANES, IntRow, Row
from kinimmune.models.solvers.chunks import map_chunks
from kinimmune.models.solvers.events import RiseFromNadir


def step_by_hand(t: float, y: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray, Callable[[float], np.ndarray]]:
    """Return end, error estimate and continuous extension of one step for y' = [y1, -sin(y0) (1 + cos(t)/3) - y0 y1/5]."""
    method, k = RODAS5P, list[np.ndarray]()
    push = 1.0 + math.cos(t) / 3.0
    jacobian = np.array([[0.0, 1.0], [-math.cos(y[0]) * push - 0.2 * y[1], -0.2 * y[0]]])
    by_time = np.array([0.0, math.sin(y[0]) * math.sin(t) / 3.0])
    w = np.eye(2) / (h * method.gamma) - jacobian
    for a, c, alpha, gamma in zip(method.a, method.c, method.alpha, method.gammas, strict=True):
        z = y + sum((weight * stage for weight, stage in zip(a, k, strict=True)), np.zeros(2))
        rate = np.array([z[1], -math.sin(z[0]) * (1.0 + math.cos(t + alpha * h) / 3.0) - 0.2 * z[0] * z[1]])
        rate += sum((weight * stage for weight, stage in zip(c, k, strict=True)), np.zeros(2)) / h + gamma * h * by_time
        k.append(np.linalg.solve(w, rate))
    end = z + k[-1]
    d = [sum(weight * stage for weight, stage in zip(row, k, strict=True)) for row in method.dense]
    return end, k[-1], lambda x: (1.0 - x) * y + x * (end + (1.0 - x) * (d[0] + x * (d[1] + x * d[2])))


def test_the_coefficients_have_the_orders_that_were_published() -> None:
    def integrate(n: int) -> tuple[np.ndarray, float]:
        y, largest = np.array([1.0, 0.5]), 0.0
        for i in range(n):
            y, error, _ = step_by_hand(2.0 * i / n, y, 2.0 / n)
            largest = max(largest, float(np.abs(error).max()))
        return y, largest

    exact = integrate(640)[0]
    runs = [integrate(n) for n in (10, 20, 40)]
    for coarse, fine in itertools.pairwise(runs):
        assert math.log2(np.abs(coarse[0] - exact).max() / np.abs(fine[0] - exact).max()) == pytest.approx(5.0, abs=0.35)
        assert math.log2(coarse[1] / fine[1]) == pytest.approx(5.0, abs=0.35)


def test_the_continuous_extension_has_order_four() -> None:
    start = np.array([1.0, 0.5])
    errors = []
    for h in (0.2, 0.1, 0.05):
        y = start
        for i in range(64):
            y = step_by_hand(i * 0.5 * h / 64, y, 0.5 * h / 64)[0]
        errors.append(float(np.abs(step_by_hand(0.0, start, h)[2](0.5) - y).max()))
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) > 4.6


def eliminate(matrix: np.ndarray, right: np.ndarray, d: float) -> tuple[np.ndarray, float]:
    """Return the solution of (d - matrix) x = right and the growth of the pivots, by the generated statements."""
    n = right.size
    nonzero = [(i, j) for i in range(n) for j in range(n) if matrix[i, j] != 0.0]
    plan = plan_elimination(n, nonzero)
    names: dict[str, float] = {"d": d, "abs": abs, "max": max} | {f"b_{i}": right[i] for i in range(n)}
    names |= {f"a_{plan.slots[entry]}": matrix[entry] for entry in nonzero}
    exec("\n".join([*factor_lines(plan, nonzero), *solve_lines(plan)]), names)
    return np.array([names[f"b_{i}"] for i in range(n)]), names["worst"]


@pytest.mark.parametrize("seed", range(5))
def test_the_generated_elimination_solves_sparse_systems(seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = np.where(generator.random((12, 12)) < 0.25, generator.standard_normal((12, 12)), 0.0)
    right = generator.standard_normal(12)
    found, growth = eliminate(matrix, right, 5.0)
    np.testing.assert_allclose(found, np.linalg.solve(5.0 * np.eye(12) - matrix, right), rtol=1e-11)
    assert growth < 10.0


def test_an_arrowhead_is_eliminated_without_fill() -> None:
    arrow = [(0, j) for j in range(9)] + [(j, 0) for j in range(1, 9)]
    assert len(plan_elimination(9, arrow).slots) == len({*arrow, *((i, i) for i in range(9))})


def test_the_growth_of_a_vanishing_pivot_is_seen_whatever_the_units() -> None:
    matrix = np.array([[1.0 - 1e-12, 1.0], [1.0, 0.5]])
    units = np.diag([1.0, 1e9])
    _, growth = eliminate(matrix, np.ones(2), 1.0)
    _, rescaled = eliminate(units @ matrix @ np.linalg.inv(units), np.ones(2), 1.0)
    assert growth > 1e8
    assert rescaled == pytest.approx(growth, rel=1e-3)


@pytest.fixture(scope="module")
def vector_functions() -> dict[str, Callable[[float], float]]:
    """Return the compiled exponential and logarithm, with the flags of a generated module."""
    text = Path(vector_math.__file__).read_text(encoding="utf-8").split("# TEMPLATE\n")[1]
    jit = njit(fastmath={"contract", "arcp", "nsz"}, error_model="numpy")
    names = {"jit": jit, "math": math, "TINY": vector_math.TINY, "to_bits": to_bits, "from_bits": from_bits}
    exec(text, names)
    return {name: names[name] for name in ("exponential", "logarithm")}


def test_vector_functions_agree_with_the_library_to_two_units_in_the_last_place(
    vector_functions: dict[str, Callable[[float], float]],
) -> None:
    generator = np.random.default_rng(0)
    for x in [*generator.uniform(-700.0, 700.0, 500), *generator.uniform(-1.0, 1.0, 500)]:
        assert abs(vector_functions["exponential"](x) - math.exp(x)) <= 2.0 * math.ulp(math.exp(x))
    for x in [*np.exp(generator.uniform(-700.0, 700.0, 500)), *np.exp(generator.uniform(-0.1, 0.1, 500))]:
        assert abs(vector_functions["logarithm"](x) - math.log(x)) <= 2.0 * math.ulp(math.log(x))


@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("exponential", math.inf, math.inf),
        ("exponential", -math.inf, 0.0),
        ("exponential", 800.0, math.inf),
        ("exponential", 0.0, 1.0),
        ("exponential", math.nan, math.nan),
        ("logarithm", 0.0, -math.inf),
        ("logarithm", -1.0, math.nan),
        ("logarithm", math.inf, math.inf),
        ("logarithm", 1.0, 0.0),
        ("logarithm", math.nan, math.nan),
    ],
)
def test_vector_functions_keep_infinity_and_nan(
    vector_functions: dict[str, Callable[[float], float]], name: str, x: float, value: float
) -> None:
    assert vector_functions[name](x) == pytest.approx(value, nan_ok=True)


X, Y, N = (sp.Symbol(name, real=True) for name in ("x", "y", "n"))


@pytest.mark.parametrize(
    "expression",
    [
        X**2 / (1 + X) - 3 * Y,
        -X * Y / (X * (Y + 2) ** 2),
        sp.exp(-X) * sp.log(Y) + sp.sqrt(X) - X ** sp.Rational(-3, 2),
        sp.Max(X, Y, 2) - sp.Min(X, 1) + sp.Heaviside(X - Y) + sp.sign(Y - X),
        sp.Rational(1, 3) * X ** sp.Rational(2, 3) - Y ** (-sp.Rational(1, 3)) + X**N,
        -(X - Y) * (X + Y) + sp.tanh(X) - sp.Abs(-Y),
        -(X + 1) / -(Y + X) - -((-2 * X) ** 3),
    ],
)
def test_the_text_of_an_expression_has_its_value(expression: sp.Expr) -> None:
    at = {"x": 1.3, "y": 0.7, "n": 1.7}
    functions = {"math": math, "exponential": math.exp, "logarithm": math.log, "TINY": 1e-300}
    value = eval(to_python(expression), functions, at)
    assert value == pytest.approx(float(expression.subs({X: 1.3, Y: 0.7, N: 1.7})), rel=1e-14)


def test_a_function_the_kernel_cannot_compute_is_named() -> None:
    with pytest.raises(ModelError, match=r"gamma.*use \+ - \* /"):
        to_python(sp.gamma(X))


@pytest.mark.parametrize(("exponent", "value", "slope"), [(2.5, 0.0, 0.0), (1.0, 0.0, 1.0), (3.0, 0.0, 0.0)])
def test_a_power_and_its_derivative_exist_where_the_base_is_zero(exponent: float, value: float, slope: float) -> None:
    functions = {"math": math, "exponential": math.exp, "logarithm": math.log, "TINY": 2.3e-308}
    at = {"x": 0.0, "n": exponent}
    power = Power(X, N)
    assert eval(to_python(by_logarithm(power)), functions, at) == pytest.approx(value, abs=1e-300)
    assert eval(to_python(by_logarithm(sp.diff(power, X))), functions, at) == pytest.approx(slope, abs=1e-300)


def test_compiled_code_has_the_numbers_of_the_enumerations() -> None:
    @njit
    def numbers() -> tuple[int, int, int]:
        return Completion.INACCURATE + 0, Row.SLOPE_INTERIOR + 0, IntRow.NEXT_PATIENT + 0

    assert numbers() == (5, 16 * LANES, 7 * LANES)


@pytest.mark.parametrize("rows", [Row, IntRow])
def test_rows_of_the_work_space_follow_each_other_without_gap(rows: type[Row | IntRow]) -> None:
    assert [int(row) for row in rows] == list(range(0, len(rows) * LANES, LANES))


def test_every_way_an_integration_ends_has_a_code_and_a_sentence_of_its_own() -> None:
    assert [int(kind) for kind in Completion] == list(range(len(Completion)))
    assert len({kind.message for kind in Completion}) == len(Completion)
    assert not Completion.COMPLETE


def test_the_same_equations_give_the_same_text_and_other_equations_another_name() -> None:
    model = small_gompertz()
    assert write_model(model, None) == write_model(small_gompertz(), None)
    assert kernel_cache.identify_model(model, None) != kernel_cache.identify_model(model.without("growth"), None)


def test_a_quantity_that_cannot_be_watched_is_refused() -> None:
    with pytest.raises(UsageError, match="has no output 'diameter'"):
        load_kernel(small_gompertz(), event_output="diameter")
    with pytest.raises(UsageError, match="must be positive"):
        RiseFromNadir("log_burden", 0.0)


DRILL = """
import sys, warnings
import numpy as np
warnings.simplefilter("always")
from plain_models import small_gompertz
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.kernel.kernel import load_kernel
kernel = load_kernel(small_gompertz())
parameters = np.tile([[0.1], [1e3], [10.0]], 3)
found = integrate(kernel, initial=np.full((1, 3), 10.0), parameters=parameters, time=np.array([0.0, 50.0]))
print(repr(float(found.final[0, 2])))
"""


def start_process(cache: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"KINIMMUNE_CACHE": str(cache), "PYTHONPATH": str(SUPPORT)}
    return subprocess.Popen(
        [sys.executable, "-c", DRILL], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


EXACT = 1000.0 * math.exp(math.log(0.01) * math.exp(-5.0))


@pytest.mark.slow
def test_two_processes_fill_one_cache_and_a_third_compiles_nothing(tmp_path: Path) -> None:
    loop = Path(str(kernel_cache.load_loop().__file__)).parent
    shutil.copytree(loop, tmp_path / loop.name)
    (tmp_path / ".kernel-interrupted.tmp").mkdir()
    racing = [start_process(tmp_path), start_process(tmp_path)]
    answers = [process.communicate() for process in racing]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    answers.append(start_process(tmp_path).communicate())
    for printed, warned in answers:
        assert float(printed) == pytest.approx(EXACT, rel=1e-5)
        assert warned == ""
    assert len({printed for printed, _ in answers}) == 1
    assert before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == before
    assert len(list(tmp_path.glob("kinimmune_*/*.py"))) == 2


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_done_without_and_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    printed, warned = start_process(tmp_path / "file" / "cache").communicate()
    assert float(printed) == pytest.approx(EXACT, rel=1e-5)
    assert warned.count("RuntimeWarning") == 1
    assert "Set KINIMMUNE_CACHE" in warned


def test_chunks_come_in_order_whatever_the_threads() -> None:
    parts = [list(map_chunks(lambda part: (part.start, part.stop), 1000, jobs=jobs, chunk=64)) for jobs in (1, 2, 5)]
    assert parts[0] == parts[1] == parts[2]
    assert [begin for begin, _ in parts[0]] == list(range(0, 1000, 64))
    assert parts[0][-1] == (960, 1000)


def test_an_error_in_a_chunk_reaches_the_caller() -> None:
    def fail(part: slice) -> int:
        if part.start == 128:
            raise UsageError("bad chunk")
        return part.start

    with pytest.raises(UsageError, match="bad chunk"):
        list(map_chunks(fail, 1000, jobs=3, chunk=64))
    with pytest.raises(UsageError, match="at least 1"):
        list(map_chunks(fail, 1000, jobs=0))
