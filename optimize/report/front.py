"""Plans that no other plan beats in every goal, as pictures: the first goal over each of the others."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.plots.style import BLUE, GREEN, ORANGE, VERMILLION
from experiments.report.figure import INK, MUTED, Chart, Json, layout, plain, scale, short, still
from optimize.plots.pareto import ERROR, draw, goals_of, told
from optimize.plots.words import Speech
from optimize.report.wording import Wording
from sim.kpis import KPIS

COLOURS = {"current": ORANGE, "found": GREEN}


def fronts(table: pd.DataFrame, wording: Wording) -> list[Chart]:
    """Return the pictures of a front."""
    first, *others = goals_of(table)
    table = table.assign(plan=[wording.key(str(plan)) for plan in table["plan"]])
    return [_front(table, (first, other), number, wording) for number, other in enumerate(others)]


def _front(table: pd.DataFrame, goals: tuple[str, str], number: int, wording: Wording) -> Chart:
    names = {axis: plain(wording.brief(goal)) for axis, goal in zip("yx", goals, strict=True)}
    plans = table.to_dict("records")
    say = Speech(wording.code)
    return Chart(
        id=f"front-{number}",
        title=wording("front.chart", **names),
        alt=wording("front.alt", n=len(table), **names),
        svg=still(draw, table, name=f"front-{number}", lang=wording.code, goals=goals, size=(5.0, 3.4)),
        plotly={
            "data": [{
                "x": short(table[goals[1]]), "y": short(table[goals[0]]), "mode": "markers+text", "marker": _marks(plans),
                "text": [told(str(p["plan"]), knee=bool(p["knee"]), say=say) for p in plans],
                "textposition": "top center", "textfont": {"size": 11}, "cliponaxis": False,
                "hovertext": [_told(p, goals, wording) for p in plans], "hovertemplate": "%{hovertext}<extra></extra>",
                **{f"error_{axis}": _whiskers(table, goal) for axis, goal in zip("yx", goals, strict=True)},
            }],
            "layout": layout(
                xaxis=_axis(table, goals[1], wording) | {"linecolor": MUTED}, yaxis=_axis(table, goals[0], wording),
                hovermode="closest", margin={"l": 8, "r": 10, "t": 14, "b": 44},
            ),
        },
        height=320,
    )  # fmt: skip


def _unit(goal: str) -> str:
    return KPIS[goal].unit if goal in KPIS else ""


def _error(table: pd.DataFrame, goal: str) -> "pd.Series[float]":
    name = ERROR + goal
    return table[name] if name in table else pd.Series(0.0, table.index)


def _axis(table: pd.DataFrame, goal: str, wording: Wording) -> Json:
    error = _error(table, goal)
    low, high = float((table[goal] - error).min()), float((table[goal] + error).max())
    gap = 0.08 * (high - low or abs(high) or 1.0)
    axis = scale(low - gap, high + gap, _unit(goal), wording)
    return axis | {"title": {"text": plain(wording.brief(goal)), "standoff": 12}}


def _whiskers(table: pd.DataFrame, goal: str) -> Json:
    return {
        "type": "data",
        "array": short(_error(table, goal)),
        "color": "rgba(60,70,85,0.35)",
        "width": 0,
        "thickness": 1,
    }


def _marks(plans: list[dict[Any, Any]]) -> Json:
    """Return how each plan is marked: the plan as it is as a diamond, a knee with a thick rim."""
    return {
        "opacity": 1,
        "size": [13 if plan["knee"] else 10 for plan in plans],
        "symbol": ["diamond" if plan["plan"] == "current" else "circle" for plan in plans],
        "color": [COLOURS.get(str(plan["plan"]), BLUE) for plan in plans],
        "line": {"color": [VERMILLION if plan["knee"] else INK for plan in plans],
                 "width": [3 if plan["knee"] else 1 for plan in plans]},
    }  # fmt: skip


def _told(plan: Mapping[Any, Any], goals: tuple[str, str], wording: Wording) -> str:
    """Return what hovering over a plan tells."""
    name = wording.plan(str(plan["plan"])) + (f" ({wording('front.knee')})" if plan["knee"] else "")
    values = (f"{wording.brief(goal)}: {wording.amount(float(plan[goal]), _unit(goal), 3).strip()}" for goal in goals)
    return "<br>".join(plain(text) for text in (name, *values))
