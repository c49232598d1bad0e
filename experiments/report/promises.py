"""The first page: every promise with what the runs bring, how likely it is kept, and the lever that matters most."""

from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import pandas as pd

from experiments.plots.targets import ratio
from experiments.replication import Replication
from experiments.report.language import Language
from experiments.report.strongest import Strongest, strongest
from experiments.scoreboard import main_kpis
from experiments.tables import rows
from scenarios import Scenario
from sim.kpis import KPIS

FIGURES = ("gmv", "orders", "new_users", "profit", "spend", "roas")
"""Figures at the head of the report, those with a meaning for every plan."""
ACRONYMS = {"aov", "cac", "ctr", "gmv", "kol", "ltv", "mau", "nps", "pv", "roas", "roi", "uv"}
GRADES = {"very likely": 4, "likely": 3, "open": 2, "unlikely": 1, "very unlikely": 0}


@dataclass(frozen=True)
class Reach:
    """Places on the scale from 0 (nothing) over 50 (the target) to 100 (twice the target) [percent of its width]."""

    mean: float
    low: float
    high: float
    beyond: bool
    """Whether the mean lies beyond the end of the scale."""


@dataclass(frozen=True)
class Promise:
    """A row of the scoreboard, in words."""

    title: str
    what: tuple[str, ...]
    """KPI, window, segment and base."""
    cite: str
    expected: str
    interval: str
    wanted: str
    chance: str
    percent: float | None
    """Probability [percent]; None where it is not known."""
    verdict: str
    grade: int | None
    """4 (very likely) to 0 (very unlikely); None where nobody can tell."""
    reach: Reach | None
    lever: Strongest


@dataclass(frozen=True)
class Figure:
    """A main figure, in words."""

    title: str
    value: str
    interval: str
    today: str


def promises(replication: Replication, levers: pd.DataFrame | None, language: Language) -> list[Promise]:
    """Return the plan's promises in the order of the plan; `levers` as `experiments.reporting.switched_off` has it."""
    bases = replication.summary[replication.summary["segment"] == "all"]
    base_of = bases.drop_duplicates(["kpi", "window"]).set_index(["kpi", "window"])["mean"].to_dict()
    return [_promise(replication, row, base_of, levers, language) for row in rows(replication.promises)]


def named(scenario: Scenario, name: str, language: Language) -> str:
    """Return a target's name for people: its title, or in Chinese its KPI's name, or its key in words."""
    target = scenario.targets.get(name)
    if target is None:
        return language.kpi(name) if name in KPIS else name
    if target.title:
        return target.title
    if language.code != "en":
        twins = [t for t in scenario.targets.values() if t.kpi == target.kpi and not t.title]
        window = language("course.of_window", title=language.kpi(target.kpi), window=language.window(target.window))
        return window if len(twins) > 1 else language.kpi(target.kpi)
    words = [word.upper() if word in ACRONYMS else word for word in name.split("-")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def headline(replication: Replication, found: list[Promise], language: Language) -> str:
    """Return the answer in a sentence or two."""
    likely = [p for p in found if p.percent is not None]
    if not found:
        return language("head.nothing")
    if not likely:
        reached = replication.targets["reached"].dropna()
        if reached.empty:
            return language("head.kept_unknown", n=len(found))
        return language("head.kept_one_run", kept=int(reached.sum()), n=len(found))
    best = max(likely, key=lambda p: p.percent or 0.0)
    worst = min(likely, key=lambda p: p.percent or 0.0)
    kept = sum((p.percent or 0.0) > 50 for p in likely)
    parts = [language("head.kept", kept=kept, n=len(found))]
    if len(likely) == 1:
        parts.append(language("head.only", name=best.title, chance=best.chance))
    else:
        parts += [language("head.surest", name=best.title, chance=best.chance),
                  language("head.weakest", name=worst.title, chance=worst.chance)]  # fmt: skip
    return (" " if language.code == "en" else "").join(parts)


def figures(replication: Replication, language: Language) -> list[Figure]:
    """Return the main figures over the plan."""
    table = {row.kpi: row for row in rows(main_kpis(replication))}
    baseline = replication.scenario.baseline
    found = []
    for kpi in FIGURES:
        if kpi in table and not isnan(table[kpi].mean):
            row = table[kpi]
            mean, low, high = (language.amount(v, row.unit, 3) for v in (row.mean, row.ci_low, row.ci_high))
            told = "" if isnan(row.ci_low) else language.between(low, high)
            today = language.amount(baseline[kpi].value, row.unit) if kpi in baseline else ""
            found.append(
                Figure(language(f"head.figure.{kpi}"), mean, told, language("head.today", value=today) if today else "")
            )
    return found


def _promise(
    replication: Replication, row: Any, base_of: dict[Any, float], levers: pd.DataFrame | None, language: Language
) -> Promise:
    target = replication.scenario.targets[row.name]
    mean, low, high, wanted = (
        language.spell(v, row.unit, row.kpi) for v in (row.mean, row.ci_low, row.ci_high, row.wanted)
    )
    what = [language.kpi(row.kpi), language.window(row.window)]
    if row.segment != "all":
        what.append(row.segment)
    if target.against:
        what.append(language("promises.against", window=language.window(target.against)))
    chance = None if isnan(row.probability) else 100 * row.probability
    title = named(replication.scenario, row.name, language)
    return Promise(
        title=title,
        what=tuple(part for part in what if part != title),
        cite=target.cite,
        expected=mean,
        interval=language.between(low, high),
        wanted=language(f"promises.{row.direction}", value=wanted),
        chance=language.chance(row.probability),
        percent=chance,
        verdict=language.verdict(row.verdict),
        grade=GRADES.get(row.verdict.partition(" (")[0]),
        reach=_reach(row, base_of.get((row.kpi, target.against), nan)),
        lever=strongest(replication, row, levers, language),
    )


def _reach(row: Any, base: float) -> Reach | None:
    """Return where a promise stands against its target, or None where a ratio to the target means nothing."""
    mean, *ends = (ratio(v, row.wanted, row.unit, row.direction, base) for v in (row.mean, row.ci_low, row.ci_high))
    if isnan(mean):
        return None
    low, high = sorted(mean if isnan(v) else v for v in ends)
    places = [round(50 * min(max(v, 0.0), 2.0), 2) for v in (mean, low, high)]
    return Reach(places[0], places[1], places[2], beyond=not 0 <= mean <= 2)
