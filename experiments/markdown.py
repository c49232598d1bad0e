"""A gate as Markdown: the summary of a pull request."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from experiments.answer import Answer
from experiments.gate import drifted
from experiments.tables import rows
from experiments.units import amount
from sim.kpis import KPIS

MOST = 10
"""KPIs told that moved most."""


def markdown(found: Answer) -> str:
    """Return a gate as GitHub-flavoured Markdown: verdict, what failed, what moved, and all checks folded away.

    Texts of scenarios stand as they are written: nothing in them is taken for Markdown or HTML.
    """
    checks = list(rows(found.tables["checks"]))
    failed = [check for check in checks if not check.passed]
    parts = [f"## {'✅' if found.good else '❌'} {plain(found.title)}"]
    if failed:
        parts.append(_table(("check", "what", "found"), map(_line, failed)))
    if lines := list(islice(moved(found), MOST)):
        parts.append(f"### What moved\n\n{_table(('KPI', 'baseline', 'now', 'change', 'tolerated'), lines)}")
    elif len(found.tables["drift"]):
        parts.append("Nothing moved: every KPI is exactly the baseline's.")
    lines = [("✅" if check.passed else "❌", *_line(check)) for check in checks]
    table = _table(("", "check", "what", "found"), lines)
    parts.append(f"<details>\n<summary>All {len(checks)} checks</summary>\n\n{table}\n\n</details>")
    parts.append("\n".join(f"- {plain(note)}" for note in (*found.notes, _market(found))))
    return "\n\n".join(parts) + "\n"


def plain(value: Any) -> str:
    """Return a text on one line in which nothing is Markdown or HTML.

    >>> print(plain("a|b\\n<b>*c*</b> & 20 %"))
    a\\|b &lt;b&gt;\\*c\\*&lt;/b&gt; &amp; 20 %
    """
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)


def _line(check: Any) -> tuple[str, ...]:
    name = check.name if check.title == check.name else f"{check.name} ({check.title})"
    return check.kind, name, check.words


def moved(found: Answer) -> Iterator[tuple[str, ...]]:
    """Yield title, baseline, now, change, tolerated of KPIs that are not what they were, the largest changes first."""
    drift = found.tables["drift"]
    other = drift[drift["difference"].fillna(0) != 0]
    order = other["relative"].abs().sort_values(ascending=False, kind="stable", na_position="first").index
    for row in rows(other.loc[order]):
        size, room = drifted(row.baseline, row.difference, row.tolerated, row.unit)
        then, now = amount(row.baseline, row.unit), amount(row.now, row.unit)
        yield KPIS[row.kpi].title, then, now, size, room if row.passed else f"{room}, exceeded"


def _market(found: Answer) -> str:
    facts = found.manifest
    digests = f"plan {facts['scenario_digest'][:12]}, model {facts['model_version'][:12]}"
    return f"{facts['users']:,} simulated users, {len(facts['seeds'])} seeds, {facts['days']} days; {digests}"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    body = [f"| {' | '.join(plain(cell) for cell in line)} |" for line in lines]
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *body])
