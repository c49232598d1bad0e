"""membership: a ladder of tiers, reviewed on schedule, whose benefits cost money every month."""

from typing import Any

import numpy as np

from sim.levers.base import Desk, LeverProcess
from sim.tiers import review


class Membership(LeverProcess):
    """Tiers by spend and orders of the trailing year."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        super().__init__(name, spec, desk)
        tiers = desk.weather.conditions.tiers
        self.first = desk.names.tiers.index(next(iter(spec.tiers)))
        self.count = len(spec.tiers)
        self.opened: int | None = None
        for k, tier in enumerate(spec.tiers.values(), self.first):
            row = tiers[k]
            row["spend"], row["orders"], row["discount"] = tier.spend, tier.orders, tier.discount
            row["visits"], row["drop"], row["free_shipping"] = tier.visits, tier.drop, tier.free_shipping
            row["lever"], row["account"] = self.credit, desk.names.account(spec.account)

    def open_day(self, day: int) -> None:
        """Review tiers when it is time, and pay for the benefits of those who hold one."""
        if self.opened is None:
            self.opened = day
        if (day - self.opened) % self.spec.review_days:
            return
        p = self.desk.population
        counts = np.zeros(self.count, np.int64)
        review(day, self.first, counts, p.market, self.desk.weather.conditions, p.world, p.outs[0])
        months = self.spec.review_days / 30
        cost = sum(
            n * tier.monthly_cost * months * 100 * self.desk.scale
            for n, tier in zip(counts, self.spec.tiers.values(), strict=True)
        )
        if self.spec.account is not None:
            paid = self.desk.accounts.pay(day, self.spec.account, self.name, "benefit", round(cost))
            self.desk.accounts.ledger.post(day, "unfunded", self.name, "unfunded", round(cost) - paid)

    def close_day(self, day: int) -> None:
        """End the membership: nobody has a tier."""
        p = self.desk.population
        review(day, self.first, np.zeros(0, np.int64), p.market, self.desk.weather.conditions, p.world, p.outs[0])
