"""Sensitivity: functions whose indices are known, and noise of known variance, through the code that sweeps take."""

import numpy as np
import pytest

from experiments.design import Parameter, designed
from experiments.sensitivity import Findings, Model, explore
from experiments.variance import noise


def cube(count: int, low: float = 0.0, high: float = 1.0) -> list[Parameter]:
    return [Parameter(f"x{j}", low, high, own=(low + high) / 2) for j in range(count)]


def plain(function) -> Model:
    """Return a model of one seed and one output."""
    return lambda x: function(x)[:, None, None]


def value(found: Findings, index: str, parameter: str = "") -> np.ndarray:
    table = found.indices
    wanted = (table["index"] == index) & ((table["parameter"] == parameter) | (parameter == ""))
    return table.loc[wanted, "value"].to_numpy()


def ends(found: Findings, index: str) -> np.ndarray:
    return found.indices.loc[found.indices["index"] == index, ["ci_low", "ci_high"]].to_numpy()


def ishigami(x):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


G_A = np.array([0.0, 1.0, 4.5, 9.0])


def sobol_g(x):
    return np.prod((np.abs(4 * x - 2) + G_A) / (1 + G_A), axis=1)


def sobol_g_indices():
    """Saltelli et al. (2010), eq. 33 to 36: V_i = 1 / (3 (1 + a_i)^2), V = prod(1 + V_i) - 1."""
    part = 1 / (3 * (1 + G_A) ** 2)
    whole = np.prod(1 + part) - 1
    return part / whole, part * np.prod(1 + part) / (1 + part) / whole


def noisy(function, seeds: int, main: float, own: float, rng: np.random.Generator) -> Model:
    """Return a model with a seed's effect on all samples, and one of its own on each, of these standard deviations."""

    def model(x):
        y = function(x)[:, None] + main * rng.normal(size=seeds) + own * rng.normal(size=(len(x), seeds))
        return y[:, :, None]

    return model


def test_sobol_knows_ishigami():
    """2,048 base samples: the error of the estimates is below 0.02 (three bootstrap standard errors)."""
    found = explore(designed(cube(3, -np.pi, np.pi), "sobol", 2048), plain(ishigami))
    assert value(found, "S1") == pytest.approx([0.3139, 0.4424, 0.0], abs=0.02)
    assert value(found, "ST") == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.02)
    for index, truth in (("S1", [0.3139, 0.4424, 0.0]), ("ST", [0.5576, 0.4424, 0.2437])):
        low, high = ends(found, index).T
        assert ((low < truth) & (truth < high)).all()
        assert (high - low < 0.2).all()


def test_sobol_knows_the_g_function():
    found = explore(designed(cube(4), "sobol", 2048), plain(sobol_g))
    first, total = sobol_g_indices()
    assert value(found, "S1") == pytest.approx(first, abs=0.02)
    assert value(found, "ST") == pytest.approx(total, abs=0.02)


def test_the_corrected_indices_are_salibs_when_seeds_agree():
    design = designed(cube(4), "sobol", 64)
    found = explore(design, lambda x: np.repeat(sobol_g(x)[:, None, None], 3, axis=1))
    for index in ("S1", "ST"):
        assert value(found, f"{index}_corrected") == pytest.approx(value(found, index), rel=1e-9)


