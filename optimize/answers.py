"""What is asked of all users, and the passes over it: everybody chooses alone at given weights of value, cost and coupon."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compile import compiled

Array = NDArray[Any]
Floats = NDArray[np.float64]
BLOCK = 4096
"""Users summed up before their sum joins the total, which keeps the rounding error of a total below 1e-12 of it."""
VALUE, COST, COUNT = range(3)
"""Rows of the totals by segment: value, cost, users with a coupon."""


@compiled
def choose(value: Array, cost: Array, segment: Array, weight: Array, choice: Array, part: Array, total: Array) -> None:
    """Let every user choose; fill `choice` [users] and `total` [3, S] with value, cost and coupons by segment.

    A choice maximises weight[0, s] value + weight[1, s] cost + weight[2, s]; the cheaper one among equals.
    """
    users, options = value.shape
    for first in range(0, users, BLOCK):
        for i in range(first, min(first + BLOCK, users)):
            s = segment[i]
            a, b, c = weight[0, s], weight[1, s], weight[2, s]
            best, at = 0.0, 0
            for j in range(1, options):
                if value[i, j] > -np.inf:
                    score = a * value[i, j] + b * cost[i, j] + c
                    if score > best or (score == best and cost[i, j] < cost[i, at]):
                        best, at = score, j
            choice[i] = at
            if at > 0:
                part[0, s] += value[i, at]
                part[1, s] += cost[i, at]
                part[2, s] += 1.0
        for k in range(3):
            for s in range(total.shape[1]):
                total[k, s] += part[k, s]
                part[k, s] = 0.0


@compiled
def add_up(value: Array, cost: Array, segment: Array, choice: Array, part: Array, total: Array) -> None:
    """Fill `total` [3, S] with value, cost and coupons of given choices."""
    users = len(choice)
    for first in range(0, users, BLOCK):
        for i in range(first, min(first + BLOCK, users)):
            if choice[i] > 0:
                part[0, segment[i]] += value[i, choice[i]]
                part[1, segment[i]] += cost[i, choice[i]]
                part[2, segment[i]] += 1.0
        for k in range(3):
            for s in range(total.shape[1]):
                total[k, s] += part[k, s]
                part[k, s] = 0.0


@compiled
def fault(value: Array, cost: Array) -> int:
    """Return the first user whose row breaks a rule of `Users`, or -1."""
    for i in range(len(value)):
        wrong = value[i, 0] != 0.0 or cost[i, 0] != 0.0
        for j in range(value.shape[1]):
            wrong |= not (value[i, j] < np.inf and 0.0 <= cost[i, j] < np.inf)
        if wrong:
            return i
    return -1


class Users:
    """What is asked of every user: value and cost [users, options] and the segment of each, never copied."""

    def __init__(self, value: Array, cost: Array, segment: Array | None = None, segments: int = 1) -> None:
        """Raise `ValueError` where shapes, types or rows break the rules."""
        for name, array in (("value", value), ("cost", cost)):
            if array.ndim != 2 or array.dtype not in (np.float32, np.float64):
                raise ValueError(
                    f"`{name}` must be float32 or float64 [users, options], but got {array.dtype} {array.shape}"
                )
        if value.shape != cost.shape or not (value.shape[0] >= 1 and 2 <= value.shape[1] <= 255):
            rule = "`value` and `cost` must have one shape, at least 1 user and 2 to 255 options"
            raise ValueError(f"{rule}, but got {value.shape} and {cost.shape}")
        row = fault(value, cost)
        if row >= 0:
            rule = "option 0 must be worth and cost 0, values be below infinity, costs finite and not negative"
            raise ValueError(f"{rule}, but user {row} has values {value[row].tolist()} and costs {cost[row].tolist()}")
        self.value, self.cost, self.segments = value, cost, segments
        self.segment = np.zeros(len(value), np.uint8) if segment is None else segment
        self.passes = 0

    def respond(self, weight: Floats) -> tuple[NDArray[np.uint8], Floats]:
        """Return the choices [users] under weights [3, S] and their totals [3, S]; see `choose`."""
        choice = np.empty(len(self.value), np.uint8)
        total, part = np.zeros((3, self.segments)), np.zeros((3, self.segments))
        choose(self.value, self.cost, self.segment, weight, choice, part, total)
        self.passes += 1
        return choice, total

    def at_price(self, price: float) -> tuple[NDArray[np.uint8], float, float]:
        """Return the choices when a yuan costs `price` of value, and their value and cost."""
        weight = np.repeat([[1.0], [-price], [0.0]], self.segments, axis=1)
        choice, total = self.respond(weight)
        return choice, float(total[VALUE].sum()), float(total[COST].sum())

    def total(self, choice: NDArray[np.uint8]) -> Floats:
        """Return value, cost and coupons by segment [3, S] of choices."""
        total, part = np.zeros((3, self.segments)), np.zeros((3, self.segments))
        add_up(self.value, self.cost, self.segment, choice, part, total)
        return total
