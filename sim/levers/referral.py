"""referral: users invite contacts, who register and order; rewards at each stage and for numbers of invitees."""

from typing import Any

from scenarios.levers import Reward
from sim.conditions import INVITATION
from sim.levers.base import Desk, LeverProcess
from sim.weather import ALL_HOURS, stream_of


class Referral(LeverProcess):
    """Invitations over the contact graph."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        super().__init__(name, spec, desk)
        c, names = desk.weather.conditions, desk.names
        self.row = names.referrals.index(name)
        row, touch = c.referrals[self.row], names.touches.index(name)
        row["stream"], row["touch"], row["lever"] = stream_of(name), touch, self.credit
        row["per_order"], row["per_visit"] = spec.per_order, spec.per_visit
        row["audience"] = desk.weather.audience(spec.audience)
        row["register_offer"], row["register_cash"] = reward(spec.on_register, desk)
        row["order_offer"], row["order_cash"] = reward(spec.on_order, desk)
        row["counts_orders"], row["account"] = spec.counts == "order", names.account(spec.account)
        for k, threshold in enumerate(spec.thresholds):
            row["at"][k], row["at_each"][k] = threshold.invitees, threshold.each
            row["at_offer"][k], row["at_cash"][k] = reward(threshold, desk)
        t = c.touches[touch]
        t["stream"], t["kind"], t["lever"], t["row"] = stream_of(name) ^ 1, INVITATION, self.credit, self.row
        t["channel"], t["click"], t["quality"] = names.channel("invitation"), spec.accept, 1.0
        t["registration"], t["hours"], t["account"] = spec.registration, ALL_HOURS, -1

    def open_day(self, day: int) -> None:
        """Invitations are on."""
        self.desk.weather.conditions.referrals[self.row]["open"] = 1

    def close_day(self, day: int) -> None:
        """Invitations are off; those under way may still be accepted."""
        self.desk.weather.conditions.referrals[self.row]["open"] = 0


def reward(r: Reward, desk: Desk) -> tuple[int, int]:
    """Return the offer row (-1 none) and the cash [cents of the simulated market] of a reward."""
    return (-1 if r.offer not in desk.names.offers else desk.names.offers.index(r.offer), round(r.cash * 100))
