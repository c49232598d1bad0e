"""Current against proposed: KPIs with intervals, money by lever and period, settings."""

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiments.compare import shares
from experiments.report.promises import named
from experiments.report.sensitivity import number_name
from experiments.tables import rows
from optimize.report.wording import Wording
from sim.kpis import KPIS

if TYPE_CHECKING:
    from optimize.optimum import Optimum

WIDEST, LEAST = 0.5, 0.02
"""Ends of the scale of changes, as shares of the present mean: at most and at least."""
USUAL = 0.85
"""Share of the intervals that the scale holds whole."""
PER = 10_000.0
"""Yuan that the return of a count is told for."""


@dataclass(frozen=True)
class Dot:
    """A change and its interval on a scale from -1 (left end) to 1, the middle is no change [percent of the width]."""

    mean: float
    low: float
    high: float
    beyond: bool
    """Whether the mean lies beyond the end of the scale."""


@dataclass(frozen=True)
class Compared:
    """A KPI or target, current and proposed, in words."""

    title: str
    what: tuple[str, ...]
    current: str
    proposed: str
    change: str
    interval: str
    dot: Dot | None
    sign: int
    """1: better beyond chance, -1: worse, 0: within chance."""
    wanted: str
    chance: str
    target: bool


@dataclass(frozen=True)
class Money:
    """The money of a lever, or of one of its periods, in words; widths are in percent of the widest."""

    name: str
    period: str
    account: str
    current: str
    proposed: str
    change: str
    returns: str
    at: str
    current_width: float
    proposed_width: float


@dataclass(frozen=True)
class Chosen:
    """A setting, in words; places are in percent of its range."""

    name: str
    path: str
    current: str
    proposed: str
    range: str
    places: tuple[float, float]
    changed: bool


def compared(found: "Optimum", wording: Wording) -> list[Compared]:
    """Return the rows of the verification, targets first."""
    table = found.answer.tables["verification"]
    known = table[table["difference"].notna()]
    ends = [max(abs(v) for v in shares(row)[1:]) for row in rows(known)]
    reach = min(max(LEAST, float(np.nanquantile([*ends, LEAST], USUAL))), WIDEST)
    return [_compared(found, row, reach, wording) for row in rows(known)]


def _compared(found: "Optimum", row: Any, reach: float, wording: Wording) -> Compared:
    target = found.scenario.targets.get(row.name) if row.direction else None
    what = [wording.kpi(row.kpi)] if target else []
    if row.window != "plan":
        what.append(wording.window(row.window))
    if row.segment != "all":
        what.append(row.segment)
    title = named(found.scenario, row.name, wording) if target else wording.brief(row.kpi)
    sure, better = bool(row.differs), KPIS[row.kpi].better
    if row.direction:
        better = 1 if row.direction == "at_least" else -1
    chance = [wording.chance(v) for v in (row.base_probability, row.other_probability)] if target else []
    wanted = wording.spell(row.wanted, row.unit, row.kpi) if target else ""
    low, high = (wording.difference(v, row.unit, row.kpi) for v in (row.ci_low, row.ci_high))
    return Compared(
        title=title,
        what=tuple(part for part in what if part != title),
        current=wording.spell(row.base_mean, row.unit, row.kpi),
        proposed=wording.spell(row.other_mean, row.unit, row.kpi),
        change=wording.held(wording.difference(row.difference, row.unit, row.kpi)),
        interval=wording.held(wording.between(low, high)),
        dot=_dot(row, reach),
        sign=0 if not sure else 1 if row.difference * better > 0 else -1,
        wanted=wording(f"promises.{row.direction}", value=wanted) if target else "",
        chance="" if not chance else chance[0] if chance[0] == chance[1] else " → ".join(chance),
        target=target is not None,
    )


