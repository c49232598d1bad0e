"""What the plan promises, what holds today, and how KPIs are measured."""

from pydantic import model_validator

from scenarios.literals import Days, Flag, Number, Share
from scenarios.model import MisfitError, Model


class Target(Model):
    """A promise: a KPI in a window reaches a level, or changes by so much against another window."""

    kpi: str
    """KPI id; `sandtable kpis` lists them."""
    window: str = "plan"
    """Name of a window, phase, festival or stage."""
    segment: str = "all"
    """Segment, or all."""
    at_least: Number | None = None
    """Level (or relative change, with `against`) to reach."""
    at_most: Number | None = None
    """Level (or relative change, with `against`) not to pass."""
    against: str | None = None
    """Name of the window whose value is the base of a relative change."""
    points: Flag = False
    """With `against`: the change is in absolute points, not relative."""
    title: str = ""
    """Name for people; the key when empty."""
    cite: str = ""
    """Where the plan says so."""

    @model_validator(mode="after")
    def _one_side(self) -> "Target":
        if (self.at_least is None) == (self.at_most is None):
            fix = "write null for the one to drop" if self.at_least is not None else "add one of them"
            raise MisfitError("exactly one of at_least and at_most must be given", fix=fix)
        if self.points and self.against is None:
            raise MisfitError("needs against, the window whose value the change is measured from", at=("points",))
        return self


class Baseline(Model):
    """A KPI that the plan says holds today; base rates are fitted so that the run without levers reproduces it."""

    value: Number
    """Value of the KPI."""
    window: str = "plan"
    """Name of the window in which it holds in a run without levers."""
    fit: str | None = None
    """Path of the base rate fitted to it, such as behaviour.shop.ctr; none: it is only reported."""
    tolerance: Share = 0.05
    """Relative difference accepted beyond the interval."""


class Measures(Model):
    """Choices of measurement that KPIs leave open."""

    new_customer_days: Days = 30
    """An order is a new customer's while his first order is at most so many days old."""
    credit_keep: Share = 0.9
    """Share of a touch's weight kept from one day to the next when an order's credit is shared out."""
    discount_rate: Share = 0.1
    """Yearly discount rate of lifetime value."""
