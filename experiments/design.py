"""Designs of experiments: which values the parameters of a sweep take, sample by sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from experiments.units import compact

Method = Literal["oat", "morris", "sobol", "lhs"]
Kind = Literal["number", "percentage", "whole", "switch"]
METHODS: tuple[Method, ...] = get_args(Method)
SIZES: dict[Method, int] = {"morris": 10, "sobol": 64, "lhs": 100}
"""Trajectories, base samples and samples unless told otherwise."""
GRID = 4
"""Levels of Morris's grid, as he recommends."""
SEED = 1
"""Seed of designs and of bootstraps, the same always: an equal sweep finds its runs in the store."""


@dataclass(frozen=True)
class Parameter:
    """A number of a plan that a sweep varies.

    >>> agents = Parameter("service.agents", 2, 4, own=3, kind="whole")
    >>> agents.at(np.array([0.0, 0.3, 0.5, 0.7, 1.0])).tolist()
    [2.0, 2.0, 3.0, 4.0, 4.0]
    """

    path: str
    low: float
    high: float
    own: float
    """The plan's own value."""
    kind: Kind = "number"
    """percentage: of an account; whole: no fractions; switch: off is 0, on is 1."""
    log: bool = False
    """Whether the range is even on a logarithmic scale."""
    levels: int = 2
    """Values between the ends, both included, that a one-at-a-time design tries."""
    title: str = ""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"{self.path}: `low < high` must hold, but got (low={self.low:g}, high={self.high:g})")
        if self.log and not self.low > 0:
            raise ValueError(f"{self.path}: `low > 0` must hold on a logarithmic scale, but got {self.low:g}")
        if self.levels < 2:
            raise ValueError(f"{self.path}: `levels >= 2` must hold, but got {self.levels}")

    @property
    def discrete(self) -> bool:
        """Whether there is nothing between whole numbers."""
        return self.kind in ("whole", "switch")

    def at(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at shares of the range, 0 its low end and 1 its high end.

        Of whole numbers each gets an equal part of the range, so a switch turns on at one half.
        """
        high = self.high + self.discrete
        values = self.low * (high / self.low) ** shares if self.log else self.low + shares * (high - self.low)
        return np.clip(np.floor(values + 1e-9) if self.discrete else _short(values), self.low, self.high)

    @property
    def grid(self) -> list[float]:
        """Values of a one-at-a-time design, from low to high."""
        space = np.geomspace if self.log else np.linspace
        values = space(self.low, self.high, self.levels)
        values = np.clip(np.round(values) if self.discrete else _short(values), self.low, self.high)
        return [float(value) for value in np.unique(values)]

    def written(self, value: float) -> float | int | bool | str:
        """Return a value as `Scenario.override` takes it."""
        if self.kind == "percentage":
            return f"{100 * value:.12g}%"
        return int(value) if self.kind == "whole" else bool(value) if self.kind == "switch" else float(value)

    def text(self, value: float) -> str:
        """Return a value for people.

        >>> Parameter("levers.ads.budget", 0.2, 0.6, own=0.4, kind="percentage").text(0.25)
        '25 %'
        """
        if self.kind == "switch":
            return "on" if value else "off"
        return f"{compact(100 * value)} %" if self.kind == "percentage" else compact(value)


@dataclass(frozen=True, eq=False)
class Design:
    """The samples of a sweep: row 0 is the plan itself, the others are what the method asks for."""

    method: Method
    parameters: tuple[Parameter, ...]
    size: int
    """Trajectories (morris), base samples (sobol) or samples (oat, lhs)."""
    values: NDArray[np.float64]
    """[1 + samples, parameters]"""
    places: NDArray[np.float64]
    """The samples as places in the unit cube, [samples, parameters]; of no meaning for oat."""

    @cached_property
    def block(self) -> int:
        """Rows that belong together after row 0: a trajectory, or a base sample and those made of it."""
        return {"morris": len(self.parameters) + 1, "sobol": len(self.parameters) + 2}.get(self.method, 1)

    @property
    def problem(self) -> dict[str, Any]:
        """The parameters as SALib takes them: places in the unit cube."""
        return problem(len(self.parameters))


def designed(parameters: Sequence[Parameter], method: Method = "oat", size: int | None = None) -> Design:
    """Return the design of a method, always the same for the same arguments.

    oat: each parameter alone takes each value of its grid. morris: trajectories (Morris, 1991; Campolongo et al.,
    2007). sobol: Saltelli's scheme on a scrambled Sobol sequence, (parameters + 2) samples a base sample (Saltelli et
    al., 2010). lhs: a Latin hypercube (McKay et al., 1979). Raises `ValueError` for a size that the method cannot have.
    """
    chosen = tuple(parameters)
    if not chosen:
        raise ValueError("at least one parameter must be given, but got none")
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known are {', '.join(METHODS)}")
    _check_size(method, size, len(chosen))
    own = np.array([p.own for p in chosen])
    if method == "oat":
        values = np.array([own, *_alone(chosen)])
        return Design(method, chosen, len(values) - 1, values, np.full((len(values) - 1, len(chosen)), np.nan))
    size = SIZES[method] if size is None else size
    places = _places(method, len(chosen), size)
    values = np.column_stack([p.at(places[:, j]) for j, p in enumerate(chosen)])
    return Design(method, chosen, size, np.vstack([own, values]), places)


def problem(count: int) -> dict[str, Any]:
    """Return SALib's description of so many parameters between 0 and 1."""
    return {"num_vars": count, "names": [f"x{j}" for j in range(count)], "bounds": [[0.0, 1.0]] * count}


def _check_size(method: Method, size: int | None, count: int) -> None:
    if size is None:
        return
    if method == "oat":
        raise ValueError(f"oat takes no samples ({size}); give levels: PATH=LO:HI:{max(size, 2)}")
    if method == "sobol" and (size < 2 or size & (size - 1)):
        near = 2 ** max(1, round(np.log2(max(size, 2))))
        raise ValueError(f"samples of sobol must be a power of 2, but got {size}; did you mean {near}?")
    least = {"morris": 2, "lhs": count + 3}.get(method, 2)
    if size < least:
        raise ValueError(f"`samples >= {least}` must hold for {method} of {count} parameters, but got {size}")


def _alone(parameters: tuple[Parameter, ...]) -> list[NDArray[np.float64]]:
    """Return the plan's own values with one of them changed, for each value of each grid but its own."""
    own = np.array([p.own for p in parameters])
    rows = []
    for j, parameter in enumerate(parameters):
        for value in parameter.grid:
            if value != parameter.own:
                rows.append(own.copy())
                rows[-1][j] = value
    return rows


def _places(method: Method, count: int, size: int) -> NDArray[np.float64]:
    from SALib.sample import latin, morris, sobol

    what = problem(count)
    if method == "morris":
        made = morris.sample(what, size, num_levels=GRID, seed=SEED)
    elif method == "sobol":
        made = sobol.sample(what, size, calc_second_order=False, seed=SEED)
    else:
        made = latin.sample(what, size, seed=SEED)
    return np.asarray(made, np.float64)


def _short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers with twelve digits that count, as people could write them."""
    return np.array([float(f"{v:.12g}") for v in values.ravel()]).reshape(values.shape)
