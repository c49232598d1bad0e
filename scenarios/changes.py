"""Changes by path, such as `market.users: 20_000`, and what null removes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from scenarios.faults import CHANGES, Fault, ScenarioError, nearest, shown
from scenarios.loader import read_text
from scenarios.paths import (
    Path,
    bare,
    below,
    fields,
    is_record,
    is_scalar,
    is_tagged,
    kinds,
    nullable,
    parse,
    render,
    tagged,
)
from scenarios.tree import Node, plain, plant


class _NoPathError(Exception):
    def __init__(self, path: Path, rule: str, fix: str = "") -> None:
        super().__init__(path, rule, fix)
        self.path, self.rule, self.fix = path, rule, fix


def parse_set(text: str) -> tuple[str, Any]:
    """Return path and value of `PATH=VALUE`; the value is YAML, such as 20_000, 5%, [mon, tue] or {off: 60}.

    Raises `ScenarioError`.

    >>> parse_set("levers.welfare.open=[q1, q2]")
    ('levers.welfare.open', ['q1', 'q2'])
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ScenarioError([Fault("--set", 0, "", shown(text), "must be PATH=VALUE", "write market.users=20_000")])
    node, faults = read_text(value.strip() or "null", f"--set {path.strip()}")
    if faults or node is None:
        raise ScenarioError(replace(fault, line=0) for fault in faults)
    return path.strip(), plain(node)


def apply(root: Node, changes: Mapping[str, Any], top: type[BaseModel]) -> tuple[Node, list[Fault]]:
    """Return the tree with each value put in place of what stands at its path, and the faults of the paths.

    A value replaces all that stood there; null removes an entry or resets a field to its default.
    """
    faults = []
    for text, value in changes.items():
        try:
            path = parse(str(text))
        except ValueError:
            rule, fix = "is not a path", "write a path such as levers.welfare.off or clock.x[0]"
            faults.append(Fault(CHANGES, 0, "", shown(str(text)), rule, fix))
            continue
        try:
            root = _put(root, top, (), path, plant(value, CHANGES))
        except _NoPathError as error:
            faults.append(Fault(CHANGES, 0, render(error.path), "", error.rule, error.fix))
    return root, faults


def _put(node: Node, annotation: Any, done: Path, rest: Path, new: Node) -> Node:
    """Return `node`, of type `annotation` at the path `done`, with `new` at `rest` below it."""
    if not rest:
        return replace(new, removes=True) if new.value is None else new
    kind = _narrow(annotation, node)
    if kind is None:
        raise _NoPathError(done, "unknown kind", f"kinds: {', '.join(kinds(annotation))}")
    if get_origin(kind) is tuple:
        return _put_item(node, kind, done, rest, new)
    if kind is not Any and not is_record(kind) and get_origin(kind) is not dict:
        raise _NoPathError((*done, *rest), "unknown path", f"{render(done)} is a single value")
    value = node.value if isinstance(node.value, dict) else {}
    key, rest = _key(value, kind, rest)
    inner = below(kind, key)
    if inner is None:
        raise _NoPathError((*done, key), "unknown path", nearest(key, fields(kind), "keys"))
    if key in value:
        part = value[key]
    elif rest and get_origin(kind) is dict:
        raise _NoPathError((*done, key), "unknown name", nearest(key, value, "names"))
    elif new.value is None and get_origin(kind) is dict:
        raise _NoPathError((*done, key), "there is nothing to remove", nearest(key, value, "names"))
    else:
        part = _default(kind, key)
    return replace(node, value={**value, key: _put(part, inner, (*done, key), rest, new)})


def _put_item(node: Node, kind: Any, done: Path, rest: Path, new: Node) -> Node:
    items = node.value if isinstance(node.value, list) else [] if node.value is None else [node]
    index = int(rest[0]) if str(rest[0]).isdecimal() else -1
    if not 0 <= index < len(items):
        last = f"the last is {render((*done, len(items) - 1))}" if items else f"{render(done)} is empty"
        raise _NoPathError((*done, rest[0]), "unknown path", last)
    item = _put(items[index], below(kind, index), (*done, index), rest[1:], new)
    return replace(node, value=[*items[:index], item, *items[index + 1 :]])


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


def prune(root: Node, top: type[BaseModel]) -> tuple[Node, list[Fault]]:
    """Return the tree without what null removes, and a fault for each null that had nothing to remove.

    In a mapping of names, null removes the inherited entry. In a record, it is a value where the schema allows null,
    and otherwise resets an inherited field to its default.
    """
    faults = []
    for path in list(_nulls(root, ())):
        around, null = root, root
        kind, inner = None, top
        for part in path:
            around, kind = null, _narrow(inner, null)
            null, inner = around.value[part], below(kind, part)
        if inner is None or nullable(inner) or not isinstance(path[-1], str):
            continue
        if not null.removes and get_origin(kind) is not dict:
            continue
        if not null.removes:
            fix = nearest(path[-1], (name for name in around.value if name != path[-1]), "names")
            faults.append(Fault(null.file, null.spot, render(path), "null", "there is nothing to remove", fix))
        root = _without(root, path)
    return root, faults


def _nulls(node: Node, path: Path) -> Iterator[Path]:
    if node.value is None:
        yield path
    elif isinstance(node.value, dict | list):
        for key, part in node.value.items() if isinstance(node.value, dict) else enumerate(node.value):
            if part.value is None or isinstance(part.value, dict | list):
                yield from _nulls(part, (*path, key))


def _without(node: Node, path: Path) -> Node:
    value = node.value.copy()
    if len(path) == 1:
        del value[path[0]]
    else:
        value[path[0]] = _without(value[path[0]], path[1:])
    return replace(node, value=value)


def _narrow(annotation: Any, node: Node) -> Any:
    """Return the type of a value, unions resolved by what is written, or None when nothing tells."""
    if not is_tagged(annotation):
        return bare(annotation)
    if "interval" in kinds(annotation):
        return tagged(annotation, "interval" if isinstance(node.value, dict) else "name")
    tag = node.get("kind") or node.get("do")
    return tagged(annotation, str(tag.value)) if tag is not None else None
