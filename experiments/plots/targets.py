"""The promises: what the runs reach against what is promised, so that 1 is the target."""

from math import isnan, nan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import units
from experiments.plots.style import BLACK, BLUE, GREY, VERMILLION, canvas, label, nothing, panel, styled
from experiments.replicate import Replication
from sim.kpis import KPIS

LOW, HIGH = 0.0, 2.0


def ratio(value: float, wanted: float, unit: str, direction: str, base: float = nan) -> float:
    """Return how far a value fulfils a target: 1 is the target, more is better.

    A change is compared by the levels it leads to; of a level not to pass, the inverse ratio is taken.
    """
    if unit.startswith("change vs "):
        value, wanted = 1 + value, 1 + wanted
    elif unit.startswith("points vs "):
        value, wanted = base + value, base + wanted
    if direction == "at_most":
        value, wanted = wanted, value
    if not wanted:
        return 1.0 if not value else HIGH
    return value / wanted if wanted > 0 else nan


def attained(replication: Replication) -> pd.DataFrame:
    """Return label, mean, low, high (ratios to the target), runs (tuple of ratios), text, probability, verdict; best last."""
    rows = []
    bases = replication.summary[replication.summary["segment"] == "all"].drop_duplicates(["kpi", "window"])
    base_of = bases.set_index(["kpi", "window"])["mean"]
    for promise in replication.promises.itertuples():
        target = replication.scenario.targets[promise.name]
        base = float(base_of.get((promise.kpi, target.against), nan)) if target.against else nan
        values = replication.targets.loc[replication.targets["target"] == promise.name, "value"].dropna()
        mean, low, high = (
            ratio(v, promise.wanted, promise.unit, promise.direction, base) for v in (promise.mean, promise.ci_low, promise.ci_high)
        )
        runs = tuple(ratio(v, promise.wanted, promise.unit, promise.direction, base) for v in values)
        kpi_unit = KPIS[promise.kpi].unit
        sign = "≥" if promise.direction == "at_least" else "≤"
        reached = units.spell(promise.mean, promise.unit, kpi_unit)
        text = f"{reached}   (wanted {sign} {units.spell(promise.wanted, promise.unit, kpi_unit)})"
        where = promise.window if promise.segment == "all" else f"{promise.window}, {promise.segment}"
        name = f"{label(promise.title, promise.name, most=44)}\n{KPIS[promise.kpi].title}, {where}"
        rows.append((name, mean, *sorted((low, high)), runs, text, promise.probability, promise.verdict))
    columns = ["label", "mean", "low", "high", "runs", "text", "probability", "verdict"]
    return pd.DataFrame(rows, columns=columns).sort_values("mean", na_position="first", kind="stable", ignore_index=True)


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw each promise as a dot with its interval, runs as faint dots; 1 is the target."""
    ax = panel(ax, 10, 6)
    if table.empty:
        return nothing(ax, "What was promised", "the plan has no targets")
    shown = [v for v in [*table["low"], *table["high"], *table["mean"], *table["runs"].explode()] if v == v]
    left = max(LOW, min([0.8, *shown]) - 0.05)
    right = min(HIGH, max([1.2, *shown]) + 0.05)
    ax.axvspan(1, right, color="#EEF5F1", lw=0, zorder=0)
    ax.axvline(1, color=BLACK, lw=1.2, zorder=1)
    for k, row in enumerate(table.itertuples()):
        colour = GREY if isnan(row.probability) else BLUE if row.probability >= 0.5 else VERMILLION
        inside = [min(max(v, left), right) for v in row.runs]
        ax.plot(inside, [k] * len(inside), "|", color=colour, alpha=0.45, ms=9, zorder=2)
        if row.low == row.low:
            ax.plot([max(row.low, left), min(row.high, right)], [k, k], color=colour, lw=3, alpha=0.55, zorder=2)
        if row.mean == row.mean:
            marker = ">" if row.mean > right else "<" if row.mean < left else "o" if colour != VERMILLION else "D"
            ax.plot(min(max(row.mean, left), right), k, marker, color=colour, ms=7, zorder=3, clip_on=False)
        chance = units.probability(row.probability)
        words = row.verdict if row.verdict.startswith("cannot") else f"{chance}: {row.verdict.partition(' (')[0]}"
        ax.text(1.01, k - 0.17, words, transform=ax.get_yaxis_transform(), va="center", fontweight="bold", color=colour)
        ax.text(1.01, k + 0.22, row.text, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5, color=BLACK)
    ax.set_yticks(range(len(table)), table["label"].tolist())
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(left, right)
    ax.set_xlabel("share of the target that is reached (1 = target; right of it the promise is kept)")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", visible=True)
    return ax


@styled
def figure(replication: Replication) -> Figure:
    """Draw all promises, the most endangered at the top."""
    table = attained(replication)
    fig = canvas(11.5, 1.7 + 0.46 * max(len(table), 3))
    ax = draw(table, fig.subplots())
    runs = len(replication.seeds)
    fig.suptitle(
        f"{replication.scenario.name}: what was promised, and how likely it is", x=0.01, ha="left", fontsize=12, fontweight="bold"
    )
    ax.set_title(
        f"dots: mean of {runs} run{'s' * (runs > 1)}, bars: its 95 % interval, ticks: the runs; at the right: "
        "probability that one further run keeps the promise",
        fontsize=8, fontweight="normal", color="#555555", loc="center",
    )  # fmt: skip
    return fig
