"""The plan's main KPIs week by week: mean over runs with its 95 % band, phases, festivals, targets and actuals."""

from collections.abc import Iterable
from difflib import get_close_matches
from math import ceil, isnan

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import stdtrit

from experiments.curves import STOCKS, TOTALS
from experiments.plots.style import (
    BLACK,
    BLUE,
    GREY,
    RUST,
    SKY,
    VERMILLION,
    Numbers,
    canvas,
    headline,
    nothing,
    panel,
    spoken,
    styled,
)
from experiments.plots.timeline import SHADES, date_axis, festivals, first_day, legend_of_days, number, phases
from experiments.replication import Replication
from experiments.summary import direction_of
from scenarios import Scenario
from sim.kpis import KPIS

MOST = 12
WEEK = 7
PER_YUAN = ("roas", "cac")
BEYOND_ONE = ("marketing_expense_ratio",)
"""Shares that may be more than 1."""
USUAL = (
    "gmv", "uv_per_day", "new_users", "order_conversion", "orders", "aov", "spend", "roas", "retention_d30",
    "repurchase_12m", "exposure", "mau",
)  # fmt: skip


def chosen(scenario: Scenario, measured: Iterable[str] = ()) -> list[str]:
    """Return the plan's main KPIs: twelve at most that it promises something about, those measured, the usual ones.

    There are nine at least.
    """
    promised = list(dict.fromkeys(t.kpi for t in scenario.targets.values() if t.segment == "all"))
    known = list(dict.fromkeys([*promised[:MOST], *measured]))
    usual = [kpi for kpi in USUAL if kpi not in known]
    return known + usual[: max(0, 9 - len(known))]


def shown_days(scenario: Scenario) -> tuple[int, int]:
    """Return the first and the last day that the curves show."""
    return first_day(scenario), scenario.clock.days + scenario.clock.tail - 1


def observed(actuals: pd.DataFrame | None, scenario: Scenario) -> pd.DataFrame:
    """Return kpi, day, days, value of what was measured in the real market, as curves have it; empty without actuals.

    `actuals` has kpi, value, and either day (0 is the plan's first) or date; `days`, if given, is the length of the
    window that ends there (7 without it). Totals of other windows are brought to their pace a week; missing values and
    days that the chart does not show are left out. Raises `ValueError` for columns, KPIs or lengths that do not exist.
    """
    if actuals is None:
        return pd.DataFrame({"kpi": [], "day": [], "days": [], "value": []})
    if not {"kpi", "value"} <= set(actuals) or {"day", "date"}.isdisjoint(actuals):
        raise ValueError(f"actuals must have kpi, value, and day or date, but got the columns {list(actuals)}")
    for kpi in actuals["kpi"].unique():
        if kpi not in KPIS:
            near = get_close_matches(str(kpi), KPIS, n=1)
            raise ValueError(
                f"actuals must be of known KPIs, but got {kpi!r}" + (f"; did you mean {near[0]}?" * len(near))
            )
    start = pd.Timestamp(scenario.clock.start)
    day = actuals["day"] if "day" in actuals else (pd.to_datetime(actuals["date"]) - start).dt.days
    days = actuals["days"] if "days" in actuals else pd.Series(WEEK, actuals.index)
    if not (days >= 1).all():
        raise ValueError(f"`days >= 1` must hold, but got {days.min()}")
    total = actuals["kpi"].isin(TOTALS)
    value = actuals["value"].astype(float).where(~total, actuals["value"] * WEEK / days)
    found = pd.DataFrame({"kpi": actuals["kpi"].astype(str), "day": day.astype(int), "days": days, "value": value})
    shown = found["day"].between(*shown_days(scenario))
    return found[shown & found["value"].notna()].reset_index(drop=True)


def band(curves: pd.DataFrame, kpi: str) -> pd.DataFrame:
    """Return day, days, mean, low, high of a KPI: mean over runs and its 95 % interval (NaN with one run).

    Intervals end where the KPI does: at 0 where no mean is below it, and shares of a whole at 1. What is measured per
    yuan spent is left out in weeks with little spend, where it means nothing.
    """
    part = curves[curves["kpi"] == kpi]
    if kpi in PER_YUAN:
        spend = curves[curves["kpi"] == "spend"].groupby("day")["value"].mean()
        part = part[part["day"].isin(spend[spend > 0.2 * spend.max()].index)]
    found = spread(part, ["day", "days"])
    share = KPIS[kpi].unit == "share" and kpi not in BEYOND_ONE
    found["low"] = found["low"].clip(lower=0.0 if (found["mean"] >= 0).all() else None)
    found["high"] = found["high"].clip(upper=1.0 if share and (found["mean"] <= 1).all() else None)
    return found


