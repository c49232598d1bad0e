"""The tornado: how far each parameter alone moves an output, from the low to the high end of its range."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.design import Parameter
from experiments.plots.style import BLACK, BLUE, ORANGE, bar_axis, canvas, footnote, label, nothing, panel, styled
from experiments.ranking import Measured, outputs_of, parameters_of, ranked
from experiments.tables import rows
from experiments.units import spell
from sim.kpis import KPIS

MOST = 12
"""Bars of a panel."""
PANELS = 4
COLUMNS = ("label", "end", "text", "value", "low", "high")
"""Columns of a tornado's table."""
_WIDEST = 1.8
"""How far whiskers may widen a panel, as a multiple of its longest bar."""


def reaches(output: Measured, indices: pd.DataFrame, parameters: Mapping[str, Parameter]) -> pd.DataFrame:
    """Return two rows a parameter, `low` and `high`, the farthest-reaching parameter first.

    label (the parameter), end, text (the parameter's value there), value (of the output), low, high (of its 95 %
    interval), in the output's unit. `indices` are those of one output from a one-at-a-time sweep.
    """
    lines = []
    for path, found in ranked(indices):
        parameter = parameters[path]
        for end, at in (("low", parameter.low), ("high", parameter.high)):
            lines.append((named(parameter), end, parameter.text(at), *(output.plan + v for v in found[end])))
    return pd.DataFrame(lines, columns=list(COLUMNS))


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, plan: float, unit: str = "") -> Axes:
    """Draw the bars of a table of `reaches` from the plan's value on, pale where they may as well be nothing."""
    ax = panel(ax, 10, 5)
    names = list(dict.fromkeys(table["label"]))[:MOST]
    moves = table[table["label"].isin(names) & table["value"].notna()]
    if not len(moves):
        return nothing(ax, "Tornado", "nothing could be measured")
    reach = max(float((moves["value"] - plan).abs().max()), 1e-12 * max(abs(plan), 1.0))
    sides = [_limit(moves, plan, reach, sign) for sign in (-1, 1)]
    ax.axvline(plan, color=BLACK, lw=1, zorder=3)
    for row in rows(moves):
        high = row.end == "high"
        y = names.index(row.label) + (0.19 if high else -0.19)
        sure = row.low > plan or row.high < plan or row.low == row.high
        colour = ORANGE if high else BLUE
        look = {"fc": colour, "hatchcolor": "white"} if sure else {"fc": (colour, 0.35), "hatchcolor": colour}
        ax.barh(y, row.value - plan, left=plan, height=0.34, ec=colour, lw=0.8, hatch="////" if high else "", **look)
        ends = [row.value, *(() if np.isnan(row.low) or row.low == row.high else (row.low, row.high))]
        if len(ends) > 1:
            _whisker(ax, y, row.low, row.high, sides)
        right = row.value > plan or (row.value == plan and high)
        edge = min(max([*ends, plan]), sides[1]) if right else max(min([*ends, plan]), sides[0])
        gap = 0.012 * (sides[1] - sides[0]) * (1 if right else -1)
        ax.text(edge + gap, y, row.text, va="center", ha="left" if right else "right", fontsize=7)
    room = 0.13 * (sides[1] - sides[0])
    bar_axis(ax, names, unit)
    ax.set_xlim(sides[0] - room, sides[1] + room)
    return ax


def _whisker(ax: Axes, y: float, low: float, high: float, sides: list[float]) -> None:
    """Draw an interval, without a cap where the panel's end cuts it."""
    seen = max(low, sides[0]), min(high, sides[1])
    ax.plot(seen, [y, y], color=BLACK, lw=0.8, zorder=3)
    caps = [end for end in (low, high) if sides[0] <= end <= sides[1]]
    ax.plot(caps, [y] * len(caps), "|", color=BLACK, ms=4, mew=0.8, zorder=3)


def _limit(moves: pd.DataFrame, plan: float, reach: float, sign: int) -> float:
    """Return how far the panel goes to one side: as far as its bars and whiskers, within reason."""
    ends = moves[["value", "low", "high"]].to_numpy(float) - plan
    farthest = max(float(np.nanmax(sign * ends)), 0.25 * reach)
    return plan + sign * min(farthest, _WIDEST * reach)


def named(parameter: Parameter, most: int = 46) -> str:
    """Return a parameter for people: of a long title the beginning, and all of what it is of that."""
    title, _, part = parameter.title.rpartition(": ")
    if not title:
        return label(parameter.title or parameter.path, parameter.path, most=most)
    return f"{label(title, parameter.path, most=max(most - len(part) - 2, 12))}: {part}"


@styled
def figure(tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw a tornado for each of the first outputs of a one-at-a-time sweep."""
    parameters = parameters_of(tables)
    outputs = list(outputs_of(tables))
    bars = min(MOST if len(outputs) == 1 else 8, len(parameters))
    told = outputs[:PANELS]
    fig = canvas(10.5, 1.3 + len(told) * (0.75 + 0.36 * bars))
    for ax, (output, indices) in zip(fig.subplots(len(told), 1, squeeze=False)[:, 0], told, strict=True):
        table = reaches(output, indices, parameters)
        draw(table.iloc[: 2 * bars], ax, plan=output.plan, unit=output.axis)
        ax.set_title(heading(output))
    fig.suptitle(label(title, "sweep", most=90), x=0.01, ha="left", fontsize=12, fontweight="bold")
    ends = [
        Patch(fc=BLUE, ec=BLUE, label="low end of the range"),
        Patch(fc=ORANGE, ec=ORANGE, hatch="////", hatchcolor="white", label="high end"),
    ]
    fig.legend(handles=ends, loc="outside upper right", ncols=2)
    footnote(fig, _words(len(outputs) - len(told), len(parameters) - bars, tables))
    return fig


def heading(output: Measured) -> str:
    """Return what a panel shows: the output, where it is measured, and the plan's value."""
    kpi = KPIS[output.kpi]
    where = output.window if output.segment == "all" else f"{output.window}, {output.segment}"
    against = output.unit.partition(" vs ")[2]
    name = label(output.title, output.name, most=50)
    what = where if name == kpi.title else f"{kpi.title}, {where}"
    as_planned = spell(output.plan, output.unit, kpi.unit)
    return f"{name} ({what}{f' vs {against}' if against else ''}): {as_planned} as planned"


def _words(more: int, weaker: int, tables: Mapping[str, pd.DataFrame]) -> str:
    seeds = tables["values"]["seed"].nunique()
    text = "The line is the plan; beside each bar stands the parameter's value there."
    if seeds > 1:
        text += f" Whiskers: 95 % interval over {seeds} common seeds; pale: may as well be no change."
    if weaker > 0:
        text += f" {weaker} weaker parameters are not shown."
    return text + (f" {more} outputs more stand in the table." if more else "")
