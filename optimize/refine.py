"""refine: rounds of an outer programme (a bound) and inner ones (a plan), with corners added until they meet."""

import time

import numpy as np

from optimize.outline import Assembly, Drawing, assemble, draw_inside, draw_outside, merged, needs, tightened
from optimize.pieces import Floats, Smooth
from optimize.problem import Cell, Problem
from optimize.programme import Answer, Solver
from optimize.programme import solve as run
from optimize.truth import Truth, judge

FEW = 200
"""Up to this many cells that are not concave, all get binaries at once; of more, those that the envelope flatters most."""
BATCH = 40
"""Cells that get binaries in one round when there are many."""
ROUNDS = 40
POLISH = 4
"""Inner programmes in one round."""
GRID = np.array([0.0, 1e-3, 3e-3, 0.01, 0.03, 0.08, 0.16, 0.28, 0.42, 0.6, 0.8, 1.0])
"""First corners of a smooth response, as shares of its range."""
FAN = 0.3 ** np.arange(8)
"""Inner corners about a spend, as shares of the distance to the next corner."""
NEAR = 1e-4
"""Corners closer to a spend than this share of the range are not the next one."""


class Search:
    """What is known of a problem so far: corners, the best plan, its prices, and the least bound."""

    def __init__(self, problem: Problem, gap: float, deadline: float, solver: Solver) -> None:
        """Set out with coarse corners and no plan."""
        self.given, self.problem = problem, tightened(problem)
        self.gap, self.deadline, self.solver = gap, deadline, solver
        self.cells = {c.name: c for c in self.problem.cells}
        self.needs = needs(problem)
        self.knots = {c.name: first_knots(c) for c in self.problem.cells}
        self.best: Truth | None = None
        self.bound = np.inf
        self.infeasible = False
        self.answer: Answer | None = None
        self.rounds = 0
        self.sizes = sizes(self.problem)
        bent = {n for n, c in self.cells.items() if c.minimum <= c.low and self.outer(n, split=True).run.any()}
        self.merged = bent if len(bent) > FEW else set[str]()

    @property
    def reached(self) -> float:
        """The certified gap: |bound - value| as a share of the larger of the two."""
        if self.best is None or not np.isfinite(self.bound):
            return np.inf
        size = max(abs(self.best.goal), abs(self.bound), 1e-300)
        return max(self.bound - self.best.goal, 0.0) / size

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.deadline - time.perf_counter()

    def outer(self, name: str, *, split: bool) -> Drawing:
        """Return a cell drawn from outside."""
        return draw_outside(self.cells[name], self.needs[name], self.knots[name], split)

    def run(self) -> None:
        """Refine until the gap is reached, the problem is proved infeasible, time is up, or nothing changes."""
        loose = 1e-3
        while self.rounds < ROUNDS and self.left > 0:
            self.rounds += 1
            drawings = {n: self.outer(n, split=n not in self.merged) for n in self.cells}
            outer = assemble(self.problem, drawings)
            loose = max(self.gap / 4, min(loose, 0.05 * self.reached))
            self.answer = run(outer.programme, seconds=0.8 * self.left, gap=loose, solver=self.solver)
            if self.answer.infeasible:
                self.infeasible = self.best is None
                return
            self.bound = min(self.bound, outer.goal(self.answer.bound))
            if not self.answer.found:
                return
            spend = outer.spend(self.answer)
            self.take(judge(self.problem, spend))
            if self.reached > self.gap:
                self.polish(spend, drawings)
            if self.reached <= self.gap:
                return
            if not self.add_corners(spend, drawings):
                if loose <= self.gap / 4:
                    return
                loose = self.gap / 4

    def take(self, plan: Truth) -> None:
        """Keep a plan if it is feasible and the best so far."""
        if plan.feasible and (self.best is None or plan.goal > self.best.goal):
            self.best = plan

    def polish(self, spend: dict[str, float], drawings: dict[str, Drawing]) -> None:
        """Solve inner programmes about a plan, each about the last one's, while the value rises."""
        for _ in range(POLISH):
            answer, inner = self.solve_inside(spend, drawings)
            if not answer.found:
                return
            spend = inner.spend(answer)
            before = self.best
            self.take(judge(self.problem, spend))
            if self.best is None or self.left <= 0:
                return
            enough = 0.1 * max(self.gap, min(self.reached, 1.0)) * abs(self.best.goal)
            if before is not None and self.best.goal - before.goal <= enough:
                return

    def solve_inside(self, spend: dict[str, float], drawings: dict[str, Drawing]) -> tuple[Answer, Assembly]:
        """Solve the inner programme about a plan."""
        inner = assemble(self.problem, {n: self.inside(n, spend[n], drawings[n]) for n in self.cells})
        answer = run(inner.programme, seconds=max(self.left, 1.0), gap=self.gap, solver=self.solver, relax=True)
        return answer, inner

    def prices(self) -> dict[str, float]:
        """Return the change of the goal for one unit more of each limit's level, at the best plan.

        From a linear programme about it, the choices of stretches and whole units fixed: a mixed one has no duals. Under
        the bounds as given, since a bound that a limit has lowered would take the limit's price.
        """
        if self.best is None:
            return {}
        self.problem, self.cells = self.given, {c.name: c for c in self.given.cells}
        self.knots = {n: merged(np.append(k, self.cells[n].high)) for n, k in self.knots.items()}
        drawings = {n: self.outer(n, split=True) for n in self.cells}
        answer, inner = self.solve_inside(self.best.spend, drawings)
        return {m.name: inner.price(answer, m.name) if answer.found else np.nan for m in self.problem.limits}

    def inside(self, name: str, at: float, outer: Drawing) -> Drawing:
        """Return a cell drawn from inside, with corners that crowd about a spend."""
        knots = self.knots[name]
        reach = NEAR * (knots[-1] - knots[0])
        i, j = int(np.searchsorted(knots, at - reach)), int(np.searchsorted(knots, at + reach))
        below, above = knots[max(i - 1, 0)], knots[min(j, len(knots) - 1)]
        near = np.concatenate(
            (knots[max(i - 2, 0) : i], knots[j : j + 2], at - (at - below) * FAN, [at], at + (above - at) * FAN)
        )
        return draw_inside(self.cells[name], self.needs[name], outer, at, near)

    def add_corners(self, spend: dict[str, float], drawings: dict[str, Drawing]) -> bool:
        """Add corners where the outer plan lies and is flattered, and binaries where an envelope does it; say if any."""
        flattery = {n: self.flattery(n, spend[n], drawings[n]) for n in self.cells}
        enough = 0.25 * self.gap / len(self.cells)
        wanted = [n for n, f in flattery.items() if f > enough]
        split = sorted((n for n in wanted if n in self.merged), key=lambda n: -flattery[n])[:BATCH]
        self.merged -= set(split)
        added = bool(split)
        for name in wanted:
            before = len(self.knots[name])
            at = [spend[name]] if self.best is None else [spend[name], self.best.spend[name]]
            for x in at:
                self.knots[name] = denser(self.cells[name], self.knots[name], x)
            added |= len(self.knots[name]) > before
        return added

    def flattery(self, name: str, at: float, drawing: Drawing) -> float:
        """Return by how much a cell's drawing is better than the truth at a spend, as a share of the largest response."""
        cell, worst = self.cells[name], 0.0
        for (kpi, sign), y in drawing.y.items():
            over = sign * (float(np.interp(at, drawing.x, y)) - float(cell.responses[kpi].at(at)))
            worst = max(worst, over / self.sizes[kpi])
        return worst


