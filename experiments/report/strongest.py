"""The lever that matters most for a promise, and what that is known from."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from experiments.curves import MONTH_DAYS
from experiments.plots.credit import OWN, WORD
from experiments.replication import Replication
from experiments.report.language import Language
from experiments.report.people import channel
from experiments.tables import rows
from scenarios import Scenario

CREDITED = {"orders": "orders", "gmv": "gmv", "roas": "gmv", "profit": "profit"}
"""KPIs whose credit by lever is measured, and the column that has it."""
COUNTED = {
    "new_users": "new_users", "new_users_per_month": "new_users", "new_customers": "new_customers",
    "exposure": "exposure", "uv": "uv", "uv_per_day": "uv", "pv": "pv",
}  # fmt: skip
"""KPIs counted by the channel that brought them, and their metric."""
COSTS = ("spend", "cac", "marketing_expense_ratio")
"""KPIs of which the dearest lever is told."""


@dataclass(frozen=True)
class Strongest:
    """A lever (or channel), what it does, and how that is known."""

    name: str
    does: str
    basis: str


def strongest(replication: Replication, promise: Any, levers: pd.DataFrame | None, language: Language) -> Strongest:
    """Return the lever that matters most for a row of the promises.

    From `levers` (each lever switched off on the same seeds) where it is given: the one whose absence moves the promise
    most, beyond a 95 % interval that allows for the number of levers tried. Otherwise what the runs measured
    themselves: credited orders, GMV or contribution, booked costs, or counts by channel; for ratios and shares, whose
    causes no credit tells, only a hint.
    """
    if levers is not None and len(part := levers[levers["name"] == promise.name]):
        return _without(replication.scenario, part, promise, language)
    if promise.segment == "all":
        if promise.kpi in CREDITED:
            return _credited(replication, promise, CREDITED[promise.kpi], language)
        if promise.kpi in COSTS:
            return _dearest(replication, promise, language)
    if promise.kpi in COUNTED:
        return _channel(replication, promise, COUNTED[promise.kpi], language)
    return _hint(replication, promise, language)


def lever_name(scenario: Scenario, lever: str, language: Language) -> str:
    """Return a lever's name for people."""
    if lever in (OWN, WORD):
        return language.charts.name(lever)
    return getattr(scenario.levers.get(lever), "title", "") or lever


def _without(scenario: Scenario, part: pd.DataFrame, promise: Any, language: Language) -> Strongest:
    tried = part["lever"].nunique()
    sure = part[part["difference"].abs() > _half_width(part, tried)]
    sure = sure[[language.difference(d, promise.unit, promise.kpi)[0] != "0" for d in sure["difference"]]]
    if sure.empty:
        return Strongest(language("lever.without_none"), "", _weak(scenario, part, promise, tried, language))
    name, change = _largest_change(scenario, sure, promise, language)
    return Strongest(name, language("lever.without", change=change), language("lever.without_basis"))


def _weak(scenario: Scenario, part: pd.DataFrame, promise: Any, tried: int, language: Language) -> str:
    """Return which of the levers tried moved a promise most, though not beyond chance."""
    known = part.dropna(subset=["difference"])
    if known.empty:
        return language("lever.unknown_basis", n=tried)
    name, change = _largest_change(scenario, known, promise, language)
    return language("lever.without_none_basis", n=tried, name=name, change=change)


def _largest_change(scenario: Scenario, part: pd.DataFrame, promise: Any, language: Language) -> tuple[str, str]:
    row = next(rows(part.loc[[part["difference"].abs().idxmax()]]))
    return lever_name(scenario, row.lever, language), language.difference(row.difference, promise.unit, promise.kpi)


def _half_width(part: pd.DataFrame, tests: int) -> NDArray[np.float64]:
    """Return the half-widths of 95 % intervals that hold for so many levers at once (Bonferroni)."""
    degrees = np.maximum(part["seeds"].to_numpy() - 1, 1)
    wider = stdtrit(degrees, 1 - 0.025 / tests) / stdtrit(degrees, 0.975)
    return np.asarray((part["ci_high"] - part["ci_low"]) / 2 * wider, np.float64)


def _credited(replication: Replication, promise: Any, column: str, language: Language) -> Strongest:
    sums = _in_window(replication, replication.credit, column, promise.window)
    found = _largest(sums, {OWN, WORD})
    if found is None:
        return Strongest(language("lever.none"), "", language("lever.none_basis"))
    share = language.share(found[1] / sum(sums.values()))
    does = language("lever.credit", share=share, what=language(f"lever.of_{column}"))
    return Strongest(lever_name(replication.scenario, found[0], language), does, language("lever.credit_basis"))


def _dearest(replication: Replication, promise: Any, language: Language) -> Strongest:
    sums = _in_window(replication, replication.costs, "yuan", promise.window)
    found = _largest(sums, set())
    if found is None:
        return Strongest(language("lever.none"), "", language("lever.cost_basis"))
    does = language("lever.cost", share=language.share(found[1] / sum(sums.values())))
    return Strongest(lever_name(replication.scenario, found[0], language), does, language("lever.cost_basis"))


def _channel(replication: Replication, promise: Any, metric: str, language: Language) -> Strongest:
    first, last = replication.scenario.span(promise.window)
    daily = replication.daily
    part = daily[(daily["metric"] == metric) & daily["day"].between(first, last)]
    if promise.segment != "all":
        part = part[part["segment"] == promise.segment]
    by_channel = part.groupby(part["channel"].astype(str))["value"].sum()
    sums = {str(name): float(value) for name, value in by_channel.items()}
    found = _largest(sums, {"own", ""})
    if found is None:
        return _hint(replication, promise, language)
    share = language.share(found[1] / sum(sums.values()))
    does = language("lever.channel_share", share=share, what=language(f"lever.of_{metric}"))
    name = language("lever.channel", channel=channel(found[0], language))
    return Strongest(name, does, language("lever.channel_basis"))


def _hint(replication: Replication, promise: Any, language: Language) -> Strongest:
    """Return the lever with the most credited orders, and say that this is a hint and no measurement."""
    scenario = replication.scenario
    sums = _in_window(replication, replication.credit, "orders", promise.window)
    if promise.kpi == "kol_conversion":
        found = _largest({n: v for n, v in sums.items() if getattr(scenario.levers.get(n), "role", "") == "kol"}, set())
        does = language("lever.kol_hint")
    else:
        found = _largest(sums, {OWN, WORD})
        does = language("lever.hint", share=language.share(found[1] / sum(sums.values()))) if found else ""
    if found is None:
        return Strongest(language("lever.none"), "", language("lever.none_basis"))
    return Strongest(lever_name(scenario, found[0], language), "", does)


def _in_window(replication: Replication, table: pd.DataFrame, column: str, window: str) -> dict[str, float]:
    """Return the sums of a column by lever over the months that a window touches."""
    first, last = replication.scenario.span(window)
    part = table[table["month"].between(max(first, 0) // MONTH_DAYS, last // MONTH_DAYS)]
    sums = part.groupby(part["lever"].astype(str))[column].sum()
    return {str(name): float(value) for name, value in sums.items() if not isnan(value)}


def _largest(sums: Mapping[str, float], apart: set[str]) -> tuple[str, float] | None:
    """Return the entry with the largest value above zero, those `apart` left out."""
    kept = {name: value for name, value in sums.items() if name not in apart and value > 0}
    return max(kept.items(), key=lambda entry: entry[1]) if kept else None
