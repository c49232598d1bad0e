"""Sensitivity of outputs to parameters: the indices of each method, from the results of a design's samples.

Everything here sees numbers only: results of the simulator and of plain functions take the same way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from experiments.design import GRID, SEED, Design
from experiments.summary import interval
from experiments.variance import noise

Array = NDArray[np.float64]
Model = Callable[[Array], Array]
"""Results of samples, [samples, seeds, outputs], of their values, [samples, parameters]."""
Line = tuple[str, str, float, float, float]
"""Path of the parameter, index, value, low and high end of its 95 % interval."""
COLUMNS = ("output", "parameter", "method", "index", "value", "ci_low", "ci_high")
"""Columns of the indices; `output` is the place of the output."""
RESAMPLES = 500
_RIDGE = 1e-9
"""Added to correlations of ranks, so that one rank may be all that another depends on."""
_Z = float(ndtri(0.975))


@dataclass(frozen=True, eq=False)
class Findings:
    """What the results of a design say."""

    design: Design
    results: Array
    """[1 + samples, seeds, outputs]; row 0 is the plan itself."""
    indices: pd.DataFrame
    """Columns `COLUMNS`."""
    noise: pd.DataFrame
    """Columns of `experiments.variance.noise`."""


def explore(design: Design, model: Model) -> Findings:
    """Return what a model's results at a design's samples say."""
    results = model(design.values)
    return Findings(design, results, indices(design, results), noise(design, results))


def indices(design: Design, results: Array) -> pd.DataFrame:
    """Return the indices of every output and parameter, with the columns `COLUMNS`.

    `results` [1 + samples, seeds, outputs]. oat: `oat`; morris: `morris`; sobol: `sobol`; lhs: `prcc`. An output that
    could not be measured in every run has no indices (NaN), those of oat apart.
    """
    how = {"oat": oat, "morris": morris, "sobol": sobol, "lhs": prcc}[design.method]
    lines = []
    for output in range(results.shape[2]):
        y = results[:, :, output]
        lines += [(output, path, design.method, *rest) for path, *rest in how(design, y)]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def oat(design: Design, y: Array) -> Iterator[Line]:
    """Yield `low` and `high`: the change of the output against the plan at either end of each parameter's range.

    `y` [1 + samples, seeds]. Differences are paired by seed; the interval is Student's t over seeds.
    """
    for j, parameter in enumerate(design.parameters):
        for name, end in (("low", parameter.low), ("high", parameter.high)):
            wanted = design.values[0].copy()
            wanted[j] = end
            row = int(np.flatnonzero((design.values == wanted).all(axis=1))[0])
            change = y[row] - y[0]
            yield parameter.path, name, *interval(change[np.isfinite(change)].tolist())


def morris(design: Design, y: Array) -> Iterator[Line]:
    """Yield `mu_star`, `mu` and `sigma` of the elementary effects of means over seeds, and `mu_star_luck`.

    `y` [1 + samples, seeds]. An effect is that of the whole range on the output, in its unit. `mu_star` and its
    interval are SALib's (Campolongo et al., 2007); the interval of `mu` is Student's t over trajectories. `mu_star_luck`
    is the `mu_star` that the seeds would give to a parameter without effect: the mean of sqrt(2 / pi) times each
    effect's standard error over seeds.
    """
    from SALib.analyze import morris as salib

    y = y[1:]
    if not np.isfinite(y).all():
        yield from _unknown(design, "mu_star", "mu", "sigma", "mu_star_luck")
        return
    means = y.mean(axis=1)
    found = salib.analyze(design.problem, design.places, means, num_resamples=RESAMPLES, num_levels=GRID, seed=SEED)
    effects = _elementary(design, y)
    for j, parameter in enumerate(design.parameters):
        star, half = float(found["mu_star"][j]), float(found["mu_star_conf"][j])
        yield parameter.path, "mu_star", star, max(star - half, 0.0), star + half
        yield parameter.path, "mu", *interval(effects[j].mean(axis=1).tolist())
        yield parameter.path, "sigma", float(found["sigma"][j]), np.nan, np.nan
        if y.shape[1] > 1:
            error = effects[j].std(axis=1, ddof=1) / np.sqrt(y.shape[1])
            yield parameter.path, "mu_star_luck", float(np.sqrt(2 / np.pi) * error.mean()), np.nan, np.nan


def _elementary(design: Design, y: Array) -> Array:
    """Return the elementary effects of each parameter, trajectory and seed, [parameters, trajectories, seeds]."""
    count = len(design.parameters)
    steps = np.diff(design.places.reshape(-1, count + 1, count), axis=1)
    which, size = np.abs(steps).argmax(axis=2), steps.sum(axis=2)
    effects = np.diff(y.reshape(len(steps), count + 1, -1), axis=1) / size[:, :, None]
    return np.array([effects[which == j] for j in range(count)])


def sobol(design: Design, y: Array) -> Iterator[Line]:
    """Yield `S1` and `ST` of means over seeds, and with several seeds `S1_corrected` and `ST_corrected`.

    `y` [1 + samples, seeds]. First and total order with the estimators and the normal bootstrap intervals of SALib:
    Saltelli et al. (2010), table 2, (b) and (f). Noise that seeds leave in the means lowers `S1` and moves `ST`; see
    `_corrected`. They are NaN where no parameter moves the output, the corrected ones also where luck alone would.
    """
    from SALib.analyze import sobol as salib

    y = y[1:]
    means = y.mean(axis=1)
    several = y.shape[1] > 1
    if not np.isfinite(y).all() or np.ptp(means) <= 1e-12 * np.abs(means).max():
        yield from _unknown(design, "S1", "ST", *(("S1_corrected", "ST_corrected") if several else ()))
        return
    found = salib.analyze(design.problem, means, calc_second_order=False, num_resamples=RESAMPLES, seed=SEED)
    right = _corrected(y.reshape(-1, design.block, y.shape[1])) if several else None
    for j, parameter in enumerate(design.parameters):
        for name in ("S1", "ST"):
            value, half = float(found[name][j]), float(found[f"{name}_conf"][j])
            yield parameter.path, name, value, value - half, value + half
        if right is not None:
            for name, (values, halves) in zip(("S1_corrected", "ST_corrected"), right, strict=True):
                value, half = float(values[j]), float(halves[j])
                yield parameter.path, name, value, value - half, value + half


def _corrected(y: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return first and total order without the noise of seeds, each with the half-width of its interval [parameters].

    `y` [base samples, A and each AB and B, seeds]. The estimators of Saltelli et al. (2010) with each product of two
    outputs taken between different seeds, whose noise is independent, instead of within means: so no square of noise
    enters numerator or denominator, whatever part of it the common seeds share between samples. NaN when the 95 %
    interval of the variance that parameters make holds 0.
    """
    y = y - y.mean(axis=(0, 1))
    a, b, changed = y[:, 0], y[:, -1], y[:, 1:-1]
    step = changed - a[:, None]
    first, total = _cross(b[:, None], step), 0.5 * _cross(step, step)
    square, middle = 0.5 * (_cross(a, a) + _cross(b, b)), 0.5 * (a + b)
    draws = np.random.default_rng(SEED).integers(len(y), size=(RESAMPLES, len(y)))
    drawn_middle = middle[draws].mean(axis=1)
    variance = square.mean() - _cross(middle.mean(axis=0), middle.mean(axis=0))
    variances = square[draws].mean(axis=1) - _cross(drawn_middle, drawn_middle)
    if not np.percentile(variances, 2.5) > 0:
        unknown = np.full(changed.shape[1], np.nan)
        return (unknown, unknown), (unknown, unknown)
    spreads = [(part[draws].mean(axis=1) / variances[:, None]).std(axis=0, ddof=1) for part in (first, total)]
    return (first.mean(axis=0) / variance, _Z * spreads[0]), (total.mean(axis=0) / variance, _Z * spreads[1])


