"""Work spread over processes: progress by the step, and children that never outlive their parent."""

import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawArray
from typing import Any, TypeVar

J = TypeVar("J")
R = TypeVar("R")

Tick = Callable[[int, int], None]
"""Called by a job with the steps it has done and has to do."""
Progress = Callable[[int, int, int, int], None]
"""Called with steps done, steps to do, jobs done, jobs to do, all jobs together."""


class LostError(RuntimeError):
    """A child was killed, or ran out of memory, before it could answer."""


_POLL_SECONDS = 0.1
_CHILD: dict[str, Any] = {}


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


def spread(
    work: Callable[[J, Tick], R],
    jobs: Sequence[J],
    *,
    steps: int,
    processes: int = 1,
    progress: Progress | None = None,
) -> list[R]:
    """Return `work(job, tick)` of every job, in their order.

    `steps` is what a job has to do as its ticks count it. With several processes, `work` must be a function of a module
    and jobs must pickle; the caller's script is not run again in the children, so it needs no guard. An error in a job
    or Ctrl-C ends all children at once. Raises what `work` raises, and `LostError` when a child is killed.
    """
    if processes > 1:
        return _in_processes(work, jobs, steps, processes, progress)
    board = [0] * len(jobs)
    results = []
    for k, job in enumerate(jobs):
        tick = _ticker(board, k, lambda k=k: _report(progress, board, steps, k))  # type: ignore[misc]
        results.append(work(job, tick))
        board[k] = steps
        _report(progress, board, steps, k + 1)
    return results


def _ticker(board: MutableSequence[int], k: int, then: Callable[[], None] | None = None) -> Tick:
    def tick(done: int, of: int) -> None:
        board[k] = done
        if then is not None:
            then()

    return tick


def _report(progress: Progress | None, board: Sequence[int], steps: int, jobs_done: int) -> None:
    if progress is not None:
        progress(sum(board), steps * len(board), jobs_done, len(board))


def _in_processes(
    work: Callable[[J, Tick], R], jobs: Sequence[J], steps: int, processes: int, progress: Progress | None
) -> list[R]:
    context = multiprocessing.get_context("spawn")
    board = RawArray("q", len(jobs))
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_enter, initargs=(board,))
    try:
        with _unseen():
            futures: dict[Future[R], int] = {pool.submit(_run, work, job, k): k for k, job in enumerate(jobs)}
        results: dict[int, R] = {}
        pending = set(futures)
        while pending:
            finished, pending = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                results[futures[future]] = future.result()
            _report(progress, list(board), steps, len(results))
    except BaseException as error:
        for child in set(multiprocessing.active_children()) - before:
            child.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise LostError(
                "a process ended without an answer (killed, or out of memory); try fewer users or processes"
            ) from error
        raise
    pool.shutdown()
    return [results[k] for k in range(len(jobs))]


@contextmanager
def _unseen() -> Iterator[None]:
    """Start children that do not run the caller's script again, and that Ctrl-C in the terminal does not reach."""
    main = sys.modules["__main__"]
    mask = getattr(signal, "pthread_sigmask", None)
    old = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask else set()
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if mask:
            mask(signal.SIG_SETMASK, old)


def _enter(board: Any) -> None:
    """Set a child up: its place on the board, deaf to Ctrl-C (its parent ends it), gone when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _CHILD["board"] = board
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run(work: Callable[[J, Tick], R], job: J, k: int) -> R:
    return work(job, _ticker(_CHILD["board"], k))
