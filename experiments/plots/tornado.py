"""The tornado: how far each parameter alone moves an output, from the low to the high end of its range."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.design import Parameter
from experiments.plots import naming
from experiments.plots.style import (
    BLACK,
    BLUE,
    ORANGE,
    bar_axis,
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
from experiments.ranking import Measured, outputs_of, parameters_of, ranked
from experiments.tables import rows
from sim.kpis import KPIS

MOST = 12
"""Bars of a panel."""
PANELS = 4
COLUMNS = ("label", "end", "text", "value", "low", "high")
"""Columns of a tornado's table."""
_WIDEST = 1.8
"""How far whiskers may widen a panel, as a multiple of its longest bar."""


def reaches(
    output: Measured, indices: pd.DataFrame, parameters: Mapping[str, Parameter], lang: str = "en"
) -> pd.DataFrame:
    """Return two rows a parameter, `low` and `high`, the farthest-reaching parameter first.

    label (the parameter), end, text (the parameter's value there), value (of the output), low, high (of its 95 %
    interval), in the output's unit. `indices` are those of one output from a one-at-a-time sweep.
    """
    say, lines = spoken(lang), []
    for path, found in ranked(indices):
        parameter = parameters[path]
        for end, at in (("low", parameter.low), ("high", parameter.high)):
            reached = (output.plan + v for v in found[end])
            lines.append((named(parameter, lang=lang), end, naming.value(parameter, at, say), *reached))
    return pd.DataFrame(lines, columns=list(COLUMNS))


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, plan: float, unit: str = "", lang: str = "en") -> Axes:
    """Draw the bars of a table of `reaches` from the plan's value on, pale where they may as well be nothing."""
    say, ax = spoken(lang), panel(ax, 10, 5)
    names = list(dict.fromkeys(table["label"]))[:MOST]
    moves = table[table["label"].isin(names) & table["value"].notna()]
    if not len(moves):
        return nothing(ax, say("Tornado"), say("nothing could be measured"))
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
    bar_axis(ax, names, unit, lang)
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


def named(parameter: Parameter, most: int = 46, *, lang: str = "en") -> str:
    """Return a parameter for people: of a long title the beginning, and all of what it is of that."""
    title, _, part = parameter.title.rpartition(": ")
    if not title:
        return label(parameter.title or parameter.path, parameter.path, most=most)
    title = label(title, parameter.path, most=max(most - len(part) - 2, 12))
    say = spoken(lang)
    return say("{title}: ", title=title) + part


def title_of(name: str, lang: str = "en") -> str:
    """Return the title of a sweep's figures."""
    say = spoken(lang)
    return say("{name}: what the result hangs on", name=label(name, "plan", most=50))


@styled
def figure(tables: Mapping[str, pd.DataFrame], title: str, *, lang: str = "en") -> Figure:
    """Draw a tornado for each of the first outputs of a one-at-a-time sweep."""
    say, parameters = spoken(lang), parameters_of(tables)
    outputs = list(outputs_of(tables))
    bars = min(MOST if len(outputs) == 1 else 8, len(parameters))
    told = outputs[:PANELS]
    fig = canvas(10.5, 1.3 + len(told) * (0.75 + 0.36 * bars))
    for ax, (output, indices) in zip(fig.subplots(len(told), 1, squeeze=False)[:, 0], told, strict=True):
        table = reaches(output, indices, parameters, lang)
        draw(table.iloc[: 2 * bars], ax, plan=output.plan, unit=output.axis, lang=lang)
        ax.set_title(heading(output, say))
    titled(fig, title, "sweep")
    ends = [
        Patch(fc=BLUE, ec=BLUE, label=say("low end of the range")),
        Patch(fc=ORANGE, ec=ORANGE, hatch="////", hatchcolor="white", label=say("high end")),
    ]
    fig.legend(handles=ends, loc="outside upper right", ncols=2)
    footnote(fig, _words(len(outputs) - len(told), len(parameters) - bars, tables, say))
    return fig


def heading(output: Measured, say: Words) -> str:
    """Return what a panel shows: the output, where it is measured, and the plan's value."""
    kpi, where = say.kpi(output.kpi), naming.where(output, say)
    name = label(naming.output(output, say), output.name, most=50)
    what = where if name == kpi else say("{title}, {where}", title=kpi, where=where)
    as_planned = say.spell(output.plan, output.unit, KPIS[output.kpi].unit)
    return say("{name} ({what}): {value} as planned", name=name, what=what, value=as_planned)


def beyond(weaker: int, more: int, say: Words) -> list[str]:
    """Return in sentences which parameters and outputs a figure leaves out."""
    told = [say("One weaker parameter is not shown.")] if weaker == 1 else []
    told += [say("{n} weaker parameters are not shown.", n=weaker)] if weaker > 1 else []
    told += [say("One output more stands in the table.")] if more == 1 else []
    return told + ([say("{n} outputs more stand in the table.", n=more)] if more > 1 else [])


def _words(more: int, weaker: int, tables: Mapping[str, pd.DataFrame], say: Words) -> str:
    seeds = tables["values"]["seed"].nunique()
    told = [say("The line is the plan; beside each bar stands the parameter's value there.")]
    if seeds > 1:
        told.append(say("Whiskers: 95 % interval over {n} common seeds; pale: may as well be no change.", n=seeds))
    return say.sentences([*told, *beyond(weaker, more, say)])
