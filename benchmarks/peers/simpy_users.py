"""The funnel in SimPy: one process per user, woken once a day until he churns."""

import random
from collections.abc import Generator

import numpy as np
import simpy

from benchmarks.funnel import AWARE, CHURNED, CUSTOMER, REPEAT, UNAWARE, Counts, Daily, Funnel, contacts


class Market:
    """What the users share: the clock, the draws, the messages under way and the state counts."""

    def __init__(self, funnel: Funnel, users: int, seed: int) -> None:
        self.env = simpy.Environment()
        self.funnel = funnel
        self.random = random.Random(seed)
        self.heard: set[int] = set()
        self.sent: set[int] = set()
        self.counts = [users, 0, 0, 0, 0]
        for me, friends in enumerate(contacts(users, seed).tolist()):
            self.env.process(user(self, me, friends))

    def move(self, before: int, after: int) -> None:
        """Count one user out of a state and into another."""
        self.counts[before] -= 1
        self.counts[after] += 1

    def tell(self, friends: list[int]) -> None:
        """Send a message to one random friend, heard tomorrow."""
        self.sent.add(friends[int(self.random.random() * len(friends))])

    def end_day(self) -> None:
        """Deliver what was sent today."""
        self.heard, self.sent = self.sent, set()


def order(market: Market, friends: list[int], before: int, after: int) -> int:
    """Place one order and return the user's state after it."""
    chance = market.random.random
    if chance() < market.funnel.p_invite:
        market.tell(friends)
    state = CHURNED if chance() < market.funnel.p_churn else after
    market.move(before, state)
    return state


def user(market: Market, me: int, friends: list[int]) -> Generator[simpy.Event, None, None]:
    """Live the days of one user."""
    timeout, chance, funnel = market.env.timeout, market.random.random, market.funnel
    while me not in market.heard and chance() >= funnel.p_ad:
        yield timeout(1)
    market.move(UNAWARE, AWARE)
    yield timeout(1)
    while chance() >= funnel.p_buy:
        yield timeout(1)
    state = order(market, friends, AWARE, CUSTOMER)
    while state != CHURNED:
        yield timeout(1)
        if chance() < funnel.p_talk:
            market.tell(friends)
        if chance() < funnel.p_again:
            state = order(market, friends, state, REPEAT)


def prepare(funnel: Funnel, users: int, seed: int) -> Daily:
    """Build the market and return its daily loop."""
    market = Market(funnel, users, seed)

    def daily(days: int) -> Counts:
        rows = [tuple(market.counts)]
        for day in range(days):
            market.env.run(until=day + 1)
            market.end_day()
            rows.append(tuple(market.counts))
        return np.array(rows, np.int64)

    return daily


def run(funnel: Funnel, users: int, days: int, seed: int) -> Counts:
    """Return the state counts [days + 1, 5]."""
    return prepare(funnel, users, seed)(days)
