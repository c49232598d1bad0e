"""Small markets with an exact mean, for judging the coupled search: levers that touch users, coupons that move them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import permutations
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from optimize.market import Bounds, Outcome, Plan, Setting, Space

Floats = NDArray[np.float64]
COUPON = {"over": Setting(20, 200, log=True), "face": Setting(1, 40, log=True), "share": Setting(0, 1)}
BUDGET = 100.0


@dataclass(frozen=True)
class Sister:
    """A market: `users` meet levers at random, and buy the more likely the more they met and the larger their coupon.

    A replication draws all users anew; a user's draws do not depend on the plan, so that common seeds help.
    """

    name: str
    tops: tuple[float, ...]
    """Share of users a lever reaches with boundless money."""
    halves: tuple[float, ...]
    """yuan; scale of an exponential lever, half-saturation of a Hill lever"""
    powers: tuple[float, ...]
    """Hill power; 0: exponential, 1 - exp(-x / half)"""
    own: float = 0.15
    """Share of users who come of their own accord."""
    users: int = 400
    base: float = -1.5
    """Logit of buying after one touch."""
    taste: float = 0.8
    """Standard deviation over users, in logits."""
    mood: float = 0.15
    """Standard deviation over seeds, in logits."""
    again: float = 0.2
    """What each further touch adds, in logits."""
    pull: float = 0.5
    """Logits of a coupon of one yuan; grows with its face to the power .6."""
    haste: float = 0.5
    """Share of the pull left when the threshold is above the basket."""
    margin: float = 0.35
    message: float = 1.2
    """yuan to send a user a coupon"""
    extra: float = 0.0
    """Standard deviation of noise that common seeds do not cancel [yuan]."""
    net: bool = False
    """Whether the goal is net of the money spent."""
    start: Plan | None = None

    @property
    def space(self) -> Space:
        """The plans to choose from; `start` is the current one."""
        names = [f"lever {i + 1}" for i in range(len(self.tops))]
        even = Plan(dict.fromkeys(names, BUDGET / len(names)), {"over": 60.0, "face": 6.0, "share": 0.5})
        return Space({name: Bounds(0, BUDGET) for name in names}, BUDGET, self.start or even, COUPON)

    def reach(self, spend: Floats) -> Floats:
        """Return the chance [levers] that a lever touches a user."""
        half, power = np.array(self.halves), np.array(self.powers)
        odds = (np.maximum(spend, 0) / half) ** np.maximum(power, 1e-9)
        return np.array(self.tops) * np.where(power == 0, 1 - np.exp(-np.maximum(spend, 0) / half), odds / (1 + odds))

    def buying(self, taste: Floats, mood: Floats, touches: Floats, basket: Floats, plan: Plan) -> tuple[Floats, ...]:
        """Return chance to buy and profit of an order, without and with the coupon."""
        over, face = plan.settings["over"], plan.settings["face"]
        eta = self.base + self.taste * taste + mood + self.again * (touches - 1)
        used = basket >= over
        lift = self.pull * face**0.6 * np.where(used, 1.0, self.haste * np.minimum(basket / over, 1.0) ** 2)
        return expit(eta), self.margin * basket, expit(eta + lift), self.margin * basket - face * used

    def mean(self, plan: Plan) -> float:
        """Return the exact mean of the goal, by quadrature over taste, mood and basket."""
        return self.yields(self.space.spend(plan), self.worth(plan), plan.settings["share"])

    def worth(self, plan: Plan) -> Floats:
        """Return the mean profit [levers + 2] of a user by the number of touches; it depends on the settings alone."""
        touches = np.arange(len(self.tops) + 2)[:, None, None, None]
        z, w = quadrature(12)
        d, v = quadrature(5)
        x = baskets()
        low, bare, high, coupon = self.buying(
            z[None, :, None, None], self.mood * d[None, None, :, None], touches, x[None, None, None], plan
        )
        share = plan.settings["share"]
        value = ((1 - share) * low * bare + share * high * coupon).mean(3)
        return np.einsum("nzd,z,d->n", value, w, v) * (np.arange(len(value)) > 0)

    def yields(self, spend: Floats, worth: Floats, share: float) -> float:
        """Return the mean of the goal from money [levers], profit by touches [levers + 2] and the coupon's share."""
        chance = np.array([1.0])
        for p in [*self.reach(spend), self.own]:
            chance = np.convolve(chance, [1 - p, p])
        return float(self.users * (chance @ worth - self.message * share) - self.net * spend.sum())

    def evaluate(self, asked: Sequence[tuple[Plan, int]]) -> list[Outcome]:
        """Return the outcome of each plan under its seed."""
        return [self.outcome(plan, seed) for plan, seed in asked]

    def outcome(self, plan: Plan, seed: int) -> Outcome:
        """Return the outcome of one replication; a touched user's profit is credited in equal parts to what touched him."""
        draws = np.random.default_rng([3, seed])
        touch, taste = draws.random((self.users, len(self.tops) + 1)), draws.standard_normal(self.users)
        basket = baskets()[draws.integers(0, len(baskets()), self.users)]
        mood, chosen, buys = self.mood * draws.standard_normal(), draws.random(self.users), draws.random(self.users)
        hit = touch < np.r_[self.reach(self.space.spend(plan)), self.own]
        touches = hit.sum(1)
        low, bare, high, coupon = self.buying(taste, mood, touches, basket, plan)
        sent = chosen < plan.settings["share"]
        profit = np.where(sent, coupon, bare) * (buys < np.where(sent, high, low)) * (touches > 0)
        credit = (profit / np.maximum(touches, 1)) @ hit[:, :-1]
        kpi = profit.sum() - self.users * self.message * plan.settings["share"] - self.net * sum(plan.money.values())
        if self.extra:
            mark = crc32(repr(plan).encode())
            kpi += self.extra * np.random.default_rng([seed, mark]).standard_normal()
        return Outcome(float(kpi), dict(zip(plan.money, credit.tolist(), strict=True)))

    def at(self, point: Floats) -> Plan:
        """Return the plan of a point of the unit cube [levers + settings]; money in proportion, the budget spent."""
        money = np.maximum(point[: len(self.tops)], 0) + 1e-12
        return self.space.plan(BUDGET * money / money.sum(), np.clip(point[len(self.tops) :], 0, 1))

    @cached_property
    def optimum(self) -> float:
        """The largest mean found from 6 starts: best money for the settings, best settings for the money, five times."""
        random = np.random.default_rng(0)
        return max(self.ascent(self.at(random.random(len(self.tops) + len(COUPON))), random) for _ in range(6))

    def ascent(self, plan: Plan, random: np.random.Generator) -> float:
        """Return the mean that is reached from a plan."""
        space, spend, unit = self.space, self.space.spend(plan), self.space.unit(plan)
        for _ in range(5):
            plan = space.plan(spend, unit)
            worth, share = self.worth(plan), plan.settings["share"]
            starts = [spend, *BUDGET * random.dirichlet(np.full(len(spend), 0.3), 5)]
            spend = max((self.exchange(x, worth, share) for x in starts), key=lambda x: self.yields(x, worth, share))
            tries = [self.settle(spend, u) for u in (unit, random.random(len(unit)))]
            unit = max(tries, key=lambda u: self.mean(space.plan(spend, u)))
        return self.mean(space.plan(spend, unit))

    def settle(self, spend: Floats, unit: Floats) -> Floats:
        """Return settings [settings] climbed from a start, at the same money."""

        def loss(u: Floats) -> float:
            return -self.mean(self.space.plan(spend, np.clip(u, 0, 1)))

        return np.asarray(np.clip(minimize(loss, unit, method="Nelder-Mead", options={"maxfev": 150}).x, 0, 1))

    def exchange(self, spend: Floats, worth: Floats, share: float) -> Floats:
        """Return money that no transfer of 32, 16, ... 1/4 yuan between levers or the purse makes better."""
        pots = np.r_[spend, BUDGET - spend.sum()]
        best, better = self.yields(pots[:-1], worth, share), True
        while better:
            better = False
            for size in 2.0 ** np.arange(5, -3, -1):
                for a, b in permutations(range(len(pots)), 2):
                    step = min(size, pots[a])
                    moved = pots.copy()
                    moved[[a, b]] += (-step, step)
                    value = self.yields(moved[:-1], worth, share)
                    if value > best + 1e-9:
                        pots, best, better = moved, value, True
        return pots[:-1]


