"""Several goals: fronts of markets whose front is known, and their knees."""

from dataclasses import dataclass

import numpy as np
import pytest

from optimize.coupled import first_plans
from optimize.market import Bounds, Outcome, Plan, Setting, Space
from optimize.pareto import beaten, front, knees, lattice
from optimize.response import Runs, fit

TOPS, HALVES = np.array([60.0, 40.0]), np.array([20.0, 10.0])
LEVERS = {"ads": Bounds(0, 100), "kol": Bounds(0, 100)}
NOW = Plan({"ads": 10.0, "kol": 40.0}, {"face": 8.0})
MEASURES = ("sales", "spend", "level", "rare")
SPACE = Space(LEVERS, 80.0, NOW, {"face": Setting(1, 10)}, MEASURES)


@dataclass
class Trade:
    """Sales want money, best split by its returns, and a face value of 4; spend wants none; the rest is the same for all."""

    space: Space = SPACE
    noise: float = 1.0

    def evaluate(self, asked):
        return [self.outcome(plan, seed) for plan, seed in asked]

    def outcome(self, plan, seed):
        random = np.random.default_rng(seed)
        x, face = np.array([plan.money.get(name, 30.0) for name in LEVERS]), plan.settings.get("face", 4.0)
        credit = TOPS * x / (HALVES + x) + 0.3 * self.noise * random.standard_normal(2)
        kpi = float(credit.sum() - (face - 4) ** 2 + self.noise * random.standard_normal())
        rare = kpi if seed % 2 else np.nan
        measures = {"sales": kpi, "spend": float(x.sum()), "level": 7.0, "rare": rare}
        mine = {name: value for name, value in zip(LEVERS, credit.tolist(), strict=True) if name in self.space.levers}
        return Outcome(kpi, mine, measures)


def sales(plan):
    x = np.array([plan.money.get(name, 30.0) for name in LEVERS])
    return float((TOPS * x / (HALVES + x)).sum() - (plan.settings.get("face", 4.0) - 4) ** 2)


def most(money):
    """Return the most sales for so much money, by enumeration to a thousandth of it."""
    x = money * np.linspace(0, 1, 1001)
    return float((TOPS[0] * x / (HALVES[0] + x) + TOPS[1] * (money - x) / (HALVES[1] + money - x)).max())


def learned(market, count=96):
    """Return runs of a random design and the curves fitted to them."""
    space = market.space
    plans = [space.plan(*each) for each in first_plans(space, count, np.random.default_rng(1))]
    seeds = 5_000 + np.arange(count) // 4
    found = market.evaluate(list(zip(plans, seeds.tolist(), strict=True)))
    runs = Runs(
        np.array([space.spend(plan) for plan in plans]), np.array([space.unit(plan) for plan in plans]), seeds,
        np.array([[o.credit[name] for name in space.levers] for o in found]), np.array([o.kpi for o in found]),
        np.array([[o.measures[name] for name in space.measures] for o in found]),
    )  # fmt: skip
    return runs, fit(runs, money=space.budget)


GOALS = {"sales": "maximize", "spend": "minimize"}


@pytest.fixture(scope="module")
def found():
    return front(Trade(), GOALS, *learned(Trade()), {"current": NOW}, range(16))


def test_front_is_near_the_known_one(found):
    """For what they spend, all plans sell within 3 % of the most that can be sold: the scale is 85 at the whole budget."""
    assert len(found.table) >= 5
    for name in found.table["plan"]:
        plan = found.plans[name]
        assert sales(plan) > most(sum(plan.money.values())) - 0.03 * most(80)


def test_front_reaches_both_ends(found):
    """The most of each goal alone: within 3 % of the most sales, and no money at all."""
    assert sales(found.plans[found.table["plan"].iloc[0]]) > 0.97 * most(80)
    assert found.table["spend"].min() == pytest.approx(0, abs=1e-9)


def test_front_is_a_front(found):
    table = found.table
    assert not beaten(table[["sales", "spend"]].to_numpy() * [1, -1]).any()
    assert table["sales"].is_monotonic_decreasing
    assert list(table) == ["plan", "sales", "SE sales", "spend", "SE spend", "knee"]
    assert set(found.plans) == set(table["plan"])
    assert found.tried > len(table)
    assert "current" not in found.plans
    for plan in found.plans.values():
        SPACE.check(plan)


def test_errors_are_those_of_means(found):
    """Every run has one more standard deviation of luck than its credits': sqrt(1 + 2 x .09); 16 runs, within a half."""
    assert found.table["SE sales"].to_numpy() == pytest.approx(np.sqrt(1.18 / 16), rel=0.5)
    assert found.table["SE spend"].to_numpy() == pytest.approx(0, abs=1e-9)


def test_one_knee_between_the_ends(found):
    """Returns diminish, so the front bulges: one plan inside it is farthest from the line between its ends."""
    table = found.table
    assert table["knee"].sum() == 1
    assert not table["knee"].iloc[[0, -1]].any()
    scaled = [(table[name] - table[name].min()) / np.ptp(table[name]) for name in ("sales", "spend")]
    assert (scaled[0] - scaled[1]).idxmax() == table["knee"].idxmax()


