"""replicate: run a plan under several seeds, or until the intervals are narrow enough."""

from argparse import Namespace
from typing import Any

from rich.console import Console
from rich.text import Text

from experiments.answer import Answer
from experiments.replicate import is_absolute, replications
from experiments.runner import Runner
from experiments.scoreboard import ruled
from experiments.tables import rows
from experiments.units import between, change, probability, spell
from sandtable.cli.question import answer
from sandtable.cli.screen import load
from sim.kpis import KPIS


def replicate_(args: Namespace) -> int:
    """Replicate a plan."""
    scenario = load(args.scenario, args.overlays, args.changes, args.users)

    def ask(runner: Runner) -> Answer:
        return replications(
            scenario, args.seeds, until=args.until, most=args.most, kpis=args.kpis, days=args.days, runner=runner,
            lang=args.lang,
        )  # fmt: skip

    return answer(args, ask, _show)


def _show(found: Answer, console: Console) -> None:
    table = found.table
    promised = bool((table["direction"] != "").any())
    columns = ["mean", "95 % interval", "half-width", *(["target", "chance"] if promised else [])]
    page = ruled("", "output", *columns, width=console.width)
    for row in rows(table):
        unit = KPIS[row.kpi].unit
        mean, low, high = (spell(v, row.unit, unit) for v in (row.mean, row.ci_low, row.ci_high))
        cells = [mean, between(low, high), _width(row)]
        if promised:
            cells += [wanted(row), probability(row.probability)]
        page.add_row(named(row), *cells)
    console.print(page)


def named(row: Any) -> Text:
    """Return the title of an output, and below what it is of, unless that is plain."""
    title, where = KPIS[row.kpi].title, row.window if row.segment == "all" else f"{row.window}, {row.segment}"
    against = row.unit.partition(" vs ")[2]
    below = [*([] if row.title == title else [title]), f"{where} vs {against}" if against else where]
    return Text(row.title) if below == ["plan"] else Text.assemble(row.title, "\n", (", ".join(below), "dim"))


def wanted(row: Any) -> str:
    """Return what is promised of an output; empty: nothing."""
    if not row.direction:
        return ""
    return f"{'≥' if row.direction == 'at_least' else '≤'} {spell(row.wanted, row.unit, KPIS[row.kpi].unit)}"


def _width(row: Any) -> str:
    return change(row.half_width, "share", points=is_absolute(row.kpi, row.unit)).removeprefix("+")
