"""pareto: plans that no other plan beats in every goal, found by the effects of all runs so far and proved by new ones.

For each weighting of the goals the money that is best by the fitted effects is divided under the plan's limits, and the
settings are climbed, in turns; the plans so found run on fresh common seeds, and those that another one beats in every goal
are left out. Weighted sums reach the convex part of the front (Das & Dennis 1997), plans between neighbours the rest; no
run is spent on the search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from optimize.coupled import STEPS, climb, snap
from optimize.divide import divide
from optimize.effects import Effects, fit_effects
from optimize.market import Floats, Market, Plan, Space, rehearse
from optimize.response import Responses
from optimize.runs import Runs

Direction = Literal["maximize", "minimize"]
DIVISIONS = {2: 8, 3: 4, 4: 3}
"""Steps of the weights' lattice, by the number of goals."""
ROUNDING = 1e-12
"""Share of a goal's size below which a difference or a spread is rounding, such as that of the sum of one plan's money."""
NEAR = 0.1
"""Gap between plans that is not filled [standard deviations of the goals]."""


@dataclass(frozen=True)
class Front:
    """The plans that are not beaten."""

    table: pd.DataFrame
    """One row per plan, in the order of the first goal, best first: plan (its name), for each goal its mean over the seeds
    that measured it, `SE GOAL` (standard error of that mean), `difference GOAL` (mean paired difference to the plan
    compared with, over the seeds that measured both), `low GOAL` and `high GOAL` (its 95 % interval, Student's, each by
    itself; NaN without a plan to compare with or two common seeds), and knee (True for one)."""
    plans: Mapping[str, Plan]
    """By name."""
    tried: int
    """Plans that ran."""


