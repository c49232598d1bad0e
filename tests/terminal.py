"""Commands as a terminal starts them."""

import signal
import subprocess
from collections.abc import Sequence


def in_terminal(command: Sequence[str]) -> subprocess.Popen[str]:
    """Return a process of a group of its own that Ctrl-C stops, also where the tests run in the background of a shell.

    A shell lets what it puts in the background ignore Ctrl-C, and children inherit that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
