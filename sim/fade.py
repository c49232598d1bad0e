"""fade: stocks decay, users lapse, fall dormant, churn, are forgotten and replaced; the next day to look at each."""

from sim import metrics as M
from sim.compile import compiled
from sim.conditions import ON_SCHEDULE
from sim.draws import first_below, purpose, stream, unit
from sim.hear import trigger_day
from sim.market import CHURN_DAYS, DORMANT_DAYS, FORGET, LAPSE_VISIT, newborn
from sim.users import AWARE, CHURNED, DORMANT, LAPSED, NEVER, TRAIL, UNAWARE, VISITOR, WALLET, class_of
from sim.world import BECOMES_DORMANT, CHURNS, FORGETS, IS_REPLACED, LAPSE, LAPSES, NO_WAKE, draw, move, note

_LEAVES = purpose("leaves")


@compiled
def decay(u, day, m):
    """Bring a user's decaying stocks from the day they were last looked at to today."""
    k = day - u.touched
    if k <= 0:
        return
    u.awareness *= m.awareness_keep[k]
    u.exposure *= m.fatigue_keep[k]
    u.messages *= m.fatigue_keep[k]
    u.spend *= m.year_keep[k]
    u.frequency *= m.year_keep[k]
    for t in range(TRAIL):
        u.trail_weight[t] *= m.credit_keep[k]
    u.touched = day


@compiled
def lapse(i, day, w, o):
    """Let a user go: no more visits of his own accord."""
    u = w.users[i]
    u.flags |= LAPSED
    o.tally[M.LAPSES, u.segment, 0] += 1
    if u.orders == 1:
        o.tally[M.LAPSES_FIRST, u.segment, 0] += 1
    note(o, u, i, day, -1, LAPSES, 0, 0.0)


@compiled
def lapse_after_visit(i, day, day_key, m, w, o):
    """A registered user without an order may not come back of his own accord."""
    u = w.users[i]
    if (
        u.registered != NEVER
        and u.orders == 0
        and not u.flags & LAPSED
        and draw(m, day_key, i, LAPSE) < m.b[LAPSE_VISIT]
    ):
        lapse(i, day, w, o)


@compiled
def leaving_day(u, i, m):
    """Return the day on which a churned user leaves the market and a newcomer takes his place."""
    x = unit(stream(m.seed, u.visited, _LEAVES), i)
    return min(u.visited + int(m.b[CHURN_DAYS]) + 1 + first_below(m.renewal_keep, x), NO_WAKE)


@compiled
def fade(i, day, m, w, o):
    """Move a user who has been away to dormant, churned, unaware or out of the market, when the day has come.

    Nobody leaves the market while a group-buy waits with his basket in it.
    """
    u = w.users[i]
    if u.registered == NEVER:
        if u.state != UNAWARE and u.awareness < m.b[FORGET]:
            move(o, u, UNAWARE)
            note(o, u, i, day, -1, FORGETS, 0, 0.0)
        elif u.state == VISITOR and u.visited < day:
            move(o, u, AWARE)
        return
    idle = day - u.visited
    if u.state == CHURNED and u.group < 0 and day >= leaving_day(u, i, m):
        note(o, u, i, day, -1, IS_REPLACED, 0, 0.0)
        for k in range(WALLET):
            if u.wallet[k]:
                o.issued[u.wallet[k] - 1, 2] += 1
                o.tally[M.COUPONS_EXPIRED, u.segment, 0] += 1
        move(o, u, UNAWARE)
        u.generation += 1
        newborn(w.users, i, day, m)
    elif idle >= m.b[CHURN_DAYS] and u.state != CHURNED:
        move(o, u, CHURNED)
        note(o, u, i, day, -1, CHURNS, 0, 0.0)
    elif m.b[DORMANT_DAYS] <= idle < m.b[CHURN_DAYS] and u.state != DORMANT:
        move(o, u, DORMANT)
        note(o, u, i, day, -1, BECOMES_DORMANT, 0, 0.0)


@compiled
def next_wake(i, day, m, c, w):
    """Return the next day after today on which something is due for a user even if nothing reaches him."""
    u = w.users[i]
    wake = NO_WAKE
    if u.registered == NEVER:
        if u.state == VISITOR:
            wake = day + 1
        elif u.state != UNAWARE and m.b[FORGET] > 0:
            wake = day + max(1, first_below(m.awareness_keep, m.b[FORGET] / u.awareness))
        return wake
    if u.state == CHURNED:
        wake = leaving_day(u, i, m)
    elif u.state == DORMANT:
        wake = u.visited + int(m.b[CHURN_DAYS])
    else:
        wake = u.visited + int(m.b[DORMANT_DAYS])
    for k in range(WALLET):
        if u.wallet[k]:
            wake = min(wake, u.expiry[k] + 1)
    for r in range(len(c.messages)):
        if c.messages[r].after != ON_SCHEDULE:
            due = trigger_day(u, c.messages[r].after, c.messages[r].delay)
            if due > day:
                wake = min(wake, due)
    return min(max(wake, day + 1), NO_WAKE)


@compiled
def rest(i, day, m, c, w):
    """End a user's day: his class and his next due day for the scan."""
    w.klass[i] = class_of(w.users[i])
    w.wake[i] = next_wake(i, day, m, c, w) if w.mail.head[i] < 0 else day + 1
