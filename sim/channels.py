"""Channels: what levers ask for today meets a finite audience, at a price that rises with demand."""

from dataclasses import dataclass

import numpy as np

from scenarios import Scenario
from sim.clock import Calendar
from sim.conditions import Array, Market
from sim.draws import chance, purpose
from sim.rewards import show
from sim.weather import Names
from sim.world import World

_SHOWN = purpose("shown")


@dataclass
class Ask:
    """Impressions that a lever wants from a channel today, were it not crowded [real market]."""

    touch: int
    impressions: float
    weights: Array
    """[S] affinity times the share of the segment's activity that falls into the lever's hours."""


class Channels:
    """All channels of a market."""

    def __init__(self, scenario: Scenario, calendar: Calendar, names: Names) -> None:
        self.scenario, self.calendar, self.names = scenario, calendar, names
        m = scenario.market
        people = np.array([m.people * s.share for s in m.segments.values()])
        self.scale = m.people / m.users
        self.reach = {
            name: np.array([min(1.0, c.reach * s.channels.get(name, 1.0)) for s in m.segments.values()])
            for name, c in m.channels.items()
        }
        self.audience = {name: people * reach for name, reach in self.reach.items()}
        self.price: dict[tuple[str, str], float] = {}
        self.asks: dict[str, list[Ask]] = {name: [] for name in m.channels}
        self.streams = {name: purpose(f"channel:{name}") for name in m.channels}

    def price_factor(self, channel: str, day: int) -> float:
        """Return today's multiple of the price of paid traffic: season and shocks."""
        factor = float(self.calendar.media_price[day - self.calendar.first])
        for (name, _), change in sorted(self.price.items()):
            if name == channel:
                factor *= 1 + change
        return factor

    def crowding(self, channel: str, impressions: float) -> float:
        """Return the share of uncrowded impressions that demand leaves: prices double at the channel's depth.

        N (1 + N / inventory) = asked, solved for N / asked.
        """
        inventory = self.scenario.market.channels[channel].depth * float(self.audience[channel].sum())
        if impressions <= 0 or inventory <= 0:
            return 1.0 if inventory > 0 else 0.0
        x = 4 * impressions / inventory
        return 2.0 / (1.0 + float(np.sqrt(1.0 + x)))

    def expected(self, channel: str, ask: Ask, crowding: float) -> Array:
        """Return the expected impressions by segment, in simulated users' terms."""
        weights = ask.weights * self.audience[channel]
        total = weights.sum()
        factor = ask.impressions * crowding / self.scale / total if total > 0 else 0.0
        return np.asarray(weights * factor)

    def planned(self, day: int, market: Market, streams: Array) -> list[tuple[str, Ask, Array]]:
        """Return whole impressions of the simulated market for every ask of the day, by segment; clears the asks.

        A fraction is rounded up with its probability, by a draw of the touch's own.
        """
        result = []
        for channel, asks in self.asks.items():
            if not asks:
                continue
            crowding = self.crowding(channel, sum(a.impressions for a in asks))
            for ask in asks:
                expected = self.expected(channel, ask, crowding)
                what = streams[ask.touch] ^ np.uint64(0x5EED)
                draws = np.array([chance(market.seed, day, what, s) for s in range(len(expected))])
                result.append((channel, ask, np.floor(expected + draws).astype(np.int64)))
            asks.clear()
        return result

    def deliver(
        self, plan: list[tuple[str, Ask, Array]], items: int, day: int, market: Market, world: World, streams: Array
    ) -> int:
        """Post the day's impressions. Return the number of mail items in use."""
        edges = market.segment_first
        for channel, ask, counts in plan:
            for s, number in enumerate(counts):
                if number > 0:
                    items = show(
                        ask.touch, streams[ask.touch] ^ _SHOWN, self.streams[channel],
                        float(self.reach[channel][s]), int(number), int(edges[s]), int(edges[s + 1]), items,
                        day, market, world,
                    )  # fmt: skip
        return items
