"""Shocks of the shipped plans: each bites where it says, in the direction it says; the new one on satisfaction alone."""

from functools import cache

import numpy as np
import pytest
from markets import by_day, daily, finished

import scenarios
from scenarios import Scenario
from scenarios.control import Shock
from sim import metrics as M
from sim.kpis import measure
from sim.run import Run, simulate

SEEDS = (1, 2)
USERS = {"store-campaign-28-days": 24_000, "annual-promotion": 2_000}
"""Simulated users, else 4,000: so many that the smallest shock (5 % fewer carts on five days) is five simulated carts."""
EVERYWHERE = {
    "dearer-traffic-30": "R-01",
    "dearer-traffic-50": "R-01",
    "traffic-cut": "R-03",
    "supplier-delay": "R-06",
    "outage": "R-09",
    "short-staffed": "R-13",
    "competitor": "R-18",
}
SHIPPED = [(plan, shock) for plan in scenarios.names() for shock in scenarios.load(plan).shocks]
FALLS = {
    "media_price": "exposure",
    "traffic": "uv",
    "intent": "cart_rate",
    "outage": "uv",
    "delivery_days": "csat",
    "agents": "csat",
    "satisfaction": "csat",
}
"""The KPI that falls first when a field of a shock is bad news; late suppliers raise `stockout_rate`."""


@cache
def market(plan: str) -> Scenario:
    return scenarios.load(plan, changes={"market.users": USERS.get(plan, 4_000)})


@cache
def calm(plan: str, seed: int) -> Run:
    return simulate(market(plan), seed)


def bites(shock: Shock) -> list[tuple[str, int]]:
    """Return the KPIs that a shock moves directly, and in which direction."""
    moved = [(kpi, -1) for field, kpi in FALLS.items() if getattr(shock, field)]
    return moved + ([("stockout_rate", 1)] if shock.lead_days else [])


def days_of(shock: Shock, scenario: Scenario) -> tuple[int, int]:
    """Return the days on which a shock shows: a late delivery is missed after it should have come."""
    first, last = scenario.span(shock.when) if isinstance(shock.when, str) else shock.when.span(scenario.clock)
    return first, min(last + shock.lead_days, scenario.clock.days - 1)


@pytest.mark.parametrize("plan", scenarios.names())
def test_every_plan_declares_the_common_shocks_and_none_is_on(plan: str) -> None:
    shocks = scenarios.load(plan).shocks
    assert {name: shocks[name].plan[0] for name in EVERYWHERE} == EVERYWHERE
    assert not any(shock.on for shock in shocks.values())
    assert (shocks["dearer-traffic-30"].media_price, shocks["dearer-traffic-50"].media_price) == (0.3, 0.5)
    assert all(shock.title and shock.plan and bites(shock) for shock in shocks.values())


@pytest.mark.parametrize(("plan", "name"), SHIPPED)
def test_each_shock_bites_while_it_lasts(plan: str, name: str) -> None:
    """With common random numbers the mean over two seeds has the sign that the shock's field says; before it, nothing."""
    shock = market(plan).shocks[name]
    first, last = days_of(shock, market(plan))
    changes: dict[str, list[float]] = {kpi: [] for kpi, _ in bites(shock)}
    for seed in SEEDS:
        struck = simulate(market(plan).override({f"shocks.{name}.on": True}), seed, days=last + 1)
        before = calm(plan, seed)
        for kpi, found in changes.items():
            values = [measure(run.observer, kpi, (first, last)) for run in (before, struck)]
            found.append(values[1] - values[0])
        for metric in (M.UV, M.ORDERS, M.EXPOSURE):
            untouched = market(plan).clock.burn_in + first
            assert np.array_equal(by_day(before, metric)[:untouched], by_day(struck, metric)[:untouched])
    for kpi, sign in bites(shock):
        assert np.mean(changes[kpi]) * sign > 0, (kpi, changes[kpi])


@pytest.mark.parametrize("plan", scenarios.names())
def test_a_dearer_surge_buys_less_still(plan: str) -> None:
    """Exposure falls further at +50 % than at +30 %, and at +30 % by no more than 1 - 1/1.3 while budgets are fixed.

    Rules may move money between media; 3 points are left for that and for whole units.
    """
    shown = []
    for name in ("dearer-traffic-30", "dearer-traffic-50"):
        span = days_of(market(plan).shocks[name], market(plan))
        run = simulate(market(plan).override({f"shocks.{name}.on": True}), 1)
        shown.append(measure(run.observer, "exposure", span) / measure(calm(plan, 1).observer, "exposure", span))
    assert 1 / 1.3 - 0.03 < shown[0] < 1
    assert 1 / 1.5 - 0.03 < shown[1] < shown[0]


def test_the_late_supplier_of_the_store_costs_what_the_plans_case_lost() -> None:
    """X-21: with suppliers late, a shop lost 18 % of GMV. The store loses 5 to 30 % of its campaign's; a weak case."""
    store = "store-campaign-28-days"
    lost = []
    for seed in SEEDS:
        struck = simulate(market(store).override({"shocks.supplier-delay.on": True}), seed)
        lost.append(1 - measure(struck.observer, "gmv", (0, 27)) / measure(calm(store, seed).observer, "gmv", (0, 27)))
    assert 0.05 < np.mean(lost) < 0.3


def test_a_shock_on_satisfaction_lowers_the_scores_of_its_days_alone() -> None:
    """Without spread, penalties and learning every score is the base 0.75, and 0.75 x 0.8 in the shock's days."""
    settle = {"satisfaction": 0.75, "spread": 0.0, "learn": 0.0, "late_penalty": 0.0}
    shocks = {"s": {"on": True, "when": {"days": [3, 5]}, "satisfaction": "-20%"}}
    stage = finished(daily(200, {"behaviour": {"settle": settle}, "shocks": shocks, "clock": {"days": 9}}))
    scores = by_day(stage, M.SATISFACTION_SUM) / by_day(stage, M.ORDERS) / M.SATISFACTION_UNIT
    assert scores == pytest.approx([0.75] * 3 + [0.6] * 3 + [0.75] * 3)
