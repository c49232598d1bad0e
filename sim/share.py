"""share: talk, invitations and group-buys travel to contacts."""

import numpy as np

from sim import metrics as M
from sim.compile import compiled
from sim.draws import below, mean_count, stream, unit
from sim.market import STRANGERS, TALK
from sim.users import LAPSED, NEVER
from sim.wallet import fits
from sim.world import CONTACT, INVITED, TALK_FAR, TALK_STRANGER, TALK_TO, TALKED, note, push

WORD_TOUCH = 0
"""Row of the touch table for word of mouth; always present."""


@compiled
def talks(u, m):
    """Return the probability that a user tells somebody today."""
    return m.b[TALK] if u.orders > 0 and not u.flags & LAPSED else 0.0


@compiled
def talk(i, day, day_key, m, w, o):
    """Tell one contact, or a random stranger."""
    u = w.users[i]
    if m.b[STRANGERS] > 0 and unit(day_key, i * 64 + TALK_FAR) < m.b[STRANGERS]:
        other = below(day_key, i * 64 + TALK_STRANGER, len(w.users))
    elif m.contacts.shape[1] > 0:
        other = np.int64(m.contacts[i, below(day_key, i * 64 + TALK_TO, m.contacts.shape[1])])
    else:
        return
    o.tally[M.TALKS, u.segment, 0] += 1
    note(o, u, i, day, -1, TALKED, other, 0.0)
    push(o, other, i, WORD_TOUCH)


@compiled
def ask_contacts(i, day, touch, mean, salt, m, c, w, o):
    """Send a touch to a random number, with this mean, of random contacts. Return how many."""
    u = w.users[i]
    degree = m.contacts.shape[1]
    if degree == 0 or mean <= 0:
        return 0
    key = stream(m.seed, day, salt)
    n = min(mean_count(key, i * 64, mean), 31)
    for k in range(n):
        other = m.contacts[i, below(key, i * 64 + CONTACT + k, degree)]
        note(o, u, i, day, -1, INVITED, other, 0.0)
        push(o, other, i, touch)
    return n


@compiled
def invite(i, day, ordered, m, c, w, o):
    """Invite contacts under the open referral levers, after an order or in a visit without one."""
    u = w.users[i]
    if u.registered == NEVER:
        return
    for r in range(len(c.referrals)):
        row = c.referrals[r]
        if row.open and fits(row.audience, u, day):
            n = ask_contacts(i, day, row.touch, row.per_order if ordered else row.per_visit, row.stream, m, c, w, o)
            o.tally[M.INVITATIONS, u.segment, 0] += n
