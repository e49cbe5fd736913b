"""The Rosenbrock method the ensemble kernel is generated from: its coefficients and where they were published.

Start with `RODAS5P`.  One step of size h from (t, y) solves, for each stage i, with J and f_t taken at (t, y)

    (1/(h gamma) - J) k_i = f(t + alpha_i h, y + sum_j a_ij k_j) + sum_j c_ij k_j / h + gamma_i h f_t

and ends at y + sum_j a_sj k_j + k_s; the last k_s alone is the error estimate (stiffly accurate pair).  Between the ends

    y(t + x h) = (1 - x) y_0 + x (y_1 + (1 - x) (D_1 + x (D_2 + x D_3))),   D_i = sum_j d_ij k_j
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
    """d_1, d_2, d_3 of the continuous extension."""
    order: int
    """Order of the solution; the embedded one is one lower."""

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.a)


_LAST = (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946)

RODAS5P = Rosenbrock(
    name="Rodas5P",
    source="G. Steinebach, Construction of Rosenbrock-Wanner method Rodas5P, BIT Numerical Mathematics 63 (2023) 27",
    gamma=0.21193756319429014,
    a=(
        (),
        (3.0,),
        (2.849394379747939, 0.45842242204463923),
        (-6.954028509809101, 2.489845061869568, -10.358996098473584),
        (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
        _LAST,
        (*_LAST, 1.0),
        (*_LAST, 1.0, 1.0),
    ),
    c=(
        (),
        (-14.155112264123755,),
        (-17.97296035885952, -2.859693295451294),
        (147.12150275711716, -1.41221402718213, 71.68940251302358),
        (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
        (24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471),
        (30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623, -28.087943162872662),
        (
            37.80277123390563,
            -3.2571969029072276,
            112.26918849496327,
            66.9347231244047,
            -40.06618937091002,
            -54.66780262877968,
            -9.48861652309627,
        ),
    ),
    alpha=(0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0),
    gammas=(0.21193756319429014, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069, 0.0, 0.0, 0.0),
    dense=(
        (
            25.948786856663858,
            -2.5579724845846235,
            10.433815404888879,
            -2.3679251022685204,
            0.524948541321073,
            1.1241088310450404,
            0.4272876194431874,
            -0.17202221070155493,
        ),
        (
            -9.91568850695171,
            -0.9689944594115154,
            3.0438037242978453,
            -24.495224566215796,
            20.176138334709044,
            15.98066361424651,
            -6.789040303419874,
            -6.710236069923372,
        ),
        (
            11.419903575922262,
            2.8879645146136994,
            72.92137995996029,
            80.12511834622643,
            -52.072871366152654,
            -59.78993625266729,
            -0.15582684282751913,
            4.883087185713722,
        ),
    ),
    order=5,
)
"""L-stable, order 5 with embedded order 4, eight stages, continuous extension of order 4."""
