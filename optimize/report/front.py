"""Plans that no other plan beats in every goal, as pictures: the first goal over each of the others."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from experiments.plots.style import BLUE, GREEN, ORANGE, VERMILLION
from experiments.report.figure import INK, MUTED, Chart, Json, layout, plain, scale, short, still
from optimize.plots.pareto import CURRENT, DIFFERENCE, HIGH, LOW, draw, goals_of, level, told, whiskers
from optimize.plots.words import Speech
from optimize.report.wording import Wording
from sim.kpis import KPIS

COLOURS = {CURRENT: ORANGE, "found": GREEN}


def fronts(table: pd.DataFrame, wording: Wording) -> list[Chart]:
    """Return the pictures of a front."""
    first, *others = goals_of(table)
    table = table.assign(plan=[wording.key(str(plan)) for plan in table["plan"]])
    return [_front(table, (first, other), number, wording) for number, other in enumerate(others)]


def _front(table: pd.DataFrame, goals: tuple[str, str], number: int, wording: Wording) -> Chart:
    names = {axis: plain(wording.brief(goal)) for axis, goal in zip("yx", goals, strict=True)}
    plans = table.to_dict("records")
    say = Speech(wording.code)
    at = {axis: level(table, goal) for axis, goal in zip("yx", goals, strict=True)}
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
            }, *_beaten(table, at, goals, wording)],
            "layout": layout(
                xaxis=_axis(table, goals[1], wording) | {"linecolor": MUTED}, yaxis=_axis(table, goals[0], wording),
                hovermode="closest", margin={"l": 8, "r": 10, "t": 14, "b": 44},
                shapes=[_dashed(axis, value) for axis, value in at.items() if not isnan(value)],
            ),
        },
        height=320,
        note=_note(table, goals, at, wording),
    )  # fmt: skip


def _note(table: pd.DataFrame, goals: tuple[str, str], at: Mapping[str, float], wording: Wording) -> str:
    """Return what whiskers and dashed lines mean, where there are any."""
    compared = any(whiskers(table, goal).notna().any() for goal in goals)
    texts = [
        wording("front.whiskers") if compared else "",
        "" if all(map(isnan, at.values())) else wording("front.dashed"),
    ]
    return wording("wording.space").join(text for text in texts if text)


def _dashed(axis: str, value: float) -> Json:
    """Return the line through the plan as it is, by one goal."""
    ends = {"x": {"x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "paper"},
            "y": {"x0": 0, "x1": 1, "xref": "paper", "y0": value, "y1": value}}[axis]  # fmt: skip
    return {"type": "line", "layer": "below", "line": {"color": MUTED, "width": 1, "dash": "dash"}} | ends


def _beaten(table: pd.DataFrame, at: Mapping[str, float], goals: tuple[str, str], wording: Wording) -> list[Json]:
    """Return the plan as it is where another one beats it, so that it is not on the front; nothing where it is."""
    if CURRENT in set(table["plan"]) or any(map(isnan, at.values())):
        return []
    plan = {"plan": CURRENT, "knee": False, **dict(zip(goals, (at["y"], at["x"]), strict=True))}
    return [{
        "x": short([at["x"]]), "y": short([at["y"]]), "mode": "markers+text", "text": [Speech(wording.code)("current")],
        "textposition": "bottom center", "textfont": {"size": 11}, "cliponaxis": False,
        "marker": {"opacity": 1, "size": 10, "symbol": "diamond", "color": "#ffffff", "line": {"color": ORANGE, "width": 2}},
        "hovertext": [_told(plan, goals, wording)], "hovertemplate": "%{hovertext}<extra></extra>",
    }]  # fmt: skip


def _unit(goal: str) -> str:
    return KPIS[goal].unit if goal in KPIS else ""


def _axis(table: pd.DataFrame, goal: str, wording: Wording) -> Json:
    half, at = whiskers(table, goal).fillna(0.0), level(table, goal)
    ends = [float((table[goal] - half).min()), float((table[goal] + half).max()), *([] if isnan(at) else [at])]
    low, high = min(ends), max(ends)
    gap = 0.08 * (high - low or abs(high) or 1.0)
    axis = scale(low - gap, high + gap, _unit(goal), wording)
    return axis | {"title": {"text": plain(wording.brief(goal)), "standoff": 12}}


def _whiskers(table: pd.DataFrame, goal: str) -> Json:
    return {
        "type": "data",
        "array": short(whiskers(table, goal)),
        "color": "rgba(60,70,85,0.6)",
        "width": 0,
        "thickness": 1,
    }


def _marks(plans: list[dict[Any, Any]]) -> Json:
    """Return how each plan is marked: the plan as it is as a diamond, a knee with a thick rim."""
    return {
        "opacity": 1,
        "size": [13 if plan["knee"] else 10 for plan in plans],
        "symbol": ["diamond" if plan["plan"] == CURRENT else "circle" for plan in plans],
        "color": [COLOURS.get(str(plan["plan"]), BLUE) for plan in plans],
        "line": {"color": [VERMILLION if plan["knee"] else INK for plan in plans],
                 "width": [3 if plan["knee"] else 1 for plan in plans]},
    }  # fmt: skip


def _told(plan: Mapping[Any, Any], goals: tuple[str, str], wording: Wording) -> str:
    """Return what hovering over a plan tells: its goals, and how far they lie from those of the plan as it is."""
    name = wording.plan(str(plan["plan"])) + (f" ({wording('front.knee')})" if plan["knee"] else "")
    lines = [name]
    for goal in goals:
        lines.append(f"{wording.brief(goal)}: {wording.amount(float(plan[goal]), _unit(goal), 3).strip()}")
        if words := compared(plan, goal, wording):
            lines.append(f"\u2003{words}")
    return "<br>".join(plain(text) for text in lines)


def compared(plan: Mapping[Any, Any], goal: str, wording: Wording) -> str:
    """Return how far a plan of a front lies from the plan as it is in a goal, with the interval, and whether that is proved.

    Nothing for the plan as it is, and where the difference is not known.
    """
    gap, low, high = (float(plan.get(kind + goal, "nan")) for kind in (DIFFERENCE, LOW, HIGH))
    if plan["plan"] == CURRENT or isnan(gap):
        return ""
    told, least, most = (wording.more(value, _unit(goal)) for value in (gap, low, high))
    if least == most:
        return wording.held(told)
    values = {"difference": wording.held(told), "interval": wording.held(wording.between(least, most))}
    return wording("front.open" if low <= 0 <= high else "front.differs", **values)
