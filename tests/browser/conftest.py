"""The reports of small markets, and a browser in which nothing may be said or asked for."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from looking import DESKTOP
from markets import CONTROL, LIVELY, behaving, everything, of_users, plan
from test_optimum import MARKET, media

from experiments import reporting
from experiments.plots.words import LANGUAGES
from experiments.runner import Runner
from optimize import report, risk
from optimize.optimum import optimum

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PRIORS = {"behaviour.visit.rate": {"low": 0.1, "high": 0.5}, "levers.ads.click": {"low": 0.01, "high": 0.09}}
EVIL = "<script>alert(1)</script> (訂單)"
TARGETS = {
    "orders": {"kpi": "orders", "at_least": 600},
    "gmv": {"kpi": "gmv", "window": "late", "at_least": 0.2, "against": "before"},
    "bounce": {"kpi": "bounce_rate", "at_most": 0.3},
    "named": {"kpi": "roas", "at_least": 4, "title": EVIL},
}
CHOOSING = {
    "levers": {
        "good": media(0.2, channel="web", title=f"The good one {EVIL}"),
        "gift": {"kind": "offer", "form": "threshold", "over": 90, "off": 15, "account": "users", "quota": 500},
    },
    "choices": {"settings": {"levers.gift.off": {"low": 5, "high": 40}}},
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install sandtable[browser]"
    )
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def files(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Return the address of a report with every section by its kind and language; not made without a browser."""
    folder, runner, pages = tmp_path_factory.mktemp("report"), Runner(processes=1), {}
    market = everything(CONTROL, targets=TARGETS, priors=PRIORS, provenance={"**": "assumed"}, market={"users": 300})
    whole = reporting.report(market, 3, runner=runner)
    best = optimum(
        plan(of_users(600, 20), behaving(LIVELY), MARKET, CHOOSING), replications=24, verify=32, risk=risk.CVaR(0.2),
        pareto={"gmv": "maximize", "spend": "minimize", "new_users": "maximize"}, runner=runner,
    )  # fmt: skip
    for lang in LANGUAGES:
        pages["report", lang] = reporting.build(whole.replication, **whole.answers, lang=lang)
        pages["optimum", lang] = report.page(best, lang)
    for (kind, lang), html in pages.items():
        (folder / f"{kind}-{lang}.html").write_text(html, encoding="utf-8")
    return {(kind, lang): (folder / f"{kind}-{lang}.html").as_uri() for kind, lang in pages}


@pytest.fixture
def opened(browser: Any, files: dict[tuple[str, str], str]) -> Iterator[Any]:
    """Yield a function that opens a report; at the end, nothing may have been said or asked for."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def look(route: Any) -> None:
        asked.append(route.request.url)
        route.continue_() if route.request.url in files.values() else route.abort()

    def open_(
        kind: str = "report", lang: str = "en", size: dict[str, int] = DESKTOP, *, scripts: bool = True, **how: Any
    ) -> Any:
        context = browser.new_context(viewport=size, java_script_enabled=scripts, **how)
        contexts.append(context)
        context.route("**/*", look)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(files[kind, lang])
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    assert set(asked) <= set(files.values())
