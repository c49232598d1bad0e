"""The market before the first day: tables, segments, newborn users."""

import numpy as np
from scipy import stats

from scenarios import Scenario
from sim.compile import compiled
from sim.conditions import GOODS, Array, Market
from sim.draws import exponential, purpose, stream, unit
from sim.graph import contacts
from sim.users import (
    AWARE,
    CHURNED,
    DORMANT,
    FIRST,
    LAPSED,
    NEVER,
    REGISTERED,
    REPEAT,
    RETAINED,
    UNAWARE,
    USER,
    WATCHED,
)

TABLE = 4096
(
    SPONTANEOUS, HALF, FORGET, WORD_STOCK, AWARE_VISIT, RECALL, IMPRESSIONS, CART, SAVING_RESPONSE, FIRST_ORDER, PADDING,
    SATISFACTION, SPREAD, LEARN, LATE, STOCKOUT, TALK, LISTEN, STRANGERS, LAPSE_NEW, LAPSE_VISIT, DORMANT_DAYS,
    CHURN_DAYS, MESSAGE_HALF, HABITUATION, SHIP_COST, SHIP_FEE, FREE_FROM, PROMISED, NEW_DAYS, RATE_MEAN, LOYALTY,
    FIRST_DAY,
) = range(33)  # fmt: skip
"""Places of the base rates in `Market.b`."""

_RATE, _DROP, _TAGS, _START, _TENURE, _LAPSED, _PAST = (
    purpose(f"birth:{name}") for name in ("rate", "drop", "tags", "start", "tenure", "lapsed", "past")
)
PAST_DAYS = 1095
"""Users registered before the first day have been so for up to so many days."""


def quantiles(distribution: object) -> Array:
    """Return 4096 mid-point quantiles of a scipy distribution, scaled to its exact mean.

    Rounded to 32 bits, which hides last-digit differences of the quantile function between machines.
    """
    q = distribution.ppf((np.arange(TABLE) + 0.5) / TABLE)  # type: ignore[attr-defined]
    mean = distribution.mean()  # type: ignore[attr-defined]
    return np.asarray(q * (mean / q.mean() if q.mean() > 0 else 1.0), np.float32).astype(np.float64)


def rate_quantiles(shape: float) -> Array:
    """Return the table of own visit rates as multiples of their mean: gamma, or all alike."""
    return np.ones(TABLE) if shape >= 1e6 else quantiles(stats.gamma(shape, scale=1 / shape))


def drop_quantiles(mean: float, shape: float) -> Array:
    """Return the table of own drop-out probabilities: beta with a + b = shape, or all alike."""
    if shape >= 1e6 or mean in (0.0, 1.0):
        return np.full(TABLE, mean)
    return quantiles(stats.beta(mean * shape, (1 - mean) * shape))


def _keep(share: float, length: int) -> Array:
    return np.asarray(np.cumprod(np.concatenate([[1.0], np.full(length - 1, share)])))


def segment_edges(scenario: Scenario) -> Array:
    """Return the first user of each segment and, last, the number of users."""
    shares = np.cumsum([s.share for s in scenario.market.segments.values()])
    return np.concatenate([[0], np.round(shares / shares[-1] * scenario.market.users)]).astype(np.int64)


def build(scenario: Scenario, seed: int, watch: tuple[int, ...] = ()) -> Market:
    """Return the static side of a scenario's market."""
    m, b, s, goods = scenario.market, scenario.behaviour, scenario.service, scenario.goods.classes
    clock = scenario.clock
    length = clock.burn_in + clock.days + clock.tail + max(PAST_DAYS, 2 * b.fade.churn_days, 800) + 10
    tags = sorted({t for seg in m.segments.values() for t in seg.tags})
    fade, visit, shop = b.fade, b.visit, b.shop
    values = {
        SPONTANEOUS: b.hear.spontaneous, HALF: b.hear.half, FORGET: b.hear.forget_below, WORD_STOCK: b.hear.word,
        AWARE_VISIT: visit.aware, RECALL: visit.recall, IMPRESSIONS: shop.impressions, CART: shop.cart,
        SAVING_RESPONSE: shop.saving_response, FIRST_ORDER: shop.first_order, PADDING: shop.padding,
        SATISFACTION: b.settle.satisfaction, SPREAD: b.settle.spread, LEARN: b.settle.learn,
        LATE: b.settle.late_penalty, STOCKOUT: b.settle.stockout_penalty, TALK: b.share.talk, LISTEN: b.share.listen,
        STRANGERS: m.contacts.strangers, LAPSE_NEW: fade.lapse_at_registration, LAPSE_VISIT: fade.lapse_per_visit,
        DORMANT_DAYS: fade.dormant_days, CHURN_DAYS: fade.churn_days, MESSAGE_HALF: fade.message_half,
        HABITUATION: fade.habituation, SHIP_COST: round(s.shipping_cost * 100), SHIP_FEE: round(s.shipping_fee * 100),
        FREE_FROM: round(s.free_from * 100), PROMISED: s.promised_days,
        NEW_DAYS: scenario.measures.new_customer_days, RATE_MEAN: visit.rate, LOYALTY: b.settle.loyalty,
        FIRST_DAY: -scenario.clock.burn_in,
    }  # fmt: skip
    profiles = np.array([m.hours[seg.hours] for seg in m.segments.values()], float)
    cdf = np.cumsum(profiles, axis=1)
    spreads = [
        quantiles(stats.lognorm(g.spread, scale=np.exp(-(g.spread**2) / 2))) if g.spread else np.ones(TABLE)
        for g in goods.values()
    ]
    return Market(
        seed=np.uint64(seed),
        contacts=contacts(m.users, m.contacts.mean, seed) if m.contacts.mean else np.zeros((m.users, 0), np.int32),
        goods=np.array(
            [(g.basket, g.margin, g.returns, g.stock.divert if g.stock else 0.0) for g in goods.values()], GOODS
        ),
        basket_table=np.array(spreads),
        rate_table=rate_quantiles(visit.shape),
        drop_table=drop_quantiles(fade.drop, fade.drop_shape),
        hours=cdf / cdf[:, -1:],
        segment_first=segment_edges(scenario),
        tag_share=np.array([[seg.tags.get(t, 0.0) for t in tags] for seg in m.segments.values()]).reshape(
            len(m.segments), len(tags)
        ),
        segment=np.array([(g.price_sensitivity, g.activity, g.basket) for g in m.segments.values()]),
        awareness_keep=_keep(b.hear.keep, length),
        fatigue_keep=_keep(fade.fatigue_keep, length),
        year_keep=_keep(1 - 1 / 365, length),
        credit_keep=_keep(scenario.measures.credit_keep, length),
        renewal_keep=_keep(1 - fade.renewal, length * 4),
        b=np.array([values[k] for k in range(len(values))], float),
        watched=np.array(sorted(watch), np.int64),
    )


