"""Risk measures and the choice among plans."""

import numpy as np
import pytest
from scipy.stats import norm

from optimize.market import Bounds, Outcome, Plan, Space
from optimize.risk import Chance, CVaR, Mean, choose


class Gamble:
    """Two levers: one earns more per yuan and varies, the other earns less and does not."""

    space = Space(
        {"stream": Bounds(0, 100), "search": Bounds(0, 100)}, 100.0, Plan({"stream": 50.0, "search": 50.0}, {})
    )

    def evaluate(self, asked):
        out = []
        for plan, seed in asked:
            luck = np.random.default_rng(seed).standard_normal()
            credit = {"stream": plan.money["stream"] * (3 + 2 * luck), "search": plan.money["search"] * 2.0}
            out.append(Outcome(sum(credit.values()), credit))
        return out


PLANS = {"bold": Plan({"stream": 100.0, "search": 0.0}, {}), "calm": Plan({"stream": 10.0, "search": 90.0}, {})}


def test_measures_of_a_normal_sample():
    """Known values of a standard normal; tolerances are four standard errors of 200,000 draws."""
    kpi = np.random.default_rng(0).standard_normal(200_000)
    assert Mean()(kpi) == pytest.approx(0, abs=0.009)
    assert Chance(1.0)(kpi) == pytest.approx(norm.sf(1), abs=0.0033)
    assert CVaR(0.1)(kpi) == pytest.approx(-norm.pdf(norm.ppf(0.1)) / 0.1, abs=0.015)
    assert CVaR(1.0)(kpi) == pytest.approx(kpi.mean())


def test_cvar_agrees_with_its_optimisation():
    """Rockafellar and Uryasev: the largest of t - E max(t - kpi, 0) / share over t."""
    kpi = np.random.default_rng(1).exponential(size=37)
    best = max(t - np.maximum(t - kpi, 0).mean() / 0.23 for t in kpi)
    assert CVaR(0.23)(kpi) == pytest.approx(best)


def test_risk_changes_the_choice_and_says_so():
    by_mean = choose(Gamble(), PLANS, range(200), Mean())
    assert by_mean.name == "bold"
    assert by_mean.warnings == ()
    by_risk = choose(Gamble(), PLANS, range(200), CVaR(0.2))
    assert by_risk.name == "calm"
    assert "takes 90 of 100 yuan from stream" in by_risk.warnings[0]
    assert by_risk.table.set_index("plan").loc["calm", "lead"] > 0.99


def test_refuses():
    with pytest.raises(ValueError, match="`0 < share <= 1` must hold, but got 0"):
        CVaR(0)
    with pytest.raises(ValueError, match="20 seeds and a plan, but got 5 and 2"):
        choose(Gamble(), PLANS, range(5), Mean())
