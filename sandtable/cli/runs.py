"""runs: finished runs that are kept: list them, show what one brought, prune them."""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from experiments import codec
from experiments.answer import records
from experiments.job import SO_FAR
from experiments.outputs import MAIN
from experiments.scoreboard import ruled
from experiments.store import Entry, Store
from experiments.tables import rows
from experiments.units import amount, compact
from sandtable.cli.question import store_of
from sandtable.cli.screen import InputError, page, print_json
from sim.kpis import KPIS

GROUP = ("scenario", "digest", "days", "detail", "users", "model")
"""What runs of one line of the list have in common."""
MOST = 8
"""Keys told of those that begin alike."""
_DAY_SECONDS = 86_400
_HEAD = ("scenario", "digest", "seed", "users", "days", "detail", "user_days", "model")


def runs_(args: Namespace) -> int:
    """List, show or prune the runs of a store."""
    store, act = store_of(args), {"list": _list, "show": _show, "prune": _prune}[args.act]
    try:
        document, show = act(store, args)
    except OSError as error:
        raise InputError(f"the store {store.folder}: {error.strerror or error}") from None
    if args.json:
        print_json({"store": str(store.folder), **document})
    else:
        page(show)
    return 0


def _list(store: Store, args: Namespace) -> tuple[dict[str, Any], Callable[[Console], None]]:
    entries = list(store.entries())
    groups, spoilt = grouped(entries), [entry for entry in entries if entry.about is None]
    size = sum(entry.size for entry in entries)

    def show(console: Console) -> None:
        if not entries:
            console.print(f"no runs are kept in {store.folder}", soft_wrap=True)
            return
        table = ruled("", "plan", "users", "days", "variants", "runs", "size", width=console.width)
        for column in ("seeds", "newest"):
            table.add_column(column)
        for line in _lines([group for group in groups if group["current"]]):
            table.add_row(*line)
        if table.rows:
            console.print(table)
        console.print(f"{len(entries):,} runs, {_bytes(size)} in {store.folder}", soft_wrap=True)
        old = [group for group in groups if not group["current"]]
        if old:
            runs, weight = (sum(group[key] for group in old) for key in ("runs", "size"))
            console.print(f"{runs:,} of them, {_bytes(weight)}, are of old versions of the model and not served")
        if spoilt:
            keys = ", ".join(entry.key[:8] for entry in spoilt[:MOST])
            console.print(Text(f"{len(spoilt):,} of them are spoilt and not served: {keys}", style="red"))
        if old or spoilt:
            console.print("`sandtable runs prune` removes what is not served")

    return {"runs": len(entries), "bytes": size, "groups": groups, "spoilt": [entry.key for entry in spoilt]}, show


