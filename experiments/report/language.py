"""The language of a report: its texts, and numbers, dates and intervals as its readers write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from math import isnan
from typing import Any

import yaml

from experiments import units
from sim.kpis import KPIS

LANGUAGES = ("en", "zh")
_MYRIADS = ((1e8, "亿"), (1e4, "万"))
_THOUSANDS = ((1e9, "\xa0bn"), (1e6, "\xa0M"), (1e3, "\xa0k"))
_UNITS = ("个百分点", "亿", "万", "\xa0points", "\xa0bn", "\xa0M", "\xa0k", "\xa0%", "%")
"""Units that stand once in an interval; a number and its unit are never parted."""


class Language:
    """Texts by key, and numbers for people, in English or Chinese."""

    def __init__(self, code: str = "en") -> None:
        """Raise `ValueError` for a language that the report does not have."""
        if code not in LANGUAGES:
            raise ValueError(f"`lang` must be one of {', '.join(LANGUAGES)}, but got {code!r}")
        self.code = code
        self.words = catalogue(code)

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return the text of a key such as `head.dates`, with its values in place."""
        text = self.entry(key)
        return str(text).format_map(values) if values else str(text)

    def entry(self, key: str) -> Any:
        """Return what stands in the catalogue under a key: a text, a list, a mapping."""
        found: Any = self.words
        for part in key.split("."):
            found = found[part]
        return found

    def kpi(self, kpi: str) -> str:
        """Return a KPI's name."""
        return str(self.words["kpis"][kpi]) if "kpis" in self.words else KPIS[kpi].title

    def step(self, name: str) -> str:
        """Return the name of a step of the funnel."""
        return str(self.words["steps"][name]) if "steps" in self.words else name

    def compact(self, value: float, digits: int = 4) -> str:
        """Return a number in so many digits that count, in thousands and millions, or in 万 and 亿.

        >>> Language("zh").compact(2_932_500), Language("zh").compact(12_345), Language("en").compact(2_932_500)
        ('293.2万', '12,345', '2.932\\xa0M')
        """
        if isnan(value):
            return self("number.unknown")
        if self.code == "zh" and abs(value) >= 1e5:
            rounded = float(f"{value:.{digits}g}")
            step, sign = next((step, sign) for step, sign in _MYRIADS if abs(rounded) >= step)
            return units.compact(rounded / step, digits) + sign
        return units.compact(value, digits).replace(" ", "\xa0")

    def amount(self, value: float, unit: str, digits: int = 4) -> str:
        """Return a value of a KPI with its unit's sign; counts have none.

        >>> Language("zh").amount(663_100_000, "yuan"), Language("zh").amount(0.0486, "share")
        ('¥6.631亿', '4.86%')
        """
        if isnan(value):
            return self("number.unknown")
        if unit == "share":
            return f"{self.compact(100 * value, digits)}{self.percent}"
        text = self.compact(value, digits)
        if unit != "yuan":
            return text
        return f"{units.MINUS}¥{text[1:]}" if text.startswith(units.MINUS) else f"¥{text}"

    def change(self, value: float, unit: str, *, points: bool = False) -> str:
        """Return a change: relative, or in absolute points of a KPI of that unit.

        >>> Language("zh").change(0.3, "yuan"), Language("zh").change(-0.02345, "share", points=True)
        ('+30%', '−2.3 个百分点')
        """
        if isnan(value):
            return self("number.unknown")
        text, _, _ = units.change(value, unit, points=points).partition(" ")
        return self("number.points", value=text) if points else text + self.percent

    def spell(self, value: float, unit: str, kpi: str) -> str:
        """Return a value in the unit of a promise, where a change names its base (`change vs last-year`)."""
        if unit.startswith(("change vs ", "points vs ")):
            return self.change(value, KPIS[kpi].unit, points=unit.startswith("points"))
        return self.amount(value, unit)

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
        return text if text.startswith(units.MINUS) or text == "0" else f"+{text}"

    def between(self, low: str, high: str) -> str:
        """Return an interval of two spelled values, the unit once where both have it.

        >>> Language("zh").between("¥1.2亿", "¥1.5亿"), Language("en").between("980", "1.2\\xa0M")
        ('¥1.2 至 ¥1.5亿', '980 to 1.2\\xa0M')
        """
        if low == high == self("number.unknown"):
            return low
        unit = next((u for u in _UNITS if low.endswith(u) and high.endswith(u)), "")
        return self("number.to", low=low.removesuffix(unit).rstrip("\xa0 "), high=high)

    def share(self, value: float, digits: int = 3) -> str:
        """Return a share as a percentage."""
        return self.amount(value, "share", digits)

    def chance(self, value: float) -> str:
        """Return a probability in whole percent, never rounded to certainty."""
        if isnan(value):
            return self("number.unknown")
        text = units.probability(value)
        return text.replace(" %", self.percent).replace(" ", "\xa0")

    def ticks(self, values: Sequence[float], unit: str) -> list[str]:
        """Return the texts of an axis's ticks, all in the same thousands or myriads."""
        top = max((abs(v) for v in values), default=0.0)
        known = _MYRIADS if self.code == "zh" else _THOUSANDS
        step, sign = next(((s, t) for s, t in known if top >= max(s, 1e5)), (1.0, ""))
        return [self._tick(v, unit, step, sign) for v in values]

    def _tick(self, value: float, unit: str, step: float, sign: str) -> str:
        minus, size = (units.MINUS if value < 0 else ""), abs(value)
        if unit == "share":
            return f"{minus}{100 * size:.6g}{self.percent}"
        return f"{minus}{'¥' if unit == 'yuan' else ''}{size / step:,.6g}{sign if value else ''}"

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
        return str(self.words["verdicts"][words.partition(" (")[0]])


@cache
def catalogue(code: str) -> Mapping[str, Any]:
    """Return the texts of a language: section, key, text."""
    text = files("experiments.report").joinpath("words", f"{code}.yaml").read_text(encoding="utf-8")
    words: Mapping[str, Any] = yaml.safe_load(text)
    return words
