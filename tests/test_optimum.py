"""Optimise: a plan with a known better division is found, proved and written; what contradicts itself is refused."""

import json
from pathlib import Path

import pytest
from markets import LIVELY, behaving, of_users, plan

import scenarios
from experiments.promised import together, wilson
from experiments.runner import Runner
from optimize.optimum import InfeasibleError, Optimum, optimum
from optimize.pieces import hill
from optimize.plan_limits import GOAL, Rest, plan_limits
from optimize.problem import Cell
from optimize.reach import bisect, least_budget
from optimize.rehearsals import Rehearsals
from optimize.spending import posts
from sandtable.cli import main
from scenarios import Scenario


def media(click: float, **more: object) -> dict[str, object]:
    return {"kind": "media", "account": "media", "unit_cost": 20, "click": click, "budget": "40%", **more}


MARKET = {
    "market": {"channels": {"web": {"depth": 3}, "radio": {"depth": 3}}},
    "levers": {"good": media(0.2, channel="web"), "bad": media(0.001, channel="radio")},
    "accounts": {"total": 60_000},
    "targets": {"orders": {"kpi": "orders", "at_least": 1}, "moon": {"kpi": "gmv", "at_least": 1e12}},
    "clock": {"burn_in": 10, "tail": 2, "days": 40},
    "choices": {"goal": "orders", "band": 1},
}
"""Clicks of one lever are worth 200 of the other's; both have half of the money."""
ALONE = Runner(processes=1)


@pytest.fixture(scope="module")
def market() -> Scenario:
    return plan(of_users(2_000, 10), behaving(LIVELY, {"visit": {"rate": 0.05, "aware": 0.02}}), MARKET)


@pytest.fixture(scope="module")
def found(market: Scenario) -> Optimum:
    return optimum(market, replications=30, verify=12, runner=ALONE)


def test_money_moves_to_the_lever_that_brings_more(found):
    table = found.answer.table.set_index("lever")
    assert found.confirmed
    assert table.loc["good", "change"] > 0.5 * table.loc["good", "current"]
    assert table["proposed"].sum() <= 24_000 * (1 + 1e-9)
    proof = found.answer.tables["verification"].set_index("name")
    assert proof.loc["orders", "ci_low"] > 0


def test_the_answer_says_how_sure_it_is(found):
    said = " ".join(found.answer.notes)
    for words in ("the curves expected", "money solver: optimal", "targets at once, as it is: 0 of 12", "in the way of all",
                  "moon", "at the most money they may get", "bad is given up"):  # fmt: skip
        assert words in said, words
    assert found.before is not None
    assert found.before.by_target == {"orders": 1.0, "moon": 0.0}


