"""Snapshots: what only a look at all users can tell, taken on the last days of windows and every thirty days."""

import numpy as np

from sim.compile import compiled
from sim.conditions import Array
from sim.users import CHURNED, NEVER

(
    REGISTERED_USERS, MONTHLY_ACTIVE, BUYERS_12M, REPEATERS_12M, MEMBERS, UPPER_MEMBERS, ASKED, PROMOTERS, DETRACTORS,
) = range(9)  # fmt: skip
COUNTS = (
    "registered-users", "monthly-active", "buyers-12m", "repeaters-12m", "members", "upper-members", "asked",
    "promoters", "detractors",
)  # fmt: skip
PROMOTES, DETRACTS = 0.85, 0.65
"""Satisfaction from which a user answers 9 or 10, and below which 6 or less, on the 0 to 10 scale."""


def snapshot(users: Array, day: int, segments: int) -> Array:
    """Return counts by segment, [9, segments]."""
    result = np.zeros((len(COUNTS), segments), np.int64)
    _count(users, day, result)
    return result


@compiled
def _count(users, day, result):
    for i in range(len(users)):
        u = users[i]
        s = u.segment
        if u.visited > day - 30:
            result[MONTHLY_ACTIVE, s] += 1
        if u.registered == NEVER:
            continue
        if u.state != CHURNED:
            result[REGISTERED_USERS, s] += 1
        if u.ordered > day - 365:
            result[BUYERS_12M, s] += 1
            if u.ordered_before > day - 365:
                result[REPEATERS_12M, s] += 1
        if u.tier > 0:
            result[MEMBERS, s] += 1
            if u.tier > 1:
                result[UPPER_MEMBERS, s] += 1
        if u.ordered > day - 90:
            result[ASKED, s] += 1
            if u.satisfaction >= PROMOTES:
                result[PROMOTERS, s] += 1
            elif u.satisfaction < DETRACTS:
                result[DETRACTORS, s] += 1
