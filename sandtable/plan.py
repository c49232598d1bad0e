"""Loading a plan as the simulator takes it: KPI ids are checked too."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import scenarios
from scenarios import Scenario
from sim.kpis import KPIS


def load(
    name_or_path: str | os.PathLike[str], overlays: Iterable[str] = (), changes: Mapping[str, Any] | None = None
) -> Scenario:
    """Return the scenario of a shipped name or of a file, with overlays and then changes by path applied.

    Raises `ScenarioError` with every fault: of the file, of what it extends, of its overlays and of the changes.

    >>> load("annual-promotion", changes={"market.users": 20_000}).market.users
    20000
    """
    return scenarios.load(name_or_path, overlays, changes, known_kpis=KPIS)
