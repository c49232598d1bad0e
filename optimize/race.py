"""race: a few plans compared on fresh common seeds, in stages, until it is clear which is best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from optimize.market import Floats, Market, Plan, rehearse

LOOKS = 3


@dataclass(frozen=True)
class Race:
    """Paired comparisons of plans on the same seeds."""

    table: pd.DataFrame
    """plan, against, difference, low, high [KPI], replications: means of paired differences with intervals that hold
    together, at all looks, with the probability asked for (Bonferroni)."""
    kpis: Mapping[str, Floats]
    """Goal, less the cost of promises missed, by plan and replication."""
    replications: int
    """Replications spent on all plans."""

    def interval(self, plan: str, against: str) -> tuple[float, float]:
        """Return the interval of the mean difference of two plans of `table`."""
        row = (self.table["plan"] == plan) & (self.table["against"] == against)
        if not row.any():
            raise ValueError(f"no comparison of {plan!r} against {against!r}; there are {sorted(self.kpis)}")
        return float(self.table["low"][row].iloc[0]), float(self.table["high"][row].iloc[0])


def race(market: Market, plans: Mapping[str, Plan], seeds: Sequence[int], *, level: float = 0.95) -> Race:
    """Run `plans` on `seeds`, a quarter, a half and all of them, and stop at the look when all pairs are told apart.

    Differences are paired by seed; intervals are Student's with the level divided over looks and pairs. Raises `ValueError`
    for fewer than eight seeds or two plans.
    """
    if len(seeds) < 8 or len(plans) < 2:
        raise ValueError(f"a race needs 8 seeds and 2 plans or more, but got {len(seeds)} and {len(plans)}")
    names = list(plans)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
    tail = (1 - level) / 2 / (LOOKS * len(pairs))
    kpis: dict[str, Floats] = {name: np.empty(0) for name in names}
    done, table = 0, pd.DataFrame()
    for share in (0.25, 0.5, 1.0):
        upto = max(8, int(np.ceil(share * len(seeds))))
        if upto == done:
            continue
        for name, fresh in zip(names, rehearse(market, list(plans.values()), seeds[done:upto]), strict=True):
            kpis[name] = np.r_[kpis[name], [market.space.worth(outcome) for outcome in fresh]]
        done = upto
        table = pd.DataFrame([compare(kpis, a, b, tail) for a, b in pairs])
        if ((table["low"] > 0) | (table["high"] < 0)).all():
            break
    return Race(table, kpis, done * len(plans))


def compare(kpis: Mapping[str, Floats], plan: str, against: str, tail: float) -> dict[str, object]:
    """Return one row of the table of a race; `tail`: probability left out on each side."""
    gap = kpis[plan] - kpis[against]
    half = float(student.ppf(1 - tail, len(gap) - 1) * gap.std(ddof=1) / np.sqrt(len(gap)))
    mean = float(gap.mean())
    return {
        "plan": plan,
        "against": against,
        "difference": mean,
        "low": mean - half,
        "high": mean + half,
        "replications": len(gap),
    }
