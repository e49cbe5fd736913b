"""The Rosenbrock method the ensemble kernel is generated from: its coefficients and where they were published.

Start with `RODAS`.  One step of size h from (t, y) solves, for each stage i, with J and f_t taken at (t, y)

    (1/(h gamma) - J) k_i = f(t + alpha_i h, y + sum_j a_ij k_j) + sum_j c_ij k_j / h + gamma_i h f_t

and ends at y + sum_j a_sj k_j + k_s; the last k_s alone is the error estimate (stiffly accurate pair).  Between the ends

    y(t + x h) = (1 - x) y_0 + x (y_1 + (1 - x) (sum_j d_2j k_j + x sum_j d_3j k_j))
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rosenbrock:
    """A stiffly accurate Rosenbrock pair in the form that needs no product with the Jacobian."""

    name: str
    source: str
    gamma: float
    a: tuple[tuple[float, ...], ...]
    """Row i: weights of the earlier stages in the argument of stage i; the last row is the embedded solution."""
    c: tuple[tuple[float, ...], ...]
    """Row i: weights of the earlier stages on the right-hand side of stage i, to be divided by h."""
    alpha: tuple[float, ...]
    """Time of each stage in units of h."""
    gammas: tuple[float, ...]
    """Weight of the time derivative in each stage in units of h."""
    dense: tuple[tuple[float, ...], ...]
    """d_2 and d_3 of the continuous extension."""

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.a)


RODAS = Rosenbrock(
    name="RODAS",
    source=(
        "E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, 2nd ed., Springer 1996, section IV.7 and VI.4; "
        "coefficients of the authors' program RODAS, method 1"
    ),
    gamma=0.25,
    a=(
        (),
        (1.544,),
        (0.9466785280815826, 0.2557011698983284),
        (3.314825187068521, 2.896124015972201, 0.9986419139977817),
        (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
        (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
    ),
    c=(
        (),
        (-5.6688,),
        (-2.430093356833875, -0.2063599157091915),
        (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
        (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
        (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
    ),
    alpha=(0.0, 0.386, 0.21, 0.63, 1.0, 1.0),
    gammas=(0.25, -0.1043, 0.1035, -0.03620000000000023, 0.0, 0.0),
    dense=(
        (10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662),
        (-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872),
    ),
)
"""L-stable, order 4 with embedded order 3, six stages, continuous extension of order 3."""
