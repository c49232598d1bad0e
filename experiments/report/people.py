"""Who comes and who stays: registrations by channel, and the retention of cohorts."""

from datetime import timedelta
from math import isnan

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from experiments.plots import acquisition, retention
from experiments.plots.style import STACK, styled
from experiments.plots.timeline import first_day
from experiments.replication import Replication
from experiments.report.figure import Chart, dates, day, layout, plain, scale, short, still
from experiments.report.language import Language
from scenarios import Scenario

_TOLD = 4
"""Channels told in words."""


def registrations(replication: Replication, language: Language) -> Chart | None:
    """Return registrations a week as a stack of channels; None when nobody registered."""
    table, scenario = acquisition.registrations(replication), replication.scenario
    if table.empty or not table.to_numpy().sum():
        return None
    start, sums = scenario.clock.start, table.sum()
    names = {str(name): channel(str(name), language) for name in table.columns}
    parts = ", ".join(f"{names[str(n)]} {language.share(v / sums.sum())}" for n, v in sums.iloc[:_TOLD].items())
    place = [day(start, int(first) + 3) for first in table.index]
    traces = [
        {
            "x": place, "y": short(table[name]), "name": plain(names[str(name)]), "mode": "lines", "stackgroup": "one",
            "line": {"width": 0, "color": colour, "shape": "hvh"}, "fillcolor": colour,
            "text": [language.compact(v, 3) for v in table[name]], "hovertemplate": "%{text}",
        }
        for name, colour in zip(table.columns, STACK, strict=False)
    ]  # fmt: skip
    return Chart(
        id="registrations",
        title=language("people.registrations"),
        alt=language("people.registrations_alt", parts=parts),
        svg=still(_stack, table, scenario, name="registrations", lang=language.code, size=(9.0, 4.2)),
        plotly={
            "data": traces,
            "layout": layout(
                xaxis=dates(start, first_day(scenario), scenario.clock.days + scenario.clock.tail),
                yaxis=scale(0.0, 1.05 * float(table.sum(axis=1).max()), "users", language) | {"fixedrange": True},
                hovermode="x unified", showlegend=True,
                legend={"orientation": "h", "y": -0.14, "x": 0, "traceorder": "normal"},
                margin={"l": 8, "r": 10, "t": 8, "b": 8},
            ),
        },
        height=400,
        hint=language("people.registrations_lead"),
    )  # fmt: skip


@styled
def _stack(table: pd.DataFrame, scenario: Scenario, *, lang: str) -> Axes:
    """Draw the still stack with its legend below."""
    ax = acquisition.draw(table, scenario, lang=lang)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.1), ncols=5)
    return ax


def channel(name: str, language: Language) -> str:
    """Return a channel's name; those that are no channel of the plan are told in words."""
    return language.charts.name(acquisition.NAMES.get(name, name))


def stays(replication: Replication, language: Language) -> Chart | None:
    """Return the heat map of retention; None when no cohort was old enough."""
    table, clock = retention.matrix(replication.cohorts), replication.scenario.clock
    if table.empty:
        return None
    cohorts = replication.cohorts
    sizes = cohorts[cohorts["age_weeks"] == 0].groupby("cohort")["users"].mean()
    weeks = [int(week) for week in table.columns]
    block = weeks[1] - weeks[0] if len(weeks) > 1 else 1
    ages = [language("people.age", week=w) if block == 1 else language("people.ages", first=w, last=w + block - 1)
            for w in weeks]  # fmt: skip
    names = []
    for cohort in table.index:
        first = clock.date(int(cohort))
        ends = language.date(first), language.date(first + timedelta(days=29))
        names.append(language("people.cohort", first=ends[0], last=ends[1]))
    told = [
        [f"{names[r]}<br>{ages[c]}: {language.share(v)}" if not isnan(v) else "" for c, v in enumerate(line)]
        for r, line in enumerate(table.to_numpy())
    ]  # fmt: skip
    values = table.to_numpy()
    low, top = (float(v) for v in np.nanquantile(values, (0.02, 0.98)))
    ticks = [low + (top - low) * k / 4 for k in range(5)]
    return Chart(
        id="retention",
        title=language("people.retention"),
        alt=language(
            "people.retention_alt", n=len(table), first=weeks[0], last=weeks[-1],
            early=language.share(float(table.iloc[:, 0].mean())), late=language.share(float(table.iloc[:, -1].mean())),
        ),
        svg=still(
            retention.draw, table, sizes, replication.scenario, name="retention", lang=language.code,
            size=(11.5, 1.2 + 0.26 * max(len(table), 5)),
        ),
        plotly={
            "data": [{
                "type": "heatmap", "z": [short(line) for line in values], "x": [str(w) for w in weeks],
                "y": [clock.date(int(cohort)).isoformat() for cohort in table.index],
                "text": told, "hovertemplate": "%{text}<extra></extra>", "colorscale": "Cividis", "zmin": low,
                "zmax": top, "xgap": 1, "ygap": 1, "hoverongaps": False,
                "colorbar": {"tickvals": short(ticks), "ticktext": [language.share(v, 2) for v in ticks],
                             "thickness": 10, "outlinewidth": 0, "len": 1},
            }],
            "layout": layout(
                xaxis={"type": "category", "title": {"text": language("people.week_axis")}, "fixedrange": True,
                       "nticks": 14, "showgrid": False},
                yaxis={"type": "category", "autorange": "reversed", "automargin": True, "fixedrange": True,
                       "showgrid": False},
                margin={"l": 8, "r": 8, "t": 8, "b": 44},
            ),
        },
        height=120 + 20 * max(len(table), 6),
        note=language("people.retention_lead"),
    )  # fmt: skip
