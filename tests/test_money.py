"""The money solver: known optima, prices, limits, and the traps of its solvers."""

from itertools import product

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimize import refine
from optimize.limits import (
    at_least,
    at_most,
    band,
    cost_per,
    minimum_return,
    pacing,
    priority,
    share,
    target,
    tranches,
)
from optimize.money import solve
from optimize.pieces import Points, Smooth, hill, hull
from optimize.problem import Cell, Goal, Limit, Problem, least_spend, marginal_return, maximise
from optimize.programme import Programme, available
from optimize.programme import solve as run
from optimize.truth import judge

SOLVERS = ("HiGHS", "CBC")
CURVES = {
    "search": hill(900.0, 4e4, 1.0, 0.0, 2e5),
    "kol": hill(700.0, 6e4, 2.0, 0.0, 2e5),
    "seo": Points([0.0, 2e4, 5e4, 2e5], [0.0, 300.0, 420.0, 500.0]),
}


def cells_of(curves=CURVES, **more):
    """Return a cell for each curve."""
    return [Cell(name, {"orders": curve}, lever=name, **more) for name, curve in curves.items()]


def best_of(curves, budget, **options):
    """Return the best split of a budget."""
    cells = cells_of(curves)
    return solve(Problem(cells, [at_most("the budget", cells, budget)], maximise("orders")), **options)


def concave(count, seed):
    """Return parameters and curves of Hill responses of power 1."""
    rng = np.random.default_rng(seed)
    top, half = rng.uniform(50, 150, count), rng.uniform(300, 2000, count)
    return top, half, {f"c{k}": hill(top[k], half[k], 1.0, 0.0, 1e4) for k in range(count)}


def water_filled(top, half, budget):
    """Return the optimum: x = sqrt(top half / price) - half where positive, at the price that spends the budget."""
    low, high = 1e-12, float((top / half).max())
    for _ in range(200):
        price = (low * high) ** 0.5
        spend = np.maximum(np.sqrt(top * half / price) - half, 0.0)
        low, high = (price, high) if spend.sum() > budget else (low, price)
    return spend, price


@pytest.mark.parametrize("solver", SOLVERS)
def test_concave_responses_fill_like_water(solver):
    top, half, curves = concave(8, seed=3)
    spend, price = water_filled(top, half, 5000.0)
    found = best_of(curves, 5000.0, gap=1e-8, solver=solver)
    best = float((top * spend / (half + spend)).sum())
    assert found.proved
    assert found.value == pytest.approx(best, rel=1e-8)
    assert found.bound >= best * (1 - 1e-9)
    # The value is flat at the optimum: a gap of 1e-8 leaves spends free to about its square root.
    assert list(found.spend.values()) == pytest.approx(list(spend), abs=5000 * 3e-3)
    assert found.duals.set_index("name").price["the budget"] == pytest.approx(price, rel=3e-3)


def test_s_shapes_agree_with_a_fine_grid():
    curves = {f"c{k}": hill(100.0 + 20 * k, 300.0 + 100 * k, 2.0 + k, 0.0, 1000.0) for k in range(3)}
    found = best_of(curves, 1000.0, gap=1e-7)
    grid = np.linspace(0, 1000, 401)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    rest = 1000.0 - a - b
    first, second, third = curves.values()
    total = np.where(rest >= 0, first.at(a) + second.at(b) + third.at(np.maximum(rest, 0)), -np.inf)
    assert found.proved
    assert found.value >= total.max()
    assert found.bound >= total.max()
    assert found.value == pytest.approx(total.max(), rel=1e-4)


def test_every_shape_of_points_is_exact():
    rng = np.random.default_rng(5)
    for _ in range(5):
        curves = {f"c{k}": Points(np.arange(5.0), np.append(0, rng.normal(0, 5, 4).cumsum())) for k in range(3)}
        found = best_of(curves, 6.0)
        whole = [
            sum(c.at(x) for c, x in zip(curves.values(), xs, strict=True))
            for xs in product(range(5), repeat=3)
            if sum(xs) <= 6
        ]
        # A vertex has at most one spend off the points, and the budget is whole.
        assert found.value == pytest.approx(max(whole), abs=1e-6)
        assert found.gap <= 1e-6


