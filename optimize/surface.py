"""surface: the goal over the settings, a Gaussian process that knows which runs share random numbers.

    value(run) = plane(u) + f(u) + shift(seed) + bent(u; seed) + noise

`f`, `bent` have Matern-5/2 kernels with one width per setting (Rasmussen & Williams 2006, ch. 5); `shift` and `bent` are
common to the runs of a seed, which is how common random numbers help: their difference is free of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from optimize.market import Floats

JITTER = 1e-8


def prior(settings: int) -> tuple[Floats, Floats]:
    """Return means and standard deviations of the logarithms: widths, then deviations of f, shift, bent and noise."""
    return np.log(np.r_[np.full(settings, 0.5), 0.5, 0.5, 0.3, 0.4]), np.full(settings + 4, 0.7)


def matern(a: Floats, b: Floats, widths: Floats) -> tuple[Floats, Floats]:
    """Return the Matern-5/2 kernel [len(a), len(b)] and sqrt(5) x distance."""
    x, y = a / widths, b / widths
    square = (x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2 * x @ y.T
    far = np.sqrt(5 * np.maximum(square, 0.0) + 1e-12)
    return (1 + far + far**2 / 3) * np.exp(-far), far


def plane(a: Floats, b: Floats) -> Floats:
    """Return the covariance [len(a), len(b)] of a plane whose height and slopes have unit variance."""
    out: Floats = 1.0 + (2 * a - 1) @ (2 * b - 1).T
    return out


@dataclass(frozen=True)
class Evidence:
    """Values of runs, standardised."""

    unit: Floats
    """[runs, settings]"""
    value: Floats
    """[runs] standardised"""
    same: Floats
    """[runs, runs] 1 where two runs share their seed"""
    mean: float
    scale: float

    @classmethod
    def of(cls, unit: Floats, seed: NDArray[np.int64], value: Floats) -> "Evidence":
        """Return evidence of values [runs] at settings [runs, settings] and seeds [runs]."""
        mean, scale = float(np.median(value)), float(value.std()) or 1.0
        return cls(unit, (value - mean) / scale, (seed[:, None] == seed[None, :]).astype(float), mean, scale)

    def covariance(self, logs: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the covariance, the Matern kernel, sqrt(5) x distance and the weight of the kernel, all [runs, runs]."""
        d = self.unit.shape[1]
        level, shift, bent, noise = np.exp(2 * logs[d:])
        kernel, far = matern(self.unit, self.unit, np.exp(logs[:d]))
        weight = level + bent * self.same
        whole = kernel * weight + shift * self.same + plane(self.unit, self.unit)
        whole[np.diag_indices(len(whole))] += noise + JITTER
        return whole, kernel, far, weight

    def loss(self, logs: Floats) -> tuple[float, Floats]:
        """Return minus the log posterior of the hyperparameters, up to a constant, and its gradient."""
        d = self.unit.shape[1]
        centre, spread = prior(d)
        whole, kernel, far, weight = self.covariance(logs)
        try:
            factor = cho_factor(whole, lower=True)
        except LinAlgError:
            return 1e10, np.zeros_like(logs)
        alpha = cho_solve(factor, self.value)
        pull = np.outer(alpha, alpha) - cho_solve(factor, np.eye(len(alpha)))
        _, shift, bent, noise = np.exp(2 * logs[d:])
        gradient = np.empty_like(logs)
        base = pull * weight * (5 / 3) * (1 + far) * np.exp(-far)
        for j in range(d):
            gap = self.unit[:, j, None] - self.unit[None, :, j]
            gradient[j] = 0.5 * (base * gap**2).sum() * np.exp(-2 * logs[j])
        shared, bend = pull * self.same, (pull * self.same * kernel).sum() * bent
        gradient[d:] = (
            (pull * kernel).sum() * np.exp(2 * logs[d]),
            shared.sum() * shift,
            bend,
            np.trace(pull) * noise,
        )
        away = (logs - centre) / spread
        loss = 0.5 * self.value @ alpha + np.log(np.diag(factor[0])).sum() + 0.5 * (away**2).sum()
        return float(loss), away / spread - gradient


def tune(evidence: Evidence) -> Floats:
    """Return the most probable hyperparameters [settings + 4], as logarithms. Pure: it starts from the prior's mean."""
    centre, spread = prior(evidence.unit.shape[1])
    bounds = [(c - 3 * s, c + 3 * s) for c, s in zip(centre, spread, strict=True)]
    found = minimize(evidence.loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 25})
    return np.asarray(found.x, float)


class Surface:
    """The posterior of f given evidence and hyperparameters."""

    def __init__(self, evidence: Evidence, logs: Floats) -> None:
        whole, _, _, _ = evidence.covariance(logs)
        d = evidence.unit.shape[1]
        self.evidence, self.widths, self.level = evidence, np.exp(logs[:d]), float(np.exp(2 * logs[d]))
        self.factor = cho_factor(whole, lower=True)
        self.alpha = cho_solve(self.factor, evidence.value)

    def cross(self, unit: Floats) -> Floats:
        """Return the covariance [places, runs] of the surface with the evidence."""
        return self.level * matern(unit, self.evidence.unit, self.widths)[0] + plane(unit, self.evidence.unit)

    def mean(self, unit: Floats) -> Floats:
        """Return the expected goal [places]."""
        out: Floats = self.cross(unit) @ self.alpha * self.evidence.scale + self.evidence.mean
        return out

    def posterior(self, unit: Floats) -> tuple[Floats, Floats]:
        """Return mean [places] and covariance [places, places] of the goal."""
        cross = self.cross(unit)
        half = solve_triangular(self.factor[0], cross.T, lower=True)
        prior_covariance = self.level * matern(unit, unit, self.widths)[0] + plane(unit, unit)
        mean = cross @ self.alpha * self.evidence.scale + self.evidence.mean
        return mean, (prior_covariance - half.T @ half) * self.evidence.scale**2


@dataclass(frozen=True)
class Sum:
    """A goal that is the sum of independent surfaces."""

    parts: tuple[Surface, ...]

    def mean(self, unit: Floats) -> Floats:
        """Return the expected goal [places]."""
        return np.asarray(np.sum([part.mean(unit) for part in self.parts], axis=0))

    def draws(self, unit: Floats, count: int, random: np.random.Generator) -> Floats:
        """Return draws [count, places] of the goal."""
        means, covariances = zip(*(part.posterior(unit) for part in self.parts), strict=True)
        covariance = np.sum(covariances, axis=0)
        covariance[np.diag_indices(len(unit))] += 1e-6 * sum(part.evidence.scale**2 for part in self.parts)
        root = np.linalg.cholesky(covariance)
        return np.asarray(np.sum(means, axis=0) + random.standard_normal((count, len(unit))) @ root.T)
