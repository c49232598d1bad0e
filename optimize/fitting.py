"""fitting: the curves of `optimize.response` fitted to every run so far.

Regularised Gauss-Newton with noise re-estimated on the way: a lever's credit has a variance in proportion to its mean, each
run has one common factor (its seed; what `gain` misses), the rest of the goal a variance of its own. Of holdouts
(`optimize.holdouts`) what is lost is fitted, the goal with all levers less that of the same seed without some, with a
variance for each group of levers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimize.basis import Basis
from optimize.market import Floats
from optimize.response import Layout, Parts, Responses, evaluate, slopes
from optimize.runs import Runs

ROUNDS = 15
SPREAD, WORTH = 0.4, 3
"""Standard deviation of the logarithms of incrementalities before any run is seen, and how many levers it counts for."""
ALIKE = 4
"""How many seeds the noise of the other groups counts for in that of a group of holdouts."""


def priors(layout: Layout, basis: Basis, spend: Floats) -> tuple[Floats, Floats]:
    """Return prior means and standard deviations of the parameters; half-saturation lies around the usual money.

    Where each lever has an incrementality, little is left for interaction and for what every yuan does besides.
    """
    at, k = layout.slices, max(layout.levers, 1)
    mean, sd = np.zeros(layout.size), np.ones(layout.size)
    mean[at["top"]], sd[at["top"]] = np.log(1.2 / k), 1.5
    mean[at["half"]], sd[at["half"]] = np.log(np.maximum(spend.mean(0), 1e-3)), 1.0
    mean[at["power"]], sd[at["power"]] = np.log(1.5), 0.5
    sd[at["lean"]] = 0.15
    mean[at["own"]], sd[at["own"]] = np.log(0.1), 1.5
    sd[at["theta"]] = 0.2 if layout.groups else 0.5
    sd[at["sharing"]] = 0.5
    sd[at["incrementality"]] = SPREAD
    sd[at["gain"]] = basis.deviations(0.5, 0.15)
    sd[at["charge"]] = np.r_[0.5, basis.deviations(0.15, 0.045)]
    sd[at["price"]] = 0.01 if layout.groups else 0.5
    return mean, sd


def nearness(unit: Floats, trials: Floats) -> Floats:
    """Return how much runs [runs, settings] count, 0 to 1: those near where the latter half of trials lie count most.

    Curves are wanted where the search goes; what they are at settings far from there may differ.
    """
    if unit.shape[1] == 0:
        return np.ones(len(unit))
    centre = np.median(trials[len(trials) // 2 :], axis=0)
    reach = max(0.3**2, float(np.median(((trials - centre) ** 2).sum(1))))
    return np.asarray(np.maximum(np.exp(-((unit - centre) ** 2).sum(1) / (2 * reach)), 0.01))


@dataclass
class Noise:
    """Variances of the residuals, estimated on the way."""

    variance: Floats
    """[runs, levers + 1]"""
    weight: Floats
    """[runs] how much each run counts, 0 to 1"""
    away: NDArray[np.int64]
    """[seeds, groups] runs without a group of levers, by number"""
    common: float = 0.25
    """Standard deviation of a run's common factor."""

    @classmethod
    def about(cls, seen: Floats, weight: Floats, away: NDArray[np.int64]) -> "Noise":
        """Return the noise before any fit, by the size of what was seen [runs, levers + 1]."""
        size = (0.3 * (np.abs(seen).mean(0) + 1e-9)) ** 2
        return cls(size / weight[:, None], weight, away)

    def update(self, error: Floats, parts: Parts) -> None:
        """Take the variances from the errors [runs, levers + 1] at the present fit."""
        levers = error.shape[1] - 1
        share = self.weight / self.weight.sum()
        here = np.setdiff1d(np.arange(len(error)), self.away)
        level = float(share[here] @ error[here, -1] ** 2 / share[here].sum())
        self.variance[here, -1] = (level * 1.1 + 1e-6) / self.weight[here]
        if self.away.size:
            seeds = len(self.away)
            each = (error[self.away, -1] ** 2).sum(0) / max(seeds - 1, 1)
            self.variance[self.away, -1] = (seeds * each + ALIKE * each.mean()) / (seeds + ALIKE) + 1e-8
        if levers == 0:
            return
        along, weight = parts.mass, 1 / self.variance[:, :levers]
        spread = 1 / ((weight * along**2).sum(1) + 1 / self.common**2)
        factor = (weight * along * error[:, :levers]).sum(1) * spread
        self.common = float(np.clip(np.sqrt(share @ (factor**2 + spread)), 0.05, 1.0))
        left = (error[:, :levers] - factor[:, None] * along) ** 2 + spread[:, None] * along**2
        level = np.maximum(along, 0.05 / levers)
        self.variance[:, :levers] = level * (share @ (left / level) + 1e-6) / self.weight[:, None]

    def whiten(self, error: Floats, parts: Parts, slope: Floats | None = None) -> tuple[Floats, Floats]:
        """Return errors and slopes with unit variance.

        The covariance of a run's credits is diagonal plus its common factor, of rank one; its inverse root is known in
        closed form.
        """
        root = 1 / np.sqrt(self.variance)
        along = parts.mass * root[:, :-1] * self.common
        square = (along**2).sum(1)
        shrink = (((1 + square) ** -0.5 - 1) / np.maximum(square, 1e-12))[:, None] * along
        white = error * root
        white[:, :-1] += shrink * (along * white[:, :-1]).sum(1)[:, None]
        if slope is None:
            return white, np.empty(0)
        steep = slope * root[:, :, None]
        steep[:, :-1] += shrink[:, :, None] * np.matmul(along[:, None, :], steep[:, :-1])
        return white, steep


