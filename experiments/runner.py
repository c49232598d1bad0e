"""The runner: makes runs through any executor, keeps finished ones, reuses what is kept."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from experiments import codec
from experiments.executors import Crew, LostError, cores, crew
from experiments.job import Job, Tables, perform
from experiments.store import Store
from sim.compile import source_digest

_POLL_SECONDS = 0.1
_AHEAD = 2
"""Runs handed to each worker at most, finished ones apart; so memory does not grow with the number of runs."""


@dataclass(frozen=True)
class Progress:
    """How far a batch of runs is."""

    done: int
    """Runs finished, reused ones included."""
    of: int
    reused: int
    """Runs taken from the store."""
    share: float
    """Share done, runs under way included."""
    user_days: float
    """User-days simulated since the batch began."""
    seconds: float
    """Time since then."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C in the middle of a batch; the text says what is kept and how to go on."""


class ModelError(RuntimeError):
    """A worker runs another version of the model."""


@dataclass(frozen=True)
class Runner:
    """Where runs are made and where finished ones are kept; results depend on neither."""

    store: Store | None = None
    """None: nothing is kept."""
    on: str | None = None
    """None: processes of this machine; otherwise dask://HOST:PORT."""
    processes: int | None = None
    """Processes at most; None: one a core."""
    threads: int = 1
    """Threads of each run; processes times threads never exceed the cores."""
    progress: Callable[[Progress], None] | None = None
    hands: Crew | None = None
    """Who makes the runs; None: a crew is set up for each batch."""

    @contextmanager
    def standing(self) -> Iterator["Runner"]:
        """Give this runner with a crew that stays for many batches, and close it after."""
        with crew(self.on, cores(), self.threads, self.processes) as hands:
            yield replace(self, hands=hands)

    def evaluate(self, jobs: Iterable[Job], of: int) -> Iterator[tuple[int, Tables]]:
        """Yield the place among the jobs and the tables of each run as it is finished, in any order.

        `of` is the number of jobs. Jobs are drawn as they are needed, and equal ones run once. Raises what a run
        raises, `LostError` when a process is killed, `ModelError` when a worker has another version of the model,
        `ClusterError` and `ValueError` for `on`, `StoreError`, and `Stopped` on Ctrl-C. Finished runs stay in the store.
        """
        count = _Count(of, self.progress)
        try:
            hired = crew(self.on, max(of, 1), self.threads, self.processes, count.tell)
            with hired if self.hands is None else nullcontext(self.hands) as hands:
                count.under_way = hands.under_way
                yield from self._batch(jobs, hands, count)
        except BrokenProcessPool as error:
            raise LostError(
                "a process ended without an answer (killed, or out of memory); try fewer users or processes"
            ) from error
        except KeyboardInterrupt:
            raise Stopped(count.words(kept=self.store is not None)) from None

    def tables(self, jobs: Iterable[Job], of: int) -> list[Tables]:
        """Return the tables of all jobs in their order; see `evaluate`."""
        found = dict(self.evaluate(jobs, of))
        return [found[k] for k in range(len(found))]

    def _batch(self, jobs: Iterable[Job], hands: Crew, count: "_Count") -> Iterator[tuple[int, Tables]]:
        waiting: dict[Future[bytes], tuple[Job, list[int]]] = {}
        for place, job in enumerate(jobs):
            kept = self.store.get(job.key) if self.store is not None else None
            if kept is not None:
                count.finish(1, reused=True)
                yield place, codec.Decoded(kept)
                continue
            twin = next((places for other, places in waiting.values() if other.key == job.key), None)
            if twin is not None:
                twin.append(place)
                continue
            count.most = max(count.most, job.user_days)
            waiting[hands.executor.submit(perform, replace(job, threads=hands.threads))] = job, [place]
            while len(waiting) >= _AHEAD * hands.workers or (hands.workers == 1 and waiting):
                yield from self._finished(waiting, count)
        while waiting:
            yield from self._finished(waiting, count)

    def _finished(
        self, waiting: dict[Future[bytes], tuple[Job, list[int]]], count: "_Count"
    ) -> Iterator[tuple[int, Tables]]:
        done, _ = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            job, places = waiting.pop(future)
            data = future.result()
            tables = codec.Decoded(data)
            model = tables.head["model"]
            if model != source_digest():
                raise ModelError(f"a worker runs model {model[:12]}, but this is {source_digest()[:12]}; update it")
            if self.store is not None:
                self.store.put(job.key, data)
            count.finish(len(places), job.user_days)
            for place in places:
                yield place, tables
        if not done:
            count.tell()


class _Count:
    """Counts what a batch has done, and tells it."""

    def __init__(self, of: int, progress: Callable[[Progress], None] | None) -> None:
        self.of, self.progress, self.began = of, progress, time.perf_counter()
        self.done = self.reused = self.user_days = self.most = 0
        self.share = 0.0
        self.under_way: Callable[[], float] = lambda: 0.0

    def finish(self, runs: int, user_days: int = 0, *, reused: bool = False) -> None:
        self.done += runs
        self.reused += runs * reused
        self.user_days += user_days
        self.tell()

    def tell(self) -> None:
        if self.progress is None:
            return
        under_way = self.under_way() if self.done < self.of else 0.0
        self.share = max(self.share, min((self.done + under_way) / max(self.of, 1), 1.0))
        user_days = self.user_days + under_way * self.most
        seconds = time.perf_counter() - self.began
        self.progress(Progress(self.done, self.of, self.reused, self.share, user_days, seconds))

    def words(self, *, kept: bool) -> str:
        what = f"stopped after {self.done} of {self.of} runs"
        return f"{what}: {'these are kept; the same command goes on from there' if kept else 'nothing was written'}"
