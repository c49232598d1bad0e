"""The randomness: keyed draws that are uniform and unrelated, functions that agree with scipy, a regular contact graph.

Every bound is 4 standard errors of what the test counts; seeds are fixed.
"""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from sim.draws import (
    below,
    bits,
    exp,
    exponential,
    first_below,
    mean_count,
    pick,
    purpose,
    stream,
    unit,
)
from sim.graph import contacts
from sim.market import TABLE, quantiles
from sim.shop import binomial, with_odds
from sim.world import DAY, GATE, gate

N = 50_000
SEED = np.uint64(12345)


def units(key: np.uint64, first: int = 0, step: int = 1, n: int = N) -> np.ndarray:
    return np.array([unit(key, first + step * k) for k in range(n)])


def key(seed: int = 12345, day: int = 10, what: np.uint64 = DAY) -> np.uint64:
    return np.uint64(stream(np.uint64(seed), day, what))


def chi_square_in_standard_errors(values: np.ndarray, cells: int) -> float:
    """Return how many standard deviations chi-square of cell counts lies above its mean."""
    counts = np.bincount(values, minlength=cells)
    expected = len(values) / cells
    chi = ((counts - expected) ** 2 / expected).sum()
    return float((chi - (cells - 1)) / np.sqrt(2 * (cells - 1)))


