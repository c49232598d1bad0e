"""Charts in Chinese: every text is in the catalogue, every character has a glyph, and without a font they are English."""

import ast
import string
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from pictures import CASES, texts

import experiments.plots
from experiments import replication
from experiments.plots import CHARTS, style, words
from experiments.plots.funnel import STEPS
from experiments.plots.states import MEMBERS, OUTSIDE
from experiments.plots.words import Words
from experiments.replication import Replication
from experiments.runner import Runner
from sim.kpis import KPIS

SOURCES = [p for p in Path(experiments.plots.__file__).parent.glob("*.py") if p.name != "words.py"]
needs_font = pytest.mark.skipif(style._cjk_font() is None, reason="no font with Chinese characters on this machine")


@pytest.fixture(scope="module")
def drawn() -> dict[str, Replication]:
    cases = {name: CASES[name] for name in ("whole", "one run", "nobody")}
    return {name: replication.run(market, runner=Runner(processes=1), **how) for name, (market, how) in cases.items()}


def lacking(text: Text) -> set[str]:
    """Return the characters of a text that none of its fonts has."""
    known = [glyphs(family, text.get_fontweight()) for family in text.get_fontfamily()]
    return {c for c in text.get_text() if c != "\n" and not any(ord(c) in font for font in known)}


@cache
def glyphs(family: str, weight: str | int) -> frozenset[int]:
    """Return the code points that a font has; there must be such a font."""
    found = font_manager.findfont(FontProperties(family=[family], weight=weight), fallback_to_default=False)
    return frozenset(font_manager.get_font(found).get_charmap())


def said() -> set[str]:
    """Return the texts that the charts say."""
    calls = [n for p in SOURCES for n in ast.walk(ast.parse(p.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    mine = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "say" and c.args]
    found = [n for call in mine for n in ast.walk(call.args[0]) if isinstance(n, ast.Constant)]
    return {n.value for n in found if isinstance(n.value, str)}


@needs_font
@pytest.mark.parametrize("chart", CHARTS)
def test_every_character_has_a_glyph_and_its_place(drawn, chart):
    fig = CHARTS[chart](drawn["whole"], lang="zh")
    page, shown = fig.bbox, texts(fig)
    assert any("\u4e00" <= c <= "\u9fff" for text, _ in shown for c in text.get_text())
    for text, box in shown:
        assert not lacking(text), text
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, text
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, text
    for (one, a), (other, b) in combinations(shown, 2):
        assert min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)) < 2, (one, other)


@pytest.mark.parametrize("case", ["one run", "nobody"])
@pytest.mark.parametrize("chart", CHARTS)
def test_odd_cases_can_be_said(drawn, tmp_path, case, chart):
    CHARTS[chart](drawn[case], lang="zh").savefig(tmp_path / "chart.png", dpi=40)
    assert (tmp_path / "chart.png").stat().st_size > 2_000


@pytest.mark.parametrize("chart", CHARTS)
def test_without_a_font_charts_are_english_and_a_notice_says_so(drawn, monkeypatch, chart):
    english = [text.get_text() for text, _ in texts(CHARTS[chart](drawn["one run"]))]
    monkeypatch.setattr(style, "_cjk_font", lambda: None)
    shown = [text for text, _ in texts(CHARTS[chart](drawn["one run"], lang="zh"))]
    assert not any(lacking(text) for text in shown)
    assert len(shown) == len(english)
    assert "no font with Chinese characters" in style.notice("zh")


def test_nothing_is_noticed_without_need(monkeypatch):
    monkeypatch.setattr(style, "_cjk_font", lambda: "Noto Sans CJK SC")
    assert style.notice("zh") == style.notice("en") == ""
    monkeypatch.setattr(style, "_cjk_font", lambda: None)
    assert style.notice("en") == ""


def test_a_language_that_is_not_there_is_refused(drawn):
    with pytest.raises(ValueError, match="`lang` must be one of en, zh, but got 'de'"):
        CHARTS["funnel"](drawn["one run"], lang="de")


def test_a_text_that_is_not_there_is_refused():
    with pytest.raises(LookupError, match="'By moonlight' must be in the catalogue"):
        Words("zh")("By moonlight")


def test_the_catalogue_holds_what_is_said_and_nothing_else():
    steps = {name for name, *_ in STEPS}
    assert said() | steps | {*MEMBERS, *OUTSIDE} == set(words.TEXTS)


def test_what_is_put_into_texts_is_the_same_in_both_languages():
    for english, chinese in words.TEXTS.items():
        names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)]
        assert names[0] == names[1], english


def test_every_kpi_and_verdict_has_a_name():
    assert set(words.TITLES) == set(KPIS)
    assert len(set(words.TITLES.values())) == len(KPIS)


@needs_font
def test_chinese_titles_of_plans_are_kept():
    assert style.label("Mid-tier KOL (腰部)") == "Mid-tier KOL (腰部)"
    assert style.label("腰部达人投放计划与执行", most=11) == "腰部达人投…"
    assert style.label("no glyph (\U000e0041)", "key") == "no glyph"
    assert style.label("\U000e0041", "key") == "key"


@needs_font
def test_a_font_that_is_not_in_the_list_is_found(monkeypatch):
    kept = [font for font in font_manager.fontManager.ttflist if font.name not in style._CJK_FONTS]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", kept)
    assert style._cjk_font.__wrapped__() in style._CJK_FONTS
