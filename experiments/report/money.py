"""The money: accounts, what could not be paid, and where the orders came from, as tables with bars and as flows."""

from dataclasses import dataclass
from math import isnan

import pandas as pd

from experiments.plots import credit, flow
from experiments.replication import Replication
from experiments.report.figure import Chart, still
from experiments.report.language import Language
from experiments.report.strongest import lever_name
from experiments.scoreboard import money
from experiments.tables import rows
from scenarios import Scenario

MOST = 15
"""Levers told one by one."""


@dataclass(frozen=True)
class Account:
    """A row of the accounts: name, path, numbers in words, and places of its bar [percent of the widest]."""

    name: str
    path: str
    planned: str
    moved: str
    spent: str
    left: str
    used: str
    planned_width: float
    spent_width: float


@dataclass(frozen=True)
class Source:
    """A row of the orders' sources, in words; `width` of its bar is in percent of the widest lever's (own accord: none)."""

    name: str
    orders: str
    interval: str
    share: str
    gmv: str
    profit: str
    cost: str
    width: float | None


def accounts(replication: Replication, language: Language) -> tuple[list[Account], Account | None]:
    """Return the accounts that ever held money, and all of them together (None without any)."""
    table, _ = money(replication)
    if table.empty:
        return [], None
    widest = float(table[["planned", "spent"]].to_numpy().max()) or 1.0
    lines = [
        _account(account_name(replication.scenario, row.account), row.account, row, widest, language)
        for row in rows(table)
    ]  # fmt: skip
    sums = table[["planned", "moved", "spent", "left"]].sum()
    return lines, _account(language("money.all"), "", sums, float(max(sums["planned"], sums["spent"])) or 1.0, language)


def account_name(scenario: Scenario, path: str) -> str:
    """Return the titles on the way to an account, or its path where it has none."""
    titles, level = [], scenario.accounts.split
    for part in path.split("."):
        if part not in level:
            return path
        titles.append(level[part].title or part)
        level = level[part].split
    return " · ".join(titles)


def moved(replication: Replication) -> bool:
    """Return whether rules moved money."""
    return bool((replication.accounts["moved"].abs() >= 0.5).any())


def owed(replication: Replication) -> float:
    """Return what no account could pay, mean of the runs [yuan]."""
    return money(replication)[1]


def acted(replication: Replication, language: Language) -> str:
    """Return how often each rule acted in a run, in words; empty when none did."""
    if not len(replication.rules):
        return ""
    titles = {name: rule.title or name for name, rule in replication.scenario.rules.items()}
    times = replication.rules.groupby("rule", observed=True).size() / len(replication.seeds)
    parts = (language("money.times", name=titles.get(str(k), k), n=language.compact(v, 2)) for k, v in times.items())
    return ", ".join(parts)


def sources(replication: Replication, language: Language) -> tuple[list[Source], int, float]:
    """Return the fifteen strongest sources of orders, the number of weaker ones, and the orders of these together."""
    table = credit.credited(replication)
    table = table[table["orders"] > 0]
    if table.empty:
        return [], 0, 0.0
    n = len(replication.seeds)
    profits = replication.credit.groupby(replication.credit["lever"].astype(str))["profit"].sum() / n
    costs = replication.costs.groupby(replication.costs["lever"].astype(str))["yuan"].sum() / n
    total = float(table["orders"].sum())
    shown = table.iloc[: MOST + 1]
    widest = float(shown.loc[shown["lever"] != credit.OWN, "orders"].max())
    found = []
    for row in rows(shown):
        low, high = (language.compact(row.orders + sign * row.half, 3) for sign in (-1, 1))
        found.append(
            Source(
                name=lever_name(replication.scenario, row.lever, language),
                orders=language.compact(row.orders, 4),
                interval="" if isnan(row.half) else language.between(low, high),
                share=language.share(row.orders / total),
                gmv=language.amount(row.gmv, "yuan", 3),
                profit=language.amount(float(profits.get(row.lever, 0.0)), "yuan", 3),
                cost=language.amount(float(costs[row.lever]), "yuan", 3) if row.lever in costs.index else "",
                width=None if row.lever == credit.OWN else round(100 * row.orders / widest, 2),
            )
        )
    rest = table.iloc[MOST + 1 :]
    return found, len(rest), float(rest["orders"].sum())


def flows(replication: Replication, language: Language) -> Chart | None:
    """Return what flows from accounts to levers, and the orders that come of it, as a still picture; None without any."""
    table = flow.flows(replication, language.code)
    if not table[["yuan", "orders"]].to_numpy().sum():
        return None
    paid, earned = table[table["target"] != flow.ORDERS], table[table["target"] == flow.ORDERS]
    orders = language.compact(float(earned["orders"].sum()), 3)
    alt = language("money.flow_free", orders=orders)
    if len(paid):
        source, target, yuan, *_ = max(rows(paid), key=lambda row: float(row.yuan))
        alt = language(
            "money.flow_alt", accounts=paid["source"].nunique(), levers=paid["target"].nunique(), orders=orders,
            yuan=language.amount(float(paid["yuan"].sum()), "yuan", 3), source=source, target=target,
            most=language.amount(float(yuan), "yuan", 3),
        )  # fmt: skip
    nodes = max(paid["source"].nunique(), len({*paid["target"], *earned["source"]}))
    return Chart(
        id="flow",
        title=language("money.flow"),
        alt=alt,
        svg=still(flow.draw, table, name="flow", lang=language.code, size=(9.2, 0.6 + 0.42 * max(nodes, 6))),
        plotly={},
        height=0,
        note=language("money.flow_note"),
    )  # fmt: skip


def _account(name: str, path: str, row: pd.Series, widest: float, language: Language) -> Account:
    words = {c: language.whole(float(getattr(row, c))) for c in ("planned", "moved", "spent", "left")}
    used = language.share(row.spent / row.planned, 2) if row.planned else language("number.unknown")
    return Account(
        name, path, **words, used=used,
        planned_width=round(100 * row.planned / widest, 2), spent_width=round(100 * row.spent / widest, 2),
    )  # fmt: skip
