"""Studies that several processes share: the living run again what the dead left, and nobody learns from nothing."""

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from test_search import Part, Shop, states

from optimize import joiners
from optimize.joiners import SIGN, Watch, beating, heir, seated
from optimize.sampler import CoupledSampler, history, place_of, roll, search_space
from optimize.search import SEEDS, open_study, search, suggest

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["optimize.search"])
QUICK = {"BEAT": 0.2, "GRACE": 3.0, "PAUSE": 0.1}
"""Signs of life for tests [s]."""
SMALL = {"seed": 1, "first": 12, "verify": 8}


@pytest.fixture
def quick(monkeypatch):
    for name, seconds in QUICK.items():
        monkeypatch.setattr(joiners, name, seconds)


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path}/study.db"


@dataclass
class Held(Shop):
    """The shop that takes its time with the block after so many runs, and tells by a file when it begins."""

    at: int = 0
    seconds: float = 0.0
    told: str = ""

    def evaluate(self, asked):
        if len(self.calls) == self.at:
            Path(self.told).touch()
            time.sleep(self.seconds)
        return super().evaluate(asked)


def work(storage, market, replications, alone):
    """Search, with others or as if alone."""
    for name, seconds in QUICK.items():
        setattr(joiners, name, seconds)
    search(market, replications=replications, storage=storage, alone=alone, **SMALL)


def begin(storage, market, replications, alone=False):
    """Return a process that searches, once it holds its block."""
    process = SERVER.Process(target=work, args=(storage, market, replications, alone))
    process.start()
    while not Path(market.told).exists():
        assert process.is_alive()
        time.sleep(0.02)
    return process


def places(study):
    """Return (seed, goal) of each finished place of a proposal or a study's runs."""
    return list(zip(study.runs.seed.tolist(), study.runs.kpi.tolist(), strict=True))


