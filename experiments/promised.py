"""Promises kept together: the probability that one run reaches every target of a plan."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from scipy.special import ndtri

from experiments.job import Tables
from scenarios import Scenario


@dataclass(frozen=True)
class Together:
    """How often all targets were reached at once."""

    reached: int
    """Runs that reached every target."""
    seeds: int
    low: float
    high: float
    """95 % Wilson interval of the probability."""
    by_target: dict[str, float]
    """Share of runs that reached each target; a run that cannot measure it does not count as reaching it."""

    @property
    def probability(self) -> float:
        """Share of runs that reached every target."""
        return self.reached / self.seeds

    @property
    def obstacles(self) -> list[str]:
        """Targets that are reached in fewer than half of the runs, the rarest first."""
        rare = [name for name, share in self.by_target.items() if share < 0.5]
        return sorted(rare, key=lambda name: self.by_target[name])


def together(scenario: Scenario, runs: Iterable[Tables]) -> Together:
    """Return how often runs of a scenario reach all its targets.

    Raises `ValueError` for a plan without targets and for no runs.
    """
    if not scenario.targets:
        raise ValueError(f"{scenario.name} promises nothing: it has no targets")
    counts = dict.fromkeys(scenario.targets, 0)
    seeds = every = 0
    for tables in runs:
        table = tables["targets"]
        reached = dict(zip(table["target"].astype(str), table["reached"].fillna(False).astype(bool), strict=True))
        kept = {name: bool(reached.get(name, False)) for name in counts}
        seeds += 1
        every += all(kept.values())
        for name, holds in kept.items():
            counts[name] += holds
    if not seeds:
        raise ValueError("at least one run is needed, but got none")
    low, high = wilson(every, seeds)
    return Together(every, seeds, low, high, {name: count / seeds for name, count in counts.items()})


def wilson(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a probability from so many hits; Wilson (1927), JASA 22.

    >>> low, high = wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    z = float(ndtri(0.5 + level / 2))
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == of else middle + half)
