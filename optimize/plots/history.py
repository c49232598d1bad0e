"""How the search came to its finding: expected goal and doubt over replications."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import BLUE, SKY, Numbers, canvas, panel, styled


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the trace of a search: what it expected of its best plan, with its doubt as a band."""
    ax = panel(ax, 8, 4)
    ax.fill_between(
        table["replications"], table["expected"], table["expected"] + table["doubt"], color=SKY, alpha=0.5, lw=0,
        label="loss expected from settings not yet the best",
    )  # fmt: skip
    ax.plot(
        table["replications"], table["expected"], color=BLUE, marker="o", ms=3, label="expected of the best plan so far"
    )
    ax.set_xlabel("replications")
    ax.set_title("What the search expected of its best plan")
    ax.yaxis.set_major_formatter(Numbers(""))
    ax.legend(loc="lower right")
    return ax


@styled
def figure(table: pd.DataFrame) -> Figure:
    """Draw the history as a picture."""
    fig = canvas(9, 4.5)
    draw(table, fig.subplots())
    return fig
