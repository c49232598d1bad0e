"""Writing the weather: numbering of levers, accounts and channels, and the day's conditions before users live it."""

import math
from collections.abc import Iterable

import numpy as np

from scenarios import Scenario
from scenarios.levers import Audience
from scenarios.market import Effect
from sim import metrics
from sim.clock import Calendar
from sim.conditions import (
    AUDIENCE,
    DELIVERY,
    GROUP_BUY,
    MESSAGE,
    OFFER,
    OUTAGE,
    REFERRAL,
    SLOW,
    TIER,
    TOUCH,
    WORD,
    Array,
    Conditions,
    Market,
)
from sim.draws import purpose
from sim.live import ceilings
from sim.users import CLASSES

ALL_HOURS = 0xFFFFFF
EVERYONE = 2**31 - 1
MOST_CREDITS = 250
"""Credit numbers fit into a byte."""


class Names:
    """Numbers for names: segments, goods, tags, tiers, channels, accounts, and credit (0 own accord, levers, word).

    A media lever has a credit number for each phase besides, so that what it brings counts for the phase in which it was
    paid for; as long as numbers last.
    """

    def __init__(self, scenario: Scenario) -> None:
        m = scenario.market
        self.segments = tuple(m.segments)
        self.goods = tuple(scenario.goods.classes)
        self.tags = tuple(sorted({t for s in m.segments.values() for t in s.tags}))
        self.channels = ("own", *m.channels, *metrics.EXTRA_CHANNELS)
        self.levers = tuple(sorted(name for name, lever in scenario.levers.items() if lever.on))
        single = ("own accord", *self.levers, "word of mouth")
        media = [n for n in self.levers if scenario.levers[n].kind == "media"]
        phased = [(n, phase) for n in media for phase in scenario.phases]
        if len(single) + len(phased) > MOST_CREDITS:
            phased = []
        self.credits = (*single, *(lever for lever, _ in phased))
        self.paid_in = (*("" for _ in single), *(phase for _, phase in phased))
        """Phase in which the touches of a credit number were paid for; empty: unknown."""
        self._phased = {key: len(single) + k for k, key in enumerate(phased)}
        self.accounts = tuple(scenario.accounts.planned())
        self.tiers = tuple(
            tier
            for name in self.levers
            if (lever := scenario.levers[name]).kind == "membership"
            for tier in lever.tiers
        )
        self.offers = tuple(n for n in self.levers if scenario.levers[n].kind == "offer")
        self.messages = tuple(n for n in self.levers if scenario.levers[n].kind == "message")
        self.referrals = tuple(n for n in self.levers if scenario.levers[n].kind == "referral")
        self.groups = tuple(n for n in self.levers if scenario.levers[n].kind == "group_buy")
        self.touches = ("", *(n for n in self.levers if scenario.levers[n].kind in ("media", "referral", "group_buy")))

    def credit(self, lever: str, phase: str = "") -> int:
        """Return the credit number of a lever, of its touches in a phase if it has one."""
        return self._phased.get((lever, phase)) or self.credits.index(lever)

    def credits_of(self, lever: str) -> list[int]:
        """Return all credit numbers of a lever."""
        return [number for number, name in enumerate(self.credits) if name == lever]

    def channel(self, name: str) -> int:
        """Return the number of a channel."""
        return self.channels.index(name)

    def account(self, path: str | None) -> int:
        """Return the number of an account, -1 for none."""
        return -1 if path is None else self.accounts.index(path)


def mask(chosen: Iterable[str], names: tuple[str, ...]) -> int:
    """Return the bit mask of names; of all of them when none is chosen."""
    chosen = tuple(chosen)
    return sum(1 << names.index(n) for n in (chosen or names))


def hour_mask(hours: tuple[int, int] | None) -> int:
    """Return the bit mask of a span of hours."""
    return ALL_HOURS if hours is None else sum(1 << h for h in range(*hours))


