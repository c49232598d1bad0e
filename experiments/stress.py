"""Stress: each shock that a plan declares, off and on, under the same luck."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments import units
from experiments.answer import Answer, check_language
from experiments.folder import package_version
from experiments.job import Job
from experiments.outputs import COLUMNS, Output, outputs, values
from experiments.replication import seeds_of
from experiments.runner import Runner
from experiments.summary import attainment, interval
from experiments.tables import rows
from scenarios import Scenario
from scenarios.faults import nearest
from scenarios.paths import render
from sim.compile import source_digest
from sim.kpis import KPIS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL = "all"
"""Name of all shocks together."""
STRESS = (
    "shock", "shock_title", *COLUMNS, "calm", "shocked", "difference", "ci_low", "ci_high", "relative", "seeds",
    "wanted", "direction", "calm_probability", "shocked_probability", "flips",
)  # fmt: skip
"""Columns of the table."""
FEW_SEEDS = 10
MANY = 20
"""Intervals of which one or more are likely off by chance."""


class Spelling(Protocol):
    """How numbers are written: `experiments.units`, or the words of the charts."""

    def change(self, value: float, unit: str, *, points: bool = False) -> str:
        """Return a change."""

    def amount(self, value: float, unit: str, digits: int = 4) -> str:
        """Return a value."""


def stress(
    scenario: Scenario, shocks: Sequence[str] = (), seeds: int | Iterable[int] = 10, kpis: Sequence[str] = (),
    days: int | None = None, runner: Runner | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return what each shock changes, one row a shock and target (or KPI asked for), with the columns `STRESS`.

    Every other shock is off. `calm` and `shocked` are means over the seeds that could measure both; `difference` is the
    mean of the differences within each seed, with its 95 % Student-t interval; `relative` is the relative change of the
    KPI (of the level, where the target is a change against another window; NaN where that is not known). Probabilities
    are those of `experiments.summary.attainment`; `flips` is `missed` or `reached` where the mean of the runs passes
    the target's level. With several shocks, the last rows have all of them on at once, named `all`; of shocks that
    stand for the same risk, only the last. Raises what `ask` raises.
    """
    return ask(scenario, shocks, seeds, kpis, days, runner).table


def ask(
    scenario: Scenario, shocks: Sequence[str] = (), seeds: int | Iterable[int] = 10, kpis: Sequence[str] = (),
    days: int | None = None, runner: Runner | None = None, *, lang: str = "en",
) -> Answer:  # fmt: skip
    """Return the answer to a stress test: its table is `stress`, its chart `shocks`, in the language `lang`.

    Raises `ValueError` for a plan without shocks, an unknown shock, KPI or language, and seeds or days out of range, and
    what the runner raises.
    """
    check_language(lang)
    names, chosen, wanted = _chosen(scenario, shocks), seeds_of(seeds), outputs(scenario, kpis, days=days)
    plans = variants(scenario, names)
    found = _measured(list(plans.values()), chosen, wanted, days, runner or Runner())
    table = _table(scenario, dict(zip(plans, found, strict=True)), wanted)
    title = f"Stress of {scenario.name}: {len(names)} shock{'s' * (len(names) > 1)}, {len(chosen)} seeds each"
    return Answer(
        verb="stress",
        title=title,
        tables={"stress": table},
        manifest=_manifest(scenario, names, chosen, wanted, days),
        notes=tuple(_notes(scenario, names, chosen, days, table)),
        charts={"shocks": partial(_chart, table, scenario.name, len(names), len(chosen), lang)},
        lang=lang,
    )


def variants(scenario: Scenario, names: Sequence[str]) -> dict[str, Scenario]:
    """Return the plan by what strikes: nothing (the empty name), each shock alone, and `all` when there are several."""
    sets: dict[str, Sequence[str]] = {"": ()} | {name: (name,) for name in names}
    if len(names) > 1:
        sets[_name_of_all(scenario)] = together(scenario, names)
    return {name: striking(scenario, on) for name, on in sets.items()}


def together(scenario: Scenario, names: Sequence[str]) -> tuple[str, ...]:
    """Return the shocks that can strike at once: of those that cite the same risks of the plan, only the last."""
    return tuple({scenario.shocks[name].plan or name: name for name in names}.values())


def _chosen(scenario: Scenario, shocks: Sequence[str]) -> tuple[str, ...]:
    if not scenario.shocks:
        raise ValueError(f"{scenario.name} declares no shock; write some under `shocks:` of the scenario")
    for name in shocks:
        if name not in scenario.shocks:
            raise ValueError(f"unknown shock {name!r}; {nearest(name, scenario.shocks, 'shocks')}")
    return tuple(dict.fromkeys(shocks)) or tuple(scenario.shocks)


def _name_of_all(scenario: Scenario) -> str:
    return ALL if ALL not in scenario.shocks else f"{ALL} at once"


def striking(scenario: Scenario, on: Sequence[str]) -> Scenario:
    return scenario.override({render(("shocks", name, "on")): name in on for name in scenario.shocks})


