"""Replicate: a plan under seeds 1, 2, ..., as many as are asked for, or as narrow intervals need."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from math import ceil, isnan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.answer import Answer, check_language
from experiments.folder import package_version
from experiments.job import Job, Tables
from experiments.outputs import COLUMNS, Output, outputs, values
from experiments.replication import seeds_of
from experiments.runner import Progress, Runner
from experiments.summary import attainment, interval, verdict
from experiments.units import compact
from scenarios import Scenario
from sim.compile import source_digest
from sim.kpis import KPIS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 10
"""Seeds below which an interval is rough; a sequence never stops before them."""
TABLE = (
    *COLUMNS, "mean", "ci_low", "ci_high", "half_width", "sd", "seeds", "wanted", "direction", "probability", "verdict",
)  # fmt: skip
"""Columns of the table."""
LUCK = "intervals and probabilities tell the luck of the simulated market, not how wrong its assumptions may be"

Sample = Callable[[Sequence[int]], NDArray[np.float64]]
"""What runs under these seeds bring, [seeds, outputs]; NaN where there was nothing to measure."""


def replicate(
    scenario: Scenario, seeds: int | Iterable[int] = 10, *, until: float | None = None, most: int = 200,
    kpis: Sequence[str] = (), days: int | None = None, runner: Runner | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return one row for each target of the plan, or for each KPI asked for, over runs; see `replications`.

    Columns: name, title, kpi, window, segment, unit; mean, ci_low, ci_high (95 % Student-t interval) in that unit;
    half_width of the interval (a share of |mean|; of a change, and of points of a share, as it is); sd over runs;
    seeds (runs that could measure it); wanted, direction; probability (that one further run keeps the promise),
    verdict. NaN: not known.
    """
    return replications(scenario, seeds, until=until, most=most, kpis=kpis, days=days, runner=runner).table


def replications(
    scenario: Scenario, seeds: int | Iterable[int] = 10, *, until: float | None = None, most: int = 200,
    kpis: Sequence[str] = (), days: int | None = None, runner: Runner | None = None, lang: str = "en",
) -> Answer:  # fmt: skip
    """Run a plan under seeds 1 to N, or those given, or until the 95 % intervals are narrow enough.

    With `until` (a share, such as 0.02) the runs start with `seeds`, at least 10, and go on by `until_narrow` until
    the half-width of every output is at most `until`, or there are `most` runs: then the answer is not good, and a note
    names what is too wide. Tables: `outputs` (see `replicate`), `runs` (seed, name, kpi, window, segment, unit, value).
    The chart is in the language `lang`. Raises `ValueError` for bad numbers, unknown KPIs and languages, and what the
    runner raises.
    """
    check_language(lang)
    wanted, batches = outputs(scenario, kpis, days=days), _Batches(runner or Runner())
    absolute = [is_absolute(o.kpi, o.unit) for o in wanted]

    def sample(chosen: Sequence[int]) -> NDArray[np.float64]:
        found = np.full((len(chosen), len(wanted)), np.nan)
        jobs = (Job(scenario, seed, days) for seed in chosen)
        for place, tables in batches.evaluate(jobs, len(chosen)):
            found[place] = values(tables, wanted)
        return found

    if until is None:
        chosen = seeds_of(seeds)
        found, looks = sample(chosen), list[int]()
    else:
        if not isinstance(seeds, int):
            raise ValueError("with `until` the seeds are 1, 2, ...: give the number to start with, not the seeds")
        found, looks = until_narrow(sample, absolute, until, first=max(seeds, FEW), most=most)
        chosen = tuple(range(1, len(found) + 1))
    halves = half_widths(found, absolute)
    table, runs = _table(wanted, found, halves), _runs(wanted, found, chosen)
    wide = [] if until is None else np.flatnonzero(halves > until).tolist()
    return Answer(
        verb="replicate",
        title=f"{scenario.name}: {len(chosen)} run{'s' * (len(chosen) > 1)}",
        tables={"outputs": table, "runs": runs},
        manifest={
            "scenario": scenario.name, "scenario_digest": scenario.digest, "model_version": source_digest(),
            "sandtable_version": package_version(), "users": scenario.market.users, "days": Job(scenario, 1, days).length,
            "seeds": list(chosen), "kpis": list(kpis), "until": until, "most": None if until is None else most,
            "looks": looks,
        },
        notes=tuple(_notes(scenario, table, wide, until, looks)),
        charts={"widths": lambda: _chart(wanted, found, absolute, until, scenario.name, lang)},
        lang=lang,
        good=not wide,
    )  # fmt: skip


