"""Cross-checks: references, time, sizes, money, KPIs, provenance. Exact messages are in `bad/`."""

from pathlib import Path
from typing import Any

import pytest

import scenarios
from scenarios import Scenario, ScenarioError
from scenarios.check import check
from scenarios.view import View

BAD = Path(__file__).parent / "bad"


@pytest.fixture(scope="module")
def plan() -> Scenario:
    return scenarios.load(BAD / "_ok.yaml")


def paths_of(plan: Scenario, changes: dict[str, Any]) -> list[str]:
    """Return the paths of the faults that changes bring."""
    try:
        plan.override(changes)
    except ScenarioError as error:
        return [fault.path for fault in error.faults]
    return []


def test_a_valid_scenario_has_no_faults(plan: Scenario) -> None:
    assert check(plan) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("levers.traffic.channel", "radio"),
        ("levers.traffic.account", "media.search"),
        ("levers.traffic.open", ["summer"]),
        ("levers.traffic.open", ["spring.return"]),
        ("levers.traffic.pace", {"summer": 2}),
        ("levers.traffic.affinity", {"middle": 2}),
        ("levers.welfare.audience", {"segments": ["middle"]}),
        ("levers.welfare.audience", {"tags": ["music"]}),
        ("levers.welfare.audience", {"tiers": ["gold"]}),
        ("levers.welfare.goods", ["books"]),
        ("levers.letter.offer", "nothing"),
        ("levers.letter.offer", "welfare"),
        ("market.segments.young.hours", "night"),
        ("market.segments.young.channels", {"radio": 1}),
        ("festivals.spring.goods", {"books": 2}),
        ("accounts.reserve.account", "savings"),
        ("rules.thin.levers", ["traffic", "radio"]),
        ("rules.thin.levers", ["traffic", "welfare"]),
        ("rules.thin.levers", ["traffic"]),
        ("rules.thin.action", {"do": "switch", "levers": ["radio"]}),
        ("rules.thin.action", {"do": "scale", "change": 0.1, "account": "savings"}),
        ("shocks.dear.when", "summer"),
        ("shocks.dear.channels", ["radio"]),
        ("targets.orders.window", "summer"),
        ("targets.orders.against", "summer"),
        ("targets.orders.segment", "middle"),
        ("baseline.ctr", {"value": 0.03, "window": "summer"}),
        ("baseline.ctr", {"value": 0.03, "fit": "behaviour.shop"}),
        ("baseline.ctr", {"value": 0.03, "fit": "market.users"}),
        ("phases.grow.days", [31, 90]),
        ("phases.grow.days", [-1, 89]),
        ("levers.traffic.open", [{"days": [80, 90]}]),
        ("shocks.dear.when", {"days": [-5, 3]}),
        ("accounts.tranches", [{"share": 0.5}, {"share": 0.5, "day": 90}]),
        ("accounts.reserve.release", {"days": [80, 95]}),
        ("market.contacts.mean", 200),
        ("levers.traffic.account", None),
        ("levers.stars.budget", 300_001),
        ("provenance.x", "a guess"),
    ],
)
def test_each_check_finds_its_fault(plan: Scenario, path: str, value: Any) -> None:
    small = plan.override({"market.users": 150, "market.contacts.mean": 5})
    found = paths_of(small, {path: value})
    assert len(found) == 1
    assert found[0].startswith(path.rsplit(".", 1)[0])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("windows.before", {"days": [-30, -1]}),
        ("windows.after", {"days": [90, 103]}),
        ("levers.traffic.open", ["spring", "plan", {"months": [1, 2]}]),
        ("festivals.later", {"date": "2025-11-11", "stages": {"burst": {"days": [0, 0]}}}),
        ("levers.gift", {"kind": "offer", "form": "gift", "off": 5, "cost": 0}),
        ("levers.note", {"kind": "message", "channel": "sms", "opened": 0.1}),
        ("levers.page", {"kind": "experience", "effect": {"cart": 0.1}}),
        ("levers.club", {"kind": "membership", "tiers": {"silver": {}, "gold": {"spend": 500}}}),
        ("levers.stars.budget", 300_000),
        (
            "levers.more",
            {"kind": "media", "on": False, "channel": "video", "account": "media", "unit_cost": 1, "click": 0},
        ),
        ("baseline.ctr", {"value": 0.03, "fit": "behaviour.shop.ctr"}),
        ("targets.share", {"kpi": "orders", "at_most": 5, "segment": "young", "window": "spring.burst"}),
        ("accounts.remainder", "normalise"),
        ("provenance.x", "plan: section 2"),
    ],
)
def test_what_is_sensible_passes(plan: Scenario, path: str, value: Any) -> None:
    assert paths_of(plan, {path: value}) == []


