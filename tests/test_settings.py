"""Settings: what may be chosen, ends that make a plan, and what is said of a choice that is none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from markets import CONTROL, LEVERS, LIVELY, behaving, everything, of_users, plan

import scenarios
from experiments import executors
from experiments.promised import Together
from experiments.runner import Runner
from optimize.flags import flags
from optimize.market import Plan
from optimize.optimum import optimum
from optimize.reach import least_budget, moved
from optimize.rehearsals import Rehearsals
from optimize.settings import RESPONSES, assumed, check_settings, is_response
from optimize.spending import posts
from sandtable.cli import main
from scenarios.faults import ScenarioError
from scenarios.levers import AnyLever, Tier
from scenarios.paths import bare, below, fields
from scenarios.scenario import Scenario
from scenarios.uncertainty import Range
from scenarios.values import is_numeric

SHIPPED = ["annual-promotion", "shopping-festival", "store-campaign-28-days", "vertical-platform-18-months"]
MARKET = everything(CONTROL, priors={"behaviour.fade.drop": {"low": 0.1, "high": 0.3}})


def refusal(settings: dict[str, tuple[float, float]], market: Scenario = MARKET) -> str:
    """Return why these settings are refused; empty when they are not."""
    try:
        check_settings(market, {path: Range(low=low, high=high) for path, (low, high) in settings.items()})
    except ValueError as error:
        return str(error)
    return ""


# --- What may be chosen -----------------------------------------------------------------------------------------------

MET = [
    ("behaviour.fade.drop", 0.1, 0.3, "nothing in behaviour is; sandtable sweep --over behaviour.fade.drop=LO:HI"),
    ("market.users", 1000, 2000, "nothing in market is"), ("market.channels.web.reach", 0.1, 0.9, "nothing in market is"),
    ("clock.days", 20, 30, "nothing in clock is"), ("season.growth", 0, 1, "nothing in season is"),
    ("accounts.total", 1e5, 2e6, "nothing in accounts is; money is asked for with --budget"),
    ("shocks.dear.media_price", 0, 1, "nothing in shocks is; --risk with --shocks weighs them"),
    ("targets.orders.at_least", 1, 2, "nothing in targets is; a target is held with --target"),
    ("baseline.gmv.value", 1, 2, "nothing in baseline is; "), ("measurement.noise", 0, 0.1, "nothing in measurement is"),
    ("windows.late.days[0]", 1, 2, "nothing in windows is"), ("measures.window", 1, 2, "nothing in measures is"),
    ("priors.behaviour.low", 1, 2, "nothing in priors is; known settings: "),
    ("choices.band", 0, 1, "nothing in choices is; "), ("name", 0, 1, "nothing in name is; known settings: "),
    ("goods.classes.hit.margin", 0.2, 0.4, "of goods that is classes.*.stock.opening_days, classes.*.stock.cover_days; "),
    ("goods.classes.hit.stock.lead_days", 1, 9, "did you mean goods.classes.hit.stock."),
    ("service.handle_minutes", 1, 9, "of service that is agents, assisted, shipping_fee, free_from"),
    ("festivals.feast.stages.burst.traffic", 1, 9, "of festivals that is *.stages.*.days"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "low", "high", "words"), MET, ids=[row[0] for row in MET])
def test_what_the_market_is_cannot_be_chosen(path, low, high, words):
    """Path, rule, and what can be chosen instead."""
    said = refusal({path: (low, high)})
    assert said.startswith(f"{path}: only what a marketer decides may be chosen, and ")
    assert words in said
    assert "known settings: " in said or "did you mean" in said


def test_each_section_is_decided_or_met():
    """Every section of the schema either stands in the table above or may be chosen, at least in part."""
    met = {row[0].split(".")[0] for row in MET}
    chosen = {"levers", "rules", "phases"}
    told = {"schema", "question", "overlays", "provenance"}
    assert met | chosen | told == set(fields(Scenario))
    partly = {"goods", "service", "festivals"}
    for section in sorted(set(fields(Scenario)) - chosen):
        words = f"of {section} that is " if section in partly else f"nothing in {section} is"
        assert words in refusal({f"{section}.x": (0, 1)})


DECIDED = [
    ("levers.public.off", 5, 40), ("levers.pair.size", 2, 3), ("levers.invite.thresholds[0].cash", 1, 20),
    ("levers.page.open[0].days[0]", 3, 30), ("rules.cut.below", 0.5, 3), ("phases.late.days[0]", 30, 50),
    ("festivals.feast.stages.warm-up.days[0]", -8, -2), ("service.agents", 1, 15), ("service.assisted", 0.1, 0.5),
    ("service.shipping_fee", 0, 9), ("service.free_from", 50, 150), ("goods.classes.hit.stock.cover_days", 1, 9),
    ("goods.classes.hit.stock.opening_days", 1, 9), ("levers.ads.click", 0.01, 0.09),
]  # fmt: skip


@pytest.mark.parametrize(("path", "low", "high"), DECIDED)
def test_what_a_marketer_decides_can_be_chosen(path, low, high):
    if path.startswith("rules."):
        path = f"rules.{next(name for name, rule in MARKET.rules.items() if rule.below is not None)}.below"
    assert refusal({path: (low, high)}) == ""


@pytest.mark.parametrize("name", SHIPPED)
def test_settings_of_the_shipped_plans_can_be_chosen(name):
    shipped = scenarios.load(name)
    assert shipped.choices.settings
    check_settings(shipped, shipped.choices.settings)


NUMBERLESS = [
    ("levers.ads.channel", "levers.ads.channel: is not a number"),
    ("levers.public", "levers.public: is not a number; numbers below it: over, off,"),
    ("levers.pubic.off", "levers.pubic.off: levers.pubic: unknown name; did you mean public?"),
    ("levrs.public.off", "levrs.public.off: levrs: unknown path; did you mean levers?"),
    ("levers.ads.on", "levers.ads.on: true or false has no range; sandtable compare holds"),
    ("levers..off", "'levers..off' is not a path"),
]


@pytest.mark.parametrize(("path", "words"), NUMBERLESS)
def test_what_is_no_number_has_no_range(path, words):
    assert refusal({path: (0, 1)}).startswith(words)


def test_media_money_is_no_setting():
    """The search divides it, and would write over what was chosen; a lever on standby has money that it leaves alone."""
    said = refusal({"levers.ads.budget": (10, 90)})
    assert (
        said
        == "levers.ads.budget: media money is divided by the search itself, within choices.money.ads or choices.band"
    )
    assert refusal({'levers.ads.pace."feast.burst"': (1, 3)}) == "", "days of one phase are weighed by the plan"
    phased = MARKET.override({"levers.ads.pace": {"late": 2}})
    assert {post.period for post in posts(phased) if post.lever == "ads"} == {"early", "late"}
    assert "within choices.money.ads" in refusal({"levers.ads.pace.late": (1, 3)}, phased)
    ready = MARKET.override({"levers.ads.standby": True})
    assert "ads" not in {post.lever for post in posts(ready)}
    assert refusal({"levers.ads.budget": (0.1, 0.3)}, ready) == ""
    said = refusal({"levers.ads.budget": (10, 90)}, ready).splitlines()
    assert [line.split(": must")[0] for line in said] == [
        "levers.ads.budget: low 1000%", "levers.ads.budget: high 9000%"
    ]  # fmt: skip
    assert "a percentage of the account from 0% to 100%" in said[0]


def test_the_days_of_a_target_are_no_setting():
    """A phase may move, unless a target is measured over it or against it; so may a stage, of a festival that none is."""
    paths = ["phases.late.days[0]", "festivals.feast.stages.warm-up.days[0]"]
    spans = [(32, 50), (-8, -2)]
    for window, against, refused in (
        ("plan", None, [False, False]),
        ("late", None, [True, False]),
        ("early", "late", [True, False]),
        ("feast", None, [False, True]),
        ("feast.warm-up", None, [False, True]),
        ("feast.burst", None, [False, False]),
    ):
        target = {"kpi": "orders", "window": window, "against": against, "at_least": 1}
        market = MARKET.override({"targets": {"more": target}})
        said = [refusal({path: span}, market) for path, span in zip(paths, spans, strict=True)]
        assert [words.endswith("over which its targets are measured, here more") for words in said] == refused
        assert [words != "" for words in said] == refused


# --- Both ends --------------------------------------------------------------------------------------------------------


def test_both_ends_must_make_a_plan():
    """All faults at once, each with its end; what is refused is what the scenario refuses."""
    over = MARKET.levers["public"].over
    assert refusal({"levers.public.off": (5, over + 10)}).startswith(
        f"levers.public.off: high {over + 10:g}: must be below over ({over:g}); "
    )
    with pytest.raises(ScenarioError, match="must be below over"):
        MARKET.override({"levers.public.off": over + 10})
    said = refusal({"levers.public.over": (5, 150), "levers.ads.click": (-0.5, 3)}).splitlines()
    assert [line.split(":")[:2] for line in said] == [
        ["levers.public.over", " low 5"], ["levers.ads.click", " low -0.5"], ["levers.ads.click", " high 3"]
    ]  # fmt: skip
    assert refusal({"levers.thanks.valid": (2.5, 20)}) == "levers.thanks.valid: low 2.5: must be a whole number"


def test_two_ranges_of_one_lever_must_go_together():
    """Each is right beside what the plan has, but not the highest saving beside the lowest threshold."""
    alone = {"levers.public.off": (5.0, 60.0)}, {"levers.public.over": (50.0, 200.0)}
    assert [refusal(each) for each in alone] == ["", ""]
    said = refusal(alone[0] | alone[1])
    assert said.startswith("levers.public.off 60 with levers.public.over 50: ")
    assert "must be below over (50)" in said
    assert refusal({"levers.public.off": (5, 40), "levers.public.over": (50, 200)}) == ""
    assert refusal(alone[0] | {"levers.mailed.over": (50, 200)}) == ""


# --- Where questions come in ------------------------------------------------------------------------------------------


@pytest.fixture
def small() -> Scenario:
    ads = {"ads": {"kind": "media", "channel": "web", "account": "media", "unit_cost": 20, "click": 0.1}}
    return plan(
        of_users(200, 10), behaving(LIVELY), clock={"burn_in": 4, "tail": 1, "days": 10}, levers=ads,
        targets={"orders": {"kpi": "orders", "at_least": 1}}, provenance={"levers.**": "assumed: a guess"},
    )  # fmt: skip


class Idle(Runner):
    """A runner that must not be asked."""

    def tables(self, jobs: Any, count: int) -> Iterator[Any]:
        """Fail: a run was spent."""
        raise AssertionError("a run was spent")


def test_no_run_is_spent_on_them(small):
    """Whether asked for or among the plan's own choices, by either question."""
    for path in ("behaviour.fade.drop", "market.users"):
        span = Range(low=0.1, high=0.3) if path.startswith("behaviour") else Range(low=100, high=300)
        own = small.override({"choices.settings": {path: span.model_dump()}})
        with pytest.raises(ValueError, match=f"{path}: only what a marketer decides"):
            least_budget(own, 0.5, runner=Idle())
        with pytest.raises(ValueError, match=f"{path}: only what a marketer decides"):
            optimum(own, runner=Idle())
        with pytest.raises(ValueError, match=f"{path}: only what a marketer decides"):
            optimum(small, free={path: span}, locked=True, runner=Idle())


