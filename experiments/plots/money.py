"""The money: planned, spent and left by account, what no account could pay, and what each lever cost."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import units
from experiments.plots.style import BLUE, GREY, ORANGE, PALE, VERMILLION, canvas, label, mean_of, nothing, numbers, panel, styled
from experiments.replicate import Replication
from scenarios import Scenario
from sim.ledger import REVENUE_KINDS, UNFUNDED

MOST = 25


def accounts(replication: Replication) -> pd.DataFrame:
    """Return account, title, planned, moved, spent, left, means over runs [yuan]; accounts that never held money apart."""
    table = replication.accounts.groupby("account", observed=True, sort=False)[["planned", "moved", "spent", "left"]].mean()
    table = table[(table[["planned", "spent", "left"]] != 0).any(axis=1)].reset_index()
    return table.assign(account=table["account"].astype(str))


def costs(replication: Replication) -> pd.DataFrame:
    """Return lever, account (`unfunded`: what no account could pay), yuan: means over runs, the dearest lever first."""
    ledger = replication.ledger
    paid = ledger[~ledger["kind"].isin(REVENUE_KINDS)]
    table = paid.groupby(["lever", "account"], observed=True, as_index=False)["yuan"].sum()
    table["yuan"] /= len(replication.seeds)
    table = table.astype({"lever": str, "account": str})
    order = table.groupby("lever")["yuan"].sum().sort_values(ascending=False)
    return table.set_index("lever").loc[order.index].reset_index() if len(table) else table


@styled
def draw_accounts(table: pd.DataFrame, unfunded: float = 0.0, ax: Axes | None = None) -> Axes:
    """Draw what accounts planned (with what rules moved in), spent and have left."""
    ax = panel(ax, 7, 5)
    title = "By account: spent and left of what was planned"
    if table.empty and not unfunded:
        return nothing(ax, title, "the plan has no money")
    place = range(len(table))
    ax.barh(place, table["spent"], height=0.6, color=BLUE, label="spent")
    ax.barh(place, table["left"], left=table["spent"], height=0.6, color=PALE, label="left")
    ax.barh(place, table["planned"], height=0.8, fill=False, edgecolor="black", lw=1.0, label="planned")
    names = table["account"].tolist()
    if unfunded:
        ax.barh([len(table)], [unfunded], height=0.6, color=VERMILLION, hatch="///", edgecolor="white", label="unfunded")
        names.append("UNFUNDED")
    widest = max([*table["planned"], *(table["spent"] + table["left"]), unfunded])
    for k, row in enumerate(table.itertuples()):
        reach = max(row.planned, row.spent + row.left)
        share = f"{units.amount(row.spent, 'yuan', 3)}" + (f" ({100 * row.spent / row.planned:.0f} %)" if row.planned else "")
        ax.text(reach + widest * 0.012, k, share, va="center", fontsize=7.5)
    if unfunded:
        ax.text(unfunded + widest * 0.012, len(table), f"{units.amount(unfunded, 'yuan', 3)} owed, not paid",
                va="center", fontsize=7.5, color=VERMILLION)  # fmt: skip
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, widest * 1.28)
    ax.set_title(title)
    _finish(ax)
    ax.set_xlabel("an empty frame: money that rules moved elsewhere" if _moved_away(table) else "")
    ax.legend(loc="lower right")
    return ax


def _moved_away(table: pd.DataFrame) -> bool:
    return bool((table["moved"] < -0.01 * table["planned"]).any())


@styled
def draw_levers(table: pd.DataFrame, scenario: Scenario, ax: Axes | None = None) -> Axes:
    """Draw what each lever cost; what no account could pay is hatched."""
    ax = panel(ax, 7, 5)
    title = "By lever: what it cost"
    totals = table.groupby("lever", sort=False)["yuan"].sum()
    if totals.empty:
        return nothing(ax, title, "no lever cost anything")
    shown, rest = totals.iloc[:MOST], totals.iloc[MOST:]
    owed = table[table["account"] == UNFUNDED].set_index("lever")["yuan"]
    for k, (lever, cost) in enumerate(shown.items()):
        unpaid = float(owed.get(lever, 0.0))
        ax.barh(k, cost - unpaid, height=0.66, color=ORANGE)
        ax.barh(k, unpaid, left=cost - unpaid, height=0.66, color=VERMILLION, hatch="///", edgecolor="white", lw=0)
        ax.text(cost + totals.max() * 0.012, k, units.amount(cost, "yuan", 3), va="center", fontsize=7.5)
    names = [label(getattr(scenario.levers.get(str(n)), "title", "") or str(n), str(n), most=42) for n in shown.index]
    if len(rest):
        ax.barh(len(shown), rest.sum(), height=0.66, color=GREY)
        ax.text(rest.sum() + totals.max() * 0.012, len(shown), units.amount(rest.sum(), "yuan", 3), va="center", fontsize=7.5)
        names.append(f"{len(rest)} others")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, max(totals.max(), rest.sum()) * 1.2)
    ax.set_title(title)
    _finish(ax)
    return ax


def _finish(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(numbers("yuan"))
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.tick_params(axis="y", length=0)


@styled
def figure(replication: Replication) -> Figure:
    """Draw accounts and levers side by side."""
    held, paid = accounts(replication), costs(replication)
    unfunded = float(paid.loc[paid["account"] == UNFUNDED, "yuan"].sum())
    bars = max(len(held) + bool(unfunded), min(paid["lever"].nunique(), MOST + 1), 6)
    fig = canvas(14, 1.6 + 0.27 * bars)
    left, right = fig.subplots(1, 2)
    draw_accounts(held, unfunded, left)
    draw_levers(paid, replication.scenario, right)
    fig.suptitle(
        f"{replication.scenario.name}: where the money goes ({mean_of(len(replication.seeds))})",
        x=0.01, ha="left", fontsize=12, fontweight="bold",
    )  # fmt: skip
    return fig
