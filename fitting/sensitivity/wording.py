"""What a study goes over, in words: distributions of inputs, the posterior that was chosen, and why an index is missing.

Start with `describe_posterior`, `describe_distribution` and `explain_gaps`.
"""

from kinimmune.fitting.sensitivity.inputs import SensitivityInput
from kinimmune.fitting.sensitivity.posterior import ChosenPosterior, Obstacle, Refusal, SampleUse
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.models.symbolic.parameters import Parameter, Scale

MOST_NAMED = 6
"""Parameters that are named one by one."""


def describe_posterior(chosen: ChosenPosterior) -> str:
    """Return what a posterior is made of, or why it is not taken from a sample, in one clause."""
    if isinstance(chosen.made_of, SampleUse):
        return _describe_use(chosen.made_of)
    return f"Gaussian by the curvature: {_describe_refusal(chosen.made_of)}"


def _describe_use(use: SampleUse) -> str:
    worth = "" if use.effective_draws is None else f", worth {use.effective_draws:.0f} independent ones"
    constants = "; constants Gaussian by the curvature, estimates moving along" if use.constants_vary else ""
    return f"{use.draws} draws of the sample of the run{worth}{constants}"


def _describe_refusal(refusal: Refusal) -> str:
    if refusal.obstacle is Obstacle.NO_SAMPLE:
        return "the run holds no sample"
    if refusal.obstacle is Obstacle.PARAMETER_FIXED:
        return f"no draws of the sample have '{refusal.detail}' at its estimate"
    fault = f" ({refusal.detail})" if refusal.detail else ""
    return f"the sample of the run has not converged{fault}"


def describe_distribution(item: SensitivityInput, parameter: Parameter, chosen: ChosenPosterior | None) -> str:
    """Return what an input is drawn from.

    Parameters
    ----------
    item
        the input
    parameter
        the parameter it is
    chosen
        posterior of the study; None for priors and ranges
    """
    if chosen is not None:
        return "posterior, sampled" if item.key in chosen.sampled else "posterior, Gaussian"
    if item.ranged:
        scale = {Scale.LOGNORMAL: " in ln", Scale.LOGITNORMAL: " in logit"}.get(item.scale, "")
        return f"{item.value(item.lower):.4g} to {item.value(item.upper):.4g}, uniform{scale}"
    return f"{parameter.prior.scale}({parameter.prior.median:.4g}, {parameter.prior.sd:g})"


def explain_gaps(result: SensitivityResult) -> str:
    """Return which indices are missing because the output moves by less than its numerical error; empty where none is."""
    if result.method == "local":
        return _explain_derivatives(result)
    gaps = [moment.time for moment in result.course if all(value is None for value in moment.prcc)]
    if not gaps:
        return ""
    when = f"{gaps[0]:.3g}" if len(gaps) == 1 else f"{gaps[0]:.3g} to {gaps[-1]:.3g}"
    return (
        f"no correlations at {len(gaps)} of {len(result.course)} times ({when} {result.course_unit}): "
        "the output varies there by no more than its numerical error"
    )


def _explain_derivatives(result: SensitivityResult) -> str:
    """Return whose derivative is missing although the output is there: it exists wherever an output is known to move."""
    ends = result.low or (), result.high or (), result.effect or ()
    hidden = [
        name
        for name, low, high, effect in zip(result.names, *ends, strict=True)
        if effect is None and low is not None and high is not None
    ]
    if not hidden:
        return ""
    more = len(hidden) - MOST_NAMED
    names = ", ".join(hidden[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    error = "" if result.error is None else f" ({result.error:.2g})"
    return f"no derivative by {names}: the output moves by no more than its numerical error{error}"
