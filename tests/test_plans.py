"""Every shipped plan loads, runs, shows today's KPIs without its levers, and reports every target."""

import numpy as np
import pytest

import scenarios
from experiments.fit import baseline_kpis, fit, report, without_plan
from sim.kpis import KPIS, measure
from sim.run import simulate

USERS = 20_000
SEEDS = range(1, 6)


@pytest.mark.parametrize("name", scenarios.names())
def test_a_plan_loads_without_faults_and_every_number_has_a_source(name):
    plan = scenarios.load(name, known_kpis=KPIS)
    assert scenarios.uncovered(plan) == []
    assert scenarios.question(name)


@pytest.mark.parametrize("name", scenarios.names())
def test_a_plan_runs_and_its_targets_are_measured(name):
    plan = scenarios.load(name).override({"market.users": USERS})
    run = simulate(plan, 1)
    assert len(run.targets) == len(plan.targets)
    assert run.targets["value"].notna().all()
    assert (run.accounts["left"] >= 0).all()


@pytest.mark.parametrize("name", scenarios.names())
def test_overlays_run(name):
    for overlay in scenarios.load(name).overlays:
        plan = scenarios.load(name, overlays=[overlay]).override({"market.users": 500})
        assert simulate(plan, 1, days=3).user_days > 0


@pytest.mark.parametrize("name", scenarios.names())
def test_no_shipped_stock_runs_short_unless_the_plan_says_so(name):
    """Only the store's plan has stock-outs today (18 %); elsewhere stock is there for late suppliers to be felt."""
    plan = scenarios.load(name).override({"market.users": USERS})
    rate = measure(simulate(plan, 1).observer, "stockout_rate", plan.span("plan"))
    assert rate > 0.05 if "stockout_rate" in plan.baseline else rate == 0


@pytest.mark.parametrize("name", scenarios.names())
def test_the_market_without_the_plan_shows_the_baseline(name):
    """Each fitted KPI lies within its 95 % interval over five seeds plus the tolerance that the file states."""
    market = without_plan(scenarios.load(name)).override({"market.users": USERS})
    table = report(market, market, SEEDS)
    missed = table[(table["fitted"] != "") & ~table["holds"]]
    assert missed.empty, missed.to_string()


@pytest.mark.long
@pytest.mark.parametrize("name", scenarios.names())
def test_a_fresh_fit_finds_the_shipped_base_rates(name):
    """With 120,000 users and four seeds the search may move a rate by its noise, not by more than 15 %."""
    plan = scenarios.load(name)
    found = fit(plan, seeds=4, users=120_000)
    assert found.holds, found.table.to_string()
    for path, value in found.changes.items():
        assert value == pytest.approx(scenarios.value_at(plan, path), rel=0.15), path


def test_a_wrong_base_rate_does_not_pass_for_the_baseline():
    market = without_plan(scenarios.load("annual-promotion")).override(
        {"market.users": USERS, "behaviour.shop.cart": 0.3}
    )
    table = report(market, market, range(1, 4)).set_index("kpi")
    assert not table.loc["order_conversion", "holds"]


def test_baseline_kpis_have_a_row_for_each_seed():
    market = without_plan(scenarios.load("shopping-festival")).override({"market.users": 1_000})
    found = baseline_kpis(market, range(1, 3))
    assert found.shape == (2, len(market.baseline))
    assert np.isfinite(found).all()
