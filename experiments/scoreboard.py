"""The scoreboard: what a replication says, as text for people and as a document for programs."""

from collections.abc import Iterator
from math import isnan
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.folder import manifest
from experiments.job import SO_FAR
from experiments.outputs import MAIN
from experiments.replication import Replication
from experiments.tables import rows
from experiments.units import amount, between, compact, probability, spell, whole
from sim.kpis import KPIS
from sim.ledger import UNFUNDED

FEW_SEEDS = 10
NARROW = 76
"""Columns of a page from which numbers fit on one line."""
_COLOURS = {"very likely": "green", "likely": "green", "open": "yellow", "unlikely": "red", "very unlikely": "red"}


def window_shown(replication: Replication) -> str:
    """Return the window whose KPIs are shown: the plan, or its simulated part when runs ended early."""
    return "plan" if replication.days >= replication.scenario.clock.days else SO_FAR


def main_kpis(replication: Replication) -> pd.DataFrame:
    """Return the summary's rows of the main KPIs and of those with a baseline, over the window shown."""
    summary, chosen = replication.summary, {*MAIN, *replication.scenario.baseline}
    here = (summary["window"] == window_shown(replication)) & (summary["segment"] == "all")
    found = summary[here & summary["kpi"].isin(chosen)].drop_duplicates("kpi")
    return found[found["unit"] == found["kpi"].map({kpi.id: kpi.unit for kpi in KPIS.values()})]


def money(replication: Replication) -> tuple[pd.DataFrame, float]:
    """Return account, planned, moved, spent, left (means over runs), and what no account could pay [yuan]."""
    columns = ["planned", "moved", "spent", "left"]
    table = replication.accounts.groupby("account", observed=True, sort=False)[columns].mean().reset_index()
    ledger = replication.ledger
    owed = float(ledger.loc[ledger["account"] == UNFUNDED, "yuan"].sum()) / len(replication.seeds)
    return table[(table[columns] != 0).any(axis=1)].astype({"account": str}), owed


def notes(replication: Replication) -> list[str]:
    """Return what a reader must know before believing the numbers."""
    market, found = replication.scenario.market, []
    runs = len(replication.seeds)
    if runs < FEW_SEEDS:
        some = "one run shows no spread" if runs == 1 else f"{runs} runs give rough intervals and probabilities"
        found.append(f"{some}; take --seeds {2 * FEW_SEEDS} to decide on it")
    found.append(
        "intervals and probabilities tell the luck of the simulated market, not how wrong its assumptions may be"
    )
    found.append(f"{market.users:,} simulated users stand for {market.people:,} people")
    if window_shown(replication) == SO_FAR:
        found.append(f"ended early, after {replication.days} of {replication.scenario.clock.days} days of the plan")
    _, owed = money(replication)
    if owed >= 1:
        found.append(f"no account could pay {amount(owed, 'yuan')} that the plan owes for rewards and coupons given")
    if len(replication.rules):
        acted = replication.rules.groupby("rule", observed=True).size() / runs
        found.append("rules acted: " + ", ".join(f"{name} {compact(times, 2)}x" for name, times in acted.items()))
    return found


def show(replication: Replication, console: Console) -> None:
    """Print promises, main KPIs, money and notes."""
    scenario, runs = replication.scenario, len(replication.seeds)
    console.print(Text(scenario.name, style="bold"), Text(scenario.question), sep="\n")
    first, last = scenario.clock.date(0), scenario.clock.date(min(replication.days, scenario.clock.days) - 1)
    console.print(f"{first} to {last}, {runs} run{'s' * (runs > 1)}\n")
    if len(replication.promises):
        console.print(promises_table(replication, console.width))
    console.print(kpi_table(replication, console.width))
    console.print(money_table(replication, console.width))
    for note in notes(replication):
        console.print(Text(f"- {note}", style="dim"))


