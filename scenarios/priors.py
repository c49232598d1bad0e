"""Cross-checks of ranges (priors, settings to choose), and what becomes of an inherited prior whose number changes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from pydantic import ValidationError

from scenarios.changes import apply
from scenarios.faults import shown
from scenarios.paths import Path, bare, fields, parse, render
from scenarios.scenario import Scenario
from scenarios.steps import NoPathError, Step, reach
from scenarios.translate import findings
from scenarios.tree import Finding, Node, find, plain, plant
from scenarios.uncertainty import Prior, Range
from scenarios.values import is_numeric, numbers_below, read_number, spelled
from scenarios.view import View, adapter, has_entries

UNREAD = ("schema", "name", "question", "targets", "baseline", "priors", "choices", "overlays", "provenance")
"""Sections whose numbers do not drive the simulation."""


def ranges(view: View) -> Iterator[Finding]:
    """Yield a finding for each range whose path is no number or whose ends are refused, and each prior that misses."""
    every: dict[Path, tuple[str, Prior | Range]] = {("priors", text): (text, p) for text, p in view.priors.items()}
    every |= {("choices", "settings", text): (text, r) for text, r in view.choices.settings.items()}
    if not every:
        return
    root = plant(view.data)
    sound: dict[Path, bool] = {}
    for where, (text, span) in every.items():
        try:
            found = _number(root, text)
        except _NoNumberError as error:
            yield Finding(where, error.rule, error.fix, error.value)
            continue
        record = _record(found.path)
        if record not in sound:
            sound[record] = not _refusals(root, record)
        if sound[record] and read_number(found) is not None:
            if isinstance(span, Prior):
                yield from _around(where, span, found)
            yield from _ends(root, where, span, found)


def without_lapsed(after: Node, before: Node) -> Node:
    """Return `after`, a tree made from `before`, without the priors of `before` that held there and hold no longer.

    So a file, an overlay or a change that removes a number, or moves it out of an inherited range, ends its prior.
    """
    old, new = before.get("priors"), after.get("priors")
    if old is None or new is None or not isinstance(old.value, dict) or not isinstance(new.value, dict):
        return after
    lapsed = {
        text
        for text, node in new.value.items()
        if old.value.get(text) is node and _holds(before, text) and not _holds(after, text)
    }
    if not lapsed:
        return after
    kept = replace(new, value={text: node for text, node in new.value.items() if text not in lapsed})
    return replace(after, value={**after.value, "priors": kept})


@dataclass
class _NoNumberError(Exception):
    rule: str
    fix: str = ""
    value: str = ""


def _number(root: Node, text: str) -> Step:
    try:
        found = reach(root, Scenario, parse(text))
    except ValueError:
        raise _NoNumberError("is not a path", "write a path such as levers.welfare.off or clock.x[0]") from None
    except NoPathError as error:
        raise _NoNumberError(error.rule, error.fix, render(error.path)) from None
    if found.path[0] in UNREAD:
        raise _NoNumberError(f"must be the path of a number that runs depend on, and none of {found.path[0]} is")
    kind, written = bare(found.annotation), found.node.value
    if not is_numeric(found.annotation) or written is None:
        keys = numbers_below(found)
        fix = f"numbers below it: {', '.join(keys)}" if keys else "true or false has no range" if kind is bool else ""
        value = "" if isinstance(written, dict) else shown(plain(found.node))
        raise _NoNumberError("must be the path of a number", fix, value)
    return found


def _around(where: Path, prior: Prior, found: Step) -> Iterator[Finding]:
    value, written = read_number(found) or 0, shown(plain(found.node))
    for end, misses, side in (("low", value < prior.low, "above"), ("high", value > prior.high, "below")):
        if misses:
            rule = f"must not be {side} what {render(found.path)} is now ({written})"
            yield Finding((*where, end), rule, f"did you mean {end}: {written}?", other=found.path)


def _ends(root: Node, where: Path, span: Prior | Range, found: Step) -> Iterator[Finding]:
    """Yield a finding for an end that the number's field, or its record, refuses."""
    for end, value in (("low", span.low), ("high", span.high)):
        written = spelled(found, value)
        if written == value:
            written = plain(find(root, (*where, end))[0])
        tree, _ = apply(root, {render(found.path): written}, Scenario)
        for refused in _refusals(tree, _record(found.path))[:1]:
            elsewhere = [] if refused.path == found.path else [render(refused.path), refused.value or ""]
            rule = ": ".join(text for text in (*elsewhere, refused.rule) if text)
            yield Finding((*where, end), rule, refused.fix)


def _record(path: Path) -> Path:
    """Return the path of the section, or of the entry of a section, that a path leads into."""
    return path[: 2 if has_entries(str(path[0])) else 1]


def _refusals(root: Node, record: Path) -> list[Finding]:
    """Return what is wrong with a section, or with an entry of one, by itself."""
    node, written = find(root, record)
    section, entry = str(record[0]), len(record) == 2
    try:
        adapter(section, entry=entry).validate_python(plain(node) if written else {})
    except ValidationError as error:
        kind = fields(Scenario)[section].annotation
        found = findings(error, get_args(kind)[1] if entry else kind)
        return [replace(finding, path=(*record, *finding.path)) for finding in found]
    return []


def _holds(root: Node, text: str) -> bool:
    """Return whether the number of a prior exists and lies within it."""
    try:
        prior = Prior.model_validate(plain(root.value["priors"].value[text]))
        value = read_number(_number(root, text))
    except (ValidationError, _NoNumberError):
        return False
    return value is not None and prior.low <= value <= prior.high
