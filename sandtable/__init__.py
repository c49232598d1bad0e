"""Sandtable rehearses a marketing plan on a simulated market before anyone pays for it.

>>> import sandtable as st
>>> plan = st.load("annual-promotion").override({"market.users": 20_000})
>>> plan.market.users
20000

`st.simulate(plan, seed=1)` runs it once and has `.kpis`; `st.run(plan, seeds=5)` runs it five times and has
`.summary`, with intervals.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.compare import compare
    from experiments.fit import fit
    from experiments.gate import gate
    from experiments.replicate import replicate
    from experiments.replication import Replication, run
    from experiments.reporting import report
    from experiments.runner import Runner
    from experiments.store import Store
    from experiments.stress import stress
    from experiments.sweep import sweep
    from experiments.trace import trace
    from optimize.cells import policy_cells
    from optimize.coupons import assign
    from optimize.optimum import optimize, optimum
    from optimize.policies import policy_levers, rehearse_policies
    from optimize.reach import least_budget
    from sandtable.plan import load
    from scenarios import Scenario, ScenarioError, names
    from sim.kpis import KPIS
    from sim.run import Run, simulate

    __version__: str

_HOME = {
    "KPIS": "sim.kpis",
    "Replication": "experiments.replication",
    "Run": "sim.run",
    "Runner": "experiments.runner",
    "Scenario": "scenarios",
    "ScenarioError": "scenarios",
    "Store": "experiments.store",
    "assign": "optimize.coupons",
    "compare": "experiments.compare",
    "fit": "experiments.fit",
    "gate": "experiments.gate",
    "least_budget": "optimize.reach",
    "load": "sandtable.plan",
    "names": "scenarios",
    "optimize": "optimize.optimum",
    "optimum": "optimize.optimum",
    "policy_cells": "optimize.cells",
    "policy_levers": "optimize.policies",
    "rehearse_policies": "optimize.policies",
    "replicate": "experiments.replicate",
    "report": "experiments.reporting",
    "run": "experiments.replication",
    "simulate": "sim.run",
    "stress": "experiments.stress",
    "sweep": "experiments.sweep",
    "trace": "experiments.trace",
}

__all__ = [
    "KPIS",
    "Replication",
    "Run",
    "Runner",
    "Scenario",
    "ScenarioError",
    "Store",
    "assign",
    "compare",
    "fit",
    "gate",
    "least_budget",
    "load",
    "names",
    "optimize",
    "optimum",
    "policy_cells",
    "policy_levers",
    "rehearse_policies",
    "replicate",
    "report",
    "run",
    "simulate",
    "stress",
    "sweep",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("sandtable")
        except PackageNotFoundError:
            return "unknown"
    if name not in _HOME:
        raise AttributeError(f"module 'sandtable' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, "__version__"])
