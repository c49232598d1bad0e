"""Division of the shipped plans' media money by curves that a test makes up, under all their limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace

import numpy as np

import scenarios
from experiments.runner import Runner
from optimize.division import Division
from optimize.market import Plan
from optimize.money import Solution, solve
from optimize.rehearsals import Rehearsals
from optimize.response import Hill
from optimize.spending import posts
from scenarios import Scenario

VERTICAL, STORE, ANNUAL, FESTIVAL = (
    "vertical-platform-18-months", "store-campaign-28-days", "annual-promotion", "shopping-festival",
)  # fmt: skip
SHIPPED = (VERTICAL, STORE, ANNUAL, FESTIVAL)
ROOM = 1e-6
"""Relative slack: the solver's tolerance."""
FLAT = 1e12
"""A Hill curve with this half [yuan] is a straight line over any budget."""


@cache
def shipped(name: str, *changes: tuple[str, object]) -> Scenario:
    """Return a shipped plan with few users; none of these tests asks what the market answers."""
    return scenarios.load(name).override({"market.users": 300, **dict(changes)})


@dataclass(frozen=True)
class Tempting:
    """Responses as a search would have fitted them: what each post brings is chosen to tempt."""

    hills: tuple[Hill, ...]
    rest: float
    scale: float = 1.0
    theta: float = 1.0
    price: float = 0.0
    effects: None = None

    @property
    def incrementality(self) -> np.ndarray:
        return np.ones(len(self.hills))

    def parts(self, spend: object, unit: object) -> SimpleNamespace:
        return SimpleNamespace(gain=np.ones(1), lift=np.ones(1), sharing=np.ones(1), beside=np.array([self.rest]))

    def curves(self, unit: object) -> tuple[Hill, ...]:
        return self.hills


@dataclass(frozen=True)
class Divided:
    """A plan's media money, divided under its limits."""

    market: Rehearsals
    found: Solution

    @property
    def scenario(self) -> Scenario:
        return self.market.scenario

    def money(self, *levers: str, account: str = "", period: str = "") -> float:
        """Return the money of these levers (none: all), of an account and those under it, in a period [yuan]."""
        return sum(
            self.found.spend[post.name]
            for post in self.market.posts
            if (not levers or post.lever in levers)
            and (not account or f"{post.account}.".startswith(f"{account}."))
            and period in ("", post.period)
        )

    def present(self, account: str) -> float:
        return sum(post.money for post in self.market.posts if f"{post.account}.".startswith(f"{account}."))

    @property
    def accounts(self) -> dict[str, float]:
        """The accounts of the plan with this money, net of what is under them [yuan]."""
        return self.market.proposed(Plan(self.found.spend, {})).accounts.planned()

    @property
    def said(self) -> str:
        return " ".join(self.found.notes)


@cache
def asked(name: str, changes: tuple[tuple[str, object], ...], times: float, locked: bool) -> Rehearsals:
    scenario = shipped(name, *changes)
    present = sum(post.money for post in posts(scenario))
    return Rehearsals(scenario, "gmv", present * times, {}, 0.0 if locked else None, Runner(processes=1))


def divide(
    name: str, worth: Mapping[str, float] | Callable[[str, str], float] | None = None, *,
    without: Mapping[str, object] | None = None, times: float = 1.0, rest: float = 1e12, locked: bool = False,
    hills: Mapping[str, Callable[[float], Hill]] | None = None, other: float | None = None,
) -> Divided:  # fmt: skip
    """Divide a plan's media money when each yuan of a lever brings `worth` (1 unless named), of (lever, period) or lever.

    `without`: changes to the plan. `times`: the budget, in present ones. `rest`: goal that media do not bring. `hills`: by
    lever, a curve by the post's present money. `other`: cost of everything but media [yuan].
    """
    market = asked(name, tuple((without or {}).items()), times, locked)
    brings = worth if callable(worth) else lambda lever, period: (worth or {}).get(lever, 1.0)
    curves = tuple(
        hills[post.lever](post.money) if post.lever in (hills or {}) else straight(brings(post.lever, post.period))
        for post in market.posts
    )
    division: Division = market.division
    if other is not None:
        division = replace(division, other_spend=other)
    problem = division.problem(Tempting(curves, rest), market.space.unit(market.space.current))
    return Divided(market, solve(problem, gap=1e-9))


def straight(slope: float) -> Hill:
    return Hill(slope * FLAT, FLAT, 1.0)