def promises_table(replication: Replication, width: int = 80) -> Table:
    """Return the promises as a table for people."""
    columns = ("mean", "95 % interval", "target", "chance")
    table = ruled("What the plan promises", "promise", *columns, words="verdict", width=width)
    for row in rows(replication.promises):
        unit = KPIS[row.kpi].unit
        where = row.window if row.segment == "all" else f"{row.window}, {row.segment}"
        against = row.unit.partition(" vs ")[2]
        what = f"{KPIS[row.kpi].title}, {where}" + (f" vs {against}" if against else "")
        name = Text.assemble(row.title, "\n", (what, "dim"))
        mean, low, high, wanted = (spell(v, row.unit, unit) for v in (row.mean, row.ci_low, row.ci_high, row.wanted))
        sign = "≥" if row.direction == "at_least" else "≤"
        verdict = Text(row.verdict, style=_COLOURS.get(row.verdict.partition(" (")[0], ""))
        table.add_row(name, mean, between(low, high), f"{sign} {wanted}", probability(row.probability), verdict)
    return table


def kpi_table(replication: Replication, width: int = 80) -> Table:
    """Return the main KPIs as a table for people; `today` is what the plan says holds without it."""
    window = window_shown(replication)
    title = "KPIs over the plan" if window == "plan" else f"KPIs over the first {replication.days} days"
    baseline = replication.scenario.baseline
    table = ruled(title, "KPI", "mean", "95 % interval", *(["today"] if baseline else []), width=width)
    for row in rows(main_kpis(replication)):
        mean, low, high = (amount(v, row.unit) for v in (row.mean, row.ci_low, row.ci_high))
        today = amount(baseline[row.kpi].value, row.unit) if row.kpi in baseline else ""
        table.add_row(KPIS[row.kpi].title, mean, between(low, high), *([today] if baseline else []))
    return table


def money_table(replication: Replication, width: int = 80) -> Table:
    """Return the accounts as a table for people [yuan]."""
    accounts, owed = money(replication)
    moved = bool((accounts["moved"].abs() >= 0.5).any())
    columns = ["planned", *(["moved"] if moved else []), "spent", "left"]
    table = ruled("Money, in yuan", "account", *columns, width=width)
    for row in rows(accounts):
        table.add_row(row.account, *(whole(getattr(row, name)) for name in columns))
    table.add_section()
    table.add_row(Text("all", style="bold"), *(whole(accounts[name].sum()) for name in columns))
    if owed >= 1:
        empty = [""] * (len(columns) - 2)
        table.add_row(Text("UNFUNDED: owed, not paid", style="red"), *empty, Text(whole(owed), style="red"), "")
    return table


def ruled(title: str, name: str, *numbers: str, words: str = "", width: int = 80) -> Table:
    """Return an empty table: names and words wrap; numbers do not, unless the page is too narrow for them."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, collapse_padding=True)
    table.pad_edge = False
    table.add_column(name, overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right", overflow="fold", no_wrap=width >= NARROW)
    if words:
        table.add_column(words, overflow="fold", max_width=None if width > 100 else 13)
    return table


def document(replication: Replication, folder: str | None = None) -> dict[str, Any]:
    """Return everything the scoreboard shows as plain data; what is not known is None.

    Keys: manifest, window, promises, kpis, accounts, unfunded, notes, folder. Money in yuan, shares from 0 to 1.
    """
    accounts, owed = money(replication)
    shown = replication.summary[replication.summary["window"] == window_shown(replication)]
    return {
        "manifest": manifest(replication),
        "window": window_shown(replication),
        "promises": list(_records(replication.promises)),
        "kpis": list(_records(shown)),
        "accounts": list(_records(accounts)),
        "unfunded": owed,
        "notes": notes(replication),
        "folder": folder,
    }


def _records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for record in table.to_dict("records"):
        yield {str(k): None if isinstance(v, float) and isnan(v) else v for k, v in record.items()}
