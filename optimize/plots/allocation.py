"""Current and proposed money of each lever, phases together."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import BLUE, ORANGE, bar_axis, canvas, footnote, label, panel, styled
from optimize.plots.words import speech


def by_lever(table: pd.DataFrame) -> pd.DataFrame:
    """Return lever, current, proposed [yuan], phases summed, the largest proposal first."""
    found = table.groupby("lever", as_index=False)[["current", "proposed"]].sum()
    return found.sort_values("proposed", ascending=False, ignore_index=True)


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw an allocation: a bar for the proposal, a diamond for the present money."""
    say, found = speech(lang), by_lever(table)
    ax = panel(ax, 8, 1 + 0.35 * len(found))
    ax.barh(range(len(found)), found["proposed"], color=BLUE, height=0.6, label=say("proposed"), zorder=2)
    ax.plot(found["current"], range(len(found)), "D", color=ORANGE, mec="black", ms=6, ls="", label=say("current"),
            zorder=3)  # fmt: skip
    bar_axis(ax, [label(str(name), most=28) for name in found["lever"]], "yuan", lang)
    ax.set_title(say("Media money by lever"))
    ax.legend(loc="lower right")
    return ax


@styled
def figure(table: pd.DataFrame, *, lang: str = "en") -> Figure:
    """Draw the allocation as a picture."""
    fig = canvas(9, 1.6 + 0.36 * table["lever"].nunique())
    draw(table, fig.subplots(), lang=lang)
    footnote(fig, speech(lang)("Phases are summed; allocation.csv has them one by one."))
    return fig
