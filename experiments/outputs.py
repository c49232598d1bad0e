"""Outputs: the numbers of a run that a question is about, the same for every verb."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import pandas as pd

from experiments.job import SO_FAR
from experiments.summary import direction_of, unit_of
from scenarios import Scenario
from sim.kpis import KPIS

MAIN = (
    "exposure", "uv_per_day", "new_users", "new_customers", "order_conversion", "orders", "aov", "gmv", "retention_d30",
    "repurchase_12m", "spend", "roas", "cac", "profit",
)  # fmt: skip
"""KPIs that are looked at whatever the plan promises."""
COLUMNS = ("name", "title", "kpi", "window", "segment", "unit")
"""Columns by which tables of answers tell outputs apart."""


@dataclass(frozen=True)
class Output:
    """One number of a run: a KPI in a window and segment, or what a target measures."""

    name: str
    """The target's name, or the KPI's id."""
    title: str
    kpi: str
    window: str
    segment: str
    unit: str
    """The KPI's unit, or `change vs WINDOW`, `points vs WINDOW`."""
    direction: str = ""
    """at_least, at_most; empty: nothing is promised."""
    wanted: float = nan
    target: bool = False
    """Whether it is a target of the plan."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Values of `COLUMNS`."""
        return self.name, self.title, self.kpi, self.window, self.segment, self.unit


def outputs(scenario: Scenario, kpis: Sequence[str] = (), *, days: int | None = None) -> tuple[Output, ...]:
    """Return the plan's targets, or the KPIs asked for over the plan; the main KPIs when there are neither.

    With `days`, runs end early: KPIs are those of the days so far, and targets whose window is not over are left out.
    Raises `ValueError` for an unknown KPI.
    """
    unknown = [kpi for kpi in kpis if kpi not in KPIS]
    if unknown:
        raise ValueError(f"unknown KPI {unknown[0]!r}; known are {', '.join(KPIS)}")
    length = scenario.clock.days + scenario.clock.tail if days is None else days
    found = []
    if not kpis:
        for name, target in scenario.targets.items():
            last = max(scenario.span(w)[1] for w in (target.window, target.against) if w is not None)
            if last < length:
                what = (name, target.title or name, target.kpi, target.window, target.segment, unit_of(target))
                found.append(Output(*what, *direction_of(target), target=True))
    window = "plan" if length >= scenario.clock.days else SO_FAR
    for kpi in kpis or (() if found else MAIN):
        found.append(Output(kpi, KPIS[kpi].title, kpi, window, "all", KPIS[kpi].unit))
    return tuple(found)


def values(tables: Mapping[str, pd.DataFrame], wanted: Iterable[Output]) -> list[float]:
    """Return the outputs of a run from its tables `kpis` and `targets`; NaN where there was nothing to measure."""
    kpis, targets = tables["kpis"], tables["targets"]
    keys = zip(*(kpis[c].tolist() for c in ("kpi", "window", "segment")), strict=True)
    levels = dict(zip(keys, kpis["value"].tolist(), strict=True))
    promised = dict(zip(targets["target"].tolist(), targets["value"].tolist(), strict=True))
    return [
        float(promised.get(o.name, nan) if o.target else levels.get((o.kpi, o.window, o.segment), nan)) for o in wanted
    ]
