"""Replications: the same scenario under several seeds, as tidy tables with a `seed` column."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import pandas as pd

from experiments.executors import share_out
from experiments.job import KEPT, Job
from experiments.runner import Runner
from experiments.summary import promises, summarise
from experiments.tables import stack
from scenarios import Scenario
from sim.run import Engine


@dataclass(frozen=True, eq=False)
class Replication:
    """What several runs of one scenario brought: tables for the real market, money in yuan, the run in `seed`."""

    scenario: Scenario
    seeds: tuple[int, ...]
    engine: Engine
    threads: int
    """Threads of each process."""
    processes: int
    days: int
    """Days simulated from day 0 on, tail included."""
    started: datetime
    """When the runs began (UTC)."""
    wall_seconds: float
    """Time all runs took together [s]."""
    user_days: int
    """Users times days simulated, over all runs."""
    kpis: pd.DataFrame
    """seed, kpi, window, segment, unit, value."""
    targets: pd.DataFrame
    """seed, target, kpi, window, segment, value, wanted, reached."""
    daily: pd.DataFrame
    """seed, day, metric, segment, channel, value; absent rows are zero."""
    curves: pd.DataFrame
    """seed, kpi, day, days, value: each KPI over the days that end on a day."""
    cohorts: pd.DataFrame
    """seed, cohort (its first day), age_weeks, users, active."""
    stock: pd.DataFrame
    """seed, day, count, segment, value: looks at all users."""
    ledger: pd.DataFrame
    """seed, day, account, lever, phase, kind, cents, yuan."""
    credit: pd.DataFrame
    """seed, lever, phase, paid_in, month, orders, gmv, profit."""
    costs: pd.DataFrame
    """seed, lever, phase, month, yuan."""
    accounts: pd.DataFrame
    """seed, account, planned, moved, spent, left [yuan]."""
    rules: pd.DataFrame
    """seed, day, rule, lever, value, action."""
    journeys: pd.DataFrame
    """seed, user, day, hour, event, detail, value of the users that were watched."""

    @cached_property
    def states(self) -> pd.DataFrame:
        """seed, day, state, segment, users: how many people were in each state at the end of the day."""
        inside = self.daily["metric"].astype(str).str.startswith("users-")
        part = self.daily.loc[inside, ["seed", "day", "metric", "segment", "value"]]
        part = part.assign(metric=part["metric"].astype(str).str.removeprefix("users-"))
        return part.rename(columns={"metric": "state", "value": "users"}).reset_index(drop=True)

    @cached_property
    def promises(self) -> pd.DataFrame:
        """One row a target: name, title, kpi, window, segment, unit, mean, ci_low, ci_high, wanted, direction, seeds,
        probability, verdict; see `experiments.summary.promises`.
        """
        return promises(self.scenario, self.targets, self.days)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """kpi, window, segment, unit, mean, ci_low, ci_high, seeds, target, direction, probability: 95 % intervals over
        seeds (NaN with one); see `experiments.summary.summarise`.
        """
        return summarise(self.kpis, self.promises)

    @property
    def user_days_per_second(self) -> float:
        """Simulated user-days a second of wall time, processes together."""
        return self.user_days / self.wall_seconds

    @property
    def whole(self) -> bool:
        """Whether the plan and its tail were simulated to the end."""
        return self.days == self.scenario.clock.days + self.scenario.clock.tail


def run(
    scenario: Scenario,
    seeds: int | Iterable[int] = 5,
    *,
    engine: Engine = "columnar",
    days: int | None = None,
    journeys: Iterable[int] = (),
    runner: Runner | None = None,
) -> Replication:
    """Run a scenario under seeds 1 to N, or under those given, and return their tables.

    The tables depend on `scenario`, `seeds`, `days` and `journeys` alone. `days` ends runs early; `journeys` names users
    whose days are written down; `runner` says where runs are made and kept (default: processes of this machine, kept
    nowhere). Raises `ValueError` for seeds, days or users out of range, and what the runner raises.
    """
    runner, chosen = runner or Runner(), seeds_of(seeds)
    jobs = [Job(scenario, seed, days, "all", tuple(journeys), engine) for seed in chosen]
    processes, threads = share_out(len(jobs), runner.threads, runner.processes)
    started, clock = datetime.now(UTC), time.perf_counter()
    answers = runner.tables(jobs, len(jobs))
    return Replication(
        scenario=scenario,
        seeds=chosen,
        engine=engine,
        threads=threads,
        processes=processes,
        days=jobs[0].length,
        started=started,
        wall_seconds=time.perf_counter() - clock,
        user_days=sum(job.user_days for job in jobs),
        **{name: stack(dict(zip(chosen, (a[name] for a in answers), strict=True))) for name in KEPT["all"]},
    )


def seeds_of(seeds: int | Iterable[int]) -> tuple[int, ...]:
    """Return seeds 1 to N, or those given.

    Raises `ValueError` when there is none, or one stands twice.
    """
    chosen = tuple(range(1, seeds + 1)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen:
        raise ValueError(f"at least one seed must be given, but got {seeds!r}")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds must differ, but got {list(chosen)}")
    return chosen
