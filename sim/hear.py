"""hear: impressions, word of mouth, invitations and messages reach a user and fill his awareness."""

import numpy as np

from sim import metrics as M
from sim.compile import compiled
from sim.conditions import (
    AFTER_CART,
    AFTER_IDLE,
    AFTER_ORDER,
    AFTER_REGISTRATION,
    GROUP,
    INVITATION,
    MEDIA,
    ON_SCHEDULE,
)
from sim.draws import below, purpose, stream, unit
from sim.market import FORGET, HALF, LISTEN, MESSAGE_HALF, WORD_STOCK
from sim.users import AWARE, NEVER, TRAIL, UNAWARE
from sim.wallet import fits, grant
from sim.world import GETS_MESSAGE, HEARS, HEARS_WORD, IS_INVITED, move, note

_PHASE, _LISTENS = purpose("phase"), purpose("listens")
IMPRESSION_WEIGHT = 0.1
VISIT_WEIGHT = 1.0
"""Weights with which a touch enters the credit of later orders: seen, and acted upon."""


@compiled
def remember(u, lever, weight):
    """Add a touch to the user's trail of levers; the faintest one makes room."""
    faintest = 0
    for k in range(TRAIL):
        if u.trail_lever[k] == lever and u.trail_weight[k] > 0:
            u.trail_weight[k] += weight
            return
        if u.trail_weight[k] < u.trail_weight[faintest]:
            faintest = k
    if weight > u.trail_weight[faintest]:
        u.trail_weight[faintest] = weight
        u.trail_lever[faintest] = lever


@compiled
def hear(i, day, day_key, m, c, w, o):
    """Read today's mail. Return the touch that brings a visit (or -1) and its sender (or -1)."""
    u = w.users[i]
    prompt, sender, copies, last = -1, -1, 0, -1
    item = w.mail.head[i]
    w.mail.head[i] = -1
    while item >= 0:
        t = w.mail.touch[item]
        touch = c.touches[t]
        copies = copies + 1 if t == last else 0
        last = t
        chance, index = touch.click, i * 64 + min(copies, 63)
        if touch.kind == MEDIA:
            o.tally[M.EXPOSURE, u.segment, touch.channel] += 1
            chance *= touch.half / (touch.half + u.exposure)
            u.exposure += 1
            u.awareness += touch.awareness
            remember(u, touch.lever, IMPRESSION_WEIGHT)
            note(o, u, i, day, -1, HEARS, t, touch.awareness)
        else:
            index = np.int64(w.mail.sender[item]) * len(w.users) + i
            if unit(stream(m.seed, day, _LISTENS), index) < m.b[LISTEN]:
                o.tally[M.HEARD_WORD, u.segment, touch.channel] += 1
                u.awareness += m.b[WORD_STOCK]
                remember(u, touch.lever, IMPRESSION_WEIGHT)
            if touch.kind == INVITATION:
                note(o, u, i, day, -1, IS_INVITED, t, w.mail.sender[item])
                if u.registered != NEVER:
                    chance = 0.0
            elif touch.kind == GROUP:
                note(o, u, i, day, -1, IS_INVITED, t, w.mail.sender[item])
            else:
                note(o, u, i, day, -1, HEARS_WORD, t, w.mail.sender[item])
        if prompt < 0 and chance > 0 and unit(stream(m.seed, day, touch.stream), index) < chance:
            prompt, sender = t, w.mail.sender[item]
            remember(u, touch.lever, VISIT_WEIGHT)
            if touch.kind == MEDIA:
                o.tally[M.AD_CLICKS, u.segment, touch.channel] += 1
        item = w.mail.next[item]
    if u.state == UNAWARE and u.awareness > 0 and u.awareness >= m.b[FORGET]:
        move(o, u, AWARE)
    return prompt, sender


@compiled
def on_channel(member, i, reach):
    """Return whether a user is on a channel at all; `member`: key of the channel's own stream."""
    return below(member, i, 1 << 30) < reach * (1 << 30)


@compiled
def trigger_day(u, after, delay):
    """Return the day on which a trigger fires for a user, NEVER when it does not."""
    anchor = NEVER
    if after == AFTER_REGISTRATION and u.orders == 0:
        anchor = u.registered
    elif after == AFTER_ORDER:
        anchor = u.ordered
    elif after == AFTER_CART and u.carted > u.ordered:
        anchor = u.carted
    elif after == AFTER_IDLE:
        anchor = max(u.visited, u.ordered)
    return NEVER if anchor == NEVER else anchor + delay


@compiled
def addressed(msg, i, u, day, m):
    """Return whether a message goes to a user today."""
    if not msg.open or not fits(msg.audience, u, day):
        return False
    if msg.after != ON_SCHEDULE:
        if trigger_day(u, msg.after, msg.delay) != day:
            return False
    elif msg.every > 1:
        phase = below(stream(m.seed, 0, msg.stream ^ _PHASE), i, msg.every)
        if (day + phase) // msg.every == (day - msg.gap + phase) // msg.every:
            return False
    reach = msg.reach[u.segment]
    return reach >= 1.0 or on_channel(stream(m.seed, 0, msg.members), i, reach)


@compiled
def gets_scheduled(i, u, day, m, c):
    """Return whether any message on schedule goes to a user today."""
    if u.registered == NEVER or c.scheduled[u.segment] == 0:
        return False
    for r in range(len(c.messages)):
        if c.messages[r].after == ON_SCHEDULE and addressed(c.messages[r], i, u, day, m):
            return True
    return False


@compiled
def read_messages(i, day, m, c, w, o):
    """Receive today's messages. Return the row of the message that brings a visit, or -1."""
    u = w.users[i]
    prompt = -1
    for r in range(len(c.messages)):
        msg = c.messages[r]
        if not addressed(msg, i, u, day, m):
            continue
        o.sent[r] += 1
        o.tally[M.MESSAGES, u.segment, msg.channel] += 1
        chance = msg.opened * m.b[MESSAGE_HALF] / (m.b[MESSAGE_HALF] + u.messages)
        u.messages += 1
        note(o, u, i, day, msg.hour, GETS_MESSAGE, msg.lever, chance)
        if msg.offer >= 0:
            grant(i, day, msg.offer, c, w, o)
        remember(u, msg.lever, IMPRESSION_WEIGHT)
        if prompt < 0 and unit(stream(m.seed, day, msg.stream), i) < chance:
            prompt = r
            remember(u, msg.lever, VISIT_WEIGHT)
            o.tally[M.MESSAGES_OPENED, u.segment, msg.channel] += 1
    return prompt


@compiled
def awareness_effect(stock, m):
    """Return the share of the full effect of awareness: Hill curve of order one."""
    return stock / (stock + m.b[HALF])
