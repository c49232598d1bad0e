"""The knapsack under several limits: prices for all of them from a master programme, whole coupons from a small core.

Every limit is linear in the totals by segment [value, cost, coupons; S]. Users answer prices in one pass over the arrays
(`answers.choose`), the master programme mixes their answers, segment by segment, and sets the next prices (Dantzig &
Wolfe 1960, smoothed as by Wentges 1997); prices bound the optimum from above, the mixture from below. The few users whose
best two options are nearly tied at the final prices are decided exactly, by a small integer programme.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from optimize.answers import COST, VALUE, Floats, Users
from optimize.core import Limits, decide
from optimize.knapsack import Dual

PASSES, TIGHT = 300, 1e-9
"""Most passes over the users for one set of prices; relative gap between the bounds at which it ends."""
SMOOTH = 0.5
FAINT = 1e-6
"""A limit whose price times its use is a smaller share of the value is said not to bind."""
PENALTY = 1e4
"""Price, in the search for what is in conflict, of breaking a limit that is not in question."""


class InfeasibleError(ValueError):
    """No assignment keeps all limits. `conflict`: a smallest set of limits that cannot hold together; `relax`: those of
    them that would cure it alone, and how far each would have to give way, in the unit of the limit.
    """

    def __init__(self, conflict: tuple[str, ...], relax: dict[str, float]) -> None:
        self.conflict, self.relax = conflict, relax
        ways = " or ".join(f"{name} by {amount:.6g}" for name, amount in relax.items())
        cure = f"easing {ways} would do" if relax else "no one of them cures it alone"
        super().__init__(f"these limits cannot hold together: {'; '.join(conflict)}; {cure}")


@dataclass(frozen=True)
class Prices:
    """What the master programme ended with."""

    price: Floats
    """[K] per unit of each limit"""
    bound: float
    reached: float
    """Optimum over the mixtures of answers seen: what fractional coupons can reach at least."""
    eased: Floats
    """[K] by how much the limits gave way, where they may"""


class Master:
    """The answers of the users so far, and the programme that mixes them; in units that make its numbers near 1."""

    def __init__(self, users: Users, limits: Limits) -> None:
        self.users, self.limits = users, limits
        _, everything = users.respond(np.repeat([[1.0], [0.0], [0.0]], users.segments, axis=1))
        cost = min(everything[COST].sum(), limits.most[0] or np.inf)
        self.unit = np.array([abs(everything[VALUE].sum()) or 1.0, cost or 1.0, len(users.value)])
        scaled = limits.row * self.unit[:, None]
        self.size = np.maximum(np.abs(scaled).max(axis=(1, 2)), 1e-300)
        self.row, self.most = scaled / self.size[:, None, None], limits.most / self.size
        self.answers = [np.zeros_like(everything), everything / self.unit[:, None]]

    def prices(self, worth: float, penalty: Floats | None = None, *, sign_only: bool = False) -> Prices:
        """Return the best prices for the goal `worth` x value - `penalty` [K] x easing; without penalty, limits are hard.

        `sign_only` ends as soon as it is certain whether limits must give way.
        """
        best, price = np.inf, np.zeros(len(self.most))
        centre = price
        while True:
            reached, master, eased = self._mix(worth, penalty)
            closed = best < np.inf and best - reached <= TIGHT * max(abs(best), 1e-3)
            sure = sign_only and (reached > -TIGHT or best < -100 * TIGHT)
            if closed or sure or len(self.answers) > PASSES:
                return Prices(centre * self.unit[VALUE] / self.size, best * self.unit[VALUE],
                              reached * self.unit[VALUE], eased * self.size)  # fmt: skip
            price = master if best == np.inf else SMOOTH * centre + (1 - SMOOTH) * master
            bound = self._ask(worth, price)
            if bound < best:
                best, centre = bound, price

    def weight(self, worth: float, price: Floats) -> Floats:
        """Return the users' weights [3, S] at prices."""
        weight = -np.tensordot(price, self.row, 1)
        weight[VALUE] += worth
        return np.asarray(weight)

    def _ask(self, worth: float, price: Floats) -> float:
        weight = self.weight(worth, price)
        _, total = self.users.respond(weight / self.unit[:, None])
        answer = total / self.unit[:, None]
        self.answers.append(answer)
        return float(price @ self.most + (weight * answer).sum())

    def _mix(self, worth: float, penalty: Floats | None) -> tuple[float, Floats, Floats]:
        """Return the goal reached by the best mixture, the prices of the limits and their easing."""
        answers = np.array(self.answers)  # [T, 3, S]
        times, _, segments = answers.shape
        limits = len(self.most)
        goal = np.concatenate([-worth * answers[:, VALUE].ravel(), np.zeros(limits) if penalty is None else penalty])
        use = np.einsum("kas,tas->kts", self.row, answers).reshape(limits, -1)
        result: Any = linprog(
            goal,
            A_ub=np.hstack([use, -np.eye(limits)]),
            b_ub=self.most,
            A_eq=np.hstack([np.tile(np.eye(segments), times), np.zeros((segments, limits))]),
            b_eq=np.ones(segments),
            bounds=[(0, None)] * (times * segments) + [(0, 0 if penalty is None else None)] * limits,
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if result.status != 0:
            raise RuntimeError(f"the master programme has no solution: {result.message}")
        return -float(result.fun), np.maximum(0.0, -result.ineqlin.marginals), result.x[times * segments :]


def solve(users: Users, limits: Limits) -> tuple[Dual, Floats]:
    """Return the assignment under all limits, with its bound, and the price of each limit [K].

    Raises `InfeasibleError` when the limits are in conflict.
    """
    master = Master(users, limits)
    if (master.most < 0).any() and _must_give(master):  # no coupons at all keep every other limit
        raise InfeasibleError(*_conflict(users, limits))
    found = master.prices(1.0)
    price = found.price * master.size / master.unit[VALUE]
    choice, whole = decide(users, limits, master.weight(1.0, price) / master.unit[:, None])
    total = users.total(choice)
    if not whole:
        over = limits.broken(total) > 0
        broken = (name for name, too_much in zip(limits.names, over, strict=True) if too_much)
        raise InfeasibleError((*broken, "whole coupons"), {})
    weight = found.price * np.abs(limits.row * total).sum(axis=(1, 2))
    price = np.where(weight > FAINT * abs(float(total[VALUE].sum())), found.price, 0.0)
    return Dual(choice, float(price[0]), found.bound), price


def _must_give(master: Master) -> bool:
    """Return whether some limit must give way, whatever the coupons are worth."""
    return master.prices(0.0, np.ones(len(master.most)), sign_only=True).reached < -100 * TIGHT


def _conflict(users: Users, limits: Limits) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return a smallest set of limits in conflict, by leaving out each in turn, and how far each had to give way."""
    keep = list(range(len(limits.most)))
    for k in range(len(limits.most)):
        rest = [other for other in keep if other != k]
        if _must_give(Master(users, limits.only(rest))):
            keep = rest
    relax = {}
    for k in keep:
        penalty = np.where(np.arange(len(limits.most)) == k, 1.0, PENALTY)
        master = Master(users, limits)
        eased = master.prices(0.0, penalty).eased
        if (np.delete(eased / master.size, k) <= 1e-7).all():
            relax[limits.names[k]] = float(eased[k])
    return tuple(limits.names[k] for k in keep), relax
