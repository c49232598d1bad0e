"""Cross-checks of a whole scenario: names, time, money, sizes, sources, ranges."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from scenarios.faults import Fault
from scenarios.priors import ranges
from scenarios.provenance import stated
from scenarios.references import references
from scenarios.scenario import Scenario
from scenarios.sense import known_kpis_only, sense
from scenarios.spending import spending
from scenarios.tree import Finding, place, plant
from scenarios.view import View

Kpis = Iterable[str] | Callable[[], Iterable[str]] | None
"""The KPI ids that the simulator knows, or a function that returns them; None: KPI ids are not checked."""


def check(scenario: Scenario, *, known_kpis: Kpis = None) -> list[Fault]:
    """Return what the cross-checks find in a scenario, with its name in place of a file."""
    root = plant(scenario, scenario.name)
    data = scenario.model_dump(by_alias=True, exclude_unset=True)
    return [place(root, finding) for finding in cross_check(data, scenario, known_kpis)]


def cross_check(data: Mapping[str, Any], scenario: Scenario | None, known_kpis: Kpis = None) -> Iterator[Finding]:
    """Yield what the cross-checks find in a scenario as written; without `scenario`, in those parts that are valid."""
    view = View(data, scenario)
    yield from references(view)
    yield from sense(view)
    yield from spending(view)
    yield from stated(data.get("provenance"))
    yield from ranges(view)
    if known_kpis is not None:
        yield from known_kpis_only(view, known_kpis() if callable(known_kpis) else known_kpis)
