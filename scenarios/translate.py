"""Pydantic's complaints in plain words, at the paths that people write."""

import math
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scenarios.faults import nearest, shown
from scenarios.literals import number
from scenarios.model import UNSAID, MisfitError
from scenarios.paths import Path, bare, below, fields, is_record, is_tagged, kinds, tagged
from scenarios.tree import Finding

_TEXT = {
    "string_type": "must be text",
    "string_unicode": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number, and not so large",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "finite_number": "must be a finite number",
    "tuple_type": "must be a list, such as [1, 2]",
}
_BOUNDS = {
    "greater_than_equal": "at least",
    "less_than_equal": "at most",
    "greater_than": "above",
    "less_than": "below",
}
_RECORD = {"dict_type", "model_type", "model_attributes_type"}


def findings(error: ValidationError, top: Any) -> Iterator[Finding]:
    """Yield what the validation of a value of type `top` found wrong, one finding for each path and rule."""
    seen = set()
    for detail in error.errors(include_url=False):
        finding = _finding(detail, *locate(top, detail["loc"]))
        if (finding.path, finding.rule) not in seen:
            seen.add((finding.path, finding.rule))
            yield finding


def locate(kind: Any, loc: Path) -> tuple[Path, Any, Any]:
    """Return the path in the file of an error's location, the type there (None: unknown key), and the one around it."""
    path: Path = ()
    around = None
    for part in loc:
        if is_tagged(kind):
            kind = tagged(kind, str(part))
            continue
        path = (*path, part)
        around, kind = bare(kind), below(kind, part)
    return path, kind, around


def _finding(detail: ErrorDetails, path: Path, kind: Any, around: Any) -> Finding:
    code, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if code == "value_error" and isinstance(misfit := context.get("error"), MisfitError):
        seen = _mapping(value, kind) if misfit.value is UNSAID else shown(misfit.value)
        return Finding(path + misfit.at, str(misfit), misfit.fix, seen, path + misfit.with_ if misfit.with_ else ())
    if code == "missing":
        return _missing(path, around, value)
    if code == "extra_forbidden":
        return Finding(path, "unknown key", _unknown(str(path[-1]), around))
    if code in ("union_tag_invalid", "union_tag_not_found"):
        tag = context["discriminator"].strip("'")
        given = value.get(tag) if isinstance(value, dict) else None
        return Finding((*path, tag), *_choice(given, kinds(kind), missing=code == "union_tag_not_found"))
    if code == "literal_error":
        return Finding(path, *_choice(value, list(get_args(bare(kind)))))
    if code in _BOUNDS:
        (limit,) = context.values()
        return Finding(path, f"must be {_BOUNDS[code]} {limit:,.15g}".replace(",", "_"), _clamp(code, value, limit))
    if code in ("too_long", "too_short"):
        return Finding(path, _length(code, value, context, bare(kind)))
    if code in _RECORD:
        keys = ": " + ", ".join(list(fields(bare(kind)))[:6]) if is_record(bare(kind)) else ""
        return Finding(path, f"must be a mapping with keys{keys}" if keys else "must be a mapping of names")
    fix = f'did you mean "{shown(value)}"?' if code == "string_type" and isinstance(value, int | float) else ""
    if code == "int_from_float" and isinstance(value, float) and math.isfinite(value):
        fix = f"did you mean {round(value)}?"
    rule = _TEXT.get(code) or detail["msg"].replace("Input should be", "must be")
    return Finding(path, rule, fix, _mapping(value, kind))


def _mapping(value: Any, kind: Any) -> str | None:
    """Return a mapping that stands where none belongs as it is shown, and None for anything else."""
    return shown(value) if isinstance(value, dict) and not is_record(bare(kind)) else None


def _missing(path: Path, around: Any, value: Any) -> Finding:
    if isinstance(path[-1], int):
        return Finding(path[:-1], f"must hold {len(get_args(around))} values, but holds {len(value)}")
    note = fields(around)[str(path[-1])].description
    return Finding(path, "is missing", f"add it: {note.splitlines()[0].rstrip('.')}" if note else "")


def _unknown(key: str, around: Any) -> str:
    if key == "<<":
        return "merge keys are not part of YAML 1.2; write the keys out or use extends"
    return nearest(key, fields(around), "keys")


def _choice(value: Any, options: list[Any], *, missing: bool = False) -> tuple[str, str]:
    words = [shown(option) for option in options]
    rule = "must be one of " + ", ".join(words) if len(words) > 1 else f"must be {words[0]}"
    close = get_close_matches(str(value).lower(), words, n=1, cutoff=0.5)
    return (f"is missing; it {rule}" if missing else rule, f"did you mean {close[0]}?" if close and not missing else "")


def _clamp(code: str, value: Any, limit: float) -> str:
    try:
        given = float(number(value))
    except (TypeError, ValueError, OverflowError):
        return ""
    if code == "less_than_equal" and limit == 1 and 1 < given <= 100 and isinstance(value, int | float):
        return f"did you mean {given:g}%?"
    if code == "less_than_equal" and limit == 1:
        return "did you mean 100%?"
    return f"did you mean {limit:,.15g}?".replace(",", "_") if code.endswith("equal") else ""


def _length(code: str, value: Any, context: dict[str, Any], kind: Any) -> str:
    if code == "too_short":
        return f"must hold at least {context['min_length']} of them"
    exact = get_origin(kind) is tuple and Ellipsis not in get_args(kind)
    return f"must hold {'' if exact else 'at most '}{context['max_length']} values, but holds {len(value)}"
