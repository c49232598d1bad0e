"""Runs to draw in tests of charts, and where the texts of a figure stand."""

from typing import Any

from markets import CONTROL, everything, plan
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from scenarios import Scenario

TARGETS = {
    "orders": {"kpi": "orders", "at_least": 600, "title": "A title long enough to need a line of its own (訂單)"},
    "more": {"kpi": "orders", "window": "late", "at_least": 0.2, "against": "before"},
    "bounce": {"kpi": "bounce_rate", "at_most": 0.3},
    "roas": {"kpi": "roas", "window": "early", "at_least": 4},
    "far": {"kpi": "gmv", "at_least": 1e12},
    "unknown": {"kpi": "ltv", "at_least": 100},
}
CASES: dict[str, tuple[Scenario, dict[str, Any]]] = {
    "whole": (everything(CONTROL, targets=TARGETS), {"seeds": 3}),
    "one run": (everything(targets=TARGETS), {"seeds": 1}),
    "cut short": (everything(targets=TARGETS), {"seeds": 2, "days": 4}),
    "bare": (plan(), {"seeds": 2}),
    "nobody": (plan(behaviour={"start": {"aware": 0, "registered": 0}, "hear": {"spontaneous": 0}}), {"seeds": 2}),
    "one day": (plan(clock={"start": "2024-02-29", "days": 1, "burn_in": 0, "tail": 0}), {"seeds": 2}),
}
"""Plans by what is odd about them, and how they are run."""


def texts(fig: Figure) -> list[tuple[Text, BboxBase]]:
    """Return the texts that a figure shows and where they stand."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    hidden = unpainted(fig)
    found = [t for t in fig.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [(t, t.get_window_extent(canvas.get_renderer())) for t in found if t not in hidden]


def unpainted(fig: Figure) -> set[Text]:
    """Return the labels of ticks that lie outside their axes, or whose axes are off."""
    labels = set()
    for axis in (axis for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not (axis.axes.axison and low <= tick.get_loc() <= high):
                labels |= {tick.label1, tick.label2}
    return labels
