"""The contact graph: who hears from whom. Random, of even degree, the same for every scenario with the same seed."""

import numpy as np
from numpy.typing import NDArray

from sim.compile import compiled
from sim.draws import below, purpose, stream

_CONTACTS = purpose("contacts")


@compiled
def _cycles(order, contacts):
    rounds, n = order.shape
    for r in range(rounds):
        for k in range(n):
            i = order[r, k]
            contacts[i, 2 * r] = order[r, (k + 1) % n]
            contacts[i, 2 * r + 1] = order[r, (k - 1) % n]


@compiled
def _shuffle(order, key):
    for k in range(len(order) - 1, 0, -1):
        j = below(key, k, k + 1)
        order[k], order[j] = order[j], order[k]


def contacts(users: int, degree: int, seed: int) -> NDArray[np.int32]:
    """Return the contacts of every user, [users, degree] user numbers.

    The union of degree/2 random cycles through all users: symmetric, connected, every user of the same degree. An odd
    degree is rounded up.
    """
    rounds = (degree + 1) // 2
    result = np.zeros((users, 2 * rounds), np.int32)
    order = np.tile(np.arange(users, dtype=np.int32), (rounds, 1))
    for r in range(rounds):
        _shuffle(order[r], np.uint64(stream(np.uint64(seed), r, _CONTACTS)))
    _cycles(order, result)
    return result
