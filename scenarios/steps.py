"""Steps down a path: from a value and its type in the schema to a part of it and the part's type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from scenarios.faults import CHANGES, nearest
from scenarios.paths import Path, bare, below, fields, is_record, is_scalar, is_tagged, kinds, render, tagged
from scenarios.tree import Node, plant


class NoPathError(Exception):
    """A path leads nowhere: `path` up to the part that is not there, the rule, and the nearest fix."""

    def __init__(self, path: Path, rule: str, fix: str = "") -> None:
        super().__init__(path, rule, fix)
        self.path, self.rule, self.fix = path, rule, fix


@dataclass(frozen=True, slots=True)
class Step:
    """Where one step down a path leads."""

    path: Path
    """The way from the root; a name that holds dots is one part."""
    node: Node
    """What stands there."""
    annotation: Any
    """Its type, with the limits of the field."""
    rest: Path
    """What is left of the path."""

    @property
    def key(self) -> str | int:
        """The last part of the way."""
        return self.path[-1]


def step(node: Node, annotation: Any, done: Path, rest: Path, *, absent: str = "unknown name") -> Step:
    """Return the first step of `rest` from a value of type `annotation` at the path `done`.

    A field that is not written holds its default. `absent` is the rule that the last step breaks when it names an entry
    that a mapping of names does not have; empty: it may. Raises `NoPathError`.
    """
    kind = narrow(annotation, node)
    if kind is None:
        raise NoPathError(done, "unknown kind", f"kinds: {', '.join(kinds(annotation))}")
    if get_origin(kind) is tuple:
        return _item(node, kind, done, rest)
    if kind is not Any and not is_record(kind) and get_origin(kind) is not dict:
        raise NoPathError((*done, *rest), "unknown path", f"{render(done)} is a single value")
    value = node.value if isinstance(node.value, dict) else {}
    key, rest = _key(value, kind, rest)
    if below(kind, key) is None:
        raise NoPathError((*done, key), "unknown path", nearest(key, fields(kind), "keys"))
    if key not in value and get_origin(kind) is dict and (rest or absent):
        raise NoPathError((*done, key), "unknown name" if rest else absent, nearest(key, value, "names"))
    return Step((*done, key), value[key] if key in value else _default(kind, key), limited(kind, key), rest)


def reach(root: Node, top: type[BaseModel], path: Path) -> Step:
    """Return the last step of a path from the root of a tree. Raises `NoPathError` where it ends before."""
    found = Step((), root, top, path)
    while found.rest:
        if found.node.value is None and found.path:
            raise NoPathError((*found.path, *found.rest), "unknown path", f"{render(found.path)} is not set")
        found = step(found.node, found.annotation, found.path, found.rest)
    return found


def limited(kind: Any, key: str | int) -> Any:
    """Return the type of a part with the limits that its field sets."""
    if is_record(kind):
        field = fields(kind)[str(key)]
        return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return below(kind, key)


def narrow(annotation: Any, node: Node) -> Any:
    """Return the type of a value, unions resolved by what is written, or None when nothing tells."""
    if not is_tagged(annotation):
        return bare(annotation)
    if "interval" in kinds(annotation):
        return tagged(annotation, "interval" if isinstance(node.value, dict) else "name")
    tag = node.get("kind") or node.get("do")
    return tagged(annotation, str(tag.value)) if tag is not None else None


def _item(node: Node, kind: Any, done: Path, rest: Path) -> Step:
    items = node.value if isinstance(node.value, list) else [] if node.value is None else [node]
    index = int(rest[0]) if str(rest[0]).isdecimal() else -1
    if not 0 <= index < len(items):
        last = f"the last is {render((*done, len(items) - 1))}" if items else f"{render(done)} is empty"
        raise NoPathError((*done, rest[0]), "unknown path", last)
    return Step((*done, index), items[index], below(kind, index), rest[1:])


def _key(value: Mapping[str, Node], kind: Any, rest: Path) -> tuple[str, Path]:
    """Return the key that a path goes on with and the rest; names of mappings may hold dots."""
    words = [str(part) for part in rest]
    if get_origin(kind) is dict:
        if is_scalar(get_args(kind)[1]):
            return ".".join(words), ()
        for end in range(len(words), 1, -1):
            if ".".join(words[:end]) in value:
                return ".".join(words[:end]), rest[end:]
    return words[0], rest[1:]


def _default(kind: Any, key: str) -> Node:
    field = fields(kind).get(key) if is_record(kind) else None
    if field is None or field.get_default(call_default_factory=False) is PydanticUndefined:
        return Node(None, CHANGES)
    return plant(field.get_default(call_default_factory=False), CHANGES)
