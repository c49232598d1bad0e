"""How many people are in each state, day by day."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    SKY,
    YELLOW,
    Numbers,
    canvas,
    footnote,
    headline,
    nothing,
    panel,
    spoken,
    styled,
)  # fmt: skip
from experiments.plots.timeline import date_axis, first_day, legend_of_days, number, phases
from experiments.replication import Replication
from scenarios import Scenario

OUTSIDE = {"unaware": PALE, "aware": SKY, "visitor": BLUE}
MEMBERS = {
    "loyal": DARK, "repeat-buyer": BLUE, "retained": SKY, "first-buyer": GREEN, "considering": YELLOW,
    "registered": ORANGE, "dormant": GREY, "churned": PALE,
}  # fmt: skip
"""States of people who have registered, the most loyal first."""
HATCHES = {"retained": "////", "first-buyer": "xxx", "considering": "....", "registered": "\\\\\\\\"}
"""Hatches of states whose colours are like those of others in grey."""


def by_state(replication: Replication) -> pd.DataFrame:
    """Return people by state, means over runs: rows are days from 60 before the plan on, columns states."""
    part = replication.states[replication.states["day"] >= first_day(replication.scenario)]
    table = part.groupby(["day", "state"])["users"].sum().unstack(fill_value=0)
    return table / len(replication.seeds)


@styled
def draw(
    table: pd.DataFrame, scenario: Scenario, colours: dict[str, str], ax: Axes | None = None, *, lang: str = "en"
) -> Axes:
    """Draw some states as a stack."""
    say, ax = spoken(lang), panel(ax, 9, 4)
    names = [name for name in colours if name in table.columns]
    if table.empty or not names:
        return nothing(ax, say("People by state"), say("no day was simulated"))
    place = [number(scenario, int(day) + 0.5) for day in table.index]
    shades = [colours[name] for name in names]
    told = [say(name) for name in names]
    hatches = [HATCHES.get(name, "") for name in names]
    fills = ax.stackplot(
        place, table[names].T.to_numpy(), labels=told, colors=shades, hatch=hatches, edgecolor="white", lw=0.4, zorder=2
    )
    for fill, shade in zip(fills, shades, strict=True):
        fill.set_hatchcolor(GREY if shade == YELLOW else "white")
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(Numbers("users", lang))
    date_axis(ax, scenario, int(table.index[0]), int(table.index[-1]) + 1, lang)
    return ax


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw those who have registered above those who have not."""
    say, fig = spoken(lang), canvas(12, 7.5)
    table = by_state(replication)
    top, below = fig.subplots(2, 1, height_ratios=(3, 2))
    for ax, colours, title in (
        (top, MEMBERS, say("People who have registered, by state")),
        (below, OUTSIDE, say("People who have not registered, by state")),
    ):
        draw(table, replication.scenario, colours, ax, lang=lang)
        ax.set_title(title)
        if ax.axison:
            phases(ax, replication.scenario, named=ax is top)
            handles, names = ax.get_legend_handles_labels()
            ax.legend(handles[::-1], names[::-1], loc="center left", bbox_to_anchor=(1.01, 0.5))
    headline(fig, replication, say("where people stand"), lang)
    footnote(fig, legend_of_days(replication.scenario, lang=lang))
    return fig
