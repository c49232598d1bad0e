"""The purse: what users' deeds cost the plan's accounts today."""

from sim import metrics as M
from sim.compile import compiled
from sim.wallet import grant


@compiled
def take(account, lever, kind, cents, must, c, o):
    """Take money from an account's purse for a lever. Return whether it was paid.

    What must be paid (a coupon already given, a commission owed) and is not covered is booked as unfunded.
    """
    if account < 0 or cents <= 0:
        return True
    if c.purse[account] < cents:
        if must:
            o.money[lever, M.UNFUNDED] += cents
        return must
    c.purse[account] -= cents
    o.money[lever, kind] += cents
    return True


@compiled
def give(i, day, offer, cash, account, lever, c, w, o):
    """Give a user a coupon and cash."""
    if offer >= 0:
        grant(i, day, offer, c, w, o)
    take(account, lever, M.REWARD, cash, True, c, o)
