"""The promises: what the runs reach against what is promised, so that 1 is the target."""

from math import isnan, nan

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots import naming
from experiments.plots.style import (
    BLACK,
    BLUE,
    GREY,
    RUST,
    canvas,
    footnote,
    headline,
    label,
    nothing,
    panel,
    spoken,
    styled,
)
from experiments.replication import Replication
from experiments.tables import rows
from sim.kpis import KPIS

LOW, HIGH = 0.0, 2.0
"""Ends of the scale; what lies beyond is shown as an arrow there."""


def ratio(value: float, wanted: float, unit: str, direction: str, base: float = nan) -> float:
    """Return how far a value fulfils a target: 1 is the target, more is better; NaN where that has no meaning.

    A change is compared by the levels it leads to; of a level not to pass, the inverse ratio is taken.

    >>> ratio(0.2, 0.4, "share", "at_least"), ratio(0.32, 0.10, "change vs last-year", "at_least")
    (0.5, 1.2)
    >>> ratio(0.1, 0.2, "share", "at_most")
    2.0
    """
    if unit.startswith("change vs "):
        value, wanted = 1 + value, 1 + wanted
    elif unit.startswith("points vs "):
        value, wanted = base + value, base + wanted
    if direction == "at_most":
        value, wanted = wanted, value
    if wanted == 0:
        return 1.0 if value == 0 else HIGH + 1
    return value / wanted if wanted > 0 else nan


def attained(replication: Replication, lang: str = "en") -> pd.DataFrame:
    """Return label, mean, low, high, runs (ratios to the target), text, probability, verdict; the worst first."""
    say, bases = spoken(lang), replication.summary[replication.summary["segment"] == "all"]
    base_of = bases.drop_duplicates(["kpi", "window"]).set_index(["kpi", "window"])["mean"].to_dict()
    lines = []
    for promise in rows(replication.promises):
        against = replication.scenario.targets[promise.name].against
        how = (promise.wanted, promise.unit, promise.direction, base_of.get((promise.kpi, against), nan))
        values = replication.targets.loc[replication.targets["target"] == promise.name, "value"].dropna()
        low, high = sorted(ratio(v, *how) for v in (promise.ci_low, promise.ci_high))
        unit = KPIS[promise.kpi].unit
        sign = "≥" if promise.direction == "at_least" else "≤"
        value, wanted = (say.spell(v, promise.unit, unit) for v in (promise.mean, promise.wanted))
        text = say("{value}   (wanted {sign} {wanted})", value=value, sign=sign, wanted=wanted)
        title, kpi, where = naming.output(promise, say), say.kpi(promise.kpi), naming.where(promise, say)
        measured = where if title == kpi else say("{title}, {where}", title=kpi, where=where)
        name = f"{label(title, promise.name, most=44)}\n{measured}"
        runs = tuple(ratio(v, *how) for v in values)
        lines.append((name, ratio(promise.mean, *how), low, high, runs, text, promise.probability, promise.verdict))
    table = pd.DataFrame(lines, columns=["label", "mean", "low", "high", "runs", "text", "probability", "verdict"])
    return table.sort_values("mean", na_position="first", kind="stable", ignore_index=True)


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw each promise as a dot with its interval, and the runs as ticks; 1 is the target."""
    say, ax = spoken(lang), panel(ax, 10, 6)
    if table.empty:
        return nothing(ax, say("What was promised"), say("the plan has no targets"))
    shown = [v for row in rows(table) for v in (row.low, row.high, row.mean, *row.runs) if not isnan(v)]
    left, right = max(LOW, min([0.8, *shown]) - 0.05), min(HIGH, max([1.2, *shown]) + 0.05)
    ax.axvspan(1, right, color="#EEF5F1", lw=0, zorder=0)
    ax.axvline(1, color=BLACK, lw=1.2, zorder=1)
    for k, row in enumerate(rows(table)):
        colour = GREY if isnan(row.probability) else BLUE if row.probability >= 0.5 else RUST
        ax.plot([min(max(v, left), right) for v in row.runs], [k] * len(row.runs), "|", color=colour, alpha=0.45, ms=9)
        ax.plot([max(row.low, left), min(row.high, right)], [k, k], color=colour, lw=3, alpha=0.55, zorder=2)
        marker = ">" if row.mean > right else "<" if row.mean < left else "D" if colour == RUST else "o"
        ax.plot(min(max(row.mean, left), right), k, marker, color=colour, ms=7, zorder=3, clip_on=False)
        words = say.verdict(row.verdict)
        if not isnan(row.probability):
            words = say("{chance}: {verdict}", chance=say.probability(row.probability), verdict=words)
        beside = ax.get_yaxis_transform()
        ax.text(1.01, k - 0.17, words, transform=beside, va="center", fontweight="bold", color=colour)
        ax.text(1.01, k + 0.22, row.text, transform=beside, va="center", fontsize=7.5, color=BLACK)
    ax.set_yticks(range(len(table)), table["label"].tolist())
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(left, right)
    ax.set_xlabel(say("share of the target that is reached (1 = target; right of it the promise is kept)"))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", visible=True)
    return ax


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw all promises, the most endangered at the top."""
    say, table = spoken(lang), attained(replication, lang)
    fig = canvas(11.5, 1.7 + 0.46 * max(len(table), 3))
    draw(table, fig.subplots(), lang=lang)
    headline(fig, replication, say("what was promised, and how likely it is"), lang)
    if len(table):
        footnote(fig, say("Dots: mean of the runs; bars: its 95 % interval; ticks: the runs. At the right: "
                          "probability that one further run keeps the promise."))  # fmt: skip
    return fig
