"""Shocks: the world's surprises, which come and go on their days."""

from collections.abc import Generator
from typing import Any

import simpy

from scenarios.control import Shock
from scenarios.market import Effect
from sim.clock import Moment
from sim.levers.base import Desk
from sim.supply import ServiceDesk, Shelf


def strike(
    name: str, shock: Shock, desk: Desk, shelves: list[Shelf], service: ServiceDesk
) -> Generator[simpy.Event, Any, None]:
    """Let a shock happen: a process that changes the world on its first day and changes it back after its last."""
    source = f"shock:{name}"
    first, last = desk.calendar.span(shock.when)
    yield desk.at(max(first, desk.calendar.first), Moment.SHOCKS)
    effect = Effect(visits=shock.traffic, cart=shock.intent, satisfaction=shock.satisfaction)
    desk.weather.put(source, effect, 1.0)
    if shock.outage:
        desk.weather.outages[source] = shock.outage
    if shock.delivery_days:
        desk.weather.extra_delivery[source] = shock.delivery_days
    if shock.media_price:
        for channel in shock.channels or tuple(desk.scenario.market.channels):
            desk.channels.price[channel, source] = shock.media_price
    if shock.agents:
        service.agents[source] = shock.agents
    for shelf in shelves:
        if shock.lead_days:
            shelf.extra_lead[source] = shock.lead_days
    yield desk.at(last + 1, Moment.SHOCKS)
    desk.weather.remove(source)
    for key in [k for k in desk.channels.price if k[1] == source]:
        del desk.channels.price[key]
    desk.weather.outages.pop(source, None)
    desk.weather.extra_delivery.pop(source, None)
    service.agents.pop(source, None)
    for shelf in shelves:
        shelf.extra_lead.pop(source, None)
