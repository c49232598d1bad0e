"""Which levers brought the orders, as credit is measured."""

from math import sqrt

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import stdtrit

from experiments import units
from experiments.plots.style import BLACK, BLUE, GREEN, GREY, canvas, label, mean_of, nothing, numbers, panel, styled
from experiments.replicate import Replication
from scenarios import Scenario

MOST = 15
OWN, WORD = "own accord", "word of mouth"


def credited(replication: Replication) -> pd.DataFrame:
    """Return lever, orders, half (half-width of the 95 % interval; NaN with one run), gmv: of all days from day 0 on."""
    by_run = replication.credit.groupby(["lever", "seed"], observed=True)[["orders", "gmv"]].sum().reset_index()
    orders = by_run.pivot_table(index="lever", columns="seed", values="orders", fill_value=0.0, observed=True)
    orders = orders.reindex(columns=list(replication.seeds), fill_value=0.0)
    n = len(replication.seeds)
    gmv = by_run.groupby("lever", observed=True)["gmv"].sum() / n
    half = orders.std(axis=1, ddof=1) * float(stdtrit(max(n - 1, 1), 0.975)) / sqrt(n)
    table = pd.DataFrame({"orders": orders.mean(axis=1), "half": half, "gmv": gmv})
    table = table.sort_values("orders", ascending=False).reset_index()
    return table.assign(lever=table["lever"].astype(str))


@styled
def draw(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None) -> Axes:
    """Draw the orders credited to the fifteen strongest levers."""
    ax = panel(ax, 9, 5.5)
    total = float(table["orders"].sum())
    levers = table[table["lever"] != OWN]
    if not float(levers["orders"].sum()) > 0:
        return nothing(ax, "Orders credited to levers", "no lever brought an order")
    shown = levers.iloc[:MOST]
    place = range(len(shown))
    ax.barh(place, shown["orders"], height=0.64, color=[GREEN if n == WORD else BLUE for n in shown["lever"]])
    ax.errorbar(shown["orders"], place, xerr=shown["half"].fillna(0.0), fmt="none", ecolor=BLACK, elinewidth=1, capsize=2)
    for k, row in enumerate(shown.itertuples()):
        reach = row.orders + (row.half if row.half == row.half else 0.0)
        text = f"{units.compact(row.orders, 3)}  ({units.compact(100 * row.orders / total, 3)} %, {units.amount(row.gmv, 'yuan', 3)})"
        ax.text(reach + shown["orders"].max() * 0.015, k, text, va="center", fontsize=7.5)
    names = [label(getattr(scenario.levers.get(n), "title", "") or n, n, most=46) for n in shown["lever"]]
    ax.set_yticks(place, names)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.set_xlim(0, float((shown["orders"] + shown["half"].fillna(0.0)).max()) * 1.3)
    ax.xaxis.set_major_formatter(numbers("orders"))
    ax.set_xlabel("orders credited; in brackets the share of all orders, and their value")
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.tick_params(axis="y", length=0)
    own = 100 * (total - float(levers["orders"].sum())) / total
    rest = levers.iloc[MOST:]
    more = f" {len(rest)} weaker levers, with {units.compact(float(rest['orders'].sum()), 3)} orders, are not shown." if len(rest) else ""
    ax.text(1, 0.02, f"{units.compact(own, 3)} % of {units.compact(total, 3)} orders came\nof users' own accord.{more}".replace(". ", ".\n"),
            transform=ax.transAxes, ha="right", va="bottom", color=GREY, fontsize=8)  # fmt: skip
    return ax


@styled
def figure(replication: Replication) -> Figure:
    """Draw the credit of the whole plan and its tail."""
    table = credited(replication)
    fig = canvas(11, 1.7 + 0.3 * max(5, min(len(table) - 1, MOST)))
    ax = draw(table, replication.scenario, fig.subplots())
    runs = len(replication.seeds)
    ax.set_title(
        f"{replication.scenario.name}: which levers brought the orders "
        f"({mean_of(runs)}{', whiskers: 95 % interval' if runs > 1 else ''})"
    )
    return fig
