"""media: buy impressions, at a pace, in whole units where they come in units."""

from fractions import Fraction
from math import floor, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.levers import Media as MediaSpec
from scenarios.literals import number
from sim.channels import Ask
from sim.clock import Calendar
from sim.conditions import MEDIA
from sim.levers.base import Desk, LeverProcess
from sim.weather import hour_mask, stream_of


class Media(LeverProcess):
    """Paid traffic, KOL placements, livestreams, content, slots."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        super().__init__(name, spec, desk)
        self.touch = desk.names.touches.index(name)
        self.row = row = desk.weather.conditions.touches[self.touch]
        row["stream"], row["kind"], row["lever"] = stream_of(name), MEDIA, self.credit
        row["channel"] = desk.names.channel(spec.channel)
        row["click"], row["awareness"], row["quality"] = spec.click, spec.awareness, spec.quality
        row["half"] = desk.scenario.market.channels[spec.channel].frequency_half
        row["registration"], row["commission"] = 1.0, spec.commission
        row["hours"], row["account"] = hour_mask(spec.hours), desk.names.account(spec.account)
        self.budget = budget_cents(spec.budget, desk.accounts.planned[spec.account])
        self.money = self.budget
        """Its budget with what rules have added and taken so far [cents]."""
        self.left = float(self.budget)
        self.cap = cap_cents(self.budget, spec.budget_cap)
        self.pace = daily_weights(spec, desk.calendar)
        self.waiting = np.zeros(len(desk.calendar) + spec.lasts + 1)
        """[days] uncrowded impressions bought and still to be shown."""
        self.carry = 0.0
        market = desk.scenario.market
        profile = np.array([market.hours[s.hours] for s in market.segments.values()], float)
        profile /= profile.sum(axis=1, keepdims=True)
        window = slice(*spec.hours) if spec.hours else slice(0, 24)
        affinity = np.array([spec.affinity.get(s, 1.0) for s in market.segments])
        self.weights = affinity * profile[:, window].sum(axis=1)

    @property
    def room(self) -> float:
        """Money that rules may still add [cents]; infinite without a cap."""
        return self.cap - self.money

    def fund(self, cents: int) -> None:
        """Add money for a rule, or take it away [cents]."""
        self.money += cents
        self.left += cents

    def buy(self, day: int) -> float:
        """Spend today's part of the budget. Return the uncrowded impressions it buys."""
        k = day - self.desk.calendar.first
        ahead = self.pace[k:].sum()
        wish = max(0.0, self.left - self.carry) * self.pace[k] / ahead if ahead > 0 else 0.0
        unit_cents = self.spec.unit_cost * 100 * self.desk.channels.price_factor(self.spec.channel, day)
        if self.spec.whole_units:
            self.carry = min(self.carry + wish, self.left)
            wish = np.floor(self.carry / unit_cents + 1e-9) * unit_cents
        can = min(round(wish), self.desk.accounts.balance(self.spec.account, day))
        if self.spec.whole_units:
            units = np.floor((can + 0.5) / unit_cents + 1e-9)
            can = min(round(units * unit_cents), can)
            self.carry -= can
        paid = self.desk.accounts.pay(day, self.spec.account, self.name, "media", int(can))
        self.left -= paid
        return float(paid / unit_cents * self.spec.unit_impressions)

    def show(self, day: int) -> None:
        """Ask the channel for what is due to be shown today."""
        due = self.waiting[day - self.desk.calendar.first]
        if due > 0:
            self.desk.channels.asks[self.spec.channel].append(Ask(self.touch, float(due), self.weights))

    def run(self) -> Any:
        """Buy on open days; go on showing what was bought while it lasts."""
        open_days = np.flatnonzero(self.days) + self.desk.calendar.first
        if not len(open_days):
            return
        from sim.clock import Moment

        spread = max(self.spec.lasts, 1)
        for day in range(int(open_days[0]), min(int(open_days[-1]) + spread, self.desk.calendar.last) + 1):
            yield self.desk.at(day, Moment.LEVERS)
            self.row["lever"] = self.desk.names.credit(self.name, self.desk.calendar.phase(day))
            if self.opens(day):
                k = day - self.desk.calendar.first
                self.waiting[k : k + spread] += self.buy(day) / spread
            self.show(day)


def daily_weights(spec: MediaSpec, calendar: Calendar) -> NDArray[np.float64]:
    """Return the weight of a lever's spend on each simulated day; 0 on days on which it is closed."""
    days = calendar.open_days(spec)
    largest = np.full(len(days), -1.0)
    for when, weight in spec.pace.items():
        inside = calendar.inside(*calendar.span(when))
        largest[inside] = np.maximum(largest[inside], weight)
    return np.where(days, np.where(largest < 0, 1.0, largest), 0.0)


def budget_cents(budget: float | str, account_cents: int) -> int:
    """Return a budget in cents: yuan, or a percentage of what the account was planned to hold."""
    if isinstance(budget, str) and budget.strip().endswith("%"):
        return round(float(number(budget)) * account_cents)
    return round(float(number(budget)) * 100)


def cap_cents(budget: int, multiple: float | None) -> float:
    """Return the most money to which rules may raise a budget of so many cents; infinite without a multiple.

    The multiple is taken as it is written, so that no cent is lost to its binary fraction.

    >>> cap_cents(10_000, 1.15), cap_cents(10_000, None)
    (11500, inf)
    """
    return inf if multiple is None else floor(Fraction(str(multiple)) * budget)
