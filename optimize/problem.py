"""problem: what the money solver is asked: cells to spend in, limits on them, and a goal.

Everything is data. A cell is one lever in one period; a limit is one linear rule over spends and over responses, named in
the user's words; `optimize.limits` writes the common ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from optimize.pieces import Response, Smooth

Sense = Literal["<=", ">=", "=="]
MONEY = "yuan"


@dataclass(frozen=True)
class Cell:
    """One decision: the money of a lever in a period."""

    name: str
    responses: Mapping[str, Response]
    """By KPI; a KPI that is not named does not respond. Each must be known over [lower, upper]."""
    lever: str = ""
    period: str = ""
    account: str = ""
    lower: float | None = None
    """yuan; the least spend the responses are known for when not given"""
    upper: float | None = None
    """yuan; the largest spend the responses are known for when not given. Zero before a lever is available."""
    unit: float | None = None
    """yuan of one whole placement, session or person; spend is a whole number of them"""
    minimum: float = 0.0
    """yuan; spend is nothing (the least known) or at least this; not together with a lower bound above the least known"""

    def __post_init__(self) -> None:
        """Raise `ValueError` for bounds out of order or outside what the responses are known for."""
        if not self.responses:
            raise ValueError(f"cell {self.name!r} has no response")
        low, high = self.domain
        if not low <= self.low <= self.high <= high:
            raise ValueError(
                f"cell {self.name!r}: `known from <= lower <= upper <= known to` must hold, but got "
                f"({low:g}, {self.low:g}, {self.high:g}, {high:g})"
            )
        if self.minimum > low and self.low > low:
            raise ValueError(f"cell {self.name!r}: give `lower` or `minimum`, but got ({self.low:g}, {self.minimum:g})")
        if self.unit is not None and not self.unit > 0:
            raise ValueError(f"cell {self.name!r}: `unit > 0` must hold, but got {self.unit!r}")

    @property
    def domain(self) -> tuple[float, float]:
        """Spends that all its responses are known for."""
        return max(r.low for r in self.responses.values()), min(r.high for r in self.responses.values())

    @property
    def low(self) -> float:
        """The lower bound [yuan]."""
        return self.domain[0] if self.lower is None else self.lower

    @property
    def high(self) -> float:
        """The upper bound [yuan]; nothing where the minimum spend does not fit under it."""
        bound = self.domain[1] if self.upper is None else self.upper
        return self.low if bound < self.minimum else bound


@dataclass(frozen=True)
class Limit:
    """One rule: the sum over cells of coefficient x spend and coefficient x response, against a level."""

    name: str
    """In the user's words; stands in prices and conflicts."""
    spend: Mapping[str, float] = field(default_factory=dict)
    """Coefficient by cell name."""
    value: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Coefficient by (cell name, KPI)."""
    sense: Sense = "<="
    level: float = 0.0
    soft: float | None = None
    """None: must hold. Else the goal's loss for each unit by which it does not (shortfall cost)."""
    weight: float = 1.0
    """How dear it is to give way when no plan meets all limits, relative to the others."""
    unit: str = MONEY
    """What the level counts: yuan, or a KPI."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for an unknown sense, a negative shortfall cost or a weight that is not positive."""
        if self.sense not in ("<=", ">=", "=="):
            raise ValueError(f"limit {self.name!r}: sense must be <=, >= or ==, but got {self.sense!r}")
        if self.soft is not None and not self.soft >= 0:
            raise ValueError(f"limit {self.name!r}: `soft >= 0` must hold, but got {self.soft!r}")
        if not self.weight > 0:
            raise ValueError(f"limit {self.name!r}: `weight > 0` must hold, but got {self.weight!r}")


@dataclass(frozen=True)
class Goal:
    """What to make large: weighted KPIs less a price on money. `Goal({}, 1.0)` is the least budget."""

    kpis: Mapping[str, float] = field(default_factory=dict)
    """Weight of one unit of each KPI."""
    spend: float = 0.0
    """Price of one yuan spent, in the goal's units; a target marginal ROAS is this price."""
    unit: str = ""
    """What the goal counts; the KPI's name when there is one only."""

    @property
    def words(self) -> str:
        """What one unit of the goal is called."""
        if self.unit:
            return self.unit
        if not self.kpis:
            return MONEY
        return next(iter(self.kpis)) if len(self.kpis) == 1 else "units of the goal"


def maximise(kpi: str) -> Goal:
    """Return the goal of the largest KPI; the money is limited by limits only."""
    return Goal({kpi: 1.0})


def least_spend() -> Goal:
    """Return the goal of the least money; the targets are limits."""
    return Goal({}, 1.0)


def marginal_return(kpi: str, least: float) -> Goal:
    """Return the goal under which each yuan is spent that brings at least `least` of the KPI (marginal ROAS)."""
    return Goal({kpi: 1.0}, least)


@dataclass(frozen=True)
class Problem:
    """Cells, limits and a goal."""

    cells: Sequence[Cell]
    limits: Sequence[Limit]
    goal: Goal

    def __post_init__(self) -> None:
        """Raise `ValueError` for names given twice, or a limit or goal over cells and KPIs that are not there."""
        for kind, names in (("cell", [c.name for c in self.cells]), ("limit", [m.name for m in self.limits])):
            twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
            if twice:
                raise ValueError(f"{kind} names must be unique, but got twice: {', '.join(twice)}")
        known = {c.name: c for c in self.cells}
        for limit in self.limits:
            for name in limit.spend:
                if name not in known:
                    raise ValueError(f"limit {limit.name!r} is over {name!r}, which is no cell")
            for name, kpi in limit.value:
                if name not in known or kpi not in known[name].responses:
                    raise ValueError(f"limit {limit.name!r} is over {kpi!r} of {name!r}, which has no such response")
                if limit.sense == "==" and isinstance(known[name].responses[kpi], Smooth):
                    raise ValueError(f"limit {limit.name!r}: == cannot be met by a smooth response; use >= and <=")
        kpis = {k for c in self.cells for k in c.responses}
        for kpi in self.goal.kpis:
            if kpi not in kpis:
                raise ValueError(f"the goal is {kpi!r}, to which no cell responds; known are {', '.join(sorted(kpis))}")
