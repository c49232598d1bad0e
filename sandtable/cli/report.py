"""report: write report.html, with the runs behind it, into a run folder."""

from argparse import Namespace
from pathlib import Path

from rich.console import Console

from experiments import scoreboard
from experiments.folder import RUNS, check_folder
from experiments.plots import gallery
from experiments.reporting import Report, report
from experiments.runner import Runner
from sandtable.cli.question import FAULTS, actuals_of, store_of
from sandtable.cli.screen import InputError, bar, complain, load, page, print_json


def report_(args: Namespace) -> int:
    """Make the runs that a report needs, and write it."""
    scenario = load(args.scenario, args.overlays, args.changes, args.users)
    place, actuals = None if args.output is None else Path(args.output), actuals_of(args, scenario)
    try:
        check_folder(RUNS / "a-new-one" if place is None else place)
        with bar(shown=not (args.quiet or args.json)) as progress:
            runner = Runner(store=None if args.no_store else store_of(args), on=args.on, progress=progress)
            wanted = {"sweep": not args.no_sweep, "stress": not args.no_stress}
            real = None if actuals is None else actuals.table
            found = report(scenario, args.seeds, **wanted, actuals=real, lang=args.lang, runner=runner)
            progress("writing the folder")
            folder = gallery.write(found, place, tables=args.tables, actuals=actuals)
    except FAULTS as error:
        raise InputError(str(error)) from None
    if args.json:
        print_json(scoreboard.document(found.replication, str(folder)) | {"report": str(folder / "report.html")})
    else:
        page(lambda console: _show(found, folder, console))
    for note in gallery.told(args.lang, actuals):
        complain(note)
    return 0


def _show(found: Report, folder: Path, console: Console) -> None:
    scoreboard.show(found.replication, console)
    console.print(f"\nreport: {folder / 'report.html'}", soft_wrap=True)
