"""truth: what a plan of spends is worth by the responses themselves, and which limits it breaks."""

from collections.abc import Mapping
from dataclasses import dataclass

from optimize.problem import Limit, Problem

MONEY_SLIP = 1e-9
"""Limits over money alone hold to this share of their size."""
VALUE_SLIP = 1e-7
"""Limits over responses hold to this share of their size."""


@dataclass(frozen=True)
class Truth:
    """A plan judged."""

    spend: dict[str, float]
    responses: dict[tuple[str, str], float]
    """By (cell, KPI)."""
    used: dict[str, float]
    """Left-hand side by limit."""
    short: dict[str, float]
    """By how much each limit is broken, 0 where it holds."""
    goal: float
    """Weighted KPIs less the price of money and the cost of shortfalls."""
    feasible: bool
    """Whether all hard limits hold."""

    @property
    def kpis(self) -> dict[str, float]:
        """Return the sum over cells by KPI."""
        found: dict[str, float] = {}
        for (_, kpi), v in self.responses.items():
            found[kpi] = found.get(kpi, 0.0) + v
        return found


def judge(problem: Problem, spend: Mapping[str, float]) -> Truth:
    """Return what a plan is worth."""
    responses = {(c.name, k): float(r.at(spend[c.name])) for c in problem.cells for k, r in c.responses.items()}
    used = {m.name: left_side(m, spend, responses) for m in problem.limits}
    short = {m.name: shortfall(m, used[m.name]) for m in problem.limits}
    feasible = all(m.soft is not None or short[m.name] <= slip(m, spend, responses) for m in problem.limits)
    goal = sum(problem.goal.kpis.get(kpi, 0.0) * v for (_, kpi), v in responses.items())
    goal -= problem.goal.spend * sum(spend.values())
    goal -= sum(m.soft * short[m.name] for m in problem.limits if m.soft is not None)
    return Truth(dict(spend), responses, used, short, goal, feasible)


def left_side(limit: Limit, spend: Mapping[str, float], responses: Mapping[tuple[str, str], float]) -> float:
    """Return a limit's left-hand side."""
    return sum(c * spend[n] for n, c in limit.spend.items()) + sum(c * responses[k] for k, c in limit.value.items())


def shortfall(limit: Limit, used: float) -> float:
    """Return by how much a limit is broken."""
    over = used - limit.level
    return max(0.0, {"<=": over, ">=": -over, "==": abs(over)}[limit.sense])


def slip(limit: Limit, spend: Mapping[str, float], responses: Mapping[tuple[str, str], float]) -> float:
    """Return the rounding a limit is allowed."""
    size = sum(abs(c * spend[n]) for n, c in limit.spend.items()) + abs(limit.level)
    size += sum(abs(c * responses[k]) for k, c in limit.value.items())
    return (VALUE_SLIP if limit.value else MONEY_SLIP) * size + 1e-12
