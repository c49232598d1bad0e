"""What the report of an optimum says in words: goals, levers, periods, and sentences of the search in either language."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from experiments.report.language import Language
from experiments.report.promises import named
from experiments.report.sensitivity import number_name
from experiments.report.strongest import lever_name
from experiments.tables import rows
from experiments.units import MINUS
from optimize.plan_limits import CREDITED
from optimize.report.sentences import NUMBER, SENTENCES, number
from sim.kpis import KPIS

if TYPE_CHECKING:
    from optimize.optimum import Optimum

PACKAGE = "optimize.report"
BY_MEAN = "best by mean"
PLANS = {"current": "current", "found": "found", "best trial": "trial", BY_MEAN: "mean"}
"""Plans that every search names, and the keys of their names."""
_GAPS = re.compile(r"(?<=[\u3001-\u9fff\uff00-\uffef]) +(?=[\u3001-\u9fff\uff00-\uffef])")
_JOIN = "\u2060"
"""Keeps a sign and what follows it on one line."""


class Wording(Language):
    """The language of a report, which knows the optimum's goal and the names of its levers and limits."""

    def __init__(self, found: "Optimum", code: str = "en") -> None:
        """Raise `ValueError` for a language that the report does not have."""
        super().__init__(code, PACKAGE)
        self.found, self.goal, self.unit = found, found.market.goal, KPIS[found.market.goal].unit

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return the text of a key with its values in place; in Chinese without gaps between Chinese words."""
        text = super().__call__(key, **values)
        return text if self.code == "en" else _GAPS.sub("", text)

    def of_goal(self, value: float, digits: int = 4) -> str:
        """Return an amount of the goal."""
        return self.amount(value, self.unit, digits)

    def more(self, value: float, unit: str, digits: int = 3) -> str:
        """Return a change by an amount, with its sign."""
        text = self.amount(value, unit, digits)
        return text if text.startswith(MINUS) or text in ("0", "¥0", self("number.unknown")) else f"+{text}"

    def yuan(self, value: float, digits: int = 3) -> str:
        """Return an amount of money."""
        return self.amount(value, "yuan", digits)

    def lever(self, name: str) -> str:
        """Return a lever's name for people."""
        return lever_name(self.found.scenario, name, self)

    def brief(self, name: str) -> str:
        """Return a KPI's name in few words, or what is none as it is."""
        if name in self.entry("names"):
            return self(f"names.{name}")
        return self.kpi(name) if name in KPIS else name

    def held(self, text: str) -> str:
        """Return a text in which no line ends between a sign and its amount."""
        return re.sub(rf"([+{MINUS}])(?=¥|\d)", rf"\1{_JOIN}", text)

    def key(self, plan: str) -> str:
        """Return the key of a plan of the search; `found` is the proposal, by risk or a better trial maybe another."""
        choice, name = self.found.choice, self.found.proposal.name
        proposed = name if choice is None else choice.name
        if plan == "current":
            return plan
        return "found" if plan == proposed else BY_MEAN if plan == "found" else plan

    def plan(self, name: str) -> str:
        """Return the name of a plan of the search in words."""
        name = self.key(name)
        if name in PLANS:
            return self(f"plans.{PLANS[name]}")
        kind, _, number = name.partition(" ")
        return self(f"plans.{kind}", n=number) if kind in ("plan", "draw") and number else name

    def post(self, lever: str, period: str) -> str:
        """Return a lever's name with the period of its money."""
        return self("wording.post", lever=self.lever(lever), period=period) if period else self.lever(lever)

    @cached_property
    def posts(self) -> Mapping[str, str]:
        """Names for people by the names that the search gives to money."""
        table = self.found.answer.tables["allocation"]
        levers = {str(name): self.lever(str(name)) for name in table["lever"]}
        return levers | {
            f"{row.lever} in {row.period}": self.post(row.lever, row.period) for row in rows(table) if row.period
        }

    @cached_property
    def limits(self) -> Mapping[str, str]:
        """Names for people by the names that the money solver gives to limits, the longest first."""
        names = [str(name) for name in self.found.answer.tables["prices"]["name"]]
        return {name: self._limit(name) for name in sorted(names, key=len, reverse=True)}

    def _limit(self, name: str) -> str:
        for key, pattern in (("least", r"(.*), at least(?: [\d.]+%)?"), ("most", r"(.*), at most(?: [\d.]+%)?")):
            if match := re.fullmatch(pattern, name):
                return self(f"wording.{key}", name=self._limit(match[1]))
        for key, pattern in (("account", r"account (.+)"), ("target", r"target (.+)")):
            if match := re.fullmatch(pattern, name):
                return self(f"wording.{key}", name=match[1])
        for key, pattern in (("upper", r"upper bound of (.+)"), ("lower", r"lower bound of (.+)")):
            if match := re.fullmatch(pattern, name):
                return self(f"wording.{key}", name=self.posts.get(match[1], match[1]))
        known = {"the media budget": "budget", "the return on media": "roas"}
        return self(f"wording.{known[name]}") if name in known else name

    def names(self, text: str) -> str:
        """Return a list of posts and limits in their names for people."""
        if text in self.limits:
            return self.limits[text]
        if more := re.fullmatch(r"(.+) and (\d+) more", text):
            return self("wording.others", names=self.names(more[1]), n=more[2])
        for name, told in self.limits.items():
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", lambda _, told=told: told, text)  # type: ignore[misc]
        parts = [self.posts.get(part, part) for part in text.split(", ")]
        return self("wording.and").join(parts)

    def sentence(self, text: str) -> tuple[str, str]:
        """Return the kind of a sentence of the search, and the sentence in this language; one unknown stays as it is.

        Kinds are the keys of `SENTENCES`; an unknown sentence has none.
        """
        for key, pattern in SENTENCES.items():
            if match := pattern.fullmatch(text):
                values = {name: self._value(name, value or "") for name, value in match.groupdict().items()}
                return key, self.held(self(f"said.{key}", **values))
        return "", text

    def _value(self, name: str, text: str) -> str:
        """Return what a sentence holds, told by the first letters of its name: of what kind it is."""
        kind = name.partition("_")[0]
        if kind == "s":
            return self.sentence(text)[1]
        told = {
            "of": self.names,
            "setting": self.setting,
            "targets": self.targets,
            "plan": self.unquoted,
            "amount": self.counted,
            "goal": self.inside,
        }
        if kind in told:
            return told[kind](text)
        if kind not in ("n", "g", "w", "y", "p"):
            return text
        value = number(text)
        if kind == "p":
            return self.share(value / 100)
        if kind == "w":
            return self.worth(self.goal, value)
        return {"n": self.compact, "g": self.of_goal, "y": self.yuan}[kind](value)

    def counted(self, text: str) -> str:
        """Return a number with the unit that the money solver gave it."""
        if not (match := re.fullmatch(rf"({NUMBER}) (.+)", text)):
            return text
        amount, unit = match.groups()
        value, goal = number(amount), next((key for key, words in CREDITED.items() if words == unit), "")
        if unit == "yuan":
            return self.yuan(value)
        goal = goal or unit.removeprefix("of ")
        return self.worth(goal, value) if goal in KPIS else f"{self.compact(value)} {unit}"

    def worth(self, kpi: str, value: float) -> str:
        """Return an amount of a KPI with the KPI's name."""
        amount = self.amount(value, KPIS[kpi].unit)
        if kpi in self.entry("worth"):
            return self(f"worth.{kpi}", value=amount)
        return self("worth.other", value=amount, kpi=self.inside(kpi))

    def inside(self, kpi: str) -> str:
        """Return a KPI's name in few words as it stands inside a sentence."""
        if kpi in self.entry("goal"):
            return self(f"goal.{kpi}")
        name = self.brief(kpi)
        return name if name[1:2].isupper() else name[:1].lower() + name[1:]

    def setting(self, path: str) -> str:
        """Return a setting's name for people."""
        return number_name(self.found.scenario, path)

    def targets(self, keys: str) -> str:
        """Return the names for people of targets, given by their keys with commas."""
        return self("wording.and").join(named(self.found.scenario, key, self) for key in keys.split(", "))

    def unquoted(self, plan: str) -> str:
        """Return a quoted plan's name in words."""
        return self.plan(plan.strip("'"))
