"""money: the best spend for a goal under limits, with a bound that no plan can beat.

    curves = {"search": hill(900, 4e4, 1.0, 0, 2e5), "kol": hill(700, 6e4, 2.0, 0, 2e5)}
    cells = [Cell(name, {"orders": curve}) for name, curve in curves.items()]
    found = solve(Problem(cells, [at_most("the budget", cells, 1e5)], maximise("orders")))
    found.spend, found.value, found.bound, found.duals

The problem is drawn twice with piecewise-linear responses. From outside (tangents, chords of convex stretches; measured
points as they are) a linear or mixed programme gives a bound that holds for the true responses. From inside, on the stretches
that the outer plan chose, a linear programme gives a plan whose true value is at least what it says, and the prices. Corners
are added where the outer plan lies until value and bound meet. Many S-shaped cells start as concave envelopes and get
binaries only where the envelope flatters the plan. Everything is scaled inside: units of money and KPI do not matter.
"""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimize.conflict import Conflict, explain
from optimize.prices import CELLS, PRICES, cell_table, least_money, notes_on, price_table
from optimize.problem import Problem
from optimize.programme import Solver, available
from optimize.refine import Search


@dataclass(frozen=True)
class Solution:
    """The best plan found and what is certain about it."""

    feasible: bool
    """Whether `spend` is a plan that meets all hard limits."""
    infeasible: bool
    """Whether it is proved that no plan does."""
    spend: dict[str, float]
    """yuan by cell; empty without a plan"""
    kpis: dict[str, float]
    """Responses of the plan, by KPI."""
    value: float
    """The goal at the plan, by the true responses; yuan for the least budget; nan without a plan."""
    bound: float
    """No plan can do better than this."""
    gap: float
    """|bound - value| as a share of the larger; inf without a plan or a bound."""
    proved: bool
    """Whether the gap is within what was asked."""
    status: str
    """In words: what is proved, or why not."""
    solver: str
    solver_status: str
    """The solver's own word on the last outer programme."""
    mip_gap: float
    """The solver's own gap on it; 0 for a linear programme solved to the end."""
    cells: pd.DataFrame
    """cell, lever, period, account, spend, low, high [yuan], marginal [goal per yuan], at (lower, upper, edge: upper and
    nothing known beyond, or empty)."""
    duals: pd.DataFrame
    """name, kind (limit, soft limit, lower bound, upper bound), level, used, slack, binding, price [goal per unit of the
    level; at the margin, with stretches and whole units as chosen], words. Every limit; of bounds those that bind."""
    notes: tuple[str, ...]
    conflict: Conflict | None
    """When it is proved that no plan meets all limits: which are in conflict, and how much each must give."""
    rounds: int
    seconds: float


def solve(
    problem: Problem,
    *,
    gap: float = 1e-6,
    seconds: float = 60.0,
    solver: Solver | None = None,
    why: bool = True,
    prices: bool = True,
) -> Solution:
    """Return the best plan for a problem; nothing is raised for one that cannot be met.

    Stops when bound and value are within `gap` of each other, or after `seconds`. `solver` is HiGHS, or CBC where highspy
    is missing. `why`: explain an infeasible problem, which takes further solves. `prices`: with tables of cells and
    prices, which take one more. Raises `ValueError` if `gap` or `seconds`
    is not positive.
    """
    if not (gap > 0 and seconds > 0):
        raise ValueError(f"`gap > 0` and `seconds > 0` must hold, but got (gap={gap!r}, seconds={seconds!r})")
    start = time.perf_counter()
    solver = solver or available()
    search = Search(problem, gap, start + seconds, solver)
    search.run()
    conflict = None
    if search.infeasible and why:
        part = max(seconds / 4, 1.0)
        conflict = explain(problem, lambda p: solve(p, gap=1e-5, seconds=part, solver=solver, why=False))
    return report(problem, search, conflict, start, prices)


def report(problem: Problem, search: Search, conflict: Conflict | None, start: float, prices: bool) -> Solution:
    """Return the solution of a search."""
    plan, answer = search.best, search.answer
    sign = -1.0 if least_money(problem) else 1.0
    cells, duals = pd.DataFrame(columns=CELLS), pd.DataFrame(columns=PRICES)
    notes: tuple[str, ...] = ()
    if plan is not None and prices:
        cells, duals = cell_table(problem, plan), price_table(problem, plan, search.prices())
        notes = notes_on(problem, plan, duals)
    return Solution(
        feasible=plan is not None,
        infeasible=search.infeasible,
        spend=plan.spend if plan else {},
        kpis=plan.kpis if plan else {},
        value=sign * plan.goal if plan else np.nan,
        bound=sign * (max(search.bound, plan.goal) if plan else search.bound),
        gap=search.reached,
        proved=search.reached <= search.gap,
        status=status_of(search),
        solver=search.solver,
        solver_status=answer.status if answer else "not run",
        mip_gap=answer.gap if answer else np.inf,
        cells=cells,
        duals=duals,
        notes=notes,
        conflict=conflict,
        rounds=search.rounds,
        seconds=time.perf_counter() - start,
    )


def status_of(search: Search) -> str:
    """Return what is proved, in words."""
    if search.infeasible:
        return "infeasible: no plan meets all hard limits (proved)"
    late = " at the time limit" if search.left <= 0 or (search.answer and not search.answer.proved) else ""
    if search.best is None:
        return f"no plan found{late}; whether one exists is not known"
    if search.reached <= search.gap:
        return f"optimal within {search.gap:g} (certified gap {search.reached:.2g})"
    return f"stopped{late} with a certified gap of {search.reached:.2g}"