def test_the_correction_takes_the_noise_of_seeds_out_of_sobol():
    """With half of the variance of the means noise, S1 halves and ST lies half-way to 1; corrected, both are free of it.

    Over 40 trials the mean of the corrected ones is within four standard errors of what the design gives without noise,
    that of the others within 0.06 of theory, and intervals cover the truth in nine of ten or more.
    """
    design = designed(cube(4), "sobol", 128)
    first, total = sobol_g_indices()
    deviation, rng = float(np.sqrt(3 * (np.prod(1 + 1 / (3 * (1 + G_A) ** 2)) - 1))), np.random.default_rng(5)
    free = explore(design, plain(sobol_g))
    trials = [explore(design, noisy(sobol_g, 3, main=2.0, own=deviation, rng=rng)) for _ in range(40)]
    for index, truth, noise_in in (("S1", first, first / 2), ("ST", total, (total + 1) / 2)):
        values = np.array([value(found, f"{index}_corrected") for found in trials])
        assert (np.abs(values.mean(axis=0) - value(free, index)) < 4 * values.std(axis=0) / 40**0.5).all()
        low, high = np.array([ends(found, f"{index}_corrected") for found in trials]).transpose(2, 0, 1)
        assert ((low <= truth) & (truth <= high)).mean() >= 0.9
        assert np.mean([value(found, index) for found in trials], axis=0) == pytest.approx(noise_in, abs=0.06)
    shares = [found.noise.set_index("source").loc["means", "share"] for found in trials]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_an_idle_parameter_has_no_total_order_under_common_seeds():
    """Seeds whose noise hangs on x0 alone: x1 changes nothing in any run, so its indices are exactly zero."""
    rng = np.random.default_rng(1)
    phases = rng.uniform(0, 6, 4)
    found = explore(
        designed(cube(2), "sobol", 64), lambda x: (x[:, :1] + 0.3 * np.sin(40 * x[:, :1] + phases))[:, :, None]
    )
    assert value(found, "ST_corrected", "x1") == pytest.approx([0.0], abs=1e-12)
    assert value(found, "ST_corrected", "x0") == pytest.approx([1.0], abs=0.1)


def test_luck_alone_has_no_indices():
    model = noisy(lambda x: 0 * x[:, 0], 3, main=1.0, own=1.0, rng=np.random.default_rng(3))
    found = explore(designed(cube(2), "sobol", 64), model)
    assert np.isnan(value(found, "ST_corrected")).all()
    assert np.isfinite(value(found, "ST")).all()
    assert found.noise.set_index("source").loc["means", "share"] > 0.7


@pytest.mark.parametrize("method", ["oat", "morris", "sobol", "lhs"])
def test_a_constant_output_and_one_that_is_missing_do_no_harm(method):
    def model(x):
        y = np.ones((len(x), 2, 2))
        y[1, 1, 1] = np.nan
        return y

    found = explore(designed(cube(2), method), model)
    table = found.indices[found.indices["output"] == 0]
    assert not (table["value"].fillna(0) != 0).any()
    assert found.noise["share"].isna().all()
    gone = found.indices[found.indices["output"] == 1]
    assert gone["value"].isna().all() or method == "oat"


def test_morris_of_a_linear_function_is_its_coefficients():
    weights = np.array([1.0, -20.0, 5.0, 0.0])
    found = explore(designed(cube(4, 0.0, 2.0), "morris", 10), plain(lambda x: x @ weights))
    assert value(found, "mu") == pytest.approx(2 * weights)
    assert value(found, "mu_star") == pytest.approx(2 * np.abs(weights))
    assert value(found, "sigma") == pytest.approx(0, abs=1e-9)


def test_morris_ranks_the_g_function_and_tells_interactions():
    found = explore(designed(cube(4), "morris", 50), plain(sobol_g))
    stars = value(found, "mu_star")
    assert list(np.argsort(-stars)) == [0, 1, 2, 3]
    assert (value(found, "sigma")[:2] > 0.5).all()


def test_morris_says_what_luck_would_give():
    """An idle parameter's mu_star is what its luck predicts, within the spread of 400 trajectories."""
    model = noisy(lambda x: 3 * x[:, 0], 4, main=5.0, own=0.5, rng=np.random.default_rng(2))
    found = explore(designed(cube(2), "morris", 400), model)
    assert value(found, "mu_star_luck", "x1") == pytest.approx(value(found, "mu_star", "x1"), rel=0.15)
    assert value(found, "mu_star", "x0") == pytest.approx([3.0], rel=0.05)