@pytest.mark.parametrize("factor", [1e-7, 1e7])
@pytest.mark.parametrize("power", [1.0, 2.5])
def test_units_of_the_responses_do_not_matter(factor, power):
    def plan(scale):
        return best_of({f"c{k}": hill((9.0 + k) * scale, 80.0 + 30 * k, power, 0.0, 500.0) for k in range(5)}, 400.0)

    one, other = plan(1.0), plan(factor)
    assert other.proved
    assert list(other.spend.values()) == pytest.approx(list(one.spend.values()), abs=0.1)
    assert other.value == pytest.approx(one.value * factor, rel=1e-6)


@pytest.mark.parametrize("factor", [1e-4, 1e6])
def test_units_of_money_do_not_matter(factor):
    def plan(scale):
        return best_of(
            {f"c{k}": hill(9.0 + k, (80.0 + 30 * k) * scale, 2.0, 0.0, 500 * scale) for k in range(5)}, 400 * scale
        )

    one, other = plan(1.0), plan(factor)
    assert other.proved
    assert other.value == pytest.approx(one.value, rel=1e-6)


@st.composite
def problems(draw):
    """Return points of any rising shape, and a budget."""
    count = draw(st.integers(2, 4))
    step = st.floats(0.0, 10.0, allow_subnormal=False)
    curves = {}
    for k in range(count):
        gains = draw(st.lists(step, min_size=3, max_size=3))
        curves[f"c{k}"] = Points([0.0, 10.0, 25.0, 60.0], [0.0, *np.cumsum(gains)])
    return curves, draw(st.floats(1.0, 150.0))


@settings(max_examples=25, deadline=None)
@given(problems())
def test_within_the_budget_under_the_bound_and_more_is_never_worse(problem):
    curves, budget = problem
    found, richer = best_of(curves, budget), best_of(curves, budget * 1.3)
    assert sum(found.spend.values()) <= budget * (1 + 1e-9)
    assert found.feasible
    assert found.bound >= found.value
    assert found.gap <= 1e-6
    assert richer.value >= found.value - 1e-5 * abs(found.value) - 1e-9


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.floats(1, 100), st.floats(10, 300), st.floats(1.1, 4)), min_size=2, max_size=5))
def test_the_bound_of_smooth_responses_stands_above_random_plans(parameters):
    curves = {f"c{k}": hill(t, h, p, 0.0, 400.0) for k, (t, h, p) in enumerate(parameters)}
    found = best_of(curves, 400.0)
    shares = np.random.default_rng(1).dirichlet(np.full(len(curves), 0.5), 2000) * 400
    values = sum(c.at(shares[:, k]) for k, c in enumerate(curves.values()))
    assert found.proved
    assert found.bound >= values.max() * (1 - 1e-9)
    assert found.value >= values.max() * (1 - 1e-6)


def test_many_s_shapes_get_binaries_only_where_they_need_them(monkeypatch):
    curves = {f"c{k}": hill(100.0 + 3 * k, 200.0 + 11 * (k % 7), 1.5 + 0.2 * (k % 9), 0.0, 1500.0) for k in range(16)}
    whole = best_of(curves, 1600.0, gap=1e-5)
    monkeypatch.setattr(refine, "FEW", 3)
    few = best_of(curves, 1600.0, gap=1e-5)
    assert whole.proved
    assert few.proved
    assert few.value == pytest.approx(whole.value, rel=2e-5)


