"""Response curves by lever and phase, with the current and the proposed point and the range that was explored."""

from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import BLUE, GREEN, ORANGE, PALE, Numbers, canvas, footnote, label, panel, styled
from optimize.rehearsals import Rehearsals
from optimize.response import Hill
from optimize.search import Proposal

MOST = 12
SPREAD = 200


@styled
def draw(
    curve: Hill, worth: float, current: float, proposed: float, explored: tuple[float, float], title: str,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw one curve [goal] over money [yuan]; `explored`: the range that may be proposed."""
    ax = panel(ax, 4, 3)
    most = max(explored[1], current, proposed, 1.0)
    spend = np.linspace(0, most, SPREAD)
    ax.axvspan(*explored, color=PALE, alpha=0.5, lw=0, zorder=0)
    ax.plot(spend, worth * curve.at(spend), color=BLUE, zorder=2)
    for money, colour, marker in ((current, ORANGE, "D"), (proposed, GREEN, "o")):
        ax.plot([money], worth * curve.at(np.array([money])), marker, color=colour, mec="black", ms=6, zorder=3)
    ax.set_title(label(title, most=34), fontsize=8.5)
    ax.xaxis.set_major_formatter(Numbers("yuan"))
    ax.yaxis.set_major_formatter(Numbers(""))
    return ax


@styled
def figure(market: Rehearsals, found: Proposal) -> Figure:
    """Draw the curves of the posts with the largest changes."""
    space = market.space
    unit = space.unit(found.found)
    parts = found.responses.parts(space.spend(space.current)[None], unit[None])
    worth = found.responses.scale * float(parts.gain[0] * parts.lift[0])
    named = dict(zip(space.levers, found.responses.curves(unit), strict=True))
    change = {name: abs(found.found.money[name] - space.current.money[name]) for name in named}
    shown = sorted(named, key=lambda name: -change[name])[:MOST]
    columns = 3 if len(shown) > 4 else 2
    rows = max(1, ceil(len(shown) / columns))
    fig = canvas(11, 0.9 + 2.4 * rows)
    axes = fig.subplots(rows, columns, squeeze=False).flatten()
    for ax, name in zip(axes, shown, strict=False):
        bounds = space.levers[name]
        money = space.current.money[name], found.found.money[name]
        draw(named[name], worth, *money, (bounds.low, bounds.high), name, ax)
    for ax in axes[len(shown) :]:
        ax.remove()
    fig.suptitle(f"What media bring, as credited ({market.goal})", x=0.01, ha="left", fontsize=12, fontweight="bold")
    footnote(
        fig,
        "Diamond: current. Circle: proposed. Shaded: may be proposed. Fitted to all runs of the search.",
    )
    return fig