def test_one_at_a_time_is_exact():
    parameters = [Parameter("a", 0.0, 4.0, own=1.0, levels=5), Parameter("b", 10.0, 1000.0, own=50.0, log=True)]
    design = designed(parameters)
    assert design.values.tolist() == [[1, 50], [0, 50], [2, 50], [3, 50], [4, 50], [1, 10], [1, 1000]]
    found = explore(design, plain(lambda x: x[:, 0] ** 2 * x[:, 1]))
    assert value(found, "low") == pytest.approx([-50, -40])
    assert value(found, "high") == pytest.approx([15 * 50, 950])


def test_one_at_a_time_is_paired_by_seed():
    """Luck that all samples share leaves no trace in a difference; luck of their own gives Student's t over seeds."""
    rng = np.random.default_rng(4)
    shared = 100 * rng.normal(size=5)
    design = designed([Parameter("a", 0.0, 2.0, own=1.0)])
    found = explore(design, lambda x: (x[:, :1] + shared)[:, :, None])
    assert ends(found, "high")[0] == pytest.approx([1, 1])
    found = explore(design, lambda x: (x[:, :1] * (1 + shared))[:, :, None])
    half = 2.7764451 * shared.std(ddof=1) / np.sqrt(5)
    middle = 1 + shared.mean()
    assert ends(found, "high")[0] == pytest.approx([middle - half, middle + half])


def test_partial_rank_correlation_follows_monotone_effects():
    """exp and 1/x are as good as lines to ranks; a parabola and an idle parameter have none."""
    found = explore(
        designed(cube(4, 0.1, 2.1), "lhs", 200),
        plain(lambda x: np.exp(2 * x[:, 0]) - 20 * np.log(x[:, 1]) + 3 * (x[:, 2] - 1.1) ** 2),
    )
    up, down, parabola, idle, r2 = found.indices["value"]
    assert up > 0.85
    assert down < -0.85
    assert abs(parabola) < 0.2
    assert abs(idle) < 0.2
    assert 0.8 < r2 < 1


def test_partial_rank_correlation_agrees_with_residuals():
    """The correlation of what is left of ranks after a regression on the other parameters: Marino et al., eq. 2."""
    from scipy.stats import rankdata

    design = designed(cube(3), "lhs", 60)
    found = explore(design, plain(lambda x: x[:, 0] + 0.5 * x[:, 1] * x[:, 2]))
    ranks = rankdata(np.column_stack([design.values[1:], found.results[1:, 0, 0]]), axis=0)
    ranks -= ranks.mean(axis=0)
    for j in range(3):
        others = np.delete(ranks[:, :3], j, axis=1)
        left = ranks[:, [j, 3]] - others @ np.linalg.lstsq(others, ranks[:, [j, 3]], rcond=None)[0]
        assert value(found, "prcc")[j] == pytest.approx(np.corrcoef(left.T)[0, 1], abs=1e-6)


def test_the_interval_of_an_idle_parameter_holds_zero():
    """In nine of ten of 60 trials or more, of a design of 60 samples whose noise is as large as the effect."""
    design, rng = designed(cube(2), "lhs", 60), np.random.default_rng(8)
    found = [explore(design, noisy(lambda x: x[:, 0], 1, main=0.0, own=0.3, rng=rng)) for _ in range(60)]
    low, high = np.array([ends(f, "prcc")[1] for f in found]).T
    assert ((low <= 0) & (high >= 0)).mean() >= 0.9
    assert all(ends(f, "prcc")[0][0] > 0 for f in found)


def test_one_monotone_parameter_is_perfectly_correlated():
    found = explore(designed(cube(1), "lhs", 20), plain(lambda x: -np.sqrt(x[:, 0])))
    assert value(found, "prcc") == pytest.approx([-1.0], abs=1e-6)
    assert value(found, "r2") == pytest.approx([1.0], abs=1e-6)


