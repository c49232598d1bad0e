"""Do two programs simulate the same funnel? A test of their state counts over several seeds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.funnel import STATES, Counts, Funnel

Run = Callable[[Funnel, int, int, int], Counts]
"""(funnel, users, days, seed) -> counts."""

USERS = 20_000
DAYS = 100
SEEDS = range(1, 6)
REFERENCE_SEEDS = range(1001, 1033)
LIMIT = 4.0
"""Standard errors allowed. With 32 reference runs, chance exceeds it once in 2,700 comparisons; a run makes ten."""


@dataclass(frozen=True)
class Agreement:
    """The largest distance found, in standard errors, and where it was found."""

    distance: float
    state: str
    day: int

    @property
    def holds(self) -> bool:
        """Whether every count lies within the limit."""
        return self.distance <= LIMIT

    def __str__(self) -> str:
        where = f"{self.distance:.1f} s.e., {self.state}, day {self.day}"
        return f"yes ({where})" if self.holds else f"NO ({where})"


def sample(run: Run, funnel: Funnel, seeds: range) -> Counts:
    """Return the counts [seeds, 2, 5] half-way and on the last day, after checking what any run must satisfy.

    Raises `ValueError` where a run has the wrong shape, loses users or does not start with everyone unaware.
    """
    days = [DAYS // 2, DAYS]
    rows = []
    for seed in seeds:
        counts = run(funnel, USERS, DAYS, seed)
        if counts.shape != (DAYS + 1, len(STATES)):
            raise ValueError(f"counts must be [{DAYS + 1}, {len(STATES)}], but got {list(counts.shape)}")
        if counts[0, 0] != USERS or not (counts.sum(axis=1) == USERS).all():
            raise ValueError(f"each day must count {USERS} users, all unaware at first, but got {counts[[0, -1]]}")
        rows.append(counts[days])
    return np.array(rows)


def agreement(run: Run, reference: Counts, funnel: Funnel) -> Agreement:
    """Compare the mean counts of a program with those of the reference, `sample(..., REFERENCE_SEEDS)`.

    The standard error of the difference takes the spread of the many reference runs for both sides: under the
    hypothesis tested they are equal, and five runs alone would estimate it too poorly for a limit of four.
    """
    counts = sample(run, funnel, SEEDS)
    spread = reference.std(axis=0, ddof=1)
    error = spread * np.sqrt(1 / len(counts) + 1 / len(reference))
    difference = np.abs(counts.mean(axis=0) - reference.mean(axis=0))
    distance = np.where(difference == 0, 0.0, difference / np.maximum(error, 1e-12))
    row, state = np.unravel_index(distance.argmax(), distance.shape)
    return Agreement(float(distance.max()), STATES[int(state)], (DAYS // 2, DAYS)[int(row)])
