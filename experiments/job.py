"""A job: one run of a scenario under a seed, and the tables that are kept of it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments import codec
from experiments.codec import Rows
from experiments.curves import curves
from experiments.processes import tick
from experiments.tables import categorised
from scenarios import Scenario
from sim.compile import source_digest
from sim.kpis import LEVELS, levels
from sim.observer import CREDIT, spans
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
_KPIS = dict.fromkeys(LEVELS, str) | {"value": float}
_TARGETS = {
    "target": str, "kpi": str, "window": str, "segment": str, "value": float, "wanted": float, "reached": bool,
}  # fmt: skip
_CREDIT = dict.fromkeys(CREDIT, float) | {"lever": str, "phase": str, "paid_in": str, "month": int}
_ACCOUNTS = {"account": str, "planned": float, "moved": float, "spent": float, "left": float}
_COSTS = {"lever": str, "phase": str, "month": int, "yuan": float}


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
        progress=lambda done, _: tick(done, job.scenario.clock.burn_in + job.length),
    )  # fmt: skip
    return codec.encode(job.about, _tables(run, job))


def _tables(run: Run, job: Job) -> dict[str, pd.DataFrame | Rows]:
    made: dict[str, Callable[[], pd.DataFrame | Rows]] = {
        "kpis": lambda: _kpis(run, job.days),
        "targets": lambda: _rows(run.targets, _TARGETS),
        "credit": lambda: Rows(_CREDIT, run.observer.credited()),
        "costs": lambda: _costs(run),
        "accounts": lambda: _rows(run.accounts, _ACCOUNTS),
        "curves": lambda: curves(run),
        "stock": run.observer.stocktaking,
    }
    tables = {name: made[name]() if name in made else getattr(run, name) for name in KEPT[job.detail]}
    if job.detail == "kpis":
        return tables
    return {name: categorised(table.frame() if isinstance(table, Rows) else table) for name, table in tables.items()}


def _kpis(run: Run, days: int | None) -> Rows:
    """Return the run's KPIs; with `days`, also those of the simulated part of the plan that need no days to come."""
    asked = spans(run.scenario)
    if days is not None:
        asked.append((SO_FAR, "all", (0, min(days, run.scenario.clock.days) - 1)))
    return Rows(_KPIS, levels(run.observer, asked))


def _rows(table: pd.DataFrame, kinds: Mapping[str, type]) -> Rows:
    return Rows(kinds, list(zip(*(table[name].tolist() for name in kinds), strict=True)))


def _costs(run: Run) -> Rows:
    """Return lever, phase, month (30 days from day 0), yuan: what each lever cost, what nobody could pay included."""
    parts, by_day = run.observer.parts(), run.observer.costs()
    sums = np.stack([by_day[:, inside].sum(axis=1) for inside in parts.values()], axis=1).tolist()
    levers = zip(run.observer.ledger.by_lever, sums, strict=True)
    return Rows(
        _COSTS,
        [(name, *part, cents / 100) for name, row in levers for part, cents in zip(parts, row, strict=True) if cents],
    )