def grouped(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the runs that are not spoilt by what they have in common.

    Each group has `GROUP`, runs, size [bytes], seeds, keys (the newest first), stored (of the newest, seconds since
    1970) and current: whether the present model would serve it.
    """
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in sorted(entries, key=lambda entry: -entry.stored):
        if entry.about is not None:
            common = {key: entry.about.get(key) for key in GROUP}
            fresh: dict[str, Any] = {**common, "runs": 0, "size": 0, "seeds": [], "keys": [], "stored": entry.stored}
            group = groups.setdefault(tuple(common.values()), fresh | {"current": entry.current})
            group["runs"] += 1
            group["size"] += entry.size
            group["seeds"] = sorted({*group["seeds"], entry.about["seed"]})
            group["keys"].append(entry.key)
    return list(groups.values())


def _lines(groups: Sequence[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield a line for each plan and size of market, the newest first; variants of a plan stand together."""
    together: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for group in groups:
        together.setdefault(tuple(group[key] for key in ("scenario", "users", "days", "detail")), []).append(group)
    for (name, users, days, detail), part in together.items():
        runs, size = (sum(group[key] for group in part) for key in ("runs", "size"))
        seeds = sorted({seed for group in part for seed in group["seeds"]})
        counts = (f"{number:,}" for number in (users, days, len(part), runs))
        plan = f"{name} (all tables)" if detail == "all" else str(name)
        yield plan, *counts, _bytes(size), _seeds(seeds), part[0]["keys"][0][:8]


def _show(store: Store, args: Namespace) -> tuple[dict[str, Any], Callable[[Console], None]]:
    entry = _found(store, args.key)
    tables = codec.Decoded(entry.path.read_bytes())
    head: dict[str, Any] = {key: (entry.about or {}).get(key) for key in _HEAD}
    stored = datetime.fromtimestamp(entry.stored, UTC).isoformat(timespec="seconds")
    kpis, targets = _main(tables["kpis"]), tables["targets"]

    def show(console: Console) -> None:
        console.print(Text(f"{head['scenario']}, seed {head['seed']}", style="bold"))
        console.print(f"key {entry.key}", soft_wrap=True)
        state = "current" if entry.current else "old"
        console.print(
            f"{head['users']:,} users, {head['days']:,} days; plan {head['digest'][:8]}, model {head['model']} ({state})"
        )
        console.print(
            f"stored {stored}, {_bytes(entry.size)}: {', '.join(f'{k} {len(v):,}' for k, v in tables.items())}"
        )
        table = ruled("", "KPI", "value", width=console.width)
        for row in rows(kpis):
            table.add_row(KPIS[row.kpi].title if row.kpi in KPIS else row.kpi, amount(row.value, row.unit))
        console.print(table)
        kept = int(targets["reached"].fillna(False).sum())
        if len(targets):
            console.print(f"{kept} of {len(targets)} targets reached in this run")

    about = {"key": entry.key, **head, "current": entry.current, "stored": stored, "bytes": entry.size}
    return about | {"kpis": records(kpis), "targets": records(targets.astype({"reached": object}))}, show


def _found(store: Store, prefix: str) -> Entry:
    """Return the one run whose key begins so. Raises `InputError` when there is none, several, or a spoilt one."""
    entries = list(store.entries())
    found = [entry for entry in entries if prefix and entry.key.startswith(prefix.lower())]
    if not found:
        some = f"; it holds {len(entries):,}" if entries else ""
        raise InputError(
            f"no run in {store.folder} has a key that begins with {prefix!r}{some}; see `sandtable runs list`"
        )
    if len(found) > 1:
        lines = [f"  {_candidate(entry)}" for entry in found[:MOST]]
        more = [f"  and {len(found) - MOST:,} more"] if len(found) > MOST else []
        raise InputError("\n".join([f"{len(found):,} runs have a key that begins with {prefix!r}", *lines, *more]))
    if found[0].about is None:
        raise InputError(
            f"{found[0].path} is spoilt; it is made again when needed, and `sandtable runs prune` removes it"
        )
    return found[0]


def _candidate(entry: Entry) -> str:
    if entry.about is None:
        return f"{entry.key[:16]}  spoilt"
    what = f"{entry.about['scenario']}, seed {entry.about['seed']}, {entry.about['users']:,} users"
    return f"{entry.key[:16]}  {what}, {entry.about['days']:,} days, {entry.about['detail']}"


def _main(kpis: pd.DataFrame) -> pd.DataFrame:
    """Return kpi, window, unit, value of the main KPIs over the plan, or over its simulated part."""
    here = kpis[kpis["segment"].astype(str) == "all"]
    for window in ("plan", SO_FAR):
        part = here[(here["window"].astype(str) == window) & here["kpi"].isin(MAIN)]
        if len(part):
            break
    order = part["kpi"].astype(str).map(MAIN.index).sort_values().index
    return part.loc[order, ["kpi", "window", "unit", "value"]].astype(dict.fromkeys(("kpi", "window", "unit"), str))


def _prune(store: Store, args: Namespace) -> tuple[dict[str, Any], Callable[[Console], None]]:
    reasons: Counter[str] = Counter()

    def unwanted(entry: Entry) -> bool:
        reason = _reason(entry, args)
        reasons[reason] += bool(reason)
        return bool(reason)

    files, size = store.prune(unwanted)
    told = {reason: count for reason, count in reasons.items() if reason}
    if left := files - sum(told.values()):
        told["left half-written"] = left

    def show(console: Console) -> None:
        if not files:
            console.print(f"nothing to remove in {store.folder}", soft_wrap=True)
            return
        why = ", ".join(f"{count:,} {reason}" for reason, count in told.items())
        console.print(f"removed {files:,} file{'s' * (files > 1)}, {_bytes(size)}: {why}", soft_wrap=True)

    return {"removed": files, "bytes": size, "reasons": told}, show


def _reason(entry: Entry, args: Namespace) -> str:
    """Return why a run goes; empty: it stays."""
    if entry.about is None:
        return "spoilt"
    if not entry.current:
        return "of another version of the model"
    if args.older_than is not None and time.time() - entry.stored > args.older_than * _DAY_SECONDS:
        return f"older than {args.older_than} days"
    return "as asked" if args.all else ""


def _seeds(seeds: Sequence[int]) -> str:
    """Return seeds as ranges.

    >>> _seeds([1, 2, 3, 5, 8, 9])
    '1-3, 5, 8-9'
    """
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ", ".join(f"{first}-{last}" if first < last else str(first) for first, last in ranges)


def _bytes(size: int) -> str:
    """Return a size for people.

    >>> _bytes(900), _bytes(1_234_567)
    ('900 B', '1.23 MB')
    """
    for step, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= step:
            return f"{compact(size / step, 3)} {unit}"
    return f"{size} B"
