"""Media money by lever and phase: what is there, and the same plan with other money."""

import numpy as np
import pytest
from dividing import ANNUAL, FESTIVAL, ROOM, SHIPPED, STORE, asked, divide, shipped
from markets import everything, kpi, plan, spent
from pydantic import ValidationError

from experiments.runner import Runner
from optimize.courses import courses
from optimize.optimum import optimum
from optimize.pieces import Points
from optimize.plan_limits import CREDIT, GOAL, Rest, plan_limits
from optimize.problem import Cell
from optimize.spending import BESIDE, posts, with_money
from scenarios import Scenario, ScenarioError
from scenarios.choices import Choices
from scenarios.uncertainty import Range
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


@pytest.mark.parametrize("name", SHIPPED)
def test_locked_money_is_the_plans_own(name):
    found = divide(name, lambda lever, period: float(len(lever + period)), locked=True)
    assert found.found.feasible
    assert found.found.spend == pytest.approx({post.name: post.money for post in found.market.posts}, rel=1e-12)
    assert found.market.division.clash() is None
    again = found.market.proposed(found.market.space.current)
    assert {p.name: p.money for p in posts(again)} == pytest.approx(
        {p.name: p.money for p in found.market.posts}, abs=0.01
    )


def test_locked_money_runs_as_the_plan_does():
    scenario = shipped(FESTIVAL)
    market = asked(FESTIVAL, (), 1.0, True)
    one, other = (simulate(s, 2) for s in (scenario, market.proposed(market.space.current)))
    assert other.kpis.equals(one.kpis)


def test_locked_optimum_moves_settings_only(two):
    free = {"levers.ads.click": Range(low=0.01, high=0.04)}
    found = optimum(two, locked=True, free=free, replications=20, verify=8, runner=Runner(processes=1))
    assert found.answer.table["change"].abs().max() <= 1e-6
    assert found.plan.levers["ads"].click > 0.03
    assert found.confirmed


@pytest.mark.parametrize("name", SHIPPED)
def test_free_money_moves_within_the_bands(name):
    rng = np.random.default_rng(5)
    worth = {lever: float(value) for lever, value in zip(shipped(name).levers, rng.lognormal(size=60), strict=False)}
    found = divide(name, worth)
    choices = shipped(name).choices
    assert found.found.feasible
    assert sum(found.found.spend.values()) <= found.market.budget * (1 + ROOM)
    moved = []
    for post in found.market.posts:
        factor = found.found.spend[post.name] / post.money
        assert 1 - choices.band - ROOM <= factor <= 1 + choices.band + ROOM, post.name
        moved.append(abs(factor - 1))
    for account in {post.account for post in found.market.posts}:
        assert abs(found.money(account=account) / found.present(account) - 1) <= choices.accounts + ROOM, account
    assert max(moved) == pytest.approx(choices.band, rel=1e-6)


def test_limits_of_one_goal_are_told_in_another():
    """A cap of 18 % of GMV binds alike when the curves are of orders of 200 yuan."""
    scenario = shipped(ANNUAL)
    made = []
    for per_order in (1.0, 200.0):
        cells = [
            Cell(
                p.name,
                dict.fromkeys((GOAL, CREDIT), Points([0.0, p.money], [0.0, 3 * p.money / per_order])),
                p.lever,
                p.period,
                p.account,
            )
            for p in posts(scenario)
        ]
        limits = plan_limits(scenario, cells, 9e7, Rest(6e8 / per_order, 2e7, per_order, per_order), 0.2)
        made.append(next(limit for limit in limits if limit.name == "expense-ratio"))
    money, orders = made
    assert orders.level == pytest.approx(money.level)
    assert orders.value["outdoor in q4", GOAL] == pytest.approx(200 * money.value["outdoor in q4", GOAL])


def test_a_post_over_the_whole_plan_counts_in_each_phase():
    """`ppc` has one post, since its pace lies across phases; a limit on a phase takes the part that is spent there."""
    limit = {"kind": "spend", "levers": ["ppc"], "windows": ["burst"], "at_most": 1e5}
    scenario = shipped(STORE).override({"choices.limits.little": limit})
    cells = [
        Cell(p.name, dict.fromkeys((GOAL, CREDIT), Points([0.0, p.money], [0.0, 1.0])), p.lever, p.period, p.account)
        for p in posts(scenario)
    ]
    made = plan_limits(scenario, cells, 4e6, Rest(1e9, 1.0), 0.1)[-1]
    in_burst = courses(scenario)["ppc"].phases["burst"]
    assert made.spend == {"ppc": in_burst}
    assert 0.5 < in_burst < 0.8
    assert sum(courses(scenario)["ppc"].phases.values()) == pytest.approx(1)


def test_help_of_an_unknown_account_is_refused():
    with pytest.raises(ScenarioError, match="reserves: unknown account; did you mean reserve"):
        shipped(STORE).override({"choices.limits.dearer-traffic-30.accounts": ["reserves"]})


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"kind": "priority"}, "before or returning must be given"),
        ({"kind": "share", "levers": ["ppc"]}, "at_least or at_most must be given"),
        ({"kind": "quota", "a_day": -1}, "greater than or equal to 0"),
        ({"kind": "cost", "at_most": 0.2, "shortfall": -1}, "greater than or equal to 0"),
    ],
)
def test_limits_that_say_nothing_are_refused(limit, words):
    with pytest.raises(ValidationError, match=words):
        Choices.model_validate({"limits": {"odd": limit}})


def test_a_target_is_hard_or_has_a_cost_as_large_as_it_takes():
    """A share that is missed by a point is missed by .01: its cost may be thousands of millions."""
    assert Choices.model_validate({"targets": {"a": "hard", "b": 5e9, "c": "20_000"}}).targets == {
        "a": "hard", "b": 5e9, "c": 20_000.0,
    }  # fmt: skip
    for odd in ("soft", -1, "2%", None, float("nan")):
        with pytest.raises(ValidationError, match="must be"):
            Choices.model_validate({"targets": {"a": odd}})


def test_courses_tell_what_is_spent_when():
    late = {"total": 200_000, "tranches": [{"share": 0.4, "day": 0}, {"share": 0.6, "day": 20}]}
    found = courses(plan(MEDIA, {"accounts": late}))
    assert {name: round(course.early[20], 9) for name, course in found.items()} == {
        "ads in early": round(2 / 3, 9), "ads in late": 0.0, "star": round(2 / 3, 9),
    }  # fmt: skip
    star = found["star"]
    assert {phase: part for phase, part in star.phases.items() if part} == {"early": pytest.approx(1)}
    assert (star.account, star.money, star.unit, star.one_a_day) == ("media", 40_000, 500, 30 * 500)