def test_budgets_split_between_levers_of_an_account(plan: Scenario) -> None:
    more = {"kind": "media", "channel": "video", "account": "media", "unit_cost": 30, "click": "1%", "budget": "60%"}
    half = {"levers.traffic.budget": "40%", "levers.more": more}
    assert paths_of(plan, half) == []
    assert paths_of(plan, {**half, "levers.traffic.budget": "41%"}) == ["levers.more.budget"]
    assert paths_of(plan, {**half, "levers.traffic.budget": 120_000}) == []
    assert paths_of(plan, {**half, "levers.traffic.budget": 120_100}) == ["levers.more.budget"]


def test_a_fault_in_one_part_does_not_hide_faults_in_others(plan: Scenario) -> None:
    changes = {"market.segments.young.share": 2, "levers.traffic.channel": "radio", "phases.grow.days": [31, 99]}
    assert paths_of(plan, changes) == ["market.segments.young.share", "levers.traffic.channel", "phases.grow.days"]


def test_names_of_invalid_parts_still_count(plan: Scenario) -> None:
    assert paths_of(plan, {"phases.open": {"days": [9, 0]}}) == ["phases.open"]
    assert paths_of(plan, {"levers.greeting.off": -5}) == ["levers.greeting.off"]


def test_view_of_a_broken_plan_keeps_what_is_valid() -> None:
    view = View({"clock": {"start": "2024-01-01", "days": 10}, "market": 5, "phases": {"a": {"days": [0, 4]}, "b": 7}})
    assert view.market is None
    assert view.names("phases") == ["a", "b"]
    assert (view.span("a"), view.span("b"), view.span("plan")) == ((0, 4), None, (0, 9))


@pytest.mark.parametrize("known", [["orders", "gmv"], lambda: {"orders", "gmv"}])
def test_known_kpis(known: Any, plan: Scenario) -> None:
    assert check(plan, known_kpis=known) == []
    changes = {
        "targets.orders.kpi": "order",
        "baseline.gvm": {"value": 1},
        "rules.stop": {"metric": "roi", "above": 1, "action": {"do": "switch", "levers": ["traffic"]}},
    }
    with pytest.raises(ScenarioError) as error:
        scenarios.load(BAD / "_ok.yaml", changes=changes, known_kpis=known)
    assert [fault.path for fault in error.value.faults] == ["targets.orders.kpi", "baseline.gvm", "rules.stop.metric"]
    assert error.value.faults[0].fix == "did you mean orders?"


# provenance


def test_uncovered_numbers(plan: Scenario) -> None:
    assert scenarios.uncovered(plan) == []
    bare = plan.override({"provenance": {"market": "plan", "levers.*.off": "derived", "goods.**.basket": "assumed"}})
    missing = scenarios.uncovered(bare)
    assert "market.users" not in missing
    assert "levers.welfare.off" not in missing
    assert "goods.classes.food.basket" not in missing
    assert {"levers.welfare.over", "goods.classes.food.demand", "phases.grow.days[0]", "clock.days"} <= set(missing)
    assert not any(path.startswith(("schema", "service", "provenance", "overlays")) for path in missing)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("levers.welfare.off", "plan: coupon table"),
        ("levers.welfare.over", "derived: from the levers"),
        ("levers.traffic.click", "derived: from the levers"),
        ("phases.grow.days[1]", "plan: calendar"),
        ("clock.days", "assumed"),
        ("market.segments.young.tags.sport", "calibrated"),
    ],
)
def test_source_of_takes_the_longest_pattern(plan: Scenario, path: str, source: str) -> None:
    patterns = {
        "**": "assumed",
        "levers": "derived: from the levers",
        "levers.*.off": "plan: coupon table",
        "phases.grow": "plan: calendar",
        "market.**.tags": "calibrated",
    }
    assert scenarios.source_of(plan.override({"provenance": patterns}), path) == source


def test_source_of_what_nothing_covers(plan: Scenario) -> None:
    assert scenarios.source_of(plan.override({"provenance": {"market": "plan"}}), "clock.days") is None
