"""programme: a linear programme in arrays, and its solution by HiGHS or CBC through PuLP, told as the solver tells it.

Always a minimisation, since for a maximisation PuLP gives HiGHS's duals with the opposite sign of CBC's. Status, bound and
gap are read from the solver: PuLP calls a run that the time limit stopped "Optimal". Columns without width and empty
rows never reach a solver (CBC fails on them).
"""

import re
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pulp
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Solver = Literal["HiGHS", "CBC"]
TOLERANCE = 1e-9
"""Feasibility tolerance asked of HiGHS, in scaled units."""


@dataclass
class Programme:
    """Minimise cost x subject to low <= x <= high, whole numbers where asked, and rows."""

    cost: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[Floats, Floats, str, float]] = field(default_factory=list)
    """(columns, coefficients, sense, level)"""

    def column(self, low: float, high: float, cost: float = 0.0, whole: bool = False) -> int:
        """Add a column and return its number."""
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(whole)
        return len(self.cost) - 1

    def columns(self, high: Floats, cost: Floats) -> NDArray[np.int64]:
        """Add columns from zero up and return their numbers."""
        start = len(self.cost)
        self.cost.extend(cost.tolist())
        self.low.extend([0.0] * len(high))
        self.high.extend(high.tolist())
        self.whole.extend([False] * len(high))
        return np.arange(start, start + len(high))

    def row(self, columns: Iterable[int], coefficients: Iterable[float], sense: str, level: float) -> int:
        """Add a row and return its number."""
        self.rows.append((np.asarray(list(columns)), np.asarray(list(coefficients), float), sense, float(level)))
        return len(self.rows) - 1

    @property
    def mixed(self) -> bool:
        """Whether any column must be whole."""
        return any(self.whole)


@dataclass(frozen=True)
class Answer:
    """What the solver found, in its own words."""

    solver: str
    status: str
    """The solver's own: Optimal, Infeasible, Time limit reached ..."""
    found: bool
    """Whether `x` holds a solution."""
    proved: bool
    """Whether the status says optimal."""
    infeasible: bool
    x: Floats
    objective: float
    bound: float
    """No solution can cost less; -inf when the solver gives none."""
    gap: float
    """Relative MIP gap as the solver reports it; 0 for a linear programme solved to the end, inf when unknown."""
    prices: Floats
    """[rows] change of the cost per unit of the row's level; zeros for a mixed programme, which has none."""
    seconds: float


def available() -> Solver:
    """Return the solver to use: HiGHS, or CBC where `highspy` is missing; raises `ValueError` if there is neither."""
    if pulp.HiGHS(msg=False).available():
        return "HiGHS"
    if Path(str(pulp.PULP_CBC_CMD.pulp_cbc_path)).exists():
        return "CBC"
    raise ValueError("no solver: install highspy, or a PuLP that brings CBC")


def solve(
    programme: Programme, *, seconds: float = 60.0, gap: float = 1e-7, solver: Solver | None = None, relax: bool = False
) -> Answer:
    """Solve a programme; `relax` drops the whole numbers. Nothing is raised for an infeasible one."""
    start = time.perf_counter()
    solver = solver or available()
    low, high = np.array(programme.low), np.array(programme.high)
    free = high > low
    model = Model(programme, free, relax)
    if model.empty is not None:
        return model.without_columns(solver, model.empty)
    run = highs if solver == "HiGHS" else cbc
    return run(model, max(seconds, 0.05), gap, start)