def front(
    market: Market, goals: Mapping[str, Direction], runs: Runs, responses: Responses, also: Mapping[str, Plan],
    seeds: Sequence[int],
) -> Front:  # fmt: skip
    """Return the front by measures of the market.

    `runs` and `responses` are those of a search; `also` are plans to run besides, the first of which, such as the current
    one, all others are compared with, on the front or not. As all plans run under the same seeds, standard errors are those
    of levels; only the paired differences tell plans apart. Raises `ValueError` for fewer than two or more than four goals,
    fewer than two seeds, and measures that the market does not have.
    """
    space = market.space
    if not 2 <= len(goals) <= 4 or len(seeds) < 2:
        raise ValueError(f"2 to 4 goals and 2 seeds or more are needed, but got {list(goals)} and {len(seeds)} seeds")
    if unknown := sorted(set(goals) - set(space.measures)):
        raise ValueError(f"{unknown[0]!r} is no measure of the market; it has {', '.join(space.measures)}")
    measured = runs.measures[:, [space.measures.index(goal) for goal in goals]]
    curves = responses.curves(np.full(len(space.settings), 0.5))
    effects = fit_effects(list(goals), measured, runs, curves)
    sign = np.array([1.0 if way == "maximize" else -1.0 for way in goals.values()])
    spread = np.nanstd(measured, axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    weights = lattice(len(goals), DIVISIONS[len(goals)])
    found = [best(space, responses, effects, each * sign / scale) for each in weights]
    plans = dict(also)
    for plan in filled(space, [p for k, p in enumerate(found) if p not in found[:k]], effects, scale, len(weights)):
        if plan not in plans.values():
            plans[f"plan {len(plans) - len(also) + 1}"] = plan
    outcomes = rehearse(market, list(plans.values()), seeds)
    values = np.array([[[o.measures[goal] for goal in goals] for o in row] for row in outcomes])
    return unbeaten(plans, list(goals), sign, values, paired=bool(also))


def lattice(goals: int, steps: int) -> Floats:
    """Return all weights [weightings, goals] that are multiples of 1/steps and sum to 1.

    >>> lattice(2, 2).tolist()
    [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    bars = combinations(range(steps + goals - 1), goals - 1)
    ends = np.array([(-1, *bar, steps + goals - 1) for bar in bars])
    return np.asarray((np.diff(ends, axis=1) - 1) / steps)


def best(space: Space, responses: Responses, effects: Effects, weights: Floats) -> Plan:
    """Return the plan with the largest weighted sum [measures] of the fitted measures."""
    unit, spend = space.unit(space.current), space.spend(space.current)
    levers = len(effects.curves)
    worth, price = weights @ effects.weights[:, 1 : 1 + levers], float(weights @ effects.weights[:, 1 + levers])
    for _ in range(2 if space.settings else 1):
        if space.levers:
            spend = money(space, responses, effects, worth, price, unit)
        if space.settings:
            unit = climb(space, partial(weighed, effects, spend, weights), unit[None])
    return space.plan(spend, unit)


def filled(space: Space, plans: list[Plan], effects: Effects, scale: Floats, count: int) -> list[Plan]:
    """Return the plans, up to `count` of them by those halfway between neighbours, the widest gap first.

    Where the fitted front is straight or hollow, weighted sums find its ends only. Neighbours have no other plan in the ball
    between them (Gabriel & Sokal 1969); gaps are in standard deviations of the fitted goals.
    """
    while 2 <= len(plans) < count:
        spend, unit = np.array([space.spend(p) for p in plans]), np.array([space.unit(p) for p in plans])
        goals = effects.means(spend, unit) / scale
        square = ((goals[:, None] - goals[None]) ** 2).sum(2)
        alone = (square[:, None] + square[None] >= square[:, :, None]).all(2)
        a, b = np.unravel_index(int(np.where(alone, square, 0.0).argmax()), square.shape)
        middle = space.plan((spend[a] + spend[b]) / 2, snap(space, (unit[[a]] + unit[[b]]) / 2)[0])
        if square[a, b] < NEAR**2 or middle in plans:
            break
        plans = [*plans, middle]
    return plans


def weighed(effects: Effects, spend: Floats, weights: Floats, unit: Floats) -> Floats:
    """Return the weighted sum [places] of the fitted measures at money [levers] and settings [places, settings]."""
    return np.asarray(effects.means(np.tile(spend, (len(unit), 1)), unit) @ weights)


def money(space: Space, responses: Responses, effects: Effects, worth: Floats, price: float, unit: Floats) -> Floats:
    """Return the money [levers] that is best when shares of saturation are worth so much [levers], each yuan `price`."""
    if space.divide is not None:
        return space.divide.by_shares(responses, effects.curves, worth, price, unit)
    low, high = space.low, space.high
    step = (space.budget - low.sum()) / STEPS
    amounts = low + step * np.arange(STEPS + 1)[:, None]
    value = effects.shares(np.minimum(amounts, high)) * worth + price * amounts
    steps, total = divide(np.where(amounts > high * (1 + 1e-12), -np.inf, value).T)
    return np.asarray(np.minimum(low + step * steps[int(total.argmax())], high))


def unbeaten(
    plans: Mapping[str, Plan], goals: Sequence[str], sign: Floats, values: Floats, *, paired: bool = False
) -> Front:
    """Return the front of plans by their values [plans, seeds, goals]; `sign` [goals]: 1 where more is better, else -1.

    Means are over the seeds that measured a goal; a plan of which fewer than two did is left out. `paired`: compare with
    the first plan.
    """
    means, errors, count = moments(values)
    gap, half = differences(values) if paired else (np.full_like(means, np.nan),) * 2
    measured = np.flatnonzero((count >= 2).all(1))
    kept = measured[~beaten(means[measured] * sign)]
    order = kept[np.argsort(-sign[0] * means[kept, 0], kind="stable")].tolist()
    table = pd.DataFrame({"plan": [list(plans)[k] for k in order]})
    for g, goal in enumerate(goals):
        table[goal], table[f"SE {goal}"] = means[order, g], errors[order, g]
        table[f"difference {goal}"] = gap[order, g]
        table[f"low {goal}"], table[f"high {goal}"] = (gap - half)[order, g], (gap + half)[order, g]
    table["knee"] = knees(means[order] * sign, 1)
    return Front(table, {name: plans[name] for name in table["plan"]}, len(plans))


def moments(values: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return mean, its standard error and count [plans, goals] of the values [plans, seeds, goals] that are known."""
    known = np.isfinite(values)
    count = known.sum(1)
    means = np.where(known, values, 0.0).sum(1) / np.maximum(count, 1)
    squares = np.where(known, values - means[:, None], 0.0) ** 2
    errors = np.sqrt(squares.sum(1) / np.maximum(count - 1, 1) / np.maximum(count, 1))
    return means, np.where(errors > ROUNDING * np.abs(means), errors, 0.0), count


def differences(values: Floats) -> tuple[Floats, Floats]:
    """Return paired differences to the first plan and half-widths of their 95 % intervals [plans, goals]; see `Front`.

    >>> gap, half = differences(np.array([[[1.0], [5.0], [np.nan]], [[2.0], [8.0], [3.0]]]))
    >>> gap.ravel().tolist(), half.ravel().round(1).tolist()
    ([0.0, 2.0], [0.0, 12.7])
    """
    gaps, size = values - values[:1], np.where(np.isfinite(values), np.abs(values), 0.0).max((0, 1))
    means, errors, count = moments(np.where(np.abs(gaps) > ROUNDING * size, gaps, gaps * 0.0))
    errors[errors < ROUNDING * size] = 0.0
    paired = count >= 2
    half = stdtrit(np.maximum(count - 1, 1), 0.975) * errors
    return np.where(paired, means, np.nan), np.where(paired, half, np.nan)


def beaten(values: Floats) -> NDArray[np.bool_]:
    """Return which rows of [plans, goals], all to be maximised, another one is at least as good as in all and better in one.

    >>> beaten(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]])).tolist()
    [False, False, True]
    """
    gap = values[None] - values[:, None]
    above: NDArray[np.bool_] = np.all(gap >= 0, axis=2) & np.any(gap > 0, axis=2)
    return np.asarray(np.any(above, axis=1))


def knees(values: Floats, count: int) -> list[bool]:
    """Return which of the plans [plans, goals], all to be maximised, bulge most beyond the plane through the extremes.

    Das (1999): the knee is farthest from the hull of the individual optima; goals are scaled to their ranges on the front.
    """
    span = np.ptp(values, axis=0) if len(values) else np.zeros(1)
    if len(values) < 3 or not (span > 0).all():
        return [False] * len(values)
    bulge = ((values - values.min(0)) / span).sum(1) - 1.0
    top = set(np.argsort(-bulge, kind="stable")[:count].tolist())
    return [k in top and bulge[k] > 0 for k in range(len(values))]
