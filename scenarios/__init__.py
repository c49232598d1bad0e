"""What a plan is: schema, loader, cross-checks and the shipped scenarios.

>>> import scenarios
>>> plan = scenarios.load("annual-promotion", changes={"market.users": 20_000})
>>> plan.market.users
20000
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.changes import parse_set
    from scenarios.compose import load, override
    from scenarios.faults import Fault, ScenarioError
    from scenarios.provenance import source_of, uncovered
    from scenarios.registry import names, question
    from scenarios.scenario import Scenario
    from scenarios.uncertainty import Prior
    from scenarios.values import as_written, value_at
    from scenarios.writer import dump, dump_changes, json_schema, write_schema

_HOME = {
    "Fault": "faults",
    "Prior": "uncertainty",
    "Scenario": "scenario",
    "ScenarioError": "faults",
    "as_written": "values",
    "dump": "writer",
    "dump_changes": "writer",
    "json_schema": "writer",
    "load": "compose",
    "names": "registry",
    "override": "compose",
    "parse_set": "changes",
    "question": "registry",
    "source_of": "provenance",
    "uncovered": "provenance",
    "value_at": "values",
    "write_schema": "writer",
}

__all__ = [
    "Fault",
    "Prior",
    "Scenario",
    "ScenarioError",
    "as_written",
    "dump",
    "dump_changes",
    "json_schema",
    "load",
    "names",
    "override",
    "parse_set",
    "question",
    "source_of",
    "uncovered",
    "value_at",
    "write_schema",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'scenarios' has no attribute {name!r}")
    return getattr(import_module(f"scenarios.{_HOME[name]}"), name)
