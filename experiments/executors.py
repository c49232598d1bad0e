"""Where runs are made: in this process, in processes of this machine, or on a Dask cluster.

All three speak the protocol of `concurrent.futures.Executor`; nothing else of them is used.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from experiments.processes import team, watch

T = TypeVar("T")


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
    on: str | None, jobs: int, threads: int = 1, processes: int | None = None, look: Callable[[], None] | None = None
) -> Iterator[Crew]:
    """Give the executor for so many jobs and close it after; after an error no child outlives the block.

    `on` is None (this machine) or dask://HOST:PORT. `look` is called as runs go on when this process makes all of them.
    Raises `ValueError` for another address, `ClusterError` when no cluster answers there.
    """
    if on is not None:
        with _cluster(on) as found:
            yield found
        return
    processes, threads = share_out(jobs, threads, processes)
    if processes == 1:
        yield _alone(threads, look)
        return
    with team(processes) as (executor, under_way):
        yield Crew(executor, processes, threads, under_way)


# --- In this process --------------------------------------------------------------------------------------------------


class _Alone(Executor):
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _alone(threads: int, look: Callable[[], None] | None) -> Crew:
    share = [0.0]

    def told(done: int, of: int) -> None:
        share[0] = 0.0 if done == of else done / of
        if look is not None:
            look()

    watch(told)
    return Crew(_Alone(), 1, threads, lambda: share[0])


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
