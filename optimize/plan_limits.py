"""The limits of a plan in the money solver's terms: its budget, its accounts, and the rules under `choices.limits`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optimize import limits
from optimize.limits import at_least, at_most, cost_per, minimum_return, pacing, share, tranches
from optimize.problem import Cell, Limit
from scenarios import Scenario
from scenarios.choices import (
    AnyLimit,
    CostLimit,
    PaceLimit,
    PriceLimit,
    PriorityLimit,
    ReturnLimit,
    ShareLimit,
    SpendLimit,
)

GOAL = "goal"
"""KPI of the cells' responses: what is credited to them of the goal."""


@dataclass(frozen=True)
class Rest:
    """What a plan has beside its media: what no limit on media can change."""

    goal: float
    """Goal that is credited to no media lever."""
    spend: float
    """Cost of everything but media [yuan]."""


def plan_limits(scenario: Scenario, cells: Sequence[Cell], budget: float, rest: Rest, band: float) -> list[Limit]:
    """Return every limit on the media money of a plan.

    `budget`: for all media [yuan]; `band`: part of an account's present media money by which it may change. The account of
    a cell stands in `Cell.account`, its period in `Cell.period`.
    """
    found = [at_most("the media budget", cells, budget)]
    present = scenario_money(scenario)
    whole = sum(present.values())
    for account in dict.fromkeys(cell.account for cell in cells):
        mine = [cell for cell in cells if cell.account == account]
        money = present[account] * budget / whole
        label = f"account {account}"
        if money * (1 + band) < budget * (1 - 1e-12):
            found.append(at_most(label, mine, money * (1 + band)))
        if 0 < band < 1:
            found.append(at_least(f"{label}, at least", mine, money * (1 - band)))
    found += tranche_limits(scenario, cells, budget)
    for name, rule in scenario.choices.limits.items():
        found += rule_limits(rule.title or name, rule, cells, rest, list(scenario.phases))
    return found


def tranche_limits(scenario: Scenario, cells: Sequence[Cell], budget: float) -> list[Limit]:
    """Return: by the end of a phase, media have spent no more than has arrived of the money by then."""
    arrivals = sorted((t.day, t.share) for t in scenario.accounts.tranches)
    phases = sorted(scenario.phases, key=lambda name: scenario.span(name)[0])
    paced = [cell for cell in cells if cell.period in scenario.phases]
    caps = {}
    for phase in dict.fromkeys(p for p in phases if any(cell.period == p for cell in paced)):
        arrived = sum(share for day, share in arrivals if day <= scenario.span(phase)[1])
        if arrivals and arrived < 1 - 1e-9:
            caps[phase] = arrived * budget
    return list(tranches("money arrived", paced, caps, phases))


def scenario_money(scenario: Scenario) -> dict[str, float]:
    """Return the media money of each account [yuan]."""
    from optimize.spending import posts

    found: dict[str, float] = {}
    for post in posts(scenario):
        found[post.account] = found.get(post.account, 0.0) + post.money
    return found


def rule_limits(name: str, rule: AnyLimit, cells: Sequence[Cell], rest: Rest, periods: Sequence[str]) -> list[Limit]:
    """Return one rule of a plan as limits; none when it is about no cell."""
    mine = chosen(cells, rule.levers, rule.windows)
    if not mine:
        return []
    if isinstance(rule, ShareLimit):
        whole = chosen(cells, rule.of, rule.windows)
        return list(share(name, mine, whole, float(rule.at_least or 0), 1.0 if rule.at_most is None else rule.at_most))
    if isinstance(rule, SpendLimit):
        lower = [] if rule.at_least is None else [at_least(f"{name}, at least", mine, rule.at_least)]
        return lower + ([] if rule.at_most is None else [at_most(f"{name}, at most", mine, rule.at_most)])
    if isinstance(rule, ReturnLimit):
        groups = {c.lever: [o for o in mine if o.lever == c.lever] for c in mine} if rule.each else {"": mine}
        titles = {lever: f"{name}: {lever}" if lever else name for lever in groups}
        return [minimum_return(titles[lever], group, GOAL, rule.at_least) for lever, group in groups.items()]
    if isinstance(rule, CostLimit):
        return [cost_per(name, cells, GOAL, rule.at_most, fixed_spend=rest.spend, fixed_kpi=rest.goal)]
    if isinstance(rule, PaceLimit):
        money = sum(c.high for c in mine) / 2
        return list(pacing(name, mine, [p for p in periods if any(c.period == p for c in mine)], rule.change * money))
    if isinstance(rule, PriceLimit):
        return [at_most(name, mine, sum(c.high for c in mine), surcharge=rule.surcharge)]
    assert isinstance(rule, PriorityLimit)
    then = chosen(cells, rule.before, rule.windows)
    pairs = [(a, b) for a in mine for b in then if a.high > 0 and b.high > 0]
    return [limits.priority(f"{name}: {a.name} before {b.name}", a, b) for a, b in pairs]


def chosen(cells: Iterable[Cell], levers: Sequence[str], windows: Sequence[str]) -> list[Cell]:
    """Return the cells of these levers and phases; empty: all."""
    return [c for c in cells if (not levers or c.lever in levers) and (not windows or c.period in windows)]
