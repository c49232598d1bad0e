"""`extends`: what a scenario file inherits from shipped scenarios and from files beside it."""

import os
from dataclasses import replace
from pathlib import Path

from scenarios import registry
from scenarios.faults import Fault, nearest, shown
from scenarios.loader import read
from scenarios.priors import without_lapsed
from scenarios.tree import Node, merge

MAX_PARENTS = 16


class Extender:
    """Reads a file with all that it extends; a path never leaves the folder of the file that names it.

    `faults` holds what was wrong on the way; `whole` tells whether everything inherited was found.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.whole = True
        self._done: dict[Path, Node | None] = {}

    def read(self, path: Path, label: str, chain: tuple[tuple[Path, str], ...] = ()) -> Node | None:
        """Return the merged tree of a file, or None when the file itself cannot be read."""
        try:
            path = path.resolve()
        except (OSError, ValueError, RuntimeError) as error:
            self.faults.append(Fault(label, 0, "", "", f"is not a path: {error}"))
            return None
        if path in self._done:
            return self._done[path]
        root, faults = read(path, label)
        self.faults += faults
        extends = None if root is None else root.get("extends")
        if root is not None and extends is not None:
            own = replace(root, value={key: node for key, node in root.value.items() if key != "extends"})
            root = self._inherit(own, extends, (*chain, (path, label)))
        self._done[path] = root
        return root

    def _inherit(self, own: Node, extends: Node, chain: tuple[tuple[Path, str], ...]) -> Node:
        entries = extends.value if isinstance(extends.value, list) else [extends]
        if len(entries) > MAX_PARENTS or len(chain) > MAX_PARENTS:
            return self._refuse(own, extends, f"more than {MAX_PARENTS} files, one after another or side by side")
        base: Node | None = None
        for entry in entries:
            if entry.value is None:
                continue
            found = self._target(entry, chain[-1])
            if isinstance(found, tuple):
                self._refuse(own, entry, *found)
                continue
            target, label = found.path, found.label
            if any(target == path for path, _ in chain):
                names = [name for path, name in chain]
                start = next(i for i, (path, _) in enumerate(chain) if path == target)
                circle = " -> ".join([*names[start:], names[start]])
                self._refuse(own, entry, f"extends itself in a circle: {circle}", "remove one of these extends")
                continue
            parent = self.read(target, label, chain)
            if parent is None:
                self.whole = False
            else:
                base = parent if base is None else without_lapsed(merge(base, parent), base)
        return own if base is None else without_lapsed(merge(base, own), base)

    def _target(self, entry: Node, where: tuple[Path, str]) -> "_Target | tuple[str, str]":
        name = entry.value
        if not isinstance(name, str):
            return "must be a shipped name or a path", ""
        if not registry.is_path(name):
            shipped = {path.stem: path for path in registry.LIBRARY.glob("*.yaml")}
            if name not in shipped:
                return "there is no shipped scenario of this name", nearest(name, sorted(shipped), "scenarios")
            return _Target(shipped[name].resolve(), f"{name}.yaml")
        folder = where[0].parent
        try:
            target = (folder / name).resolve()
            found = target.is_file()
        except (OSError, ValueError, RuntimeError):
            return "is not a path", ""
        if os.path.isabs(name) or not target.is_relative_to(folder):
            return "leaves the folder of the file that extends it", "copy the file beside this one"
        if not found:
            here = [str(path.relative_to(folder)) for path in sorted(folder.glob("*.yaml"))[:200] if path != where[0]]
            return "there is no such file", nearest(name, here, "files")
        return _Target(target, os.path.normpath(os.path.join(os.path.dirname(where[1]), name)))

    def _refuse(self, own: Node, entry: Node, rule: str, fix: str = "") -> Node:
        self.whole = False
        self.faults.append(Fault(entry.file, entry.line, "extends", shown_name(entry.value), rule, fix))
        return own


class _Target:
    def __init__(self, path: Path, label: str) -> None:
        self.path = path
        self.label = label


def shown_name(value: object) -> str:
    """Return an `extends` entry as shown in a fault."""
    return shown(value) if isinstance(value, str | int | float) else ""