# --- Sequential stopping ----------------------------------------------------------------------------------------------


def until_narrow(
    sample: Sample, absolute: Sequence[bool], until: float, *, first: int = FEW, most: int = 200
) -> tuple[NDArray[np.float64], list[int]]:
    """Return what runs under seeds 1 to N bring, [N, outputs], and each N at which the intervals were looked at.

    N is the first look at which the 95 % half-width of every output (see `half_widths`) is at most `until`, or `most`.
    Looks: at `first` runs; then at as many as the standard deviations so far ask for, n (h / until)^2 for the widest h,
    but at least a tenth more and at most twice as many. Outputs that no run so far could measure do not count.

    Chow & Robbins (1965): coverage tends to 95 % as `until` tends to 0. For finite N it is a little lower, since runs
    that happen to agree stop early; Law & Kelton (1982). Of 20,000 sequences of a normal output that begin with 10 runs,
    93.6 % were covered in the worst case (where 28 runs are needed). Raises `ValueError` when numbers are out of range.
    """
    if not 0 < until < 1:
        raise ValueError(f"`0 < until < 1` must hold, but got {until}")
    if not FEW <= first <= most:
        raise ValueError(f"`{FEW} <= seeds <= most` must hold to stop by width, but got (seeds={first}, most={most})")
    found = sample(range(1, first + 1))
    looks = [first]
    while (more := _next(found, absolute, until, most) - len(found)) > 0:
        found = np.concatenate([found, sample(range(len(found) + 1, len(found) + more + 1))])
        looks.append(len(found))
    return found, looks


def half_widths(found: NDArray[np.float64], absolute: Sequence[bool]) -> NDArray[np.float64]:
    """Return the half-width of each output's 95 % interval as a share of |mean|, or `absolute`: as it is; [outputs].

    0 where all runs agree; infinite where one run alone could measure it, or the mean is 0; NaN where none could.
    """
    halves = np.full(found.shape[1], np.nan)
    for place, column in enumerate(found.T):
        known = column[~np.isnan(column)]
        if len(known):
            mean, low, high = interval(known.tolist())
            half, size = (high - low) / 2, 1.0 if absolute[place] else abs(mean)
            halves[place] = 0.0 if half == 0 else half / size if size and not isnan(half) else np.inf
    return halves


def _next(found: NDArray[np.float64], absolute: Sequence[bool], until: float, most: int) -> int:
    """Return the number of runs at the next look; the present one when the intervals are narrow enough."""
    n, halves = len(found), half_widths(found, absolute)
    widest = float(np.max(halves[~np.isnan(halves)], initial=0.0))
    if widest <= until:
        return n
    needed = min(n * (widest / until) ** 2, 2.0 * n)
    return min(max(ceil(needed), ceil(1.1 * n)), most)


def is_absolute(kpi: str, unit: str) -> bool:
    """Return whether an output is a share of something already, and may well be 0: a change, or points of a share.

    >>> is_absolute("gmv", "change vs last-year"), is_absolute("ctr", "points vs before"), is_absolute("ctr", "share")
    (True, True, False)
    """
    return unit.startswith("change vs ") or (unit.startswith("points vs ") and KPIS[kpi].unit == "share")


class _Batches:
    """A runner asked several times; it tells the progress of all batches as one."""

    def __init__(self, runner: Runner) -> None:
        self.runner, self.last = runner, Progress(0, 0, 0, 0.0, 0.0, 0.0)

    def evaluate(self, jobs: Iterable[Job], of: int) -> Iterator[tuple[int, Tables]]:
        before, progress = self.last, self.runner.progress

        def tell(now: Progress) -> None:
            total = before.of + of
            self.last = Progress(
                before.done + now.done, total, before.reused + now.reused, (before.of + now.share * of) / total,
                before.user_days + now.user_days, before.seconds + now.seconds,
            )  # fmt: skip
            if progress is not None:
                progress(self.last)

        return replace(self.runner, progress=tell).evaluate(jobs, of)


