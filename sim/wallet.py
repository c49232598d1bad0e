"""The wallet: coupons granted, kept, expired; who may use an offer; what it saves."""

from sim import metrics as M
from sim.compile import compiled
from sim.conditions import FREE_SHIPPING, PERCENT, PUBLIC, THRESHOLD
from sim.market import FREE_FROM, PADDING, SHIP_FEE
from sim.users import NEVER, WALLET
from sim.world import COUPON_EXPIRES, GETS_COUPON, PAD, draw, note


@compiled
def fits(a, u, day):
    """Return whether a user belongs to an audience today."""
    if not (a.segments >> u.segment) & 1 or (a.tags and not a.tags & u.tags) or not (a.tiers >> u.tier) & 1:
        return False
    if a.registered >= 0 and (u.registered != NEVER) != (a.registered == 1):
        return False
    if not a.orders_from <= u.orders <= a.orders_to:
        return False
    if a.idle_from == 0 and a.idle_to >= 100000:
        return True
    last = u.visited if u.visited < day else u.visited_before
    return a.idle_from <= day - last <= a.idle_to


@compiled
def grant(i, day, offer, c, w, o):
    """Put a coupon into the wallet of a user of its audience, when it is open and he has room and does not hold it yet."""
    u = w.users[i]
    if not c.offers[offer].open or not fits(c.offers[offer].audience, u, day):
        return
    free = -1
    for k in range(WALLET):
        if u.wallet[k] == offer + 1:
            return
        if u.wallet[k] == 0:
            free = k
    if free < 0:
        return
    u.wallet[free] = offer + 1
    u.expiry[free] = day + c.offers[offer].valid
    o.issued[offer, 0] += 1
    o.tally[M.COUPONS_ISSUED, u.segment, 0] += 1
    note(o, u, i, day, -1, GETS_COUPON, c.offers[offer].lever, 0.0)


@compiled
def grant_all(i, day, give, c, w, o):
    """Grant every offer of a kind (on registration, after an order)."""
    for k in range(len(c.offers)):
        if c.offers[k].give == give:
            grant(i, day, k, c, w, o)


@compiled
def expire(i, day, c, w, o):
    """Take coupons out of the wallet whose last day has passed."""
    u = w.users[i]
    for k in range(WALLET):
        if u.wallet[k] and u.expiry[k] < day:
            o.issued[u.wallet[k] - 1, 2] += 1
            o.tally[M.COUPONS_EXPIRED, u.segment, 0] += 1
            note(o, u, i, day, -1, COUPON_EXPIRES, c.offers[u.wallet[k] - 1].lever, 0.0)
            u.wallet[k] = 0


@compiled
def shipping_fee(u, value, m, c):
    """Return the shipping fee of an order of this value [cents]."""
    if value >= m.b[FREE_FROM] or (u.tier > 0 and c.tiers[u.tier - 1].free_shipping):
        return 0
    return int(m.b[SHIP_FEE])


@compiled
def price(offer, basket, fee, pad):
    """Return basket after padding and saving [cents] of an offer on a basket; saving 0 when it does not apply.

    `pad` in [0, 1): a basket below a threshold is padded up to it when pad < face / (face + what is missing).
    """
    if offer.form == THRESHOLD:
        if basket >= offer.over:
            return basket, offer.off
        if pad >= 0 and pad * (offer.off + offer.over - basket) < offer.off:
            return offer.over, offer.off
        return basket, 0
    if basket < offer.over:
        return basket, 0
    if offer.form == PERCENT:
        return basket, int(basket * offer.rate)
    if offer.form == FREE_SHIPPING:
        return basket, fee
    return basket, min(offer.off, basket)


@compiled
def covers(account, cents, c):
    """Return whether an account's purse can pay so much today; nobody is promised a saving that the plan cannot pay."""
    return account < 0 or c.purse[account] >= cents


@compiled
def usable(offer, k, goods, hour, u, day, c):
    """Return whether an offer may be used by this user on these goods at this hour."""
    return c.quota[k] != 0 and (offer.goods >> goods) & 1 and (offer.hours >> hour) & 1 and fits(offer.audience, u, day)


@compiled
def best_offer(i, day, day_key, goods, hour, basket, m, c, w):
    """Return the offer that saves the user most as he sees it: row (-1 none), wallet slot (-1 public), basket, saving.

    Public offers of the day and the coupons in the wallet compete; one offer an order.
    """
    u = w.users[i]
    pad = draw(m, day_key, i, PAD)
    best, slot, best_basket, best_saving, best_seen = -1, -1, basket, 0, 0.0
    fee = shipping_fee(u, basket, m, c)
    for k in range(len(c.offers)):
        offer = c.offers[k]
        if offer.give == PUBLIC and offer.open and usable(offer, k, goods, hour, u, day, c):
            new_basket, saving = price(offer, basket, fee, pad if basket >= m.b[PADDING] * offer.over else -1.0)
            if saving * offer.urgency > best_seen and covers(offer.account, int(saving * offer.cost), c):
                best, slot, best_basket, best_saving, best_seen = k, -1, new_basket, saving, saving * offer.urgency
    for s in range(WALLET):
        if u.wallet[s] and u.expiry[s] >= day:
            k = u.wallet[s] - 1
            offer = c.offers[k]
            if (offer.goods >> goods) & 1 and (offer.hours >> hour) & 1:
                new_basket, saving = price(offer, basket, fee, pad if basket >= m.b[PADDING] * offer.over else -1.0)
                if saving * offer.urgency > best_seen:
                    best, slot, best_basket, best_saving, best_seen = k, s, new_basket, saving, saving * offer.urgency
    return best, slot, best_basket, best_saving