def test_the_least_budget_meets_the_target_and_its_price_is_the_return():
    cells = cells_of()
    found = solve(Problem(cells, [target("the order target", cells, "orders", 900.0)], least_spend()))
    best = best_of(CURVES, found.value)
    assert found.proved
    assert found.kpis["orders"] == pytest.approx(900.0, rel=1e-6)
    assert found.bound <= found.value
    assert best.value == pytest.approx(900.0, rel=1e-5)
    price = found.duals.set_index("name").price
    assert price["the order target"] == pytest.approx(1 / best.duals.set_index("name").price["the budget"], rel=1e-2)
    assert "saves" in found.duals.words.iloc[0]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("unit", [None, 5000.0])
def test_prices_are_the_change_of_the_value(solver, unit):
    def plan(money, cap):
        cells = cells_of(CURVES | {"seo": hill(500.0, 5e4, 1.0, 0.0, 2e5)})
        cells[1] = Cell("kol", {"orders": CURVES["kol"]}, lever="kol", unit=unit)
        limits = [at_most("the budget", cells, money), at_most("the search account", cells[:1], cap)]
        return solve(Problem(cells, limits, maximise("orders")), gap=1e-9, solver=solver)

    found = plan(1e5, 2e4)
    price = found.duals.set_index("name").price
    for name, up, down in (
        ("the budget", (100_100, 2e4), (99_900, 2e4)),
        ("the search account", (1e5, 20_100), (1e5, 19_900)),
    ):
        slope = (plan(*up).value - plan(*down).value) / 200
        # The measured slope is over 200 yuan; the curves bend by well under 3 % in that.
        assert price[name] == pytest.approx(slope, rel=0.03)
        assert price[name] > 0
    assert found.duals.words.iloc[0].startswith("1,000 yuan more in the budget buys ")


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_programme_has_the_same_prices_by_either_solver(solver):
    programme = Programme()
    columns = programme.columns(np.array([1.0, 2.0, 0.0]), np.array([-3.0, -1.0, -5.0]))
    programme.row(columns, [1, 1, 1], "<=", 2.0)
    programme.row([], [], "<=", 1.0)
    answer = run(programme, solver=solver)
    assert answer.proved
    assert answer.objective == pytest.approx(-4.0)
    assert list(answer.prices) == pytest.approx([-1.0, 0.0])
    assert list(answer.x) == pytest.approx([1.0, 1.0, 0.0])


