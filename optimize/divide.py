"""divide: the exact split of money over levers on a grid of amounts, by dynamic programming. S-shaped curves are welcome."""

import numpy as np
from numpy.typing import NDArray

from optimize.market import Floats


def divide(value: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the best split of every amount 0..G: steps [G + 1, levers] and its value [G + 1].

    `value` [levers, G + 1]: what each lever gives for 0..G steps of money; -inf where it may not have so much. All steps
    need not be spent. Takes levers x G^2 operations (Bellman's recursion over levers).

    >>> steps, best = divide(np.array([[0.0, 0.0, 5.0], [0.0, 2.0, 3.0]]))
    >>> steps[2].tolist(), best.tolist()
    ([2, 0], [0.0, 2.0, 5.0])
    """
    levers, size = value.shape
    total = np.zeros(size)
    left = np.arange(size)[:, None] - np.arange(size)[None, :]
    allowed = np.where(left >= 0, 0.0, -np.inf)
    before = np.maximum(left, 0)
    chosen = np.empty((levers, size), np.int64)
    for lever in range(levers):
        worth = total[before] + allowed + value[lever]
        chosen[lever] = worth.argmax(1)
        total = worth.max(1)
    steps = np.zeros((size, levers), np.int64)
    money = np.arange(size)
    for lever in reversed(range(levers)):
        steps[:, lever] = chosen[lever][money]
        money = money - steps[:, lever]
    return steps, total
