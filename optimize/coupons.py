"""coupons: who gets which coupon under a budget, a least return and fair shares for segments, with a proof of how good.

A multiple-choice knapsack: each user gets one option (0 is none); values are incremental, so that a coupon to someone
who would have bought anyway costs money and brings nothing (`optimize.uplift`). Solved by its dual at a million users.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize import knapsack, sidelimits
from optimize.answers import COST, COUNT, VALUE, Array, Floats, Users
from optimize.core import CORES, Limits
from optimize.sidelimits import InfeasibleError

__all__ = ["Assignment", "Band", "InfeasibleError", "assign"]

SMALL = CORES[0]
"""Users up to which an integer programme decides on all of them, whatever the limits."""


@dataclass(frozen=True)
class Band:
    """A fair share for a segment: at least `least` and at most `most`, shares from 0 to 1."""

    segment: Any
    least: float = 0.0
    most: float = 1.0
    of: Literal["spend", "coupons", "users"] = "spend"
    """The segment's share of all spend, its share of all coupons, or the share of its users who get a coupon."""

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most <= 1:
            values = f"(least={self.least}, most={self.most})"
            raise ValueError(f"`0 <= least <= most <= 1` must hold, but got {values} for segment {self.segment!r}")
        if self.of not in ("spend", "coupons", "users"):
            raise ValueError(f"`of` must be spend, coupons or users, but got {self.of!r}")

    def title(self, side: str) -> str:
        """Return the name of one side of the band in words."""
        share, word = (self.least, "at least") if side == "least" else (self.most, "at most")
        if self.of == "users":
            return f"{word} {share:.4g} of the users of {self.segment} with a coupon"
        return f"{self.segment} {word} {share:.4g} of all {self.of}"


@dataclass(frozen=True, eq=False)
class Assignment:
    """Who gets which coupon, what it brings and costs, and how far from the best it can be."""

    choice: NDArray[np.uint8]
    """[users] option; 0 is none"""
    value: float
    """Sum of the values."""
    cost: float
    """Sum of the costs [yuan]."""
    budget: float
    """[yuan]"""
    bound: float
    """What no assignment under the same limits can exceed (exact but for rounding, 1e-12 of it)."""
    multiplier: float
    """Value that one more yuan of budget buys."""
    limits: pd.DataFrame
    """limit, measured, allowed, multiplier, words: the budget first. The multiplier is the value that one more yuan of
    budget buys, or that easing a return by 0.01 or a share by one point buys."""
    passes: int
    """Passes over the arrays."""

    @property
    def gap(self) -> float:
        """Relative distance of the value from the bound: the certificate."""
        return (self.bound - self.value) / abs(self.bound) if self.bound else 0.0

    @property
    def words(self) -> str:
        """What more money or an easier limit buys, in a sentence each."""
        return "\n".join(self.limits["words"])


def assign(
    value: Array,
    cost: Array,
    budget: float,
    *,
    segment: Array | None = None,
    least_return: float | None = None,
    bands: Iterable[Band] = (),
    goal: str = "yuan of profit",
) -> Assignment:
    """Return the assignment of the highest total value whose total cost is at most `budget` [yuan].

    `value`, `cost` [users, options], float32 or float64, are read in place: incremental value and expected cost [yuan] of
    each option for each user; option 0 is none and must be worth and cost 0; a value of -inf bars an option from a user.
    `least_return`: least total value per yuan of total cost. `segment` [users]: names or numbers, for `bands`. `goal`
    names the unit of the values. Raises `ValueError` for wrong input, `InfeasibleError` when the limits are in conflict.

    >>> value = np.array([[0.0, 3.0, 4.0], [0.0, 1.0, 5.0]])
    >>> cost = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    >>> best = assign(value, cost, budget=3.0)
    >>> best.choice.tolist(), best.value, best.cost
    ([1, 2], 8.0, 3.0)
    """
    if not 0 <= budget < np.inf:
        raise ValueError(f"`0 <= budget < inf` must hold, but got {budget}")
    bands = tuple(bands)
    names, numbers = _segments(segment, len(value), bands)
    users = Users(value, cost, numbers, len(names))
    sizes = np.bincount(users.segment, minlength=len(names)).astype(float)
    limits, asked = _limits(budget, least_return, bands, names, sizes)
    if len(limits.names) == 1 and len(value) > SMALL:
        dual = knapsack.solve(users, budget)
        prices = np.array([dual.price])
    else:
        dual, prices = sidelimits.solve(users, limits)
    total = users.total(dual.choice)
    return Assignment(
        choice=dual.choice,
        value=float(total[VALUE].sum()),
        cost=float(total[COST].sum()),
        budget=float(budget),
        bound=float(dual.bound),
        multiplier=float(prices[0]),
        limits=_table(limits, asked, prices, total, sizes, goal),
        passes=users.passes,
    )


