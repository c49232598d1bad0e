"""A plan, whole: the frozen, validated record that the simulator takes."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from scenarios.behaviour import Behaviour
from scenarios.calendar import Clock, Festival, Interval, Season
from scenarios.choices import Choices
from scenarios.control import Measurement, Rule, Shock
from scenarios.levers import AnyLever
from scenarios.market import Assortment, Market, Service
from scenarios.model import Model
from scenarios.money import Accounts
from scenarios.targets import Baseline, Measures, Target
from scenarios.uncertainty import Prior

SCHEMA_VERSION = 1


class Scenario(Model):
    """A marketing plan and the market it meets."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    """Version of this schema."""
    name: str
    """Name of the scenario."""
    question: str
    """The question it answers, in one sentence."""
    clock: Clock
    """The simulated days."""
    market: Market
    """People, segments, channels, contacts."""
    goods: Assortment
    """Goods classes."""
    service: Service = Service()
    """Delivery and service desk."""
    behaviour: Behaviour = Behaviour()
    """Base rates of users' behaviour."""
    season: Season = Season()
    """What the calendar does to users' own visits."""
    festivals: dict[str, Festival] = {}
    """Festivals by name."""
    phases: dict[str, Interval] = {}
    """Execution phases of the plan; they may overlap."""
    windows: dict[str, Interval] = {}
    """KPI windows; they may overlap. `plan` is always the whole horizon."""
    accounts: Accounts
    """The money."""
    levers: dict[str, AnyLever] = {}
    """What the plan does."""
    rules: dict[str, Rule] = {}
    """Controllers."""
    shocks: dict[str, Shock] = {}
    """Surprises, for stress tests."""
    measurement: Measurement = Measurement()
    """What rules see."""
    measures: Measures = Measures()
    """Choices of measurement."""
    targets: dict[str, Target] = {}
    """Promises."""
    baseline: dict[str, Baseline] = {}
    """KPIs that hold today, by KPI id."""
    priors: dict[str, Prior] = {}
    """Ranges of numbers that are not known, by path."""
    choices: Choices = Choices()
    """What `sandtable optimize` may change, and the rules its plan keeps."""
    overlays: dict[str, dict[str, Any]] = {}
    """Named changes that `load(name, overlays=[...])` applies."""
    provenance: dict[str, str] = {}
    """Source of each number by path pattern (the longest that matches holds): `plan ...`, `derived ...`, `assumed ...`
    or `calibrated ...`."""

    def override(self, changes: Mapping[str, Any]) -> "Scenario":
        """Return a new, validated scenario with the values at these paths changed.

        Raises `ScenarioError` with every fault when a path does not exist or the result is not valid.
        """
        from scenarios.compose import override

        return override(self, changes)

    def span(self, name: str) -> tuple[int, int]:
        """Return the first and last day of a window, phase, festival or festival stage; `plan` is the horizon."""
        if name == "plan":
            return 0, self.clock.days - 1
        if name in self.windows:
            return self.windows[name].span(self.clock)
        if name in self.phases:
            return self.phases[name].span(self.clock)
        festival, _, stage = name.partition(".")
        if festival in self.festivals:
            event = self.festivals[festival]
            stages = [event.stages[stage]] if stage else list(event.stages.values())
            zero = self.clock.day(event.date)
            return zero + min(s.days[0] for s in stages), zero + max(s.days[1] for s in stages)
        raise KeyError(name)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the resolved scenario, names and provenance apart: equal plans have equal digests."""
        data = self.model_dump(
            mode="json", by_alias=True, exclude={"name", "question", "choices", "provenance", "overlays"}
        )
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that can change a run, and of the order in which it stands: runs are stored under it.

        Priors, choices, provenance and the definitions of overlays are left out. Unlike `digest`, scenarios that differ
        only in the order of names (of segments, say) have different fingerprints, since users are numbered in that order.
        """
        data = self.model_dump_json(by_alias=True, exclude={"priors", "choices", "provenance", "overlays"})
        return hashlib.sha256(data.encode()).hexdigest()
