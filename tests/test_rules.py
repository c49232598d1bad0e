"""Money and its controllers: tranches and the reserve, and rules that see what the observer measured and act on it."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from markets import (
    ALWAYS,
    CONTROL,
    DEEP,
    SILENT,
    ads,
    behaving,
    by_day,
    daily,
    everything,
    finished,
    of_users,
    plan,
    spent,
)

from scenarios import Scenario
from sim import metrics as M
from sim.run import simulate

DAYS = 60

# --- accounts --------------------------------------------------------------------------------------------------------


def test_money_of_a_tranche_cannot_be_spent_before_it_arrives() -> None:
    late = {"total": 200_000, "tranches": [{"share": 0.25, "day": 0}, {"share": 0.75, "day": 30}]}
    run = simulate(
        daily(200, DEEP, ads(budget=100_000, pace={"early": 10}), accounts=late, phases={"early": {"days": [0, 29]}})
    )
    cost = spent(run, "ads").cumsum()
    assert cost[29] == pytest.approx(25_000)
    assert cost[59] == pytest.approx(100_000, rel=0.001)


RESERVE = {"total": 100_000, "split": {"main": {"share": 0.5}, "reserve": {"share": 0.5}}}
PAID_BY_RESERVE = {
    "media": {"kind": "media", "channel": "web", "unit_cost": 10, "click": 0, "budget": 6_000},
    "experience": {"kind": "experience", "effect": {"ctr": 0.1}, "daily": 100},
    "membership": {"kind": "membership", "review_days": 5, "tiers": {"all": {"monthly_cost": 1}}},
    "message": {"kind": "message", "channel": "sms", "opened": 0, "price": 0.1},
    "offer": {"kind": "offer", "form": "amount", "off": 1},
}


@pytest.mark.parametrize("name", PAID_BY_RESERVE)
def test_the_reserve_pays_nothing_before_its_release_and_after_it(name: str) -> None:
    release = {"account": "reserve", "release": {"days": [20, 29]}}
    lever = {"x": {**PAID_BY_RESERVE[name], "account": "reserve"}}
    run = simulate(daily(50, levers=lever, accounts={**RESERVE, "reserve": release}))
    paid = run.ledger[run.ledger["account"] == "reserve"]
    assert len(paid) > 0
    assert paid["day"].between(20, 29).all()


def test_a_reserve_without_release_is_never_spent_by_levers() -> None:
    lever = {"x": {**PAID_BY_RESERVE["experience"], "account": "reserve"}}
    run = simulate(daily(50, levers=lever, accounts={**RESERVE, "reserve": {"account": "reserve"}}))
    assert not (run.ledger["account"] == "reserve").any()


# --- rules -----------------------------------------------------------------------------------------------------------

TWO = {
    "one": {"kind": "media", "channel": "web", "account": "media", "unit_cost": 10, "click": 0.02, "budget": 60_000},
    "two": {"kind": "media", "channel": "web", "account": "media", "unit_cost": 1_000, "click": 0.02, "budget": 60_000},
}
"""Two levers of which one is a hundred times as dear."""
SELLING = behaving(SILENT, {"shop": ALWAYS, "visit": {"registration": 1.0}})
ENDLESS = {"accounts": {"total": 2_000_000}}


def ruled(*parts: dict[str, Any], **rules: Any) -> Scenario:
    return plan(of_users(3_000, 10), SELLING, ENDLESS, *parts, levers=TWO, rules=rules, clock={"burn_in": 0, "tail": 0})


def shift(**rule: Any) -> dict[str, Any]:
    return {"metric": "roas", "levers": ["one", "two"], "below": 5, "every": 5, "window": 5, "cool_down": 0,
            "action": {"do": "shift", "share": 0.5}, **rule}  # fmt: skip


def test_a_shift_moves_money_from_the_worse_to_the_better_and_loses_none() -> None:
    run = simulate(ruled(move=shift()))
    assert (run.rules["lever"] == "two").all()
    assert len(run.rules) > 5
    assert spent(run, "one").sum() + spent(run, "two").sum() == pytest.approx(120_000, abs=0.02)
    assert spent(run, "two").sum() < 0.4 * 60_000
    first = run.rules["day"].iloc[0]
    assert spent(run, "two")[first] == pytest.approx(1_000, abs=0.02), "rules act for tomorrow"
    assert spent(run, "two")[first + 1] == pytest.approx(500, abs=0.02)


def test_a_shift_between_accounts_moves_the_money_itself() -> None:
    levers = {"two": {"account": "users"}}
    run = simulate(plan(ruled(move=shift()).model_dump(exclude_unset=True, by_alias=True), levers=levers))
    moved = run.accounts.set_index("account")["moved"]
    assert moved["media"] == -moved["users"] > 10_000
    assert spent(run, "one").sum() == pytest.approx(60_000 + moved["media"], abs=0.02)
    assert spent(run, "two").sum() == pytest.approx(60_000 - moved["media"], abs=0.02)


@pytest.mark.parametrize(("every", "cool_down"), [(1, 10), (5, 12), (7, 0)])
def test_a_rule_rests_until_its_cool_down_is_over(every: int, cool_down: int) -> None:
    days = simulate(ruled(move=shift(every=every, cool_down=cool_down))).rules["day"].unique()
    step = max(every, -(-cool_down // every) * every)
    assert set(np.diff(days).tolist()) == {step}
    assert ((days + 1) % every == 0).all()


@pytest.mark.parametrize("persist", [1, 3, 4])
def test_a_condition_must_hold_as_often_as_the_rule_says(persist: int) -> None:
    days = simulate(ruled(move=shift(every=2, persist=persist, window=2))).rules["day"].unique()
    assert np.diff(days).min() == 2 * persist
    assert days[0] >= 2 * persist - 1


def look(**rule: Any) -> dict[str, Any]:
    """Return a rule that writes down what it sees every day and changes nothing."""
    return {"metric": "spend", "levers": ["one"], "above": -1e9, "every": 1, "cool_down": 0, "window": 3,
            "action": {"do": "scale", "change": 0}, **rule}  # fmt: skip


@pytest.mark.parametrize(("lag", "window"), [(0, 1), (1, 3), (4, 7)])
def test_a_rule_sees_its_window_as_of_the_lag(lag: int, window: int) -> None:
    paced = {"phases": {"late": {"days": [20, 59]}}, "measurement": {"lag": lag}}
    scenario = ruled(paced, see=look(window=window)).override({"levers.one.pace": {"late": 3}})
    run = simulate(scenario)
    cost = spent(run, "one").to_numpy()
    seen = run.rules.set_index("day")["value"]
    for day in range(lag + window, DAYS):
        assert seen[day] == pytest.approx(cost[day - lag - window + 1 : day - lag + 1].sum())


def test_a_rule_on_a_kpi_sees_the_whole_market() -> None:
    see = look(metric="orders", levers=[], action={"do": "switch", "levers": ["two"], "to": False}, above=100, window=1)
    run = simulate(ruled({"measurement": {"lag": 0}}, see=see))
    orders = by_day(run, M.ORDERS) * 10
    first = int(np.argmax(orders > 100))
    assert run.rules["day"].tolist() == [first]
    assert run.rules["value"].tolist() == [orders[first]]


def test_measurements_err_by_the_stated_noise() -> None:
    """A uniform relative error with this standard deviation; 58 evaluations."""
    run = simulate(ruled({"measurement": {"lag": 0, "noise": 0.35}}, see=look(window=1)))
    error = run.rules["value"].to_numpy() / spent(run, "one").to_numpy()[run.rules["day"]] - 1
    assert np.abs(error).max() <= 0.35 * np.sqrt(3)
    assert abs(error.mean()) < 4 * 0.35 / np.sqrt(len(error))
    assert error.std() == pytest.approx(0.35, abs=4 * 0.35 * np.sqrt(0.2 / len(error)))


def test_a_switch_turns_levers_off_and_on_for_tomorrow() -> None:
    off = look(
        metric="uv",
        levers=[],
        below=1e9,
        above=None,
        window=1,
        every=20,
        action={"do": "switch", "levers": ["two"], "to": False},
    )
    on = {**off, "every": 30, "action": {"do": "switch", "levers": ["two"], "to": True}}
    run = simulate(ruled(off=off, on=on))
    acts = list(zip(run.rules["day"], run.rules["action"], strict=True))
    assert acts == [(19, "turned off"), (29, "turned on"), (39, "turned off"), (59, "turned on")]
    idle = spent(run, "two") == 0
    assert idle.tolist() == [20 <= d <= 29 or d >= 40 for d in range(DAYS)]


def test_a_lever_on_standby_waits_for_a_rule_to_switch_it_on() -> None:
    on = look(metric="uv", levers=[], every=20, action={"do": "switch", "levers": ["two"], "to": True})
    run = simulate(ruled(on=on).override({"levers.two.standby": True}))
    assert (spent(run, "two") > 0).tolist() == [False] * 20 + [True] * 40
    assert run.rules["action"].tolist() == ["turned on"]
    asleep = simulate(ruled().override({"levers.two.standby": True}))
    assert spent(asleep, "two").sum() == 0


def test_rules_take_from_the_reserve_in_its_release_days_alone() -> None:
    """Without release days they may take from it at any time."""
    more = look(action={"do": "scale", "change": 0.1, "account": "reserve"}, every=5)
    data = ruled(more=more).model_dump(exclude_unset=True, by_alias=True)
    for release, days in (({"days": [20, 34]}, {24, 29, 34}), (None, set(range(4, 59, 5)))):
        reserve = {"account": "reserve"} if release is None else {"account": "reserve", "release": release}
        split = {"media": {"share": 0.5}, "reserve": {"share": 0.5}}
        data["accounts"] = {"total": 400_000, "split": split, "reserve": reserve}
        rules = simulate(Scenario.model_validate(data)).rules
        assert set(rules["day"][~rules["action"].str.contains(" 0.00 ")]) == days


def test_a_rule_with_a_higher_priority_acts_first_and_a_lever_is_acted_on_once_a_day() -> None:
    up, down = (look(action={"do": "scale", "change": c}, every=10, priority=p) for c, p in ((0.1, 1), (-0.1, 5)))
    run = simulate(ruled(up=up, down=down))
    assert set(run.rules["rule"]) == {"down"}
    assert spent(run, "one").sum() < 60_000


def test_a_rule_about_levers_that_are_off_does_not_act() -> None:
    scenario = ruled(see=look(metric="roi")).override({"levers.one.on": False})
    assert len(simulate(scenario).rules) == 0


def test_an_increase_is_paid_from_the_account_it_names_as_far_as_that_goes() -> None:
    small = {"accounts": {"total": 200_000, "split": {"media": {"share": 0.95}, "reserve": {"share": 0.05}},
                          "reserve": {"account": "reserve"}}}  # fmt: skip
    more = look(action={"do": "scale", "change": 0.1, "account": "reserve"}, every=5)
    data = {k: v for k, v in ruled(more=more).model_dump(exclude_unset=True, by_alias=True).items() if k != "accounts"}
    run = simulate(Scenario.model_validate({**data, **small}))
    table = run.accounts.set_index("account")
    assert table["moved"].to_dict() == {"media": 10_000, "reserve": -10_000}
    assert spent(run, "one").sum() == pytest.approx(70_000, abs=0.02)
    assert table["left"]["reserve"] == 0


def test_budgets_are_never_overspent_while_the_accounts_hold_more() -> None:
    """Whole units, paces, tranches, shifts, increases together: a lever spends its budget and what rules moved."""
    stage = finished(everything(CONTROL, {"accounts": {"total": 20_000_000}}), 3)
    moved: defaultdict[str, float] = defaultdict(float)
    for _, _, lever, _, action in stage.rulebook.log:
        if action.startswith("moved"):
            yuan, better = float(action.split()[1]), action.split()[-1]
            moved[lever] -= yuan
            moved[better] += yuan
        elif action.startswith("changed"):
            moved[lever] += float(action.split()[-2])
    for name in ("ads", "star"):
        media = sum(cents for _, _, lever, kind, cents in stage.ledger.rows if lever == name and kind == "media")
        budget = stage.levers[name].budget
        assert media <= budget + moved[name] * 100 + 1
        assert media + stage.levers[name].left == pytest.approx(budget + moved[name] * 100, abs=2)
    assert len(moved) > 0
