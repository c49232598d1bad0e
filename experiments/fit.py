"""fit: find the base rates with which the market without the plan shows the KPIs that hold today."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from scipy import stats

from scenarios import Scenario, value_at
from sim.kpis import measure
from sim.run import simulate

Floats = NDArray[np.float64]
MOST_EVALUATIONS = 12
"""Evaluations of all seeds after the first Jacobian."""
STEP = 0.15
"""Step of the first Jacobian, in log odds (shares) or logarithms (rates)."""


@dataclass(frozen=True)
class Fit:
    """Base rates fitted to a baseline."""

    scenario: Scenario
    """The scenario with the fitted rates."""
    changes: Mapping[str, float]
    """Path of each fitted rate and its value."""
    table: pd.DataFrame
    """kpi, window, wanted, before, mean, ci_low, ci_high (95 %, over fresh seeds), holds, fitted (path or empty)."""

    @property
    def holds(self) -> bool:
        """Whether every baseline KPI with a fitted rate is reproduced."""
        fitted = self.table[self.table["fitted"] != ""]
        return bool(fitted["holds"].all())

    def write(self, path: Path) -> None:
        """Write the fitted rates into a scenario file, with provenance; the rest of the file stays as it is.

        Raises `ValueError` when the file does not set a fitted rate itself (it would be inherited), with its name.
        """
        text = path.read_text(encoding="utf-8")
        for name, value in self.changes.items():
            text = replace_scalar(text, name, f"{value:.6g}")
        path.write_text(text, encoding="utf-8")


def without_plan(scenario: Scenario) -> Scenario:
    """Return the market without levers, rules and shocks: what holds today."""
    return scenario.override({"levers": {}, "rules": {}, "shocks": {}, "targets": {}, "choices": {}})


def fit(
    scenario: Scenario, seeds: int = 3, users: int | None = None, progress: Callable[[str], None] | None = None
) -> Fit:
    """Fit the base rates named in `scenario.baseline` by a quasi-Newton search on common seeds, then check on fresh ones.

    Every KPI with `fit` answers to one base rate. Shares are searched on the log-odds scale, other rates on the
    logarithm. Raises `ValueError` when the baseline names no rate to fit.
    """
    market = without_plan(scenario)
    if users is not None:
        market = market.override({"market.users": users})
    fitted = {kpi: b for kpi, b in market.baseline.items() if b.fit}
    if not fitted:
        raise ValueError(f"the baseline of {scenario.name} names no base rate to fit")
    paths = [str(b.fit) for b in fitted.values()]
    start = np.array([to_line(path, value_at(market, path)) for path in paths])
    wanted = np.array([to_line(kpi, b.value) for kpi, b in fitted.items()])

    def gap(x: Floats) -> Floats:
        changed = market.override({p: from_line(p, v) for p, v in zip(paths, x, strict=True)})
        found = baseline_kpis(changed, range(1, seeds + 1)).mean(axis=0)
        result = np.array([to_line(kpi, v) for kpi, v in zip(changed.baseline, found, strict=True) if kpi in fitted])
        if progress is not None:
            progress(", ".join(f"{k} {v:.4g}" for k, v in zip(changed.baseline, found, strict=True)))
        return np.asarray(result - wanted)

    solution = search(gap, start)
    changes = {p: round(from_line(p, v), 6) for p, v in zip(paths, solution, strict=True)}
    result = scenario.override(changes)
    check = market.override(changes)
    return Fit(result, changes, report(market, check, range(1001, 1001 + max(seeds, 5))))


def search(gap: Callable[[Floats], Floats], start: Floats) -> Floats:
    """Return where a vector function is nearly zero: one forward-difference Jacobian, then Broyden's updates."""
    x, y = start, gap(start)
    columns = [(gap(x + STEP * e) - y) / STEP for e in np.eye(len(x))]
    jacobian = np.column_stack(columns)
    best, least = x, float(np.abs(y).max())
    for _ in range(MOST_EVALUATIONS):
        if least < 0.004:
            break
        step = np.clip(np.linalg.lstsq(jacobian, -y, rcond=1e-3)[0], -0.8, 0.8)
        following = gap(x + step)
        jacobian += np.outer(following - y - jacobian @ step, step) / (step @ step)
        x, y = x + step, following
        if float(np.abs(y).max()) < least:
            best, least = x, float(np.abs(y).max())
    return np.asarray(best)


def baseline_kpis(market: Scenario, seeds: range) -> Floats:
    """Return the baseline KPIs of runs, [seeds, KPIs]; stops each run when the last window is over."""
    spans = [market.span(b.window) for b in market.baseline.values()]
    last = max(last for _, last in spans) + 32
    rows = []
    for seed in seeds:
        observer = simulate(market, seed, days=last).observer
        rows.append([measure(observer, kpi, span) for kpi, span in zip(market.baseline, spans, strict=True)])
    return np.array(rows)


def report(before: Scenario, after: Scenario, seeds: range) -> pd.DataFrame:
    """Return how well the baseline is reproduced on fresh seeds."""
    old, new = baseline_kpis(before, seeds), baseline_kpis(after, seeds)
    half = stats.t.ppf(0.975, len(new) - 1) * new.std(axis=0, ddof=1) / np.sqrt(len(new))
    rows = []
    for k, (kpi, b) in enumerate(after.baseline.items()):
        mean = new[:, k].mean()
        holds = abs(mean - b.value) <= half[k] + b.tolerance * abs(b.value)
        rows.append(
            (kpi, b.window, b.value, old[:, k].mean(), mean, mean - half[k], mean + half[k], bool(holds), b.fit or "")
        )
    columns = ["kpi", "window", "wanted", "before", "mean", "ci_low", "ci_high", "holds", "fitted"]
    return pd.DataFrame(rows, columns=columns)


def is_share(name: str) -> bool:
    """Return whether a rate or KPI lives between 0 and 1."""
    return not (
        name.startswith(("new_users", "orders", "gmv", "uv", "mau", "aov", "ltv")) or name.endswith("visit.rate")
    )


def to_line(name: str, value: float) -> float:
    """Return a value on the whole line: log odds of a share, logarithm of anything else."""
    if is_share(name):
        value = min(max(value, 1e-6), 1 - 1e-6)
        return float(np.log(value / (1 - value)))
    return float(np.log(max(value, 1e-12)))


def from_line(name: str, x: float) -> float:
    """Return the value that `to_line` maps to x."""
    return float(1 / (1 + np.exp(-x)) if is_share(name) else np.exp(x))


def replace_scalar(text: str, path: str, value: str) -> str:
    """Return YAML text with the scalar at a path replaced in place; comments and layout stay.

    Raises `ValueError` when the text has no scalar there.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path.split("."):
        pairs = {k.value: v for k, v in node.value} if isinstance(node, yaml.MappingNode) else {}
        if name not in pairs:
            raise ValueError(f"{path} is not set in the file; set it there before writing a fitted value")
        node = pairs[name]
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError(f"{path} is not a number in the file")
    return text[: node.start_mark.index] + value + text[node.end_mark.index :]


__all__ = ["Fit", "fit", "without_plan"]