def unrelated(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether a correlation is within 4 standard errors of zero, of the values and of their low bits."""
    low = [np.floor(x * 2**30) % 256 for x in (a, b)]
    return all(abs(np.corrcoef(x, y)[0, 1]) < 4 / np.sqrt(len(a)) for x, y in ((a, b), low))


@pytest.mark.parametrize("step", [1, 16, 64, 256])
def test_every_byte_of_a_stream_is_uniform(step: int) -> None:
    """Steps are those by which users' draws are numbered."""
    words = np.array([bits(key(), k * step) for k in range(N)], np.uint64)
    for byte in range(8):
        values = (words >> np.uint64(8 * byte)) & np.uint64(255)
        assert abs(chi_square_in_standard_errors(values.astype(int), 256)) < 4


def test_units_have_the_moments_and_distribution_of_a_uniform_number() -> None:
    u = units(key())
    assert abs(u.mean() - 1 / 2) < 4 * np.sqrt(1 / 12 / N)
    assert abs(u.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / N)
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    assert 0 <= u.min() < u.max() < 1


def test_draws_of_neighbouring_users_are_unrelated() -> None:
    u = units(key(), step=64, n=N + 64)
    for lag in (1, 2, 3, 7, 8, 16, 64):
        assert unrelated(u[:N], u[lag : N + lag])


def test_draws_of_neighbouring_days_are_unrelated() -> None:
    for lag, first in itertools.product((1, 2, 7, 30, 365), (-3, 0, 100)):
        assert unrelated(units(key(day=first), n=10_000), units(key(day=first + lag), n=10_000))


def test_draws_of_one_user_over_days_are_uniform_and_unrelated() -> None:
    for user in (0, 1, 12_345 * 64):
        u = np.array([unit(key(day=d), user) for d in range(20_000)])
        assert unrelated(u[:-1], u[1:])
        assert abs(chi_square_in_standard_errors((u * 256).astype(int), 256)) < 4


def test_draws_of_different_purposes_are_unrelated() -> None:
    names = ["gate", "user-day", "lever:a", "lever:b", "birth:rate", "birth:drop"]
    draws = [units(key(what=purpose(n)), n=10_000) for n in names]
    draws.append(units(key(what=purpose("lever:a") ^ np.uint64(1)), n=10_000))
    assert all(unrelated(a, b) for a, b in itertools.combinations(draws, 2))


def test_draws_of_different_seeds_are_unrelated() -> None:
    draws = [units(key(seed=s), n=10_000) for s in (0, 1, 2, 3, 12345, 12346, 2**31, 2**62, 2**63 - 1)]
    assert all(unrelated(a, b) for a, b in itertools.combinations(draws, 2))


def test_all_steps_of_a_users_day_are_unrelated() -> None:
    draws = [units(key(), first=s, step=64, n=4_000) for s in range(64)]
    correlations = np.corrcoef(draws)[np.triu_indices(64, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(4_000), "largest of 2016, for which 5 standard errors are rare"
    assert (correlations**2).sum() * 4_000 < 2016 + 4 * np.sqrt(2 * 2016)


def test_purposes_are_named_not_numbered() -> None:
    names = [f"lever:{a}{b}" for a in "abcdefghij" for b in range(100)]
    assert len({int(purpose(n)) for n in names}) == len(names)
    assert purpose("gate") == GATE


# --- the gate: one uniform number a user and day, its top byte shared hash by eight users -----------------------------


def gates(day: int = 10, n: int = N, seed: int = 12345) -> np.ndarray:
    k = key(seed, day, GATE)
    return np.array([gate(k, i) for i in range(n)])


def test_the_gate_is_uniform_in_every_byte() -> None:
    x = gates()
    for byte in range(1, 6):
        values = np.floor(x * 2.0 ** (8 * byte)).astype(np.int64) & 255
        assert abs(chi_square_in_standard_errors(values, 256)) < 4
    assert stats.kstest(x, "uniform").pvalue > 1e-4
    assert np.all(x * 2.0**40 == np.floor(x * 2.0**40))


def test_the_gate_is_unrelated_among_the_eight_users_of_a_hash_and_beyond() -> None:
    x = gates(n=N + 64)
    for lag in (*range(1, 9), 16, 64):
        assert unrelated(x[:N], x[lag : N + lag])
    together = x[:N].reshape(-1, 8)
    assert np.abs(np.corrcoef(together.T)[np.triu_indices(8, 1)]).max() < 4 / np.sqrt(len(together))


def test_the_gate_is_unrelated_between_days_and_seeds_and_to_the_users_other_draws() -> None:
    x = gates(n=20_000)
    assert unrelated(x, gates(day=11, n=20_000))
    assert unrelated(x, gates(seed=12346, n=20_000))
    assert unrelated(x, units(key(), step=64, n=20_000))


def test_rare_events_of_the_gate_have_their_probability() -> None:
    x = np.concatenate([gates(day) for day in range(4)])
    for p in (1 / 256, 0.001, 0.003, 0.02):
        assert abs((x < p).sum() - len(x) * p) < 4 * np.sqrt(len(x) * p * (1 - p))


# --- functions -------------------------------------------------------------------------------------------------------


def test_exp_is_accurate_to_fourteen_digits() -> None:
    x = np.concatenate([np.linspace(-20, 20, 4_001), [0.0, 1e-300, -1e-12, 1e-8]])
    mine = np.array([exp(v) for v in x])
    assert np.abs(mine / np.exp(x) - 1).max() < 1e-14
    assert exp(0.0) == 1.0


def test_exp_stops_at_thirty() -> None:
    assert exp(1e9) == exp(30.0) == pytest.approx(np.exp(30))
    assert exp(-1e9) == exp(-30.0) > 0


def test_exponential_is_the_quantile_of_the_exponential_distribution() -> None:
    u = np.concatenate([np.linspace(0, 0.999, 1_000), 1 - np.logspace(-15, -3, 50), np.logspace(-6, -1, 20)])
    mine = np.array([exponential(v) for v in u])
    assert np.allclose(mine, stats.expon.ppf(u), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize(
    "distribution",
    [stats.gamma(0.243, scale=1 / 0.243), stats.gamma(1), stats.gamma(9, scale=1 / 9), stats.beta(0.793, 2.426),
     stats.beta(0.02, 0.08), stats.lognorm(0.5, scale=np.exp(-0.125)), stats.lognorm(2, scale=np.exp(-2))],
)  # fmt: skip
def test_quantile_tables_have_the_exact_mean(distribution: object) -> None:
    table = quantiles(distribution)
    assert len(table) == TABLE
    assert table.mean() == pytest.approx(distribution.mean(), rel=1e-7)  # type: ignore[attr-defined]
    assert (np.diff(table) >= 0).all()


@pytest.mark.parametrize("shape", [1, 3, 9])
def test_quantile_tables_have_nearly_the_variance(shape: float) -> None:
    """The tail beyond the last of 4096 mid-points is missing: below 1 % of the variance for shapes from 1."""
    assert quantiles(stats.gamma(shape, scale=1 / shape)).var() == pytest.approx(1 / shape, rel=0.01)


@pytest.mark.parametrize(
    ("n", "p"), [(20, 0.032), (20, 0.5), (60, 0.9), (60, 0.99), (1, 0.3), (20, 0.0), (20, 1.0), (7, 1e-9)]
)
def test_binomial_is_the_quantile_of_the_binomial_distribution(n: int, p: float) -> None:
    u = (np.arange(2_000) + 0.5) / 2_000
    assert [binomial(n, p, v) for v in u] == stats.binom.ppf(u, n, p).astype(int).tolist()


def test_with_odds_multiplies_the_odds() -> None:
    for p, multiple in itertools.product((0.0, 0.01, 0.3, 0.99), (0.0, 0.5, 1.0, 7.0)):
        q = with_odds(p, multiple)
        assert q / (1 - q) == pytest.approx(p / (1 - p) * multiple)
    assert with_odds(1.0, 0.5) == 1.0


@pytest.mark.parametrize("mean", [0.0, 0.3, 1.0, 2.75])
def test_mean_count_has_its_mean_and_the_least_variance(mean: float) -> None:
    counts = np.array([mean_count(key(), i, mean) for i in range(20_000)])
    fraction = mean % 1
    assert set(counts.tolist()) <= {int(mean), int(mean) + 1}
    assert abs(counts.mean() - mean) <= 4 * np.sqrt(fraction * (1 - fraction) / 20_000)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 1_000])
def test_below_is_unbiased(n: int) -> None:
    values = np.array([below(key(), i, n) for i in range(N)])
    assert values.min() == 0
    assert values.max() == n - 1
    if n > 1:
        assert abs(chi_square_in_standard_errors(values, n)) < 4


def test_below_reaches_the_ends_of_large_ranges() -> None:
    n = 20_000_000
    values = np.array([below(key(), i, n) for i in range(N)])
    assert abs(values.mean() - (n - 1) / 2) < 4 * n * np.sqrt(1 / 12 / N)
    assert values.min() < n * 10 / N
    assert values.max() > n - n * 10 / N


def test_pick_returns_the_categories_with_their_shares() -> None:
    shares = np.array([0.5, 0.0, 0.3, 0.2])
    picks = np.array([pick(np.cumsum(shares), v) for v in (np.arange(1_000) + 0.5) / 1_000])
    assert np.bincount(picks, minlength=4).tolist() == [500, 0, 300, 200]


def test_first_below_finds_where_a_falling_table_passes_a_value() -> None:
    table = np.cumprod(np.full(50, 0.9)) / 0.9
    for x in (2.0, 1.0, 0.95, 0.5, 0.9**10, 0.001, 0.0):
        assert first_below(table, x) == int(np.argmax(np.append(table, -1) < x))


# --- the contact graph -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("users", "degree"), [(10, 2), (333, 8), (1_000, 5)])
def test_the_contact_graph_is_regular_symmetric_and_connected(users: int, degree: int) -> None:
    graph = contacts(users, degree, 1)
    even = degree + degree % 2
    assert graph.shape == (users, even)
    rows = np.repeat(np.arange(users), even)
    assert not (graph.ravel() == rows).any(), "somebody is his own contact"
    matrix = csr_matrix((np.ones(users * even), (rows, graph.ravel())), shape=(users, users))
    assert (matrix != matrix.T).nnz == 0
    assert connected_components(matrix)[0] == 1


def test_the_contact_graph_depends_on_the_seed_alone() -> None:
    assert np.array_equal(contacts(500, 8, 1), contacts(500, 8, 1))
    same = (contacts(500, 8, 1) == contacts(500, 8, 2)).mean()
    assert same < 4 / 500 + 4 * np.sqrt(1 / 500 / 4_000)


def test_contacts_are_no_more_often_neighbours_by_number_than_chance_has_it() -> None:
    """Users are numbered by segment; a graph that knew numbers would keep segments apart."""
    n, degree = 2_000, 8
    graph = contacts(n, degree, 5)
    lower_half = (graph[: n // 2] < n // 2).mean()
    assert abs(lower_half - 0.5) < 4 * np.sqrt(0.25 / (n * degree / 4))
