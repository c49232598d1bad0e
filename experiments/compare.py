"""Compare: how plans differ under the same seeds, so that a difference is due to the plans and not to luck."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import count
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.answer import Answer, check_language
from experiments.folder import package_version
from experiments.job import SO_FAR, Job
from experiments.outputs import COLUMNS, MAIN, Output, outputs, values
from experiments.replicate import FEW, LUCK, is_absolute
from experiments.replication import seeds_of
from experiments.runner import Runner
from experiments.summary import attainment, interval
from experiments.units import compact, spell
from scenarios import Scenario
from scenarios.paths import render
from sim.compile import source_digest
from sim.kpis import KPIS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE = (
    "base", "other", *COLUMNS, "base_mean", "other_mean", "difference", "ci_low", "ci_high", "relative",
    "variance_ratio", "seeds", "wanted", "direction", "base_probability", "other_probability", "flips", "differs",
)  # fmt: skip
"""Columns of the table."""
CHANGED = " with "
"""Between the name of a plan and what is changed in it."""
_SPELLED = 3
"""Changes that a title spells; further ones are counted."""


@dataclass(frozen=True)
class Paired:
    """Two plans under the same seeds, in one output."""

    base_mean: float
    other_mean: float
    difference: float
    """Mean over seeds of other less base."""
    ci_low: float
    ci_high: float
    """Its 95 % paired Student-t interval; NaN with one seed."""
    relative: float
    """Difference as a share of |base_mean|; NaN when that is 0 and the difference is not."""
    variance_ratio: float
    """Variance of a difference of independent seeds over that of the paired ones: how many times more seeds it would
    take without pairing. Infinite when all pairs differ alike though runs vary; NaN when nothing varies."""
    seeds: int
    """Seeds under which both plans could measure it; the others do not count."""


@dataclass(frozen=True)
class _Line:
    """An output of the table, and how each plan measures it (None: it cannot)."""

    output: Output
    seen: tuple[Output | None, ...]


def compare(
    base: Scenario, *others: Scenario, seeds: int | Iterable[int] = 10, kpis: Sequence[str] = (),
    days: int | None = None, runner: Runner | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return one row for each other plan and output: how it differs from the base under the same seeds.

    Columns: base, other (titles); name, title, kpi, window, segment, unit; base_mean, other_mean, difference (other
    less base), ci_low, ci_high (95 % paired Student-t interval of the difference) in that unit; relative (difference /
    |base_mean|), variance_ratio (see `Paired`), seeds; wanted, direction, base_probability, other_probability (that one
    further run keeps the promise), flips (`reached`, `missed`: the mean crosses what is wanted; else empty); differs
    (the interval leaves 0 out). NaN: not known. See `comparison`.
    """
    return comparison(base, *others, seeds=seeds, kpis=kpis, days=days, runner=runner).table


def comparison(
    base: Scenario, *others: Scenario, seeds: int | Iterable[int] = 10, kpis: Sequence[str] = (),
    days: int | None = None, titles: Sequence[str] = (), runner: Runner | None = None, lang: str = "en",
) -> Answer:  # fmt: skip
    """Compare plans with a base, paired by seed.

    Outputs are the targets of all plans and the main KPIs, or the KPIs asked for. A plan that lacks a target measures
    its KPI where it can. `titles` name the others; without, a plan named as the base is told by what is changed in it.
    The chart is in the language `lang`. Tables: `differences` (see `compare`), `runs` (plan, seed, name, kpi, window,
    segment, unit, value). Raises `ValueError` when there is nothing to compare with, for bad numbers, unknown KPIs and
    languages, and what the runner raises.
    """
    check_language(lang)
    if not others:
        raise ValueError("at least one plan must be given to compare with the first")
    if titles and len(titles) != len(others):
        raise ValueError(f"each other plan needs a title, but got {len(titles)} for {len(others)}")
    plans, chosen = (base, *others), seeds_of(seeds)
    names = (base.name, *_distinct(titles or [title_of(base, other) for other in others]))
    lines = _lines(plans, kpis, days)
    found = _measured(plans, lines, chosen, days, runner or Runner())
    rows = [
        (names[0], names[k], *line.output.columns, *_row(line.output, found[0, :, j], found[k, :, j]))
        for k in range(1, len(plans))
        for j, line in enumerate(lines)
    ]
    table = pd.DataFrame(rows, columns=list(TABLE))
    return Answer(
        verb="compare",
        title=f"{names[0]} against {names[1] if len(others) == 1 else f'{len(others)} other plans'}: "
        f"{len(chosen)} seed{'s' * (len(chosen) > 1)}",
        tables={"differences": table, "runs": _runs(names, lines, found, chosen)},
        manifest={
            "plans": [
                {"title": name, "scenario": plan.name, "scenario_digest": plan.digest, "users": plan.market.users,
                 "days": Job(plan, 1, days).length}
                for name, plan in zip(names, plans, strict=True)
            ],
            "model_version": source_digest(), "sandtable_version": package_version(), "seeds": list(chosen),
            "kpis": list(kpis),
        },
        notes=tuple(_notes(plans, names, lines, table, days)),
        charts={"differences": lambda: _chart(table, lang)},
        lang=lang,
    )  # fmt: skip