def test_the_command_line_ends_with_status_two(small, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    Path("market.yaml").write_text(scenarios.dump(small), encoding="utf-8")
    for free, words in (
        ("behaviour.fade.drop=0.1:0.3", "behaviour.fade.drop: only what a marketer decides may be chosen"),
        ("levers.ads.budget=10:90", "levers.ads.budget: media money is divided by the search itself"),
        ("levers.ads.click=0.1:3", "levers.ads.click: high 3: must be at most 1"),
    ):
        assert main(["optimize", "market.yaml", "--free", free, "--locked", "--no-store"]) == 2
        printed, said = capsys.readouterr()
        assert (printed, words in said) == ("", True)


# --- What is said of responses that were moved ------------------------------------------------------------------------

CHOICES = {
    "title", "plan", "on", "standby", "open", "account", "kind", "channel", "role", "budget", "budget_cap", "pace",
    "weekdays", "hours", "whole_units", "form", "give", "over", "off", "rate", "goods", "audience", "valid", "quota",
    "every", "hour", "after", "delay", "offer", "on_register", "on_order", "counts", "thresholds", "size", "days",
    "initiator", "tiers", "review_days", "spend", "orders", "discount", "free_shipping",
}  # fmt: skip
"""Fields of levers and tiers that a plan decides."""


def test_every_field_of_a_lever_is_a_choice_or_a_response():
    """A new field of the schema must be put into one list or the other."""
    kinds = [bare(kind) for kind in get_args(bare(AnyLever)) or get_args(get_args(AnyLever)[0])]
    assert len(kinds) == 7
    every = {name for kind in [*kinds, Tier] for name in fields(kind)}
    assert every == CHOICES | RESPONSES
    assert not CHOICES & RESPONSES


def test_responses_by_path():
    """All that is numeric in a lever of every kind is told apart, below `effect`, `affinity` and tiers, too."""
    seen = {True: set(), False: set()}
    for name, lever in MARKET.levers.items():
        for path, annotation in numbers(type(lever), ("levers", name), lever.model_dump(by_alias=True)):
            assert is_numeric(annotation)
            seen[is_response(".".join(path))].add(path[4] if path[2:3] == ("tiers",) else path[2])
    assert seen[True] <= RESPONSES
    assert seen[False] <= CHOICES
    assert {"click", "effect", "drop", "affinity", "price", "registration"} <= seen[True]
    assert {"off", "size", "discount", "every", "quota", "budget"} <= seen[False]
    assert is_response("festivals.feast.stages.warm-up.days[0]")
    assert not is_response("service.agents")


def numbers(kind: Any, path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield path and type of each number of a record."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(below(kind, key), (*path, key), item)
    elif is_numeric(kind):
        yield path, kind


def proposed(small: Scenario, settings: dict[str, float], words: str = "assumption about the market") -> list[str]:
    """Return what is said of a proposal with these settings that leaves the money."""
    spans = {path: Range(low=0.001, high=0.9) for path in settings}
    money = sum(post.money for post in posts(small))
    market = Rehearsals(small, "gmv", money, spans, 0.0, Runner(processes=1))
    plan = Plan(market.space.current.money, settings)
    columns = ("window", "segment", "differs", "kpi", "difference", "other_mean", "relative")
    proof = pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    found: Any = SimpleNamespace(found=plan, trace=proof)
    return [said for said in flags(market, found, proof) if words in said]


def test_a_response_that_was_moved_is_flagged(small):
    """Only where it is assumed, and moved; a coupon's depth is a decision."""
    path = "levers.ads.click"
    assert assumed(small, path)
    (said,) = proposed(small, {path: 0.2})
    assert said == (
        "levers.ads.click is an assumption about the market, not a decision: no plan can move it from 0.1 to 0.2, so do not "
        "count on what that gains"
    )
    assert proposed(small, {path: 0.1}) == []
    assert proposed(small, {path: 0.1 * (1 + 1e-12)}) == []
    known = small.override({"provenance": {"levers.**": "plan 001: measured last year"}})
    assert proposed(known, {path: 0.2}) == []
    assert proposed(small.override({"provenance": {}}), {path: 0.2}) == []
    off = small.override({"levers.coupon": {**LEVERS["public"], "quota": 0, "account": "users"}})
    assert not assumed(off, "levers.coupon.off")
    assert proposed(off, {"levers.coupon.off": 0.8}) == []


# --- Targets in the way -----------------------------------------------------------------------------------------------


def test_staff_that_cost_nothing_are_flagged(small):
    """Only where there are more of them."""
    now = small.service.agents
    (said,) = proposed(small, {"service.agents": now + 3}, "costs nothing")
    assert said == (
        "service.agents costs nothing in this market, so that more always looks better: bound it by what you can pay"
    )
    assert proposed(small, {"service.agents": now}, "costs nothing") == []


def test_a_target_kept_on_average_is_not_said_to_lack():
    """`sales` is kept by .688 on average, but by 9 of 32 runs; `repeat` lacks .05; `visits` is not in the way."""
    means, doubling = [0.688, -0.05, 3.0], [0.25, -0.01, 1.0]
    effects = SimpleNamespace(
        names=("sales", "repeat", "visits"), features=lambda spend, unit: spend.sum(1, keepdims=True) / 1000,
        means=lambda spend, unit: np.array([means]), weights=np.array(doubling)[:, None], roots=np.full((3, 1, 1), 0.1),
    )  # fmt: skip
    space = SimpleNamespace(spend=lambda at: np.array([400.0, 600.0]), unit=lambda at: np.empty(0))
    learned: Any = SimpleNamespace(responses=SimpleNamespace(effects=effects), found=None)
    now = Together(0, 32, 0.0, 0.1, {"sales": 9 / 32, "repeat": 0.0, "visits": 1.0})
    most = replace(now, by_target={"sales": 15 / 32, "repeat": 0.1, "visits": 1.0})
    market: Any = SimpleNamespace(space=space, budget=1000.0)
    assert list(moved(market, learned, {1000.0: now, 4000.0: most})) == [
        "sales is kept on average, by 0.688, but only in 28% of runs; by the fitted effects, twice the media money brings it "
        "0.25 (95 % 0.054 to 0.446)",
        "repeat lacks 0.05; by the fitted effects, twice the media money brings it −0.01 (95 % −0.206 to 0.186)",
    ]
