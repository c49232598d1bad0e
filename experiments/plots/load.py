"""What the plan asks of stock and service: orders lost to empty shelves, load and response time of the service desk."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from experiments.plots.style import (
    BLUE,
    RUST,
    SKY,
    VERMILLION,
    Numbers,
    canvas,
    footnote,
    headline,
    nothing,
    panel,
    spoken,
    styled,
)
from experiments.plots.timeline import date_axis, festivals, first_day, legend_of_days, number, phases
from experiments.replication import Replication
from scenarios import Scenario
from sim.clock import Calendar
from sim.supply import OPEN_SECONDS, mean_wait

WEEK = 7
_LEAST_SECONDS = 1.0
"""Foot of the scale of response times."""
_UNDERLAY = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}


def lost(replication: Replication) -> pd.DataFrame:
    """Return seed, day (a week's first), share: of the attempts to order, those that met an empty shelf.

    From 60 days before the plan on; weeks that were not simulated whole, or in which nobody tried to order, are absent.
    """
    sums = _by_day(replication, "stockouts", "order_attempts")
    first = -(-first_day(replication.scenario) // WEEK) * WEEK
    last = first + (replication.days - first) // WEEK * WEEK
    part = sums[sums["day"].between(first, last - 1)]
    weeks = part.groupby(["seed", part["day"] // WEEK * WEEK])[["stockouts", "order_attempts"]].sum().reset_index()
    tried = weeks[weeks["order_attempts"] > 0]
    return tried[["seed", "day"]].assign(share=tried["stockouts"] / tried["order_attempts"])


def desk(replication: Replication) -> pd.DataFrame:
    """Return seed, day, load, seconds: what each day's orders ask of the service desk, from 60 days before the plan on.

    `load` is the share of the agents' time that contacts need, `seconds` the mean response time: both as the simulated
    desk works them out (`sim.supply.ServiceDesk`), with the agents that shocks leave. The plan must have `service.agents`.
    """
    spec, days = replication.scenario.service, _by_day(replication, "orders")
    agents = agents_on_duty(replication.scenario)
    arrivals = days["orders"] * spec.contacts_per_order * (1 - spec.assisted) / OPEN_SECONDS
    on_duty = days["day"].map(agents)
    service = spec.handle_minutes * 60
    waits = [mean_wait(n, rate, service) for n, rate in zip(on_duty, arrivals, strict=True)]
    return days[["seed", "day"]].assign(load=arrivals * service / on_duty, seconds=np.minimum(waits, OPEN_SECONDS))


def agents_on_duty(scenario: Scenario) -> Mapping[int, int]:
    """Return the agents on duty by day: those of the plan, as the shocks of that day leave them, in their order."""
    calendar = Calendar(scenario)
    struck = [(calendar.span(shock.when), name, shock.agents) for name, shock in scenario.shocks.items() if shock.on]
    found = {}
    for day in range(calendar.first, calendar.last + 1):
        agents = scenario.service.agents
        for (first, last), _, change in sorted(struck):
            if first <= day <= last:
                agents = int(agents * (1 + change))
        found[day] = max(agents, 1)
    return found


def _by_day(replication: Replication, *metrics: str) -> pd.DataFrame:
    """Return seed, day and a column of each metric [real market], one row a run and day shown, zeros included."""
    daily, first = replication.daily, first_day(replication.scenario)
    part = daily[daily["metric"].isin(metrics) & (daily["day"] >= first)]
    table = part.assign(metric=part["metric"].astype(str)).pivot_table(
        index=["seed", "day"], columns="metric", values="value", aggfunc="sum"
    )
    every = pd.MultiIndex.from_product([replication.seeds, range(first, replication.days)], names=["seed", "day"])
    return table.reindex(index=every, columns=list(metrics)).fillna(0.0).reset_index()


@styled
def draw(
    table: pd.DataFrame, scenario: Scenario, what: str, ax: Axes | None = None, *, unit: str = "share", days: int = 1,
    lang: str = "en",
) -> Axes:  # fmt: skip
    """Draw the mean of the runs over time, and the range between the lowest and the highest run.

    `table` has seed, day (the first of so many) and the column `what`. Ranges, and not intervals of the mean, because
    what is drawn is so skewed that Student's intervals leave what is possible.
    """
    ax = panel(ax, 11, 2.6)
    shown = table.groupby("day", as_index=False)[what].agg(["mean", "min", "max"])
    place = [number(scenario, day + days / 2) for day in shown["day"]]
    ax.fill_between(place, shown["min"], shown["max"], color=SKY, alpha=0.45, lw=0, zorder=2)
    ax.plot(place, shown["mean"], color=BLUE, lw=1.4, marker="o" if days > 1 else None, ms=3, zorder=2.5)
    ax.set_ylim(0, max(1.12 * float(shown["max"].max()), 0.01))
    ax.yaxis.set_major_formatter(Numbers(unit, lang))
    date_axis(ax, scenario, first_day(scenario), scenario.clock.days + scenario.clock.tail, lang)
    return ax


@styled
def draw_stock(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw the share of attempts to order that were lost because goods were out of stock; `table` as of `lost`."""
    say, ax = spoken(lang), panel(ax, 11, 2.6)
    title = say("Orders lost because goods were out of stock, by week")
    if not any(goods.stock for goods in scenario.goods.classes.values()):
        return nothing(ax, title, say("the plan keeps no stock: goods never run out"))
    if table.empty:
        return nothing(ax, title, say("nobody tried to order in the simulated weeks"))
    draw(table, scenario, "share", ax, days=WEEK, lang=lang)
    ax.set_title(title)
    ax.set_ylabel(say("share of attempts"))
    return ax


@styled
def draw_load(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw the load of the service desk; `table` as `desk` returns it."""
    say, ax = spoken(lang), panel(ax, 11, 2.6)
    draw(table, scenario, "load", ax, lang=lang)
    ax.set_title(say("Load of the service desk"))
    ax.set_ylabel(say("share of agents' time"))
    _limit(ax, 1.0, say("all agents busy all day"))
    ax.set_ylim(0, max(1.25, ax.get_ylim()[1]))
    return ax


@styled
def draw_response(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw the response time of the service desk, at least a second; `table` as `desk` returns it."""
    say, ax, limit = spoken(lang), panel(ax, 11, 2.6), scenario.service.slow_seconds
    shown = table.assign(seconds=table["seconds"].clip(lower=_LEAST_SECONDS))
    draw(shown, scenario, "seconds", ax, unit="seconds", lang=lang)
    ax.set_yscale("log")
    ax.set_ylim(0.8 * _LEAST_SECONDS, 3 * max(float(shown["seconds"].max()), limit, 10.0))
    ax.yaxis.set_major_formatter(lambda value, _: say.compact(value))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_title(say("Response time of the service desk"))
    ax.set_ylabel(say("mean seconds"))
    if limit:
        _limit(ax, limit, say("slower than {n} s costs satisfaction", n=say.compact(limit, 3)))
    return ax


def _limit(ax: Axes, level: float, words: str) -> None:
    ax.axhline(level, color=VERMILLION, lw=1.2, ls="--", zorder=3)
    ax.annotate(words, (0.995, level), (0, 2), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                ha="right", va="bottom", fontsize=7.5, color=RUST, zorder=4, bbox=_UNDERLAY)  # fmt: skip


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw lost orders above load and response time of the service desk."""
    say, scenario = spoken(lang), replication.scenario
    heights = (1, 1, 1) if scenario.service.agents else (1, 0.3)
    fig = canvas(12, 1.2 + 2.35 * sum(heights))
    stock, *service = fig.subplots(len(heights), 1, height_ratios=heights)
    draw_stock(lost(replication), scenario, stock, lang=lang)
    if scenario.service.agents:
        table = desk(replication)
        draw_load(table, scenario, service[0], lang=lang)
        draw_response(table, scenario, service[1], lang=lang)
    else:
        why = say("service is never short in this plan: it has no number of agents")
        nothing(service[0], say("Load of the service desk"), why)
    for k, ax in enumerate(ax for ax in (stock, *service) if ax.axison):
        phases(ax, scenario, named=k == 0)
        festivals(ax, scenario)
    headline(fig, replication, say("stock and service"), lang)
    footnote(fig, legend_of_days(scenario, lang=lang))
    _legend(fig, replication, lang)
    return fig


def _legend(fig: Figure, replication: Replication, lang: str) -> None:
    say = spoken(lang)
    if len(replication.seeds) > 1:
        handles = [
            Line2D([], [], color=BLUE, lw=1.4, label=say("mean of the runs")),
            Patch(color=SKY, alpha=0.45, label=say("lowest to highest run")),
        ]
        fig.legend(handles=handles, loc="outside upper right", ncols=2)
