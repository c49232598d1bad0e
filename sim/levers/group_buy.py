"""group-buy: a price for two or three who buy together."""

from typing import Any

from sim.conditions import GROUP
from sim.levers.base import Desk, LeverProcess
from sim.levers.referral import reward
from sim.weather import ALL_HOURS, mask, stream_of


class GroupBuy(LeverProcess):
    """A group price with a time limit."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        super().__init__(name, spec, desk)
        c, names = desk.weather.conditions, desk.names
        self.row = names.groups.index(name)
        row, touch = c.groups[self.row], names.touches.index(name)
        row["stream"], row["touch"], row["lever"], row["size"] = stream_of(name), touch, self.credit, spec.size
        row["rate"], row["off"], row["start"], row["invite"] = spec.rate, round(spec.off * 100), spec.start, spec.invite
        row["audience"], row["goods"] = desk.weather.audience(spec.audience), mask(spec.goods, names.goods)
        row["days"], row["account"] = spec.days, names.account(spec.account)
        row["initiator_offer"], row["initiator_cash"] = reward(spec.initiator, desk)
        t = c.touches[touch]
        t["stream"], t["kind"], t["lever"], t["row"] = stream_of(name) ^ 1, GROUP, self.credit, self.row
        t["channel"], t["click"], t["quality"] = names.channel("group-buy"), spec.accept, 1.0
        t["registration"], t["hours"], t["account"] = 1.0, ALL_HOURS, -1

    def open_day(self, day: int) -> None:
        """Groups may start."""
        self.desk.weather.conditions.groups[self.row]["open"] = 1

    def close_day(self, day: int) -> None:
        """No new groups; open ones may still fill."""
        self.desk.weather.conditions.groups[self.row]["open"] = 0
