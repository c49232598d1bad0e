"""response: curves of credited contribution to money, fitted to every run so far.

Levers attract; what a plan yields grows with the sum of attractions, and is credited in proportion to them (the
attraction model of market shares: Nakanishi & Cooper 1974, with Hill curves for the attraction of money):

    attraction_i = top_i x_i^power_i / (half_i^power_i + x_i^power_i) exp(lean_i . u)
    total        = own + sum of attractions
    credit_i     = gain(u) total^(theta - 1) attraction_i
    goal         = gain(u) total^theta - charge(u) - price sum(x)

`u` are the settings, `gain` and `charge` linear in the basis of `optimize.basis`. With theta below 1 levers take credit
from each other, at 1 they add up, above 1 they help each other. Money that maximises `total` maximises the goal whatever
theta, so the inner problem is separable and can be solved exactly.

Fitted by regularised Gauss-Newton with noise re-estimated on the way: a lever's credit has a variance in proportion to its
mean, each run has one common factor (its seed; what `gain` misses), the rest of the goal a variance of its own.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimize.basis import Basis
from optimize.market import Floats

if TYPE_CHECKING:
    from optimize.effects import Effects

ROUNDS = 15


@dataclass(frozen=True)
class Runs:
    """Replications so far."""

    spend: Floats
    """[runs, levers] yuan"""
    unit: Floats
    """[runs, settings] places in their ranges, 0 to 1"""
    seed: NDArray[np.int64]
    """[runs]"""
    credit: Floats
    """[runs, levers] KPI"""
    kpi: Floats
    """[runs]"""
    measures: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """[runs, measures] other measures of each run; NaN where it has none"""

    def __len__(self) -> int:
        return len(self.kpi)

    @property
    def rest(self) -> Floats:
        """The goal less what is credited to levers [runs]."""
        rest: Floats = self.kpi - self.credit.sum(1)
        return rest


@dataclass(frozen=True)
class Hill:
    """`top x^power / (half^power + x^power)`."""

    top: float
    half: float
    """yuan"""
    power: float

    def at(self, spend: Floats) -> Floats:
        """Return the attraction of money [yuan]."""
        return self.top * saturation(np.asarray(spend, float), np.array(self.half), np.array(self.power))

    def slope(self, spend: float) -> float:
        """Return what the next yuan brings; without money, what the first thousandth of `half` brings on average."""
        share = float(self.at(np.array(spend))) / self.top if self.top else 0.0
        if spend <= 0:
            first = 1e-3 * self.half
            return float(self.at(np.array(first))) / first
        return self.top * self.power * share * (1 - share) / spend


def saturation(spend: Floats, half: Floats, power: Floats) -> Floats:
    """Return `x^power / (half^power + x^power)`; 0 without money."""
    with np.errstate(divide="ignore"):
        odds = power * np.log(np.maximum(spend, 0.0) / half)
    share: Floats = np.where(spend > 0, 1 / (1 + np.exp(-np.clip(odds, -700, 700))), 0.0)
    return share


@dataclass(frozen=True)
class Layout:
    """Where each parameter stands in the vector of all."""

    levers: int
    settings: int
    terms: int

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Slice by name."""
        sizes = {
            "top": self.levers,
            "half": self.levers,
            "power": self.levers,
            "lean": self.levers * self.settings,
            "own": 1,
            "theta": 1,
            "gain": self.terms,
            "charge": 1 + self.terms,
            "price": 1,
        }
        ends = np.cumsum(list(sizes.values()))
        return {name: slice(int(end) - size, int(end)) for (name, size), end in zip(sizes.items(), ends, strict=True)}

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(self.slices["price"].stop)


@dataclass(frozen=True)
class Parts:
    """The model at plans, in units of `Responses.scale`."""

    attraction: Floats
    """[runs, levers]"""
    total: Floats
    """[runs]"""
    gain: Floats
    """[runs]"""
    lift: Floats
    """[runs] total^(theta - 1)"""
    gross: Floats
    """[runs, levers + 1]: credit of each lever, last what comes of its own accord"""
    charge: Floats
    """[runs]"""

    @property
    def mass(self) -> Floats:
        """What noise goes with [runs, levers + 1]: the gross without the gain where the gain is small, for a plan that
        earns nothing is not a plan without noise."""
        weak = np.maximum(np.abs(self.gain), 0.5) * self.lift
        return np.asarray(weak[:, None] * np.hstack([self.attraction, (self.total - self.attraction.sum(1))[:, None]]))

    @property
    def fitted(self) -> Floats:
        """Credit of each lever and the rest of the goal [runs, levers + 1]."""
        out = self.gross.copy()
        out[:, -1] -= self.charge
        return out


