"""coupled: where the next plans come from: curves inside, a surface of the settings outside.

Every run's credit tells of every lever's curve (`optimize.response`). The curves give the best split of the money
(`optimize.divide`, exact also where curves are S-shaped) and carry each run's goal over to that split; what is left is a
function of the settings alone (`optimize.surface`). Plans to try are drawn from the posterior of both (Thompson sampling),
so that trials gather where the optimum may still be. The trust region in which settings are proposed has the size of the
last proposals' scatter: it shrinks as they agree and widens when they do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from optimize.divide import divide
from optimize.effects import FEW, Effects, fit_effects
from optimize.fitting import fit
from optimize.market import Floats, Plan, Space
from optimize.response import Responses
from optimize.runs import Runs
from optimize.surface import Evidence, Sum, Surface, tune

STEPS = 200
"""Steps of money of the inner problem."""
TURNS = 8
"""Rounds in which the prices of promises are found."""
TUNED_ON = 240
"""Most runs that hyperparameters are tuned on."""
FLOOR = 0.35
"""Values below the best tenth by more than this share of it are compressed: how bad a bad plan is does not matter."""


@dataclass(frozen=True)
class Belief:
    """What the runs so far say."""

    space: Space
    responses: Responses
    surface: Sum
    spend: Floats
    """[levers] yuan of the plan with the highest expected goal"""
    unit: Floats
    """[settings] of it"""
    radius: float
    """Half-width of the trust region, as a share of the settings' ranges."""

    @property
    def plan(self) -> Plan:
        """The plan with the highest expected goal."""
        return self.space.plan(self.spend, self.unit)

    @property
    def expected(self) -> float:
        """Its expected goal."""
        return float(self.mean(self.unit[None])[0])

    @property
    def error(self) -> float:
        """Standard deviation of that expectation, by the posterior of the surface and of what is aimed at."""
        variance = sum(part.posterior(self.unit[None])[1][0, 0] for part in self.surface.parts)
        if self.responses.effects is not None:
            aims, _ = self.space.weights(self.responses.effects.names)
            variance += self.responses.effects.variances(self.spend[None], self.unit[None])[0] @ aims**2
        return float(np.sqrt(max(variance, 0.0)))

    def expect(self, plans: Sequence[Plan]) -> Floats:
        """Return the expected goal [plans] of any plans."""
        spend, unit = ([of(plan) for plan in plans] for of in (self.space.spend, self.space.unit))
        return self.expected_of(np.array(spend), np.array(unit))

    def expected_of(self, spend: Floats, unit: Floats) -> Floats:
        """Return the expected goal [plans] of money [plans, levers] and places [plans, settings]."""
        none, credit = np.zeros(len(spend)), np.zeros_like(spend)
        runs = Runs(spend, unit, none.astype(np.int64), credit, none)
        brought, rest = carried(self.responses, runs, self.spend, smooth=True)
        more = beside(self.space, self.responses, spend, unit)
        return self.surface.mean(unit) - brought - rest + more

    def mean(self, unit: Floats) -> Floats:
        """Return the expected goal [places], less the cost of promises missed, at settings [places, settings]."""
        return self.surface.mean(unit) + beside(self.space, self.responses, self.spend[None], unit)

    def draw(self, count: int, random: np.random.Generator) -> tuple[list[tuple[Floats, Floats]], float]:
        """Return `count` plans (money [levers], settings [settings]), each the best by a draw from the posterior.

        Beside them the expected loss, by the same draws, from taking the present best instead of the settings and the money
        that are best in truth [KPI].
        """
        places = candidates(self.space, self.unit, self.radius, random)
        draws = self.surface.draws(places, count, random)
        plans, lost = [], []
        for k in range(count):
            responses = self.responses.draw(random)
            draws[k] += beside(self.space, responses, self.spend[None], places)
            unit = places[int(draws[k].argmax())]
            spend = split(self.space, responses, unit)
            plans.append((spend, unit))
            lost.append(
                max(worth(self.space, responses, spend, unit) - worth(self.space, responses, self.spend, unit), 0.0)
            )
        return plans, float((draws.max(1) - draws[:, 0]).mean()) + sum(lost) / count