@compiled
def newborn(users, i, day, m):
    """Make user i a newcomer who has heard of nothing, with traits of his own."""
    u = users[i]
    generation = u.generation
    index = i * 256 + generation
    segment = u.segment
    u.rate = m.b[RATE_MEAN] * m.segment[segment, 1] * m.rate_table[int(unit(stream(m.seed, 0, _RATE), index) * TABLE)]
    u.drop = m.drop_table[int(unit(stream(m.seed, 0, _DROP), index) * TABLE)]
    tags = 0
    for t in range(m.tag_share.shape[1]):
        if unit(stream(m.seed, t, _TAGS), index) < m.tag_share[segment, t]:
            tags |= 1 << t
    u.tags = tags
    u.awareness = 0.0
    u.exposure = 0.0
    u.messages = 0.0
    u.satisfaction = m.b[SATISFACTION]
    u.habit = 0.0
    u.spend = 0.0
    u.frequency = 0.0
    u.referrer = -1
    u.group = -1
    for k in range(4):
        u.trail_weight[k] = 0.0
        u.trail_lever[k] = 0
        u.wallet[k] = 0
        u.expiry[k] = NEVER
    u.registered = NEVER
    u.visited = NEVER
    u.ordered = NEVER
    u.ordered_before = NEVER
    u.visited_before = NEVER
    u.first_ordered = NEVER
    u.carted = NEVER
    u.touched = day
    u.orders = 0
    u.tier = 0
    u.flags = u.flags & WATCHED
    u.source = 0
    u.brought_by = 0
    u.invitees = 0
    u.state = UNAWARE


@compiled
def give_past(u, i, first, conversion, basket, m):
    """Give a user registered before the first day the orders that his own rate and drop-out would have brought."""
    gaps, drops = stream(m.seed, 0, _PAST), stream(m.seed, 1, _PAST)
    tenure = first - u.registered
    u.visited = u.registered
    if unit(stream(m.seed, 0, _LAPSED), i) < m.b[LAPSE_NEW]:
        u.flags |= LAPSED
    else:
        gap = 1.0 / max(u.rate * conversion, 1e-9)
        t, k = 0.0, 0
        while not u.flags & LAPSED and k < 60:
            t += gap * exponential(unit(gaps, i * 64 + k))
            if t >= tenure:
                break
            u.ordered_before = u.ordered
            u.ordered = u.registered + int(t)
            u.visited = u.ordered
            u.orders += 1
            u.frequency += m.year_keep[first - u.ordered]
            u.spend += m.year_keep[first - u.ordered] * basket * m.segment[u.segment, 2]
            if u.orders == 1:
                u.first_ordered = u.ordered
            if unit(drops, i * 64 + k) < u.drop:
                u.flags |= LAPSED
            k += 1
        if not u.flags & LAPSED:
            since = int(exponential(unit(gaps, i * 64 + 63)) / max(u.rate, 1e-9))
            u.visited = max(u.visited, first - 1 - min(since, tenure - 1))
    idle = first - u.visited
    if idle >= m.b[CHURN_DAYS]:
        u.state = CHURNED
    elif idle >= m.b[DORMANT_DAYS]:
        u.state = DORMANT
    elif u.orders == 0:
        u.state = REGISTERED
    elif u.orders > 1:
        u.state = REPEAT
    else:
        u.state = RETAINED if u.visited > u.ordered else FIRST


@compiled
def populate(users, m, aware, registered, conversion, basket):
    """Fill the market: the first day's users, of whom a share is aware and a share registered, with a past.

    The burn-in gives them their real histories; this only puts them near it. `conversion` is the base share of visits
    that end in an order, `basket` the mean basket [yuan].
    """
    first = int(m.b[FIRST_DAY])
    for s in range(len(m.segment_first) - 1):
        for i in range(m.segment_first[s], m.segment_first[s + 1]):
            users[i].segment = s
            users[i].generation = 0
            newborn(users, i, first, m)
            u = users[i]
            x = unit(stream(m.seed, 0, _START), i)
            age = unit(stream(m.seed, 0, _TENURE), i)
            if x < registered:
                u.registered = first - 1 - int(age * PAST_DAYS)
                give_past(u, i, first, conversion, basket, m)
            elif x < registered + aware:
                u.state = AWARE
                u.awareness = m.b[HALF]
    for k in range(len(m.watched)):
        users[m.watched[k]].flags |= WATCHED


def empty_users(count: int) -> Array:
    """Return unfilled records of so many users."""
    return np.zeros(count, USER)
