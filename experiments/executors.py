"""Where runs are made: in this process, in processes of this machine, or on a Dask cluster.

All three speak the protocol of `concurrent.futures.Executor`; nothing else of them is used.
"""

import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray
from typing import Any, TypeVar

T = TypeVar("T")
Tick = Callable[[int, int], None]
"""Called by a run with the days it has done and has to do."""


class LostError(RuntimeError):
    """A process was killed, or ran out of memory, before it could answer."""


class ClusterError(RuntimeError):
    """The cluster cannot be used."""


@dataclass(frozen=True)
class Crew:
    """An executor and what the runner must know of it."""

    executor: Executor
    workers: int
    """Runs that it makes at once."""
    threads: int
    """Threads of each run."""
    under_way: Callable[[], float]
    """Runs under way, as a sum of the shares that are done; 0 where that is not known."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_out(jobs: int, threads: int = 1, processes: int | None = None) -> tuple[int, int]:
    """Return processes and threads of each for so many jobs: their product never exceeds the cores.

    Raises `ValueError` for counts below 1.
    """
    for name, value in (("threads", threads), ("processes", processes if processes is not None else 1)):
        if value < 1:
            raise ValueError(f"`{name} >= 1` must hold, but got {value}")
    threads = min(threads, cores())
    return max(1, min(processes or jobs, jobs, cores() // threads)), threads


@contextmanager
def crew(
    on: str | None, jobs: int, threads: int = 1, processes: int | None = None, watch: Callable[[], None] | None = None
) -> Iterator[Crew]:
    """Give the executor for so many jobs and close it after; after an error no child outlives the block.

    `on` is None (this machine) or dask://HOST:PORT. `watch` is called as runs go on in this process. Raises
    `ValueError` for another address, `ClusterError` when no cluster answers there.
    """
    if on is not None:
        with _cluster(on) as found:
            yield found
        return
    processes, threads = share_out(jobs, threads, processes)
    if processes == 1:
        yield _alone(threads, watch)
        return
    with _processes(processes, threads) as found:
        yield found


# --- In this process --------------------------------------------------------------------------------------------------

_TICK: list[Tick] = []


def tick(done: int, of: int) -> None:
    """Tell whoever watches this process how far its run is."""
    for each in _TICK:
        each(done, of)


class _Alone(Executor):
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _alone(threads: int, watch: Callable[[], None] | None) -> Crew:
    share = [0.0]

    def told(done: int, of: int) -> None:
        share[0] = 0.0 if done == of else done / of
        if watch is not None:
            watch()

    _TICK[:] = [told]
    return Crew(_Alone(), 1, threads, lambda: share[0])


# --- In processes of this machine -------------------------------------------------------------------------------------


@contextmanager
def _processes(processes: int, threads: int) -> Iterator[Crew]:
    context = multiprocessing.get_context("spawn")
    board, places = RawArray("d", processes), context.Value("i", 0)
    before = set(multiprocessing.active_children())
    pool = _Unseen(processes, mp_context=context, initializer=_enter, initargs=(board, places))
    try:
        yield Crew(pool, processes, threads, lambda: sum(board))
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


class _Unseen(ProcessPoolExecutor):
    """Children that do not run the caller's script again, and that Ctrl-C in the terminal does not reach."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        main = sys.modules["__main__"]
        mask = getattr(signal, "pthread_sigmask", None)
        old = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask else set()
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            sys.modules["__main__"] = main
            if mask:
                mask(signal.SIG_SETMASK, old)


def _enter(board: Any, places: Any) -> None:
    """Set a child up: its place on the board, deaf to Ctrl-C (its parent ends it), gone when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with places.get_lock():
        place = places.value % len(board)
        places.value += 1

    def told(done: int, of: int) -> None:
        board[place] = 0.0 if done == of else done / of

    _TICK[:] = [told]
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


# --- On a cluster -----------------------------------------------------------------------------------------------------


@contextmanager
def _cluster(on: str) -> Iterator[Crew]:
    scheme, _, address = on.partition("://")
    host, _, port = address.rpartition(":")
    if scheme != "dask" or not host or not port.isdecimal():
        raise ValueError(f"a cluster is written dask://HOST:PORT, but got {on!r}")
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("a Dask cluster needs the package distributed: pip install 'sandtable[dask]'") from None
    try:
        client = Client(f"tcp://{address}", timeout=10, set_as_default=False)
    except OSError as error:
        raise ClusterError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        workers = sum(client.nthreads().values())
        if not workers:
            raise ClusterError(f"the Dask cluster at {address} has no worker")
        executor = client.get_executor(pure=False)
        try:
            yield Crew(executor, workers, 1, lambda: 0.0)
        finally:
            executor.shutdown(wait=False)
