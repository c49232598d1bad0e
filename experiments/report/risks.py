"""What could go wrong: the shocks of a stress test, the worst first."""

from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from experiments.replication import Replication
from experiments.report.language import Language
from experiments.report.promises import named
from experiments.stress import ALL, harm, relative_change
from experiments.tables import rows


@dataclass(frozen=True)
class Cell:
    """What a shock does to a promise, in words."""

    promise: str
    change: str
    interval: str
    chance: str
    harm: int
    """1 worse, -1 better, 0 within chance."""
    strength: int
    """0 to 4: how large the change is."""
    flips: str
    """missed, reached, or empty."""


@dataclass(frozen=True)
class Shock:
    """A shock: the promise it hits hardest, those it turns, and every promise in the order of the plan."""

    title: str
    worst: Cell | None
    flips: tuple[str, ...]
    cells: tuple[Cell, ...]


STRENGTHS = (0.02, 0.05, 0.10, 0.20)
"""Relative changes from which a change counts as stronger."""


def shocks(replication: Replication, stress: pd.DataFrame, language: Language) -> list[Shock]:
    """Return the shocks of a table of `experiments.stress.stress`, the most harmful first."""
    found = []
    for name, part in stress.groupby("shock", sort=False):
        lines = list(rows(part))
        cells = [_cell(replication, row, language) for row in lines]
        worst = max(zip(lines, cells, strict=True), key=lambda pair: _size(pair[0]), default=None)
        title = language("risks.together") if name == ALL else str(lines[0].shock_title)
        turned = tuple(cell.promise for cell in cells if cell.flips == "missed")
        hit = worst[1] if worst is not None and worst[1].harm > 0 else None
        found.append((len(turned), max(map(_size, lines)), Shock(title, hit, turned, tuple(cells))))
    return [shock for *_, shock in sorted(found, key=lambda one: (-one[0], -one[1]))]


def _size(row: Any) -> float:
    size = harm(row)
    return 0.0 if isnan(size) else size


def _cell(replication: Replication, row: Any, language: Language) -> Cell:
    size = harm(row)
    relative = not isnan(row.relative)
    scale = abs(relative_change(row.unit, row.calm, 1.0)) if relative else 1.0
    low, high = row.ci_low * scale, row.ci_high * scale
    if relative:
        change, *ends = (language.change(v, "") for v in (row.relative, low, high))
    else:
        change, *ends = (language.difference(v, row.unit, row.kpi) for v in (row.difference, low, high))
    before, after = (language.chance(v) for v in (row.calm_probability, row.shocked_probability))
    return Cell(
        promise=named(replication.scenario, row.name, language),
        change=change,
        interval=language.between(*ends),
        chance=before if before == after else f"{before} → {after}",
        harm=0 if isnan(size) else 1 if size > 0 else -1,
        strength=0 if isnan(size) else sum(abs(size) >= limit for limit in STRENGTHS),
        flips=str(row.flips),
    )
