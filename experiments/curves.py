"""KPIs as curves: measured week by week, as the windows of the plan are."""

from collections.abc import Iterable
from math import isnan

import pandas as pd

from sim.kpis import KPIS, measure
from sim.run import Run

LEAD_DAYS = 60
"""Days of the burn-in that curves show."""
MONTH_DAYS = 30
STOCKS = ("repurchase_12m", "ltv", "gold_share", "mau", "nps")
"""KPIs that need a look at all users, taken every thirty days."""
TOTALS = ("exposure", "uv", "pv", "orders", "gmv", "new_users", "new_customers", "spend", "profit")
"""KPIs that add up over days: twice the window, twice the value."""


def curves(run: Run) -> pd.DataFrame:
    """Return kpi, day, days, value: each KPI over the `days` that end on `day`, from 60 days before the plan on.

    Weeks are counted from day 0; what needs a look at all users is measured over 30 days, at most once a week. Weeks
    that were not simulated whole are absent, as are those with nothing to measure.
    """
    observer = run.observer
    first, last = max(observer.calendar.first, -LEAD_DAYS), observer.seen_until
    weeks = [(day, day + 6) for day in range(-(-first // 7) * 7, last - 5, 7)]
    months = [(day - MONTH_DAYS + 1, day) for day in _thinned(d for d in observer.snapshots if first <= d <= last)]
    rows = [
        (kpi, span[1], span[1] - span[0] + 1, measure(observer, kpi, span))
        for kpi in KPIS
        for span in (months if kpi in STOCKS else weeks)
    ]
    return pd.DataFrame([r for r in rows if not isnan(r[3])], columns=["kpi", "day", "days", "value"])


def _thinned(days: Iterable[int]) -> list[int]:
    """Return days in order, at least a week apart."""
    kept: list[int] = []
    for day in sorted(days):
        if not kept or day - kept[-1] >= 7:
            kept.append(day)
    return kept
