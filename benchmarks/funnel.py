"""The funnel every peer simulates, its contact graph, and the shape of a peer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNAWARE, AWARE, CUSTOMER, REPEAT, CHURNED = range(5)
STATES = ("unaware", "aware", "customer", "repeat", "churned")
CYCLES = 4
DEGREE = 2 * CYCLES

Counts = NDArray[np.int64]
"""State counts [days + 1, 5]: row 0 is the start, row d the end of day d."""

Daily = Callable[[int], Counts]
"""The daily loop of a model that is already built: days -> counts. It may be called once."""


@dataclass(frozen=True)
class Funnel:
    """Chances of the funnel; everyone acts on the states at the start of the day.

    Messages sent on day d are heard on day d + 1, and only by a user who is then unaware.
    """

    p_ad: float = 0.002
    """Probability that an advertisement reaches an unaware user, per user and day."""

    p_buy: float = 0.02
    """Probability that an aware user places his first order, per user and day."""

    p_again: float = 0.03
    """Probability that a customer or repeat customer orders again, per user and day."""

    p_invite: float = 0.3
    """Probability that an order sends an invitation to one random contact, per order."""

    p_churn: float = 0.1
    """Probability that the user leaves for ever after an order, per order."""

    p_talk: float = 0.03
    """Probability that a customer or repeat customer tells one random contact, per user and day."""


def contacts(users: int, seed: int) -> NDArray[np.int32]:
    """Return the contacts [users, 8] of each user: his neighbours in four random cycles through all users.

    Columns come in pairs, predecessor and successor in one cycle; two cycles may share an edge.

    >>> graph = contacts(10, seed=1)
    >>> graph.shape, np.bincount(graph.ravel()).tolist()
    ((10, 8), [8, 8, 8, 8, 8, 8, 8, 8, 8, 8])
    """
    random = np.random.default_rng(seed)
    graph = np.empty((users, DEGREE), np.int32)
    for cycle in range(CYCLES):
        order = random.permutation(users)
        graph[order, 2 * cycle] = np.roll(order, 1)
        graph[order, 2 * cycle + 1] = np.roll(order, -1)
    return graph
