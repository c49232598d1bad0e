"""allocate: the split of a budget over channels that the measured response curves favour. Channel level only.

Each paid-media lever's response is measured by simulation at multiples of its present spend, one lever at a time, on
common seeds; its concave envelope goes into a linear programme. Levers act on each other (an audience reached twice,
coupons that convert what media brought), which single curves cannot show: run the proposal before believing it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pulp
from numpy.typing import NDArray

from scenarios import Scenario
from sim.kpis import KPIS, measure
from sim.run import simulate

Floats = NDArray[np.float64]
MULTIPLES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Spend levels of a response curve, as multiples of a lever's present budget."""


@dataclass(frozen=True)
class Curve:
    """The measured response of a KPI to one lever's spend."""

    lever: str
    spend: Floats
    """[levels] yuan"""
    gain: Floats
    """[levels] KPI over what it is without the lever, mean over seeds."""
    error: Floats
    """[levels] standard error of the paired difference."""

    def envelope(self) -> tuple[Floats, Floats]:
        """Return the corners (spend, gain) of the least concave, non-decreasing function above the points."""
        corners: list[tuple[float, float]] = []
        for x, y in zip(self.spend, np.maximum.accumulate(self.gain), strict=True):
            while len(corners) > 1 and (corners[-1][1] - corners[-2][1]) * (x - corners[-1][0]) <= (
                y - corners[-1][1]
            ) * (corners[-1][0] - corners[-2][0]):
                corners.pop()
            corners.append((float(x), float(y)))
        points = np.array(corners)
        return points[:, 0], points[:, 1]


@dataclass(frozen=True)
class Allocation:
    """A proposed split of the budget."""

    table: pd.DataFrame
    """lever, current, proposed, change [yuan], marginal [KPI per yuan at the proposal]."""
    curves: tuple[Curve, ...]
    goal: str
    budget: float
    shadow_price: float
    """KPI that one more yuan of budget would bring, by the programme."""
    predicted: float
    """Change of the KPI from the current to the proposed split, by the curves."""
    status: str
    """What the solver says of its solution."""
    feasible: bool
    notes: tuple[str, ...]