class Weather:
    """The conditions of the day, and the factors that calendar, shocks and levers put on them.

    `factors[(field, source)]` [S] multiplies the field's base; a source that has no effect has no factor.
    """

    def __init__(self, scenario: Scenario, calendar: Calendar, names: Names, market: Market) -> None:
        self.scenario, self.calendar, self.names, self.market = scenario, calendar, names, market
        s, g = len(names.segments), len(names.goods)
        shop = scenario.behaviour.shop
        self.base = {
            "visits": 1.0, "intent": 1.0, "ctr": shop.ctr, "detail_bounce": shop.detail_bounce,
            "payment_abandonment": shop.payment_abandonment, "basket": 1.0,
            "registration": scenario.behaviour.visit.registration, "satisfaction": 1.0,
        }  # fmt: skip
        self.factors: dict[tuple[str, str], Array] = {}
        self.dirty = True
        self.outages: dict[str, float] = {}
        self.slow = 0.0
        self.extra_delivery: dict[str, float] = {}
        self.conditions = Conditions(
            **{name: np.full(s, value) for name, value in self.base.items()},
            scalar=np.zeros(3),
            demand=np.ones(g),
            touches=np.zeros(len(names.touches), TOUCH),
            offers=np.zeros(len(names.offers), OFFER),
            messages=np.zeros(len(names.messages), MESSAGE),
            referrals=np.zeros(len(names.referrals), REFERRAL),
            groups=np.zeros(len(names.groups), GROUP_BUY),
            tiers=np.zeros(len(names.tiers), TIER),
            limit=np.zeros(CLASSES, np.int32),
            scheduled=np.zeros(s, np.int64),
            quota=np.full(len(names.offers), -1, np.int64),
            purse=np.zeros(len(names.accounts), np.int64),
            stock=np.full(g, -1, np.int64),
        )
        word = self.conditions.touches[0]
        word["stream"], word["kind"], word["hours"], word["account"] = purpose("word"), WORD, ALL_HOURS, -1
        word["lever"], word["channel"] = names.credit("word of mouth"), names.channel("word-of-mouth")
        word["quality"] = word["registration"] = 1.0

    def put(self, source: str, effect: Effect, strength: float, segments: Iterable[str] = ()) -> None:
        """Let a source change the steps of a visit by an effect at a strength from 0 to 1 in some segments."""
        changes = effect.model_dump()
        changes["intent"] = changes.pop("cart")
        here = np.isin(self.names.segments, tuple(segments) or self.names.segments)
        for field, change in changes.items():
            if change:
                self.factors[field, source] = np.where(here, 1 + change * strength, 1.0)
                self.dirty = True

    def audience(self, a: Audience) -> Array:
        """Return the AUDIENCE record of an audience."""
        result = np.zeros((), AUDIENCE)
        result["segments"] = mask(a.segments, self.names.segments)
        result["tags"] = mask(a.tags, self.names.tags) if a.tags else 0
        tiers = sum(1 << (1 + self.names.tiers.index(t)) for t in a.tiers if t in self.names.tiers)
        result["tiers"] = tiers if a.tiers else 0xFFFF
        result["registered"] = -1 if a.registered is None else int(a.registered)
        result["orders_from"], result["orders_to"] = a.orders[0], EVERYONE if a.orders[1] is None else a.orders[1]
        result["idle_from"], result["idle_to"] = a.idle[0], EVERYONE if a.idle[1] is None else a.idle[1]
        return result

    def remove(self, source: str) -> None:
        """Take back all factors of a source."""
        for key in [k for k in self.factors if k[1] == source]:
            del self.factors[key]
        self.dirty = True

    def _levels(self) -> dict[str, Array]:
        """Return each field's base times the factors of all sources, in the order of their names."""
        levels = {field: np.full(len(self.names.segments), base) for field, base in self.base.items()}
        for (field, _), factor in sorted(self.factors.items(), key=lambda item: item[0]):
            levels[field] = levels[field] * factor
        for field in ("ctr", "detail_bounce", "payment_abandonment", "registration"):
            levels[field] = np.clip(levels[field], 0.0, 1.0)
        return levels

    def begin(self, day: int) -> None:
        """Work out the day's conditions from the base rates, the calendar and all factors."""
        c, k = self.conditions, day - self.calendar.first
        if self.dirty:
            self.levels = self._levels()
            for field, level in self.levels.items():
                getattr(c, field)[:] = level
            self.dirty = False
        np.multiply(self.levels["visits"], self.calendar.visits[k], out=c.visits)
        np.multiply(self.levels["intent"], self.calendar.intent[k], out=c.intent)
        c.demand[:] = self.calendar.demand[k]
        c.scalar[OUTAGE] = 1 - math.prod(1 - x for x in self.outages.values())
        c.scalar[SLOW] = self.slow
        c.scalar[DELIVERY] = self.scenario.service.delivery_days + sum(self.extra_delivery.values())
        c.scheduled[:] = 0
        for row in c.messages:
            if row["open"] and row["after"] == 0:
                c.scheduled[:] |= (int(row["audience"]["segments"]) >> np.arange(len(c.scheduled))) & 1
        most = float(c.tiers["visits"].max(initial=1.0))
        ceilings(self.market.b, c.visits, c.scheduled, most, c.limit)


def stream_of(name: str) -> np.uint64:
    """Return the purpose number of a lever's own draws."""
    return purpose(f"lever:{name}")
