"""A chart of the report: a still picture that needs no script, and what Plotly makes of it where scripts are on."""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from math import isnan
from typing import Any, cast

import matplotlib
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.report.language import Language
from scenarios import Scenario
from sim.kpis import KPIS

Json = dict[str, Any]
INK, MUTED, RULE = "#1d2733", "#5a6572", "#e3e6e8"
SHADES = "rgba(40,50,40,0.03)", "rgba(40,50,40,0.08)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', sans-serif"
DIGITS = 5
"""Digits of a number that a picture needs."""


@dataclass(frozen=True)
class Chart:
    """A chart, twice."""

    id: str
    title: str
    alt: str
    """What it shows, in words, for those who do not see it."""
    svg: Markup
    """The still picture, without what only a file of its own needs."""
    plotly: Json
    """data and layout; empty: there is no moving picture."""
    height: int
    """Height of the moving picture [CSS pixels]."""
    note: str = ""
    hint: str = ""
    """What a reader can do with the moving picture."""


def still(draw: Callable[..., Axes], *args: Any, name: str, lang: str, size: tuple[float, float], **how: Any) -> Markup:
    """Return what a function of `experiments.plots` draws into a panel of that size [inches] as SVG for a page.

    `name` tells its ids apart from those of the page's other pictures; the same arguments give the same bytes.
    """
    ax = draw(*args, **how, lang=lang)
    ax.set_title("", loc="left")
    fig = cast(Figure, ax.figure)
    fig.set_size_inches(*size)
    text = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "svg.id": None}):
        fig.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return Markup(_of_a_page(text.getvalue(), name))


def _of_a_page(svg: str, name: str) -> str:
    """Return an SVG document as an element: without prologue, metadata and fixed size, its ids its own."""
    svg = svg[svg.index("<svg ") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg [^>]*?)\s+width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?)\s+height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"<svg ([^>]*)>", r'<svg \1 aria-hidden="true" focusable="false">', svg, count=1)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"; font-family: [^;\"]*|font-family: [^;\"]*; ", "", svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"(-?\d+\.\d{2})\d+", r"\1", svg)
    svg = re.sub(r"<style type=\"text/css\">\*\{[^}]*\}</style>", "", svg)
    return re.sub(r">\s*\n\s*<", "><", svg)


def plain(text: str) -> str:
    """Return a text as Plotly takes it, which reads tags."""
    return escape(text, quote=False)


def short(values: Iterable[float]) -> list[float | None]:
    """Return numbers as JSON has them, in the digits that a picture needs; what is not known is None."""
    return [None if isnan(value) else float(f"{value:.{DIGITS}g}") for value in values]


def day(start: date, days: float) -> str:
    """Return the ISO date of a day of the plan."""
    return (start + timedelta(days=days)).isoformat()


def extremes(table: pd.DataFrame, column: str, kpi: str, scenario: Scenario, language: Language) -> dict[str, str]:
    """Return in words where values by `day` begin, end, are highest and lowest: first, last, top, low, and *_day."""
    at = {
        "first": table.index[0], "last": table.index[-1], "top": table[column].idxmax(), "low": table[column].idxmin(),
    }  # fmt: skip
    values = {name: language.amount(float(table.loc[k, column]), KPIS[kpi].unit) for name, k in at.items()}
    dates = {f"{name}_day": language.date(scenario.clock.date(int(table.loc[k, "day"]))) for name, k in at.items()}
    return values | dates


def scale(low: float, high: float, unit: str, language: Language, *, most: int = 5) -> Json:
    """Return an axis from low to high with at most so many steps, ticks as people read them; it does not zoom."""
    places = [v for v in MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= v <= high]
    return {
        "range": short([low, high]), "fixedrange": True, "tickvals": short(places),
        "ticktext": language.ticks(places, unit), "gridcolor": RULE, "zeroline": False, "automargin": True,
    }  # fmt: skip


def layout(**more: Any) -> Json:
    """Return what all moving pictures share."""
    return {
        "font": {"family": FONT, "size": 12, "color": INK}, "margin": {"l": 8, "r": 10, "t": 8, "b": 28},
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "showlegend": False, "dragmode": "zoom",
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": MUTED, "font": {"family": FONT, "size": 12, "color": INK}},
        **more,
    }  # fmt: skip


def dates(start: date, first: int, last: int) -> Json:
    """Return a horizontal axis of dates, from day first to day last of the plan."""
    return {
        "type": "date", "range": [day(start, first), day(start, last)], "showgrid": False, "linecolor": MUTED,
        "ticks": "outside", "ticklen": 4, "tickcolor": MUTED, "nticks": 6, "fixedrange": False,
        "minallowed": day(start, first), "maxallowed": day(start, last), "hoverformat": "%Y-%m-%d",
    }  # fmt: skip
