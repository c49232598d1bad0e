"""What the runs say together: means, intervals, and how likely each promise is kept."""

from collections.abc import Sequence
from math import isnan, nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from experiments.tables import rows
from scenarios import Scenario
from scenarios.targets import Target
from sim.kpis import KPIS

COLUMNS = (
    "kpi", "window", "segment", "unit", "mean", "ci_low", "ci_high", "seeds", "target", "direction", "probability",
)  # fmt: skip
"""Columns of a summary, which are those of `kpis.csv`."""

PROMISES = (
    "name", "title", "kpi", "window", "segment", "unit", "mean", "ci_low", "ci_high", "wanted", "direction", "seeds",
    "probability", "verdict",
)  # fmt: skip
"""Columns of the promises."""


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of independent runs and its 95 % Student-t interval; NaN where the runs do not tell.

    >>> interval([1.0, 2.0, 3.0])
    (2.0, -0.484..., 4.484...)
    >>> interval([5.0])
    (5.0, nan, nan)
    """
    n, mean, spread = _moments(values)
    if n < 2:
        return mean, nan, nan
    half = float(stdtrit(n - 1, 0.975)) * spread / sqrt(n)
    return mean, mean - half, mean + half


def attainment(values: Sequence[float], wanted: float, direction: str) -> float:
    """Return the probability that one further run reaches a level, from the runs so far; NaN below two runs.

    Predictive distribution of a normal sample with mean m and standard deviation s: m + s sqrt(1 + 1/n) T(n-1); Geisser
    (1993), section 2.2. Runs that all agree give exactly 0 or 1.

    >>> attainment([0.9, 1.1, 1.0], 1.0, "at_least"), attainment([2.0, 2.0], 1.0, "at_most")
    (0.5, 0.0)
    """
    n, mean, spread = _moments(values)
    if n < 2:
        return nan
    margin = mean - wanted if direction == "at_least" else wanted - mean
    if spread == 0:
        return float(margin >= 0)
    return float(stdtr(n - 1, margin / (spread * sqrt(1 + 1 / n))))


def verdict(probability: float) -> str:
    """Return a probability of attainment in plain words.

    >>> verdict(0.97), verdict(0.5), verdict(0.1)
    ('very likely (over 95 %)', 'open', 'unlikely')
    """
    if probability > 0.95:
        return "very likely (over 95 %)"
    if probability >= 0.7:
        return "likely"
    if probability > 0.3:
        return "open"
    return "unlikely" if probability >= 0.05 else "very unlikely"


def direction_of(target: Target) -> tuple[str, float]:
    """Return `at_least` or `at_most`, and the level or change wanted."""
    if target.at_least is not None:
        return "at_least", target.at_least
    assert target.at_most is not None
    return "at_most", target.at_most


def unit_of(target: Target) -> str:
    """Return the unit of a target's value: the KPI's, or that of a change against another window."""
    if target.against is None:
        return KPIS[target.kpi].unit
    return f"{'points' if target.points else 'change'} vs {target.against}"


def promises(scenario: Scenario, targets: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return one row a target, with the columns `PROMISES`.

    `targets` has target, value and seed; `days` of the plan and its tail were simulated. `mean`, `ci_low`, `ci_high`
    and `wanted` are in `unit`; `seeds` is the number of runs that could measure it.
    """
    found = {str(name): part for name, part in targets.groupby("target", sort=False)["value"]}
    lines = []
    for name, target in scenario.targets.items():
        values = found[name].dropna().tolist() if name in found else []
        direction, wanted = direction_of(target)
        chance = attainment(values, wanted, direction)
        if scenario.span(target.window)[1] >= days:
            words = "cannot tell: not simulated"
        elif not values:
            words = "cannot tell: nothing to measure"
        else:
            words = "cannot tell: one run" if isnan(chance) else verdict(chance)
        what = (name, target.title or name, target.kpi, target.window, target.segment, unit_of(target))
        lines.append((*what, *interval(values), wanted, direction, len(values), chance, words))
    return pd.DataFrame(lines, columns=list(PROMISES))


def summarise(kpis: pd.DataFrame, promised: pd.DataFrame) -> pd.DataFrame:
    """Return mean and interval of every KPI, window and segment over the runs, with the columns `COLUMNS`.

    `kpis` has kpi, window, segment, unit, value and seed. A target on a level stands in its KPI's row; a target on a
    change, and a second target on one KPI, have rows of their own.
    """
    lines: list[list[Any]] = [
        [*map(str, key), *interval(part.tolist()), len(part), nan, "", nan]
        for key, part in kpis.groupby(["kpi", "window", "segment", "unit"], sort=False)["value"]
    ]
    place = {tuple(row[:4]): row for row in lines}
    for promise in rows(promised):
        row = place.pop((promise.kpi, promise.window, promise.segment, promise.unit), None)
        if row is None:
            row = [promise.kpi, promise.window, promise.segment, promise.unit]
            row += [promise.mean, promise.ci_low, promise.ci_high, promise.seeds, nan, "", nan]
            lines.append(row)
        row[8:] = [promise.wanted, promise.direction, promise.probability]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _moments(values: Sequence[float]) -> tuple[int, float, float]:
    """Return number, mean and standard deviation; the last is exactly 0 when all values agree."""
    n = len(values)
    if not n:
        return 0, nan, nan
    if min(values) == max(values):
        return n, float(values[0]), 0.0
    return n, float(np.mean(values)), float(np.std(values, ddof=1)) if n > 1 else nan