def learn(space: Space, runs: Runs, held: Runs | None = None, recent: int = 12) -> Belief:
    """Return what trials and holdouts (`optimize.holdouts`) say; a pure function.

    `recent`: the last trials whose scatter sets the trust region.
    """
    names = list(space.levers)
    groups = () if space.aims else tuple(tuple(map(names.index, levers)) for levers in space.holdouts.values())
    responses = fit(gross(space, runs), money=space.budget, groups=groups, held=held and gross(space, held))
    responses = responses.charged(space.price)
    effects = steered(space, runs if held is None else held.then(runs), responses)
    responses = replace(responses, effects=effects)
    runs = responses.corrected(runs)
    goal = sum((weight * column(space, runs, name) for name, weight in space.aims.items()), runs.kpi)
    top = goal >= np.quantile(goal, 0.9)
    unit = snap(space, runs.unit[top].mean(0, keepdims=True))[0]
    logs: list[Floats] = []
    for _ in range(2):
        spend = split(space, responses, unit)
        brought, beside = carried(responses, runs, spend)
        rest = runs.rest + beside
        credit = compress(runs.credit.sum(1) + brought + rest) - rest
        values = [credit, rest] if space.levers else [compress(rest)]
        logs = logs or [tune(thin(runs, value)) for value in values]
        known = [Evidence.of(runs.unit, runs.seed, value) for value in values]
        surface = Sum(tuple(Surface(*part) for part in zip(known, logs, strict=True)))
        belief = Belief(space, responses, surface, spend, unit, 0.0)
        unit = climb(space, belief.mean, runs.unit)
    away = np.sqrt(((runs.unit[-recent:] - unit) ** 2).mean()) if len(space.settings) else 0.0
    return replace(belief, unit=unit, radius=float(np.clip(away, 0.04, 0.3)))


def gross(space: Space, runs: Runs) -> Runs:
    """Return runs whose goal is before what each yuan costs of it."""
    return replace(runs, kpi=runs.kpi + space.price * runs.spend.sum(1))


def column(space: Space, runs: Runs, measure: str) -> Floats:
    """Return a measure [runs]."""
    return np.asarray(runs.measures[:, space.measures.index(measure)])


def steered(space: Space, runs: Runs, responses: Responses) -> Effects | None:
    """Return what moves the measures that are promised or aimed at; None where too few runs measured any."""
    measured = {name: column(space, runs, name) for name in (*space.promises, *space.aims)}
    enough = {name: value for name, value in measured.items() if np.isfinite(value).sum() >= FEW}
    if not enough:
        return None
    curves = responses.curves(np.full(len(space.settings), 0.5))
    return fit_effects(list(enough), np.column_stack(list(enough.values())), runs, curves)


def beside(space: Space, responses: Responses, spend: Floats, unit: Floats) -> Floats:
    """Return what measures add to the goal [places] at money [1 or places, levers] and settings [places, settings].

    That is what is aimed at, less the expected cost of promises missed.
    """
    if responses.effects is None:
        return np.zeros(len(unit))
    every = np.broadcast_to(spend, (len(unit), spend.shape[1]))
    aims, costs = space.weights(responses.effects.names)
    return np.asarray(responses.effects.means(every, unit) @ aims - responses.effects.shortfall(every, unit) @ costs)


def worth(space: Space, responses: Responses, spend: Floats, unit: Floats) -> float:
    """Return the fitted goal of money [levers] and settings [settings], with what measures add to it."""
    return float((responses.total(spend[None], unit[None]) + beside(space, responses, spend[None], unit[None]))[0])


def split(space: Space, responses: Responses, unit: Floats) -> Floats:
    """Return the money [levers] that is best at one setting [settings]."""
    if not space.levers:
        return np.empty(0)
    if space.divide is not None:
        return space.divide(responses, unit)
    low, high = space.low, space.high
    step = (space.budget - low.sum()) / STEPS
    amounts = low[:, None] + step * np.arange(STEPS + 1)
    allowed = np.where(amounts <= high[:, None] * (1 + 1e-12), 0.0, -np.inf)
    amounts = np.minimum(amounts, high[:, None])
    value = responses.attraction(amounts, unit)
    steps, best = divide(value + allowed)
    gain = float(responses.parts(low[None], unit[None]).gain[0])
    goal = responses.scale * gain * (responses.own + best) ** responses.theta - responses.price * step * np.arange(
        STEPS + 1
    )
    spend = np.asarray(np.minimum(low + step * steps[int(goal.argmax())], high))
    if responses.effects is None:
        return spend
    return kept(space, responses, unit, spend, amounts, value + allowed)


def kept(
    space: Space, responses: Responses, unit: Floats, spend: Floats, amounts: Floats, attraction: Floats
) -> Floats:
    """Return the money [levers] that is best with promises and aims, from the best one without them.

    `attraction`: [levers, amounts]. Every promise has a price, the cost of one more unit missed at the money so far; money is
    divided by the goal's slope and these prices, in turns (Lagrange), and the best division is kept.
    """
    effects = responses.effects
    assert effects is not None
    aims, cost = space.weights(effects.names)
    levers, prices = len(space.levers), np.zeros(len(cost))
    shares = effects.shares(amounts.T).T

    best, most = spend, worth(space, responses, spend, unit)
    for _ in range(TURNS):
        mean = effects.means(spend[None], unit[None])[0]
        prices = (prices + cost * ndtr(-mean / np.maximum(effects.noise, 1e-9 * np.abs(mean) + 1e-300))) / 2
        parts = responses.parts(spend[None], unit[None])
        slope = responses.scale * responses.theta * float(parts.gain[0] * parts.lift[0])
        worths = aims + prices
        by_share, by_yuan = worths @ effects.weights[:, 1 : 1 + levers], worths @ effects.weights[:, 1 + levers]
        value = slope * attraction + by_share[:, None] * shares + (by_yuan - responses.price) * amounts
        steps, total = divide(value)
        spend = amounts[np.arange(levers), steps[int(total.argmax())]]
        if (found := worth(space, responses, spend, unit)) > most:
            best, most = spend, found
    return best


