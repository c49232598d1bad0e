"""The order of things within a day, and the calendar worked out day by day."""

from enum import Enum

import numpy as np

from scenarios import Scenario
from scenarios.levers import Lever
from sim.conditions import Array

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Moment(float, Enum):
    """When each part of a day happens, as exact fractions of it: rules act for tomorrow."""

    SHOCKS = 0.0
    LEVERS = 1 / 8
    POPULATION = 2 / 8
    USERS = 2 / 8 + 1 / 32
    SETTLEMENT = 2 / 8 + 1 / 16
    OPERATIONS = 3 / 8
    LEDGER = 4 / 8
    OBSERVER = 5 / 8
    RULES = 6 / 8


class Calendar:
    """What season and festivals make of each simulated day. Index 0 is the first day of the burn-in."""

    def __init__(self, scenario: Scenario) -> None:
        clock, season = scenario.clock, scenario.season
        self.scenario = scenario
        self.first = -clock.burn_in
        self.last = clock.days + clock.tail - 1
        self.days = np.arange(self.first, self.last + 1)
        dates = [clock.date(int(d)) for d in self.days]
        self.weekday = np.array([d.weekday() for d in dates])
        month = np.array([d.month - 1 for d in dates])
        self.visits = np.array(season.weekdays)[self.weekday] * np.array(season.months)[month]
        self.visits = np.round(self.visits * (1 + season.growth) ** (self.days / 365), 12)
        self.intent = np.ones(len(self.days))
        self.media_price = np.ones(len(self.days))
        demand = np.array([g.demand for g in scenario.goods.classes.values()])
        self.demand = np.tile(demand, (len(self.days), 1))
        for festival in scenario.festivals.values():
            zero = clock.day(festival.date)
            tilt = np.array([festival.goods.get(g, 1.0) for g in scenario.goods.classes])
            for stage in festival.stages.values():
                inside = self.inside(zero + stage.days[0], zero + stage.days[1])
                self.visits[inside] *= stage.traffic
                self.intent[inside] *= stage.intent
                self.media_price[inside] *= 1 + stage.media_price
                self.demand[inside] *= tilt
        self.demand = np.cumsum(self.demand / self.demand.sum(axis=1, keepdims=True), axis=1)

        self._phases = ["plan" if 0 <= day < clock.days else "after" for day in self.days.tolist()]
        self._phases[: clock.burn_in] = ["before"] * clock.burn_in
        for name, interval in reversed(scenario.phases.items()):
            for k in self.inside(*interval.span(clock)).tolist():
                self._phases[k] = name

    def __len__(self) -> int:
        return len(self.days)

    def phase(self, day: int) -> str:
        """Return the first phase in which a simulated day lies, or before, after or plan."""
        return self._phases[day - self.first]

    def inside(self, first: int, last: int) -> Array:
        """Return the index range of a span of days, clipped to the simulated ones."""
        return np.arange(max(first, self.first), min(last, self.last) + 1) - self.first

    def span(self, when: object) -> tuple[int, int]:
        """Return the first and last day of an interval or a name."""
        if isinstance(when, str):
            return self.scenario.span(when)
        return when.span(self.scenario.clock)  # type: ignore[attr-defined,no-any-return]

    def open_days(self, lever: Lever) -> Array:
        """Return for each simulated day whether a lever is open: within its openings and weekdays, inside the plan."""
        result = np.zeros(len(self.days), bool)
        if not lever.on:
            return result
        for when in lever.open or ("plan",):
            result[self.inside(*self.span(when))] = True
        weekdays = getattr(lever, "weekdays", ())
        if weekdays and getattr(lever, "after", "") == "":
            result &= np.isin(self.weekday, [WEEKDAYS.index(w) for w in weekdays])
        result[(self.days < 0) | (self.days >= self.scenario.clock.days)] = False
        return result
