"""pieces: response curves, and the piecewise-linear functions never below or never above them.

A response is `Points`, linear between measured points and taken as exact, or `Smooth`, a function with its derivative and a
declared shape. The shape is what makes a bound certain: a concave stretch lies under its tangents and over its chords, a
convex stretch the other way round.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Shape = Literal["concave", "convex", "s"]
SAMPLES = 33
"""Points at which a smooth response is checked against its declared shape."""


@dataclass(frozen=True, eq=False)
class Points:
    """A response given at points and linear between them; any shape, rising or falling."""

    spend: Floats
    """[points] yuan, rising"""
    value: Floats
    """[points] KPI"""

    def __init__(self, spend: ArrayLike, value: ArrayLike) -> None:
        """Take points in any order of nothing but rising spend; raises `ValueError` for fewer than two or a tie."""
        object.__setattr__(self, "spend", np.asarray(spend, float))
        object.__setattr__(self, "value", np.asarray(value, float))
        if self.spend.ndim != 1 or self.spend.shape != self.value.shape or len(self.spend) < 1:
            raise ValueError(f"spend and value must be lists of one length, but got {spend!r} and {value!r}")
        if not (np.isfinite(self.spend).all() and np.isfinite(self.value).all()):
            raise ValueError(f"points must be finite, but got spend={spend!r}, value={value!r}")
        if not (np.diff(self.spend) > 0).all():
            raise ValueError(f"spend must rise from point to point, but got {spend!r}")

    @property
    def low(self) -> float:
        """Least spend the response is known for."""
        return float(self.spend[0])

    @property
    def high(self) -> float:
        """Largest spend the response is known for."""
        return float(self.spend[-1])

    def at(self, spend: ArrayLike) -> Floats:
        """Return the KPI at spends."""
        return np.asarray(np.interp(np.asarray(spend, float), self.spend, self.value))

    def slope(self, spend: float) -> float:
        """Return what the next yuan brings; at the last point, what the last one brought."""
        if len(self.spend) < 2:
            return 0.0
        reach = 1e-9 * (self.high - self.low)
        k = min(int(np.searchsorted(self.spend, spend + reach, side="right")), len(self.spend) - 1)
        k = max(k, 1)
        return float((self.value[k] - self.value[k - 1]) / (self.spend[k] - self.spend[k - 1]))

    def outside(self, sign: int, knots: Floats) -> tuple[Floats, Floats]:
        """Return the response itself over the knots' range, corners (x, y)."""
        del sign
        inner = self.spend[(self.spend > knots[0]) & (self.spend < knots[-1])]
        x = np.concatenate((knots[:1], inner, knots[-1:]))
        return x, self.at(x)

    def piece(self, at: float) -> tuple[float, float]:
        """Return the whole range: points need no choice of a stretch that the solver has not made."""
        del at
        return self.low, self.high


