"""list, check, kpis, schema: what there is, and whether a scenario is good."""

import json
import sys
from argparse import Namespace
from pathlib import Path

import scenarios
from sandtable.cli.screen import InputError, complain, load, page


def list_(args: Namespace) -> int:
    """Print the shipped scenarios and the question each answers."""
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name in scenarios.names():
        table.add_row(name, scenarios.question(name))
    page(lambda console: console.print(table))
    return 0


def check_(args: Namespace) -> int:
    """Say of each scenario that it is good and what it holds, or tell every fault."""
    status = 0
    for name in args.scenarios:
        try:
            plan = load(name)
        except InputError as error:
            complain(str(error))
            status = 2
            continue
        counts = {
            "lever": len(plan.levers), "target": len(plan.targets), "rule": len(plan.rules), "shock": len(plan.shocks),
            "overlay": len(plan.overlays), "account": len(plan.accounts.planned()),
            "segment": len(plan.market.segments),
        }  # fmt: skip
        held = ", ".join(f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items() if n)
        size = f"{plan.clock.days} days, {plan.market.users:,} users for {plan.market.people:,} people"
        sys.stdout.write(f"{name}: good: {held}; {size}\n")
    return status


def kpis_(args: Namespace) -> int:
    """Print the KPIs with their units and meanings."""
    from rich.table import Table

    from sim.kpis import KPIS

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("KPI", "unit", "better"):
        table.add_column(column, no_wrap=True)
    table.add_column("meaning")
    for kpi in KPIS.values():
        table.add_row(kpi.id, kpi.unit, "more" if kpi.better > 0 else "less", kpi.title)
    page(lambda console: console.print(table))
    return 0


def schema_(args: Namespace) -> int:
    """Print or write the JSON Schema of scenario files."""
    text = json.dumps(scenarios.json_schema(), indent=1, ensure_ascii=False) + "\n"
    if args.output is None:
        sys.stdout.write(text)
        return 0
    try:
        Path(args.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{args.output} was not written: {error.strerror or error}") from None
    return 0
