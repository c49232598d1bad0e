"""How the search came to its finding: expected goal and doubt over replications."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import BLUE, SKY, Numbers, canvas, panel, styled
from optimize.plots.words import speech
from sim.kpis import KPIS


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, goal: str = "", lang: str = "en") -> Axes:
    """Draw what a search expected of its best plan, with its doubt as a band; `goal`: a KPI, for its unit."""
    say, ax = speech(lang), panel(ax, 8, 4)
    ax.fill_between(
        table["replications"], table["expected"], table["expected"] + table["doubt"], color=SKY, alpha=0.5, lw=0,
        label=say("loss expected from settings not yet the best"),
    )  # fmt: skip
    ax.plot(
        table["replications"], table["expected"], color=BLUE, marker="o", ms=3,
        label=say("expected of the best plan so far"),
    )  # fmt: skip
    ax.set_xlabel(say("replications"))
    ax.set_title(say("What the search expected of its best plan"))
    ax.yaxis.set_major_formatter(Numbers(KPIS[goal].unit if goal in KPIS else "", lang))
    ax.legend(loc="lower right")
    return ax


@styled
def figure(table: pd.DataFrame, goal: str = "", *, lang: str = "en") -> Figure:
    """Draw the history as a picture."""
    fig = canvas(9, 4.5)
    draw(table, fig.subplots(), goal=goal, lang=lang)
    return fig
