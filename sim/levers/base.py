"""What every lever process shares: its days, its account, its row in the weather."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import simpy

from scenarios import Scenario
from sim.clock import Calendar, Moment
from sim.ledger import Accounts
from sim.weather import Names, Weather

if TYPE_CHECKING:
    from sim.channels import Channels
    from sim.population import Population


@dataclass
class Desk:
    """What levers, rules and operations work with."""

    env: simpy.Environment
    scenario: Scenario
    calendar: Calendar
    names: Names
    weather: Weather
    accounts: Accounts
    channels: "Channels"
    population: "Population"

    @property
    def scale(self) -> float:
        """Real people behind a simulated user."""
        return self.scenario.market.people / self.scenario.market.users

    @property
    def day(self) -> int:
        """Today."""
        return int(np.floor(self.env.now))

    def at(self, day: int, moment: Moment) -> simpy.Event:
        """Return the event of a moment of a day."""
        return self.env.timeout(day + moment.value - self.env.now)


class LeverProcess:
    """A lever at work. Subclasses write the weather in `open_day` and take it back in `close_day`."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        self.name, self.spec, self.desk = name, spec, desk
        self.days = desk.calendar.open_days(spec)
        self.credit = desk.names.credit(name)
        self.switched_on = not spec.standby
        self.is_open = False

    def open_day(self, day: int) -> None:
        """Do what the lever does on an open day."""
        raise NotImplementedError

    def close_day(self, day: int) -> None:
        """Take back what `open_day` wrote; called once when an open spell ends."""

    def opens(self, day: int) -> bool:
        """Return whether the lever is open on a day."""
        return self.switched_on and bool(self.days[day - self.desk.calendar.first])

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Live the plan day by day from its first open day to its last."""
        open_days = np.flatnonzero(self.days) + self.desk.calendar.first
        if not len(open_days):
            return
        first, last = int(open_days[0]), int(open_days[-1])
        for day in range(first, last + 2):
            yield self.desk.at(day, Moment.LEVERS)
            if day <= self.desk.calendar.last and self.opens(day):
                self.open_day(day)
                self.is_open = True
            elif self.is_open:
                self.close_day(day)
                self.is_open = False
