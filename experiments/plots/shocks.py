"""What each shock changes: a grid of signed changes, targets down and shocks across."""

from math import isnan, sqrt
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.plots import naming
from experiments.plots.style import (
    BLACK,
    BLUE,
    GREY,
    RUST,
    canvas,
    filled,
    footnote,
    label,
    nothing,
    panel,
    spoken,
    styled,
    titled,
)  # fmt: skip
from experiments.plots.words import Words
from experiments.stress import harm, words
from experiments.tables import rows

FULL = 0.3
"""Relative change from which a cell is as dark as can be."""


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw a stress table as a grid; without shocks, say so."""
    say, ax = spoken(lang), panel(ax, 11, 6)
    if table.empty:
        return nothing(ax, say("What the shocks change"), say("nothing was looked at"))
    shocks, targets = table["shock"].unique().tolist(), table["name"].unique().tolist()
    for row in rows(table):
        _cell(ax, shocks.index(row.shock), targets.index(row.name), row, say)
    names = dict(zip(table["shock"], table["shock_title"], strict=True))
    ax.set_xticks(range(len(shocks)), [filled(label(say.name(names[s]), s, most=56), 15) for s in shocks])
    ax.set_yticks(range(len(targets)), [_target(next(rows(table[table["name"] == t])), say) for t in targets])
    ax.set_xlim(-0.5, len(shocks) - 0.5)
    ax.set_ylim(len(targets) - 0.5, -0.5)
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax


def _target(row: Any, say: Words) -> str:
    title, kpi, where = naming.output(row, say), say.kpi(row.kpi), naming.where(row, say)
    below = where if title == kpi else say("{title}, {where}", title=label(kpi, most=40), where=where)
    return f"{label(title, row.name, most=40)}\n{below}"


def _cell(ax: Axes, x: int, y: int, row: Any, say: Words) -> None:
    worse, (size, half) = harm(row), words(row, say)
    strength = 0.12 + 0.88 * sqrt(min(abs(worse) / FULL, 1.0)) if worse > 0 else 0.0
    fill_colour = tuple(1 - strength * (1 - part) for part in to_rgb(RUST))
    edge = BLUE if worse < 0 else "#E6E6E6"
    width = 2.0 if worse < 0 else 0.7
    ax.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, facecolor=fill_colour, edgecolor=edge, linewidth=width))
    colour = GREY if isnan(worse) else "white" if strength > 0.8 else BLACK
    weight = "normal" if isnan(worse) else "bold"
    kept = row.flips == "reached"
    flip = say("now kept" if kept else "now missed") if row.flips else ""
    lines = [(size, 8.0, weight), (half, 6.5, "normal"), (flip, 7.0, "bold")]
    lines = [line for line in lines if line[0]]
    for place, (words_, letters, thick) in enumerate(lines):
        height = y + 0.25 * (place - (len(lines) - 1) / 2)
        ax.text(x, height, words_, ha="center", va="center", fontsize=letters, color=colour, weight=thick)


def title_of(name: str, shocks: int, seeds: int, lang: str = "en") -> str:
    """Return the title of a plan's stress test."""
    say = spoken(lang)
    struck = say("{n} shocks", n=shocks) if shocks > 1 else say("one shock")
    return say(
        "Stress of {name}: {shocks}, {n} seeds each" if seeds > 1 else "Stress of {name}: {shocks}, one seed each",
        name=label(name, "plan", most=50), shocks=struck, n=seeds,
    )  # fmt: skip


@styled
def figure(table: pd.DataFrame, title: str, *, lang: str = "en") -> Figure:
    """Draw a stress table with its title and a key."""
    say = spoken(lang)
    across, down = max(table["shock"].nunique(), 3), max(table["name"].nunique(), 2)
    fig = canvas(3.4 + 0.98 * across, 1.9 + 0.5 * down)
    draw(table, fig.subplots(), lang=lang)
    titled(fig, title, "stress")
    footnote(fig, say("Change of the mean, with the half-width of its 95 % interval. Filled: worse; framed: better; "
                      "grey: cannot be told from no change."))  # fmt: skip
    return fig