def paired(base: Sequence[float], other: Sequence[float]) -> Paired:
    """Return how two plans differ whose runs under the same seeds have these values, [seeds] each.

    Pairs with a NaN are left out. The interval is Student's, of the differences; Law & Kelton, section 10.2.1.

    >>> paired([1.0, 2.0, 3.0], [2.0, 4.0, 3.0])
    Paired(base_mean=2.0, other_mean=3.0, difference=1.0, ci_low=-1.48..., ... variance_ratio=2.0, seeds=3)
    """
    both = np.array([base, other], float)
    both = both[:, ~np.isnan(both).any(axis=0)]
    differences = both[1] - both[0]
    mean, low, high = interval(differences.tolist())
    before, after = (interval(values.tolist())[0] for values in both)
    relative = 0.0 if mean == 0 else mean / abs(before) if before else nan
    apart, together = sum(_variance(values) for values in both), _variance(differences)
    ratio = apart / together if together > 0 else inf if apart > 0 else nan
    return Paired(before, after, mean, low, high, relative, ratio, both.shape[1])


def _variance(values: NDArray[np.float64]) -> float:
    if len(values) < 2:
        return nan
    return float(np.var(values, ddof=1)) if values.min() < values.max() else 0.0


def shares(row: Any) -> tuple[float, float, float]:
    """Return difference, ci_low, ci_high of a row of the table as shares of |base_mean|; those of changes as they are."""
    found = row.difference, row.ci_low, row.ci_high
    if is_absolute(row.kpi, row.unit):
        return found
    if row.difference == row.ci_low == row.ci_high == 0:
        return 0.0, 0.0, 0.0
    size = abs(row.base_mean) or nan
    return found[0] / size, found[1] / size, found[2] / size


def in_points(row: Any) -> bool:
    """Return whether the `shares` of a row are points, and not relative to the base's mean."""
    return is_absolute(row.kpi, row.unit)


# --- What is measured -------------------------------------------------------------------------------------------------


def _lines(plans: Sequence[Scenario], kpis: Sequence[str], days: int | None) -> list[_Line]:
    """Return the targets of all plans, each once, and the main KPIs that no target shows already; or the KPIs asked for."""
    measures = list(zip(*(outputs(plan, kpis or MAIN, days=days) for plan in plans), strict=True))
    if kpis:
        return [_Line(seen[0], seen) for seen in measures]
    promised = [{_what(o): o for o in outputs(plan, days=days) if o.target} for plan in plans]
    targets: dict[tuple[str, ...], Output] = {}
    for found in promised:
        targets |= {what: output for what, output in found.items() if what not in targets}
    lines = [
        _Line(output, tuple(found.get(what, _level(output)) for found in promised)) for what, output in targets.items()
    ]
    shown = {_what(line.output)[1:] for line in lines}
    return lines + [_Line(seen[0], seen) for seen in measures if _what(seen[0])[1:] not in shown]


def _what(output: Output) -> tuple[str, ...]:
    return output.name, output.kpi, output.window, output.segment, output.unit


def _level(target: Output) -> Output | None:
    """Return how a plan without this target measures it: by its KPI; None for a change."""
    return replace(target, target=False) if target.unit == KPIS[target.kpi].unit else None


def _measured(
    plans: Sequence[Scenario], lines: Sequence[_Line], seeds: Sequence[int], days: int | None, runner: Runner
) -> NDArray[np.float64]:
    """Return [plans, seeds, lines]; all plans of a seed are run together, and equal plans once."""
    keys = [Job(plan, seeds[0], days).key for plan in plans]
    once = [keys.index(key) for key in dict.fromkeys(keys)]
    jobs = (Job(plans[k], seed, days) for seed in seeds for k in once)
    found = np.full((len(plans), len(seeds), len(lines)), nan)
    for place, tables in runner.evaluate(jobs, len(seeds) * len(once)):
        seed, k = divmod(place, len(once))
        found[once[k], seed] = _values(tables, [line.seen[once[k]] for line in lines])
    return found[[keys.index(key) for key in keys]]


def _values(tables: Mapping[str, pd.DataFrame], seen: Sequence[Output | None]) -> list[float]:
    known = iter(values(tables, [output for output in seen if output is not None]))
    return [nan if output is None else next(known) for output in seen]


