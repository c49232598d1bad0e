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
    from experiments.fit import fit
    from experiments.replication import Replication, run
    from experiments.runner import Runner
    from experiments.store import Store
    from optimize.allocate import allocate
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
    "allocate": "optimize.allocate",
    "fit": "experiments.fit",
    "load": "sandtable.plan",
    "names": "scenarios",
    "run": "experiments.replication",
    "simulate": "sim.run",
}

__all__ = [
    "KPIS",
    "Replication",
    "Run",
    "Runner",
    "Scenario",
    "ScenarioError",
    "Store",
    "allocate",
    "fit",
    "load",
    "names",
    "run",
    "simulate",
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
