"""What a day leaves for tomorrow: mail to contacts, and rewards of referrals and group-buys."""

import numpy as np

from sim.compile import compiled
from sim.draws import below, purpose, stream
from sim.fade import rest
from sim.hear import on_channel
from sim.purse import give
from sim.visit import REGISTER_STAGE

_AGAIN = purpose("again")
ATTEMPTS = 1 << 14
"""An impression that has met nobody on its channel after so many tries is lost: the segment has no member there."""


@compiled
def reward_referrer(referrer, invitee, stage, day, m, c, w, o):
    """Pay a referrer for an invitee who registered or ordered, and count towards his thresholds."""
    for r in range(len(c.referrals)):
        row = c.referrals[r]
        if row.lever != w.users[invitee].brought_by or not row.open:
            continue
        registered = stage == REGISTER_STAGE
        if registered:
            give(referrer, day, row.register_offer, row.register_cash, row.account, row.lever, c, w, o)
        else:
            give(referrer, day, row.order_offer, row.order_cash, row.account, row.lever, c, w, o)
        if registered == (row.counts_orders == 0):
            u = w.users[referrer]
            u.invitees = min(u.invitees + 1, 255)
            for k in range(2):
                if row.at[k] > 0 and (u.invitees == row.at[k] or (row.at_each[k] and u.invitees > row.at[k])):
                    give(referrer, day, row.at_offer[k], row.at_cash[k], row.account, row.lever, c, w, o)
        rest(referrer, day, m, c, w)


@compiled
def deliver(pushes, count, items, day, m, c, w, o):
    """Turn what users sent each other today into tomorrow's mail, and pay rewards. Return the number of items used."""
    for k in range(count):
        p = pushes[k]
        if p.touch < 0:
            reward_referrer(np.int64(p.to), np.int64(p.sender), p.touch, day, m, c, w, o)
        else:
            items = post(p.to, p.touch, p.sender, items, day + 1, w)
    return items


@compiled
def post(to, touch, sender, items, day, w):
    """Put one item into a user's mail, to be read on a day. Return the number of items used."""
    w.mail.next[items] = w.mail.head[to]
    w.mail.touch[items] = touch
    w.mail.sender[items] = sender
    w.mail.head[to] = items
    w.wake[to] = min(w.wake[to], day)
    return items + 1


@compiled
def show(touch, what, channel_stream, reach, number, first, last, items, day, m, w):
    """Show `number` impressions of a touch to random members of a segment who are on the channel.

    The k-th impression falls on a user that depends on the day, the touch and k alone, with replacement: twice the
    impressions reach the first half as before, and the reach is n (1 - (1 - 1/n)^number). Return the items used.
    """
    n = last - first
    if n <= 0:
        return items
    key, again = stream(m.seed, day, what), stream(m.seed, day, what ^ _AGAIN)
    member = stream(m.seed, 0, channel_stream)
    for k in range(number):
        to = first + below(key, k * 16, n)
        attempt = 1
        while reach < 1.0 and attempt < ATTEMPTS and not on_channel(member, to, reach):
            to = first + (below(key, k * 16 + attempt, n) if attempt < 16 else below(again, k * ATTEMPTS + attempt, n))
            attempt += 1
        if attempt < ATTEMPTS:
            items = post(to, touch, -1, items, day, w)
    return items