def test_pulp_still_gives_a_maximisation_opposite_duals():
    """Why programmes minimise: if this fails, PuLP has mended its signs and nothing here depends on them."""
    signs = []
    for solver in (pulp.HiGHS(msg=False), pulp.COIN_CMD(path=str(pulp.PULP_CBC_CMD.pulp_cbc_path), msg=False)):
        problem = pulp.LpProblem("p", pulp.LpMaximize)
        x = problem.add_variable("x", 0, 10)
        problem += 3 * x
        row = pulp.LpConstraint(pulp.LpAffineExpression({x: 1.0}), pulp.LpConstraintLE, "row", 2.0)
        problem.addConstraint(row)
        problem.solve(solver)
        signs.append(np.sign(row.pi))
    assert signs == [-1.0, 1.0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_cells_and_columns_without_width_do_not_break_a_solver(solver):
    cells = [
        *cells_of(),
        Cell("locked", {"orders": CURVES["search"]}, lower=1e4, upper=1e4),
        Cell("closed", {"orders": CURVES["kol"]}, upper=0.0),
    ]
    found = solve(Problem(cells, [at_most("the budget", cells, 5e4)], maximise("orders")), solver=solver)
    assert found.proved
    assert found.spend["locked"] == 1e4
    assert found.spend["closed"] == 0.0
    alone = solve(Problem(cells[3:], [], maximise("orders")), solver=solver)
    assert alone.value == pytest.approx(float(CURVES["search"].at(1e4)))


def market_split(rows=4, columns=40):
    """Return a programme no solver proves in a few seconds (Cornuejols and Dawande 1999, INFORMS J. Comput. 11, 205-210)."""
    rng = np.random.default_rng(1)
    programme = Programme()
    pick = [programme.column(0, 1, 0.0, True) for _ in range(columns)]
    for _ in range(rows):
        a = rng.integers(0, 100, columns)
        over, under = programme.column(0, 1e4, 1.0), programme.column(0, 1e4, 1.0)
        programme.row([*pick, over, under], [*a, 1, -1], "==", a.sum() // 2)
    return programme


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_run_stopped_by_time_is_not_called_optimal(solver):
    answer = run(market_split(), solver=solver, seconds=1.0)
    assert answer.status == "Time limit reached"
    assert not answer.proved
    assert answer.found
    assert answer.bound < answer.objective
    assert answer.gap > 0


def test_a_plan_stopped_by_time_says_so_and_keeps_a_bound():
    rng = np.random.default_rng(1)
    cells = [Cell(f"c{k}", {"orders": Points([0.0, 1.0], [0.0, 0.0])}, unit=1.0) for k in range(40)]
    limits = []
    for k in range(4):
        a = rng.integers(0, 100, 40)
        limits.append(
            Limit(
                f"row {k}",
                {c.name: float(v) for c, v in zip(cells, a, strict=True)},
                {},
                "==",
                float(a.sum() // 2),
                soft=1.0,
            )
        )
    found = solve(Problem(cells, limits, Goal({"orders": 1.0})), seconds=2.0)
    assert found.feasible
    assert not found.proved
    assert "time limit" in found.status
    assert found.solver_status == "Time limit reached"
    assert found.mip_gap > 0
    assert found.bound > found.value


def test_cbc_is_used_where_highspy_is_missing(monkeypatch):
    monkeypatch.setattr(pulp.HiGHS, "available", lambda self: False)
    assert available() == "CBC"
    assert best_of(CURVES, 1e5).solver == "CBC"


def test_whole_units_and_minimum_spends():
    cells = cells_of()
    cells[0] = Cell("search", {"orders": CURVES["search"]}, minimum=9e4)
    cells[1] = Cell("kol", {"orders": CURVES["kol"]}, unit=7000.0)
    found = solve(Problem(cells, [at_most("the budget", cells, 1e5)], maximise("orders")))
    values = {}
    for sessions in range(15):
        for search in [0.0, *np.arange(9e4, 1e5 + 1, 100)]:
            rest = 1e5 - 7000 * sessions - search
            if rest >= 0:
                plan = (
                    float(CURVES["search"].at(search)),
                    float(CURVES["kol"].at(7000.0 * sessions)),
                    float(CURVES["seo"].at(rest)),
                )
                values[sessions, search] = sum(plan)
    assert found.proved
    assert found.value == pytest.approx(max(values.values()), rel=1e-4)
    assert found.spend["kol"] % 7000 == 0
    assert found.spend["search"] == 0 or found.spend["search"] >= 9e4 * (1 - 1e-9)


def calendar():
    """Return two levers by four months."""
    months = ["m1", "m2", "m3", "m4"]
    curves = {"kol": hill(500.0, 3e4, 1.0, 0.0, 1e5), "ads": hill(300.0, 1e4, 1.0, 0.0, 1e5)}
    cells = [
        Cell(f"{lever} {m}", {"gmv": curve}, lever=lever, period=m, upper=0.0 if (lever, m) == ("kol", "m1") else None)
        for lever, curve in curves.items()
        for m in months
    ]
    return cells, months


def test_accounts_tranches_pacing_dates_and_reserve_hold():
    cells, months = calendar()
    ads = [c for c in cells if c.lever == "ads"]
    kol = [c for c in cells if c.lever == "kol"]
    limits = [
        at_most("the budget", cells, 2e5, reserve=0.1),
        *share("the ads account", ads, cells, 0.3, 0.4),
        *share("the first month", [c for c in cells if c.period == "m1"], cells, 0.0, 0.1),
        *tranches("money", cells, {"m2": 0.3 * 2e5}, months),
        *pacing("kol", kol, months, 3e4),
        at_least("the last month", [c for c in cells if c.period == "m4"], 5e4),
    ]
    found = solve(Problem(cells, limits, maximise("gmv")))
    x = found.spend

    def money(*, lever=None, upto=4):
        return sum(x[c.name] for c in cells if lever in (None, c.lever) and months.index(c.period) < upto)

    assert found.proved
    assert money() == pytest.approx(1.8e5)
    assert 0.3 - 1e-9 <= money(lever="ads") / money() <= 0.4 + 1e-9
    assert money(upto=1) <= 0.1 * money() + 1e-6
    assert money(upto=2) <= 6e4 + 1e-6
    assert x["kol m1"] == 0
    steps = np.diff([x[f"kol {m}"] for m in months])
    assert np.abs(steps).max() <= 3e4 + 1e-6
    assert x["kol m4"] + x["ads m4"] >= 5e4 - 1e-6


def test_returns_costs_and_filters_hold():
    curves = {
        "good": hill(8e5, 1e5, 1.0, 0.0, 3e5),
        "poor": hill(2e5, 1e5, 1.0, 0.0, 3e5),
        "bent": hill(9e5, 1.5e5, 3.0, 0.0, 3e5),
    }
    cells = [Cell(n, {"gmv": c, "buyers": Points([0.0, 3e5], [0.0, 3e3])}) for n, c in curves.items()]
    limits = [
        at_most("the budget", cells, 5e5),
        minimum_return("return of 1:4", cells, "gmv", 4.0),
        minimum_return("tools only above 1:3", [cells[1]], "gmv", 3.0),
    ]
    found = solve(Problem(cells, limits, maximise("gmv")))
    spent = sum(found.spend.values())
    assert found.proved
    assert found.kpis["gmv"] >= 4.0 * spent * (1 - 1e-6)
    assert found.spend["poor"] == pytest.approx(0.0, abs=1e-3)
    assert "held back by return of 1:4" in found.notes[0]
    capped = solve(
        Problem(
            cells,
            [cost_per("18 % of GMV", cells, "gmv", 0.18, fixed_spend=1e3), cost_per("CAC", cells, "buyers", 120.0)],
            maximise("gmv"),
        )
    )
    assert sum(capped.spend.values()) + 1e3 <= 0.18 * capped.kpis["gmv"] * (1 + 1e-6)
    assert sum(capped.spend.values()) <= 120.0 * capped.kpis["buyers"] * (1 + 1e-6)
    subsidy = solve(
        Problem(cells, [at_most("money and a subsidy per buyer", cells, 1e5, per={"buyers": 50.0})], maximise("gmv"))
    )
    assert sum(subsidy.spend.values()) + 50 * subsidy.kpis["buyers"] == pytest.approx(1e5, rel=1e-6)
    shocked = solve(
        Problem(cells, [at_most("the budget at prices 50 % up", cells, 1e5, surcharge=0.5)], maximise("gmv"))
    )
    assert sum(shocked.spend.values()) == pytest.approx(1e5 / 1.5, rel=1e-6)


def test_priorities_and_bands():
    cells = cells_of()
    limits = [at_most("the budget", cells, 5e4), priority("seo after kol", cells[1], cells[2])]
    found = solve(Problem(cells, limits, maximise("orders")))
    assert found.spend["kol"] / 2e5 >= found.spend["seo"] / 2e5 - 1e-9
    assert band(cells[0], 1e5, 0.2) == (8e4, 1.2e5)
    assert band(cells[0], 1e5, 0.0) == (1e5, 1e5)
    assert band(cells[0], 1.9e5, 0.2) == (1.52e5, 2e5)


def test_soft_targets_trade_off_against_the_goal():
    cells = [
        Cell("a", {"gmv": Points([0.0, 1e5], [0.0, 4e5]), "buyers": Points([0.0, 1e5], [0.0, 100.0])}),
        Cell("b", {"gmv": Points([0.0, 1e5], [0.0, 1e5]), "buyers": Points([0.0, 1e5], [0.0, 1000.0])}),
    ]

    def plan(cost):
        limits = [at_most("the budget", cells, 1e5), target("500 buyers", cells, "buyers", 500.0, soft=cost)]
        return solve(Problem(cells, limits, maximise("gmv")))

    # Moving a yuan from a to b loses 3 of GMV and wins .009 buyers: worth it above 333 a buyer.
    cheap, dear = plan(300.0), plan(400.0)
    assert cheap.spend["a"] == pytest.approx(1e5)
    assert cheap.notes[-1 if "missed" in cheap.notes[-1] else 0].startswith("500 buyers is missed by 400")
    assert dear.kpis["buyers"] == pytest.approx(500.0)
    assert dear.value == pytest.approx(dear.kpis["gmv"])


def test_several_kpis_and_falling_responses():
    cells = [
        Cell("ads", {"gmv": hill(5e5, 5e4, 1.0, 0.0, 2e5), "complaints": Points([0.0, 1e5, 2e5], [0.0, 10.0, 60.0])}),
        Cell("seo", {"gmv": hill(3e5, 5e4, 1.0, 0.0, 2e5)}),
    ]
    few = Limit("at most 8 complaints", value={("ads", "complaints"): 1.0}, level=8.0, unit="complaints")
    found = solve(Problem(cells, [at_most("the budget", cells, 2e5), few], maximise("gmv")))
    assert found.spend["ads"] == pytest.approx(8e4)
    goal = Goal({"gmv": 1.0, "complaints": -1e4})
    weighed = solve(Problem(cells, [], goal))
    assert weighed.proved
    # At 10,000 a complaint each yuan in ads costs 1 of GMV at first and 5 later; marginal GMV is 1 at 108,114 yuan.
    assert weighed.spend["ads"] == pytest.approx(1e5, rel=1e-3)


def test_a_target_marginal_return_leaves_the_rest_unspent():
    cells = cells_of({"search": CURVES["search"]})
    found = solve(Problem(cells, [at_most("the budget", cells, 2e5)], marginal_return("orders", 0.005)), gap=1e-9)
    # 900 h / (h + x)^2 = .005 at h = 40,000
    assert found.spend["search"] == pytest.approx((900 * 4e4 / 0.005) ** 0.5 - 4e4, rel=1e-3)
    assert "stay unspent: more of it would not raise the goal" in found.notes[0]


def test_unspent_money_and_edges_are_told():
    curves = {"search": Points([0.0, 1e4], [0.0, 50.0]), "tv": Points([0.0, 1e4], [0.0, -5.0])}
    found = best_of(curves, 5e4)
    assert "40,000.00 of 50,000 yuan of the budget stay unspent" in found.notes[0]
    assert any("edge" in n and "search" in n for n in found.notes)
    row = found.duals.set_index("name").loc["upper bound of search"]
    assert row.price == pytest.approx(0.005)
    assert set(found.cells.set_index("cell")["at"]) == {"edge", "lower"}


def test_shapes_and_names_are_checked():
    with pytest.raises(ValueError, match="not concave"):
        hill(1.0, 50.0, 1.0, 0.0, 100.0).__class__(hill(1.0, 50.0, 3.0, 0.0, 200.0).function, 0.0, 200.0)
    with pytest.raises(ValueError, match="derivative is wrong"):
        Smooth(lambda x: (np.sqrt(x + 1), np.sqrt(x + 1)), 0.0, 10.0)
    with pytest.raises(ValueError, match="must rise"):
        Points([0.0, 1.0, 1.0], [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="no such response"):
        Problem(cells_of(), [Limit("x", value={("kol", "gmv"): 1.0})], maximise("orders"))
    with pytest.raises(ValueError, match="unique"):
        Problem([*cells_of(), *cells_of()], [], maximise("orders"))
    with pytest.raises(ValueError, match="no cell responds"):
        Problem(cells_of(), [], maximise("gmv"))
    with pytest.raises(ValueError, match="known from"):
        Cell("x", {"orders": CURVES["kol"]}, upper=3e5)
    with pytest.raises(ValueError, match="smooth"):
        Problem(cells_of(), [Limit("x", value={("kol", "orders"): 1.0}, sense="==", level=5.0)], maximise("orders"))


def test_an_s_shape_without_its_bend_is_searched_for():
    found = Smooth(hill(1.0, 50.0, 3.0, 0.0, 400.0).function, 0.0, 400.0, "s")
    assert found.stretches[0][1] == pytest.approx(50.0 * (2 / 4) ** (1 / 3), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12))
def test_the_hull_is_the_least_concave_function_above(values):
    x, y = np.arange(float(len(values))), np.array(values)
    found = hull(x, y)
    assert (found >= y - 1e-9).all()
    assert (np.diff(found, 2) <= 1e-9).all()
    corners = np.flatnonzero(np.append(True, np.append(np.diff(found, 2) < -1e-9, True)))
    assert found[corners] == pytest.approx(y[corners])


@pytest.mark.parametrize(("power", "sign"), [(1.0, 1), (1.0, -1), (3.0, 1), (3.0, -1), (0.6, 1)])
def test_outer_corners_are_never_inside_the_response(power, sign):
    curve = hill(10.0, 40.0, power, 0.0, 300.0)
    x, y = curve.outside(sign, np.array([0.0, 13.0, 55.0, 120.0, 300.0]))
    fine = np.linspace(0, 300, 5001)
    drawn = np.interp(fine, x, y)
    assert (sign * (drawn - curve.at(fine)) >= -1e-9).all()
    assert np.abs(drawn - curve.at(fine)).max() < 6.0


def random_problem(seed):
    """Return whole-unit cells of any shape under random limits, hard and soft, of any sense."""
    rng = np.random.default_rng(seed)
    cells = []
    for k in range(rng.integers(2, 4)):
        points = Points(np.arange(5.0), rng.normal(0, 3, 5).round(2))
        smooth = hill(float(rng.uniform(1, 20)), float(rng.uniform(0.5, 3)), float(rng.uniform(0.6, 4)), 0.0, 4.0)
        minimum = float(rng.choice([0.0, 2.0]))
        upper = float(rng.integers(1, 5))
        cells.append(Cell(f"c{k}", {"a": points, "b": smooth}, upper=upper, unit=1.0, minimum=minimum))
    limits = []
    for k in range(rng.integers(1, 4)):
        spend = {c.name: float(rng.integers(-2, 4)) for c in cells if rng.random() < 0.7}
        value = {(c.name, kpi): float(rng.normal()) for c in cells for kpi in "ab" if rng.random() < 0.3}
        soft = float(rng.uniform(0.1, 3)) if rng.random() < 0.3 else None
        sense = str(rng.choice(["<=", ">="])) if value else str(rng.choice(["<=", ">=", "=="]))
        limits.append(Limit(f"l{k}", spend, value, sense, float(rng.integers(-2, 9)), soft))
    return Problem(
        cells, limits, Goal({"a": float(rng.normal()), "b": float(rng.normal())}, float(rng.uniform(-0.2, 1)))
    )


def test_random_problems_agree_with_trying_every_plan():
    for seed in range(40):
        problem = random_problem(seed)
        best = -np.inf
        levels = [[x for x in range(int(c.high) + 1) if x == 0 or x >= c.minimum] for c in problem.cells]
        for plan in product(*levels):
            worth = judge(problem, {c.name: float(x) for c, x in zip(problem.cells, plan, strict=True)})
            best = max(best, worth.goal if worth.feasible else -np.inf)
        found = solve(problem, solver=SOLVERS[seed % 4 == 0], why=False)
        assert found.feasible == np.isfinite(best)
        assert found.infeasible == (not found.feasible)
        if found.feasible:
            assert found.value == pytest.approx(best, rel=1e-5, abs=1e-6)
            assert found.bound >= best - 1e-6 * abs(best) - 1e-9
