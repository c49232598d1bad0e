"""Reading one YAML file: YAML 1.2 core schema, nothing executed, everything bounded, every value with its line."""

import os
import re
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

import yaml

from scenarios.faults import Fault, shown
from scenarios.paths import Path, render
from scenarios.tree import Node

MAX_BYTES = 2 * 2**20
MAX_DEPTH = 40
MAX_NODES = 100_000
MAX_DIGITS = 300

_TAG = "tag:yaml.org,2002:"
_CORE = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}


class CoreResolver:
    """The implicit types of the YAML 1.2 core schema: `no`, `on`, `12:30` and dates are text."""

    yaml_implicit_resolvers: dict[str, Any] = {
        first: [(_TAG + tag, re.compile(rf"(?:{text})\Z")) for tag, (text, firsts) in _CORE.items() if first in firsts]
        for first in {first for _, firsts in _CORE.values() for first in firsts}
    }


class _Reader(CoreResolver, yaml.SafeLoader):
    depth = 0
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        self.nodes += 1
        _bound(self.depth, self.nodes, self.peek_event().start_mark.line + 1)  # type: ignore[no-untyped-call]
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _LimitError(Exception):
    def __init__(self, line: int, rule: str, fix: str) -> None:
        super().__init__(line, rule, fix)
        self.line, self.rule, self.fix = line, rule, fix


def read(path: FilePath, label: str) -> tuple[Node | None, list[Fault]]:
    """Return the tree of a scenario file, or None when it holds none, and its faults; they call the file `label`."""
    try:
        text = _text(path)
    except _LimitError as error:
        return None, [Fault(label, error.line, "", "", error.rule, error.fix)]
    root, faults = read_text(text, label)
    if root is not None and not isinstance(root.value, dict):
        rule = "a scenario must be a mapping of keys such as name, market and levers"
        return None, [*faults, Fault(label, root.line, "", "", rule)]
    return root, faults


def read_text(text: str, label: str) -> tuple[Node | None, list[Fault]]:
    """Return the tree of a YAML text, or None when it cannot be read, and its faults."""
    try:
        top = _Reader(text).get_single_node()
        if top is None:
            raise _LimitError(1, "the file is empty", "begin with name, question and extends")
        planter = _Planter(label)
        return planter.node(top, (), 0), planter.faults
    except _LimitError as error:
        return None, [Fault(label, error.line, "", "", error.rule, error.fix)]
    except yaml.YAMLError as error:
        return None, [_syntax(label, error)]


def _text(path: FilePath) -> str:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _LimitError(0, "is not a file", "give the path of a YAML file")
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _LimitError(0, "there is no such file", _beside(path)) from None
    except (OSError, ValueError) as error:
        raise _LimitError(0, f"cannot be read: {getattr(error, 'strerror', None) or error}", "") from None
    if len(data) > MAX_BYTES:
        raise _LimitError(0, f"the file is larger than {MAX_BYTES // 2**20} MiB", "split it and use extends")
    if b"\0" in data:
        raise _LimitError(data.count(b"\n", 0, data.index(b"\0")) + 1, "is not a text file", "save it as UTF-8 text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _LimitError(line, f"is not UTF-8 text: byte {data[error.start]:#04x}", "save it as UTF-8") from None


def _beside(path: FilePath) -> str:
    close = get_close_matches(path.name, [other.name for other in path.parent.glob("*.yaml")], n=1)
    return f"did you mean {path.parent / close[0]}?" if close else ""


def _syntax(label: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 0
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    if getattr(error, "context", None) == "expected a single document in the stream":
        return Fault(label, line, "", "", "holds more than one document", "remove the line `---` or split the file")
    fix = "indent with spaces, not tabs" if "'\\t'" in problem else ""
    return Fault(label, line, "", "", f"is not valid YAML: {problem}", fix)


def _bound(depth: int, nodes: int, line: int) -> None:
    if depth > MAX_DEPTH:
        raise _LimitError(line, f"is nested more than {MAX_DEPTH} deep", "nest less")
    if nodes > MAX_NODES:
        rule = f"holds more than {MAX_NODES:,} values once aliases are expanded"
        raise _LimitError(line, rule, "use fewer values and aliases")


class _Planter:
    """Turns composed YAML nodes into a tree, collecting faults."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.faults: list[Fault] = []
        self.nodes = 0

    def node(self, source: Any, path: Path, key_line: int) -> Node:
        self.nodes += 1
        line = source.start_mark.line + 1
        _bound(len(path) + 1, self.nodes, line)
        if isinstance(source, yaml.MappingNode):
            value: Any = dict(self._entries(source, path))
        elif isinstance(source, yaml.SequenceNode):
            value = [self.node(item, (*path, index), 0) for index, item in enumerate(source.value)]
        else:
            value = self._scalar(source, path, line)
        if source.tag not in _tags(source):
            tag = shown(source.tag.replace(_TAG, "!!"))
            self.faults.append(Fault(self.label, line, render(path), tag, "tags are refused", "remove the tag"))
        return Node(value, self.label, line, key_line)

    def _entries(self, source: Any, path: Path) -> Iterator[tuple[str, Node]]:
        seen: dict[str, int] = {}
        for key, item in source.value:
            line = key.start_mark.line + 1
            if (name := self._key(key, path, line)) is None:
                continue
            if name in seen:
                rule, fix = f"the key is given twice, first on line {seen[name]}", "remove one of them"
                self.faults.append(Fault(self.label, line, render((*path, name)), "", rule, fix))
            seen.setdefault(name, line)
            yield name, self.node(item, (*path, name), line)

    def _key(self, key: Any, path: Path, line: int) -> str | None:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in _tags(key) or not _is_text(key.value):
            self.faults.append(Fault(self.label, line, render(path), "", "a key must be plain text"))
            return None
        return str(key.value)

    def _scalar(self, source: Any, path: Path, line: int) -> Any:
        text, tag = source.value, source.tag.removeprefix(_TAG)
        if not _is_text(text):
            self.faults.append(Fault(self.label, line, render(path), ascii(text[:20]), "is not valid Unicode text"))
            return ""
        pattern = _CORE.get(tag, ("", []))[0]
        if not pattern or not re.fullmatch(pattern, text):
            if pattern:
                self.faults.append(Fault(self.label, line, render(path), shown(text), f"is not a YAML {tag}"))
            return text
        if tag == "int" and len(text) > MAX_DIGITS:
            rule = f"has more than {MAX_DIGITS} digits"
            self.faults.append(Fault(self.label, line, render(path), shown(text), rule))
            return 0
        return _READ[tag](text)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_READ: dict[str, Any] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": _float,
}


def _tags(source: Any) -> set[str]:
    kind = {yaml.MappingNode: "map", yaml.SequenceNode: "seq"}.get(type(source))
    return {_TAG + kind} if kind else {_TAG + tag for tag in ("str", *_CORE)}


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
