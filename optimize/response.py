"""response: curves of credited contribution to money, fitted to every run so far.

Levers attract; what a plan yields grows with the sum of attractions, and is credited in proportion to them (the
attraction model of market shares: Nakanishi & Cooper 1974, with Hill curves for the attraction of money):

    drawn_i      = top_i x_i^power_i / (half_i^power_i + x_i^power_i) exp(lean_i . u)
    attraction_i = incrementality_i drawn_i
    total        = own + sum of attractions
    goal         = gain(u) total^theta - charge(u) - price sum(x)
    credit_i     = gain(u) (own + sum of drawn)^(sharing - 1) drawn_i

`u` are the settings, `gain` and `charge` linear in the basis of `optimize.basis`. With theta below 1 levers hinder each
other, at 1 they add up, above 1 they help each other; with sharing below 1 they take credit from each other. A lever may be
credited with what would have come without it: incrementality and sharing are learned where holdouts switch levers off (as
geo experiments calibrate attribution); else credit is taken at its word, incrementality 1 and sharing theta. Money that
maximises `total` maximises the goal whatever theta, so the inner problem is separable and can be solved exactly.
`optimize.fitting` fits it.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimize.basis import Basis
from optimize.market import Floats
from optimize.runs import Runs

if TYPE_CHECKING:
    from optimize.effects import Effects


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
    groups: tuple[tuple[int, ...], ...] = ()
    """Levers, by number, whose incrementality is one parameter; of all others it is 1."""

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
            "sharing": int(bool(self.groups)),
            "incrementality": len(self.groups),
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

    @cached_property
    def grouped(self) -> Floats:
        """Return 1 where a lever is in a group [levers, groups], else 0."""
        out = np.zeros((self.levers, len(self.groups)))
        for k, group in enumerate(self.groups):
            out[list(group), k] = 1.0
        return out

    @property
    def shared(self) -> str:
        """Return the name of the parameter by which levers take credit from each other."""
        return "sharing" if self.groups else "theta"

    def incrementality(self, x: Floats) -> Floats:
        """Return the factors between what draws credit and what attracts [levers]."""
        return np.asarray(np.exp(self.grouped @ x[self.slices["incrementality"]]))


@dataclass(frozen=True)
class Parts:
    """The model at plans, in units of `Responses.scale`."""

    attraction: Floats
    """[runs, levers]"""
    drawn: Floats
    """[runs, levers] what levers are credited in proportion to"""
    total: Floats
    """[runs]"""
    gain: Floats
    """[runs]"""
    lift: Floats
    """[runs] total^(theta - 1)"""
    sharing: Floats
    """[runs] (own + sum of drawn)^(sharing - 1)"""
    credit: Floats
    """[runs, levers]"""
    charge: Floats
    """[runs]"""

    @property
    def mass(self) -> Floats:
        """What noise of credits goes with [runs, levers]: the credit without the gain where the gain is small, for a plan
        that earns nothing is not a plan without noise."""
        return np.asarray((np.maximum(np.abs(self.gain), 0.5) * self.sharing)[:, None] * self.drawn)

    @property
    def goal(self) -> Floats:
        """[runs]"""
        return np.asarray(self.gain * self.lift * self.total - self.charge)

    @property
    def beside(self) -> Floats:
        """The goal less what levers bring by their attraction [runs]."""
        return np.asarray(self.goal - self.gain * self.lift * self.attraction.sum(1))

    @property
    def fitted(self) -> Floats:
        """Credit of each lever and the rest of the goal [runs, levers + 1]."""
        return np.column_stack([self.credit, self.goal - self.credit.sum(1)])


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
        return np.asarray(self.scale * self.parts(spend, unit).goal)

    def attraction(self, spend: Floats, unit: Floats) -> Floats:
        """Return the attraction [levers, amounts] of amounts of money [levers, amounts] at one setting [settings]."""
        found = [curve.at(row) for curve, row in zip(self.curves(unit), spend, strict=True)]
        return np.array(found).reshape(spend.shape)

    def curves(self, unit: Floats) -> list[Hill]:
        """Return each lever's attraction curve at one setting [settings]."""
        top, half, power, lean = (self.x[self.layout.slices[name]] for name in ("top", "half", "power", "lean"))
        drawn = np.exp(top + lean.reshape(self.layout.levers, self.layout.settings) @ (2 * unit - 1))
        strength = drawn * self.incrementality
        halves, powers = np.exp(half) * self.money, np.exp(power)
        return [Hill(float(t), float(h), float(p)) for t, h, p in zip(strength, halves, powers, strict=True)]

    @property
    def theta(self) -> float:
        """The exponent of interaction: 1 when levers add up."""
        return float(np.exp(self.x[self.layout.slices["theta"]][0]))

    @property
    def incrementality(self) -> Floats:
        """The factors between what draws credit and what attracts [levers]."""
        return self.layout.incrementality(self.x)

    def lost(self, spend: Floats, unit: Floats) -> Floats:
        """Return by how much the goal of the first plan exceeds that of each other one [plans - 1, 3].

        The difference with its 95 % interval by the posterior; of money [plans, levers] and settings [plans, settings].
        """
        terms = self.basis(unit)
        parts = self.parts(spend, unit, terms)
        goal, slope = parts.goal, slopes(self.layout, self.x, spend / self.money, unit, terms, parts).sum(1)
        half = 1.96 * np.linalg.norm(np.linalg.solve(self.root, (slope[:1] - slope[1:]).T), axis=0)
        middle = goal[0] - goal[1:]
        return np.asarray(self.scale * np.column_stack([middle, middle - half, middle + half]))

    def corrected(self, runs: Runs) -> Runs:
        """Return runs whose credits are what levers bring by their attraction."""
        parts = self.parts(runs.spend, runs.unit)
        return replace(runs, credit=runs.credit * self.incrementality * (parts.lift / parts.sharing)[:, None])

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
    drawn = np.exp(np.clip(x[at["top"]] + (2 * unit - 1) @ lean.T, -50, 50)) * share
    attraction = drawn * layout.incrementality(x)
    own, theta = np.exp(x[at["own"]][0]), np.exp(x[at["theta"]][0])
    total = own + attraction.sum(1)
    gain = 1 + terms @ x[at["gain"]]
    sharing = (own + drawn.sum(1)) ** (np.exp(x[at[layout.shared]][0]) - 1)
    charge = x[at["charge"]][0] + terms @ x[at["charge"]][1:] + x[at["price"]][0] * spend.sum(1)
    return Parts(
        attraction, drawn, total, gain, total ** (theta - 1), sharing, (gain * sharing)[:, None] * drawn, charge
    )


