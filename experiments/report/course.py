"""How the plan unfolds: KPIs week by week, with the single runs, the band, phases, festivals, targets and actuals."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from experiments.curves import STOCKS, TOTALS
from experiments.plots import kpi_curves, timeline
from experiments.plots.style import BLUE, GREY, RUST, styled
from experiments.plots.timeline import first_day
from experiments.replication import Replication
from experiments.report.actuals import alternative, trace
from experiments.report.figure import SHADES, Chart, Json, dates, day, extremes, layout, plain, scale, short, still
from experiments.report.language import Language
from experiments.summary import direction_of
from experiments.tables import rows
from scenarios import Scenario
from scenarios.targets import Target
from sim.kpis import KPIS

BAND, SEED, EDGE = "rgba(86,180,233,0.32)", "rgba(60,70,85,0.30)", "#6b7580"
SIZE = (5.0, 2.7)
HEIGHT = 250


def charts(replication: Replication, language: Language, actuals: pd.DataFrame | None = None) -> list[Chart]:
    """Return a chart of each of the plan's main KPIs that there was something to measure of, simulated or real.

    `actuals` as `kpi_curves.observed` takes them; their KPIs are among the main ones.
    """
    real, found = kpi_curves.observed(actuals, replication.scenario), []
    for kpi in kpi_curves.chosen(replication.scenario, real["kpi"]):
        table = kpi_curves.band(replication.curves, kpi)
        if len(table) or (real["kpi"] == kpi).any():
            found.append(_chart(replication, kpi, table, real[real["kpi"] == kpi], actuals, language))
    return found


def phases(scenario: Scenario, language: Language) -> list[tuple[str, str, str]]:
    """Return name, first and last date of each phase."""
    spans = ((name, *phase.span(scenario.clock)) for name, phase in scenario.phases.items())
    date = scenario.clock.date
    return [(name, language.date(date(first)), language.date(date(last))) for name, first, last in spans]


def festivals(scenario: Scenario, language: Language) -> list[tuple[str, str]]:
    """Return name and date of each festival of the days shown."""
    return [(name, language.date(scenario.clock.date(when))) for name, when in held(scenario)]


def title(kpi: str, language: Language) -> str:
    """Return a curve's title: totals are those of a week."""
    return language("course.a_week", title=language.kpi(kpi)) if kpi in TOTALS else language.kpi(kpi)


def held(scenario: Scenario) -> list[tuple[str, int]]:
    """Return name and day of each festival of the days shown."""
    clock = scenario.clock
    days = ((name, clock.day(festival.date)) for name, festival in scenario.festivals.items())
    shown = [(name, when) for name, when in days if first_day(scenario) <= when < clock.days + clock.tail]
    return sorted(shown, key=lambda held: held[1])


def _chart(
    replication: Replication, kpi: str, table: pd.DataFrame, real: pd.DataFrame, actuals: pd.DataFrame | None,
    language: Language,
) -> Chart:  # fmt: skip
    scenario, name = replication.scenario, f"course-{kpi.replace('_', '-')}"
    levels = kpi_curves.levels(scenario, replication.kpis, kpi)
    words = [_promised(target, kpi, language) for target in scenario.targets.values() if _drawn(target, kpi)]
    low, high = kpi_curves.scale(kpi, table, real, [level for _, _, level, _ in levels])
    data = [*_traces(replication, kpi, table, (low, high), levels, words, language)]
    alt = [_alt(scenario, kpi, table, words, language)]
    if len(real):
        data.append(trace(real, kpi, scenario, language))
        alt.append(alternative(real, kpi, scenario, language))
    return Chart(
        id=name,
        title=title(kpi, language),
        alt=" ".join(alt),
        svg=still(
            _curve, replication.curves, replication.kpis, scenario, kpi,
            actuals=actuals, name=name, lang=language.code, size=SIZE,
        ),
        plotly={
            "data": data,
            "layout": layout(
                xaxis=dates(scenario.clock.start, first_day(scenario), scenario.clock.days + scenario.clock.tail),
                yaxis=scale(low, high, KPIS[kpi].unit, language),
                hovermode="x unified",
                shapes=shades(scenario),
            ),
        },
        height=HEIGHT,
        note="; ".join(words if len(table) else [*words, language("course.nothing")]),
    )  # fmt: skip


@styled
def _curve(
    curves: pd.DataFrame, kpis: pd.DataFrame, scenario: Scenario, kpi: str, *, actuals: pd.DataFrame | None, lang: str
) -> Axes:
    """Draw the still curve with phases and festivals."""
    ax = kpi_curves.draw(curves, kpis, scenario, kpi, actuals=actuals, lang=lang)
    timeline.phases(ax, scenario, named=False)
    timeline.festivals(ax, scenario)
    return ax


def _drawn(target: Target, kpi: str) -> bool:
    return target.kpi == kpi and target.segment == "all"


