"""The funnel in vectorised NumPy: each day draws for the users of one state at a time, never for all of them."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.funnel import (
    AWARE,
    CHURNED,
    CUSTOMER,
    DEGREE,
    REPEAT,
    STATES,
    UNAWARE,
    Counts,
    Daily,
    Funnel,
    contacts,
)

Users = NDArray[np.intp]


class Market:
    """The state [users] and the contacts [users, 8] of all users, and the messages under way."""

    def __init__(self, funnel: Funnel, users: int, seed: int) -> None:
        self.funnel = funnel
        self.random = np.random.default_rng(seed)
        self.contacts = contacts(users, seed)
        self.state = np.full(users, UNAWARE, np.uint8)
        self.heard: NDArray[np.int32] = np.empty(0, np.int32)
        self.counts = np.array([users, 0, 0, 0, 0], np.int64)

    def some(self, users: Users, probability: float) -> Users:
        """Return the users of a list who pass an independent draw."""
        return users[self.random.random(users.size, dtype=np.float32) < probability]

    def told(self, senders: Users) -> NDArray[np.int32]:
        """Return one random contact of each sender."""
        return self.contacts[senders, self.random.integers(DEGREE, size=senders.size)]

    def move(self, users: Users, after: int) -> None:
        """Put users into a state and keep the counts."""
        self.counts -= np.bincount(self.state[users], minlength=len(STATES))
        self.counts[after] += users.size
        self.state[users] = after

    def step(self) -> None:
        """Run one day; all four lists are taken before anyone moves."""
        funnel, state = self.funnel, self.state
        unaware = np.flatnonzero(state == UNAWARE)
        aware = np.flatnonzero(state == AWARE)
        owners = np.flatnonzero((state == CUSTOMER) | (state == REPEAT))
        hearers = np.unique(self.heard[state[self.heard] == UNAWARE]).astype(np.intp)

        bought = self.some(aware, funnel.p_buy)
        again = self.some(owners, funnel.p_again)
        orders = np.concatenate([bought, again])
        senders = np.concatenate([self.some(owners, funnel.p_talk), self.some(orders, funnel.p_invite)])

        self.move(hearers, AWARE)
        hit = self.some(unaware, funnel.p_ad)
        self.move(hit[state[hit] == UNAWARE], AWARE)
        self.move(bought, CUSTOMER)
        self.move(again, REPEAT)
        self.move(self.some(orders, funnel.p_churn), CHURNED)
        self.heard = self.told(senders)


def prepare(funnel: Funnel, users: int, seed: int) -> Daily:
    """Build the market and return its daily loop."""
    market = Market(funnel, users, seed)

    def daily(days: int) -> Counts:
        rows = [market.counts.copy()]
        for _ in range(days):
            market.step()
            rows.append(market.counts.copy())
        return np.array(rows)

    return daily


def run(funnel: Funnel, users: int, days: int, seed: int) -> Counts:
    """Return the state counts [days + 1, 5]."""
    return prepare(funnel, users, seed)(days)
