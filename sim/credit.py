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
def credit_order(u, offer_lever, gmv, contribution, o):
    """Share out one order, its GMV and contribution [cents], in whole units that sum exactly."""
    total = OWN_WEIGHT + (OFFER_WEIGHT if offer_lever >= 0 else 0.0)
    for k in range(TRAIL):
        total += u.trail_weight[k]
    left_orders, left_gmv, left_contribution = ORDER_UNIT, gmv, contribution
    for k in range(TRAIL + 1):
        if k < TRAIL:
            weight, lever = float(u.trail_weight[k]), int(u.trail_lever[k])
        else:
            weight, lever = (OFFER_WEIGHT, offer_lever) if offer_lever >= 0 else (0.0, 0)
        if weight > 0:
            share = weight / total
            part = int(ORDER_UNIT * share)
            o.credit[lever, 0] += part
            left_orders -= part
            part = int(gmv * share)
            o.credit[lever, 1] += part
            left_gmv -= part
            part = int(contribution * share)
            o.credit[lever, 2] += part
            left_contribution -= part
    o.credit[0, 0] += left_orders
    o.credit[0, 1] += left_gmv
    o.credit[0, 2] += left_contribution


@compiled
def credit_registration(u, o):
    """Share out one registration, in whole units that sum exactly."""
    total = OWN_WEIGHT
    for k in range(TRAIL):
        total += u.trail_weight[k]
    left = ORDER_UNIT
    for k in range(TRAIL):
        if u.trail_weight[k] > 0:
            part = int(ORDER_UNIT * (float(u.trail_weight[k]) / total))
            o.credit[int(u.trail_lever[k]), 3] += part
            left -= part
    o.credit[0, 3] += left