def _dot(row: Any, reach: float) -> Dot | None:
    mean, low, high = shares(row)
    if isnan(mean) or isnan(low):
        return None
    middle, left, right = (round(50 + 50 * min(max(v / reach, -1.0), 1.0), 2) for v in (mean, low, high))
    return Dot(middle, left, right, beyond=abs(mean) > reach)


def money(found: "Optimum", wording: Wording) -> tuple[list[Money], list[Money], Money | None]:
    """Return the money by lever, the largest proposal first; by lever and period; and all together (None without any)."""
    table = found.answer.tables["allocation"]
    if table.empty:
        return [], [], None
    sums = table.groupby("lever", sort=False)[["current", "proposed", "change"]].sum()
    order = sums["proposed"].sort_values(ascending=False, kind="stable").index
    widest = float(sums[["current", "proposed"]].to_numpy().max()) or 1.0
    levers, periods = [], []
    most = float(table[["current", "proposed"]].to_numpy().max()) or 1.0
    for lever in order:
        part = table[table["lever"] == lever]
        accounts = ", ".join(dict.fromkeys(part["account"].astype(str)))
        levers.append(
            _money(str(lever), "", accounts, sums.loc[lever], _returns(part["marginal"], wording), "", widest, wording)
        )
        periods += [
            _money(str(lever), str(row.period), str(row.account), row, _return(row.marginal, wording),
                   wording(f"money_at.{row.at}") if row.at else "", most, wording)
            for row in rows(part)
        ]  # fmt: skip
    whole = _money("", "", "", sums.sum(), "", "", float(sums.sum()[["current", "proposed"]].max()) or 1.0, wording)
    return levers, periods, whole


def _money(
    lever: str, period: str, account: str, row: Any, returns: str, at: str, widest: float, wording: Wording
) -> Money:
    return Money(
        name=wording.lever(lever) if lever else "", period=period, account=account,
        current=wording.whole(float(row.current)), proposed=wording.whole(float(row.proposed)),
        change=signed(float(row.change), wording),  returns=returns, at=at,
        current_width=round(100 * float(row.current) / widest, 2),
        proposed_width=round(100 * float(row.proposed) / widest, 2),
    )  # fmt: skip


def signed(value: float, wording: Wording) -> str:
    """Return a change of money in whole yuan, with its sign."""
    text = wording.whole(value)
    return f"+{text}" if round(value) > 0 else text


def return_head(wording: Wording) -> str:
    """Return what the column of returns tells: the goal of a yuan more, or of 10,000 where the goal is a count."""
    key = "money_table.return_yuan" if wording.found.market.in_money else "money_table.return_count"
    return wording(key, goal=wording.brief(wording.goal))


def _return(value: float, wording: Wording) -> str:
    if isnan(value):
        return wording("number.unknown")
    return wording.of_goal(value if wording.found.market.in_money else PER * value, 3)


def _returns(values: "pd.Series[float]", wording: Wording) -> str:
    """Return the range of several returns, or the one."""
    known = values.dropna()
    if known.empty:
        return wording("number.unknown")
    low, high = (_return(float(v), wording) for v in (known.min(), known.max()))
    return low if low == high else wording.between(low, high)


def settings(found: "Optimum", wording: Wording) -> list[Chosen]:
    """Return the settings."""
    spans = found.market.space.settings
    return [_chosen(found, row, spans[str(row.path)], wording) for row in rows(found.answer.tables["settings"])]


def _chosen(found: "Optimum", row: Any, span: Any, wording: Wording) -> Chosen:
    path, name = str(row.path), number_name(found.scenario, str(row.path))
    places = tuple(round(100 * min(max(span.unit(v), 0.0), 1.0), 2) for v in (row.current, row.proposed))
    low, high = (wording.compact(v) for v in (row.low, row.high))
    changed = wording.compact(row.current) != wording.compact(row.proposed)
    return Chosen(
        name=name, path=path if name != path else "", current=wording.compact(row.current),
        proposed=wording.compact(row.proposed), range=wording.between(low, high), places=(places[0], places[1]),
        changed=changed,
    )  # fmt: skip
