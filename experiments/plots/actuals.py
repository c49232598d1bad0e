"""Actuals: what was measured in the real market, from a CSV file, to be drawn over the curves of a plan."""

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.plots.kpi_curves import BEYOND_ONE, WEEK, shown_days
from scenarios import Fault, Scenario, ScenarioError
from scenarios.faults import nearest, shown
from sim.kpis import KPIS

COLUMNS = ("kpi", "value", "day", "date", "days")
"""Columns of a file: `day`, `date` or, where they agree, both; `days` may be absent (7)."""
TABLE = ("kpi", "day", "date", "days", "value")
"""Columns of the table."""
MOST_BYTES = 20_000_000
_LIMITS = {"share": (0.0, 1.0), "score": (0.0, 1.0), "points": (-100.0, 100.0)}
"""Least and most value by unit; others are not negative."""
_MAY_BE_NEGATIVE = ("profit", "ltv")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")


@dataclass(frozen=True, eq=False)
class Actuals:
    """What was measured."""

    table: pd.DataFrame
    """kpi, day (0 is the plan's first), date, days (length of the period that ends there), value (of the period)."""
    notes: tuple[str, ...] = ()
    """What a reader must know of what is not drawn."""


@dataclass(frozen=True)
class _Row:
    """A line of the file with what it says."""

    line: int
    cells: Mapping[str, str]


def read(path: str | os.PathLike[str], scenario: Scenario) -> Actuals:
    """Return the actuals of a CSV file (UTF-8, a header, commas), with the columns `COLUMNS`.

    Values are those of the real market over the period: money in yuan, shares from 0 to 1; empty: not measured. Raises
    `ScenarioError` with every fault: file, line, column, value, rule and nearest fix.
    """
    label, faults = os.fspath(path), list[Fault]()
    rows = _rows(label, faults)
    lines = [line for row in rows if (line := _line(label, row, scenario, faults)) is not None] if rows else []
    faults += _twice(label, lines)
    if faults:
        raise ScenarioError(sorted(faults, key=lambda fault: fault.line))
    table = pd.DataFrame([values for _, values in lines], columns=list(TABLE))
    first, last = shown_days(scenario)
    inside = table["day"].between(first, last)
    ends = f"{scenario.clock.date(first)} to {scenario.clock.date(last)}"
    if not (inside & table["value"].notna()).any():
        rule = "no value lies in the days that the charts show" if len(table) else "there are no rows below the header"
        raise ScenarioError([Fault(label, 0, "", "", rule, f"give values from {ends}" if len(table) else "")])
    left_out = int((~inside).sum())
    some = f"actuals outside the days that the charts show ({ends}), not drawn: {left_out} of {len(table)}"
    return Actuals(table[inside].reset_index(drop=True), (some,) if left_out else ())


def _rows(label: str, faults: list[Fault]) -> list[_Row]:
    """Return the lines below the header, by column; none where the file or its header is faulty."""
    try:
        text = _text(Path(label))
    except FileNotFoundError:
        faults.append(Fault(label, 0, "", "", "there is no such file", "give the path of a CSV file"))
        return []
    except UnicodeDecodeError:
        faults.append(Fault(label, 0, "", "", "is not UTF-8 text", "save it as CSV UTF-8"))
        return []
    except OSError as error:
        faults.append(Fault(label, 0, "", "", f"cannot be read: {error.strerror or error}"))
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        faults.append(Fault(label, reader.line_num, "", "", f"is not CSV: {error}"))
        return []
    if not found:
        faults.append(Fault(label, 0, "", "", "the file is empty", f"begin with a header: {','.join(COLUMNS[:3])}"))
        return []
    (line, header), *below = found
    faults += _header(label, line, header)
    if faults:
        return []
    faults += [
        Fault(label, number, "", ",".join(cells), f"must have {len(header)} cells as the header, but has {len(cells)}")
        for number, cells in below
        if len(cells) != len(header)
    ]
    return [_Row(n, dict(zip(header, cells, strict=True))) for n, cells in below if len(cells) == len(header)]


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(f"it is larger than {MOST_BYTES // 1_000_000} MB")
    return data.decode("utf-8-sig")


