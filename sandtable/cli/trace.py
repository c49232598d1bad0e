"""trace: what one user did, day by day, in words."""

from argparse import Namespace
from datetime import date

import pandas as pd
from rich.console import Console
from rich.text import Text

from experiments.answer import records
from experiments.tables import rows
from experiments.trace import tell, trace
from sandtable.cli.screen import InputError, bar, load, page, print_json
from scenarios import Scenario

__all__ = ["heading", "show", "tell", "trace_"]


def trace_(args: Namespace) -> int:
    """Tell the journey of one user."""
    scenario = load(args.scenario, args.overlays, args.changes, args.users)
    as_json = args.json
    try:
        with bar(shown=not as_json) as progress:
            found = trace(scenario, args.user, args.seed, engine=args.engine, days=args.days, progress=progress)
    except ValueError as error:
        raise InputError(str(error)) from None
    if as_json:
        events = records(found.assign(date=found["date"].map(str)))
        print_json({"scenario": scenario.name, "user": args.user, "seed": args.seed, "events": events})
    else:
        page(lambda console: show(found, scenario, args.user, args.seed, console))
    return 0


def show(found: pd.DataFrame, scenario: Scenario, user: int, seed: int, console: Console) -> None:
    """Print a timeline, a paragraph a day."""
    console.print(Text(f"User {user} of {scenario.name}, seed {seed}", style="bold"))
    if found.empty:
        console.print("nothing happened to this user in the simulated days")
    for _, events in found.groupby("day", sort=False):
        console.print(Text(heading(events["date"].iloc[0], int(events["day"].iloc[0])), style="bold"))
        for line in rows(events):
            hour = "     " if pd.isna(line.hour) else f"{line.hour:02d}:00"
            console.print(Text(f"  {hour}  {line.words}"), soft_wrap=True)


def heading(when: date, day: int) -> str:
    """Return a day in words.

    >>> heading(date(2024, 11, 11), 315)
    'Monday 11 November 2024, day 315'
    """
    return f"{when:%A} {when.day} {when:%B %Y}, day {day}"
