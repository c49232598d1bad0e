"""optimize: the best plan for the money, proved in the market on fresh seeds and bounded by the money solver."""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

import scenarios
from experiments.answer import Answer, check_language
from experiments.compare import comparison
from experiments.folder import package_version
from experiments.job import Job
from experiments.outputs import MAIN
from experiments.promised import Together, together
from experiments.runner import Runner
from experiments.store import Store
from optimize import telling
from optimize.flags import flags
from optimize.holdouts import increments
from optimize.pareto import Direction, Front, front
from optimize.rehearsals import Rehearsals, measure_of
from optimize.risk import SEEDS as SEEDS_OF_RISK
from optimize.risk import Choice, Risk, choose
from optimize.search import CURRENT, FOUND, SEEDS, Proposal, Standing, search
from optimize.settings import assumed, check_settings
from optimize.spending import posts
from optimize.waterfall import waterfall
from scenarios import Scenario
from scenarios.faults import nearest
from scenarios.uncertainty import Range
from sim.compile import source_digest
from sim.kpis import KPIS

HOLDOUTS = 8
"""Seeds under which each lever is switched off, unless asked otherwise."""
FRESH = 900_001
"""First seed of the verification; the search never uses it."""


class InfeasibleError(RuntimeError):
    """No plan keeps all limits; the text says which are in conflict and how much each must give."""


@dataclass(frozen=True)
class Optimum:
    """What was found, how sure it is, and what it rests on."""

    scenario: Scenario
    """The plan that was asked about, at the budget asked for."""
    plan: Scenario
    """The plan to use: the proposal when it is confirmed, else the plan as it is."""
    confirmed: bool
    """Whether the proposal gains, and keeps what must be kept."""
    broken: bool
    """Whether it misses what must be kept: a hard target, a return on media, or limits that cannot hold together."""
    answer: Answer
    """Tables allocation, settings, verification, responses, waterfall, prices, history, incrementality (as of
    `optimize.holdouts.increments`), and risk and pareto where asked for; notes and charts."""
    market: Rehearsals
    proposal: Proposal
    """`found` is the proposal, `solution` the money solver's last word on it."""
    before: Together | None
    after: Together | None
    """How often all targets are reached by the plan as it is and by the proposal; None without targets."""
    choice: Choice | None
    """By the risk measure; None without one."""
    front: Front | None

    @property
    def infeasible(self) -> bool:
        """Whether it is proved, by the fitted curves, that no division keeps all limits and hard targets."""
        return self.broken and self.proposal.solution is not None and self.proposal.solution.conflict is not None

    def text(self, extends: str | None, users: int | None = None) -> str:
        """Return the plan as a scenario file: what changes in the shipped scenario `extends`, or all of it.

        `users`: simulated users of the file, those of the shipped scenario or of the plan unless given.
        """
        head = "# Written by sandtable optimize; run, compare and optimize accept it like any other scenario.\n"
        source = "calibrated: by sandtable optimize, confirmed on fresh seeds"
        paths = {f"levers.{row.lever}.budget": source for row in self.answer.tables["allocation"].itertuples()}
        paths |= {f"levers.{row.lever}.pace": source for row in self.answer.tables["allocation"].itertuples()}
        chosen = (str(path) for path in self.answer.tables["settings"]["path"])
        paths |= {path: source for path in chosen if not assumed(self.scenario, path)} | {"accounts": source}
        plan = self.plan
        if self.confirmed:
            plan = plan.override({"provenance": {**plan.provenance, **paths}})
        if extends is None:
            return head + scenarios.dump(plan if users is None else plan.override({"market.users": users}))
        base = scenarios.load(extends)
        written = plan.override({"market.users": base.market.users if users is None else users})
        return head + scenarios.dump_changes(base, written, extends)


def optimize(scenario: Scenario, **asked: Any) -> pd.DataFrame:
    """Return the allocation that is best for the money: lever, period, account, current, proposed, change [yuan],
    marginal [goal a yuan], at (bound that it touches). Arguments as of `optimum`.
    """
    return optimum(scenario, **asked).answer.table


