"""What is wrong with a scenario: faults with file and line, path, value, rule and nearest fix."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

CHANGES = "changes"
"""Stands for the file name in faults of values given by `changes` or `--set`."""
_LONGEST = 48


@dataclass(frozen=True)
class Fault:
    """One fault; parts that do not apply are empty, and `line` is 0 when there is no line.

    >>> print(Fault("annual.yaml", 41, "levers.coupon.off", "60", "must be below over (50)", "did you mean over: 100?"))
    annual.yaml:41: levers.coupon.off: 60: must be below over (50); did you mean over: 100?
    """

    file: str
    line: int
    path: str
    value: str
    rule: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = ": ".join(part for part in (place, self.path, self.value, self.rule) if part)
        return f"{text}; {self.fix}" if self.fix else text


class ScenarioError(Exception):
    """A scenario was refused; `faults` holds every reason, in the order of the lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def nearest(word: str, options: Iterable[str], noun: str = "") -> str:
    """Return the fix for an unknown word: the nearest option, or else the options.

    >>> nearest("levrs", ["market", "levers"])
    'did you mean levers?'
    >>> nearest("zzz", ["sms", "video"], "channels")
    'known channels: sms, video'
    """
    known = list(dict.fromkeys(options))
    close = get_close_matches(word.lower(), [option.lower() for option in known], n=1, cutoff=0.6)
    if close:
        return f"did you mean {next(option for option in known if option.lower() == close[0])}?"
    if not known:
        return f"there are no {noun}" if noun else ""
    some = [option for index, option in enumerate(known) if sum(map(len, known[:index])) < 100]
    more = f" and {len(known) - len(some)} more" if len(known) > len(some) else ""
    return f"known {noun + ': ' if noun else 'are '}{', '.join(some)}{more}"


def shown(value: Any) -> str:
    """Return a value as it might stand in a file, on one line and not too long.

    >>> shown(True), shown(None), shown([1, "a"]), shown({"off": 60}), shown("")
    ('true', 'null', '[1, a]', '{off: 60}', '""')
    """
    text = _flow(value, 0)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _flow(value: Any, depth: int) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        plain = re.fullmatch(r"[^\s\"'](.*[^\s])?", value) and value.isprintable()
        return value if plain else json.dumps(value[: 2 * _LONGEST])
    if depth > 3:
        return "..."
    if isinstance(value, Mapping):
        head = list(value.items())[:8]
        return "{" + ", ".join(f"{key}: {_flow(item, depth + 1)}" for key, item in head) + "}"
    if isinstance(value, list | tuple):
        more = ["..."] if len(value) > 12 else []
        return "[" + ", ".join([_flow(item, depth + 1) for item in value[:12]] + more) + "]"
    if isinstance(value, int) and abs(value) >= 10**_LONGEST:
        return f"a number of about {len(hex(value)) * 6 // 5} digits"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value) if isinstance(value, int) else _flow(str(value), depth)
