"""What all questions to the market have in common: the runner, the page, the JSON document, the folder."""

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from experiments.answer import Answer
from experiments.executors import ClusterError, LostError
from experiments.folder import RUNS, FolderError, check_folder
from experiments.runner import ModelError, Runner
from experiments.store import Store, StoreError
from sandtable.cli.screen import InputError, bar, complain, page, print_json, told
from scenarios import Scenario, ScenarioError

if TYPE_CHECKING:
    from experiments.plots.actuals import Actuals

FAULTS = (FolderError, LostError, ClusterError, ModelError, StoreError, ValueError)
"""What asking may raise because of what was asked for, or of where."""
STORE = RUNS / "store"
"""Where finished runs are kept, unless --store or SANDTABLE_STORE says otherwise."""


def store_of(args: Namespace) -> Store:
    """Return the store that the command line, or else the environment, names."""
    return Store(args.store or os.environ.get("SANDTABLE_STORE") or STORE)


def actuals_of(args: Namespace, scenario: Scenario) -> "Actuals | None":
    """Return what the file of --actuals has; raises `InputError` with every fault of it."""
    if args.actuals is None:
        return None
    from experiments.plots import actuals

    try:
        return actuals.read(args.actuals, scenario)
    except ScenarioError as error:
        raise InputError(told(error.faults)) from None


def answer(args: Namespace, ask: Callable[[Runner], Answer], show: Callable[[Answer, Console], None]) -> int:
    """Ask with a runner made from the command line; print the answer, write its folder. Return the exit status.

    Told on stderr: why charts are not in the language asked for.
    """
    place = None if args.output is None else Path(args.output)
    try:
        if place is not None:
            check_folder(place)
        with bar(shown=not (args.quiet or args.json)) as progress:
            runner = Runner(store=None if args.no_store else store_of(args), on=args.on, progress=progress)
            found = ask(runner)
            if place is not None:
                progress("writing the folder")
                found.write(place, tables=args.tables)
    except FAULTS as error:
        raise InputError(str(error)) from None
    if args.json:
        print_json(found.document() | {"folder": None if place is None else str(place)})
    else:
        page(lambda console: _print(found, show, place, console))
    if place is not None and found.notice:
        complain(found.notice)
    return 0 if found.good else 1


def _print(found: Answer, show: Callable[[Answer, Console], None], place: Path | None, console: Console) -> None:
    console.print(Text(found.title, style="bold"))
    show(found, console)
    for note in found.notes:
        console.print(Text(f"- {note}", style="dim"))
    if place is not None:
        console.print(f"\nfolder: {place}", soft_wrap=True)
