"""The posterior of a fit as a joint distribution of the inputs of a study: Gaussian, by the curvature at the optimum.

Start with `approximate_posterior`.
"""

from collections.abc import Sequence

import numpy as np

from kinimmune.fitting.sensitivity_inputs import Input, Posterior
from kinimmune.fitting.uncertainty import Linearisation
from kinimmune.models.errors import UsageError


def approximate_posterior(linear: Linearisation, inputs: Sequence[Input], possible: Sequence[str]) -> Posterior:
    """Return the Gaussian posterior of some parameters.

    Estimates and constants are drawn together, with covariance (J'J + 1)^-1 in standard scores (`Linearisation.covariance`) about
    the estimates and the values of the tables.  A parameter the output depends on but that is not varied is held: the covariance
    is the conditional one.  One the output does not depend on is left out: the covariance is the marginal one.

    Parameters
    ----------
    linear
        the fit about its optimum
    inputs
        what varies
    possible
        keys of all parameters the output can depend on

    Raises
    ------
    UsageError
        for an input that has a range or a fixed prior: the posterior says nothing about it
    """
    for item in inputs:
        if item.ranged or item.key not in linear.names:
            raise UsageError(f"--posterior: '{item.key}' has a range or no prior, so it has no posterior; leave it out")
    varied = [item.key for item in inputs]
    jacobian = linear.data_jacobian
    precision = jacobian.T @ jacobian + np.eye(jacobian.shape[1])
    kept = [place for place, key in enumerate(linear.names) if key in varied or key not in possible]
    conditional = np.linalg.inv(precision[np.ix_(kept, kept)])
    places = [[linear.names[place] for place in kept].index(key) for key in varied]
    sd = np.array([item.sd for item in inputs])
    covariance = conditional[np.ix_(places, places)] * np.outer(sd, sd)
    root = np.linalg.cholesky(covariance)
    return Posterior(tuple(item.centre for item in inputs), tuple(map(tuple, root.tolist())))
