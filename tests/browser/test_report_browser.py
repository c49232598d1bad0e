"""The report in a browser: silent, alone, legible without scripts, as wide as a phone, without accessibility faults."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markets import CONTROL, everything

from experiments import reporting
from experiments.plots.words import LANGUAGES
from experiments.runner import Runner

api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install sandtable[browser]")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(os.environ.get("AXE_JS", Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"))
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed"),
]
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PRIORS = {"behaviour.visit.rate": {"low": 0.1, "high": 0.5}, "levers.ads.click": {"low": 0.01, "high": 0.09}}
TARGETS = {
    "orders": {"kpi": "orders", "at_least": 600},
    "gmv": {"kpi": "gmv", "window": "late", "at_least": 0.2, "against": "before"},
    "bounce": {"kpi": "bounce_rate", "at_most": 0.3},
    "named": {"kpi": "roas", "at_least": 4, "title": "<script>alert(1)</script> (訂單)"},
}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the address of a report with every section by language."""
    market = everything(CONTROL, targets=TARGETS, priors=PRIORS, provenance={"**": "assumed"}, market={"users": 300})
    runner, folder = Runner(processes=1), tmp_path_factory.mktemp("report")
    whole = reporting.report(market, 3, runner=runner)
    found = {}
    for lang in LANGUAGES:
        path = folder / f"{lang}.html"
        path.write_text(reporting.build(whole.replication, **whole.answers, lang=lang), encoding="utf-8")
        found[lang] = path.as_uri()
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, files: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Any]:
    """Yield a function that opens a report; at the end, nothing may have been said or asked for."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def look(route: Any) -> None:
        asked.append(route.request.url)
        route.continue_() if route.request.url in files.values() else route.abort()

    def open_(lang: str = "en", size: dict[str, int] = DESKTOP, *, scripts: bool = True, **how: Any) -> Any:
        context = browser.new_context(viewport=size, java_script_enabled=scripts, **how)
        contexts.append(context)
        context.route("**/*", look)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(files[lang])
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    assert set(asked) <= set(files.values())


def everything_drawn(page: Any) -> None:
    """Scroll through a page until every chart moves."""
    for figure in page.locator("figure.chart").all():
        figure.scroll_into_view_if_needed()
    charts = page.locator("figure.chart").count()
    page.wait_for_function(f"document.querySelectorAll('.live .main-svg').length >= {charts}")
    page.evaluate("window.scrollTo(0, 0)")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_page_is_wider_than_its_screen_and_nothing_is_said_or_loaded(lang, size, opened, tmp_path):
    page = opened(lang, size)
    everything_drawn(page)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    page.screenshot(path=tmp_path / f"report-{lang}-{size['width']}.png", full_page=True)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_charts_move_in_place_of_the_still_ones(lang, opened):
    page = opened(lang)
    everything_drawn(page)
    charts = page.locator("figure.chart")
    assert charts.count() > 5
    assert page.locator(".still:visible").count() == 0
    assert page.locator(".live:visible").count() == charts.count()


def test_single_runs_show_when_asked_for(opened):
    page = opened()
    everything_drawn(page)
    lines = page.locator("#course-gmv .scatterlayer .trace")
    before = lines.count()
    page.get_by_label("Show single runs").check()
    page.wait_for_function(f"document.querySelectorAll('#course-gmv .scatterlayer .trace').length === {before + 3}")
    page.get_by_label("Show single runs").uncheck()
    page.wait_for_function(f"document.querySelectorAll('#course-gmv .scatterlayer .trace').length === {before}")


def test_zooming_into_one_curve_zooms_all(opened):
    page = opened()
    everything_drawn(page)
    span = "id => document.getElementById(id).layout.xaxis.range.map(String)"
    whole = page.evaluate(span, "course-orders")
    page.evaluate("Plotly.relayout('course-gmv', {'xaxis.range': ['2024-01-10', '2024-01-20']})")
    page.wait_for_function("document.getElementById('course-orders').layout.xaxis.range[0].startsWith('2024-01-10')")
    assert page.evaluate(span, "course-orders") != whole


def test_hovering_tells_the_value(opened):
    page = opened()
    everything_drawn(page)
    page.locator("#course-gmv").scroll_into_view_if_needed()
    page.locator("#course-gmv .nsewdrag").hover()
    page.wait_for_selector("#course-gmv .hoverlayer text")
    assert "¥" in (page.locator("#course-gmv .hoverlayer").text_content() or "")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_is_there_without_scripts(lang, opened):
    page = opened(lang, scripts=False)
    assert page.locator("main section:visible").count() == 7
    charts = page.locator("figure.chart")
    assert charts.count() > 5
    stills = page.locator(".still:visible svg")
    assert stills.count() == charts.count()
    assert all(box["width"] > 250 and box["height"] > 80 for box in (still.bounding_box() for still in stills.all()))
    assert page.locator(".live:visible").count() == page.locator(".control:visible").count() == 0


def test_printing_shows_the_still_pictures(opened):
    page = opened()
    everything_drawn(page)
    page.emulate_media(media="print")
    assert page.locator(".live:visible").count() == 0
    assert page.locator(".still:visible").count() == page.locator("figure.chart").count()


def test_the_keyboard_reaches_the_report(opened):
    page = opened()
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("link => link === document.activeElement && link.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "report"


@pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not installed: npm install --prefix tests/browser, or set AXE_JS"
)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_no_serious_fault(lang, size, opened):
    page = opened(lang, size, bypass_csp=True)
    everything_drawn(page)
    for summary in page.locator("summary").all():
        summary.click()
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    grave = [(v["id"], v["impact"], [n["html"][:200] for n in v["nodes"]][:3]) for v in found]
    assert [fault for fault in grave if fault[1] in ("serious", "critical")] == []
