"""What a coupon wins and what it costs, user by user: bought anyway, bought because of it, padded up to its threshold.

The shop is the simulator's (`sim/shop.py`, `sim/wallet.py`): a saving of the share s of the basket multiplies the odds of
the cart step by exp(response x s); a basket below the threshold is padded with a chance that grows with the saving.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from optimize.answers import Array, Floats, Users
from optimize.coupons import Assignment, assign
from optimize.knapsack import Steps
from scenarios import Scenario
from scenarios.levers import Offer
from sim.compile import compiled
from sim.market import TABLE, quantiles

POINTS = 16
"""Baskets that stand for each goods class, of equal weight."""


@dataclass(frozen=True, eq=False)
class Shop:
    """What a visit meets: baskets, what they earn, how users answer a saving. B baskets, S segments."""

    basket: Floats
    """[B] value of a basket [yuan]"""
    weight: Floats
    """[B] share of the visits; sums to 1"""
    earns: Floats
    """[B] expected margin as a share of the basket, returns taken off"""
    goods: tuple[str, ...]
    """[B] goods class"""
    response: Floats
    """[S] change of the log odds of the cart step for a saving of the whole basket"""
    size: Floats
    """[S] multiple of the basket value"""
    padding: float
    """A basket worth at least this share of a threshold may be padded up to it."""
    pay: Floats
    """[S] share of carts that are paid"""
    shipping_cost: float = 0.0
    """Cost of shipping an order [yuan]."""
    shipping_fee: float = 0.0
    """Fee of an order below `free_from` [yuan]."""
    free_from: float = 0.0

    @classmethod
    def of(cls, scenario: Scenario) -> "Shop":
        """Return the shop of a scenario on an ordinary day."""
        shop, service, segments = scenario.behaviour.shop, scenario.service, scenario.market.segments.values()
        classes = scenario.goods.classes
        spreads = [
            quantiles(stats.lognorm(g.spread, scale=np.exp(-(g.spread**2) / 2))) if g.spread else np.ones(TABLE)
            for g in classes.values()
        ]
        return cls(
            basket=np.concatenate(
                [g.basket * s.reshape(POINTS, -1).mean(axis=1) for g, s in zip(classes.values(), spreads, strict=True)]
            ),
            weight=np.repeat([g.demand / POINTS for g in classes.values()], POINTS),
            earns=np.repeat([g.margin * (1 - g.returns) for g in classes.values()], POINTS),
            goods=tuple(name for name in classes for _ in range(POINTS)),
            response=np.array([shop.saving_response * s.price_sensitivity for s in segments]),
            size=np.array([s.basket for s in segments]),
            padding=shop.padding,
            pay=np.full(len(segments), 1 - shop.payment_abandonment),
            shipping_cost=service.shipping_cost,
            shipping_fee=service.shipping_fee,
            free_from=service.free_from,
        )

    def fee(self, basket: Floats) -> Floats:
        """Return the shipping fee of orders [yuan]."""
        return np.where(basket >= self.free_from, 0.0, self.shipping_fee)

    def earned(self, basket: Floats) -> Floats:
        """Return the expected margin of orders, shipping included [yuan]; baskets [..., B]."""
        return basket * self.earns + self.fee(basket) - self.shipping_cost

    def priced(self, offer: Offer, basket: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the chance that a saving applies, the basket then and the saving [yuan], each like `basket` [..., B]."""
        allowed = np.array([not offer.goods or name in offer.goods for name in self.goods])
        here = (basket >= offer.over) & allowed
        if offer.form == "threshold":
            missing = np.maximum(offer.over - basket, 0.0)
            near = allowed & (basket >= self.padding * offer.over)
            chance = np.where(here, 1.0, np.where(near, offer.off / (offer.off + missing), 0.0))
            return chance, np.maximum(basket, offer.over), np.full_like(basket, offer.off)
        saving = {
            "percent": basket * offer.rate,
            "free_shipping": self.fee(basket),
        }.get(offer.form, np.minimum(offer.off, basket))
        return here.astype(float), basket, saving


@dataclass(frozen=True, eq=False)
class CouponValues:
    """Expected effect of each option on each user, [users, options]; option 0 is none."""

    margin: Array
    """Margin that would not be there without the coupon [yuan]."""
    cost: Array
    """What the coupon costs when redeemed, by those also who would have bought anyway [yuan]."""
    orders: Array
    """Orders that would not be there without it."""

    @cached_property
    def profit(self) -> Array:
        """Incremental margin less cost [yuan]."""
        return self.margin - self.cost


@compiled
def _expect(
    cart: Array, visits: Array, segment: Array, chance: Array, lift: Array, gain: Array, base: Array, cost: Array,
    weight: Array, pay: Array, once: bool, out_margin: Array, out_cost: Array, out_orders: Array
) -> None:  # fmt: skip
    """Fill the expected effects of coupons [users, options]; tables are [S, options, B], `base` [S, B]."""
    options, baskets = chance.shape[1], chance.shape[2]
    for i in range(len(cart)):
        s, p = segment[i], float(cart[i])
        for j in range(1, options):
            margin, orders, spent, used = 0.0, 0.0, 0.0, 0.0
            for b in range(baskets):
                c = chance[s, j, b] * weight[b] * pay[s]
                if c > 0.0:
                    odds = p * lift[s, j, b]
                    bought = odds / (1.0 - p + odds) if p < 1.0 else 1.0
                    used += c * bought
                    spent += c * bought * cost[s, j, b]
                    margin += c * (bought * gain[s, j, b] - p * base[s, b])
                    orders += c * (bought - p)
            held = float(visits[i])
            if once and used > 0.0:
                held = (1.0 - np.exp(-held * used)) / used
            out_margin[i, j], out_cost[i, j], out_orders[i, j] = held * margin, held * spent, held * orders