def carried(responses: Responses, runs: Runs, spend: Floats, *, smooth: bool = False) -> tuple[Floats, Floats]:
    """Return what each run's credits and its rest [runs] would gain if its money were `spend` [levers].

    The run's own credits are scaled by the ratio of the curves, within 1/5 to 5; `smooth` takes fitted credits instead.
    """
    here = responses.parts(runs.spend, runs.unit)
    there = responses.parts(np.tile(spend, (len(runs), 1)), runs.unit)
    old, new = (p.attraction.sum(1) * p.lift for p in (here, there))
    ratio = np.clip(new / np.maximum(old, 1e-9), 0.2, 5.0)
    credit = responses.scale * here.gain * old if smooth else runs.credit.sum(1)
    brought = (ratio - 1) * credit + responses.scale * here.gain * (new - ratio * old)
    own = responses.scale * here.gain * responses.own * (there.lift - here.lift)
    return brought, own - responses.price * (spend.sum() - runs.spend.sum(1))


def compress(value: Floats) -> Floats:
    """Return values [runs] with those far below the best tenth drawn up to it, in order."""
    top = float(np.quantile(value, 0.9))
    depth = max(FLOOR * abs(top), 2 * float(np.subtract(*np.quantile(value, [0.95, 0.85]))), 1e-300)
    below = np.maximum((top - value) / depth, 1.0)
    return np.where(value < top - depth, top - depth * (1 + np.log(below)), value)


def thin(runs: Runs, value: Floats) -> Evidence:
    """Return at most `TUNED_ON` runs as evidence, whole seeds at even distances, always the last."""
    seeds = np.unique(runs.seed)
    share = min(1.0, TUNED_ON / len(runs))
    kept = seeds[np.unique(np.linspace(0, len(seeds) - 1, max(1, int(share * len(seeds)))).astype(int))]
    use = np.isin(runs.seed, kept)
    return Evidence.of(runs.unit[use], runs.seed[use], value[use])


def snap(space: Space, unit: Floats) -> Floats:
    """Return places [places, settings] moved to whole values where a setting is an integer."""
    out = np.clip(unit, 0.0, 1.0)
    for j, setting in enumerate(space.settings.values()):
        if setting.integer:
            out[:, j] = [setting.unit(setting.at(u)) for u in out[:, j]]
    return out


def climb(space: Space, expected: Callable[[Floats], Floats], start: Floats) -> Floats:
    """Return the settings [settings] with the highest expected goal [places].

    The best of many, then shrinking steps around it.
    """
    d = len(space.settings)
    random = np.random.default_rng(0)
    places = snap(space, np.vstack([start, random.random((400, d))]))
    mean = expected(places)
    best, value, width = places[int(mean.argmax())], float(mean.max()), 0.15
    for _ in range(15):
        moved = best + width * random.standard_normal((80, d)) * (random.random((80, d)) < 0.6)
        places = snap(space, moved)
        mean = expected(places)
        if mean.max() > value:
            best, value = places[int(mean.argmax())], float(mean.max())
        else:
            width *= 0.7
    return np.asarray(best)


def candidates(space: Space, unit: Floats, radius: float, random: np.random.Generator) -> Floats:
    """Return places [places, settings] to choose from, first the centre of the trust region; some lie anywhere."""
    d = len(space.settings)
    if d == 0:
        return unit[None]
    near = unit + radius * random.standard_normal((160, d))
    far = unit + 2 * radius * random.standard_normal((120, d)) * (random.random((120, d)) < 0.5)
    return snap(space, np.vstack([unit[None], near, far, random.random((120, d))]))


def first_plans(space: Space, count: int, random: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Return `count` plans that fill the space; the first is the current plan.

    Settings are a Latin hypercube; money a random composition with some levers near nothing, every second one of a part of
    the budget, so that the price of money shows.
    """
    d, k = len(space.settings), len(space.levers)
    order: NDArray[np.float64] = np.array([random.permutation(count) for _ in range(d)]).reshape(d, count).T
    places = snap(space, (order + random.random((count, d))) / max(count, 1))
    plans = [(space.spend(space.current), space.unit(space.current))]
    for row in range(1, count):
        share = random.dirichlet(np.full(k, 0.8)) if k else np.empty(0)
        part = random.uniform(0.4, 1.0) if row % 2 else 1.0
        plans.append((within(space, share * part), places[row]))
    return plans


def within(space: Space, share: Floats) -> Floats:
    """Return money [levers] by shares of what the budget leaves above the lower bounds, none over its upper bound."""
    low, high = space.low, space.high
    free = space.budget - low.sum()
    spend = np.minimum(low + share * free, high)
    room = high - spend
    left = share.sum() * free - (spend - low).sum()
    spend = spend + (room * min(1.0, left / room.sum()) if room.sum() > 0 else 0.0)
    return np.asarray(np.minimum(spend, high))
