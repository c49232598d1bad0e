"""One run: a scenario and a seed go in, tidy tables come out."""

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from typing import Any, Literal

import numpy as np
import pandas as pd
import simpy

from scenarios import Scenario
from scenarios.targets import Target
from sim import metrics
from sim.channels import Channels
from sim.clock import Calendar, Moment
from sim.kpis import KPIS, measure
from sim.ledger import Accounts, Ledger
from sim.levers import KINDS, Desk, LeverProcess
from sim.observer import Observer, windows
from sim.population import Population
from sim.rules import OF_A_LEVER, RuleBook
from sim.shocks import strike
from sim.supply import ServiceDesk, Shelf
from sim.weather import Names, Weather
from sim.world import Out

Engine = Literal["columnar", "process"]


@dataclass(frozen=True)
class Run:
    """What one run of a scenario brought. Tables are for the real market; money in yuan."""

    scenario: Scenario
    seed: int
    engine: Engine
    threads: int
    wall_seconds: float
    user_days: int
    live_bytes: int
    """Live state of the simulated users, contact graph apart [bytes]."""
    observer: Observer
    accounts: pd.DataFrame
    """account, planned, moved, spent, left; planned + moved = spent + left."""
    rules: pd.DataFrame
    """day, rule, lever, value, action: what the plan's controllers did."""

    @cached_property
    def daily(self) -> pd.DataFrame:
        """day, metric, segment, channel, value; absent rows are zero."""
        return self.observer.daily()

    @cached_property
    def cohorts(self) -> pd.DataFrame:
        """cohort, age_weeks, users, active."""
        return self.observer.cohorts()

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """day, account, lever, phase, kind, cents, yuan."""
        return self.observer.ledger.table(self.observer.calendar)

    @cached_property
    def credit(self) -> pd.DataFrame:
        """lever, phase, paid_in, month, orders, gmv, profit, new_users: measured contributions, which sum to all orders and
        registrations."""
        return self.observer.credits()

    @cached_property
    def journeys(self) -> pd.DataFrame:
        """user, day, hour, event, detail, value of the users that were watched."""
        return self.observer.journeys()

    @cached_property
    def kpis(self) -> pd.DataFrame:
        """kpi, window, segment, unit, value: every KPI in the plan and every window and phase; by segment in the plan."""
        spans = windows(self.scenario)
        rows = [
            (kpi.id, window, "all", kpi.unit, measure(self.observer, kpi.id, span))
            for window, span in spans.items()
            for kpi in KPIS.values()
        ]
        rows += [
            (kpi.id, "plan", segment, kpi.unit, measure(self.observer, kpi.id, spans["plan"], segment))
            for segment in self.scenario.market.segments
            for kpi in KPIS.values()
        ]
        frame = pd.DataFrame(rows, columns=["kpi", "window", "segment", "unit", "value"])
        return frame[frame["value"].notna()].reset_index(drop=True)

    @cached_property
    def targets(self) -> pd.DataFrame:
        """target, kpi, window, segment, value, wanted, reached: the plan's promises in this run."""
        rows = []
        for name, target in self.scenario.targets.items():
            value = achieved(self.observer, target)
            wanted = target.at_least if target.at_least is not None else target.at_most
            reached = None if isnan(value) else meets(target, value)
            rows.append((name, target.kpi, target.window, target.segment, value, wanted, reached))
        return pd.DataFrame(rows, columns=["target", "kpi", "window", "segment", "value", "wanted", "reached"])


def achieved(observer: Observer, target: Target) -> float:
    """Return what a run reached of a target: the KPI, or its change against the base window."""
    value = measure(observer, target.kpi, observer.scenario.span(target.window), target.segment)
    if target.against is None:
        return value
    base = measure(observer, target.kpi, observer.scenario.span(target.against), target.segment)
    if target.points:
        return value - base
    return value / base - 1 if base else nan


