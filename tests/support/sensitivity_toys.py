"""Functions with closed forms as steps of sensitivity studies, and pools and stores that fail."""

import math
from dataclasses import replace

import numpy as np

from kinimmune.fitting.sampling.results import Draws, SampledParameter, SampleResult
from kinimmune.fitting.sensitivity.blocks import Study, collect_rows, measure_rows
from kinimmune.fitting.sensitivity.designs import Design
from kinimmune.fitting.sensitivity.indices import compute_indices
from kinimmune.fitting.sensitivity.inputs import SensitivityInput
from kinimmune.fitting.sensitivity.values import Responses
from kinimmune.fitting.workflow.runtime import NoStore, Runtime
from kinimmune.fitting.workflow.task import SerialExecutor, TaskFunction
from kinimmune.models.symbolic.parameters import Scale

SOBOL_G = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0])
COEFFICIENTS = np.array([3.0, -1.0, 0.0, 0.5])
EXPONENTS = np.array([2.0, -0.5, 0.0])


def ishigami(x):
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


FUNCTIONS = {
    "ishigami": ishigami,
    "sobol_g": lambda x: np.prod((np.abs(4.0 * x - 2.0) + SOBOL_G) / (1.0 + SOBOL_G), axis=1),
    "linear": lambda x: 7.0 + x @ COEFFICIENTS,
    "power": lambda x: 5.0 * np.prod(x**EXPONENTS, axis=1),
    "first": lambda x: np.exp(x[:, 0]),
    "bowl": lambda x: np.log(x[:, 0]) ** 2 + 0.1 * x[:, 2],
    "constant": lambda x: np.full(x.shape[0], 4.0),
}


def measure(inputs):
    """Measure rows of a function with a closed form: a step of work, as `measure_block` is; some of its points fail.

    `noise` is the largest deviation from the closed form, `error` what is said of it, `scale` the unit of all three.
    """

    def respond(values):
        scale, share = inputs["scale"], inputs["failing"]
        # something between 0 and 1 that has nothing to do with where a point lies
        weights = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0])[: values.shape[1]]
        any_number = np.modf(np.abs(values @ weights) * 1e7)[0]
        lost = any_number < share
        found = scale * (FUNCTIONS[inputs["function"]](values) + inputs["noise"] * (2.0 * any_number - 1.0))
        told = Responses(np.where(lost, np.nan, found)[:, None], tuple("it was made to fail" if item else None for item in lost))
        return replace(told, errors=np.full((found.size, 1), scale * inputs["error"])) if inputs["error"] else told

    return measure_rows(inputs, respond)


MEASURE = TaskFunction("toy.measure", measure)


class Nowhere:
    """Keeps nothing."""

    def load(self, _step):
        return None

    def save(self, _step, _outcome):
        pass


class Killed(Exception):  # noqa: N818 - what it stands for
    """The process went away."""


class Failing:
    """A pool that is killed after some steps."""

    def __init__(self, after):
        self.left = after

    def submit(self, step):
        if not self.left:
            raise Killed
        self.left -= 1
        return SerialExecutor().submit(step)


def uniform(count, low, high):
    width = (high - low) / math.sqrt(12.0)
    middle = (low + high) / 2.0
    return tuple(
        SensitivityInput(f"x{place}", Scale.NORMAL, middle, middle, width, low, high, ranged=True) for place in range(count)
    )


def normal(key, sd=1.0):
    return SensitivityInput(key, Scale.LOGNORMAL, 0.0, 0.0, sd, -math.inf, math.inf, ranged=False)


def design(method, inputs, *, groups=None, seed=1, **more):
    return Design(method, inputs, seed, tuple(item.key for item in inputs) if groups is None else groups, **more)


def run(planned, function, samples, *, store=None, pool=None, failing=0.0, noise=0.0, error=0.0, scale=1.0):
    given = {"function": function, "failing": failing, "noise": noise, "error": error, "scale": scale}
    study = Study(planned, samples, "toy-", MEASURE, given, {})
    sample = collect_rows(study, Runtime(store or NoStore(), pool or SerialExecutor()))
    return sample, compute_indices(planned, sample, ())


def ishigami_indices():
    a, b = 7.0, 0.1
    first = 0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2
    second, both = a * a / 8.0, b * b * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    whole = first + second + both
    return np.array([first, second, 0.0]) / whole, np.array([first + both, second, both]) / whole


def sobol_g_indices():
    alone = 1.0 / (3.0 * (1.0 + SOBOL_G) ** 2)
    whole = np.prod(1.0 + alone) - 1.0
    return alone / whole, np.array([alone[i] * np.prod(np.delete(1.0 + alone, i)) for i in range(8)]) / whole


CASES = (("ishigami", uniform(3, -math.pi, math.pi), ishigami_indices), ("sobol_g", uniform(8, 0.0, 1.0), sobol_g_indices))
"""Function, inputs, and what gives its first and total indices."""


def residual_correlation(x, y, place):
    """Correlation of what linear regression on the other columns leaves of a column and of y."""
    others = np.column_stack([np.ones(len(y)), np.delete(x, place, axis=1)])
    left = [column - others @ np.linalg.lstsq(others, column, rcond=None)[0] for column in (x[:, place], y)]
    return np.corrcoef(*left)[0, 1]


def make_sample(values, names, *, converged):
    """Return a sample with these draws, shape (k, n), in units of the tables; the first name is worth 100 independent ones."""
    told = {"median": 1.0, "lower": 0.5, "upper": 2.0, "contraction": 0.5, "r_hat": 1.0, "tail_ess": 90.0}
    result = SampleResult(
        model="hcc_trial",
        seed=1,
        patients=4,
        ensembles=4,
        walkers=20,
        steps=100,
        burn_in=50,
        converged=converged,
        faults=() if converged else ("R-hat of a is 1.2",),
        acceptance=(0.3,) * 4,
        evaluations=9,
        failed=0,
        draws=40,
        failed_draws=0,
        parameters=tuple(
            SampledParameter(name, name, "1", **told, bulk_ess=100.0 + place, autocorrelation_time=9.0)
            for place, name in enumerate(names)
        ),
        **dict.fromkeys(("predictions", "probabilities", "bands", "ratios", "traces", "correlation"), ()),
    )
    return result, Draws(names, np.asarray(values), tuple((1, step, 0, 0.0) for step in range(len(values))))
