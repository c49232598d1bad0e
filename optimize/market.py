"""market: what the coupled search asks of a market: a space of plans, and outcomes of a plan at given seeds.

The simulator plugs in here, and so does any other market that answers `evaluate`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimize.money import Solution
    from optimize.response import Hill, Responses

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """One decision: money by lever [yuan] and values of the settings (coupon threshold, validity, ...)."""

    money: Mapping[str, float]
    settings: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """What one replication of a plan gave."""

    kpi: float
    """The goal, to be as large as possible."""
    credit: Mapping[str, float]
    """Part of the goal credited to each lever, gross of what is charged to the plan as a whole. The rest of the goal
    (sales of their own accord, less charges) is the goal less the sum of credits."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """Other measures by name, NaN where the replication has none; for a promise, by how much it is kept (below 0: missed)."""


@dataclass(frozen=True)
class Bounds:
    """Money a lever may get."""

    low: float
    """yuan"""
    high: float
    """yuan"""

    def __post_init__(self) -> None:
        """Raise `ValueError` for bounds out of order."""
        if not 0 <= self.low <= self.high < np.inf:
            raise ValueError(f"`0 <= low <= high < inf` must hold, but got (low={self.low:g}, high={self.high:g})")


@dataclass(frozen=True)
class Setting:
    """A lever parameter to choose."""

    low: float
    high: float
    log: bool = False
    """Whether equal ratios, not differences, are equal steps."""
    integer: bool = False

    def __post_init__(self) -> None:
        """Raise `ValueError` for bounds out of order, or not positive on a log scale."""
        if not self.low < self.high:
            raise ValueError(f"`low < high` must hold, but got (low={self.low:g}, high={self.high:g})")
        if self.log and not self.low > 0:
            raise ValueError(f"`low > 0` must hold on a log scale, but got (low={self.low:g})")

    def at(self, unit: float) -> float:
        """Return the value at a place in the range, 0 to 1; whole for an integer."""
        share = min(max(float(unit), 0.0), 1.0)
        value = self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share
        return float(min(max(round(value) if self.integer else value, self.low), self.high))

    def unit(self, value: float) -> float:
        """Return the place of a value in the range, 0 to 1."""
        if self.log:
            return float(np.log(value / self.low) / np.log(self.high / self.low))
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Space:
    """The plans to choose from."""

    levers: Mapping[str, Bounds]
    budget: float
    """yuan for all levers together; it need not all be spent"""
    current: Plan
    """The plan to beat, and the start of the search."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    """Names of the measures that outcomes have beside the goal."""
    promises: Mapping[str, float] = field(default_factory=dict)
    """By measure, what of the goal each unit below 0 costs."""
    aims: Mapping[str, float] = field(default_factory=dict)
    """By measure, what of the goal each unit is worth. With aims the goal is their sum, and an outcome's `kpi` only tells, by
    its credits, how levers saturate; it should be so small beside them that it does no more than break ties."""
    price: float = 0.0
    """What of the goal each yuan of money costs by what the goal is, such as 1 of profit; other effects are learned."""
    holdouts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Levers, by the name of what they are together, whose money may be taken away to learn what of their credit they truly
    bring; all others are taken at their credit."""
    divide: "Divide | None" = None
    """How money is divided over levers where more than the budget and bounds limits it; None: the exact best split."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a budget that cannot be met or a current plan outside the space."""
        least = sum(bounds.low for bounds in self.levers.values())
        if not (self.levers or self.settings):
            raise ValueError("a space needs a lever or a setting, but got neither")
        if not least <= self.budget < np.inf:
            raise ValueError(f"`sum of low <= budget < inf` must hold, but got (low={least:g}, budget={self.budget:g})")
        held = [name for levers in self.holdouts.values() for name in levers]
        if len(set(held)) < len(held) or not set(held) <= set(self.levers):
            raise ValueError(f"holdouts must name levers, each once, but got {dict(self.holdouts)}")
        for what, named in (("a promise", self.promises), ("an aim", self.aims)):
            if unknown := sorted(set(named) - set(self.measures)):
                raise ValueError(f"{what} is about a measure, but {unknown[0]!r} is none of {sorted(self.measures)}")
        self.check(self.current)

    def check(self, plan: Plan) -> None:
        """Raise `ValueError` for a plan outside the space."""
        for what, chosen, known in (
            ("levers", plan.money, self.levers),
            ("settings", plan.settings, self.settings),
        ):
            if set(chosen) != set(known):
                raise ValueError(f"a plan must name the {what} {sorted(known)}, but got {sorted(chosen)}")
        ranges: dict[str, Bounds | Setting] = {**self.levers, **self.settings}
        for name, value in {**plan.money, **plan.settings}.items():
            low, high = ranges[name].low, ranges[name].high
            slack = 1e-9 * max(abs(low), abs(high))
            if not low - slack <= value <= high + slack:
                raise ValueError(f"`low <= {name} <= high` must hold, but got {value:g} of [{low:g}, {high:g}]")
        spent = sum(plan.money.values())
        if spent > self.budget * (1 + 1e-9):
            raise ValueError(f"`money <= budget` must hold, but got (money={spent:g}, budget={self.budget:g})")

    def worth(self, outcome: Outcome) -> float:
        """Return the goal of an outcome less the cost of promises missed; one that is not measured costs nothing."""
        missed = ((cost, outcome.measures.get(name, 0.0)) for name, cost in self.promises.items())
        goal = sum(weight * outcome.measures[name] for name, weight in self.aims.items()) if self.aims else outcome.kpi
        return goal - sum(cost * -kept for cost, kept in missed if kept < 0)

    def weights(self, measures: Sequence[str]) -> tuple[Floats, Floats]:
        """Return what of the goal each unit of `measures` is worth, and what each unit below 0 costs [measures]."""
        aims, costs = ([by.get(name, 0.0) for name in measures] for by in (self.aims, self.promises))
        return np.array(aims, float), np.array(costs, float)

    @property
    def low(self) -> Floats:
        """Least money [levers], yuan."""
        return np.array([bounds.low for bounds in self.levers.values()], float)

    @property
    def high(self) -> Floats:
        """Most money [levers], yuan, as far as the budget reaches."""
        most = np.array([bounds.high for bounds in self.levers.values()], float)
        return np.asarray(np.minimum(most, self.budget - (self.low.sum() - self.low)))

    def plan(self, spend: Floats, unit: Floats) -> Plan:
        """Return the plan of money [levers] in yuan and places of the settings [settings], 0 to 1."""
        settings = {name: s.at(u) for (name, s), u in zip(self.settings.items(), unit, strict=True)}
        return Plan({name: float(x) for name, x in zip(self.levers, spend, strict=True)}, settings)

    def spend(self, plan: Plan) -> Floats:
        """Return the money [levers] of a plan, yuan, in the order of the space."""
        return np.array([plan.money[name] for name in self.levers], float)

    def unit(self, plan: Plan) -> Floats:
        """Return the places [settings] of a plan's settings in their ranges, 0 to 1."""
        return np.array([s.unit(plan.settings[name]) for name, s in self.settings.items()], float)


