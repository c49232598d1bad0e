"""outline: a problem drawn with piecewise-linear responses, from outside (a bound) or inside (a plan), as a programme.

Spend in a cell is filled segment by segment. Where a drawn response is not concave on its useful side, a binary says whether
the next run of segments may start, and then all before it are full: the incremental formulation, whose relaxation is the
concave envelope (Vielma, Ahmed and Nemhauser 2010, Oper. Res. 58, 303-315).
"""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from optimize.pieces import Floats, Points, Smooth, hull
from optimize.problem import Cell, Goal, Limit, Problem
from optimize.programme import Answer, Programme

Face = tuple[str, int]
"""A KPI and the side that helps: +1 where more of it does, -1 where less does."""
Need = dict[str, set[Face]]
FINE = 1e-6
"""Least step of inner corners, as a share of the range: well over the feasibility tolerance of CBC."""
MANY_LIMITS = 3
"""A cell under this many limits over money has a column of its own for its money."""
SPECK = 1e-12
"""Segments narrower than this share of a cell's range are merged; kinks smaller than this share of its response too."""


@dataclass(frozen=True)
class Drawing:
    """One cell's responses as corners on common spends."""

    x: Floats
    """[corners] yuan"""
    y: dict[Face, Floats]
    """[corners] KPI"""
    run: NDArray[np.int64]
    """[segments] number of the run that a segment belongs to; a run is concave on every face"""
    jump: bool = False
    """Whether the first run is taken whole or not at all (a minimum spend)."""

    def within(self, low: float, high: float) -> "Drawing":
        """Return the drawing cut to a range of spends."""
        low, high = max(low, self.x[0]), min(high, self.x[-1])
        x = np.concatenate(([low], self.x[(self.x > low) & (self.x < high)], [high] if high > low else []))
        y = {face: np.interp(x, self.x, v) for face, v in self.y.items()}
        return Drawing(x, y, np.zeros(max(len(x) - 1, 0), np.int64))


def needs(problem: Problem) -> Need:
    """Return, by cell, which sides of which responses the goal and the limits lean on."""
    found: Need = {c.name: set() for c in problem.cells}
    for cell in problem.cells:
        for kpi, weight in problem.goal.kpis.items():
            if weight and kpi in cell.responses:
                found[cell.name].add((kpi, 1 if weight > 0 else -1))
    for limit in problem.limits:
        for (name, kpi), c in limit.value.items():
            if not c:
                continue
            if limit.sense in (">=", "=="):
                found[name].add((kpi, 1 if c > 0 else -1))
            if limit.sense in ("<=", "=="):
                found[name].add((kpi, -1 if c > 0 else 1))
    return found


def draw_outside(cell: Cell, faces: set[Face], knots: Floats, split: bool) -> Drawing:
    """Return a cell never worse than it is on any face; `split` False draws the concave envelope, without binaries."""
    corners = {f: cell.responses[f[0]].outside(f[1], knots) for f in faces}
    x = merged(np.concatenate([knots[[0, -1]]] + [c[0] for c in corners.values()]))
    y = {f: np.interp(x, *c) for f, c in corners.items()}
    if cell.high > cell.low and cell.minimum > cell.low:
        x, y = with_minimum(cell, x, y)
        after = 1 + runs(x[1:], {f: v[1:] for f, v in y.items()})
        return Drawing(x, y, np.append(0, after), jump=True)
    if not split:
        y = {f: f[1] * hull(x, f[1] * v) for f, v in y.items()}
        return Drawing(x, y, np.zeros(len(x) - 1, np.int64))
    return Drawing(x, y, runs(x, y))


def with_minimum(cell: Cell, x: Floats, y: dict[Face, Floats]) -> tuple[Floats, dict[Face, Floats]]:
    """Return corners whose first segment leaps from the lower bound to the minimum spend."""
    keep = x[x > cell.minimum * (1 + SPECK)]
    new = np.concatenate((x[:1], [cell.minimum], keep))
    return new, {f: np.interp(new, x, v) for f, v in y.items()}


