"""What the plan asks of stock and service, as curves beside those of the KPIs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, log10

import pandas as pd
from matplotlib.axes import Axes

from experiments.plots import load, timeline
from experiments.plots.style import BLUE, RUST, styled
from experiments.plots.timeline import first_day
from experiments.replication import Replication
from experiments.report.course import BAND, HEIGHT, SIZE, shades
from experiments.report.figure import Chart, Json, dates, day, layout, plain, scale, short, still
from experiments.report.language import Language
from scenarios import Scenario

SLOWEST = 1.0
"""Foot of the scale of response times [s]."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A strain on the plan's supply, over time."""

    name: str
    title: str
    table: pd.DataFrame
    """seed, day, and the column `what`"""
    what: str
    """share, load or seconds"""
    draw: Callable[..., Axes]
    limit: float = 0.0
    """The level that matters; 0: none."""
    words: str = ""
    """What happens beyond it."""
    days: int = 1
    """Days of a point."""

    def told(self, value: float, language: Language) -> str:
        """Return a value in words."""
        if self.what != "seconds":
            return language.share(value)
        return language("supply.seconds", n=language.compact(value, 3))


def charts(replication: Replication, language: Language) -> list[Chart]:
    """Return lost orders by week where the plan keeps stock, and load and response time where it has a service desk."""
    return [_chart(replication, curve, language) for curve in _curves(replication, language)]


def unlimited(scenario: Scenario, language: Language) -> list[str]:
    """Return in words what the plan does not limit, so that there is no curve of it."""
    said = []
    if not _stocked(scenario):
        said.append(language.charts("the plan keeps no stock: goods never run out"))
    if not scenario.service.agents:
        said.append(language.charts("service is never short in this plan: it has no number of agents"))
    return [text[0].upper() + text[1:] + language("number.stop") for text in said]


def _stocked(scenario: Scenario) -> bool:
    return any(goods.stock for goods in scenario.goods.classes.values())


def _curves(replication: Replication, language: Language) -> Iterator[Curve]:
    words, service = language.charts, replication.scenario.service
    lost = load.lost(replication)
    if _stocked(replication.scenario) and len(lost):
        title = words("Orders lost because goods were out of stock, by week")
        yield Curve("stock", title, lost, "share", load.draw_stock, days=load.WEEK)
    if service.agents:
        desk, slow = load.desk(replication), float(service.slow_seconds)
        busy = words("all agents busy all day")
        late = words("slower than {n} s costs satisfaction", n=words.compact(slow, 3)) if slow else ""
        yield Curve("load", words("Load of the service desk"), desk, "load", load.draw_load, 1.0, busy)
        title = words("Response time of the service desk")
        yield Curve("response", title, desk, "seconds", load.draw_response, slow, late)


def _chart(replication: Replication, curve: Curve, language: Language) -> Chart:
    scenario = replication.scenario
    shown = curve.table.groupby("day", as_index=False)[curve.what].agg(["mean", "min", "max"])
    usual, worst = (curve.told(float(v), language) for v in (shown["mean"].mean(), shown["max"].max()))
    return Chart(
        id=f"course-supply-{curve.name}",
        title=curve.title,
        alt=language("supply.alt", title=curve.title, mean=usual, top=worst),
        svg=still(_still, curve, scenario, name=f"supply-{curve.name}", lang=language.code, size=SIZE),
        plotly={
            "data": list(_traces(scenario, shown, curve, language)),
            "layout": layout(
                xaxis=dates(scenario.clock.start, first_day(scenario), scenario.clock.days + scenario.clock.tail),
                yaxis=_axis(shown, curve, language), hovermode="x unified", shapes=shades(scenario),
            ),
        },
        height=HEIGHT,
        note=language("supply.limit", words=curve.words) if curve.limit else "",
    )  # fmt: skip


@styled
def _still(curve: Curve, scenario: Scenario, *, lang: str) -> Axes:
    """Draw the still curve with phases and festivals."""
    ax = curve.draw(curve.table, scenario, lang=lang)
    ax.set_ylabel("")
    timeline.phases(ax, scenario, named=False)
    timeline.festivals(ax, scenario)
    return ax


def _traces(scenario: Scenario, shown: pd.DataFrame, curve: Curve, language: Language) -> Iterator[Json]:
    """Yield the range of the runs, their mean, and the level that matters."""
    start = scenario.clock.start
    place = [day(start, int(d) + curve.days // 2) for d in shown["day"]]
    low, high, mean = (short(shown[c].clip(lower=_foot(curve))) for c in ("min", "max", "mean"))
    bare = {"x": place, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    yield bare | {"y": low}
    yield bare | {"y": high, "fill": "tonexty", "fillcolor": BAND}
    yield {
        "x": place, "y": mean, "mode": "lines", "line": {"color": BLUE, "width": 2}, "name": language("course.mean"),
        "text": [curve.told(v, language) for v in shown["mean"]], "hovertemplate": "%{text}",
    }  # fmt: skip
    if curve.limit:
        ends = [day(start, first_day(scenario)), day(start, scenario.clock.days + scenario.clock.tail)]
        yield {
            "x": ends, "y": short([curve.limit] * 2), "mode": "lines", "hoverinfo": "skip", "name": plain(curve.words),
            "line": {"color": RUST, "width": 2, "dash": "dash"},
        }  # fmt: skip


def _foot(curve: Curve) -> float:
    return SLOWEST if curve.what == "seconds" else 0.0


def _axis(shown: pd.DataFrame, curve: Curve, language: Language) -> Json:
    """Return the vertical axis: from nothing, or logarithmic for times."""
    top = max(1.12 * float(shown["max"].max()), 1.25 * curve.limit, 0.01)
    if curve.what != "seconds":
        return scale(0.0, top, "share", language)
    top = max(2 * top, 10.0)
    places = [10.0**k for k in range(ceil(log10(top)))]
    return scale(0.0, top, "", language) | {
        "type": "log", "range": short([log10(0.8 * SLOWEST), log10(top)]), "tickvals": short(places),
        "ticktext": [curve.told(v, language) for v in places],
    }  # fmt: skip
