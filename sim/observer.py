"""The observer: writes down each day, and is all that rules may see."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scenarios import Scenario
from sim import metrics
from sim.clock import Calendar
from sim.conditions import Array
from sim.ledger import REVENUE_KINDS, Ledger
from sim.snapshot import COUNTS, snapshot
from sim.users import STATES
from sim.weather import Names
from sim.world import AGE_WEEKS, COHORT_DAYS, EVENTS, Out, World

SNAPSHOT_EVERY = 30
CREDIT = ("lever", "phase", "paid_in", "month", "orders", "gmv", "profit", "new_users")
"""Columns of measured contributions."""
_REVENUE = [metrics.NAMES.index(name) for name in REVENUE_KINDS]


class Observer:
    """Everything measured, in whole numbers of the simulated market; tables are for the real one."""

    def __init__(self, scenario: Scenario, calendar: Calendar, names: Names, ledger: Ledger) -> None:
        self.scenario, self.calendar, self.names, self.ledger = scenario, calendar, names, ledger
        self.scale = scenario.market.people / scenario.market.users
        t, s = len(calendar), len(names.segments)
        self.series = np.zeros((t, len(metrics.NAMES), s), np.int64)
        """[days, metrics, S]"""
        self.states = np.zeros((t, len(STATES), s), np.int64)
        self.credit = np.zeros((t, len(names.credits), 4), np.int64)
        self._cost_table: tuple[int, NDArray[np.int64]] = (-1, np.zeros((0, t), np.int64))
        self.roles = np.zeros((t, len(names.touches), 2), np.int64)
        self.retained = np.zeros((t, 3, s), np.int64)
        self.cohort_size = np.zeros((t // COHORT_DAYS + 1, s), np.int64)
        self.cohort_active = np.zeros((t // COHORT_DAYS + 1, AGE_WEEKS), np.int64)
        self.response_seconds = np.zeros(t)
        self.cells: list[tuple[int, Array, Array]] = []
        self.lines: list[Array] = []
        self.snapshots: dict[int, Array] = {}
        self.seen_until = calendar.first - 1
        ends = {span[1] for span in windows(scenario).values()} | {span[0] - 1 for span in windows(scenario).values()}
        self.snapshot_days = ends | {d for d in range(calendar.first, calendar.last + 1) if d % SNAPSHOT_EVERY == 0}
        for rule in scenario.rules.values():
            if rule.on:
                days = range(rule.every - 1, scenario.clock.days, rule.every)
                self.snapshot_days |= {d - scenario.measurement.lag for d in days}
        self.snapshot_days.add(calendar.last)

    def watch(self, day: int, out: Out, states: Array, world: World) -> None:
        """Write down a day."""
        k = day - self.calendar.first
        self.series[k] = out.tally.sum(axis=2)
        self.states[k] = states
        self.credit[k] = out.credit
        self.roles[k] = out.roles
        self.retained += out.retained
        self.cohort_size += out.cohort_size
        self.cohort_active += out.cohort_active
        flat = out.tally.reshape(-1)
        used = np.flatnonzero(flat)
        self.cells.append((day, used, flat[used]))
        if out.counts[2]:
            self.lines.append(out.trace[: out.counts[2]].copy())
        if day in self.snapshot_days:
            self.snapshots[day] = snapshot(world.users, day, len(self.names.segments))
        self.seen_until = day

    def total(self, metric: int, first: int, last: int, segment: int | None = None) -> int:
        """Return the sum of a metric over days first to last [simulated market]."""
        lo, hi = max(first, self.calendar.first), min(last, self.seen_until)
        part = self.series[lo - self.calendar.first : hi - self.calendar.first + 1, metric]
        return int(part.sum() if segment is None else part[:, segment].sum())

    def totals(self, first: int, last: int, segment: int | None = None) -> list[int]:
        """Return the sums of all metrics over simulated days first to last [simulated market]."""
        sums = self.series[first - self.calendar.first : last - self.calendar.first + 1].sum(axis=0)
        totals: list[int] = (sums.sum(axis=1) if segment is None else sums[:, segment]).tolist()
        return totals

    def spend(self, first: int, last: int, levers: tuple[str, ...] | None = None) -> int:
        """Return what the plan's levers cost over days first to last [cents of the real market]."""
        by_lever = self.ledger.by_lever
        names = list(by_lever) if levers is None else [n for n in levers if n in by_lever]
        if len(names) == 1:
            return sum(cents for day, cents in by_lever[names[0]].items() if first <= day <= last)
        lo, hi = max(first, self.calendar.first), min(last, self.calendar.last)
        costs = self.costs()[:, lo - self.calendar.first : hi - self.calendar.first + 1]
        rows = {name: row for row, name in enumerate(by_lever)}
        return int((costs if levers is None else costs[[rows[name] for name in names]]).sum())

    def costs(self) -> NDArray[np.int64]:
        """Return the cost of each lever by day [cents; levers of the ledger, days], new when something was booked."""
        booked = len(self.ledger.rows)
        if self._cost_table[0] != booked:
            table = np.zeros((len(self.ledger.by_lever), len(self.calendar)), np.int64)
            for row, days in zip(table, self.ledger.by_lever.values(), strict=True):
                row[np.fromiter(days, np.int64, len(days)) - self.calendar.first] = list(days.values())
            self._cost_table = booked, table
        return self._cost_table[1]

    def daily(self) -> pd.DataFrame:
        """Return day, metric, segment, channel, value for the real market; money in yuan; absent rows are zero."""
        shape = (len(metrics.NAMES), len(self.names.segments), len(self.names.channels))
        days = np.concatenate([np.full(len(used), day) for day, used, _ in self.cells])
        metric, segment, channel = np.unravel_index(np.concatenate([u for _, u, _ in self.cells]), shape)
        raw = np.concatenate([v for _, _, v in self.cells])
        money = np.isin(metric, [metrics.NAMES.index(n) for n in metrics.MONEY])
        cents = np.floor(raw * self.scale)
        value = np.where(money, cents / 100, raw * self.scale)
        value = np.where(metric == metrics.SATISFACTION_SUM, value / metrics.SATISFACTION_UNIT, value)
        cost = [
            (day, "spend", "all", self.channel_of(lever), cents / 100)
            for lever, by_day in self.ledger.by_lever.items()
            for day, cents in by_day.items()
        ]
        state_days, state, seg = np.nonzero(self.states[: self.seen_until - self.calendar.first + 1])
        frames = [
            pd.DataFrame(
                {
                    "day": days,
                    "metric": np.array(metrics.NAMES)[metric],
                    "segment": np.array(self.names.segments)[segment],
                    "channel": np.array(self.names.channels)[channel],
                    "value": value,
                }
            ),
            pd.DataFrame(cost, columns=["day", "metric", "segment", "channel", "value"]),
            pd.DataFrame(
                {
                    "day": state_days + self.calendar.first,
                    "metric": np.array([f"users-{n}" for n in STATES])[state],
                    "segment": np.array(self.names.segments)[seg],
                    "channel": "all",
                    "value": self.states[state_days, state, seg] * self.scale,
                }
            ),
        ]
        frame = pd.concat([f for f in frames if len(f)], ignore_index=True)
        frame["day"] = frame["day"].astype("int32")
        keys = ["day", "metric", "segment", "channel"]
        return frame.groupby(keys, sort=True)["value"].sum().reset_index()

    def channel_of(self, lever: str) -> str:
        """Return the channel under which a lever's cost is listed: its own, or its kind's."""
        spec = self.scenario.levers[lever]
        own = getattr(spec, "channel", None)
        return own or {"referral": "invitation", "group_buy": "group-buy"}.get(spec.kind, "own")

    def post_revenue(self, day: int, tally: Array) -> None:
        """Book the day's revenue kinds to the ledger, cell by cell in whole cents as the daily table has them."""
        cents = np.floor(tally[_REVENUE] * self.scale).astype(np.int64).sum(axis=(1, 2))
        for name, amount in zip(REVENUE_KINDS, cents.tolist(), strict=True):
            self.ledger.post(day, "", "", name, amount)

    def cohorts(self) -> pd.DataFrame:
        """Return cohort (first day of 30), age_weeks, users, active: members who came in that week of age."""
        rows = []
        for k, sizes in enumerate(self.cohort_size):
            size = int(sizes.sum())
            first = self.calendar.first + k * COHORT_DAYS
            for week in range(AGE_WEEKS):
                if size and first + COHORT_DAYS - 1 + 7 * week + 6 <= self.seen_until:
                    rows.append(
                        (
                            first,
                            week,
                            size * self.scale,
                            (int(self.cohort_active[k, week]) if week else size) * self.scale,
                        )
                    )
        return pd.DataFrame(rows, columns=["cohort", "age_weeks", "users", "active"])

    def journeys(self) -> pd.DataFrame:
        """Return user, day, hour (-1: none), event, detail, value of the watched users, in order of time."""
        lines = np.concatenate(self.lines) if self.lines else np.zeros(0, [("user", "i4")])
        columns = ["user", "day", "hour", "event", "detail", "value"]
        if not len(lines):
            return pd.DataFrame(columns=columns)
        frame = pd.DataFrame({n: lines[n] for n in columns})
        frame["event"] = np.array(EVENTS)[frame["event"]]
        return frame.sort_values(["user", "day"], kind="stable", ignore_index=True)

    def credits(self) -> pd.DataFrame:
        """Return lever, phase (of the orders and registrations), paid_in (phase of a media lever's touches), month (30 days
        from day 0), orders, gmv, profit, new_users.

        Profit is margin and fee less shipping, before what levers cost.
        """
        return pd.DataFrame(self.credited(), columns=list(CREDIT))

    def credited(self) -> list[tuple[str, str, str, int, float, float, float, float]]:
        """Return the rows of `credits`."""
        rows = []
        for (phase, month), inside in self.parts().items():
            sums = self.credit[inside].sum(axis=0)
            for k in np.flatnonzero(sums[:, [0, 1, 3]].any(axis=1)).tolist():
                orders, gmv, profit, new_users = sums[k].tolist()
                money = gmv * self.scale / 100, profit * self.scale / 100
                what = self.names.credits[k], phase, self.names.paid_in[k], month
                rows.append((*what, orders * self.scale / 1e6, *money, new_users * self.scale / 1e6))
        return rows

    def parts(self) -> dict[tuple[str, int], list[int]]:
        """Return the places of the days simulated from day 0 on, by phase and month (30 days)."""
        parts: dict[tuple[str, int], list[int]] = {}
        for day in range(self.seen_until + 1):
            parts.setdefault((self.calendar.phase(day), day // 30), []).append(day - self.calendar.first)
        return parts

    def stocktaking(self) -> pd.DataFrame:
        """Return day, count, segment, value of the snapshots."""
        rows = [
            (day, COUNTS[k], self.names.segments[s], int(v[k, s]) * self.scale)
            for day, v in self.snapshots.items()
            for k in range(v.shape[0])
            for s in range(v.shape[1])
        ]
        return pd.DataFrame(rows, columns=["day", "count", "segment", "value"])


def spans(scenario: Scenario) -> list[tuple[str, str, tuple[int, int]]]:
    """Return name, segment and days of every window in which KPIs are measured: the plan also segment by segment."""
    found = windows(scenario)
    whole = [(name, "all", span) for name, span in found.items()]
    return whole + [("plan", segment, found["plan"]) for segment in scenario.market.segments]


def windows(scenario: Scenario) -> dict[str, tuple[int, int]]:
    """Return the first and last day of the plan, of every window and phase, and of what targets and baseline name."""
    measured = [t.window for t in scenario.targets.values()] + [b.window for b in scenario.baseline.values()]
    bases = [t.against for t in scenario.targets.values() if t.against is not None]
    names = ["plan", *scenario.windows, *scenario.phases, *measured, *bases]
    return {name: scenario.span(name) for name in dict.fromkeys(names)}
