"""runs: replications of plans as arrays, and as rows that a study keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimize.market import Floats, Outcome, Plan, Space


@dataclass(frozen=True)
class Runs:
    """Replications so far."""

    spend: Floats
    """[runs, levers] yuan"""
    unit: Floats
    """[runs, settings] places in their ranges, 0 to 1"""
    seed: NDArray[np.int64]
    """[runs]"""
    credit: Floats
    """[runs, levers] KPI"""
    kpi: Floats
    """[runs]"""
    measures: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """[runs, measures] other measures of each run; NaN where it has none"""

    def __len__(self) -> int:
        return len(self.kpi)

    @classmethod
    def of_rows(cls, space: Space, plans: Sequence[Plan], rows: ArrayLike) -> "Runs":
        """Return the runs of plans, one row of `outcome_row` each."""
        ends = 2 + len(space.levers)
        table = np.asarray(rows, float).reshape(len(plans), ends + len(space.measures))
        return cls(
            spend=np.array([space.spend(plan) for plan in plans]),
            unit=np.array([space.unit(plan) for plan in plans]),
            seed=table[:, 0].astype(np.int64),
            credit=table[:, 2:ends],
            kpi=table[:, 1],
            measures=table[:, ends:],
        )

    def then(self, more: "Runs") -> "Runs":
        """Return these runs and more."""
        return Runs(*(np.concatenate([getattr(part, f.name) for part in (self, more)]) for f in fields(Runs)))

    @property
    def rest(self) -> Floats:
        """The goal less what is credited to levers [runs]."""
        rest: Floats = self.kpi - self.credit.sum(1)
        return rest


def outcome_row(space: Space, seed: int, outcome: Outcome) -> list[float]:
    """Return seed, goal, credit of each lever and measures.

    Raises `ValueError` for numbers that are not finite or levers without credit.
    """
    row = [outcome.kpi, *(outcome.credit.get(name, np.nan) for name in space.levers)]
    if not np.isfinite([*row, space.worth(outcome)]).all():
        raise ValueError(f"an outcome needs a finite goal and credit of every lever, but got {outcome}")
    return [seed, *map(float, row), *(float(outcome.measures.get(name, np.nan)) for name in space.measures)]
