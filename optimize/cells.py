"""Coupon policies over what a plan can address: segment, number of orders, days away, and within those a tag or a tier.

A lever picks its receivers by an audience, never by name, so the knapsack's users are cells of the market here. What a
coupon brings to a cell is worked out from the visits that a rehearsal saw there; the policy goes back into the scenario as
offers with audiences (`optimize.policies`) and is rehearsed like any other plan.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize.answers import Array, Floats
from optimize.coupons import Assignment, assign
from optimize.uplift import CouponValues, Shop, coupon_values
from scenarios import Scenario
from scenarios.levers import Offer
from sim.run import Rehearsal
from sim.users import NEVER

Range = tuple[int, int | None]
"""Least and most, both within; None: no limit."""
POLICIES = ("for all", "by segment", "optimal")


@dataclass(frozen=True)
class Candidate:
    """A coupon for a cell, or for the part of the cell that has a tag or a tier."""

    coupon: Offer
    tag: str = ""
    tier: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is for the whole cell."""
        return not self.tag and not self.tier


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a market and what each candidate brings there; option k is candidates[k - 1]."""

    table: pd.DataFrame
    """segment, orders_from, orders_to, idle_from, idle_to (NaN: no limit), visits to the shop [real market]."""
    candidates: tuple[Candidate, ...]
    margin: Floats
    """[cells, options] margin that would not be there without the coupon [yuan]"""
    cost: Floats
    """[cells, options] what the coupon costs [yuan]"""

    @property
    def profit(self) -> Floats:
        """[cells, options] incremental margin less cost [yuan]."""
        return self.margin - self.cost

    def optimal(self, budget: float, **limits: Any) -> Assignment:
        """Return the best choice for every cell; `limits` as `assign` takes them, `segment` set."""
        return assign(self.profit, self.cost, budget, segment=self.table["segment"].to_numpy(), **limits)

    def by_segment(self, budget: float) -> NDArray[np.uint8]:
        """Return the best choice [cells] that gives all cells of a segment the same, each to the whole of it."""
        names, number = np.unique(self.table["segment"].to_numpy(dtype=str), return_inverse=True)
        keep = self._whole()
        profit, cost = (np.zeros((len(names), len(keep))) for _ in range(2))
        np.add.at(profit, number, self.profit[:, keep])
        np.add.at(cost, number, self.cost[:, keep])
        return keep[assign(profit, cost, budget).choice[number]]

    def for_all(self, budget: float) -> NDArray[np.uint8]:
        """Return the choice [cells] that gives everybody the one coupon that does best for what the money reaches."""
        keep = self._whole()[1:]
        profit, cost = self.profit[:, keep].sum(axis=0), self.cost[:, keep].sum(axis=0)
        reached = np.minimum(1.0, budget / np.maximum(cost, 1e-9))
        return np.full(len(self.table), keep[np.argmax(profit * reached)])

    def policies(self, budget: float) -> dict[str, NDArray[np.uint8]]:
        """Return the choice [cells] of each of `POLICIES` at a budget [yuan]."""
        choices = (self.for_all(budget), self.by_segment(budget), self.optimal(budget).choice)
        return dict(zip(POLICIES, choices, strict=True))

    def expected(self, choice: NDArray[np.uint8]) -> tuple[float, float]:
        """Return the expected profit and cost of a choice [yuan]."""
        rows = np.arange(len(choice))
        return float(self.profit[rows, choice].sum()), float(self.cost[rows, choice].sum())

    def _whole(self) -> NDArray[np.uint8]:
        """Return the options that are for whole cells, none first."""
        return np.array([0, *(k for k, c in enumerate(self.candidates, start=1) if c.whole)], np.uint8)


def policy_cells(
    scenario: Scenario,
    coupons: Sequence[Offer],
    *,
    lever: str,
    orders: Sequence[Range] = ((0, 0), (1, None)),
    idle: Sequence[Range] = ((0, None),),
    seeds: Iterable[int] = (1, 2, 3),
) -> Cells:
    """Rehearse a scenario without the offer `lever` and return what each coupon would bring in its place, by cell.

    `orders` and `idle` are the bands of orders so far and of days since the last visit. Visits are those of registered
    users on the days on which the lever is open, with that day's conditions and each visitor's orders and habit. Left out
    are other offers that would compete for the order, stock, and what an order changes later (the rehearsal of the policy
    has all of it). Raises `ValueError` for a lever that is not a public offer, or bands that overlap.
    """
    template = offer_named(scenario, lever)
    if template.give != "public":
        raise ValueError(f"`lever` must be a public offer, but {lever} is given by {template.give}")
    for name, bands in (("orders", orders), ("idle", idle)):
        for (_, most), (least, _) in pairwise(bands):
            if most is None or least <= most:
                raise ValueError(f"bands of `{name}` must ascend without overlap, but got {list(bands)}")
    plain = scenario.override({f"levers.{lever}.on": False})
    candidates = _candidates(plain, coupons)
    segments = list(plain.market.segments)
    shape = (len(segments), len(orders), len(idle))
    margin, cost = (np.zeros((int(np.prod(shape)), len(candidates) + 1)) for _ in range(2))
    visits, seeds = np.zeros(len(margin)), tuple(seeds)
    scale = plain.market.people / plain.market.users / len(seeds)
    for seed in seeds:
        for seen in _visits(plain, template, seed):
            band = _band(seen.orders, orders), _band(seen.idle, idle)
            inside = (band[0] >= 0) & (band[1] >= 0)
            cell = np.ravel_multi_index((seen.users["segment"], *(np.maximum(b, 0) for b in band)), shape)
            values = seen.values(coupons)
            np.add.at(visits, cell[inside], scale)
            for k, candidate in enumerate(candidates, start=1):
                option = 1 + (k - 1) % len(coupons)
                here = inside & seen.members(candidate)
                np.add.at(margin[:, k], cell[here], scale * values.margin[here, option])
                np.add.at(cost[:, k], cell[here], scale * values.cost[here, option])
    return Cells(_cell_table(segments, orders, idle, visits), candidates, margin, cost)


def offer_named(scenario: Scenario, lever: str) -> Offer:
    """Return an offer of a scenario; raises `ValueError` when there is none of the name."""
    template = scenario.levers.get(lever)
    if not isinstance(template, Offer):
        raise ValueError(f"`lever` must name an offer of the scenario, but got {lever!r}")
    return template


def _candidates(scenario: Scenario, coupons: Sequence[Offer]) -> tuple[Candidate, ...]:
    """Return every coupon for whole cells, then for each tag, then for each tier."""
    tags = sorted({t for s in scenario.market.segments.values() for t in s.tags})
    tiers = [t for x in scenario.levers.values() if x.on and x.kind == "membership" for t in x.tiers]
    whole = [Candidate(c) for c in coupons]
    tagged = [Candidate(c, tag=t) for t in tags for c in coupons]
    return (*whole, *tagged, *(Candidate(c, tier=t) for t in tiers for c in coupons))


@dataclass(frozen=True, eq=False)
class _Seen:
    """The registered users who came to the shop on one day, and the shop they met."""

    users: Array
    day: int
    stage: Rehearsal

    @property
    def orders(self) -> Array:
        """Orders before today's."""
        return np.asarray(self.users["orders"].astype(int) - (self.users["ordered"] == self.day))

    @property
    def idle(self) -> Array:
        """Days since the visit before."""
        return np.asarray(self.day - self.users["visited_before"].astype(int))

    def members(self, candidate: Candidate) -> Array:
        """Return which users a candidate is for."""
        names = self.stage.names
        if candidate.tag:
            return np.asarray((self.users["tags"] >> names.tags.index(candidate.tag)) & 1 > 0)
        if candidate.tier:
            return np.asarray(self.users["tier"] == 1 + names.tiers.index(candidate.tier))
        return np.ones(len(self.users), bool)

    def values(self, coupons: Sequence[Offer]) -> CouponValues:
        """Return what each coupon would have brought in each visit."""
        scenario, c, s = self.stage.scenario, self.stage.weather.conditions, self.users["segment"]
        shop, rates = Shop.of(scenario), scenario.behaviour.shop
        demand = np.diff(c.demand, prepend=0.0) / [g.demand or 1.0 for g in scenario.goods.classes.values()]
        tilt = dict(zip(scenario.goods.classes, demand, strict=True))
        shop = replace(
            shop, size=shop.size * c.basket, pay=1 - c.payment_abandonment,
            weight=shop.weight * [tilt[name] for name in shop.goods],
        )  # fmt: skip
        odds = c.intent[s] * np.where(self.orders == 0, rates.first_order, 1.0)
        odds = odds * np.exp(-shop.response[s] * self.users["habit"])
        cart = rates.cart * odds / (1 - rates.cart + rates.cart * odds)
        reach = (1 - (1 - c.ctr[s]) ** rates.impressions) * (1 - c.detail_bounce[s])
        return coupon_values(cart, coupons, shop, visits=reach, segment=s, once=False)