def coupon_values(
    cart: Array,
    coupons: Sequence[Offer],
    shop: Shop,
    *,
    visits: Array | float = 1.0,
    segment: Array | None = None,
    once: bool = True,
) -> CouponValues:
    """Return what each of `coupons` brings and costs for each user; option k is coupons[k - 1].

    `cart` [users]: probability without a coupon that a visit to a detail page ends in a cart; `visits` [users]: expected
    number of such visits while the coupon is good; `segment` [users]: row in the shop's tables. With `once`, the coupon is
    good for one order: visits are a Poisson stream, thinned by redemption, so that the coupon is held in the wallet for
    (1 - exp(-visits q)) / q of them, q the chance that a visit redeems it; otherwise every order may use it. Effects after
    the order (habit, loyalty, repeat purchases) are left out. Raises `ValueError` for probabilities outside 0 to 1,
    negative visits, or a segment the shop does not have.
    """
    cart = np.asarray(cart)
    users, segments = len(cart), len(shop.response)
    visits = np.broadcast_to(np.asarray(visits), (users,))
    number = np.zeros(users, np.uint8) if segment is None else np.asarray(segment)
    if not ((cart >= 0) & (cart <= 1)).all():
        raise ValueError(f"`0 <= cart <= 1` must hold, but got {float(cart.min())} to {float(cart.max())}")
    if not ((visits >= 0) & np.isfinite(visits)).all():
        raise ValueError(f"`0 <= visits < inf` must hold, but got {float(visits.min())} to {float(visits.max())}")
    if number.shape != (users,) or not ((number >= 0) & (number < segments)).all():
        raise ValueError(f"`segment` must give a row from 0 to {segments - 1} for each of {users} users")
    chance, lift, gain, cost = _tables(coupons, shop)
    kind = np.float32 if cart.dtype == np.float32 else np.float64
    out: list[NDArray[Any]] = [np.zeros((users, len(coupons) + 1), kind) for _ in range(3)]
    base = shop.earned(shop.size[:, None] * shop.basket)
    _expect(cart, visits, number, chance, lift, gain, base, cost, shop.weight, shop.pay, once, *out)
    return CouponValues(*out)


def _tables(coupons: Sequence[Offer], shop: Shop) -> tuple[Floats, Floats, Floats, Floats]:
    """Return chance that the saving applies, multiple of the odds, margin with it and its cost, each [S, options, B]."""
    basket = shop.size[:, None] * shop.basket
    shape = (len(shop.size), len(coupons) + 1, len(shop.basket))
    chance, lift, gain, cost = (np.zeros(shape) for _ in range(4))
    for k, offer in enumerate(coupons, start=1):
        applies, paid, saving = shop.priced(offer, basket)
        chance[:, k], gain[:, k] = applies, shop.earned(paid)
        lift[:, k] = np.exp(shop.response[:, None] * offer.urgency * saving / np.maximum(paid, 0.01))
        cost[:, k] = saving * offer.cost
    return chance, lift, gain, cost


def compare_policies(value: Array, cost: Array, budget: float, segment: Array) -> pd.DataFrame:
    """Return policy, coupons, spend, value, value_per_yuan: for all, by segment and optimal, at one budget [yuan].

    `value`, `cost` [users, options] as for `assign`; `segment` [users]. for all: the one coupon that does best when it goes
    to everybody, or to whom the money reaches in no order. by segment: the same with a coupon for each segment and the
    money split best among them. Both are expectations, hence fractional.
    """
    _, number = np.unique(np.asarray(segment), return_inverse=True)
    sums = np.array([[np.bincount(number, a[:, j]) for j in range(a.shape[1])] for a in (value, cost)], float)
    sizes = np.bincount(number).astype(float)
    everybody = _spread(sums[0].sum(axis=1)[None], sums[1].sum(axis=1)[None], sizes.sum(keepdims=True), budget)
    best: Assignment = assign(value, cost, budget)
    rows = [
        ("for all", *everybody),
        ("by segment", *_spread(sums[0].T.copy(), sums[1].T.copy(), sizes, budget)),
        ("optimal", float(np.count_nonzero(best.choice)), best.cost, best.value),
    ]
    table = pd.DataFrame(rows, columns=["policy", "coupons", "spend", "value"])
    return table.assign(value_per_yuan=table["value"] / table["spend"].where(table["spend"] > 0))


def _spread(value: Floats, cost: Floats, size: Floats, budget: float) -> tuple[float, float, float]:
    """Return coupons, spend and value of the best fractional choice for groups [groups, options]."""
    groups = Users(value, cost)
    ladder = Steps.of(groups, np.arange(len(value)))
    whole = ladder.affordable(budget)
    choice = np.zeros(len(value), np.uint8)
    choice[ladder.user[:whole]] = ladder.option[:whole]
    total = groups.total(choice).sum(axis=1)
    coupons, spend, worth = float(size[choice > 0].sum()), float(total[1]), float(total[0])
    if whole < len(ladder.user):
        part = (budget - spend) / float(ladder.price[whole])
        group = int(ladder.user[whole])
        coupons += part * float(size[group]) if choice[group] == 0 else 0.0
        spend, worth = budget, worth + part * float(ladder.gain[whole])
    return coupons, spend, worth
