"""The user: one record in one structured array, its states, and the classes that the daily scan looks up."""

import numpy as np

from sim.compile import compiled

UNAWARE, AWARE, VISITOR, REGISTERED, CONSIDERING, FIRST, RETAINED, REPEAT, LOYAL, DORMANT, CHURNED = range(11)
STATES = (
    "unaware", "aware", "visitor", "registered", "considering", "first-buyer",
    "retained", "repeat-buyer", "loyal", "dormant", "churned",
)  # fmt: skip

LAPSED, WEEK7, DAY30, WATCHED = 1, 2, 4, 8
"""Flags: gone for good unless recalled; counted in 7-day and 30-day retention; journey is written down."""

NEVER = -20000
"""A day that never was."""
WALLET = 4
TRAIL = 4

USER = np.dtype(
    [
        ("rate", "f4"), ("drop", "f4"), ("awareness", "f4"), ("exposure", "f4"), ("messages", "f4"),
        ("satisfaction", "f4"), ("habit", "f4"), ("spend", "f4"), ("frequency", "f4"),
        ("referrer", "i4"), ("group", "i4"),
        ("trail_weight", "f4", TRAIL), ("trail_lever", "u1", TRAIL), ("wallet", "u1", WALLET),
        ("expiry", "i2", WALLET),
        ("registered", "i2"), ("visited", "i2"), ("ordered", "i2"), ("ordered_before", "i2"), ("first_ordered", "i2"),
        ("carted", "i2"), ("touched", "i2"), ("orders", "u2"), ("tags", "u2"),
        ("segment", "u1"), ("state", "u1"), ("tier", "u1"), ("flags", "u1"), ("generation", "u1"), ("source", "u1"),
        ("brought_by", "u1"), ("invitees", "u1"), ("visited_before", "i2"),
    ]
)  # fmt: skip
"""One user. Days are day numbers of the run; money is yuan; stocks are as of `touched` and decay when next looked at.

`rate`: own visits a day; `drop`: own drop-out probability; `awareness`, `exposure`, `messages`: decaying stocks; `habit`:
saving that the user has come to expect (share of the basket); `spend`, `frequency`: yuan and orders of the trailing year
(exponentially weighted); `trail_*`: the levers that touched the user last; `wallet`, `expiry`: coupons (offer + 1, 0 is
an empty slot); `source`: channel of registration; `brought_by`: credit number of the lever that led to it.
"""

RATE_BINS = 16
_RATE_TOP = 2.0
RATE_EDGES = (_RATE_TOP * 0.62 ** np.arange(RATE_BINS)[::-1]).astype(np.float64)
"""Upper ends of the rate bins [visits a day]; the last is open."""

MODE_UNAWARE, MODE_AWARE, MODE_REGISTERED, MODE_CUSTOMER, MODE_LAPSED = range(5)
CLASSES = 16 * 8 * RATE_BINS


@compiled
def class_of(u):
    """Return the class (segment, mode, rate bin) under which the daily scan looks up a user's highest probability."""
    rate_bin = 0
    if u.registered == NEVER:
        mode = MODE_UNAWARE if u.state == UNAWARE else MODE_AWARE
    elif u.flags & LAPSED:
        mode = MODE_LAPSED
    else:
        mode = MODE_CUSTOMER if u.orders > 0 else MODE_REGISTERED
        while rate_bin < RATE_BINS - 1 and u.rate > RATE_EDGES[rate_bin]:
            rate_bin += 1
    return np.uint16((u.segment * 8 + mode) * RATE_BINS + rate_bin)


@compiled
def state_by_orders(u, day):
    """Return the state of a registered user who is around: by tier, orders, visits since the first order, open cart."""
    if u.carted != NEVER and u.carted > u.ordered and day - u.carted <= 7 and u.orders == 0:
        return CONSIDERING
    if u.orders == 0:
        return REGISTERED
    if u.tier > 0:
        return LOYAL
    if u.orders > 1:
        return REPEAT
    return RETAINED if u.visited > u.ordered else FIRST


@compiled
def classify(users, klass):
    """Fill every user's class."""
    for i in range(len(users)):
        klass[i] = class_of(users[i])
