"""The language of a report: its texts, and numbers, dates and intervals as its readers write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from math import isnan
from typing import Any

import yaml

from experiments import units
from experiments.plots.words import LANGUAGES, Words
from sim.kpis import KPIS

HOME = "experiments.report"
"""The package with what all pages share: texts, base.html, macros.html, styles and script."""
_WHOLE = ("个百分点", "\xa0points", "\xa0%", "%")
"""Units that stand once in every interval."""
_UNITS = (*_WHOLE, "亿", "万", "\xa0bn", "\xa0M", "\xa0k")
"""Units that stand once in an interval of plain numbers."""


class Language:
    """Texts by key, and numbers for people, in English or Chinese; a number is never parted from its unit."""

    def __init__(self, code: str = "en", package: str = HOME) -> None:
        """Take the texts of the report, and those that `package` adds in words/CODE.yaml.

        Raises `ValueError` for a language that the report does not have.
        """
        if code not in LANGUAGES:
            raise ValueError(f"`lang` must be one of {', '.join(LANGUAGES)}, but got {code!r}")
        self.code = code
        self.words = catalogue(code) if package == HOME else {**catalogue(code), **catalogue(code, package)}
        self.charts = Words(code)

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return the text of a key such as `head.dates`, with its values in place."""
        text = str(self.entry(key))
        return text.format_map(values) if values else text

    def entry(self, key: str) -> Any:
        """Return what stands in the catalogue under a key: a text, a list, a mapping."""
        found: Any = self.words
        for part in key.split("."):
            found = found[part]
        return found

    def kpi(self, kpi: str) -> str:
        """Return a KPI's name."""
        return self.charts.kpi(kpi)

    def step(self, name: str) -> str:
        """Return the name of a step of the funnel."""
        return self.charts(name)

    def compact(self, value: float, digits: int = 4) -> str:
        """Return a number in so many digits that count, in thousands and millions, or in 万 and 亿.

        >>> Language("zh").compact(2_932_500), Language("en").compact(2_932_500)
        ('293.2万', '2.932\\xa0M')
        """
        return self._told(value, self.charts.compact(value, digits))

    def amount(self, value: float, unit: str, digits: int = 4) -> str:
        """Return a value of a KPI with its unit's sign; counts have none."""
        return self._told(value, self.charts.amount(value, unit, digits))

    def change(self, value: float, unit: str, *, points: bool = False) -> str:
        """Return a change: relative, or in absolute points of a KPI of that unit."""
        return self._told(value, self.charts.change(value, unit, points=points))

    def spell(self, value: float, unit: str, kpi: str) -> str:
        """Return a value in the unit of a promise, where a change names its base (`change vs last-year`)."""
        return self._told(value, self.charts.spell(value, unit, KPIS[kpi].unit))

    def difference(self, value: float, unit: str, kpi: str) -> str:
        """Return how far two values of a promise lie apart, with its sign; shares and changes in points.

        >>> Language().difference(-0.021, "share", "ctr"), Language().difference(1200.0, "yuan", "gmv")
        ('−2.1\\xa0points', '+¥1,200')
        """
        if isnan(value):
            return self("number.unknown")
        if unit == "share" or unit.startswith("change vs "):
            return self.change(value, "share", points=True)
        if unit.startswith("points vs "):
            return self.change(value, KPIS[kpi].unit, points=True)
        text = self.amount(value, unit)
        return text if text.startswith(units.MINUS) or text in ("0", "¥0") else f"+{text}"

    def between(self, low: str, high: str) -> str:
        """Return an interval of two spelled values, the unit once where both have it.

        As `experiments.units.between`, 万 and M stand at both ends where one has a sign or ¥.

        >>> Language("zh").between("1.2亿", "1.5亿"), Language("en").between("980", "1.2\\xa0M")
        ('1.2 至 1.5亿', '980 to 1.2\\xa0M')
        >>> Language("zh").between("−¥34.1万", "+¥25万"), Language("zh").between("−2%", "+3%")
        ('−¥34.1万 至 +¥25万', '−2 至 +3%')
        """
        if low == high == self("number.unknown"):
            return low
        marked = any(end.startswith((units.MINUS, "+", "¥")) for end in (low, high))
        unit = next((u for u in (_WHOLE if marked else _UNITS) if low.endswith(u) and high.endswith(u)), "")
        return self("number.to", low=low.removesuffix(unit).rstrip("\xa0 "), high=high)

    def share(self, value: float, digits: int = 3) -> str:
        """Return a share as a percentage."""
        return self.amount(value, "share", digits)

    def chance(self, value: float) -> str:
        """Return a probability in whole percent, never rounded to certainty."""
        return self._told(value, self.charts.probability(value))

    def ticks(self, values: Sequence[float], unit: str) -> list[str]:
        """Return the texts of an axis's ticks, all in the same thousands or myriads."""
        return self.charts.ticks(values, unit)

    def _told(self, value: float, text: str) -> str:
        return self("number.unknown") if isnan(value) else text.replace(" ", "\xa0")

    @property
    def percent(self) -> str:
        """The percent sign, with its gap."""
        return "\xa0%" if self.code == "en" else "%"

    def whole(self, value: float) -> str:
        """Return a number without decimals."""
        return units.whole(value)

    def date(self, when: date) -> str:
        """Return a date.

        >>> Language("en").date(date(2024, 3, 1)), Language("zh").date(date(2024, 3, 1))
        ('1 Mar 2024', '2024年3月1日')
        """
        return self("locale.date", year=when.year, month=self.entry("locale.months")[when.month - 1], day=when.day)

    def window(self, name: str) -> str:
        """Return a window's name; those that every plan has are told in words."""
        if name == "plan":
            return self("locale.whole_plan")
        return self("locale.so far") if name == "so far" else name

    def verdict(self, words: str) -> str:
        """Return a verdict of `experiments.summary.promises`."""
        return self.charts.verdict(words)


@cache
def catalogue(code: str, package: str = HOME) -> Mapping[str, Any]:
    """Return the texts of a language: section, key, text."""
    text = files(package).joinpath("words", f"{code}.yaml").read_text(encoding="utf-8")
    words: Mapping[str, Any] = yaml.safe_load(text)
    return words
