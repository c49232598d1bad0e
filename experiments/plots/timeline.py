"""Dates under charts: phases shaded and named, festivals marked, the plan's first and last day."""

from datetime import date
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.transforms import blended_transform_factory

from experiments.plots.style import BLACK, GREY, label
from scenarios import Scenario

SHADES = ("#EFEFEF", "#E0E0E0")


def dates(scenario: Scenario, days: list[int]) -> list[date]:
    """Return the dates of day numbers."""
    return [scenario.clock.date(int(day)) for day in days]


def number(scenario: Scenario, day: float) -> float:
    """Return the place of a day on a date axis; a fraction lies within the day."""
    return float(date2num(scenario.clock.start)) + day


def date_axis(ax: Axes, scenario: Scenario, first: int, last: int) -> None:
    """Put dates under the panel, from day `first` to day `last`."""
    locator = AutoDateLocator(minticks=3, maxticks=8)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.set_xlim(number(scenario, first), number(scenario, last))


def phases(ax: Axes, scenario: Scenario, *, named: bool = True) -> None:
    """Shade the phases by turns, with their names along the top, and mark where the plan begins and ends."""
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
            turned = room * 75 < len(text)
            ax.text(
                middle, 0.985, text, transform=above, ha="center", va="top", fontsize=7, color="#555555",
                rotation=90 if turned else 0, zorder=1.5,
            )  # fmt: skip
    for day in (0, scenario.clock.days):
        if low < number(scenario, day) < high:
            ax.axvline(number(scenario, day), color=BLACK, lw=0.9, ls=(0, (1, 2)), zorder=1.2)


def festivals(ax: Axes, scenario: Scenario) -> None:
    """Mark the festivals' days with triangles at the foot of the panel."""
    low, high = ax.get_xlim()
    days = sorted(number(scenario, scenario.clock.day(f.date)) for f in scenario.festivals.values())
    inside = [day for day in days if low <= day <= high]
    foot = blended_transform_factory(ax.transData, ax.transAxes)
    ax.plot(inside, [0] * len(inside), "^", transform=foot, color=GREY, ms=5, clip_on=False, zorder=3)
    ax.set_xlim(low, high)


def festival_names(scenario: Scenario, first: int, last: int) -> str:
    """Return the festivals between two days with their dates, such as `618-2024 (Jun 18)`, in lines of a page's width."""
    found = sorted(
        (f.date, name) for name, f in scenario.festivals.items() if first <= scenario.clock.day(f.date) <= last
    )
    words = "; ".join(f"{label(name)} ({when:%b} {when.day})".replace(" ", "\xa0") for when, name in found)
    return fill("Festivals: " + words, 190) if found else ""