@pytest.mark.parametrize("seeds", [2, 3, 10])
@pytest.mark.parametrize("method", ["lhs", "sobol"])
def test_noise_is_told_from_effects(seeds, method):
    """Effects of variance 4/3, seeds 1 for all samples and 2 of their own: over 120 trials the mean estimate is within
    four standard errors (and 0.05 for designs that are more even than chance), and the 95 % interval covers in nine of
    ten or more.
    """
    size = {"lhs": 60, "sobol": 16}[method]
    design = designed(cube(2, 0.0, 4.0), method, size)
    effect, trials = 4 / 3, 120
    truth = {"parameters": effect / (effect + 3), "seeds": 1 / (effect + 3), "interaction": 2 / (effect + 3)}
    rng = np.random.default_rng(seeds)
    shares, variances, covered = [], [], []
    for _ in range(trials):
        results = noisy(lambda x: x[:, 0], seeds, main=1.0, own=2**0.5, rng=rng)(design.values)
        table = noise(design, results).set_index("source")
        variances.append(table["variance"].to_numpy()[:3])
        shares.append(table["share"].to_numpy())
        covered.append([table.loc[s, "ci_low"] <= truth[s] <= table.loc[s, "ci_high"] for s in truth])
    estimates = np.array(variances)
    error = estimates.std(axis=0) / trials**0.5
    assert (np.abs(estimates.mean(axis=0) - [effect, 1, 2]) < 4 * error + [0.05, 0, 0]).all()
    assert (np.mean(covered, axis=0) >= 0.9).all(), np.mean(covered, axis=0)
    assert np.median(np.array(shares)[:, 3]) == pytest.approx((2 / seeds) / (2 / seeds + effect), rel=0.1)


def test_noise_of_one_seed_cannot_be_told():
    found = explore(designed(cube(2), "lhs", 20), plain(lambda x: x[:, 0]))
    assert found.noise["share"].isna().all()


def test_a_parameter_takes_the_values_it_may():
    whole = Parameter("n", 2, 4, own=3, kind="whole")
    places = designed([whole], "lhs", 300)
    counts = np.unique(places.values[1:, 0], return_counts=True)
    assert counts[0].tolist() == [2, 3, 4]
    assert counts[1].tolist() == pytest.approx([100] * 3, abs=1)
    switch = Parameter("on", 0, 1, own=1, kind="switch")
    assert switch.at(np.array([0.0, 0.49, 0.51, 1.0])).tolist() == [0, 0, 1, 1]
    assert switch.grid == [0, 1]
    assert [switch.written(v) for v in switch.grid] == [False, True]
    wide = Parameter("w", 0.01, 100, own=1, log=True)
    assert wide.at(np.array([0.0, 0.5, 1.0])).tolist() == [0.01, 1, 100]
    assert Parameter("n", 1, 100, own=3, kind="whole", log=True).at(np.array([0.0, 1.0])).tolist() == [1, 100]
    assert Parameter("n", 1, 4, own=3, kind="whole", levels=9).grid == [1, 2, 3, 4]


def test_designs_grow_and_repeat():
    small, large = (designed(cube(3), "sobol", n) for n in (8, 16))
    assert large.values[: len(small.values)] == pytest.approx(small.values, abs=0)
    for method in ("morris", "lhs"):
        assert designed(cube(3), method, 12).values == pytest.approx(designed(cube(3), method, 12).values, abs=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: designed([]), "at least one parameter"),
        (lambda: designed(cube(1), "fast"), "unknown method 'fast'; known are oat, morris, sobol, lhs"),
        (lambda: designed(cube(1), "sobol", 100), "power of 2, but got 100; did you mean 128"),
        (lambda: designed(cube(4), "lhs", 5), "samples >= 7"),
        (lambda: designed(cube(4), "morris", 1), "samples >= 2"),
        (lambda: designed(cube(1), "oat", 7), "PATH=LO:HI:7"),
        (lambda: Parameter("a", 3, 1, own=2), r"`low < high` must hold, but got \(low=3, high=1\)"),
        (lambda: Parameter("a", 0, 1, own=1, log=True), "low > 0"),
        (lambda: Parameter("a", 0, 1, own=1, levels=1), "levels >= 2"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
