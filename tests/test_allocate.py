"""allocate: curves measured on common seeds, and a linear programme that finds the known best split."""

import numpy as np
import pytest

import scenarios
from optimize.allocate import Curve, allocate, at_multiples, current_budgets, solve
from sim.run import simulate

LEVELS = np.array([0.0, 0.5, 1.0, 2.0, 4.0])


def curve(name: str, money: float, height: float, half: float) -> Curve:
    spend = LEVELS * money
    return Curve(name, spend, height * spend / (half + spend), np.zeros(len(LEVELS)))


def test_the_envelope_is_concave_and_lies_above_the_points():
    c = Curve("x", LEVELS * 100, np.array([0.0, 1.0, 10.0, 12.0, 11.0]), np.zeros(5))
    x, y = c.envelope()
    assert (np.diff(np.diff(y) / np.diff(x)) <= 1e-12).all()
    assert (np.interp(c.spend, x, y) >= c.gain - 1e-12).all()


def test_money_goes_where_the_next_yuan_brings_most():
    """Against brute force over a fine grid on the same envelopes."""
    curves = (curve("good", 100.0, 1000.0, 150.0), curve("poor", 100.0, 300.0, 150.0))
    result = solve(curves, {"good": 100.0, "poor": 100.0}, 200.0, "gmv")
    grid = np.linspace(0, 200, 2001)
    value = np.interp(grid, *curves[0].envelope()) + np.interp(200 - grid, *curves[1].envelope())
    proposed = result.table.set_index("lever")["proposed"]
    reached = np.interp(proposed["good"], *curves[0].envelope()) + np.interp(proposed["poor"], *curves[1].envelope())
    assert reached == pytest.approx(value.max(), rel=1e-6)
    assert proposed.sum() == pytest.approx(200.0)
    assert result.shadow_price > 0


def test_a_tiny_and_a_huge_scale_of_the_response_give_the_same_split():
    splits = []
    for scale in (1e-7, 1.0, 1e7):
        curves = (curve("good", 100.0, 1000.0 * scale, 150.0), curve("poor", 100.0, 300.0 * scale, 150.0))
        splits.append(solve(curves, {"good": 100.0, "poor": 100.0}, 200.0, "gmv").table["proposed"].to_numpy())
    assert splits[0] == pytest.approx(splits[1])
    assert splits[2] == pytest.approx(splits[1])


def test_money_that_brings_nothing_stays_unspent():
    flat = Curve("flat", LEVELS * 100, np.zeros(5), np.zeros(5))
    result = solve((flat,), {"flat": 100.0}, 100.0, "gmv")
    assert result.shadow_price == 0
    assert any("unspent" in note for note in result.notes)


def test_present_budgets_run_as_in_the_plan():
    plan = scenarios.load("shopping-festival").override({"market.users": 2_000, "rules": {}})
    current = current_budgets(plan)
    same = at_multiples(plan, current, {})
    spent = simulate(same, 1).accounts.set_index("account")["spent"]
    for name, money in current.items():
        assert spent[f"media-{name}"] == pytest.approx(money, rel=0.01), name


def test_a_plan_is_allocated_from_measured_curves():
    plan = scenarios.load("shopping-festival").override({"market.users": 2_000, "clock.burn_in": 365})
    result = allocate(plan, 150_000, goal="exposure", seeds=2)
    assert result.feasible
    assert result.table["proposed"].sum() <= 150_000 * (1 + 1e-9)
    assert result.predicted > -1e-6


@pytest.mark.parametrize(("budget", "goal", "rule"), [(0, "gmv", "budget > 0"), (10, "gvm", "unknown KPI")])
def test_bad_questions_are_refused(budget, goal, rule):
    with pytest.raises(ValueError, match=rule):
        allocate(scenarios.load("shopping-festival"), budget, goal=goal)
