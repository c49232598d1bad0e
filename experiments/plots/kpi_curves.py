"""The plan's main KPIs week by week: mean over runs with its 95 % band, phases, festivals and targets."""

from math import ceil

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import stdtrit

from experiments import units
from experiments.curves import LEAD_DAYS, STOCKS, TOTALS
from experiments.plots.style import BLUE, GREY, SKY, VERMILLION, canvas, mean_of, nothing, numbers, panel, styled
from experiments.plots.timeline import SHADES, date_axis, festival_names, festivals, number, phases
from experiments.replicate import Replication
from experiments.summary import direction_of
from scenarios import Scenario
from sim.kpis import KPIS

MOST = 12
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
    """Return day, days, mean, low, high of a KPI: mean over runs and its 95 % interval (NaN with one run)."""
    part = curves[curves["kpi"] == kpi].groupby(["day", "days"], as_index=False)["value"]
    found = part.agg(["mean", "std", "count"])
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


@styled
def draw(curves: pd.DataFrame, kpis: pd.DataFrame, scenario: Scenario, kpi: str, ax: Axes | None = None) -> Axes:
    """Draw one KPI: `curves` and `kpis` are tables of a replication."""
    ax, found = panel(ax, 5, 3), band(curves, kpi)
    title = KPIS[kpi].title + (" a week" if kpi in TOTALS else "")
    if found.empty:
        return nothing(ax, title, "nothing to measure in the simulated weeks")
    first = max(-scenario.clock.burn_in, -LEAD_DAYS)
    middle = 0 if kpi in STOCKS else 3
    place = [number(scenario, day - middle + 0.5) for day in found["day"]]
    low = found["low"].clip(lower=0) if found["mean"].min() >= 0 else found["low"]
    ax.fill_between(place, low, found["high"], color=SKY, alpha=0.45, lw=0, zorder=2)
    ax.plot(place, found["mean"], color=BLUE, lw=1.5, marker="o" if kpi in STOCKS else None, ms=3, zorder=2.5)
    for start, end, level, _ in levels(scenario, kpis, kpi):
        ax.plot([number(scenario, start), number(scenario, end + 1)], [level] * 2, color=VERMILLION, lw=1.4, ls="--", zorder=3)
    if kpi in TOTALS and found["mean"].min() >= 0:
        ax.set_ylim(bottom=0)
    ax.margins(y=0.12)
    ax.set_title(title)
    ax.yaxis.set_major_formatter(numbers(KPIS[kpi].unit))
    date_axis(ax, scenario, first, scenario.clock.days + scenario.clock.tail)
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
    for k, (ax, kpi) in enumerate(zip(axes, kpis, strict=False)):
        draw(replication.curves, replication.kpis, scenario, kpi, ax)
        if ax.axison:
            phases(ax, scenario, named=k < columns)
            festivals(ax, scenario)
            words = [words for *_, words in levels(scenario, replication.kpis, kpi)]
            ax.set_title(ax.get_title(loc="left"), pad=8 + 9 * len(words))
            ax.text(0, 1.025, "\n".join(words), transform=ax.transAxes, va="bottom", fontsize=7.5, color="#B04A00")
    for ax in axes[len(kpis) :]:
        ax.remove()
    seeds = len(replication.seeds)
    fig.suptitle(
        f"{scenario.name}: the main KPIs by week ({mean_of(seeds)}, {scenario.market.users:,} users)",
        x=0.01, ha="left", fontsize=12, fontweight="bold",
    )  # fmt: skip
    handles = [
        Line2D([], [], color=BLUE, lw=1.5, label="KPI by week (dots: looks at all users)"),
        Patch(color=SKY, alpha=0.45, label="95 % interval of the mean" if seeds > 1 else "no interval with one run"),
        Line2D([], [], color=VERMILLION, ls="--", label="target, as its pace a week where it is a total"),
        Patch(color=SHADES[1], label="phases by turns, named in the top row"),
        Line2D([], [], color=GREY, marker="^", ls="", ms=5, label="festivals"),
    ]
    names = festival_names(scenario, -LEAD_DAYS, scenario.clock.days + scenario.clock.tail)
    legend = fig.legend(handles=handles, loc="outside lower left", ncols=5, alignment="left", title=names)
    legend.get_title().set(fontsize=7.5, color="#555555")
    return fig
