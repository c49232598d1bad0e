"""A policy: what CI holds a plan to, read from YAML like a scenario, every fault at once."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

import scenarios
from scenarios import Fault, Scenario, ScenarioError
from scenarios.faults import CHANGES, nearest
from scenarios.literals import Count, Days, Factor, Names, Number, Rate, Share
from scenarios.loader import MAX_BYTES, read_text
from scenarios.model import Model
from scenarios.translate import findings
from scenarios.tree import Finding, Node, find, place, plain
from sim.kpis import KPIS

ALL_TARGETS = "all"
ALL_KPIS = "*"


class Drift(Model):
    """How far a KPI may move from the stored baseline: `relative` of it, and `sigmas` standard errors of luck."""

    relative: Factor = 0.05
    """Tolerated change, as a share of the baseline."""
    sigmas: Rate = 3.0
    """Standard errors of the difference of the means that are put down to luck; 0: none."""


class Sensitivity(Model):
    """How stable the ranking of the plan's assumptions must be, as a sweep finds it."""

    method: Literal["morris", "sobol", "oat", "lhs"] = "morris"
    """Design of the sweep."""
    kpis: Annotated[Names, Field(min_length=1)]
    """KPIs whose sensitivity is looked at."""
    over: dict[str, tuple[Any, Any]] = {}
    """Low and high end by path, as written in scenarios; none: the plan's priors."""
    samples: Annotated[Count, Field(ge=2)] | None = None
    """Size of the design; none: fit for the method."""
    seeds: Annotated[Count, Field(ge=2)] = 2
    """Runs of each sample."""
    top: Annotated[Count, Field(ge=1)] = 3
    """Number of strongest parameters that `overlap` is about."""
    overlap: Share | None = None
    """Least share of the baseline's strongest parameters that are still among the strongest."""
    rank: Annotated[Number, Field(ge=-1, le=1)] | None = None
    """Least Spearman rank correlation of all parameters' strengths with the baseline's."""
    noise: Share | None = None
    """Most that the luck of seeds may make of the variance of the sweep's means."""


class Policy(Model):
    """What a plan is held to, and the market on which it is judged."""

    users: Annotated[Count, Field(ge=1)] | None = None
    """Simulated users; none: the plan's."""
    seeds: Annotated[Count, Field(ge=2)] = 10
    """Runs, with seeds 1 to N."""
    days: Annotated[Days, Field(ge=1)] | None = None
    """Days from day 0 on; none: the plan and its tail."""
    overlays: Names = ()
    """Overlays of the scenario to apply."""
    changes: Annotated[dict[str, Any], Field(alias="set")] = {}
    """Changes by path, such as `levers.coupon.off: 30`."""
    targets: dict[str, Share] = {}
    """Least probability of attainment by target; `all` stands for every target that is not named."""
    baseline: str | None = None
    """File of the stored baseline, beside the policy; `--update-baseline` writes it."""
    drift: dict[str, Drift | None] = {}
    """Tolerated drift against the baseline by KPI; `*` stands for every KPI not named, null watches none."""
    sensitivity: Sensitivity | None = None
    """Least stability of what the result hangs on."""

    def least(self, target: str) -> float | None:
        """Return the least probability of a target, or None when nothing is asked of it."""
        return self.targets.get(target, self.targets.get(ALL_TARGETS))

    def tolerated(self, kpi: str) -> Drift | None:
        """Return the tolerated drift of a KPI, or None when it is not watched."""
        return self.drift.get(kpi, self.drift.get(ALL_KPIS))