def meets(target: Target, value: float) -> bool:
    """Return whether a value keeps a promise."""
    if target.at_least is not None:
        return value >= target.at_least
    assert target.at_most is not None
    return value <= target.at_most


def simulate(
    scenario: Scenario,
    seed: int = 1,
    *,
    engine: Engine = "columnar",
    threads: int = 1,
    days: int | None = None,
    journeys: Iterable[int] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Run a scenario once.

    The result depends on `scenario` and `seed` alone, not on `engine` or `threads`. `days` ends the run early (KPIs of
    later windows are absent); `journeys` names users whose days are written down; `progress(done, of)` is called once a
    simulated day. Raises `ValueError` for a seed or user out of range or an unknown KPI.
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"`0 <= seed < 2**63` must hold, but got {seed}")
    if threads < 1:
        raise ValueError(f"`threads >= 1` must hold, but got {threads}")
    watch = tuple(sorted(set(journeys)))
    if watch and not 0 <= watch[0] <= watch[-1] < scenario.market.users:
        raise ValueError(f"users are numbered 0 to {scenario.market.users - 1}, but got {list(watch)}")
    metrics_of_rules = {r.metric for r in scenario.rules.values()} - set(OF_A_LEVER)
    unknown = sorted(
        ({t.kpi for t in scenario.targets.values()} | set(scenario.baseline) | metrics_of_rules) - set(KPIS)
    )
    if unknown:
        raise ValueError(f"unknown KPI {unknown[0]!r}; known are {', '.join(KPIS)}")
    started = time.perf_counter()
    stage = Rehearsal(scenario, seed, engine, threads, watch, progress)
    last = stage.calendar.last if days is None else min(days - 1, stage.calendar.last)
    stage.run_until(last)
    return Run(
        scenario=scenario,
        seed=seed,
        engine=engine,
        threads=threads,
        wall_seconds=time.perf_counter() - started,
        user_days=(last - stage.calendar.first + 1) * scenario.market.users,
        live_bytes=stage.live_bytes,
        observer=stage.observer,
        accounts=stage.accounts.table(),
        rules=pd.DataFrame(stage.rulebook.log, columns=["day", "rule", "lever", "value", "action"]),
    )


