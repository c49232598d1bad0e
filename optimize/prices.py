"""prices: what a plan's limits cost, in tables and in words."""

from collections.abc import Mapping
from math import floor, log10

import numpy as np
import pandas as pd

from experiments.units import compact
from optimize.problem import MONEY, Cell, Limit, Problem
from optimize.truth import Truth

STEP = 10_000.0
"""Most yuan that a price in words is told for; it holds at the margin only."""
SMALL = 0.01
"""What is small against a level, so that a price still holds."""
PRICES = ["name", "kind", "level", "used", "slack", "binding", "price", "words"]
"""Columns of the table of prices."""
CELLS = ["cell", "lever", "period", "account", "spend", "low", "high", "marginal", "at"]
"""Columns of the table of cells."""
NOTHING = 1e-9
"""A change of the goal below this share of its size is rounding of the solver."""
TOUCH = 1e-6
"""A bound or limit binds within this share of its size."""


def price_table(problem: Problem, plan: Truth, prices: Mapping[str, float]) -> pd.DataFrame:
    """Return one row for each limit and each given bound that binds; columns as in `Solution.duals`."""
    sign = -1.0 if least_money(problem) else 1.0
    size = goal_size(problem, plan)
    rows = [limit_row(problem, m, plan, sign * prices.get(m.name, np.nan), sign, size) for m in problem.limits]
    for cell in problem.cells:
        side = side_of(cell, plan.spend[cell.name])
        if side and cell.high > cell.low and cell.unit is None:
            price = sign * reduced(problem, cell, side, plan, prices)
            rows.append(bound_row(problem, cell, side, plan, price, sign, size))
    return pd.DataFrame(rows, columns=PRICES)


def least_money(problem: Problem) -> bool:
    """Return whether the goal is nothing but little money, told in yuan."""
    return not problem.goal.kpis and problem.goal.spend > 0


def goal_size(problem: Problem, plan: Truth) -> float:
    """Return what counts as much in the goal: its KPIs and its money, summed without their signs."""
    kpis = sum(abs(problem.goal.kpis.get(kpi, 0.0) * value) for (_, kpi), value in plan.responses.items())
    return kpis + abs(problem.goal.spend) * sum(plan.spend.values())


def limit_row(
    problem: Problem, limit: Limit, plan: Truth, price: float, sign: float, goal: float
) -> tuple[object, ...]:
    """Return a limit's row; `goal`: its size, as `goal_size` has it."""
    used = plan.used[limit.name]
    slack = {"<=": limit.level - used, ">=": used - limit.level, "==": -abs(used - limit.level)}[limit.sense]
    size = size_of(limit, plan)
    binding = bool(limit.sense == "==" or slack <= TOUCH * size)
    price = price if binding else 0.0
    kind = "limit" if limit.soft is None else "soft limit"
    words = price_words(problem, limit, price, sign, goal, size) if binding else f"{limit.name} does not bind"
    if limit.soft is not None and plan.short[limit.name] > TOUCH * size:
        binding, free = price != 0, nothing(price * step_of(limit, size), goal)
        words = f"{limit.name} is missed" if free else f"{limit.name} is missed: {words}"
    return limit.name, kind, limit.level, used, slack, binding, price, words


def size_of(limit: Limit, plan: Truth) -> float:
    """Return what counts as much in a limit: its level and terms, summed without their signs."""
    money = sum(abs(c * plan.spend[n]) for n, c in limit.spend.items())
    return money + sum(abs(c * plan.responses[k]) for k, c in limit.value.items()) + abs(limit.level)


def step_of(limit: Limit, size: float) -> float:
    """Return the round step that a limit's price is told for, in the limit's unit: small against its level, or its size."""
    if limit.unit == MONEY:
        return yuan_step(abs(limit.level) or size)
    return max(abs(limit.level) * SMALL, 1e-300) if limit.level else 1.0


def yuan_step(level: float) -> float:
    """Return a round sum of money that is small against a level [yuan], at most `STEP`.

    >>> yuan_step(4e6), yuan_step(70_000), yuan_step(12)
    (10000.0, 500.0, 1.0)
    """
    most = min(max(SMALL * level, 1.0), STEP)
    power = 10.0 ** floor(log10(most))
    return float(max(k * power for k in (1, 2, 5) if k * power <= most))


