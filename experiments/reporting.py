"""Reporting: make the runs that a report needs, build it, and write it beside them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from experiments import folder, replication
from experiments import stress as stressing
from experiments import sweep as sweeping
from experiments.answer import TableFormat
from experiments.job import Job
from experiments.outputs import COLUMNS, outputs, values
from experiments.plots.credit import OWN, WORD
from experiments.plots.kpi_curves import observed
from experiments.replication import Replication
from experiments.report import build
from experiments.report.language import Language
from experiments.runner import Runner
from experiments.spreadsheet import write_csv, write_xlsx
from experiments.summary import interval
from scenarios import Scenario
from scenarios.paths import render

SWITCHED = ("lever", *COLUMNS, "planned", "without", "difference", "ci_low", "ci_high", "seeds")
"""Columns of `switched_off`."""
CREDITED, DEAREST = 3, 1
"""Levers that are switched off: those with the most of the goal credited to them, and the dearest of the others."""
SWEEP_SEEDS = 3


@dataclass(frozen=True, eq=False)
class Report:
    """A report and what it was made from."""

    html: str
    replication: Replication
    answers: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Tables by name: `levers`, `sweep`, `stress`, `actuals`, those that were asked for."""
    lang: str = "en"

    def write(
        self, path: str | os.PathLike[str] | None = None, *, tables: TableFormat = "csv", charts: bool = True
    ) -> Path:
        """Write a run folder with report.html and the tables; see `write`."""
        return write(
            self.replication, self.html, path, answers=self.answers, tables=tables, charts=charts, lang=self.lang
        )  # fmt: skip


def report(
    scenario: Scenario,
    seeds: int | Iterable[int] = 10,
    *,
    sweep: bool = True,
    stress: bool = True,
    actuals: pd.DataFrame | None = None,
    lang: str = "en",
    runner: Runner | None = None,
) -> Report:
    """Run a plan, switch its strongest levers off, vary its uncertain numbers, let its shocks strike; report on it.

    All runs but those of the sweep (three seeds) are under `seeds`. Without `sweep` and `stress`, these sections are
    left out. `actuals` is what was measured in the real market, drawn over the curves, as
    `experiments.plots.kpi_curves.observed` takes it. Raises `ValueError` for seeds, languages and actuals, and what the
    runner raises.
    """
    Language(lang)
    observed(actuals, scenario)
    with (runner or Runner()).standing() as hands:
        found = replication.run(scenario, seeds, runner=hands)
        answers = {"levers": switched_off(found, runner=hands)}
        if sweep:
            answers["sweep"] = _swept(scenario, found.seeds[:SWEEP_SEEDS], hands)
        if stress:
            answers["stress"] = _stressed(scenario, found.seeds, hands)
    if actuals is not None:
        answers["actuals"] = actuals
    html = build(found, **answers, lang=lang)
    return Report(html, found, answers, lang)


def switched_off(found: Replication, *, runner: Runner | None = None) -> pd.DataFrame:
    """Return what is lost without each of the plan's strongest levers, one row a lever and target (or main KPI).

    Columns `SWITCHED`: `planned` and `without` are means over the seeds that could measure both; `difference` is the
    mean of the differences within each seed, with its 95 % Student-t interval. The levers are the three to which most of
    the plan's goal (`choices.goal`) is credited and, of the others, the dearest: each costs a run for each seed. Raises
    what the runner raises.
    """
    wanted, names, seeds = outputs(found.scenario), _strongest(found), found.seeds
    plans = [found.scenario.override({render(("levers", name, "on")): False}) for name in names]
    without = np.full((len(names), len(seeds), len(wanted)), np.nan)
    jobs = (Job(plan, seed) for plan in plans for seed in seeds)
    for place, tables in (runner or Runner()).evaluate(jobs, len(names) * len(seeds)):
        without[place // len(seeds), place % len(seeds)] = values(tables, wanted)
    planned = np.array([values(_of_run(found, seed), wanted) for seed in seeds])
    lines = []
    for k, name in enumerate(names):
        for j, output in enumerate(wanted):
            both = ~np.isnan(planned[:, j]) & ~np.isnan(without[k, :, j])
            on, off = planned[both, j], without[k, both, j]
            means = interval(on.tolist())[0], interval(off.tolist())[0]
            lines.append((name, *output.columns, *means, *interval((off - on).tolist()), len(on)))
    return pd.DataFrame(lines, columns=list(SWITCHED))


def write(
    found: Replication,
    html: str,
    path: str | os.PathLike[str] | None = None,
    *,
    answers: Mapping[str, pd.DataFrame] | None = None,
    tables: TableFormat = "csv",
    charts: bool = True,
    lang: str = "en",
) -> Path:
    """Write a run folder with report.html in it, and with `answers` as further tables; return it.

    The folder is that of `experiments.folder.write_folder`; with `tables` as xlsx, it also holds tables.xlsx with all
    tables. It appears whole or not at all. Raises `FolderError` as `write_folder` does.
    """
    place = folder.check_folder(folder.default_folder(found) if path is None else path)
    with folder.in_one_step(place) as making:
        folder.fill_folder(making, found, charts=charts, lang=lang)
        (making / "report.html").write_text(html, encoding="utf-8")
        if tables == "xlsx":
            write_xlsx(making / "tables.xlsx", {**_tables(found), **(answers or {})})
        else:
            write_csv(making, answers or {})
    return place


def _tables(found: Replication) -> dict[str, pd.DataFrame]:
    return {"promises": found.promises, **folder.tables(found)}


def _strongest(found: Replication) -> list[str]:
    goal = found.scenario.choices.goal
    credit = found.credit.groupby(found.credit["lever"].astype(str))[goal].sum().drop([OWN, WORD], errors="ignore")
    cost = found.costs.groupby(found.costs["lever"].astype(str))["yuan"].sum()
    known = set(found.scenario.levers)
    ranked = [name for name in credit[credit > 0].sort_values(ascending=False, kind="stable").index if name in known]
    chosen = ranked[:CREDITED]
    dear = [n for n in cost.sort_values(ascending=False, kind="stable").index if n in known and n not in chosen]
    return chosen + dear[:DEAREST]


def _of_run(found: Replication, seed: int) -> dict[str, pd.DataFrame]:
    return {name: table[table["seed"] == seed] for name, table in (("kpis", found.kpis), ("targets", found.targets))}


def _swept(scenario: Scenario, seeds: Iterable[int], runner: Runner) -> pd.DataFrame:
    """Return the sweep over the plan's priors; without priors, no row."""
    if not scenario.priors:
        return pd.DataFrame(columns=list(sweeping.INDICES))
    return sweeping.sweep(scenario, seeds=seeds, runner=runner)


def _stressed(scenario: Scenario, seeds: Iterable[int], runner: Runner) -> pd.DataFrame:
    """Return the stress test of the plan's shocks; without shocks, no row."""
    if not scenario.shocks:
        return pd.DataFrame(columns=list(stressing.STRESS))
    return stressing.stress(scenario, seeds=seeds, runner=runner)