class Rehearsal:
    """Everything that takes part in a run, on one SimPy clock."""

    def __init__(
        self, scenario: Scenario, seed: int, engine: Engine = "columnar", threads: int = 1,
        watch: tuple[int, ...] = (), progress: Callable[[int, int], None] | None = None,
    ) -> None:  # fmt: skip
        self.scenario, self.progress = scenario, progress
        self.calendar = Calendar(scenario)
        self.env = env = simpy.Environment(initial_time=self.calendar.first)
        self.names = Names(scenario)
        self.ledger = Ledger()
        self.accounts = Accounts(env, scenario, self.calendar, self.ledger)
        self.population = Population(
            scenario, seed, self.calendar, self.names, threads=threads, engine=engine, watch=watch
        )
        self.weather = Weather(scenario, self.calendar, self.names, self.population.market)
        self.channels = Channels(scenario, self.calendar, self.names)
        self.observer = Observer(scenario, self.calendar, self.names, self.ledger)
        desk = Desk(
            env, scenario, self.calendar, self.names, self.weather, self.accounts, self.channels, self.population
        )
        self.desk = desk
        self.levers: dict[str, LeverProcess] = {
            name: KINDS[scenario.levers[name].kind](name, scenario.levers[name], desk) for name in self.names.levers
        }
        self.shelves = [
            Shelf(name, k, goods.stock, desk)
            for k, (name, goods) in enumerate(scenario.goods.classes.items())
            if goods.stock
        ]
        self.service = ServiceDesk(desk)
        self.rulebook = RuleBook(desk, self.observer, self.levers)
        for name, shock in sorted(scenario.shocks.items()):
            if shock.on:
                env.process(strike(name, shock, desk, self.shelves, self.service))
        for lever in self.levers.values():
            env.process(lever.run())
        env.process(self.days())
        env.process(self.rulebook.run())
        if engine == "process":
            self.population.processes(env, self.weather.conditions, self.calendar.first, self.calendar.last)

    @property
    def live_bytes(self) -> int:
        """Live state of the simulated users, contact graph apart [bytes]."""
        w = self.population.world
        return sum(a.nbytes for a in (w.users, w.klass, w.wake, w.mail.head, w.groups))

    def run_until(self, last: int) -> None:
        """Let the market live up to and including a day."""
        self.env.run(until=last + 1)
        self.population.close()

    def days(self) -> Generator[simpy.Event, Any, None]:
        """Let the market live day after day: users, settlement, operations, ledger, observer."""
        p, c = self.population, self.weather.conditions
        for day in range(self.calendar.first, self.calendar.last + 1):
            yield self.desk.at(day, Moment.POPULATION)
            for shelf in self.shelves:
                shelf.morning(day)
            self.weather.begin(day)
            p.begin(day, c, self.accounts, self.deliver_media)
            if p.engine == "columnar":
                p.live_day(day, c)
            yield self.desk.at(day, Moment.SETTLEMENT)
            out = p.settle_day(day, c)
            yield self.desk.at(day, Moment.OPERATIONS)
            self.operate(day, out)
            yield self.desk.at(day, Moment.LEDGER)
            self.book(day, out)
            yield self.desk.at(day, Moment.OBSERVER)
            self.observer.response_seconds[day - self.calendar.first] = self.service.response_seconds
            self.observer.watch(day, out, p.states, p.world)
            p.end()
            if self.progress is not None:
                self.progress(day - self.calendar.first + 1, len(self.calendar))

    def deliver_media(self, day: int) -> None:
        """Show the day's impressions."""
        p, streams = self.population, self.weather.conditions.touches["stream"]
        plan = self.channels.planned(day, p.market, streams)
        p.room_for(int(sum(counts.sum() for _, _, counts in plan)))
        p.items = self.channels.deliver(plan, p.items, day, p.market, p.world, streams)

    def operate(self, day: int, out: Out) -> None:
        """Close the shelves and the service desk."""
        cumulative = self.weather.conditions.demand
        attempts = float(out.tally[metrics.ORDER_ATTEMPTS].sum())
        for shelf in self.shelves:
            left = int(self.weather.conditions.stock[shelf.row])
            wanted = attempts * float(cumulative[shelf.row] - (cumulative[shelf.row - 1] if shelf.row else 0.0))
            sold = float(shelf.served - left) if shelf.started and shelf.served >= 0 else wanted
            shelf.evening(day, sold * self.desk.scale, max(sold, wanted if left == 0 else 0.0) * self.desk.scale)
        self.service.evening(float(out.tally[metrics.ORDERS].sum()) * self.desk.scale)

    def book(self, day: int, out: Out) -> None:
        """Turn what users' deeds cost levers into postings of whole cents."""
        for number, kind in zip(*np.nonzero(out.money), strict=True):
            lever, name = self.names.credits[number], metrics.KINDS[kind]
            cents = int(np.floor(out.money[number, kind] * self.desk.scale))
            account = self.scenario.levers[lever].account
            if name == "unfunded":
                self.ledger.post(day, "unfunded", lever, name, cents)
            elif account is not None:
                self.accounts.pay(day, account, lever, name, cents)
        for row, lever in enumerate(self.names.messages):
            self.book_messages(day, lever, int(out.sent[row]))
        self.observer.post_revenue(day, out.tally)

    def book_messages(self, day: int, lever: str, sent: int) -> None:
        """Pay for the messages sent."""
        spec = self.scenario.levers[lever]
        cost = round(sent * self.desk.scale * spec.price * 100)  # type: ignore[union-attr]
        if sent:
            self.population.last_cost[lever] = cost
        if cost and spec.account is not None:
            paid = self.accounts.pay(day, spec.account, lever, "message", cost)
            self.ledger.post(day, "unfunded", lever, "unfunded", cost - paid)