def nothing(change: float, goal: float) -> bool:
    """Return whether a change of the goal is none but for rounding; `goal`: its size."""
    return abs(change) <= NOTHING * goal


def price_words(
    problem: Problem, limit: Limit, price: float, sign: float, whole: float = 0.0, size: float = 0.0
) -> str:
    """Return what moving a limit's level by a round step does to the goal; `whole`: the goal's size, `size`: the limit's."""
    step = step_of(limit, size)
    amount = f"{step:,.0f} yuan" if limit.unit == MONEY else f"{compact(step)} {limit.unit}"
    change, goal = price * step, problem.goal.words
    if not np.isfinite(price):
        return f"{limit.name}: the solver gave no price"
    if nothing(change, whole):
        return free_words(limit.name)
    if limit.sense == "<=":
        return f"{amount} more in {limit.name} {verb(change, sign)} {compact(abs(change))} {goal}"
    if limit.sense == ">=":
        return f"{amount} less asked by {limit.name} {verb(-change, sign)} {compact(abs(change))} {goal}"
    return f"{amount} more on the left of {limit.name} {verb(change, sign)} {compact(abs(change))} {goal}"


def free_words(name: str) -> str:
    """Return that room at a bound or limit is worth nothing."""
    return f"{name} is met exactly but costs nothing"


def verb(change: float, sign: float) -> str:
    """Return the verb for a change of the goal."""
    if sign > 0:
        return "buys" if change > 0 else "costs"
    return "costs" if change > 0 else "saves"


def side_of(cell: Cell, spend: float) -> str:
    """Return `upper`, `lower` or nothing."""
    reach = TOUCH * (cell.high - cell.low)
    return "upper" if spend >= cell.high - reach else "lower" if spend <= cell.low + reach else ""


def slope_of(cell: Cell, kpi: str, spend: float, side: str) -> float:
    """Return a response's slope at a spend; at an upper bound inside the known range, of what lies beyond it."""
    response = cell.responses[kpi]
    reach = 1e-7 * (cell.high - cell.low)
    if side == "upper" and spend >= response.high - reach:
        return response.slope(response.high - reach)
    return response.slope(spend)


def marginal(problem: Problem, cell: Cell, spend: float, side: str = "") -> float:
    """Return the goal's gain of one yuan more in a cell, money's own price not counted."""
    return sum(w * slope_of(cell, k, spend, side) for k, w in problem.goal.kpis.items() if k in cell.responses)


def reduced(problem: Problem, cell: Cell, side: str, plan: Truth, prices: Mapping[str, float]) -> float:
    """Return the goal's gain of one yuan more in a cell after paying the price of every limit it is in."""
    spend = plan.spend[cell.name]
    gain = marginal(problem, cell, spend, side) - problem.goal.spend
    for limit in problem.limits:
        price = prices.get(limit.name, 0.0)
        if not price or not np.isfinite(price):
            continue
        use = limit.spend.get(cell.name, 0.0)
        for kpi in cell.responses:
            if c := limit.value.get((cell.name, kpi), 0.0):
                use += c * slope_of(cell, kpi, spend, side)
        gain -= price * use
    return gain


def bound_row(
    problem: Problem, cell: Cell, side: str, plan: Truth, price: float, sign: float, size: float
) -> tuple[object, ...]:
    """Return the row of a cell's bound; `size`: that of the goal."""
    level = cell.high if side == "upper" else cell.low
    name = f"{side} bound of {cell.name}"
    step = yuan_step(level or cell.high)
    change, goal = price * step, problem.goal.words
    if nothing(change, size):
        words = free_words(name)
    elif side == "upper":
        words = f"{step:,.0f} yuan more room in {cell.name} {verb(change, sign)} {compact(abs(change))} {goal}"
    else:
        words = f"{step:,.0f} yuan more in {cell.name} {verb(change, sign)} {compact(abs(change))} {goal}"
    return name, f"{side} bound", level, plan.spend[cell.name], 0.0, True, price, words


