"""Settings: which numbers of a plan are a marketer's to choose, and whether the ends of their ranges make plans.

What people, goods and the season do is the market's: a search that may move it finds that loyal customers buy more.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

import scenarios
from optimize.spending import posts
from scenarios import Scenario, ScenarioError
from scenarios.faults import nearest, shown
from scenarios.paths import Path, fields, parse, render
from scenarios.priors import UNREAD
from scenarios.uncertainty import Range

_DECISIONS = (
    "levers.*", "rules.*", "phases.*", "festivals.*.stages.*.days", "service.agents", "service.assisted",
    "service.shipping_fee", "service.free_from", "goods.classes.*.stock.opening_days", "goods.classes.*.stock.cover_days",
)  # fmt: skip
DECISIONS = tuple(tuple(pattern.split(".")) for pattern in _DECISIONS)
"""What lies at or below these paths is decided, not met; `*` stands for any name."""
RESPONSES = frozenset({
    "unit_impressions", "lasts", "click", "awareness", "quality", "affinity", "urgency", "opened", "per_order", "per_visit",
    "accept", "registration", "start", "invite", "visits", "drop", "effect", "ramp",
    "unit_cost", "commission", "cost", "price", "monthly_cost", "once", "daily",
})  # fmt: skip
"""Fields of levers that say how people answer or what the market charges: a plan meets them."""
_INSTEAD = {
    "accounts": "money is asked for with --budget, and moved within choices.band, choices.money and choices.accounts",
    "targets": "a target is held with --target",
    "shocks": "--risk with --shocks weighs them",
}


def check_settings(scenario: Scenario, settings: Mapping[str, Range]) -> None:
    """Raise `ValueError` with all faults: what is no number to decide, and ends with which the plan is not valid.

    Both ends of each range are tried in the plan, and those of two ranges of one lever (rule, phase, ...) together.
    """
    faults = [fault for path in settings if (fault := _refused(scenario, path))]
    if not faults:
        faults = [fault for path, span in settings.items() for fault in _ends(scenario, path, span)]
    if not faults:
        faults = list(_corners(scenario, settings))
    if faults:
        raise ValueError("\n".join(faults))


def is_response(path: str) -> bool:
    """Return whether a path is how the market answers or what it charges, not a decision.

    >>> is_response("levers.ads.click"), is_response("levers.coupon.off"), is_response("levers.club.tiers.gold.drop")
    (True, False, True)
    """
    parts = parse(path)
    if parts[0] == "festivals":
        return True
    place = 4 if "tiers" in parts[2:3] else 2
    return parts[0] == "levers" and len(parts) > place and parts[place] in RESPONSES


def assumed(scenario: Scenario, path: str) -> bool:
    """Return whether a path is an assumption about the market: a response whose source says that it is assumed."""
    return is_response(path) and (scenarios.source_of(scenario, path) or "").startswith("assumed")


def _refused(scenario: Scenario, text: str) -> str:
    """Return why a path cannot be chosen; empty when it can."""
    try:
        path = parse(text)
    except ValueError:
        return f"{text!r} is not a path; write a path such as levers.welfare.off"
    if path[0] in fields(Scenario) and not decided(path):
        return _not_decided(scenario, text)
    try:
        value = scenarios.value_at(scenario, text)
    except ValueError as error:
        return str(error) if str(error).startswith(text) else f"{text}: {error}"
    if isinstance(value, bool):
        return f"{text}: true or false has no range; sandtable compare holds the plan with it against the plan without"
    if _divided(scenario, path):
        return f"{text}: media money is divided by the search itself, within choices.money.{path[1]} or choices.band"
    if measured := _measured(scenario, path):
        return (
            f"{text}: a plan does not choose the days over which its targets are measured, here {', '.join(measured)}"
        )
    return ""


def decided(path: Path) -> bool:
    """Return whether what lies at a path is a marketer's to decide."""
    return any(
        len(pattern) <= len(path) and all(name in ("*", part) for name, part in zip(pattern, path, strict=False))
        for pattern in DECISIONS
    )


def _divided(scenario: Scenario, path: Path) -> bool:
    """Return whether a path is money that the search divides: a lever's budget, or its pace in a phase with its own money."""
    spent = posts(scenario) if path[0] == "levers" and path[2] in ("budget", "pace") else ()
    return any(path[1] == post.lever and (path[2] == "budget" or path[3] == post.period) for post in spent)


def _measured(scenario: Scenario, path: Path) -> list[str]:
    """Return the targets that are measured over a phase, festival or stage, if a path leads into one."""
    spans = {"phases": {path[1]}, "festivals": {path[1], f"{path[1]}.{path[3]}" if len(path) > 3 else ""}}
    mine = spans.get(str(path[0]), set())
    return [name for name, target in scenario.targets.items() if {target.window, target.against} & mine]


def _not_decided(scenario: Scenario, text: str) -> str:
    section = str(parse(text)[0])
    own = [".".join(pattern[1:]) for pattern in DECISIONS if pattern[0] == section]
    rule = f"of {section} that is {', '.join(own)}" if own else f"nothing in {section} is"
    instead = _INSTEAD.get(
        section, "" if section in UNREAD else f"sandtable sweep --over {text}=LO:HI shows what it does"
    )
    known = nearest(text, _known(scenario), "settings")
    fix = "; ".join(words for words in (instead, known) if words)
    return f"{text}: only what a marketer decides may be chosen, and {rule}; {fix}"


def _known(scenario: Scenario) -> list[str]:
    """Return the numbers of the plan that are decided: those of its choices first, then those that its files set."""
    data = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    found = (path for path in _numbers(data, ()) if decided(path) and not _divided(scenario, path))
    return [*scenario.choices.settings, *(text for text in map(render, found) if not is_response(text))]


def _numbers(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index))
    elif type(value) in (int, float):
        yield path


def _ends(scenario: Scenario, path: str, span: Range) -> Iterator[str]:
    """Yield what is wrong with the plan at each end of a range."""
    for side, value in (("low", span.low), ("high", span.high)):
        written = scenarios.as_written(scenario, path, value)
        where = f"{path}: {side} {shown(written)}"
        if isinstance(written, int) and written != value:
            yield f"{path}: {side} {shown(value)}: must be a whole number"
            continue
        yield from (f"{where}: {words}" for words in _faults(scenario, {path: written}))


def _corners(scenario: Scenario, settings: Mapping[str, Range]) -> Iterator[str]:
    """Yield what is wrong with the plan at the ends of two ranges of one record, whose fields may limit each other."""
    for pair in combinations(settings, 2):
        if len({tuple(parse(path)[:2]) for path in pair}) > 1:
            continue
        spans = [settings[path] for path in pair]
        for values in product(*((span.low, span.high) for span in spans)):
            changes = {p: scenarios.as_written(scenario, p, v) for p, v in zip(pair, values, strict=True)}
            where = " with ".join(f"{path} {shown(value)}" for path, value in changes.items())
            yield from (f"{where}: {words}" for words in _faults(scenario, changes))


def _faults(scenario: Scenario, changes: Mapping[str, Any]) -> Sequence[str]:
    """Return the faults of the plan with some values changed, without the places that the reader has before the eyes."""
    try:
        scenario.override(changes)
    except ScenarioError as error:
        told = [(": ".join(w for w in ("" if f.path in changes else f.path, f.rule) if w), f.fix) for f in error.faults]
        return [f"{rule}; {fix}" if fix else rule for rule, fix in told]
    return ()
