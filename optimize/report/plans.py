"""Plans beside each other: on the front, by risk, and in the final race."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from experiments.tables import rows
from optimize.plots.pareto import goals_of
from optimize.report.front import compared
from optimize.report.wording import Wording
from sim.kpis import KPIS

if TYPE_CHECKING:
    from optimize.optimum import Optimum


@dataclass(frozen=True)
class Line:
    """A plan, or two against each other, in words."""

    name: str
    cells: tuple[tuple[str, str], ...]
    """Each a value, and what stands below it."""
    marked: str = ""
    """Why it stands out; empty: it does not."""


def front(table: pd.DataFrame, wording: Wording) -> tuple[list[str], list[Line]]:
    """Return the names of the goals, and the plans with their goals and their differences to the plan as it is."""
    goals = goals_of(table)
    units = {goal: KPIS[goal].unit if goal in KPIS else "" for goal in goals}
    lines = []
    for row in table.to_dict("records"):
        cells = tuple((wording.amount(float(row[g]), units[g]), compared(row, g, wording)) for g in goals)
        knee = wording("front.knee") if row["knee"] else ""
        lines.append(Line(wording.plan(str(row["plan"])), cells, knee))
    return [wording.brief(goal) for goal in goals], lines


def risk(found: "Optimum", table: pd.DataFrame, wording: Wording) -> list[Line]:
    """Return the plans by the measure of risk: mean, measure, gain over the plan as it is, how likely it is the best."""
    share = _is_share(found)
    chosen = found.choice.name if found.choice is not None else ""

    def told(value: float) -> str:
        return wording.share(value) if share else wording.of_goal(value, 3)

    def more(value: float) -> str:
        return wording.change(value, "share", points=True) if share else wording.more(value, wording.unit)

    lines = []
    for row in rows(table):
        gain = (wording("number.unknown"), "")
        if row.plan != "current":
            gain = more(row.gain), wording.held(wording.between(more(row.gain_low), more(row.gain_high)))
        cells = (
            (wording.of_goal(row.mean, 3), ""), (told(row.risk), wording.between(told(row.low), told(row.high))), gain,
            (wording.chance(row.lead), ""),
        )  # fmt: skip
        lines.append(Line(wording.plan(str(row.plan)), cells, wording("risk.chosen") if row.plan == chosen else ""))
    return lines


def increments(found: "Optimum", wording: Wording) -> list[Line]:
    """Return what levers are credited with, what is lost without them, and what the fit says of it."""

    def told(low: float, high: float) -> str:
        return wording.held(wording.between(wording.of_goal(low, 3), wording.of_goal(high, 3)))

    lines = []
    for row in rows(found.answer.tables["incrementality"]):
        credited = (wording.of_goal(row.credited, 3), wording("figure.of_money", value=wording.yuan(row.money)))
        lost = (wording.of_goal(row.incremental, 3), told(row.low, row.high))
        fitted = (wording.of_goal(row.fitted, 3), told(row.fitted_low, row.fitted_high))
        lines.append(
            Line(wording.lever(str(row.lever)), (credited, lost, fitted) if found.market.credited else (lost,))
        )
    return lines


def _is_share(found: "Optimum") -> bool:
    """Return whether the measure of risk is a probability."""
    return str(found.answer.manifest["risk"]).startswith("P(")


def measure(found: "Optimum", wording: Wording) -> str:
    """Return the measure of risk in words."""
    words = str(found.answer.manifest["risk"])
    if words.startswith("mean of the worst "):
        return wording("risk.worst", share=wording.share(float(words.rsplit(maxsplit=1)[-1].rstrip("%")) / 100))
    if _is_share(found):
        return wording("risk.reach", level=wording.of_goal(float(words.rsplit(" ", 1)[1].rstrip(")"))))
    return wording("risk.mean")


def race(found: "Optimum", wording: Wording) -> list[Line]:
    """Return the paired comparisons of the final race."""
    lines = []
    for row in rows(found.proposal.race.table):
        name = wording("race.against", plan=wording.plan(row.plan), against=wording.plan(row.against))
        low, high = (wording.more(v, wording.unit) for v in (row.low, row.high))
        cells = (
            (wording.more(row.difference, wording.unit), wording.held(wording.between(low, high))),
            (str(row.replications), ""),
        )
        lines.append(Line(name, cells))
    return lines
