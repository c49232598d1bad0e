"""limits: the rules of budgets, accounts, phases and returns, each written as a linear `Limit`.

| rule in a plan | here |
|---|---|
| total budget, account, quota, 120 % of a channel's budget | `at_most` |
| reserve held back, bonus pool | `at_most(..., reserve=)` |
| committed money, minimum presence | `at_least` |
| account shares, bands, sub-splits, quarter x channel shares | `share` |
| tranches: cumulative money by period | `tranches`; by the parts that cells spend before one arrives `arrived` |
| availability dates | a cell's `upper=0`, or no cell |
| pacing | `pacing` (change from period to period), `share` (part of the whole in one period) |
| placements, sessions, places a day | `quota` |
| several levers at once | `Limit` itself, any coefficients and sense |
| minimum ROAS, filter (a lever is used only at that return) | `minimum_return`, per plan or per lever |
| expense-ratio cap, CAC cap, cost per KPI, obligations per unit, commission | `cost_per` |
| targets, hard or soft | `target` |
| price shock that must be affordable | `at_most(..., surcharge=)`, of some cells `at_most(..., dearer=)` |
| variable cost per order | `at_most(..., per={kpi: yuan})` |
| better levers filled first | `priority` |
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from optimize.problem import Cell, Limit


def at_most(
    name: str, cells: Iterable[Cell], money: float, *, reserve: float = 0.0, surcharge: float = 0.0,
    dearer: Mapping[str, float] | None = None, per: Mapping[str, float] | None = None, soft: float | None = None,
    weight: float = 1.0,
) -> Limit:  # fmt: skip
    """Return: the cells spend at most `money` [yuan].

    `reserve`: share of the money held back, 0..1. `surcharge`: the spend must be affordable at prices that much higher
    (.5 for 50 %); `dearer`: the same by cell name, besides. `per`: yuan that each unit of a KPI costs besides (a subsidy
    per order).
    """
    cells = tuple(cells)
    if not 0 <= reserve <= 1:
        raise ValueError(f"`0 <= reserve <= 1` must hold, but got {reserve!r}")
    spend = {c.name: 1.0 + surcharge + (dearer or {}).get(c.name, 0.0) for c in cells}
    value = {(c.name, k): yuan for c in cells for k, yuan in (per or {}).items() if k in c.responses}
    return Limit(name, spend, value, "<=", money * (1 - reserve), soft, weight)


def at_least(
    name: str, cells: Iterable[Cell], money: float, *, soft: float | None = None, weight: float = 1.0
) -> Limit:
    """Return: the cells spend at least `money` [yuan]."""
    return Limit(name, {c.name: 1.0 for c in cells}, {}, ">=", money, soft, weight)


def share(
    name: str, part: Iterable[Cell], whole: Iterable[Cell], low: float, high: float | None = None,
    *, soft: float | None = None, weight: float = 1.0,
) -> tuple[Limit, ...]:  # fmt: skip
    """Return: the part's share of what the whole spends lies in [low, high], or is `low` when no `high` is given.

    Shares are 0..1. A band gives two limits, of which one that cannot bind (0 or 1) is left out.
    """
    top = low if high is None else high
    if not 0 <= low <= top <= 1:
        raise ValueError(f"`0 <= low <= high <= 1` must hold, but got (low={low!r}, high={top!r})")
    part, whole = tuple(part), tuple(whole)

    def over(level: float) -> dict[str, float]:
        spend = {c.name: -level for c in whole}
        for c in part:
            spend[c.name] = spend.get(c.name, 0.0) + 1.0
        return spend

    if low == top:
        return (Limit(name, over(low), {}, "==", 0.0, soft, weight),)
    found = []
    if low > 0:
        found.append(Limit(f"{name}, at least {low:.0%}", over(low), {}, ">=", 0.0, soft, weight))
    if top < 1:
        found.append(Limit(f"{name}, at most {top:.0%}", over(top), {}, "<=", 0.0, soft, weight))
    return tuple(found)


def tranches(name: str, cells: Iterable[Cell], caps: Mapping[str, float], periods: Sequence[str]) -> tuple[Limit, ...]:
    """Return: by the end of each period in `caps`, the cells have spent at most that much in all [yuan].

    `periods`: all periods in order.
    """
    cells = tuple(cells)
    found = []
    for period, cap in caps.items():
        if period not in periods:
            raise ValueError(f"tranche period {period!r} is none of {', '.join(periods)}")
        until = set(periods[: periods.index(period) + 1])
        spend = {c.name: 1.0 for c in cells if c.period in until}
        found.append(Limit(f"{name} until {period}", spend, {}, "<=", cap))
    return tuple(found)


def arrived(name: str, cells: Iterable[Cell], early: Mapping[str, float], part: float) -> Limit:
    """Return: before more money arrives, the cells have spent at most this part of what they spend in all.

    `early`: the part of each cell's money that is spent before.
    """
    return Limit(name, {c.name: early[c.name] - part for c in cells}, {}, "<=", 0.0)


def quota(name: str, cell: Cell, money: float) -> Limit:
    """Return: a cell spends at most `money` [yuan], the price of all that may be bought."""
    return at_most(name, [cell], money)


def pacing(
    name: str, cells: Iterable[Cell], periods: Sequence[str], change: float,
    parts: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[Limit, ...]:  # fmt: skip
    """Return: from one period to the next, what the cells spend together changes by at most `change` [yuan].

    `parts`: by cell name, what part of its money is spent in each period; a cell's own period alone unless given.
    """
    cells = tuple(cells)
    parts = {c.name: {c.period: 1.0} for c in cells} if parts is None else parts
    found = []
    for before, after in pairwise(periods):
        change_of = {c.name: parts[c.name].get(after, 0.0) - parts[c.name].get(before, 0.0) for c in cells}
        up = {cell: part for cell, part in change_of.items() if part}
        down = {k: -v for k, v in up.items()}
        found.append(Limit(f"{name}: rise from {before} to {after}", up, {}, "<=", change))
        found.append(Limit(f"{name}: fall from {before} to {after}", down, {}, "<=", change))
    return tuple(found)


def minimum_return(
    name: str, cells: Iterable[Cell], kpi: str, least: float, *, soft: float | None = None, weight: float = 1.0
) -> Limit:
    """Return: the KPI that the cells bring is at least `least` times what they spend (ROAS with GMV as the KPI).

    Over one lever's cells it is a filter: a lever whose response never returns that much gets nothing, if its response
    is zero at nothing.
    """
    cells = tuple(cells)
    value = {(c.name, kpi): 1.0 for c in cells if kpi in c.responses}
    return Limit(name, {c.name: -least for c in cells}, value, ">=", 0.0, soft, weight, kpi)


def cost_per(
    name: str, cells: Iterable[Cell], kpi: str, most: float, *, fixed_spend: float = 0.0, fixed_kpi: float = 0.0,
    besides: Mapping[str, float] | None = None, soft: float | None = None, weight: float = 1.0,
) -> Limit:  # fmt: skip
    """Return: spend and `fixed_spend` are at most `most` for each unit of the KPI, which is `fixed_kpi` besides.

    With GMV and .18 the expense-ratio cap; with new customers and 60 yuan the CAC cap. `besides`: by cell name, yuan that
    each unit of the KPI that it brings costs besides (a commission).
    """
    cells = tuple(cells)
    value = {(c.name, kpi): (besides or {}).get(c.name, 0.0) - most for c in cells if kpi in c.responses}
    level = most * fixed_kpi - fixed_spend
    return Limit(name, {c.name: 1.0 for c in cells}, value, "<=", level, soft, weight)


def target(
    name: str, cells: Iterable[Cell], kpi: str, level: float, *, soft: float | None = None, weight: float = 1.0
) -> Limit:
    """Return: the cells bring at least `level` of a KPI; `soft` is the goal's loss for each unit short of it."""
    value = {(c.name, kpi): 1.0 for c in cells if kpi in c.responses}
    return Limit(name, {}, value, ">=", level, soft, weight, kpi)


def priority(name: str, first: Cell, then: Cell) -> Limit:
    """Return: `then` is filled, as a share of its upper bound, no further than `first` is of its own."""
    if not (first.high > 0 and then.high > 0):
        raise ValueError(f"upper bounds must be positive, but got ({first.high!r}, {then.high!r})")
    return Limit(name, {first.name: 1 / first.high, then.name: -1 / then.high}, {}, ">=", 0.0, unit="share")


def band(cell: Cell, current: float, width: float) -> tuple[float, float]:
    """Return the bounds `current (1 - width)` to `current (1 + width)` within a cell's own; width 0 locks it."""
    if not width >= 0:
        raise ValueError(f"`width >= 0` must hold, but got {width!r}")
    low = min(max(current * (1 - width), cell.low), cell.high)
    return low, max(min(current * (1 + width), cell.high), low)
