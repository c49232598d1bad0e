"""The population: lives one day a tick, as compiled scans over all users or as a SimPy process for each."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import simpy

from scenarios import Scenario
from sim.clock import Calendar, Moment
from sim.conditions import Array, Conditions
from sim.draws import stream
from sim.groups import close_groups
from sim.ledger import Accounts
from sim.live import live, live_all, scan
from sim.market import build, empty_users, populate
from sim.rewards import deliver
from sim.settle import settle
from sim.users import STATES, classify
from sim.weather import Names
from sim.world import COHORT_DAYS, DAY, GATE, OPEN_GROUP, Mail, Out, Shape, World, new_out


def pushes_at_most(referrals: int, orders: int) -> int:
    """Return the most that one user's visit, or one basket that fills a group of so many, can send to others."""
    return orders * (31 * referrals + 3) + 32


class Population:
    """All users, and what they did today."""

    def __init__(
        self, scenario: Scenario, seed: int, calendar: Calendar, names: Names, *, threads: int = 1,
        engine: str = "columnar", watch: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        self.scenario, self.calendar, self.names, self.engine = scenario, calendar, names, engine
        self.market = build(scenario, seed, watch)
        n = scenario.market.users
        self.scale = scenario.market.people / n
        start = scenario.behaviour.start
        users = empty_users(n)
        populate(users, self.market, start.aware, start.registered, base_conversion(scenario), mean_basket(scenario))
        self.world = World(
            users=users,
            klass=np.zeros(n, np.uint16),
            wake=np.full(n, calendar.first, np.int16),
            mail=_mail(n, 1024),
            groups=np.zeros(n // 16 + 64, OPEN_GROUP),
            group_count=np.zeros(2, np.int64),
        )
        classify(users, self.world.klass)
        self.shape = Shape(
            segments=len(names.segments), channels=len(names.channels), credits=len(names.credits),
            accounts=len(names.accounts), messages=len(names.messages), offers=len(names.offers),
            touches=len(names.touches), cohorts=len(calendar) // COHORT_DAYS + 1, days=len(calendar), watched=len(watch),
        )  # fmt: skip
        self.threads = max(1, min(threads, n // 8 or 1))
        parts = self.threads if engine == "columnar" else 1
        step = -(-n // parts // 8) * 8
        self.parts = [(k * step, min((k + 1) * step, n)) for k in range(parts) if k * step < n]
        self.outs = [new_out(self.shape, 4096) for _ in self.parts]
        self.found = [np.zeros(last - first, np.int32) for first, last in self.parts]
        self.pool = ThreadPoolExecutor(len(self.parts)) if len(self.parts) > 1 else None
        self.items = 0
        self.outstanding = np.zeros(len(names.offers), np.int64)
        """Coupons in wallets, by offer."""
        self.last_cost: dict[str, int] = {}
        """What each message lever cost on its last day [cents]."""
        self.states = np.zeros((len(STATES), len(names.segments)), np.int64)
        np.add.at(self.states, (users["state"], users["segment"]), 1)

    def begin(self, day: int, conditions: Conditions, accounts: Accounts, deliver_media: Any) -> None:
        """Fill purses and deliver the day's impressions before users wake."""
        for path, k in accounts.index.items():
            conditions.purse[k] = int(accounts.balance(path, day) // self.scale)
        self.gate_key = np.uint64(stream(self.market.seed, day, GATE))
        self.day_key = np.uint64(stream(self.market.seed, day, DAY))
        deliver_media(day)

    def end(self) -> None:
        """Forget the day's results: what levers do to users before they wake counts for the next day."""
        for out in self.outs:
            clear(out)

    def room_for(self, items: int) -> None:
        """Make room in the mail for so many more items."""
        needed = self.items + items
        mail = self.world.mail
        if needed > len(mail.next):
            size = max(needed, 2 * len(mail.next))
            self.world = self.world._replace(
                mail=Mail(mail.head, grown(mail.next, size), grown(mail.touch, size), grown(mail.sender, size))
            )

    def room_for_groups(self, starts: int) -> None:
        """Make room for so many more open group-buys."""
        groups = self.world.groups
        if self.names.groups and len(groups) - 1 - np.count_nonzero(groups["n"]) < starts:
            self.world = self.world._replace(groups=grown(groups, 2 * len(groups) + starts))

    def live_day(self, day: int, c: Conditions) -> None:
        """Let every user live the day (columnar engine)."""

        def part(k: int) -> None:
            first, last = self.parts[k]
            args = (self.gate_key, self.day_key, self.market, c, self.world)
            w = self.world
            count = scan(first, last, day, self.gate_key, c.limit, w.klass, w.wake, self.found[k])
            done = 0
            while (done := live_all(self.found[k], done, count, day, *args, self.outs[k])) < count:
                self.outs[k] = widened(self.outs[k])

        if self.pool is None:
            part(0)
        else:
            list(self.pool.map(part, range(len(self.parts))))

    def live_user(self, i: int, day: int, c: Conditions) -> bool:
        """Let one user live the day (process engine)."""
        out = self.outs[0]
        if out.counts[0] + 1 > len(out.intents) or out.counts[1] + pushes_at_most(len(c.referrals), 1) > len(
            out.pushes
        ):
            self.outs[0] = out = widened(out)
        return bool(live(i, day, self.gate_key, self.day_key, self.market, c, self.world, out))

    def processes(self, env: simpy.Environment, c: Conditions, first: int, last: int) -> None:
        """Start a SimPy process for each user (process engine)."""

        def one(i: int) -> Generator[simpy.Event, Any, None]:
            yield env.timeout(first + Moment.USERS.value - env.now)
            for day in range(first, last + 1):
                self.live_user(i, day, c)
                yield env.timeout(1)

        for i in range(len(self.world.users)):
            env.process(one(i))

    def settle_day(self, day: int, c: Conditions) -> Out:
        """Serve baskets, pay rewards, post tomorrow's mail. Return what the day brought."""
        total = merged(self.outs)
        self.items = 0
        queue = np.argsort(total.intents["order"][: total.counts[0]], kind="stable")
        intents = int(total.counts[0])
        most = pushes_at_most(len(c.referrals), 3)
        self.room_for_groups(intents)
        settled = 0
        while settled < intents:
            room = (len(total.pushes) - int(total.counts[1])) // most
            if room < min(intents - settled, 256):
                total = widened(total, int(total.counts[1]) + 1024 * most)
                continue
            settle(queue[settled : settled + room], day, self.day_key, self.market, c, self.world, total)
            settled += room
        if self.names.groups:
            open_groups = int(np.count_nonzero(self.world.groups["n"]))
            needed = int(total.counts[1]) + 31 * (open_groups + 1)
            total = widened(total, needed) if needed > len(total.pushes) else total
            close_groups(day, self.market, c, self.world, total)
        if len(self.outs) == 1:
            self.outs[0] = total
        pushes = int(total.counts[1])
        self.room_for(pushes)
        self.items = deliver(total.pushes, pushes, self.items, day, self.market, c, self.world, total)
        self.states += total.states
        self.outstanding += total.issued[:, 0] - total.issued[:, 1] - total.issued[:, 2]
        return total

    def close(self) -> None:
        """End the threads."""
        if self.pool is not None:
            self.pool.shutdown()


def base_conversion(scenario: Scenario) -> float:
    """Return the share of visits that end in an order by the base rates."""
    shop = scenario.behaviour.shop
    clicked = 1 - (1 - shop.ctr) ** shop.impressions
    return clicked * (1 - shop.detail_bounce) * shop.cart * (1 - shop.payment_abandonment)


def mean_basket(scenario: Scenario) -> float:
    """Return the mean basket over goods classes [yuan]."""
    return sum(g.demand * g.basket for g in scenario.goods.classes.values())


def _mail(users: int, size: int) -> Mail:
    return Mail(
        head=np.full(users, -1, np.int32),
        next=np.zeros(size, np.int32),
        touch=np.zeros(size, np.uint8),
        sender=np.zeros(size, np.int32),
    )


def grown(array: Array, size: int) -> Array:
    """Return a copy of an array with more room."""
    result = np.zeros((size, *array.shape[1:]), array.dtype)
    result[: len(array)] = array
    return result


def widened(out: Out, size: int = 0) -> Out:
    """Return results with at least twice the room (or so much) for intents and pushes."""
    size = size or 2 * max(len(out.pushes), 1024)
    return out._replace(
        intents=grown(out.intents, max(size, len(out.intents))), pushes=grown(out.pushes, max(size, len(out.pushes)))
    )


def clear(out: Out) -> None:
    """Set the day's results to nothing."""
    for name in out._fields:
        if name not in ("intents", "pushes", "trace"):
            getattr(out, name)[...] = 0


def merged(outs: list[Out]) -> Out:
    """Return the results of all parts as one; sums of whole numbers, lists in order of users."""
    if len(outs) == 1:
        return outs[0]
    first = outs[0]
    sums = {n: sum(getattr(o, n) for o in outs) for n in first._fields if n not in ("intents", "pushes", "trace")}
    lists = {
        n: np.concatenate([getattr(o, n)[: o.counts[k]] for o in outs])
        for k, n in enumerate(("intents", "pushes", "trace"))
    }
    lists["trace"] = np.concatenate([lists["trace"], np.zeros_like(first.trace)])
    return Out(**sums, **lists)
