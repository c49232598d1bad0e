"""Paths such as `levers.welfare.off` and `clock.x[0]`: their spelling, and what the schema has there."""

import re
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

Path = tuple[str | int, ...]

_PART = re.compile(r'\.?(?:\[(\d{1,6})\]|"([^"]*)"|([^.\[\]"]+))')


def parse(text: str) -> Path:
    """Return the path that a text spells.

    Raises `ValueError` when it spells none.

    >>> parse("levers.welfare.open[0].days"), parse('provenance."levers.*.off"')
    (('levers', 'welfare', 'open', 0, 'days'), ('provenance', 'levers.*.off'))
    """
    parts: list[str | int] = []
    end = 0
    while match := _PART.match(text, end):
        index, quoted, plain = match.groups()
        parts.append(int(index) if index else quoted if quoted is not None else plain.strip())
        end = match.end()
    if end != len(text) or not parts or text.startswith("."):
        raise ValueError(text)
    return tuple(parts)


def render(path: Path) -> str:
    """Return the spelling of a path.

    >>> render(("levers", "welfare", "open", 0)), render(("provenance", "levers.*"))
    ('levers.welfare.open[0]', 'provenance."levers.*"')
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.isprintable() and re.fullmatch(r'[^\s.\[\]"]+', part)
            text += ("." if text else "") + (part if plain else '"' + ascii(part)[1:-1] + '"')
    return text


@cache
def fields(record: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a record by the names used in files."""
    return {field.alias or name: field for name, field in record.model_fields.items()}


def bare(annotation: Any) -> Any:
    """Return a type without Annotated and without `| None`; a union of several stays a union."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    members = _members(annotation)
    return bare(members[0]) if len(members) == 1 and members[0] is not annotation else annotation


def nullable(annotation: Any) -> bool:
    """Return whether null is a value of the type."""
    if annotation is Any:
        return True
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return NoneType in get_args(annotation) and get_origin(annotation) in (Union, UnionType)


def is_record(annotation: Any) -> bool:
    """Return whether a type is a record of the schema."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_scalar(annotation: Any) -> bool:
    """Return whether values of a type have no parts."""
    kind = bare(annotation)
    return kind is not Any and get_origin(kind) not in (dict, tuple) and not is_record(kind) and not is_tagged(kind)


def is_tagged(annotation: Any) -> bool:
    """Return whether a type is a union of records that a tag tells apart."""
    return any(is_record(bare(member)) for member in _members(annotation)) and len(_members(annotation)) > 1


def tagged(annotation: Any, tag: str) -> Any:
    """Return the member of a union that a tag stands for, or None."""
    for member in _members(annotation):
        if tag in tags(member):
            return bare(member)
    return None


def tags(member: Any) -> tuple[str, ...]:
    """Return the tags that stand for a member of a union, such as `media` or `interval`."""
    if get_origin(member) is Annotated:
        return tuple(mark.tag for mark in get_args(member)[1:] if isinstance(mark, Tag))
    if is_record(member):
        for key in ("kind", "do"):
            if key in member.model_fields and get_origin(member.model_fields[key].annotation) is Literal:
                return tuple(get_args(member.model_fields[key].annotation))
    return ()


def kinds(annotation: Any) -> list[str]:
    """Return all tags of a union, in the order of the schema."""
    return [tag for member in _members(annotation) for tag in tags(member)]


def below(annotation: Any, part: str | int) -> Any:
    """Return the type of a part of a value of this type, or None when it can have no such part."""
    kind = bare(annotation)
    if kind is Any:
        return Any
    if is_record(kind):
        field = fields(kind).get(str(part))
        return None if field is None else field.annotation
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) is tuple and isinstance(part, int):
        items = get_args(kind)
        if len(items) == 2 and items[1] is Ellipsis:
            return items[0]
        return items[part] if part < len(items) else None
    return None


def _members(annotation: Any) -> tuple[Any, ...]:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return tuple(member for member in get_args(annotation) if member is not NoneType)
    return (annotation,)
