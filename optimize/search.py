"""search: the plan with the highest mean goal in few replications, confirmed on fresh seeds or not returned.

    proposal = search(market, replications=300, seed=1)
    proposal.confirmed, proposal.plan, proposal.race.table

Optuna keeps the trials (any storage URL), `optimize.sampler` chooses them. One replication per plan and a fresh seed for
each block of plans: as every run informs all curves, a new plan tells more than the same again, and the scatter of plans
narrows as the search closes in. What is found is raced against the current plan and the best trial on seeds the search has
not seen; without a proven gain the current plan stays.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import IntDistribution
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from experiments.units import compact
from optimize.coupled import Belief
from optimize.holdouts import hold_out
from optimize.joiners import Watch, beating, heir, seated, settled, void
from optimize.market import Floats, Market, Plan, Space
from optimize.money import Solution
from optimize.race import Race, race
from optimize.response import Responses
from optimize.runs import Runs, outcome_row
from optimize.sampler import RUNS, CoupledSampler, begun, history, roll, search_space, to_params, to_plan

SEEDS = 1_000_000
"""Market seeds of a search start at this multiple of its seed; holdouts have the second quarter, the final race the second
half."""
SQLITE = "sqlite:///"
PAUSES = (0.1, 0.3, 0.9, 0.9, 0.0)
"""Between attempts at a storage [s]."""
PATIENCE = 60.0
"""Wait for a SQLite file that another process writes to [s]."""
DRAWN = 4
CURRENT, FOUND, BEST = "current", "found", "best trial"


@dataclass(frozen=True)
class Standing:
    """How far a search is."""

    trials: int
    of: int
    expected: float
    """Expected goal of the best plan so far; nan before the first learning."""
    half: float
    """Half-width of its 95 % interval by the search's own posterior."""


@dataclass(frozen=True)
class Proposal:
    """What a search found, and whether it holds."""

    plan: Plan
    """The plan to use: the winner of the race if its gain over the current plan is proved, else the current plan."""
    confirmed: bool
    found: Plan
    """The plan with the highest expected goal by all trials, in whole units where the market has them."""
    name: str
    """Name in the race of the plan that won, or of `found` where no gain is proved."""
    expected: float
    """Expected goal of `found` by the search, before the race."""
    doubt: float
    """Expected loss from settings that are not yet the best ones, by the search's own posterior [KPI]."""
    trace: pd.DataFrame
    """replications, expected, doubt, radius and the parameters of the plan that the search held best at that time."""
    race: Race
    belief: Belief
    """What the search says at its end."""
    solution: Solution | None
    """The money solver's last word on `found`; None where the market has no limits of its own."""
    drawn: tuple[Plan, ...]
    """A few plans that may be best, by draws from the search's posterior."""
    runs: Runs
    """All trials of the search."""
    holdouts: Runs | None
    """Runs of `optimize.holdouts`; None where no lever was switched off."""
    replications: int
    """Replications spent, those of the race among them."""
    notes: tuple[str, ...]

    @property
    def seen(self) -> Runs:
        """The holdouts, then the trials."""
        return self.runs if self.holdouts is None else self.holdouts.then(self.runs)

    @property
    def responses(self) -> Responses:
        """The fitted curves."""
        return self.belief.responses


def search(
    market: Market,
    *,
    replications: int,
    seed: int,
    verify: int = 64,
    first: int = 24,
    block: int = 4,
    storage: str | None = None,
    name: str = "coupled",
    alone: bool = True,
    tolerance: float = 0.0,
    holdouts: int = 0,
    finals: Market | None = None,
    report: Callable[[Standing], None] | None = None,
) -> Proposal:
    """Search `market` with at most `replications` runs, then race the finding on at most `verify` fresh seeds.

    `first`: plans of the opening design, the current plan among them. `block`: plans that share a seed. `storage`: Optuna
    storage URL; a study `name` found there is continued. `alone`: no other process works on that study now, so trials that
    it left unfinished are void; False lets several processes share it: each takes places that no other has, learns once all
    trials of the opening are finished, and at the end waits for those that others run; trials of a process that died are run
    again by the living. `tolerance`: stop when the doubt falls below this share of the expected goal at two learnings in a
    row; 0 never does. `holdouts`: seeds under which each lever of `Space.holdouts` is switched off first, besides
    `replications`; without, levers are taken at their credit. `finals`: where the race is run, such as a larger market with
    the same plans; the same market unless given. `report` is told how far it is. The same arguments give the same trials,
    also when the search was interrupted.
    Raises `ValueError` for numbers that leave no room to search.
    """
    if not (block >= 1 and first >= 2 and replications > first and verify >= 8):
        raise ValueError(
            "`1 <= block`, `2 <= first < replications` and `8 <= verify` must hold, but got "
            f"(block={block}, first={first}, replications={replications}, verify={verify})"
        )
    space = market.space if holdouts else replace(market.space, holdouts={})
    sampler = CoupledSampler(space, seed=seed, first=first, block=block)
    knobs = {"seed": seed, "first": first, "block": block} | ({"holdouts": holdouts} if holdouts else {})
    study = open_study(sampler, storage, name, knobs)
    start = seed * SEEDS + SEEDS // 4
    sampler.holdouts = hold_out(study, market, range(start, start + holdouts))
    if alone:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            void(study, trial.number)
    spend(study, sampler, market, replications, tolerance, report, alone=alone)
    return conclude(study, sampler, finals or market, verify)


