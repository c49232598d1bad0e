"""What the tables of a sweep say, for people: parameters by strength, and changes in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import isnan

import numpy as np
import pandas as pd

from experiments.design import Parameter
from experiments.outputs import COLUMNS
from experiments.tables import rows
from experiments.units import MINUS, amount, change
from sim.kpis import KPIS

Estimate = tuple[float, float, float]
"""Value, low and high end of its 95 % interval."""
Tables = Mapping[str, pd.DataFrame]
REASONS = UNMEASURED, UNMOVED, UNTOLD = (
    "it could not be measured in every run",
    "nothing that was varied changes it",
    "the parameters move it no more than luck does",
)
"""Why no parameter of an output has an index."""


@dataclass(frozen=True)
class Measured:
    """An output of a sweep, and what the plan itself brings of it."""

    name: str
    title: str
    kpi: str
    window: str
    segment: str
    unit: str
    plan: float
    """Mean over seeds."""

    @property
    def axis(self) -> str:
        """Unit of ticks: changes and points of shares are shares."""
        if self.unit.startswith("change vs "):
            return "share"
        return KPIS[self.kpi].unit if self.unit.startswith("points vs ") else self.unit

    @property
    def in_points(self) -> bool:
        """Whether its changes are told in points and not relative to the plan's."""
        return " vs " in self.unit or self.axis == "share"

    def moved(self, value: float) -> str:
        """Return a change of it in words: relative to the plan's, or in points of what is a share already.

        >>> Measured("gmv", "GMV", "gmv", "plan", "all", "yuan", 200.0).moved(-5.0)
        '−2.5 %'
        >>> Measured("ctr", "CTR", "ctr", "plan", "all", "share", 0.04).moved(0.015)
        '+1.5 points'
        """
        if self.in_points:
            return change(value, self.axis, points=True)
        if self.plan:
            return change(value / abs(self.plan), self.unit)
        return f"+{amount(value, self.unit)}" if value > 0 else amount(value, self.unit)

    def estimated(self, estimate: Estimate) -> str:
        """Return a change of it with the half-width of its interval, where that is known and not nothing.

        >>> Measured("gmv", "GMV", "gmv", "plan", "all", "yuan", 200.0).estimated((-5.0, -8.0, -2.0))
        '−2.5 % ± 1.5'
        """
        value, low, high = estimate
        if isnan(value):
            return "-"
        half = self.moved((high - low) / 2).removeprefix("+").partition(" ")[0] if high > low else ""
        return f"{self.moved(value)} ± {half}" if half else self.moved(value)


def parameters_of(tables: Tables) -> dict[str, Parameter]:
    """Return the parameters of a sweep by path."""
    found = (Parameter(*row) for row in rows(tables["parameters"][[field.name for field in fields(Parameter)]]))
    return {parameter.path: parameter for parameter in found}


def outputs_of(tables: Tables) -> Iterator[tuple[Measured, pd.DataFrame]]:
    """Yield each output of a sweep with its indices."""
    values = tables["values"]
    plan = values[values["sample"] == 0].groupby("name", sort=False)["value"].mean()
    for key, part in tables["indices"].groupby(list(COLUMNS), sort=False):
        name, title, kpi, window, segment, unit = map(str, key)
        yield Measured(name, title, kpi, window, segment, unit, float(plan[name])), part


def why_unknown(tables: Tables, name: str, indices: pd.DataFrame) -> str:
    """Return why no parameter of an output has an index, one of `REASONS`; empty when one has."""
    if indices.loc[indices["index"].isin(shown(indices)), "value"].notna().any():
        return ""
    values = tables["values"].loc[tables["values"]["name"] == name, "value"]
    if values.isna().any():
        return UNMEASURED
    if values.groupby(tables["values"]["seed"]).nunique().max() == 1:
        return UNMOVED
    return UNTOLD


def shown(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the indices of one output that people are to see, corrected ones where there are; the first one ranks.

    Of oat both rank, by the larger.
    """
    method = str(table["method"].iloc[0])
    if method == "sobol":
        return ("ST_corrected", "S1_corrected") if (table["index"] == "ST_corrected").any() else ("ST", "S1")
    return {"oat": ("low", "high"), "morris": ("mu_star", "mu", "sigma"), "lhs": ("prcc",)}[method]


def ranked(table: pd.DataFrame) -> list[tuple[str, dict[str, Estimate]]]:
    """Return the parameters of one output, the strongest first, each with its indices; unknown ones come last."""
    found: dict[str, dict[str, Estimate]] = {}
    for row in rows(table[table["parameter"] != ""]):
        found.setdefault(str(row.parameter), {})[str(row.index)] = row.value, row.ci_low, row.ci_high
    names = shown(table)
    by = names if names == ("low", "high") else names[:1]
    strength = {path: max(np.nan_to_num(abs(has[name][0]), nan=-1.0) for name in by) for path, has in found.items()}
    return sorted(found.items(), key=lambda item: -strength[item[0]])


def share(estimate: Estimate) -> str:
    """Return an index from -1 to 1 with its interval.

    >>> share((0.5576, 0.49, 0.62)), share((float("nan"),) * 3)
    ('0.56 (0.49 to 0.62)', '-')
    """
    value, low, high = estimate
    if isnan(value):
        return "-"
    around = "" if isnan(low) else f" ({_two(low)} to {_two(high)})"
    return f"{_two(value)}{around}"


def _two(value: float) -> str:
    text = f"{abs(value):.2f}"
    return f"{MINUS if value < 0 and float(text) else ''}{text}"
