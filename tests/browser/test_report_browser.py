"""The reports in a browser: silent, alone, legible without scripts, as wide as a phone, without accessibility faults."""

import os
from pathlib import Path

import pytest
from looking import DESKTOP, PHONE, everything_drawn

from experiments.plots.words import LANGUAGES

AXE = Path(os.environ.get("AXE_JS", Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"))
pytestmark = pytest.mark.browser
SECTIONS = {"report": 7, "optimum": 9}
kinds = pytest.mark.parametrize("kind", SECTIONS)
langs = pytest.mark.parametrize("lang", LANGUAGES)
sizes = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])


@kinds
@langs
@sizes
def test_no_page_is_wider_than_its_screen_and_nothing_is_said_or_loaded(kind, lang, size, opened, tmp_path):
    page = opened(kind, lang, size)
    everything_drawn(page)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    page.screenshot(path=tmp_path / f"{kind}-{lang}-{size['width']}.png", full_page=True)


@kinds
@langs
def test_charts_move_in_place_of_the_still_ones(kind, lang, opened):
    page = opened(kind, lang)
    everything_drawn(page)
    charts = page.locator("figure.chart:not(.fixed)")
    assert charts.count() > 5
    assert page.locator("figure:not(.fixed) > .still:visible").count() == 0
    assert page.locator(".live:visible").count() == charts.count()
    assert page.locator("figure.fixed > .still:visible").count() == page.locator("figure.fixed").count()


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


@kinds
@langs
def test_everything_is_there_without_scripts(kind, lang, opened):
    page = opened(kind, lang, scripts=False)
    assert page.locator("main section:visible").count() == SECTIONS[kind]
    charts = page.locator("figure.chart")
    assert charts.count() > 5
    stills = page.locator(".still:visible svg")
    assert stills.count() == charts.count()
    assert all(box["width"] > 250 and box["height"] > 80 for box in (still.bounding_box() for still in stills.all()))
    assert page.locator(".live:visible").count() == page.locator(".control:visible").count() == 0


@kinds
def test_printing_shows_the_still_pictures(kind, opened):
    page = opened(kind)
    everything_drawn(page)
    page.emulate_media(media="print")
    assert page.locator(".live:visible").count() == 0
    assert page.locator(".still:visible").count() == page.locator("figure.chart").count()


@kinds
def test_the_keyboard_reaches_the_report(kind, opened):
    page = opened(kind)
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("link => link === document.activeElement && link.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "report"


def test_hovering_over_a_step_tells_what_it_adds(opened):
    page = opened("optimum")
    everything_drawn(page)
    page.locator("#waterfall").scroll_into_view_if_needed()
    page.locator("#waterfall .bars .point path").first.hover(force=True)
    page.wait_for_selector("#waterfall .hoverlayer text")
    assert ": " in (page.locator("#waterfall .hoverlayer").text_content() or "")


@kinds
def test_the_dark_page_is_dark_and_prints_on_white(kind, opened):
    page = opened(kind, color_scheme="dark")
    everything_drawn(page)
    ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    assert max(page.evaluate(ground)) < 60
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ground) == [255, 255, 255]
    assert page.evaluate("getComputedStyle(document.querySelector('.still svg')).filter") == "none"


@pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not installed: npm install --prefix tests/browser, or set AXE_JS"
)
@kinds
@langs
@sizes
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(kind, lang, size, scheme, opened):
    page = opened(kind, lang, size, bypass_csp=True, color_scheme=scheme)
    everything_drawn(page)
    for summary in page.locator("summary").all():
        summary.click()
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    grave = [(v["id"], v["impact"], [n["html"][:200] for n in v["nodes"]][:3]) for v in found]
    assert [fault for fault in grave if fault[1] in ("serious", "critical")] == []