def denser(cell: Cell, knots: Floats, at: float) -> Floats:
    """Return knots with one at a spend and, unless a response is convex there, one halfway to each neighbour.

    One close by besides where a response starts upright (x^.5 at 0), so that no tangent can be had at the spend itself.
    """
    smooth = [r for r in cell.responses.values() if isinstance(r, Smooth)]
    if not smooth:
        return knots
    i, j = int(np.searchsorted(knots, at)), int(np.searchsorted(knots, at, side="right"))
    below, above = knots[max(i - 1, 0)], knots[min(j, len(knots) - 1)]
    convex = any(a < at < b and curved > 0 for r in smooth for a, b, curved in r.stretches)
    new = [at] if convex else [(at + below) / 2, at, (at + above) / 2]
    if any(r.upright(at) for r in smooth):
        new.append(at + 1e-3 * (above - at))
    return merged(np.concatenate((knots, np.clip(new, cell.low, cell.high))))


def sizes(problem: Problem) -> dict[str, float]:
    """Return the largest response of any one cell, by KPI: what counts as much."""
    found: dict[str, float] = {}
    for cell in problem.cells:
        for kpi, response in cell.responses.items():
            reach = float(np.abs(response.at(np.array([cell.low, cell.high]))).max())
            found[kpi] = max(found.get(kpi, 1e-300), reach)
    return found


def first_knots(cell: Cell) -> Floats:
    """Return a cell's first corners: its ends, and some between for smooth responses."""
    if not any(isinstance(r, Smooth) for r in cell.responses.values()) or cell.high <= cell.low:
        return np.array([cell.low, cell.high])
    return merged(cell.low + GRID * (cell.high - cell.low))
