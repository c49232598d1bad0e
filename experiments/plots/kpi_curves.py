"""The plan's main KPIs week by week: mean over runs with its 95 % band, phases, festivals and targets."""

from math import ceil, isnan

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import stdtrit

from experiments import units
from experiments.curves import STOCKS, TOTALS
from experiments.plots.style import BLUE, GREY, RUST, SKY, VERMILLION, Numbers, canvas, headline, nothing, panel, styled
from experiments.plots.timeline import SHADES, date_axis, festivals, first_day, legend_of_days, number, phases
from experiments.replication import Replication
from experiments.summary import direction_of
from scenarios import Scenario
from sim.kpis import KPIS

MOST = 12
PER_YUAN = ("roas", "cac")
USUAL = (
    "gmv", "uv_per_day", "new_users", "order_conversion", "orders", "aov", "spend", "roas", "retention_d30",
    "repurchase_12m", "exposure", "mau",
)  # fmt: skip


def chosen(scenario: Scenario) -> list[str]:
    """Return the plan's main KPIs: those it promises something about, filled up with the usual ones."""
    promised = [t.kpi for t in scenario.targets.values() if t.segment == "all"]
    known = list(dict.fromkeys(promised))
    usual = [kpi for kpi in USUAL if kpi not in known]
    return (known + usual[: max(0, 9 - len(known))])[:MOST]


def band(curves: pd.DataFrame, kpi: str) -> pd.DataFrame:
    """Return day, days, mean, low, high of a KPI: mean over runs and its 95 % interval (NaN with one run).

    What is measured per yuan spent is left out in weeks with little spend, where it means nothing.
    """
    part = curves[curves["kpi"] == kpi]
    if kpi in PER_YUAN:
        spend = curves[curves["kpi"] == "spend"].groupby("day")["value"].mean()
        part = part[part["day"].isin(spend[spend > 0.2 * spend.max()].index)]
    grouped = part.groupby(["day", "days"], as_index=False)["value"]
    found = grouped.agg(["mean", "std", "count"])
    few = found["count"].to_numpy() < 2
    half = stdtrit(np.maximum(found["count"] - 1, 1), 0.975) * found["std"] / np.sqrt(found["count"])
    half = np.where(few, np.nan, half)
    return found.assign(low=found["mean"] - half, high=found["mean"] + half)[["day", "days", "mean", "low", "high"]]


def levels(scenario: Scenario, kpis: pd.DataFrame, kpi: str) -> list[tuple[int, int, float, str]]:
    """Return first day, last day, level and words of each target on a KPI, as the weekly curve shows it."""
    found = []
    for target in scenario.targets.values():
        if target.kpi != kpi or target.segment != "all":
            continue
        direction, wanted = direction_of(target)
        first, last = scenario.span(target.window)
        sign = "≥" if direction == "at_least" else "≤"
        level, words = wanted, f"{sign} {units.amount(wanted, KPIS[kpi].unit)} in {target.window}"
        if target.against is not None:
            here = (kpis["kpi"] == kpi) & (kpis["window"] == target.against) & (kpis["segment"] == "all")
            base = float(kpis.loc[here, "value"].mean())
            level = base + wanted if target.points else base * (1 + wanted)
            moved = units.change(wanted, KPIS[kpi].unit, points=target.points)
            words = f"{sign} {moved} vs {target.against} in {target.window}"
        found.append((first, last, level / (last - first + 1) * 7 if kpi in TOTALS else level, words))
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


@styled
def draw(curves: pd.DataFrame, kpis: pd.DataFrame, scenario: Scenario, kpi: str, ax: Axes | None = None) -> Axes:
    """Draw one KPI: `curves` and `kpis` are tables of a replication."""
    ax, found = panel(ax, 5, 3), band(curves, kpi)
    title = KPIS[kpi].title + (" a week" if kpi in TOTALS else "")
    if found.empty:
        return nothing(ax, title, "nothing to measure in the simulated weeks")
    middle = 0 if kpi in STOCKS else 3
    place = [number(scenario, day - middle + 0.5) for day in found["day"]]
    low = found["low"].clip(lower=0) if found["mean"].min() >= 0 else found["low"]
    ax.fill_between(place, low, found["high"], color=SKY, alpha=0.45, lw=0, zorder=2)
    ax.plot(place, found["mean"], color=BLUE, lw=1.5, marker="o" if kpi in STOCKS else None, ms=3, zorder=2.5)
    for start, end, level, _ in levels(scenario, kpis, kpi):
        ends = number(scenario, start), number(scenario, end + 1)
        ax.hlines(level, *ends, color=VERMILLION, lw=1.4, ls="--", zorder=3)
    ax.set_ylim(*reach(found, [level for _, _, level, _ in levels(scenario, kpis, kpi)], zero=kpi in TOTALS))
    ax.set_title(title)
    ax.yaxis.set_major_formatter(Numbers(KPIS[kpi].unit))
    date_axis(ax, scenario, first_day(scenario), scenario.clock.days + scenario.clock.tail)
    return ax


@styled
def figure(replication: Replication) -> Figure:
    """Draw the plan's main KPIs as small multiples."""
    scenario = replication.scenario
    kpis = chosen(scenario)
    columns = 3
    rows = ceil(len(kpis) / columns)
    fig = canvas(13, 0.9 + 2.5 * rows)
    axes = fig.subplots(rows, columns, squeeze=False).flatten()
    for ax, kpi in zip(axes, kpis, strict=False):
        draw(replication.curves, replication.kpis, scenario, kpi, ax)
        if ax.axison:
            phases(ax, scenario, named=False)
            festivals(ax, scenario)
            words = [words for *_, words in levels(scenario, replication.kpis, kpi)]
            ax.set_title(ax.get_title(loc="left"), pad=8 + 9 * len(words))
            ax.text(0, 1.025, "\n".join(words), transform=ax.transAxes, va="bottom", fontsize=7.5, color=RUST)
    for ax in axes[len(kpis) :]:
        ax.remove()
    seeds = len(replication.seeds)
    headline(fig, replication, "the main KPIs by week")
    handles: list[Artist] = [Line2D([], [], color=BLUE, lw=1.5, label="KPI by week (dots: looks at all users)")]
    if seeds > 1:
        handles.append(Patch(color=SKY, alpha=0.45, label="95 % interval of the mean"))
    if scenario.targets:
        handles.append(Line2D([], [], color=VERMILLION, ls="--", label="target (of a total: its pace a week)"))
    if scenario.phases:
        handles.append(Patch(color=SHADES[1], label="phases by turns"))
    if scenario.festivals:
        handles.append(Line2D([], [], color=GREY, marker="^", ls="", ms=5, label="festivals"))
    names = legend_of_days(scenario) or None
    legend = fig.legend(handles=handles, loc="outside lower left", ncols=5, alignment="left", title=names)
    legend.get_title().set(fontsize=7.5, color="#555555")
    return fig
