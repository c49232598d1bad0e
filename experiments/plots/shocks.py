"""What each shock changes: a grid of signed changes, targets down and shocks across."""

from math import isnan, sqrt
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.plots.style import BLACK, BLUE, GREY, RUST, canvas, footnote, label, nothing, panel, styled
from experiments.stress import harm, words
from experiments.tables import rows
from sim.kpis import KPIS

FULL = 0.3
"""Relative change from which a cell is as dark as can be."""
_FLIPS = {"missed": "now missed", "reached": "now kept"}
_KEY = (
    "Change of the mean, with the half-width of its 95 % interval. Filled: worse; framed: better; "
    "grey: cannot be told from no change."
)


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a stress table as a grid; without shocks, say so."""
    ax = panel(ax, 11, 6)
    if table.empty:
        return nothing(ax, "What the shocks change", "nothing was looked at")
    shocks, targets = table["shock"].unique().tolist(), table["name"].unique().tolist()
    for row in rows(table):
        _cell(ax, shocks.index(row.shock), targets.index(row.name), row)
    names = dict(zip(table["shock"], table["shock_title"], strict=True))
    ax.set_xticks(range(len(shocks)), [fill(label(names[s], s, most=56), 15) for s in shocks])
    ax.set_yticks(range(len(targets)), [_target(next(rows(table[table["name"] == t]))) for t in targets])
    ax.set_xlim(-0.5, len(shocks) - 0.5)
    ax.set_ylim(len(targets) - 0.5, -0.5)
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax


def _target(row: Any) -> str:
    kpi, where = KPIS[row.kpi].title, row.window if row.segment == "all" else f"{row.window}, {row.segment}"
    below = where if row.title == kpi else f"{label(kpi, most=40)}, {where}"
    return f"{label(row.title, row.name, most=40)}\n{below}"


def _cell(ax: Axes, x: int, y: int, row: Any) -> None:
    worse, (size, half) = harm(row), words(row)
    strength = 0.12 + 0.88 * sqrt(min(abs(worse) / FULL, 1.0)) if worse > 0 else 0.0
    fill_colour = tuple(1 - strength * (1 - part) for part in to_rgb(RUST))
    edge = BLUE if worse < 0 else "#E6E6E6"
    width = 2.0 if worse < 0 else 0.7
    ax.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, facecolor=fill_colour, edgecolor=edge, linewidth=width))
    colour = GREY if isnan(worse) else "white" if strength > 0.8 else BLACK
    weight = "normal" if isnan(worse) else "bold"
    lines = [(size, 8.0, weight), (half, 6.5, "normal"), (_FLIPS.get(row.flips, ""), 7.0, "bold")]
    lines = [line for line in lines if line[0]]
    for place, (words_, letters, thick) in enumerate(lines):
        height = y + 0.25 * (place - (len(lines) - 1) / 2)
        ax.text(x, height, words_, ha="center", va="center", fontsize=letters, color=colour, weight=thick)


@styled
def figure(table: pd.DataFrame, title: str) -> Figure:
    """Draw a stress table with its title and a key."""
    across, down = max(table["shock"].nunique(), 3), max(table["name"].nunique(), 2)
    fig = canvas(3.4 + 0.98 * across, 1.9 + 0.5 * down)
    draw(table, fig.subplots())
    fig.suptitle(label(title, "stress", most=90), x=0.01, ha="left", fontsize=12, fontweight="bold")
    footnote(fig, _KEY)
    return fig