# --- Tables and words -------------------------------------------------------------------------------------------------


def _table(wanted: Sequence[Output], found: NDArray[np.float64], halves: NDArray[np.float64]) -> pd.DataFrame:
    lines = []
    for output, column, half in zip(wanted, found.T, halves.tolist(), strict=True):
        known = column[~np.isnan(column)].tolist()
        chance, words = np.nan, ""
        if output.direction:
            chance = attainment(known, output.wanted, output.direction)
            words = verdict(chance) if not isnan(chance) else f"cannot tell: {'one run' if known else 'not measured'}"
        spread = 0.0 if half == 0 and len(known) > 1 else float(np.std(known, ddof=1)) if len(known) > 1 else np.nan
        width = half if np.isfinite(half) else np.nan
        promised = output.wanted, output.direction, chance, words
        lines.append((*output.columns, *interval(known), width, spread, len(known), *promised))
    return pd.DataFrame(lines, columns=list(TABLE))


def _runs(wanted: Sequence[Output], found: NDArray[np.float64], seeds: Sequence[int]) -> pd.DataFrame:
    what = [(o.name, o.kpi, o.window, o.segment, o.unit) for o in wanted]
    lines = [
        (seed, *about, value)
        for seed, row in zip(seeds, found, strict=True)
        for about, value in zip(what, row, strict=True)
    ]
    return pd.DataFrame(lines, columns=["seed", "name", "kpi", "window", "segment", "unit", "value"])


def _notes(
    scenario: Scenario, table: pd.DataFrame, wide: Sequence[int], until: float | None, looks: Sequence[int]
) -> Iterator[str]:
    if until is not None:
        yield from _stopping(table, wide, until, looks)
    measured = table.loc[table["seeds"] > 0, "seeds"]
    if len(measured) and measured.min() < FEW:
        yield f"intervals that rest on fewer than {FEW} seeds are rough; take --seeds {2 * FEW} to decide on them"
    absent = table.loc[table["seeds"] == 0, "title"].tolist()
    if absent:
        yield f"nothing to measure in any run: {', '.join(absent)}"
    yield LUCK
    yield f"{scenario.market.users:,} simulated users stand for {scenario.market.people:,} people"


def _stopping(table: pd.DataFrame, wide: Sequence[int], until: float, looks: Sequence[int]) -> Iterator[str]:
    goal = f"{compact(100 * until)} %"
    at = f"looked after {', '.join(map(str, looks))} seeds"
    if wide:
        names = "; ".join(f"{table['title'][k]} {_width(table['half_width'][k])}" for k in wide)
        widest = max(table["half_width"][k] for k in wide)
        enough = f"; about {compact(looks[-1] * (widest / until) ** 2, 2)} seeds would do" if widest < 1 else ""
        yield f"stopped at the most seeds allowed, still wider than {goal}: {names} ({at}{enough})"
    else:
        yield f"stopped at the first look at which every half-width was at most {goal} ({at})"
    if table["unit"].map(lambda unit: " vs " in unit).any():
        yield "a half-width is a share of the mean; that of a change is in points, since its mean may be 0"
    signed = [table["title"][k] for k in wide if table["ci_low"][k] <= 0 <= table["ci_high"][k]]
    if signed:
        yield f"not told from 0, where no share of the mean can be narrow: {', '.join(signed)}"
    yield "an interval of a sequence that stops by its width covers slightly less than 95 % (Chow & Robbins 1965)"


def _width(half: float) -> str:
    return "-" if isnan(half) else "over 1,000 %" if half > 10 else f"{compact(100 * half, 2)} %"


def _chart(
    wanted: Sequence[Output], found: NDArray[np.float64], absolute: Sequence[bool], until: float | None, name: str,
    lang: str,
) -> "Figure":  # fmt: skip
    from experiments.plots import widths

    return widths.figure(widths.narrowing(widths.titles(wanted, lang), found, absolute), until, name, lang=lang)
