"""risk: what to ask of a goal that varies from replication to replication, and which of some plans answers best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import t as student

from experiments.units import compact
from optimize.market import Floats, Market, Plan, rehearse

DRAWS = 2000
SEEDS = 32
"""Fewest seeds of a choice."""


class Risk(Protocol):
    """A measure of goals over replications; larger is better."""

    @property
    def words(self) -> str:
        """What it is, for a table."""

    def __call__(self, kpi: Floats) -> Floats:
        """Return the measure over the last axis."""


@dataclass(frozen=True)
class Mean:
    """The mean."""

    @property
    def words(self) -> str:
        """What it is, for a table."""
        return "mean"

    def __call__(self, kpi: Floats) -> Floats:
        """Return the measure over the last axis."""
        return np.asarray(kpi.mean(-1))


@dataclass(frozen=True)
class Chance:
    """The probability that the goal reaches a level."""

    level: float

    def __post_init__(self) -> None:
        """Raise `ValueError` for a level that is not finite."""
        if not np.isfinite(self.level):
            raise ValueError(f"`-inf < level < inf` must hold, but got {self.level!r}")

    @property
    def words(self) -> str:
        """What it is, for a table."""
        return f"P(goal >= {self.level:g})"

    def __call__(self, kpi: Floats) -> Floats:
        """Return the measure over the last axis."""
        return np.asarray((kpi >= self.level).mean(-1))


@dataclass(frozen=True)
class CVaR:
    """The mean of the worst share of replications (Rockafellar & Uryasev 2000), the last one in part."""

    share: float

    def __post_init__(self) -> None:
        """Raise `ValueError` for a share outside (0, 1]."""
        if not 0 < self.share <= 1:
            raise ValueError(f"`0 < share <= 1` must hold, but got {self.share!r}")

    @property
    def words(self) -> str:
        """What it is, for a table."""
        return f"mean of the worst {self.share:.0%}"

    def __call__(self, kpi: Floats) -> Floats:
        """Return the measure over the last axis.

        >>> float(CVaR(0.5)(np.array([4.0, 1.0, 2.0])))
        1.3333333333333333
        """
        count = kpi.shape[-1]
        weight = np.clip(self.share * count - np.arange(count), 0.0, 1.0)
        return np.asarray(np.sort(kpi, axis=-1) @ weight / weight.sum())


@dataclass(frozen=True)
class Choice:
    """The plan that a risk measure prefers."""

    name: str
    plan: Plan
    table: pd.DataFrame
    """plan, mean, risk, low, high (95 % bootstrap interval of the risk), lead: probability that it has the best risk,
    gain, gain_low, gain_high: its risk less that of the first plan, with its interval; over bootstrap draws of common
    seeds."""
    warnings: tuple[str, ...]

    @property
    def proved(self) -> bool:
        """Whether it is better than the first plan, beyond its interval."""
        row = self.table[self.table["plan"] == self.name].iloc[0]
        return bool(row["gain_low"] > 0)


def choose(worlds: Sequence[Market], plans: Mapping[str, Plan], seeds: Sequence[int], risk: Risk) -> Choice:
    """Return which of `plans` has the best `risk` over `seeds`, the same for all, and over worlds that count alike.

    `worlds`: the market, and the market under each shock. The plan is chosen on the first half of the seeds and measured
    on the second, so that the choice does not flatter it. Warns when that plan leaves the lever with the most credit per
    yuan under the plan with the best mean for one that varies less. Raises `ValueError` for fewer than `SEEDS` seeds or
    without plans or worlds.
    """
    if len(seeds) < SEEDS or not plans or not worlds:
        raise ValueError(
            f"a choice by risk needs {SEEDS} seeds, a plan and a world, but got {len(seeds)}, {len(plans)} and {len(worlds)}"
        )
    space, names = worlds[0].space, list(plans)
    outcomes = [rehearse(world, list(plans.values()), seeds) for world in worlds]
    goal = np.array([[[space.worth(o) for o in row] for row in rows] for rows in outcomes]).swapaxes(0, 1)
    half = len(seeds) // 2
    best = int(risk(goal[:, :, :half].reshape(len(names), -1)).argmax())
    table = measured(names, goal[:, :, half:], risk)
    usual = int(goal.mean((1, 2)).argmax())
    spends = np.array([space.spend(plan) for plan in plans.values()])
    credit = np.array([[o.credit[name] for name in space.levers] for o in outcomes[0][usual]])
    words = abandoned(list(space.levers), spends[[usual, best]], credit, risk) if space.levers else ()
    return Choice(names[best], plans[names[best]], table, words)


def measured(names: Sequence[str], goal: Floats, risk: Risk) -> pd.DataFrame:
    """Return `Choice.table` of goals [plans, worlds, seeds].

    Percentiles are expanded for few seeds: of a mean the interval is as wide as Student's (Hesterberg 2015, The American
    Statistician 69).
    """
    plans, worlds, seeds = goal.shape
    picked = np.random.default_rng(0).integers(0, seeds, (DRAWS, seeds))
    drawn = np.array([risk(plan[:, picked].swapaxes(0, 1).reshape(DRAWS, -1)) for plan in goal])
    value = risk(goal.reshape(plans, worlds * seeds))
    tail = float(ndtr(-np.sqrt(seeds / (seeds - 1)) * student.ppf(0.975, seeds - 1)))
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=1)
    gain_low, gain_high = np.quantile(drawn - drawn[0], [tail, 1 - tail], axis=1)
    lead = np.bincount(drawn.argmax(0), minlength=plans) / DRAWS
    return pd.DataFrame(
        {"plan": names, "mean": goal.mean((1, 2)), "risk": value, "low": low, "high": high, "lead": lead,
         "gain": value - value[0], "gain_low": gain_low, "gain_high": gain_high}
    )  # fmt: skip


def parsed(text: str) -> Risk:
    """Return the measure of `mean`, `cvar=20%` or `chance=3000000`. Raises `ValueError` for any other text.

    >>> parsed("cvar=20%")
    CVaR(share=0.2)
    """
    name, _, value = text.partition("=")
    try:
        if text == "mean":
            return Mean()
        if name == "cvar":
            return CVaR(float(value.removesuffix("%")) / (100 if value.endswith("%") else 1))
        if name == "chance":
            return Chance(float(value.replace(",", "")))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    raise ValueError(f"a risk measure is mean, cvar=SHARE or chance=GOAL, such as cvar=20%, but got {text!r}")


def abandoned(levers: Sequence[str], spends: Floats, credit: Floats, risk: Risk) -> tuple[str, ...]:
    """Return a warning if the best lever loses most of its money to one whose credit varies less.

    `spends` [2, levers]: by the mean, and by the risk measure. `credit` [replications, levers] of the former.
    """
    before, after = spends
    used = before > 0
    if not used.any():
        return ()
    mean = np.where(used, credit.mean(0) / np.where(used, before, 1.0), -np.inf)
    spread = credit.std(0) / np.maximum(np.abs(credit.mean(0)), 1e-300)
    best, gainer = int(mean.argmax()), int((after - before).argmax())
    if after[best] >= 0.5 * before[best] or after[gainer] <= before[gainer] or spread[gainer] >= spread[best]:
        return ()
    taken, had = compact(before[best] - after[best], 6), compact(before[best], 6)
    high, low = compact(mean[best], 3), compact(mean[gainer], 3)
    return (
        f"{risk.words} takes {taken} of {had} yuan from {levers[best]}, which earns most per yuan ({high}), and gives to "
        f"{levers[gainer]}, which earns less ({low}) but varies less ({spread[gainer]:.0%} against {spread[best]:.0%})",
    )
