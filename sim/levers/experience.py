"""experience: an improvement of page, payment, recommendation or service that is released once and ramps up."""

from typing import Any

from sim.levers.base import Desk, LeverProcess


class Experience(LeverProcess):
    """A change of the steps of a visit."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        super().__init__(name, spec, desk)
        self.released: int | None = None

    def open_day(self, day: int) -> None:
        """Pay for it, and let it take effect as far as the ramp has gone; unpaid, it does not work."""
        pay, account = self.desk.accounts, self.spec.account
        if self.released is None:
            once = round(self.spec.once * 100)
            if account is not None and pay.balance(account, day) < once:
                return
            self.released = day
            if account is not None:
                pay.pay(day, account, self.name, "investment", once)
        daily = round(self.spec.daily * 100)
        if account is not None and daily:
            if pay.balance(account, day) < daily:
                self.close_day(day)
                return
            pay.pay(day, account, self.name, "running", daily)
        strength = min(1.0, (day - self.released + 1) / (self.spec.ramp + 1))
        self.desk.weather.put(self.name, self.spec.effect, strength, self.spec.audience)

    def close_day(self, day: int) -> None:
        """Take it out of force."""
        self.desk.weather.remove(self.name)
