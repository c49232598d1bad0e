"""Literals that people write in plans: percentages, multiples, money, durations, hours and weekdays."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from scenarios.model import MisfitError

NUMBER = r"[+-]?([0-9][0-9_]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
DURATION = r"([0-9]{1,6})\s*(d|day|days|w|week|weeks)"
SPAN = r"([0-9]{1,2})(?::00)?\s*-\s*([0-9]{1,2})(?::00)?"
_DAY = re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})")
_DAYS_ABOUT = {"fortnight": 14, "month": 30, "quarter": 91, "year": 365}
_DAYS_IN = {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7}


def number(value: Any) -> Any:
    """Read `1_200_000`, `3.2%` (0.032) and `1.5x` (1.5); leave anything else to the type's own check.

    >>> number("3.2%"), number("1.5x"), number("1_000"), number("+30%")
    (0.032, 1.5, 1000, 0.3)
    """
    if isinstance(value, bool):
        raise MisfitError("must be a number")
    if not isinstance(value, str):
        return value
    text = value.strip()
    body, unit = (text[:-1].rstrip(), text[-1]) if text[-1:] in ("%", "x") else (text, "")
    if len(body) > 40 or not re.fullmatch(NUMBER, body):
        raise MisfitError("must be a number such as 12, 1_200, 3.2% or 1.5x", fix=_digits(text))
    parsed = float(body.replace("_", ""))
    if unit == "%":
        return round(parsed / 100, 12)
    return int(parsed) if not unit and parsed.is_integer() and "." not in body else parsed


def amount(value: Any) -> Any:
    """Read a number as `number` does, but refuse percentages and multiples: money, counts, days.

    >>> amount("1_000")
    1000
    """
    if isinstance(value, str) and value.strip()[-1:] in ("%", "x"):
        raise MisfitError("must be a plain number such as 12 or 1_200, not a percentage or a multiple")
    return number(value)


def days(value: Any) -> Any:
    """Read `15`, `15 days` or `2w` as a whole number of days.

    >>> days("2w"), days("15 days"), days(3)
    (14, 15, 3)
    """
    if isinstance(value, str) and (match := re.fullmatch(DURATION, value.strip())):
        return int(match[1]) * _DAYS_IN[match[2]]
    if isinstance(value, str) and not re.fullmatch(NUMBER, value.strip()):
        raise MisfitError("must be a duration such as 15, 15 days or 2 weeks", fix=_longer(value))
    return amount(value)


def hours(value: Any) -> Any:
    """Read `19-21` or `19:00-21:00` as the pair (19, 21): from the first hour up to, not including, the second."""
    if isinstance(value, str) and (match := re.fullmatch(SPAN, value.strip())):
        value = (int(match[1]), int(match[2]))
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(type(v) is int for v in value)):
        raise MisfitError("must be a span of whole hours such as 19-21")
    start, end = value
    if not 0 <= start < end <= 24:
        swap = f"did you mean {end}-{start}?" if 0 <= end < start <= 24 else ""
        if start >= 18 and 0 < end <= 8:
            swap = f"a night takes two levers: {start}-24 and 0-{end}"
        raise MisfitError("must begin before it ends, from hour 0 to hour 24", fix=swap)
    return (start, end)


def day_of(value: Any) -> Any:
    """Read an ISO date of the years 1900 to 2200; refuse a date-time and a bare number."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value.strip())
        except ValueError:
            raise MisfitError("must be a date such as 2024-11-11", fix=_nearest_day(value)) from None
    if type(value) is not date:
        raise MisfitError("must be a date such as 2024-11-11")
    if not 1900 <= value.year <= 2200:
        raise MisfitError("must be a date of the years 1900 to 2200")
    return value


def flag(value: Any) -> Any:
    """Pass true and false; refuse yes, on, 1 and the like, which mean different things to different readers."""
    if not isinstance(value, bool):
        sense = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        meant = sense.get(str(value).lower(), "")
        raise MisfitError("write true or false", fix=f"did you mean {meant}?" if meant else "")
    return value


