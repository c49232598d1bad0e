"""compare: how plans differ, on the same luck."""

from argparse import Namespace
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from experiments.answer import Answer
from experiments.compare import CHANGED, comparison, in_points, shares
from experiments.runner import Runner
from experiments.scoreboard import ruled
from experiments.tables import rows
from experiments.units import between, change, probability, spell
from sandtable.cli.question import answer
from sandtable.cli.replicate import named, wanted
from sandtable.cli.screen import InputError, load
from scenarios import Scenario
from sim.kpis import KPIS

_COLOURS = {"reached": "green", "missed": "red"}


def compare_(args: Namespace) -> int:
    """Compare plans with the first; --set and --overlay change the others, or make one of the first."""
    base, others = load(args.scenario, users=args.users), _others(args)

    def ask(runner: Runner) -> Answer:
        titles, plans = zip(*others, strict=True)
        return comparison(
            base, *plans, seeds=args.seeds, kpis=args.kpis, days=args.days, titles=titles, runner=runner, lang=args.lang
        )

    return answer(args, ask, _show)


def _others(args: Namespace) -> list[tuple[str, Scenario]]:
    """Return title and plan of all that is compared with the first."""
    changes = [*args.changes, *(f"overlay {name}" for name in args.overlays)]
    if not args.others and not changes:
        raise InputError(
            "there is nothing to compare with: name another plan, or change this one by --set or --overlay"
        )
    plans = [load(name, args.overlays, args.changes, args.users) for name in args.others or [args.scenario]]
    return [(plan.name + (f"{CHANGED}{', '.join(changes)}" if changes else ""), plan) for plan in plans]


def _show(found: Answer, console: Console) -> None:
    show_differences(found.table, console)


def show_differences(table: pd.DataFrame, console: Console) -> None:
    """Print the table of a comparison: what is promised, then KPIs, for each other plan."""
    several = table["other"].nunique() > 1
    for other, part in table.groupby("other", sort=False):
        for title, promised in (("What is promised", True), ("KPIs", False)):
            shown = part[(part["direction"] != "") == promised]
            if len(shown):
                console.print(_table(f"{title}: {other}" if several else title, shown, console.width))


def _table(title: str, part: pd.DataFrame, width: int) -> Table:
    page = ruled(escape(title), "output", "base", "other", "difference", "95 % interval", width=width)
    for row in rows(part):
        base, other = (spell(v, row.unit, KPIS[row.kpi].unit) for v in (row.base_mean, row.other_mean))
        difference, low, high = (change(v, "share", points=in_points(row)) for v in shares(row))
        interval = between(low, high).removesuffix(" %").removesuffix(" points")
        style = "bold" if row.differs else ""
        page.add_row(_output(row), base, other, Text(difference, style=style), Text(interval, style=style))
    return page


def _output(row: Any) -> Text:
    """Return the name of an output; of a promise, with what is wanted and the chances of both plans to keep it."""
    if not row.direction:
        return named(row)
    chances = f"{wanted(row)}, chance {probability(row.base_probability)} → {probability(row.other_probability)}"
    flips = (f" now {row.flips}", _COLOURS[row.flips]) if row.flips else ""
    return Text.assemble(named(row), "\n", (chances, "dim"), flips)
