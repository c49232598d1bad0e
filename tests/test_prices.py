"""Prices in words: what a bound or limit is worth, and that room worth nothing is told as such."""

from dataclasses import replace

import numpy as np
import pytest

from optimize.limits import at_most, target
from optimize.money import solve
from optimize.pieces import Points
from optimize.prices import price_table, price_words, step_of
from optimize.problem import Cell, Goal, Limit, Problem, least_spend, maximise
from optimize.report.sentences import SENTENCES
from optimize.truth import judge

FULL = Points([0.0, 1e4, 2e4, 1e5], [0.0, 300.0, 300.0, 300.0])
"""300 orders by 10,000 yuan, nothing more after."""
STEADY = Points([0.0, 1e5], [0.0, 500.0])
"""An order for each 200 yuan."""


def said(problem, spend, prices):
    """Return the words of the prices of a plan by name."""
    table = price_table(problem, judge(problem, spend), prices)
    return dict(zip(table["name"], table["words"], strict=True))


def both(upper):
    return [Cell("full", {"orders": FULL}, upper=upper), Cell("steady", {"orders": STEADY})]


@pytest.mark.parametrize("solver", ["HiGHS", "CBC"])
def test_room_beyond_saturation_is_worth_nothing(solver):
    """Both cells stop at their bounds with money to spare: more room is worth nothing to the saturated, an order for 200
    yuan to the other.
    """
    cells = [Cell("full", {"orders": FULL}, lower=2e4, upper=2e4 + 1), Cell("steady", {"orders": STEADY}, upper=4e4)]
    found = solve(Problem(cells, [at_most("the budget", cells, 2e5)], maximise("orders")), solver=solver)
    words = found.duals.set_index("name")["words"]
    assert words["upper bound of steady"] == "200 yuan more room in steady buys 1 orders"
    free = [text for name, text in words.items() if name.endswith("bound of full")]
    assert free
    assert all(text.endswith(" bound of full is met exactly but costs nothing") for text in free)


@pytest.mark.parametrize(("price", "free"), [(0.0, True), (-0.0, True), (3e-17, True), (-3e-17, True), (1e-8, False)])
@pytest.mark.parametrize("side", ["upper", "lower"])
def test_a_bound_of_no_worth_is_not_told_as_a_cost(side, price, free):
    """3e-17 orders a yuan are rounding. 1e-8 are 2e-6 for the 200 yuan of a step, little, but some."""
    cells = both(upper=5e4)
    problem = Problem(cells, [at_most("the budget", cells, 2e5)], maximise("orders"))
    spend = {"full": 5e4 if side == "upper" else 0.0, "steady": 2e4}
    slope = 0.0 if side == "upper" else 0.03
    words = said(problem, spend, {"the budget": slope - price})[f"{side} bound of full"]
    assert (words == f"{side} bound of full is met exactly but costs nothing") == free
    assert SENTENCES["free"].fullmatch(words) if free else " orders" in words and "costs nothing" not in words


def test_a_limit_of_no_worth_is_not_told_as_a_cost():
    """The same for limits of each sense, in yuan and in a KPI, whose price is rounding; and none is told for no price."""
    cells = both(upper=1e5)
    for sense in ("<=", ">=", "=="):
        for unit in ("yuan", "orders"):
            limit = Limit("the rule", {"full": 1.0}, {}, sense, 1e4, unit=unit)
            problem = Problem(cells, [limit], maximise("orders"))
            for price in (0.0, 1e-17, -1e-17):
                words = said(problem, {"full": 1e4, "steady": 1e4}, {"the rule": price})["the rule"]
                assert words == "the rule is met exactly but costs nothing"
            assert "gave no price" in price_words(problem, limit, np.nan, 1.0, 300.0)
            assert " buys 1 orders" in price_words(
                problem, limit, (-1) ** (sense == ">=") * 1 / step_of(limit, 0.0), 1.0, 300.0
            )


def test_a_soft_limit_that_is_missed_for_nothing_says_only_that():
    cells = both(upper=1e5)
    limit = Limit("the promise", {"full": 1.0}, {}, ">=", 5e4, soft=0.0)
    problem = Problem(cells, [limit], maximise("orders"))
    for price in (0.0, 1e-17):
        assert (
            said(problem, {"full": 1e4, "steady": 1e4}, {"the promise": price})["the promise"]
            == "the promise is missed"
        )
    priced = said(
        replace(problem, limits=[replace(limit, soft=0.01)]), {"full": 1e4, "steady": 1e4}, {"the promise": -0.01}
    )
    assert priced["the promise"] == "the promise is missed: 500 yuan less asked by the promise buys 5 orders"


def test_the_least_budget_tells_savings_and_nothing():
    """At the least money for 300 orders, the saturated cell alone brings them: the other's lower bound costs no yuan more
    than its price says, and no price is told as 0 yuan.
    """
    cells = both(upper=1e5)
    found = solve(Problem(cells, [target("300 orders", cells, "orders", 300.0)], least_spend()))
    words = found.duals.set_index("name")["words"]
    assert words["300 orders"].startswith("3 orders less asked by 300 orders saves ")
    assert not any(f" {verb} 0 " in text for text in words for verb in ("costs", "saves", "buys"))


def test_no_words_tell_a_price_of_nothing():
    """Plans of 40 random problems: no bound or limit is said to cost, save or buy 0 of the goal."""
    random, told = np.random.default_rng(4), []
    for _ in range(40):
        tops = random.choice([0.0, 0.0, 50.0, 400.0], 4)
        curves = [Points([0.0, 1e4, 5e4], [0.0, top, top * random.choice([1.0, 1.5])]) for top in tops]
        cells = [
            Cell(f"c{k}", {"orders": curve}, lower=random.choice([0.0, 1e3]), upper=random.choice([1e4, 5e4]))
            for k, curve in enumerate(curves)
        ]
        budget = at_most("the budget", cells, random.choice([2e4, 3e5]))
        told += (
            solve(Problem(cells, [budget], Goal({"orders": 1.0}, random.choice([0.0, 1e-3])))).duals["words"].tolist()
        )
    assert sum("costs nothing" in words for words in told) > 20
    assert sum(" buys " in words for words in told) > 20
    assert not [words for words in told if " 0 orders" in words]
