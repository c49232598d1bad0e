"""What leaves: a resolved scenario as YAML, and the schema as JSON Schema for editors."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from scenarios import literals
from scenarios.loader import CoreResolver
from scenarios.scenario import Scenario

SCHEMA_FILE = Path(__file__).resolve().parent / "schema.json"
_LIMITS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_TEXTS = {
    "text-number": rf"^\s*{literals.NUMBER}\s*[%x]?\s*$",
    "text-amount": rf"^\s*{literals.NUMBER}\s*$",
    "text-days": rf"^\s*({literals.DURATION}|{literals.NUMBER})\s*$",
    "text-hours": rf"^\s*{literals.SPAN}\s*$",
    "text-budget": rf"^\s*{literals.NUMBER}\s*%?\s*$",
}
_FORMS = {
    literals.number: "text-number",
    literals.amount: "text-amount",
    literals.days: "text-days",
    literals.hours: "text-hours",
}


class _Dumper(CoreResolver, yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """PyYAML folds the next-line character away unless it is escaped."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\x85" in text else None)


_Dumper.add_representer(str, _text)


def dump(scenario: Scenario) -> str:
    """Return the scenario as YAML with every default written out; it loads back to an equal scenario."""
    data = scenario.model_dump(mode="json", by_alias=True)
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def dump_changes(base: Scenario, changed: Scenario, extends: str) -> str:
    """Return a file that extends the shipped scenario `extends`, which is `base`, and says what is changed in it.

    >>> import scenarios
    >>> base = scenarios.load("annual-promotion")
    >>> print(dump_changes(base, base.override({"market.users": 20_000}), "annual-promotion"))
    extends: annual-promotion
    market:
      users: 20000
    <BLANKLINE>
    """
    old, new = (s.model_dump(mode="json", by_alias=True) for s in (base, changed))
    text = {"extends": extends, **_changes(old, new)}
    return yaml.dump(text, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return what makes `new` of `old`, merged as a file is into what it extends; None removes."""
    found: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            if value != before:
                found[name] = _changes(before, value)
        elif name not in old or value != before:
            found[name] = value
    return found


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of scenario files.

    A file that extends something, and an overlay, may leave out whatever they inherit; null removes an entry.
    """
    whole = Scenario.model_json_schema(by_alias=True, schema_generator=_Generator, ref_template="#/$defs/{model}")
    defs = whole.pop("$defs")
    defs["Scenario"] = {**whole, "properties": {**whole["properties"], "extends": _EXTENDS}}
    parts = {f"Partial{name}": _finished(schema, partial=True) for name, schema in defs.items()}
    defs = {name: _finished(schema, partial=False) for name, schema in defs.items()}
    for name in ("Scenario", "PartialScenario"):
        overlays = {"anyOf": [{"$ref": "#/$defs/PartialScenario"}, {"type": "null"}]}
        (defs | parts)[name]["properties"]["overlays"]["additionalProperties"] = overlays
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sandtable scenario",
        "description": whole["description"],
        "type": "object",
        "if": {"required": ["extends"]},
        "then": {"$ref": "#/$defs/PartialScenario"},
        "else": {"$ref": "#/$defs/Scenario"},
        "$defs": defs | parts | {name: {"type": "string", "pattern": text} for name, text in _TEXTS.items()},
    }


def write_schema(path: Path = SCHEMA_FILE) -> None:
    """Write the JSON Schema to a file."""
    path.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


_EXTENDS: JsonSchemaValue = {
    "description": "Shipped name or path of what this file extends, or a list of them; later ones stand over earlier.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}],
}


class _Generator(GenerateJsonSchema):
    """Adds the literals that people write to the types that they stand for."""

    def function_before_schema(self, schema: Any) -> JsonSchemaValue:
        inner, reader = super().function_before_schema(schema), schema["function"]["function"]
        if reader is literals.aslist:
            return {"anyOf": [inner["items"], inner]}
        if reader is literals.budget:
            return {"anyOf": [{"type": "number", "minimum": 0}, {"text": "text-budget"}]}
        return {"anyOf": [inner, {"text": _FORMS[reader]}]} if reader in _FORMS else inner

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        entries = found.get("additionalProperties")
        if isinstance(entries, dict):
            found["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
        return found

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        found = super().generate_inner(schema)
        limits = {_LIMITS[key]: found.pop(key) for key in list(found) if key in _LIMITS}
        if limits:
            found["anyOf"][0] |= limits
        return found

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _finished(schema: Any, *, partial: bool) -> Any:
    """Return a schema with references to the literals; if `partial`, nothing is required in it or below it."""
    if isinstance(schema, list):
        return [_finished(item, partial=partial) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.keys() == {"text"}:
        return {"$ref": f"#/$defs/{schema['text']}"}
    found = {key: _finished(item, partial=partial) for key, item in schema.items() if key != "discriminator"}
    if partial:
        if isinstance(found.get("required"), list):
            del found["required"]
        if isinstance(found.get("$ref"), str) and "/text-" not in found["$ref"]:
            found["$ref"] = found["$ref"].replace("#/$defs/", "#/$defs/Partial")
        if isinstance(found.get("oneOf"), list):
            found["anyOf"] = found.pop("oneOf")
    return found
