"""Charts in Chinese: every text is in the catalogue, every character has a glyph, and without a font they are English."""

import ast
import json
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from pictures import ASKED, CASES, QUESTIONS, misplaced, texts

import experiments.plots
import scenarios
from experiments import executors, ranking, replication
from experiments.design import Parameter
from experiments.plots import CHARTS, indices, naming, style, words
from experiments.plots.funnel import STEPS
from experiments.plots.states import MEMBERS, OUTSIDE
from experiments.plots.words import Words
from experiments.replication import Replication
from experiments.runner import Runner
from experiments.store import Store
from sandtable.cli import main
from sim.kpis import KPIS

SOURCES = [p for p in Path(experiments.plots.__file__).parent.glob("*.py") if p.name != "words.py"]
PROSE = re.compile(r"[A-Za-z]{3}")
GIVEN = re.compile(
    r"[a-z]+\.[a-z]|Advertisements|A title long|^other$|market with a name|^(dear|rival|strike|down|ill)$"
)
"""Paths, and what the plan of the questions calls its levers, shocks and itself."""
needs_font = pytest.mark.skipif(style._cjk_font() is None, reason="no font with Chinese characters on this machine")


@pytest.fixture(scope="module")
def drawn() -> dict[str, Replication]:
    cases = {name: CASES[name] for name in ("whole", "one run", "nobody")}
    return {name: replication.run(market, runner=Runner(processes=1), **how) for name, (market, how) in cases.items()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner that makes the runs of a question once for all languages."""
    return Runner(store=Store(tmp_path_factory.mktemp("store")), processes=1)


def lacking(text: Text) -> set[str]:
    """Return the characters of a text that none of its fonts has."""
    known = [glyphs(family, text.get_fontweight()) for family in text.get_fontfamily()]
    return {c for c in text.get_text() if c != "\n" and not any(ord(c) in font for font in known)}


@cache
def glyphs(family: str, weight: str | int) -> frozenset[int]:
    """Return the code points that a font has; there must be such a font."""
    found = font_manager.findfont(FontProperties(family=[family], weight=weight), fallback_to_default=False)
    return frozenset(font_manager.get_font(found).get_charmap())


@dataclass(frozen=True)
class Idle(Runner):
    """A runner that makes no runs."""

    def evaluate(self, jobs: object, of: int) -> Iterator[Any]:
        """Fail."""
        raise AssertionError("simulated for nothing")


def said() -> set[str]:
    """Return the texts that the charts say."""
    calls = [n for p in SOURCES for n in ast.walk(ast.parse(p.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    mine = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "say" and c.args]
    found = [n for call in mine for n in ast.walk(call.args[0]) if isinstance(n, ast.Constant)]
    return {n.value for n in found if isinstance(n.value, str)}


@needs_font
@pytest.mark.parametrize("chart", CHARTS)
def test_every_character_has_a_glyph_and_its_place(drawn, chart):
    legible(CHARTS[chart](drawn["whole"], lang="zh"))


@needs_font
@pytest.mark.parametrize("asked", QUESTIONS)
def test_charts_of_answers_are_chinese_throughout(alone, asked):
    english, chinese = (QUESTIONS[asked](lang, alone).charts for lang in ("en", "zh"))
    for name, draw in chinese.items():
        shown = legible(draw())
        before = {text.get_text() for text, _ in texts(english[name]())}
        kept = {text for text in shown & before if PROSE.search(text) and not GIVEN.search(text)}
        assert not kept, "English that is not the plan's own"


def legible(fig: Figure) -> set[str]:
    """Return the texts of a figure, which has Chinese, and all of whose characters have a glyph and their place."""
    shown = [text for text, _ in texts(fig)]
    assert any("\u4e00" <= c <= "\u9fff" for text in shown for c in text.get_text())
    assert not [text for text in shown if lacking(text)]
    assert not misplaced(fig)
    return {text.get_text() for text in shown}


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


@pytest.mark.parametrize("asked", ["replicate", "two others", "one seed", "lhs", "stress"])
def test_without_a_font_answers_have_english_charts_and_say_so(alone, monkeypatch, tmp_path, asked):
    monkeypatch.setattr(style, "_cjk_font", lambda: None)
    english, chinese = (QUESTIONS[asked](lang, alone) for lang in ("en", "zh"))
    for name, draw in chinese.charts.items():
        shown = [text.get_text() for text, _ in texts(draw())]
        assert shown == [text.get_text() for text, _ in texts(english.charts[name]())]
    assert english.notice == ""
    assert chinese.notice == style.notice("zh") != ""
    told = json.loads((chinese.write(tmp_path / "out") / "manifest.json").read_text("utf-8"))["notes"]
    assert told == [*english.notes, chinese.notice]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asked.yaml").write_text(scenarios.dump(ASKED), encoding="utf-8")
    return "asked.yaml"


VERBS = {
    "replicate": ["--seeds", "3"],
    "compare": ["--seeds", "1", "--set", "levers.ads.unit_cost=900"],
    "sweep": ["--seeds", "1"],
    "stress": ["--seeds", "1", "--shock", "down"],
    "run": ["--seeds", "1"],
    "report": ["--seeds", "1", "--no-sweep", "--no-stress"],
}


@needs_font
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_draws_takes_the_language(file, capsys, monkeypatch, verb):
    """With a font, the charts are Chinese and nothing is noticed; without, they are as without the option."""
    words = [verb, file, *VERBS[verb], "--users", "200", "--quiet"]
    assert main([*words, "-o", "zh", "--lang", "zh"]) == 0
    assert main([*words, "-o", "en"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(style, "_cjk_font", lambda: None)
    assert main([*words, "-o", "no-font", "--lang", "zh"]) == 0
    assert capsys.readouterr().err == f"sandtable: {style.notice('zh')}\n"
    for chart in Path("en", "charts").iterdir():
        assert chart.read_bytes() != Path("zh", "charts", chart.name).read_bytes()
    notes = [json.loads(Path(name, "manifest.json").read_text("utf-8")).get("notes", []) for name in ("en", "no-font")]
    assert [note for note in notes[1] if note not in notes[0]] == [style.notice("zh")]


def test_a_verb_that_writes_no_charts_notices_nothing(file, capsys, monkeypatch):
    monkeypatch.setattr(style, "_cjk_font", lambda: None)
    assert main(["replicate", file, "--seeds", "1", "--users", "200", "--lang", "zh"]) == 0
    assert main(["run", file, "--seeds", "1", "--users", "200", "--lang", "zh", "--no-charts", "-o", "out"]) == 0
    assert capsys.readouterr().err == ""


def test_nothing_is_noticed_without_need(monkeypatch):
    monkeypatch.setattr(style, "_cjk_font", lambda: "Noto Sans CJK SC")
    assert style.notice("zh") == style.notice("en") == ""
    monkeypatch.setattr(style, "_cjk_font", lambda: None)
    assert style.notice("en") == ""


def test_a_language_that_is_not_there_is_refused(drawn):
    with pytest.raises(ValueError, match="`lang` must be one of en, zh, but got 'de'"):
        CHARTS["funnel"](drawn["one run"], lang="de")


@pytest.mark.parametrize("asked", ["replicate", "one other", "priors", "stress"])
def test_a_language_that_is_not_there_is_refused_before_anything_is_simulated(asked):
    with pytest.raises(ValueError, match="`lang` must be one of en, zh, but got 'de'"):
        QUESTIONS[asked]("de", Idle())


def test_a_text_that_is_not_there_is_refused():
    with pytest.raises(LookupError, match="'By moonlight' must be in the catalogue"):
        Words("zh")("By moonlight")


def test_the_catalogue_holds_what_is_said_and_nothing_else():
    steps = {name for name, *_ in STEPS}
    looked_up = {*MEMBERS, *OUTSIDE, *ranking.REASONS, *indices.LEGENDS.values()}
    assert said() | steps | looked_up == set(words.TEXTS)


def test_what_is_put_into_texts_is_the_same_in_both_languages():
    for english, chinese in words.TEXTS.items():
        names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)]
        assert names[0] == names[1], english


def test_every_kpi_and_verdict_has_a_name():
    assert set(words.TITLES) == set(KPIS)
    assert len(set(words.TITLES.values())) == len(KPIS)


@pytest.mark.parametrize(
    ("kind", "number", "english", "chinese"),
    [("switch", 0.0, "off", "关"), ("percentage", 0.25, "25 %", "25%"), ("number", 123_456.0, "123.5 k", "12.35万")],
)
@needs_font
def test_values_of_parameters_are_told_as_elsewhere(kind, number, english, chinese):
    parameter = Parameter("a", 0, 1, own=0, kind=kind)
    assert naming.value(parameter, number, Words("en")) == parameter.text(number) == english
    assert naming.value(parameter, number, Words("zh")) == chinese


def test_long_texts_are_filled_and_no_line_begins_with_a_sign():
    assert style.filled("mean of 12 runs, 5 % off", 10) == "mean of 12\nruns, 5 %\noff"
    assert style.filled("流量价格上涨，另有", 12) == "流量价格上\n涨，另有"
    assert style.filled("longerthanaline x", 4) == "longerthanaline\nx"


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
