"""joiners: processes that share a study: which of them are alive, and which places are left to each.

Optuna's heartbeat is for `Study.optimize`: a process killed between `ask` and its first beat leaves a trial that never goes
stale, and each beat compares clocks. Here a long trial counts up an attribute, and whoever watches goes by its own clock.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from uuid import uuid4

from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from optimize.sampler import PLACE, CoupledSampler, Roll, roll, search_space

SIGN = "alive"
"""Attribute of a trial that counts the signs of life of the process that runs it."""
OWN = "own"
"""Attribute by which a process knows a trial that it added: Optuna hands out a queued one twice on SQLite."""
BEAT = 10.0
"""Between signs of life [s]; a trial that takes less gives none."""
GRACE = 60.0
"""Without a sign of life, a trial's process is dead [s]."""
PAUSE = 0.5
"""Between looks at what the others do [s]."""


@contextmanager
def beating(trials: list[Trial]) -> Iterator[None]:
    """Give signs of life of the trials that the list holds, at any time until the end; those that cannot be given pass."""
    over = Event()

    def beat() -> None:
        count = 0
        while not over.wait(BEAT):
            count += 1
            for trial in tuple(trials):
                with suppress(UpdateFinishedTrialError, StorageInternalError, SQLAlchemyError):
                    trial.set_user_attr(SIGN, count)

    thread = Thread(target=beat, name="signs of life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Watch:
    """What one process has seen of the running trials of a study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.seen: dict[int, tuple[int | None, float]] = {}
        """By trial, its last sign of life and since when it has been the last [s]."""

    def void_dead(self) -> None:
        """Declare void the trials that gave no sign of life for `GRACE` seconds; none of them may be this process's own."""
        seen, now = {}, time.monotonic()
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            sign = trial.user_attrs.get(SIGN)
            last, since = self.seen.get(trial.number, (sign, now))
            seen[trial.number] = (sign, since if sign == last else now)
            if now - seen[trial.number][1] > GRACE:
                void(self.study, trial.number)
        self.seen = seen


def void(study: Study, number: int) -> None:
    """Declare a trial void, unless it is finished."""
    with suppress(
        UpdateFinishedTrialError, ValueError
    ):  # Optuna has the latter for a trial that it knows to be finished
        study.tell(number, state=TrialState.FAIL)


def settled(study: Study, most: int, first: int, watch: Watch | None) -> Roll:
    """Return who has which place, once the next step can be taken.

    Where others share the study, which is watched then, wait while they run what it needs: the opening of `first`, without
    which nothing can be learned, or in the end the last of `most` trials. Trials of dead processes are declared void.
    """
    while True:
        if watch is not None:
            watch.void_dead()
        found = roll(study)
        free = found.free(most)
        if watch is None or (free and free[0] < first) or not found.open(first if free else most):
            return found
        time.sleep(PAUSE)


def heir(study: Study, sampler: CoupledSampler, place: int) -> Trial:
    """Return a new trial that takes the place of a failed one, which others may do at the same time."""
    own = uuid4().hex
    made = create_trial(
        state=TrialState.RUNNING,
        params=sampler.params(study, place),
        distributions=dict(search_space(sampler.space)),
        user_attrs={PLACE: place, OWN: own},
    )
    study.add_trial(made)
    trials = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return Trial(study, next(trial._trial_id for trial in trials if trial.user_attrs.get(OWN) == own))


def seated(found: Roll, number: int, most: int, first: int) -> bool:
    """Return whether a trial may run: it holds its place among `most`, and an opening of `first` before it is finished."""
    place = found.places[number]
    holder = found.seats.get(place)
    early = place >= first and found.open(first)
    return place < most and not early and holder is not None and holder.number == number