def open_study(sampler: CoupledSampler, storage: str | None, name: str, knobs: dict[str, int]) -> Study:
    """Return the study, new or continued; the folder of a SQLite file is made.

    Raises `ValueError` if it was begun otherwise, or the storage cannot be used.
    """
    if storage is not None and storage.startswith(SQLITE):
        Path(storage.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    study = connect(sampler, storage, name)
    started = study.user_attrs.get("knobs")
    if started is None:
        study.set_user_attr("knobs", knobs)
    elif started != knobs:
        raise ValueError(f"study {name!r} was begun with {started}, but got {knobs}")
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))[:1]:
        if set(trial.params) != set(search_space(sampler.space)):
            raise ValueError(f"study {name!r} has the parameters {sorted(trial.params)}: it is of another space")
    return study


def connect(sampler: CoupledSampler, storage: str | None, name: str) -> Study:
    """Return the study of a storage; tried again while another process makes the tables of a new one."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        for pause in PAUSES:
            try:
                return optuna.create_study(
                    direction="maximize", sampler=sampler, storage=opened(storage), study_name=name, load_if_exists=True
                )
            except (SQLAlchemyError, StorageInternalError, ImportError) as error:
                fault = str(error).splitlines()[0]
            time.sleep(pause)
    finally:
        optuna.logging.set_verbosity(level)
    raise ValueError(f"the storage {storage} cannot be used: {fault}")


def opened(storage: str | None) -> RDBStorage | None:
    """Return the storage of a URL; None keeps trials in memory. A SQLite file is waited for while others write to it."""
    if storage is None:
        return None
    wait = {"connect_args": {"timeout": PATIENCE}} if storage.startswith(SQLITE) else None
    return RDBStorage(storage, engine_kwargs=wait)


def spend(
    study: Study, sampler: CoupledSampler, market: Market, replications: int, tolerance: float,
    report: Callable[[Standing], None] | None, *, alone: bool,
) -> None:  # fmt: skip
    """Run trials until `replications` are spent, by others too where others share the study, or the doubt is small."""
    calm, expected, half = 0, np.nan, np.nan
    watch = None if alone else Watch(study)
    while free := (found := settled(study, replications, sampler.first, watch)).free(replications):
        place = free[0]
        if place in sampler.stages(place):
            belief = sampler.learn(study, place)
            expected, half = belief.expected, 1.96 * belief.error
            calm = calm + 1 if sampler.doubts[place] < tolerance * abs(expected) else 0
            if calm >= 2:
                return
        block = [each for each in free if each < place + sampler.room(place)]
        run(study, sampler, market, found.given, block, replications, alone=alone)
        if report is not None:
            report(Standing(len(begun(study)), replications, expected, half))


def run(
    study: Study, sampler: CoupledSampler, market: Market, given: int, block: list[int], most: int, *, alone: bool
) -> None:
    """Run a trial for each free place of a block, less those that other processes leave no place for among `most`.

    Of the places, `given` were had by trials before. When one trial cannot be made, none counts. Raises `ValueError` when
    another process has declared them void, but where others share the study: there it goes on without them.
    """
    trials: list[Trial] = []
    with beating(trials):
        try:
            for place in block:
                trials.append(heir(study, sampler, place) if place < given else study.ask())
            found = roll(study)
            for trial in [t for t in trials if not seated(found, t.number, most, 0 if alone else sampler.first)]:
                void(study, trial.number)
                trials.remove(trial)
            seeds = [sampler.seed * SEEDS + found.places[trial.number] // sampler.block for trial in trials]
            plans = [to_plan(market.space, suggest(trial, sampler)) for trial in trials]
            asked = list(zip(plans, seeds, strict=True))
            outcomes = market.evaluate(asked) if asked else []
            rows = [
                outcome_row(market.space, seed, outcome) for (_, seed), outcome in zip(asked, outcomes, strict=True)
            ]
        except BaseException as error:
            for trial in trials:
                void(study, trial.number)
            if not isinstance(error, UpdateFinishedTrialError):
                raise
            lost(study, alone=alone)
            return
        for trial, row, outcome in zip(trials, rows, outcomes, strict=True):
            try:
                trial.set_user_attr(RUNS, [row])
                study.tell(trial, market.space.worth(outcome), skip_if_finished=True)
            except UpdateFinishedTrialError:
                lost(study, alone=alone)


def lost(study: Study, *, alone: bool) -> None:
    """Raise `ValueError` for a trial that another process declared void; nothing where others share the study."""
    if alone:
        raise ValueError(
            f"another process took the study {study.study_name!r} over; several work on one with alone=False, or --join"
        )


def suggest(trial: Trial, sampler: CoupledSampler) -> dict[str, float]:
    """Return the parameters of a trial, chosen now unless it has them."""
    found: dict[str, float] = {}
    for name, kind in search_space(sampler.space).items():
        if isinstance(kind, IntDistribution):
            found[name] = trial.suggest_int(name, kind.low, kind.high, log=kind.log)
        else:
            found[name] = trial.suggest_float(name, kind.low, kind.high, log=kind.log)
    return found


def conclude(study: Study, sampler: CoupledSampler, market: Market, verify: int) -> Proposal:
    """Return the proposal: race what the trials found against the current plan and the best trial."""
    space = market.space
    trials = len(begun(study))
    belief = sampler.learn(study, trials)
    runs = history(study, space, trials)
    found, solution = finished(space, belief)
    plans = {CURRENT: space.current, FOUND: found}
    best = best_trial(space, belief, runs)
    if best is not None and best not in plans.values():
        plans[BEST] = best
    start = sampler.seed * SEEDS + SEEDS // 2
    result = race(market, plans, range(start, start + verify))
    name = verdict(plans, result)
    drawn = belief.draw(DRAWN, np.random.default_rng([sampler.seed, trials]))[0]
    expected = float(belief.expect([found])[0])
    return Proposal(
        plan=plans[name],
        confirmed=name != CURRENT,
        found=found,
        name=FOUND if name == CURRENT else name,
        expected=expected,
        doubt=sampler.doubts[trials],
        trace=trace(study, sampler),
        race=result,
        belief=belief,
        solution=solution,
        drawn=tuple(whole(space, belief, *each) for each in drawn),
        runs=runs,
        holdouts=sampler.holdouts,
        replications=len(runs) + len(sampler.holdouts or ()) + result.replications,
        notes=remarks(expected, result, name != CURRENT),
    )


def finished(space: Space, belief: Belief) -> tuple[Plan, Solution | None]:
    """Return the plan with the highest expected goal, its money divided for good, and the money solver's last word."""
    if space.divide is None:
        return belief.plan, None
    solution = space.divide.solution(belief.responses, belief.unit, belief.spend)
    if not solution.feasible:
        return belief.plan, solution
    return space.plan(np.array([solution.spend[name] for name in space.levers]), belief.unit), solution