def draw_inside(cell: Cell, faces: set[Face], outer: Drawing, at: float, knots: Floats) -> Drawing:
    """Return a cell never better than it is on any face, on the stretch and run that hold `at`; concave throughout."""
    low, high = cell.low, cell.high
    if cell.unit is not None:
        low = high = at
    elif cell.high > cell.low and cell.minimum > cell.low:
        low, high = (cell.minimum, high) if at >= cell.minimum * (1 - 1e-9) else (cell.low, cell.low)
    at = min(max(at, low), high)
    for kpi, _ in faces:
        response = cell.responses[kpi]
        if isinstance(response, Smooth):
            a, b = response.piece(at)
            low, high = max(low, a), min(high, b)
        elif len(outer.run):
            a, b = run_of(outer, at)
            low, high = (max(low, a), min(high, b)) if a <= at <= b else (low, high)
    grid = merged(np.concatenate(([low, high], knots[(knots > low) & (knots < high)])), FINE)
    corners = {f: inner_corners(cell, f, at, grid) for f in faces}
    x = merged(np.concatenate([grid[[0, -1]]] + [c[0] for c in corners.values()]))
    y = {f: np.interp(x, *c) for f, c in corners.items()}
    return Drawing(x, y, np.zeros(len(x) - 1, np.int64))


def inner_corners(cell: Cell, face: Face, at: float, grid: Floats) -> tuple[Floats, Floats]:
    """Return the inner corners of one face."""
    response = cell.responses[face[0]]
    return response.outside(face[1], grid) if isinstance(response, Points) else response.inside(face[1], at, grid)


def run_of(drawing: Drawing, at: float) -> tuple[float, float]:
    """Return the ends of the run that a spend lies in."""
    k = int(np.clip(np.searchsorted(drawing.x, at, side="right") - 1, 0, len(drawing.run) - 1))
    inside = np.flatnonzero(drawing.run == drawing.run[k])
    return float(drawing.x[inside[0]]), float(drawing.x[inside[-1] + 1])


def merged(x: Floats, speck: float = SPECK) -> Floats:
    """Return rising spends without duplicates and without steps under a share of the range; the ends stay."""
    x = np.unique(x)
    if len(x) < 2:
        return x
    keep = np.append(True, np.diff(x) > speck * (x[-1] - x[0]))
    last = x[-1]
    x = x[keep]
    if x[-1] != last:
        x[-1] = last
    return x


def runs(x: Floats, y: dict[Face, Floats]) -> NDArray[np.int64]:
    """Return the run of each segment: a new one starts where any face bends the wrong way."""
    width = np.diff(x)
    if len(width) < 2:
        return np.zeros(len(width), np.int64)
    breaks = np.zeros(len(width) - 1, bool)
    for (_, sign), v in y.items():
        slope = sign * np.diff(v) / width
        gain = np.diff(slope) * np.minimum(width[1:], width[:-1])
        breaks |= gain > 1e-11 * (np.ptp(v) + SPECK * np.abs(v).max())
    return np.append(0, np.cumsum(breaks)).astype(np.int64)


@dataclass(frozen=True)
class Assembly:
    """A programme and how to read it."""

    programme: Programme
    problem: Problem
    drawings: dict[str, Drawing]
    places: dict[str, NDArray[np.int64]]
    """Columns of each cell's segments, each in units of the cell's own range."""
    scales: dict[str, float]
    """yuan of one unit of a cell's columns"""
    rows: dict[str, int]
    row_scales: dict[str, float]
    goal_scale: float
    constant: float
    """The goal where every segment is empty."""
    starts: dict[str, int] = field(default_factory=dict)
    """First binary of each cell that has any."""

    def spend(self, answer: Answer) -> dict[str, float]:
        """Return yuan by cell."""
        found = {}
        for cell in self.problem.cells:
            drawing = self.drawings[cell.name]
            money = float(drawing.x[0]) + self.scales[cell.name] * float(answer.x[self.places[cell.name]].sum())
            if cell.unit is not None:
                money = cell.unit * round(money / cell.unit)
            found[cell.name] = min(max(money, float(drawing.x[0])), float(drawing.x[-1]))
        return found

    def goal(self, cost: float) -> float:
        """Return the goal's value at a cost of the programme."""
        return self.constant - self.goal_scale * cost

    def price(self, answer: Answer, limit: str) -> float:
        """Return the change of the goal for one unit more of a limit's level."""
        row = self.rows[limit]
        return 0.0 - float(answer.prices[row]) * self.goal_scale / self.row_scales[limit]