class Model:
    """A PuLP model of a programme, without the columns that have no width."""

    def __init__(self, programme: Programme, free: NDArray[np.bool_], relax: bool) -> None:
        """Build it; `empty` is None, or whether the constant rows hold when no column is left."""
        self.programme, self.free = programme, free
        self.fixed = np.where(free, 0.0, np.array(programme.low))
        self.mixed = programme.mixed and not relax
        self.problem = pulp.LpProblem("money", pulp.LpMinimize)
        add = self.problem.add_variable
        self.variables: list[Any] = [None] * len(free)
        for k in np.flatnonzero(free):
            kind = pulp.LpInteger if programme.whole[k] and not relax else pulp.LpContinuous
            self.variables[k] = add(f"x{k:07d}", programme.low[k], programme.high[k], kind)
        cost = {self.variables[k]: programme.cost[k] for k in np.flatnonzero(free)}
        self.constant = float(np.dot(self.fixed, np.array(programme.cost))) if len(free) else 0.0
        self.problem += pulp.LpAffineExpression(cost)
        self.rows: list[Any] = []
        holds = True
        senses = {"<=": pulp.LpConstraintLE, ">=": pulp.LpConstraintGE, "==": pulp.LpConstraintEQ}
        for number, (columns, coefficients, sense, level) in enumerate(programme.rows):
            moving = free[columns] & (coefficients != 0) if len(columns) else np.zeros(0, bool)
            rest = level - float(np.dot(coefficients, self.fixed[columns])) if len(columns) else level
            if not moving.any():
                holds &= {"<=": rest >= -TOLERANCE, ">=": rest <= TOLERANCE, "==": abs(rest) <= TOLERANCE}[sense]
                self.rows.append(None)
                continue
            terms = {self.variables[k]: float(c) for k, c in zip(columns[moving], coefficients[moving], strict=True)}
            row = pulp.LpConstraint(pulp.LpAffineExpression(terms), senses[sense], f"r{number:06d}", rest)
            self.problem.addConstraint(row)
            self.rows.append(row)
        self.empty = holds if not free.any() or not holds else None

    def without_columns(self, solver: str, holds: bool) -> Answer:
        """Return the answer where nothing is left to decide."""
        status = "Optimal" if holds else "Infeasible"
        value = self.constant if holds else np.nan
        return Answer(
            solver, status, holds, holds, not holds, self.fixed, value, value if holds else np.inf, 0.0,
            np.zeros(len(self.rows)), 0.0,
        )  # fmt: skip

    def solution(self) -> Floats:
        """Return every column's value, within its bounds."""
        x = self.fixed.copy()
        for k in np.flatnonzero(self.free):
            x[k] = self.variables[k].varValue or 0.0
        whole = np.array(self.programme.whole) & self.mixed
        x[whole] = np.round(x[whole])
        return np.clip(x, self.programme.low, self.programme.high)

    def prices(self) -> Floats:
        """Return the duals of all rows; zeros for those that no column moves, and for a mixed programme."""
        if self.mixed:
            return np.zeros(len(self.rows))
        return np.array([0.0 if r is None or r.pi is None else float(r.pi) for r in self.rows])


def highs(model: Model, seconds: float, gap: float, start: float) -> Answer:
    """Solve by HiGHS and read status, bound and gap from its own model."""
    import highspy

    options = {
        "primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE,
        "mip_feasibility_tolerance": TOLERANCE,
    }  # fmt: skip
    pulp_solver = pulp.HiGHS(msg=False, timeLimit=seconds, gapRel=gap, gapAbs=1e-12, **options)
    model.problem.solve(pulp_solver)
    engine = model.problem.solverModel
    status, info = engine.getModelStatus(), engine.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    proved = status == highspy.HighsModelStatus.kOptimal
    objective = info.objective_function_value + model.constant
    bound, reached = (objective, 0.0) if proved else (-np.inf, np.inf)
    if model.mixed:
        bound, reached = info.mip_dual_bound + model.constant, info.mip_gap
    infeasible = status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
    x = model.solution() if found else model.fixed
    return Answer(
        "HiGHS", engine.modelStatusToString(status), found, proved, infeasible, x, objective, bound, reached,
        model.prices(), time.perf_counter() - start,
    )  # fmt: skip


def cbc(model: Model, seconds: float, gap: float, start: float) -> Answer:
    """Solve by the CBC that PuLP brings and read status, bound and gap from its log."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "cbc.log"
        path = str(pulp.PULP_CBC_CMD.pulp_cbc_path)
        limit = max(round(seconds), 1)
        pulp_solver = pulp.COIN_CMD(
            path=path,
            msg=False,
            timeLimit=limit,
            gapRel=gap,
            gapAbs=1e-12,
            mip=model.mixed,
            logPath=str(log),
        )
        pulp_solver.tmpDir = folder
        model.problem.solve(pulp_solver)
        text = log.read_text(errors="replace")
    stopped = "Stopped on time" in text or "Exiting on maximum" in text
    infeasible = model.problem.status == pulp.LpStatusInfeasible
    found = model.problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    proved = found and not stopped
    objective = float(pulp.value(model.problem.objective) or 0.0) + model.constant if found else np.nan
    bound, reached = (objective, 0.0) if proved else (-np.inf, np.inf)
    said = re.search(r"Lower bound:\s+(-?[\d.eE+]+)", text)
    if stopped and said:
        bound = float(said.group(1)) + model.constant
        reached = abs(objective - bound) / max(abs(objective), 1e-300) if found else np.inf
    status = "Infeasible" if infeasible else "Time limit reached" if stopped else "Optimal" if proved else "Unknown"
    x = model.solution() if found else model.fixed
    return Answer("CBC", status, found, proved, infeasible, x, objective, bound, reached, model.prices(),
                  time.perf_counter() - start)  # fmt: skip
