"""A scenario from its files: extends, overlays, changes, then validation with every fault at once."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from scenarios import registry
from scenarios.changes import apply, prune
from scenarios.check import Kpis, cross_check
from scenarios.extend import Extender
from scenarios.faults import CHANGES, Fault, ScenarioError, nearest, shown
from scenarios.priors import without_lapsed
from scenarios.scenario import SCHEMA_VERSION, Scenario
from scenarios.translate import findings
from scenarios.tree import Node, find, merge, place, plain, plant

MAX_OVERLAYS = 32


def load(
    name_or_path: str | os.PathLike[str],
    overlays: Iterable[str] = (),
    changes: Mapping[str, Any] | None = None,
    *,
    known_kpis: Kpis = None,
) -> Scenario:
    """Return the scenario of a shipped name or of a file, with overlays and then changes by path applied.

    `known_kpis` are the KPI ids of the simulator, against which targets, baselines and rules are checked.
    Raises `ScenarioError` with every fault: of the file, of what it extends, of its overlays and of the changes.
    """
    path, label = registry.locate(name_or_path)
    extender = Extender()
    root = extender.read(path, label)
    faults = extender.faults
    if root is None:
        raise ScenarioError(faults)
    chosen = [overlays] if isinstance(overlays, str) else list(overlays)
    if known_kpis is not None:
        known_kpis = list(known_kpis() if callable(known_kpis) else known_kpis)
    final, found = _overlay(root, chosen)
    faults += found
    final, found = _change(final, changes or {})
    faults += found
    scenario, found = _validate(final, known_kpis, whole=extender.whole)
    read = {(fault.file, fault.line, fault.path) for fault in extender.faults if fault.path}
    faults = faults + [fault for fault in found if (fault.file, fault.line, fault.path) not in read]
    faults += _trials(root, chosen, known_kpis)
    if faults or scenario is None:
        raise ScenarioError(_ordered(faults, label))
    return scenario


def override(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a new, validated scenario with the values at these paths changed.

    A value replaces all that stood at its path; null removes an entry or resets a field to its default.
    Raises `ScenarioError` with every fault.
    """
    root, faults = _change(plant(scenario, scenario.name), changes)
    changed, found = _validate(root, None, whole=True)
    faults += found
    if any(str(path).startswith("overlays") for path in changes):
        faults += _trials(root, [], None)
    if faults or changed is None:
        raise ScenarioError(_ordered(faults, scenario.name))
    return changed


def _change(root: Node, changes: Mapping[str, Any]) -> tuple[Node, list[Fault]]:
    changed, faults = apply(root, changes, Scenario)
    return without_lapsed(changed, root), faults


def _overlay(root: Node, names: Iterable[str]) -> tuple[Node, list[Fault]]:
    known = _overlays(root)
    faults = []
    for name in names:
        if name in known:
            root = without_lapsed(merge(root, known[name]), root)
        else:
            fix = nearest(str(name), known, "overlays")
            faults.append(Fault(root.file, 0, "overlays", shown(str(name)), "unknown overlay", fix))
    return root, faults


def _overlays(root: Node) -> dict[str, Node]:
    overlays = root.get("overlays")
    entries = overlays.value.items() if overlays is not None and isinstance(overlays.value, dict) else ()
    return {name: node for name, node in entries if isinstance(node.value, dict)}


def _trials(root: Node, chosen: Iterable[str], known_kpis: Kpis) -> list[Fault]:
    """Return the faults that each overlay would bring, were it applied alone."""
    overlays = _overlays(root)
    if len(overlays) > MAX_OVERLAYS:
        return [_fault(root, ("overlays",), f"holds {len(overlays)} overlays, but at most {MAX_OVERLAYS} are allowed")]
    own: set[tuple[str, str]] | None = None
    faults = []
    for name, node in overlays.items():
        for key in ("overlays", "extends"):
            if key in node.value:
                faults.append(_fault(root, ("overlays", name, key), f"an overlay cannot hold {key}"))
        if name in chosen:
            continue
        _, found = _validate(without_lapsed(merge(root, node), root), known_kpis, whole=True)
        if found and own is None:
            own = {(fault.path, fault.value) for fault in _validate(root, known_kpis, whole=True)[1]}
        for fault in found:
            if (fault.path, fault.value) not in (own or ()) and not fault.path.startswith("overlays"):
                faults.append(replace(fault, path=f"overlays.{name}.{fault.path}"))
    return faults


def _fault(root: Node, path: tuple[str, ...], rule: str) -> Fault:
    node, _ = find(root, path)
    return Fault(node.file, node.spot, ".".join(path), "", rule)


def _validate(root: Node, known_kpis: Kpis, *, whole: bool) -> tuple[Scenario | None, list[Fault]]:
    version = root.get("schema")
    if version is not None and type(version.value) is int and version.value > SCHEMA_VERSION:
        rule = f"is a newer schema than this Sandtable reads ({SCHEMA_VERSION})"
        fault = Fault(version.file, version.spot, "schema", shown(version.value), rule, "update Sandtable")
        return None, [fault]
    kept, faults = prune(root, Scenario)
    data = plain(kept)
    scenario, found = None, []
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        found = [finding for finding in findings(error, Scenario) if whole or finding.rule != "is missing"]
    if whole:
        found += cross_check(data, scenario, known_kpis)
    return scenario, faults + [place(kept, finding) for finding in found]


def _ordered(faults: Iterable[Fault], label: str) -> list[Fault]:
    """Return the faults by file (the scenario's own first, changes last) and line, each once."""
    once = list(dict.fromkeys(faults))
    files = list(dict.fromkeys(fault.file for fault in once))
    rank = {file: index for index, file in enumerate(files, 1)} | {label: 0, CHANGES: len(files) + 1}
    return sorted(once, key=lambda fault: (rank[fault.file], fault.line))
