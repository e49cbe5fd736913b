"""What `kinimmune sensitivity` prints: the indices, largest first, what was lost, and whether they have settled.

Start with `print_sensitivity`.
"""

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.sensitivity.results import Indices, LearnedOutput, SensitivityResult, judge_convergence

_ROWS = {"sobol": "base rows", "morris": "trajectories", "prcc": "draws", "local": "parameters"}


def print_sensitivity(result: SensitivityResult) -> None:
    """Print the table of a study on stdout."""
    among = "" if result.patients is None else f", {result.patients} patients per arm"
    print(
        f"{result.model}: {result.method} over {result.distribution}{_tell_source(result)}, {result.n} {_ROWS[result.method]}, "
        f"{result.evaluations} evaluations{among}, seed {result.seed}"
    )
    spread = "" if result.sd is None else f" (mean), sd {format_number(result.sd)}"
    unit = "" if result.unit == "1" else f" {result.unit}"
    print(f"{result.output} = {format_number(result.value)}{unit}{spread}")
    print(tell_loss(result))
    if result.learned is not None:
        print(tell_learned(result.by, result.learned))
    columns = {"sobol": _sobol, "morris": _morris, "prcc": _prcc, "local": _local}[result.method](result)
    rows = [(result.names[place], *(cells[place] for cells in columns.values())) for place in result.order]
    print_table("", ("parameter", *columns), rows, tuple(columns))
    for told in (result.gap_note, judge_convergence(result)):
        if told:
            print(told)


def _tell_source(result: SensitivityResult) -> str:
    return "" if result.posterior is None else f" ({result.posterior})"


def tell_loss(result: SensitivityResult) -> str:
    """Return one line on what failed and was drawn again."""
    if not result.failed:
        return "no point failed"
    reasons = "; ".join(f"{count} x {reason}" for reason, count in result.reasons.items())
    what = "parameters have no index" if result.method == "local" else f"{_ROWS[result.method]} failed and were drawn again"
    return f"{result.failed} {what} ({100.0 * result.failed_share:.2g} %): {reasons}"


def tell_learned(by: str, learned: LearnedOutput) -> str:
    """Return one line on an output that was learned, and on what the indices are computed from."""
    missed = f"misses {100.0 * learned.missed:.2g} % of its variance on {learned.unseen} others"
    use = "indices are of what was learned, half-widths contain what it misses"
    kept = use if by == "surrogate" else "indices are of the model itself"
    return f"output learned from {learned.taught} draws {missed}: {kept}"


def _sobol(result: SensitivityResult) -> dict[str, list[str]]:
    return {"first": _with(result.S1, result.S1_conf), "total": _with(result.ST, result.ST_conf)}


def _morris(result: SensitivityResult) -> dict[str, list[str]]:
    return {"mu*": _with(result.mu_star, result.mu_star_conf), "mu": _plain(result.mu), "sigma": _plain(result.sigma)}


def _prcc(result: SensitivityResult) -> dict[str, list[str]]:
    ends = zip(result.prcc_lower or (), result.prcc_upper or (), strict=True)
    interval = [f"{format_number(low, 2)} to {format_number(high, 2)}" for low, high in ends]
    return {"PRCC": _plain(result.prcc, 3), "95 %": interval, "p": _plain(result.p, 2)}


def _local(result: SensitivityResult) -> dict[str, list[str]]:
    return {
        "elasticity": _plain(result.elasticity, 3),
        "per sd": _plain(result.effect, 3),
        "low": _plain(result.low),
        "high": _plain(result.high),
    }


def _plain(values: Indices | None, digits: int = 4) -> list[str]:
    return [format_number(value, digits) for value in values or ()]


def _with(values: Indices | None, halves: Indices | None) -> list[str]:
    """Return numbers with the half-widths of their intervals."""
    pairs = zip(values or (), halves or (), strict=True)
    return [f"{format_number(value, 3)} ± {format_number(half, 2)}" for value, half in pairs]
