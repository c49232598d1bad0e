"""A scenario as written: plain values in which every part knows its file and line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from scenarios.faults import Fault, shown
from scenarios.paths import Path, render

_INTERVAL = {"days", "months", "dates"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place. `value` is a dict of nodes, a list of nodes or a scalar."""

    value: Any
    file: str = ""
    line: int = 0
    """Line on which the value begins; 0: none."""
    key_line: int = 0
    """Line of the key it belongs to; 0: none."""
    removes: bool = False
    """A null that stands over an inherited value."""

    @property
    def spot(self) -> int:
        """Line to report: of the value, or of the key when the value is a mapping or a list."""
        return (self.key_line or self.line) if isinstance(self.value, dict | list) else (self.line or self.key_line)

    def get(self, key: str) -> "Node | None":
        """Return a part of a mapping, or None."""
        return self.value.get(key) if isinstance(self.value, dict) else None


@dataclass(frozen=True)
class Finding:
    """What breaks a rule at a path, before it is known where that stands."""

    path: Path
    rule: str
    fix: str = ""
    value: str | None = None
    """What to show as the value; None: the one at `path`."""
    other: Path = ()
    """Path of another value that takes part in the fault; it is cited when it stands in another file."""


def plant(value: Any, file: str = "", line: int = 0) -> Node:
    """Return the node of a plain value; records give the fields that were set, arrays their numbers."""
    if type(value) in (str, int, float, bool):
        return Node(value, file, line)
    if hasattr(value, "model_dump"):
        value = value.model_dump(by_alias=True, exclude_unset=True)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return Node({str(key): plant(item, file, line) for key, item in value.items()}, file, line)
    if isinstance(value, list | tuple):
        return Node([plant(item, file, line) for item in value], file, line)
    return Node(value.isoformat() if isinstance(value, date) else value, file, line)


def plain(node: Node) -> Any:
    """Return the plain value of a node."""
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def find(node: Node, path: Path) -> tuple[Node, bool]:
    """Return the node at a path, or the deepest one on the way to it, and whether it was reached."""
    for part in path:
        if isinstance(node.value, list):
            parts = dict(enumerate(node.value))
        elif isinstance(node.value, dict):
            parts = node.value
        else:
            return node, part == 0
        if part not in parts:
            return node, False
        node = parts[part]
    return node, True


def merge(base: Node, top: Node) -> Node:
    """Return `base` with `top` over it: mappings merge deeply, lists and scalars replace, null marks a removal.

    A mapping of another kind (`kind`, `do`) and an interval replace what they stand over.
    """
    if isinstance(base.value, dict) and isinstance(top.value, dict):
        if _replaces(base.value, top.value):
            return top
        merged = dict(base.value)
        for key, node in top.value.items():
            merged[key] = merge(merged[key], node) if key in merged else replace(node, removes=False)
        return replace(top, value=merged)
    if top.value is None:
        return replace(top, removes=base.value is not None or base.removes)
    return top


def _replaces(base: dict[str, Node], top: dict[str, Node]) -> bool:
    if base and top and base.keys() | top.keys() <= _INTERVAL:
        return True
    return any(key in base and key in top and base[key].value != top[key].value for key in ("kind", "do"))


def place(root: Node, finding: Finding) -> Fault:
    """Return the fault of a finding: with the place and the value that stand at its path."""
    node, reached = find(root, finding.path)
    text = finding.value
    if text is None:
        text = shown(plain(node)) if reached and not isinstance(node.value, dict) else ""
    other, _ = find(root, finding.other)
    fix = finding.fix
    if finding.other and other.file != node.file:
        where = f"{other.file}:{other.spot}" if other.spot else other.file
        note = f"{render(finding.other)} is set in {where}"
        fix = f"{fix} ({note})" if fix else note
    return Fault(node.file, node.spot, render(finding.path), text, finding.rule, fix)