@pytest.mark.parametrize("at", [4, 12])
def test_the_living_run_what_a_killed_process_left(at, storage, tmp_path, quick):
    """Killed in its second block, of the opening, or its fourth, after it: no run is missing, each seed has its four. What
    the opening lost is run before anything is learned, so that the trials are those of one go.
    """
    victim = begin(storage, Held(at=at, seconds=600, told=f"{tmp_path}/begun"), 24)
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    assert states(storage)[TrialState.RUNNING] == 4
    market = Shop()
    found = search(market, replications=24, storage=storage, alone=False, **SMALL)
    assert states(storage) == {TrialState.COMPLETE: 24, TrialState.FAIL: 4}
    assert sum(seed < SEEDS + SEEDS // 2 for seed in market.calls) == 24 - at
    assert np.unique(found.runs.seed, return_counts=True)[1].tolist() == [4] * 6
    if at < SMALL["first"]:
        whole = search(Shop(), replications=24, **SMALL)
        assert places(found) == places(whole)
        assert found.trace.equals(whole.trace)


@pytest.mark.parametrize("alone", [False, True])
def test_a_long_simulation_loses_no_trial(alone, storage, tmp_path, quick):
    """It takes twice as long as a process may be silent, and the other waits for it before anything is learned; also where
    the long one is of a search that thought itself alone when others joined.
    """
    slow = begin(storage, Held(at=0, seconds=2 * QUICK["GRACE"], told=f"{tmp_path}/begun"), 16, alone)
    market = Shop()
    found = search(market, replications=16, storage=storage, alone=False, **SMALL)
    slow.join()
    assert slow.exitcode == 0
    study = optuna.load_study(study_name="coupled", storage=storage)
    assert [trial.state for trial in study.trials[:4]] == [TrialState.COMPLETE] * 4, "those of the long simulation"
    assert 8 <= sum(seed < SEEDS + SEEDS // 2 for seed in market.calls) <= 12
    assert np.unique(found.runs.seed, return_counts=True)[1].tolist() == [4] * 4


@pytest.mark.parametrize("chosen", [0, 1])
def test_a_process_killed_while_it_asks_leaves_nothing(chosen, storage, quick):
    """Killed right after a trial was made, or with some of its parameters chosen: its place is taken all the same."""
    market = Shop()
    sampler = CoupledSampler(market.space, seed=1, first=12, block=4)
    dead = open_study(sampler, storage, "coupled", {"seed": 1, "first": 12, "block": 4}).ask()
    for name, kind in list(search_space(market.space).items())[:chosen]:
        dead.suggest_float(name, kind.low, kind.high)
    found = search(market, replications=16, storage=storage, alone=False, **SMALL)
    assert states(storage) == {TrialState.COMPLETE: 16, TrialState.FAIL: 1}
    assert places(found) == places(search(Shop(), replications=16, **SMALL))


def test_a_process_declared_dead_goes_on(storage, quick):
    """Stopped for longer than it may be silent, it finds its trials void; their places are run again, here by itself."""

    class Stopped(Shop):
        def evaluate(self, asked):
            if len(self.calls) == 4:
                study = optuna.load_study(study_name="coupled", storage=storage)
                for trial in study.get_trials(states=(TrialState.RUNNING,)):
                    study.tell(trial.number, state=TrialState.FAIL)
            return super().evaluate(asked)

    found = search(Stopped(), replications=16, storage=storage, alone=False, **SMALL)
    assert states(storage) == {TrialState.COMPLETE: 16, TrialState.FAIL: 4}
    assert places(found) == places(search(Shop(), replications=16, **SMALL))


def test_a_search_alone_takes_the_places_of_the_dead(storage, tmp_path, quick):
    """Others went on after a process died in the opening; a search alone then runs its places, and no plan twice."""
    victim = begin(storage, Held(at=0, seconds=600, told=f"{tmp_path}/begun"), 24)
    with pytest.raises(RuntimeError, match="the market is closed"):
        search(Shop(broken=6), replications=24, storage=storage, alone=False, **SMALL)
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    assert states(storage) == {TrialState.COMPLETE: 4, TrialState.RUNNING: 4, TrialState.FAIL: 4}
    found = search(Shop(), replications=24, storage=storage, **SMALL)
    assert places(found) == places(search(Shop(), replications=24, **SMALL))


AT_ONCE = []


def wait_for_all(barrier):
    AT_ONCE.append(barrier)


class Sleepy(Part):
    """The shop's levers alone, where a block takes long enough for all to begin one."""

    def evaluate(self, asked):
        time.sleep(2.5 if len(self.calls) == 0 else 0.0)
        return super().evaluate(asked)


def at_once(storage):
    """Search with others that begin at the same time; return the runs made here, all runs, and the finding."""
    market = Sleepy("levers")
    joiners.PAUSE = QUICK["PAUSE"]
    AT_ONCE[0].wait()
    found = search(market, replications=26, seed=1, first=24, verify=8, storage=storage, alone=False)
    mine = sum(seed < SEEDS + SEEDS // 2 for seed in market.calls)
    return mine, len(found.runs.kpi), list(found.found.money.values())


def test_eight_begin_at_once(storage):
    """Six hold the whole opening when the others come: these wait for it instead of learning from nothing. Together they make
    each run once, and all find the same.
    """
    with ProcessPoolExecutor(8, SERVER, initializer=wait_for_all, initargs=(SERVER.Barrier(8),)) as pool:
        made, seen, found = zip(*pool.map(at_once, [storage] * 8), strict=True)
    assert sum(made) == 26
    assert set(seen) == {26}
    assert np.ptp(found, axis=0).max() == 0
    assert states(storage)[TrialState.COMPLETE] == 26
    assert set(states(storage)) <= {TrialState.COMPLETE, TrialState.FAIL}


# --- By themselves ----------------------------------------------------------------------------------------------------


def fresh(first=4):
    sampler = CoupledSampler(Shop().space, seed=1, first=first, block=4)
    return sampler, open_study(sampler, None, "coupled", {})


def finish(study, trial, goal=1.0):
    suggest(trial, study.sampler)
    trial.set_user_attr("runs", [[0, goal, 0, 0, 0]])
    study.tell(trial, goal)


def test_a_watch_goes_by_its_own_clock(monkeypatch):
    """A trial is void when the watch has seen no new sign of life for longer than the grace; any sign begins it anew."""
    now = [0.0]
    monkeypatch.setattr(joiners.time, "monotonic", lambda: now[0])
    _, study = fresh()
    silent, alive = study.ask(), study.ask()
    watch = Watch(study)
    for now[0] in (1000.0, 1000.0 + joiners.GRACE):
        watch.void_dead()
        assert [trial.state for trial in study.trials] == [TrialState.RUNNING] * 2
    alive.set_user_attr(SIGN, 1)
    now[0] += 1
    watch.void_dead()
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.RUNNING]
    now[0] += joiners.GRACE + 1
    watch.void_dead()
    assert study.trials[1].state == TrialState.FAIL
    assert place_of(study, silent.number) == 0


def test_signs_of_life_come_while_trials_run_and_end_with_them(quick):
    """Also of trials that the list is given later; a trial that is finished meanwhile does no harm."""
    _, study = fresh()
    trials = [study.ask()]
    with beating(trials):
        trials.append(study.ask())
        deadline = time.monotonic() + 10
        while not all(SIGN in t.user_attrs for t in study.trials) and time.monotonic() < deadline:
            time.sleep(0.01)
        finish(study, trials[0])
        seen = study.trials[1].user_attrs[SIGN]
        while study.trials[1].user_attrs[SIGN] == seen and time.monotonic() < deadline:
            time.sleep(0.01)
    signs = [trial.user_attrs[SIGN] for trial in study.trials]
    assert 1 <= signs[0] < signs[1]
    time.sleep(3 * QUICK["BEAT"])
    assert [trial.user_attrs[SIGN] for trial in study.trials] == signs


def test_a_lost_place_is_taken_by_one():
    """Places stay when earlier trials fail; of two trials that take one at once, by two processes, the first may run."""
    sampler, study = fresh(first=8)
    trials = [study.ask() for _ in range(6)]
    for trial in trials[2:]:
        finish(study, trial, float(trial.number))
    study.tell(trials[0], state=TrialState.FAIL)
    found = roll(study)
    assert (found.free(8), found.given) == ([0, 6, 7], 6)
    assert (found.open(1), found.open(2)) == (True, True)
    first, second, native = heir(study, sampler, 0), heir(study, sampler, 0), study.ask()
    assert [place_of(study, trial.number) for trial in (first, second, native)] == [0, 0, 6]
    assert first.params == sampler.params(study, 0)
    found = roll(study)
    assert [seated(found, trial.number, 8, 8) for trial in (first, second, native)] == [True, False, True]
    finish(study, second, 10.0)
    assert not seated(roll(study), first.number, 8, 8), "its place is finished"
    finish(study, first, 11.0)
    study.tell(trials[1], state=TrialState.FAIL)
    study.tell(native, state=TrialState.FAIL)
    runs = history(study, Shop().space, 8)
    assert runs.kpi.tolist() == [11.0, 2.0, 3.0, 4.0, 5.0], "of two the first that is finished"


def test_no_trial_runs_after_an_opening_that_is_not_finished():
    _, study = fresh(first=4)
    trials = [study.ask() for _ in range(6)]
    for trial in trials[:3]:
        finish(study, trial)
    for first, may in ((4, [True, False, False]), (0, [True, True, False])):
        assert [seated(roll(study), trial.number, 5, first) for trial in trials[3:]] == may
    finish(study, trials[3])
    assert seated(roll(study), trials[4].number, 5, 4)


def test_waiting_ends_when_the_opening_is_finished_or_its_process_dead(quick):
    """Another finishes its trial after a while; of a dead one, the place is vacant then."""
    sampler, study = fresh(first=2)
    slow, dead = study.ask(), study.ask()

    def later():
        with beating([slow]):
            time.sleep(1.5 * QUICK["GRACE"])
            finish(study, slow)

    other = Thread(target=later)
    other.start()
    found = joiners.settled(study, 8, 2, Watch(study))
    assert found.free(2) == [1], "the dead one's place can be run at once"
    assert study.trials[dead.number].state == TrialState.FAIL
    finish(study, heir(study, sampler, 1))
    found = joiners.settled(study, 8, 2, Watch(study))
    other.join()
    assert not found.open(2)
    assert found.free(8)[0] == 2