@lru_cache
def quadrature(points: int) -> tuple[Floats, Floats]:
    """Return nodes and weights for the mean over a standard normal variable."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return nodes, weights / weights.sum()


@lru_cache
def baskets() -> Floats:
    """Return 40 equally likely sizes of a basket [yuan], lognormal around 75."""
    from scipy.stats import norm

    return np.asarray(75.0 * np.exp(0.5 * norm.ppf((np.arange(40) + 0.5) / 40)))


@dataclass(frozen=True)
class Family:
    """The markets of the bench."""

    members: tuple[Sister, ...] = field(
        default_factory=lambda: (
            Sister("six levers", (0.4, 0.3, 0.25, 0.6, 0.5, 0.4), (20, 15, 8, 35, 28, 12), (0, 0, 0, 3, 2, 4)),
            Sister("four concave", (0.5, 0.4, 0.3, 0.2), (40, 20, 10, 5), (0, 1, 0, 1), pull=0.35, again=0.0),
            Sister("five S-shaped", (0.7, 0.5, 0.5, 0.3, 0.3), (45, 30, 25, 15, 10), (4, 3, 2, 3, 2), message=0.4),
            Sister("eight, synergy", (0.25,) * 8, (30, 25, 20, 15, 12, 10, 8, 6), (0, 2, 0, 3, 0, 2, 0, 3), again=0.5),
            Sister("net of money", (0.3, 0.3, 0.2, 0.2), (25, 12, 30, 6), (0, 2, 0, 3), users=250, net=True),
        )
    )

    def noisy(self, extra: float) -> tuple[Sister, ...]:
        """Return the members with noise that common seeds do not cancel."""
        return tuple(replace(member, name=f"{member.name}, noise {extra:g}", extra=extra) for member in self.members)
