"""offer: open and close a saving, keep its daily quota, stop giving when the account cannot honour more."""

from typing import Any

import numpy as np

from sim.conditions import FORMS, GIVES, PUBLIC
from sim.draws import chance
from sim.levers.base import Desk, LeverProcess
from sim.weather import hour_mask, mask, stream_of

PROVISION = 0.2
"""Share of a coupon's face value set aside for each coupon outstanding before further ones are given."""


class Offer(LeverProcess):
    """Threshold coupon, percentage, fixed amount, free shipping, gift."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        super().__init__(name, spec, desk)
        self.row = desk.names.offers.index(name)
        row = desk.weather.conditions.offers[self.row]
        row["form"], row["give"] = FORMS.index(spec.form), GIVES.index(spec.give)
        row["over"], row["off"], row["rate"] = round(spec.over * 100), round(spec.off * 100), spec.rate
        row["cost"], row["urgency"] = spec.cost, spec.urgency
        row["audience"] = desk.weather.audience(spec.audience)
        row["hours"], row["goods"] = hour_mask(spec.hours), mask(spec.goods, desk.names.goods)
        row["valid"], row["account"], row["lever"] = spec.valid, desk.names.account(spec.account), self.credit
        self.stream = stream_of(name)

    def open_day(self, day: int) -> None:
        """Open it while the account can pay: public offers while there is money, coupons while there is cover."""
        c = self.desk.weather.conditions
        free = self.desk.population.outstanding[self.row] * PROVISION * self.desk.scale * c.offers[self.row]["off"]
        account = self.spec.account
        covered = account is None or self.desk.accounts.balance(account, day) > free * self.spec.cost
        c.offers[self.row]["open"] = covered
        if self.spec.quota:
            quota = self.spec.quota / self.desk.scale
            u = chance(self.desk.population.market.seed, day, self.stream, 0)
            c.quota[self.row] = int(np.floor(quota + u))

    def close_day(self, day: int) -> None:
        """Close it; coupons already given stay good until they expire."""
        self.desk.weather.conditions.offers[self.row]["open"] = 0
        if GIVES.index(self.spec.give) == PUBLIC:
            self.desk.weather.conditions.quota[self.row] = -1