@dataclass(frozen=True)
class PolicyFile:
    """A policy with its place, so that what a scenario does not have can be told by line."""

    path: Path
    policy: Policy
    root: Node

    @property
    def baseline(self) -> Path | None:
        """Path of the stored baseline."""
        return None if self.policy.baseline is None else self.path.parent / self.policy.baseline

    def scenario(
        self, name: str | os.PathLike[str], overlays: Iterable[str] = (), changes: Mapping[str, Any] | None = None
    ) -> Scenario:
        """Return a scenario on the policy's market, with further overlays and changes, which win.

        Raises `ScenarioError` with every fault: of the scenario, of what the policy changes in it and asks of it.
        """
        users = {} if self.policy.users is None else {"market.users": self.policy.users}
        wanted = {**self.policy.changes, **users, **(changes or {})}
        try:
            found = scenarios.load(name, [*self.policy.overlays, *overlays], wanted, known_kpis=KPIS)
        except ScenarioError as error:
            raise ScenarioError(self._placed(fault) for fault in error.faults) from None
        if faults := [place(self.root, finding) for finding in self._misfits(found)]:
            raise ScenarioError(faults)
        return found

    def _placed(self, fault: Fault) -> Fault:
        """Return a fault of a value that the policy sets with the line that sets it."""
        key = next((key for key in self.policy.changes if fault.file == CHANGES and fault.path.startswith(key)), None)
        if key is None:
            return fault
        node, _ = find(self.root, ("set", key))
        return replace(fault, file=node.file, line=node.spot, path=f"set: {fault.path}")

    def _misfits(self, scenario: Scenario) -> Iterator[Finding]:
        length = scenario.clock.days + scenario.clock.tail if self.policy.days is None else self.policy.days
        for name in self.policy.targets:
            target = scenario.targets.get(name)
            if target is None and (name != ALL_TARGETS or not scenario.targets):
                yield Finding(("targets", name), "unknown target", nearest(name, scenario.targets, "targets"), "")
            elif target is not None and scenario.span(target.window)[1] >= length:
                rule = f"cannot be judged: its window is not over after {length} days"
                yield Finding(("targets", name), rule, "raise days, or leave the target out", "")


def load(path: str | os.PathLike[str]) -> PolicyFile:
    """Return the policy of a YAML file.

    Raises `ScenarioError` with every fault: what cannot be read, breaks the schema, or names an unknown KPI.
    """
    label = os.fspath(path)
    root, faults = _read(Path(path), label)
    if root is None:
        raise ScenarioError(faults)
    data, policy, found = plain(root), None, list[Finding]()
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        found = list(findings(error, Policy))
    faults += [place(root, finding) for finding in [*found, *_cross(data)]]
    if faults or policy is None:
        raise ScenarioError(sorted(dict.fromkeys(faults), key=lambda fault: fault.line))
    return PolicyFile(Path(path), policy, root)


def _read(path: Path, label: str) -> tuple[Node | None, list[Fault]]:
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        return None, [Fault(label, 0, "", "", "there is no such file", "give the path of a policy, such as gate.yaml")]
    except (OSError, ValueError) as error:
        return None, [Fault(label, 0, "", "", f"cannot be read: {getattr(error, 'strerror', None) or error}")]
    root, faults = read_text(text, label)
    faults = [replace(f, fix="begin with targets or drift") if f.rule == "the file is empty" else f for f in faults]
    if root is not None and not isinstance(root.value, dict):
        rule = "a policy must be a mapping of keys such as seeds, targets and drift"
        return None, [*faults, Fault(label, root.line, "", "", rule)]
    return root, faults


def _cross(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with a policy as written beyond the schema of its parts."""
    drift, sensitivity = data.get("drift"), data.get("sensitivity")
    if isinstance(drift, dict):
        for kpi in drift:
            if kpi not in (ALL_KPIS, *KPIS):
                yield Finding(("drift", kpi), "unknown KPI", nearest(kpi, KPIS, "KPIs"), "")
    compares = []
    if isinstance(sensitivity, dict):
        kpis = sensitivity.get("kpis")
        for index, kpi in enumerate(kpis if isinstance(kpis, list) else []):
            if isinstance(kpi, str) and kpi not in KPIS:
                yield Finding(("sensitivity", "kpis", index), "unknown KPI", nearest(kpi, KPIS, "KPIs"))
        compares = [key for key in ("overlap", "rank") if sensitivity.get(key) is not None]
        if not compares and sensitivity.get("noise") is None:
            yield Finding(("sensitivity",), "asks nothing", "add overlap, rank or noise")
    if data.get("baseline") is None:
        for path in [*([("drift",)] if drift else []), *(("sensitivity", key) for key in compares)]:
            yield Finding(path, "needs a baseline", "add baseline: FILE.json and run with --update-baseline", "")
    if not (data.get("targets") or drift or sensitivity):
        yield Finding((), "the policy asks nothing", "add targets, drift or sensitivity", "")