def _cross(one: Array, other: Array) -> Array:
    """Return the mean product of two outputs over all pairs of different seeds, which are on the last axis."""
    seeds = one.shape[-1]
    both = one.sum(axis=-1) * other.sum(axis=-1) - (one * other).sum(axis=-1)
    return np.asarray(both / (seeds * (seeds - 1)), np.float64)


def prcc(design: Design, y: Array) -> Iterator[Line]:
    """Yield `prcc`, the partial rank correlation of each parameter with the means over seeds, and `r2`.

    `y` [1 + samples, seeds]. Marino et al. (2008); intervals are percentiles of a bootstrap over samples. `r2`, whose
    parameter is empty, is the share of the variance of ranks that all parameters explain together in a linear
    regression: a low one says that the effects are not monotone, or interact, or drown in noise.
    """
    means = y[1:].mean(axis=1)
    pairs = np.column_stack([design.values[1:], means])
    found = _partial(pairs)
    names = [(p.path, "prcc") for p in design.parameters] + [("", "r2")]
    ends = np.full((2, len(names)), np.nan)
    if np.isfinite(found).all():
        draws = np.random.default_rng(SEED).integers(len(pairs), size=(RESAMPLES, len(pairs)))
        drawn = np.concatenate([_partial(pairs[some]) for some in np.array_split(draws, RESAMPLES // 50)])
        ends = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    for (path, name), value, low, high in zip(names, found, *ends, strict=True):
        yield path, name, float(value), float(low), float(high)


def _partial(pairs: Array) -> Array:
    """Return the partial rank correlation of each column with the last one, and in its place R squared.

    `pairs` [..., samples, columns], result [..., columns]; NaN when a column does not vary or is not known.
    """
    ranks = rankdata(pairs, axis=-2)
    ranks -= ranks.mean(axis=-2, keepdims=True)
    size = np.sqrt((ranks**2).sum(axis=-2))
    unfit = (size == 0).any(axis=-1) | ~np.isfinite(pairs).all(axis=(-2, -1))
    ranks /= np.where(unfit[..., None], 1.0, size)[..., None, :]
    inverse = np.linalg.inv(np.swapaxes(ranks, -1, -2) @ ranks + _RIDGE * np.eye(pairs.shape[-1]))
    scale = np.sqrt(np.diagonal(inverse, axis1=-2, axis2=-1))
    found = -inverse[..., -1] / (scale * scale[..., -1:])
    found[..., -1] = 1 - 1 / inverse[..., -1, -1]
    return np.where(unfit[..., None], np.nan, found)


def _unknown(design: Design, *names: str) -> Iterator[Line]:
    for parameter in design.parameters:
        for name in names:
            yield parameter.path, name, np.nan, np.nan, np.nan
