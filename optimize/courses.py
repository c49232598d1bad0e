"""How a plan as it is spends each post's money over time, which no division of money among posts changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from optimize.spending import BESIDE, posts
from scenarios import Scenario
from scenarios.levers import Media
from sim.clock import Calendar
from sim.levers.media import daily_weights


@dataclass(frozen=True)
class Course:
    """How a post's money is spent by the plan as it is."""

    account: str
    money: float
    """yuan"""
    phases: Mapping[str, float]
    """Part that is spent in each phase."""
    early: Mapping[int, float]
    """Part that is spent before each day on which a tranche arrives."""
    one_a_day: float
    """Price of one unit on every open day, at the season's prices [yuan]."""
    unit: float
    """Price of one whole unit out of season [yuan]; 0 where any amount can be spent."""


def courses(scenario: Scenario) -> Mapping[str, Course]:
    """Return how the money of each post is spent, by its name."""
    return _courses(_Plan(scenario))


class _Plan:
    """A scenario by its fingerprint, so that what follows from it is worked out once."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return hash(self.scenario.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Plan) and other.scenario.fingerprint == self.scenario.fingerprint


@lru_cache(maxsize=8)
def _courses(plan: _Plan) -> Mapping[str, Course]:
    scenario, calendar = plan.scenario, Calendar(plan.scenario)
    phases = [calendar.phase(int(day)) for day in calendar.days]
    later = [t.day for t in scenario.accounts.tranches if t.day > 0]
    found = {}
    for post in posts(scenario):
        lever = scenario.levers[post.lever]
        assert isinstance(lever, Media)
        inside = [post.period in (BESIDE, phase) for phase in phases]
        daily = daily_weights(lever, calendar) * inside
        daily /= daily.sum()
        spent: dict[str, float] = {}
        for phase, part in zip(phases, daily.tolist(), strict=True):
            spent[phase] = spent.get(phase, 0.0) + part
        early = {day: float(daily[calendar.days < day].sum()) for day in later}
        price = float(calendar.media_price[daily > 0].sum()) * lever.unit_cost
        found[post.name] = Course(post.account, post.money, spent, early, price, post.unit or 0.0)
    return found
