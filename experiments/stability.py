"""Stability: whether a plan's result still hangs on the same assumptions, and how much luck is in that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

import pandas as pd
from scipy.stats import spearmanr

from experiments.policy import Sensitivity
from experiments.runner import Runner
from experiments.units import compact
from scenarios import Scenario

_RANKING = ("low", "high", "mu_star", "ST_corrected", "prcc")
"""Indices whose size ranks parameters: of oat, morris, sobol (free of the luck of seeds), lhs."""
FEW = 3
"""Parameters below which a rank correlation says nothing."""


@dataclass(frozen=True)
class Stability:
    """What a KPI hangs on, as a sweep found it."""

    kpi: str
    asked: Sensitivity
    strengths: Mapping[str, float]
    """Size of each parameter's effect by path, as the method tells it; empty: unknown."""
    luck: float
    """Share of the variance of the sweep's means that the luck of seeds makes; NaN: unknown."""

    def judged(
        self, old: Mapping[str, float] | None
    ) -> Iterator[tuple[Literal["overlap", "rank", "noise"], float, float, str]]:
        """Yield kind, value, limit and words of each thing asked; `old` holds the strengths of the baseline."""
        asked = self.asked
        if asked.overlap is not None:
            share = overlap(self.strengths, old or {}, asked.top)
            told = f"{_percent(share)} of the {asked.top} strongest are the baseline's; asked for {_percent(asked.overlap)}"
            yield "overlap", share, asked.overlap, f"{told}. Now: {', '.join(strongest(self.strengths, asked.top))}"
        if asked.rank is not None:
            value = rank(self.strengths, old or {})
            told = "unknown" if isnan(value) else compact(value, 3)
            yield "rank", value, asked.rank, f"rank correlation with the baseline {told}; asked for {asked.rank:g}"
        if asked.noise is not None:
            told = f"luck makes {_percent(self.luck)} of what the sweep sees; tolerated {_percent(asked.noise)}"
            yield "noise", self.luck, asked.noise, told


def stability(scenario: Scenario, asked: Sensitivity | None, days: int | None, runner: Runner) -> list[Stability]:
    """Return the stability of each KPI that a policy asks about; none when it asks nothing.

    Raises what `experiments.sweep.swept` raises.
    """
    if asked is None:
        return []
    from experiments.sweep import swept

    found = swept(scenario, asked.over, asked.method, asked.samples, asked.seeds, asked.kpis, days, runner)
    indices, noise = found.tables["indices"], found.tables["noise"]
    luck = noise[noise["source"] == "means"].set_index("name")["share"]
    return [Stability(kpi, asked, _strengths(indices[indices["name"] == kpi]), float(luck[kpi])) for kpi in asked.kpis]


def _strengths(indices: pd.DataFrame) -> dict[str, float]:
    """Return the size of each parameter's effect; none where an index is not known."""
    ranking = indices[indices["index"].isin(_RANKING) & (indices["parameter"] != "")]
    sizes = ranking["value"].abs().groupby(ranking["parameter"], sort=False).max()
    return {} if ranking["value"].isna().any() else {str(path): float(size) for path, size in sizes.items()}


def strongest(strengths: Mapping[str, float], top: int) -> list[str]:
    """Return the parameters of the largest effects, the largest first; of equal ones, the first by name."""
    return sorted(strengths, key=lambda path: (-strengths[path], path))[:top]


def overlap(now: Mapping[str, float], then: Mapping[str, float], top: int) -> float:
    """Return the share of the strongest parameters of then that are among the strongest now; NaN when there are none.

    >>> overlap({"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 1.0, "b": 0.1, "c": 0.5}, 2)
    0.5
    """
    old = strongest(then, top)
    return len({*old} & {*strongest(now, top)}) / len(old) if old else nan


def rank(now: Mapping[str, float], then: Mapping[str, float]) -> float:
    """Return Spearman's rank correlation over the parameters that both have; NaN below three, or when all are equal.

    >>> rank({"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 1.0, "b": 2.0, "c": 3.0})
    -1.0
    """
    both = sorted(now.keys() & then.keys())
    one, other = [now[path] for path in both], [then[path] for path in both]
    if len(both) < FEW or len(set(one)) == 1 or len(set(other)) == 1:
        return nan
    return float(spearmanr(one, other).statistic)


def _percent(share: float) -> str:
    return "an unknown part" if isnan(share) else f"{compact(100 * share, 3)} %"
