"""Compare the speed of one funnel in several engines: `python -m benchmarks.engines`."""

import argparse
import gc
import importlib
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Protocol, cast

from rich.console import Console
from rich.table import Table

from benchmarks.agreement import REFERENCE_SEEDS, Agreement, Run, agreement, sample
from benchmarks.funnel import Counts, Daily, Funnel

SLOW = 10_000
BASE = "simpy"
SEED = 7


class Program(Protocol):
    """What a file in `benchmarks/peers` offers."""

    def prepare(self, funnel: Funnel, users: int, seed: int) -> Daily:
        """Build the model; this is the set-up time."""

    def run(self, funnel: Funnel, users: int, days: int, seed: int) -> Counts:
        """Build the model and run it."""


@dataclass(frozen=True)
class Peer:
    """One engine: its name, its module, the distribution it needs and the most users a round gives it."""

    name: str
    module: str
    distribution: str
    most_users: int | None = None


PEERS = (
    Peer("simpy", "benchmarks.peers.simpy_users", "simpy", SLOW),
    Peer("mesa", "benchmarks.peers.mesa_model", "mesa", SLOW),
    Peer("mesa-frames", "benchmarks.peers.mesa_frames_model", "mesa-frames"),
    Peer("agentpy", "benchmarks.peers.agentpy_model", "agentpy", SLOW),
    Peer("laser", "benchmarks.peers.laser_model", "laser-core"),
    Peer("numpy", "benchmarks.peers.numpy_model", "numpy"),
    Peer("sandtable", "benchmarks.peers.sandtable_model", "sandtable"),
)


@dataclass
class Timing:
    """CPU seconds of one peer, one entry a round."""

    peer: Peer
    program: Program
    users: int
    days: int
    setup: list[float] = field(default_factory=list)
    loop: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Million user-days per CPU-second of the daily loop, at the median round."""
        return self.users * self.days / median(self.loop) / 1e6

    def measure(self, funnel: Funnel, seed: int) -> None:
        """Time one round; the process clock counts the CPU time of all threads."""
        gc.collect()
        start = time.process_time()
        daily = self.program.prepare(funnel, self.users, seed)
        built = time.process_time()
        daily(self.days)
        self.setup.append(built - start)
        self.loop.append(time.process_time() - built)


def load(peer: Peer) -> Program:
    """Return the peer's module; raise `ImportError` with the reason where it cannot run here."""
    try:
        version(peer.distribution)
    except PackageNotFoundError:
        raise ImportError(f"{peer.distribution} is not installed (see benchmarks/README.md)") from None
    return cast(Program, importlib.import_module(peer.module))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000, help=f"slow engines take at most {SLOW:,}")
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    names = [peer.name for peer in PEERS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    options = parser.parse_args(arguments)
    for name in ("users", "days", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1, but got {getattr(options, name)}")
    return options


def available(names: list[str], users: int, days: int, console: Console) -> list[Timing]:
    """Return a timing for each named peer that is installed, and print a line for each that is not."""
    timings = []
    for peer in PEERS:
        if peer.name not in names:
            continue
        try:
            program = load(peer)
        except ImportError as error:
            console.print(f"skipped {peer.name}: {error}", highlight=False)
            continue
        timings.append(Timing(peer, program, min(users, peer.most_users or users), days))
    return timings


def measure(timings: list[Timing], rounds: int, funnel: Funnel) -> None:
    """Run the rounds, every peer once in each, after a short one that compiles and imports what is left."""
    for timing in timings:
        timing.program.run(funnel, 1_000, 40, SEED)
    for number in range(rounds):
        for timing in timings:
            timing.measure(funnel, SEED + number)


def check(timings: list[Timing], funnel: Funnel) -> dict[str, Agreement]:
    """Return the agreement of each peer's counts with the NumPy reference, by peer name."""
    numpy_peer = next(peer for peer in PEERS if peer.name == "numpy")
    reference = sample(cast(Run, load(numpy_peer).run), funnel, REFERENCE_SEEDS)
    return {timing.peer.name: agreement(cast(Run, timing.program.run), reference, funnel) for timing in timings}


def report(timings: list[Timing], agreements: dict[str, Agreement], rounds: int) -> Table:
    """Return the table of rates, medians over the rounds."""
    base = next((timing.rate for timing in timings if timing.peer.name == BASE), None)
    table = Table(title=f"One funnel in {len(timings)} engines: medians of {rounds} interleaved rounds, CPU time")
    table.add_column("engine")
    table.add_column("version")
    for heading in ("users", "days", "set-up s", "loop s", "min-max s", "M user-days per CPU-s", f"x {BASE}"):
        table.add_column(heading, justify="right")
    table.add_column("counts agree")
    for timing in timings:
        table.add_row(
            timing.peer.name,
            version(timing.peer.distribution),
            f"{timing.users:,}",
            f"{timing.days:,}",
            f"{median(timing.setup):.2f}",
            f"{median(timing.loop):.3f}",
            f"{min(timing.loop):.3f}-{max(timing.loop):.3f}",
            f"{timing.rate:.2f}",
            "-" if base is None else f"{timing.rate / base:.1f}",
            str(agreements[timing.peer.name]),
        )
    return table


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; return 1 where the counts of an engine do not agree, or none could run."""
    options = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 150)
    funnel = Funnel()
    timings = available(options.only, options.users, options.days, console)
    if not timings:
        console.print("no engine left to measure")
        return 1
    measure(timings, options.rounds, funnel)
    agreements = check(timings, funnel)
    console.print(report(timings, agreements, options.rounds))
    return 0 if all(found.holds for found in agreements.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
