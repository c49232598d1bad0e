"""What an optimiser may change in a plan, and the rules that its answer must keep."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from scenarios.literals import Factor, Flag, Names, Number, Rate, Share, Yuan, amount
from scenarios.model import MisfitError, Model
from scenarios.uncertainty import Range


def promised(value: Any) -> Any:
    """Read `hard`, or what of the goal each missing unit of a KPI costs.

    >>> promised("hard"), promised("2_000")
    ('hard', 2000.0)
    """
    if value == "hard":
        return value
    cost = amount(value)
    if not isinstance(cost, int | float) or not 0 <= cost <= 1e13:
        raise MisfitError("must be hard, or what of the goal each missing unit costs, not negative")
    return float(cost)


class Money(Model):
    """The money that a media lever may get over the plan."""

    low: Yuan = 0.0
    """Least money [yuan]."""
    high: Yuan
    """Most money [yuan]."""

    @model_validator(mode="after")
    def _a_range(self) -> "Money":
        if self.low > self.high:
            raise MisfitError(f"must not be above high ({self.high:g})", at=("low",), with_=("high",))
        return self


class PlanLimit(Model):
    """What every limit has."""

    title: str = ""
    """Name for people; the key when empty."""
    plan: Names = ()
    """Ids of the plan's constraints that this stands for, such as B-07."""
    levers: Names = ()
    """Media levers; empty: all."""
    windows: Names = ()
    """Phases; empty: the whole plan."""
    shortfall: Yuan | None = None
    """What of the goal each unit costs by which the limit is missed, so that a little may be given for much; 0: a miss is
    only told; none: the limit must be kept. Units are yuan of money, of a return those of the goal."""


class Band(PlanLimit):
    """A limit with a lower side, an upper side, or both."""

    at_least: Number | None = None
    """Lower side."""
    at_most: Number | None = None
    """Upper side."""

    @model_validator(mode="after")
    def _some_side(self) -> "Band":
        if self.at_least is None and self.at_most is None:
            raise MisfitError("at_least or at_most must be given", fix="add one of them")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise MisfitError(f"must not be above at_most ({self.at_most:g})", at=("at_least",), with_=("at_most",))
        return self


class ShareLimit(Band):
    """The levers' share of what other levers spend in the same phases."""

    kind: Literal["share"]
    of: Names = ()
    """Media levers of the whole; empty: all."""


class SpendLimit(Band):
    """What the levers spend together [yuan]."""

    kind: Literal["spend"]


class ReturnLimit(PlanLimit):
    """What the levers bring for each yuan spent, as credited."""

    kind: Literal["return"]
    at_least: Factor
    """Least credited goal (GMV or profit in yuan, orders) a yuan."""
    each: Flag = False
    """Whether each lever must return so much (a filter: what does not gets nothing), or all together."""


class CostLimit(PlanLimit):
    """What the whole plan costs for each unit of the goal: the expense ratio when the goal is GMV."""

    kind: Literal["cost"]
    at_most: Rate
    """Most yuan for each unit of the goal."""
    besides: Rate = 0.0
    """Yuan that each unit of the goal costs besides, such as an obligation for each item sold."""


class PaceLimit(PlanLimit):
    """How fast the levers' money may change from one phase to the next."""

    kind: Literal["pace"]
    change: Share
    """Most change, as a share of what the levers spend over the plan as it is."""


class PriceLimit(PlanLimit):
    """All placements must be affordable when those of the levers become dearer in these phases."""

    kind: Literal["affordable"]
    surcharge: Factor
    """Price rise that the money must bear, such as 50%."""
    accounts: Names = ()
    """Accounts whose money helps to bear it, such as the reserve; empty: the media money alone."""


class PriorityLimit(PlanLimit):
    """Levers that are filled before others."""

    kind: Literal["priority"]
    before: Names = ()
    """Media levers that get no larger part of their most money than the first do; empty: all others."""
    returning: Factor | None = None
    """Credited goal a yuan from which on a lever comes first, by the curves at the plan's present money; none: all
    of `levers` do."""

    @model_validator(mode="after")
    def _some_order(self) -> "PriorityLimit":
        if not self.before and self.returning is None:
            raise MisfitError("before or returning must be given", fix="add one of them")
        return self


class QuotaLimit(PlanLimit):
    """How many units (placements, sessions) a lever may buy for each day on which it is open, at the season's prices."""

    kind: Literal["quota"]
    a_day: Factor = 1.0
    """Most units a day, over a phase on average."""


AnyLimit = Annotated[
    ShareLimit | SpendLimit | ReturnLimit | CostLimit | PaceLimit | PriceLimit | PriorityLimit | QuotaLimit,
    Field(discriminator="kind"),
]


class Choices(Model):
    """What `sandtable optimize` may change, and the rules its plan keeps. The reserve and accounts without media stay."""

    goal: Literal["gmv", "orders", "profit", "new_users"] = "gmv"
    """KPI to raise, over the plan; limits on returns and costs speak of it."""
    band: Factor = 1.0
    """Part of its present money by which a media lever's money in a phase may rise or fall: 1 lets it go from nothing to
    twice as much; 0 locks it."""
    money: dict[str, Money] = {}
    """Money of media levers over the plan, where `band` is not what is wanted."""
    accounts: Factor = 0.0
    """Part of an account's present media money by which it may rise or fall; 0 keeps the plan's shares."""
    targets: dict[str, Annotated[Literal["hard"] | Yuan, BeforeValidator(promised)]] = {}
    """Targets that the search pays for: hard ones must be kept; a number is the shortfall cost, what of the goal each unit
    of the KPI that is missing costs."""
    settings: dict[str, Range] = {}
    """Range of other numbers, by path, such as levers.coupon.off."""
    limits: dict[str, AnyLimit] = {}
    """Rules that the plan must keep."""
