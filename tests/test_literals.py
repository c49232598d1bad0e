"""What people may write for a number, a share, a duration, hours and dates."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from scenarios import literals
from scenarios.model import MisfitError


@pytest.mark.parametrize(
    ("text", "value"),
    [("3.2%", 0.032), ("1.5x", 1.5), ("1_200_000", 1_200_000), ("+30%", 0.3), ("-0.15", -0.15), (" 12 ", 12), (7, 7)],
)
def test_number(text: Any, value: float) -> None:
    assert literals.number(text) == value


@pytest.mark.parametrize("text", ["", "12 yuan", "1,000", "nan", "inf", "0x10", "_1", "%", "x", "١٢", "9" * 50, True])
def test_not_a_number(text: Any) -> None:
    with pytest.raises(MisfitError):
        literals.number(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_percentage_is_a_hundredth(value: int) -> None:
    assert literals.number(f"{value}%") == pytest.approx(value / 100)


@pytest.mark.parametrize(
    ("text", "days"), [("15", 15), ("15 days", 15), ("1 day", 1), ("2w", 14), ("2 weeks", 14), (3, 3)]
)
def test_days(text: Any, days: int) -> None:
    assert literals.days(text) == days


@pytest.mark.parametrize("text", ["3 months", "two days", "5%", "1.5x", "24h"])
def test_not_days(text: str) -> None:
    with pytest.raises(MisfitError):
        literals.days(text)


def test_nearest_duration() -> None:
    with pytest.raises(MisfitError) as refusal:
        literals.days("3 months")
    assert refusal.value.fix == "did you mean 90 days?"


@pytest.mark.parametrize("text", ["19-21", "19:00-21:00", "19 - 21", [19, 21]])
def test_hours(text: Any) -> None:
    assert literals.hours(text) == (19, 21)


@pytest.mark.parametrize("text", ["21-19", "19-19", "20-25", "19:30-21:00", [19], [19, 20, 21], 19, None, [1.5, 2]])
def test_not_hours(text: Any) -> None:
    with pytest.raises(MisfitError):
        literals.hours(text)


def test_a_night_takes_two_levers() -> None:
    with pytest.raises(MisfitError) as refusal:
        literals.hours("22-2")
    assert refusal.value.fix == "a night takes two levers: 22-24 and 0-2"


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("2023-02-30", "did you mean 2023-02-28?"),
        ("2024/1/5", "did you mean 2024-01-05?"),
        ("2024-13-01", ""),
        ("soon", ""),
        ("2024-01-01T10:00", "did you mean 2024-01-01?"),
    ],
)
def test_nearest_date(text: str, fix: str) -> None:
    with pytest.raises(MisfitError) as refusal:
        literals.day_of(text)
    assert refusal.value.fix == fix


def test_date() -> None:
    assert literals.day_of("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize("value", [20240101, 1.5, None, "1800-01-01", "9999-12-31"])
def test_not_a_date(value: Any) -> None:
    with pytest.raises(MisfitError):
        literals.day_of(value)


@pytest.mark.parametrize(
    ("value", "kept"), [("40%", "40%"), ("40.0 %", "40%"), (1000, 1000.0), ("1_000", 1000.0), (0, 0.0)]
)
def test_budget(value: Any, kept: Any) -> None:
    assert literals.budget(value) == kept
    assert type(literals.budget(value)) is type(kept)


@pytest.mark.parametrize("value", ["101%", "-1%", -5, float("nan"), float("inf"), None, True, "half", [1], "2x"])
def test_not_a_budget(value: Any) -> None:
    with pytest.raises(MisfitError):
        literals.budget(value)


@given(st.floats(min_value=0, max_value=100))
def test_budget_shares_have_one_spelling(share: float) -> None:
    once = literals.budget(f"{share:f}%")
    assert literals.budget(once) == once


@pytest.mark.parametrize("value", ["yes", "on", "true", 1, 0, None, "y"])
def test_flags_are_true_or_false(value: Any) -> None:
    with pytest.raises(MisfitError, match="write true or false"):
        literals.flag(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (literals.Share, "120%"),
        (literals.Share, -0.1),
        (literals.Yuan, "5%"),
        (literals.Yuan, -1),
        (literals.Count, "1.5x"),
        (literals.Count, 1.5),
        (literals.Count, 10**13),
        (literals.Days, 4000),
        (literals.Factor, float("inf")),
        (literals.Offset, 500),
    ],
)
def test_bounds(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind, config={"allow_inf_nan": False}).validate_python(value)
