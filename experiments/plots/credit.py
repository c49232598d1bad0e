"""Which levers brought the orders, as credit is measured."""

from math import sqrt

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import stdtrit

from experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    bar_axis,
    canvas,
    footnote,
    headline,
    nothing,
    panel,
    styled,
    title_of,
)  # fmt: skip
from experiments.replication import Replication
from experiments.tables import rows
from experiments.units import amount, compact
from scenarios import Scenario

MOST = 15
OWN, WORD = "own accord", "word of mouth"


def credited(replication: Replication) -> pd.DataFrame:
    """Return lever, orders, half (of the 95 % interval; NaN with one run), gmv, means over runs from day 0 on."""
    by_run = replication.credit.groupby(["lever", "seed"], observed=True)[["orders", "gmv"]].sum()
    orders = by_run["orders"].unstack(fill_value=0).reindex(columns=list(replication.seeds), fill_value=0)
    n = len(replication.seeds)
    half = orders.std(axis=1, ddof=1) * float(stdtrit(max(n - 1, 1), 0.975)) / sqrt(n)
    gmv = by_run["gmv"].groupby("lever", observed=True).sum() / n
    table = pd.DataFrame({"orders": orders.mean(axis=1), "half": half, "gmv": gmv}).reset_index()
    return table.astype({"lever": str}).sort_values("orders", ascending=False, kind="stable", ignore_index=True)


@styled
def draw(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None) -> Axes:
    """Draw the orders credited to the fifteen strongest levers."""
    ax, total = panel(ax, 9, 5.5), float(table["orders"].sum())
    shown = table[(table["lever"] != OWN) & (table["orders"] > 0)].iloc[:MOST]
    if shown.empty:
        return nothing(ax, "Orders credited to levers", "no lever brought an order")
    half = shown["half"].fillna(0.0)
    place, reach = range(len(shown)), (shown["orders"] + half).tolist()
    ax.barh(place, shown["orders"], height=0.64, color=[GREEN if n == WORD else BLUE for n in shown["lever"]])
    ax.errorbar(shown["orders"], place, xerr=half, fmt="none", ecolor=BLACK, elinewidth=1, capsize=2)
    for k, row in enumerate(rows(shown)):
        share, value = compact(100 * row.orders / total, 3), amount(row.gmv, "yuan", 3)
        words = f"{compact(row.orders, 3)}  ({share} %, {value})"
        ax.text(reach[k] + 0.012 * max(reach), k, words, va="center", fontsize=7.5)
    bar_axis(ax, [title_of(scenario, name, most=46) for name in shown["lever"]], "orders")
    ax.set_xlim(0, max(reach) * 1.3)
    ax.set_xlabel("orders credited (share of all orders, and their value)")
    return ax


def remainder(table: pd.DataFrame) -> str:
    """Return in words what the bars do not show."""
    total, own = float(table["orders"].sum()), float(table.loc[table["lever"] == OWN, "orders"].sum())
    if not total:
        return ""
    words = f"{compact(100 * own / total, 3)} % of {compact(total, 3)} orders came of users' own accord."
    weaker = table[table["lever"] != OWN].iloc[MOST:]
    if len(weaker):
        words += f" {len(weaker)} weaker levers brought {compact(float(weaker['orders'].sum()), 3)} orders together."
    return words


@styled
def figure(replication: Replication) -> Figure:
    """Draw the credit of the whole plan and its tail."""
    table = credited(replication)
    fig = canvas(11, 1.8 + 0.3 * max(5, min(len(table) - 1, MOST)))
    draw(table, replication.scenario, fig.subplots())
    headline(fig, replication, "which levers brought the orders")
    whiskers = " Whiskers: 95 % interval of the mean." if len(replication.seeds) > 1 else ""
    footnote(fig, remainder(table) + whiskers)
    return fig
