"""Profiles of parabolas: every parameter moves along with all others, in opposite directions."""

from kinimmune.fitting.profile.results import (
    CorrelatedParameter,
    Curve,
    Ending,
    Identifiability,
    ParameterProfile,
    PredictionProfile,
    ProfileResult,
)

SCORES = (-2.0, -1.0, 0.0, 1.0, 2.0)


def make_profiles(parameters, predictions):
    """Return profiles of parameters and predictions of these names."""
    return ProfileResult(
        "toy", 1, 32, 4, 1.0, 2.0, tuple(_profile(name, parameters) for name in parameters),
        tuple(PredictionProfile(name, 0.7, _draw(()), 0.0) for name in predictions), (), (), 100,
    )  # fmt: skip


def _profile(name, all_names):
    others = [other for other in all_names if other != name]
    moved = tuple(CorrelatedParameter(other, 1.0, 2.0) for other in others)
    return ParameterProfile(
        name, "p", "1", name, 1.0, Identifiability.IDENTIFIABLE, _draw(others), _draw(others), 1.0, 1.0, moved, "nothing to say"
    )


def _draw(others):
    values = tuple(0.8 + 0.05 * score for score in SCORES)
    paths = {other: tuple((-1.0) ** place * score for score in SCORES) for place, other in enumerate(others)}
    both = (Ending.RANGE, Ending.RANGE)
    return Curve(values, SCORES, tuple(score**2 for score in SCORES), None, None, None, None, both, paths, {})