def allocate(
    scenario: Scenario,
    budget: float,
    *,
    goal: str = "gmv",
    seeds: int = 3,
    users: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Allocation:
    """Propose how to split `budget` [yuan] over the plan's open media levers to raise the KPI `goal` most.

    Takes 1 + levers x 4 settings of `seeds` runs each. Every lever may get from nothing to four times its present money,
    which is as far as its curve is measured. Raises `ValueError` for an unknown KPI, a budget that is not positive, or a
    plan without paid media.
    """
    if goal not in KPIS:
        raise ValueError(f"unknown KPI {goal!r}; known are {', '.join(KPIS)}")
    if not budget > 0:
        raise ValueError(f"`budget > 0` must hold, but got {budget!r}")
    if users is not None:
        scenario = scenario.override({"market.users": users})
    current = current_budgets(scenario)
    if not current:
        raise ValueError(f"{scenario.name} has no paid media to allocate")
    curves = measure_curves(scenario, current, goal, range(1, seeds + 1), progress)
    return solve(curves, current, budget, goal)


def current_budgets(scenario: Scenario) -> dict[str, float]:
    """Return the present budget of each open media lever that has one [yuan]."""
    from sim.levers.media import budget_cents

    planned = scenario.accounts.planned()
    return {
        name: cents / 100
        for name, lever in sorted(scenario.levers.items())
        if lever.kind == "media"
        and lever.on
        and (cents := budget_cents(lever.budget, round(planned[str(lever.account)] * 100)))
    }


def at_multiples(scenario: Scenario, current: dict[str, float], multiples: dict[str, float]) -> Scenario:
    """Return the scenario with media budgets multiplied, each paid from an account of its own with just that money.

    Accounts are rebuilt so that neither a share nor another lever's spend limits a lever while its curve is measured.
    """
    spend = {name: money * multiples.get(name, 1.0) for name, money in current.items()}
    data = scenario.model_dump(by_alias=True)
    planned = scenario.accounts.planned()
    rest = sum(planned.values())
    total = rest + sum(spend.values())
    split: dict[str, object] = {
        name: scaled(a.model_dump(), rest / total) for name, a in scenario.accounts.split.items()
    }
    for name, money in spend.items():
        split[f"media-{name}"] = {"share": money / total}
        data["levers"][name]["account"] = f"media-{name}"
        data["levers"][name]["budget"] = f"{'100%' if money > 0 else '0%'}"
    data["accounts"] |= {"total": total, "split": split, "remainder": "unallocated", "tranches": ()}
    data["rules"] = {}
    return Scenario.model_validate(data)


def scaled(account: dict[str, object], factor: float) -> dict[str, object]:
    """Return an account whose share is multiplied; its sub-accounts are shares of it and stay."""
    return account | {"share": float(account["share"]) * factor}  # type: ignore[arg-type]


def measure_curves(
    scenario: Scenario, current: dict[str, float], goal: str, seeds: Iterable[int],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Curve, ...]:  # fmt: skip
    """Measure the response of a KPI over the plan to each lever's spend, the others at their present spend."""
    seeds = tuple(seeds)
    others = [m for m in MULTIPLES if m != 1.0]
    runs = 1 + len(current) * len(others)
    done = 0

    def values(multiples: dict[str, float]) -> Floats:
        nonlocal done
        changed = at_multiples(scenario, current, multiples)
        last = scenario.clock.days
        result = [measure(simulate(changed, s, days=last).observer, goal, (0, last - 1)) for s in seeds]
        done += 1
        if progress is not None:
            progress(done, runs)
        return np.array(result)

    base = values({})
    curves = []
    for name, money in current.items():
        found = {1.0: base} | {m: values({name: m}) for m in others}
        gains = np.array([found[m] - found[0.0] for m in MULTIPLES])
        error = gains.std(axis=1, ddof=1) / np.sqrt(len(seeds)) if len(seeds) > 1 else np.full(len(MULTIPLES), np.nan)
        curves.append(Curve(name, np.array(MULTIPLES) * money, gains.mean(axis=1), error))
    return tuple(curves)


def solve(curves: tuple[Curve, ...], current: dict[str, float], budget: float, goal: str) -> Allocation:
    """Solve the linear programme over the curves' concave envelopes; segments fill in order because gains fall."""
    better = KPIS[goal].better
    problem = pulp.LpProblem("allocation", pulp.LpMaximize)
    pieces: dict[str, list[tuple[pulp.LpVariable, float]]] = {}
    largest = max((abs(c.gain).max() for c in curves), default=1.0) or 1.0
    unit = budget
    for k, curve in enumerate(curves):
        x, y = Curve(curve.lever, curve.spend, better * curve.gain, curve.error).envelope()
        slopes = np.diff(y) / np.diff(x)
        pieces[curve.lever] = [
            (problem.add_variable(f"s{k}_{j}", 0, float((x[j + 1] - x[j]) / unit)), float(slope))
            for j, slope in enumerate(slopes)
        ]
    problem += pulp.lpSum(v * (slope * unit / largest) for parts in pieces.values() for v, slope in parts)
    problem += pulp.lpSum(v for parts in pieces.values() for v, _ in parts) <= 1.0, "budget"
    status = problem.solve(pulp.HiGHS(msg=False))
    feasible = status == pulp.LpStatusOptimal
    proposed = {name: unit * sum(v.value() or 0.0 for v, _ in parts) for name, parts in pieces.items()}
    marginal = {name: marginal_at(parts) for name, parts in pieces.items()}
    spent = sum(proposed.values())
    binding = spent > budget * (1 - 1e-9)
    shadow = max(marginal.values(), default=0.0) if binding else 0.0
    table = pd.DataFrame(
        [(n, current[n], proposed[n], proposed[n] - current[n], better * marginal[n]) for n in current],
        columns=["lever", "current", "proposed", "change", "marginal"],
    )
    predicted = sum(value_on(c, proposed[c.lever], better) - value_on(c, current[c.lever], better) for c in curves)
    return Allocation(
        table=table, curves=curves, goal=goal, budget=budget, shadow_price=better * shadow, predicted=better * predicted,
        status=pulp.LpStatus[status], feasible=feasible, notes=notes_on(curves, current, proposed, budget, spent),
    )  # fmt: skip


def marginal_at(parts: list[tuple[pulp.LpVariable, float]]) -> float:
    """Return the gain of the next yuan: the slope of the first piece that is not full, 0 when all are."""
    for variable, slope in parts:
        if (variable.value() or 0.0) < (variable.upBound or 0.0) * (1 - 1e-9):
            return slope
    return 0.0


def value_on(curve: Curve, spend: float, better: int) -> float:
    """Return the concave envelope of a curve at a spend."""
    x, y = Curve(curve.lever, curve.spend, better * curve.gain, curve.error).envelope()
    return float(np.interp(spend, x, y))


def notes_on(
    curves: tuple[Curve, ...], current: dict[str, float], proposed: dict[str, float], budget: float, spent: float
) -> tuple[str, ...]:
    """Return what a reader must know before believing the proposal."""
    notes = [
        "Channel level only: offers, timing and the plan's other accounts are as they are; levers' interaction is not "
        "in the curves. Run the proposal before believing it."
    ]
    for c in curves:
        if proposed[c.lever] >= c.spend[-1] * (1 - 1e-9) and c.spend[-1] > 0:
            notes.append(f"{c.lever} is at the edge of its measured range ({MULTIPLES[-1]:g} times its present money).")
        if not np.isnan(c.error[-1]) and abs(c.gain[-1]) < 2 * c.error[-1]:
            notes.append(f"{c.lever}: its effect cannot be told from noise; take more seeds or users.")
    if spent < budget * (1 - 1e-6):
        notes.append(f"{budget - spent:,.0f} yuan stay unspent: no measured curve rises any further.")
    if budget > sum(current.values()) * MULTIPLES[-1]:
        notes.append("The budget is larger than all curves together were measured for.")
    return tuple(notes)
