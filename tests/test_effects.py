"""The regression of measures on money and settings: known weights, honest intervals, and nothing made of noise."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from optimize.basis import quadratic
from optimize.effects import COLUMNS, USUAL, Effects, fit_effects, ridge
from optimize.response import Hill
from optimize.runs import Runs

BENT = (Hill(7.0, 40.0, 1.0), Hill(7.0, 60.0, 2.0), Hill(7.0, 20.0, 1.0))
STRAIGHT = tuple(Hill(7.0, 1e4 * curve.half, 1.0) for curve in BENT)
"""Curves whose bend lies far beyond the money."""
NOTHING = np.empty(0)


def runs_of(seed: int, count: int = 80, settings: int = 2, block: int = 4) -> Runs:
    """Return runs as of a search: money divided at random, every second plan spends a part, blocks share their seed."""
    random = np.random.default_rng(seed)
    part = np.where(np.arange(count) % 2, random.uniform(0.4, 1.0, count), 1.0)
    spend = 100 * random.dirichlet(np.full(3, 0.8), count) * part[:, None]
    unit = random.random((count, settings))
    return Runs(spend, unit, np.arange(count) // block, np.zeros((count, 3)), np.zeros(count))


def measured(seed, runs, weights, slopes, *, shift=2.0, noise=1.0, curves=BENT):
    """Return a measure [runs] of the model with these weights [levers] and slopes [terms]."""
    random = np.random.default_rng([seed, 1])
    shares = np.column_stack([curve.at(runs.spend[:, k]) / curve.top for k, curve in enumerate(curves)])
    luck = shift * random.standard_normal(1000)[runs.seed] + noise * random.standard_normal(len(runs))
    return 50 + shares @ weights + quadratic(runs.unit)[:, : len(slopes)] @ slopes + luck


def fitted(seed, weights, slopes=(3.0, -2.0), *, curves=BENT, count=80, **how) -> Effects:
    runs = runs_of(seed, count)
    value = measured(seed, runs, np.array(weights), np.array(slopes), curves=curves, **how)
    return fit_effects(["m"], value[:, None], runs, curves)


def errors(effects: Effects) -> np.ndarray:
    """Return the standard deviations of the levers' weights."""
    return np.sqrt((effects.roots[0] ** 2).sum(1))[1:4]


def test_finds_known_weights():
    """Without noise, and a prior worth one coefficient against 80 runs: to a thousandth."""
    weights = [20.0, 5.0, -10.0]
    found = fitted(1, weights, shift=0.0, noise=1e-6)
    assert found.lever(0) == pytest.approx(weights, rel=1e-3)
    spend, unit = np.array([[30.0, 20.0, 10.0], [0.0, 0.0, 80.0]]), np.array([[0.2, 0.9], [0.5, 0.5]])
    shares = np.column_stack([curve.at(spend[:, k]) / 7.0 for k, curve in enumerate(BENT)])
    truth = 50 + shares @ weights + (2 * unit - 1) @ [3.0, -2.0]
    assert found.means(spend, unit)[:, 0] == pytest.approx(truth, rel=1e-3)
    assert found.base(unit[0])[0] == pytest.approx(50 + 3 * -0.6 - 2 * 0.8, rel=1e-3)


@pytest.mark.parametrize(
    ("weights", "how"),
    [
        ([20.0, 5.0, -10.0], {}),
        ([20.0, 5.0, -10.0], {"noise": 10.0}),
        ([20.0, 5.0, -10.0], {"count": 24}),
        ([0.0, 0.0, 0.0], {"noise": 10.0, "count": 24}),
        ([2e5, 5e4, -1e5], {"noise": 20.0, "curves": STRAIGHT}),
    ],
)
def test_intervals_cover_the_truth(weights, how):
    """95 % intervals of three weights over 100 data sets hold the truth in 89 % or more.

    Weights of one data set go together, so a share of 95 % has a standard error of up to 2.2 %; that the variances are
    taken as known costs some more with 24 runs. Weights of 0 are held more often, since the prior draws there.
    """
    found = [fitted(seed, weights, **how) for seed in range(100)]
    inside = [np.abs(each.lever(0) - weights) <= 1.96 * errors(each) for each in found]
    assert np.mean(inside) >= 0.89