def test_the_same_question_has_the_same_front(found):
    again = front(Trade(), GOALS, *learned(Trade()), {"current": NOW}, range(16))
    assert again.table.equals(found.table)


def test_a_current_plan_on_the_front_stays():
    quiet = Trade(noise=1e-3)
    best = max((Plan({"ads": a, "kol": 50.0 - a}, {"face": 4.0}) for a in np.linspace(0, 50, 501)), key=sales)
    found = front(quiet, GOALS, *learned(quiet), {"current": best}, range(4))
    assert "current" in found.plans


def test_three_goals():
    """A goal that all plans reach alike changes nothing of what is on the front."""
    found = front(Trade(), {**GOALS, "level": "maximize"}, *learned(Trade()), {"current": NOW}, range(8))
    assert (found.table["level"] == 7).all()
    assert not beaten(found.table[["sales", "spend"]].to_numpy() * [1, -1]).any()
    assert len(found.table) >= 3


def test_runs_that_cannot_measure_a_goal_do_not_count():
    """Half of the seeds measure `rare`, which is the sales: means over those."""
    found = front(Trade(), {"rare": "maximize", "spend": "minimize"}, *learned(Trade()), {}, range(16))
    assert np.isfinite(found.table.drop(columns=["plan", "knee"]).to_numpy()).all()
    top = found.plans[found.table["plan"].iloc[0]]
    odd = [outcome.kpi for outcome in Trade().evaluate([(top, seed) for seed in range(1, 16, 2)])]
    assert found.table["rare"].iloc[0] == pytest.approx(np.mean(odd))
    assert found.table["SE rare"].iloc[0] == pytest.approx(np.std(odd, ddof=1) / np.sqrt(8))


def test_levers_or_settings_alone():
    money = Trade(Space(LEVERS, 80.0, Plan(NOW.money, {}), {}, MEASURES))
    found = front(money, GOALS, *learned(money), {}, range(8))
    assert all(sales(plan) > most(sum(plan.money.values())) - 0.03 * most(80) for plan in found.plans.values())
    coupon = Trade(Space({}, 80.0, Plan({}, NOW.settings), SPACE.settings, MEASURES))
    found = front(coupon, GOALS, *learned(coupon), {}, range(8))
    assert found.plans[found.table["plan"].iloc[0]].settings["face"] == pytest.approx(4, abs=0.5)


def test_refuses():
    ready = learned(Trade(), 24)
    with pytest.raises(ValueError, match=r"2 to 4 goals .* but got \['sales'\] and 8 seeds"):
        front(Trade(), {"sales": "maximize"}, *ready, {}, range(8))
    with pytest.raises(ValueError, match=r"2 seeds or more are needed, but got .* and 1 seeds"):
        front(Trade(), GOALS, *ready, {}, range(1))
    with pytest.raises(ValueError, match="'luck' is no measure of the market; it has sales, spend, level, rare"):
        front(Trade(), {"sales": "maximize", "luck": "maximize"}, *ready, {}, range(8))


def test_lattice_holds_all_weights():
    weights = lattice(3, 4)
    assert len(weights) == 15
    assert weights.sum(1) == pytest.approx(1)
    assert len({tuple(row) for row in weights.tolist()}) == 15
    assert (weights >= 0).all()


def test_beaten_by_definition():
    """Against the definition, pair by pair, on 60 rounded points with ties."""
    values = np.random.default_rng(2).integers(0, 6, (60, 3)).astype(float)
    by_hand = [any((other >= row).all() and (other > row).any() for other in values) for row in values]
    assert beaten(values).tolist() == by_hand


def test_knees_of_a_known_front():
    """`min(1, 4 (1 - x))` bends at x = 3/4; a straight front has no knee."""
    x = np.linspace(0, 1, 101)
    assert np.flatnonzero(knees(np.column_stack([x, np.minimum(1.0, 4 * (1 - x))]), 1)).tolist() == [75]
    assert not any(knees(np.column_stack([x, 1 - x - 1e-3 * np.sin(np.pi * x)]), 2))
    assert knees(np.array([[0.0, 1.0], [1.0, 0.0]]), 1) == [False, False]


class Straight(Trade):
    """Each yuan sells the same, so that every plan with the right face value is on the front."""

    def outcome(self, plan, seed):
        outcome = super().outcome(plan, seed)
        credit = {name: 0.8 * plan.money[name] for name in LEVERS}
        sold = sum(credit.values()) - (plan.settings["face"] - 4) ** 2
        return Outcome(sold, credit, {**outcome.measures, "sales": sold})


def test_a_straight_front_is_filled():
    """Weighted sums find the ends of a straight front only; between them, gaps are a quarter of the budget or less."""
    found = front(Straight(), GOALS, *learned(Straight()), {}, range(2))
    spent = np.sort(found.table["spend"])
    assert spent[0] == 0
    assert spent[-1] > 79
    assert np.diff(spent).max() <= 20
    assert found.tried <= 9
