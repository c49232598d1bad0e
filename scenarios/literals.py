"""Literals that people write in plans: percentages, multiples, money, durations, hours and weekdays."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

_NUMBER = re.compile(r"[+-]?(\d[\d_]*)(\.\d+)?([eE][+-]?\d+)?")
_DURATION = re.compile(r"(\d+)\s*(d|day|days|w|week|weeks)")
_SPAN = re.compile(r"(\d{1,2})(?::00)?\s*-\s*(\d{1,2})(?::00)?")
_DAYS_IN = {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7}


def number(value: Any) -> Any:
    """Read `1_200_000`, `3.2%` (0.032) and `1.5x` (1.5); leave anything else to the type's own check.

    >>> number("3.2%"), number("1.5x"), number("1_000"), number("+30%")
    (0.032, 1.5, 1000, 0.3)
    """
    if isinstance(value, bool):
        raise ValueError("must be a number, not yes or no")
    if not isinstance(value, str):
        return value
    text = value.strip()
    body, unit = (text[:-1].rstrip(), text[-1]) if text[-1:] in ("%", "x") else (text, "")
    if not _NUMBER.fullmatch(body):
        raise ValueError(f"must be a number such as 12, 1_200, 3.2% or 1.5x, but got {value!r}")
    parsed = float(body.replace("_", ""))
    if unit == "%":
        return round(parsed / 100, 12)
    return int(parsed) if not unit and parsed.is_integer() and "." not in body else parsed


def days(value: Any) -> Any:
    """Read `15`, `15 days` or `2w` as a whole number of days.

    >>> days("2w"), days("15 days"), days(3)
    (14, 15, 3)
    """
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        return int(match[1]) * _DAYS_IN[match[2]]
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise ValueError(f"must be a duration such as 15, '15 days' or '2 weeks', but got {value!r}")
    return number(value)


def hours(value: Any) -> Any:
    """Read `19-21` or `19:00-21:00` as the pair (19, 21): from the first hour up to, not including, the second."""
    if isinstance(value, str) and (match := _SPAN.fullmatch(value.strip())):
        value = (int(match[1]), int(match[2]))
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(v) is int for v in value):
        start, end = value
        if not 0 <= start < end <= 24:
            raise ValueError(f"`0 <= from < to <= 24` must hold, but got {start}-{end}")
        return (start, end)
    raise ValueError(f"must be a span of hours such as 19-21, but got {value!r}")


def day_of(value: Any) -> Any:
    """Read an ISO date; refuse a date-time and a bare number."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"must be a date such as 2024-11-11, but got {value!r}") from None
    if type(value) is not date:
        raise ValueError(f"must be a date such as 2024-11-11, but got {value!r}")
    return value


def _aslist(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


Share = Annotated[float, BeforeValidator(number), Field(ge=0, le=1)]
"""A share, rate or probability: 0.032 or 3.2%."""
Factor = Annotated[float, BeforeValidator(number), Field(ge=0, le=1000)]
"""A multiple of the value it acts on: 1.5, 1.5x or 150%."""
Change = Annotated[float, BeforeValidator(number), Field(ge=-1, le=1000)]
"""A relative change: +10% or -0.15."""
Number = Annotated[float, BeforeValidator(number)]
"""Any finite number; percentages allowed."""
Rate = Annotated[float, BeforeValidator(number), Field(ge=0, le=1e6)]
"""A non-negative mean number of events."""
Yuan = Annotated[float, BeforeValidator(number), Field(ge=0, le=1e13)]
"""An amount of money in yuan, not negative."""
Count = Annotated[int, BeforeValidator(number), Field(ge=0, le=10**12)]
"""A whole number, not negative."""
Days = Annotated[int, BeforeValidator(days), Field(ge=0, le=3660)]
"""A duration in whole days: 15, '15 days', '2 weeks'."""
Offset = Annotated[int, BeforeValidator(number), Field(ge=-400, le=400)]
"""Days relative to an event; negative is before it."""
Hours = Annotated[tuple[int, int], BeforeValidator(hours)]
"""A span of hours, from inclusive, to exclusive: 19-21."""
Date = Annotated[date, BeforeValidator(day_of)]
"""A calendar day."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Names = Annotated[tuple[str, ...], BeforeValidator(_aslist)]
"""One name or a list of names."""
