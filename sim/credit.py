"""Credit: the levers that brought a user to an order, or to register, share it by mechanism and recency.

A measured contribution, not the truth; the truth is the run without the lever at the same seed.
"""

from sim.compile import compiled
from sim.users import TRAIL

ORDER_UNIT = 1_000_000
"""Orders and registrations are credited in millionths."""
OWN_WEIGHT = 0.5
"""Weight of a user's own accord (credit number 0)."""
OFFER_WEIGHT = 1.0
"""Weight of the offer that was used."""


@compiled
def share_out(u, offer_lever, amount, column, o):
    """Share out an amount in whole units that sum exactly: by the user's trail, the offer used (-1: none), his own accord."""
    total = OWN_WEIGHT + (OFFER_WEIGHT if offer_lever >= 0 else 0.0)
    for k in range(TRAIL):
        total += u.trail_weight[k]
    left = amount
    for k in range(TRAIL + 1):
        if k < TRAIL:
            weight, lever = float(u.trail_weight[k]), int(u.trail_lever[k])
        else:
            weight, lever = (OFFER_WEIGHT, offer_lever) if offer_lever >= 0 else (0.0, 0)
        if weight > 0:
            part = int(amount * (weight / total))
            o.credit[lever, column] += part
            left -= part
    o.credit[0, column] += left


@compiled
def credit_order(u, offer_lever, gmv, contribution, o):
    """Share out one order, its GMV and contribution [cents]."""
    share_out(u, offer_lever, ORDER_UNIT, 0, o)
    share_out(u, offer_lever, gmv, 1, o)
    share_out(u, offer_lever, contribution, 2, o)


@compiled
def credit_registration(u, o):
    """Share out one registration."""
    share_out(u, -1, ORDER_UNIT, 3, o)
