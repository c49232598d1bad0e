"""The shipped scenarios: their names, files and questions, without reading them whole."""

import os
from pathlib import Path

from scenarios.faults import Fault, ScenarioError, nearest

LIBRARY = Path(__file__).resolve().parent / "library"
BASE = "base"


def names() -> list[str]:
    """Return the names of the shipped scenarios, sorted; the base that they extend is not one of them."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml") if path.stem != BASE)


def question(name: str) -> str:
    """Return the question that a shipped scenario answers: the comment on its first line.

    Raises `ScenarioError` when no such scenario is shipped.
    """
    with open(locate(name)[0], encoding="utf-8") as file:
        first = file.readline().strip()
    return first.lstrip("# ").removeprefix("Question:").strip() if first.startswith("#") else ""


def is_path(text: str | os.PathLike[str]) -> bool:
    """Return whether a text is the path of a file, not a shipped name."""
    return not isinstance(text, str) or text.endswith((".yaml", ".yml")) or "/" in text or os.sep in text


def locate(text: str | os.PathLike[str]) -> tuple[Path, str]:
    """Return the file of a shipped name or a path, and what to call it in faults.

    Raises `ScenarioError` when a name is not shipped; a path is not looked at.
    """
    if is_path(text):
        return Path(text), os.fspath(text)
    shipped = {path.stem for path in LIBRARY.glob("*.yaml")}
    if text not in shipped:
        here = os.path.exists(f"{text}.yaml")
        fix = f"did you mean {text}.yaml?" if here else nearest(str(text), sorted(shipped - {BASE}), "scenarios")
        raise ScenarioError([Fault(str(text), 0, "", "", "there is no shipped scenario of this name", fix)])
    return LIBRARY / f"{text}.yaml", f"{text}.yaml"
