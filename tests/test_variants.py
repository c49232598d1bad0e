"""Variants: what `override` makes and refuses, to the last digit of every digest, by the short way."""

from collections.abc import Mapping
from typing import Any

import pytest
from markets import everything

import scenarios
from scenarios import Scenario, ScenarioError, variants
from scenarios.variants import Variants

VALID: list[dict[str, Any]] = [
    {},
    {"behaviour.shop.ctr": 0.033, "behaviour.visit.rate": "4%"},
    {"market.users": 700, "service.agents": 9},
    {"clock.tail": 9},
    {"goods.classes.hit.returns": 0.2, "market.segments.young.activity": "1.5x"},
    {"levers.flash.on": False},
    {"levers.flash": None},
    {"season.growth": 0.2, "measurement.lag": 2, "measures.discount_rate": 0.05},
    {"targets": {"money": {"kpi": "gmv", "at_least": 1}}, "windows": {"start": {"days": [0, 2]}}},
    {"priors": {"behaviour.shop.ctr": {"low": 0.01, "high": 0.4, "why": "assumed"}}},
    {"name": "another", "question": "why?", "provenance": {"levers.**": "assumed"}},
    {"overlays": {"less": {"market": {"users": 600}}}},
]
REFUSED: list[dict[str, Any]] = [
    {"behaviour.shop.ctr": 2},
    {"behaviour.shop.crt": 0.1},
    {"levers.nobody.on": False, "behaviour.shop.ctr": -1},
    {"market.users": 10**7, "behaviour.visit.rate": "often"},
    {"levers.flash.goods": ["nothing"]},
    {"clock.days": 1},
    {"goods.classes": None},
    {"schema": 99},
    {"behaviour": None, "x": 1},
    {"overlays": {"bad": {"market": {"users": -1}}}},
]


def base() -> Scenario:
    return everything(priors={"behaviour.shop.cart": {"low": "1%", "high": 1, "why": "assumed"}})


def known(scenario: Scenario) -> tuple[Any, ...]:
    written = scenario.model_dump_json(by_alias=True, exclude_unset=True)
    return scenario.fingerprint, scenario.digest, written, scenario.model_fields_set, list(scenario.__dict__)[:20]


@pytest.mark.parametrize("changes", VALID, ids=str)
def test_variants_are_those_of_override(changes: Mapping[str, Any]) -> None:
    plan = base()
    variant, other = Variants(plan).override(changes), plan.override(changes)
    assert variant == other
    assert known(variant) == known(other)


@pytest.mark.parametrize("changes", REFUSED, ids=str)
def test_variants_are_refused_with_the_same_faults(changes: Mapping[str, Any]) -> None:
    plan, told = base(), []
    for make in (Variants(plan).override, plan.override):
        with pytest.raises(ScenarioError) as refused:
            make(changes)
        told.append(refused.value.faults)
    assert told[0] == told[1]


@pytest.mark.parametrize("changes", VALID[:-1], ids=str)
def test_the_short_way_is_taken(changes: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = Variants(base())
    monkeypatch.setattr(variants, "override", lambda *_: pytest.fail("the long way was taken"))
    made.override(changes)


def test_a_variant_shares_what_has_not_changed_and_leaves_its_base_alone() -> None:
    plan = base()
    before, made = plan.fingerprint, Variants(plan)
    one, two = (made.override({"behaviour.shop.ctr": ctr}) for ctr in (0.11, 0.2))
    assert one.levers is two.levers
    assert (one.behaviour.shop.ctr, two.behaviour.shop.ctr) == (0.11, 0.2)
    assert len({one.fingerprint, two.fingerprint, before}) == 3
    assert (plan.fingerprint, plan) == (before, base())


def test_variants_of_a_faulty_base_are_those_of_override() -> None:
    """A base put together without checks may be mended, or not, by its changes."""
    faulty = base().model_copy(update={"windows": {"plan": None}})
    mended: dict[str, Any] = {"windows": {}}
    assert Variants(faulty).override(mended) == faulty.override(mended)
    with pytest.raises(ScenarioError):
        Variants(faulty).override({"behaviour.shop.ctr": 0.1})


@pytest.mark.parametrize("name", scenarios.names())
def test_shipped_plans_have_variants(name: str) -> None:
    plan = scenarios.load(name)
    changes = {"behaviour.shop.ctr": 0.041, "market.users": 1234}
    assert known(Variants(plan).override(changes)) == known(plan.override(changes))
