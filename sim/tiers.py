"""Tiers: the scheduled review of who has earned which."""

from sim.compile import compiled
from sim.fade import decay, rest
from sim.users import CHURNED, DORMANT, NEVER, state_by_orders
from sim.world import CHANGES_TIER, move, note


@compiled
def review(day, first, held, m, c, w, o):
    """Give every registered user the highest tier he has earned among the rows of the tier table from `first` on.

    Fills `held` with the number of users in each tier. Tiers are numbered from 1; 0 is none. Spend and orders are those of
    the trailing year, exponentially weighted; orders are rounded, and exact while the first one is less than a year old.
    """
    for i in range(len(w.users)):
        u = w.users[i]
        if u.registered == NEVER or u.orders == 0:
            continue
        age = day - u.touched
        spend, orders = u.spend * m.year_keep[age], u.frequency * m.year_keep[age] + 0.5
        if u.first_ordered > day - 365:
            orders = float(u.orders)
        tier = 0
        for k in range(first, first + len(held)):
            if spend >= c.tiers[k].spend and orders >= c.tiers[k].orders:
                tier = k + 1
        if tier > 0:
            held[tier - 1 - first] += 1
        if tier != u.tier:
            decay(u, day, m)
            u.tier = tier
            note(o, u, i, day, -1, CHANGES_TIER, tier, spend)
            if u.state not in (DORMANT, CHURNED):
                move(o, u, state_by_orders(u, day))
            rest(i, day - 1, m, c, w)
