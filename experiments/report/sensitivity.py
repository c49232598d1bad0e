"""What the result is sensitive to: of each promise, the numbers that move it most."""

from dataclasses import dataclass
from math import isnan

import pandas as pd

from experiments.ranking import shown
from experiments.replication import Replication
from experiments.report.language import Language
from experiments.report.promises import named
from experiments.tables import rows
from scenarios import Scenario

MOST = 6
"""Numbers told of a promise."""


@dataclass(frozen=True)
class Driver:
    """A number and what it does to a promise; places are in percent of the chart's width, the middle is the plan."""

    path: str
    name: str
    words: tuple[str, ...]
    """At the low and at the high end (oat), or the index and its interval."""
    low: tuple[float, float]
    """Left end and width of the bar of the low end (oat), or of the index."""
    high: tuple[float, float] | None


@dataclass(frozen=True)
class Tornado:
    """A promise and the numbers that move it, the most influential first."""

    title: str
    drivers: tuple[Driver, ...]
    points: bool
    """Whether all its changes are in points."""


def influence(sweep: pd.DataFrame) -> pd.DataFrame:
    """Return name (of the promise), parameter, effect, sure, part, the most influential first in each promise.

    `effect` is the largest size of the indices that rank parameters; `sure` says whether its interval leaves out 0;
    `part` is the effect as a part of all sure effects on that promise. A prcc or Sobol index has no sign of its own.
    """
    part = sweep[sweep["index"].isin(_ranking(sweep)) & (sweep["parameter"] != "")].dropna(subset=["value"])
    sure = (part["ci_low"] > 0) | (part["ci_high"] < 0)
    part = part.assign(effect=part["value"].abs(), sure=sure)
    table = part.groupby(["name", "parameter"], sort=False).agg({"effect": "max", "sure": "any"}).reset_index()
    kept = table["effect"].where(table["sure"], 0.0)
    table = table.assign(part=(kept / kept.groupby(table["name"]).transform("sum").replace(0.0, 1.0)))
    return table.sort_values(["name", "sure", "effect"], ascending=[True, False, False], kind="stable")


def tornados(replication: Replication, sweep: pd.DataFrame, language: Language) -> list[Tornado]:
    """Return a tornado for each promise in the order of the plan."""
    method, ranks = str(sweep["method"].iloc[0]), influence(sweep)
    found = []
    for name, part in sweep.groupby("name", sort=False):
        order = ranks.loc[(ranks["name"] == name) & ranks["sure"], "parameter"].tolist()[:MOST]
        make = _swings if method == "oat" else _bars
        drivers = tuple(make(replication.scenario, part, order, language))
        points = bool(drivers) and all(word.endswith(language("number.points")) for d in drivers for word in d.words)
        found.append(Tornado(named(replication.scenario, str(name), language), drivers, points and method == "oat"))
    return found


def _ranking(sweep: pd.DataFrame) -> tuple[str, ...]:
    """Return the indices whose size ranks parameters."""
    names = shown(sweep)
    return names if names == ("low", "high") else names[:1]


def number_name(scenario: Scenario, path: str) -> str:
    """Return a number's name for people: the title of its lever or rule, and what it is of it."""
    section, _, rest = path.partition(".")
    key, _, field = rest.partition(".")
    entry = getattr(scenario, section, None)
    title = getattr(entry.get(key), "title", "") if isinstance(entry, dict) else ""
    return f"{title} · {field}" if title and field else path


def _swings(scenario: Scenario, part: pd.DataFrame, order: list[str], language: Language) -> list[Driver]:
    """Return bars from the plan to either end of each number's range."""
    lines = {(row.parameter, row.which): row for row in rows(part.rename(columns={"index": "which"}))}
    widest = max((abs(row.value) for row in lines.values() if not isnan(row.value)), default=0.0) or 1.0
    found = []
    for path in order:
        ends = [lines.get((path, end)) for end in ("low", "high")]
        values = [0.0 if row is None or isnan(row.value) else float(row.value) for row in ends]
        words = tuple("" if row is None else language.difference(row.value, row.unit, row.kpi) for row in ends)
        bars = [(round(50 + 50 * min(v, 0.0) / widest, 2), round(50 * abs(v) / widest, 2)) for v in values]
        found.append(Driver(path, number_name(scenario, path), words, bars[0], bars[1]))
    return found


def _bars(scenario: Scenario, part: pd.DataFrame, order: list[str], language: Language) -> list[Driver]:
    """Return bars from zero to each number's index."""
    method, (index,) = str(part["method"].iloc[0]), _ranking(part)
    lines = {row.parameter: row for row in rows(part.rename(columns={"index": "which"})) if row.which == index}
    widest = max((abs(row.value) for row in lines.values() if not isnan(row.value)), default=0.0) or 1.0
    found = []
    for path in order:
        row = lines[path]
        in_unit = method == "morris"
        texts = [
            language.difference(v, row.unit, row.kpi).lstrip("+") if in_unit else language.compact(v, 2)
            for v in (row.value, row.ci_low, row.ci_high)
        ]
        bar = (0.0, round(100 * abs(row.value) / widest, 2))
        words = (texts[0], language.between(texts[1], texts[2]))
        found.append(Driver(path, number_name(scenario, path), words, bar, None))
    return found
