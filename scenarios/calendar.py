"""When things happen: clock, intervals, festivals with stages around a day."""

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from scenarios.literals import Change, Date, DayNumber, Days, Factor, Month, Number, Offset, PriceChange
from scenarios.literals import days as read_days
from scenarios.model import MisfitError, Model


class Clock(Model):
    """The simulated days: burn-in (histories), horizon (the plan), tail (retention of the last cohorts)."""

    start: Date
    """First day of the plan, day 0."""
    days: Annotated[int, BeforeValidator(read_days), Field(ge=1, le=3660)]
    """Length of the plan [days]."""
    burn_in: Days = 365
    """Days simulated before day 0 without levers, so that users have histories [days]."""
    tail: Days = 30
    """Days simulated after the plan, so that its last cohorts can be measured [days]."""

    def day(self, when: date) -> int:
        """Return the day number of a date; day 0 is `start`."""
        return (when - self.start).days

    def date(self, day: int) -> date:
        """Return the date of a day number."""
        return self.start + timedelta(days=day)


class Interval(Model):
    """A span of days, given in exactly one way; both ends belong to it."""

    days: tuple[DayNumber, DayNumber] | None = None
    """First and last day number; day 0 is the start of the plan, negative days lie before it."""
    months: tuple[Month, Month] | None = None
    """First and last month number; month 1 begins on the start date."""
    dates: tuple[Date, Date] | None = None
    """First and last date."""

    @model_validator(mode="after")
    def _one_way(self) -> "Interval":
        given = [v for v in (self.days, self.months, self.dates) if v is not None]
        if len(given) != 1:
            fix = "keep one of them" if given else "add one of them"
            raise MisfitError("exactly one of days, months and dates must be given", fix=fix)
        first, last = given[0]
        if first > last:  # type: ignore[operator]
            raise MisfitError("must begin before it ends", fix=f"did you mean [{last}, {first}]?")
        return self

    def span(self, clock: Clock) -> tuple[int, int]:
        """Return the first and last day number."""
        if self.days is not None:
            return self.days
        if self.dates is not None:
            return clock.day(self.dates[0]), clock.day(self.dates[1])
        assert self.months is not None
        first, after = (month_start(clock.start, month) for month in (self.months[0], self.months[1] + 1))
        return clock.day(first), clock.day(after) - 1


def _form(value: Any) -> str:
    return "interval" if isinstance(value, dict | Interval) else "name"


When = Annotated[Annotated[str, Tag("name")] | Annotated[Interval, Tag("interval")], Discriminator(_form)]
"""The name of a phase, window, festival or festival stage (`double-11.burst`), or an interval."""


def month_start(start: date, month: int) -> date:
    """Return the first day of the month-th month (from 1) of a plan that begins on `start`.

    >>> month_start(date(2024, 1, 31), 2)
    datetime.date(2024, 2, 29)
    """
    years, index = divmod(start.month - 1 + month - 1, 12)
    year, number_ = start.year + years, index + 1
    last = (date(year + number_ // 12, number_ % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, number_, min(start.day, last))


class Stage(Model):
    """One stage of a festival, and what the season itself does to users then (not what the plan's levers do)."""

    days: tuple[Offset, Offset]
    """First and last day relative to the festival's date."""
    traffic: Factor = 1.0
    """Multiple of users' own visits."""
    intent: Factor = 1.0
    """Multiple of the odds that a visitor who saw a detail page puts something into the cart."""
    media_price: PriceChange = 0.0
    """Relative change of the price of paid traffic."""

    @model_validator(mode="after")
    def _ordered(self) -> "Stage":
        if self.days[0] > self.days[1]:
            swapped = f"did you mean [{self.days[1]}, {self.days[0]}]?"
            raise MisfitError("must begin before it ends", at=("days",), fix=swapped)
        return self


class Festival(Model):
    """A shopping festival: a date and stages around it; its stages are named `festival.stage` elsewhere."""

    date: Date
    """Day zero of the festival."""
    stages: dict[str, Stage] = Field(min_length=1)
    """Stages by name, such as warm-up, burst and return."""
    goods: dict[str, Factor] = {}
    """Multiple of each goods class's share of demand during the stages."""


class Season(Model):
    """What the calendar does to users' own visits, festivals apart."""

    weekdays: tuple[Number, ...] = (1.0,) * 7
    """Multiples of visits, Monday to Sunday."""
    months: tuple[Number, ...] = (1.0,) * 12
    """Multiples of visits, January to December."""
    growth: Change = 0.0
    """Relative change of visits over a year."""

    @model_validator(mode="after")
    def _lengths(self) -> "Season":
        for field, size in (("weekdays", 7), ("months", 12)):
            values = getattr(self, field)
            if len(values) != size:
                raise MisfitError(f"must hold {size} multiples, but holds {len(values)}", at=(field,))
            if min(values) < 0:
                raise MisfitError("must not be negative", at=(field, values.index(min(values))))
        return self
