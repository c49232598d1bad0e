"""fit: base rates under which today comes out as it is."""

from argparse import Namespace
from typing import Any

from rich.console import Console

from experiments.scoreboard import ruled
from experiments.tables import rows
from experiments.units import amount, between
from sandtable.cli.screen import InputError, bar, load, page
from sim.kpis import KPIS


def fit_(args: Namespace) -> int:
    """Fit base rates to the KPIs that hold today; exit status 1 when they are not reproduced."""
    from experiments.fit import Fit, fit

    scenario = load(args.scenario)
    try:
        with bar(shown=True) as progress:
            found = fit(scenario, args.seeds, args.users, progress)
    except ValueError as error:
        raise InputError(str(error)) from None

    def show(fitted: Fit, console: Console) -> None:
        table = ruled("What holds today", "KPI", "wanted", "before", "fitted", "95 % interval", words="holds",
                      width=console.width)  # fmt: skip
        for row in rows(fitted.table):
            unit = KPIS[row.kpi].unit
            wanted, before, mean, low, high = (
                amount(v, unit) for v in (row.wanted, row.before, row.mean, row.ci_low, row.ci_high)
            )
            name = f"{KPIS[row.kpi].title}, {row.window}"
            table.add_row(name, wanted, before, mean, between(low, high), "yes" if row.holds else "no")
        console.print(table)
        for path, value in fitted.changes.items():
            console.print(f"{path}: {value:.6g}", soft_wrap=True)

    page(lambda console: show(found, console))
    if args.write:
        _write(found, args.scenario)
    return 0 if found.holds else 1


def _write(found: Any, name: str) -> None:
    from scenarios import registry

    path, _ = registry.locate(name)
    try:
        found.write(path)
    except (ValueError, OSError) as error:
        raise InputError(f"{path.name} was not written: {error}") from None
    page(lambda console: console.print(f"written into {path.name}"))
