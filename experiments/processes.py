"""Processes of this machine: this one and its children, of whom whoever is free takes the next call."""

import multiprocessing
import os
import signal
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.sharedctypes import RawArray
from typing import Any, TypeVar

T = TypeVar("T")
Tick = Callable[[int, int], None]
"""Called by a run with the days it has done and has to do."""
THREAD = "sandtable run"
"""Name of the thread in which this process makes its runs."""
_HANDED = 2
"""Calls handed to a child: the one it is at, and the next."""
_TICK = threading.local()


def tick(done: int, of: int) -> None:
    """Tell whoever watches this thread how far its run is."""
    told: Tick | None = getattr(_TICK, "told", None)
    if told is not None:
        told(done, of)


def watch(told: Tick) -> None:
    """Call a function at each tick of this thread from now on."""
    _TICK.told = told


@contextmanager
def team(processes: int) -> Iterator[tuple[Executor, Callable[[], float]]]:
    """Give an executor of so many processes, this one among them, and what tells the runs under way.

    Runs under way are a sum of the shares that are done. After the block no child is left, and a run that this process
    is still at ends with its day.
    """
    context = multiprocessing.get_context("spawn")
    board, places = RawArray("d", processes), context.Value("i", 1)
    pool = ProcessPoolExecutor(processes - 1, mp_context=context, initializer=_enter, initargs=(board, places))
    hands, well = _Team(pool, processes - 1, board), False
    try:
        yield hands, lambda: sum(board)
        well = True
    finally:
        hands.end()
        pool.shutdown(wait=well, cancel_futures=True)


class _OverError(Exception):
    """A run in this process that nobody waits for any more."""


class _Team(Executor):
    """A thread of this process, which begins at once, and children, which take calls as soon as they are up."""

    def __init__(self, pool: ProcessPoolExecutor, size: int, board: Any) -> None:
        self._pool, self._size, self._board = pool, size, board
        self._children: set[Any] = set()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._news = threading.Condition()
        self._room = 0
        self._begun = self._over = False
        self._fault: BaseException | None = None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Return the future of a call, which this process or a child makes."""
        if not self._begun:
            self._begin(fn)
        future: Future[T] = Future()
        with self._news:
            self._waiting.append((future, partial(fn, *args, **kwargs)))
            self._news.notify()
        self._feed()
        return future

    def end(self) -> None:
        """Take no more calls, kill the children, and give up the call that this process is at with its next tick."""
        with self._news:
            self._over = True
            self._news.notify()
        for child in self._children:
            child.kill()

    def _begin(self, fn: Callable[..., Any]) -> None:
        self._begun, before = True, set(multiprocessing.active_children())
        with _unseen():
            for _ in range(self._size):
                self._pool.submit(_ready, fn).add_done_callback(self._greet)
            self._children = set(multiprocessing.active_children()) - before
        threading.Thread(target=self._work, name=THREAD, daemon=True).start()

    def _greet(self, ready: Future[None]) -> None:
        self._feed(_HANDED, None if ready.cancelled() else ready.exception())

    def _feed(self, room: int = 0, fault: BaseException | None = None) -> None:
        """Hand waiting calls to children, who have room for so many more; after a fault, all calls fail by it.

        The pool is called without the lock: it may be the pool that calls.
        """
        with self._news:
            self._room, self._fault = self._room + room, self._fault or fault
            count = len(self._waiting) if self._fault else min(self._room, len(self._waiting))
            self._room -= count
            taken = [self._waiting.popleft() for _ in range(count)]
        for future, call in taken:
            if self._fault:
                future.set_exception(self._fault)
                continue
            try:
                self._pool.submit(call).add_done_callback(partial(self._answer, future))
            except RuntimeError as error:
                future.set_exception(error)

    def _answer(self, future: Future[Any], theirs: Future[Any]) -> None:
        error = None if theirs.cancelled() else theirs.exception()
        if error is not None:
            future.set_exception(error)
        elif not theirs.cancelled():
            future.set_result(theirs.result())
        self._feed(1, error if isinstance(error, BrokenProcessPool) else None)

    def _work(self) -> None:
        """Make calls in this process until the end."""
        watch(self._told)
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._over)
                if self._over:
                    return
                future, call = self._waiting.popleft()
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

    def _told(self, done: int, of: int) -> None:
        self._board[0] = 0.0 if done == of else done / of
        if self._over:
            raise _OverError


# --- Children ---------------------------------------------------------------------------------------------------------


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


def _enter(board: Any, places: Any) -> None:
    """Set a child up: its place on the board, deaf to Ctrl-C (its parent ends it), gone when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with places.get_lock():
        place = places.value % len(board)
        places.value += 1

    def told(done: int, of: int) -> None:
        board[place] = 0.0 if done == of else done / of

    watch(told)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _ready(fn: Callable[..., Any]) -> None:
    """Do nothing: a child that has read what it is to call has imported what that needs."""


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
