"""message: tell users something, on schedule or when a trigger fires."""

from typing import Any

from sim.conditions import TRIGGERS
from sim.levers.base import Desk, LeverProcess
from sim.weather import stream_of


class Message(LeverProcess):
    """SMS, push, WeCom."""

    def __init__(self, name: str, spec: Any, desk: Desk) -> None:
        super().__init__(name, spec, desk)
        self.row = desk.names.messages.index(name)
        row = desk.weather.conditions.messages[self.row]
        row["stream"], row["opened"], row["quality"] = stream_of(name), spec.opened, spec.quality
        row["members"] = desk.channels.streams[spec.channel]
        reach = desk.channels.reach[spec.channel]
        row["reach"][: len(reach)] = reach
        row["audience"] = desk.weather.audience(spec.audience)
        row["every"], row["after"], row["delay"] = spec.every, TRIGGERS.index(spec.after), spec.delay
        row["offer"] = (
            -1 if spec.offer is None or spec.offer not in desk.names.offers else desk.names.offers.index(spec.offer)
        )
        row["hour"], row["lever"], row["channel"] = spec.hour, self.credit, desk.names.channel(spec.channel)
        self.last_open: int | None = None

    def open_day(self, day: int) -> None:
        """Send today, if the account can still pay as much as the last day of sending cost."""
        account = self.spec.account
        needs = self.desk.population.last_cost.get(self.name, 0)
        paid = self.spec.price == 0 or account is None or self.desk.accounts.balance(account, day) > needs
        row = self.desk.weather.conditions.messages[self.row]
        row["open"] = paid
        if paid:
            row["gap"] = 1 if self.last_open is None else day - self.last_open
            self.last_open = day

    def close_day(self, day: int) -> None:
        """Send no more."""
        self.desk.weather.conditions.messages[self.row]["open"] = 0
