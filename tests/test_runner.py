"""The runner: the same tables from every executor, nothing made twice, nothing lost when somebody is killed."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from markets import plan
from terminal import in_terminal

import scenarios
from experiments import codec, executors, processes, runner
from experiments.executors import ClusterError, LostError
from experiments.job import Job
from experiments.processes import tick
from experiments.runner import ModelError, Progress, Runner, Stopped
from experiments.store import Store

TINY = {"market.users": 300, "clock.burn_in": 5, "clock.tail": 3}


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "cores", lambda: 2)


def jobs(count: int, users: int = 300) -> list[Job]:
    tiny = plan().override(TINY | {"market.users": users})
    return [Job(tiny, seed) for seed in range(1, count + 1)]


def files(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.rglob("*.run")}


def test_tables_come_in_the_order_of_the_jobs(tmp_path):
    alone, together = Store(tmp_path / "a"), Store(tmp_path / "b")
    one = Runner(alone, processes=1).tables(jobs(5), 5)
    two = Runner(together, processes=2).tables(jobs(5), 5)
    for mine, theirs in zip(one, two, strict=True):
        for name in mine:
            pd.testing.assert_frame_equal(mine[name], theirs[name])
    assert files(alone) == files(together)
    assert len(files(alone)) == 5


def test_nothing_is_made_twice(tmp_path, monkeypatch):
    made: list[int] = []
    perform = runner.perform
    monkeypatch.setattr(runner, "perform", lambda job: (made.append(job.seed), perform(job))[1])
    told: list[Progress] = []
    work = Runner(Store(tmp_path), processes=1, progress=told.append)
    work.tables(jobs(3), 3)
    work.tables(jobs(5), 5)
    assert made == [1, 2, 3, 4, 5]
    assert (told[-1].done, told[-1].reused) == (5, 3)


def test_equal_jobs_run_once_and_all_get_the_answer(monkeypatch):
    sent: list[int] = []

    class Later(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            sent.append(args[0].seed)
            return super().submit(fn, *args, **kwargs)

    @contextmanager
    def slow(*_: object) -> Iterator[executors.Crew]:
        yield executors.Crew(Later(1), 8, 1, lambda: 0.0)

    monkeypatch.setattr(runner, "crew", slow)
    (job,) = jobs(1)
    found = Runner().tables([job, job, *jobs(2)[1:], job], 4)
    assert sorted(sent) == [1, 2]
    assert len(found) == 4
    pd.testing.assert_frame_equal(found[0]["kpis"], found[3]["kpis"])


def test_jobs_are_drawn_as_they_are_needed():
    drawn: list[int] = []

    def lazily() -> Iterator[Job]:
        for job in jobs(20):
            drawn.append(job.seed)
            yield job

    for k, (_, _) in enumerate(Runner(processes=2).evaluate(lazily(), 20), 1):
        assert len(drawn) <= k + 2 * runner._AHEAD + 1


def test_an_error_in_a_run_ends_the_others_at_once():
    began = time.monotonic()
    slow = Job(plan().override(TINY | {"market.users": 150_000, "market.people": 150_000, "clock.burn_in": 400}), 1)
    bad = Job(plan().override(TINY), -1)
    with pytest.raises(ValueError, match="seed"):
        Runner(processes=2).tables([bad, slow], 2)
    assert time.monotonic() - began < 60


def test_a_killed_child_is_told(monkeypatch):
    monkeypatch.setattr(runner, "perform", _dies)
    with pytest.raises(LostError, match="out of memory"):
        Runner(processes=2).tables(jobs(2), 2)
    end = time.monotonic() + 60
    while [thread for thread in threading.enumerate() if thread.name == processes.THREAD]:
        assert time.monotonic() < end, "the run in this process goes on"
        time.sleep(0.01)


def test_this_process_and_a_child_both_work(tmp_path, monkeypatch):
    """The first run does not wait for the child to come up, and the second one does: so the third is the child's."""
    monkeypatch.setattr(runner, "perform", _says_where)
    monkeypatch.setenv("SANDTABLE_TEST_MARK", str(tmp_path / "mark"))
    where = [tables.head["where"] for tables in Runner(processes=2).tables(jobs(3), 3)]
    assert where[:2] == [os.getpid()] * 2
    assert where[2] != os.getpid()
    assert multiprocessing.active_children() == []


def _says_where(job: Job) -> bytes:
    mark = Path(os.environ["SANDTABLE_TEST_MARK"])
    if multiprocessing.parent_process() is not None:
        mark.touch()
    while job.seed == 2 and not mark.exists():
        time.sleep(0.01)
    return codec.encode(job.about | {"where": os.getpid()}, {})


def test_what_a_child_cannot_read_is_told(monkeypatch):
    def inside(job: Job) -> bytes:
        return _dies(job)

    monkeypatch.setattr(runner, "perform", inside)
    with pytest.raises(AttributeError, match="inside"):
        Runner(processes=2).tables(jobs(2), 2)


