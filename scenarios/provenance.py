"""Where numbers come from: provenance patterns, and the numbers that none of them covers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scenarios.paths import Path, parse, render
from scenarios.scenario import Scenario
from scenarios.tree import Finding

KINDS = ("plan", "derived", "assumed", "calibrated")
_PERCENT = re.compile(r"[\d.]+%")


def uncovered(scenario: Scenario) -> list[str]:
    """Return the paths of numbers set in the files (not defaults) that no provenance pattern covers."""
    patterns = _patterns(scenario.provenance)
    data = scenario.model_dump(
        by_alias=True, exclude_unset=True, exclude={"schema_version", "overlays", "priors", "choices", "provenance"}
    )
    return [render(path) for path in _numbers(data, ()) if _longest(patterns, path) is None]


def source_of(scenario: Scenario, path: str) -> str | None:
    """Return the provenance of the value at a path, or None when no pattern covers it.

    A pattern is a dotted path in which `*` stands for one key and `**` for any number of keys; it covers all that
    lies below it. The longest pattern that covers a path holds; of equally long ones, the one with fewer stars.
    """
    found = _longest(_patterns(scenario.provenance), parse(path))
    return None if found is None else scenario.provenance[found]


def stated(provenance: Any) -> Iterator[Finding]:
    """Yield a finding for each provenance that does not say where a number comes from."""
    for pattern, text in provenance.items() if isinstance(provenance, Mapping) else ():
        if isinstance(text, str) and text.split(" ")[0].rstrip(":,;.") not in KINDS:
            yield Finding(("provenance", str(pattern)), f"must start with {', '.join(KINDS[:-1])} or {KINDS[-1]}")
        try:
            parse(str(pattern))
        except ValueError:
            yield Finding(("provenance", str(pattern)), "is not a path pattern such as levers.*.off", "", "")


def _patterns(provenance: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {pattern: _words(parse(pattern)) for pattern in provenance}


def _words(path: Path) -> tuple[str, ...]:
    return tuple(str(part) for part in path)


def _longest(patterns: Mapping[str, tuple[str, ...]], path: Path) -> str | None:
    words = _words(path)
    found = [text for text, parts in patterns.items() if _covers(parts, words)]
    return max(found, key=lambda text: (len(patterns[text]), -text.count("*"), text), default=None)


def _covers(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_covers(pattern[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and pattern[0] in ("*", path[0]) and _covers(pattern[1:], path[1:])


def _numbers(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index))
    elif _PERCENT.fullmatch(value) if isinstance(value, str) else type(value) in (int, float):
        yield path
