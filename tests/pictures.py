"""Runs and answers to draw in tests of charts, and where the texts of a figure stand."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

from markets import CONTROL, everything, plan
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from experiments import stress
from experiments.answer import Answer
from experiments.compare import comparison
from experiments.replicate import replications
from experiments.runner import Runner
from experiments.sweep import swept
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
PRIORS = {
    "behaviour.shop.cart": {"low": 0.25, "high": 1, "log": True, "why": "assumed"},
    "levers.ads.click": {"low": "2%", "high": "20%"},
}
ASKED = everything(
    CONTROL, name="a market with a name of some length", targets=TARGETS, priors=PRIORS,
    levers={"ads": {"title": "Advertisements with a title that is far too long to stand beside a bar (廣告)"}},
)  # fmt: skip
"""A plan that every question can be put to."""
DEAR = {"levers.ads.unit_cost": 900}
OVER = ["behaviour.shop.ctr=5%:20%", "levers.star.on", "levers.ads.unit_cost=100:300"]
QUESTIONS: dict[str, Callable[[str, Runner], Answer]] = {
    "replicate": lambda lang, runner: replications(ASKED, 4, lang=lang, runner=runner),
    "one other": lambda lang, runner: comparison(ASKED, ASKED.override(DEAR), seeds=3, lang=lang, runner=runner),
    "two others": lambda lang, runner: comparison(
        ASKED, ASKED.override(DEAR), plan(name="other"), seeds=2, lang=lang, runner=runner
    ),
    "nothing alike": lambda lang, runner: comparison(
        CASES["nobody"][0], CASES["nobody"][0].override({"name": "b"}), seeds=1, kpis=["aov"], lang=lang, runner=runner
    ),
    "priors": lambda lang, runner: swept(ASKED, seeds=3, lang=lang, runner=runner),
    "one seed": lambda lang, runner: swept(ASKED, OVER, seeds=1, kpis=["gmv"], lang=lang, runner=runner),
    "morris": lambda lang, runner: swept(ASKED, OVER, "morris", 2, 2, lang=lang, runner=runner),
    "sobol": lambda lang, runner: swept(ASKED, OVER, "sobol", 4, 2, ["gmv", "nps"], lang=lang, runner=runner),
    "lhs": lambda lang, runner: swept(ASKED, OVER, "lhs", 10, 2, ["orders", "ltv"], lang=lang, runner=runner),
    "stress": lambda lang, runner: stress.ask(ASKED, seeds=3, lang=lang, runner=runner),
    "one shock": lambda lang, runner: stress.ask(ASKED, ["down"], 1, ["nps", "aov"], lang=lang, runner=runner),
}
"""Questions whose answers have charts: asked in a language, of a runner."""


def misplaced(fig: Figure) -> list[Any]:
    """Return the texts of a figure that stick out of the page, and the pairs that stand on each other."""
    page, shown = fig.bbox, texts(fig)
    outside = [
        text
        for text, box in shown
        if box.x0 < page.x0 - 1 or box.x1 > page.x1 + 1 or box.y0 < page.y0 - 1 or box.y1 > page.y1 + 1
    ]
    apart = [
        (one, other)
        for (one, a), (other, b) in combinations(shown, 2)
        if min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)) >= 2
    ]
    return [*outside, *apart]


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
