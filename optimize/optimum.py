"""optimize: the best plan for the money, proved in the market on fresh seeds and bounded by the money solver."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import nan
from typing import Any

import numpy as np
import pandas as pd

import scenarios
from experiments.answer import Answer
from experiments.compare import comparison
from experiments.folder import package_version
from experiments.job import Job
from experiments.promised import Together, together
from experiments.runner import Runner
from optimize.flags import flags
from optimize.market import Plan
from optimize.money import Solution
from optimize.rehearsals import Rehearsals
from optimize.search import Proposal, search
from optimize.spending import BESIDE, posts
from scenarios import Scenario
from scenarios.uncertainty import Range
from sim.compile import source_digest

FRESH = 900_001
"""First seed of the verification; the search never uses it."""
ALLOCATION = ("lever", "period", "account", "current", "proposed", "change", "marginal", "at")
"""Columns of the allocation."""


class InfeasibleError(RuntimeError):
    """No plan keeps all limits; the text says which are in conflict and how much each must give."""


@dataclass(frozen=True)
class Optimum:
    """What was found, how sure it is, and what it rests on."""

    scenario: Scenario
    """The plan that was asked about, at the budget asked for."""
    plan: Scenario
    """The plan to use: the proposal when its gain is confirmed, else the plan as it is."""
    confirmed: bool
    answer: Answer
    """Tables allocation, settings, verification, prices, history; notes and charts."""
    proposal: Proposal
    solution: Solution | None
    """The money solver's last word; None without media."""
    before: Together | None
    after: Together | None
    """How often all targets are reached by the plan as it is and by the proposal; None without targets."""

    def text(self, extends: str | None) -> str:
        """Return the plan as a scenario file: what changes in the shipped scenario `extends`, or all of it."""
        head = "# Written by sandtable optimize; run, compare and optimize accept it like any other scenario.\n"
        source = "calibrated: by sandtable optimize, confirmed on fresh seeds"
        paths = {f"levers.{row.lever}.budget": source for row in self.answer.tables["allocation"].itertuples()}
        paths |= {f"levers.{row.lever}.pace": source for row in self.answer.tables["allocation"].itertuples()}
        paths |= {str(path): source for path in self.answer.tables["settings"]["path"]} | {"accounts": source}
        plan = self.plan
        if self.confirmed:
            plan = plan.override({"provenance": {**plan.provenance, **paths}})
        if extends is None:
            return head + scenarios.dump(plan)
        base = scenarios.load(extends)
        return head + scenarios.dump_changes(base, plan.override({"market.users": base.market.users}), extends)


def optimize(scenario: Scenario, **asked: Any) -> pd.DataFrame:
    """Return the allocation that is best for the money: lever, period, account, current, proposed, change [yuan],
    marginal [goal a yuan], at (bound that it touches). Arguments as of `optimum`.
    """
    return optimum(scenario, **asked).answer.table


