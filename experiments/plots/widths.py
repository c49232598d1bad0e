"""How intervals grow narrower with every run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray

from experiments.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    RUST,
    canvas,
    footnote,
    label,
    nothing,
    panel,
    styled,
)  # fmt: skip
from experiments.replicate import half_widths
from experiments.units import compact

FIRST = 3
"""Runs from which a width is shown; of two it is mostly luck."""
_LOOKS = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (PURPLE, "^", "-."), (RUST, "D", ":"))
"""The outputs that are widest at the end; the others are thin and grey."""


def narrowing(titles: Sequence[str], found: NDArray[np.float64], absolute: Sequence[bool]) -> pd.DataFrame:
    """Return title, runs, half_width: how wide the interval of each output was after so many runs.

    `found` and `absolute` as in `experiments.replicate.half_widths`.
    """
    lines = [
        (title, n, float(half))
        for n in range(FIRST, len(found) + 1)
        for title, half in zip(titles, half_widths(found[:n], absolute), strict=True)
    ]
    return pd.DataFrame(lines, columns=["title", "runs", "half_width"]).astype({"runs": int, "half_width": float})


@styled
def draw(table: pd.DataFrame, until: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the half-widths of `narrowing` against the number of runs, both in logarithms; the widest are named."""
    ax = panel(ax, 9, 5)
    shown = table[(table["half_width"] > 0) & np.isfinite(table["half_width"])]
    if shown.empty:
        return nothing(ax, "Half-width of the 95 % intervals", f"needs {FIRST} runs that differ")
    parts = {str(title): part for title, part in shown.groupby("title", sort=False)}
    widest = sorted(parts, key=lambda title: -float(parts[title]["half_width"].iloc[-1]))
    for title in widest[len(_LOOKS) :]:
        ax.plot(parts[title]["runs"], parts[title]["half_width"], color=GREY, lw=0.8)
    for title, (colour, marker, dashes) in zip(widest, _LOOKS, strict=False):
        part = parts[title]
        name = f"{label(title, 'output', most=36)}: {_percent(float(part['half_width'].iloc[-1]))}"
        ax.plot(
            part["runs"], part["half_width"], dashes, color=colour, lw=1.8, label=name, clip_on=False,
            marker=marker, ms=6, markevery=[len(part) - 1],
        )  # fmt: skip
    if until is not None:
        ax.axhline(until, color=BLACK, lw=1.2, label=f"wanted: {_percent(until)}")
    _scales(ax, int(shown["runs"].max()))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), title="widest at the end", alignment="left")
    return ax


@styled
def figure(table: pd.DataFrame, until: float | None, name: str) -> Figure:
    """Draw how the intervals of a replication grew narrower."""
    fig = canvas(10, 5)
    draw(table, until, fig.subplots())
    title = f"{label(name, 'plan', most=50)}: how wide the intervals are"
    fig.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    others = max(table["title"].nunique() - len(_LOOKS), 0) if len(table) else 0
    footnote(fig, "Half-width of the 95 % interval as a share of the mean; of a change, in points. "
             + (f"Grey: the {others} other outputs." if others else ""))  # fmt: skip
    return fig


def _scales(ax: Axes, most: int) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    ticks = [*(n for n in (3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if n < 0.85 * most), most]
    ax.set_xticks(ticks, [str(n) for n in ticks])
    ax.set_xlim(FIRST * 0.95, max(most, FIRST + 1) * 1.02)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.minorticks_off()
    ax.set_xlabel("runs")
    ax.set_ylabel("half-width")


def _percent(share: float) -> str:
    return f"{compact(100 * share, 2)} %"
