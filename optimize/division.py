"""The money problem of a plan by fitted responses: cells, the plan's limits, and the best division."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from optimize.conflict import Conflict
from optimize.coupled import worth
from optimize.effects import Effects
from optimize.limits import minimum_return
from optimize.market import Floats, Space
from optimize.money import Solution, solve
from optimize.pieces import Points
from optimize.plan_limits import CREDIT, GOAL, Rest, plan_limits
from optimize.prices import cell_table, notes_on, pooled
from optimize.problem import Cell, Goal, Limit, Problem, least_spend
from optimize.response import Hill, Responses
from optimize.spending import Post
from optimize.truth import MONEY_SLIP, VALUE_SLIP, judge, slip
from scenarios import Scenario

ROUGH, SECONDS = 1e-3, 3.0
"""Gap and time of the divisions inside a search [relative, s]."""
TURNS, STEADY = 3, 0.03
"""Most divisions after one another, and the change of what credits are worth at which they end."""
CORNERS = 49
LUCKS = tuple(float(z) for z in ndtri((np.arange(5) + 0.5) / 5))
"""Standard deviations of luck for which a target is looked at inside a search."""
LUCK = ", luck "
"""Between the name of a target and the number of the luck under which it is looked at."""
AIM = "aim"
"""KPI of the cells where the goal is none of theirs."""
EXACT, LONGEST = 1e-5, 30.0
"""Gap and time of the last one."""


@dataclass(frozen=True)
class Promise:
    """A target that the division keeps, or pays for missing."""

    name: str
    """Target's key; the measure is by how much it is kept."""
    title: str
    unit: str
    """What it counts."""
    cost: float
    """Goal for each unit by which it is missed; of a hard one, so much that missing it never pays."""
    hard: bool