def _row(output: Output, base: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[Any, ...]:
    pair, known = (
        paired(base.tolist(), other.tolist()),
        [column[~np.isnan(column)].tolist() for column in (base, other)],
    )
    if not pair.seeds:
        pair = replace(pair, base_mean=interval(known[0])[0], other_mean=interval(known[1])[0])
    chances, flips = [nan, nan], ""
    if output.direction:
        chances = [attainment(column, output.wanted, output.direction) for column in known]
        kept = [_meets(mean, output) for mean in (pair.base_mean, pair.other_mean)]
        flips = "" if kept[0] == kept[1] or not pair.seeds else "reached" if kept[1] else "missed"
    differs = pair.ci_low > 0 or pair.ci_high < 0
    return *astuple(pair), output.wanted, output.direction, *chances, flips, differs


def _meets(mean: float, output: Output) -> bool:
    return mean >= output.wanted if output.direction == "at_least" else mean <= output.wanted


def _runs(
    names: Sequence[str], lines: Sequence[_Line], found: NDArray[np.float64], seeds: Sequence[int]
) -> pd.DataFrame:
    rows = [
        (name, seed, *_what(line.output), float(found[k, i, j]))
        for k, name in enumerate(names)
        for i, seed in enumerate(seeds)
        for j, line in enumerate(lines)
    ]
    return pd.DataFrame(rows, columns=["plan", "seed", "name", "kpi", "window", "segment", "unit", "value"])


# --- Words ------------------------------------------------------------------------------------------------------------


def title_of(base: Scenario, other: Scenario) -> str:
    """Return the name of a plan; of one named as the base, with what is changed in it."""
    if other.name != base.name:
        return other.name
    hidden = {"name", "question", "priors", "provenance", "overlays"}
    old, new = (plan.model_dump(mode="json", by_alias=True, exclude=hidden) for plan in (base, other))
    changes = list(_changes(old, new, ()))
    if not changes:
        return other.name
    more = f" and {len(changes) - _SPELLED} more" if len(changes) > _SPELLED else ""
    return f"{other.name}{CHANGED}{', '.join(changes[:_SPELLED])}{more}"


def _changes(old: Any, new: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    """Yield PATH=VALUE for each value that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _changes(old.get(key), new.get(key), (*path, key))
    elif old != new:
        yield f"another {render(path)}" if isinstance(new, dict | list) else f"{render(path)}={_written(new)}"


def _written(value: Any) -> str:
    """Return a value as YAML has it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _distinct(titles: Iterable[str]) -> list[str]:
    """Return the titles with a number behind one that stood before."""
    found: list[str] = []
    for title in titles:
        numbered = (f"{title} ({n})" for n in count(2))
        found.append(title if title not in found else next(name for name in numbered if name not in found))
    return found


def _notes(
    plans: Sequence[Scenario], names: Sequence[str], lines: Sequence[_Line], table: pd.DataFrame, days: int | None
) -> Iterator[str]:
    measured = table[table["seeds"] > 0]
    if len(measured) and measured["seeds"].min() < FEW:
        yield f"differences that rest on fewer than {FEW} seeds are rough; take --seeds {2 * FEW} to decide on them"
    for place in range(1, len(plans)):
        yield from _unlike(plans, names, place, lines, days)
    absent = table.loc[table["seeds"] == 0, "title"].drop_duplicates().tolist()
    if absent:
        yield f"not measured in both plans: {', '.join(absent)}"
    intervals = int((table["seeds"] > 1).sum())
    if intervals > 1:
        yield (
            f"{intervals} intervals of 95 % stand here: about one in twenty leaves out 0 by chance where plans do "
            "not differ"
        )
    ratios = table["variance_ratio"][np.isfinite(table["variance_ratio"])]
    if len(ratios):
        yield f"independent seeds would take {compact(float(ratios.median()), 2)} times as many runs (median of outputs)"
    yield LUCK


def _unlike(
    plans: Sequence[Scenario], names: Sequence[str], place: int, lines: Sequence[_Line], days: int | None
) -> Iterator[str]:
    """Yield what makes totals of the first and another plan differ whatever they do, and promises that are not the same."""
    both, first, second = (plans[0], plans[place]), names[0], names[place]
    for window in dict.fromkeys(line.output.window for line in lines):
        lengths = [_length(plan, window, days) for plan in both]
        if None not in lengths and lengths[0] != lengths[1]:
            yield f"{window} is {lengths[0]} days in {first} and {lengths[1]} in {second}: totals differ by that, too"
    people = [plan.market.people for plan in both]
    if people[0] != people[1]:
        yield f"{people[0]:,} people are in {first} and {people[1]:,} in {second}: totals differ by that, too"
    for line in lines:
        own, held = line.seen[place], line.output
        if own is not None and own.target and (own.direction, own.wanted) != (held.direction, held.wanted):
            wanted = f"{'at least' if held.direction == 'at_least' else 'at most'} "
            wanted += spell(held.wanted, held.unit, KPIS[held.kpi].unit)
            yield f"{second} promises something else in {held.title}; all plans are held to {wanted}"


def _length(plan: Scenario, window: str, days: int | None) -> int | None:
    """Return the days of a window, or None when the plan has none of that name."""
    if window in (SO_FAR, "plan"):
        return min(days or plan.clock.days, plan.clock.days)
    try:
        first, last = plan.span(window)
    except KeyError:
        return None
    return last - first + 1


def _chart(table: pd.DataFrame, lang: str) -> "Figure":
    from experiments.plots import differences

    return differences.figure(table, lang=lang)
