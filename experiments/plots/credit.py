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
    spoken,
    styled,
    title_of,
)  # fmt: skip
from experiments.replication import Replication
from experiments.tables import rows
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
def draw(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw the orders credited to the fifteen strongest levers."""
    say, ax, total = spoken(lang), panel(ax, 9, 5.5), float(table["orders"].sum())
    shown = table[(table["lever"] != OWN) & (table["orders"] > 0)].iloc[:MOST]
    if shown.empty:
        return nothing(ax, say("Orders credited to levers"), say("no lever brought an order"))
    half = shown["half"].fillna(0.0)
    place, reach = range(len(shown)), (shown["orders"] + half).tolist()
    ax.barh(place, shown["orders"], height=0.64, color=[GREEN if n == WORD else BLUE for n in shown["lever"]])
    ax.errorbar(shown["orders"], place, xerr=half, fmt="none", ecolor=BLACK, elinewidth=1, capsize=2)
    for k, row in enumerate(rows(shown)):
        share, value = say.share(row.orders / total), say.amount(row.gmv, "yuan", 3)
        words = say("{orders}  ({share}, {value})", orders=say.compact(row.orders, 3), share=share, value=value)
        ax.text(reach[k] + 0.012 * max(reach), k, words, va="center", fontsize=7.5)
    bar_axis(ax, [say.name(title_of(scenario, name, most=46)) for name in shown["lever"]], "orders", lang)
    ax.set_xlim(0, max(reach) * 1.3)
    ax.set_xlabel(say("orders credited (share of all orders, and their value)"))
    return ax


def own_share(table: pd.DataFrame, lang: str = "en") -> str:
    """Return in words how many orders came of users' own accord; nothing when there was no order."""
    say, total = spoken(lang), float(table["orders"].sum())
    if not total:
        return ""
    own = float(table.loc[table["lever"] == OWN, "orders"].sum())
    return say(
        "{share} of {n} orders came of users' own accord.", share=say.share(own / total), n=say.compact(total, 3)
    )


def remainder(table: pd.DataFrame, lang: str = "en") -> str:
    """Return in words what the bars do not show."""
    say, words = spoken(lang), own_share(table, lang)
    weaker = table[table["lever"] != OWN].iloc[MOST:]
    if words and len(weaker):
        orders = say.compact(float(weaker["orders"].sum()), 3)
        if len(weaker) == 1:
            others = say("One weaker lever brought {orders} orders.", orders=orders)
        else:
            others = say("{n} weaker levers brought {orders} orders together.", n=len(weaker), orders=orders)
        words = say.sentences([words, others])
    return words


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw the credit of the whole plan and its tail."""
    say, table = spoken(lang), credited(replication)
    fig = canvas(11, 1.8 + 0.3 * max(5, min(len(table) - 1, MOST)))
    draw(table, replication.scenario, fig.subplots(), lang=lang)
    headline(fig, replication, say("which levers brought the orders"), lang)
    notes = [remainder(table, lang)] + [say("Whiskers: 95 % interval of the mean.")] * (len(replication.seeds) > 1)
    footnote(fig, say.sentences(notes))
    return fig