@dataclass(frozen=True)
class Responses:
    """The fitted model: parameters with their posterior, in logarithms where they are positive."""

    layout: Layout
    basis: Basis
    scale: float
    """KPI of one unit of the model."""
    money: float
    """yuan of one unit of the model's money."""
    x: Floats
    """[parameters]"""
    precision: Floats
    """[parameters, parameters] of the posterior around `x` (Laplace)."""
    common: float
    """Standard deviation of the factor common to a run's credits."""
    effects: "Effects | None" = None
    """What money and settings do to the measures that are promised."""

    def parts(self, spend: Floats, unit: Floats, terms: Floats | None = None) -> Parts:
        """Return the model at money [runs, levers] in yuan and settings [runs, settings]."""
        return evaluate(self.layout, self.x, spend / self.money, unit, self.basis(unit) if terms is None else terms)

    def total(self, spend: Floats, unit: Floats) -> Floats:
        """Return the mean goal [runs] of plans."""
        return np.asarray(self.scale * self.parts(spend, unit).fitted.sum(1))

    def attraction(self, spend: Floats, unit: Floats) -> Floats:
        """Return the attraction [levers, amounts] of amounts of money [levers, amounts] at one setting [settings]."""
        top, half, power, lean = (self.x[self.layout.slices[name]] for name in ("top", "half", "power", "lean"))
        strength = np.exp(top + lean.reshape(self.layout.levers, self.layout.settings) @ (2 * unit - 1))
        return strength[:, None] * saturation(spend / self.money, np.exp(half)[:, None], np.exp(power)[:, None])

    def curves(self, unit: Floats) -> list[Hill]:
        """Return each lever's attraction curve at one setting [settings]."""
        top, half, power, lean = (self.x[self.layout.slices[name]] for name in ("top", "half", "power", "lean"))
        strength = np.exp(top + lean.reshape(self.layout.levers, self.layout.settings) @ (2 * unit - 1))
        halves, powers = np.exp(half) * self.money, np.exp(power)
        return [Hill(float(t), float(h), float(p)) for t, h, p in zip(strength, halves, powers, strict=True)]

    @property
    def theta(self) -> float:
        """The exponent of interaction: 1 when levers add up."""
        return float(np.exp(self.x[self.layout.slices["theta"]][0]))

    @property
    def own(self) -> float:
        """Attraction without any lever."""
        return float(np.exp(self.x[self.layout.slices["own"]][0]))

    @property
    def price(self) -> float:
        """What a yuan of money takes from the goal, beside what it brings."""
        return float(self.x[self.layout.slices["price"]][0]) * self.scale / self.money

    def charged(self, price: float) -> "Responses":
        """Return the model of a goal that is less by so much a yuan of money."""
        x = self.x.copy()
        x[self.layout.slices["price"]] += price * self.money / self.scale
        return replace(self, x=x)

    @cached_property
    def root(self) -> Floats:
        """Lower Cholesky factor of the precision."""
        return np.asarray(np.linalg.cholesky(self.precision), np.float64)

    def draw(self, random: np.random.Generator) -> "Responses":
        """Return the model at a draw from the posterior."""
        step = np.linalg.solve(self.root.T, random.standard_normal(len(self.x)))
        effects = self.effects.draw(random) if self.effects is not None else None
        return replace(self, x=self.x + np.clip(step, -2.0, 2.0), effects=effects)


def evaluate(layout: Layout, x: Floats, spend: Floats, unit: Floats, terms: Floats) -> Parts:
    """Return the model at money [runs, levers] in units and settings [runs, settings] with basis terms [runs, terms]."""
    at = layout.slices
    lean = x[at["lean"]].reshape(layout.levers, layout.settings)
    share = saturation(spend, np.exp(x[at["half"]]), np.exp(x[at["power"]]))
    attraction = np.exp(np.clip(x[at["top"]] + (2 * unit - 1) @ lean.T, -50, 50)) * share
    own = np.exp(x[at["own"]][0])
    total = own + attraction.sum(1)
    gain = 1 + terms @ x[at["gain"]]
    lift = total ** (np.exp(x[at["theta"]][0]) - 1)
    gross = (gain * lift)[:, None] * np.hstack([attraction, np.full((len(spend), 1), own)])
    charge = x[at["charge"]][0] + terms @ x[at["charge"]][1:] + x[at["price"]][0] * spend.sum(1)
    return Parts(attraction, total, gain, lift, gross, charge)


