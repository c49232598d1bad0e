"""Retention: of each cohort of registrants, the share that was seen in each week of its age."""

from datetime import timedelta

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.curves import LEAD_DAYS
from experiments.plots.style import canvas, mean_of, nothing, numbers, panel, styled
from experiments.replicate import Replication
from scenarios import Scenario


def matrix(cohorts: pd.DataFrame) -> pd.DataFrame:
    """Return the share seen, all runs together: rows are the cohorts' first days (from 60 days before the plan on),
    columns weeks of age from 1 on.

    Week 0 is left out: everyone is there when they register.
    """
    part = cohorts[(cohorts["cohort"] >= -LEAD_DAYS) & (cohorts["age_weeks"] > 0)]
    sums = part.groupby(["cohort", "age_weeks"])[["active", "users"]].sum()
    return (sums["active"] / sums["users"]).unstack()


@styled
def draw(table: pd.DataFrame, sizes: pd.Series, scenario: Scenario, ax: Axes | None = None) -> Axes:
    """Draw the heat map of `matrix`; `sizes` are the registrants of each cohort."""
    ax = panel(ax, 11, 5)
    title = "Share of each cohort seen in each week after registration"
    if table.empty:
        return nothing(ax, title, "no cohort was old enough to tell")
    values = table.to_numpy()
    low, top = (float(v) for v in np.nanquantile(values, (0.02, 0.98)))
    if not top > low:
        low, top = 0.0, top or 1.0
    edges = np.arange(values.shape[1] + 1) + float(table.columns[0]) - 0.5
    picture = ax.pcolormesh(
        edges, np.arange(len(table) + 1) - 0.5, values, cmap="cividis", vmin=low, vmax=top, edgecolor="white", lw=0.3
    )
    names = []
    for day in table.index:
        first = scenario.clock.date(int(day))
        names.append(f"{first:%Y-%m-%d} to {first + timedelta(days=29):%m-%d}  ({sizes[day]:,.0f})")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("week of age")
    ax.grid(visible=False)
    ax.set_title(title)
    ax.tick_params(length=0)
    if values.shape[1] <= 16:
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                ax.text(column + float(table.columns[0]), row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7,
                        color="white" if value < low + 0.55 * (top - low) else "black")  # fmt: skip
        ax.set_xticks(table.columns.tolist())
    bar = ax.figure.colorbar(picture, ax=ax, format=numbers("share"), extend="both", pad=0.01, aspect=30)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return ax


@styled
def figure(replication: Replication) -> Figure:
    """Draw the cohorts of the plan."""
    cohorts = replication.cohorts
    table = matrix(cohorts)
    sizes = cohorts[cohorts["age_weeks"] == 0].groupby("cohort")["users"].mean()
    fig = canvas(12, 1.6 + 0.3 * max(len(table), 5))
    ax = draw(table, sizes, replication.scenario, fig.subplots())
    if ax.axison:
        ax.set_ylabel("registered (number)")
    fig.suptitle(
        f"{replication.scenario.name}: who stays ({mean_of(len(replication.seeds))})",
        x=0.01, ha="left", fontsize=12, fontweight="bold",
    )  # fmt: skip
    return fig
