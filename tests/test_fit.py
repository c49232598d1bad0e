"""fit finds base rates, and writes them into a file without touching anything else."""

import pytest

import scenarios
from experiments.fit import fit, from_line, replace_scalar, to_line


def test_a_fit_brings_the_market_to_its_baseline():
    plan = scenarios.load("shopping-festival").override({"behaviour.shop.cart": 0.2})
    found = fit(plan, seeds=2, users=20_000)
    before = found.table.set_index("kpi").loc["order_conversion", "before"]
    assert before > 0.03
    assert found.holds, found.table.to_string()
    assert found.scenario.behaviour.shop.cart == pytest.approx(found.changes["behaviour.shop.cart"])


def test_a_baseline_without_a_rate_to_fit_is_refused():
    plan = scenarios.load("shopping-festival")
    with pytest.raises(ValueError, match="names no base rate"):
        fit(plan.override({"baseline": {}}))


@pytest.mark.parametrize(
    ("name", "value"), [("behaviour.shop.ctr", 0.032), ("new_users", 31_000.0), ("behaviour.visit.rate", 2.5)]
)
def test_the_line_and_back(name, value):
    assert from_line(name, to_line(name, value)) == pytest.approx(value)


def test_a_scalar_is_replaced_in_place():
    text = "a: 1  # keep\nb:\n  c: 3.2%  # why\n  d: 4\n"
    assert replace_scalar(text, "b.c", "0.05") == "a: 1  # keep\nb:\n  c: 0.05  # why\n  d: 4\n"


def test_an_inherited_rate_is_not_written():
    with pytest.raises(ValueError, match=r"b\.x is not set in the file"):
        replace_scalar("b:\n  c: 3\n", "b.x", "1")
