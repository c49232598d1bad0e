"""Retention: of each cohort of registrants, the share that was seen in each week of its age."""

from datetime import timedelta
from math import ceil

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.curves import LEAD_DAYS
from experiments.plots.style import Numbers, canvas, headline, nothing, panel, spoken, styled
from experiments.replication import Replication
from scenarios import Scenario

MOST = 26
"""Columns of the heat map; weeks are put together in blocks when there are more."""


def matrix(cohorts: pd.DataFrame) -> pd.DataFrame:
    """Return the share seen, all runs together: rows are the cohorts' first days (from 60 days before the plan on),
    columns the first week of age of each block of weeks, from 1 on.

    Week 0 is left out: everyone is there when they register. A block is as long as it takes to have 26 at most.
    """
    part = cohorts[(cohorts["cohort"] >= -LEAD_DAYS) & (cohorts["age_weeks"] > 0)]
    block = ceil(part["age_weeks"].max() / MOST) if len(part) else 1
    first_week = (part["age_weeks"] - 1) // block * block + 1
    sums = part.groupby([part["cohort"], first_week])[["active", "users"]].sum()
    return (sums["active"] / sums["users"]).unstack()


@styled
def draw(
    table: pd.DataFrame, sizes: pd.Series, scenario: Scenario, ax: Axes | None = None, *, lang: str = "en"
) -> Axes:
    """Draw the heat map of `matrix`; `sizes` are the registrants of each cohort."""
    say, ax = spoken(lang), panel(ax, 11, 5)
    title = say("Share of each cohort seen in each week after registration")
    if table.empty:
        return nothing(ax, title, say("no cohort was old enough to tell"))
    values = table.to_numpy()
    low, top = (float(v) for v in np.nanquantile(values, (0.02, 0.98)))
    if not top > low:
        low, top = 0.0, top or 1.0
    weeks = [int(week) for week in table.columns]
    block = weeks[1] - weeks[0] if len(weeks) > 1 else 1
    edges = np.arange(len(weeks) + 1) - 0.5, np.arange(len(table) + 1) - 0.5
    picture = ax.pcolormesh(*edges, values, cmap="cividis", vmin=low, vmax=top, edgecolor="white", lw=0.3)
    names = []
    for day in table.index:
        first = scenario.clock.date(int(day))
        last, n = first + timedelta(days=29), f"{sizes[day]:,.0f}"
        names.append(say("{first} to {last}  ({n})", first=f"{first:%Y-%m-%d}", last=f"{last:%m-%d}", n=n))
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xticks(range(len(weeks)), [f"{w}" if block == 1 else f"{w}-{w + block - 1}" for w in weeks])
    blocks = say("weeks of age (each block: mean of its {n} weeks)", n=block)
    ax.set_xlabel(say("week of age") if block == 1 else blocks)
    ax.grid(visible=False)
    ax.set_title(title)
    ax.tick_params(length=0)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            ax.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7,
                    color="white" if value < low + 0.55 * (top - low) else "black")  # fmt: skip
    bar = ax.figure.colorbar(picture, ax=ax, format=Numbers("share", lang), extend="both", pad=0.01, aspect=30)
    bar.outline.set_visible(False)
    return ax


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw the cohorts of the plan."""
    say, cohorts = spoken(lang), replication.cohorts
    table = matrix(cohorts)
    sizes = cohorts[cohorts["age_weeks"] == 0].groupby("cohort")["users"].mean()
    fig = canvas(12, 1.6 + 0.3 * max(len(table), 5))
    ax = draw(table, sizes, replication.scenario, fig.subplots(), lang=lang)
    if ax.axison:
        ax.set_ylabel(say("registered (number)"))
    headline(fig, replication, say("who stays"), lang)
    return fig
