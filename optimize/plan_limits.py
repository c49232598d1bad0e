"""The limits of a plan in the money solver's terms: its budget, its accounts, its tranches, and `choices.limits`.

A post in a phase spends there; a post over the whole plan spends a fixed part of its money in each phase, which counts
where a limit names phases.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from optimize import limits
from optimize.courses import Course, courses
from optimize.limits import arrived, at_least, at_most, cost_per, minimum_return, pacing, quota, share
from optimize.problem import Cell, Limit
from scenarios import Scenario
from scenarios.choices import (
    AnyLimit,
    CostLimit,
    PaceLimit,
    PriceLimit,
    PriorityLimit,
    QuotaLimit,
    ReturnLimit,
    ShareLimit,
    SpendLimit,
)
from scenarios.levers import Media

GOAL, CREDIT = "goal", "credit"
"""KPIs of the cells' responses: what they bring of the goal, and what of it is credited to them."""

CREDITED = {"gmv": "yuan of GMV", "orders": "orders", "profit": "yuan of profit", "new_users": "registrations"}
"""KPIs that runs credit to levers, and what their units are called."""


@dataclass(frozen=True)
class Rest:
    """What a plan has beside its media: what no limit on media can change."""

    goal: float
    """Goal that no media lever brings."""
    spend: float
    """Cost of everything but media [yuan]."""
    rate: float = 1.0
    """What of `choices.goal`, of which limits speak, one unit of that goal stands for."""
    media_rate: float = 1.0
    """What of `choices.goal` one unit of the goal credited to media stands for."""
    exchange: float = 1.0
    """What of the goal counts as much as a unit of `choices.goal`, in which shortfalls are told."""


def plan_limits(scenario: Scenario, cells: Sequence[Cell], budget: float, rest: Rest, band: float) -> list[Limit]:
    """Return every limit on the media money of a plan.

    `cells`: one for each of its posts, by name. `budget`: for all media [yuan]; `band`: part of an account's present media
    money by which it may change. Raises `ValueError` for a limit that names an unknown account.
    """
    known = courses(scenario)
    found = [at_most("the media budget", cells, budget)]
    found += account_limits(cells, known, budget, band)
    found += tranche_limits(scenario, cells, known)
    for name, rule in scenario.choices.limits.items():
        made = rule_limits(scenario, rule.title or name, rule, cells, known, budget, rest)
        soft = None if rule.shortfall is None else rule.shortfall * rest.exchange
        found += [replace(limit, soft=soft) for limit in made]
    return found


def account_limits(cells: Sequence[Cell], known: Mapping[str, Course], budget: float, band: float) -> Iterable[Limit]:
    """Yield the bounds of what each account may spend on media, in proportion to the budget."""
    whole = sum(course.money for course in known.values())
    for account in dict.fromkeys(cell.account for cell in cells):
        mine = [cell for cell in cells if cell.account == account]
        money = sum(course.money for course in known.values() if course.account == account) * budget / whole
        if money * (1 + band) < budget * (1 - 1e-12):
            yield at_most(f"account {account}", mine, money * (1 + band))
        if 0 < band < 1:
            yield at_least(f"account {account}, at least", mine, money * (1 - band))


def tranche_limits(scenario: Scenario, cells: Sequence[Cell], known: Mapping[str, Course]) -> Iterable[Limit]:
    """Yield: before a tranche arrives, the media of an account have spent no more than has arrived of their money."""
    arrivals = sorted((t.day, t.share) for t in scenario.accounts.tranches)
    for day in dict.fromkeys(day for day, _ in arrivals if day > 0):
        part = sum(share for before, share in arrivals if before < day)
        for account in dict.fromkeys(cell.account for cell in cells):
            mine = [cell for cell in cells if cell.account == account]
            early = {cell.name: known[cell.name].early[day] for cell in mine}
            if max(early.values()) > part:
                yield arrived(f"account {account}, money arrived before day {day}", mine, early, part)


def rule_limits(
    scenario: Scenario, name: str, rule: AnyLimit, cells: Sequence[Cell], known: Mapping[str, Course], budget: float,
    rest: Rest,
) -> list[Limit]:  # fmt: skip
    """Return one rule of a plan as limits; none when it is about no cell."""
    parts = parts_in(cells, known, rule.windows)
    mine = chosen(cells, rule.levers, parts)
    if not mine:
        return []
    if isinstance(rule, ShareLimit):
        whole, most = chosen(cells, rule.of, parts), 1.0 if rule.at_most is None else rule.at_most
        return [weighed(m, parts) for m in share(name, mine, whole, float(rule.at_least or 0), most)]
    if isinstance(rule, SpendLimit):
        lower = [] if rule.at_least is None else [at_least(f"{name}, at least", mine, rule.at_least)]
        upper = [] if rule.at_most is None else [at_most(f"{name}, at most", mine, rule.at_most)]
        return [weighed(m, parts) for m in lower + upper]
    if isinstance(rule, ReturnLimit):
        groups = {c.lever: [o for o in mine if o.lever == c.lever] for c in mine} if rule.each else {"": mine}
        titles = {lever: f"{name}: {lever}" if lever else name for lever in groups}
        made = [minimum_return(titles[lever], group, CREDIT, rule.at_least) for lever, group in groups.items()]
        return [replace(weighed(m, parts, rest.media_rate), unit=CREDITED[scenario.choices.goal]) for m in made]
    if isinstance(rule, CostLimit):
        return [cost_limit(scenario, name, rule, cells, rest)]
    if isinstance(rule, PaceLimit):
        return pace_limits(scenario, name, rule, mine, known, budget)
    if isinstance(rule, PriceLimit):
        dearer = {c.name: rule.surcharge * parts[c.name] for c in mine}
        return [at_most(name, cells, budget + helping(scenario, name, rule.accounts), dearer=dearer)]
    if isinstance(rule, QuotaLimit):
        return [quota(f"{name}: {c.name}", c, most_of(rule, known[c.name])) for c in mine]
    assert isinstance(rule, PriorityLimit)
    return priorities(name, rule, mine, chosen(cells, rule.before, parts), known, rest.media_rate)


