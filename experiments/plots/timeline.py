"""Dates under charts: phases shaded and named, festivals marked, the plan's first and last day."""

import re
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.transforms import blended_transform_factory

from experiments.curves import LEAD_DAYS
from experiments.plots.style import BLACK, GREY, columns, label, spoken
from scenarios import Scenario

SHADES = ("#EFEFEF", "#E0E0E0")
CHARACTERS = 130
"""Characters of a phase's name that fit across a panel."""


def number(scenario: Scenario, day: float) -> float:
    """Return the place of a day on a date axis; a fraction lies within the day."""
    start: float = date2num(scenario.clock.start)  # type: ignore[no-untyped-call]
    return float(start) + day


class _ChineseDates(ConciseDateFormatter):
    """Dates of an axis as 2024年, 3月, 15日."""

    def __init__(self, locator: Any) -> None:
        formats = ["%Y年", "%m月", "%d日", "%H:%M", "%H:%M", "%S.%f"]
        zeros = ["", "%Y年", "%m月", "%m月%d日", "%H:%M", "%H:%M"]
        super().__init__(locator, formats=formats, zero_formats=zeros, show_offset=False)  # type: ignore[no-untyped-call]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the texts of the ticks, without leading zeros."""
        texts: list[str] = super().format_ticks(values)  # type: ignore[no-untyped-call]
        return [re.sub(r"(?<!\d)0(?=\d[月日])", "", text) for text in texts]


def date_axis(ax: Axes, scenario: Scenario, first: int, last: int, lang: str = "en") -> None:
    """Put dates under the panel, from day `first` to day `last`."""
    locator: Any = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    if spoken(lang).lang == "zh":
        ax.xaxis.set_major_formatter(_ChineseDates(locator))
    else:
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
    ax.set_xlim(number(scenario, first), number(scenario, last))


def phases(ax: Axes, scenario: Scenario, *, named: bool = True) -> None:
    """Shade the phases by turns, mark the plan's beginning and end, and name the phases along the top where names fit.

    The top tenth of the panel is left free for the names.
    """
    if named:
        bottom, top = ax.get_ylim()
        ax.set_ylim(bottom, top + (top - bottom) / 10)
    low, high = ax.get_xlim()
    above = blended_transform_factory(ax.transData, ax.transAxes)
    for k, (name, phase) in enumerate(scenario.phases.items()):
        first, last = phase.span(scenario.clock)
        left, right = number(scenario, first), number(scenario, last + 1)
        if right <= low or left >= high:
            continue
        ax.axvspan(max(left, low), min(right, high), color=SHADES[k % 2], lw=0, zorder=0)
        if named:
            middle = (max(left, low) + min(right, high)) / 2
            room = (min(right, high) - max(left, low)) / (high - low)
            text = label(name, most=40)
            if room * CHARACTERS >= columns(text):
                ax.text(middle, 0.985, text, transform=above, ha="center", va="top", fontsize=7.5, color="#555555")
    for day in (0, scenario.clock.days):
        if low < number(scenario, day) < high:
            ax.axvline(number(scenario, day), color=BLACK, lw=0.9, ls=(0, (1, 2)), zorder=1.2)


def festivals(ax: Axes, scenario: Scenario) -> None:
    """Mark the festivals' days with triangles at the foot of the panel."""
    low, high = ax.get_xlim()
    days = sorted(number(scenario, scenario.clock.day(f.date)) for f in scenario.festivals.values())
    inside = [day for day in days if low <= day <= high]
    if not inside:
        return
    foot = blended_transform_factory(ax.transData, ax.transAxes)
    ax.plot(inside, [0] * len(inside), "^", transform=foot, color=GREY, ms=5, clip_on=False, zorder=3)
    ax.set_xlim(low, high)


def first_day(scenario: Scenario) -> int:
    """Return the first day that charts over time show: at most sixty before the plan."""
    return max(-scenario.clock.burn_in, -LEAD_DAYS)


def legend_of_days(scenario: Scenario, *, width: int = 190, lang: str = "en") -> str:
    """Return the phases and festivals of the days shown with their dates, in lines of so many columns."""
    say, clock, first = spoken(lang), scenario.clock, first_day(scenario)
    held = sorted(
        (festival.date, name)
        for name, festival in scenario.festivals.items()
        if first <= clock.day(festival.date) <= clock.days + clock.tail
    )
    spans = {name: [say.day(clock.date(d)) for d in phase.span(clock)] for name, phase in scenario.phases.items()}
    lines = (
        (say("Phases"), [say("{name} ({first} to {last})", name=label(n), first=span[0], last=span[1])
                         for n, span in spans.items()]),
        (say("Festivals"), [say("{name} ({when})", name=label(n), when=say.day(when)) for when, n in held]),
    )  # fmt: skip
    return "\n".join(_filled(say("{title}: ", title=title), names, say("; "), width) for title, names in lines if names)


def _filled(title: str, names: list[str], between: str, width: int) -> str:
    """Return names in lines of at most so many columns, none of them parted."""
    lines = [title + names[0]]
    for name in names[1:]:
        if columns(lines[-1] + between + name) <= width:
            lines[-1] += between + name
        else:
            lines[-1] += between.rstrip()
            lines.append(name)
    return "\n".join(lines)
