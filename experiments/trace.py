"""A trace: what one user did, day by day, in words."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from experiments.tables import rows
from experiments.units import amount
from scenarios import Scenario
from sim.run import Engine, simulate
from sim.weather import Names

COLUMNS = ("day", "date", "hour", "event", "words")


def trace(
    scenario: Scenario, user: int, seed: int = 1, *, engine: Engine = "columnar", days: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the timeline of one user, one row an event in its order, with the columns `COLUMNS`.

    `day` counts from the start of the plan (negative in the burn-in), `date` is the calendar day, `hour` is missing for
    what happens at no certain hour, `event` is the simulator's name of the event, `words` tells it. Both engines give
    the same table. `progress` is told the days done and to do. Raises `ValueError` for a user, seed or days out of
    range.

    >>> import scenarios
    >>> plan = scenarios.load("shopping-festival", changes={"market.users": 500})
    >>> trace(plan, user=7, days=1).columns.tolist()
    ['day', 'date', 'hour', 'event', 'words']
    """
    if not 0 <= user < scenario.market.users:
        raise ValueError(f"users are numbered 0 to {scenario.market.users - 1}, but got {user}")
    run = simulate(scenario, seed, engine=engine, days=days, journeys=[user], progress=progress)
    names, lines = run.observer.names, list(rows(run.journeys[run.journeys["user"] == user]))
    table = pd.DataFrame(
        {
            "day": np.array([line.day for line in lines], np.int64),
            "date": [scenario.clock.date(int(line.day)) for line in lines],
            "hour": pd.array([line.hour if line.hour >= 0 else pd.NA for line in lines], "Int64"),
            "event": [str(line.event) for line in lines],
            "words": [tell(str(line.event), int(line.detail), float(line.value), scenario, names) for line in lines],
        }
    )
    return table.astype({"date": object, "event": "str", "words": "str"})[list(COLUMNS)]


def tell(event: str, detail: int, value: float, scenario: Scenario, names: Names) -> str:
    """Return one event in words, levers by their titles."""

    def title(name: str) -> str:
        return getattr(scenario.levers.get(name), "title", "") or name

    def credit() -> str:
        return title(names.credits[detail])

    def touch() -> str:
        return title(names.touches[detail]) or "word of mouth"

    def basket() -> str:
        return f"{names.goods[detail]}, {amount(value, 'yuan')}"

    def tier() -> str:
        return names.tiers[detail - 1] if detail else "no tier"

    def visit() -> str:
        return "visits of own accord" if detail == 0 else f"visits through {credit()}"

    phrases: dict[str, Callable[[], str]] = {
        "hears": lambda: f"sees {touch()}",
        "hears-word": lambda: f"hears of it from user {value:.0f}",
        "is-invited": lambda: f"is invited by user {value:.0f} ({touch()})",
        "gets-message": lambda: f"gets a message: {credit()}",
        "visits": visit,
        "registers": lambda: "registers" + (f", brought by {credit()}" if detail else ""),
        "bounces": lambda: "leaves without a click",
        "leaves-detail-page": lambda: "leaves from the detail page",
        "does-not-cart": lambda: f"looks, but puts nothing into the cart ({basket()})",
        "abandons-payment": lambda: f"gives up while paying ({basket()})",
        "orders": lambda: f"orders ({basket()})",
        "out-of-stock": lambda: f"finds it out of stock ({basket()})",
        "gets-coupon": lambda: f"gets a coupon: {credit()}",
        "coupon-expires": lambda: f"lets a coupon expire: {credit()}",
        "lapses": lambda: "loses interest and will not come back of own accord",
        "is-recalled": lambda: f"is won back by {credit()}",
        "becomes-dormant": lambda: "becomes dormant",
        "churns": lambda: "churns",
        "is-replaced": lambda: "leaves the market; a new person takes the place",
        "talks": lambda: f"tells user {detail} about it",
        "invites": lambda: f"invites user {detail}",
        "starts-group": lambda: f"starts a group-buy: {credit()}",
        "joins-group": lambda: f"joins a group-buy: {credit()}",
        "group-fails": lambda: f"sees the group-buy fail: {title(names.groups[detail])}",
        "forgets": lambda: "forgets the shop",
        "changes-tier": lambda: f"is now in tier {tier()}",
        "visit-lost": lambda: "comes, but the servers are down",
    }
    return phrases[event]() if event in phrases else event.replace("-", " ")
