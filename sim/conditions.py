"""The weather of a day: everything that levers, calendar, shocks and supply tell the verbs. Arrays only."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MEDIA, WORD, INVITATION, GROUP = range(4)
"""Kinds of touch: what can be delivered to a user."""

TOUCH = np.dtype(
    [
        ("stream", "u8"), ("click", "f8"), ("awareness", "f8"), ("quality", "f8"), ("half", "f8"),
        ("registration", "f8"), ("commission", "f8"), ("hours", "u4"), ("lever", "u1"), ("channel", "u1"), ("kind", "u1"),
        ("row", "u1"), ("account", "i2"),
    ],
    align=True,
)  # fmt: skip
"""What one touch does. `click`: chance that it brings a visit; `half`: exposures at which that has halved; `hours`: bit
mask; `lever`: credit number; `row`: row of the referral or group-buy behind it."""

THRESHOLD, PERCENT, AMOUNT, FREE_SHIPPING, GIFT = range(5)
FORMS = ("threshold", "percent", "amount", "free_shipping", "gift")
PUBLIC, ON_REGISTRATION, ON_ORDER, ON_MESSAGE, ON_REWARD = range(5)
GIVES = ("public", "registration", "order", "message", "reward")

AUDIENCE = np.dtype(
    [
        ("segments", "u4"), ("tags", "u4"), ("tiers", "u4"), ("registered", "i4"), ("orders_from", "i4"),
        ("orders_to", "i4"), ("idle_from", "i4"), ("idle_to", "i4"),
    ]
)  # fmt: skip
"""Who may: bit masks (tags 0 means any), `registered` 1, 0 or -1 for both, ranges inclusive."""

OFFER = np.dtype(
    [
        ("over", "i8"), ("off", "i8"), ("rate", "f8"), ("cost", "f8"), ("urgency", "f8"),
        ("audience", AUDIENCE), ("hours", "u4"), ("goods", "u4"), ("valid", "i4"), ("account", "i4"), ("form", "u1"),
        ("give", "u1"), ("lever", "u1"), ("open", "u1"),
    ],
    align=True,
)  # fmt: skip
"""An offer. Money in cents. `open`: may be used (public) or given (wallet) today."""

MESSAGE = np.dtype(
    [
        ("stream", "u8"), ("members", "u8"), ("opened", "f8"), ("quality", "f8"), ("reach", "f8", 12), ("audience", AUDIENCE),
        ("every", "i4"), ("gap", "i4"),
        ("after", "i4"), ("delay", "i4"), ("offer", "i4"), ("hour", "u1"), ("lever", "u1"),
        ("channel", "u1"), ("open", "u1"),
    ],
    align=True,
)  # fmt: skip
"""A message lever. `members`: stream that tells who is on its channel, `reach` what share of each segment; `gap`: days
since it was last open; `after`: trigger; `offer`: row of the coupon it carries, or -1."""
ON_SCHEDULE, AFTER_REGISTRATION, AFTER_ORDER, AFTER_CART, AFTER_IDLE = range(5)
TRIGGERS = ("", "registration", "order", "cart", "idle")

REFERRAL = np.dtype(
    [
        ("stream", "u8"), ("per_order", "f8"), ("per_visit", "f8"), ("audience", AUDIENCE), ("register_offer", "i4"),
        ("register_cash", "i8"), ("order_offer", "i4"), ("order_cash", "i8"), ("counts_orders", "u1"),
        ("at", "i4", 2), ("at_offer", "i4", 2), ("at_cash", "i8", 2), ("at_each", "u1", 2), ("account", "i4"),
        ("touch", "i4"), ("lever", "u1"), ("open", "u1"),
    ],
    align=True,
)  # fmt: skip
GROUP_BUY = np.dtype(
    [
        ("stream", "u8"), ("rate", "f8"), ("off", "i8"), ("start", "f8"), ("invite", "f8"), ("audience", AUDIENCE),
        ("goods", "u4"), ("days", "i4"), ("initiator_offer", "i4"), ("initiator_cash", "i8"), ("account", "i4"),
        ("touch", "i4"), ("size", "u1"), ("lever", "u1"), ("open", "u1"),
    ],
    align=True,
)  # fmt: skip
TIER = np.dtype(
    [("spend", "f8"), ("orders", "f8"), ("discount", "f8"), ("visits", "f8"), ("drop", "f8"), ("free_shipping", "u1"),
     ("lever", "u1"), ("account", "i4")],
    align=True,
)  # fmt: skip
GOODS = np.dtype([("basket", "f8"), ("margin", "f8"), ("returns", "f8"), ("divert", "f8")])


class Conditions(NamedTuple):
    """The day's weather. S segments, G goods classes; rows of lever tables are in order of lever name."""

    visits: Array
    """[S] multiple of users' own visits."""
    intent: Array
    """[S] multiple of the odds of the cart step."""
    ctr: Array
    """[S] clicks an item impression."""
    detail_bounce: Array
    """[S] share of detail visits that end there."""
    payment_abandonment: Array
    """[S] share of payments given up."""
    basket: Array
    """[S] multiple of basket values."""
    registration: Array
    """[S] share of unregistered visits that end in a registration."""
    satisfaction: Array
    """[S] multiple of an order's satisfaction score."""
    scalar: Array
    """[3] share of visits lost to an outage, fall of the score through slow service, mean delivery days."""
    demand: Array
    """[G] cumulative demand of the goods classes."""
    touches: Array
    offers: Array
    messages: Array
    referrals: Array
    groups: Array
    tiers: Array
    limit: Array
    """[classes] the scan passes over a user whose random byte is not below this (0 to 256)."""
    scheduled: Array
    """[S] whether any message on schedule may go to the segment today."""
    quota: Array
    """[offers] uses left today (simulated users); negative means no limit."""
    purse: Array
    """[accounts] money that users' deeds may cost today [cents of the simulated market]."""
    stock: Array
    """[G] orders that stock can serve today (simulated users); negative means never short."""


OUTAGE, SLOW, DELIVERY = range(3)


class Market(NamedTuple):
    """What does not change during a run."""

    seed: np.uint64
    contacts: Array
    """[users, degree]"""
    goods: Array
    """[G] GOODS"""
    basket_table: Array
    """[G, 4096] quantiles of the basket value as a multiple of its mean."""
    rate_table: Array
    """[4096] quantiles of the own visit rate, mean 1."""
    drop_table: Array
    """[4096] quantiles of the own drop-out probability."""
    hours: Array
    """[S, 24] cumulative activity profile."""
    segment_first: Array
    """[S + 1] first user of each segment; users are in order of segment."""
    tag_share: Array
    """[S, tags] share of the segment that carries each tag."""
    segment: Array
    """[S, 3] price sensitivity, activity, basket multiple."""
    awareness_keep: Array
    """[days] share of awareness kept after so many days."""
    fatigue_keep: Array
    year_keep: Array
    credit_keep: Array
    renewal_keep: Array
    b: Array
    """[...] base rates, by the names in `sim.market`."""
    watched: Array
    """[...] users whose journeys are written down."""
