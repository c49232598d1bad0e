"""run: rehearse a plan, print the scoreboard, write a run folder."""

import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from experiments import replication, scoreboard
from experiments.executors import LostError
from experiments.folder import RUNS, FolderError, check_folder, write_folder
from experiments.replication import Replication
from experiments.runner import Runner
from experiments.units import compact, duration
from sandtable.cli.question import actuals_of
from sandtable.cli.screen import InputError, bar, complain, load, page, print_json

if TYPE_CHECKING:
    from experiments.plots.actuals import Actuals


def run_(args: Namespace) -> int:
    """Rehearse a plan under several seeds."""
    began = time.perf_counter()
    scenario = load(args.scenario, args.overlays, args.changes, args.users)
    if args.actuals is not None and args.no_charts:
        raise InputError("--actuals is drawn into a chart, and --no-charts draws none; leave one of them out")
    place, actuals = None if args.output is None else Path(args.output), actuals_of(args, scenario)
    try:
        check_folder(RUNS / "a-new-one" if place is None else place)
        with bar(shown=not (args.quiet or args.json)) as progress:
            runner = Runner(threads=args.threads, progress=progress)
            found = replication.run(scenario, args.seeds, engine=args.engine, days=args.days, runner=runner)
            progress("writing the run folder")
            folder, fault = _written(found, place, args, actuals)
    except (FolderError, LostError) as error:
        raise InputError(str(error)) from None
    if args.json:
        print_json(scoreboard.document(found, None if folder is None else str(folder)))
    else:
        page(lambda console: _show(found, folder, time.perf_counter() - began, console))
    if fault:
        raise InputError(fault)
    if not args.no_charts:
        from experiments.plots import gallery

        for note in gallery.told(args.lang, actuals):
            complain(note)
    return 0


def _written(
    found: Replication, place: Path | None, args: Namespace, actuals: "Actuals | None"
) -> tuple[Path | None, str]:
    """Return the folder written, or why it was not: the answer is worth printing all the same."""
    try:
        if args.no_charts:
            return write_folder(found, place, charts=False), ""
        from experiments.plots import gallery
        from experiments.report import build
        from experiments.reporting import Report

        real = None if actuals is None else actuals.table
        report = Report(build(found, actuals=real, lang=args.lang), found, lang=args.lang)
        return gallery.write(report, place, actuals=actuals), ""
    except FolderError as error:
        return None, str(error)


def _show(found: Replication, folder: Path | None, seconds: float, console: Console) -> None:
    scoreboard.show(found, console)
    if folder is not None:
        console.print(f"\nrun folder: {folder}", soft_wrap=True)
        if (folder / "report.html").is_file():
            console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    speed = f"{compact(found.user_days_per_second, 3)} user-days a second"
    console.print(f"took {duration(seconds)}; simulated {compact(found.user_days, 3)} user-days, {speed}")
