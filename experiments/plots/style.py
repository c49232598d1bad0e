"""How charts look: colours that colour-blind readers tell apart, fonts, number formats, empty panels."""

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.units import amount, compact

BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
"""Okabe & Ito (2008)."""
BLACK, GREY, PALE = "#222222", "#8A8A8A", "#D9D9D9"
STACK = (BLUE, ORANGE, GREEN, SKY, VERMILLION, YELLOW, PURPLE, GREY, "#004466", PALE)
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
        with matplotlib.rc_context({**_STYLE, "font.family": ["DejaVu Sans", *([font] if font else [])]}):
            return function(*args, **kwargs)

    return inside  # type: ignore[return-value]


@cache
def _cjk_font() -> str | None:
    known = set(font_manager.get_font_names())
    return next((name for name in _CJK_FONTS if name in known), None)


def label(text: str, key: str = "", *, most: int = 60) -> str:
    """Return a text that the fonts at hand can write, cut at a word when too long; `key` stands in when nothing is left.

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


def numbers(unit: str = "") -> FuncFormatter:
    """Return a tick format of a KPI's unit: 12,000, 1.2 M, 4 %, ¥3 bn."""
    return FuncFormatter(lambda value, _: amount(value, unit) if unit else compact(value))


def nothing(ax: Axes, title: str, why: str) -> Axes:
    """Say in an empty panel why nothing is shown."""
    ax.set_title(title)
    ax.axis("off")
    ax.text(0, 0.9, why, transform=ax.transAxes, va="top", color=GREY)
    return ax


def mean_of(replication_seeds: int) -> str:
    """Return the words for what is shown: one run or a mean of runs."""
    return "one run" if replication_seeds == 1 else f"mean of {replication_seeds} runs"
