"""The coupled search on a small market whose mean is known."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from optimize.market import Bounds, Outcome, Plan, Setting, Space
from optimize.race import race
from optimize.search import search

TOPS, HALVES, POWERS = np.array([300.0, 200.0, 350.0]), np.array([20.0, 10.0, 40.0]), np.array([1.0, 1.0, 3.0])
START = Plan({"a": 10.0, "b": 10.0, "c": 80.0}, {"face": 16.0})


@dataclass
class Shop:
    """Three levers, one of them S-shaped, and the face value of a coupon: more sales, less of each."""

    start: Plan = START
    calls: list[int] = field(default_factory=list)
    broken: int = -1

    @property
    def space(self) -> Space:
        levers = {name: Bounds(0, 100) for name in "abc"}
        return Space(levers, 100.0, self.start, {"face": Setting(1, 20, log=True)})

    def evaluate(self, asked):
        return [self.outcome(plan, seed) for plan, seed in asked]

    def outcome(self, plan, seed):
        self.calls.append(seed)
        if len(self.calls) == self.broken:
            raise RuntimeError("the market is closed")
        random = np.random.default_rng(seed)
        weather, luck = 1 + 0.15 * random.standard_normal(), random.standard_normal(4)
        each = means(plan) * weather
        each = each + 2 * np.sqrt(np.abs(each)) * luck
        return Outcome(float(each.sum()), dict(zip("abc", each[:3].tolist(), strict=True)))


def means(plan):
    """Return the mean credit of each lever and of its own accord [4]."""
    x = np.array([plan.money[name] for name in "abc"])
    face = plan.settings["face"]
    gain = 1 + 0.4 * np.log(face) - 0.06 * face
    share = x**POWERS / (x**POWERS + HALVES**POWERS)
    return gain * np.r_[TOPS * share, 80.0]


def value(plan):
    return float(means(plan).sum())


def optimum():
    """Return the best mean by enumeration to half a yuan; the best face value is .4 / .06, whatever the money."""
    step = np.arange(0, 100.5, 0.5)
    a, b = np.meshgrid(step, step)
    c = np.maximum(100 - a - b, 0)
    total = sum(t * x**p / (x**p + h**p) for t, h, p, x in zip(TOPS, HALVES, POWERS, (a, b, c), strict=True))
    face = 0.4 / 0.06
    return (1 + 0.4 * np.log(face) - 0.06 * face) * (total[a + b <= 100].max() + 80)


@pytest.fixture(scope="module")
def proposal():
    return search(Shop(), replications=80, seed=1)


def test_beats_the_current_plan(proposal):
    """Within 3 % of the optimum after 80 replications; six other seeds lost 0 to .9 %."""
    assert proposal.confirmed
    assert value(proposal.plan) > 0.97 * optimum() > 1.1 * value(START)


def test_tells_how_it_got_there(proposal):
    assert proposal.trace["replications"].is_monotonic_increasing
    assert proposal.trace["replications"].iloc[-1] == 80
    assert {"money.a", "setting.face", "doubt"} <= set(proposal.trace)
    assert proposal.replications == 80 + proposal.race.replications
    low, high = proposal.race.interval("found", "current")
    assert low < value(proposal.found) - value(START) < high


def test_same_arguments_same_trials(proposal):
    again = search(Shop(), replications=80, seed=1)
    assert again.trace.equals(proposal.trace)
    assert again.plan == proposal.plan
    assert search(Shop(), replications=30, seed=2).found != proposal.found


def test_race_is_on_fresh_seeds():
    market = Shop()
    search(market, replications=30, seed=3, verify=16)
    assert set(market.calls[:30]).isdisjoint(market.calls[30:])


def test_resumes(tmp_path):
    """Broken off in the middle of a stage and continued, the trials are those of one go."""
    storage = f"sqlite:///{tmp_path}/study.db"
    with pytest.raises(RuntimeError, match="the market is closed"):
        search(Shop(broken=22), replications=30, seed=1, first=12, verify=8, storage=storage)
    whole = search(Shop(), replications=30, seed=1, first=12, verify=8)
    parts = search(Shop(), replications=30, seed=1, first=12, verify=8, storage=storage)
    assert parts.trace.equals(whole.trace)
    with pytest.raises(ValueError, match="was begun with"):
        search(Shop(), replications=60, seed=2, storage=storage)


def test_keeps_the_current_plan_without_proof():
    """The start is the optimum: no gain can be proved, and none is claimed."""
    face, step = {"face": 0.4 / 0.06}, range(101)
    plans = [Plan({"a": a, "b": b, "c": 100 - a - b}, face) for a in step for b in step if a + b <= 100]
    best = max(plans, key=value)
    found = search(Shop(start=best), replications=40, seed=1, verify=16)
    assert not found.confirmed
    assert found.plan == best
    assert "is not proved" in found.notes[0]


def test_race_tells_plans_apart():
    better = Plan({"a": 25.0, "b": 15.0, "c": 60.0}, {"face": 6.0})
    result = race(Shop(), {"current": START, "better": better}, range(64))
    assert result.interval("better", "current")[0] > 0
    assert result.replications < 128
    with pytest.raises(ValueError, match="a race needs 8 seeds and 2 plans or more, but got 4 and 2"):
        race(Shop(), {"current": START, "better": better}, range(4))


def test_refuses_too_few_replications():
    with pytest.raises(ValueError, match="`2 <= first < replications`"):
        search(Shop(), replications=10, seed=1)


def test_stops_when_little_doubt_is_left():
    found = search(Shop(), replications=400, seed=1, tolerance=0.03, verify=8)
    assert found.trace["replications"].iloc[-1] < 200
    assert found.doubt < 0.03 * found.expected


class Part(Shop):
    """The shop with only its levers, or only its coupon, to choose; the other as in `START`."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    @property
    def space(self):
        whole = super().space
        if self.what == "levers":
            return Space(whole.levers, 100.0, Plan(START.money, {}))
        return Space({}, 100.0, Plan({}, START.settings), whole.settings)

    def outcome(self, plan, seed):
        outcome = super().outcome(Plan(plan.money or START.money, plan.settings or START.settings), seed)
        return outcome if plan.money else Outcome(outcome.kpi, {})


def test_levers_alone():
    """The best money does not depend on the face value: within 3 % of what it can bring."""
    found = search(Part("levers"), replications=60, seed=1).found
    best = Plan({"a": 25.0, "b": 15.0, "c": 60.0}, START.settings)
    assert value(Plan(found.money, START.settings)) > 0.97 * value(best)


def test_settings_alone():
    found = search(Part("settings"), replications=60, seed=1).found
    best = Plan(START.money, {"face": 0.4 / 0.06})
    assert value(Plan(START.money, found.settings)) > 0.97 * value(best)


def test_integer_settings_stay_whole():
    class Whole(Shop):
        @property
        def space(self):
            whole = super().space
            return Space(whole.levers, 100.0, self.start, {"face": Setting(1, 20, integer=True)})

    found = search(Whole(), replications=40, seed=1, verify=8)
    assert all(x == round(x) for x in found.trace["setting.face"])