def _dies(job: Job) -> bytes:
    """Kill a child; go on for ever in the process that runs the tests, until nobody waits for it."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    while True:
        tick(1, 2)
        time.sleep(0.01)


def test_a_worker_with_another_model_is_refused(monkeypatch):
    monkeypatch.setattr(runner, "perform", _other_model)
    with pytest.raises(ModelError, match="model 0000"):
        Runner(processes=1).tables(jobs(1), 1)


def _other_model(job: Job) -> bytes:
    return codec.encode(job.about | {"model": "0" * 64}, {})


@pytest.mark.parametrize("on", ["dask://here", "ray://127.0.0.1:1", "127.0.0.1:8786"])
def test_a_cluster_has_an_address(on):
    with pytest.raises(ValueError, match="dask://HOST:PORT"):
        Runner(on=on).tables(jobs(1), 1)


# --- Killed, stopped, gone on -----------------------------------------------------------------------------------------

SCRIPT = """
import sys, scenarios
from experiments.job import Job
from experiments.runner import Runner
from experiments.store import Store
from experiments import executors
executors.cores = lambda: 2
plan = scenarios.load(sys.argv[1])
count = int(sys.argv[3])
told = []
runner = Runner(Store(sys.argv[2]), processes=2, progress=told.append)
tables = runner.tables([Job(plan, seed) for seed in range(1, count + 1)], count)
print(told[-1].reused, sum(float(t["kpis"]["value"].sum()) for t in tables).hex())
"""


def script(folder: Path, store: str, count: int) -> subprocess.Popen[str]:
    file = folder / "plan.yaml"
    file.write_text(scenarios.dump(plan().override(TINY | {"market.users": 1_000})), encoding="utf-8")
    command = [sys.executable, "-c", SCRIPT, str(file), str(folder / store), str(count)]
    return in_terminal(command)


def wait_for(store: Path, count: int) -> None:
    end = time.monotonic() + 120
    while len(list(store.rglob("*.run"))) < count:
        assert time.monotonic() < end, "no run was finished"
        time.sleep(0.02)


@pytest.mark.parametrize("count", [80, pytest.param(500, marks=pytest.mark.long)])
def test_killed_in_the_middle_only_the_rest_is_run(tmp_path, count):
    first = script(tmp_path, "store", count)
    wait_for(tmp_path / "store", 30)
    first.kill()
    first.communicate(timeout=30)
    left = len(list((tmp_path / "store").rglob("*.run")))
    assert 30 <= left < count
    again, fresh = script(tmp_path, "store", count), script(tmp_path, "other", count)
    out, err = again.communicate(timeout=300)
    reused, result = out.split()
    assert (left <= int(reused) < count, err) == (True, "")
    assert fresh.communicate(timeout=300)[0].split() == ["0", result]
    assert files(Store(tmp_path / "store")) == files(Store(tmp_path / "other"))


def test_two_may_share_a_store(tmp_path):
    both = [script(tmp_path, "store", 40) for _ in range(2)]
    results = [process.communicate(timeout=300) for process in both]
    assert [err for _, err in results] == ["", ""]
    assert len({out.split()[1] for out, _ in results}) == 1
    assert len(files(Store(tmp_path / "store"))) == 40
    assert [e for e in Store(tmp_path / "store").entries() if not e.current] == []


@pytest.mark.skipif(os.name != "posix", reason="signals of process groups")
def test_ctrl_c_stops_soon_and_says_how_to_go_on(tmp_path):
    process = script(tmp_path, "store", 500)
    wait_for(tmp_path / "store", 5)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert "of 500 runs: these are kept; the same command goes on from there" in err


def test_ctrl_c_says_what_is_kept(tmp_path, monkeypatch):
    def stop(job: Job) -> bytes:
        if job.seed == 3:
            raise KeyboardInterrupt
        return perform(job)

    perform = runner.perform
    monkeypatch.setattr(runner, "perform", stop)
    with pytest.raises(Stopped, match="stopped after 2 of 4 runs: these are kept"):
        Runner(Store(tmp_path), processes=1).tables(jobs(4), 4)
    with pytest.raises(Stopped, match="stopped after 2 of 4 runs: nothing was written"):
        Runner(processes=1).tables(jobs(4), 4)


# --- A cluster --------------------------------------------------------------------------------------------------------


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", f"tcp://{address}", "--no-dashboard"]
    processes = [subprocess.Popen(module, **quiet)]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://{address}", "--nthreads", "1"]
    command += ["--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    try:
        processes += [subprocess.Popen(command, **quiet) for _ in range(workers)]
        yield address, processes
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(tmp_path):
    from distributed import Client

    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    with cluster(2) as (address, processes):
        with Client(f"tcp://{address}", timeout=30, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        work = Runner(there, on=f"dask://{address}").evaluate(jobs(40, 3_000), 40)
        for count, _ in enumerate(work, 1):
            if count == 5:
                processes[-1].kill()
        assert count == 40
        assert processes[-1].wait() == -signal.SIGKILL
    Runner(here, processes=2).tables(jobs(40, 3_000), 40)
    assert files(here) == files(there)


def test_no_cluster_is_told():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ClusterError, match="no Dask scheduler answers"):
        Runner(on=f"dask://127.0.0.1:{port}").tables(jobs(1), 1)