def fit(
    trials: Runs, *, money: float, basis: Basis | None = None, groups: tuple[tuple[int, ...], ...] = (),
    held: Runs | None = None,
) -> Responses:  # fmt: skip
    """Fit the model to trials; `money`: yuan of the whole budget, the unit of money. A pure function of its arguments.

    `held`: runs of `optimize.holdouts`; `groups`: levers, by number, whose incrementality is learned together; of all others
    it is 1. Raises `ValueError` without trials.
    """
    if len(trials) == 0:
        raise ValueError("`len(trials) > 0` must hold, but got 0")
    runs = trials if held is None else held.then(trials)
    basis = basis or Basis.over(trials.unit)
    scale = max(float(np.quantile(np.abs(trials.kpi), 0.7)), 1e-300)
    terms = basis(runs.unit)
    layout = Layout(runs.spend.shape[1], runs.unit.shape[1], terms.shape[1], groups)
    return Descent(layout, basis, scale, money if money > 0 else 1.0, runs, terms, len(runs) - len(trials)).run()


class Descent:
    """Gauss-Newton with Levenberg's damping on the posterior density."""

    def __init__(
        self, layout: Layout, basis: Basis, scale: float, money: float, runs: Runs, terms: Floats, held: int
    ) -> None:
        self.layout, self.basis, self.scale, self.money = layout, basis, scale, money
        self.spend, self.unit, self.terms = runs.spend / money, runs.unit, terms
        seeds = len(np.unique(runs.seed[:held]))
        rows = np.arange(held).reshape(seeds, held // max(seeds, 1))
        self.base, self.away = rows[:, :1], rows[:, 1:]
        self.seen = self.observed(np.hstack([runs.credit, runs.rest[:, None]]) / scale)
        self.mean, self.sd = priors(layout, basis, self.spend[held:])
        self.noise = Noise.about(self.seen, nearness(runs.unit, runs.unit[held:]), self.away)

    def observed(self, told: Floats) -> Floats:
        """Return credits and rest [runs, levers + 1, ...] with what is lost for the rest of runs without some levers."""
        goal = told[: self.base.size + self.away.size].sum(1)
        told[self.away, -1] = goal[self.base] - goal[self.away]
        return told

    def parts(self, x: Floats) -> Parts:
        """Return the model at the runs."""
        return evaluate(self.layout, x, self.spend, self.unit, self.terms)

    def loss(self, x: Floats, around: Parts) -> float:
        """Return squared errors and prior, whitened by the covariance `around` the present fit."""
        white, _ = self.noise.whiten(self.seen - self.observed(self.parts(x).fitted), around)
        return float((white**2).sum() + (((x - self.mean) / self.sd) ** 2).sum())

    def run(self) -> Responses:
        """Return the fit."""
        x, damping = self.mean.copy(), 1e-2
        for turn in range(ROUNDS):
            parts = self.parts(x)
            if turn >= 2:
                self.noise.update(self.seen - self.observed(parts.fitted), parts)
            gram, pull = self.evidence(x, parts)
            if turn >= 2 and self.layout.groups:
                self.widen(x, gram)
            precision, gradient = self.precision(gram), pull - (x - self.mean) / self.sd**2
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
        precision = self.precision(self.evidence(x, parts)[0])
        return Responses(self.layout, self.basis, self.scale, self.money, x, precision, self.noise.common)

    def widen(self, x: Floats, gram: Floats) -> None:
        """Take how much levers differ in incrementality from the fit (MacKay 1992, Neural Computation 4)."""
        at = self.layout.slices["incrementality"]
        known = 1 - np.diag(np.linalg.inv(self.precision(gram)))[at] / self.sd[at] ** 2
        self.sd[at] = np.sqrt(((x[at] ** 2).sum() + WORTH * SPREAD**2) / (known.sum() + WORTH))

    def precision(self, gram: Floats) -> Floats:
        """Return the precision [parameters, parameters] of the posterior, by the runs' part of it."""
        return np.asarray(gram + np.diag(1 / self.sd**2))

    def evidence(self, x: Floats, parts: Parts) -> tuple[Floats, Floats]:
        """Return the runs' part of the precision [parameters, parameters] and of minus half the gradient [parameters]."""
        slope = self.observed(slopes(self.layout, x, self.spend, self.unit, self.terms, parts))
        white, steep = self.noise.whiten(self.seen - self.observed(parts.fitted), parts, slope)
        flat = steep.reshape(-1, self.layout.size)
        return flat.T @ flat, flat.T @ white.ravel()
