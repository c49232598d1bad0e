"""The coupled search on a small market whose mean is known."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from optimize.coupled import split
from optimize.market import Bounds, Outcome, Plan, Setting, Space
from optimize.race import race
from optimize.sampler import CoupledSampler
from optimize.search import SEEDS, Standing, search

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


@dataclass
class Bound(Shop):
    """The shop under a promise of new customers, whom only b and the coupon bring."""

    cost: float = 10.0
    """Goal for each customer missing."""

    @property
    def space(self):
        whole = super().space
        return Space(whole.levers, 100.0, self.start, whole.settings, ("kept", "rare"), {"kept": self.cost})

    def outcome(self, plan, seed):
        outcome = super().outcome(plan, seed)
        luck = np.random.default_rng([seed, 1]).standard_normal()
        measures = {"kept": kept(plan) + luck, "rare": luck if seed % 2 else np.nan}
        return Outcome(outcome.kpi, outcome.credit, measures)


def kept(plan):
    return 180 * plan.money["b"] / (10 + plan.money["b"]) + 2 * plan.settings["face"] - 150


def kept_optimum():
    """Return the best mean among plans that keep the promise, by enumeration to a yuan and half a yuan of face value."""
    best, step = 0.0, np.arange(0, 101.0)
    for face in np.arange(4.0, 12, 0.5):
        share = (150 - 2 * face) / 180
        for b in np.arange(10 * share / (1 - share), 60, 1.0):
            c = step[step <= 100 - b]
            x = np.array([100 - c - b, np.full(len(c), b), c])
            parts = [t * y**p / (y**p + h**p) for t, h, p, y in zip(TOPS, HALVES, POWERS, x, strict=True)]
            best = max(best, float(((1 + 0.4 * np.log(face) - 0.06 * face) * (sum(parts) + 80)).max()))
    return best


def test_a_promise_moves_the_plan(proposal):
    """What is best without it misses it by 30 customers; with it, the plan keeps it to two and is within 4 % of the best
    that does (six seeds: kept by .6 to 2.1 and within 2 %).
    """
    assert kept(proposal.found) < -20
    found = search(Bound(), replications=80, seed=1)
    assert found.confirmed
    assert kept(found.plan) > -2
    assert value(found.plan) > 0.96 * kept_optimum()


def test_a_cheap_promise_is_broken():
    """At a tenth of the goal a customer, thirty of them are not worth the 3 % of the goal that they would take."""
    found = search(Bound(cost=0.1), replications=60, seed=1, verify=8).found
    assert kept(found) < -15
    assert value(found) > 0.96 * optimum()


def test_the_race_counts_promises():
    """A plan that keeps the promise against one that misses it: the value of what is missed is in the difference."""
    keeping = Plan({"a": 25.0, "b": 35.0, "c": 40.0}, {"face": 6.0})
    result = race(Bound(), {"current": START, "keeping": keeping}, range(16))
    gain = value(keeping) - value(START) + 10 * -kept(START)
    low, high = result.interval("keeping", "current")
    assert kept(keeping) > 0 > kept(START) + 20
    assert low < gain < high
    assert high - low < gain


def test_promises_are_about_measures():
    with pytest.raises(ValueError, match=r"'moon' is none of \['kept'\]"):
        Space({"a": Bounds(0, 1)}, 1.0, Plan({"a": 0.0}, {}), {}, ("kept",), {"moon": 1.0})


def test_reports_how_far_it_is():
    told: list[Standing] = []
    found = search(Shop(), replications=40, seed=1, verify=8, report=told.append)
    trials = [standing.trials for standing in told]
    assert trials == sorted(set(trials))
    assert (trials[0], trials[-1]) == (4, 40)
    assert {standing.of for standing in told} == {40}
    begun = [standing.trials > 24 for standing in told]
    assert [np.isfinite(standing.expected) for standing in told] == begun
    assert all(standing.half > 0 for standing, known in zip(told, begun, strict=True) if known)
    assert abs(told[-1].expected - found.expected) < 10 * told[-1].half


def test_finals_are_run_in_the_market_for_finals():
    small, large = Shop(), Shop()
    found = search(small, replications=30, seed=1, verify=8, finals=large)
    assert len(small.calls) == 30
    assert len(large.calls) == found.race.replications
    assert set(small.calls).isdisjoint(large.calls)
    assert found.race.kpis["found"].tolist() == [large.outcome(found.found, seed).kpi for seed in large.calls[8:16]]


def test_a_finished_search_goes_on_from_where_it_was(tmp_path):
    """More replications of the same study run what is missing only; none when none is."""
    storage = f"sqlite:///{tmp_path}/new/study.db"
    first = search(Shop(), replications=12, seed=1, first=8, verify=8, storage=storage)
    again = Shop()
    assert search(again, replications=12, seed=1, first=8, verify=8, storage=storage).trace.equals(first.trace)
    assert min(again.calls) >= SEEDS + SEEDS // 2
    more = Shop()
    search(more, replications=18, seed=1, first=8, verify=8, storage=storage)
    assert sum(seed < SEEDS + SEEDS // 2 for seed in more.calls) == 6


AT_ONCE = []


def wait_for_all(barrier):
    AT_ONCE.append(barrier)


def work(storage):
    """Search with others; return the number of search runs that this process made."""
    market = Shop()
    AT_ONCE[0].wait()
    search(market, replications=28, seed=1, first=16, verify=8, storage=storage, alone=False)
    return sum(seed < SEEDS + SEEDS // 2 for seed in market.calls)


def test_processes_share_a_study(tmp_path):
    """Two begin at once; together they make the runs asked for, each run once, and another finds nothing left to do."""
    storage = f"sqlite:///{tmp_path}/study.db"
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn, initializer=wait_for_all, initargs=(spawn.Barrier(2),)) as pool:
        counts = list(pool.map(work, [storage, storage]))
    assert sum(counts) == 28
    assert min(counts) > 0
    assert states(storage)[TrialState.COMPLETE] == 28
    assert TrialState.RUNNING not in states(storage)
    market = Shop()
    found = search(market, replications=28, seed=1, first=16, verify=8, storage=storage, alone=False)
    assert min(market.calls) >= SEEDS + SEEDS // 2
    seeds, each = np.unique(found.runs.seed, return_counts=True)
    assert (each == 4).all()
    assert len(seeds) == 7


def test_no_trial_too_many(tmp_path, monkeypatch):
    """Another process takes the last places between counting and asking: what is asked for then is void."""
    storage = f"sqlite:///{tmp_path}/study.db"
    room, others = CoupledSampler.room, []

    def meddled(sampler, place):
        if place == 12 and not others:
            others.append(place)
            search(Shop(), replications=16, seed=1, first=8, verify=8, storage=storage, alone=False)
        return room(sampler, place)

    monkeypatch.setattr(CoupledSampler, "room", meddled)
    found = search(Shop(), replications=16, seed=1, first=8, verify=8, storage=storage, alone=False)
    assert len(found.runs) == 16
    assert states(storage) == {TrialState.COMPLETE: 16, TrialState.FAIL: 4}


def test_a_study_taken_over_says_so(tmp_path):
    """A second search that thinks itself alone declares the trials of the first void."""
    storage = f"sqlite:///{tmp_path}/study.db"

    class Meddled(Shop):
        def evaluate(self, asked):
            if len(self.calls) == 8:
                search(Shop(), replications=12, seed=1, first=8, verify=8, storage=storage)
            return super().evaluate(asked)

    with pytest.raises(ValueError, match=r"another process took the study 'coupled' over; .*--join"):
        search(Meddled(), replications=12, seed=1, first=8, verify=8, storage=storage)


def states(storage):
    trials = optuna.load_study(study_name="coupled", storage=storage).get_trials(deepcopy=False)
    found = [trial.state for trial in trials]
    return {state: found.count(state) for state in set(found)}


@pytest.mark.parametrize("url", ["here", "mysql://nobody@nowhere/none", "sqlite:///{folder}"])
def test_storages_that_cannot_be_used(url, tmp_path):
    with pytest.raises(ValueError, match=r"the storage .* cannot be used: "):
        search(Shop(), replications=30, seed=1, storage=url.format(folder=tmp_path))


def test_other_parameters_are_another_study(tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    search(Shop(), replications=9, seed=1, first=8, verify=8, storage=storage)
    with pytest.raises(ValueError, match=r"has the parameters .*setting.face.*: it is of another space"):
        search(Part("levers"), replications=9, seed=1, first=8, verify=8, storage=storage)


class Dear(Shop):
    """The shop where each yuan of media takes 8 from the goal."""

    @property
    def space(self):
        return replace(super().space, price=8.0)

    def outcome(self, plan, seed):
        outcome = super().outcome(plan, seed)
        return Outcome(outcome.kpi - 8.0 * sum(plan.money.values()), outcome.credit)


def test_dear_money_stays_unspent():
    """Where money costs more than it brings beyond a point: within 4 % of the best, by enumeration of each lever alone,
    for they do not compete. The price that is known is the price learned, to a yuan.
    """
    found = search(Dear(), replications=80, seed=1)
    step, face = np.arange(0, 100.5, 0.5), 0.4 / 0.06
    gain = 1 + 0.4 * np.log(face) - 0.06 * face
    parts = [gain * t * step**p / (step**p + h**p) - 8 * step for t, h, p in zip(TOPS, HALVES, POWERS, strict=True)]
    best = sum(part.max() for part in parts) + 80 * gain
    assert sum(step[part.argmax()] for part in parts) < 50
    assert value(found.plan) - 8 * sum(found.plan.money.values()) > 0.96 * best
    assert found.responses.price == pytest.approx(8, abs=1)


class Cap:
    """A rule beside the bounds: c gets 30 at most."""

    def __init__(self, space):
        self.space = replace(space, levers={**space.levers, "c": Bounds(0, 30)}, current=CAPPED)

    def __call__(self, responses, unit):
        return split(self.space, responses, unit)

    def keeps(self, responses, spend, unit):
        return spend[2] <= 30

    def by_shares(self, responses, curves, worth, price, unit):
        raise NotImplementedError

    def solution(self, responses, unit, at):
        """Nothing is certified here, so that the search's own money is raced."""
        return SimpleNamespace(feasible=False)

    def whole(self, responses, spend, unit):
        return spend


CAPPED = Plan({"a": 30.0, "b": 40.0, "c": 30.0}, {"face": 16.0})


def test_no_trial_that_breaks_a_limit_wins():
    """Plans of the opening keep the bounds only; those with more for c would win the race, but may not run it."""

    class Ruled(Shop):
        @property
        def space(self):
            space = super().space
            return replace(space, divide=Cap(space))

    found = search(Ruled(start=CAPPED), replications=60, seed=1)
    tried = found.runs.spend[:, 2]
    assert max(value(Plan(dict(zip("abc", x, strict=True)), found.found.settings)) for x in found.runs.spend) > value(
        found.plan
    )
    assert tried.max() > 50
    assert found.confirmed
    assert found.plan.money["c"] <= 30