def slopes(layout: Layout, x: Floats, spend: Floats, unit: Floats, terms: Floats, parts: Parts) -> Floats:
    """Return derivatives [runs, levers + 1, parameters] of `Parts.fitted`."""
    at, levers = layout.slices, layout.levers
    theta = np.exp(x[at["theta"]][0])
    pull = (theta - 1) * parts.attraction / parts.total[:, None]
    power = np.exp(x[at["power"]])
    share = saturation(spend, np.exp(x[at["half"]]), power)
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(np.maximum(spend, 0.0)) - x[at["half"]], -50.0)
    bend = np.clip((1 - share) * logs * power, -20.0, 20.0)
    v = 2 * unit - 1
    out = np.zeros((len(spend), levers + 1, layout.size))
    each = np.arange(levers)
    for name, factor in (("top", np.ones_like(share)), ("half", -(1 - share) * power), ("power", bend)):
        out[:, :, at[name]] = parts.gross[:, :, None] * (pull * factor)[:, None, :]
        out[:, each, at[name].start + each] += parts.gross[:, :levers] * factor
    lean = out[:, :, at["lean"]].reshape(len(spend), levers + 1, levers, layout.settings)
    lean += parts.gross[:, :, None, None] * (pull[:, :, None] * v[:, None, :])[:, None]
    lean[:, each, each] += parts.gross[:, :levers, None] * v[:, None, :]
    out[:, :, at["lean"]] = lean.reshape(len(spend), levers + 1, -1)
    own = np.exp(x[at["own"]][0])
    out[:, :, at["own"].start] = parts.gross * ((theta - 1) * own / parts.total)[:, None]
    out[:, -1, at["own"].start] += parts.gross[:, -1]
    out[:, :, at["theta"].start] = parts.gross * (np.log(parts.total) * theta)[:, None]
    mass = parts.lift[:, None] * np.hstack([parts.attraction, np.full((len(spend), 1), own)])
    out[:, :, at["gain"]] = mass[:, :, None] * terms[:, None, :]
    out[:, -1, at["charge"].start] = -1.0
    out[:, -1, at["charge"].start + 1 : at["charge"].stop] = -terms
    out[:, -1, at["price"].start] = -spend.sum(1)
    return out


def priors(layout: Layout, basis: Basis, spend: Floats) -> tuple[Floats, Floats]:
    """Return prior means and standard deviations of the parameters; half-saturation lies around the usual money."""
    at, k = layout.slices, max(layout.levers, 1)
    mean, sd = np.zeros(layout.size), np.ones(layout.size)
    mean[at["top"]], sd[at["top"]] = np.log(1.2 / k), 1.5
    mean[at["half"]], sd[at["half"]] = np.log(np.maximum(spend.mean(0), 1e-3)), 1.0
    mean[at["power"]], sd[at["power"]] = np.log(1.5), 0.5
    sd[at["lean"]] = 0.15
    mean[at["own"]], sd[at["own"]] = np.log(0.1), 1.5
    sd[at["theta"]] = 0.5
    sd[at["gain"]] = basis.deviations(0.5, 0.15)
    sd[at["charge"]] = np.r_[0.5, basis.deviations(0.15, 0.045)]
    sd[at["price"]] = 0.5
    return mean, sd


