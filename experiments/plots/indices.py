"""Sensitivity indices as dots with intervals: which parameters an output hangs on."""

from collections.abc import Mapping
from math import isnan

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.design import Parameter
from experiments.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    bar_axis,
    canvas,
    footnote,
    nothing,
    panel,
    spoken,
    styled,
    titled,
)  # fmt: skip
from experiments.plots.tornado import beyond, heading, named
from experiments.plots.words import Words
from experiments.ranking import Measured, outputs_of, parameters_of, ranked, shown, why_unknown
from experiments.tables import rows

MOST = 12
PANELS = 4
COLUMNS = ("label", "index", "value", "low", "high")
"""Columns of a chart's table."""
LEGENDS = {
    "ST": "total share of the variance", "ST_corrected": "total share of the variance, freed of luck",
    "S1": "share of the variance alone", "S1_corrected": "share alone, freed of luck",
    "mu_star": "mean size of the effect of the whole range", "mu_star_luck": "what luck alone would give",
    "prcc": "partial rank correlation",
}  # fmt: skip
_MARKS = {0: {"marker": "o", "color": BLUE}, 1: {"marker": "D", "color": ORANGE}}


def strengths(indices: pd.DataFrame, parameters: Mapping[str, Parameter], lang: str = "en") -> pd.DataFrame:
    """Return label (the parameter), index, value, low, high (of the 95 % interval), the strongest parameter first."""
    chosen = shown(indices)
    if chosen[0] == "mu_star":
        chosen = ("mu_star", "mu_star_luck")
    lines = [
        (named(parameters[path], lang=lang), name, *found[name])
        for path, found in ranked(indices)
        for name in chosen
        if name in found
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, unit: str = "", lang: str = "en") -> Axes:
    """Draw a dot with its interval for each index of a table of `strengths`."""
    say, ax = spoken(lang), panel(ax, 9, 5)
    names = list(dict.fromkeys(table["label"]))[:MOST]
    seen = table[table["label"].isin(names) & table["value"].notna()]
    if not len(seen):
        return nothing(ax, say("Sensitivity"), say("no index is known"))
    order = list(dict.fromkeys(seen["index"]))
    ax.axvline(0, color=GREY, lw=1, zorder=1)
    for row in rows(seen):
        place = order.index(row.index)
        y = names.index(row.label) + (place - (len(order) - 1) / 2) * 0.26
        if row.index == "mu_star_luck":
            ax.plot(row.value, y, "|", color=BLACK, ms=9, mew=1.5, zorder=3)
            continue
        style = _MARKS[place]
        if not isnan(row.low):
            ax.plot([row.low, row.high], [y, y], color=style["color"], lw=2.2, alpha=0.6, zorder=2)
        ax.plot(row.value, y, style["marker"], color=style["color"], mec=BLACK, mew=0.5, ms=6, zorder=3)
    bar_axis(ax, names, unit, lang)
    if order[0].startswith(("ST", "prcc")):
        _within(ax, seen, -1.0 if order[0] == "prcc" else 0.0)
    return ax


def _within(ax: Axes, seen: pd.DataFrame, low: float) -> None:
    """Show the range that an index can have, and what sticks out of it up to a third of that."""
    bottom, top = float(np.nanmin(seen[["value", "low"]])), float(np.nanmax(seen[["value", "high"]]))
    span = 1 - low
    ax.set_xlim(max(min(bottom, low), low - span / 3) - 0.03, min(max(top, 1.0), 1 + span / 3) + 0.03)


@styled
def figure(tables: Mapping[str, pd.DataFrame], title: str, *, lang: str = "en") -> Figure:
    """Draw the indices of the first outputs of a sweep."""
    say = spoken(lang)
    parameters, outputs = parameters_of(tables), list(outputs_of(tables))
    bars, told = min(MOST if len(outputs) == 1 else 8, len(parameters)), outputs[:PANELS]
    fig = canvas(10.5, 1.5 + len(told) * (0.75 + 0.32 * bars))
    names: list[str] = []
    for ax, (output, indices) in zip(fig.subplots(len(told), 1, squeeze=False)[:, 0], told, strict=True):
        table = strengths(indices, parameters, lang)
        names = names or list(dict.fromkeys(table["index"]))
        first = list(dict.fromkeys(table["label"]))[:bars]
        if why := why_unknown(tables, output.name, indices):
            nothing(ax, heading(output, say), say(why))
        else:
            shown_here = table[table["label"].isin(first)]
            draw(shown_here, ax, unit=_unit(output, table), lang=lang).set_title(heading(output, say))
    titled(fig, title, "sweep")
    footnote(fig, _words(names, len(outputs) - len(told), len(parameters) - bars, say))
    return fig


def _unit(output: Measured, table: pd.DataFrame) -> str:
    return output.axis if table["index"].iloc[0] == "mu_star" else ""


def _words(names: list[str], more: int, weaker: int, say: Words) -> str:
    marks = [say("bar") if n == "mu_star_luck" else say("diamond" if k else "circle") for k, n in enumerate(names)]
    parts = [say("{mark}: {meaning}", mark=m, meaning=say(LEGENDS[n])) for m, n in zip(marks, names, strict=True)]
    text = say("; ").join(parts)
    told = [say("{text}. Lines: 95 % intervals.", text=text[:1].upper() + text[1:])] if parts else []
    return say.sentences([*told, *beyond(weaker, more, say)])
