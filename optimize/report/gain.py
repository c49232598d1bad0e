"""What the change of the goal is made of, as a picture."""

from collections.abc import Iterator
from math import isnan
from typing import Any

import pandas as pd

from experiments.plots.style import BLUE, DARK, ORANGE, PALE, VERMILLION
from experiments.report.figure import INK, Chart, Json, layout, plain, scale, short, still
from experiments.tables import rows
from optimize.plots.waterfall import draw, shortened, span
from optimize.report.head import interval
from optimize.report.marks import diamond
from optimize.report.wording import Wording

ROW = 42
"""Height of a step [CSS pixels]."""


def waterfall(table: pd.DataFrame, wording: Wording) -> Chart:
    """Return the picture of a table of `optimize.waterfall`."""
    named = table.assign(name=[wording.lever(r.name) if r.kind == "money" else r.name for r in rows(table)])
    shown = list(rows(shortened(named)))
    first, last = shown[0], shown[-1]
    steps = shown[1:-1]
    told = "; ".join(f"{_name(row, wording)} {wording.more(row.value, wording.unit)}" for row in steps)
    ends = [v for row in shown for v in (*span(row, first.value), row.low, row.high) if not isnan(v)]
    gap = 0.06 * (max(ends) - min(ends) or 1.0)
    return Chart(
        id="waterfall",
        title=wording("gain.chart", goal=wording.brief(wording.goal)),
        alt=wording("gain.alt", current=wording.of_goal(first.value), proposed=wording.of_goal(last.value), steps=told),
        svg=still(
            draw, named, name="waterfall", lang=wording.code, goal=wording.goal, size=(8.6, 1 + 0.36 * len(shown))
        ),
        plotly={
            "data": list(_traces(shown, wording)),
            "layout": layout(
                xaxis=scale(min(ends) - gap, max(ends) + gap, wording.unit, wording)
                | {"zeroline": True, "zerolinecolor": INK, "tickangle": 0},
                yaxis={"range": [len(shown) - 0.5, -0.75], "fixedrange": True, "visible": False},
                hovermode="closest", annotations=[_named(place, row, wording) for place, row in enumerate(shown)],
            ),
        },
        height=50 + ROW * len(shown),
    )  # fmt: skip


def _name(row: Any, wording: Wording) -> str:
    if row.kind == "money":
        return str(row.name)
    return wording("gain.others", n=row.name) if row.kind == "others" else wording(f"gain.{row.kind}")


def _told(row: Any, wording: Wording) -> str:
    """Return the amount of a step, or the goal that it ends at."""
    if row.kind in ("current", "proposed"):
        return wording.of_goal(row.value)
    return wording.more(row.value, wording.unit)


def _named(place: int, row: Any, wording: Wording) -> Json:
    """Return a step's name and amount above its bar, where they fit on the narrowest screen."""
    text = f"{plain(_name(row, wording))}  <b>{plain(_told(row, wording))}</b>"
    return {
        "x": 0, "xref": "paper", "xanchor": "left", "y": place - 0.22, "yanchor": "bottom", "text": text,
        "showarrow": False, "font": {"size": 12}, "bgcolor": "rgba(255,255,255,0.65)", "borderpad": 0,
    }  # fmt: skip


def _traces(shown: list[Any], wording: Wording) -> Iterator[Json]:
    """Yield the bars, the point of the current plan, and the interval of the whole change."""
    base, last = shown[0].value, shown[-1]
    steps = [(place, row, *span(row, base)) for place, row in enumerate(shown) if row.kind != "current"]
    looks = [_look(row.kind, end - start) for _, row, start, end in steps]
    yield {
        "type": "bar", "orientation": "h", "y": [place for place, *_ in steps], "width": 0.46, "offset": -0.16,
        "x": short(end - start for *_, start, end in steps), "base": short(start for *_, start, _ in steps),
        "marker": {
            "color": [colour for colour, _ in looks], "line": {"color": INK, "width": 0.5},
            "pattern": {"shape": [shape for _, shape in looks], "fgcolor": INK, "size": 6, "solidity": 0.25},
        },
        "hovertext": [f"{plain(_name(row, wording))}: {plain(_told(row, wording))}" for _, row, *_ in steps],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip
    yield {"x": [0], "y": [0.07], "mode": "markers", "marker": diamond(), "hoverinfo": "skip"}
    if not isnan(last.low):
        told = plain(wording("gain.interval", interval=interval(last.low, last.high, wording.unit, wording)))
        yield {
            "x": short([last.low, last.high]), "y": [len(shown) - 0.93] * 2, "mode": "lines+markers",
            "line": {"color": VERMILLION, "width": 2}, "marker": {"symbol": "line-ns-open", "size": 11},
            "hovertemplate": f"{told}<extra></extra>",
        }  # fmt: skip


def _look(kind: str, size: float) -> tuple[str, str]:
    """Return colour and pattern of a bar: losses and what is not explained are hatched, to be told apart in grey."""
    if kind in ("rest", "proposed"):
        return (PALE, ".") if kind == "rest" else (DARK, "")
    return (BLUE, "") if size >= 0 else (ORANGE, "/")
