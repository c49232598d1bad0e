"""The cap on a lever's money: rules may raise it to a stated multiple of its budget, to the cent, and never beyond."""

from collections import defaultdict
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markets import SILENT, behaving, finished, of_users, plan

import scenarios
from scenarios import Scenario
from scenarios.levers import Media
from sim.levers.media import cap_cents
from sim.run import Rehearsal

DAYS = 30
QUIET = (of_users(200), behaving(SILENT), {"clock": {"days": DAYS, "burn_in": 0, "tail": 0}})
RICH = {"accounts": {"total": 2_000_000, "reserve": {"account": "spare"},
                     "split": {"web": {"share": 0.4}, "video": {"share": 0.3}, "spare": {"share": 0.3}}}}  # fmt: skip


def media(account: str = "web", **lever: Any) -> dict[str, Any]:
    return {
        "kind": "media",
        "channel": "web",
        "account": account,
        "unit_cost": 10,
        "click": 0,
        "budget": 60_000,
        **lever,
    }


def scale(levers: list[str], change: float, **rule: Any) -> dict[str, Any]:
    """Return a rule that acts every time it looks."""
    return {"metric": "spend", "levers": levers, "above": -1, "window": 3, "every": 3, "cool_down": 0,
            "action": {"do": "scale", "change": change, "account": "spare"}, **rule}  # fmt: skip


def shift(levers: list[str], below: float) -> dict[str, Any]:
    return {"metric": "spend", "levers": levers, "below": below, "window": 3, "every": 5, "cool_down": 0,
            "action": {"do": "shift", "share": 0.5}}  # fmt: skip


def spent_cents(stage: Rehearsal) -> dict[str, int]:
    """Return what each lever has paid for media."""
    found: defaultdict[str, int] = defaultdict(int)
    for _, _, lever, kind, cents in stage.ledger.rows:
        found[lever] += cents if kind == "media" else 0
    return found


def most(scenario: Scenario, name: str, budget: int) -> int:
    """Return the most cents that a lever may have spent, from the text of its cap."""
    cap = scenario.levers[name].budget_cap
    assert cap is not None
    return floor(Fraction(str(cap)) * budget)


# --- one cap ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [1, 1.07, 1.15, "120%", "1.333x"])
def test_increases_compound_up_to_the_cap_and_stop_there_to_the_cent(cap: float | str) -> None:
    scenario = plan(*QUIET, RICH, levers={"one": media(budget=1_234.57)}, rules={"more": scale(["one"], 0.2)})
    free = finished(scenario)
    assert spent_cents(free)["one"] > 1.35 * 123_457
    stage = finished(scenario.override({"levers.one.budget_cap": cap}))
    multiple = scenarios.literals.number(cap)
    assert spent_cents(stage)["one"] == floor(Fraction(str(multiple)) * 123_457)
    assert stage.accounts.moved["spare"] == 123_457 - spent_cents(stage)["one"]


def test_a_cap_is_counted_in_the_decimals_that_are_written() -> None:
    """1.15 as a binary fraction is a little less, so a float product would lose a cent here."""
    assert int(1.15 * 100) == 114
    assert cap_cents(100, 1.15) == 115


def test_what_was_cut_may_be_given_back_up_to_the_cap() -> None:
    """The lever is fed to its cap on day 2, loses half of what it has left on day 9, and is then fed again."""
    cut = scale(["one"], -0.5, every=10, cool_down=60, priority=1)
    scenario = plan(
        *QUIET, RICH, levers={"one": media(budget_cap=1.1)}, rules={"cut": cut, "more": scale(["one"], 0.3)}
    )
    stage = finished(scenario)
    assert [(day, rule) for day, rule, *_ in stage.rulebook.log[:3]] == [(2, "more"), (9, "cut"), (11, "more")]
    assert spent_cents(stage)["one"] == 6_600_000
    assert spent_cents(finished(scenario.override({"levers.one.budget_cap": None})))["one"] > 6_600_000


def test_a_shift_fills_the_best_lever_and_passes_the_rest_to_the_next() -> None:
    """`weak` spends least, so half of what it has left goes to `best`, which spends most, then to `second`."""
    levers = {
        "weak": media(budget=60_000),
        "best": media(budget=70_000, budget_cap="105%"),
        "second": media(budget=65_000),
    }
    scenario = plan(*QUIET, RICH, levers=levers, rules={"move": shift(["weak", "second", "best"], 6_200)})
    stage = finished(scenario)
    first = [(lever, action) for day, _, lever, _, action in stage.rulebook.log if day == 4]
    assert first == [("weak", "moved 3500.00 yuan to best"), ("weak", "moved 21500.00 yuan to second")]
    assert {action.split()[-1] for day, _, _, _, action in stage.rulebook.log if day > 4} == {"second"}
    spent = spent_cents(stage)
    assert spent["best"] == 7_350_000
    assert sum(spent.values()) == 19_500_000, "a shift loses no money"


def test_a_shift_between_accounts_moves_no_more_than_fits() -> None:
    levers = {"weak": media(), "best": media("video", budget=70_000, budget_cap=1.02)}
    stage = finished(plan(*QUIET, RICH, levers=levers, rules={"move": shift(["weak", "best"], 6_200)}))
    assert stage.accounts.moved == {"web": -140_000, "video": 140_000, "spare": 0}
    assert spent_cents(stage) == {"weak": 5_860_000, "best": 7_140_000}