def test_what_money_does_not_move_shrinks_to_nothing():
    """Over 30 data sets of noise, weights are less than seven tenths of what least squares makes of it, and 85 % of the
    intervals or more hold 0 (those of one data set go together, so 95 % has a standard error of up to 4 %).
    """
    runs = [runs_of(seed, 160) for seed in range(30)]
    size, inside = [], []
    for seed, each in enumerate(runs):
        value = measured(seed, each, np.zeros(3), np.zeros(2), shift=0.0, noise=5.0)
        found = fit_effects(["still"], value[:, None], each, BENT)
        table = found.table(np.array([30.0, 30.0, 30.0]), "abc")
        inside.append(((table["low"] < 0) & (table["high"] > 0)).mean())
        plain = np.linalg.lstsq(found.features(each.spend, each.unit), value, rcond=None)[0]
        size.append((np.abs(found.lever(0)).sum(), np.abs(plain[1:4]).sum()))
    shrunk, unshrunk = np.mean(size, axis=0)
    assert shrunk < 0.7 * unshrunk
    assert np.mean(inside) > 0.85


def test_ridge_is_the_posterior_at_its_variances():
    """The same by the covariance of the data: mean = V X' (X V X' + s I)^-1 y (Rasmussen & Williams 2006, eq. 2.12)."""
    x, y, groups = problem()
    mean, covariance, variances, noise = ridge(x, y, groups)
    prior = np.diag(variances[groups])
    whole = x @ prior @ x.T + noise * np.eye(len(y))
    pull = prior @ x.T @ np.linalg.inv(whole)
    assert mean == pytest.approx(pull @ y, abs=1e-9)
    assert covariance == pytest.approx(prior - pull @ x @ prior, abs=1e-9)


def test_ridge_finds_the_most_probable_variances():
    """No variance a tenth larger or smaller makes the data, with the prior of the variances, more probable."""
    x, y, groups = problem()
    _, _, found, noise = ridge(x, y, groups)

    def probability(variances, noise):
        spread = x @ np.diag(variances[groups]) @ x.T + noise * np.eye(len(y))
        prior = -0.5 * (np.log(variances[1:]) + np.array(USUAL) / variances[1:]).sum()
        return multivariate_normal(np.zeros(len(y)), spread).logpdf(y) + prior

    best = probability(found, noise)
    for factor in (0.9, 1.1):
        assert probability(found, noise * factor) < best
        for group in (1, 2, 3, 4):
            changed = found.copy()
            changed[group] *= factor
            assert probability(changed, noise) < best


def problem():
    random = np.random.default_rng(3)
    x = np.hstack([np.ones((60, 1)), random.standard_normal((60, 9)), np.repeat(np.eye(15), 4, axis=0)])
    groups = np.repeat([0, 1, 2, 3, 4], [1, 4, 1, 4, 15])
    y = x @ np.r_[0.1, random.standard_normal(4), np.zeros(5), 0.3 * random.standard_normal(15)]
    y += 0.5 * random.standard_normal(60)
    return x, (y - y.mean()) / y.std(), groups


def test_the_unit_of_money_and_of_the_measure_do_not_matter():
    runs = runs_of(4)
    value = measured(4, runs, np.array([20.0, 5.0, -10.0]), np.array([3.0, -2.0]))
    plain = fit_effects(["m"], value[:, None], runs, BENT)
    large = Runs(1e6 * runs.spend, runs.unit, runs.seed, runs.credit, runs.kpi)
    curves = [Hill(1.0, 1e6 * curve.half, curve.power) for curve in BENT]
    scaled = fit_effects(["m"], 1e-7 * value[:, None], large, curves)
    unit = np.r_[np.ones(4), 1e-6, np.ones(5)]
    assert scaled.weights[0] / unit == pytest.approx(1e-7 * plain.weights[0], rel=1e-6)
    assert errors(scaled) == pytest.approx(1e-7 * errors(plain), rel=1e-6)


def test_runs_that_did_not_measure_are_left_out():
    runs = runs_of(5, 60)
    value = measured(5, runs, np.array([20.0, 5.0, -10.0]), np.array([3.0, -2.0]))
    holes = value.copy()
    holes[::3] = np.nan
    rest = np.isfinite(holes)
    part = Runs(runs.spend[rest], runs.unit[rest], runs.seed[rest], runs.credit[rest], runs.kpi[rest])
    found = fit_effects(["whole", "holes"], np.column_stack([value, holes]), runs, BENT)
    alone = fit_effects(["holes"], value[rest, None], part, BENT)
    assert found.means(runs.spend, runs.unit)[:, 1] == pytest.approx(alone.means(runs.spend, runs.unit)[:, 0], rel=1e-3)
    holes[7:] = np.nan
    with pytest.raises(ValueError, match="'holes' needs 8 runs that measure it, but got 4"):
        fit_effects(["whole", "holes"], np.column_stack([value, holes]), runs, BENT)


def test_a_measure_that_never_changes_is_a_level():
    runs = runs_of(6)
    found = fit_effects(["short", "kept"], np.tile([-2.5, 1.5], (len(runs), 1)), runs, BENT)
    assert found.means(runs.spend, runs.unit) == pytest.approx(np.tile([-2.5, 1.5], (len(runs), 1)))
    assert found.shortfall(runs.spend, runs.unit)[0] == pytest.approx([2.5, 0.0])
    assert found.draw(np.random.default_rng(0)).weights == pytest.approx(found.weights)


