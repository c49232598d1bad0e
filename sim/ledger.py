"""Money: accounts that never go below zero, and a ledger in which every cent stands once."""

from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import simpy

from scenarios import Scenario
from sim.clock import Calendar

UNFUNDED = "unfunded"
"""Pseudo-account for what the plan owes and cannot pay: coupons already given, commissions, rewards."""
REVENUE_KINDS = ("gmv", "margin", "shipping_fee", "shipping_cost", "refund")


@dataclass
class Ledger:
    """Postings in cents of the real market."""

    rows: list[tuple[int, str, str, str, int]] = field(default_factory=list)
    by_lever: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """Cost of each lever by day [cents]."""
    revenue: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """Amount of each kind of revenue by day [cents]."""

    def post(self, day: int, account: str, lever: str, kind: str, cents: int) -> None:
        """Book an amount; nothing is booked for zero."""
        if cents:
            self.rows.append((day, account, lever, kind, cents))
            if kind in REVENUE_KINDS:
                self.revenue[kind][day] += cents
            else:
                self.by_lever[lever][day] += cents

    def table(self, calendar: Calendar) -> pd.DataFrame:
        """Return day, account, lever, phase, kind, cents, yuan; one row a posting."""
        frame = pd.DataFrame(self.rows, columns=["day", "account", "lever", "kind", "cents"])
        frame["phase"] = [calendar.phase(int(day)) for day in frame["day"]] if len(frame) else []
        frame["yuan"] = frame["cents"] / 100
        return frame[["day", "account", "lever", "phase", "kind", "cents", "yuan"]]


class Accounts:
    """The plan's accounts as SimPy containers of cents; tranches arrive by a process of their own."""

    def __init__(self, env: simpy.Environment, scenario: Scenario, calendar: Calendar, ledger: Ledger) -> None:
        self.env, self.scenario, self.ledger = env, scenario, ledger
        self.planned = {path: round(money * 100) for path, money in scenario.accounts.planned().items()}
        self.paths = tuple(self.planned)
        self.index = {path: k for k, path in enumerate(self.paths)}
        self.boxes = {path: simpy.Container(env, init=0) for path in self.paths}
        self.spent = dict.fromkeys(self.paths, 0)
        self.moved = dict.fromkeys(self.paths, 0)
        reserve = scenario.accounts.reserve
        self.reserve = reserve.account if reserve else None
        self.reserve_open = calendar.span(reserve.release) if reserve and reserve.release else None
        arrived = 0.0
        for day, share in sorted((t.day, t.share) for t in scenario.accounts.tranches) or [(0, 1.0)]:
            env.process(self._tranche(day, arrived, arrived + share))
            arrived += share

    def _tranche(self, day: int, before: float, after: float) -> Generator[simpy.Event, Any, None]:
        if day > self.env.now:
            yield self.env.timeout(day - self.env.now)
        for path, planned in self.planned.items():
            amount = round(planned * after) - round(planned * before)
            if amount:
                yield self.boxes[path].put(amount)

    def balance(self, path: str, day: int) -> int:
        """Return what an account can pay today [cents]; the reserve pays nothing before its release."""
        if path == self.reserve and not (self.reserve_open and self.reserve_open[0] <= day <= self.reserve_open[1]):
            return 0
        return int(self.boxes[path].level)

    def pay(self, day: int, path: str, lever: str, kind: str, cents: int) -> int:
        """Pay up to an amount from an account and book it. Return what was paid [cents]."""
        paid = min(cents, self.balance(path, day))
        if paid > 0:
            self.boxes[path].get(paid)
            self.spent[path] += paid
            self.ledger.post(day, path, lever, kind, paid)
        return max(paid, 0)

    def move(self, day: int, source: str, target: str, cents: int) -> int:
        """Move money between accounts for a rule, as far as it goes. Return what moved [cents].

        A reserve with release days gives nothing on other days; one without gives whenever a rule asks.
        """
        closed = source == self.reserve and self.reserve_open is not None
        moved = min(cents, self.balance(source, day) if closed else int(self.boxes[source].level))
        if moved > 0 and source != target:
            self.boxes[source].get(moved)
            self.boxes[target].put(moved)
            self.moved[source] -= moved
            self.moved[target] += moved
        return max(moved, 0)

    def table(self) -> pd.DataFrame:
        """Return account, planned, moved (in, net, by rules), spent, left [yuan]; planned + moved = spent + left.

        Money of tranches that have not arrived counts as left.
        """
        return pd.DataFrame(
            {
                "account": list(self.paths),
                "planned": [self.planned[p] / 100 for p in self.paths],
                "moved": [self.moved[p] / 100 for p in self.paths],
                "spent": [self.spent[p] / 100 for p in self.paths],
                "left": [(self.planned[p] + self.moved[p] - self.spent[p]) / 100 for p in self.paths],
            }
        )
