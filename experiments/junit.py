"""JUnit XML of a gate, as Jenkins, GitLab and GitHub actions read it: a test case for each check."""

import re
from typing import Any
from xml.etree import ElementTree as Xml

from experiments.answer import Answer
from experiments.tables import rows

_REFUSED = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, even escaped."""


def junit(found: Answer) -> str:
    """Return the checks of a gate as JUnit XML: one suite, named as the plan; a check that fails is a failure."""
    checks = list(rows(found.tables["checks"]))
    plan = str(found.manifest["scenario"])
    counts = {
        "tests": str(len(checks)), "failures": str(sum(not check.passed for check in checks)), "errors": "0",
        "time": "0",
    }  # fmt: skip
    top = Xml.Element("testsuites", {"name": "sandtable gate", **counts})
    suite = Xml.SubElement(top, "testsuite", {"name": _legal(plan), **counts, "skipped": "0"})
    facts = Xml.SubElement(suite, "properties")
    for key in ("scenario_digest", "model_version", "users", "days"):
        Xml.SubElement(facts, "property", {"name": key, "value": _legal(found.manifest[key])})
    for check in checks:
        what = {"classname": _legal(f"{plan}.{check.kind}"), "name": _legal(check.name), "time": "0"}
        case = Xml.SubElement(suite, "testcase", what)
        words = _legal(f"{check.title}: {check.words}")
        if check.passed:
            Xml.SubElement(case, "system-out").text = words
        else:
            Xml.SubElement(case, "failure", {"message": words, "type": check.kind}).text = words
    Xml.SubElement(suite, "system-out").text = _legal("\n".join((found.title, *found.notes)))
    Xml.indent(top)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(top, encoding="unicode")}\n'


def _legal(value: Any) -> str:
    return _REFUSED.sub("\N{REPLACEMENT CHARACTER}", str(value))
