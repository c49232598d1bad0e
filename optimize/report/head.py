"""The head of the report: what is proposed, at which money, whether it holds, and the figures that matter."""

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from experiments.promised import Together
from optimize.report.wording import Wording
from optimize.waterfall import goal_row

if TYPE_CHECKING:
    from optimize.optimum import Optimum

MOVED = 1.0
"""Yuan from which on money counts as moved."""


@dataclass(frozen=True)
class Figure:
    """A figure at the head, in words."""

    title: str
    value: str
    beside: tuple[str, ...]


@dataclass(frozen=True)
class Head:
    """The head of the report."""

    question: str
    answer: tuple[str, ...]
    """Sentences."""
    verdict: str
    grade: int
    """4: confirmed; 0: not."""
    warning: str
    meta: tuple[str, ...]
    figures: tuple[Figure, ...]


def head(found: "Optimum", wording: Wording) -> Head:
    """Return the head."""
    row, asked = goal_row(found.market.goal, found.answer.tables["verification"]), found.answer.manifest
    runs = wording("head.runs", n=wording.whole(asked["replications"]), users=wording.whole(asked["users"]),
                   people=wording.whole(found.scenario.market.people))  # fmt: skip
    proof = wording("head.proof", n=int(row.seeds))
    return Head(
        question=_question(found, wording),
        answer=tuple(wording.held(words) for words in _answer(found, row, wording)),
        verdict=wording("head.confirmed" if found.confirmed else "head.unconfirmed"),
        grade=4 if found.confirmed else 0,
        warning=wording("head.broken") if found.broken else "",
        meta=(runs, proof),
        figures=tuple(_figures(found, row, wording)),
    )


def interval(low: float, high: float, unit: str, wording: Wording) -> str:
    """Return the 95 % interval of a change of a KPI in words, the unit once; empty when nobody knows it."""
    if isnan(low):
        return ""
    return wording.held(wording.between(*(wording.more(v, unit) for v in (low, high))))


def _question(found: "Optimum", wording: Wording) -> str:
    goal, market = wording.inside(found.market.goal), found.market
    if not market.posts or found.answer.manifest["locked"]:
        return wording("head.which_settings", goal=goal)
    return wording("head.where", goal=goal, budget=wording.yuan(market.budget))


def _answer(found: "Optimum", row: Any, wording: Wording) -> list[str]:
    """Return the answer in sentences: what to do, and what it does to the goal on fresh seeds."""
    said = [wording("head.use", changes=_changes(found, wording)) if found.confirmed else wording("head.stay")]
    relative = "" if isnan(row.relative) else wording.change(row.relative, "")
    key = "head.gives" if found.confirmed else "head.misses" if found.broken else "head.tried"
    said.append(wording(
        key, goal=wording.inside(found.market.goal), change=wording.more(row.difference, wording.unit),
        relative=relative, interval=interval(row.ci_low, row.ci_high, wording.unit, wording), n=int(row.seeds),
    ))  # fmt: skip
    return said


def _changes(found: "Optimum", wording: Wording) -> str:
    """Return in words what the proposal changes."""
    parts = []
    if (moved := moved_money(found)) >= MOVED:
        parts.append(wording("head.moved", value=wording.yuan(moved)))
    if number := changed_settings(found):
        parts.append(wording("head.one_setting" if number == 1 else "head.settings", n=number))
    return wording("head.and").join(parts) or wording("head.nothing")


def moved_money(found: "Optimum") -> float:
    """Return the money that goes elsewhere than now, or comes on top [yuan]."""
    return float(found.answer.tables["allocation"]["change"].clip(lower=0.0).sum())


def changed_settings(found: "Optimum") -> int:
    """Return how many settings have another value than now."""
    table = found.answer.tables["settings"]
    size = (table["high"] - table["low"]).abs()
    return int(((table["proposed"] - table["current"]).abs() > 1e-6 * size).sum())


def _figures(found: "Optimum", row: Any, wording: Wording) -> list[Figure]:
    asked, money = found.market, found.answer.tables["allocation"]
    figures = [
        Figure(
            wording("figure.change", goal=wording.inside(asked.goal)), wording.more(row.difference, wording.unit),
            tuple(t for t in (interval(row.ci_low, row.ci_high, wording.unit, wording), wording("figure.interval")) if t),
        ),
        Figure(
            wording("figure.goal", goal=wording.brief(asked.goal)), wording.of_goal(row.other_mean, 3),
            (wording("figure.now", value=wording.of_goal(row.base_mean, 3)),),
        ),
    ]  # fmt: skip
    if len(money):
        now, then = float(money["current"].sum()), float(money["proposed"].sum())
        beside = (
            wording("figure.now", value=wording.yuan(now)),
            wording("figure.limit", value=wording.yuan(asked.budget)),
        )
        figures.append(Figure(wording("figure.money"), wording.yuan(then), beside))
        figures.append(Figure(wording("figure.moved"), wording.yuan(moved_money(found)), ()))
    if len(found.answer.tables["settings"]):
        of = wording("figure.of", n=len(found.answer.tables["settings"]))
        figures.append(Figure(wording("figure.settings"), str(changed_settings(found)), (of,)))
    if found.before is not None and found.after is not None:
        figures.append(_together(found.before, found.after, wording))
    return figures


def _together(before: Together, after: Together, wording: Wording) -> Figure:
    """Return how likely all targets are reached at once by the proposal, and by the plan as it is."""
    now, then = (
        wording("figure.reached", reached=seen.reached, of=seen.seeds,
                interval=wording.between(wording.share(seen.low, 2), wording.share(seen.high, 2)))
        for seen in (before, after)
    )  # fmt: skip
    beside = wording("figure.now", value=f"{wording.share(before.probability, 2)} ({now})")
    title = wording("figure.targets", n=len(after.by_target))
    return Figure(title, wording.share(after.probability, 2), (then, beside))
