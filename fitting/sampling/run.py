"""The posterior of a fit in its run: planned, sampled and written.

Start with `plan_sample` and `run_sample`.
"""

from dataclasses import dataclass

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.sampling.results import SampleResult, write_sample
from kinimmune.fitting.sampling.sample import count_tasks, sample_fit
from kinimmune.fitting.sampling.surrogate_sample import count_surrogate_tasks, sample_by_surrogate
from kinimmune.fitting.settings import SampleOptions
from kinimmune.fitting.workflow.runtime import Runtime

SURROGATE = "surrogate"
"""The method of sampling that learns; any other is emcee on the posterior itself."""


@dataclass(frozen=True)
class SamplePlan:
    """A sample that can be drawn."""

    fitted: Fitted
    options: SampleOptions
    tasks: int
    """Number of tasks it takes."""


def plan_sample(fitted: Fitted, options: SampleOptions) -> SamplePlan:
    """Return the plan of a sample of the posterior of a fit.

    Raises
    ------
    UsageError
        for fewer ensembles, walkers or steps than give a sample
    """
    count = count_surrogate_tasks if options.method == SURROGATE else count_tasks
    return SamplePlan(fitted, options, count(options, fitted))


def run_sample(plan: SamplePlan, runtime: Runtime) -> SampleResult:
    """Sample, predict from the draws, and write `results/sample.json` and the draws into the run of the fit."""
    draw = sample_by_surrogate if plan.options.method == SURROGATE else sample_fit
    found, draws = draw(plan.fitted, plan.options, runtime)
    write_sample(plan.fitted.run, found, draws)
    return found
