"""sampler: the coupled search as an Optuna sampler. All it knows is in the study, so a study can be resumed or shared.

Parameters of a trial are `money.LEVER` [yuan] and `setting.NAME`; its outcomes are in the user attribute `runs`, one row
[seed, kpi, credit of each lever, measures] per replication. Trials come in blocks that share their seeds; beliefs are
learned anew at the start of a stage, a block at first, later a share of the trials so far.

A trial's place decides its seed, its stage and, in the opening, its plan. Trials have places in the order in which they were
begun; where one failed, another takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optimize.coupled import Belief, first_plans, learn
from optimize.market import Floats, Plan, Setting, Space
from optimize.runs import Runs

RUNS = "runs"
PLACE = "place"
"""Attribute of a trial that takes the place of a failed one."""
GROWTH = 0.04
"""A new stage begins when the trials have grown by this share."""


Distribution = FloatDistribution | IntDistribution


def distribution(setting: Setting) -> Distribution:
    """Return the Optuna distribution of a setting."""
    if setting.integer:
        return IntDistribution(int(np.ceil(setting.low)), int(np.floor(setting.high)), log=setting.log)
    return FloatDistribution(setting.low, setting.high, log=setting.log)


def search_space(space: Space) -> dict[str, Distribution]:
    """Return the distributions of all parameters of a trial."""
    money: dict[str, Distribution] = {f"money.{k}": FloatDistribution(b.low, b.high) for k, b in space.levers.items()}
    return {**money, **{f"setting.{k}": distribution(s) for k, s in space.settings.items()}}


def to_params(plan: Plan) -> dict[str, float]:
    """Return the parameters of a plan."""
    return {f"money.{k}": v for k, v in plan.money.items()} | {f"setting.{k}": v for k, v in plan.settings.items()}


def to_plan(space: Space, params: Mapping[str, Any]) -> Plan:
    """Return the plan of a trial's parameters."""
    money = {name: float(params[f"money.{name}"]) for name in space.levers}
    return Plan(money, {name: float(params[f"setting.{name}"]) for name in space.settings})


class CoupledSampler(BaseSampler):
    """Proposes plans from what credited contributions of all finished trials say."""

    def __init__(self, space: Space, *, seed: int, first: int, block: int) -> None:
        self.space, self.seed, self.first, self.block = space, seed, first, block
        self.opening = first_plans(space, first, np.random.default_rng([seed, 0]))
        self.holdouts: Runs | None = None
        """Runs of `optimize.holdouts`, from which beliefs are learned besides."""
        self.beliefs: dict[int, Belief] = {}
        self.doubts: dict[int, float] = {}
        self.drawn: dict[int, list[tuple[Floats, Floats]]] = {}

    def stages(self, trials: int) -> list[int]:
        """Return the numbers of the trials before which beliefs are learned, up to `trials`."""
        starts = [self.first]
        while starts[-1] <= trials:
            starts.append(starts[-1] + self.length(starts[-1]))
        return starts[:-1]

    def room(self, place: int) -> int:
        """Return how many trials from a place on share a seed and a stage."""
        ends = [end for end in self.stages(place + self.block) if end > place]
        return min([self.block - place % self.block, *(end - place for end in ends)])

    def length(self, start: int) -> int:
        """Return the number of trials in the stage that starts at trial `start`."""
        return max(1, int(GROWTH * start) // self.block) * self.block

    def learn(self, study: Study, start: int) -> Belief:
        """Return the belief from those of the first `start` trials that are finished."""
        if start not in self.beliefs:
            belief = learn(self.space, history(study, self.space, start), self.holdouts)
            plans, doubt = belief.draw(self.length(start), np.random.default_rng([self.seed, start]))
            self.beliefs[start], self.doubts[start], self.drawn[start] = belief, doubt, plans
            for old in [stage for stage in self.drawn if stage < start]:
                del self.drawn[old]
        return self.beliefs[start]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all parameters: they are chosen together."""
        return dict(search_space(self.space))

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the next plan: of the opening, or a draw of the present stage."""
        return self.params(study, place_of(study, trial.number))

    def params(self, study: Study, place: int) -> dict[str, Any]:
        """Return the parameters of a place: of the opening, or a draw of its stage."""
        if place < self.first:
            spend, unit = self.opening[place]
        else:
            start = self.stages(place)[-1]
            if start not in self.drawn:
                self.beliefs.pop(start, None)
                self.learn(study, start)
            spend, unit = self.drawn[start][place - start]
        kinds = search_space(self.space)
        return {
            name: int(value) if isinstance(kinds[name], IntDistribution) else value
            for name, value in to_params(self.space.plan(spend, unit)).items()
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Raise: no parameter is chosen alone."""
        raise ValueError(f"a trial has the parameters {sorted(search_space(self.space))}, but got {param_name!r}")


@dataclass(frozen=True)
class Roll:
    """The places of a study."""

    places: Mapping[int, int]
    """By number of a trial."""
    seats: Mapping[int, FrozenTrial]
    """By place, the trial that is finished or runs there: of several the first that is finished, else the first. As trials
    are made one after the other, of two that take a place at once the second sees the first."""
    given: int
    """Places given out so far, those of failed trials among them."""

    def free(self, most: int) -> list[int]:
        """Return the places among the first `most` that no trial holds."""
        return [place for place in range(most) if place not in self.seats]

    def open(self, most: int) -> bool:
        """Return whether any of the first `most` places has no finished trial."""
        return any(place not in self.seats or not self.seats[place].state.is_finished() for place in range(most))


def roll(study: Study) -> Roll:
    """Return who has which place."""
    seats: dict[int, FrozenTrial] = {}
    places, given = {}, 0
    for trial in study.get_trials(deepcopy=False):
        place = trial.user_attrs.get(PLACE)
        if place is None:
            place, given = given, given + 1
        places[trial.number] = place
        if trial.state == TrialState.COMPLETE:
            if place not in seats or seats[place].state == TrialState.RUNNING:
                seats[place] = trial
        elif trial.state == TrialState.RUNNING:
            seats.setdefault(place, trial)
    return Roll(places, seats, given)


def begun(study: Study) -> list[FrozenTrial]:
    """Return the trials that are finished or run, by their places."""
    return [trial for _, trial in sorted(roll(study).seats.items())]


def place_of(study: Study, number: int) -> int:
    """Return the place of a trial."""
    trials = study.get_trials(deepcopy=False)
    taken = trials[number].user_attrs.get(PLACE)
    return sum(PLACE not in trial.user_attrs for trial in trials[:number]) if taken is None else int(taken)


def history(study: Study, space: Space, before: int) -> Runs:
    """Return the replications of the finished trials in the first `before` places; `ValueError` if there are none."""
    seats = sorted(roll(study).seats.items())
    trials = [t for place, t in seats if place < before and t.state == TrialState.COMPLETE]
    if not trials:
        raise ValueError(f"none of the first {before} trials is finished")
    rows = [(to_plan(space, trial.params), row) for trial in trials for row in trial.user_attrs[RUNS]]
    return Runs.of_rows(space, [plan for plan, _ in rows], [row for _, row in rows])
