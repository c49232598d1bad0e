"""The knapsack under several limits: prices for all of them from a master programme, whole coupons from a small core.

Every limit is linear in the totals by segment [value, cost, coupons; S]. Users answer prices in one pass over the arrays
(`knapsack.choose`), the master programme mixes their answers, segment by segment, and sets the next prices (Dantzig &
Wolfe 1960, smoothed as by Wentges 1997); prices bound the optimum from above, the mixture from below. The few users whose
best two options are nearly tied at the final prices are decided exactly, by a small integer programme.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import LinearConstraint, linprog, milp

from optimize.knapsack import COST, COUNT, VALUE, Array, Dual, Floats, Users
from sim.compile import compiled

PASSES, TIGHT = 300, 1e-9
"""Most passes over the users for one set of prices; relative gap between the bounds at which it ends."""
CORES = (400, 4_000)
"""Users left to the integer programme: at first, and where that finds nothing."""
NODES = 2_000
SMOOTH = 0.5
FAINT = 1e-8
"""A limit whose price times its use is a smaller share of the value is said not to bind."""
PENALTY = 1e4
"""Price, in the search for what is in conflict, of breaking a limit that is not in question."""


@dataclass(frozen=True)
class Limits:
    """Limits on the totals: sum over `row` [K, 3, S] times totals [3, S] at most `most` [K]; the budget comes first."""

    names: tuple[str, ...]
    row: Floats
    most: Floats

    def only(self, keep: list[int]) -> "Limits":
        """Return some of the limits."""
        return Limits(tuple(self.names[k] for k in keep), self.row[keep], self.most[keep])

    def broken(self, total: Floats) -> Floats:
        """Return by how much each limit is exceeded [K]; not positive where it holds."""
        return np.asarray(np.tensordot(self.row, total, 2) - self.most)


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
    choice = _whole(master, found.price * master.size / master.unit[VALUE])
    total = users.total(choice)
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


@compiled
def margins(value: Array, cost: Array, segment: Array, weight: Array, margin: Array) -> None:
    """Fill `margin` [users] with how much better a user's best option is than the second best, under weights [3, S]."""
    for i in range(len(value)):
        s = segment[i]
        best, second = 0.0, -np.inf
        for j in range(1, value.shape[1]):
            if value[i, j] > -np.inf:
                score = weight[0, s] * value[i, j] + weight[1, s] * cost[i, j] + weight[2, s]
                if score > best:
                    best, second = score, best
                elif score > second:
                    second = score
        margin[i] = best - second


def _whole(master: Master, price: Floats) -> Any:
    """Return whole choices near the prices that keep every limit."""
    users, weight = master.users, master.weight(1.0, price) / master.unit[:, None]
    choice, _ = users.respond(weight)
    margin = np.empty(len(choice))
    margins(users.value, users.cost, users.segment, weight, margin)
    for size in CORES:
        near = np.argpartition(margin, size)[:size] if size < len(margin) else np.arange(len(margin))
        decided = _decide(master, choice, np.sort(near), float(margin[near].max()), weight)
        if decided is not None:
            return decided
    broken = master.limits.broken(users.total(choice))
    names = tuple(name for name, over in zip(master.limits.names, broken, strict=True) if over > 0)
    raise InfeasibleError((*names, "whole coupons"), {})


def _decide(master: Master, choice: Array, near: Array, width: float, weight: Floats) -> Any:
    """Return the choices with those of the users `near` taken by an integer programme, or None where it finds none.

    Options that fall short of a user's best by more than twice `width` stay out of it.
    """
    users, segment = master.users, master.users.segment[near]
    value, cost = users.value[near].astype(float), users.cost[near].astype(float)
    given = np.ones_like(cost)
    given[:, 0] = 0.0
    score = weight[VALUE, segment][:, None] * value + weight[COST, segment][:, None] * cost
    score += weight[COUNT, segment][:, None] * given
    who, option = np.nonzero(score >= score.max(axis=1, keepdims=True) - 2 * width - 1e-12 * np.abs(score).max())
    parts = np.array([value[who, option], cost[who, option], given[who, option]])
    use = (master.limits.row[:, :, segment[who]] * parts).sum(axis=1)
    rest = choice.copy()
    rest[near] = 0
    left = -master.limits.broken(users.total(rest))
    size = np.maximum(np.abs(use).max(axis=1), 1e-300)
    unit = max(float(np.abs(parts[VALUE]).max()), 1e-300)
    one_each = LinearConstraint((who == np.arange(len(near))[:, None]).astype(float), 1, 1)
    within = LinearConstraint(use / size[:, None], -np.inf, (left - 1e-12 * np.abs(master.limits.most)) / size - 2e-6)
    gap = max(1e-7, 1e-10 * master.unit[VALUE] / max(unit * len(near), 1e-300))
    options = {"node_limit": NODES, "mip_rel_gap": gap}
    result: Any = milp(
        -parts[VALUE] / unit, integrality=1, bounds=(0, 1), constraints=[one_each, within], options=options
    )
    if result.x is None:
        return None
    taken = result.x > 0.5
    rest[near[who[taken]]] = option[taken]
    return rest if (master.limits.broken(users.total(rest)) <= 0).all() else None