def slopes(layout: Layout, x: Floats, spend: Floats, unit: Floats, terms: Floats, parts: Parts) -> Floats:
    """Return derivatives [runs, levers + 1, parameters] of `Parts.fitted`."""
    at, levers = layout.slices, layout.levers
    theta, own, power = np.exp(x[at["theta"]][0]), np.exp(x[at["own"]][0]), np.exp(x[at["power"]])
    sharing, whole = np.exp(x[at[layout.shared]][0]), own + parts.drawn.sum(1)
    pull = (sharing - 1) * parts.drawn / whole[:, None]
    brings = (parts.gain * parts.lift * theta)[:, None] * parts.attraction
    share = saturation(spend, np.exp(x[at["half"]]), power)
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(np.maximum(spend, 0.0)) - x[at["half"]], -50.0)
    bend = np.clip((1 - share) * logs * power, -20.0, 20.0)
    v = 2 * unit - 1
    out = np.zeros((len(spend), levers + 1, layout.size))
    credit, goal, each = out[:, :levers], out[:, -1], np.arange(levers)
    for name, factor in (("top", np.ones_like(share)), ("half", -(1 - share) * power), ("power", bend)):
        credit[:, :, at[name]] = parts.credit[:, :, None] * (pull * factor)[:, None, :]
        credit[:, each, at[name].start + each] += parts.credit * factor
        goal[:, at[name]] = brings * factor
    lean = credit[:, :, at["lean"]].reshape(len(spend), levers, levers, layout.settings)
    lean += parts.credit[:, :, None, None] * (pull[:, :, None] * v[:, None, :])[:, None]
    lean[:, each, each] += parts.credit[:, :, None] * v[:, None, :]
    credit[:, :, at["lean"]] = lean.reshape(len(spend), levers, levers * layout.settings)
    goal[:, at["lean"]] = (brings[:, :, None] * v[:, None, :]).reshape(len(spend), levers * layout.settings)
    goal[:, at["incrementality"]] = brings @ layout.grouped
    credit[:, :, at["own"].start] = parts.credit * ((sharing - 1) * own / whole)[:, None]
    goal[:, at["own"].start] = parts.gain * parts.lift * theta * own
    goal[:, at["theta"].start] = parts.gain * parts.lift * parts.total * np.log(parts.total) * theta
    credit[:, :, at[layout.shared].start] = parts.credit * (np.log(whole) * sharing)[:, None]
    credit[:, :, at["gain"]] = (parts.sharing[:, None] * parts.drawn)[:, :, None] * terms[:, None, :]
    goal[:, at["gain"]] = (parts.lift * parts.total)[:, None] * terms
    goal[:, at["charge"].start] = -1.0
    goal[:, at["charge"].start + 1 : at["charge"].stop] = -terms
    goal[:, at["price"].start] = -spend.sum(1)
    goal -= credit.sum(1)
    return out
