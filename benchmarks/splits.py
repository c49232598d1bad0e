"""splits: budgets to split over Hill responses, with the best split known without any of the tools compared.

One price of money settles concave responses (water-filling), also under floors and caps of disjoint groups. For S-shaped
ones a dynamic programme on a fine grid picks who gets money, and Newton's method on the equal-marginal conditions does the
rest; the choice of the grid can only be too low.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
BUDGET = 1e6
STEPS = 2000
"""Grid steps of the dynamic programme."""


@dataclass(frozen=True)
class Split:
    """A budget to split over cells with responses top x^power / (half^power + x^power)."""

    top: Floats
    half: Floats
    power: Floats
    budget: float
    most: float
    """Largest spend of any cell [yuan]."""
    group: NDArray[np.int64]
    floor: Floats
    """By group [yuan]"""
    cap: Floats
    """By group [yuan]"""

    @property
    def grouped(self) -> bool:
        """Whether groups limit anything."""
        return len(self.floor) > 1

    def responses(self, x: Floats) -> Floats:
        """Return the response of each cell at its spend; x [..., cells]."""
        r = (np.maximum(x, 0.0) / self.half) ** self.power
        return self.top * r / (1 + r)

    def slopes(self, x: Floats) -> Floats:
        """Return the derivative of each cell's response."""
        r = np.maximum(x, 0.0) / self.half
        return self.top * self.power / self.half * r ** (self.power - 1) / (1 + r**self.power) ** 2

    def value(self, x: Floats) -> float:
        """Return the sum of the responses."""
        return float(self.responses(x).sum())

    def scaled(self, factor: float) -> "Split":
        """Return the split with responses in other units."""
        return replace(self, top=self.top * factor)

    def repaired(self, x: Floats) -> Floats:
        """Return spends within bounds and budget, shrunk in proportion if a tool overspends."""
        x = np.clip(x, 0.0, self.most)
        return x * min(1.0, self.budget / x.sum()) if x.sum() > 0 else x


def split(cells: int, shaped: bool, seed: int) -> Split:
    """Return an instance: powers 1, or 1.5 to 4 when `shaped`; half-saturations about the equal split."""
    rng = np.random.default_rng([seed, cells, shaped])
    power = rng.uniform(1.5, 4.0, cells) if shaped else np.ones(cells)
    half = BUDGET / cells * rng.uniform(0.3, 3.0, cells)
    return Split(
        rng.uniform(50, 150, cells), half, power, BUDGET, BUDGET, np.zeros(cells, np.int64), np.zeros(1), np.full(1, BUDGET)
    )  # fmt: skip


def year(channels: int, weeks: int, groups: int, seed: int) -> Split:
    """Return concave cells of channels by weeks with seasons; groups of channels have floors and caps, some of which bind."""
    rng = np.random.default_rng([seed, channels, weeks])
    season = 1 + 0.4 * np.sin(2 * np.pi * (np.arange(weeks) / weeks + rng.uniform(size=(channels, 1))))
    budget = BUDGET * channels * weeks / 50
    top = (rng.uniform(50, 150, (channels, 1)) * season).ravel()
    half = (budget / channels / weeks * rng.uniform(0.3, 3.0, (channels, 1)) * season).ravel()
    group = np.repeat(np.arange(channels) % groups, weeks)
    share = rng.uniform(0.7, 1.3, groups) / groups
    most = 20 * budget / channels / weeks
    return Split(top, half, np.ones(len(top)), budget, most, group, 0.9 * share * budget, 1.1 * share * budget)


def best_split(problem: Split) -> Floats:
    """Return the best spends [cells]."""
    if (problem.power == 1).all():
        return water_filled(problem)
    return polished(problem, by_grid(problem))


def water_filled(problem: Split) -> Floats:
    """Return the best spends for powers of 1: sqrt(top half / price) - half, each group at its own price within limits."""

    def at(price: Floats) -> Floats:
        x = np.sqrt(problem.top * problem.half / price[problem.group]) - problem.half
        return np.clip(x, 0.0, problem.most)

    groups = len(problem.floor)
    high = float((problem.top / problem.half).max())

    def group_price(limit: Floats) -> Floats:
        low, top = np.full(groups, high * 1e-12), np.full(groups, high)
        for _ in range(200):
            middle = np.sqrt(low * top)
            over = np.bincount(problem.group, at(middle), groups) > limit
            low, top = np.where(over, middle, low), np.where(over, top, middle)
        return top

    least, most = group_price(problem.cap), group_price(problem.floor)
    low, top = high * 1e-12, high
    for _ in range(200):
        middle = (low * top) ** 0.5
        over = at(np.clip(middle, least, most)).sum() > problem.budget
        low, top = (middle, top) if over else (low, middle)
    return at(np.clip(top, least, most))


def by_grid(problem: Split) -> Floats:
    """Return the best spends on a grid of the budget, by dynamic programming over cells."""
    grid = np.linspace(0.0, problem.budget, STEPS + 1)
    best = np.zeros(STEPS + 1)
    taken = np.zeros((len(problem.top), STEPS + 1), np.int32)
    for k in range(len(problem.top)):
        r = (grid / problem.half[k]) ** problem.power[k]
        own = problem.top[k] * r / (1 + r)
        padded = np.concatenate((np.full(STEPS, -np.inf), best))
        windows = np.lib.stride_tricks.sliding_window_view(padded, STEPS + 1)[:, ::-1]
        total = windows + own
        taken[k] = total.argmax(axis=1)
        best = total[np.arange(STEPS + 1), taken[k]]
    left, x = STEPS, np.zeros(len(problem.top))
    for k in reversed(range(len(problem.top))):
        x[k] = grid[taken[k, left]]
        left -= taken[k, left]
    return x


def polished(problem: Split, x: Floats) -> Floats:
    """Return the local optimum near a split of the whole budget, by SLSQP in units of one over the cells that get money."""
    on = np.flatnonzero(x > 0)
    part = replace(
        problem, top=problem.top[on] / problem.top.max(), half=problem.half[on] / problem.budget, power=problem.power[on],
        budget=1.0, most=1.0,
    )  # fmt: skip
    found = minimize(
        lambda v: (-part.value(v), -part.slopes(v)), x[on] / problem.budget, jac=True, method="SLSQP",
        bounds=[(0.0, 1.0)] * len(on), options={"ftol": 1e-15, "maxiter": 500},
        constraints={"type": "eq", "fun": lambda v: v.sum() - 1.0, "jac": np.ones_like},
    )  # fmt: skip
    better = np.zeros_like(x)
    better[on] = found.x * problem.budget
    better = problem.repaired(better)
    return better if problem.value(better) >= problem.value(x) else x
