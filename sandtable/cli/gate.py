"""gate: hold a plan to a policy, in CI."""

import os
from argparse import Namespace
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.text import Text

import scenarios
from experiments import gate, policy
from experiments.answer import Answer
from experiments.baseline import replace_text
from experiments.junit import junit
from experiments.markdown import markdown, moved
from experiments.runner import Runner
from experiments.scoreboard import ruled
from experiments.tables import rows
from sandtable.cli.question import answer
from sandtable.cli.screen import InputError, told

MOST = 3
"""KPIs told that moved most."""


def gate_(args: Namespace) -> int:
    """Hold a plan to a policy."""
    try:
        file = policy.load(args.policy)
        changes = dict(scenarios.parse_set(text) for text in args.changes)
        if args.users is not None:
            changes["market.users"] = args.users
        scenario = file.scenario(args.scenario, args.overlays, changes)
    except scenarios.ScenarioError as error:
        raise InputError(told(error.faults)) from None
    for name in (args.junit, args.markdown):
        _check_place(name)

    def ask(runner: Runner) -> Answer:
        found = gate.ask(scenario, file, seeds=args.seeds, update_baseline=args.update_baseline, runner=runner)
        for name, words in ((args.junit, junit), (args.markdown, markdown)):
            if name is not None:
                _write(Path(name), words(found))
        return found

    return answer(args, ask, show)


def show(found: Answer, console: Console) -> None:
    """Print the checks that fail, and how many of each kind hold."""
    checks = found.table
    failed = checks[~checks["passed"].astype(bool)]
    if len(failed):
        table = ruled("", "check that fails", words="found", width=max(console.width, 101))
        for row in rows(failed):
            table.add_row(Text.assemble((row.kind, "red"), f" {row.name}"), Text(row.words))
        console.print(table)
    for kind, part in checks.groupby("kind", sort=False):
        console.print(Text(f"{kind}: {int(part['passed'].sum())} of {len(part)} hold"))
    if line := ", ".join(f"{row[0]} {row[3]}" for row in islice(moved(found), MOST)):
        console.print(Text(f"moved most: {line}"))


def _check_place(name: str | None) -> None:
    """Raise `InputError` when a file cannot be written, before anything is simulated for it."""
    if name is not None:
        folder = Path(name).absolute().parent
        if Path(name).is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"{name} cannot be written: {folder} is not a folder that can be written to")


def _write(path: Path, words: str) -> None:
    try:
        replace_text(path, words)
    except OSError as error:
        raise InputError(f"{path} was not written: {error.strerror or error}") from None
