"""How plans differ from a base, output by output."""

from math import isnan
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from experiments.compare import CHANGED, in_points, shares
from experiments.plots import naming
from experiments.plots.style import (
    BLACK,
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    RUST,
    canvas,
    footnote,
    label,
    nothing,
    panel,
    spoken,
    styled,
    titled,
)  # fmt: skip
from experiments.plots.words import Words
from experiments.tables import rows

MOST = 1.0
"""End of the scale at most, to both sides; what lies beyond is shown as an arrow there."""
_LOOKS = ((BLUE, "o"), (RUST, "s"), (GREEN, "D"), (ORANGE, "^"), (DARK, "v"))
"""Colour and marker of each other plan; with more than five they come again."""


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw each difference as a dot with its interval, as a share of the base's mean; of a change, in points.

    `table` as `experiments.compare.compare` returns it. Dots are hollow where the interval holds 0.
    """
    say, ax = spoken(lang), panel(ax, 9, 6)
    known = table[table["difference"].notna()]
    if known.empty:
        return nothing(ax, say("Differences"), say("nothing was measured in both plans"))
    places = {key: place for place, key in enumerate(dict.fromkeys(map(_key, rows(known))))}
    others = known["other"].drop_duplicates().tolist()
    end = _end([v for row in rows(known) for v in shares(row)])
    ax.axvline(0, color=BLACK, lw=1.2, zorder=1)
    for row in rows(known):
        k = others.index(row.other)
        offset = (k - (len(others) - 1) / 2) * 0.76 / max(len(others), 2)
        _dot(ax, row, places[_key(row)] + offset, end, *_LOOKS[k % len(_LOOKS)])
        if len(others) == 1:
            _beside(ax, row, places[_key(row)], say)
    _scales(ax, known.drop_duplicates(["name", "kpi", "window", "segment", "unit"]), end, say)
    if len(others) > 1:
        _legend(ax, others, say)
    return ax


@styled
def figure(table: pd.DataFrame, *, lang: str = "en") -> Figure:
    """Draw all differences of a comparison."""
    say = spoken(lang)
    known, others = table[table["difference"].notna()], table["other"].drop_duplicates().tolist()
    outputs = len(set(map(_key, rows(known))))
    fig = canvas(11, 1.9 + max(outputs, 3) * (0.27 + 0.07 * (len(others) - 1)))
    draw(table, fig.subplots(), lang=lang)
    against = _plan(others[0], say, 60) if len(others) == 1 else say("{n} other plans", n=len(others))
    titled(fig, say("{base} against {other}", base=label(table["base"].iloc[0], "plan", most=50), other=against))
    if outputs:
        footnote(fig, say("Dots: mean of {n} pairs of runs under the same seeds; bars: its 95 % interval, hollow dots "
                          "where it holds 0. Differences of changes are in points.",
                          n=int(known["seeds"].max())))  # fmt: skip
    return fig


def _plan(title: str, say: Words, most: int) -> str:
    """Return the title of another plan, with what is changed in it."""
    name, changed, changes = title.rpartition(CHANGED)
    if changed and ("=" in changes or changes.startswith(("overlay ", "another "))):
        title = say("{name} with {changes}", name=name, changes=changes)
    return label(title, "plan", most=most)


def _key(row: Any) -> tuple[str, ...]:
    return row.name, row.kpi, row.window, row.segment, row.unit


def _dot(ax: Axes, row: Any, place: float, end: float, colour: str, marker: str) -> None:
    middle, low, high = shares(row)
    if isnan(middle):
        ax.plot(0, place, "x", color=GREY, ms=6, zorder=3)
        return
    ends = [max(min(v, end), -end) for v in (low, high)]
    if not isnan(low):
        ax.plot(ends, [place, place], color=colour, lw=2.2, alpha=0.6, zorder=2, solid_capstyle="butt")
    shown = ">" if middle > end else "<" if middle < -end else marker
    face = colour if row.differs else "white"
    ax.plot(max(min(middle, end), -end), place, shown, color=colour, mfc=face, mew=1.4, ms=6.5, zorder=3, clip_on=False)


def _beside(ax: Axes, row: Any, place: int, say: Words) -> None:
    """Write the difference at the right, and whether the mean now crosses what is promised."""
    words = say.change(shares(row)[0], "share", points=in_points(row))
    if row.flips:
        kept = row.flips == "reached"
        words = say("{change}, now reached" if kept else "{change}, now missed", change=words)
    colour = {"reached": GREEN, "missed": RUST, "": BLACK}[row.flips]
    ax.annotate(
        words, (1, place), xytext=(8, 0), va="center", fontsize=8,
        xycoords=ax.get_yaxis_transform(), textcoords="offset points", color=colour, annotation_clip=False,
        fontweight="bold" if row.differs else "normal",
    )  # fmt: skip


def _scales(ax: Axes, outputs: pd.DataFrame, end: float, say: Words) -> None:
    ax.set_yticks(range(len(outputs)), [_named(row, say) for row in rows(outputs)])
    ax.set_ylim(len(outputs) - 0.4, -0.6)
    promised = int((outputs["direction"] != "").sum())
    if 0 < promised < len(outputs):
        ax.axhline(promised - 0.5, color=PALE, lw=1.2)
    ax.set_xlim(-1.06 * end, 1.06 * end)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: say.change(value, "yuan")))
    ax.set_xlabel(say("difference from the base, as a share of its mean"))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", visible=True)


def _named(row: Any, say: Words) -> str:
    title, where = naming.output(row, say), naming.where(row, say)
    name = label(f"{title}: {say.kpi(row.kpi)}" if title == row.name else title, row.name)
    return name if where == say.name("plan") else say("{title}, {where}", title=name, where=where)


def _end(values: list[float]) -> float:
    """Return the end of the scale: all that is shown lies within, up to `MOST`."""
    return min(max([0.01, *(abs(v) for v in values if not isnan(v))]), MOST)


def _legend(ax: Axes, others: list[str], say: Words) -> None:
    marks = [_LOOKS[k % len(_LOOKS)] for k in range(len(others))]
    lines = [Line2D([], [], color=colour, marker=marker, lw=2.2, ms=6.5) for colour, marker in marks]
    ax.legend(lines, [_plan(other, say, 70) for other in others], loc="lower left", bbox_to_anchor=(0, 1.0))