def test_the_plan_is_a_scenario_that_runs(found, tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(found.text(None), encoding="utf-8")
    again = scenarios.load(file)
    assert {p.name: p.money for p in posts(again)} == pytest.approx({p.name: p.money for p in posts(found.plan)})
    assert (
        scenarios.source_of(again, "levers.good.budget")
        == "calibrated: by sandtable optimize, confirmed on fresh seeds"
    )


def test_the_same_question_has_the_same_answer(market, found):
    again = optimum(market, replications=30, verify=12, runner=ALONE)
    assert again.answer.document() == found.answer.document()


def test_a_plan_without_a_better_one_stays(market):
    same = market.override({"levers.bad.click": 0.2, "levers.bad.channel": "web"})
    kept = optimum(same, replications=20, verify=8, runner=ALONE)
    assert not kept.confirmed
    assert kept.plan == same
    assert not kept.answer.good


def test_limits_that_contradict_each_other_are_named(market):
    clash = {"choices.limits.little": {"kind": "spend", "levers": ["good", "bad"], "at_most": 10},
             "choices.limits.much": {"kind": "spend", "levers": ["bad"], "at_least": 1_000}}  # fmt: skip
    with pytest.raises(InfeasibleError, match=r"little.*much|much.*little"):
        optimum(market.override(clash), replications=20, verify=8, runner=ALONE)


def test_no_budget_reaches_what_is_out_of_reach(market):
    answer = least_budget(market, 0.8, replications=20, seeds=4, most=2, runner=ALONE)
    assert not answer.good
    assert answer.tables["budgets"]["reached"].tolist() == [0, 0]
    assert "stay out of reach in most runs: moon (0%)" in " ".join(answer.notes)


def test_the_least_budget_reaches_what_can_be_reached(market):
    easy = market.override({"targets.moon": None})
    answer = least_budget(easy, 0.8, replications=20, seeds=4, most=2, runner=ALONE)
    assert answer.good
    assert answer.manifest["budget"] == pytest.approx(24_000 * 0.05)


@pytest.mark.parametrize(("edge", "answer"), [(3.0, 3.0), (0.2, 0.2), (9.0, None), (0.01, 0.05)])
def test_bisection_finds_the_edge(edge, answer):
    found = bisect(lambda b: float(b >= edge), 1.0, float(edge <= 1), 0.8, 0.05, 4.0)
    assert found is None if answer is None else answer <= found <= 1.1 * answer


def test_every_kind_of_limit_is_translated(market):
    rules = {
        "share": {"kind": "share", "levers": ["good"], "at_least": 0.2, "at_most": 0.7},
        "spend": {"kind": "spend", "levers": ["bad"], "at_most": 9_000},
        "return": {"kind": "return", "at_least": 2, "each": True},
        "cost": {"kind": "cost", "at_most": 0.2},
        "bear": {"kind": "affordable", "surcharge": 0.5},
        "first": {"kind": "priority", "levers": ["good"], "before": ["bad"]},
    }
    asked = market.override({"choices.limits": rules})
    cells = [Cell(p.name, {GOAL: hill(1e3, 1e4, 1, 0, 3e4)}, p.lever, p.period, p.account) for p in posts(asked)]
    names = [limit.name for limit in plan_limits(asked, cells, 24_000, Rest(1e4, 1e3), 0.0)]
    assert names == [
        "the media budget", "share, at least 20%", "share, at most 70%", "spend, at most", "return: bad", "return: good",
        "cost", "bear", "first: good before bad",
    ]  # fmt: skip


def test_credit_sums_to_what_runs_credit(market):
    rehearsals = Rehearsals(market, "orders", 24_000, runner=ALONE)
    (outcome,) = rehearsals.evaluate([(rehearsals.space.current, 5)])
    assert set(outcome.credit) == {"good", "bad"}
    assert outcome.credit["good"] > 2 * outcome.credit["bad"]
    assert 0 < sum(outcome.credit.values()) < outcome.kpi


def test_promises_are_counted_together(market):
    from experiments.job import Job

    runs = ALONE.tables([Job(market, seed) for seed in (1, 2, 3)], 3)
    kept = together(market, runs)
    assert (kept.reached, kept.seeds, kept.obstacles) == (0, 3, ["moon"])
    assert (kept.low, kept.high) == wilson(0, 3)
    assert together(market.override({"targets.moon": None}), runs).probability == 1.0


def test_the_command_line_writes_the_plan(market, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("market.yaml").write_text(scenarios.dump(market), encoding="utf-8")
    asked = ["optimize", "market.yaml", "--replications", "30", "--verify", "12", "--quiet", "--no-store"]
    assert main([*asked, "-o", "plan.yaml", "--folder", "out"]) == 0
    out = capsys.readouterr().out
    assert "confirmed on fresh seeds" in out
    assert main(["check", "plan.yaml"]) == 0
    assert {"plan.yaml", "allocation.csv", "prices.csv", "verification.csv", "history.csv", "manifest.json"} <= {
        p.name for p in Path("out").iterdir()
    }
    capsys.readouterr()
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"]["confirmed"] is True
    assert main([*asked, "--free", "levers.good.click"]) == 2
    assert main([*asked, "--free", "levers.good.click=3:1"]) == 2
    assert main([*asked, "--reach", "80%", "--most", "2"]) == 1
