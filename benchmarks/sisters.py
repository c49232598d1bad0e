"""Small markets with an exact mean, for judging the coupled search: levers that touch users, coupons that move them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
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
        chance = np.array([1.0])
        for p in [*self.reach(self.space.spend(plan)), self.own]:
            chance = np.convolve(chance, [1 - p, p])
        touches = np.arange(1, len(chance))[:, None, None, None]
        z, w = quadrature(12)
        d, v = quadrature(5)
        x = baskets()
        low, bare, high, coupon = self.buying(
            z[None, :, None, None], self.mood * d[None, None, :, None], touches, x[None, None, None], plan
        )
        share = plan.settings["share"]
        value = ((1 - share) * low * bare + share * high * coupon).mean(3)
        per_user = chance[1:] @ np.einsum("nzd,z,d->n", value, w, v) - self.message * share
        return float(self.users * per_user - self.net * sum(plan.money.values()))

    def evaluate(self, plan: Plan, seeds: Sequence[int]) -> list[Outcome]:
        """Return one outcome per seed; a touched user's profit is credited in equal parts to what touched him."""
        return [self.outcome(plan, seed) for seed in seeds]

    def outcome(self, plan: Plan, seed: int) -> Outcome:
        """Return the outcome of one replication."""
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
        """The largest mean found: the exact mean climbed from the 5 best of 200 random plans."""
        random = np.random.default_rng(0)
        size = len(self.tops) + len(COUPON)
        points = random.random((200, size))
        points[::2, : len(self.tops)] **= 4
        points = points[np.argsort([-self.mean(self.at(p)) for p in points])[:5]]
        bounds = [(0.0, 1.0)] * size
        found = [minimize(lambda p: -self.mean(self.at(p)), p, method="L-BFGS-B", bounds=bounds) for p in points]
        polished = minimize(
            lambda p: -self.mean(self.at(np.clip(p, 0, 1))),
            min(found, key=lambda r: float(r.fun)).x,
            method="Nelder-Mead",
            options={"maxfev": 600, "xatol": 1e-4, "fatol": 1e-3},
        )
        return -float(polished.fun)


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
