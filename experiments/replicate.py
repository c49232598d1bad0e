"""Replications: the same scenario under several seeds, as tidy tables with a `seed` column."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property, partial
from math import isnan
from typing import Any

import pandas as pd

from experiments.curves import curves
from experiments.pool import Progress, Tick, share_out, spread
from experiments.summary import promises, summarise
from experiments.tables import categorised, stack
from scenarios import Scenario
from sim.kpis import KPIS, measure
from sim.run import Engine, Run, simulate

SO_FAR = "so far"
"""Window of the simulated part of the plan, in runs that end early."""


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
    """seed, lever, month, orders, gmv, profit."""
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


_TABLES = tuple(f.name for f in fields(Replication) if f.type is pd.DataFrame)


def replicate(
    scenario: Scenario,
    seeds: int | Iterable[int] = 5,
    *,
    engine: Engine = "columnar",
    threads: int = 1,
    days: int | None = None,
    journeys: Iterable[int] = (),
    processes: int | None = None,
    progress: Progress | None = None,
) -> Replication:
    """Run a scenario under seeds 1 to N, or under those given, and return their tables.

    The tables depend on `scenario`, `seeds`, `days` and `journeys` alone, not on `engine`, `threads` or `processes`.
    Runs share the cores: processes times threads never exceed them. `days` ends runs early; `journeys` names users
    whose days are written down; `progress(days_done, days, runs_done, runs)` is called as days are simulated. Raises
    `ValueError` for seeds, days or users out of range.
    """
    chosen = _seeds(seeds)
    whole = scenario.clock.days + scenario.clock.tail
    if days is not None and days < 1:
        raise ValueError(f"`days >= 1` must hold, but got {days}")
    length = whole if days is None else min(days, whole)
    processes, threads = share_out(len(chosen), threads, processes)
    work = partial(_tables, scenario, engine, threads, None if length == whole else length, tuple(journeys))
    started, clock = datetime.now(UTC), time.perf_counter()
    steps = scenario.clock.burn_in + length
    answers = spread(work, chosen, steps=steps, processes=processes, progress=progress)
    return Replication(
        scenario=scenario,
        seeds=chosen,
        engine=engine,
        threads=threads,
        processes=processes,
        days=length,
        started=started,
        wall_seconds=time.perf_counter() - clock,
        user_days=steps * scenario.market.users * len(chosen),
        **{name: stack({seed: answer[name] for seed, answer in zip(chosen, answers, strict=True)}) for name in _TABLES},
    )


def _seeds(seeds: int | Iterable[int]) -> tuple[int, ...]:
    chosen = tuple(range(1, seeds + 1)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen:
        raise ValueError(f"at least one seed must be given, but got {seeds!r}")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds must differ, but got {list(chosen)}")
    return chosen


def _tables(
    scenario: Scenario, engine: Engine, threads: int, days: int | None, journeys: tuple[int, ...], seed: int, tick: Tick
) -> dict[str, pd.DataFrame]:
    """Run once and return the tables, compact enough to send to another process."""
    progress: Callable[[int, int], None] = tick
    run = simulate(scenario, seed, engine=engine, threads=threads, days=days, journeys=journeys, progress=progress)
    made: dict[str, Any] = {
        "curves": curves(run),
        "stock": run.observer.stocktaking(),
        "kpis": run.kpis if days is None else pd.concat([run.kpis, _so_far(run, days)], ignore_index=True),
    }
    tables = {name: made[name] if name in made else getattr(run, name) for name in _TABLES}
    tables["targets"] = tables["targets"].astype({"reached": "boolean", "value": "float64", "wanted": "float64"})
    return {name: categorised(table) for name, table in tables.items()}


def _so_far(run: Run, days: int) -> pd.DataFrame:
    """Return the KPIs of the simulated part of the plan, without those that need days to come."""
    span = (0, min(days, run.scenario.clock.days) - 1)
    rows = [(kpi.id, SO_FAR, "all", kpi.unit, measure(run.observer, kpi.id, span)) for kpi in KPIS.values()]
    return pd.DataFrame([r for r in rows if not isnan(r[4])], columns=["kpi", "window", "segment", "unit", "value"])
