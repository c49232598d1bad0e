"""fit and allocate: base rates that fit today, and a split of the budget."""

from argparse import Namespace
from math import isnan
from typing import Any

from rich.console import Console
from rich.text import Text

from experiments.scoreboard import ruled
from experiments.tables import rows
from experiments.units import amount, between, compact, whole
from sandtable.cli.screen import InputError, bar, load, page, print_json
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


def allocate_(args: Namespace) -> int:
    """Propose a split of a budget over paid media; exit status 1 when there is none."""
    from optimize.allocate import allocate

    scenario = load(args.scenario)
    try:
        with bar(shown=not args.json) as progress:
            found = allocate(
                scenario, args.budget, goal=args.goal, seeds=args.seeds, users=args.users, progress=progress
            )
    except ValueError as error:
        raise InputError(str(error)) from None
    if args.json:
        print_json(_document(found))
    else:
        page(lambda console: _show_split(found, console))
    return 0 if found.feasible else 1


def _document(found: Any) -> dict[str, Any]:
    def known(value: Any) -> Any:
        return None if isinstance(value, float) and isnan(value) else value

    split = [{str(k): known(v) for k, v in row.items()} for row in found.table.to_dict("records")]
    return {
        "goal": found.goal, "budget": found.budget, "status": found.status, "feasible": found.feasible,
        "split": split, "shadow_price": known(found.shadow_price), "predicted": known(found.predicted),
        "notes": list(found.notes),
    }  # fmt: skip


def _show_split(found: Any, console: Console) -> None:
    goal = KPIS[found.goal]
    title = f"A split of {whole(found.budget)} yuan for more {goal.title.lower()}"
    table = ruled(title, "lever", "current", "proposed", "change", "next yuan", width=console.width)
    for row in rows(found.table):
        marginal = amount(row.marginal, goal.unit)
        table.add_row(row.lever, *(whole(v) for v in (row.current, row.proposed, row.change)), marginal)
    console.print(table)
    gain, next_yuan = amount(found.predicted, goal.unit), compact(found.shadow_price)
    console.print(f"{found.status.lower()}: {gain} more by the curves; one more yuan of budget would bring {next_yuan}")
    for note in found.notes:
        console.print(Text(f"- {note}", style="dim"))
