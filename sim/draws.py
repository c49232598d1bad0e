"""Keyed draws: every random number is a pure function of (seed, day, purpose, user); there is no generator state."""

import zlib

import numpy as np

from sim.compile import compiled

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_A = np.uint64(0xBF58476D1CE4E5B9)
_B = np.uint64(0x94D049BB133111EB)
_C = np.uint64(0xD6E8FEB86659FD93)
_27, _30, _31, _32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_TO_UNIT = 2.0**-53


def purpose(name: str) -> np.uint64:
    """Return the number of a named purpose; names, not positions, so that a new purpose shifts no other's draws."""
    data = name.encode()
    return np.uint64((zlib.crc32(data) << 32) | zlib.crc32(data[::-1] + b"#"))


@compiled
def mix(x):
    """Return the splitmix64 finaliser of a uint64 (Steele, Lea & Flood 2014)."""
    x = (x ^ (x >> _30)) * _A
    x = (x ^ (x >> _27)) * _B
    return x ^ (x >> _31)


@compiled
def stream(seed, day, what):
    """Return the key of a stream: seed uint64, day int (may be negative), purpose uint64."""
    return mix(mix(seed + what) ^ (np.uint64(np.int64(day)) * GOLDEN))


@compiled
def bits(key, index):
    """Return 64 random bits of a stream at an index (a user, or a running number); two keyed rounds."""
    x = mix(np.uint64(np.int64(index)) * GOLDEN + key)
    x = (x ^ key) * _C
    return x ^ (x >> _32)


@compiled
def unit(key, index):
    """Return a uniform number in [0, 1) with 53 bits."""
    return (bits(key, index) >> np.uint64(11)) * _TO_UNIT


@compiled
def chance(seed, day, what, index):
    """Return a uniform number of a stream named by seed, day and purpose; for callers outside compiled code."""
    return unit(stream(seed, day, what), index)


@compiled
def below(key, index, n):
    """Return a uniform whole number in [0, n), n < 2**31."""
    return np.int64(((bits(key, index) >> _32) * np.uint64(n)) >> _32)


@compiled
def exp(x):
    """Return e**x from additions and multiplications alone, so that every machine gives the same bits; |x| <= 30.

    By x = k ln 2 + y, |y| <= ln 2 / 2, ln 2 in two parts; accurate to 1e-15.
    """
    x = min(max(x, -30.0), 30.0)
    k = int(np.floor(x * 1.4426950408889634 + 0.5))
    y = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    total = 1.0
    for n in range(14, 0, -1):
        total = 1.0 + total * y / n
    factor = 2.0 if k > 0 else 0.5
    for _ in range(abs(k)):
        total = total * factor
    return total


@compiled
def exponential(u):
    """Return the exponential quantile -log(1 - u) of u in [0, 1), from additions and multiplications alone."""
    x, halvings = 1.0 - u, 0
    while x < 0.75:
        x = x * 2.0
        halvings += 1
    y = (x - 1.0) / (x + 1.0)
    term, total = y, y
    for k in range(3, 25, 2):
        term = term * y * y
        total = total + term / k
    return halvings * 0.6931471805599453 - 2.0 * total


@compiled
def first_below(table, x):
    """Return the first index at which a falling table is below x; its length when none is."""
    lo, hi = 0, len(table)
    while lo < hi:
        mid = (lo + hi) // 2
        if table[mid] < x:
            hi = mid
        else:
            lo = mid + 1
    return lo


@compiled
def mean_count(key, index, mean):
    """Return a whole number with this mean: its floor, or one more with the fraction as probability."""
    whole = np.int64(mean)
    return whole + (1 if unit(key, index) < mean - whole else 0)


@compiled
def pick(cdf, u):
    """Return the category of a uniform number under a cumulative distribution whose last entry is 1."""
    for k in range(len(cdf) - 1):
        if u < cdf[k]:
            return k
    return len(cdf) - 1
