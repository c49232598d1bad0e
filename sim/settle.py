"""settle: baskets at the till become orders: stock, offers, money, delivery, satisfaction, credit."""

import numpy as np

from sim import metrics as M
from sim.compile import compiled
from sim.conditions import DELIVERY, ON_ORDER, PUBLIC, SLOW
from sim.credit import credit_order
from sim.fade import decay, lapse, rest
from sim.groups import wait_for_group
from sim.market import HABITUATION, LATE, LEARN, LOYALTY, NEW_DAYS, PROMISED, SATISFACTION, SHIP_COST, SPREAD, STOCKOUT
from sim.purse import give, take
from sim.share import invite
from sim.users import LAPSED, state_by_orders
from sim.visit import ORDER_STAGE
from sim.wallet import grant_all, shipping_fee
from sim.world import ABANDONS, DELIVERY_TIME, DIVERT, DROP, ORDERS, OUT_OF_STOCK, RETURN, SCORE, draw, move, note, push


@compiled
def find_stock(i, day_key, goods, m, c):
    """Return the goods class that can be served (the wanted one or a substitute), or -1; takes it from stock."""
    if c.stock[goods] != 0:
        c.stock[goods] -= 1 if c.stock[goods] > 0 else 0
        return goods
    if draw(m, day_key, i, DIVERT) < m.goods[goods].divert:
        for g in range(len(c.stock)):
            if c.stock[g] != 0:
                c.stock[g] -= 1 if c.stock[g] > 0 else 0
                return g
    return -1


@compiled
def experience(i, day_key, m, c, w, o):
    """Deliver an order: score it and let the user learn from it. Return the score."""
    u = w.users[i]
    days = c.scalar[DELIVERY] * (0.5 + draw(m, day_key, i, DELIVERY_TIME))
    score = m.b[SATISFACTION] * c.satisfaction[u.segment] + m.b[SPREAD] * (2 * draw(m, day_key, i, SCORE) - 1)
    score -= m.b[LATE] * max(0.0, days - m.b[PROMISED]) + c.scalar[SLOW]
    score = min(1.0, max(0.0, score))
    u.satisfaction += m.b[LEARN] * (score - u.satisfaction)
    o.tally[M.SATISFACTION_SUM, u.segment, 0] += int(score * M.SATISFACTION_UNIT)
    return score


@compiled
def order(i, day, day_key, intent, m, c, w, o):
    """Turn one basket into an order, or lose it for want of stock."""
    u = w.users[i]
    s, channel = u.segment, intent.channel
    o.tally[M.ORDER_ATTEMPTS, s, channel] += 1
    goods = find_stock(i, day_key, intent.goods, m, c)
    if goods != intent.goods:
        o.tally[M.STOCKOUTS, s, channel] += 1
        u.satisfaction = max(0.0, u.satisfaction - m.b[STOCKOUT])
        note(o, u, i, day, intent.hour, OUT_OF_STOCK, intent.goods, intent.basket / 100.0)
        if goods < 0:
            return
    basket, saving, fee, offer_lever = intent.basket, intent.saving, shipping_fee(u, intent.basket, m, c), -1
    if intent.offer >= 0:
        offer = c.offers[intent.offer]
        cost = int(saving * offer.cost)
        public = offer.give == PUBLIC
        if (not public or c.quota[intent.offer] != 0) and take(
            offer.account, offer.lever, M.DISCOUNT, cost, not public, c, o
        ):
            offer_lever = int(offer.lever)
            c.quota[intent.offer] -= 1 if c.quota[intent.offer] > 0 else 0
            if not public:
                u.wallet[intent.slot] = 0
                o.issued[intent.offer, 1] += 1
                o.tally[M.COUPONS_REDEEMED, s, channel] += 1
        elif intent.keen:
            basket, saving, fee = intent.plain, 0, shipping_fee(u, intent.plain, m, c)
        else:
            o.tally[M.PAYMENTS_ABANDONED, s, channel] += 1
            o.tally[M.ORDER_ATTEMPTS, s, channel] -= 1
            c.stock[goods] += 1 if c.stock[goods] >= 0 else 0
            note(o, u, i, day, intent.hour, ABANDONS, goods, basket / 100.0)
            return
    elif intent.group >= 0:
        group = c.groups[intent.group]
        if take(group.account, group.lever, M.DISCOUNT, saving, True, c, o):
            offer_lever = int(group.lever)
    if intent.member_saving > 0 and u.tier > 0:
        tier = c.tiers[u.tier - 1]
        if take(tier.account, tier.lever, M.DISCOUNT, intent.member_saving, False, c, o):
            saving += intent.member_saving
    if intent.touch >= 0:
        touch = c.touches[intent.touch]
        o.roles[intent.touch, 1] += 1
        commission = int((basket - saving) * touch.commission)
        take(touch.account, touch.lever, M.COMMISSION, commission, True, c, o)
    margin = int(basket * m.goods[goods].margin)
    if draw(m, day_key, i, RETURN) < m.goods[goods].returns:
        o.tally[M.RETURNS, s, channel] += 1
        o.tally[M.REFUND, s, channel] += max(0, basket - saving)
        margin = 0
    o.tally[M.ORDERS, s, channel] += 1
    o.tally[M.GMV, s, channel] += basket
    o.tally[M.MARGIN, s, channel] += margin
    o.tally[M.SAVING, s, channel] += saving
    o.tally[M.SHIPPING_COST, s, channel] += int(m.b[SHIP_COST])
    o.tally[M.SHIPPING_FEE, s, channel] += fee
    remember_order(i, day, basket, saving, m, w, o, channel)
    credit_order(u, offer_lever, basket, margin + fee - int(m.b[SHIP_COST]), o)
    note(o, u, i, day, intent.hour, ORDERS, goods, basket / 100.0)
    experience(i, day_key, m, c, w, o)
    grant_all(i, day, ON_ORDER, c, w, o)
    invite(i, day, True, m, c, w, o)
    tier_drop = c.tiers[u.tier - 1].drop if u.tier > 0 else 1.0
    unhappy = max(0.0, 1.0 - m.b[LOYALTY] * (u.satisfaction - m.b[SATISFACTION]))
    if not u.flags & LAPSED and draw(m, day_key, i, DROP) < u.drop * tier_drop * unhappy:
        lapse(i, day, w, o)


