"""From the goal of the current plan to that of the proposed, step by step."""

from math import isnan
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import (
    BLACK,
    BLUE,
    DARK,
    GREY,
    ORANGE,
    PALE,
    bar_axis,
    canvas,
    footnote,
    label,
    nothing,
    panel,
    styled,
)
from experiments.tables import rows
from optimize.plots.words import Speech, speech
from sim.kpis import KPIS

MOST = 10
"""Levers shown one by one."""
HEIGHT = 0.62


def shortened(table: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """Return a waterfall with the levers beyond `most` put together, as kind `others`; its name is their number."""
    money = table[table["kind"] == "money"]
    if len(money) <= most:
        return table
    rest = money.iloc[most - 1 :]
    start, value = float(rest["start"].iloc[0]), float(rest["value"].sum())
    others = rest.iloc[:1].assign(name=str(len(rest)), kind="others", value=value, start=start, end=start + value)
    before, after = table[table["kind"] == "current"], table[~table["kind"].isin(("current", "money"))]
    return pd.concat([before, money.iloc[: most - 1], others, after], ignore_index=True)


def named(row: Any, unit: str, say: Speech) -> str:
    """Return the name of a step."""
    if row.kind in ("current", "proposed"):
        return say(row.kind + ": {value}", value=say.amount(row.value, unit))
    if row.kind == "others":
        return say("{n} other levers", n=row.name)
    if row.kind == "money":
        return label(row.name, most=30)
    return say("settings" if row.kind == "settings" else "not explained by the curves")


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, goal: str, lang: str = "en") -> Axes:
    """Draw a table of `optimize.waterfall` as changes against the current plan; `goal` is the KPI it is of.

    Losses, and what the curves do not explain, are hatched, so that grey tells them apart.
    """
    say, shown, unit = speech(lang), shortened(table), KPIS[goal].unit
    ax = panel(ax, 8, 1 + 0.36 * len(shown))
    title = say("From the current plan to the proposed")
    if table["value"].isna().any():
        return nothing(ax, title, say("nothing could be measured"))
    base = float(shown["value"].iloc[0])
    for place, row in enumerate(rows(shown)):
        _bar(ax, place, row, base)
        _amount(ax, place, row, base, say.more(row.value, unit))
    bar_axis(ax, [named(row, unit, say) for row in rows(shown)], unit, lang)
    ax.axvline(0, color=BLACK, lw=0.8, zorder=1)
    ax.use_sticky_edges = False
    ax.margins(x=0.16)
    ax.set_title(title)
    ax.set_xlabel(say("{goal}, change against the current plan", goal=say.kpi(goal)))
    return ax


def span(row: Any, base: float) -> tuple[float, float]:
    """Return where a bar begins and ends, as changes against the current plan."""
    if row.kind in ("current", "proposed"):
        return 0.0, row.value - base
    return row.start - base, row.end - base


def _bar(ax: Axes, place: int, row: Any, base: float) -> None:
    start, end = span(row, base)
    if row.kind == "current":
        ax.plot([0], [place], "D", color=ORANGE, mec=BLACK, ms=6, zorder=3)
        return
    colour, hatch = (BLUE, "") if end >= start else (ORANGE, "////")
    colour, hatch = {"rest": (PALE, "...."), "proposed": (DARK, "")}.get(row.kind, (colour, hatch))
    ax.barh(place, end - start, left=start, height=HEIGHT, color=colour, hatch=hatch, ec=BLACK, lw=0.5, zorder=2)
    if row.kind != "proposed":
        ax.plot([end, end], [place - HEIGHT / 2, place + 1 + HEIGHT / 2], color=GREY, lw=0.8, zorder=1.5)
    elif not isnan(row.low):
        ax.plot([row.low, row.high], [place, place], color="white", lw=3, zorder=3)
        ax.plot([row.low, row.high], [place, place], "|-", color=BLACK, ms=9, lw=1.2, zorder=3)


def _amount(ax: Axes, place: int, row: Any, base: float, words: str) -> None:
    """Write what a step adds beside its bar."""
    if row.kind in ("current", "proposed"):
        return
    start, end = span(row, base)
    gain = end >= start
    ax.annotate(words, (end, place), (4 if gain else -4, 0), textcoords="offset points", fontsize=7.5, va="center",
                ha="left" if gain else "right", zorder=4)  # fmt: skip


@styled
def figure(table: pd.DataFrame, goal: str, *, lang: str = "en") -> Figure:
    """Draw a waterfall as a picture."""
    say = speech(lang)
    fig = canvas(9, 1.8 + 0.38 * len(shortened(table)))
    draw(table, fig.subplots(), goal=goal, lang=lang)
    text = "Bars: what money and settings add by the fitted curves. Whisker: 95 % interval of the simulated change."
    footnote(fig, say(text))
    return fig
