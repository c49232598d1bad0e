"""The benchmark of budget splits: its known optima, the other tools as re-implemented, and what ours must reach."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from benchmarks.optimisers import breaks, compare, timed
from benchmarks.splits import by_grid, polished, split, water_filled, year
from benchmarks.splitters import TOOLS, LateError, meridian, ours, pymc_marketing, robyn


def test_water_filling_agrees_with_a_general_optimiser():
    problem = split(6, False, 1)
    unit = replace(problem, half=problem.half / problem.budget, budget=1.0, most=1.0)
    found = minimize(
        lambda v: (-unit.value(v) / 100, -unit.slopes(v) / 100), np.full(6, 1 / 6), jac=True, method="SLSQP",
        bounds=[(0, 1)] * 6, constraints={"type": "eq", "fun": lambda v: v.sum() - 1}, options={"ftol": 1e-14},
    )  # fmt: skip
    best = water_filled(problem)
    assert best.sum() == pytest.approx(problem.budget, rel=1e-9)
    assert problem.value(best) == pytest.approx(unit.value(found.x), rel=1e-8)


def test_groups_at_their_limits_fill_at_their_own_price():
    problem = year(6, 4, 3, seed=2)
    best = water_filled(problem)
    spent = np.bincount(problem.group, best, 3)
    assert best.sum() == pytest.approx(problem.budget, rel=1e-9)
    assert (spent <= problem.cap * (1 + 1e-9)).all()
    assert (spent >= problem.floor * (1 - 1e-9)).all()
    slopes = problem.slopes(best)
    prices = []
    for g in range(3):
        inside = (problem.group == g) & (best > 0) & (best < problem.most)
        assert np.ptp(slopes[inside]) < 1e-6 * slopes[inside].mean()
        prices.append(slopes[inside].mean())
    free = [
        p for p, s, f, c in zip(prices, spent, problem.floor, problem.cap, strict=True) if f * 1.0001 < s < c * 0.9999
    ]
    capped = [p for p, s, c in zip(prices, spent, problem.cap, strict=True) if s >= c * 0.9999]
    floored = [p for p, s, f in zip(prices, spent, problem.floor, strict=True) if s <= f * 1.0001]
    assert len(capped) + len(floored) > 0
    assert max(floored, default=0) <= min(free + capped) * (1 + 1e-6)
    assert min(capped, default=np.inf) >= max(free + floored) * (1 - 1e-6)


def test_the_grid_finds_the_best_of_all_pairs():
    problem = split(2, True, 4)
    grid = np.linspace(0, problem.budget, 2001)
    pairs = problem.responses(np.stack((grid, problem.budget - grid), axis=1)).sum(axis=1)
    assert problem.value(by_grid(problem)) == pytest.approx(pairs.max(), rel=1e-12)
    assert problem.value(polished(problem, by_grid(problem))) >= pairs.max()


@pytest.mark.parametrize(("cells", "shaped"), [(5, False), (5, True), (12, True)])
def test_ours_is_at_the_optimum_with_a_certified_bound(cells, shaped):
    problems = [split(cells, shaped, seed) for seed in range(3)]
    record = compare(problems, ["Sandtable"], 60.0)["Sandtable"]
    assert record.broken == 0
    assert max(record.gaps) <= 1e-4
    assert min(record.bounds) >= -1e-9
    assert max(record.bounds) <= 1e-5


def test_ours_keeps_groups_of_a_year():
    problem = year(8, 13, 4, seed=1)
    found = ours(problem, 60.0)
    best = problem.value(water_filled(problem))
    assert not breaks(problem, found.spend)
    assert problem.value(found.spend) >= best * (1 - 2e-4)
    assert found.bound >= best * (1 - 1e-9)


@pytest.mark.parametrize("factor", [1e-7, 1e7])
def test_units_move_no_money_in_ours_but_do_in_slsqp(factor):
    problem = split(5, True, 3)
    here, there = ours(problem, 60.0).spend, ours(problem.scaled(factor), 60.0).spend
    # A plan is settled to about the square root of the gap.
    assert np.abs(here - there).sum() / 2 <= 2e-3 * problem.budget
    if factor < 1:
        stuck = pymc_marketing(problem.scaled(factor), 60.0).spend
        assert np.ptp(stuck) <= 1e-6 * problem.budget


def test_the_other_tools_are_given_a_fair_problem():
    problem = split(5, False, 0)
    best = problem.value(water_filled(problem))
    assert problem.value(pymc_marketing(problem, 60.0).spend) >= 0.99 * best
    assert problem.value(meridian(problem, 60.0).spend) >= 0.999 * best
    pytest.importorskip("nlopt")
    assert problem.value(robyn(problem, 60.0).spend) >= 0.999 * best


def test_late_tools_are_told_apart():
    found, cpu = timed(pymc_marketing, split(50, True, 0), 0.0)
    assert found is None
    assert cpu >= 0
    with pytest.raises(LateError):
        meridian(split(5, True, 0), 0.0)
    assert set(TOOLS) >= {"Sandtable", "Meridian: greedy grid"}
