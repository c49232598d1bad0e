"""Ranges of a sweep: which numbers of a plan vary, and between which values that its schema allows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.design import Kind, Method, Parameter
from experiments.units import compact
from scenarios import Scenario, ScenarioError, as_written, parse_set, value_at
from scenarios.choices import Choices
from scenarios.faults import shown
from scenarios.paths import parse, render
from scenarios.priors import UNREAD

Over = Iterable[str] | Mapping[str, Sequence[Any]]
"""`PATH=LO:HI`, `PATH=LO:HI:LEVELS`, or `PATH` of a switch or of a number with a prior; or low, high (and levels) by
path.
"""
LEVELS = 5
"""Levels of a one-at-a-time design over ranges that are asked for; over priors there are two, their ends."""
_KINDS: dict[type, Kind] = {bool: "switch", int: "whole", str: "percentage", float: "number"}


class RangeError(ValueError):
    """Ranges that cannot be swept; the message holds every fault."""


@dataclass(frozen=True)
class _Wanted:
    text: str
    """What was asked for, as in messages."""
    path: str
    ends: tuple[Any, Any] | None
    """Low and high, as written; None: those of the prior, or off and on."""
    levels: Any = None


def parameters(scenario: Scenario, over: Over | None = None, method: Method = "oat") -> tuple[Parameter, ...]:
    """Return the parameters of a sweep: those asked for, or all that have a prior.

    Ends are written as in scenarios (`5%`, `2 weeks`, `false`). A range of a number with a logarithmic prior is
    logarithmic too when it lies above 0. Raises `RangeError` with every fault: of the form, of paths, and of ends that
    the scenario refuses.
    """
    if isinstance(over, str):
        over = [over]
    given, faults = _given(over or ())
    if not given and not faults:
        given = [_Wanted(f"prior of {path}", path, None) for path in scenario.priors]
        if not given:
            example = _example("behaviour.shop.ctr", value_at(scenario, "behaviour.shop.ctr"))
            raise RangeError(f"{scenario.name} has no priors; say what to vary, such as --over {example}")
    base, found = without_words(scenario), []
    for place, wanted in enumerate(given):
        if wanted.path in [other.path for other in given[:place]]:
            faults.append(f"{wanted.text}: {wanted.path} is there twice")
            continue
        try:
            found.append(_parameter(scenario, base, wanted, method))
        except RangeError as error:
            faults.append(str(error))
    if faults:
        raise RangeError("\n".join(faults))
    return tuple(found)


def without_words(scenario: Scenario) -> Scenario:
    """Return the scenario without what runs do not depend on and what makes changes slow: priors, choices, overlays."""
    return scenario.model_copy(update={"priors": {}, "choices": Choices(), "overlays": {}, "provenance": {}})


def _given(over: Over) -> tuple[list[_Wanted], list[str]]:
    found, faults = [], []
    entries = over.items() if isinstance(over, Mapping) else ((text, None) for text in over)
    for text, ends in entries:
        try:
            found.append(_of_text(text) if ends is None else _of_ends(text, ends))
        except RangeError as error:
            faults.append(str(error))
    return found, faults


def _of_text(text: str) -> _Wanted:
    path, equals, ends = (part.strip() for part in text.partition("="))
    if not equals:
        return _Wanted(text, path, None)
    parts = [part.strip() for part in ends.split(":")]
    if len(parts) not in (2, 3) or not path or not all(parts):
        low = parts[0] or "0.5"
        raise RangeError(f"{text}: must be PATH=LO:HI or PATH=LO:HI:LEVELS; write {path or 'PATH'}={low}:HI")
    return _Wanted(text, path, (_read(text, path, parts[0]), _read(text, path, parts[1])), *parts[2:])


def _read(text: str, path: str, end: str) -> Any:
    try:
        return parse_set(f"{path}={end}")[1]
    except ScenarioError as error:
        raise RangeError(f"{text}: {'; '.join(_told(error, path))}") from None


def _of_ends(path: str, ends: Sequence[Any]) -> _Wanted:
    if isinstance(ends, str) or len(ends) not in (2, 3):
        raise RangeError(f"{path}: must be (low, high) or (low, high, levels), but got {ends!r}")
    return _Wanted(f"{path}={':'.join(map(str, ends))}", path, (ends[0], ends[1]), *ends[2:])


def _parameter(scenario: Scenario, base: Scenario, wanted: _Wanted, method: Method) -> Parameter:
    """Return the parameter that is wanted; `base` is the scenario with less to check."""
    text, path = wanted.text, wanted.path
    own = _own(base, wanted)
    kind = _KINDS[type(as_written(base, path, 0.5))]
    ends = wanted.ends
    prior = scenario.priors.get(path)
    if ends is None and kind != "switch" and prior is None:
        raise RangeError(f"{text}: has no prior, so say between which values; write {_example(path, own)}")
    if ends is None and prior is not None:
        ends = as_written(base, path, prior.low), as_written(base, path, prior.high)
    ends = (False, True) if ends is None else ends
    faults: list[str] = []
    low, high = (_end(base, wanted, kind, side, end, faults) for side, end in zip(("low", "high"), ends, strict=True))
    levels = _levels(wanted, method, faults)
    if not faults and not low < high:
        first, last = map(shown, ends)
        swapped = f"; did you mean {path}={last}:{first}?" if low > high else ""
        faults.append(f"{text}: `low < high` must hold, but got (low={first}, high={last}){swapped}")
    if faults:
        raise RangeError("\n".join(faults))
    log = prior is not None and prior.log and low > 0
    return Parameter(path, low, high, float(own), kind, log, levels, _title(scenario, path))


def _own(base: Scenario, wanted: _Wanted) -> float | bool:
    """Return what the plan has at the path of a range."""
    text, path = wanted.text, wanted.path
    try:
        own = value_at(base, path)
    except ValueError as error:
        if wanted.ends is not None and _settable(base, path, wanted.ends[0]):
            raise RangeError(f"{text}: the plan has no number there; give it one with --set {path}=VALUE") from None
        raise RangeError(f"{text}: {str(error).removeprefix(f'{path}: ')}") from None
    if parse(path)[0] in UNREAD:
        raise RangeError(f"{text}: no run depends on {parse(path)[0]}")
    return own


def _settable(base: Scenario, path: str, value: Any) -> bool:
    try:
        value_at(base.override({path: value}), path)
    except (ScenarioError, ValueError):
        return False
    return True


def _end(base: Scenario, wanted: _Wanted, kind: Kind, side: str, value: Any, faults: list[str]) -> float:
    """Return the number of one end, from a scenario that has it."""
    where = f"{wanted.text}: {side} {shown(value)}"
    try:
        changed = base.override({wanted.path: value})
        number = value_at(changed, wanted.path)
        other = _KINDS[type(as_written(changed, wanted.path, 0.5))]
    except ScenarioError as error:
        faults += [f"{where}: {fault}" for fault in _told(error, wanted.path)]
        return 0.0
    except ValueError as error:
        faults.append(f"{where}: {error}")
        return 0.0
    if other != kind:
        form = "a percentage of its account" if kind == "percentage" else "yuan"
        faults.append(f"{where}: must be {form}, as the plan's own value {value_of(base, wanted.path)}")
    return float(number)


def _told(error: ScenarioError, path: str) -> Iterator[str]:
    """Yield faults without the place and the value, which the reader has before the eyes."""
    for fault in error.faults:
        elsewhere = fault.path if fault.path != path else ""
        text = ": ".join(part for part in (elsewhere, fault.rule) if part)
        yield f"{text}; {fault.fix}" if fault.fix else text


def _levels(wanted: _Wanted, method: Method, faults: list[str]) -> int:
    if wanted.levels is None:
        return 2 if wanted.ends is None else LEVELS
    if method != "oat":
        faults.append(f"{wanted.text}: levels ({wanted.levels}) are for oat; {method} takes samples instead")
        return 2
    try:
        levels = int(str(wanted.levels))
    except ValueError:
        levels = 0
    if not 2 <= levels <= 1000:
        faults.append(f"{wanted.text}: levels must be a whole number from 2 to 1000, but got {wanted.levels}")
    return max(levels, 2)


def _example(path: str, own: float | bool) -> str:
    if isinstance(own, bool) or not own:
        return f"{path}=LO:HI"
    return f"{path}={min(own / 2, own * 2):.6g}:{max(own / 2, own * 2):.6g}"


def value_of(scenario: Scenario, path: str) -> str:
    """Return the number at a path for people."""
    value = value_at(scenario, path)
    percentage = isinstance(as_written(scenario, path, 0.5), str)
    return f"{compact(100 * value)} %" if percentage else compact(value)


def _title(scenario: Scenario, path: str) -> str:
    """Return a path for people: a named entry by its title."""
    parts = parse(path)
    entries = getattr(scenario, str(parts[0]), None)
    entry = entries.get(parts[1]) if isinstance(entries, Mapping) and len(parts) > 2 else None
    title = getattr(entry, "title", "")
    return f"{title}: {render(parts[2:])}" if title else path
