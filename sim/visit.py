"""visit: a user comes to the platform, of his own accord or because something brought him; he may register."""

from sim import metrics as M
from sim.compile import compiled
from sim.conditions import INVITATION, ON_REGISTRATION, OUTAGE
from sim.credit import credit_registration
from sim.draws import pick
from sim.hear import awareness_effect
from sim.market import AWARE_VISIT, LAPSE_NEW, LOYALTY, RECALL, SATISFACTION
from sim.users import DAY30, LAPSED, NEVER, UNAWARE, VISITOR, WEEK7, state_by_orders
from sim.wallet import grant_all
from sim.world import (
    AGE_WEEKS,
    COHORT_DAYS,
    HOUR,
    IS_RECALLED,
    LOST,
    RECALLED,
    REGISTERS,
    SIGN_UP,
    STICK,
    VISIT_LOST,
    VISITS,
    draw,
    move,
    note,
    push,
)

OWN_ACCORD = 0
REGISTER_STAGE, ORDER_STAGE = -1, -2
"""Pushes that carry a stage of a referral to the referrer instead of mail to a user."""


@compiled
def loyalty(u, m):
    """Return the relative response of a user's doings to his satisfaction, at least 0."""
    return max(0.0, 1.0 + m.b[LOYALTY] * (u.satisfaction - m.b[SATISFACTION]))


@compiled
def own_visit(u, day, m, c):
    """Return the probability that a user visits today of his own accord."""
    if u.registered == NEVER:
        if u.state == UNAWARE:
            return 0.0
        stock = u.awareness * m.awareness_keep[day - u.touched]
        return min(1.0, m.b[AWARE_VISIT] * awareness_effect(stock, m) * c.visits[u.segment])
    if u.flags & LAPSED:
        return 0.0
    tier = c.tiers[u.tier - 1].visits if u.tier > 0 else 1.0
    return min(1.0, u.rate * c.visits[u.segment] * loyalty(u, m) * tier)


@compiled
def active_hour(m, segment, mask, u):
    """Return the hour at which uniform u falls in the segment's activity profile, restricted to a mask of hours."""
    if mask == 0xFFFFFF:
        return pick(m.hours[segment], u)
    total = 0.0
    for h in range(24):
        if (mask >> h) & 1:
            total += m.hours[segment, h] - (m.hours[segment, h - 1] if h > 0 else 0.0)
    hour, reached = 0, 0.0
    for h in range(24):
        if (mask >> h) & 1:
            hour = h
            reached += m.hours[segment, h] - (m.hours[segment, h - 1] if h > 0 else 0.0)
            if u * total < reached:
                return h
    return hour


@compiled
def count_return(i, day, m, w, o):
    """Count a registered user's return in the retention of his cohort; the first in each span counts."""
    u = w.users[i]
    age = day - u.registered
    index = u.registered - m.b[len(m.b) - 1]
    if age <= 0:
        return
    week = age // 7
    if index >= 0 and 0 < week < AGE_WEEKS and (u.visited - u.registered) // 7 < week:
        o.cohort_active[int(index) // COHORT_DAYS, week] += 1
    if index < 0 or age > 30:
        return
    if age == 1:
        o.retained[int(index), 0, u.segment] += 1
    if age <= 7 and not u.flags & WEEK7:
        u.flags |= WEEK7
        o.retained[int(index), 1, u.segment] += 1
    elif age >= 24 and not u.flags & DAY30:
        u.flags |= DAY30
        o.retained[int(index), 2, u.segment] += 1


@compiled
def register(i, day, day_key, channel, lever, sender, m, c, w, o):
    """Register a user: cohort, source, invitation stage, welcome offers; some will not come back of their own accord."""
    u = w.users[i]
    u.registered = day
    u.source = channel
    u.brought_by = lever
    u.flags &= ~(WEEK7 | DAY30 | LAPSED)
    if draw(m, day_key, i, STICK) < m.b[LAPSE_NEW]:
        u.flags |= LAPSED
    o.tally[M.NEW_USERS, u.segment, channel] += 1
    index = int(day - m.b[len(m.b) - 1])
    o.cohort_size[index // COHORT_DAYS, u.segment] += 1
    if sender >= 0:
        u.referrer = sender
        o.tally[M.INVITED_REGISTRATIONS, u.segment, channel] += 1
        push(o, sender, i, REGISTER_STAGE)
    credit_registration(u, o)
    note(o, u, i, day, -1, REGISTERS, lever, 0.0)
    grant_all(i, day, ON_REGISTRATION, c, w, o)


@compiled
def visit(i, day, day_key, prompt, message, sender, m, c, w, o):
    """Let user i come. Return whether he is here and at which hour; registration on arrival happens here."""
    u = w.users[i]
    mask, channel, lever, eager = 0xFFFFFF, OWN_ACCORD, OWN_ACCORD, 1.0
    if prompt >= 0:
        touch = c.touches[prompt]
        mask, channel, lever, eager = touch.hours, touch.channel, touch.lever, touch.registration
    elif message >= 0:
        channel, lever = c.messages[message].channel, c.messages[message].lever
    if message >= 0 and prompt < 0:
        hour = int(c.messages[message].hour)
    else:
        hour = active_hour(m, u.segment, mask, draw(m, day_key, i, HOUR))
    if c.scalar[OUTAGE] > 0 and draw(m, day_key, i, LOST) < c.scalar[OUTAGE]:
        o.tally[M.LOST_TO_OUTAGE, u.segment, channel] += 1
        note(o, u, i, day, hour, VISIT_LOST, lever, 0.0)
        return False, hour, channel
    o.tally[M.UV, u.segment, channel] += 1
    if prompt >= 0:
        o.roles[prompt, 0] += 1
    note(o, u, i, day, hour, VISITS, lever, 0.0)
    if u.registered != NEVER:
        count_return(i, day, m, w, o)
        if u.flags & LAPSED:
            o.tally[M.LAPSED_VISITS, u.segment, channel] += 1
            if draw(m, day_key, i, RECALLED) < m.b[RECALL]:
                u.flags &= ~LAPSED
                o.tally[M.RECALLS, u.segment, channel] += 1
                note(o, u, i, day, hour, IS_RECALLED, lever, 0.0)
    else:
        by_invitation = prompt >= 0 and c.touches[prompt].kind == INVITATION
        if draw(m, day_key, i, SIGN_UP) < min(1.0, c.registration[u.segment] * eager):
            register(i, day, day_key, channel, lever, sender if by_invitation else -1, m, c, w, o)
    u.visited_before = u.visited
    u.visited = day
    move(o, u, VISITOR if u.registered == NEVER else state_by_orders(u, day))
    return True, hour, channel
