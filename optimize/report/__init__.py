"""The report of an optimum: one file for people, without network access, in English or Chinese."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimize.optimum import Optimum


def page(found: "Optimum", lang: str = "en", command: str | None = None) -> str:
    """Return report.html: what is proposed and whether it holds, current against proposed, what the change is made of,
    response curves, prices, the front and the risk where they were asked for, how it was found, doubts, how it was made.

    `command`: what was typed, to be shown. All text of the scenario is escaped; the same arguments give the same bytes.
    Raises `ValueError` for a language other than en and zh.
    """
    from optimize.report.contents import contents

    return contents(found, lang, command)


__all__ = ["page"]
