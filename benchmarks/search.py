"""Replications until a search recommends, and keeps, a plan near the best one: `python -m benchmarks.search`.

Every search starts from a random plan and sees only `Market.evaluate`; regrets are taken from the exact mean afterwards.
The coupled search ends with its race on fresh seeds, whose verdict counts as its last recommendation.
"""

import argparse
import importlib.util
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import optuna
from rich.console import Console
from rich.table import Table

from benchmarks.sisters import Family
from optimize.market import Bounds, Market, Outcome, Plan, Setting, Space
from optimize.sampler import search_space, to_plan
from optimize.search import SEEDS, search

LEVELS = (0.10, 0.05, 0.01)
COMMON = 5
"""Common seeds of each trial of the searches that know nothing of levers."""


class Exact(Market, Protocol):
    """A market whose mean is known, but not to the search."""

    @property
    def optimum(self) -> float:
        """The largest mean."""

    def mean(self, plan: Plan) -> float:
        """Return the exact mean of a plan."""


class Given:
    """A market from a file of the user's, with `simulate(b, c, seed, detail=True)`, `f_true(b, c)`, `B`, `C_LO`, `C_HI`."""

    def __init__(self, path: str, extra: float, optimum: float, start: Plan | None = None) -> None:
        self.path, self.extra, self.optimum, self.start = path, extra, optimum, start
        spec = importlib.util.spec_from_file_location("given_market", path)
        if spec is None or spec.loader is None:
            raise ValueError(f"`--market` must name a Python file, but got {path!r}")
        self.module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.module.EXTRA = extra

    @property
    def name(self) -> str:
        """File and noise."""
        return f"{Path(self.path).stem}, noise {self.extra:g}"

    @property
    def space(self) -> Space:
        """The plans to choose from."""
        m = self.module
        settings = {n: Setting(a, b, log=n != "s") for n, a, b in zip("TFVs", m.C_LO, m.C_HI, strict=True)}
        start = self.start or self.at(np.full(10, 0.5))
        return Space({f"b{i}": Bounds(0, m.B) for i in range(len(m.KK))}, m.B, start, settings)

    def at(self, point: np.ndarray) -> Plan:
        """Return the plan of a point of the unit cube."""
        b, c = self.module.decode(point)
        return Plan({f"b{i}": float(x) for i, x in enumerate(b)}, dict(zip("TFVs", map(float, c), strict=True)))

    def arrays(self, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
        """Return the plan as the file's functions take it."""
        return np.array(list(plan.money.values())), np.array(list(plan.settings.values()))

    def mean(self, plan: Plan) -> float:
        """Return the exact mean of a plan."""
        return float(self.module.f_true(*self.arrays(plan)))

    def evaluate(self, asked: Sequence[tuple[Plan, int]]) -> list[Outcome]:
        """Return the outcome of each plan under its seed."""
        outcomes = []
        for plan, seed in asked:
            kpi, credit = self.module.simulate(*self.arrays(plan), seed, detail=True)
            outcomes.append(Outcome(float(kpi), dict(zip(plan.money, map(float, credit), strict=True))))
        self.module._CACHE.clear()
        return outcomes


@dataclass(frozen=True)
class Track:
    """What a search recommended, and when."""

    points: list[tuple[int, float]]
    """Replications spent, and regret of the recommendation then."""
    confirmed: bool
    overhead: float
    """CPU seconds per replication outside the market."""

    def reaches(self, level: float) -> float:
        """Return the replications from which on the regret is at most `level`; inf if it is not at the end."""
        late = [n for n, regret in self.points if regret > level]
        after = [n for n, _ in self.points if not late or n > late[-1]]
        return after[0] if after else np.inf


class Clocked:
    """A market that measures the CPU time its evaluations take."""

    def __init__(self, market: Exact) -> None:
        self.market, self.space, self.seconds = market, market.space, 0.0

    def evaluate(self, asked: Sequence[tuple[Plan, int]]) -> list[Outcome]:
        """Return the outcome of each plan under its seed."""
        start = time.process_time()
        outcomes = self.market.evaluate(asked)
        self.seconds += time.process_time() - start
        return outcomes


def regret(market: Exact, plan: Plan) -> float:
    """Return the loss from a plan as a share of the optimum; `ValueError` if the plan beats the optimum."""
    loss = 1 - market.mean(plan) / market.optimum
    if loss < -1e-3:
        raise ValueError(f"the optimum of this market is not one: {market.optimum:g} is beaten by {-loss:.2%}")
    return loss


def coupled(market: Exact, replications: int, seed: int) -> Track:
    """Track our search."""
    clocked, start = Clocked(market), time.process_time()
    found = search(clocked, replications=replications, seed=seed)
    overhead = (time.process_time() - start - clocked.seconds) / found.replications
    rows = found.trace.to_dict("records")
    points = [(int(row["replications"]), regret(market, to_plan(market.space, row))) for row in rows]
    return Track([*points, (found.replications, regret(market, found.plan))], found.confirmed, overhead)


def plain(sampler: Callable[[int], optuna.samplers.BaseSampler]) -> Callable[[Exact, int, int], Track]:
    """Return the tracker of an Optuna sampler on all parameters, shares of the budget among them, with common seeds."""

    def run(market: Exact, replications: int, seed: int) -> Track:
        clocked, start = Clocked(market), time.process_time()
        seeds = range(seed * SEEDS, seed * SEEDS + COMMON)
        spaces = search_space(market.space)
        study = optuna.create_study(direction="maximize", sampler=sampler(seed))
        points: list[tuple[int, float]] = []
        best = -np.inf
        while (len(points) + 1) * COMMON <= replications:
            trial = study.ask(spaces)
            plan = within_budget(market.space, to_plan(market.space, trial.params))
            value = float(np.mean([outcome.kpi for outcome in clocked.evaluate([(plan, seed) for seed in seeds])]))
            study.tell(trial, value)
            spent = (len(points) + 1) * COMMON
            points.append((spent, regret(market, plan) if value > best else points[-1][1]))
            best = max(best, value)
        return Track(points, False, (time.process_time() - start - clocked.seconds) / (len(points) * COMMON))

    return run


def within_budget(space: Space, plan: Plan) -> Plan:
    """Return the plan with its money scaled to the whole budget."""
    total = max(sum(plan.money.values()), 1e-9)
    return Plan({name: space.budget * x / total for name, x in plan.money.items()}, plan.settings)


METHODS: dict[str, Callable[[Exact, int, int], Track]] = {
    "random": plain(lambda seed: optuna.samplers.RandomSampler(seed=seed)),
    "TPE": plain(lambda seed: optuna.samplers.TPESampler(seed=seed)),
    "coupled": coupled,
}


def begin(market: Any, seed: int) -> Any:
    """Return the market with a random current plan."""
    point = np.random.default_rng([7, seed]).random(len(market.space.levers) + len(market.space.settings))
    start = market.at(point)
    if isinstance(market, Given):
        return Given(market.path, market.extra, market.optimum, start)
    twin = replace(market, start=start)
    twin.__dict__["optimum"] = market.optimum
    return twin


def job(what: tuple[str, str, dict[str, Any], int, int]) -> Track:
    """Run one search; the arguments name the market so that another process can build it."""
    method, kind, build, replications, seed = what
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    market = Given(**build) if kind == "given" else build["market"]
    return METHODS[method](begin(market, seed), replications, seed)


def row(name: str, method: str, tracks: list[Track]) -> list[str]:
    """Return one row of the table: medians over searches."""
    reached = [float(np.median([track.reaches(level) for track in tracks])) for level in LEVELS]
    last = [track.points[-1][1] for track in tracks]
    proved = f"{sum(track.confirmed for track in tracks)}/{len(tracks)}" if method == "coupled" else ""
    cells = ["never" if np.isinf(n) else f"{n:.0f}" for n in reached]
    cpu = 1e3 * float(np.median([track.overhead for track in tracks]))
    return [name, method, *cells, f"{100 * float(np.median(last)):.2f} %", proved, f"{cpu:.0f}"]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    out = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    out.add_argument("--market", help="Python file with another market of this kind, in place of the family's")
    out.add_argument("--optimum", type=float, default=2623.468, help="largest mean of `--market`")
    out.add_argument("--extra", type=float, default=0.0, help="noise that common seeds do not cancel")
    out.add_argument("--searches", type=int, default=20)
    out.add_argument("--replications", type=int, default=700)
    out.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    out.add_argument("--only", nargs="+", type=int, help="members of the family, from 0")
    out.add_argument("--workers", type=int, default=1)
    return out


def main() -> int:
    """Print the table."""
    args = parser().parse_args()
    table = Table("market", "method", *(f"{100 * x:.0f} %" for x in LEVELS), "at the end", "proved", "CPU ms/rep")
    markets: list[tuple[str, str, dict[str, Any]]] = []
    if args.market:
        build = {"path": args.market, "extra": args.extra, "optimum": args.optimum}
        markets.append((Given(**build).name, "given", build))
    else:
        members = Family().noisy(args.extra) if args.extra else Family().members
        for k in args.only or range(len(members)):
            markets.append((f"{members[k].name} ({members[k].optimum:,.0f})", "family", {"market": members[k]}))
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    with ProcessPoolExecutor(args.workers, multiprocessing.get_context("spawn")) as pool:
        for name, kind, build in markets:
            for method in args.methods:
                jobs = [(method, kind, build, args.replications, seed) for seed in range(1, args.searches + 1)]
                table.add_row(*row(name, method, list(pool.map(job, jobs))))
                print(f"{name}: {method} done", file=sys.stderr)
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
