"""What a sweep costs beside its simulations, how it scales, what it remembers: `python -m benchmarks.batches`."""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

from rich.console import Console
from rich.table import Table

import scenarios
from experiments.runner import Runner
from experiments.store import Store
from experiments.sweep import sweep
from scenarios import Scenario
from sim.run import simulate

PLAN = "vertical-platform-18-months"
OVER = {"behaviour.shop.ctr": (0.02, 0.05), "behaviour.visit.rate": (0.01, 0.05)}
CHILD = "import sys; from benchmarks.batches import alone; alone(*map(int, sys.argv[1:]))"


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


def batch(users: int, days: int, samples: int, processes: int, store: bool = True) -> tuple[float, float]:
    """Sweep with a store; return CPU seconds (children included) and wall seconds."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Store(folder) if store else None
        cpu, wall = _cpu(), time.perf_counter()
        sweep(
            market(users, days), OVER, method="lhs", samples=samples, seeds=2, kpis=("gmv", "orders"), days=days,
            runner=Runner(kept, processes=processes),
        )  # fmt: skip
        return _cpu() - cpu, time.perf_counter() - wall


def _cpu() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def simulations(users: int, days: int, samples: int) -> float:
    """Return CPU seconds of so many runs without anything around them (median of 12, times the number)."""
    plan, seconds = market(users, days), []
    simulate(plan, 0, days=days)
    for seed in range(1, 13):
        start = time.process_time()
        simulate(plan, seed, days=days)
        seconds.append(time.process_time() - start)
    return median(seconds) * samples * 2


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
    parser.add_argument("--samples", type=int, default=100, help="samples, with two seeds each")
    args = parser.parse_args()
    console = Console(width=110, highlight=False)
    sizes = args.users, args.days, args.samples
    batch(*sizes[:2], 8, 1)
    table = Table(title=f"A sweep of {2 * args.samples} runs, {args.users:,} users x {args.days} days ({PLAN})")
    table.add_column("what")
    table.add_column("value", justify="right")
    one, two = batch(*sizes, 1), batch(*sizes, 2)
    pure = simulations(*sizes)
    again = simulations(*sizes)
    table.add_row("simulations alone, CPU s (measured before and after)", f"{pure:.1f}, {again:.1f}")
    table.add_row("whole sweep, one process, CPU s", f"{one[0]:.1f}")
    table.add_row("overhead of sweep, runner, store and results", f"{one[0] / min(pure, again) - 1:.1%}")
    table.add_row("wall s with one process, with two", f"{one[1]:.1f}, {two[1]:.1f}")
    table.add_row("scaling on two cores", f"{one[1] / two[1]:.2f}")
    few, many = peak(*sizes[:2], args.samples // 5), peak(*sizes)
    table.add_row(
        f"peak memory with {2 * (args.samples // 5)} and {2 * args.samples} runs, MiB", f"{few:.0f}, {many:.0f}"
    )
    console.print(table)


if __name__ == "__main__":
    main()