@compiled
def remember_order(i, day, basket, saving, m, w, o, channel):
    """Keep what later days need of an order, and count first orders, new customers' and members'."""
    u = w.users[i]
    u.orders += 1
    u.ordered_before = u.ordered
    u.ordered = day
    if u.orders == 1:
        u.first_ordered = day
        o.tally[M.NEW_CUSTOMERS, u.segment, channel] += 1
        if u.referrer >= 0:
            o.tally[M.INVITED_CUSTOMERS, u.segment, channel] += 1
            push(o, u.referrer, i, ORDER_STAGE)
    if day - u.first_ordered <= m.b[NEW_DAYS]:
        o.tally[M.NEW_CUSTOMER_ORDERS, u.segment, channel] += 1
    if u.tier > 0:
        o.tally[M.MEMBER_GMV, u.segment, channel] += basket
    u.spend += (basket - saving) / 100.0
    u.frequency += 1.0
    u.habit += m.b[HABITUATION] * (min(1.0, saving / max(basket, 1)) - u.habit)
    move(o, u, state_by_orders(u, day))


@compiled
def settle(queue, day, day_key, m, c, w, o):
    """Serve the day's baskets in the order of their hours; group-buys wait until their group is full."""
    for k in range(len(queue)):
        intent = o.intents[queue[k]]
        i = np.int64(intent.user)
        if intent.group >= 0 and intent.offer < 0:
            slot = wait_for_group(i, day, intent, m, c, w, o)
            if slot > 0:
                group = w.groups[slot]
                for n in range(group.n):
                    member = np.int64(group.members[n])
                    decay(w.users[member], day, m)
                    served = o.intents[queue[k]]
                    served.user = member
                    served.basket = group.baskets[n]
                    served.channel = group.channels[n]
                    served.touch = group.touches[n]
                    row = c.groups[group.row]
                    served.saving = int(group.baskets[n] * row.rate) if row.rate > 0 else min(row.off, group.baskets[n])
                    served.goods = group.goods
                    served.member_saving = 0
                    order(member, day, day_key, served, m, c, w, o)
                    rest(member, day, m, c, w)
                    w.users[member].group = -1
                row = c.groups[group.row]
                starter = np.int64(group.members[0])
                give(starter, day, row.initiator_offer, row.initiator_cash, row.account, row.lever, c, w, o)
                w.groups[slot].n = 0
        else:
            order(i, day, day_key, intent, m, c, w, o)
        rest(i, day, m, c, w)