def pooled(problem: Problem, plan: Truth, duals: pd.DataFrame, mark: str) -> pd.DataFrame:
    """Return the table with limits that differ by what follows `mark` in their names put together, their prices summed.

    Such limits look at one promise under several lucks; the first of them has no mark.
    """
    marked = duals["name"].str.contains(mark, regex=False)
    extra = duals[marked].groupby(duals["name"][marked].str.split(mark, regex=False).str[0])["price"].sum()
    out = duals[~marked].copy()
    for limit in problem.limits:
        if limit.name in extra.index:
            row = out["name"] == limit.name
            price = float(out.loc[row, "price"].iloc[0] + extra[limit.name])
            words = price_words(problem, limit, price, 1.0, goal_size(problem, plan), size_of(limit, plan))
            for column, value in (("binding", price != 0), ("price", price), ("words", words)):
                out.loc[row, column] = value
    return out.reset_index(drop=True)


def cell_table(problem: Problem, plan: Truth) -> pd.DataFrame:
    """Return one row a cell; columns as in `Solution.cells`."""
    rows = []
    for c in problem.cells:
        spend = plan.spend[c.name]
        side = side_of(c, spend)
        at = "edge" if side == "upper" and c.high >= c.domain[1] else side
        rows.append((c.name, c.lever, c.period, c.account, spend, c.low, c.high, marginal(problem, c, spend, side), at))
    return pd.DataFrame(rows, columns=CELLS)


def notes_on(problem: Problem, plan: Truth, duals: pd.DataFrame) -> tuple[str, ...]:
    """Return what a reader must know: unspent money and why, missed soft targets, edges of what is known."""
    notes = [n for m in problem.limits if (n := unspent(problem, m, plan, duals))]
    for m in problem.limits:
        if m.soft is not None and plan.short[m.name] > TOUCH * (size_of(m, plan) + 1e-300):
            notes.append(f"{m.name} is missed by {compact(plan.short[m.name], 6)} {m.unit}.")
    edge = [c.name for c in problem.cells if at_edge(c, plan.spend[c.name])]
    if edge:
        notes.append(f"At the edge of what their responses are known for: {listed(edge)}.")
    return tuple(notes)


def at_edge(cell: Cell, spend: float) -> bool:
    """Return whether a cell's money stops only because nothing is known beyond it."""
    return cell.high > cell.low and side_of(cell, spend) == "upper" and cell.high >= cell.domain[1]


def unspent(problem: Problem, limit: Limit, plan: Truth, duals: pd.DataFrame) -> str:
    """Return why a budget is not spent whole; nothing if it is, or is no budget."""
    budget = limit.sense == "<=" and not limit.value and limit.unit == MONEY
    if not budget or least_money(problem) or any(c != 1 for c in limit.spend.values()):
        return ""
    rest = limit.level - plan.used[limit.name]
    if rest <= TOUCH * abs(limit.level) or within_spent(problem, limit, plan):
        return ""
    return (
        f"{rest:,.2f} of {limit.level:,.0f} yuan of {limit.name} stay unspent: {reason(problem, limit, plan, duals)}."
    )


def within_spent(problem: Problem, limit: Limit, plan: Truth) -> bool:
    """Return whether a budget's cells all draw on a larger one that is spent, so that its rest went elsewhere."""
    return any(
        set(limit.spend) < set(m.spend) and not m.value and plan.used[m.name] >= m.level - TOUCH * abs(m.level)
        for m in problem.limits
        if m.sense in ("<=", "==") and all(c >= 0 for c in m.spend.values())
    )


def reason(problem: Problem, limit: Limit, plan: Truth, duals: pd.DataFrame) -> str:
    """Return what keeps the cells of a budget from taking more."""
    inside = [c for c in problem.cells if limit.spend.get(c.name)]
    below = [c for c in inside if side_of(c, plan.spend[c.name]) != "upper"]
    if not below:
        return "every cell in it is at its upper bound"
    holding = set(
        duals.loc[duals["binding"] & (duals["price"].abs() > 0) & duals["kind"].str.contains("limit"), "name"]
    )
    names = {c.name for c in below}
    held = [m.name for m in problem.limits if m.name in holding and names & (set(m.spend) | {n for n, _ in m.value})]
    if held:
        return f"held back by {listed(held)}"
    if any(c.unit is not None for c in below):
        return "no further whole unit fits or pays"
    return "more of it would not raise the goal"


def listed(names: list[str], most: int = 6) -> str:
    """Return names in a sentence."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