def test_the_table_tells_the_slope_of_the_curve():
    """By central differences of the means, a thousandth of a yuan apart; levers without money too."""
    found = fitted(7, [20.0, 5.0, -10.0])
    spend, unit = np.array([30.0, 20.0, 10.0]), np.full((1, 2), 0.5)
    table = found.table(spend, ["a", "b", "c"]).set_index("lever")
    assert [*found.table(spend, "abc")] == list(COLUMNS)
    for k, lever in enumerate("abc"):
        step = np.zeros(3)
        step[k] = 1e-3
        change = found.means((spend + step)[None], unit) - found.means((spend - step)[None], unit)
        assert table.loc[lever, "per_yuan"] == pytest.approx(change[0, 0] / 2e-3, rel=1e-4)


def test_the_interval_of_a_slope_is_that_of_its_draws():
    """2,000 draws of the slope: the standard deviation to 7 %, four standard errors."""
    found = fitted(7, [20.0, 5.0, -10.0])
    spend, unit, random = np.array([30.0, 20.0, 10.0]), np.full((1, 2), 0.5), np.random.default_rng(0)
    table = found.table(spend, "abc")
    move = np.vstack([spend, spend + np.array([1e-3, 0, 0])])
    drawn = [np.ptp(found.draw(random).means(move, np.vstack([unit, unit]))) / 1e-3 for _ in range(2000)]
    assert (table["high"] - table["low"])[0] / 2 == pytest.approx(1.96 * np.std(drawn), rel=0.07)


def test_shortfall_is_what_normal_noise_misses():
    """Against 400,000 draws; tolerance four standard errors."""
    found = fitted(8, [20.0, 5.0, -10.0])
    spend, unit = np.array([[0.0, 0.0, 90.0]]), np.full((1, 2), 0.5)
    low = Effects(found.names, found.curves, found.centre, found.weights, found.roots, found.noise)
    low.weights[0, 0] -= found.means(spend, unit)[0, 0] + found.noise[0]
    mean, sd = float(low.means(spend, unit)[0, 0]), float(low.noise[0])
    assert mean == pytest.approx(-sd)
    drawn = np.maximum(-(mean + sd * np.random.default_rng(0).standard_normal(400_000)), 0)
    assert low.shortfall(spend, unit)[0, 0] == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 400_000**0.5)
    assert low.shortfall(spend, unit)[0, 0] == pytest.approx(sd * (norm.pdf(1) + norm.cdf(1)))


def test_draws_scatter_as_the_posterior():
    """1,000 draws: standard deviations to a tenth, four standard errors of each (1 / sqrt(2,000))."""
    found = fitted(9, [20.0, 5.0, -10.0])
    random = np.random.default_rng(0)
    drawn = np.array([found.draw(random).lever(0) for _ in range(1000)])
    assert drawn.std(0) == pytest.approx(errors(found), rel=0.1)
    assert np.abs(drawn.mean(0) - found.lever(0)).max() < 4 * errors(found).max() / 1000**0.5


def test_noise_counts_seeds():
    """The spread from run to run is that of seeds and runs together: sqrt(9 + 16) = 5, to a fifth with 40 seeds."""
    found = fitted(10, [20.0, 5.0, -10.0], shift=3.0, noise=4.0, count=160)
    assert found.noise[0] == pytest.approx(5.0, rel=0.2)


def test_without_settings_or_levers():
    runs = runs_of(11, settings=0)
    value = measured(11, runs, np.array([20.0, 5.0, -10.0]), NOTHING)
    only = fit_effects(["m"], value[:, None], runs, BENT)
    assert only.weights.shape == (1, 5)
    bare = Runs(np.empty((80, 0)), runs_of(11).unit, runs.seed, np.empty((80, 0)), np.zeros(80))
    found = fit_effects(["m"], (10 * bare.unit[:, :1] + 5), bare, [])
    assert found.base(np.array([0.5, 0.5]))[0] == pytest.approx(10, rel=0.01)
    assert found.means(np.empty((1, 0)), np.array([[1.0, 0.2]]))[0, 0] == pytest.approx(15, rel=0.01)


def test_a_lever_that_never_had_money_tells_nothing():
    """Its weight is what the prior says: nothing, give or take the usual."""
    runs = runs_of(12)
    runs.spend[:, 1] = 0.0
    value = measured(12, runs, np.array([20.0, 5.0, -10.0]), np.array([3.0, -2.0]))
    found = fit_effects(["m"], value[:, None], runs, BENT)
    assert found.lever(0)[1] == pytest.approx(0, abs=1e-9)
    assert 0.1 * value.std() < errors(found)[1] < 10 * value.std()