def spread(part: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the keys, mean, low, high of `value` over runs: mean and its 95 % interval (NaN with one run)."""
    found = part.groupby(keys, as_index=False)["value"].agg(["mean", "std", "count"])
    few = found["count"].to_numpy() < 2
    half = stdtrit(np.maximum(found["count"] - 1, 1), 0.975) * found["std"] / np.sqrt(found["count"])
    half = np.where(few, np.nan, half)
    return found.assign(low=found["mean"] - half, high=found["mean"] + half)[[*keys, "mean", "low", "high"]]


def levels(scenario: Scenario, kpis: pd.DataFrame, kpi: str, lang: str = "en") -> list[tuple[int, int, float, str]]:
    """Return first day, last day, level and words of each target on a KPI, as the weekly curve shows it."""
    say, found = spoken(lang), []
    for target in scenario.targets.values():
        if target.kpi != kpi or target.segment != "all":
            continue
        direction, wanted = direction_of(target)
        first, last = scenario.span(target.window)
        sign = "≥" if direction == "at_least" else "≤"
        where = {"sign": sign, "window": say.name(target.window)}
        level, words = wanted, say("{sign} {value} in {window}", value=say.amount(wanted, KPIS[kpi].unit), **where)
        if target.against is not None:
            here = (kpis["kpi"] == kpi) & (kpis["window"] == target.against) & (kpis["segment"] == "all")
            base = float(kpis.loc[here, "value"].mean())
            level = base + wanted if target.points else base * (1 + wanted)
            moved = say.change(wanted, KPIS[kpi].unit, points=target.points)
            against = say.name(target.against)
            words = say("{sign} {value} vs {against} in {window}", value=moved, against=against, **where)
        found.append((first, last, level / (last - first + 1) * WEEK if kpi in TOTALS else level, words))
    return found


def reach(found: pd.DataFrame, wanted: list[float], *, zero: bool) -> tuple[float, float]:
    """Return the ends of the scale: targets, all means (of ratios, all but rare outliers), and bands of usual width.

    With `zero`, for totals, the scale begins at zero.
    """
    means = found["mean"]
    core = [*np.quantile(means, (0, 1) if zero else (0.04, 0.96)), *(level for level in wanted if not isnan(level))]
    usual = float((found["high"] - found["mean"]).quantile(0.8))
    room = max(0.8 * (max(core) - min(core)), 0.0 if isnan(usual) else 1.1 * usual)
    low = max(min(core) - room, min([found["low"].min(), means.min(), *core]))
    high = min(max(core) + room, max([found["high"].max(), means.max(), *core]))
    if means.min() >= 0:
        low = 0.0 if zero else max(low, 0.0)
    edge = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return (low if zero and not low else low - edge), high + edge


def scale(kpi: str, found: pd.DataFrame, real: pd.DataFrame, wanted: Iterable[float]) -> tuple[float, float]:
    """Return the ends of a KPI's scale (`reach`): of its `band`, the levels wanted, and what was measured (`observed`)."""
    if found.empty:
        found = real.assign(mean=real["value"], low=np.nan, high=np.nan)
    return reach(found, [*wanted, *real["value"]], zero=kpi in TOTALS)


def places(real: pd.DataFrame, scenario: Scenario, *, at_end: bool) -> list[float]:
    """Return the day on which each of `observed` is drawn: the middle of its period or its end, the first shown at least."""
    middle = 0 if at_end else (real["days"] - 1) / 2
    return (real["day"] - middle).clip(lower=first_day(scenario)).astype(float).tolist()


@styled
def draw(
    curves: pd.DataFrame, kpis: pd.DataFrame, scenario: Scenario, kpi: str, ax: Axes | None = None, *,
    actuals: pd.DataFrame | None = None, lang: str = "en",
) -> Axes:  # fmt: skip
    """Draw one KPI: `curves` and `kpis` are tables of a replication, `actuals` as `observed` takes them."""
    say, ax, found = spoken(lang), panel(ax, 5, 3), band(curves, kpi)
    real = observed(actuals, scenario).query("kpi == @kpi")
    title = say("{title} a week", title=say.kpi(kpi)) if kpi in TOTALS else say.kpi(kpi)
    if found.empty and real.empty:
        return nothing(ax, title, say("nothing to measure in the simulated weeks"))
    middle = 0 if kpi in STOCKS else 3
    place = [number(scenario, day - middle + 0.5) for day in found["day"]]
    ax.fill_between(place, found["low"], found["high"], color=SKY, alpha=0.45, lw=0, zorder=2)
    ax.plot(place, found["mean"], color=BLUE, lw=1.5, marker="o" if kpi in STOCKS else None, ms=3, zorder=2.5)
    for start, end, level, _ in (wanted := levels(scenario, kpis, kpi)):
        ends = number(scenario, start), number(scenario, end + 1)
        ax.hlines(level, *ends, color=VERMILLION, lw=1.4, ls="--", zorder=3)
    _dots(ax, scenario, real, at_end=kpi in STOCKS)
    if found.empty:
        why = say("nothing to measure in the simulated weeks")
        ax.text(0.5, 0.02, why, transform=ax.transAxes, ha="center", va="bottom", fontsize=7.5, color=GREY)
    ax.set_ylim(*scale(kpi, found, real, [level for _, _, level, _ in wanted]))
    ax.set_title(title)
    ax.yaxis.set_major_formatter(Numbers(KPIS[kpi].unit, lang))
    date_axis(ax, scenario, first_day(scenario), scenario.clock.days + scenario.clock.tail, lang)
    return ax


def _dots(ax: Axes, scenario: Scenario, real: pd.DataFrame, *, at_end: bool) -> None:
    """Draw actuals in the middle of their windows, or at their ends."""
    place = [number(scenario, day + 0.5) for day in places(real, scenario, at_end=at_end)]
    ax.plot(place, real["value"], "D", color=BLACK, mfc="white", ms=3.6, mew=1, zorder=4, clip_on=real.empty)


@styled
def figure(replication: Replication, actuals: pd.DataFrame | None = None, *, lang: str = "en") -> Figure:
    """Draw the plan's main KPIs as small multiples, with what was measured in the real market if it is given."""
    say, scenario = spoken(lang), replication.scenario
    kpis = chosen(scenario, observed(actuals, scenario)["kpi"])
    across = 3
    rows = ceil(len(kpis) / across)
    fig = canvas(13, 0.9 + 2.5 * rows)
    axes = fig.subplots(rows, across, squeeze=False).flatten()
    for ax, kpi in zip(axes, kpis, strict=False):
        draw(replication.curves, replication.kpis, scenario, kpi, ax, actuals=actuals, lang=lang)
        if ax.axison:
            phases(ax, scenario, named=False)
            festivals(ax, scenario)
            words = [words for *_, words in levels(scenario, replication.kpis, kpi, lang)]
            ax.set_title(ax.get_title(loc="left"), pad=8 + 9 * len(words))
            ax.text(0, 1.025, "\n".join(words), transform=ax.transAxes, va="bottom", fontsize=7.5, color=RUST)
    for ax in axes[len(kpis) :]:
        ax.remove()
    headline(fig, replication, say("the main KPIs by week"), lang)
    _legend(fig, replication, actuals is not None, lang)
    return fig


def _legend(fig: Figure, replication: Replication, real: bool, lang: str) -> None:
    say, scenario = spoken(lang), replication.scenario
    curve = say("KPI by week (dots: looks at all users)")
    handles: list[Artist] = [Line2D([], [], color=BLUE, lw=1.5, label=curve)]
    if len(replication.seeds) > 1:
        handles.append(Patch(color=SKY, alpha=0.45, label=say("95 % interval of the mean")))
    if scenario.targets:
        target = say("target (of a total: its pace a week)")
        handles.append(Line2D([], [], color=VERMILLION, ls="--", label=target))
    if real:
        measured = say("measured in the real market")
        handles.append(Line2D([], [], color=BLACK, marker="D", mfc="white", ls="", ms=4, label=measured))
    if scenario.phases:
        handles.append(Patch(color=SHADES[1], label=say("phases by turns")))
    if scenario.festivals:
        handles.append(Line2D([], [], color=GREY, marker="^", ls="", ms=5, label=say("festivals")))
    names = legend_of_days(scenario, lang=lang) or None
    legend = fig.legend(handles=handles, loc="outside lower left", ncols=6, alignment="left", title=names)
    legend.get_title().set(fontsize=7.5, color="#555555")
