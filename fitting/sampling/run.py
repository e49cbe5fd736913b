"""The posterior of a fit in its run: planned, sampled and written.

Start with `plan_sample` and `run_sample`.
"""

from dataclasses import dataclass

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.sampling.results import SampleResult, write_sample
from kinimmune.fitting.sampling.sample import count_tasks, sample_fit
from kinimmune.fitting.settings import SampleOptions
from kinimmune.fitting.workflow.runtime import Runtime


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
    return SamplePlan(fitted, options, count_tasks(options, fitted))


def run_sample(plan: SamplePlan, runtime: Runtime) -> SampleResult:
    """Sample, predict from the draws, and write `results/sample.json` and the draws into the run of the fit."""
    found, draws = sample_fit(plan.fitted, plan.options, runtime)
    write_sample(plan.fitted.run, found, draws)
    return found
