"""Sweep: which assumptions and settings of a plan its results hang on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from importlib import import_module
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments import ranges
from experiments.answer import Answer, check_language
from experiments.design import Method, Parameter, designed
from experiments.folder import package_version
from experiments.job import Job
from experiments.outputs import COLUMNS, Output, outputs, values
from experiments.ranges import Over, RangeError, without_words
from experiments.replication import seeds_of
from experiments.runner import Runner
from experiments.sensitivity import Findings, explore
from experiments.tables import rows
from experiments.variance import TOLERATED
from scenarios import Scenario, ScenarioError
from scenarios.variants import Variants
from sim.compile import source_digest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INDICES = (*COLUMNS, "parameter", "method", "index", "value", "ci_low", "ci_high")
"""Columns of the table."""
NOISE = (*COLUMNS, "source", "variance", "share", "ci_low", "ci_high")
"""Columns of the table `noise`."""
FEW_SEEDS = 10
WEAK_FIT = 0.7
"""Share of the variance of ranks below which rank correlations do not tell the whole story."""
_NAMED = 3
_READY = 250
"""Variants kept from their check to their runs, 0.1 MB each at most."""


def sweep(
    scenario: Scenario, over: Over | None = None, method: Method = "oat", samples: int | None = None,
    seeds: int | Iterable[int] = 3, kpis: Sequence[str] = (), days: int | None = None, runner: Runner | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the sensitivity of each target of the plan (or KPI asked for) to each parameter; see `swept`.

    Columns: name, title, kpi, window, segment, unit of the output; parameter (its path), method, index, value, ci_low,
    ci_high (95 %; NaN: not known). Indices by method: `low`, `high` (oat: change of the output at the ends of the range,
    in its unit, paired by seed); `mu_star`, `mu`, `sigma`, `mu_star_luck` (morris: effects of the whole range, in the
    output's unit); `S1`, `ST`, `S1_corrected`, `ST_corrected` (sobol: shares of variance); `prcc`, `r2` (lhs). Their
    formulas and sources stand in `experiments.sensitivity`.
    """
    return swept(scenario, over, method, samples, seeds, kpis, days, runner).table


def swept(
    scenario: Scenario, over: Over | None = None, method: Method = "oat", samples: int | None = None,
    seeds: int | Iterable[int] = 3, kpis: Sequence[str] = (), days: int | None = None, runner: Runner | None = None,
    *, lang: str = "en",
) -> Answer:  # fmt: skip
    """Vary numbers of a plan together or one at a time, under the same seeds, and tell what that does to its results.

    `over`: see `experiments.ranges.parameters`; without, all numbers that have a prior. `method` and `samples` (size of
    the design): see `experiments.design.designed`. Indices are those of means over seeds. Tables: `indices` (see
    `sweep`), `noise` (variance of single runs by source: see `experiments.variance.noise`), `parameters`, `samples`
    (sample, then the values by path; sample 0 is the plan itself), `values` (sample, seed, name, value). Charts are
    in the language `lang`. Raises `RangeError` (a `ValueError`) for ranges and samples that the scenario refuses, before
    any run; `ValueError` for unknown KPIs and languages, sizes, seeds and days out of range; and what the runner raises.
    """
    check_language(lang)
    chosen, wanted = seeds_of(seeds), outputs(scenario, kpis, days=days)
    length = Job(scenario, chosen[0], days).length
    design = designed(ranges.parameters(scenario, over, method), method, samples)
    simulator = Simulator(scenario, design.parameters, wanted, chosen, days, runner or Runner())
    simulator.check(design.values)
    found = explore(design, simulator)
    tables = _tables(found, wanted, chosen)
    title = (
        f"{scenario.name}: {method} over {_number(len(design.parameters), 'parameter')}, "
        f"{_number(len(design.values) - 1, 'sample')} and the plan, {_number(len(chosen), 'seed')} each"
    )
    return Answer(
        verb="sweep",
        title=title,
        tables=tables,
        manifest={
            "scenario": scenario.name, "scenario_digest": scenario.digest, "model_version": source_digest(),
            "sandtable_version": package_version(), "users": scenario.market.users, "days": length,
            "seeds": list(chosen), "kpis": list(kpis), "method": method, "size": design.size,
            "over": "priors" if not over else "asked",
            "parameters": [asdict(parameter) for parameter in design.parameters],
        },
        notes=tuple(_notes(found, wanted, over)),
        charts=_charts(tables, method, scenario.name, lang),
        lang=lang,
    )  # fmt: skip


