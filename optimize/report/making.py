"""What the search says of its proof, its doubts, and what made the report."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optimize.report.sentences import PRICES, PROOF, SHOWN
from optimize.report.wording import Wording

if TYPE_CHECKING:
    from optimize.optimum import Optimum

CODES = ("scenario_digest", "model_version")


def sentences(found: "Optimum", wording: Wording) -> tuple[list[str], list[tuple[str, bool]]]:
    """Return what is said of the proof, and the doubts, each with whether it is in the report's language."""
    proof: list[str] = []
    doubts: list[tuple[str, bool]] = []
    for note in found.answer.notes:
        kind, text = wording.sentence(note)
        if kind in PROOF:
            proof.append(text)
        elif kind not in (*PRICES, *SHOWN):
            doubts.append((text, bool(kind)))
    return proof, doubts


def facts(found: "Optimum", wording: Wording, asked: str | None = None) -> list[tuple[str, str, bool]]:
    """Return what made the report: item, value, and whether the value is a code to be copied.

    `asked`: the command that asked; one is made up where it was asked from Python.
    """
    made, known = found.answer.manifest, wording.entry("making")
    kept = {key: value for key, value in made.items() if value not in (None, False, "", 0.0, [], {})}
    lines = [
        (wording(f"making.{key}") if key in known else key, _fact(value, wording), key in CODES)
        for key, value in kept.items()
        if key != "confirmed" and not (key == "search_users" and value == made["users"])
    ]
    return [*lines, (wording("making.command"), asked or command(found), True)]


def _fact(value: Any, wording: Wording) -> str:
    if value is True:
        return wording("making.yes")
    if isinstance(value, Mapping):
        return ", ".join(map(str, value))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return wording.whole(value) if isinstance(value, int | float) and abs(value) >= 1000 else str(value)


def command(found: "Optimum") -> str:
    """Return the command that asks the same of the scenario again, as long as the scenario is the shipped one."""
    from optimize.optimum import HOLDOUTS

    made, market = found.answer.manifest, found.market
    searched = len(found.proposal.runs)
    words = ["sandtable", "optimize", str(made["scenario"]), "--users", str(made["users"]), "--goal", str(made["goal"])]
    words += ["--budget", f"{made['budget']:.2f}".removesuffix(".00")] if market.posts else []
    own = found.scenario.choices.settings
    for path, span in market.settings.items():
        words += [] if path in own else ["--free", f"{path}={span.low:g}:{span.high:g}"]
    for name, cost in made["targets"].items():
        words += (
            []
            if name in found.scenario.choices.targets
            else ["--target", name if cost == "hard" else f"{name}={cost:g}"]
        )
    words += ["--locked"] if made["locked"] else []
    words += ["--roas", f"{made['roas']:g}"] if made["roas"] else []
    words += ["--marginal-roas", f"{made['marginal']:g}"] if made["marginal"] else []
    words += ["--risk", _measure(str(made["risk"]))] if made["risk"] else []
    words += ["--shocks"] if made["shocks"] else []
    words += [word for kpi in made["pareto"] for word in ("--pareto", kpi)]
    words += ["--search-users", str(made["search_users"])] if made["search_users"] != made["users"] else []
    words += ["--tolerance", f"{made['tolerance']:g}"] if made["tolerance"] else []
    words += ["--holdouts", str(made["holdouts"])] if made["holdouts"] != HOLDOUTS else []
    words += ["--replications", str(searched), "--verify", str(made["verify"]), "--seed", str(made["seed"])]
    return shlex.join(words)


def _measure(words: str) -> str:
    """Return a measure of risk as the command takes it.

    >>> _measure("mean of the worst 20%"), _measure("P(goal >= 3e+06)"), _measure("mean")
    ('cvar=20%', 'chance=3e+06', 'mean')
    """
    if words.startswith("mean of the worst "):
        return f"cvar={words.removeprefix('mean of the worst ')}"
    return f"chance={words.rsplit(' ', 1)[1].rstrip(')')}" if words.startswith("P(") else words
