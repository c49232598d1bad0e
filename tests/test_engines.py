"""One scenario and one seed give one answer: for any engine, number of threads and process; users whom the scan passes
over have nothing to do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markets import ALWAYS, CONTROL, LIVELY, behaving, digests, everything, of_users, plan, tables, without

from sim.live import live, scan
from sim.run import Rehearsal, Run, simulate

HOME = Path(__file__).parent.parent
SEED = 20240111


@pytest.fixture(scope="module")
def busy() -> Run:
    return simulate(everything(CONTROL), SEED, journeys=range(0, 600, 7))


def test_the_busy_market_has_something_in_every_table(busy: Run) -> None:
    """Otherwise equal digests would say little."""
    assert {name for name, table in tables(busy).items() if len(table) == 0} == {"targets"}
    free = {"weekly", "again", "till"}
    assert set(busy.ledger["lever"]) == set(busy.scenario.levers) - free | {""}
    assert set(busy.rules["rule"]) == {"better", "more", "stop"}


@pytest.mark.parametrize(
    "how", [{"threads": 2}, {"threads": 5}, {"engine": "process"}], ids=["2 threads", "5 threads", "process engine"]
)
def test_engine_and_threads_do_not_change_a_byte_of_any_table(busy: Run, how: dict[str, Any]) -> None:
    other = simulate(everything(CONTROL), SEED, journeys=range(0, 600, 7), **how)
    assert digests(other) == digests(busy)


def test_engine_and_threads_agree_on_another_seed_and_size() -> None:
    scenario = everything(CONTROL, of_users(331, 37))
    runs = [simulate(scenario, 2**62 + 5, **how) for how in ({}, {"threads": 2}, {"engine": "process"})]
    assert digests(runs[0]) == digests(runs[1]) == digests(runs[2])


def test_groups_that_outlast_their_members_patience_are_the_same_for_any_threads() -> None:
    """Members churn and would be replaced while their group waits: a joiner reads his starter's record that day."""
    hasty = {"dormant_days": 1, "churn_days": 2, "renewal": 1.0}
    start, visit = {"registered": 0.1, "aware": 0.5}, {"rate": 0.08}
    group = {"kind": "group_buy", "size": 3, "off": 20, "accept": 0.2, "invite": 6, "start": 1, "days": 20}
    scenario = plan(
        of_users(400), behaving(LIVELY, {"start": start, "visit": visit, "shop": ALWAYS, "fade": hasty}),
        {"behaviour": {"shop": {"cart": 0.9}}, "accounts": {"total": 10**9}}, levers={"g": {**group, "account": "users"}},
    )  # fmt: skip
    runs = [simulate(scenario, 1, **how) for how in ({}, {"threads": 2}, {"engine": "process"})]
    assert digests(runs[0]) == digests(runs[1]) == digests(runs[2])


def test_the_same_run_in_another_process_gives_the_same_bytes(busy: Run) -> None:
    code = (
        "import json, sys; sys.path.insert(0, 'tests');"
        "from markets import CONTROL, digests, everything; from sim.run import simulate;"
        f"print(json.dumps(digests(simulate(everything(CONTROL), {SEED}, journeys=range(0, 600, 7)))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True, timeout=300
    )
    assert json.loads(done.stdout) == digests(busy)


def test_running_twice_in_one_process_leaves_nothing_behind(busy: Run) -> None:
    assert digests(simulate(everything(CONTROL), SEED, journeys=range(0, 600, 7))) == digests(busy)


def test_watching_users_changes_nothing_but_the_journeys(busy: Run) -> None:
    unwatched = digests(simulate(everything(CONTROL), SEED))
    assert {name for name, digest in digests(busy).items() if unwatched[name] != digest} == {"journeys"}


def test_seeds_differ(busy: Run) -> None:
    other = digests(simulate(everything(CONTROL), SEED + 1, journeys=range(0, 600, 7)))
    same = {name for name, digest in digests(busy).items() if other[name] == digest}
    assert same == {"targets"}


def test_a_shorter_run_is_the_beginning_of_a_longer_one(busy: Run) -> None:
    short = simulate(everything(CONTROL), SEED, days=30)
    upto = busy.daily[busy.daily["day"] < 30].reset_index(drop=True)
    assert short.daily.equals(upto)


def test_the_scan_passes_over_nobody_who_would_do_something() -> None:
    """On every third day `live` is called for each user whom the scan did not find; scheduled messages are off, since
    on their days it finds everybody."""
    stage = Rehearsal(without(everything(CONTROL), "push", "weekly"), SEED)
    population = stage.population
    live_day = population.live_day
    passed_over: list[int] = []

    def checking(day: int, c: Any) -> None:
        w, n = population.world, len(population.world.users)
        if day % 3 == 0:
            buffer = np.zeros(n, np.int32)
            found = buffer[: scan(0, n, day, population.gate_key, c.limit, w.klass, w.wake, buffer)]
            out = population.outs[0]
            untouched = [w.klass.copy(), w.wake.copy(), w.mail.head.copy(), out.tally.copy(), out.states.copy()]
            for i in np.setdiff1d(np.arange(n), found):
                before = w.users[i].tobytes()
                assert not live(i, day, population.gate_key, population.day_key, population.market, c, w, out)
                assert w.users[i].tobytes() == before
                passed_over.append(i)
            now = [w.klass, w.wake, w.mail.head, out.tally, out.states]
            assert all(np.array_equal(a, b) for a, b in zip(untouched, now, strict=True))
            assert not out.counts.any()
        live_day(day, c)

    population.live_day = checking  # type: ignore[method-assign]
    stage.run_until(stage.calendar.last)
    assert len(passed_over) > 5_000
    assert len(set(passed_over)) > 500