def test_a_rule_that_finds_all_levers_full_does_nothing_and_does_not_rest() -> None:
    """`full` has no room from the start; `open` joins when its spend is seen on day 11, in a rule with a long cool-down."""
    levers = {"full": media(budget_cap=1), "open": media(open=[{"days": [9, 29]}])}
    rule = scale(["full", "open"], 0.2, above=0, cool_down=90)
    stage = finished(plan(*QUIET, RICH, levers=levers, rules={"more": rule}))
    assert [(day, lever) for day, _, lever, _, _ in stage.rulebook.log] == [(11, "open")]
    alone = finished(plan(*QUIET, RICH, levers=levers, rules={"move": shift(["full", "open"], 1)}))
    assert alone.rulebook.log == []


@pytest.mark.parametrize("cap", ["80%", 0.999, -1, "often"])
def test_a_cap_below_the_budget_is_refused(cap: Any) -> None:
    with pytest.raises(ValueError, match="budget_cap"):
        plan(*QUIET, RICH, levers={"one": media(budget_cap=cap)})


# --- any rules -------------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c", "d")
numbers = st.integers(0, 100).map(lambda k: k / 100)
lists = st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True)
actions = st.one_of(
    st.builds(lambda share: {"do": "shift", "share": share}, numbers),
    st.builds(
        lambda change, account: {"do": "scale", "change": change, "account": account},
        st.integers(-90, 300).map(lambda k: k / 100), st.sampled_from([None, "spare", "web", "video"]),
    ),
)  # fmt: skip
rules = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["spend", "spend", "roi"]), "levers": lists, "window": st.integers(1, 9),
        "every": st.integers(1, 6), "cool_down": st.integers(0, 6), "persist": st.integers(1, 2),
        "priority": st.integers(-2, 2), "action": actions,
    }
).flatmap(
    lambda rule: st.builds(
        lambda side, limit: {**rule, side: limit}, st.sampled_from(["below", "above"]),
        st.sampled_from([-2.0, 0.0, 3_000.0, 8_000.0, 20_000.0, 1e9]),
    )
)  # fmt: skip
capped = st.fixed_dictionaries(
    {
        "budget": st.integers(1, 20_000_000).map(lambda cents: cents / 100),
        "budget_cap": st.one_of(st.none(), st.integers(1_000, 2_500).map(lambda k: k / 1_000)),
        "account": st.sampled_from(["web", "video"]), "whole_units": st.booleans(),
        "unit_cost": st.sampled_from([7, 1_300.5]), "open": st.sampled_from([[], [{"days": [3, 20]}]]),
    }
)  # fmt: skip


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, capped)), st.lists(rules, min_size=1, max_size=4), st.integers(0, 99))
def test_no_rules_whatever_bring_a_lever_beyond_its_cap(
    levers: dict[str, Any], found: list[dict[str, Any]], seed: int
) -> None:
    """Nor do they make or lose a cent: spent and left are the budget and what the log says was added and taken."""
    scenario = plan(
        *QUIET, RICH, levers={name: media(**lever) for name, lever in levers.items()}, measurement={"noise": 0.3},
        rules={f"rule-{k}": rule for k, rule in enumerate(found)},
    )  # fmt: skip
    stage = finished(scenario, seed)
    moved = dict.fromkeys(NAMES, 0)
    for _, _, lever, _, action in stage.rulebook.log:
        cents = round(float(action.split()[1 if action.startswith("moved") else -2]) * 100)
        moved[lever] += -cents if action.startswith("moved") else cents
        if action.startswith("moved"):
            moved[action.split()[-1]] += cents
    for name, paid in ((name, spent_cents(stage)[name]) for name in NAMES):
        lever: Any = stage.levers[name]
        assert paid + lever.left == lever.money == lever.budget + moved[name]
        if scenario.levers[name].budget_cap is not None:
            assert paid <= lever.money <= most(scenario, name, lever.budget)


# --- the store campaign (constraint B-14: a channel's cost stays within 120 % of its budget) -------------------------


@pytest.fixture(scope="module")
def store() -> Scenario:
    return scenarios.load("store-campaign-28-days", changes={"market.users": 5_000})


def shares(scenario: Scenario, seed: int) -> dict[str, Fraction]:
    """Return the media money of each lever as an exact share of its budget."""
    stage = finished(scenario, seed)
    media_levers = {name: lever for name, lever in stage.levers.items() if isinstance(lever.spec, Media)}
    paid = spent_cents(stage)
    return {name: Fraction(paid[name], lever.budget) for name, lever in media_levers.items()}  # type: ignore[attr-defined]


def test_every_channel_of_the_store_campaign_has_the_cap_of_its_plan(store: Scenario) -> None:
    caps = {name: lever.budget_cap for name, lever in store.levers.items() if isinstance(lever, Media)}
    assert len(caps) == 7
    assert set(caps.values()) == {1.2}
    assert {scenarios.source_of(store, f"levers.{name}.budget_cap") for name in caps} == {"plan 001_§4.3"}


@pytest.mark.parametrize(
    ("seed", "lever"), [(1, "ppc"), (3, "homepage-slots"), (8, "douyin-live"), (10, "xiaohongshu")]
)
def test_the_store_campaign_breaks_its_constraint_without_the_cap_and_keeps_it_with(
    store: Scenario, seed: int, lever: str
) -> None:
    free = store.override({f"levers.{name}.budget_cap": None for name, v in store.levers.items() if v.kind == "media"})
    assert shares(free, seed)[lever] > Fraction(12, 10)
    assert max(shares(store, seed).values()) <= Fraction(12, 10)
