"""A baseline: the KPIs of a plan as they once were, stored beside a policy; drift is measured against it."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from scenarios.model import Model


class BaselineError(ValueError):
    """A baseline is missing, spoilt, or cannot be written; the text says what to do."""


class Level(Model):
    """A KPI over runs."""

    window: str
    unit: str
    mean: float
    sd: Annotated[float, Field(ge=0)]
    """Standard deviation over runs."""
    seeds: Annotated[int, Field(ge=2)]
    """Runs that could measure it."""


class Baseline(Model):
    """What was stored: KPIs over the plan, and what they hung on; JSON with a KPI a line."""

    format: Literal[1] = 1
    scenario: str
    scenario_digest: str
    model_version: str
    users: int
    seeds: tuple[int, ...]
    days: int
    """Days simulated from day 0 on."""
    kpis: dict[str, Level]
    strengths: dict[str, dict[str, float]] = {}
    """Size of the effect of each parameter, by KPI and path."""


def read(path: Path) -> Baseline:
    """Return a stored baseline. Raises `BaselineError` when there is none, or it is not one."""
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BaselineError(f"{path}: there is no baseline yet; write it with --update-baseline") from None
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        told = f"{where}: {first['msg']}" if where else first["msg"]
        raise BaselineError(f"{path}: is not a baseline: {told}; write it anew with --update-baseline") from None


def write(path: Path, baseline: Baseline) -> None:
    """Store a baseline in one step: after an error the old one still stands. Raises `BaselineError`."""
    try:
        replace_text(path, text(baseline))
    except OSError as error:
        raise BaselineError(f"{path}: cannot be written: {error.strerror or error}") from error


def text(baseline: Baseline) -> str:
    """Return a baseline as JSON, a line for each KPI and parameter, so that changes of it can be read."""
    head = baseline.model_dump(mode="json", exclude={"kpis", "strengths"})
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    lines.append(f'  "kpis": {_lines({k: v.model_dump() for k, v in baseline.kpis.items()}, 2)}')
    inner = ",\n".join(f"    {json.dumps(kpi)}: {_lines(part, 4)}" for kpi, part in baseline.strengths.items())
    lines.append(f'  "strengths": {{\n{inner}\n  }}' if inner else '  "strengths": {}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(entries: Mapping[str, object], indent: int) -> str:
    pad = " " * indent
    body = ",\n".join(f"{pad}  {json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
    return f"{{\n{body}\n{pad}}}" if body else "{}"


def replace_text(path: Path, words: str) -> None:
    """Put a text file in its place in one step; an old one stands until then."""
    making = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        making.write_text(words, encoding="utf-8")
        os.replace(making, path)
    except BaseException:
        with contextlib.suppress(OSError):
            making.unlink()
        raise