def budget(value: Any) -> Any:
    """Read yuan as a float, or a percentage of an account as text in one spelling.

    >>> budget("40.0 %"), budget(1_000)
    ('40%', 1000.0)
    """
    rule = "must be yuan, not negative, or a percentage of the account from 0% to 100%"
    if isinstance(value, str) and value.strip().endswith("%"):
        share = number(value)
        if not 0 <= share <= 1:
            raise MisfitError(rule, fix=f"did you mean {0 if share < 0 else 100}%?")
        return f"{share * 100:.10g}%"
    money = amount(value)
    if not isinstance(money, int | float) or not 0 <= money <= 1e13:
        negative = isinstance(money, int | float) and -1e13 <= money < 0
        raise MisfitError(rule, fix=f"did you mean {-money:g}?" if negative else "")
    return float(money)


def aslist(value: Any) -> Any:
    """Return a single name or mapping as a list of one."""
    return [value] if isinstance(value, str | dict) else value


def _digits(text: str) -> str:
    plain = re.search(NUMBER, text[:40].replace(",", ""))
    return f"did you mean {plain[0]}?" if plain else ""


def _longer(text: str) -> str:
    match = re.fullmatch(r"(\d{1,3})\s*(fortnight|month|quarter|year)s?", text.strip().lower())
    return f"did you mean {int(match[1]) * _DAYS_ABOUT[match[2]]} days?" if match else ""


def _nearest_day(text: str) -> str:
    if not (match := _DAY.match(text.strip())):
        return ""
    year, month, day = (int(part) for part in match.groups())
    if not (1900 <= year <= 2200 and 1 <= month <= 12):
        return ""
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return f"did you mean {date(year, month, max(1, min(day, last)))}?"


Share = Annotated[float, BeforeValidator(number), Field(ge=0, le=1)]
"""A share, rate or probability: 0.032 or 3.2%."""
Factor = Annotated[float, BeforeValidator(number), Field(ge=0, le=1000)]
"""A multiple of the value it acts on: 1.5, 1.5x or 150%."""
Change = Annotated[float, BeforeValidator(number), Field(ge=-1, le=1000)]
"""A relative change: +10% or -0.15."""
PriceChange = Annotated[float, BeforeValidator(number), Field(gt=-1, le=1000)]
"""A relative change of a price, which stays above zero."""
Number = Annotated[float, BeforeValidator(number)]
"""Any finite number; percentages allowed."""
Rate = Annotated[float, BeforeValidator(number), Field(ge=0, le=1e6)]
"""A non-negative mean number of events."""
Yuan = Annotated[float, BeforeValidator(amount), Field(ge=0, le=1e13)]
"""An amount of money in yuan, not negative."""
Count = Annotated[int, BeforeValidator(amount), Field(ge=0, le=10**12)]
"""A whole number, not negative."""
Days = Annotated[int, BeforeValidator(days), Field(ge=0, le=3660)]
"""A duration in whole days: 15, '15 days', '2 weeks'."""
DayNumber = Annotated[int, BeforeValidator(amount), Field(ge=-3660, le=7320)]
"""A day number; day 0 is the start of the plan, negative days lie before it."""
Month = Annotated[int, BeforeValidator(amount), Field(ge=1, le=240)]
"""A month number; month 1 begins on the start date."""
Offset = Annotated[int, BeforeValidator(amount), Field(ge=-400, le=400)]
"""Days relative to an event; negative is before it."""
Hours = Annotated[tuple[int, int], BeforeValidator(hours)]
"""A span of hours, from inclusive, to exclusive: 19-21."""
Date = Annotated[date, BeforeValidator(day_of)]
"""A calendar day."""
Flag = Annotated[bool, BeforeValidator(flag)]
"""true or false."""
Budget = Annotated[float | str, BeforeValidator(budget)]
"""Money: yuan, or a percentage of an account such as 40%."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Names = Annotated[tuple[str, ...], BeforeValidator(aslist)]
"""One name or a list of names."""
