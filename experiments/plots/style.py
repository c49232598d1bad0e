"""How charts look: colours that colour-blind readers tell apart, fonts, number formats, empty panels."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, wraps
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import east_asian_width

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from experiments.plots.words import Words
from experiments.replication import Replication
from scenarios import Scenario

BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
"""Okabe & Ito (2008)."""
BLACK, DARK, GREY, PALE = "#222222", "#004466", "#8A8A8A", "#D9D9D9"
RUST = "#B04A00"
"""Vermillion dark enough for small letters."""
STACK = (BLUE, ORANGE, GREEN, SKY, VERMILLION, YELLOW, PURPLE, DARK, GREY, PALE)
"""Colours of neighbours in a stack: dark and light by turns, so that they can be told apart in grey."""
HATCHES = ("", "", "////", "\\\\\\\\", "xxx", "", "....", "", "", "")
"""Hatches of the same stack: colours that are alike in grey differ in these."""

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
_CJK_FILES = re.compile(r"Noto ?Sans ?(CJK|SC)|SourceHanSans|wqy-|PingFang|Hiragino Sans GB|msyh|simhei", re.IGNORECASE)
_LATIN_FONT = "DejaVu Sans"
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60"
"""Characters between which a line may end."""
_CLOSING = "\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f"
"""Those that no line begins with."""
_TITLE_COLUMNS, _FOOTNOTE_COLUMNS = 9.3, 17.0
"""Columns of a figure's title and footnote that fit on an inch."""

F = TypeVar("F", bound=Callable[..., Any])


def styled(function: F) -> F:
    """Draw in Sandtable's style, whatever the caller's."""

    @wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        font = _cjk_font()
        family = [_LATIN_FONT, *([font] if font else [])]
        style: Any = _STYLE | {"font.family": family}
        with matplotlib.rc_context(style):
            drawn = function(*args, **kwargs)
        for ax in drawn.axes if isinstance(drawn, Figure) else [drawn]:
            ax.tick_params(labelfontfamily=family)  # ticks are made when the figure is saved, after the style is gone
        return drawn

    return inside  # type: ignore[return-value]


@cache
def _cjk_font() -> str | None:
    """Return a font with Chinese characters, or None; one that Matplotlib's list lacks is added for this process."""
    if (found := _known_cjk_font()) is None:
        for path in font_manager.findSystemFonts():
            if _CJK_FILES.match(Path(path).name):
                with suppress(OSError, RuntimeError):
                    font_manager.fontManager.addfont(path)
        found = _known_cjk_font()
    return found


def _known_cjk_font() -> str | None:
    known = set(font_manager.get_font_names())
    return next((name for name in _CJK_FONTS if name in known), None)


@cache
def _writable(*names: str) -> frozenset[int]:
    """Return the code points that these fonts have together."""
    fonts = (font_manager.get_font(font_manager.findfont(name)) for name in names)
    return frozenset(code for font in fonts for code in font.get_charmap())


def spoken(lang: str) -> Words:
    """Return the words of a language, or English when no font here can write them; then `notice` says so.

    Raises `ValueError` for a language that the charts do not have.
    """
    words = Words(lang)
    return Words("en") if notice(lang) else words


def notice(lang: str) -> str:
    """Return why charts in that language are drawn in English, or nothing."""
    if lang != "zh" or _cjk_font() is not None:
        return ""
    return "charts are in English: no font with Chinese characters was found; install one, such as Noto Sans CJK SC"


def label(text: str, key: str = "", *, most: int = 60) -> str:
    """Return a text without what no font at hand can write, cut at a word when wider than `most` columns.

    Returns `key` when nothing is left. Chinese characters are two columns wide.

    >>> label("A title far too long to stand beside a bar", most=20)
    'A title far too…'
    """
    text = _written(text) or re.sub("\0", "?", _marked(key))
    if columns(text) <= most:
        return text
    fitting = sum(width <= most for width in accumulate(map(columns, text)))
    return re.sub(r"[\s,;:(]+\S*$", "", text[:fitting]).rstrip() + "…"


