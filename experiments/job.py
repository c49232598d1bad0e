"""A job: one run of a scenario under a seed, and the tables that are kept of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import Any, Literal

import pandas as pd

from experiments import codec, executors
from experiments.curves import MONTH_DAYS, curves
from experiments.tables import categorised
from scenarios import Scenario
from sim.compile import source_digest
from sim.kpis import KPIS, measure
from sim.run import Engine, Run, simulate

Tables = Mapping[str, pd.DataFrame]
"""Tables of a run, by name."""
Detail = Literal["kpis", "all"]
KEPT: dict[Detail, tuple[str, ...]] = {
    "kpis": ("kpis", "targets", "credit", "costs", "accounts"),
    "all": (
        "kpis", "targets", "daily", "curves", "cohorts", "stock", "ledger", "credit", "costs", "accounts", "rules",
        "journeys",
    ),
}  # fmt: skip
"""Tables kept of a run."""
SO_FAR = "so far"
"""Window of the simulated part of the plan, in runs that end early."""


@dataclass(frozen=True)
class Job:
    """One run to make. Its tables depend on `scenario`, `seed`, `days`, `detail` and `journeys` alone."""

    scenario: Scenario
    seed: int
    days: int | None = None
    """Days from day 0 on; None: the plan and its tail, whole."""
    detail: Detail = "kpis"
    journeys: tuple[int, ...] = ()
    """Users whose days are written down."""
    engine: Engine = "columnar"
    threads: int = 1

    def __post_init__(self) -> None:
        clock = self.scenario.clock
        if self.days is not None and self.days < 1:
            raise ValueError(f"`days >= 1` must hold, but got {self.days}")
        if self.days is not None and self.days >= clock.days + clock.tail:
            object.__setattr__(self, "days", None)

    @property
    def length(self) -> int:
        """Days from day 0 on, tail included."""
        clock = self.scenario.clock
        return clock.days + clock.tail if self.days is None else self.days

    @property
    def user_days(self) -> int:
        """Users times days simulated."""
        return (self.scenario.clock.burn_in + self.length) * self.scenario.market.users

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that its tables depend on, the version of the model included."""
        parts = (
            codec.FORMAT,
            source_digest(),
            self.scenario.fingerprint,
            self.seed,
            self.days,
            self.detail,
            self.journeys,
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def about(self) -> dict[str, Any]:
        """What stands at the head of its tables."""
        return {
            "scenario": self.scenario.name, "digest": self.scenario.digest, "seed": self.seed, "days": self.length,
            "users": self.scenario.market.users, "user_days": self.user_days, "detail": self.detail,
            "model": source_digest(),
        }  # fmt: skip


def perform(job: Job) -> bytes:
    """Make a run and return its tables, encoded."""
    run = simulate(
        job.scenario, job.seed, engine=job.engine, threads=job.threads, days=job.days, journeys=job.journeys,
        progress=lambda done, _: executors.tick(done, job.scenario.clock.burn_in + job.length),
    )  # fmt: skip
    return codec.encode(job.about, _tables(run, job))


def _tables(run: Run, job: Job) -> Tables:
    made = {"costs": lambda: costs(run), "curves": lambda: curves(run), "stock": run.observer.stocktaking}
    tables = {name: made[name]() if name in made else getattr(run, name) for name in KEPT[job.detail]}
    if job.days is not None:
        tables["kpis"] = pd.concat([run.kpis, _so_far(run, job.days)], ignore_index=True)
    tables["targets"] = tables["targets"].astype({"reached": "boolean", "value": "float64", "wanted": "float64"})
    return tables if job.detail == "kpis" else {name: categorised(table) for name, table in tables.items()}


def costs(run: Run) -> pd.DataFrame:
    """Return lever, phase, month (30 days from day 0), yuan: what each lever cost, what nobody could pay included."""
    sums: dict[tuple[str, str, int], int] = {}
    for lever, days in run.observer.ledger.by_lever.items():
        for day, cents in days.items():
            if day >= 0:
                key = lever, run.observer.calendar.phase(day), day // MONTH_DAYS
                sums[key] = sums.get(key, 0) + cents
    rows = [(*key, cents / 100) for key, cents in sums.items()]
    return pd.DataFrame(rows, columns=["lever", "phase", "month", "yuan"])


def _so_far(run: Run, days: int) -> pd.DataFrame:
    """Return the KPIs of the simulated part of the plan, without those that need days to come."""
    span = (0, min(days, run.scenario.clock.days) - 1)
    rows = [(kpi.id, SO_FAR, "all", kpi.unit, measure(run.observer, kpi.id, span)) for kpi in KPIS.values()]
    return pd.DataFrame([r for r in rows if not isnan(r[4])], columns=["kpi", "window", "segment", "unit", "value"])
