"""Actuals on the report's curves: what was measured in the real market, as diamonds and in words."""

from typing import Any

import pandas as pd

from experiments.curves import STOCKS, TOTALS
from experiments.plots import kpi_curves
from experiments.plots.style import BLACK
from experiments.report.figure import Json, day, extremes, plain, short
from experiments.report.language import Language
from experiments.tables import rows
from scenarios import Scenario
from sim.kpis import KPIS

MARK = {"symbol": "diamond", "size": 8, "color": "#ffffff", "line": {"color": BLACK, "width": 1.5}}


def measured(real: pd.DataFrame, scenario: Scenario, language: Language) -> str:
    """Return in words what was measured and when, for the legend; empty without actuals (`kpi_curves.observed`)."""
    if real.empty:
        return ""
    first, last = (language.date(scenario.clock.date(int(when))) for when in (real["day"].min(), real["day"].max()))
    period = first if first == last else language.between(first, last)
    return language("course.measured_words", period=period, n=len(real), kpis=real["kpi"].nunique())


def trace(real: pd.DataFrame, kpi: str, scenario: Scenario, language: Language) -> Json:
    """Return the actuals of a KPI as diamonds, where the still curve has them."""
    places = kpi_curves.places(real, scenario, at_end=kpi in STOCKS)
    return {
        "x": [day(scenario.clock.start, place) for place in places], "y": short(real["value"]), "mode": "markers",
        "marker": MARK, "text": [plain(_told(row, kpi, scenario, language)) for row in rows(real)],
        "name": language("course.measured"), "hovertemplate": "%{text}", "cliponaxis": False,
    }  # fmt: skip


def alternative(real: pd.DataFrame, kpi: str, scenario: Scenario, language: Language) -> str:
    """Return the actuals of a KPI in words, for those who do not see them."""
    if len(real) == 1:
        return language("course.alt_measured_one", value=_told(next(rows(real)), kpi, scenario, language))
    values = extremes(real.sort_values("day", kind="stable"), "value", kpi, scenario, language)
    return language("course.alt_measured", n=len(real), **values)


def _told(row: Any, kpi: str, scenario: Scenario, language: Language) -> str:
    """Return a value with its period; of a total over other than a week, its pace."""
    value = language.amount(row.value, KPIS[kpi].unit)
    if kpi in TOTALS and row.days != kpi_curves.WEEK:
        value = language("course.pace", value=value)
    when = language.date(scenario.clock.date(row.day))
    if row.days == 1 or kpi in STOCKS:
        return language("course.measured_on", value=value, date=when)
    return language("course.measured_over", value=value, days=row.days, date=when)
