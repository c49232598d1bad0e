"""Where the variance of single runs comes from: parameters, seeds, or both together."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.design import SEED, Design

Array = NDArray[np.float64]
SOURCES = ("parameters", "seeds", "interaction", "means")
"""Sources of variance; `means` is the noise that is left in means over seeds."""
COLUMNS = ("output", "source", "variance", "share", "ci_low", "ci_high")
"""Columns of `noise`; `output` is the place of the output."""
RESAMPLES = 1000
TOLERATED = 0.1
"""Share of seed noise in the variance of the means from which indices are not to be taken at face value."""


def noise(design: Design, results: Array) -> pd.DataFrame:
    """Return the variance of each output by source, with the columns `COLUMNS`.

    `results` [1 + samples, seeds, outputs], the same seeds for all samples. A run is the sum of a mean, an effect of the
    sample (`parameters`), one of the seed that all samples share (`seeds`), and what a seed does to one sample alone
    (`interaction`): the two-way crossed random-effects model without replication. Estimates equate mean squares with
    their expectations, and negative ones are taken as 0: Searle, Casella & McCulloch (1992), ch. 4. `share` is that of
    the sum of all three. For `means`, `variance` is that of the interaction in a mean over seeds, and `share` its part
    of the variance of these means over samples; the effect that all samples share does not touch their differences.

    95 % intervals by a bootstrap: samples are drawn again, in the blocks that the design made together; the mean
    square of the few seeds is drawn from its pivotal chi-squared distribution. They are NaN when only one seed or
    sample is there, or an output could not be measured in every run.
    """
    rows = results if design.method == "oat" else results[1:]
    block = 1 if design.method == "oat" else design.block
    lines = []
    for output in range(results.shape[2]):
        found = _components(rows[:, :, output], block)
        lines += [(output, source, *found[source]) for source in SOURCES]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _components(y: Array, block: int) -> dict[str, tuple[float, float, float, float]]:
    """Return variance, share and the share's interval by source, of one output [samples, seeds]."""
    n, seeds = y.shape
    if seeds < 2 or n // block < 2 or not np.isfinite(y).all():
        return dict.fromkeys(SOURCES, (np.nan,) * 4)
    squares = _Squares(y, block)
    variance, share = _estimates(*squares.mean_squares(np.ones((1, squares.blocks))), n, seeds)
    rng = np.random.default_rng(SEED)
    draws = rng.multinomial(squares.blocks, np.full(squares.blocks, 1 / squares.blocks), RESAMPLES).astype(float)
    parameters, seed, rest = squares.mean_squares(draws)
    pivot = (seeds - 1) / rng.chisquare(seeds - 1, RESAMPLES)
    _, shares = _estimates(parameters, seed * pivot, rest, n, seeds)
    low, high = np.nanpercentile(shares, [2.5, 97.5], axis=1) if np.isfinite(share).all() else np.full((2, 4), np.nan)
    return {s: (*map(float, (variance[k, 0], share[k, 0], low[k], high[k])),) for k, s in enumerate(SOURCES)}  # type: ignore[misc]


class _Squares:
    """Sums over blocks of samples, from which the mean squares of any mixture of blocks follow."""

    def __init__(self, y: Array, block: int) -> None:
        self.blocks, (self.n, self.seeds) = len(y) // block, y.shape
        y = (y - y.mean()).reshape(self.blocks, block, self.seeds)
        self.all = (y**2).sum(axis=(1, 2))
        self.rows = (y.mean(axis=2) ** 2).sum(axis=1)
        self.columns = y.sum(axis=1)

    def mean_squares(self, times: Array) -> tuple[Array, Array, Array]:
        """Return the mean squares of samples, seeds and the rest, [draws] each; `times` [draws, blocks]."""
        n, seeds = self.n, self.seeds
        columns = times @ self.columns / n
        middle = columns.mean(axis=1) ** 2
        among_rows = seeds * (times @ self.rows - n * middle)
        among_columns = n * ((columns**2).sum(axis=1) - seeds * middle)
        rest = times @ self.all - n * seeds * middle - among_rows - among_columns
        clean = np.maximum(rest, 0) * (rest > 1e-12 * (times @ self.all))
        return among_rows / (n - 1), among_columns / (seeds - 1), clean / ((n - 1) * (seeds - 1))


def _estimates(parameters: Array, seed: Array, rest: Array, n: int, seeds: int) -> tuple[Array, Array]:
    """Return variances and shares of the sources, [sources, draws], from the three mean squares."""
    effect, luck = np.maximum((parameters - rest) / seeds, 0), np.maximum((seed - rest) / n, 0)
    variances = np.array([effect, luck, rest, rest / seeds])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = variances / np.array([effect + luck + rest] * 3 + [parameters / seeds])
    return variances, np.minimum(shares, 1)
