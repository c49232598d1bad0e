"""What more money would bring: prices of the limits, and what 10,000 yuan more do to each target."""

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from experiments.report.promises import named
from experiments.summary import unit_of
from experiments.tables import rows
from optimize.report.wording import Wording

if TYPE_CHECKING:
    from optimize.optimum import Optimum

NOTHING = 1e-4
"""Prices below this share of the dearest are rounding."""


@dataclass(frozen=True)
class Limit:
    """A limit of the money, in words."""

    name: str
    level: str
    used: str
    binds: bool


@dataclass(frozen=True)
class Push:
    """Which money moves a target most for 10,000 yuan more, up and down, beyond chance; empty: none does."""

    target: str
    helps: str
    by: str
    interval: str
    harms: str
    down: str
    down_interval: str


def prices(found: "Optimum", wording: Wording) -> list[str]:
    """Return what more money, or a less strict limit, would bring, the dearest first; those that bring nothing are left
    out."""
    table = found.answer.tables["prices"]
    if "binding" not in table:
        return []
    binding = table[table["binding"].astype(bool)]
    price = binding["price"].abs().sort_values(ascending=False, kind="stable")
    order = price[~(price <= NOTHING * price.max())].index
    return [wording.sentence(str(words))[1] for words in binding.loc[order, "words"]]


def limits(found: "Optimum", wording: Wording) -> list[Limit]:
    """Return all limits of the money, those that bind first."""
    table = found.answer.tables["prices"]
    if "binding" not in table:
        return []
    kept = table[table["kind"].str.contains("limit")].sort_values("binding", ascending=False, kind="stable")
    return [
        Limit(wording.names(str(row.name)), wording.compact(row.level), wording.compact(row.used), bool(row.binding))
        for row in rows(kept)
        if not isnan(row.level)
    ]


def pushes(found: "Optimum", wording: Wording) -> tuple[list[Push], list[str]]:
    """Return for each target which money moves it most, and the names of those that none moves beyond chance."""
    table = found.answer.tables["responses"]
    told = [_push(found, str(name), part, wording) for name, part in table.groupby("target", sort=False)]
    moved = [push for push in told if push.helps or push.harms]
    return moved, [push.target for push in told if push not in moved]


def _push(found: "Optimum", name: str, part: pd.DataFrame, wording: Wording) -> Push:
    target = found.scenario.targets[name]

    def told(sure: pd.DataFrame, place: "pd.Series[float]") -> tuple[str, str, str]:
        if sure.empty:
            return "", "", ""
        row = next(rows(sure.loc[[place.loc[sure.index].idxmax()]]))
        words = [wording.difference(v, unit_of(target), target.kpi) for v in (row.per_10k, row.low, row.high)]
        return wording.post(str(row.lever), str(row.period)), words[0], wording.between(words[1], words[2])

    slope = part["per_10k"]
    return Push(
        named(found.scenario, name, wording), *told(part[part["low"] > 0], slope), *told(part[part["high"] < 0], -slope)
    )