def _segments(
    segment: Array | None, users: int, bands: tuple[Band, ...]
) -> tuple[tuple[Any, ...], NDArray[np.uint8] | None]:
    """Return the segments' names and the number of each user's, None when there is but one segment."""
    if segment is None:
        if bands:
            raise ValueError(f"`segment` must be given with bands, but got none for {len(bands)} bands")
        return ("all",), None
    names, numbers = np.unique(np.asarray(segment), return_inverse=True)
    if numbers.shape != (users,) or len(names) > 255:
        rule = "`segment` must name one of at most 255 segments for each user"
        raise ValueError(f"{rule}, but got shape {np.shape(segment)} with {len(names)} segments for {users} users")
    known = tuple(names.tolist())
    for band in bands:
        if band.segment not in known:
            raise ValueError(f"`segment` of a band must be one of {list(known)}, but got {band.segment!r}")
    if not bands:
        return ("all",), None
    return known, numbers.astype(np.uint8)


_Asked = tuple[str, Band | None, float, int]
"""What a limit is about (budget, return, least or most), its band, the value allowed, the segment's number."""


def _limits(
    budget: float, least_return: float | None, bands: tuple[Band, ...], names: tuple[Any, ...], sizes: Floats
) -> tuple[Limits, list[_Asked]]:
    """Return the limits as rows over totals [3, S] and what each is about."""
    row = np.zeros((3, len(names)))
    row[COST] = 1.0
    rows, most, titles = [row], [float(budget)], [f"a budget of {budget:.10g} yuan"]
    asked: list[_Asked] = [("budget", None, float(budget), 0)]
    if least_return is not None:
        if not np.isfinite(least_return):
            raise ValueError(f"`least_return` must be finite, but got {least_return}")
        row = np.zeros((3, len(names)))
        row[VALUE], row[COST] = -1.0, least_return
        rows, most, titles = [*rows, row], [*most, 0.0], [*titles, f"a return of at least {least_return:.6g}"]
        asked.append(("return", None, least_return, 0))
    for band in bands:
        for side, share, sign in (("least", band.least, 1.0), ("most", band.most, -1.0)):
            if share == (0.0 if side == "least" else 1.0):
                continue
            s, row = names.index(band.segment), np.zeros((3, len(names)))
            kind = COST if band.of == "spend" else COUNT
            row[kind] = 0.0 if band.of == "users" else sign * share
            row[kind, s] -= sign
            rows, titles = [*rows, row], [*titles, band.title(side)]
            most.append(-sign * share * sizes[s] if band.of == "users" else 0.0)
            asked.append((side, band, share, s))
    _check_shares(bands, names)
    return Limits(tuple(titles), np.array(rows), np.array(most)), asked


def _check_shares(bands: tuple[Band, ...], names: tuple[Any, ...]) -> None:
    """Raise `InfeasibleError` when the shares of a whole cannot sum to one, so that nobody could get anything."""
    for of in ("spend", "coupons"):
        least, most = dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0)
        for band in bands:
            if band.of == of:
                least[band.segment] = max(least[band.segment], band.least)
                most[band.segment] = min(most[band.segment], band.most)
        crossed = [s for s in names if least[s] > most[s]]
        for over, side in ((sum(least.values()) - 1, "least"), (1 - sum(most.values()), "most")):
            if over > 1e-12 or crossed:
                titles = [b.title(side) for b in bands if b.of == of and (b.segment in crossed or not crossed)]
                raise InfeasibleError(tuple(titles), {t: over for t in titles if not crossed})


def _table(
    limits: Limits, asked: list[_Asked], prices: Floats, total: Floats, sizes: Floats, goal: str
) -> pd.DataFrame:
    """Return limit, measured, allowed, multiplier, words."""
    spend, count, rows = float(total[COST].sum()), float(total[COUNT].sum()), []
    for k, (kind, band, allowed, s) in enumerate(asked):
        if kind == "budget":
            measured, worth = spend, float(prices[k])
        elif kind == "return":
            measured, worth = float(total[VALUE].sum()) / spend if spend else np.nan, float(prices[k]) * spend * 0.01
        else:
            assert band is not None
            base = {"spend": spend, "coupons": count, "users": float(sizes[s])}[band.of]
            part = float(total[COST if band.of == "spend" else COUNT, s])
            measured, worth = part / base if base else np.nan, float(prices[k]) * base * 0.01
        words = _words(kind, limits.names[k], worth, goal, allowed - measured)
        rows.append((limits.names[k], measured, allowed, worth, words))
    return pd.DataFrame(rows, columns=["limit", "measured", "allowed", "multiplier", "words"])


def _words(kind: str, title: str, worth: float, goal: str, left: float) -> str:
    """Return what easing a limit buys, in a sentence."""
    if kind == "budget":
        return (
            f"one more yuan buys {worth:.4g} {goal}"
            if worth > 0
            else f"{left:.6g} yuan stay unspent: more buys nothing"
        )
    if not worth > 0:
        return f"{title}: does not bind"
    step = (
        "a return lower by 0.01"
        if kind == "return"
        else f"a share {'lower' if kind == 'least' else 'higher'} by a point"
    )
    return f"{title}: {step} buys {worth:.4g} {goal}"
