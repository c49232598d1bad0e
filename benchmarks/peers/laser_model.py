"""The funnel in LASER: properties of a LaserFrame advanced by one compiled step."""

# mypy: allow-untyped-decorators

from dataclasses import asdict
from typing import NamedTuple

import numba
import numpy as np
from laser.core import LaserFrame  # type: ignore[import-untyped]
from laser.core.random import seed as seed_laser  # type: ignore[import-untyped]
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

Bytes = NDArray[np.uint8]


class Chances(NamedTuple):
    """The fields of `Funnel` in a form compiled code can read."""

    p_ad: float
    p_buy: float
    p_again: float
    p_invite: float
    p_churn: float
    p_talk: float


@numba.njit(nogil=True, cache=True)
def step(state: Bytes, heard: Bytes, sent: Bytes, friends: NDArray[np.int32], chances: Chances) -> Counts:
    """Run one day and return the change of the counts [5]; messages are marks, so their order does not matter."""
    change = np.zeros(len(STATES), np.int64)
    for i in range(state.size):
        told, heard[i] = heard[i], 0
        before = state[i]
        if before == CHURNED:
            continue
        draw = np.random.random()  # noqa: NPY002 - LASER seeds Numba's generator
        if before == UNAWARE:
            if told or draw < chances.p_ad:
                state[i] = AWARE
                change[UNAWARE] -= 1
                change[AWARE] += 1
            continue
        if before != AWARE and np.random.random() < chances.p_talk:  # noqa: NPY002
            sent[friends[np.random.randint(DEGREE), i]] = 1  # noqa: NPY002
        p_order = chances.p_buy if before == AWARE else chances.p_again
        if draw < p_order:
            after = CHURNED if draw < p_order * chances.p_churn else CUSTOMER if before == AWARE else REPEAT
            state[i] = after
            change[before] -= 1
            change[after] += 1
            if np.random.random() < chances.p_invite:  # noqa: NPY002
                sent[friends[np.random.randint(DEGREE), i]] = 1  # noqa: NPY002
    return change


class Market:
    """The users' frame and the counts at the start and after each day; even and odd days swap the two mailboxes."""

    def __init__(self, funnel: Funnel, users: int, seed: int) -> None:
        seed_laser(seed)
        self.chances = Chances(**asdict(funnel))
        self.people = LaserFrame(users)
        self.people.add_scalar_property("state", dtype=np.uint8, default=UNAWARE)
        self.people.add_vector_property("mail", 2, dtype=np.uint8)
        self.people.add_vector_property("friends", DEGREE, dtype=np.int32)
        self.people.friends[:] = contacts(users, seed).T
        self.counts = np.zeros(len(STATES), np.int64)
        self.counts[UNAWARE] = users

    def step(self, tick: int) -> None:
        """Run one day."""
        people = self.people
        heard, sent = people.mail[tick % 2], people.mail[(tick + 1) % 2]
        self.counts += step(people.state, heard, sent, people.friends, self.chances)


def prepare(funnel: Funnel, users: int, seed: int) -> Daily:
    """Build the market and return its daily loop."""
    market = Market(funnel, users, seed)

    def daily(days: int) -> Counts:
        rows = [market.counts.copy()]
        for tick in range(days):
            market.step(tick)
            rows.append(market.counts.copy())
        return np.array(rows)

    return daily


def run(funnel: Funnel, users: int, days: int, seed: int) -> Counts:
    """Return the state counts [days + 1, 5]."""
    return prepare(funnel, users, seed)(days)
