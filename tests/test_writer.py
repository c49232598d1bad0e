"""The JSON Schema for editors, and the import that must stay light."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

import scenarios
from scenarios.writer import SCHEMA_FILE

SCHEMA = scenarios.json_schema()
DEFS = SCHEMA["$defs"]


def forms(record: str, field: str) -> list[dict[str, Any]]:
    """Return the alternatives that the schema allows for a field, references followed."""
    schema = DEFS[record]["properties"][field]
    found = [DEFS[form["$ref"].split("/")[-1]] if "$ref" in form else form for form in schema.get("anyOf", [schema])]
    return [inner for form in found for inner in form.get("anyOf", form.get("oneOf", [form]))]


def accepts(record: str, field: str, text: str) -> bool:
    texts = [form for form in forms(record, field) if form.get("type") == "string"]
    return any(re.search(form.get("pattern", ""), text) for form in texts)


def test_the_committed_schema_is_up_to_date() -> None:
    written = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert written == SCHEMA, 'run: python -c "import scenarios; scenarios.write_schema()"'


@pytest.mark.parametrize(
    ("record", "field", "text", "accepted"),
    [
        ("Media", "click", "3.2%", True),
        ("Media", "quality", "1.5x", True),
        ("Media", "click", "often", False),
        ("Offer", "valid", "15 days", True),
        ("Offer", "valid", "15 months", False),
        ("Offer", "off", "1_200", True),
        ("Offer", "off", "5%", False),
        ("Media", "hours", "19-21", True),
        ("Media", "hours", "evening", False),
        ("Media", "budget", "40%", True),
        ("Clock", "start", "2024-11-11", True),
        ("Clock", "days", "90 days", True),
        ("Stage", "media_price", "+30%", True),
        ("Media", "open", "double-11.burst", True),
    ],
)
def test_literals_are_accepted(record: str, field: str, text: str, accepted: bool) -> None:
    assert accepts(record, field, text) is accepted


def test_numbers_keep_their_bounds() -> None:
    assert {"type": "number", "minimum": 0, "maximum": 1} in forms("Media", "click")
    assert {"type": "integer", "minimum": 0, "maximum": 3660} in forms("Offer", "valid")


def test_a_file_that_extends_needs_nothing_else() -> None:
    assert SCHEMA["if"] == {"required": ["extends"]}
    assert "name" in DEFS["Scenario"]["required"]
    partial = {name: schema for name, schema in DEFS.items() if name.startswith("Partial")}
    assert not any("required" in schema for schema in partial.values())
    assert not any(f'"#/$defs/{name}"' in json.dumps(partial) for name in ("Media", "Market", "Clock"))


def test_extends_null_and_unknown_keys() -> None:
    for record in ("Scenario", "PartialScenario"):
        assert "extends" in DEFS[record]["properties"]
        assert DEFS[record]["additionalProperties"] is False
        assert {"type": "null"} in DEFS[record]["properties"]["levers"]["additionalProperties"]["anyOf"]


def test_every_reference_leads_somewhere() -> None:
    for target in set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(SCHEMA))):
        assert target in DEFS


def test_importing_and_listing_stay_light() -> None:
    code = (
        "import sys, scenarios; scenarios.question(scenarios.names()[0]); "
        "heavy = {'pydantic', 'yaml', 'numpy'} & set(sys.modules); assert not heavy, heavy; "
        "scenarios.load; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_names_of_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        scenarios.lode  # noqa: B018
