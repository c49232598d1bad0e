"""Response curves with the plan as it is, the proposal and the money at which runs were made, as pictures."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from experiments.plots.style import BLUE
from experiments.report.figure import MUTED, Chart, layout, plain, scale, short, still
from experiments.tables import rows
from optimize.plots.curves import MOST, draw, points
from optimize.report.marks import circle, diamond
from optimize.report.wording import Wording

if TYPE_CHECKING:
    from optimize.optimum import Optimum

EXPLORED = "rgba(60,70,85,0.10)"


def curves(found: "Optimum", wording: Wording) -> tuple[list[Chart], int]:
    """Return the response curves of the posts whose money changes most, and the number of all."""
    table = points(found.market, found.proposal)
    posts = list(dict.fromkeys(table["post"]))
    return [_curve(table[table["post"] == post], k, wording) for k, post in enumerate(posts[:MOST])], len(posts)


def _curve(table: pd.DataFrame, number: int, wording: Wording) -> Chart:
    of = {kind: list(rows(table[table["kind"] == kind])) for kind in ("curve", "explored", "current", "proposed")}
    (now,), (then,), line = of["current"], of["proposed"], of["curve"]
    first, last = sorted(float(end.money) for end in of["explored"])
    title = wording.post(now.lever, now.period)

    def told(point: Any) -> str:
        return wording("curves.point", money=wording.yuan(point.money), goal=wording.of_goal(point.goal, 3))

    data = [
        {"x": short(p.money for p in line), "y": short(p.goal for p in line), "mode": "lines",
         "line": {"color": BLUE, "width": 2}, "text": [plain(told(p)) for p in line],
         "hovertemplate": "%{text}<extra></extra>"},
        *({"x": short([p.money]), "y": short([p.goal]), "mode": "markers", "marker": mark, "cliponaxis": False,
           "hovertemplate": f"{plain(wording(f'gain.{p.kind}'))}: {plain(told(p))}<extra></extra>"}
          for p, mark in ((now, diamond()), (then, circle()))),
    ]  # fmt: skip
    shade = {"type": "rect", "xref": "x", "yref": "paper", "x0": first, "x1": last, "y0": 0, "y1": 1,
             "fillcolor": EXPLORED, "line": {"width": 0}, "layer": "below"}  # fmt: skip
    goals = [float(p.goal) for p in line]
    low, top = 1.08 * min(0.0, *goals), 1.08 * max(0.0, *goals) or 1e-9
    ends = {"current": wording.yuan(now.money), "proposed": wording.yuan(then.money)}
    return Chart(
        id=f"curve-{number}",
        title=title,
        alt=wording("curves.alt", title=title, current=told(now), proposed=told(then), low=wording.yuan(first),
                    high=wording.yuan(last)),
        svg=still(draw, table, name=f"curve-{number}", lang=wording.code, goal=wording.goal, size=(3.8, 2.5)),
        plotly={
            "data": data,
            "layout": layout(
                xaxis=scale(0.0, max(p.money for p in line), "yuan", wording)
                | {"linecolor": MUTED, "showgrid": False, "automargin": False},
                yaxis=scale(low, top, wording.unit, wording), hovermode="closest", shapes=[shade],
            ),
        },
        height=210,
        note=wording("curves.note", **ends),
    )  # fmt: skip
