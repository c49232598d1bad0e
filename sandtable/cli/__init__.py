"""The command line: `sandtable VERB ...`. A verb is a function of that name; it returns the exit status.

0 good, 1 the answer is no, 2 bad input, 130 stopped by Ctrl-C, 143 by SIGTERM.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

from sandtable.cli.parser import parser
from sandtable.cli.screen import InputError, complain

_HOME = {
    "list": "catalogue",
    "check": "catalogue",
    "kpis": "catalogue",
    "schema": "catalogue",
    "run": "run",
    "replicate": "replicate",
    "compare": "compare",
    "sweep": "sweep",
    "stress": "stress",
    "gate": "gate",
    "report": "report",
    "runs": "runs",
    "trace": "trace",
    "fit": "fit",
    "optimize": "optimize",
}

_BLAS = ("OPENBLAS", "MKL", "OMP")
"""Libraries of linear algebra, which spin on every core for matrices as small as ours unless told not to."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; usage errors exit with 2."""
    args = parser().parse_args(argv)
    args.words = list(sys.argv[1:] if argv is None else argv)
    for library in _BLAS:
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with _told_to_stop():
            return _run(args)
    except KeyboardInterrupt as stop:
        complain(str(stop) or "stopped: nothing was written")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(args: Any) -> int:
    verb = getattr(import_module(f"sandtable.cli.{_HOME[args.verb]}"), f"{args.verb}_")
    try:
        status: int = verb(args)
        sys.stdout.flush()
    except InputError as error:
        complain(str(error))
        return 2
    return status


@contextmanager
def _told_to_stop() -> Iterator[None]:
    """Let SIGTERM end the command as an exit does, so that nothing half-written stays."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)