def optimum(
    scenario: Scenario, *, budget: float | None = None, goal: str | None = None,
    free: Mapping[str, Range] | None = None, locked: bool = False,
    targets: Mapping[str, float | Literal["hard"]] | None = None, roas: float | None = None, marginal: float = 0.0,
    risk: Risk | None = None, shocks: bool = False, pareto: Mapping[str, Direction] | None = None,
    replications: int = 200, holdouts: int = HOLDOUTS, tolerance: float = 0.0, verify: int = 32,
    search_users: int | None = None, seed: int = 1, storage: str | None = None, alone: bool = True,
    runner: Runner | None = None, report: Callable[[Standing], None] | None = None, lang: str = "en",
) -> Optimum:  # fmt: skip
    """Search the media money by lever and phase, and the settings, for the largest goal; prove the finding.

    What to choose. `budget`: for all media [yuan], the plan's own unless given. `free`: settings by path besides those of
    `choices.settings`. `locked`: the money stays as it is, only settings are chosen.

    What is wanted. `goal`: a KPI over the plan of which more is better, the plan's `choices.goal` unless given. `targets`:
    by key, `hard` for one that must be kept, or what of the goal each unit of the KPI that is missing costs; besides those
    of `choices.targets`, whose costs, and those of the plan's soft limits, count in proportion where the goal is another.
    `roas`: least goal (one that runs credit) credited to media for each yuan of them. `marginal`: goal that the last yuan
    must bring; what does not is not spent. `risk`: the measure by which a few good plans are told apart, over the seeds and,
    with `shocks`, over every shock of the plan. `pareto`: KPIs and their directions, for a front.

    How. `replications`: runs of the search, which ends before when it expects to lose less than a share `tolerance` of the
    goal by ending, at two looks in a row; `holdouts`: seeds under which each media lever is switched off besides, to learn
    what of its credit it truly brings (0: all of it; `locked` money needs none); `verify`: fresh seeds of the proof.
    `search_users`: a smaller market for the search, the finalists run in the plan's own. `storage`: URL of an Optuna storage
    in which the trials are kept; the same arguments go on from there, and with `alone=False` several processes at once.
    `lang`: en or zh, of the charts.

    Raises `ValueError` for what leaves nothing to choose, numbers out of range and unknown names, `InfeasibleError` when
    limits contradict each other, `ScenarioError` for paths, and what the runner raises.
    """
    check_language(lang)
    refuse(scenario, free, locked=locked, risk=risk, shocks=shocks, pareto=pareto, verify=verify)
    present = sum(post.money for post in posts(scenario))
    holdouts = 0 if locked else holdouts
    with hired(runner) as hands:
        asked = Rehearsals(
            scenario, goal or scenario.choices.goal, present if budget is None else budget,
            {**scenario.choices.settings, **(free or {})}, 0.0 if locked else None, hands, {}, tuple(pareto or ()), roas,
            marginal,
        )  # fmt: skip
        wanted = {
            **asked.own_targets,
            **{name: None if cost == "hard" else cost for name, cost in (targets or {}).items()},
        }
        finals = replace(asked, targets=wanted)
        refuse_conflict(finals)
        small = finals if search_users is None else replace(
            finals, scenario=scenario.override({"market.users": search_users})
        )  # fmt: skip
        first = min(24, replications // 2)
        found = search(
            small, replications=replications, seed=seed, verify=verify, first=first, tolerance=tolerance, holdouts=holdouts,
            storage=storage, name=name_of(small, seed, first, holdouts), alone=alone, finals=finals, report=report,
        )  # fmt: skip
        choice = chosen(finals, found, risk, shocks, verify) if risk is not None else None
        ask = {
            "scenario": scenario.name, "scenario_digest": scenario.digest, "goal": finals.goal,
            "budget": finals.budget, "settings": sorted(finals.settings), "locked": locked,
            "targets": {name: "hard" if cost is None else cost for name, cost in wanted.items()},
            "roas": roas, "marginal": marginal, "risk": risk.words if risk is not None else None, "shocks": shocks,
            "pareto": dict(pareto or {}), "search_users": small.scenario.market.users,
            "users": scenario.market.users, "verify": verify, "seed": seed, "tolerance": tolerance, "holdouts": holdouts,
        }  # fmt: skip
        return told(scenario, finals, found, choice, fronted(finals, found, pareto, verify, seed), ask, lang)


@contextmanager
def hired(runner: Runner | None) -> Iterator[Runner]:
    """Give a runner with a standing crew; one without a store keeps its runs until the end, for many are asked for twice."""
    runner = runner or Runner()
    with tempfile.TemporaryDirectory(prefix="sandtable-") as folder:
        keeping = runner if runner.store is not None else replace(runner, store=Store(folder))
        with keeping.standing() as hands:
            yield hands


def refuse(
    scenario: Scenario, free: Mapping[str, Range] | None, *, locked: bool, risk: Risk | None, shocks: bool,
    pareto: Mapping[str, Direction] | None, verify: int,
) -> None:  # fmt: skip
    """Raise `ValueError` for a question that has no answer, before any run is spent on it."""
    if locked and not (free or scenario.choices.settings):
        raise ValueError(f"{scenario.name} has no settings to choose: `locked` leaves nothing free")
    check_settings(scenario, {**scenario.choices.settings, **(free or {})})
    if shocks and not (scenario.shocks and risk):
        raise ValueError("`shocks` needs a measure of risk and a plan that declares shocks")
    if risk is not None and verify < SEEDS_OF_RISK:
        raise ValueError(f"`{SEEDS_OF_RISK} <= verify` must hold with a measure of risk, but got (verify={verify})")
    if pareto and not 2 <= len(pareto) <= 4:
        raise ValueError(f"a front is of 2 to 4 KPIs, but got {', '.join(pareto)}")


def name_of(market: Rehearsals, seed: int, first: int, holdouts: int) -> str:
    """Return the name of a search's study: another question, seed, opening or model has another."""
    settings = {path: span.model_dump() for path, span in market.settings.items()}
    asked = (
        market.scenario.fingerprint, market.scenario.choices.model_dump(mode="json"), source_digest(), market.goal,
        market.budget, settings, market.band, dict(market.targets), list(market.kpis), market.roas, market.marginal,
        seed, first, holdouts,
    )  # fmt: skip
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return f"{market.scenario.name}-{market.goal}-{digest[:12]}"


def refuse_conflict(market: Rehearsals) -> None:
    """Raise `InfeasibleError` when the limits on money contradict each other."""
    conflict = market.division.clash() if market.posts else None
    if conflict is not None:
        gives = [str(words) for words in conflict.table["words"]]
        raise InfeasibleError("\n".join([f"no division keeps all limits: {conflict.words}", *gives]))


def chosen(market: Rehearsals, found: Proposal, risk: Risk, shocks: bool, verify: int) -> Choice:
    """Return which of the finalists and a few plans that may be best the risk measure prefers."""
    plans = {CURRENT: market.space.current, FOUND: found.found}
    plans |= {f"draw {k}": plan for k, plan in enumerate(found.drawn, 1)}
    calm = market.struck(None) if shocks else market
    worlds = [calm, *(market.struck(name) for name in market.scenario.shocks)] if shocks else [calm]
    return choose(worlds, plans, range(FRESH - verify, FRESH), risk)


def fronted(
    market: Rehearsals, found: Proposal, pareto: Mapping[str, Direction] | None, verify: int, seed: int
) -> Front | None:
    """Return the front of the KPIs asked for."""
    if not pareto:
        return None
    goals = {measure_of(kpi): way for kpi, way in pareto.items()}
    also = {CURRENT: market.space.current, FOUND: found.found}
    start = seed * SEEDS + 3 * SEEDS // 4
    return front(market, goals, found.seen, found.responses, also, range(start, start + max(verify // 2, 8)))


def told(
    scenario: Scenario, market: Rehearsals, found: Proposal, choice: Choice | None, many: Front | None,
    ask: Mapping[str, Any], lang: str,
) -> Optimum:  # fmt: skip
    """Verify what was found on fresh seeds and return it with all that is to be said of it."""
    fresh = range(FRESH, FRESH + int(ask["verify"]))
    found = preferred(market, found, choice)
    gain = telling.gained(market, found.found, fresh)
    gains = choice.proved if choice is not None else found.confirmed and gain.proved
    current, proposed = market.proposed(market.space.current), market.proposed(found.found)
    proof = proved(current, proposed, fresh, market.goal, market.runner)
    before, after = (reached(plan, fresh, market.runner) for plan in (current, proposed))
    missed = list(telling.promises_missed(market, proof))
    returned, short = telling.media_return(market, found.found, fresh)
    broken = short or bool(missed) or (found.solution is not None and found.solution.infeasible)
    confirmed = gains and not broken
    tables = tables_of(market, found, choice, many, proof)
    notes = [
        *missed, *filter(None, [returned]), *telling.of_gain(market, gain, raced=choice is None and found.confirmed),
        *telling.unmeasured(market, found), *telling.notes(found, choice, gain, before, after),
        *telling.corrected(tables["incrementality"]), *telling.uncredited(market, found), *flags(market, found, proof),
    ]  # fmt: skip
    as_it_is = scenario if market.budget == sum(post.money for post in market.posts) else current
    answer = Answer(
        verb="optimize",
        title=telling.title(market),
        tables=tables,
        manifest={
            **ask, "replications": found.replications, "confirmed": confirmed, "model_version": source_digest(),
            "sandtable_version": package_version(),
        },
        notes=tuple(notes),
        charts=telling.charts(market, found, tables, lang),
        lang=lang,
        good=confirmed,
    )  # fmt: skip
    plan = proposed if confirmed else as_it_is
    return Optimum(current, plan, confirmed, broken, answer, market, found, before, after, choice, many)


def preferred(market: Rehearsals, found: Proposal, choice: Choice | None) -> Proposal:
    """Return the proposal with the plan by risk, or that won the race, as its finding, and what the curves say of it."""
    best = choice.plan if choice is not None else found.plan if found.confirmed else found.found
    solution = found.solution
    if best != found.found and market.posts:
        solution = market.division.judged(found.responses, market.space.spend(best), market.space.unit(best))
    return replace(found, found=best, expected=float(found.belief.expect([best])[0]), solution=solution)


def tables_of(
    market: Rehearsals, found: Proposal, choice: Choice | None, many: Front | None, proof: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the tables of an answer; `proof`: the verification."""
    solution = found.solution
    tables = {
        "allocation": telling.allocation(market, found.found, solution),
        "settings": telling.chosen_settings(market, found.found),
        "verification": proof,
        "responses": telling.responses(market, found),
        "waterfall": waterfall(market, found, proof),
        "prices": solution.duals if solution is not None else pd.DataFrame(columns=["name", "words"]),
        "history": found.trace,
        "incrementality": increments(market.space, found.holdouts, found.responses, refund=market.marginal),
    }
    if choice is not None:
        tables["risk"] = choice.table
    if many is not None:
        tables["pareto"] = many.table.rename(columns=lambda name: name.replace(measure_of(""), ""))
    return tables


def proved(current: Scenario, proposed: Scenario, seeds: Sequence[int], goal: str, runner: Runner) -> pd.DataFrame:
    """Return how the proposal differs from the plan as it is: the table of `compare`, with the goal if it is no main KPI."""
    table = comparison(current, proposed, seeds=seeds, titles=["proposed"], runner=runner).table
    if goal in MAIN:
        return table
    more = comparison(current, proposed, seeds=seeds, titles=["proposed"], runner=runner, kpis=[goal]).table
    return pd.concat([table, more], ignore_index=True).drop_duplicates(["name", "kpi", "window", "segment", "unit"])


def reached(plan: Scenario, seeds: Sequence[int], runner: Runner) -> Together | None:
    """Return how often the targets are reached together on the fresh seeds; None without targets."""
    if not plan.targets:
        return None
    return together(plan, runner.tables((Job(plan, seed) for seed in seeds), len(seeds)))


def directions(kpis: Sequence[str]) -> dict[str, Direction]:
    """Return the direction in which each KPI is better. Raises `ValueError` for unknown ones."""
    for kpi in kpis:
        if kpi not in KPIS:
            raise ValueError(f"unknown KPI {kpi!r}; {nearest(kpi, KPIS, 'KPIs')}")
    counts = Counter(kpis)
    if twice := [kpi for kpi, count in counts.items() if count > 1]:
        raise ValueError(f"each KPI of a front is asked for once, but got {twice[0]} {counts[twice[0]]} times")
    return {kpi: "maximize" if KPIS[kpi].better > 0 else "minimize" for kpi in kpis}