class Divide(Protocol):
    """Divides money over levers."""

    def __call__(self, responses: "Responses", unit: Floats) -> Floats:
        """Return the money [levers] in yuan that is best by fitted responses at places [settings] of the settings."""

    def keeps(self, responses: "Responses", spend: Floats, unit: Floats) -> bool:
        """Return whether money [levers] keeps every limit, by fitted responses where they count."""

    def solution(self, responses: "Responses", unit: Floats, at: Floats) -> "Solution":
        """Return the last word on the best money at places [settings], near money `at` [levers]: in whole units, proved."""

    def whole(self, responses: "Responses", spend: Floats, unit: Floats) -> Floats:
        """Return the money [levers] in whole units that keeps every limit and lies nearest to money [levers]."""

    def by_shares(
        self, responses: "Responses", curves: Sequence["Hill"], worth: Floats, price: float, unit: Floats
    ) -> Floats:
        """Return the money [levers] that is best when shares of the curves are worth so much [levers], a yuan `price`."""


def rehearse(market: "Market", plans: Sequence[Plan], seeds: Sequence[int]) -> list[list[Outcome]]:
    """Return the outcomes [plans][seeds] of plans under common seeds, asked for at once."""
    found = market.evaluate([(plan, seed) for plan in plans for seed in seeds])
    return [found[k : k + len(seeds)] for k in range(0, len(found), len(seeds))]


class Market(Protocol):
    """Anything that can rehearse a plan."""

    @property
    def space(self) -> Space:
        """The plans to choose from."""

    def evaluate(self, asked: Sequence[tuple[Plan, int]]) -> list[Outcome]:
        """Return the outcome of each (plan, seed). Equal seeds give common random numbers; an outcome depends on its plan
        and seed only.
        """
