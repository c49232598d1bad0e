"""effects: what money and settings do to the measures of a plan that no lever is credited with, such as its targets.

    measure(run) = level + sum_i weight_i share_i(x_i) + price sum_i x_i + terms(u) . slope + shift(seed) + noise

`share` is the saturation of a lever's curve (`optimize.response`), `price` what every yuan changes whatever its lever (of
the plan's cost, 1), `terms` the quadratic of `optimize.basis`. Weights, price, slopes and shifts are normal with variances
of their own, found with the noise by evidence maximisation (MacKay 1992, Neural Computation 4), so that a measure that does
not answer to money shrinks to a level.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

from optimize.basis import quadratic
from optimize.market import Floats
from optimize.response import Hill
from optimize.runs import Runs

ROUNDS = 25
FEW = 8
"""Fewest runs that a measure is fitted to."""
USUAL = (0.5, 0.1, 0.1, 0.1)
"""Variance of what levers, the price of money, terms of the settings and seeds do to a measure of unit variance, before the
runs are seen."""
COLUMNS = ("measure", "lever", "per_yuan", "low", "high")


@dataclass(frozen=True)
class Effects:
    """The fitted effects on some measures, with their posterior."""

    names: tuple[str, ...]
    curves: tuple[Hill, ...]
    """One a lever, of unit height."""
    centre: Floats
    """[levers + 1] mean shares and mean money of the runs"""
    weights: Floats
    """[measures, 1 + levers + 1 + terms] level, weights, price, slopes"""
    roots: Floats
    """[measures, features, features] Cholesky factors of the posterior covariances"""
    noise: Floats
    """[measures] standard deviation from run to run, seeds included"""

    def shares(self, spend: Floats) -> Floats:
        """Return the saturation [runs, levers] of money [runs, levers] in yuan."""
        parts = [curve.at(spend[:, k]) for k, curve in enumerate(self.curves)]
        return np.array(parts).reshape(len(parts), len(spend)).T

    def features(self, spend: Floats, unit: Floats) -> Floats:
        """Return what the measures are linear in [runs, features]."""
        money = np.column_stack([self.shares(spend), spend.sum(1)])
        return np.hstack([np.ones((len(spend), 1)), money - self.centre, quadratic(unit)])

    def means(self, spend: Floats, unit: Floats) -> Floats:
        """Return the expected measures [runs, measures] of money [runs, levers] and settings [runs, settings]."""
        return np.asarray(self.features(spend, unit) @ self.weights.T)

    def variances(self, spend: Floats, unit: Floats) -> Floats:
        """Return the posterior variances [runs, measures] of the expected measures."""
        features = self.features(spend, unit)
        return np.stack([((features @ root) ** 2).sum(1) for root in self.roots], axis=1)

    def base(self, unit: Floats) -> Floats:
        """Return the expected measures [measures] without money at one setting [settings]."""
        none = np.zeros((1, len(self.curves)))
        return np.asarray(self.means(none, unit[None])[0])

    def shortfall(self, spend: Floats, unit: Floats) -> Floats:
        """Return the expected amount [runs, measures] by which measures fall below 0, by normal noise around the mean."""
        mean = self.means(spend, unit)
        sd = np.maximum(self.noise, 1e-9 * np.abs(mean) + 1e-300)
        z = mean / sd
        return np.asarray(sd * (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) - z * ndtr(-z)))

    def lever(self, measure: int) -> Floats:
        """Return the weights [levers] of one measure."""
        return np.asarray(self.weights[measure, 1 : 1 + len(self.curves)])

    def price(self, measure: int) -> float:
        """Return what every yuan changes one measure, whatever its lever."""
        return float(self.weights[measure, 1 + len(self.curves)])

    def draw(self, random: np.random.Generator) -> "Effects":
        """Return the effects at a draw from the posterior."""
        steps = np.stack([root @ random.standard_normal(len(root)) for root in self.roots])
        return replace(self, weights=self.weights + steps.reshape(self.weights.shape))

    def table(self, spend: Floats, levers: Sequence[str]) -> pd.DataFrame:
        """Return measure, lever, per_yuan (what the next yuan does to the measure at money [levers]), low, high: 95 %."""
        rows = []
        ends = len(self.curves) + 2
        slopes = np.zeros((len(self.curves), ends))
        slopes[:, 1:-1] = np.diag([curve.slope(float(x)) for curve, x in zip(self.curves, spend, strict=True)])
        slopes[:, -1] = 1.0
        for name, weights, root in zip(self.names, self.weights, self.roots, strict=True):
            middle, half = slopes @ weights[:ends], 1.96 * np.linalg.norm(slopes @ root[:ends], axis=1)
            rows += [(name, *row) for row in zip(levers, middle, middle - half, middle + half, strict=True)]
        return pd.DataFrame(rows, columns=list(COLUMNS))


def fit_effects(names: Sequence[str], measures: Floats, runs: Runs, curves: Sequence[Hill]) -> Effects:
    """Fit measures [runs, measures], NaN where a run has none, to runs; `curves`: one a lever, their heights unused.

    Raises `ValueError` for a measure that fewer than `FEW` runs have.
    """
    shapes = tuple(replace(curve, top=1.0) for curve in curves)
    plain = Effects(tuple(names), shapes, np.zeros(len(shapes)), np.empty(0), np.empty(0), np.empty(0))
    money = np.column_stack([plain.shares(runs.spend), runs.spend.sum(1)])
    shared = replace(plain, centre=money.mean(0))
    features = shared.features(runs.spend, runs.unit)
    parts = [one(name, features, measures[:, k], runs.seed, money.max(0)) for k, name in enumerate(names)]
    weights, roots, noise = zip(*parts, strict=True)
    return replace(shared, weights=np.array(weights), roots=np.array(roots), noise=np.array(noise))


def one(
    name: str, features: Floats, value: Floats, seed: NDArray[np.int64], most: Floats
) -> tuple[Floats, Floats, float]:
    """Return weights [features], the root of their covariance, and the noise of one measure.

    `most` [levers + 1]: largest shares and money of the runs, by which weights are scaled, so that it does not matter
    whether curves are bent or nearly straight up to there.
    """
    known = np.isfinite(value)
    if known.sum() < FEW:
        raise ValueError(f"{name!r} needs {FEW} runs that measure it, but got {known.sum()}")
    x, y = features[known], value[known]
    middle, scale = float(y.mean()), float(y.std())
    count, levers = features.shape[1], len(most) - 1
    if not scale > 1e-12 * abs(middle):
        return np.r_[middle, np.zeros(count - 1)], np.zeros((count, count)), 0.0
    size = np.r_[1.0, np.where(most > 1e-9, most, 1.0), np.ones(count - 2 - levers)]
    same = (seed[known][:, None] == np.unique(seed[known])[None, :]).astype(float)
    groups = np.repeat(np.arange(5), [1, levers, 1, count - 2 - levers, same.shape[1]])
    mean, covariance, variances, noise = ridge(np.hstack([x / size, same]), (y - middle) / scale, groups)
    free = max(len(y) - float((1 - np.diag(covariance) / variances[groups]).sum()), 3.0)
    covariance *= free / (free - 2)  # Student's: the noise is known from so many degrees of freedom
    weights = scale * mean[:count] / size
    weights[0] += middle
    root = np.linalg.cholesky(covariance[:count, :count] + 1e-12 * np.eye(count)) * scale / size[:, None]
    return weights, np.asarray(root), float(scale * np.sqrt(noise + variances[4]))


def ridge(x: Floats, y: Floats, groups: NDArray[np.int64]) -> tuple[Floats, Floats, Floats, float]:
    """Return mean and covariance of the coefficients, each group's variance, and the noise's, by evidence maximisation.

    `y` has unit variance. Group 0 has a fixed variance; the others have `USUAL` ones with the weight of one coefficient
    (scaled inverse chi-square), for a variance of nothing would leave intervals of nothing.
    """
    gram, pull = x.T @ x, x.T @ y
    variances, noise = np.array([10.0, *USUAL]), 0.5
    for turn in range(ROUNDS):
        factor = cho_factor(gram / noise + np.diag(1 / variances[groups]), lower=True)
        covariance = cho_solve(factor, np.eye(len(gram)))
        mean = covariance @ pull / noise
        if turn == ROUNDS - 1:
            break
        known = 1 - np.diag(covariance) / variances[groups]
        for group, usual in enumerate(USUAL, 1):
            mine = groups == group
            variances[group] = ((mean[mine] ** 2).sum() + usual) / (known[mine].sum() + 1)
        error = float(((y - x @ mean) ** 2).sum())
        noise = float(np.clip(error / max(len(y) - known.sum(), 1.0), 1e-6, 10.0))
    return mean, covariance, variances, noise
