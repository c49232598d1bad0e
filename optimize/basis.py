"""basis: functions of the settings in which the fits are linear: a quadratic, and bumps around plans that were run."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimize.market import Floats


def quadratic(unit: Floats) -> Floats:
    """Return linear, square and product terms [runs, d (d + 3) / 2] of places [runs, d] in the unit cube.

    >>> quadratic(np.array([[1.0, 0.5]])).round(3).tolist()
    [[1.0, 0.0, 0.667, -0.333, 0.0]]
    """
    v = 2 * unit - 1
    first, second = np.triu_indices(v.shape[1], 1)
    return np.hstack([v, v**2 - 1 / 3, v[:, first] * v[:, second]])


def spread(points: Floats, count: int, apart: float = 0.03) -> NDArray[np.int64]:
    """Return indices of at most `count` points, each the farthest from those before, none nearer than `apart`."""
    kept = [0]
    near = ((points - points[0]) ** 2).sum(1)
    while len(kept) < min(count, len(points)):
        far = int(near.argmax())
        if near[far] < apart**2:
            break
        kept.append(far)
        near = np.minimum(near, ((points - points[far]) ** 2).sum(1))
    return np.array(kept)


@dataclass(frozen=True)
class Basis:
    """A quadratic and whitened Gaussian bumps: with normal coefficients, a Gaussian process (Nystroem)."""

    centres: Floats
    """[bumps, d]"""
    whiten: Floats
    """[bumps, bumps]"""
    length: float
    """Width of a bump, as a share of the ranges."""

    @classmethod
    def over(cls, unit: Floats, *, count: int = 24, length: float = 0.5) -> "Basis":
        """Return the basis with bumps at runs [runs, d] that lie far apart; without settings it is empty."""
        if unit.shape[1] == 0:
            return cls(np.empty((0, 0)), np.empty((0, 0)), length)
        centres = unit[spread(unit, count)]
        kernel = bumps(centres, centres, length)
        kernel[np.diag_indices(len(centres))] += 1e-4
        return cls(centres, np.linalg.inv(np.linalg.cholesky(kernel)).T, length)

    def __call__(self, unit: Floats) -> Floats:
        """Return the terms [runs, quadratic + bumps] at places [runs, d]."""
        if len(self.centres) == 0:
            return np.empty((len(unit), 0))
        return np.hstack([quadratic(unit), bumps(unit, self.centres, self.length) @ self.whiten])

    def deviations(self, polynomial: float, bump: float) -> Floats:
        """Return prior standard deviations of the coefficients, given those of the two kinds."""
        d = self.centres.shape[1]
        return np.repeat([polynomial, bump], [d * (d + 3) // 2, len(self.centres)])


def bumps(a: Floats, b: Floats, length: float) -> Floats:
    """Return `exp(-|a - b|^2 / (2 length^2))` for all pairs [len(a), len(b)]."""
    square = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    kernel: Floats = np.exp(-np.maximum(square, 0.0) / (2 * length**2))
    return kernel
