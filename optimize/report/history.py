"""What the search expected of its best plan, run by run, as a picture."""

import pandas as pd

from experiments.plots.style import BLUE
from experiments.report.course import BAND
from experiments.report.figure import MUTED, Chart, layout, plain, scale, short, still
from experiments.tables import rows
from optimize.plots.history import draw
from optimize.report.wording import Wording


def history(table: pd.DataFrame, wording: Wording) -> Chart:
    """Return the picture of the trace of a search."""
    top = table["expected"] + table["doubt"]
    low, high = float(table["expected"].min()), float(top.max())
    gap = 0.08 * (high - low or abs(high) or 1.0)
    place, lines = table["replications"].tolist(), list(rows(table))
    text = [
        wording("history.point", n=r.replications, goal=wording.of_goal(r.expected), doubt=wording.of_goal(r.doubt, 2))
        for r in lines
    ]
    bare = {"x": place, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    first, last = (wording.of_goal(r.expected, 3) for r in (lines[0], lines[-1]))
    return Chart(
        id="history",
        title=wording("history.chart", goal=wording.brief(wording.goal)),
        alt=wording("history.alt", first=first, last=last, runs=place[-1], doubt=wording.of_goal(lines[-1].doubt, 2)),
        svg=still(draw, table, name="history", lang=wording.code, goal=wording.goal, size=(8.6, 3.4)),
        plotly={
            "data": [
                bare | {"y": short(table["expected"])},
                bare | {"y": short(top), "fill": "tonexty", "fillcolor": BAND},
                {"x": place, "y": short(table["expected"]), "mode": "lines+markers", "text": [plain(t) for t in text],
                 "line": {"color": BLUE, "width": 2}, "marker": {"size": 5}, "hovertemplate": "%{text}<extra></extra>"},
            ],
            "layout": layout(
                xaxis={"title": {"text": wording("history.axis")}, "fixedrange": True, "showgrid": False,
                       "linecolor": MUTED, "ticks": "outside", "ticklen": 4, "tickcolor": MUTED, "zeroline": False},
                yaxis=scale(low - gap, high + gap, wording.unit, wording), hovermode="closest",
                margin={"l": 8, "r": 10, "t": 8, "b": 44},
            ),
        },
        height=300,
    )  # fmt: skip
