"""What a sweep costs beside its simulations, how it scales, what it remembers: `python -m benchmarks.batches`.

Simulations are timed where they are made, inside the sweep: samples differ from the plan and from each other in what
they take, and a machine that others use drifts by more between two measurements than all that is to be found. The same
runs are made again without anything around them, so that a sweep that slows its simulations down would show. Everything
else that a sweep does counts as overhead: checking and making variants, digests, KPI tables, bytes, store, reading
back. The one exception is what it does with the numbers, its design and its indices, which has a line of its own.

Both sweeps of a round start from a process that has imported everything and has run before; children that the second one
starts are new, and their start counts.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

import scenarios
from experiments import job, sensitivity
from experiments import sweep as verb
from experiments.runner import Runner
from experiments.store import Store
from experiments.sweep import sweep
from scenarios import Scenario
from sim.run import simulate

PLAN = "vertical-platform-18-months"
OVER = {"behaviour.shop.ctr": (0.02, 0.05), "behaviour.visit.rate": (0.01, 0.05)}
SEEDS = 2
CHILD = "import sys; from benchmarks.batches import alone; alone(*map(int, sys.argv[1:]))"
ANALYSIS = ((verb, "designed"), (sensitivity, "indices"), (sensitivity, "noise"))
"""What a sweep does with numbers."""


@dataclass
class Spent:
    """CPU seconds inside a function, in this process, and its calls."""

    seconds: float = 0.0
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time taken."""

        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            found = function(*args, **kwargs)
            self.seconds += time.thread_time() - start
            self.calls.append(args)
            return found

        return call


@dataclass(frozen=True)
class Cost:
    """What a sweep took."""

    wall: float
    """[s]"""
    cpu: float
    """Of this process and of the children that it started [CPU s]."""
    runs: Spent
    """Simulations that this process made."""
    analysis: Spent

    @property
    def overhead(self) -> float:
        """What the sweep took beside its runs and its analysis, as a share of its runs."""
        return (self.cpu - self.analysis.seconds) / self.runs.seconds - 1


def market(users: int, days: int) -> Scenario:
    """Return a shipped plan at a size, with a burn-in of a week; runs end after so many days."""
    plan = scenarios.load(PLAN)
    inside = {name: w.model_dump() for name, w in plan.windows.items() if w.span(plan.clock)[0] >= 0}
    changes = {
        "market.users": users,
        "clock.burn_in": 7,
        "windows": inside,
        "targets": {},
        "baseline": {},
        "priors": {},
    }
    return plan.override(changes)


def batch(users: int, days: int, samples: int, processes: int) -> Cost:
    """Sweep with a store and return what that took."""
    plan = market(users, days)
    with tempfile.TemporaryDirectory() as folder, watched() as (runs, analysis):
        cpu, wall = _cpu(), time.perf_counter()
        sweep(
            plan, OVER, method="lhs", samples=samples, seeds=SEEDS, kpis=("gmv", "orders"), days=days,
            runner=Runner(Store(folder), processes=processes),
        )  # fmt: skip
        return Cost(time.perf_counter() - wall, _cpu() - cpu, runs, analysis)


@contextmanager
def watched() -> Iterator[tuple[Spent, Spent]]:
    """Take the time of the simulations that this process makes, and of the analysis of sweeps."""
    runs, analysis = Spent(), Spent()
    with ExitStack() as patches:
        patches.enter_context(patch.object(job, "simulate", runs.timed(job.simulate)))
        for module, name in ANALYSIS:
            patches.enter_context(patch.object(module, name, analysis.timed(getattr(module, name))))
        yield runs, analysis


def again(runs: Spent, days: int) -> float:
    """Make the same runs without anything around them; return their CPU seconds."""
    start = time.process_time()
    for scenario, seed in runs.calls:
        simulate(scenario, seed, days=days)
    return time.process_time() - start


def _cpu() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def alone(users: int, days: int, samples: int) -> None:
    """Print the peak memory of a process that sweeps in itself [MiB]."""
    batch(users, days, samples, 1)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}\n")


def peak(users: int, days: int, samples: int) -> float:
    """Return the peak memory of a fresh process that makes a sweep [MiB]."""
    command = [sys.executable, "-c", CHILD, str(users), str(days), str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return float(done.stdout)


def main() -> None:
    """Print overhead, scaling and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--samples", type=int, default=100, help=f"samples, with {SEEDS} seeds each")
    parser.add_argument("--rounds", type=int, default=2, help="measurements, each of all but memory")
    args = parser.parse_args()
    users, days, samples = args.users, args.days, args.samples
    console = Console(width=110, highlight=False)
    batch(users, days, 8, 1)
    ones, twos, bare = [], [], []
    for _ in range(args.rounds):
        ones.append(batch(users, days, samples, 1))
        twos.append(batch(users, days, samples, 2))
        bare.append(again(ones[-1].runs, days))
    table = Table(title=f"A sweep of {SEEDS * samples} runs, {users:,} users x {days} days ({PLAN})")
    table.add_column("what")
    table.add_column(f"{args.rounds} rounds" if args.rounds > 1 else "value", justify="right")
    rows: dict[str, list[str]] = {
        "runs, of the plan too, in one process": [f"{len(one.runs.calls)}" for one in ones],
        "simulations inside the sweep, CPU s": [f"{one.runs.seconds:.1f}" for one in ones],
        "the same runs with nothing around them, CPU s": [f"{seconds:.1f}" for seconds in bare],
        "whole sweep, one process, CPU s": [f"{one.cpu:.1f}" for one in ones],
        "design and indices, CPU s": [f"{one.analysis.seconds:.2f}" for one in ones],
        "overhead of runner, store and results": [f"{one.overhead:.1%}" for one in ones],
        "whole sweep, two processes, CPU s": [f"{two.cpu:.1f}" for two in twos],
        "wall s with one process": [f"{one.wall:.1f}" for one in ones],
        "wall s with two": [f"{two.wall:.1f}" for two in twos],
        "scaling on two cores": [f"{one.wall / two.wall:.2f}" for one, two in zip(ones, twos, strict=True)],
        "what CPU seconds alone allow": [f"{2 * one.cpu / two.cpu:.2f}" for one, two in zip(ones, twos, strict=True)],
    }
    for what, cells in rows.items():
        table.add_row(what, "  ".join(cells))
    few, many = peak(users, days, samples // 5), peak(users, days, samples)
    table.add_row(
        f"peak memory with {SEEDS * (samples // 5)} and {SEEDS * samples} runs, MiB", f"{few:.0f}  {many:.0f}"
    )
    console.print(table)


if __name__ == "__main__":
    main()
