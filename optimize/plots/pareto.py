"""The front: plans that no other plan beats in every goal, the first goal over each of the others."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
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

ERROR = "SE "
"""What stands before a goal in the name of the column with its standard error."""
MARKS = {"current": ("D", ORANGE), "found": ("o", GREEN)}
"""How plans with a meaning of their own are drawn."""


def goals_of(table: pd.DataFrame) -> list[str]:
    """Return the goals of a front, its columns but plan, knee and standard errors.

    >>> goals_of(pd.DataFrame(columns=["plan", "gmv", "SE gmv", "spend", "SE spend", "knee"]))
    ['gmv', 'spend']
    """
    return [str(c) for c in table.columns if c not in ("plan", "knee") and not str(c).startswith(ERROR)]


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, goals: tuple[str, str], lang: str = "en") -> Axes:
    """Draw a front by two goals, the second along the foot; columns plan, a goal each, `SE GOAL`, knee.

    The plan as it is, the proposal and the knee are named; whiskers are standard errors.
    """
    say, ax = speech(lang), panel(ax, 6, 4)
    (y, x), title = goals, say("Plans that no other plan beats")
    if table.empty:
        return nothing(ax, title, say("no plan was compared"))
    for goal, set_label, axis in ((x, ax.set_xlabel, ax.xaxis), (y, ax.set_ylabel, ax.yaxis)):
        set_label(say.goal(goal))
        axis.set_major_formatter(Numbers(KPIS[goal].unit if goal in KPIS else "", lang))
    errors = {goal: table.get(ERROR + goal) for goal in goals}
    ax.errorbar(table[x], table[y], xerr=errors[x], yerr=errors[y], fmt="none", ecolor=BLUE, alpha=0.35, zorder=1)
    for row in table.to_dict("records"):
        mark, colour = MARKS.get(str(row["plan"]), ("o", BLUE))
        ax.plot([row[x]], [row[y]], mark, color=colour, mec=BLACK, mew=0.6, ms=6.5, zorder=3)
        if row["knee"]:
            ax.plot([row[x]], [row[y]], "o", mfc="none", mec=VERMILLION, mew=1.8, ms=13, zorder=2)
        if words := told(str(row["plan"]), knee=bool(row["knee"]), say=say):
            ax.annotate(words, (row[x], row[y]), (8, 6), textcoords="offset points", fontsize=7.5, zorder=4)
    ax.grid(axis="both", visible=True)
    ax.margins(0.12)
    ax.set_title(title)
    return ax


def told(plan: str, *, knee: bool, say: Speech) -> str:
    """Return what a plan on a front is called: current, proposed, knee; empty for any other."""
    names = {"current": say("current"), "found": say("proposed")}
    return ", ".join(word for word in (names.get(plan, ""), say("knee") if knee else "") if word)


@styled
def figure(table: pd.DataFrame, *, lang: str = "en") -> Figure:
    """Draw a front as a picture: the first goal over each of the others."""
    first, *others = goals_of(table)
    fig = canvas(1 + 4.6 * len(others), 4.6)
    for ax, other in zip(fig.subplots(1, len(others), squeeze=False)[0], others, strict=True):
        draw(table, ax, goals=(first, other), lang=lang)
    footnote(fig, speech(lang)("Whiskers: standard error of the mean."))
    return fig
