"""Where registrations come from: by channel, week by week, as numbers and as shares."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import (
    HATCHES,
    STACK,
    Numbers,
    canvas,
    footnote,
    headline,
    label,
    nothing,
    panel,
    spoken,
    styled,
)
from experiments.plots.timeline import date_axis, first_day, legend_of_days, number, phases
from experiments.replication import Replication
from scenarios import Scenario

MOST = 9
NAMES = {"own": "own accord"}


def registrations(replication: Replication) -> pd.DataFrame:
    """Return registrations a week, means over runs: rows are the weeks' first days, columns channels, largest first.

    Beyond nine, small channels are added up as `others`; weeks that were not simulated whole are absent.
    """
    daily = replication.daily
    first = -(-first_day(replication.scenario) // 7) * 7
    last = first + (replication.days - first) // 7 * 7
    part = daily[(daily["metric"] == "new_users") & daily["day"].between(first, last - 1)]
    week = part["day"] // 7 * 7
    table = part.groupby([week, part["channel"].astype(str)])["value"].sum().unstack(fill_value=0)
    table = table.reindex(range(first, last, 7), fill_value=0.0) / len(replication.seeds)
    table = table[table.sum().sort_values(ascending=False).index]
    if table.shape[1] > MOST:
        table = table.iloc[:, : MOST - 1].assign(others=table.iloc[:, MOST - 1 :].sum(axis=1))
    return table


@styled
def draw(
    table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None, *, shares: bool = False, lang: str = "en"
) -> Axes:
    """Draw registrations by channel, stacked, as numbers a week or as shares of the week."""
    say, ax = spoken(lang), panel(ax, 9, 4)
    title = say("Shares of each week's registrations") if shares else say("Registrations a week")
    if table.empty or not table.to_numpy().sum():
        return nothing(ax, title, say("nobody registered in the simulated weeks"))
    values = table.div(table.sum(axis=1).where(lambda s: s > 0, 1), axis=0) if shares else table
    place = [number(scenario, day) for day in [*table.index, table.index[-1] + 7]]
    stacks = np.vstack([values.to_numpy(), values.to_numpy()[-1:]]).T
    names = [label(say.name(NAMES.get(name, name))) for name in table.columns]
    ax.stackplot(
        place, stacks, colors=STACK, hatch=HATCHES, labels=names, edgecolor="white", lw=0.4, step="post", zorder=2
    )
    ax.set_title(title)
    ax.yaxis.set_major_formatter(Numbers("share" if shares else "users", lang))
    date_axis(ax, scenario, int(table.index[0]), int(table.index[-1]) + 7, lang)
    ax.set_ylim(0, 1 if shares else None)
    return ax


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw numbers above shares, with one legend in the order of the stack."""
    say, fig = spoken(lang), canvas(12, 7)
    table = registrations(replication)
    top, below = fig.subplots(2, 1, sharex=False, height_ratios=(3, 2))
    draw(table, replication.scenario, top, lang=lang)
    draw(table, replication.scenario, below, shares=True, lang=lang)
    for ax in (top, below):
        if ax.axison:
            phases(ax, replication.scenario, named=ax is top)
    if top.axison:
        handles, names = top.get_legend_handles_labels()
        fig.legend(handles[::-1], names[::-1], loc="outside right center", title=say("Brought by"), alignment="left")
    headline(fig, replication, say("who registers, and through which channel"), lang)
    footnote(fig, legend_of_days(replication.scenario, lang=lang))
    return fig
