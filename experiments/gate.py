"""The gate: a plan is held to a policy, check by check; made for CI."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments import policy as policies
from experiments.answer import Answer
from experiments.baseline import Baseline, BaselineError, Level, read, write
from experiments.folder import package_version
from experiments.job import Job
from experiments.outputs import Output, outputs, values
from experiments.policy import ALL_KPIS, Drift, PolicyFile
from experiments.replication import seeds_of
from experiments.runner import Runner
from experiments.stability import Stability, stability
from experiments.summary import attainment, interval
from experiments.units import amount, change, probability, spell
from scenarios import Scenario
from sim.compile import source_digest
from sim.kpis import KPIS

Kind = Literal["target", "drift", "overlap", "rank", "noise"]
CHECKS = ("kind", "name", "title", "value", "limit", "passed", "words")
"""Columns of the checks."""
DRIFT = (
    "kpi", "title", "window", "unit", "baseline", "now", "difference", "relative", "standard_error", "tolerated",
    "passed",
)  # fmt: skip
"""Columns of the drift; money in yuan, shares from 0 to 1."""


@dataclass(frozen=True)
class Check:
    """One thing that a policy asks, and what was found."""

    kind: Kind
    name: str
    """Target or KPI."""
    title: str
    value: float
    """What was found: a probability, the size of a drift in the KPI's unit, a share or a correlation; NaN: unknown."""
    limit: float
    """Least value of targets, overlap and rank; most of drift and noise."""
    passed: bool
    words: str


