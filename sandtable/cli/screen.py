"""The terminal: pages of text that stay whole when piped, messages, and a progress bar on stderr."""

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.runner import Progress
    from scenarios import Fault, Scenario

_FIRST_WORDS = "starting (the first run after installing compiles for about a minute)"


class InputError(Exception):
    """What was asked for cannot be done; the message says why. Exit status 2."""


def complain(message: str) -> None:
    """Write a message to stderr."""
    sys.stderr.write(f"sandtable: {message}\n")


def page(render: Callable[["Console"], None]) -> None:
    """Print what `render` writes: in colour on a terminal; piped, as plain lines without trailing blanks."""
    from rich.console import Console

    if sys.stdout.isatty():
        render(Console(highlight=False))
        return
    text = io.StringIO()
    render(Console(file=text, highlight=False, no_color=True, color_system=None))
    sys.stdout.write("\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n")


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def load(name: str, overlays: Iterable[str] = (), changes: Iterable[str] = (), users: int | None = None) -> "Scenario":
    """Return a scenario with what the command line changes in it.

    Raises `InputError` with every fault.
    """
    import scenarios
    from sandtable.plan import load as load_plan

    try:
        wanted = dict(scenarios.parse_set(text) for text in changes)
        if users is not None:
            wanted["market.users"] = users
        return load_plan(name, overlays, wanted)
    except scenarios.ScenarioError as error:
        raise InputError(told(error.faults)) from None


def told(faults: Sequence["Fault"]) -> str:
    """Return faults as a message, one a line when there are several."""
    if len(faults) == 1:
        return str(faults[0])
    return "\n".join([f"{len(faults)} faults in {faults[0].file}", *(f"  {fault}" for fault in faults)])


@contextmanager
def bar(*, shown: bool) -> Iterator[Callable[..., None]]:
    """Show a progress bar on stderr and yield what advances it; on no terminal, or not `shown`, there is none.

    It is called with a `Progress` of runs, with done, of (anything) and what to say of it, or with a text that says what
    goes on.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from experiments import runner

    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(_FIRST_WORDS, total=None)

        def advance(*told: Any) -> None:
            if isinstance(told[0], str):
                progress.update(task, description=told[0])
            elif isinstance(told[0], runner.Progress):
                if told[0].share:
                    progress.update(task, completed=told[0].share, total=1.0, description=_runs(told[0]))
            elif told[0]:
                words = told[2] if len(told) > 2 else f"{told[0]:,} of {told[1]:,}"
                progress.update(task, completed=told[0], total=told[1], description=words)

        yield advance


def _runs(progress: "Progress") -> str:
    """Return how far a batch of runs is, in words."""
    from experiments.units import compact

    reused = f" ({progress.reused} kept from before)" if progress.reused else ""
    speed = f", {compact(progress.user_days / progress.seconds, 3)} user-days a second" if progress.user_days else ""
    return f"{progress.done} of {progress.of} runs{reused}{speed}"
