"""The least money that reaches all targets with a stated probability, or the proof that none that was tried does."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd

from experiments.answer import Answer
from experiments.folder import package_version
from experiments.job import Job
from experiments.promised import Together, together
from experiments.runner import Runner
from experiments.units import compact
from optimize.market import Plan
from optimize.optimum import HOLDOUTS, hired, name_of, refuse_conflict
from optimize.rehearsals import Rehearsals
from optimize.response import Responses
from optimize.search import Proposal, Standing, search
from optimize.settings import check_settings
from optimize.spending import posts
from scenarios import Scenario
from sim.compile import source_digest

FRESH = 700_001
"""First seed of the trials of budgets; no search uses it."""
CLOSE = 1.1
"""Bisection ends when the budgets on both sides of the answer differ by this factor."""
LEAST = 0.05
"""The smallest budget tried, as a share of the plan's own."""


def least_budget(
    scenario: Scenario, probability: float, *, goal: str | None = None, most: float = 4.0, replications: int = 200,
    holdouts: int = HOLDOUTS, seeds: int = 32, seed: int = 1, storage: str | None = None, runner: Runner | None = None,
    report: Callable[[Standing], None] | None = None,
) -> Answer:  # fmt: skip
    """Find the least media budget with which all targets are reached in so large a share of runs.

    A search at the plan's own budget, in which missed targets cost, learns the curves; each budget tried is divided by
    them, under the plan's limits, and rehearsed on the same fresh seeds. The answer is the least budget tried whose share
    of runs is large enough (the share is an estimate; its interval stands beside it). Budgets go from 5 % to `most` times
    the plan's own; attainment is taken to grow with the budget. Tables: budgets (budget [yuan], reached, seeds, low,
    high), targets (budget, target, share). `good` is whether one was found. Raises `ValueError` for a plan without targets
    or media, numbers out of range and settings that are not a marketer's.
    """
    if not 0 < probability < 1:
        raise ValueError(f"`0 < probability < 1` must hold, but got {probability!r}")
    if not scenario.targets:
        raise ValueError(f"{scenario.name} promises nothing: it has no targets")
    check_settings(scenario, scenario.choices.settings)
    present = sum(post.money for post in posts(scenario))
    if not present:
        raise ValueError(f"{scenario.name} has no paid media, so that no budget can be sought")
    tried: dict[float, Together] = {}
    with hired(runner) as hands:
        market = Rehearsals(
            scenario, goal or scenario.choices.goal, present, scenario.choices.settings, None, hands,
            dict.fromkeys(scenario.targets),
        )  # fmt: skip
        refuse_conflict(market)
        first = min(24, replications // 2)
        learned = search(
            market, replications=replications, seed=seed, verify=8, first=first, holdouts=holdouts, storage=storage,
            name=name_of(market, seed, first, holdouts), report=report,
        )  # fmt: skip

        def share(budget: float) -> float:
            plan = divided(market, learned.responses, learned.found, budget)
            jobs = (Job(plan, k) for k in range(FRESH, FRESH + seeds))
            tried[budget] = together(plan, hands.tables(jobs, seeds))
            return tried[budget].probability

        now = share(present)
        found = bisect(share, present, now, probability, present * LEAST, present * most)
    return _answer(scenario, market, tried, found, probability, seed, tuple(moved(market, learned, tried)))


def divided(market: Rehearsals, responses: Responses, at: Plan, budget: float) -> Scenario:
    """Return the plan with another media budget, divided by the curves, its settings as `at`."""
    scaled = replace(market, budget=budget)
    space = scaled.space
    spend = scaled.division(responses, space.unit(replace(at, money=space.current.money)))
    return scaled.proposed(Plan(dict(zip(space.levers, map(float, spend), strict=True)), at.settings))


def moved(market: Rehearsals, learned: Proposal, tried: dict[float, Together]) -> Iterator[str]:
    """Yield, for each target in the way at the most money, how the plan's own money keeps it on average, and what twice that
    does to it by the fitted effects.

    A target whose mean is kept may be in the way: a few runs keep it by much, and the others miss it.
    """
    effects, space = learned.responses.effects, market.space
    if effects is None:
        return
    spend, unit = space.spend(learned.found), space.unit(learned.found)[None]
    change = effects.features(2 * spend[None], unit) - effects.features(spend[None], unit)
    for k, name in enumerate(effects.names):
        if name in tried[max(tried)].obstacles:
            mean, share = float(effects.means(spend[None], unit)[0, k]), tried[market.budget].by_target[name]
            more, error = float(change[0] @ effects.weights[k]), float(np.linalg.norm(change[0] @ effects.roots[k]))
            interval = f"95 % {compact(more - 1.96 * error, 3)} to {compact(more + 1.96 * error, 3)}"
            brings = f"twice the media money brings it {compact(more, 3)} ({interval})"
            kept = f"is kept on average, by {compact(mean, 3)}, but only in {share:.0%} of runs"
            lies = f"lacks {compact(-mean, 3)}" if mean < 0 else kept
            yield f"{name} {lies}; by the fitted effects, {brings}"


def bisect(
    share: Callable[[float], float], present: float, now: float, wanted: float, least: float, most: float
) -> float | None:
    """Return the least budget whose share is as wanted, to a factor; None when that of the most money is not."""
    low, high = (present, most) if now < wanted else (least, present)
    if now < wanted and share(most) < wanted:
        return None
    if now >= wanted and share(least) >= wanted:
        return least
    while high / low > CLOSE:
        middle = sqrt(low * high)
        low, high = (low, middle) if share(middle) >= wanted else (middle, high)
    return high


def _answer(
    scenario: Scenario,
    market: Rehearsals,
    tried: dict[float, Together],
    found: float | None,
    wanted: float,
    seed: int,
    effects: tuple[str, ...],
) -> Answer:
    order = sorted(tried)
    budgets = [(b, tried[b].reached, tried[b].seeds, tried[b].low, tried[b].high) for b in order]
    targets = [(b, name, share) for b in order for name, share in tried[b].by_target.items()]
    if found is None:
        title = (
            f"{scenario.name}: no media budget up to {order[-1]:,.0f} yuan reaches all targets in {wanted:.0%} of runs"
        )
    else:
        title = f"{scenario.name}: {found:,.0f} yuan of media reach all targets in {wanted:.0%} of runs"
    return Answer(
        verb="optimize",
        title=title,
        tables={
            "budgets": pd.DataFrame(budgets, columns=["budget", "reached", "seeds", "low", "high"]),
            "targets": pd.DataFrame(targets, columns=["budget", "target", "share"]),
        },
        manifest={
            "scenario": scenario.name, "scenario_digest": scenario.digest, "goal": market.goal, "reach": wanted,
            "budget": found, "present": market.budget, "seed": seed, "users": scenario.market.users,
            "model_version": source_digest(), "sandtable_version": package_version(),
        },
        notes=(*_notes(tried, found, market.budget), *effects),
        good=found is not None,
    )  # fmt: skip


def _notes(tried: dict[float, Together], found: float | None, present: float) -> Iterator[str]:
    top = tried[max(tried)]
    if found is None:
        rare = [f"{name} ({top.by_target[name]:.0%})" for name in top.obstacles]
        yield "with the most money tried, these stay out of reach in most runs: " + ", ".join(rare or ["none alone"])
        kept = [name for name, share in top.by_target.items() if share >= 0.5]
        yield "reached in most runs: " + (", ".join(kept) or "none")
    else:
        best = tried[found]
        interval = f"95 % interval {best.low:.0%} to {best.high:.0%}"
        yield f"{best.reached} of {best.seeds} runs reached all targets there ({interval})"
        yield f"the plan spends {present:,.0f} yuan on media now"
    yield "curves are stretched beyond the money at which they were learned; budgets far from the plan's own are less sure"