@dataclass(frozen=True)
class Division:
    """How the money of a plan may be divided."""

    scenario: Scenario
    posts: Sequence[Post]
    space: Space
    """Without `divide`."""
    other_spend: float
    """Cost of everything but media [yuan]."""
    band: float
    """Part by which an account's media money may change."""
    unit: str
    """What one unit of the goal is called."""
    promises: Sequence[Promise] = ()
    roas: float | None = None
    """Least goal credited to media for each yuan of them."""
    rates: tuple[float, float] = (1.0, 1.0)
    """What of `choices.goal`, of which limits speak, one unit of the goal stands for: beside media, and credited to them."""
    exchange: float = 1.0
    """What of the goal counts as much as a unit of `choices.goal`, in which shortfalls are told."""

    def __call__(self, responses: Responses, unit: Floats) -> Floats:
        """Return the best money [posts] in yuan at places [settings] of the settings; the current one when none is found.

        What credits are worth changes with all money together (`Parts.lift`), so that money is divided again at what they
        are worth then, and the best division is taken.
        """
        at, found = self.space.spend(self.space.current), []
        for _ in range(TURNS):
            problem = self.problem(responses, unit, at=at, lucks=LUCKS)
            found.append(self._money(solve(problem, gap=ROUGH, seconds=SECONDS, why=False, prices=False)))
            lift = responses.parts(np.stack([at, found[-1]]), np.stack([unit, unit])).lift
            alike = not (problem.goal.spend or any(limit.value for limit in problem.limits))
            if alike or abs(np.log(lift[1] / lift[0])) < STEADY:
                break
            at = found[-1]
        return found[0] if len(found) == 1 else max(found, key=lambda spend: self._worth(responses, unit, spend))

    def keeps(self, responses: Responses, spend: Floats, unit: Floats) -> bool:
        """Return whether money [posts] keeps every hard limit at places [settings] of the settings, targets apart.

        Limits on money alone to a millionth of their size; those on returns by the fitted responses, to `STEADY`.
        """
        return self._judged(responses, spend, unit)[0]

    def _judged(self, responses: Responses, spend: Floats, unit: Floats) -> tuple[bool, float]:
        """Return whether money [posts] keeps every hard limit, and what missing soft ones costs of the goal."""
        problem = self.problem(replace(responses, effects=None), unit, at=spend)
        truth = judge(problem, self._named(spend))
        near = {True: STEADY / VALUE_SLIP, False: 1e-6 / MONEY_SLIP}
        hard = [m for m in problem.limits if m.soft is None]
        kept = all(truth.short[m.name] <= near[bool(m.value)] * slip(m, truth.spend, truth.responses) for m in hard)
        return kept, sum(m.soft * truth.short[m.name] for m in problem.limits if m.soft is not None)

    def _worth(self, responses: Responses, unit: Floats, spend: Floats) -> tuple[bool, float]:
        """Return whether money [posts] keeps every hard limit, and its goal less what misses cost."""
        kept, cost = self._judged(responses, spend, unit)
        return kept, worth(self.space, responses, spend, unit) - cost

    def by_shares(
        self, responses: Responses, curves: Sequence[Hill], worth: Floats, price: float, unit: Floats
    ) -> Floats:
        """Return the money [posts] that is best when shares of the curves are worth so much [posts], a yuan `price`."""
        known = self.problem(replace(responses, effects=None), unit)
        cells = []
        for cell, curve, value in zip(known.cells, curves, worth, strict=True):
            spend = self._corners(cell)
            aim = Points(spend, value * curve.at(spend) + price * spend)
            cells.append(replace(cell, responses={**cell.responses, AIM: aim}))
        found = solve(
            Problem(cells, known.limits, Goal({AIM: 1.0})), gap=ROUGH, seconds=SECONDS, why=False, prices=False
        )
        return self._money(found)

    def _money(self, found: Solution) -> Floats:
        if not found.feasible:
            return self.space.spend(self.space.current)
        return np.array([found.spend[post.name] for post in self.posts], float)

    def solution(self, responses: Responses, unit: Floats, at: Floats) -> Solution:
        """Return the best division in whole units at places [settings], near money `at` [posts], its bound and prices.

        Where no division keeps the hard targets by the curves, the best one that pays for missing them, and the conflict.
        """
        problem = self._last(responses, unit, at)
        found = solve(problem, gap=EXACT, seconds=LONGEST)
        if found.feasible and self.promises:
            duals = pooled(problem, judge(problem, found.spend), found.duals, LUCK)
            found = replace(found, duals=duals, notes=lasting(found.notes))
        if found.feasible and any(promise.hard for promise in self.promises):
            must = solve(self.problem(responses, unit, at=at, hard=True), gap=ROUGH, seconds=LONGEST, prices=False)
            found = replace(found, conflict=must.conflict)
        return found

    def judged(self, responses: Responses, spend: Floats, unit: Floats) -> Solution:
        """Return what money [posts] that is not the best by the curves is worth by them, with the bound of the best."""
        best = self.solution(responses, unit, spend)
        if not best.feasible:
            return best
        problem = self._last(responses, unit, spend)
        truth = judge(problem, self._named(spend))
        gap = (best.bound - truth.goal) / max(abs(best.bound), abs(truth.goal), 1e-300)
        notes = lasting(notes_on(problem, truth, best.duals))
        return replace(
            best, spend=truth.spend, kpis=truth.kpis, value=truth.goal, gap=gap, proved=False,
            status=f"not the best division by the curves, which would be worth {gap:.2%} more", notes=notes,
            cells=cell_table(problem, truth),
        )  # fmt: skip

    def whole(self, responses: Responses, spend: Floats, unit: Floats) -> Floats:
        """Return the money [posts] in whole units that keeps the limits and lies nearest to money [posts]."""
        known = self.problem(replace(responses, effects=None), unit, at=spend, whole=True)
        cells = []
        for cell, money in zip(known.cells, spend, strict=True):
            ends = sorted({cell.domain[0], min(max(float(money), cell.domain[0]), cell.domain[1]), cell.domain[1]})
            near = Points(ends, [self.space.budget - abs(x - money) for x in ends])
            cells.append(replace(cell, responses={**cell.responses, AIM: near}))
        return self._money(
            solve(Problem(cells, known.limits, Goal({AIM: 1.0})), gap=EXACT, seconds=LONGEST, why=False, prices=False)
        )

    def _last(self, responses: Responses, unit: Floats, at: Floats) -> Problem:
        """Return the problem whose division is handed back."""
        return self.problem(responses, unit, at=at, whole=True, lucks=LUCKS)

    def _named(self, spend: Floats) -> dict[str, float]:
        return {post.name: float(x) for post, x in zip(self.posts, spend, strict=True)}

    def clash(self) -> Conflict | None:
        """Return which limits on money alone contradict each other, or None; limits on returns are left out."""
        line = Points([0.0, max(self.space.budget, 1.0)], [0.0, 0.0])
        cells = [
            Cell(p.name, {GOAL: line, CREDIT: line}, p.lever, p.period, p.account, self.space.levers[p.name].low,
                 self.space.levers[p.name].high)
            for p in self.posts
        ]  # fmt: skip
        rules = plan_limits(self.scenario, cells, self.space.budget, Rest(0.0, 0.0), self.band)
        return solve(Problem(cells, [r for r in rules if not r.value], least_spend()), gap=ROUGH).conflict

    def problem(
        self, responses: Responses, unit: Floats, *, at: Floats | None = None, whole: bool = False, hard: bool = False,
        lucks: Sequence[float] = (0.0,),
    ) -> Problem:  # fmt: skip
        """Return the problem: the most of the goal that media bring, less what money takes from the goal itself.

        Curves are drawn through `CORNERS` points, which is closer than they are known. `at`: money [posts] at which
        credits are worth what they count, the current one unless given. `whole`: in whole units. `hard`:
        hard targets must hold, else missing one costs. `lucks`: a target is missed on average over runs with so many
        standard deviations of luck, so that a plan keeps clear of it.
        """
        now = self.space.spend(self.space.current) if at is None else at
        parts = responses.parts(now[None], unit[None])
        worth = responses.scale * float(parts.gain[0] * parts.lift[0])
        shares = float(parts.sharing[0] / parts.lift[0]) / responses.incrementality
        cells = [
            self._cell(post, replace(curve, top=curve.top * worth), float(part), whole)
            for post, curve, part in zip(self.posts, responses.curves(unit), shares, strict=True)
        ]
        rest = Rest(responses.scale * float(parts.beside[0]), self.other_spend, *self.rates, self.exchange)
        limits = plan_limits(self.scenario, cells, self.space.budget, rest, self.band)
        if self.roas is not None:
            limits.append(minimum_return("the return on media", cells, CREDIT, self.roas))
        if responses.effects is not None:
            cells, kept = self._promised(cells, responses.effects, unit, lucks, hard=hard)
            limits += kept
        aims = self.space.aims if responses.effects is not None else {}
        return Problem(cells, limits, Goal({GOAL: responses.theta, **aims}, max(responses.price, 0.0), self.unit))

    def _promised(
        self, cells: list[Cell], effects: Effects, unit: Floats, lucks: Sequence[float], *, hard: bool
    ) -> tuple[list[Cell], list[Limit]]:
        """Return the cells with what they do to promised targets and aims, and the targets as limits, see `problem`."""
        base = dict(
            zip(effects.names, zip(effects.base(unit).tolist(), effects.noise.tolist(), strict=True), strict=True)
        )
        more: list[dict[str, Points]] = [{} for _ in cells]
        drawn = [self._corners(cell) for cell in cells]
        shares = [curve.at(spend) for curve, spend in zip(effects.curves, drawn, strict=True)]
        for k, name in enumerate(effects.names):
            for found, spend, share, weight in zip(more, drawn, shares, effects.lever(k), strict=True):
                found[name] = Points(spend, weight * share + effects.price(k) * spend)
        changed = [replace(cell, responses={**cell.responses, **m}) for cell, m in zip(cells, more, strict=True)]
        limits = []
        for p in (promise for promise in self.promises if promise.name in base):
            level, noise = base[p.name]
            value, must = {(cell.name, p.name): 1.0 for cell in cells}, p.hard and hard
            for k, luck in enumerate((0.0,) if must else lucks):
                name, cost = f"target {p.title}" + (f"{LUCK}{k}" if k else ""), None if must else p.cost / len(lucks)
                limits.append(Limit(name, {}, value, ">=", -level - luck * noise, cost, unit=p.unit))
        return changed, limits

    def _corners(self, cell: Cell) -> Floats:
        return np.asarray(cell.domain[1] * np.linspace(0.0, 1.0, CORNERS) ** 2)

    def _cell(self, post: Post, curve: Hill, credited: float, whole: bool) -> Cell:
        """Return a post that brings a curve of the goal, each unit of which counts so much as credit."""
        bounds = self.space.levers[post.name]
        spend = max(bounds.high, 1.0) * np.linspace(0.0, 1.0, CORNERS) ** 2
        brought = curve.at(spend)
        responses = {GOAL: Points(spend, brought), CREDIT: Points(spend, credited * brought)}
        unit = post.unit if whole and post.unit and bounds.high - bounds.low > post.unit else None
        return Cell(post.name, responses, post.lever, post.period, post.account, bounds.low, bounds.high, unit)


def lasting(notes: Sequence[str]) -> tuple[str, ...]:
    """Return the notes without those on a target under one of its lucks."""
    return tuple(note for note in notes if LUCK not in note)