@dataclass(frozen=True, eq=False)
class Smooth:
    """A response given as a function of spend that returns value and derivative, both arrays of the spend's shape."""

    function: Callable[[Floats], tuple[Floats, Floats]]
    low: float
    high: float
    shape: Shape = "concave"
    """`s`: convex up to one bend, concave after it. Bounds are certain only if the shape is true; it is checked at 33
    points."""
    bend: float | None = None
    """Where an S-shaped response turns from convex to concave [yuan]; searched for when not given."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for an empty range, an unknown shape, or a function that is plainly not of that shape."""
        if not self.low <= self.high:
            raise ValueError(f"`low <= high` must hold, but got (low={self.low!r}, high={self.high!r})")
        if self.shape not in ("concave", "convex", "s"):
            raise ValueError(f"shape must be concave, convex or s, but got {self.shape!r}")
        for a, b, curved in self.stretches:
            self.check(a, b, curved)

    def check(self, a: float, b: float, curved: int) -> None:
        """Raise `ValueError` if a stretch's chords and derivatives contradict its shape."""
        x = np.linspace(a, b, SAMPLES)
        y, d = self.function(x)
        if not np.isfinite(y).all():
            raise ValueError(f"a response must be finite, but got {y!r} at {x!r}")
        chord = np.diff(y) / np.diff(x)
        slack = 1e-7 * (np.abs(chord).max() + 1e-300)
        if ((d[:-1] - chord) * curved > slack).any() or ((chord - d[1:]) * curved > slack).any():
            word = "convex" if curved > 0 else "concave"
            raise ValueError(f"the response is not {word} between {a:g} and {b:g}, or its derivative is wrong")

    @cached_property
    def stretches(self) -> tuple[tuple[float, float, int], ...]:
        """Stretches (from, to, +1 convex or -1 concave) that make up the range; none when the range is one point."""
        if self.high <= self.low:
            return ()
        if self.shape != "s":
            return ((self.low, self.high, 1 if self.shape == "convex" else -1),)
        bend = self.steepest() if self.bend is None else self.bend
        reach = 1e-9 * (self.high - self.low)
        if bend <= self.low + reach:
            return ((self.low, self.high, -1),)
        if bend >= self.high - reach:
            return ((self.low, self.high, 1),)
        return ((self.low, bend, 1), (bend, self.high, -1))

    def steepest(self) -> float:
        """Return the spend of the largest derivative, which an S-shaped response has only one of; ternary search."""
        width = self.high - self.low
        x = np.unique(np.concatenate((np.linspace(0, 1, 65), np.geomspace(1e-6, 1, 65)))) * width + self.low
        k = int(np.argmax(self.function(x)[1]))
        a, b = x[max(k - 1, 0)], x[min(k + 1, len(x) - 1)]
        for _ in range(80):
            p, q = a + (b - a) / 3, b - (b - a) / 3
            dp, dq = self.function(np.array([p, q]))[1]
            a, b = (p, b) if dp < dq else (a, q)
        return float((a + b) / 2)

    def at(self, spend: ArrayLike) -> Floats:
        """Return the KPI at spends."""
        return np.asarray(self.function(np.asarray(spend, float))[0], float)

    def slope(self, spend: float) -> float:
        """Return the derivative at a spend; where it is infinite, that of a spend a little larger."""
        if self.upright(spend):
            spend += 1e-9 * (self.high - self.low)
        return float(np.asarray(self.function(np.array([spend]))[1])[0])

    def upright(self, spend: float) -> bool:
        """Return whether the derivative at a spend is infinite."""
        return not np.isfinite(self.function(np.array([spend]))[1]).all()

    def piece(self, at: float) -> tuple[float, float]:
        """Return the stretch that a spend lies on (the later one at a bend)."""
        found = [(a, b) for a, b, _ in self.stretches if a <= at <= b]
        return found[-1] if found else (self.low, self.high)

    def outside(self, sign: int, knots: Floats) -> tuple[Floats, Floats]:
        """Return corners (x, y) of a function never below (`sign` +1) or never above (-1) the response.

        `knots` [n]: rising spends, the first and last are the range. Tangents at the knots where that is the outer side,
        chords between them where it is not; equal to the response at every bend.
        """
        found = [self.outside_of(a, b, curved * sign, sign, knots) for a, b, curved in self.stretches]
        parts = [p for p in found if len(p[0])]
        if not parts:
            return knots[:1], self.at(knots[:1])
        x, y = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        keep = np.append(np.diff(x) > 0, True)
        return x[keep], y[keep]

    def outside_of(self, a: float, b: float, curved: int, sign: int, knots: Floats) -> tuple[Floats, Floats]:
        """Return the outer corners of one stretch."""
        a, b = max(a, knots[0]), min(b, knots[-1])
        if b <= a:
            return np.empty(0), np.empty(0)
        p = np.concatenate(([a], knots[(knots > a) & (knots < b)], [b]))
        y, d = (np.asarray(v, float) for v in self.function(p))
        if curved > 0:
            return p, y
        good = np.isfinite(d)
        return kinks(p[good], y[good] * sign, d[good] * sign, a, b, sign)

    def inside(self, sign: int, at: float, knots: Floats) -> tuple[Floats, Floats]:
        """Return corners of a function never above (`sign` +1) or never below (-1) the response on one stretch.

        `knots` lie on the stretch of `at`. Chords where the response is concave (for +1), else the tangent at `at`: the
        minorant of a minorise-maximise step (Hunter and Lange 2004, Am. Stat. 58, 30-37).
        """
        curved = next((c for a, b, c in reversed(self.stretches) if a <= at <= b), -1) * sign
        if curved < 0:
            return knots, self.at(knots)
        if self.upright(at):
            at += 1e-9 * (self.high - self.low)
        y, d = (float(np.asarray(v)[0]) for v in self.function(np.array([at])))
        ends = knots[[0, -1]] if knots[-1] > knots[0] else knots[:1]
        return ends, y + d * (ends - at)


Response = Points | Smooth


def kinks(p: Floats, y: Floats, d: Floats, a: float, b: float, sign: int) -> tuple[Floats, Floats]:
    """Return the corners of the least of the tangents at `p` (values `y`, slopes `d`, falling) over [a, b]."""
    fall = d[:-1] - d[1:]
    use = fall > 1e-12 * (np.abs(d[:-1]) + np.abs(d[1:]))
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = (y[1:] - y[:-1] + d[:-1] * p[:-1] - d[1:] * p[1:]) / fall
    cross = np.clip(np.where(use, cross, p[1:]), p[:-1], p[1:])
    height = np.maximum(y[:-1] + d[:-1] * (cross - p[:-1]), y[1:] + d[1:] * (cross - p[1:]))
    x = np.concatenate(([a], cross, [b]))
    top = np.concatenate(([y[0] + d[0] * (a - p[0])], height, [y[-1] + d[-1] * (b - p[-1])]))
    keep = np.append(np.diff(x) > 0, True)
    return x[keep], sign * top[keep]


def hill(top: float, half: float, power: float, low: float, high: float) -> Smooth:
    """Return `top x^power / (half^power + x^power)`: S-shaped for a power over 1, concave up to it.

    >>> float(hill(100.0, half=50.0, power=2.0, low=0.0, high=500.0).at(50.0))
    50.0
    """
    if not (half > 0 and power > 0):
        raise ValueError(f"`half > 0` and `power > 0` must hold, but got (half={half!r}, power={power!r})")

    def function(x: Floats) -> tuple[Floats, Floats]:
        with np.errstate(divide="ignore"):
            r = (x / half) ** power
            steep = power / half * (x / half) ** (power - 1)
        return top * r / (1 + r), top * steep / (1 + r) ** 2

    bend = half * ((power - 1) / (power + 1)) ** (1 / power) if power > 1 else None
    return Smooth(function, low, high, "concave" if power <= 1 else "s", bend)


def hull(x: Floats, y: Floats) -> Floats:
    """Return the least concave function above the corners, at the same spends (monotone chain; Andrew 1979)."""
    kept: list[int] = []
    for k in range(len(x)):
        while len(kept) > 1:
            i, j = kept[-2], kept[-1]
            if (y[j] - y[i]) * (x[k] - x[j]) > (y[k] - y[j]) * (x[j] - x[i]):
                break
            kept.pop()
        kept.append(k)
    return np.asarray(np.interp(x, x[kept], y[kept]))