def optimum(
    scenario: Scenario, *, budget: float | None = None, goal: str | None = None,
    free: Mapping[str, Range] | None = None, locked: bool = False, replications: int = 200, verify: int = 32,
    seed: int = 1, storage: str | None = None, runner: Runner | None = None,
) -> Optimum:  # fmt: skip
    """Search the media money by lever and phase, and the settings, for the largest goal; prove the finding.

    `budget`: for all media [yuan], the plan's own unless given. `goal`: gmv, orders or profit over the plan, the plan's
    `choices.goal` unless given. `free`: settings by path besides those of `choices.settings`. `locked`: the money stays as
    it is, only settings are chosen. `replications`: runs of the search, `verify`: fresh seeds of the proof. `storage`: URL
    of an Optuna storage in which the trials are kept; the same arguments go on from there. Raises `ValueError` for what
    leaves nothing to choose and for numbers out of range, `InfeasibleError` when limits contradict
    each other, `ScenarioError` for paths, and what the runner raises.
    """
    runner = runner or Runner()
    goal = goal or scenario.choices.goal
    present = sum(post.money for post in posts(scenario))
    settings = {**scenario.choices.settings, **(free or {})}
    market = Rehearsals(
        scenario, goal, present if budget is None else budget, settings, 0.0 if locked else None, runner
    )
    refuse_conflict(market)
    found = search(
        market, replications=replications, seed=seed, verify=verify, first=min(24, replications // 2), storage=storage,
        name=f"{scenario.fingerprint[:12]}-{goal}",
    )  # fmt: skip
    solution = market.division.solution(found.responses, found.found) if market.posts else None
    current, proposed = market.proposed(market.space.current), market.proposed(found.found)
    proof = comparison(
        current, proposed, seeds=range(FRESH, FRESH + verify), titles=["proposed"], runner=runner
    )  # fmt: skip
    before, after = (_together(plan, verify, runner) for plan in (current, proposed))
    tables = {
        "allocation": allocation(market, found.found, solution),
        "settings": chosen_settings(market, found.found),
        "verification": proof.table,
        "prices": solution.duals if solution is not None else pd.DataFrame(columns=["name", "words"]),
        "history": found.trace,
    }
    notes = tuple(_notes(market, found, solution, before, after)) + tuple(flags(market, found, solution, proof.table))
    answer = Answer(
        verb="optimize",
        title=f"{scenario.name}: the most {goal} for {market.budget:,.0f} yuan of media",
        tables=tables,
        manifest={
            "scenario": scenario.name, "scenario_digest": scenario.digest, "goal": goal, "budget": market.budget,
            "settings": sorted(settings), "locked": locked, "replications": found.replications, "verify": verify,
            "seed": seed, "users": scenario.market.users, "model_version": source_digest(),
            "sandtable_version": package_version(), "confirmed": found.confirmed,
        },
        notes=notes,
        charts=_charts(market, found, tables),
        good=found.confirmed,
    )  # fmt: skip
    as_it_is = scenario if budget is None else current
    plan = proposed if found.confirmed else as_it_is
    return Optimum(current, plan, found.confirmed, answer, found, solution, before, after)


def refuse_conflict(market: Rehearsals) -> None:
    """Raise `InfeasibleError` when the limits on money contradict each other."""
    conflict = market.division.clash() if market.posts else None
    if conflict is not None:
        gives = [str(words) for words in conflict.table["words"]]
        raise InfeasibleError("\n".join([f"no division keeps all limits: {conflict.words}", *gives]))


def allocation(market: Rehearsals, plan: Plan, solution: Solution | None) -> pd.DataFrame:
    """Return the money of each post: current, proposed, change [yuan], marginal [goal a yuan], bound that it touches."""
    known: dict[str, tuple[float, str]] = {}
    if solution is not None and solution.feasible:
        cells = solution.cells
        known = dict(zip(cells["cell"], zip(cells["marginal"], cells["at"], strict=True), strict=True))
    rows = []
    for post in market.posts:
        now, then = market.space.current.money[post.name], plan.money[post.name]
        period = "" if post.period == BESIDE else post.period
        rows.append((post.lever, period, post.account, now, then, then - now, *known.get(post.name, (nan, ""))))
    return pd.DataFrame(rows, columns=list(ALLOCATION))


def chosen_settings(market: Rehearsals, plan: Plan) -> pd.DataFrame:
    """Return path, current, proposed, low, high of each setting."""
    space = market.space
    rows = [
        (path, space.current.settings[path], plan.settings[path], s.low, s.high) for path, s in space.settings.items()
    ]
    return pd.DataFrame(rows, columns=["path", "current", "proposed", "low", "high"])


def _together(plan: Scenario, verify: int, runner: Runner) -> Together | None:
    if not plan.targets:
        return None
    seeds = range(FRESH, FRESH + verify)
    return together(plan, runner.tables((Job(plan, seed) for seed in seeds), verify))


def _notes(
    market: Rehearsals, found: Proposal, solution: Solution | None, before: Together | None, after: Together | None
) -> list[str]:
    said = list(found.notes)
    kpis = found.race.kpis["found"]
    seen = f"{len(kpis)} fresh runs gave {np.mean(kpis):,.4g} on average"
    said.append(f"the curves expected {found.expected:,.4g} of the proposal, {seen}")
    if solution is not None:
        said.append(f"money solver: {solution.status}; {solution.solver} says {solution.solver_status}")
        if solution.conflict is not None:
            said.append(f"by the fitted curves no division keeps all limits: {solution.conflict.words}")
        if solution.feasible:
            said.append(
                f"by the fitted curves media bring at most {solution.bound:,.6g} of the goal, the division above "
                f"{solution.value:,.6g} (gap {solution.gap:.1g}); this bound holds for the curves, not for the market"
            )
        said += solution.notes
        said += [str(words) for words in solution.duals.loc[solution.duals["binding"].astype(bool), "words"]]
    if before is not None and after is not None:
        for name, all_kept in (("as it is", before), ("proposed", after)):
            said.append(
                f"all {len(all_kept.by_target)} targets at once, {name}: {all_kept.reached} of {all_kept.seeds} runs "
                f"({all_kept.low:.0%} to {all_kept.high:.0%})"
            )
        if after.obstacles:
            said.append(f"in the way of all targets: {', '.join(after.obstacles)}")
    return said


def _charts(market: Rehearsals, found: Proposal, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    from optimize import plots

    return {
        "allocation": partial(plots.allocation, tables["allocation"]),
        "curves": partial(plots.curves, market, found),
        "history": partial(plots.history, tables["history"]),
    }
