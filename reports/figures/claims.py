"""The matrix of claims: what share of prior draws satisfies each, and which mechanism it rests on.

Start with `plot_claims`.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kinimmune.fitting.claims.results import DISPUTED, FAILED, SUPPORTED, UNDECIDED, VACUOUS, ClaimRecord
from kinimmune.fitting.claims.verdict import ENOUGH
from kinimmune.reports.figures.style import CONTROL, FAINT, NEUTRAL, THIRD, TREATED, new_figure, styled
from kinimmune.reports.typesetting.labels import PLAIN, Labels

_COLOURS = {SUPPORTED: THIRD, VACUOUS: CONTROL, UNDECIDED: "#7a5195", FAILED: "#a8324a", DISPUTED: NEUTRAL}
_LONGEST = 34
"""Characters of a mechanism's name that fit above a column."""


def plot_claims(claims: Sequence[ClaimRecord], labels: Labels = PLAIN) -> Figure:
    """Return a figure with a row per claim: shares of draws on the left, removed mechanisms on the right.

    Parameters
    ----------
    claims
        tested claims
    labels
        words for interactions
    """
    arrows = list(dict.fromkeys(arrow for item in claims for arrow in item.holds_without))
    with styled():
        figure = new_figure(0.165 * len(claims) + 1.9)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, max(0.09 * len(arrows), 0.4)))
        _draw_shares(left, claims)
        _draw_matrix(right, claims, arrows)
        right.set_xticks(range(len(arrows)), [_shorten(arrow, labels) for arrow in arrows], rotation=90, fontsize=5.5)
        left.set_ylim(len(claims) - 0.5, -0.5)
    return figure


def _draw_shares(axes: Axes, claims: Sequence[ClaimRecord]) -> None:
    axes.axvline(ENOUGH, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
    for place, item in enumerate(claims):
        colour = _COLOURS.get(item.verdict, NEUTRAL)
        if item.verdict != DISPUTED:
            axes.plot((item.fraction_lower, item.fraction_upper), (place - 0.15,) * 2, color=colour, linewidth=1.4)
            axes.plot(item.fraction, place - 0.15, "o", color=colour, markersize=3.2)
        if item.fraction_halved is not None and item.fraction_halved_lower is not None and item.fraction_halved_upper is not None:
            axes.plot((item.fraction_halved_lower, item.fraction_halved_upper), (place + 0.2,) * 2, color=colour, linewidth=0.7)
            axes.plot(item.fraction_halved, place + 0.2, "o", color=colour, markersize=2.6, markerfacecolor="white")
    axes.set_yticks(range(len(claims)), [f"{item.id}  {item.kind}  {item.verdict}" for item in claims])
    for label, item in zip(axes.get_yticklabels(), claims, strict=True):
        label.set_color(_COLOURS.get(item.verdict, NEUTRAL))
    axes.set_xlim(0.0, 1.02)
    axes.set_xlabel("Share of prior draws that satisfy it")
    axes.set_title("Filled: declared priors; open: halved", fontsize=7.0, fontweight="normal")


def _draw_matrix(axes: Axes, claims: Sequence[ClaimRecord], arrows: Sequence[str]) -> None:
    for place, item in enumerate(claims):
        named = {one.arrow: one.fraction for one in item.ablations}
        for column, arrow in enumerate(arrows):
            if arrow not in item.holds_without:
                continue
            broken = item.holds and not item.holds_without[arrow]
            face = TREATED if broken else "#f2f2f2"
            edge, width = ("black", 0.9) if arrow in named else ("white", 0.6)
            axes.add_patch(Rectangle((column - 0.44, place - 0.44), 0.88, 0.88, facecolor=face, edgecolor=edge, linewidth=width))
            if arrow in named:
                text = f"{named[arrow]:.2f}".removeprefix("0").replace(".00", "") or "0"
                axes.text(column, place, text, ha="center", va="center", fontsize=5.0, color="white" if broken else "black")
    axes.xaxis.tick_top()
    axes.tick_params(left=False, top=False, labelleft=False)
    axes.set_xlim(-0.5, max(len(arrows), 1) - 0.5)
    for side in axes.spines.values():
        side.set_visible(False)


def _shorten(removed: str, labels: Labels) -> str:
    """Return the words for what was removed; of several arrows with long names the first and how many follow.

    >>> _shorten("raf_inhibition+vegfr2_block+pdgfrb_block", PLAIN), _shorten("vegfr2_block+pdgfrb_block", PLAIN)
    ('Raf inhibition + 2 more', 'Vegfr2 block + Pdgfrb block')
    """
    first, *others = (labels.interaction(arrow) for arrow in removed.split("+"))
    name = " + ".join((first, *others))
    return name if len(name) <= _LONGEST or not others else f"{first} + {len(others)} more"
