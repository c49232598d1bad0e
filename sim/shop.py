"""shop: the steps of one visit, from item impressions to the till."""

from sim import metrics as M
from sim.compile import compiled
from sim.conditions import GROUP, INVITATION
from sim.draws import bits, exp, pick
from sim.market import CART, FIRST_ORDER, IMPRESSIONS, SAVING_RESPONSE, TABLE
from sim.users import CONSIDERING, NEVER, state_by_orders
from sim.visit import register
from sim.wallet import best_offer, covers, fits
from sim.world import (
    ABANDONS,
    BASKET,
    BOUNCE,
    BOUNCES,
    CART_STEP,
    CLASS,
    CLICKS,
    GROUP_START,
    LEAVES_DETAIL,
    NO_CART,
    PAY,
    QUEUE,
    draw,
    move,
    note,
)


@compiled
def binomial(n, p, u):
    """Return the number of successes in n trials for a uniform number, by inversion from zero upwards."""
    if p >= 1.0:
        return n
    miss = 1.0
    for _ in range(n):
        miss *= 1.0 - p
    k, reached, odds = 0, miss, p / (1.0 - p)
    while u >= reached and k < n:
        miss *= odds * (n - k) / (k + 1)
        k += 1
        reached += miss
    return k


@compiled
def with_odds(p, multiple):
    """Return the probability whose odds are a multiple of those of p."""
    return 1.0 if p >= 1.0 else p * multiple / (1.0 - p + p * multiple)


@compiled
def best_group(u, day, goods, basket, c):
    """Return the row and saving [cents] of the group-buy that saves the user most, or (-1, 0)."""
    best, saving = -1, 0
    for g in range(len(c.groups)):
        row = c.groups[g]
        if row.open and (row.goods >> goods) & 1 and fits(row.audience, u, day):
            off = int(basket * row.rate) if row.rate > 0 else min(row.off, basket)
            if off > saving and covers(row.account, off * row.size, c):
                best, saving = g, off
    return best, saving


@compiled
def welcome(slot, row, u, day, c, w):
    """Return whether a user who was asked may still join an open group."""
    group = w.groups[slot]
    return group.row == row and 0 < group.n < c.groups[row].size and fits(c.groups[row].audience, u, day)


@compiled
def shop(i, day, day_key, hour, channel, prompt, message, sender, m, c, w, o):
    """Walk user i through a visit. Return whether he reached the till (an intent was written)."""
    u = w.users[i]
    s = u.segment
    slot_asked = w.users[sender].group if prompt >= 0 and c.touches[prompt].kind == GROUP else 0
    joins = slot_asked > 0 and welcome(slot_asked, c.touches[prompt].row, u, day, c, w)
    n = int(m.b[IMPRESSIONS])
    clicks = 1 if joins else binomial(n, c.ctr[s], draw(m, day_key, i, CLICKS))
    o.tally[M.ITEM_IMPRESSIONS, s, channel] += n
    o.tally[M.ITEM_CLICKS, s, channel] += clicks
    o.tally[M.PV, s, channel] += 1 + clicks
    if clicks == 0:
        o.tally[M.BOUNCES, s, channel] += 1
        note(o, u, i, day, hour, BOUNCES, 0, 0.0)
        return False
    o.tally[M.DETAILS, s, channel] += 1
    if not joins and draw(m, day_key, i, BOUNCE) < c.detail_bounce[s]:
        o.tally[M.DETAIL_BOUNCES, s, channel] += 1
        note(o, u, i, day, hour, LEAVES_DETAIL, 0, 0.0)
        return False
    goods = int(w.groups[slot_asked].goods) if joins else pick(c.demand, draw(m, day_key, i, CLASS))
    wanted = m.basket_table[goods, int(draw(m, day_key, i, BASKET) * TABLE)]
    basket = int(m.goods[goods].basket * wanted * m.segment[s, 2] * c.basket[s] * 100.0 + 0.5)
    offer, slot, padded, saving = best_offer(i, day, day_key, goods, hour, basket, m, c, w)
    member_saving = int(padded * c.tiers[u.tier - 1].discount) if u.tier > 0 else 0
    if u.tier > 0 and not covers(c.tiers[u.tier - 1].account, member_saving, c):
        member_saving = 0
    group, group_saving = best_group(u, day, goods, basket, c)
    seen = saving * (c.offers[offer].urgency if offer >= 0 else 1.0)
    if group_saving > seen and not joins and draw(m, day_key, i, GROUP_START) >= c.groups[group].start:
        group = -1
    if joins:
        group = c.touches[prompt].row
    elif group_saving <= seen:
        group = -1
    if group >= 0:
        offer, slot, padded, saving, member_saving = -1, -1, basket, group_saving, 0
        seen = float(group_saving)
    odds = c.intent[s]
    if prompt >= 0:
        odds *= c.touches[prompt].quality
    elif message >= 0:
        odds *= c.messages[message].quality
    if u.orders == 0:
        odds *= m.b[FIRST_ORDER]
    response = m.b[SAVING_RESPONSE] * m.segment[s, 0]
    change = (seen + member_saving) / max(padded, 1) - u.habit
    wish = draw(m, day_key, i, CART_STEP)
    if not joins and wish >= with_odds(m.b[CART], odds * exp(response * change) if change != 0.0 else odds):
        note(o, u, i, day, hour, NO_CART, goods, basket / 100.0)
        return False
    o.tally[M.CARTS, s, channel] += 1
    o.tally[M.PAYMENTS_STARTED, s, channel] += 1
    if draw(m, day_key, i, PAY) < c.payment_abandonment[s]:
        o.tally[M.PAYMENTS_ABANDONED, s, channel] += 1
        u.carted = day
        if u.registered != NEVER and u.orders == 0:
            move(o, u, CONSIDERING)
        note(o, u, i, day, hour, ABANDONS, goods, padded / 100.0)
        return False
    if u.registered == NEVER:
        invited = prompt >= 0 and c.touches[prompt].kind == INVITATION
        lever = c.touches[prompt].lever if prompt >= 0 else 0
        register(i, day, day_key, channel, lever, sender if invited else -1, m, c, w, o)
        move(o, u, state_by_orders(u, day))
    k = o.counts[0]
    intent = o.intents[k]
    intent.order = (int(hour) << 48) | int(bits(day_key, i * 64 + QUEUE) >> 16)
    intent.user = i
    intent.basket = padded
    intent.plain = basket
    intent.keen = wish < with_odds(m.b[CART], odds * exp(response * (member_saving / max(basket, 1) - u.habit)))
    intent.saving = saving
    intent.member_saving = member_saving
    intent.joins = sender if joins else -1
    intent.offer = offer
    intent.touch = prompt
    intent.group = group
    intent.slot = slot
    intent.goods = goods
    intent.hour = hour
    intent.channel = channel
    o.counts[0] = k + 1
    return True