def nearness(unit: Floats) -> Floats:
    """Return how much runs [runs, settings] count, 0 to 1: those near where the latter half of runs lie count most.

    Curves are wanted where the search goes; what they are at settings far from there may differ.
    """
    if unit.shape[1] == 0:
        return np.ones(len(unit))
    away = ((unit - np.median(unit[len(unit) // 2 :], axis=0)) ** 2).sum(1)
    reach = max(0.3**2, float(np.median(away)))
    return np.asarray(np.maximum(np.exp(-away / (2 * reach)), 0.01))


@dataclass
class Noise:
    """Variances of the residuals, estimated on the way."""

    variance: Floats
    """[runs, levers + 1]"""
    weight: Floats
    """[runs] how much each run counts, 0 to 1"""
    common: float = 0.25
    """Standard deviation of a run's common factor."""

    def update(self, error: Floats, parts: Parts) -> None:
        """Take the variances from the errors [runs, levers + 1] at the present fit."""
        levers = error.shape[1] - 1
        share = self.weight / self.weight.sum()
        self.variance[:, -1] = ((share @ error[:, -1] ** 2) * 1.1 + 1e-6) / self.weight
        if levers == 0:
            return
        along, weight = parts.mass[:, :levers], 1 / self.variance[:, :levers]
        spread = 1 / ((weight * along**2).sum(1) + 1 / self.common**2)
        factor = (weight * along * error[:, :levers]).sum(1) * spread
        self.common = float(np.clip(np.sqrt(share @ (factor**2 + spread)), 0.05, 1.0))
        left = (error[:, :levers] - factor[:, None] * along) ** 2 + spread[:, None] * along**2
        level = np.maximum(along, 0.05 / levers)
        self.variance[:, :levers] = level * (share @ (left / level) + 1e-6) / self.weight[:, None]

    def whiten(self, error: Floats, parts: Parts, slope: Floats | None = None) -> tuple[Floats, Floats]:
        """Return errors and slopes with unit variance.

        A run's covariance is diagonal plus its common factor, of rank one; its inverse root is known in closed form.
        """
        root = 1 / np.sqrt(self.variance)
        along = parts.mass * root * self.common
        along[:, -1] = 0.0
        square = (along**2).sum(1)
        shrink = (((1 + square) ** -0.5 - 1) / np.maximum(square, 1e-12))[:, None] * along
        white = error * root
        white = white + shrink * (along * white).sum(1)[:, None]
        if slope is None:
            return white, np.empty(0)
        steep = slope * root[:, :, None]
        steep += shrink[:, :, None] * np.matmul(along[:, None, :], steep)
        return white, steep


def fit(runs: Runs, *, money: float, basis: Basis | None = None) -> Responses:
    """Fit the model to runs; `money`: yuan of the whole budget, the unit of money. A pure function of its arguments.

    Raises `ValueError` without runs.
    """
    if len(runs) == 0:
        raise ValueError("`len(runs) > 0` must hold, but got 0")
    basis = basis or Basis.over(runs.unit)
    scale = max(float(np.quantile(np.abs(runs.kpi), 0.7)), 1e-300)
    terms = basis(runs.unit)
    layout = Layout(runs.spend.shape[1], runs.unit.shape[1], terms.shape[1])
    unit_money = money if money > 0 else 1.0
    return Descent(layout, basis, scale, unit_money, runs, terms).run()


class Descent:
    """Gauss-Newton with Levenberg's damping on the posterior density."""

    def __init__(self, layout: Layout, basis: Basis, scale: float, money: float, runs: Runs, terms: Floats) -> None:
        self.layout, self.basis, self.scale, self.money = layout, basis, scale, money
        self.spend, self.unit, self.terms = runs.spend / money, runs.unit, terms
        self.seen = np.hstack([runs.credit, runs.rest[:, None]]) / scale
        self.mean, self.sd = priors(layout, basis, self.spend)
        size = (0.3 * (np.abs(self.seen).mean(0) + 1e-9)) ** 2
        weight = nearness(runs.unit)
        self.noise = Noise(size / weight[:, None], weight)

    def parts(self, x: Floats) -> Parts:
        """Return the model at the runs."""
        return evaluate(self.layout, x, self.spend, self.unit, self.terms)

    def loss(self, x: Floats, around: Parts) -> float:
        """Return squared errors and prior, whitened by the covariance `around` the present fit."""
        white, _ = self.noise.whiten(self.seen - self.parts(x).fitted, around)
        return float((white**2).sum() + (((x - self.mean) / self.sd) ** 2).sum())

    def run(self) -> Responses:
        """Return the fit."""
        x, damping = self.mean.copy(), 1e-2
        for turn in range(ROUNDS):
            parts = self.parts(x)
            if turn >= 2:
                self.noise.update(self.seen - parts.fitted, parts)
            precision, gradient = self.normal(x, parts)
            before = self.loss(x, parts)
            for _ in range(8):
                damped = precision + damping * np.diag(np.diag(precision))
                trial = x + np.clip(np.linalg.solve(damped, gradient), -1.0, 1.0)
                after = self.loss(trial, parts)
                if after < before:
                    break
                damping *= 5
            else:
                break
            x, damping = trial, max(damping / 5, 1e-7)
            if turn > 4 and before - after < 1e-3:
                break
        parts = self.parts(x)
        precision, _ = self.normal(x, parts)
        return Responses(self.layout, self.basis, self.scale, self.money, x, precision, self.noise.common)

    def normal(self, x: Floats, parts: Parts) -> tuple[Floats, Floats]:
        """Return the precision [parameters, parameters] and minus half the gradient [parameters] of the loss."""
        slope = slopes(self.layout, x, self.spend, self.unit, self.terms, parts)
        white, steep = self.noise.whiten(self.seen - parts.fitted, parts, slope)
        flat = steep.reshape(-1, self.layout.size)
        pull = flat.T @ white.ravel() - (x - self.mean) / self.sd**2
        return flat.T @ flat + np.diag(1 / self.sd**2), pull
