"""What the verbs read and write besides the weather: users, mail, and the day's results. Arrays only."""

from typing import NamedTuple

import numpy as np

from sim import metrics
from sim.compile import compiled
from sim.conditions import Array
from sim.draws import GOLDEN, mix, purpose, unit
from sim.users import STATES

NO_WAKE = 32767
"""A wake day that never comes."""

DAY = purpose("user-day")
GATE = purpose("gate")

(
    HOUR, RECALLED, LOST, SIGN_UP, STICK, CLICKS, BOUNCE, CLASS, BASKET, PAD, CART_STEP, PAY, LAPSE, TALKS, TALK_TO,
    TALK_FAR, TALK_STRANGER, SCORE, DELIVERY_TIME, RETURN, DROP, DIVERT, GROUP_START, QUEUE,
) = range(24)  # fmt: skip
"""Steps of a user's day, each with a draw of its own."""
CONTACT = 32
"""First of the draws for the contacts whom a user invites on a day."""


class Mail(NamedTuple):
    """What is delivered to users today, as one chain of items a user."""

    head: Array
    """[users] first item, or -1."""
    next: Array
    """[items] next item of the same user, or -1."""
    touch: Array
    """[items] row of the touch table."""
    sender: Array
    """[items] the user who sent it, or -1."""


class World(NamedTuple):
    """The users and the indexes that the daily scan reads."""

    users: Array
    """[users] USER"""
    klass: Array
    """[users] class, see `sim.users.class_of`."""
    wake: Array
    """[users] next day on which the user must be looked at."""
    mail: Mail
    groups: Array
    """[slots] OPEN_GROUP; slot 0 is never used."""
    group_count: Array
    """[1] slots in use."""


OPEN_GROUP = np.dtype(
    [("members", "i4", 3), ("n", "i4"), ("deadline", "i4"), ("row", "i4"), ("goods", "i4"), ("baskets", "i8", 3),
     ("channels", "u1", 3), ("touches", "i2", 3)]
)  # fmt: skip
"""A group-buy that waits for members."""

INTENT = np.dtype(
    [
        ("order", "u8"), ("user", "i4"), ("basket", "i8"), ("plain", "i8"), ("saving", "i8"),
        ("member_saving", "i8"), ("joins", "i4"),
        ("offer", "i2"), ("touch", "i2"), ("group", "i2"), ("slot", "i1"), ("goods", "u1"), ("hour", "u1"), ("channel", "u1"),
        ("keen", "u1"),
    ],
    align=True,
)  # fmt: skip
"""A basket at the till. `order`: place in the day's queue; `slot`: wallet slot of the coupon or -1; money in cents.
`plain`: the basket without padding; `keen`: whether the user buys it without the offer too."""

PUSH = np.dtype([("to", "i4"), ("sender", "i4"), ("touch", "i4")])
"""Something sent to another user, delivered tomorrow."""

TRACE = np.dtype([("user", "i4"), ("day", "i4"), ("hour", "i4"), ("event", "i4"), ("detail", "i4"), ("value", "f8")])
EVENTS = (
    "hears", "hears-word", "is-invited", "gets-message", "visits", "registers", "bounces", "leaves-detail-page",
    "does-not-cart", "abandons-payment", "orders", "out-of-stock", "gets-coupon", "coupon-expires", "lapses", "is-recalled",
    "becomes-dormant", "churns", "is-replaced", "talks", "invites", "starts-group", "joins-group", "group-fails", "forgets",
    "changes-tier", "visit-lost",
)  # fmt: skip
(
    HEARS, HEARS_WORD, IS_INVITED, GETS_MESSAGE, VISITS, REGISTERS, BOUNCES, LEAVES_DETAIL,
    NO_CART, ABANDONS, ORDERS, OUT_OF_STOCK, GETS_COUPON, COUPON_EXPIRES, LAPSES, IS_RECALLED,
    BECOMES_DORMANT, CHURNS, IS_REPLACED, TALKED, INVITED, STARTS_GROUP, JOINS_GROUP, GROUP_FAILS, FORGETS,
    CHANGES_TIER, VISIT_LOST,
) = range(27)  # fmt: skip

