"""A scenario as cross-checks see it: its valid parts, and the names that exist in all of it."""

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from scenarios.calendar import Clock, Festival, Interval
from scenarios.choices import Choices
from scenarios.control import Rule, Shock
from scenarios.levers import AnyLever
from scenarios.market import Assortment, Market
from scenarios.money import Accounts
from scenarios.paths import Path, fields, is_scalar
from scenarios.scenario import Scenario
from scenarios.targets import Baseline, Target
from scenarios.uncertainty import Prior


class View:
    """What of a scenario can be checked, even when some of it is not valid.

    A section that is not valid is None, an entry that is not valid is left out; names stand for both.
    """

    def __init__(self, data: Mapping[str, Any], scenario: Scenario | None = None) -> None:
        self.data = data
        self._names: dict[Path, list[str]] = {}
        self._spans: dict[str, tuple[int, int] | None] = {}
        parts = _valid_parts(data) if scenario is None else {key: getattr(scenario, key) for key in _SECTIONS}
        self.clock: Clock | None = parts.get("clock")
        self.market: Market | None = parts.get("market")
        self.goods: Assortment | None = parts.get("goods")
        self.accounts: Accounts | None = parts.get("accounts")
        self.festivals: dict[str, Festival] = parts.get("festivals", {})
        self.phases: dict[str, Interval] = parts.get("phases", {})
        self.windows: dict[str, Interval] = parts.get("windows", {})
        self.levers: dict[str, AnyLever] = parts.get("levers", {})
        self.rules: dict[str, Rule] = parts.get("rules", {})
        self.shocks: dict[str, Shock] = parts.get("shocks", {})
        self.targets: dict[str, Target] = parts.get("targets", {})
        self.baseline: dict[str, Baseline] = parts.get("baseline", {})
        self.priors: dict[str, Prior] = parts.get("priors", {})
        self.choices: Choices = parts.get("choices") or Choices()

    def names(self, *path: str) -> list[str]:
        """Return the names in a mapping of the scenario as written, such as `market`, `segments`."""
        if path not in self._names:
            self._names[path] = list(self._part(*path))
        return self._names[path]

    @cached_property
    def tags(self) -> list[str]:
        """All tags of all segments."""
        segments = self.names("market", "segments")
        return list(dict.fromkeys(tag for name in segments for tag in self.names("market", "segments", name, "tags")))

    @cached_property
    def profiles(self) -> list[str]:
        """The activity profiles."""
        return self.names("market", "hours") or list(fields(Market)["hours"].default)

    def kind(self, lever: str) -> str:
        """Return the kind of a lever as written, or an empty text."""
        return str(self._part("levers", lever).get("kind", ""))

    @cached_property
    def tiers(self) -> dict[str, str]:
        """All tiers with the membership lever that has each."""
        ladders = [name for name in self.names("levers") if self.kind(name) == "membership"]
        return {tier: name for name in ladders for tier in self.names("levers", name, "tiers")}

    def offers(self, give: str) -> list[str]:
        """Return the offers that are given in a way, such as `message`."""
        levers = {name: self._part("levers", name) for name in self.names("levers")}
        return [name for name, lever in levers.items() if lever.get("kind") == "offer" and lever.get("give") == give]

    @cached_property
    def paths(self) -> list[str]:
        """The paths of all accounts, such as `content.kol`."""
        found: list[str] = []

        def walk(prefix: str, *path: str) -> None:
            for name in self.names(*path, "split"):
                found.append(prefix + name)
                walk(f"{prefix}{name}.", *path, "split", name)

        walk("", "accounts")
        return found

    @cached_property
    def openings(self) -> list[str]:
        """What may stand for a span of days: phases, windows, festivals, their stages, and `plan`."""
        festivals = self.names("festivals")
        stages = [f"{name}.{stage}" for name in festivals for stage in self.names("festivals", name, "stages")]
        return ["plan", *self.names("phases"), *self.names("windows"), *festivals, *stages]

    def span(self, name: str) -> tuple[int, int] | None:
        """Return the first and last day of an opening, or None when it is not valid."""
        if name not in self._spans:
            self._spans[name] = self._span(name)
        return self._spans[name]

    def _span(self, name: str) -> tuple[int, int] | None:
        if self.clock is None:
            return None
        if name == "plan":
            return 0, self.clock.days - 1
        interval = self.windows.get(name) or self.phases.get(name)
        if interval is not None:
            return interval.span(self.clock)
        festival, _, stage = name.partition(".")
        event = self.festivals.get(festival)
        if event is None or (stage and stage not in event.stages):
            return None
        stages = [event.stages[stage]] if stage else list(event.stages.values())
        zero = self.clock.day(event.date)
        return zero + min(s.days[0] for s in stages), zero + max(s.days[1] for s in stages)

    def _part(self, *path: str) -> Mapping[str, Any]:
        part: Any = self.data
        for key in path:
            part = part.get(key) if isinstance(part, dict) else None
        return part if isinstance(part, dict) else {}


_SECTIONS = [key for key in fields(Scenario) if key not in ("schema", "name", "question", "overlays", "provenance")]


@cache
def has_entries(key: str) -> bool:
    """Return whether a section holds records by name, such as levers."""
    annotation = fields(Scenario)[key].annotation
    return get_origin(annotation) is dict and not is_scalar(get_args(annotation)[1])


@cache
def adapter(key: str, *, entry: bool) -> TypeAdapter[Any]:
    """Return what validates a section, or one of its entries."""
    annotation: Any = fields(Scenario)[key].annotation
    return TypeAdapter(get_args(annotation)[1] if entry else annotation)


def _valid_parts(data: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for key in _SECTIONS:
        value = data.get(key, {})
        if has_entries(key):
            entries = value.items() if isinstance(value, Mapping) else ()
            checked = {name: _valid(adapter(key, entry=True), entry) for name, entry in entries}
            parts[key] = {name: entry for name, entry in checked.items() if entry is not None}
        else:
            parts[key] = _valid(adapter(key, entry=False), value)
    return parts


def _valid(adapter: TypeAdapter[Any], value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None