@dataclass(frozen=True)
class Simulator:
    """The simulator as a model of numbers: from the values of parameters to the outputs under each seed."""

    scenario: Scenario
    parameters: tuple[Parameter, ...]
    outputs: tuple[Output, ...]
    seeds: tuple[int, ...]
    days: int | None
    runner: Runner
    checked: dict[tuple[float, ...], Scenario] = field(default_factory=dict, repr=False, compare=False)
    """Some variants that were made to be checked and have not run yet."""

    def __call__(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the results of samples [samples, parameters] as [samples, seeds, outputs]; equal samples run once."""
        places: dict[tuple[float, ...], int] = {}
        back = [places.setdefault(tuple(row), len(places)) for row in samples.tolist()]
        found = np.full((len(places), len(self.seeds), len(self.outputs)), np.nan)
        for place, tables in self.runner.evaluate(self._jobs(places), len(places) * len(self.seeds)):
            found[divmod(place, len(self.seeds))] = values(tables, self.outputs)
        return found[back]

    def check(self, samples: NDArray[np.float64]) -> None:
        """Raise `RangeError` with the samples [samples, parameters] that the scenario refuses."""
        faults, told = 0, []
        for number, row in enumerate(map(tuple, samples.tolist())):
            try:
                variant = self._variant(row)
                if len(self.checked) < _READY:
                    self.checked[row] = _digested(variant)
            except ScenarioError as error:
                faults += 1
                if faults <= _NAMED:
                    what = ", ".join(f"{p.path}={p.written(v)}" for p, v in zip(self.parameters, row, strict=True))
                    told.append(f"sample {number} ({what}) is refused: {error.faults[0]}")
        if faults:
            more = f"\nand {faults - _NAMED} samples more" if faults > _NAMED else ""
            raise RangeError("\n".join(told) + more + "\nnarrow the ranges so that all samples are valid plans")

    def _jobs(self, samples: Iterable[tuple[float, ...]]) -> Iterator[Job]:
        for row in samples:
            variant = self.checked.pop(row, None) or self._variant(row)
            yield from (Job(variant, seed, self.days) for seed in self.seeds)

    @cached_property
    def _variants(self) -> Variants:
        return Variants(without_words(self.scenario))

    def _variant(self, row: Sequence[float]) -> Scenario:
        changes = {p.path: p.written(v) for p, v in zip(self.parameters, row, strict=True) if v != p.own}
        return self._variants.override(changes) if changes else self.scenario


def _digested(variant: Scenario) -> Scenario:
    """Return a variant that carries its digests, which are quicker made right after it, and once for all its seeds."""
    for name in ("digest", "fingerprint"):
        getattr(variant, name)
    return variant


# --- Tables and words -------------------------------------------------------------------------------------------------


def _tables(found: Findings, wanted: Sequence[Output], seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    design, results = found.design, found.results
    samples = pd.DataFrame(design.values, columns=[p.path for p in design.parameters])
    samples.insert(0, "sample", range(len(samples)))
    cells = product(range(len(samples)), seeds, (output.name for output in wanted))
    long = pd.DataFrame(cells, columns=["sample", "seed", "name"]).assign(value=results.ravel())
    return {
        "indices": _of_outputs(found.indices, wanted, INDICES),
        "noise": _of_outputs(found.noise, wanted, NOISE),
        "parameters": pd.DataFrame([asdict(parameter) for parameter in design.parameters]),
        "samples": samples,
        "values": long,
    }


def _of_outputs(table: pd.DataFrame, wanted: Sequence[Output], columns: Sequence[str]) -> pd.DataFrame:
    """Return a table with the columns of its outputs in place of their numbers."""
    about = pd.DataFrame([output.columns for output in wanted], columns=list(COLUMNS))
    return about.loc[table["output"]].reset_index(drop=True).join(table)[list(columns)]


def _notes(found: Findings, wanted: Sequence[Output], over: Over | None) -> Iterator[str]:
    design, seeds = found.design, found.results.shape[1]
    if not over:
        yield "ranges are the plan's priors: how far its assumptions may be wrong, not what can be decided"
    if design.method == "oat":
        yield "one number at a time, all others as planned: what they do together does not show (--method sobol)"
    yield from _noise_notes(found, wanted, seeds)
    gone = [o.title for k, o in enumerate(wanted) if not np.isfinite(found.results[:, :, k]).all()]
    if gone:
        so = "changes rest on the seeds that could" if design.method == "oat" else "they have no indices"
        yield f"could not be measured in every run: {', '.join(gone)}; {so}"
    still = [o.title for k, o in enumerate(wanted) if np.ptp(found.results[:, :, k].mean(axis=1)) == 0]
    if still:
        yield f"nothing that was varied changes {', '.join(still)}"
    if design.method == "lhs":
        yield from _fit_notes(found, wanted)
    if whole := [p.path for p in design.parameters if p.kind == "whole"]:
        yield f"whole numbers only: {', '.join(whole)}"


def _noise_notes(found: Findings, wanted: Sequence[Output], seeds: int) -> Iterator[str]:
    if seeds == 1:
        yield "one seed: the luck of the market cannot be told from the effect of parameters; take --seeds 3"
        return
    if found.design.method == "oat":
        if seeds < FEW_SEEDS:
            yield f"intervals rest on {seeds} seeds; take --seeds {FEW_SEEDS} to decide on them"
        return
    means = found.noise[found.noise["source"] == "means"]
    loud = [f"{wanted[row.output].title} {100 * row.share:.0f} %" for row in rows(means) if row.share > TOLERATED]
    if loud:
        bias = {
            "sobol": "S1 comes out too low by it and ST moves towards 1; S1_corrected and ST_corrected are free of it",
            "morris": "mu_star and sigma come out too large by it; mu_star_luck is what luck alone gives",
            "lhs": "rank correlations come out too near 0 by it",
        }[found.design.method]
        yield f"luck in the means over seeds, as a share of their variance: {', '.join(loud)}. {bias}; more seeds help"


def _fit_notes(found: Findings, wanted: Sequence[Output]) -> Iterator[str]:
    fits = found.indices[found.indices["index"] == "r2"]
    weak = [f"{wanted[row.output].title} {100 * row.value:.0f} %" for row in rows(fits) if row.value < WEAK_FIT]
    if weak:
        yield (
            f"monotone effects explain only a part of the variance of ranks: {', '.join(weak)}; the rest is luck, "
            "interaction, or effects that turn"
        )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _charts(tables: dict[str, pd.DataFrame], method: Method, name: str, lang: str) -> dict[str, Callable[[], "Figure"]]:
    def draw(module: str) -> "Figure":
        title = import_module("experiments.plots.tornado").title_of(name, lang)
        figure: Figure = import_module(f"experiments.plots.{module}").figure(tables, title, lang=lang)
        return figure

    names = {"tornado": "tornado"} if method == "oat" else {"indices": "indices"}
    return {name: partial(draw, module) for name, module in (names | {"responses": "responses"}).items()}
