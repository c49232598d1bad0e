"""Speed of the full model, how cost grows, what SimPy and start-up take: `python -m benchmarks.scaling`."""

import argparse
import subprocess
import sys
import time
from collections.abc import Generator
from statistics import median
from typing import Any

import numpy as np
import simpy
from rich.console import Console
from rich.table import Table

import scenarios
from scenarios import Scenario
from sim.run import Rehearsal

PLAN = "vertical-platform-18-months"
SIZES = (10_000, 100_000, 1_000_000)
DAYS = 180
CLOCK_USERS = 100_000
CLOCK_LEVERS = 20


def full_model(users: int, days: int) -> Scenario:
    """Return a shipped plan at a size, all its levers at work on every simulated day (no burn-in)."""
    changes: dict[str, Any] = {"market.users": users, "clock.burn_in": 0}
    plan = scenarios.load(PLAN)
    inside = {name: w.model_dump() for name, w in plan.windows.items() if w.span(plan.clock)[0] >= 0}
    changes |= {"windows": inside, "targets": {}, "baseline": {}, "accounts.tranches": []}
    changes |= {f"levers.{name}.open": [] for name, lever in plan.levers.items() if lever.on}
    return plan.override(changes)


def cpu(rehearsal: Rehearsal, last: int) -> float:
    """Return the CPU seconds of a run's days."""
    start = time.process_time()
    rehearsal.run_until(last)
    return time.process_time() - start


def sizes(rounds: int, console: Console) -> None:
    """Print user-days per CPU-second by size, and the exponent of cost in users."""
    found: dict[int, list[float]] = {n: [] for n in SIZES}
    live = {}
    plans = {n: full_model(n, DAYS) for n in SIZES}
    Rehearsal(plans[SIZES[0]], 0).run_until(DAYS)
    for seed in range(rounds):
        for n in SIZES:
            rehearsal = Rehearsal(plans[n], seed)
            found[n].append(cpu(rehearsal, DAYS - 1))
            live[n] = rehearsal.live_bytes / n
    table = Table(title=f"{PLAN}, all verbs and levers, {DAYS} days: medians of {rounds} interleaved rounds, CPU time")
    for heading in ("users", "CPU s", "min-max s", "M user-days per CPU-s", "bytes a user"):
        table.add_column(heading, justify="right")
    for n, seconds in found.items():
        rate = n * DAYS / median(seconds) / 1e6
        table.add_row(
            f"{n:,}",
            f"{median(seconds):.2f}",
            f"{min(seconds):.2f}-{max(seconds):.2f}",
            f"{rate:.1f}",
            f"{live[n]:.0f}",
        )
    console.print(table)
    logs = np.log([[n, median(s)] for n, s in found.items()])
    console.print(f"cost grows with users to the power of {np.polyfit(logs[:, 0], logs[:, 1], 1)[0]:.3f}")


def days_exponent(rounds: int, console: Console) -> None:
    """Print the exponent of cost in days."""
    lengths = (60, 120, 240)
    plan = full_model(CLOCK_USERS, max(lengths))
    found: dict[int, list[float]] = {d: [] for d in lengths}
    for seed in range(rounds):
        for d in lengths:
            found[d].append(cpu(Rehearsal(plan, seed), d - 1))
    logs = np.log([[d, median(s)] for d, s in found.items()])
    console.print(f"cost grows with days to the power of {np.polyfit(logs[:, 0], logs[:, 1], 1)[0]:.3f}")


def bare_clock(processes: int, days: int, ticks: int) -> float:
    """Return the CPU seconds that SimPy takes for so many processes that do nothing, and `ticks` market ticks a day."""

    def idle(env: simpy.Environment, wait: float) -> Generator[simpy.Event, Any, None]:
        for _ in range(int(days / wait)):
            yield env.timeout(wait)

    env = simpy.Environment()
    for _ in range(processes):
        env.process(idle(env, 1))
    env.process(idle(env, 1 / ticks))
    start = time.process_time()
    env.run(until=days)
    return time.process_time() - start


def clock_share(rounds: int, console: Console) -> None:
    """Print SimPy's share of a run at 100,000 users x 180 days beside 20 other daily processes."""
    plan = full_model(CLOCK_USERS, DAYS)
    whole, bare = [], []
    for seed in range(rounds):
        whole.append(cpu(Rehearsal(plan, seed), DAYS - 1))
        bare.append(bare_clock(CLOCK_LEVERS, DAYS, 5))
    share = median(bare) / median(whole)
    console.print(
        f"SimPy's clock with {CLOCK_LEVERS} daily processes takes {share:.1%} of {CLOCK_USERS:,} users x {DAYS} days"
    )


def start_up(rounds: int, console: Console) -> None:
    """Print CPU seconds of `sandtable --help`, `import sandtable`, and of a small run with compiled code cached."""
    commands = {
        "sandtable --help": ["-m", "sandtable", "--help"],
        "import sandtable": ["-c", "import sandtable"],
        "python alone": ["-c", "pass"],
    }
    for name, arguments in commands.items():
        seconds = []
        for _ in range(rounds):
            before = children()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            seconds.append(children() - before)
        console.print(f"{name}: {median(seconds):.2f} CPU s")


def children() -> float:
    """Return the CPU seconds of ended child processes."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Print all measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    console = Console(width=None if sys.stdout.isatty() else 120)
    sizes(rounds, console)
    days_exponent(rounds, console)
    clock_share(rounds, console)
    start_up(rounds, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
