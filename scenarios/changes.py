"""Changes by path, such as `market.users: 20_000`, and what null removes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_origin

from pydantic import BaseModel

from scenarios.faults import CHANGES, Fault, ScenarioError, nearest, shown
from scenarios.loader import read_text
from scenarios.paths import Path, below, nullable, parse, render
from scenarios.steps import NoPathError, narrow, step
from scenarios.tree import Node, plain, plant


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
        except NoPathError as error:
            faults.append(Fault(CHANGES, 0, render(error.path), "", error.rule, error.fix))
    return root, faults


def _put(node: Node, annotation: Any, done: Path, rest: Path, new: Node) -> Node:
    """Return `node`, of type `annotation` at the path `done`, with `new` at `rest` below it."""
    if not rest:
        return replace(new, removes=True) if new.value is None else new
    at = step(node, annotation, done, rest, absent="there is nothing to remove" if new.value is None else "")
    part = _put(at.node, at.annotation, (*done, at.key), at.rest, new)
    if isinstance(at.key, int):
        items = node.value if isinstance(node.value, list) else [node]
        return replace(node, value=[*items[: at.key], part, *items[at.key + 1 :]])
    value = node.value if isinstance(node.value, dict) else {}
    return replace(node, value={**value, at.key: part})


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
            around, kind = null, narrow(inner, null)
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
