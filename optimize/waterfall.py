"""waterfall: what each lever's change of money, and the settings, add to the goal from the current plan to the proposed.

The fitted goal `scale (gain total^theta - charge)` of `optimize.response` is a sum of products; each product's change is
divided between its factors by their means, `d(ab) = mean(b) da + mean(a) db` (Bennet 1920, Journal of the Royal Statistical
Society 83), which needs no order of steps and leaves no remainder. A goal that no lever is credited with is a sum of effects
(`optimize.effects`), one for each lever's money and one for the settings. What the simulation adds to that, or takes from
it, is told as what it is: not explained by the curves.
"""

from math import nan
from typing import Any

import numpy as np
import pandas as pd

from experiments.tables import rows
from optimize.effects import Effects
from optimize.market import Floats, Plan, Space
from optimize.rehearsals import Rehearsals
from optimize.response import Responses, saturation
from optimize.search import Proposal
from sim.kpis import KPIS

COLUMNS = ("name", "kind", "value", "start", "end", "low", "high")
"""Columns of the waterfall."""


def waterfall(market: Rehearsals, found: Proposal, proof: pd.DataFrame) -> pd.DataFrame:
    """Return the steps from the simulated goal of the current plan to that of the proposed, one row each.

    Columns: name (a lever's key for its money), kind, value (of `current` and `proposed` the goal, of all others what they
    add), start, end (the goal before and after), low, high (of `proposed`: the 95 % interval of the whole change; else
    NaN). Kinds in order: current, money (the largest first), settings (where there are any), rest (what the curves do not
    explain), proposed. `proof` is a table of `experiments.compare` between the two. The values from current to rest sum
    up to the proposed.
    """
    row = goal_row(market.goal, proof)
    money, settings = contributions(
        found.responses, market.space, market.space.current, found.found, refund=market.marginal
    )
    by_lever: dict[str, float] = {}
    for post, value in zip(market.posts, money, strict=True):
        by_lever[post.lever] = by_lever.get(post.lever, 0.0) + float(value)
    steps = [(name, "money", by_lever[name]) for name in sorted(by_lever, key=lambda name: -abs(by_lever[name]))]
    steps += [("settings", "settings", settings)] if market.settings else []
    rest = float(row.difference) - sum(value for *_, value in steps)
    lines: list[tuple[object, ...]] = [("current", "current", row.base_mean, 0.0, row.base_mean, nan, nan)]
    level = float(row.base_mean)
    for name, kind, value in (*steps, ("rest", "rest", rest)):
        lines.append((name, kind, value, level, level + value, nan, nan))
        level += value
    lines.append(("proposed", "proposed", row.other_mean, 0.0, row.other_mean, row.ci_low, row.ci_high))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def goal_row(goal: str, proof: pd.DataFrame) -> Any:
    """Return the row of a verification that compares the goal itself over the plan, in its unit."""
    here = (proof["kpi"] == goal) & (proof["window"] == "plan") & (proof["segment"] == "all")
    return next(rows(proof[here & (proof["unit"] == KPIS[goal].unit)]))


def contributions(
    responses: Responses, space: Space, before: Plan, after: Plan, *, refund: float = 0.0
) -> tuple[Floats, float]:
    """Return what money [levers] and the settings together add to the fitted goal from one plan to another.

    They sum up to the difference of `Responses.total`, or with `Space.aims` of the fitted aims. `refund`: what the fit
    charges for a yuan although the goal does not [goal a yuan].
    """
    spend = np.stack([space.spend(before), space.spend(after)])
    unit = np.stack([space.unit(before), space.unit(after)])
    if space.aims:
        assert responses.effects is not None
        return aimed(responses.effects, space, spend, unit, refund)
    parts, theta = responses.parts(spend, unit), responses.theta
    curves = [responses.curves(place) for place in unit]
    strength = np.array([[curve.top for curve in at] for at in curves])
    half, power = (np.array([getattr(curve, name) for curve in curves[0]], float) for name in ("half", "power"))
    share = saturation(spend, half, power).reshape(strength.shape)
    lift = parts.gain.mean() * slope(parts.total, theta)
    by_money = lift * strength.mean(0) * np.diff(share, axis=0)[0]
    by_strength = lift * float(share.mean(0) @ np.diff(strength, axis=0)[0])
    by_gain = float((parts.total**theta).mean() * np.diff(parts.gain)[0])
    more = np.diff(spend, axis=0)[0]
    charge = float(np.diff(responses.scale * parts.charge)[0]) - responses.price * float(more.sum())
    money = responses.scale * by_money - (responses.price - refund) * more
    return np.asarray(money), responses.scale * (by_strength + by_gain) - charge


def aimed(effects: Effects, space: Space, spend: Floats, unit: Floats, refund: float) -> tuple[Floats, float]:
    """Return what money [levers] and the settings add to what is aimed at between two plans [2, levers], [2, settings]."""
    weights = space.weights(effects.names)[0] @ effects.weights
    levers = len(effects.curves)
    change = np.diff(effects.features(spend, unit), axis=0)[0]
    by_yuan = weights[1 + levers] + refund
    money = weights[1 : 1 + levers] * change[1 : 1 + levers] + by_yuan * np.diff(spend, axis=0)[0]
    return money, float(weights[2 + levers :] @ change[2 + levers :])


def slope(total: Floats, theta: float) -> float:
    """Return the slope of the chord of `total^theta` between two totals [2], or of the curve where they are one.

    >>> slope(np.array([1.0, 4.0]), 0.5), slope(np.array([4.0, 4.0]), 0.5)
    (0.3333333333333333, 0.25)
    """
    low, high = (float(value) for value in total)
    if abs(high - low) <= 1e-9 * max(abs(low), abs(high)):
        return float(theta * low ** (theta - 1))
    return float((high**theta - low**theta) / (high - low))