def _written(text: str) -> str:
    """Return a text without unwritable characters and the brackets that hold them."""
    return re.sub(r"\s*[(（][^()（）]*\0[^()（）]*[)）]|\0", "", _marked(text)).strip()


def _marked(text: str) -> str:
    """Return a text with a NUL for each character that the fonts lack, on one line."""
    font = _cjk_font()
    known = _writable(_LATIN_FONT, *([font] if font else []))
    return "".join(c if ord(c) in known else " " if c.isspace() else "\0" for c in text)


def columns(text: str) -> int:
    """Return the width of a text in Latin characters.

    >>> columns("GMV"), columns("成交额")
    (3, 6)
    """
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def filled(text: str, width: int) -> str:
    """Return a text in lines of at most `width` columns, broken at blanks, or in Chinese but before signs.

    5 % stays whole.

    >>> filled("流量价格上涨 30% 以上", 8)
    '流量价格\\n上涨 30%\\n以上'
    """
    lines = [""]
    for word in re.findall(rf"[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+(?: %)?|\s+", text):
        if columns(lines[-1] + word.rstrip()) > width and lines[-1].strip():
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return "\n".join(line.strip() for line in lines if line.strip())


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure, its size in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def panel(ax: Axes | None, width: float = 8.0, height: float = 4.5) -> Axes:
    """Return the axes given, or those of a new figure."""
    return ax if ax is not None else canvas(width, height).subplots()


class Numbers(Formatter):
    """Ticks in a KPI's unit, all of an axis in the same thousands: 12,000, 0.5 M, 4 %, ¥3 bn; or in 万 and 亿."""

    def __init__(self, unit: str = "", lang: str = "en") -> None:
        self.unit, self.words = unit, spoken(lang)

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the text of one tick."""
        return self.words.ticks([value], self.unit)[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the texts of an axis's ticks."""
        return self.words.ticks(values, self.unit)


def nothing(ax: Axes, title: str, why: str) -> Axes:
    """Say in an empty panel why nothing is shown."""
    ax.set_title(title)
    ax.axis("off")
    ax.text(0, 0.9, why, transform=ax.transAxes, va="top", color=GREY)
    return ax


def headline(fig: Figure, replication: Replication, what: str, lang: str = "en") -> None:
    """Write above a figure whose it is, what it shows, and of how many runs."""
    say, n = spoken(lang), len(replication.seeds)
    name = label(replication.scenario.name, "plan", most=50)
    if n == 1:
        text = say("{name}: {what} (one run)", name=name, what=what)
    else:
        text = say("{name}: {what} (mean of {n} runs)", name=name, what=what, n=n)
    titled(fig, text)


def titled(fig: Figure, title: str, key: str = "plan") -> None:
    """Write a title above a figure, in as many lines as it takes."""
    text = filled(label(title, key, most=140), int(_TITLE_COLUMNS * fig.get_figwidth()))
    fig.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold")


def footnote(fig: Figure, text: str) -> None:
    """Write small under a figure, in as many lines as it takes."""
    if text:
        width = int(_FOOTNOTE_COLUMNS * fig.get_figwidth())
        text = "\n".join(filled(line, width) for line in text.split("\n"))
        fig.supxlabel(text, fontsize=7.5, color="#555555", x=0.01, ha="left")


def bar_axis(ax: Axes, names: list[str], unit: str, lang: str = "en") -> None:
    """Name the bars of a panel, the first at the top, with numbers along the foot."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(Numbers(unit, lang))
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.tick_params(axis="y", length=0)


def title_of(scenario: Scenario, lever: str, *, most: int) -> str:
    """Return a lever's name for people."""
    return label(getattr(scenario.levers.get(lever), "title", "") or lever, lever, most=most)
