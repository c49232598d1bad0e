"""Variants: many changed copies of one scenario, each checked like any other but made without reading all of it again."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from scenarios.changes import apply, prune
from scenarios.check import cross_check
from scenarios.compose import override
from scenarios.faults import ScenarioError
from scenarios.priors import without_lapsed
from scenarios.scenario import Scenario
from scenarios.tree import Node, plain, plant
from scenarios.view import adapter

_WHOLE = {"schema", "overlays"}
"""Sections whose changes ask for more than their own validation and the cross-checks."""


class Variants:
    """The scenarios that `override` makes of a base, at a fraction of its time.

    Sections that do not change are validated once, and all variants share them.
    """

    def __init__(self, base: Scenario) -> None:
        self.base = base
        self._root = plant(base, base.name)
        self._data = plain(self._root)
        try:
            self._valid: Scenario | None = override(base, {})
        except ScenarioError:
            self._valid = None

    def override(self, changes: Mapping[str, Any]) -> Scenario:
        """Return what `self.base.override(changes)` returns. Raises `ScenarioError` as that does."""
        return self._quick(changes) or override(self.base, changes)

    def _quick(self, changes: Mapping[str, Any]) -> Scenario | None:
        """Return a valid variant; None when it is not, or cannot be told in this way."""
        root, faults = apply(self._root, changes, Scenario)
        root = without_lapsed(root, self._root)
        changed = {key: node for key, node in root.value.items() if node is not self._root.value.get(key)}
        kept, more = prune(Node(changed), Scenario)
        lost = kept.value.keys() != changed.keys() or not _WHOLE.isdisjoint(changed)
        if self._valid is None or faults or more or lost:
            return None
        data = {key: plain(node) for key, node in kept.value.items()}
        try:
            sections = {key: adapter(key, entry=False).validate_python(value) for key, value in data.items()}
        except ValidationError:
            return None
        variant = self._valid.model_copy(update=sections)
        return None if any(True for _ in cross_check(self._data | data, variant)) else variant