def assemble(problem: Problem, drawings: dict[str, Drawing]) -> Assembly:
    """Return the programme of a problem whose cells are drawn."""
    programme = Programme()
    scales = {c.name: float(np.ptp(drawings[c.name].x)) or 1.0 for c in problem.cells}
    gains = {c.name: segment_gains(problem.goal, drawings[c.name]) for c in problem.cells}
    widths = {c.name: np.diff(drawings[c.name].x) for c in problem.cells}
    largest = max((float(np.abs(g * widths[n]).sum()) for n, g in gains.items() if len(g)), default=0.0)
    goal_scale = max([largest] + [m.soft * magnitude(m, drawings) * 1e-3 for m in problem.limits if m.soft]) or 1.0
    places, starts = {}, {}
    for cell in problem.cells:
        name, scale = cell.name, scales[cell.name]
        places[name] = programme.columns(widths[name] / scale, -gains[name] * scale / goal_scale)
        binaries = order(programme, drawings[name], places[name], widths[name] / scale)
        if binaries is not None:
            starts[name] = binaries
        if cell.unit is not None and len(places[name]):
            whole_units(programme, cell, drawings[name], places[name], scale)
    sums = linked(programme, problem, places)
    rows, row_scales = {}, {}
    for limit in problem.limits:
        rows[limit.name], row_scales[limit.name] = rule(programme, limit, drawings, places, scales, goal_scale, sums)
    constant = sum(start(problem.goal, drawings[c.name]) for c in problem.cells)
    return Assembly(programme, problem, drawings, places, scales, rows, row_scales, goal_scale, constant, starts)


def segment_gains(goal: Goal, drawing: Drawing) -> Floats:
    """Return the goal's change per yuan on each segment."""
    width = np.diff(drawing.x)
    gain = np.full(len(width), -goal.spend)
    for kpi, weight in goal.kpis.items():
        face = (kpi, 1 if weight > 0 else -1)
        if face in drawing.y:
            gain += weight * np.diff(drawing.y[face]) / width
    return gain


def start(goal: Goal, drawing: Drawing) -> float:
    """Return the goal of a cell at its first corner."""
    faces = ((w, (k, 1 if w > 0 else -1)) for k, w in goal.kpis.items())
    return -goal.spend * float(drawing.x[0]) + sum(w * float(drawing.y[f][0]) for w, f in faces if f in drawing.y)


def order(programme: Programme, drawing: Drawing, place: NDArray[np.int64], width: Floats) -> int | None:
    """Add the binaries that open each run after the first; return the number of the first one."""
    count = max(int(drawing.run[-1]), int(drawing.jump)) if len(drawing.run) else 0
    if not count:
        return None
    first = len(programme.cost)
    for _ in range(count):
        programme.column(0.0, 1.0, whole=True)
    for k, run in enumerate(drawing.run):
        if run:
            programme.row((place[k], first + run - 1), (1.0, -width[k]), "<=", 0.0)
        if run < count:
            sense = "==" if drawing.jump and run == 0 else ">="
            programme.row((place[k], first + run), (1.0, -width[k]), sense, 0.0)
    return first


def whole_units(
    programme: Programme, cell: Cell, drawing: Drawing, place: NDArray[np.int64], scale: float
) -> None:  # fmt: skip
    """Add the column of whole units and tie the cell's money to it."""
    assert cell.unit is not None
    low, high = np.ceil(drawing.x[0] / cell.unit - 1e-9), np.floor(drawing.x[-1] / cell.unit + 1e-9)
    number = programme.column(float(low), float(high), whole=True)
    step = cell.unit / scale
    programme.row((*place, number), (*np.ones(len(place)), -step), "==", -float(drawing.x[0]) / scale)


def linked(
    programme: Programme, problem: Problem, places: dict[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.int64]]:
    """Add a column for the money of each cell that many limits are over; return the columns that sum to each cell's money.

    It keeps rows short: a limit then has one term for a cell, not one for each segment.
    """
    uses: Counter[str] = Counter()
    for limit in problem.limits:
        uses.update(set(limit.spend) - {n for n, _ in limit.value})
    sums = dict(places)
    for name, place in places.items():
        if uses[name] >= MANY_LIMITS and len(place) > 1:
            total = programme.column(0.0, 1.0)
            programme.row((*place, total), (*np.ones(len(place)), -1.0), "==", 0.0)
            sums[name] = np.array([total])
    return sums


