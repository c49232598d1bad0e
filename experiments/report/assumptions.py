"""The assumed numbers that the result hangs on, the most influential first."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.replication import Replication
from experiments.report.language import Language
from experiments.report.promises import named
from experiments.report.sensitivity import influence, number_name
from experiments.tables import rows
from scenarios import Scenario, source_of, value_at
from scenarios.paths import Path, render

APART = {"schema_version", "overlays", "priors", "provenance"}
"""Parts of a scenario that do not describe the plan."""
_PERCENT = re.compile(r"[\d.]+%")


@dataclass(frozen=True)
class Number:
    """An assumed number, in words."""

    path: str
    name: str
    value: str
    source: str
    range: str = ""
    why: str = ""
    moves: str = ""


@dataclass(frozen=True)
class Section:
    """Assumed numbers of one section of the scenario."""

    title: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class Assumptions:
    """The assumed numbers of a plan."""

    count: int
    of: int
    """Numbers of the plan that differ from their defaults."""
    unsourced: int
    """Those of them without provenance."""
    ranked: tuple[Number, ...]
    """Those that were varied, the most influential first."""
    open: tuple[Number, ...]
    """Those whose range is stated, but that were not varied."""
    rest: tuple[Section, ...]


def assumptions(replication: Replication, sweep: pd.DataFrame | None, language: Language) -> Assumptions:
    """Return the plan's numbers whose provenance is `assumed`, or that have a prior; ranked where `sweep` tells."""
    scenario = replication.scenario
    moved = {} if sweep is None else _moved(replication, sweep, language)
    values = numbers(scenario)
    sources = {path: source_of(scenario, path) for path in values}
    assumed = [path for path, source in sources.items() if source is not None and source.startswith("assumed")]
    listed = list(dict.fromkeys([*moved, *scenario.priors]))
    ranked = [path for path in listed if path in moved]
    still = [path for path in listed if path not in moved]
    rest: dict[str, list[Number]] = {}
    for path in assumed:
        if path not in listed:
            rest.setdefault(path.partition(".")[0], []).append(_number(scenario, path, values[path], "", language))
    known = language.entry("assumptions.sections")
    return Assumptions(
        count=len(assumed),
        of=len(values),
        unsourced=sum(source is None for source in sources.values()),
        ranked=tuple(_number(scenario, path, _value(scenario, path, values), moved[path], language) for path in ranked),
        open=tuple(_number(scenario, path, _value(scenario, path, values), "", language) for path in still),
        rest=tuple(Section(str(known.get(name, name)), tuple(part)) for name, part in rest.items()),
    )


def numbers(scenario: Scenario) -> dict[str, float | str]:
    """Return the numbers of a scenario that differ from their defaults, by path; percentages of accounts as written."""
    data = scenario.model_dump(by_alias=True, exclude_defaults=True, exclude=APART)
    return {render(path): value for path, value in _below(data, ())}


def _below(value: Any, path: Path) -> Iterator[tuple[Path, float | str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _below(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _below(item, (*path, index))
    elif type(value) in (int, float) or (isinstance(value, str) and _PERCENT.fullmatch(value)):
        yield path, value


def _moved(replication: Replication, sweep: pd.DataFrame, language: Language) -> dict[str, str]:
    """Return the paths that were varied, the most influential first, and the promise that each moves most."""
    table = influence(sweep)
    best = table.sort_values("part", ascending=False, kind="stable").drop_duplicates("parameter")
    found = {}
    for row in rows(best):
        name = named(replication.scenario, row.name, language)
        found[str(row.parameter)] = name if row.sure else language("sensitivity.chance")
    return found


def _value(scenario: Scenario, path: str, values: Mapping[str, float | str]) -> float | str:
    return values[path] if path in values else float(value_at(scenario, path))


def _number(scenario: Scenario, path: str, value: float | str, moves: str, language: Language) -> Number:
    prior = scenario.priors.get(path)
    span = ""
    if prior is not None:
        low, high = (language.compact(v) for v in (prior.low, prior.high))
        span = language("assumptions.range_words", low=low, high=high)
    return Number(
        path=path,
        name=number_name(scenario, path),
        value=value.replace("%", language.percent) if isinstance(value, str) else language.compact(value),
        source=source_of(scenario, path) or "",
        range=span,
        why=prior.why if prior is not None else "",
        moves=moves,
    )
