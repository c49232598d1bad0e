"""Supply: stock with lead times, and the service desk as a queue."""

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from scenarios.market import Stock
from sim.clock import Moment
from sim.draws import chance, purpose
from sim.levers.base import Desk

REVIEW_WEEKS = 4
OPEN_SECONDS = 12 * 3600


class Shelf:
    """Stock of one goods class: a SimPy container of orders of the real market, refilled with a lead time."""

    def __init__(self, name: str, row: int, spec: Stock, desk: Desk) -> None:
        self.name, self.row, self.spec, self.desk = name, row, spec, desk
        self.extra_lead: dict[str, int] = {}
        self.wanted: list[float] = []
        self.coming = 0.0
        self.box = simpy.Container(desk.env, init=0)
        self.started = False
        self.stream = purpose(f"supply:{name}")

    def forecast(self) -> float:
        """Return expected demand a day: the mean of the last four weeks, or the given figure before any are seen."""
        recent = self.wanted[-7 * REVIEW_WEEKS :]
        return self.spec.expected_daily if not recent else float(np.mean(recent))

    def morning(self, day: int) -> None:
        """Tell the users what is there, in whole simulated orders; unlimited until sales have been seen."""
        stock = self.desk.weather.conditions.stock
        stock[self.row] = int(self.box.level // self.desk.scale) if self.started else -1
        self.served = int(stock[self.row])

    def evening(self, day: int, sold: float, wanted: float) -> None:
        """Book sales; reorder up to the cover from the forecast. `sold` and `wanted` are in orders of the real market."""
        self.wanted.append(wanted)
        if self.started and sold > 0:
            self.box.get(min(sold, self.box.level))
        ready = self.spec.expected_daily > 0 or len(self.wanted) >= 7 * REVIEW_WEEKS
        if not self.started:
            if ready:
                self.started = True
                opening = (self.spec.expected_daily or self.forecast()) * self.spec.opening_days
                if opening > 0:
                    self.box.put(opening)
            return
        want = self.forecast() * (self.spec.cover_days + self.spec.lead_days) - self.box.level - self.coming
        if want > 0:
            self.coming += want
            self.desk.env.process(self.delivery(day, want))

    def delivery(self, day: int, amount: float) -> Generator[simpy.Event, Any, None]:
        """Bring an order from the supplier after the lead time, late with the supplier's probability."""
        late = chance(self.desk.population.market.seed, day, self.stream, 0) >= self.spec.on_time
        days = self.spec.lead_days + (self.spec.late_days if late else 0) + sum(self.extra_lead.values())
        yield self.desk.at(day + max(days, 1), Moment.SHOCKS)
        self.coming -= amount
        yield self.box.put(amount)


def erlang_c(servers: int, load: float) -> float:
    """Return the probability of waiting in an M/M/c queue, `load` = arrival rate x mean service time, in erlang.

    By the recursion of the Erlang B formula, which does not overflow. Returns 1 when load reaches the servers.

    >>> round(erlang_c(3, 2.0), 4)
    0.4444
    """
    if load >= servers:
        return 1.0
    b = 1.0
    for k in range(1, servers + 1):
        b = load * b / (k + load * b)
    return b / (1 - load / servers * (1 - b))


def mean_wait(servers: int, arrivals: float, service: float) -> float:
    """Return the mean wait of an M/M/c queue in the unit of `service`; infinite when it cannot keep up.

    >>> round(mean_wait(3, 2.0, 1.0), 4)
    0.4444
    """
    load = arrivals * service
    if load >= servers:
        return math.inf
    return erlang_c(servers, load) * service / (servers - load)


class ServiceDesk:
    """Service contacts of the day's orders meet the agents on duty; slow answers cost tomorrow's satisfaction."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.spec = desk, desk.scenario.service
        self.agents: dict[str, float] = {}
        self.response_seconds = 0.0

    def evening(self, orders: float) -> None:
        """Work out the response time of a day with so many orders in the real market."""
        spec = self.spec
        on_duty = spec.agents
        for change in self.agents.values():
            on_duty = int(on_duty * (1 + change))
        if spec.agents == 0:
            return
        contacts = orders * spec.contacts_per_order * (1 - spec.assisted) / OPEN_SECONDS
        wait = mean_wait(max(on_duty, 1), contacts, spec.handle_minutes * 60)
        self.response_seconds = min(wait, float(OPEN_SECONDS))
        self.desk.weather.slow = spec.slow_penalty if self.response_seconds > spec.slow_seconds else 0.0
