"""What is counted: one row for each metric in the day's tally, by segment and channel."""

from typing import Final

NAMES: Final = (
    # hear and visit
    "exposure", "ad_clicks", "uv", "pv", "item_impressions", "item_clicks", "bounces", "details", "detail_bounces",
    "carts", "payments_started", "payments_abandoned", "new_users", "lapsed_visits", "recalls", "lost_to_outage",
    "heard_word", "messages", "messages_opened",
    # settle
    "orders", "gmv", "margin", "saving", "shipping_cost", "shipping_fee", "refund", "new_customers",
    "new_customer_orders", "member_gmv", "order_attempts", "stockouts", "returns", "satisfaction_sum",
    "coupons_issued", "coupons_redeemed", "coupons_expired",
    # share
    "invitations", "invited_registrations", "invited_customers", "groups_started", "groups_filled", "groups_failed",
    "talks", "lapses", "lapses_first",
)  # fmt: skip
"""Metrics in the order of the tally's first axis. Money metrics are in cents of the simulated market."""

MONEY: Final = frozenset({"gmv", "margin", "saving", "shipping_cost", "shipping_fee", "refund", "member_gmv"})
"""Metrics that are money."""

(
    EXPOSURE, AD_CLICKS, UV, PV, ITEM_IMPRESSIONS, ITEM_CLICKS, BOUNCES, DETAILS, DETAIL_BOUNCES,
    CARTS, PAYMENTS_STARTED, PAYMENTS_ABANDONED, NEW_USERS, LAPSED_VISITS, RECALLS, LOST_TO_OUTAGE,
    HEARD_WORD, MESSAGES, MESSAGES_OPENED,
    ORDERS, GMV, MARGIN, SAVING, SHIPPING_COST, SHIPPING_FEE, REFUND, NEW_CUSTOMERS,
    NEW_CUSTOMER_ORDERS, MEMBER_GMV, ORDER_ATTEMPTS, STOCKOUTS, RETURNS, SATISFACTION_SUM,
    COUPONS_ISSUED, COUPONS_REDEEMED, COUPONS_EXPIRED,
    INVITATIONS, INVITED_REGISTRATIONS, INVITED_CUSTOMERS, GROUPS_STARTED, GROUPS_FILLED, GROUPS_FAILED,
    TALKS, LAPSES, LAPSES_FIRST,
) = range(len(NAMES))  # fmt: skip

SATISFACTION_UNIT: Final = 1000
"""Satisfaction scores are summed in thousandths, so that sums do not depend on their order."""

OWN = 0
"""Channel 0: visits of users' own accord; the scenario's channels follow, then word of mouth, invitations and groups."""
EXTRA_CHANNELS: Final = ("word-of-mouth", "invitation", "group-buy")

DISCOUNT, COMMISSION, REWARD, MESSAGE, BENEFIT, UNFUNDED = range(6)
KINDS: Final = ("discount", "commission", "reward", "message", "benefit", "unfunded")
"""Kinds of money that users' deeds cost a lever, in the order of the tally's second axis."""
