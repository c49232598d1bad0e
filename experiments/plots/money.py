"""The money: planned, spent and left by account, what no account could pay, and what each lever cost."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE,
    RUST,
    VERMILLION,
    bar_axis,
    canvas,
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
from sim.ledger import REVENUE_KINDS, UNFUNDED

MOST = 25
_SMALL = 7.5
_GAP = 0.012
"""Distance of a number from its bar, of the panel's width."""


def accounts(replication: Replication) -> pd.DataFrame:
    """Return account, planned, moved, spent, left, means over runs [yuan], of the accounts that ever held money."""
    money = ["planned", "moved", "spent", "left"]
    table = replication.accounts.groupby("account", observed=True, sort=False)[money].mean()
    table = table[(table != 0).any(axis=1)].reset_index()
    return table.assign(account=table["account"].astype(str))


def costs(replication: Replication) -> pd.DataFrame:
    """Return lever, account (`unfunded`: what no account could pay), yuan: means over runs, the dearest lever first."""
    ledger = replication.ledger
    paid = ledger[~ledger["kind"].isin(REVENUE_KINDS)]
    table = paid.groupby(["lever", "account"], observed=True)["yuan"].sum().reset_index()
    table = table.astype({"lever": str, "account": str}).assign(yuan=table["yuan"] / len(replication.seeds))
    dearest = table.groupby("lever")["yuan"].transform("sum")
    return (
        table.assign(total=dearest)
        .sort_values(["total", "lever"], ascending=False, ignore_index=True)
        .drop(columns="total")
    )


@styled
def draw_accounts(table: pd.DataFrame, unfunded: float = 0.0, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw what accounts planned, spent and have left (with what rules moved in), and what no account could pay."""
    say, ax = spoken(lang), panel(ax, 7, 5)
    if table.empty and not unfunded:
        return nothing(ax, say("By account"), say("the plan has no money"))
    place = range(len(table))
    ax.barh(place, table["spent"], height=0.6, color=BLUE, label=say("spent"))
    ax.barh(place, table["left"], left=table["spent"], height=0.6, color=PALE, label=say("left"))
    ax.barh(place, table["planned"], height=0.8, fill=False, edgecolor=BLACK, lw=1.0, label=say("planned"))
    widest = max([*table["planned"], *(table["spent"] + table["left"]), unfunded])
    for k, row in enumerate(rows(table)):
        share = f" ({say.share(round(row.spent / row.planned, 2))})" if row.planned else ""
        reach = max(row.planned, row.spent + row.left) + _GAP * widest
        ax.text(reach, k, say.amount(row.spent, "yuan", 3) + share, va="center", fontsize=_SMALL)
    names = table["account"].tolist()
    if unfunded:
        k = len(names)
        names.append(say("UNFUNDED"))
        ax.barh([k], [unfunded], height=0.6, color=VERMILLION, hatch="///", edgecolor="white", label=say("unfunded"))
        words = say("{amount} owed, not paid", amount=say.amount(unfunded, "yuan", 3))
        ax.text(unfunded + _GAP * widest, k, words, va="center", fontsize=_SMALL, color=RUST)
    bar_axis(ax, names, "yuan", lang)
    ax.set_xlim(0, widest * 1.28)
    ax.set_title(say("By account"))
    if (table["moved"] < -0.01 * table["planned"]).any():
        ax.set_xlabel(say("the empty part of a frame: money that rules moved elsewhere"))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderaxespad=0.2)
    return ax


@styled
def draw_levers(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw what each lever cost; what no account could pay is hatched."""
    say, ax = spoken(lang), panel(ax, 7, 5)
    if table.empty:
        return nothing(ax, say("By lever"), say("no lever cost anything"))
    totals = table.groupby("lever", sort=False)["yuan"].sum()
    owed = table[table["account"] == UNFUNDED].set_index("lever")["yuan"].reindex(totals.index, fill_value=0.0)
    bars = [(title_of(scenario, str(n), most=42), float(totals[n]), float(owed[n])) for n in totals.index[:MOST]]
    rest = totals.index[MOST:]
    if len(rest):
        bars.append((say("{n} others", n=len(rest)), float(totals[rest].sum()), float(owed[rest].sum())))
    widest = max(cost for _, cost, _ in bars)
    for k, (_, cost, unpaid) in enumerate(bars):
        ax.barh(k, cost - unpaid, height=0.66, color=GREY if k == MOST else ORANGE)
        ax.barh(k, unpaid, left=cost - unpaid, height=0.66, color=VERMILLION, hatch="///", edgecolor="white", lw=0)
        ax.text(cost + _GAP * widest, k, say.amount(cost, "yuan", 3), va="center", fontsize=_SMALL)
    bar_axis(ax, [name for name, _, _ in bars], "yuan", lang)
    ax.set_xlim(0, widest * 1.2)
    ax.set_title(say("By lever"))
    return ax


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw accounts and levers side by side."""
    say, held, paid = spoken(lang), accounts(replication), costs(replication)
    unfunded = float(paid.loc[paid["account"] == UNFUNDED, "yuan"].sum())
    bars = max(len(held) + bool(unfunded), min(paid["lever"].nunique(), MOST + 1), 6)
    fig = canvas(14, 1.6 + 0.27 * bars)
    left, right = fig.subplots(1, 2)
    draw_accounts(held, unfunded, left, lang=lang)
    draw_levers(paid, replication.scenario, right, lang=lang)
    headline(fig, replication, say("where the money goes"), lang)
    return fig
