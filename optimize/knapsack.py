"""The multiple-choice knapsack with one budget, by its dual: at a price of money, everybody chooses alone.

Maximise the sum of value[i, x_i] with the sum of cost[i, x_i] at most the budget, one option x_i for each user, option 0
(none) free and worth nothing. Without whole coupons the best is greedy over the steps of each user's concave envelope
(Sinha & Zoltners 1979); the steps that matter lie near the critical price, which two or three passes over the arrays
bracket, so that only the users whose choice changes inside the bracket are ever sorted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimize.answers import COST, Array, Floats, Users
from sim.compile import compiled

SAMPLE, CORE, WINDOW = 20_000, 200_000, 512
"""Users who give the first guess of the price; users sorted at most, but for ties; steps looked at for exchanges."""


@dataclass(frozen=True)
class Dual:
    """A whole assignment and the price that certifies it."""

    choice: NDArray[np.uint8]
    """[users] option"""
    price: float
    """Value that one more yuan of budget would buy."""
    bound: float
    """What no assignment within the budget can exceed."""


@compiled
def _fill_steps(value: Array, cost: Array, users: Array, who: Array, option: Array, gain: Array, price: Array) -> int:
    """Fill in the steps of the users' concave envelopes, best first for each; return how many there are.

    A step goes from the option before to `option`, costs `price` more and brings `gain` more.
    """
    n = 0
    for k in range(len(users)):
        i, at, before = users[k], 0, np.inf
        while True:
            to, best = -1, 0.0
            for j in range(1, value.shape[1]):
                up, dear = float(value[i, j]) - float(value[i, at]), float(cost[i, j]) - float(cost[i, at])
                if up > 0.0 and dear >= 0.0:
                    slope = np.inf if dear == 0.0 else up / dear
                    if slope > best or (slope == best and (cost[i, j] < cost[i, to] or value[i, j] > value[i, to])):
                        to, best = j, slope
            if to < 0:
                break
            before = min(before, best)
            who[n], option[n] = k, to
            gain[n] = float(value[i, to]) - float(value[i, at])
            price[n] = float(cost[i, to]) - float(cost[i, at])
            at = to
            n += 1
    return n


@dataclass(frozen=True)
class Steps:
    """Steps of concave envelopes, the best first: user, option it leads to, further value and further cost [steps]."""

    user: NDArray[np.int64]
    option: NDArray[np.uint8]
    gain: Floats
    price: Floats

    @classmethod
    def of(cls, users: Users, members: NDArray[np.int64]) -> "Steps":
        """Return the steps of these users, the best first."""
        size = len(members) * (users.value.shape[1] - 1)
        who, option = np.empty(size, np.int32), np.empty(size, np.uint8)
        gain, price = np.empty(size), np.empty(size)
        n = _fill_steps(users.value, users.cost, members, who, option, gain, price)
        with np.errstate(divide="ignore"):
            rate = gain[:n] / price[:n]
        order = np.argsort(-_falling(rate, who[:n]), kind="stable")
        return cls(members[who[order]], option[order], gain[order], price[order])

    def affordable(self, money: float) -> int:
        """Return how many of the first steps the money pays."""
        return int(np.searchsorted(np.cumsum(self.price), money, side="right"))

    def price_at(self, money: float) -> float:
        """Return the rate of the first step that the money does not pay; above zero."""
        dear = self.price > 0
        if not dear.any():
            return 1.0
        rate = self.gain[dear] / self.price[dear]
        paid = int(np.count_nonzero(dear[: self.affordable(money)]))
        return float(rate[min(paid, len(rate) - 1)])

    def fill(self, money: float) -> tuple[NDArray[np.bool_], float]:
        """Return which steps the money is best spent on, and the rate of the first that it did not pay."""
        critical = self.affordable(money)
        taken = np.arange(len(self.user)) < critical
        self.exchange(taken, critical, money - float(self.price[taken].sum()))
        return taken, float(self.gain[critical] / self.price[critical]) if critical < len(taken) else 0.0

    def exchange(self, taken: NDArray[np.bool_], critical: int, left: float) -> None:
        """Fill the money left: take and take back steps near the critical one, while a pair of them brings more."""
        near = np.arange(max(0, critical - WINDOW), min(len(self.user), critical + WINDOW))
        for _ in range(len(near)):
            rest, held = near[~taken[near]], near[taken[near]][::-1]
            up = rest[np.sort(np.unique(self.user[rest], return_index=True)[1])]
            down = held[np.sort(np.unique(self.user[held], return_index=True)[1])]
            gain = np.append(self.gain[up], 0.0)[:, None] - np.append(self.gain[down], 0.0)
            price = np.append(self.price[up], 0.0)[:, None] - np.append(self.price[down], 0.0)
            same = np.append(self.user[up], -1)[:, None] == np.append(self.user[down], -2)
            gain[(price > left) | same] = -np.inf
            i, j = np.unravel_index(int(np.argmax(gain)), gain.shape)
            if not gain[i, j] > 0:
                return
            left -= float(price[i, j])
            taken[up[i : i + 1]] = True
            taken[down[j : j + 1]] = False


def _falling(rate: Floats, who: Array) -> Floats:
    """Return rates that never rise from one step of a user to the next, where rounding made them."""
    risen = np.flatnonzero((who[1:] == who[:-1]) & (rate[1:] > rate[:-1])) + 1
    for k in risen:
        rate[k] = rate[k - 1]
    return rate


def solve(users: Users, budget: float) -> Dual:
    """Return the assignment that the critical price of money gives, filled up to the budget, with its bound.

    At most one step is lost to whole coupons before the money left is filled by exchanges.
    """
    choice, value, cost = users.at_price(0.0)
    if cost <= budget:
        return Dual(choice, 0.0, value)
    choice, members = _bracket(users, budget)
    choice[members] = 0
    ladder = Steps.of(users, members)
    fixed, others = float(users.total(choice)[COST].sum()), choice
    for room in (budget, budget * (1 - 1e-12)):  # the second where sums taken in another order exceed the budget
        taken, price = ladder.fill(max(0.0, room - fixed))
        choice = others.copy()
        choice[ladder.user[taken]] = ladder.option[taken]  # the last of a user's steps stands
        if users.total(choice)[COST].sum() <= budget:
            break
    _, value, cost = users.at_price(price)
    return Dual(choice, price, value + price * (budget - cost))


def _bracket(users: Users, budget: float) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return choices at a price too high for the budget to bind, and the users who choose otherwise at one too low."""
    n = len(users.value)
    sample = np.arange(0, n, max(1, n // SAMPLE), dtype=np.int64)
    low, high, wide = 0.0, np.inf, 1.01
    below, _, _ = users.at_price(low)
    above, members = below, sample
    price = Steps.of(users, sample).price_at(budget * len(sample) / n) * wide
    for _ in range(2000):
        choice, _, cost = users.at_price(price)
        if cost > budget:
            low, below = price, choice
        else:
            high, above = price, choice
        members = np.flatnonzero(below != above)
        if high < np.inf and (len(members) <= CORE or high - low <= 1e-13 * high):
            break
        if low > 0.0 and high < np.inf:
            price = (low * high) ** 0.5
        else:
            wide = min(wide**2, 1e6)
            price = high / wide if high < np.inf else low * wide
    return above, members
