"""Media money by lever and phase: what is there, and the same plan with other money."""

import pytest
from markets import everything, kpi, plan, spent

from optimize.spending import BESIDE, posts, with_money
from scenarios import Scenario
from sim.run import simulate

MEDIA = {
    "levers": {
        "ads": {"kind": "media", "channel": "web", "account": "media", "unit_cost": 10, "click": 0.02, "budget": 60_000,
                "pace": {"late": 3}},
        "star": {"kind": "media", "channel": "web", "account": "media", "unit_cost": 500, "click": 0.02,
                 "budget": 40_000, "whole_units": True, "open": ["early"]},
        "ready": {"kind": "media", "channel": "web", "account": "users", "unit_cost": 10, "click": 0.02, "standby": True},
    },
    "phases": {"early": {"days": [0, 29]}, "late": {"days": [30, 59]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def two() -> Scenario:
    return plan(MEDIA)


def test_posts_are_the_money_of_each_lever_and_phase(two):
    found = {post.name: (round(post.money), post.account, post.unit) for post in posts(two)}
    assert found == {
        "ads in early": (15_000, "media", None), "ads in late": (45_000, "media", None),
        "star": (40_000, "media", 500),
    }  # fmt: skip


def test_the_runs_spend_what_the_posts_say(two):
    run = simulate(two, 1)
    for post in posts(two):
        days = spent(run, post.lever)
        part = days if post.period == BESIDE else days.iloc[slice(*{"early": (0, 30), "late": (30, 60)}[post.period])]
        assert part.sum() == pytest.approx(post.money, rel=0.01), post.name


def test_the_same_money_is_the_same_plan():
    whole = everything()
    again = with_money(whole, {})
    one, other = (simulate(s, 3) for s in (whole, again))
    assert other.kpis.equals(one.kpis)
    assert {p.name: p.money for p in posts(again)} == pytest.approx({p.name: p.money for p in posts(whole)}, abs=0.01)


def test_other_money_is_spent_and_the_rest_keeps_its_own(two):
    wanted = {"ads in early": 30_000.0, "ads in late": 10_000.0, "star": 5_000.0}
    changed = with_money(two, wanted)
    assert {p.name: p.money for p in posts(changed)} == pytest.approx(wanted, abs=0.01)
    planned, before = changed.accounts.planned(), two.accounts.planned()
    assert planned["users"] == pytest.approx(before["users"])
    assert planned["media"] == pytest.approx(before["media"] - 55_000)
    assert changed.accounts.total == pytest.approx(two.accounts.total - 55_000)
    run = simulate(changed, 1)
    assert spent(run, "ads").iloc[:30].sum() == pytest.approx(30_000, rel=0.01)
    assert spent(run, "star").sum() == pytest.approx(5_000, rel=0.01)


def test_money_left_over_stays_unallocated_under_a_fixed_total(two):
    changed = with_money(two, {"star": 0.0}, total=two.accounts.total)
    assert changed.accounts.total == two.accounts.total
    assert changed.accounts.remainder == "unallocated"
    assert sum(changed.accounts.planned().values()) == pytest.approx(two.accounts.total - 40_000)
    assert kpi(simulate(changed, 1), "spend") == pytest.approx(60_000, rel=0.01)


def test_overlapping_phases_make_one_post():
    mixed = plan(MEDIA, {"phases": {"early": {"days": [0, 40]}, "late": {"days": [30, 59]}}})
    assert {post.name for post in posts(mixed)} == {"ads", "star"}


@pytest.mark.parametrize(
    ("money", "total", "words"),
    [
        ({"adds": 1.0}, None, "unknown post 'adds'"),
        ({"star": -1.0}, None, "money >= 0"),
        ({"star": 9e6}, 1e6, "total >="),
    ],
)
def test_what_cannot_be_is_refused(two, money, total, words):
    with pytest.raises(ValueError, match=words):
        with_money(two, money, total=total)
