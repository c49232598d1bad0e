"""The simulator as a market to search: plans become scenarios, runs become outcomes with credit by lever and phase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

import scenarios
from experiments.job import Job, Tables
from experiments.runner import Runner
from experiments.stress import striking
from optimize.division import Division, Promise
from optimize.market import Bounds, Outcome, Plan, Setting, Space
from optimize.plan_limits import CREDITED
from optimize.spending import BESIDE, Post, posts, with_money
from scenarios import Scenario
from scenarios.faults import nearest
from scenarios.uncertainty import Range
from sim.kpis import KPIS

AIM = "the goal"
"""Measure of a goal that no lever is credited with."""
TIE = 1e-6
"""What all of the plan's own goal counts beside such a goal, as a share of it: so little that it only breaks ties."""
HARD = 5.0
"""What a hard target costs: each percent of it that is missed takes so many percent of the goal."""


@dataclass(frozen=True)
class Rehearsals:
    """A plan's market. `Market` of the search: what is chosen is media money by lever and phase, and other settings."""

    scenario: Scenario
    goal: str
    """A KPI over the plan of which more is better. Those of `CREDITED` are learned by what runs credit to levers, all others
    by their effects (`optimize.effects`)."""
    budget: float
    """For all media [yuan]."""
    settings: Mapping[str, Range] = field(default_factory=dict)
    """By path."""
    band: float | None = None
    """Part by which each lever's money in a phase may change; None: the plan's `choices.band`."""
    runner: Runner = field(default_factory=Runner)
    targets: Mapping[str, float | None] = field(default_factory=dict)
    """Targets that count: goal for each unit by which one is missed (shortfall cost), None for one that must be kept."""
    kpis: Sequence[str] = ()
    """KPIs over the plan that are measured besides, such as those of a Pareto front."""
    roas: float | None = None
    """Least goal credited to media for each yuan of them."""
    marginal: float = 0.0
    """Goal that the last yuan of media must bring: the goal searched for is less by so much a yuan."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for what is no goal, a budget that is not positive, or a plan with nothing to choose."""
        if self.goal not in KPIS:
            raise ValueError(f"the goal must be a KPI, but got {self.goal!r}; {nearest(self.goal, KPIS, 'KPIs')}")
        if KPIS[self.goal].better <= 0:
            raise ValueError(
                f"a goal is raised, but less of {self.goal} is better: hold it with a target, or draw a front with it"
            )
        if self.roas is not None and not self.credited:
            raise ValueError(f"a return on media is of a goal that levers are credited with, but got {self.goal!r}")
        if not self.budget > 0 and self.posts:
            raise ValueError(f"`budget > 0` must hold, but got {self.budget!r}")
        if other := [kpi for kpi in self.kpis if kpi not in KPIS]:
            raise ValueError(f"unknown KPI {other[0]!r}; {nearest(other[0], KPIS, 'KPIs')}")
        if unknown := sorted(set(self.targets) - set(self.scenario.targets)):
            raise ValueError(f"unknown target {unknown[0]!r}; {nearest(unknown[0], self.scenario.targets, 'targets')}")
        if negative := [name for name, cost in self.targets.items() if cost is not None and not cost >= 0]:
            cost = self.targets[negative[0]]
            raise ValueError(f"what missing {negative[0]} costs must be 0 or more, but got {cost}")
        if not self.posts and not self.settings:
            raise ValueError(f"{self.scenario.name} has neither paid media nor settings to choose")

    @property
    def credited(self) -> bool:
        """Whether runs credit the goal to levers."""
        return self.goal in CREDITED

    @property
    def in_money(self) -> bool:
        """Whether the goal is money that media earn, so that a yuan's return is told in yuan."""
        return self.credited and KPIS[self.goal].unit == "yuan"

    @property
    def unit(self) -> str:
        """What a unit of the goal is called."""
        return CREDITED.get(self.goal, f"of {self.goal}")

    @cached_property
    def posts(self) -> tuple[Post, ...]:
        """The media money of the plan, by lever and phase."""
        return posts(self.scenario)

    @cached_property
    def space(self) -> Space:
        """The plans to choose from; money is divided under the plan's limits."""
        return replace(self._space, divide=self.division if self.posts else None)

    @cached_property
    def division(self) -> Division:
        """How the money may be divided."""
        costs = self._first["costs"]
        media = {post.lever for post in self.posts}
        other = costs.loc[~costs["lever"].isin(media) & (costs["phase"] != "after"), "yuan"].sum()
        return Division(
            self.scenario,
            self.posts,
            self._space,
            float(other),
            self.scenario.choices.accounts,
            self.unit,
            tuple(self.promises.values()),
            self.roas,
            self._rates(),
            self.exchange,
        )

    def _rates(self) -> tuple[float, float]:
        """Return `Division.rates`, by a run of the plan as it is."""
        if not self.credited or self.goal == self.scenario.choices.goal:
            return 1 / self._tie, 1 / self._tie
        told, own = replace(self, goal=self.scenario.choices.goal).outcome(self._first), self.outcome(self._first)
        media, mine = sum(told.credit.values()), sum(own.credit.values())
        beside = own.kpi - mine
        if not (beside > 0 and mine > 0):
            raise ValueError(
                f"the plan's limits speak of {self.scenario.choices.goal}, which cannot be told from {self.goal}: "
                f"the plan as it is brings {mine:,.0f} by media and {beside:,.0f} beside them"
            )
        return (told.kpi - media) / beside, media / mine

    @cached_property
    def exchange(self) -> float:
        """What of the goal counts as much as a unit of the plan's own goal: both are worth the same as the plan is."""
        own = self.scenario.choices.goal
        if self.goal == own:
            return 1.0
        values = _values(self._first)
        for kpi in (own, self.goal):
            if not (np.isfinite(values[kpi]) and values[kpi]):
                raise ValueError(
                    f"{kpi} over the plan is {values[kpi]:g} in a run of the plan as it is: it cannot be a goal"
                )
        return abs(values[self.goal] / values[own])

    @property
    def own_targets(self) -> dict[str, float | None]:
        """The targets of the plan's `choices`, as `targets`; costs in the goal."""
        own = self.scenario.choices.targets
        return {name: None if cost == "hard" else float(cost) * self.exchange for name, cost in own.items()}

    @property
    def _tie(self) -> float:
        return 1.0 if self.credited else TIE * self.exchange

    @cached_property
    def promises(self) -> Mapping[str, Promise]:
        """The targets that count, with what missing a unit of them costs."""
        found = {}
        goal, values = abs(_values(self._first)[self.goal]), _targets(self._first)
        for name, cost in self.targets.items():
            target = self.scenario.targets[name]
            value, wanted = values[name]
            size = next(x for x in (abs(wanted), abs(value), 1.0) if x > 0)
            price = HARD * goal / size if cost is None else cost
            found[name] = Promise(name, target.title or name, KPIS[target.kpi].unit, price, cost is None)
        return found

    @cached_property
    def _first(self) -> Tables:
        """One run of the plan as it is."""
        return self.runner.tables([Job(self.scenario, 1)], 1)[0]

    @cached_property
    def _space(self) -> Space:
        """The bounds of all choices; the current plan has its money in proportion to the budget."""
        present = sum(post.money for post in self.posts)
        factor = self.budget / present if present else 1.0
        bounds = {post.name: self._bounds(post, factor) for post in self.posts}
        money = {p.name: min(max(p.money * factor, bounds[p.name].low), bounds[p.name].high) for p in self.posts}
        values = {path: float(scenarios.value_at(self.scenario, path)) for path in self.settings}
        settings = {path: self._setting(path, span, values[path]) for path, span in self.settings.items()}
        costs = {name: promise.cost for name, promise in self.promises.items()}
        measures = *self.scenario.targets, *map(measure_of, self.kpis)
        space = Space(bounds, self.budget, Plan(money, values), settings, measures, costs, holdouts=self._by_lever)
        if not self.credited:
            return replace(space, measures=(*measures, AIM), aims={AIM: 1.0})
        return replace(space, price=self.marginal + (self.goal == "profit"))

    @property
    def _by_lever(self) -> dict[str, tuple[str, ...]]:
        levers = dict.fromkeys(post.lever for post in self.posts)
        return {lever: tuple(post.name for post in self.posts if post.lever == lever) for lever in levers}

    def _bounds(self, post: Post, factor: float) -> Bounds:
        choices = self.scenario.choices
        band = choices.band if self.band is None else self.band
        low, high = max(0.0, 1 - band) * post.money * min(factor, 1.0), (1 + band) * post.money * factor
        if (own := choices.money.get(post.lever)) is not None and self.band is None:
            share = post.money / sum(p.money for p in self.posts if p.lever == post.lever)
            low, high = own.low * share, own.high * share
        return Bounds(low, high)

    def _setting(self, path: str, span: Range, now: float) -> Setting:
        whole = isinstance(scenarios.as_written(self.scenario, path, span.low), int)
        return Setting(min(span.low, now), max(span.high, now), span.log, whole)

    def struck(self, shock: str | None) -> "Rehearsals":
        """Return this market with one shock on and all others off; with None, all off."""
        return replace(self, scenario=striking(self.scenario, () if shock is None else (shock,)))

    def proposed(self, plan: Plan) -> Scenario:
        """Return the scenario of a plan."""
        plain = self.scenario
        written = {path: scenarios.as_written(plain, path, value) for path, value in plan.settings.items()}
        changed = plain.override(written) if written else plain
        if not plan.money:
            return changed
        total = plain.accounts.total + self.budget - sum(post.money for post in self.posts)
        if [post.name for post in posts(changed)] == [post.name for post in self.posts]:
            return with_money(changed, plan.money, total=total)
        return with_money(plain, plan.money, total=total).override(written)  # days moved that tell its posts apart

    def evaluate(self, asked: Sequence[tuple[Plan, int]]) -> list[Outcome]:
        """Return the outcome of each plan under its seed."""
        jobs, last = [], None
        for plan, seed in asked:
            if last is None or last[0] is not plan:
                last = plan, self.proposed(plan)
            jobs.append(Job(last[1], seed))
        found = [self.outcome(tables) for tables in self.runner.tables(jobs, len(jobs))]
        return [
            self._less(o, self.marginal * sum(plan.money.values())) for o, (plan, _) in zip(found, asked, strict=True)
        ]

    def _less(self, outcome: Outcome, charge: float) -> Outcome:
        """Return the outcome with its goal less a charge."""
        if self.credited:
            return replace(outcome, kpi=outcome.kpi - charge)
        return replace(outcome, measures={**outcome.measures, AIM: outcome.measures[AIM] - charge})

    def outcome(self, tables: Tables) -> Outcome:
        """Return the goal over the plan, what of it is credited to each post, and by how much each target is kept.

        Orders count for the phase in which the touches were paid for that brought them; what is shown after a lever's
        phase counts for it. A goal that runs do not credit is a measure, beside a trifle of the plan's own goal.
        """
        values, tie = _values(tables), self._tie
        carrier = self.goal if self.credited else self.scenario.choices.goal
        credit = tables["credit"]
        credit = credit[credit["phase"] != "after"]
        found: dict[tuple[str, str], float] = {}
        for lever, phase, value in zip(credit["lever"], credit["paid_in"], credit[carrier], strict=True):
            key = str(lever), self._period(str(lever), str(phase))
            found[key] = found.get(key, 0.0) + float(value) * tie
        credited = {post.name: found.get((post.lever, post.period), 0.0) for post in self.posts}
        kept = {
            name: value - wanted if self.scenario.targets[name].at_most is None else wanted - value
            for name, (value, wanted) in _targets(tables).items()
        }
        kept |= {measure_of(kpi): values[kpi] for kpi in self.kpis}
        if not self.credited:
            kept[AIM] = values[self.goal]
        return Outcome(values[carrier] * tie, credited, kept)

    def _period(self, lever: str, phase: str) -> str:
        mine = self._periods.get(lever, ())
        if phase in mine:
            return phase
        if mine in ((), (BESIDE,)):
            return BESIDE
        begins = {name: self.scenario.span(name)[0] for name in self.scenario.phases}
        at = begins.get(phase, np.inf)
        before = [period for period in mine if begins[period] <= at]
        return before[-1] if before else mine[0]

    @cached_property
    def _periods(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for post in self.posts:
            found[post.lever] = (*found.get(post.lever, ()), post.period)
        return found


def measure_of(kpi: str) -> str:
    """Return the name of a KPI among the measures, where targets stand under their keys."""
    return f"kpi {kpi}"


def _values(tables: Tables) -> dict[str, float]:
    """Return the KPIs of a run over the plan; NaN where it has none."""
    kpis = tables["kpis"]
    here = (kpis["window"] == "plan") & (kpis["segment"] == "all")
    values = dict(zip(kpis["kpi"][here].astype(str), kpis["value"][here].astype(float), strict=True))
    return dict.fromkeys(KPIS, np.nan) | values


def _targets(tables: Tables) -> dict[str, tuple[float, float]]:
    """Return value and what is wanted of each target of a run."""
    table = tables["targets"]
    return dict(zip(table["target"].astype(str), zip(table["value"], table["wanted"], strict=True), strict=True))
