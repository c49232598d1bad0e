"""The core of a knapsack: the users whose best two options are nearly tied, decided exactly in whole coupons."""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from optimize.answers import COST, COUNT, VALUE, Array, Floats, Users
from sim.compile import compiled

CORES = (200, 4_000)
"""Users left to the integer programme: at first, and where that finds nothing."""
NODES = 500
"""Most nodes of its search."""
CLOSE = 1e-4
"""Distance from the core's optimum at which it ends, as a share of the most valuable coupon; 1e-7 where all users are in."""


@dataclass(frozen=True)
class Limits:
    """Limits on the totals: sum over `row` [K, 3, S] times totals [3, S] at most `most` [K]; the budget comes first."""

    names: tuple[str, ...]
    row: Floats
    most: Floats

    def only(self, keep: list[int]) -> "Limits":
        """Return some of the limits."""
        return Limits(tuple(self.names[k] for k in keep), self.row[keep], self.most[keep])

    def broken(self, total: Floats) -> Floats:
        """Return by how much each limit is exceeded [K]; not positive where it holds."""
        return np.asarray(np.tensordot(self.row, total, 2) - self.most)


@compiled
def closeness(value: Array, cost: Array, segment: Array, weight: Array, close: Array) -> None:
    """Fill `close` [users]: by how much the best option beats the second best, as a share of what differs between them.

    Scores are those of weights [3, S]. A share, since a user whose coupons are all worth next to nothing is as good as tied
    and yet of no use to fill a limit. 0: tied; 1: better in every respect.
    """
    for i in range(len(value)):
        a, b, c = weight[0, segment[i]], weight[1, segment[i]], weight[2, segment[i]]
        best, second, at, then = 0.0, -np.inf, 0, -1
        for j in range(1, value.shape[1]):
            if value[i, j] > -np.inf:
                score = a * value[i, j] + b * cost[i, j] + c
                if score > best:
                    best, second, at, then = score, best, j, at
                elif score > second:
                    second, then = score, j
        close[i] = 1.0
        if then >= 0:
            differ = abs(a * (value[i, at] - value[i, then])) + abs(b * (cost[i, at] - cost[i, then]))
            differ += abs(c) if (at == 0) != (then == 0) else 0.0
            if differ > 0.0:
                close[i] = (best - second) / differ


def decide(users: Users, limits: Limits, weight: Floats) -> tuple[NDArray[np.uint8], bool]:
    """Return choices [users] near those of weights [3, S] that keep every limit, and whether there are such choices."""
    choice, _ = users.respond(weight)
    close = np.empty(len(choice))
    closeness(users.value, users.cost, users.segment, weight, close)
    for size in CORES:
        near = np.argpartition(close, size)[:size] if size < len(close) else np.arange(len(close))
        width = 2 * float(close[near].max()) if size < len(close) else np.inf
        for room in (0.0, 2e-9):  # the second keeps clear of what the solver takes for zero
            decided = _among(users, limits, choice, np.sort(near), width, weight, room)
            if decided is not None:
                return decided, True
    return choice, False


def _among(users: Users, limits: Limits, choice: Array, near: Array, width: float, weight: Floats, room: float) -> Any:
    """Return the choices with those of the users `near` taken by an integer programme, or None where it finds none.

    Options that are further than `width` from a user's best, as `closeness` has it, stay out of it. `room` is kept to
    every limit, in units of the largest coupon.
    """
    segment = users.segment[near]
    value, cost = users.value[near].astype(float), users.cost[near].astype(float)
    given = np.ones_like(cost)
    given[:, 0] = 0.0
    worth = [weight[k, segment][:, None] * part for k, part in enumerate((value, cost, given))]
    score = worth[VALUE] + worth[COST] + worth[COUNT]
    rows, best = np.arange(len(near)), score.argmax(axis=1)
    with np.errstate(invalid="ignore"):  # barred options are infinitely far
        differ = sum(np.abs(part - part[rows, best][:, None]) for part in worth)
        near_best = score[rows, best][:, None] - score <= width * differ
    near_best &= value > -np.inf
    near_best[rows, best] = True
    if not limits.row[:, COUNT].any():
        near_best[:, 1:] &= (value[:, 1:] != 0) | (cost[:, 1:] != 0)  # as good as none, and none is plainer
    who, option = np.nonzero(near_best)
    parts = np.array([value[who, option], cost[who, option], given[who, option]])
    use = (limits.row[:, :, segment[who]] * parts).sum(axis=1)
    rest = choice.copy()
    rest[near] = 0
    left = -limits.broken(users.total(rest))
    size = np.maximum(np.abs(use).max(axis=1), 1e-300)
    unit = max(float(np.abs(parts[VALUE]).max()), 1e-300)
    gap = CLOSE if len(near) < len(choice) else 1e-7
    x = _integers(parts[VALUE] / unit, use / size[:, None], left / size - room, who, gap)
    if x is None:
        return None
    taken = x > 0.5
    rest[near[who[taken]]] = option[taken]
    return rest if (limits.broken(users.total(rest)) <= 0).all() else None


def _integers(worth: Floats, use: Floats, left: Floats, who: Array, gap: float) -> Floats | None:
    """Return the 0-1 choice [columns] of most worth: one column of each `who`, `use` [K, columns] at most `left` [K].

    Not through scipy, whose HiGHS prints to the standard output.
    """
    limits, columns = use.shape
    users = int(who.max()) + 1
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, limits + users
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = -worth, np.zeros(columns), np.ones(columns)
    lp.row_lower_ = np.concatenate([np.full(limits, -highspy.kHighsInf), np.ones(users)])
    lp.row_upper_ = np.concatenate([left, np.ones(users)])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.arange(columns + 1) * (limits + 1)
    lp.a_matrix_.index_ = np.column_stack([np.tile(np.arange(limits), (columns, 1)), limits + who]).ravel()
    lp.a_matrix_.value_ = np.column_stack([use.T, np.ones(columns)]).ravel()
    lp.integrality_ = [highspy.HighsVarType.kInteger] * columns
    new: Any = highspy.Highs
    engine = new()
    options = {"output_flag": False, "mip_max_nodes": NODES, "mip_rel_gap": 0.0, "mip_abs_gap": gap}
    options["mip_feasibility_tolerance"] = 1e-9
    for name, option in options.items():
        engine.setOptionValue(name, option)
    engine.passModel(lp)
    engine.run()
    if engine.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return np.array(engine.getSolution().col_value)
