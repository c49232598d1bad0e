"""How intervals grow narrower with every run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray

from experiments.outputs import Output
from experiments.plots import naming
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
    spoken,
    styled,
    titled,
)  # fmt: skip
from experiments.plots.words import Words
from experiments.replicate import half_widths

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


def titles(outputs: Sequence[Output], lang: str = "en") -> list[str]:
    """Return a title for each output; of those that share one, with the window or else the name."""
    say = spoken(lang)
    found = [naming.output(output, say) for output in outputs]
    for more in (lambda output: naming.where(output, say), lambda output: output.name):
        found = [
            say("{title}, {where}", title=title, where=more(output)) if found.count(title) > 1 else title
            for title, output in zip(found, outputs, strict=True)
        ]
    return found


@styled
def draw(table: pd.DataFrame, until: float | None = None, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw the half-widths of `narrowing` against the number of runs, both in logarithms; the widest are named."""
    say, ax = spoken(lang), panel(ax, 9, 5)
    shown = table[(table["half_width"] > 0) & np.isfinite(table["half_width"])]
    if shown.empty:
        return nothing(ax, say("Half-width of the 95 % intervals"), say("needs {n} runs that differ", n=FIRST))
    parts = {str(title): part for title, part in shown.groupby("title", sort=False)}
    widest = sorted(parts, key=lambda title: -float(parts[title]["half_width"].iloc[-1]))
    for title in widest[len(_LOOKS) :]:
        ax.plot(parts[title]["runs"], parts[title]["half_width"], color=GREY, lw=0.8)
    for title, (colour, marker, dashes) in zip(widest, _LOOKS, strict=False):
        part = parts[title]
        name = say("{title}: ", title=label(title, "output", most=36))
        name += say.share(float(part["half_width"].iloc[-1]), 2)
        ax.plot(
            part["runs"], part["half_width"], dashes, color=colour, lw=1.8, label=name, clip_on=False,
            marker=marker, ms=6, markevery=[len(part) - 1],
        )  # fmt: skip
    if until is not None:
        ax.axhline(until, color=BLACK, lw=1.2, label=say("wanted: {value}", value=say.share(until, 2)))
    _scales(ax, int(shown["runs"].max()), say)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), title=say("widest at the end"), alignment="left")
    return ax


@styled
def figure(table: pd.DataFrame, until: float | None, name: str, *, lang: str = "en") -> Figure:
    """Draw how the intervals of a replication grew narrower."""
    say, fig = spoken(lang), canvas(10, 5)
    draw(table, until, fig.subplots(), lang=lang)
    titled(fig, say("{name}: how wide the intervals are", name=label(name, "plan", most=50)))
    others = max(table["title"].nunique() - len(_LOOKS), 0) if len(table) else 0
    told = [say("Half-width of the 95 % interval as a share of the mean; of a change, in points.")]
    footnote(fig, say.sentences(told + [say("Grey: the {n} other outputs.", n=others)] * (others > 0)))
    return fig


def _scales(ax: Axes, most: int, say: Words) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    ticks = [*(n for n in (3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if n < 0.85 * most), most]
    ax.set_xticks(ticks, [str(n) for n in ticks])
    ax.set_xlim(FIRST * 0.95, max(most, FIRST + 1) * 1.02)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: say.share(value, 2)))
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.minorticks_off()
    ax.set_xlabel(say("runs"))
    ax.set_ylabel(say("half-width"))