def magnitude(limit: Limit, drawings: dict[str, Drawing]) -> float:
    """Return how far a limit's left-hand side can move, roughly; scales its row and its violation."""
    reach = [abs(c) * float(np.ptp(drawings[n].x)) for n, c in limit.spend.items()]
    for (name, kpi), c in limit.value.items():
        reach += [abs(c) * float(np.ptp(v)) for (k, _), v in drawings[name].y.items() if k == kpi]
    return max([*reach, 0.0]) or 1.0


def rule(
    programme: Programme, limit: Limit, drawings: dict[str, Drawing], places: dict[str, NDArray[np.int64]],
    scales: dict[str, float], goal_scale: float, sums: dict[str, NDArray[np.int64]],
) -> tuple[int, float]:  # fmt: skip
    """Add a limit's rows and return the first one's number and scale; an equality over responses takes two."""
    size = magnitude(limit, drawings)
    sides = ["<=", ">="] if limit.sense == "==" and limit.value else [limit.sense]
    number = len(programme.rows)
    for sense in sides:
        columns, coefficients, constant = terms(limit, sense, drawings, places, scales, sums)
        if limit.soft is not None:
            give = 10.0 * (abs(limit.level - constant) / size + len(limit.spend) + len(limit.value) + 1.0)
            for sign in slack_signs(sense):
                slack = programme.column(0.0, give, limit.soft * size / goal_scale)
                columns, coefficients = np.append(columns, slack), np.append(coefficients, sign * size)
        programme.row(columns, coefficients / size, sense, (limit.level - constant) / size)
    return number, size


def slack_signs(sense: str) -> tuple[float, ...]:
    """Return the signs with which giving way enters a row."""
    return {"<=": (-1.0,), ">=": (1.0,), "==": (1.0, -1.0)}[sense]


def terms(
    limit: Limit, sense: str, drawings: dict[str, Drawing], places: dict[str, NDArray[np.int64]],
    scales: dict[str, float], sums: dict[str, NDArray[np.int64]],
) -> tuple[NDArray[np.int64], Floats, float]:  # fmt: skip
    """Return columns, coefficients and the constant of a limit's left-hand side, on the faces that help it."""
    responding = {n for n, _ in limit.value}
    by_cell: dict[str, Floats] = {}
    constant = 0.0
    for name, c in limit.spend.items():
        columns = places[name] if name in responding else sums[name]
        by_cell[name] = np.full(len(columns), c)
        constant += c * float(drawings[name].x[0])
    for (name, kpi), c in limit.value.items():
        if not c:
            continue
        help_side = (1 if c > 0 else -1) * (-1 if sense == "<=" else 1)
        y, x = drawings[name].y[(kpi, help_side)], drawings[name].x
        by_cell[name] = by_cell.get(name, np.zeros(len(x) - 1)) + c * np.diff(y) / np.diff(x)
        constant += c * float(y[0])
    if not by_cell:
        return np.empty(0, np.int64), np.empty(0), constant
    found = np.concatenate([places[n] if n in responding else sums[n] for n in by_cell])
    return found, np.concatenate([v * scales[n] for n, v in by_cell.items()]), constant


def tightened(problem: Problem) -> Problem:
    """Return the problem with upper bounds lowered to what the hard limits over spend alone leave room for."""
    low = {c.name: c.low for c in problem.cells}
    high = {c.name: c.high for c in problem.cells}
    for limit in problem.limits:
        if limit.soft is not None or limit.value or limit.sense == ">=" or any(c < 0 for c in limit.spend.values()):
            continue
        rest = limit.level - sum(c * low[n] for n, c in limit.spend.items())
        for name, c in limit.spend.items():
            if c > 0 and rest >= 0:
                high[name] = min(high[name], low[name] + rest / c)
    cells = tuple(replace(c, upper=high[c.name]) if high[c.name] < c.high else c for c in problem.cells)
    return Problem(cells, problem.limits, problem.goal)