def _header(label: str, line: int, header: Sequence[str]) -> Iterator[Fault]:
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        yield Fault(label, line, "", header[0], "columns must be separated by commas")
        return
    for name in dict.fromkeys(header):
        if name not in COLUMNS:
            yield Fault(label, line, "", shown(name), "unknown column", nearest(name, COLUMNS, "columns"))
        elif header.count(name) > 1:
            yield Fault(label, line, name, "", "stands twice in the header")
    for name in ("kpi", "value"):
        if name not in header:
            yield Fault(label, line, name, "", "the column is missing")
    if "day" not in header and "date" not in header:
        yield Fault(label, line, "day", "", "the column is missing", "add day or date")


def _line(label: str, row: _Row, scenario: Scenario, faults: list[Fault]) -> tuple[_Row, tuple[Any, ...]] | None:
    """Return the values of a row, in the order of `TABLE`; None when one is faulty."""
    before = len(faults)

    def refuse(column: str, rule: str, fix: str = "") -> None:
        faults.append(Fault(label, row.line, column, shown(row.cells[column]), rule, fix))

    kpi, value = row.cells["kpi"], float("nan")
    if kpi not in KPIS:
        refuse("kpi", "unknown KPI", nearest(kpi, KPIS, "KPIs"))
    if row.cells["value"]:
        value, rule, fix = _value(row.cells["value"], kpi)
        if rule:
            refuse("value", rule, fix)
    named = {}
    for column in (name for name in ("day", "date") if name in row.cells):
        named[column], rule, fix = _day(row.cells[column], scenario, dated=column == "date")
        if rule:
            refuse(column, rule, fix)
    day = next(iter(named.values()))
    if len(faults) == before and len(set(named.values())) > 1:
        refuse("date", f"is not day {day} of the plan", f"did you mean {scenario.clock.date(day)}?")
    days = row.cells.get("days") or str(WEEK)
    if not re.fullmatch(r"0*[1-9]\d{0,4}", days):
        refuse("days", "must be a whole number of at least 1")
    if len(faults) > before:
        return None
    return row, (kpi, day, scenario.clock.date(day).isoformat(), int(days), value)


def _value(text: str, kpi: str) -> tuple[float, str, str]:
    """Return a number, the rule that it breaks, and the nearest fix."""
    if not _NUMBER.fullmatch(text):
        bare = re.sub(r"[¥￥,，\s]", "", text)
        scale = {"%": 0.01, "％": 0.01, "万": 1e4, "亿": 1e8}.get(bare[-1:], 1.0)
        bare = bare.rstrip("%％万亿")
        fix = f"did you mean {float(bare) * scale:.12g}?" if _NUMBER.fullmatch(bare) else ""
        return 0.0, "must be a plain number", fix
    value = float(text)
    unit = KPIS[kpi].unit if kpi in KPIS else ""
    low, high = (0.0, inf) if kpi in BEYOND_ONE else _LIMITS.get(unit, (0.0, inf))
    low = -inf if kpi in _MAY_BE_NEGATIVE or not unit else low
    if low <= value <= high and abs(value) < inf:
        return value, "", ""
    fix = f"did you mean {value / 100:.12g}?" if high == 1 < value <= 100 else ""
    return 0.0, "must not be negative" if value < 0 and high == inf else f"must lie between {low:g} and {high:g}", fix


def _day(text: str, scenario: Scenario, *, dated: bool) -> tuple[int, str, str]:
    """Return a day of the plan, the rule that its text breaks, and the nearest fix."""
    if not dated:
        whole = re.fullmatch(r"[+-]?\d{1,5}", text)
        return (int(text), "", "") if whole else (0, "must be a whole number, 0 is the plan's first day", "")
    found = _DATE.fullmatch(text)
    try:
        when = date(*map(int, found.groups())) if found else None
    except ValueError:
        when = None
    if when is None:
        return 0, f"must be a date such as {scenario.clock.start}", ""
    if text != when.isoformat():
        return 0, "must be a date as YYYY-MM-DD", f"did you mean {when}?"
    return scenario.clock.day(when), "", ""


def _twice(label: str, lines: Sequence[tuple[_Row, tuple[Any, ...]]]) -> Iterator[Fault]:
    seen: dict[tuple[Any, ...], int] = {}
    for row, (kpi, day, when, days, _) in lines:
        first = seen.setdefault((kpi, day, days), row.line)
        if first != row.line:
            period = f"{kpi} over the {days} days to {when}"
            yield Fault(label, row.line, "", period, f"stands in line {first} already", "leave one of the two out")
