"""Infeasible problems: the smallest conflict, by name, and the nearest relaxation."""

import numpy as np
import pytest

from optimize.conflict import smallest
from optimize.limits import at_least, at_most, minimum_return, share, target
from optimize.money import solve
from optimize.pieces import Points, hill
from optimize.problem import Cell, Limit, Problem, least_spend, maximise


def cells_of(**more):
    """Return three levers with a linear, a concave and an S-shaped response."""
    curves = {
        "search": Points([0.0, 1e5], [0.0, 500.0]),
        "seo": hill(600.0, 5e4, 1.0, 0, 1e5),
        "kol": hill(700.0, 4e4, 2.5, 0, 1e5),
    }
    return [Cell(n, {"orders": c}, **more) for n, c in curves.items()]


@pytest.mark.parametrize("solver", ["HiGHS", "CBC"])
def test_the_conflict_is_named_and_the_others_are_left_out(solver):
    cells = cells_of()
    limits = [
        at_most("the seo quota", cells[1:2], 3e4),
        at_most("the budget", cells, 4e4),
        target("1,000 orders", cells, "orders", 1000.0),
        at_least("search presence", cells[:1], 1e3),
    ]
    found = solve(Problem(cells, limits, maximise("orders")), solver=solver)
    assert not found.feasible
    assert found.infeasible
    assert found.spend == {}
    assert found.conflict.names == ("the budget", "1,000 orders")
    assert found.conflict.certain
    assert "cannot hold together" in found.conflict.words
    table = found.conflict.table.set_index("name")
    alone = table.alone["the budget"]
    richer = [limits[0], at_most("the budget", cells, 4e4 + alone), *limits[2:]]
    assert solve(
        Problem(
            cells, [*richer[:1], at_most("the budget", cells, (4e4 + alone) * 1.0001), *richer[2:]], maximise("orders")
        )
    ).feasible
    assert solve(
        Problem(
            cells, [*richer[:1], at_most("the budget", cells, (4e4 + alone) * 0.999), *richer[2:]], maximise("orders")
        )
    ).infeasible


def test_each_member_of_a_conflict_is_needed():
    cells = cells_of()
    limits = [
        at_most("the budget", cells, 1e5),
        *share("seo half", cells[1:2], cells, 0.5),
        *share("kol half", cells[2:], cells, 0.5),
        at_least("search presence", cells[:1], 2e4),
        at_most("search cap", cells[:1], 5e4),
    ]
    found = solve(Problem(cells, limits, maximise("orders")))
    names = found.conflict.names
    assert set(names) == {"seo half", "kol half", "search presence"}
    for left_out in names:
        rest = [m for m in limits if m.name in names and m.name != left_out]
        assert solve(Problem(cells, rest, maximise("orders"))).feasible


def test_the_nearest_relaxation_is_enough_and_follows_the_weights():
    cells = cells_of()

    def conflict(weight):
        limits = [at_most("the budget", cells, 4e4, weight=weight), target("1,000 orders", cells, "orders", 1000.0)]
        return solve(Problem(cells, limits, maximise("orders"))).conflict.table.set_index("name").give

    dear, cheap = conflict(100.0), conflict(0.01)
    assert dear["the budget"] == 0
    assert dear["1,000 orders"] > 0
    assert cheap["the budget"] > 0
    assert cheap["1,000 orders"] == 0
    limits = [
        at_most("the budget", cells, 4e4),
        target("fewer orders", cells, "orders", 1000.0 - dear["1,000 orders"] * 1.0001),
    ]
    assert solve(Problem(cells, limits, maximise("orders"))).feasible


def test_bounds_of_cells_are_named():
    cells = cells_of()
    cells[0] = Cell("search", cells[0].responses, lower=3e4)
    cells[1] = Cell("seo", cells[1].responses, lower=3e4)
    found = solve(Problem(cells, [at_most("the budget", cells, 5e4)], maximise("orders")))
    assert set(found.conflict.names) == {
        "the budget",
        "at least 30,000 yuan for search",
        "at least 30,000 yuan for seo",
    }
    assert found.conflict.table.give.sum() == pytest.approx(1e4, rel=1e-6)


def test_a_target_out_of_reach_stands_alone():
    cells = cells_of()
    found = solve(Problem(cells, [target("5,000 orders", cells, "orders", 5000.0)], least_spend()))
    most = sum(float(c.responses["orders"].at(1e5)) for c in cells)
    assert found.conflict.names == ("5,000 orders",)
    assert found.conflict.table.give[0] == pytest.approx(5000 - most, rel=1e-4)
    assert found.conflict.words == "5,000 orders cannot hold"


def test_a_return_nobody_reaches_conflicts_with_spending():
    cells = cells_of()
    limits = [minimum_return("return", cells, "orders", 0.05), at_least("spend something", cells, 5e4)]
    assert set(solve(Problem(cells, limits, maximise("orders"))).conflict.names) == {"return", "spend something"}


def test_whole_units_alone_can_be_the_conflict():
    cells = [Cell("kol", {"orders": Points([0.0, 1e5], [0.0, 10.0])}, unit=3e4)]
    limits = [Limit("exactly 40,000", {"kol": 1.0}, {}, "==", 4e4)]
    found = solve(Problem(cells, limits, maximise("orders")))
    assert found.conflict.names == ("exactly 40,000",)
    assert found.conflict.table.give[0] == pytest.approx(1e4)


def test_divide_and_conquer_finds_a_smallest_set_among_many():
    limits = [Limit(f"l{k}", level=float(k)) for k in range(64)]
    asked = 0

    def clash(some):
        nonlocal asked
        asked += 1
        return {5.0, 17.0, 60.0} <= {m.level for m in some}

    assert [m.level for m in smallest(limits, clash)] == [5.0, 17.0, 60.0]
    assert asked < 50
    assert smallest(limits[:4], clash) == []
    assert np.isfinite(asked)