LINES = 2048
"""Most lines that a watched user's day may have."""
COHORT_DAYS = 30
AGE_WEEKS = 80


class Out(NamedTuple):
    """What a part of the market did today. Whole numbers only, so that sums do not depend on who counts first."""

    tally: Array
    """[metrics, S, channels]"""
    money: Array
    """[credit numbers, kinds] what users' deeds cost each lever [cents of the simulated market]."""
    sent: Array
    """[messages] messages sent."""
    issued: Array
    """[offers, 3] coupons issued, redeemed, expired."""
    states: Array
    """[states, S] change of the number of users in each state."""
    cohort_size: Array
    """[cohorts, S] registrations by cohort of 30 days."""
    cohort_active: Array
    """[cohorts, weeks of age] members seen for the first time in that week of age."""
    retained: Array
    """[days, 3, S] members of each day's registrations who came back: day 1, days 1-7, days 24-30."""
    credit: Array
    """[credit numbers, 4] millionths of orders, GMV cents, contribution cents, millionths of registrations."""
    roles: Array
    """[touches, 2] visits and orders that each touch brought."""
    intents: Array
    pushes: Array
    trace: Array
    counts: Array
    """[3] intents, pushes, trace entries used."""


def new_out(shape: "Shape", capacity: int) -> Out:
    """Return empty results for a part of the market with room for so many intents and pushes."""
    return Out(
        tally=np.zeros((len(metrics.NAMES), shape.segments, shape.channels), np.int64),
        money=np.zeros((shape.credits, len(metrics.KINDS)), np.int64),
        sent=np.zeros(shape.messages, np.int64),
        issued=np.zeros((shape.offers, 3), np.int64),
        states=np.zeros((len(STATES), shape.segments), np.int64),
        cohort_size=np.zeros((shape.cohorts, shape.segments), np.int64),
        cohort_active=np.zeros((shape.cohorts, AGE_WEEKS), np.int64),
        retained=np.zeros((shape.days, 3, shape.segments), np.int64),
        credit=np.zeros((shape.credits, 4), np.int64),
        roles=np.zeros((shape.touches, 2), np.int64),
        intents=np.zeros(capacity, INTENT),
        pushes=np.zeros(capacity, PUSH),
        trace=np.zeros(LINES * shape.watched + 1, TRACE),
        counts=np.zeros(3, np.int64),
    )


class Shape(NamedTuple):
    """Sizes of a run's tables."""

    segments: int
    channels: int
    credits: int
    accounts: int
    messages: int
    offers: int
    touches: int
    cohorts: int
    days: int
    watched: int


@compiled
def draw(m, day_key, i, step):
    """Return a uniform number for one step of user i's day."""
    return unit(day_key, i * 64 + step)


@compiled
def coarse(gate_key, block):
    """Return eight users' coarse bytes in one word; block is the user number over eight."""
    return mix(np.uint64(block) * GOLDEN + gate_key)


@compiled
def gate(gate_key, i):
    """Return user i's uniform number of the day: its top byte from the hash shared by eight users, 32 bits of his own."""
    byte = (coarse(gate_key, i >> 3) >> np.uint64((i & 7) << 3)) & np.uint64(255)
    low = mix(np.uint64(i) * GOLDEN + (gate_key ^ np.uint64(0xA5A5A5A5A5A5A5A5))) >> np.uint64(32)
    return ((byte << np.uint64(32)) | low) * 2.0**-40


@compiled
def note(o, u, i, day, hour, event, detail, value):
    """Write a line of a watched user's journey."""
    if u.flags & 8:
        n = min(o.counts[2], len(o.trace) - 1)
        line = o.trace[n]
        line.user = i
        line.day = day
        line.hour = hour
        line.event = event
        line.detail = detail
        line.value = value
        o.counts[2] = n + 1


@compiled
def move(o, u, state):
    """Put a user into a state, counting the change."""
    if u.state != state:
        o.states[u.state, u.segment] -= 1
        o.states[state, u.segment] += 1
        u.state = state


@compiled
def push(o, to, sender, touch):
    """Send something to another user."""
    n = o.counts[1]
    item = o.pushes[n]
    item.to = to
    item.sender = sender
    item.touch = touch
    o.counts[1] = n + 1