def _promised(target: Target, kpi: str, language: Language) -> str:
    """Return a target in words."""
    direction, wanted = direction_of(target)
    sign, window = ("≥" if direction == "at_least" else "≤"), language.window(target.window)
    if target.against is None:
        return language("course.in_window", sign=sign, value=language.amount(wanted, KPIS[kpi].unit), window=window)
    value, against = language.change(wanted, KPIS[kpi].unit, points=target.points), language.window(target.against)
    return language("course.vs_window", sign=sign, value=value, window=window, against=against)


def _alt(scenario: Scenario, kpi: str, table: pd.DataFrame, words: list[str], language: Language) -> str:
    """Return in words where a curve begins, ends, is highest and lowest, and what is promised of it."""
    if len(table):
        values = extremes(table, "mean", kpi, scenario, language)
        text = language("course.alt", title=title(kpi, language), **values)
    else:
        text = language("course.alt_nothing", title=title(kpi, language))
    return text + (" " + language("course.alt_target", words="; ".join(words)) if words else "")


def _traces(
    replication: Replication, kpi: str, table: pd.DataFrame, ends: tuple[float, float],
    levels: list[tuple[int, int, float, str]], words: list[str], language: Language,
) -> Iterator[Json]:  # fmt: skip
    start, unit = replication.scenario.clock.start, KPIS[kpi].unit
    middle = 0 if kpi in STOCKS else 3
    place = [day(start, int(d) - middle) for d in table["day"]]
    banded = not table["low"].isna().all()
    if banded:
        floor = 0.0 if table["mean"].min() >= 0 else None
        bare = {"x": place, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        yield bare | {"y": short(table["low"].fillna(table["mean"]).clip(lower=floor))}
        yield bare | {"y": short(table["high"].fillna(table["mean"])), "fill": "tonexty", "fillcolor": BAND}
    if len(replication.seeds) > 1:
        yield from _single_runs(replication, kpi, set(table["day"]), middle, language)
    intervals = [
        f"{language.amount(r.mean, unit)}" + (f" ({_between(r, unit, language)})" if banded else "")
        for r in rows(table)
    ]  # fmt: skip
    if place:
        yield {
            "x": place, "y": short(table["mean"]), "text": intervals, "name": language("course.mean"),
            "mode": "lines+markers" if kpi in STOCKS or len(place) == 1 else "lines",
            "line": {"color": BLUE, "width": 2}, "marker": {"size": 5, "color": BLUE}, "hovertemplate": "%{text}",
        }  # fmt: skip
    for (first, last, level, _), text in zip(levels, words, strict=True):
        yield {
            "x": [day(start, first), day(start, (first + last) // 2), day(start, last)], "y": short([level] * 3),
            "mode": "lines", "line": {"color": RUST, "width": 2, "dash": "dash"}, "text": [plain(text)] * 3,
            "name": language("course.target"), "hovertemplate": "%{text}",
        }  # fmt: skip
    if days := held(replication.scenario):
        yield {
            "x": [day(start, when) for _, when in days], "y": short([ends[0]] * len(days)), "mode": "markers",
            "marker": {"symbol": "triangle-up", "size": 8, "color": GREY}, "text": [plain(name) for name, _ in days],
            "name": language("course.festival"), "hovertemplate": "%{text}", "cliponaxis": False,
        }  # fmt: skip


def _single_runs(
    replication: Replication, kpi: str, shown: set[int], middle: int, language: Language
) -> Iterator[Json]:
    """Yield a line for each run; they are hidden until the reader asks for them."""
    part = replication.curves[(replication.curves["kpi"] == kpi) & replication.curves["day"].isin(shown)]
    for seed, run in part.groupby("seed"):
        yield {
            "x": [day(replication.scenario.clock.start, int(d) - middle) for d in run["day"]],
            "y": short(run["value"]), "mode": "lines", "line": {"color": SEED, "width": 1}, "visible": False,
            "text": [language.amount(v, KPIS[kpi].unit, 3) for v in run["value"]], "hovertemplate": "%{text}",
            "name": language("course.run", seed=seed), "meta": "seed",
        }  # fmt: skip


def _between(row: Any, unit: str, language: Language) -> str:
    return language.between(language.amount(row.low, unit, 3), language.amount(row.high, unit, 3))


def shades(scenario: Scenario) -> list[Json]:
    """Return the phases as shaded stretches by turns, and lines where the plan begins and ends."""
    start, found = scenario.clock.start, []
    box = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    for k, phase in enumerate(scenario.phases.values()):
        first, last = phase.span(scenario.clock)
        colour = SHADES[k % 2]
        found.append(
            box | {"type": "rect", "x0": day(start, first), "x1": day(start, last + 1), "fillcolor": colour,
                   "line": {"width": 0}}
        )  # fmt: skip
    for when in (0, scenario.clock.days):
        x = day(start, when)
        found.append(box | {"type": "line", "x0": x, "x1": x, "line": {"color": EDGE, "width": 1, "dash": "dot"}})
    return found
