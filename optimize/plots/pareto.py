"""The front: plans that no other plan beats in every goal, the first goal over each of the others."""

from collections.abc import Callable
from functools import partial
from math import isnan, nan

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILLION,
    Numbers,
    canvas,
    footnote,
    nothing,
    panel,
    styled,
)
from optimize.plots.words import Speech, speech
from sim.kpis import KPIS

CURRENT = "current"
"""The plan as it is, which all others are compared with."""
ERROR, DIFFERENCE, LOW, HIGH = "SE ", "difference ", "low ", "high "
"""What stands before a goal in the names of the columns with its standard error, its paired difference to the plan as it is
and the ends of that difference's interval."""
MARKS = {CURRENT: ("D", ORANGE), "found": ("o", GREEN)}
"""How plans with a meaning of their own are drawn."""
NOTES = (
    "Whiskers: 95 % interval of the paired difference to the plan as it is, around each plan's mean.",
    "Dashed: the plan as it is; a whisker that crosses its line proves no difference.",
)


def goals_of(table: pd.DataFrame) -> list[str]:
    """Return the goals of a front, its columns but plan, knee, standard errors and differences.

    >>> goals_of(pd.DataFrame(columns=["plan", "gmv", "SE gmv", "difference gmv", "low gmv", "high gmv", "spend", "knee"]))
    ['gmv', 'spend']
    """
    aside = (ERROR, DIFFERENCE, LOW, HIGH)
    return [str(c) for c in table.columns if c not in ("plan", "knee") and not str(c).startswith(aside)]


def whiskers(table: pd.DataFrame, goal: str) -> "pd.Series[float]":
    """Return half of the interval of each plan's paired difference; NaN where it is not known, 0 for the plan as it is."""
    if HIGH + goal not in table:
        return pd.Series(nan, table.index)
    return (table[HIGH + goal] - table[LOW + goal]) / 2


def level(table: pd.DataFrame, goal: str) -> float:
    """Return where the plan as it is lies, on the front or not; NaN where not all plans were measured on the same seeds.

    >>> level(pd.DataFrame({"gmv": [5.0, 7.0], "difference gmv": [-1.0, 1.0]}), "gmv")
    6.0
    """
    levels = (table[goal] - table[DIFFERENCE + goal]).to_numpy(float) if DIFFERENCE + goal in table else np.empty(0)
    same = len(levels) > 0 and np.allclose(levels, levels[0], rtol=1e-9, atol=0)
    return float(levels[0]) if same else nan


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, goals: tuple[str, str], lang: str = "en") -> Axes:
    """Draw a front by two goals, the second along the foot; columns as in `optimize.pareto.Front`.

    The plan as it is, the proposal and the knee are named. Whiskers are 95 % intervals of paired differences to the plan as
    it is; they cross the dashed lines through it where no difference is proved. It is hollow where another plan beats it.
    """
    say, ax = speech(lang), panel(ax, 6, 4)
    (y, x), title = goals, say("Plans that no other plan beats")
    if table.empty:
        return nothing(ax, title, say("no plan was compared"))
    for goal, set_label, axis in ((x, ax.set_xlabel, ax.xaxis), (y, ax.set_ylabel, ax.yaxis)):
        set_label(say.goal(goal))
        axis.set_major_formatter(Numbers(KPIS[goal].unit if goal in KPIS else "", lang))
    ax.locator_params(axis="x", nbins=5)
    errors = {goal: whiskers(table, goal) for goal in goals}
    ax.errorbar(table[x], table[y], xerr=errors[x], yerr=errors[y], fmt="none", ecolor=BLUE, alpha=0.6, zorder=1)
    name = partial(_named, ax, below=len(table) > 1 and float(np.cov(table[x], table[y])[0, 1]) > 0)
    _compare(table, ax, x, y, partial(name, say("current")))
    for row in table.to_dict("records"):
        mark, colour = MARKS.get(str(row["plan"]), ("o", BLUE))
        ax.plot([row[x]], [row[y]], mark, color=colour, mec=BLACK, mew=0.6, ms=6.5, zorder=3)
        if row["knee"]:
            ax.plot([row[x]], [row[y]], "o", mfc="none", mec=VERMILLION, mew=1.8, ms=13, zorder=2)
        if words := told(str(row["plan"]), knee=bool(row["knee"]), say=say):
            name(words, row[x], row[y])
    ax.grid(axis="both", visible=True)
    ax.margins(0.12)
    ax.set_title(title)
    return ax


def _named(ax: Axes, words: str, x: float, y: float, *, below: bool) -> None:
    """Write beside a plan, `below` where a front that rises leaves room there."""
    paper = {"fc": "white", "ec": "none", "alpha": 0.75, "pad": 0.5}
    ax.annotate(words, (x, y), (8, -11 if below else 6), textcoords="offset points", fontsize=7.5, zorder=4, bbox=paper)


def _compare(table: pd.DataFrame, ax: Axes, x: str, y: str, name: Callable[[float, float], None]) -> None:
    """Draw dashed lines through the plan as it is, and the plan where it is not on the front."""
    at = level(table, x), level(table, y)
    for value, line in zip(at, (ax.axvline, ax.axhline), strict=True):
        if not isnan(value):
            line(value, color=GREY, lw=0.9, ls=(0, (4, 3)), zorder=0.9)
    if not any(map(isnan, at)) and CURRENT not in set(table["plan"]):
        ax.plot(*([value] for value in at), "D", mfc="white", mec=ORANGE, mew=1.6, ms=6.5, zorder=3)
        name(*at)


def told(plan: str, *, knee: bool, say: Speech) -> str:
    """Return what a plan on a front is called: current, proposed, knee; empty for any other."""
    names = {CURRENT: say("current"), "found": say("proposed")}
    return ", ".join(word for word in (names.get(plan, ""), say("knee") if knee else "") if word)


@styled
def figure(table: pd.DataFrame, *, lang: str = "en") -> Figure:
    """Draw a front as a picture: the first goal over each of the others."""
    first, *others = goals_of(table)
    fig = canvas(1 + 4.6 * len(others), 4.6)
    for ax, other in zip(fig.subplots(1, len(others), squeeze=False)[0], others, strict=True):
        draw(table, ax, goals=(first, other), lang=lang)
    say, goals = speech(lang), (first, *others)
    shown = any(whiskers(table, g).notna().any() for g in goals), not all(isnan(level(table, g)) for g in goals)
    footnote(fig, say.sentences([say(text) for text, drawn in zip(NOTES, shown, strict=True) if drawn]))
    return fig
