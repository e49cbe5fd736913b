"""What a study goes over, in words: distributions of inputs, and the posterior that was chosen.

Start with `describe_posterior` and `describe_distribution`.
"""

from kinimmune.fitting.sensitivity.inputs import SensitivityInput
from kinimmune.fitting.sensitivity.posterior import ChosenPosterior, Obstacle, Refusal, SampleUse
from kinimmune.models.symbolic.parameters import Parameter, Scale


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
