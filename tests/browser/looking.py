"""How the tests look at a page."""

from typing import Any

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def everything_drawn(page: Any) -> None:
    """Scroll through a page until every chart that can move does."""
    for figure in page.locator("figure.chart").all():
        figure.scroll_into_view_if_needed()
    charts = page.locator(".live").count()
    page.wait_for_function(f"document.querySelectorAll('.live .main-svg').length >= {charts}")
    page.evaluate("window.scrollTo(0, 0)")
