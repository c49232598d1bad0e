"""Where a plan's media money goes, by lever and phase, and the same plan with other money."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import Scenario
from scenarios.levers import Media
from scenarios.money import Account
from sim.clock import Calendar
from sim.levers.media import budget_cents, daily_weights

BESIDE = "plan"
"""Period of the days that lie in no phase."""


CENT = 0.01
"""yuan"""


@dataclass(frozen=True)
class Post:
    """One decision: a media lever's money in one period, a phase of the plan."""

    lever: str
    period: str
    """A phase, or `plan` for days in no phase and for levers whose phases cannot be told apart."""
    account: str
    money: float
    """What the plan spends [yuan]."""
    unit: float | None
    """Price of a whole unit [yuan]; None: any amount can be spent."""

    @property
    def name(self) -> str:
        """`lever in period`, or the lever when it has one period."""
        return self.lever if self.period == BESIDE else f"{self.lever} in {self.period}"

    @property
    def shown(self) -> str:
        """The period for a table: empty when the lever has one only."""
        return "" if self.period == BESIDE else self.period


def posts(scenario: Scenario) -> tuple[Post, ...]:
    """Return the media money of a plan by lever and phase; levers that are off, on standby or without money are left out."""
    calendar, planned = Calendar(scenario), scenario.accounts.planned()
    found = []
    for name, lever in sorted(scenario.levers.items()):
        if not (isinstance(lever, Media) and lever.on and not lever.standby and lever.account):
            continue
        money = budget_cents(lever.budget, round(planned[lever.account] * 100)) / 100
        weights = daily_weights(lever, calendar)
        if not (money > 0 and weights.sum() > 0):
            continue
        parts = _parts(lever, calendar, weights)
        unit = lever.unit_cost if lever.whole_units else None
        for period, share in parts.items():
            found.append(Post(name, period if len(parts) > 1 else BESIDE, lever.account, money * share, unit))
    return tuple(found)


def with_money(scenario: Scenario, money: Mapping[str, float], *, total: float | None = None) -> Scenario:
    """Return a plan with other media money, by the names of `posts` [yuan]; what is not named stays.

    Accounts get what their levers need, the others keep their money. `total`: the plan's whole budget [yuan], which is the
    present one unless given; what no account needs stays unallocated. Raises `ValueError` for unknown posts, negative
    money, or a total that does not hold it.
    """
    now = posts(scenario)
    known = {post.name: post for post in now}
    unknown = sorted(set(money) - set(known))
    if unknown:
        raise ValueError(f"unknown post {unknown[0]!r}; known are {', '.join(known)}")
    if any(not value >= 0 for value in money.values()):
        raise ValueError(f"`money >= 0` must hold, but got {dict(money)}")
    wanted = {name: round(money.get(name, post.money), 2) for name, post in known.items()}
    changes: dict[str, Any] = {}
    for lever in dict.fromkeys(post.lever for post in now):
        mine = [post for post in now if post.lever == lever]
        changes |= _lever(scenario, lever, {p.period: wanted[p.name] / p.money for p in mine})
        changes[f"levers.{lever}.budget"] = round(sum(wanted[p.name] for p in mine), 2)
    more: dict[str, float] = {}
    for post in now:
        more[post.account] = more.get(post.account, 0.0) + wanted[post.name] - post.money
    changes["accounts"] = _accounts(scenario, more, total)
    return scenario.override(changes)


def _parts(lever: Media, calendar: Calendar, weights: NDArray[np.float64]) -> dict[str, float]:
    """Return each period's share of a lever's spend; one period when its phases cannot be given money of their own."""
    names = np.array([calendar.phase(int(day)) for day in calendar.days])
    periods = list(dict.fromkeys(names[weights > 0].tolist()))
    if len(periods) == 1 or any(p not in calendar.scenario.phases for p in periods):
        return {BESIDE: 1.0}
    factors = {period: 1.0 + k / 7 for k, period in enumerate(periods)}
    changed = daily_weights(lever.model_copy(update={"pace": _pace(lever, factors)}), calendar)
    exact = weights * np.array([factors.get(name, 0.0) for name in names])
    if not np.allclose(changed / changed.sum(), exact / exact.sum()):
        return {BESIDE: 1.0}
    return {period: float(weights[names == period].sum() / weights.sum()) for period in periods}


def _pace(lever: Media, factors: Mapping[str, float]) -> dict[str, float]:
    """Return the pace with the weights of each phase multiplied."""
    pace = {period: lever.pace.get(period, 1.0) * factor for period, factor in factors.items()}
    return pace | {when: weight for when, weight in lever.pace.items() if when not in factors}


def _lever(scenario: Scenario, name: str, factors: Mapping[str, float]) -> dict[str, Any]:
    lever = scenario.levers[name]
    assert isinstance(lever, Media)
    if set(factors) == {BESIDE} or not any(factors.values()):
        return {}
    largest = max(factors.values())
    even = {period: factor / largest for period, factor in factors.items()}
    return {f"levers.{name}.pace": {when: round(w, 9) for when, w in _pace(lever, even).items()}}


def _accounts(scenario: Scenario, more: Mapping[str, float], total: float | None) -> dict[str, Any]:
    """Return the accounts with so much more money in each [yuan], the others as they are."""
    planned = scenario.accounts.planned()
    net = {path: planned[path] + more.get(path, 0.0) for path in planned}
    net = {path: money if abs(money) >= CENT / 2 else 0.0 for path, money in net.items()}

    def gross(path: str) -> float:
        return net[path] + sum(gross(p) for p in net if p.startswith(f"{path}.") and "." not in p[len(path) + 1 :])

    def build(split: Mapping[str, Account], above: str, whole: float) -> dict[str, Any]:
        made = {}
        for name, account in split.items():
            path = f"{above}{name}"
            money = gross(path)
            data = account.model_dump(exclude_defaults=True)
            data["share"] = round(money / whole, 15) if whole else 0.0
            if account.split:
                data["split"] = build(account.split, f"{path}.", money)
            made[name] = data
        return made

    needed = sum(gross(name) for name in scenario.accounts.split)
    present = sum(planned.values())
    whole = scenario.accounts.total + needed - present if total is None else total
    if needed - 1 < whole < needed:
        whole = needed
    if whole < needed:
        raise ValueError(f"`total >= what the accounts need` must hold, but got ({whole:,.2f} and {needed:,.2f})")
    data = scenario.accounts.model_dump(mode="json", exclude_defaults=True)
    split = build(scenario.accounts.split, "", whole)
    return data | {"total": round(whole, 2), "split": split, "remainder": "unallocated"}
