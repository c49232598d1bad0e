"""The run folder: a replication on disk, written whole or not at all."""

import errno
import json
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import scenarios
from experiments.replication import Replication
from experiments.spreadsheet import write_csv
from scenarios import Scenario
from sim.compile import source_digest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = Path("runs")
"""Where run folders go unless told otherwise."""
DPI = 150


class FolderError(OSError):
    """A run folder cannot be written; nothing of it is left behind."""


def default_folder(replication: Replication) -> Path:
    """Return `runs/<name>-<UTC time>-<first eight digits of the scenario's digest>`."""
    name = re.sub(r"[^\w.-]+", "-", replication.scenario.name).strip("-.") or "run"
    return RUNS / f"{name[:80]}-{replication.started:%Y%m%dT%H%M%SZ}-{replication.scenario.digest[:8]}"


def check_folder(path: str | os.PathLike[str]) -> Path:
    """Return the path as a run folder may have it: absent or empty, in a place that can be written.

    Raises `FolderError` otherwise, so that a long simulation need not run for nothing.
    """
    folder = Path(path)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FolderError(f"{folder} exists and is not a folder; name another one")
    if folder.is_dir() and any(folder.iterdir()):
        raise FolderError(f"{folder} is not empty; name another folder, or remove it first")
    above = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not above.is_dir():
        raise FolderError(f"{folder} cannot be made: {above} is not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise FolderError(f"{folder} cannot be written: {above} is not writable")
    return folder


def write_folder(
    replication: Replication, path: str | os.PathLike[str] | None = None, *, charts: bool = True, lang: str = "en"
) -> Path:
    """Write a replication to a folder and return it; without `path`, to `default_folder`.

    The folder holds scenario.yaml, manifest.json, daily.parquet, kpis.csv, ledger.csv, accounts.csv, credit.csv,
    cohorts.csv, rules.csv and charts/*.png. It is made beside its place and put there in one step: after an error, a
    full disk or Ctrl-C, nothing is left. Raises `FolderError` when it exists and is not empty, or cannot be written.
    """
    folder = check_folder(default_folder(replication) if path is None else path)
    with in_one_step(folder) as making:
        fill_folder(making, replication, charts=charts, lang=lang)
    return folder


def fill_folder(making: Path, replication: Replication, *, charts: bool = True, lang: str = "en") -> None:
    """Write what a run folder holds into a folder that is being made; see `write_folder`."""
    (making / "scenario.yaml").write_text(scenarios.dump(replication.scenario), encoding="utf-8")
    about = manifest(replication)
    if charts:
        from experiments.plots.style import notice

        about |= {"notes": [notice(lang)]} if notice(lang) else {}
    (making / "manifest.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    replication.daily.to_parquet(making / "daily.parquet", index=False, compression="zstd")
    write_csv(making, tables(replication))
    if charts:
        from experiments.plots import CHARTS

        pictures = {name: partial(draw, replication, lang=lang) for name, draw in CHARTS.items()}
        save_charts(making / "charts", pictures)


def manifest(replication: Replication) -> dict[str, Any]:
    """Return what made a replication: versions, sizes, seeds, times; no paths."""
    scenario: Scenario = replication.scenario
    return {
        "scenario": scenario.name,
        "question": scenario.question,
        "scenario_digest": scenario.digest,
        "model_version": source_digest(),
        "sandtable_version": package_version(),
        "seeds": list(replication.seeds),
        "users": scenario.market.users,
        "people": scenario.market.people,
        "start": scenario.clock.start.isoformat(),
        "days": scenario.clock.days,
        "burn_in": scenario.clock.burn_in,
        "tail": scenario.clock.tail,
        "days_simulated": replication.days + scenario.clock.burn_in,
        "ended_early": not replication.whole,
        "engine": replication.engine,
        "threads": replication.threads,
        "processes": replication.processes,
        "started": replication.started.isoformat(timespec="seconds"),
        "wall_seconds": round(replication.wall_seconds, 3),
        "user_days": replication.user_days,
        "user_days_per_second": round(replication.user_days_per_second),
        "python_version": platform.python_version(),
        "numpy_version": version("numpy"),
        "numba_version": version("numba"),
    }


def package_version() -> str:
    """Return the version of Sandtable that is installed."""
    try:
        return version("sandtable")
    except PackageNotFoundError:
        return "unknown"


def tables(replication: Replication) -> dict[str, pd.DataFrame]:
    """Return the tables of a run folder by name; the ledger is summed over days, in whole cents."""
    keys = ["seed", "account", "lever", "phase", "kind"]
    ledger = replication.ledger.groupby(keys, observed=True, sort=True, as_index=False)["cents"].sum()
    return {
        "kpis": replication.summary,
        "ledger": ledger.assign(yuan=ledger["cents"] / 100).drop(columns="cents"),
        "accounts": replication.accounts,
        "credit": replication.credit,
        "cohorts": replication.cohorts,
        "rules": replication.rules,
    }


def save_charts(folder: Path, charts: Mapping[str, Callable[[], "Figure"]]) -> None:
    """Draw charts into a new folder, each to a file of its name."""
    folder.mkdir()
    for name, draw in charts.items():
        draw().savefig(folder / f"{name}.png", dpi=DPI)


@contextmanager
def in_one_step(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside its final place; put it there when all went well, remove it otherwise."""
    made = [parent for parent in reversed(folder.absolute().parents) if not parent.exists()]
    making = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}.part")
    try:
        making.mkdir(parents=True)
        yield making
        if folder.is_dir():
            folder.rmdir()
        making.rename(folder)
    except BaseException as error:
        shutil.rmtree(making, ignore_errors=True)
        for parent in reversed(made):
            _remove_if_empty(parent)
        if isinstance(error, OSError) and not isinstance(error, FolderError):
            raise FolderError(f"{folder} was not written: {_reason(error)}") from error
        raise


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder if it is empty."""
    try:
        folder.rmdir()
    except OSError:
        return


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
        return "something else was put there in the meantime"
    return error.strerror or str(error)
