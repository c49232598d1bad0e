"""splitters: ways to split a budget as other tools do it, each with the settings that tool uses, and ours."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import LinearConstraint, minimize

from benchmarks.splits import Floats, Split
from optimize.limits import at_least, at_most
from optimize.money import solve
from optimize.pieces import hill
from optimize.problem import Cell, Limit, Problem, maximise


class LateError(Exception):
    """A tool has used up its time."""


@dataclass(frozen=True)
class Proposal:
    """What a tool proposes."""

    spend: Floats
    bound: float = np.inf
    """Certified upper bound, where the tool has one."""
    note: str = ""


def ours(problem: Split, seconds: float) -> Proposal:
    """Sandtable's money solver at a gap of 1e-6."""
    cells = [
        Cell(f"c{k}", {"kpi": hill(t, h, p, 0.0, problem.most)})
        for k, (t, h, p) in enumerate(zip(problem.top, problem.half, problem.power, strict=True))
    ]
    limits: list[Limit] = [at_most("the budget", cells, problem.budget)]
    if problem.grouped:
        for g in range(len(problem.floor)):
            part = [c for c, group in zip(cells, problem.group, strict=True) if group == g]
            limits += [at_least(f"floor of group {g}", part, problem.floor[g])]
            limits += [at_most(f"cap of group {g}", part, problem.cap[g])]
    found = solve(Problem(cells, limits, maximise("kpi")), gap=1e-6, seconds=seconds)
    return Proposal(np.array([found.spend[c.name] for c in cells]), found.bound, found.status)


def pymc_marketing(problem: Split, seconds: float) -> Proposal:
    """SLSQP from the uniform split, bounds 0 to the budget, ftol 1e-9, 1,000 iterations: PyMC-Marketing's defaults."""
    start = time.perf_counter()

    def watch(_: Floats) -> None:
        if time.perf_counter() - start > seconds:
            raise LateError

    count = len(problem.top)
    rules: list[object] = [{"type": "eq", "fun": lambda v: v.sum() - problem.budget, "jac": np.ones_like}]
    if problem.grouped:
        member = (problem.group == np.arange(len(problem.floor))[:, None]).astype(float)
        rules.append(LinearConstraint(member, problem.floor, problem.cap))
    found = minimize(
        lambda v: (-problem.value(v), -problem.slopes(v)), np.full(count, problem.budget / count), jac=True,
        method="SLSQP", bounds=[(0.0, problem.most)] * count, constraints=rules, callback=watch,
        options={"ftol": 1e-9, "maxiter": 1000},
    )  # fmt: skip
    return Proposal(found.x, note=str(found.message))


def robyn(problem: Split, seconds: float, local: str = "LD_SLSQP") -> Proposal:
    """NLopt's augmented Lagrangian with a local SLSQP or MMA, xtol_rel 1e-10, 100,000 evaluations: Robyn's settings.

    Starts at the equal split; Robyn starts at the lower bounds, where an S-shaped response has no slope.
    """
    import nlopt

    count = len(problem.top)

    def objective(x: Floats, gradient: Floats) -> float:
        if gradient.size:
            gradient[:] = -problem.slopes(x)
        return -problem.value(x)

    def rule(weights: Floats, level: float) -> Callable[[Floats, Floats], float]:
        def measured(x: Floats, gradient: Floats) -> float:
            if gradient.size:
                gradient[:] = weights
            return float(weights @ x) - level

        return measured

    engine = nlopt.opt(nlopt.LD_AUGLAG, count)
    inner = nlopt.opt(getattr(nlopt, local), count)
    inner.set_xtol_rel(1e-10)
    engine.set_local_optimizer(inner)
    engine.set_xtol_rel(1e-10)
    engine.set_maxeval(100_000)
    engine.set_maxtime(seconds)
    engine.set_lower_bounds(np.zeros(count))
    engine.set_upper_bounds(np.full(count, problem.most))
    engine.set_min_objective(objective)
    engine.add_equality_constraint(rule(np.ones(count), problem.budget), 1e-8)
    if problem.grouped:
        for g in range(len(problem.floor)):
            member = (problem.group == g).astype(float)
            engine.add_inequality_constraint(rule(member, problem.cap[g]), 1e-8)
            engine.add_inequality_constraint(rule(-member, -problem.floor[g]), 1e-8)
    try:
        x = engine.optimize(np.full(count, problem.budget / count))
    except (nlopt.RoundoffLimited, nlopt.runtime_error) as error:
        return Proposal(np.full(count, problem.budget / count), note=f"{type(error).__name__}: equal split kept")
    late = engine.last_optimize_result() == nlopt.MAXTIME_REACHED
    return Proposal(x, note="stopped by time" if late else "")


def robyn_mma(problem: Split, seconds: float) -> Proposal:
    """Robyn's settings with MMA as the local method, money in yuan as there.

    In yuan MMA stops where it starts; with money in units of the budget it finds the optimum of concave responses.
    """
    return robyn(problem, seconds, "LD_MMA")


def meridian(problem: Split, seconds: float) -> Proposal:
    """Greedy climb of a spend grid by the best average return to any later grid point: Meridian's search, gtol 1e-4.

    Returns are rounded to eight decimals, and the climb ends with the first step that does not fit, as there. Groups are
    not known to it.
    """
    start = time.perf_counter()
    step = 10.0 ** (int(np.log10(problem.budget * 1e-4)) + 1)
    grid = np.arange(0.0, problem.most + step / 2, step)
    outcome = problem.responses(grid[:, None])
    at = np.zeros(len(problem.top), np.int64)
    returns = np.round(outcome[1:] / grid[1:, None], 8)
    best = np.nanargmax(returns, axis=0)
    height = returns[best, np.arange(len(at))]
    while np.isfinite(height).any():
        if time.perf_counter() - start > seconds:
            raise LateError
        k = int(np.nanargmax(height))
        row = int(best[k]) + 1
        if grid[at].sum() - grid[at[k]] + grid[row] > problem.budget:
            break
        at[k] = row
        rest = np.round((outcome[row + 1 :, k] - outcome[row, k]) / (grid[row + 1 :] - grid[row]), 8)
        height[k] = rest.max() if len(rest) else -np.inf
        best[k] = row + int(rest.argmax()) if len(rest) else row
    return Proposal(grid[at])


TOOLS: dict[str, Callable[[Split, float], Proposal]] = {
    "Sandtable": ours,
    "PyMC-Marketing: SLSQP, uniform start": pymc_marketing,
    "Robyn: AUGLAG, local SLSQP": robyn,
    "Robyn: AUGLAG, local MMA": robyn_mma,
    "Meridian: greedy grid": meridian,
}
