"""The last word of optimize: what is raced is what is certified, in whole units; what is not kept is not handed back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from markets import LIVELY, behaving, of_users
from markets import plan as made

import scenarios
from experiments.runner import Runner
from experiments.store import Store
from optimize.optimum import FRESH, Optimum, optimum, told
from optimize.rehearsals import Rehearsals
from optimize.report import page
from optimize.search import BEST, FOUND, search
from optimize.telling import gained, of_gain
from sandtable.cli import main
from scenarios import Scenario

UNIT = 700.0
"""Price of a placement [yuan]: 24,000 yuan are 34.3 of them."""


def media(click: float, **more: object) -> dict[str, object]:
    return {"kind": "media", "account": "media", "unit_cost": 20, "click": click, "budget": "40%", **more}


def market_of(**levers: object) -> Scenario:
    said = {
        "market": {"channels": {"web": {"depth": 3}, "radio": {"depth": 3}}},
        "levers": levers,
        "accounts": {"total": 60_000},
        "targets": {"orders": {"kpi": "orders", "at_least": 1}, "moon": {"kpi": "gmv", "at_least": 1e12}},
        "clock": {"burn_in": 10, "tail": 2, "days": 40},
        "choices": {"goal": "orders", "band": 1},
    }
    return made(of_users(1_000, 20), behaving(LIVELY, {"visit": {"rate": 0.05, "aware": 0.02}}), said)


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Runner:
    """Return a runner with a store, so that tests share their runs."""
    return Runner(Store(tmp_path_factory.mktemp("store")), processes=1)


@pytest.fixture(scope="module")
def market() -> Scenario:
    posts = media(0.05, channel="web", unit_cost=UNIT, whole_units=True)
    return market_of(good=media(0.2, channel="web"), placed=posts, bad=media(0.001, channel="radio", budget="10%"))


@pytest.fixture(scope="module")
def found(market: Scenario, kept: Runner) -> Optimum:
    return optimum(market, replications=40, verify=16, runner=kept)


def whole(money: float) -> bool:
    return abs(money / UNIT - round(money / UNIT)) < 1e-9


def test_what_is_raced_is_the_division_that_is_certified(found, kept):
    raw = search(found.market, replications=40, seed=1, verify=16)
    solution, plan = raw.solution, raw.found
    seeds = range(1_500_000, 1_500_000 + len(raw.race.kpis[FOUND]))
    seen = [found.market.space.worth(o) for o in found.market.evaluate([(plan, seed) for seed in seeds])]
    assert raw.race.kpis[FOUND].tolist() == seen
    assert plan.money == solution.spend
    assert whole(plan.money["placed"])
    assert solution.proved
    assert solution.value <= solution.bound
    budgets = [scenarios.value_at(found.market.proposed(plan), f"levers.{name}.budget") for name in plan.money]
    assert [float(b) for b in budgets] == pytest.approx(list(plan.money.values()), abs=0.01)
    lost = replace(raw, plan=found.market.space.current, name=FOUND, confirmed=False)
    said = told(found.scenario, found.market, lost, None, None, found.answer.manifest, "en")
    table, cells = said.answer.table.set_index("lever"), solution.cells.set_index("cell")
    for name, money in plan.money.items():
        assert table.at[name, "proposed"] == money == cells.at[name, "spend"]
        assert table.at[name, "marginal"] == cells.at[name, "marginal"]


def test_every_finalist_is_in_whole_units(found):
    assert all(whole(plan.money["placed"]) for plan in found.proposal.drawn)
    division, space = found.market.division, found.market.space
    unit, present = np.empty(0), space.spend(space.current)
    place = list(space.levers).index("placed")
    assert not whole(present[place])
    near = division.whole(found.proposal.responses, present, unit)
    assert whole(near[place])
    assert abs(near - present).sum() < UNIT
    assert division.keeps(found.proposal.responses, near, unit)


def test_another_plan_than_the_best_is_judged_by_itself(found):
    """The plan as it is: its own money, marginals and value, under the bound of the best."""
    division, space = found.market.division, found.market.space
    present = space.spend(space.current)
    judged = division.judged(found.proposal.responses, present, np.empty(0))
    assert list(judged.spend.values()) == present.tolist()
    assert judged.cells["spend"].tolist() == present.tolist()
    assert judged.value < judged.bound
    assert judged.gap == pytest.approx(1 - judged.value / judged.bound)
    assert judged.status.startswith("not the best division by the curves")


def test_the_best_trial_is_named_as_the_proposal(market, found):
    """Where a trial beats what the trials say together, every sentence is about that trial."""
    trial = found.proposal.drawn[0]
    kpis = found.proposal.race.kpis
    race = replace(found.proposal.race, kpis={**kpis, BEST: kpis[FOUND]})
    won = replace(found.proposal, plan=trial, name=BEST, confirmed=True, race=race)
    again = told(market, found.market, won, None, None, found.answer.manifest, "en")
    expected = float(found.proposal.belief.expect([trial])[0])
    assert again.proposal.found == trial
    assert again.proposal.expected == expected
    assert again.answer.table["proposed"].tolist() == list(trial.money.values())
    text = " ".join(page(again).split())
    assert "the best by mean less the plan as it is" in text


def test_a_budget_that_binds_through_a_bound_has_a_price(kept):
    """One lever: more room under its bound is worth nothing without more budget, and more budget is worth something."""
    alone = market_of(good=media(0.2, channel="web"))
    market = Rehearsals(alone, "orders", 24_000.0, runner=kept)
    responses = search(market, replications=16, seed=1, verify=8, first=8).responses
    solution = market.division.solution(responses, np.empty(0), np.array([24_000.0]))
    prices = solution.duals.set_index("name")["price"]
    assert prices["the media budget"] > 0
    assert not [name for name in prices.index if name.startswith("upper bound")]


def test_what_counts_is_said_where_it_is_not_the_goal_alone(market, kept):
    fresh = range(FRESH, FRESH + 8)
    plain, dear = (Rehearsals(market, "orders", 48_000.0, runner=kept, marginal=m) for m in (0.0, 0.5))
    less = replace(dear.space.current, money={**dear.space.current.money, "bad": 0.0})
    gains = [gained(asked, less, fresh) for asked in (plain, dear)]
    saved = dear.space.current.money["bad"]
    assert gains[1].change - gains[0].change == pytest.approx(0.5 * saved)
    assert list(of_gain(plain, gains[0], raced=False)) == []
    (note,) = of_gain(dear, gains[1], raced=False)
    assert note.startswith("what counts is orders less 0.5 a yuan of media: it changes by ")


@pytest.mark.parametrize("flags", [["--roas", "1000"], ["--target", "moon"]])
def test_what_cannot_be_kept_writes_no_plan(flags, market, kept, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SANDTABLE_STORE", str(tmp_path / "store"))
    file, out, folder = tmp_path / "market.yaml", tmp_path / "plan.yaml", tmp_path / "out"
    file.write_text(scenarios.dump(market.override({"choices.band": 0.5})), encoding="utf-8")
    quick = ["--users", "300", "--replications", "16", "--verify", "8", "--quiet"]
    assert main(["optimize", str(file), *quick, *flags, "-o", str(out), "--folder", str(folder)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "INFEASIBLE by the fitted curves: no plan is written" in said
    assert "in the nearest relaxation" in said
    assert not out.exists()
    assert not (folder / "plan.yaml").exists()
    assert "sandtable optimize" in (folder / "report.html").read_text("utf-8")
    assert flags[1] in (folder / "report.html").read_text("utf-8")


def test_a_plan_file_keeps_its_users(market, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SANDTABLE_STORE", str(tmp_path / "store"))
    file, out = tmp_path / "market.yaml", tmp_path / "plan.yaml"
    file.write_text(scenarios.dump(market), encoding="utf-8")
    quick = ["--users", "300", "--replications", "16", "--verify", "8", "--json"]
    main(["optimize", str(file), *quick, "-o", str(out)])
    assert json.loads(capsys.readouterr().out)["plan"] == str(out)
    assert scenarios.load(str(out)).market.users == 1_000
    assert Path(out).read_text("utf-8").startswith("# Written by sandtable optimize")