def _visits(scenario: Scenario, template: Offer, seed: int) -> Iterable[_Seen]:
    """Yield the visits of each day of the plan on which a lever would be open."""
    stage = Rehearsal(scenario, seed)
    open_days = np.flatnonzero(stage.calendar.open_days(template)) + stage.calendar.first
    for day in open_days[(open_days >= 0) & (open_days < scenario.clock.days)].tolist():
        stage.run_until(day)
        users = stage.population.world.users
        here = users[(users["visited"] == day) & (users["registered"] != NEVER)]
        if len(here):
            yield _Seen(here, day, stage)


def _band(value: Array, bands: Sequence[Range]) -> Array:
    """Return the number of the band that each value lies in, -1 for none."""
    result = np.full(len(value), -1)
    for k, (least, most) in enumerate(bands):
        result[(value >= least) & (value <= (np.inf if most is None else most))] = k
    return result


def _cell_table(
    segments: Sequence[str], orders: Sequence[Range], idle: Sequence[Range], visits: Floats
) -> pd.DataFrame:
    rows = [(s, *o, *i) for s in segments for o in orders for i in idle]
    columns = ["segment", "orders_from", "orders_to", "idle_from", "idle_to"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        orders_to=table["orders_to"].astype(float), idle_to=table["idle_to"].astype(float), visits=visits
    )