def gate(
    scenario: str | os.PathLike[str], policy: str | os.PathLike[str], *, seeds: int | Iterable[int] | None = None,
    overlays: Iterable[str] = (), changes: Mapping[str, Any] | None = None, update_baseline: bool = False,
    runner: Runner | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return one row for each thing that a policy asks of a plan, with the columns `CHECKS`; see `ask`."""
    file = policies.load(policy)
    plan = file.scenario(scenario, overlays, changes)
    return ask(plan, file, seeds=seeds, update_baseline=update_baseline, runner=runner).table


def ask(
    scenario: Scenario, file: PolicyFile, *, seeds: int | Iterable[int] | None = None, update_baseline: bool = False,
    runner: Runner | None = None,
) -> Answer:  # fmt: skip
    """Hold a plan, loaded with `file.scenario`, to a policy; the answer is good when every check passes.

    A target passes when the probability that one further run keeps it (`experiments.summary.attainment`) is at least
    what the policy asks. A KPI passes when the difference of its mean from the baseline's is at most `relative` times
    the baseline plus `sigmas` standard errors of that difference (Welch): it fails only when more than the tolerated
    drift is surely there. With `update_baseline`, what is found now is stored, and drift is told but fails nothing.

    Tables: `checks` (`CHECKS`), `drift` (`DRIFT`; against the baseline before an update). Raises `BaselineError` when
    a baseline is needed and is not there or cannot be used, `ValueError` for fewer than two seeds, and what the runner
    raises.
    """
    chosen = seeds_of(file.policy.seeds if seeds is None else seeds)
    if len(chosen) < 2:
        raise ValueError("a gate needs at least 2 seeds to tell luck from change, but got 1")
    before = _before(file, scenario, update_baseline)
    runner, days = runner or Runner(), file.policy.days
    wanted = _wanted(scenario, days)
    found = _measured(scenario, chosen, days, wanted, runner)
    stable = stability(scenario, file.policy.sensitivity, days, runner)
    now = _baseline(scenario, chosen, days, wanted, found, stable)
    drift = _drift(file, before, now) if before is not None else pd.DataFrame(columns=list(DRIFT))
    checks = [
        *_target_checks(file, wanted, found),
        *(_drift_check(row, before, excused=update_baseline) for row in drift.to_dict("records")),
        *_stability_checks(stable, before, excused=update_baseline),
    ]
    if update_baseline and file.baseline is not None:
        write(file.baseline, now)
    good, held = all(check.passed for check in checks), sum(check.passed for check in checks)
    return Answer(
        verb="gate",
        title=f"{scenario.name}: {'passed' if good else 'failed'}, {held} of {len(checks)} checks hold",
        tables={"checks": pd.DataFrame([vars(check) for check in checks], columns=list(CHECKS)), "drift": drift},
        manifest=_manifest(scenario, file, now, before, update_baseline),
        notes=tuple(_notes(file, before, now, update_baseline)),
        good=good,
    )


def _before(file: PolicyFile, scenario: Scenario, update: bool) -> Baseline | None:
    """Return the stored baseline; None when the policy needs none, or none that can be read is there to be replaced."""
    if file.baseline is None:
        if update:
            raise BaselineError(f"{file.path}: names no baseline to update; add baseline: FILE.json")
        return None
    try:
        found = read(file.baseline)
    except BaselineError:
        if update:
            return None
        raise
    if found.scenario != scenario.name and not update:
        raise BaselineError(f"{file.baseline}: is the baseline of {found.scenario}, not of {scenario.name}")
    return found


def _wanted(scenario: Scenario, days: int | None) -> list[Output]:
    """Return the plan's targets, then every KPI over the plan."""
    promised = [output for output in outputs(scenario, days=days) if output.target]
    return [*promised, *outputs(scenario, tuple(KPIS), days=days)]


def _measured(
    scenario: Scenario, seeds: Sequence[int], days: int | None, wanted: Sequence[Output], runner: Runner
) -> NDArray[np.float64]:
    """Return the outputs under each seed, [outputs, seeds]."""
    found = np.full((len(wanted), len(seeds)), nan)
    jobs = (Job(scenario, seed, days) for seed in seeds)
    for place, tables in runner.evaluate(jobs, len(seeds)):
        found[:, place] = values(tables, wanted)
    return found


def _baseline(
    scenario: Scenario, seeds: Sequence[int], days: int | None, wanted: Sequence[Output],
    found: NDArray[np.float64], stable: Sequence[Stability],
) -> Baseline:  # fmt: skip
    levels = {}
    for output, line in zip(wanted, found, strict=True):
        known = line[~np.isnan(line)]
        if not output.target and len(known) >= 2:
            mean, low, _ = interval(known.tolist())
            spread = 0.0 if low == mean else float(np.std(known, ddof=1))
            levels[output.kpi] = Level(
                window=output.window, unit=output.unit, mean=mean, sd=spread, seeds=len(known)
            )  # fmt: skip
    return Baseline(
        scenario=scenario.name, scenario_digest=scenario.digest, model_version=source_digest(),
        users=scenario.market.users, seeds=tuple(seeds), days=Job(scenario, seeds[0], days).length, kpis=levels,
        strengths={each.kpi: each.strengths for each in stable},
    )  # fmt: skip


# --- Checks -----------------------------------------------------------------------------------------------------------


def _target_checks(file: PolicyFile, wanted: Sequence[Output], found: NDArray[np.float64]) -> Iterator[Check]:
    for output, line in zip(wanted, found, strict=True):
        least = file.policy.least(output.name)
        if output.target and least is not None:
            known = line[~np.isnan(line)].tolist()
            chance = attainment(known, output.wanted, output.direction)
            mean, wish = (spell(v, output.unit, KPIS[output.kpi].unit) for v in (interval(known)[0], output.wanted))
            sign = "≥" if output.direction == "at_least" else "≤"
            told = f"{probability(chance)} sure of {sign} {wish} (mean {mean}); asked for {probability(least)}"
            if isnan(chance):
                told = f"cannot tell: {len(known)} of {len(line)} runs could measure it"
            yield Check("target", output.name, output.title, chance, least, bool(chance >= least), told)


def _drift(file: PolicyFile, before: Baseline, now: Baseline) -> pd.DataFrame:
    """Return the drift of every KPI that the policy watches, with the columns `DRIFT`."""
    watched = {kpi for kpi in (*before.kpis, *file.policy.drift) if kpi != ALL_KPIS}
    lines = []
    for kpi in (kpi for kpi in KPIS if kpi in watched):
        allowed = file.policy.tolerated(kpi)
        if allowed is not None:
            lines.append((kpi, KPIS[kpi].title, *_held(allowed, before.kpis.get(kpi), now.kpis.get(kpi))))
    return pd.DataFrame(lines, columns=list(DRIFT))


def _held(allowed: Drift, old: Level | None, new: Level | None) -> tuple[Any, ...]:
    if old is None or new is None:
        one = new or old
        window, unit = (one.window, one.unit) if one is not None else ("", "")
        means = (nan if level is None else level.mean for level in (old, new))
        return (window, unit, *means, nan, nan, nan, nan, False)
    difference = new.mean - old.mean
    error = sqrt(old.sd**2 / old.seeds + new.sd**2 / new.seeds)
    tolerated = allowed.relative * abs(old.mean) + allowed.sigmas * error
    passed = abs(difference) <= tolerated and old.window == new.window
    relative = difference / abs(old.mean) if old.mean else nan
    return new.window, new.unit, old.mean, new.mean, difference, relative, error, tolerated, passed


def _drift_check(row: Mapping[Any, Any], before: Baseline | None, *, excused: bool) -> Check:
    kpi, unit = row["kpi"], row["unit"]
    levels = f"{amount(row['baseline'], unit)} to {amount(row['now'], unit)}"
    if isnan(row["difference"]):
        told = "not measured now" if isnan(row["now"]) else "not in the baseline; run with --update-baseline"
    elif before is not None and before.kpis[kpi].window != row["window"]:
        told = f"the baseline is over {before.kpis[kpi].window}, not {row['window']}; run with --update-baseline"
    else:
        moved = change(row["relative"], "") if not isnan(row["relative"]) else amount(row["difference"], unit)
        room = abs(row["tolerated"] / row["baseline"]) if row["baseline"] else nan
        told = (
            f"{levels}: {moved}; tolerated ±{amount(row['tolerated'], unit) if isnan(room) else change(room, '')[1:]}"
        )
    size = abs(row["difference"])
    return Check("drift", kpi, row["title"], size, row["tolerated"], bool(row["passed"]) or excused, told)


def drifted(baseline: float, difference: float, tolerated: float, unit: str) -> tuple[str, str]:
    """Return a drift and what is tolerated of it in words: as shares of the baseline, or in its unit where that is 0.

    >>> drifted(200.0, -3.0, 10.0, "yuan"), drifted(0.0, 3.0, 0.0, "orders")
    (('−1.5 %', '±5 %'), ('3', '±0'))
    """
    if not baseline:
        return amount(difference, unit), f"±{amount(tolerated, unit)}"
    return change(difference / abs(baseline), ""), f"±{change(tolerated / abs(baseline), '').lstrip('+')}"


def _stability_checks(stable: Sequence[Stability], before: Baseline | None, *, excused: bool) -> Iterator[Check]:
    for each in stable:
        old = before.strengths.get(each.kpi) if before is not None else None
        for kind, value, limit, told in each.judged(old):
            passed = value <= limit if kind == "noise" else value >= limit
            judged = passed or (excused and kind != "noise")
            yield Check(kind, each.kpi, KPIS[each.kpi].title, value, limit, bool(judged), told)


# --- Words ------------------------------------------------------------------------------------------------------------


def _notes(file: PolicyFile, before: Baseline | None, now: Baseline, update: bool) -> Iterator[str]:
    if update:
        yield f"the baseline {file.policy.baseline} was {'written anew' if before is not None else 'written'}"
    if before is None:
        return
    if before.model_version != now.model_version:
        yield "the simulator's source has changed since the baseline"
    if before.scenario_digest != now.scenario_digest:
        yield "the plan, or what the policy sets in it, has changed since the baseline"
    if (before.users, before.seeds, before.days) != (now.users, now.seeds, now.days):
        yield (
            f"the baseline is of {before.users:,} users, {len(before.seeds)} seeds and {before.days} days, "
            f"this is of {now.users:,}, {len(now.seeds)} and {now.days}"
        )
    if unwatched := [kpi for kpi in now.kpis if kpi not in before.kpis and kpi not in file.policy.drift]:
        yield f"not in the baseline, so not watched: {', '.join(unwatched)}"


def _manifest(
    scenario: Scenario, file: PolicyFile, now: Baseline, before: Baseline | None, update: bool
) -> dict[str, Any]:
    return {
        "scenario": scenario.name, "scenario_digest": now.scenario_digest, "model_version": now.model_version,
        "sandtable_version": package_version(), "users": now.users, "seeds": list(now.seeds), "days": now.days,
        "policy": file.policy.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "baseline_digest": None if before is None else before.scenario_digest,
        "baseline_model_version": None if before is None else before.model_version, "update_baseline": update,
    }  # fmt: skip