def parts_in(cells: Iterable[Cell], known: Mapping[str, Course], windows: Sequence[str]) -> dict[str, float]:
    """Return the part of each cell's money that is spent in these phases; empty: in all."""
    if not windows:
        return {cell.name: 1.0 for cell in cells}
    return {cell.name: sum(known[cell.name].phases.get(window, 0.0) for window in windows) for cell in cells}


def chosen(cells: Iterable[Cell], levers: Sequence[str], parts: Mapping[str, float]) -> list[Cell]:
    """Return the cells of these levers (empty: all) that spend in the phases asked for."""
    return [c for c in cells if (not levers or c.lever in levers) and parts[c.name] > 0]


def weighed(limit: Limit, parts: Mapping[str, float], rate: float = 1.0) -> Limit:
    """Return the limit over parts of the cells' money, a unit of their responses worth `rate`."""
    spend = {cell: c * parts[cell] for cell, c in limit.spend.items()}
    value = {(cell, kpi): c * parts[cell] * rate for (cell, kpi), c in limit.value.items()}
    return replace(limit, spend=spend, value=value)


def cost_limit(scenario: Scenario, name: str, rule: CostLimit, cells: Sequence[Cell], rest: Rest) -> Limit:
    """Return the cap of all costs, commissions among them (on the GMV that a lever is credited with), for each unit of the
    goal."""
    besides = dict.fromkeys((cell.name for cell in cells), rule.besides)
    own = rest.goal * rest.rate
    made = cost_per(
        name, cells, GOAL, rule.at_most, fixed_spend=rest.spend + rule.besides * own, fixed_kpi=own, besides=besides
    )
    owed = {}
    for cell in cells:
        lever = scenario.levers[cell.lever]
        assert isinstance(lever, Media)
        if scenario.choices.goal == "gmv" and lever.commission:
            owed[cell.name, CREDIT] = lever.commission
    made = replace(made, value={**made.value, **owed})
    return weighed(made, dict.fromkeys(besides, 1.0), rest.media_rate)


def pace_limits(
    scenario: Scenario, name: str, rule: PaceLimit, mine: Sequence[Cell], known: Mapping[str, Course], budget: float
) -> list[Limit]:
    """Return the limits on rise and fall between phases in which the cells spend, in the order of their first days."""
    spent = {phase for cell in mine for phase, part in known[cell.name].phases.items() if part > 0}
    order = sorted(spent & set(scenario.phases), key=lambda phase: scenario.span(phase)[0])
    whole = sum(course.money for course in known.values())
    money = sum(known[cell.name].money for cell in mine) * budget / whole
    parts = {cell.name: known[cell.name].phases for cell in mine}
    return list(pacing(name, mine, order, rule.change * money, parts))


def helping(scenario: Scenario, name: str, accounts: Sequence[str]) -> float:
    """Return the money of these accounts and those under them [yuan]."""
    planned = scenario.accounts.planned()
    unknown = [account for account in accounts if account not in planned]
    if unknown:
        raise ValueError(f"limit {name!r}: unknown account {unknown[0]!r}; known are {', '.join(planned)}")
    return sum(money for path, money in planned.items() if any(f"{path}.".startswith(f"{a}.") for a in accounts))


def most_of(rule: QuotaLimit, course: Course) -> float:
    """Return the most money of a quota [yuan]: a cent less than would buy another whole unit."""
    return rule.a_day * course.one_a_day + (course.unit - 0.01 if course.unit else 0.0)


def priorities(
    name: str, rule: PriorityLimit, mine: Sequence[Cell], others: Sequence[Cell], known: Mapping[str, Course], rate: float
) -> list[Limit]:  # fmt: skip
    """Return: no other cell is filled further than each that comes first; by `returning`, whose lever returns so much."""
    first = list(mine)
    if rule.returning is not None:
        least = rule.returning
        first = [c for c in mine if returned([o for o in mine if o.lever == c.lever], known) * rate >= least]
    ahead = {c.lever for c in first}
    then = [c for c in others if c.lever not in ahead]
    pairs = [(a, b) for a in first for b in then if a.high > 0 and b.high > 0]
    return [limits.priority(f"{name}: {a.name} before {b.name}", a, b) for a, b in pairs]


def returned(cells: Sequence[Cell], known: Mapping[str, Course]) -> float:
    """Return what is credited to the cells for a yuan at the plan's present money, as far as their responses are known."""
    money = [min(max(known[c.name].money, c.domain[0]), c.domain[1]) for c in cells]
    brought = sum(float(c.responses[CREDIT].at(x)) for c, x in zip(cells, money, strict=True))
    return brought / sum(money) if sum(money) > 0 else 0.0
