"""What `kinimmune profile` prints: a class, intervals and advice a parameter, and what the published numbers hold.

Start with `print_profile` and `print_identifiability`.
"""

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.identifiability.results import IdentifiabilityResult, MechanismShare
from kinimmune.fitting.profile.results import Curve, ProfileResult


def print_profile(result: ProfileResult) -> None:
    """Print the tables of profiles on stdout."""
    print(
        f"{result.model}: {result.patients} patients, seed {result.seed}, {result.evaluations} virtual trials; sum of squares "
        f"{format_number(result.cost_data, 3)} (data alone), {format_number(result.cost_posterior, 3)} (data and priors)"
    )
    print(f"95 % is where the deviance passes 3.84: nominal with {result.targets} published numbers\n")
    columns = ("parameter", "estimate", "class (data alone)", "95 % without priors", "95 % with priors", "unit")
    rows = [
        (
            item.name,
            format_number(item.estimate, 3),
            item.identifiability,
            _interval(item.data),
            _interval(item.posterior),
            item.unit,
        )
        for item in result.parameters
    ]
    print_table("Parameters", columns, rows, ("estimate",))
    for item in result.parameters:
        print(f"{item.name}: {item.advice}")
    print()
    predicted = [(item.name, format_number(item.estimate, 3), _interval(item.curve)) for item in result.predictions]
    print_table("Predictions", ("prediction", "estimate", "95 % with priors"), predicted, ("estimate",))
    concluded = [
        (item.prediction, f"{format_number(item.lowest, 3)} to {format_number(item.highest, 3)}", _yes_or_no(item.independent))
        for item in result.conclusions
    ]
    heads = ("prediction", "over what is not identified", "conclusion holds throughout")
    print_table("Conclusions", heads, concluded)


def print_identifiability(result: IdentifiabilityResult) -> None:
    """Print what the published numbers hold on stdout."""
    values = ", ".join(format_number(value, 2) for value in result.eigenvalues)
    print(
        f"Eigenvalues of J'J per squared prior sd: {values}; {format_number(result.effective_parameters, 3)} effective parameters"
    )
    columns = ("parameter", "sd ratio", "held by", "moves most without", "by [se]", "doubled priors [se]", "verdict")
    rows = [
        (
            item.name,
            f"{item.contraction:.2f}",
            f"{item.main_target} ({100.0 * item.main_share:.0f} %)",
            item.left_out,
            f"{item.left_out_shift:+.1f}",
            f"{item.doubled_shift:+.1f}",
            item.verdict,
        )
        for item in result.verdicts
    ]
    print_table("What holds each parameter", columns, rows, ("sd ratio", "by [se]", "doubled priors [se]"))
    if result.shares is not None:
        _print_shares(result.shares)


def _print_shares(shares: MechanismShare) -> None:
    columns = ("study", "treatment stops", "benefit in", "draws from", "at the fit", "median", "5 to 95 %", "draws", "no benefit")
    rows = [
        (
            row.study if row.arm is None else f"{row.study}:{row.arm}",
            row.rule.replace("_", " "),
            row.measure.replace("_", " "),
            row.draws_from,
            format_number(row.at_fit, 2),
            format_number(row.median, 2),
            "-" if row.lower is None else f"{format_number(row.lower, 2)} to {format_number(row.upper, 2)}",
            str(row.draws),
            str(row.without_benefit),
        )
        for row in shares.rows
    ]
    title = f"Share of the survival benefit through {' + '.join(shares.arrows)} ({shares.patients} patients)"
    print_table(title, columns, rows, ("at the fit", "median", "draws", "no benefit"))


def _interval(curve: Curve) -> str:
    """Return both ends; an open one as the end of the range with a sign."""
    lower = "open" if curve.lower_95 is None else format_number(curve.lower_95, 3)
    upper = "open" if curve.upper_95 is None else format_number(curve.upper_95, 3)
    return f"{lower} to {upper}"


def _yes_or_no(holds: bool) -> str:
    return "yes" if holds else "no"
