"""One user's day: hear, visit, shop, share, fade, in this order; and the scan that finds who has anything to do.

Every run of a day calls `live` for the same users with the same draws, whether the scan found them (columnar engine) or
each user came by himself (process engine), because a user who has nothing to do is left untouched to the last bit.
"""

import numpy as np

from sim.compile import compiled
from sim.fade import decay, fade, lapse_after_visit, rest
from sim.hear import gets_scheduled, hear, read_messages
from sim.market import AWARE_VISIT, FORGET, LOYALTY, SATISFACTION, SPONTANEOUS, TALK, WORD_STOCK
from sim.share import invite, talk, talks
from sim.shop import shop
from sim.users import (
    AWARE,
    MODE_AWARE,
    MODE_CUSTOMER,
    MODE_LAPSED,
    MODE_REGISTERED,
    MODE_UNAWARE,
    NEVER,
    RATE_BINS,
    RATE_EDGES,
    UNAWARE,
)
from sim.visit import own_visit, visit
from sim.wallet import expire
from sim.world import TALKS, coarse, draw, gate, move


@compiled
def live(i, day, gate_key, day_key, m, c, w, o):
    """Live user i's day, if there is anything in it. Return whether there was."""
    u = w.users[i]
    x = gate(gate_key, i)
    unaware = u.registered == NEVER and u.state == UNAWARE
    p_visit = own_visit(u, day, m, c)
    p_talk = talks(u, m)
    p_first = m.b[SPONTANEOUS] if unaware else p_visit
    fires = x < p_first + (1.0 - p_first) * p_talk
    if not (fires or w.wake[i] <= day or gets_scheduled(i, u, day, m, c)):
        return False
    decay(u, day, m)
    expire(i, day, c, w, o)
    prompt, sender = hear(i, day, day_key, m, c, w, o)
    message = -1
    if u.registered != NEVER and len(c.messages) > 0:
        message = read_messages(i, day, m, c, w, o)
    own = not unaware and x < p_visit
    if unaware and x < p_first:
        u.awareness += max(m.b[WORD_STOCK], m.b[FORGET])
        move(o, u, AWARE)
    told = False
    if p_talk > 0:
        told = (draw(m, day_key, i, TALKS) < p_talk) if own else fires
    if own or prompt >= 0 or message >= 0:
        here, hour, channel = visit(i, day, day_key, prompt, message, sender, m, c, w, o)
        if here:
            ordered = shop(i, day, day_key, hour, channel, prompt, message, sender, m, c, w, o)
            if not ordered:
                lapse_after_visit(i, day, day_key, m, w, o)
                invite(i, day, False, m, c, w, o)
    if told:
        talk(i, day, day_key, m, w, o)
    fade(i, day, m, w, o)
    rest(i, day, m, c, w)
    return True


@compiled
def ceilings(b, visits, scheduled, most_visits, limit):
    """Fill the scan's limits: for each class the least byte count that covers its members' chance of doing anything."""
    top = max(0.0, 1.0 + b[LOYALTY] * (1.0 - b[SATISFACTION]))
    for s in range(len(visits)):
        for mode in range(8):
            for k in range(RATE_BINS):
                p = 0.0
                if mode == MODE_UNAWARE:
                    p = b[SPONTANEOUS]
                elif mode == MODE_AWARE:
                    p = b[AWARE_VISIT] * visits[s]
                elif mode in (MODE_REGISTERED, MODE_CUSTOMER):
                    edge = RATE_EDGES[k] if k < RATE_BINS - 1 else 1e9
                    p = min(1.0, edge * visits[s] * top * most_visits)
                    if mode == MODE_CUSTOMER:
                        p += (1.0 - p) * b[TALK]
                if scheduled[s] != 0 and mode in (MODE_REGISTERED, MODE_CUSTOMER, MODE_LAPSED):
                    p = 1.0
                limit[(s * 8 + mode) * RATE_BINS + k] = min(256, int(np.ceil(min(p, 1.0) * 256)) if p > 0 else 0)


@compiled
def is_due(x, k, limit, wake, day):
    """Return 1 when the k-th of eight users may have something to do, else 0; no branch, which would cost more."""
    byte = (x >> np.uint64(k << 3)) & np.uint64(255)
    return int((np.int64(byte) < limit) | (wake <= day))


@compiled
def scan(first, last, day, gate_key, limit, klass, wake, found):
    """Write the users in [first, last) who may have something to do today into `found`; return how many.

    `first` is a multiple of eight. A user is passed over when his coarse byte is not below his class's limit and
    nothing is due for him; eight users share one hash.
    """
    n = 0
    for block in range(first >> 3, last >> 3):
        x = coarse(gate_key, block)
        for k in range(8):
            i = (block << 3) + k
            found[n] = i
            n += is_due(x, k, limit[klass[i]], wake[i], day)
    for i in range(last & ~7, last):
        found[n] = i
        n += is_due(coarse(gate_key, i >> 3), i & 7, limit[klass[i]], wake[i], day)
    return n


@compiled
def live_all(found, start, count, day, gate_key, day_key, m, c, w, o):
    """Live the day of each found user from `start` on; stop when the results are full. Return where it stopped."""
    for k in range(start, count):
        if o.counts[0] + 1 > len(o.intents) or o.counts[1] + 31 * len(c.referrals) + 35 > len(o.pushes):
            return k
        live(np.int64(found[k]), day, gate_key, day_key, m, c, w, o)
    return count
