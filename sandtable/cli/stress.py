"""stress: let each shock of the plan strike, and tell what it costs."""

from argparse import Namespace
from collections.abc import Iterator
from math import isnan
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from experiments import stress
from experiments.answer import Answer
from experiments.scoreboard import ruled
from experiments.stress import harm, words
from experiments.tables import rows
from experiments.units import probability, spell
from sandtable.cli.question import answer
from sandtable.cli.screen import load
from sim.kpis import KPIS

MOST = 3
"""Targets told of a shock, flipped ones apart."""


def stress_(args: Namespace) -> int:
    """Tell what each shock changes."""
    scenario = load(args.scenario, args.overlays, args.changes, args.users)
    return answer(
        args,
        lambda runner: stress.ask(scenario, args.shocks, args.seeds, args.kpis, args.days, runner, lang=args.lang),
        show,
    )


def show(found: Answer, console: Console) -> None:
    """Print of each shock the targets that flip, and those that change most."""
    table = ruled("", "shock, and what it changes", "calm", "shocked", "change", "chance", width=console.width)
    for name, part in found.table.groupby("shock", sort=False):
        told = list(_worth_telling(part))
        table.add_row(Text(f"{part['shock_title'].iloc[0]} ({name})", style="bold"))
        for row in told:
            table.add_row(*_line(row))
        if not told:
            table.add_row(Text("  nothing that can be told from no change", style="dim"))
        table.add_section()
    console.print(table)


def _worth_telling(part: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a shock that flip, then those that surely change, the largest first."""
    sure = [row for row in rows(part) if not isnan(harm(row)) or row.flips]
    ordered = sorted(sure, key=lambda row: (not row.flips, -abs(harm(row)) if not isnan(harm(row)) else 0.0))
    for place, row in enumerate(ordered):
        if row.flips or place < MOST:
            yield row


def _line(row: Any) -> tuple[str | Text, ...]:
    unit = KPIS[row.kpi].unit
    moved, half = words(row)
    before, after = (probability(chance) for chance in (row.calm_probability, row.shocked_probability))
    flip = {"missed": Text("\nnow missed", style="red"), "reached": Text("\nnow kept", style="green")}.get(row.flips)
    chance = "" if before == after == "-" else before if before == after else f"{before} to {after}"
    return (
        f"  {row.name}", spell(row.calm, row.unit, unit), spell(row.shocked, row.unit, unit), f"{moved} {half}".strip(),
        Text.assemble(chance, flip) if flip else chance,
    )  # fmt: skip
