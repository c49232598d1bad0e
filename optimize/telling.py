"""telling: what a search found, as tables and in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import nan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.promised import Together
from experiments.summary import interval
from experiments.tables import rows
from experiments.units import compact
from optimize.effects import FEW, fit_effects
from optimize.market import Plan, rehearse
from optimize.money import Solution
from optimize.rehearsals import Rehearsals
from optimize.risk import Choice
from optimize.search import Proposal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALLOCATION = ("lever", "period", "account", "current", "proposed", "change", "marginal", "at")
"""Columns of the allocation."""
SLOPES = ("target", "kpi", "lever", "period", "per_10k", "low", "high")
"""Columns of the responses."""
TEN_THOUSAND = 1e4
MUCH = 0.1
"""What is worth saying, as a share of the largest marginal."""


def allocation(market: Rehearsals, plan: Plan, solution: Solution | None) -> pd.DataFrame:
    """Return the money of each post: current, proposed, change [yuan], marginal [goal a yuan], bound that it touches."""
    known: dict[str, tuple[float, str]] = {}
    if solution is not None and solution.feasible:
        cells = solution.cells
        known = dict(zip(cells["cell"], zip(cells["marginal"], cells["at"], strict=True), strict=True))
    made = []
    for post in market.posts:
        now, then = market.space.current.money[post.name], plan.money[post.name]
        made.append((post.lever, post.shown, post.account, now, then, then - now, *known.get(post.name, (nan, ""))))
    return pd.DataFrame(made, columns=list(ALLOCATION))


def chosen_settings(market: Rehearsals, plan: Plan) -> pd.DataFrame:
    """Return path, current, proposed, low, high of each setting."""
    space = market.space
    made = [
        (path, space.current.settings[path], plan.settings[path], s.low, s.high) for path, s in space.settings.items()
    ]
    return pd.DataFrame(made, columns=["path", "current", "proposed", "low", "high"])


def responses(market: Rehearsals, found: Proposal) -> pd.DataFrame:
    """Return what 10,000 yuan more do to each target, by post, at the plan found.

    Columns: target, kpi, lever, period; per_10k, low, high: by how much more the target is kept, in its unit, with a 95 %
    interval of the fit (`optimize.effects`). Targets that fewer than `FEW` runs measured are left out.
    """
    space, runs, targets = market.space, found.seen, market.scenario.targets
    columns = [k for k, name in enumerate(space.measures) if name in targets]
    columns = [k for k in columns if np.isfinite(runs.measures[:, k]).sum() >= FEW]
    if not columns or not market.posts:
        return pd.DataFrame(columns=list(SLOPES))
    names = [space.measures[k] for k in columns]
    curves = found.responses.curves(space.unit(found.found))
    effects = fit_effects(names, runs.measures[:, columns], runs, curves)
    table = effects.table(space.spend(found.found), list(space.levers))
    posts = {post.name: post for post in market.posts}
    made = []
    for row in rows(table):
        post, slopes = posts[row.lever], (TEN_THOUSAND * v for v in (row.per_yuan, row.low, row.high))
        made.append((row.measure, targets[row.measure].kpi, post.lever, post.shown, *slopes))
    return pd.DataFrame(made, columns=list(SLOPES))


def title(market: Rehearsals) -> str:
    """Return what was asked for, in words."""
    less = f" less {market.marginal:g} a yuan of media" if market.marginal else ""
    return f"{market.scenario.name}: the most {market.goal}{less} for at most {market.budget:,.0f} yuan of media"


@dataclass(frozen=True)
class Gain:
    """What a plan gives of the goal, less the cost of promises missed, under seeds that no search has seen."""

    seeds: int
    mean: float
    """Of the plan."""
    change: float
    """Against the plan as it is, paired by seed."""
    low: float
    high: float
    """95 % interval of the change."""

    @property
    def proved(self) -> bool:
        """Whether it is more than the plan as it is gives."""
        return self.low > 0


def gained(market: Rehearsals, plan: Plan, seeds: Sequence[int]) -> Gain:
    """Return what a plan gains."""
    space = market.space
    before, after = ([space.worth(o) for o in row] for row in rehearse(market, [space.current, plan], seeds))
    return Gain(len(seeds), float(np.mean(after)), *interval(np.subtract(after, before).tolist()))


def notes(
    found: Proposal, choice: Choice | None, gain: Gain, before: Together | None, after: Together | None
) -> list[str]:
    """Return what is to be said of a finding: how it was proved, prices, targets."""
    said = list(found.notes) if choice is None else []
    if choice is not None:
        row = next(r for r in rows(choice.table) if r.plan == choice.name)
        more = f"{compact(row.gain)} more than the plan as it is (95 % {compact(row.gain_low)} to {compact(row.gain_high)})"
        said += [f"by risk, {choice.name!r} is the best of {len(choice.table)} plans, {more}", *choice.warnings]
    seen = f"{gain.seeds} fresh runs gave {compact(gain.mean)} on average"
    said.append(f"the curves expected {compact(found.expected)} of the proposal, {seen}")
    solution = found.solution
    if solution is not None:
        said.append(f"money solver: {solution.status}; {solution.solver} says {solution.solver_status}")
        if solution.conflict is not None:
            said.append(f"by the fitted curves no division keeps all limits: {solution.conflict.words}")
            said += [str(words) for words in solution.conflict.table["words"]]
        if solution.feasible:
            worth = f"{compact(solution.bound, 6)}, the one above {compact(solution.value, 6)} (gap {solution.gap:.1g})"
            said.append(
                f"by the fitted curves no division within the limits is worth more than {worth}; this bound holds for the "
                "curves, not for the market"
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


def unmeasured(market: Rehearsals, found: Proposal) -> Iterator[str]:
    """Yield each promised target that too few runs measured for the search to learn what moves it."""
    runs = found.seen
    known = dict(zip(market.space.measures, np.isfinite(runs.measures).sum(0).tolist(), strict=True))
    for name, promise in market.promises.items():
        if known[name] < FEW:
            seen = f"{known[name]} of {len(runs)} runs"
            yield f"{promise.title} was measured in {seen}: too few to steer by; more users help"


def promises_missed(market: Rehearsals, proof: pd.DataFrame) -> Iterator[str]:
    """Yield each hard target that the proposal misses on average, in words; `proof` as of `experiments.compare`."""
    hard = [name for name, promise in market.promises.items() if promise.hard]
    for row in rows(proof[proof["name"].isin(hard) & (proof["direction"] != "")]):
        short = row.wanted - row.other_mean if row.direction == "at_least" else row.other_mean - row.wanted
        if not short <= 0:
            yield f"{row.title} must be kept, but the proposal gives {compact(row.other_mean)} of {compact(row.wanted)}"


def of_gain(market: Rehearsals, gain: Gain, *, raced: bool) -> Iterator[str]:
    """Yield what is to be said of a gain: of what it is, where that is not the goal alone, and if it is not confirmed."""
    if raced and not gain.proved:
        yield (
            f"the race proved a gain, but {gain.seeds} further seeds do not confirm it ({compact(gain.low)} to "
            f"{compact(gain.high)}): the current plan stays"
        )
    less = [f"{market.marginal:g} a yuan of media"] if market.marginal else []
    less += ["the cost of targets missed"] if market.promises else []
    if less:
        change = f"{compact(gain.change)} (95 % {compact(gain.low)} to {compact(gain.high)})"
        yield f"what counts is {market.goal} less {' and '.join(less)}: it changes by {change}"


def uncredited(market: Rehearsals, found: Proposal) -> Iterator[str]:
    """Yield what each yuan of media does to the goal beside what levers bring, where that is much against the marginals."""
    solution, more = found.solution, market.space.price - found.responses.price
    if solution is None or solution.cells.empty or not market.credited:
        return
    if abs(more) > MUCH * float(solution.cells["marginal"].max()):
        does = "brings" if more > 0 else "takes"
        yield f"beside what levers bring, each yuan of media {does} {compact(abs(more), 3)} of the goal, by the fit"


def corrected(table: pd.DataFrame) -> Iterator[str]:
    """Yield which levers bring less, or more, than they are credited with, beyond chance; `table` as of `increments`."""
    for less, told in ((table["high"] < table["credited"], "less"), (table["low"] > table["credited"], "more")):
        if less.any():
            names = ", ".join(map(str, table.loc[less, "lever"]))
            yield (
                f"switched off alone, these lose {told} of the goal than is credited to them: {names}; the curves count what "
                "is lost"
            )


def media_return(market: Rehearsals, plan: Plan, seeds: Sequence[int]) -> tuple[str, bool]:
    """Return what media return under fresh seeds in words, and whether that is proved to be less than was asked.

    The search keeps a return by the fitted curves, at its edge where it binds: half of all samples then fall short of it.
    No words where no return was asked, or nothing is spent.
    """
    spent = sum(plan.money.values())
    if market.roas is None or not spent:
        return "", False
    seen = [sum(outcome.credit.values()) / spent for outcome in market.evaluate([(plan, seed) for seed in seeds])]
    mean, low, high = interval(seen)
    asked = "less than" if high < market.roas else "no less, as far as these runs can tell, than"
    told = f"media return {compact(mean)} a yuan on fresh seeds (95 % {compact(low)} to {compact(high)})"
    return f"{told}, {asked} the {market.roas:g} asked", high < market.roas


def charts(
    market: Rehearsals, found: Proposal, tables: Mapping[str, pd.DataFrame], lang: str
) -> dict[str, Callable[[], "Figure"]]:
    """Return the pictures of what was found, drawn when they are asked for."""
    from optimize import plots

    drawn: dict[str, Callable[[], Figure]] = {
        "allocation": partial(plots.allocation, tables["allocation"], lang=lang),
        "curves": partial(plots.curves, market, found, lang=lang),
        "waterfall": partial(plots.waterfall, tables["waterfall"], market.goal, lang=lang),
        "history": partial(plots.history, tables["history"], market.goal, lang=lang),
    }
    if "pareto" in tables:
        drawn["pareto"] = partial(plots.pareto, tables["pareto"], lang=lang)
    return drawn