def whole(space: Space, belief: Belief, spend: Floats, unit: Floats) -> Plan:
    """Return the plan of money [levers], in whole units where the market has them, and of places [settings]."""
    return space.plan(spend if space.divide is None else space.divide.whole(belief.responses, spend, unit), unit)


def best_trial(space: Space, belief: Belief, runs: Runs) -> Plan | None:
    """Return the plan of the run with the highest expected goal among those that keep the limits on money, if any does."""
    for k in np.argsort(-belief.expected_of(runs.spend, runs.unit), kind="stable"):
        spend, unit = runs.spend[k], runs.unit[k]
        if space.divide is None or space.divide.keeps(belief.responses, spend, unit):
            return whole(space, belief, spend, unit)
    return None


def verdict(plans: dict[str, Plan], result: Race) -> str:
    """Return the name of the plan to use, the current one unless another is proved better.

    The best trial is taken only if proved better than what the trials together say.
    """
    if BEST in plans and result.interval(BEST, FOUND)[0] > 0 and result.interval(BEST, CURRENT)[0] > 0:
        return BEST
    return FOUND if result.interval(FOUND, CURRENT)[0] > 0 else CURRENT


def trace(study: Study, sampler: CoupledSampler) -> pd.DataFrame:
    """Return what the search held best at each learning; learnings before a resumption are made again."""
    trials = len(begun(study))
    rows = []
    for start in [*(s for s in sampler.stages(trials) if s < trials), trials]:
        belief = sampler.learn(study, start)
        head = {
            "replications": len(history(study, sampler.space, start)),
            "expected": belief.expected,
            "doubt": sampler.doubts[start],
            "radius": belief.radius,
        }
        rows.append({**head, **to_params(belief.plan)})
    return pd.DataFrame(rows)


def remarks(expected: float, result: Race, confirmed: bool) -> tuple[str, ...]:
    """Return what a reader must know, in words."""
    notes = []
    low, high = result.interval(FOUND, CURRENT)
    if not confirmed:
        notes.append(
            f"the gain over the current plan is not proved ({compact(low)} to {compact(high)}): the current plan stays"
        )
    seen = result.kpis[FOUND]
    half = 2.0 * seen.std(ddof=1) / np.sqrt(len(seen))
    if abs(expected - seen.mean()) > half:
        gave = f"{compact(seen.mean())} ± {compact(half, 2)}"
        notes.append(f"the search expected {compact(expected)} of its finding, fresh seeds gave {gave}")
    return tuple(notes)