def _measured(
    plans: Sequence[Scenario], seeds: Sequence[int], wanted: Sequence[Output], days: int | None, runner: Runner
) -> NDArray[np.float64]:
    """Return the outputs of each plan under each seed, [plans, outputs, seeds]."""
    found = np.full((len(plans), len(wanted), len(seeds)), nan)
    jobs = (Job(plan, seed, days) for plan in plans for seed in seeds)
    for place, tables in runner.evaluate(jobs, len(plans) * len(seeds)):
        found[place // len(seeds), :, place % len(seeds)] = values(tables, wanted)
    return found


def _table(scenario: Scenario, found: Mapping[str, NDArray[np.float64]], wanted: Sequence[Output]) -> pd.DataFrame:
    """Return the rows of all shocks; `found` holds outputs by seed, [outputs, seeds], the calm plan under ''."""
    lines = []
    for name, shocked in found.items():
        if name:
            title = scenario.shocks[name].title or name if name in scenario.shocks else "All at once"
            for output, off, on in zip(wanted, found[""], shocked, strict=True):
                lines.append((name, title, *output.columns, *_row(output, off, on)))
    return pd.DataFrame(lines, columns=list(STRESS))


def _row(output: Output, off: NDArray[np.float64], on: NDArray[np.float64]) -> tuple[Any, ...]:
    both = ~np.isnan(off) & ~np.isnan(on)
    calm, shocked = off[both].tolist(), on[both].tolist()
    means = interval(calm)[0], interval(shocked)[0]
    difference = interval([b - a for a, b in zip(calm, shocked, strict=True)])
    chances = [attainment(v, output.wanted, output.direction) if output.direction else nan for v in (calm, shocked)]
    relative = relative_change(output.unit, means[0], difference[0])
    return (*means, *difference, relative, len(calm), output.wanted, output.direction, *chances, _flip(output, *means))


def relative_change(unit: str, before: float, difference: float) -> float:
    """Return a difference relative to what it changes; of a change against a window, to the level that it leads to.

    NaN where the level is zero, or not known because the unit is points against a window.

    >>> relative_change("yuan", 200.0, -20.0), relative_change("change vs last-year", 0.25, -0.25)
    (-0.1, -0.2)
    """
    level = nan if unit.startswith("points vs ") else 1 + before if unit.startswith("change vs ") else before
    return difference / abs(level) if level else nan


def _flip(output: Output, calm: float, shocked: float) -> str:
    sign = {"at_least": 1, "at_most": -1}.get(output.direction, 0)
    before, after = (sign * (mean - output.wanted) >= 0 for mean in (calm, shocked))
    return "" if not sign or before == after else "reached" if after else "missed"


def _notes(
    scenario: Scenario, names: Sequence[str], seeds: Sequence[int], days: int | None, table: pd.DataFrame
) -> Iterator[str]:
    yield "differences are paired by seed: each run of a shock meets the same luck as its calm twin"
    if len(seeds) < FEW_SEEDS:
        some = "one seed shows no spread" if len(seeds) == 1 else f"{len(seeds)} seeds give rough intervals"
        yield f"{some}; take --seeds {2 * FEW_SEEDS} to decide on it"
    wide = int((table["ci_high"] > table["ci_low"]).sum())
    if wide >= MANY:
        yield f"of {wide} intervals of 95 %, about {round(wide / 20)} miss the truth by chance"
    if on := [name for name, shock in scenario.shocks.items() if shock.on]:
        yield f"the plan as written has {', '.join(on)} on; calm is the plan without"
    if dropped := [name for name in names if name not in together(scenario, names)]:
        yield f"all at once leaves out {', '.join(dropped)}: a later shock stands for the same risk"
    if late := [name for name in names if days is not None and _first_day(scenario, name) >= days]:
        yield f"the {days} days simulated end before {', '.join(late)}"
    still = [str(name) for name, part in table.groupby("shock", sort=False) if not (part["difference"].fillna(0)).any()]
    if still := [name for name in still if name not in late]:
        yield f"nothing that was looked at changes through {', '.join(still)}"
    if unknown := sorted({str(row.name) for row in rows(table) if not row.seeds}):
        yield f"nothing to measure: {', '.join(unknown)}"


def _first_day(scenario: Scenario, name: str) -> int:
    when = scenario.shocks[name].when
    return (scenario.span(when) if isinstance(when, str) else when.span(scenario.clock))[0]


def _manifest(
    scenario: Scenario, names: Sequence[str], seeds: Sequence[int], wanted: Sequence[Output], days: int | None
) -> dict[str, Any]:
    return {
        "scenario": scenario.name, "scenario_digest": scenario.digest, "model_version": source_digest(),
        "sandtable_version": package_version(), "users": scenario.market.users, "seeds": list(seeds), "days": days,
        "shocks": list(names), "outputs": [output.name for output in wanted],
    }  # fmt: skip


def harm(row: Any) -> float:
    """Return the change of a row against what is wanted: above 0 is worse; NaN when the interval does not exclude 0."""
    if isnan(row.ci_low) or row.ci_low <= 0 <= row.ci_high:
        return nan
    better = {"at_least": 1, "at_most": -1}.get(row.direction, KPIS[row.kpi].better)
    return float(-better * (row.difference if isnan(row.relative) else row.relative))


def words(row: Any, say: Spelling = units) -> tuple[str, str]:
    """Return the change of a row and the half-width of its interval: relative, or else in points or the KPI's unit."""
    unit, half = KPIS[row.kpi].unit, (row.ci_high - row.ci_low) / 2
    if not isnan(row.relative):
        moved, width = (say.change(v, "") for v in (row.relative, relative_change(row.unit, row.calm, half)))
    elif row.unit.startswith("points vs "):
        moved, width = (say.change(value, unit, points=True) for value in (row.difference, half))
        width = width.partition(" ")[0]
    else:
        moved, width = (say.amount(value, row.unit, 3) for value in (row.difference, half))
    return moved, f"± {width.lstrip('+')}" if half > 0 else ""


def _chart(table: pd.DataFrame, name: str, shocks: int, seeds: int, lang: str) -> "Figure":
    from experiments.plots import shocks as chart

    return chart.figure(table, chart.title_of(name, shocks, seeds, lang), lang=lang)
