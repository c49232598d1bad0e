"""conflict: why no plan meets all limits, and how much each would have to give.

The smallest set in conflict is found by divide and conquer (QuickXplain; Junker 2004, AAAI, 167-172) on programmes that are
never stricter than the truth, so that a set called conflicting is; a set is smallest in that each of its members is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.units import compact
from optimize.problem import Goal, Limit, Problem

if TYPE_CHECKING:
    from optimize.money import Solution

Solve = Callable[[Problem], "Solution"]
MANY = 8
"""Of a conflict with more members, how much each alone must give is not worked out."""


@dataclass(frozen=True)
class Conflict:
    """What cannot hold together."""

    names: tuple[str, ...]
    """The smallest set in conflict: without any one of them a plan exists for the others in the set."""
    table: pd.DataFrame
    """name, sense, level, unit, give (nearest relaxation: by how much each must give, least in all by weight and size),
    alone (by how much it must give if only it does; nan if that does not help or was not worked out), words."""
    words: str
    certain: bool
    """Whether the set is proved in conflict; False when a solve ran out of time."""


def explain(problem: Problem, solve: Solve) -> Conflict:
    """Return why a problem that is proved infeasible is so. `solve` solves a problem without explaining."""
    problem = with_named_bounds(problem)
    hard = [m for m in problem.limits if m.soft is None]
    certain = True

    def clash(limits: Sequence[Limit]) -> bool:
        nonlocal certain
        found = solve(Problem(problem.cells, limits, Goal()))
        certain &= found.feasible or found.infeasible
        return found.infeasible

    core = smallest(hard, clash)
    nearest = solve(relaxed(problem, {m.name for m in hard}))
    rows = []
    for m in hard:
        give = shortfall_of(nearest, m.name)
        if m not in core and not give > 0:
            continue
        alone = alone_of(problem, m, solve) if m in core and len(core) <= MANY else np.nan
        rows.append((m.name, m.sense, m.level, m.unit, give, alone, words_of(m, give, alone)))
    columns = ["name", "sense", "level", "unit", "give", "alone", "words"]
    names = tuple(m.name for m in core)
    verb = "cannot hold" if len(names) == 1 else "cannot hold together"
    return Conflict(names, pd.DataFrame(rows, columns=columns), f"{' / '.join(names)} {verb}", certain)


def with_named_bounds(problem: Problem) -> Problem:
    """Return the problem with the cells' given bounds as limits, so that they can be named and give way."""
    cells, limits = [], list(problem.limits)
    for c in problem.cells:
        low, high = c.domain
        if c.low > low:
            limits.append(Limit(f"at least {c.low:,.0f} yuan for {c.name}", {c.name: 1.0}, {}, ">=", c.low))
        if c.high < high:
            limits.append(Limit(f"at most {c.high:,.0f} yuan for {c.name}", {c.name: 1.0}, {}, "<=", c.high))
        cells.append(replace(c, lower=None, upper=None))
    return Problem(tuple(cells), tuple(limits), problem.goal)


def smallest(limits: Sequence[Limit], clash: Callable[[Sequence[Limit]], bool]) -> list[Limit]:
    """Return a subset in conflict of which no member can be left out; nothing if the limits are not in conflict."""

    def within(behind: list[Limit], added: bool, rest: list[Limit]) -> list[Limit]:
        if added and clash(behind):
            return []
        if len(rest) == 1:
            return rest
        half = len(rest) // 2
        left, right = rest[:half], rest[half:]
        second = within(behind + left, True, right)
        first = within(behind + second, bool(second), left)
        return first + second

    if not limits or not clash(list(limits)):
        return []
    found = within([], False, list(limits))
    return sorted(found, key=lambda m: [x.name for x in limits].index(m.name))


def relaxed(problem: Problem, names: set[str]) -> Problem:
    """Return the problem of giving way least: each named limit may, at its weight over its size; nothing else counts."""
    limits = [replace(m, soft=m.weight / size_of(problem, m)) if m.name in names else m for m in problem.limits]
    limits = [replace(m, soft=0.0) if m.soft is not None and m.name not in names else m for m in limits]
    return Problem(problem.cells, limits, Goal())


def size_of(problem: Problem, limit: Limit) -> float:
    """Return what one whole of giving way is: a limit's level, or what its terms can reach if that is zero."""
    if limit.level:
        return abs(limit.level)
    cells = {c.name: c for c in problem.cells}
    reach = [abs(c) * abs(cells[n].domain[1]) for n, c in limit.spend.items()]
    reach += [
        abs(c) * float(np.abs(cells[n].responses[k].at(cells[n].domain)).max()) for (n, k), c in limit.value.items()
    ]
    return max([*reach, 0.0]) or 1.0


def alone_of(problem: Problem, limit: Limit, solve: Solve) -> float:
    """Return by how much a limit must give if only it does; nan if that is not enough."""
    found = solve(relaxed(problem, {limit.name}))
    return shortfall_of(found, limit.name) if found.feasible else np.nan


def shortfall_of(found: "Solution", name: str) -> float:
    """Return by how much a solution breaks a limit, nan without a solution; what is rounding counts as nothing."""
    if not found.feasible:
        return np.nan
    row = found.duals.loc[found.duals["name"] == name].iloc[0]
    short = abs(float(row["used"]) - float(row["level"])) if row["slack"] < 0 else 0.0
    return short if short > 1e-7 * abs(float(row["level"])) else 0.0


def words_of(limit: Limit, give: float, alone: float) -> str:
    """Return how a limit could give way."""
    way = {"<=": "rise", ">=": "fall", "==": "move"}[limit.sense]
    parts = []
    if give > 0:
        parts.append(f"{limit.name} would {way} by {compact(give, 6)} {limit.unit} in the nearest relaxation")
    if alone > 0:
        name = "" if parts else f"{limit.name}: "
        parts.append(f"{name}alone it would have to {way} by {compact(alone, 6)} {limit.unit}")
    return "; ".join(parts) or f"{limit.name} need not give way in the nearest relaxation"
