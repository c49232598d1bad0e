"""pareto: plans that no other plan beats in every goal, by NSGA-II, with the knees named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import optuna
import pandas as pd

from optimize.market import Floats, Plan, Space
from optimize.sampler import search_space, to_params, to_plan

Direction = Literal["maximize", "minimize"]


class ManyGoals(Protocol):
    """A market with several goals."""

    @property
    def space(self) -> Space:
        """The plans to choose from."""

    @property
    def goals(self) -> Mapping[str, Direction]:
        """ "maximize" or "minimize", by goal."""

    def evaluate(self, plan: Plan, seeds: Sequence[int]) -> list[Mapping[str, float]]:
        """Return the goals of one replication per seed; equal seeds give common random numbers."""


@dataclass(frozen=True)
class Front:
    """The plans that are not beaten."""

    table: pd.DataFrame
    """One row per plan: goals (means), `SE GOAL` (their standard errors), knee (in words, or empty), and the parameters;
    in the order of the first goal, best first."""
    plans: tuple[Plan, ...]
    """In the order of `table`."""
    trials: int


def pareto(
    market: ManyGoals,
    *,
    trials: int,
    seed: int,
    replications: int = 4,
    population: int = 24,
    knees: int = 2,
    storage: str | None = None,
    name: str = "pareto",
    report: Callable[[int], None] | None = None,
) -> Front:
    """Return the front after `trials` plans, each the mean of `replications` common seeds.

    The current plan is the first. Standard errors are of the mean over the same seeds for all plans: they are those of
    levels, not of differences. Raises `ValueError` for fewer than two goals, two replications or `population` trials.
    """
    if len(market.goals) < 2 or replications < 2 or trials < population:
        raise ValueError(
            "2 goals, 2 replications and as many trials as the population are needed, but got "
            f"({len(market.goals)}, {replications}, trials={trials}, population={population})"
        )
    sampler = optuna.samplers.NSGAIISampler(population_size=population, seed=seed)
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=list(market.goals.values()), sampler=sampler, storage=storage, study_name=name, load_if_exists=True
    )
    optuna.logging.set_verbosity(level)
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(to_params(market.space.current))
    seeds = range(seed * 1_000_000, seed * 1_000_000 + replications)
    while (done := len(study.get_trials(deepcopy=False))) < trials:
        trial = study.ask(search_space(market.space))
        plan = affordable(market.space, to_plan(market.space, trial.params))
        outcomes = market.evaluate(plan, seeds)
        values = np.array([[outcome[goal] for goal in market.goals] for outcome in outcomes])
        trial.set_user_attr("errors", (values.std(0, ddof=1) / np.sqrt(len(values))).tolist())
        trial.set_user_attr("params", to_params(plan))
        study.tell(trial, values.mean(0).tolist())
        if report:
            report(done + 1)
    return front(market, study, knees)


def affordable(space: Space, plan: Plan) -> Plan:
    """Return the plan with what exceeds the lower bounds scaled down to the budget, if it is over it."""
    low, spend = space.low, space.spend(plan)
    over = (spend - low).sum()
    share = min(1.0, (space.budget - low.sum()) / over) if over > 0 else 1.0
    return space.plan(low + share * (spend - low), space.unit(plan))


def front(market: ManyGoals, study: optuna.study.Study, knees: int) -> Front:
    """Return the front of a study."""
    goals = list(market.goals)
    best = {tuple(t.values): t for t in study.best_trials}
    sign = np.array([1.0 if way == "maximize" else -1.0 for way in market.goals.values()])
    trials = sorted(best.values(), key=lambda t: -sign[0] * t.values[0])
    values = np.array([t.values for t in trials])
    table = pd.DataFrame(values, columns=goals)
    for k, goal in enumerate(goals):
        table[f"SE {goal}"] = [t.user_attrs["errors"][k] for t in trials]
    table["knee"] = names_of_knees(values * sign, knees)
    params = pd.DataFrame([t.user_attrs["params"] for t in trials])
    plans = tuple(to_plan(market.space, t.user_attrs["params"]) for t in trials)
    return Front(pd.concat([table, params], axis=1), plans, len(study.get_trials(deepcopy=False)))


def names_of_knees(values: Floats, count: int) -> list[str]:
    """Return "knee", "second knee", ... for the plans that bulge most beyond the plane through the extremes, else "".

    `values` [plans, goals], all to be maximised. Das (1999): the knee is farthest from the hull of the individual optima;
    goals are scaled to their ranges on the front. A plan beside a larger bulge is none.
    """
    names = [""] * len(values)
    span = np.ptp(values, axis=0)
    if len(values) < 3 or not (span > 0).all():
        return names
    scaled = (values - values.min(0)) / span
    bulge = scaled.sum(1) - 1.0
    taken: list[int] = []
    for k in np.argsort(-bulge, kind="stable"):
        apart = all(np.abs(scaled[k] - scaled[other]).max() > 0.15 for other in taken)
        if bulge[k] > 0 and apart and len(taken) < count:
            names[k] = ("knee", "second knee", "third knee")[len(taken)] if len(taken) < 3 else f"knee {len(taken) + 1}"
            taken.append(int(k))
    return names
