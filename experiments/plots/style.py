"""How charts look: colours that colour-blind readers tell apart, fonts, number formats, empty panels."""

import re
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, TypeVar

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from experiments.replication import Replication
from experiments.units import MINUS
from scenarios import Scenario

BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
"""Okabe & Ito (2008)."""
BLACK, DARK, GREY, PALE = "#222222", "#004466", "#8A8A8A", "#D9D9D9"
RUST = "#B04A00"
"""Vermillion dark enough for small letters."""
STACK = (BLUE, ORANGE, GREEN, SKY, VERMILLION, YELLOW, PURPLE, DARK, PALE, GREY)
"""Colours of neighbours in a stack: dark and light by turns, so that they can be told apart in grey."""

_STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.labelcolor": BLACK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "hatch.linewidth": 0.6,
    "text.parse_math": False,
}
_CJK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei",
)  # fmt: skip
_CJK = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"

F = TypeVar("F", bound=Callable[..., Any])


def styled(function: F) -> F:
    """Draw in Sandtable's style, whatever the caller's."""

    @wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        font = _cjk_font()
        style: Any = _STYLE | {"font.family": ["DejaVu Sans", *([font] if font else [])]}
        with matplotlib.rc_context(style):
            return function(*args, **kwargs)

    return inside  # type: ignore[return-value]


@cache
def _cjk_font() -> str | None:
    known = set(font_manager.get_font_names())
    return next((name for name in _CJK_FONTS if name in known), None)


def label(text: str, key: str = "", *, most: int = 60) -> str:
    """Return a text that the fonts at hand can write, cut at a word when too long, or `key` when nothing is left.

    >>> label("A title far too long to stand beside a bar", most=20)
    'A title far too…'
    """
    if _cjk_font() is None:
        text = re.sub(rf"\s*[(（][^()（）]*[{_CJK}][^()（）]*[)）]|[{_CJK}]", "", text).strip() or key
        text = re.sub(rf"[{_CJK}]", "?", text)
    if len(text) <= most:
        return text
    return re.sub(r"[\s,;:(]+\S*$", "", text[:most]).rstrip() + "…"


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure, its size in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def panel(ax: Axes | None, width: float = 8.0, height: float = 4.5) -> Axes:
    """Return the axes given, or those of a new figure."""
    return ax if ax is not None else canvas(width, height).subplots()


class Numbers(Formatter):
    """Ticks in a KPI's unit, all of an axis in the same thousands: 12,000, 0.5 M, 4 %, ¥3 bn."""

    def __init__(self, unit: str = "") -> None:
        self.unit = unit
        self.step, self.suffix = 1.0, ""

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the text of one tick."""
        sign, size = (MINUS if value < 0 else ""), abs(value)
        if self.unit == "share":
            return f"{sign}{100 * size:.6g} %"
        return f"{sign}{'¥' if self.unit == 'yuan' else ''}{size / self.step:,.6g}{self.suffix if value else ''}"

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the texts of an axis's ticks."""
        top = max((abs(v) for v in values), default=0.0)
        steps = ((1e9, " bn"), (1e6, " M"), (1e5, " k"), (0.0, ""))
        limit, self.suffix = next((step, suffix) for step, suffix in steps if top >= step)
        self.step = {" k": 1e3, "": 1.0}.get(self.suffix, limit)
        return [self(value) for value in values]


def nothing(ax: Axes, title: str, why: str) -> Axes:
    """Say in an empty panel why nothing is shown."""
    ax.set_title(title)
    ax.axis("off")
    ax.text(0, 0.9, why, transform=ax.transAxes, va="top", color=GREY)
    return ax


def headline(fig: Figure, replication: Replication, what: str) -> None:
    """Write above a figure whose it is, what it shows, and of how many runs."""
    runs = len(replication.seeds)
    shown = "one run" if runs == 1 else f"mean of {runs} runs"
    name = label(replication.scenario.name, "plan", most=50)
    fig.suptitle(f"{name}: {what} ({shown})", x=0.01, ha="left", fontsize=12, fontweight="bold")


def footnote(fig: Figure, text: str) -> None:
    """Write small under a figure."""
    if text:
        fig.supxlabel(text, fontsize=7.5, color="#555555", x=0.01, ha="left")


def bar_axis(ax: Axes, names: list[str], unit: str) -> None:
    """Name the bars of a panel, the first at the top, with numbers along the foot."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(Numbers(unit))
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.tick_params(axis="y", length=0)


def title_of(scenario: Scenario, lever: str, *, most: int) -> str:
    """Return a lever's name for people."""
    return label(getattr(scenario.levers.get(lever), "title", "") or lever, lever, most=most)
