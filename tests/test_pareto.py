"""Several goals: the front and its knees."""

import numpy as np
import pytest

from optimize.market import Bounds, Plan, Setting, Space
from optimize.pareto import affordable, names_of_knees, pareto


class Trade:
    """Sales want money and a deep discount, spend wants neither; waste lies in the wrong face value."""

    space = Space({"ads": Bounds(0, 100)}, 80.0, Plan({"ads": 60.0}, {"face": 5.0}), {"face": Setting(1, 10)})
    goals = {"sales": "maximize", "spend": "minimize"}

    def evaluate(self, plan, seeds):
        x, waste = plan.money["ads"], (plan.settings["face"] - 4) ** 2
        luck = [np.random.default_rng(seed).standard_normal() for seed in seeds]
        return [{"sales": 100 * x / (20 + x) - waste + z, "spend": x} for z in luck]


def test_front_is_near_the_known_one():
    """On the true front the face value is 4; ten generations bring the mean waste of the front below 1."""
    front = pareto(Trade(), trials=240, seed=1, population=24)
    table = front.table
    assert not dominated(table[["sales", "spend"]].to_numpy() * [1, -1]).any()
    assert (table["money.ads"] <= 80).all()
    assert ((table["setting.face"] - 4) ** 2).mean() < 1.0
    assert table["sales"].is_monotonic_decreasing
    assert (table["knee"] == "knee").sum() == 1
    assert (table["SE sales"] > 0).all()
    again = pareto(Trade(), trials=240, seed=1, population=24)
    assert again.table.equals(table)


def test_knees_of_a_known_front():
    x = np.linspace(0, 1, 101)
    values = np.column_stack([x, np.minimum(1.0, 4 * (1 - x))])
    names = names_of_knees(values, 1)
    assert names.index("knee") == 75
    assert names_of_knees(np.column_stack([x, 1 - x]), 2) == [""] * 101


def test_scales_money_to_the_budget():
    space = Space({"a": Bounds(10, 90), "b": Bounds(0, 90)}, 100.0, Plan({"a": 10.0, "b": 0.0}, {}))
    plan = affordable(space, Plan({"a": 90.0, "b": 90.0}, {}))
    assert sum(plan.money.values()) == pytest.approx(100)
    assert plan.money["a"] > 10


def test_refuses_one_goal():
    class One(Trade):
        goals = {"sales": "maximize"}

    with pytest.raises(ValueError, match="2 goals"):
        pareto(One(), trials=30, seed=1)


def dominated(values):
    """Return whether each plan is beaten in one goal and in none better."""
    at_least = (values[None] >= values[:, None]).all(2)
    return (at_least & (values[None] > values[:, None]).any(2)).any(1)
