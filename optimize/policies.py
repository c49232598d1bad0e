"""Coupon policies in the market: the changes that put one into a scenario, and the rehearsal of several side by side."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from optimize.answers import Floats
from optimize.cells import Cells, offer_named
from scenarios import Scenario
from sim.run import simulate

_PLACE = (
    "kind",
    "title",
    "plan",
    "standby",
    "open",
    "account",
    "give",
    "hours",
    "weekdays",
    "valid",
    "quota",
    "audience",
)
"""Fields of an offer that say where and when, not how much."""


def policy_levers(
    scenario: Scenario, cells: Cells, choice: NDArray[np.uint8], *, lever: str, message: str | None = None
) -> dict[str, Any]:
    """Return the changes that put a policy in the place of the offer `lever`, for `Scenario.override`.

    Each choice becomes an offer `<lever>-<number>` with the audience of its cells; segments with the same coupon and the
    same bands share one. Everything else (days, hours, account) is the lever's own. With `message`, the offers are given
    by copies of that message lever, one an offer, instead of being public. Raises `ValueError` for a lever that is no
    offer, a message that is none, or a choice of another shape.
    """
    template = _written(offer_named(scenario, lever))
    if choice.shape != (len(cells.table),) or (choice > len(cells.candidates)).any():
        rule = f"`choice` must give an option from 0 to {len(cells.candidates)} for each of {len(cells.table)} cells"
        raise ValueError(f"{rule}, but got {choice.tolist()}")
    if message is not None and getattr(scenario.levers.get(message), "kind", "") != "message":
        raise ValueError(f"`message` must name a message lever of the scenario, but got {message!r}")
    changes: dict[str, Any] = {f"levers.{lever}.on": False}
    if message is not None:
        changes[f"levers.{message}.on"] = False
    bands = ["orders_from", "orders_to", "idle_from", "idle_to"]
    given = cells.table.assign(option=choice)
    for number, (_, part) in enumerate(given[given["option"] > 0].groupby(["option", *bands], dropna=False), start=1):
        candidate, audience = (
            cells.candidates[int(part["option"].iloc[0]) - 1],
            _audience(part[bands].iloc[0].tolist(), part["segment"]),
        )
        audience |= {"tags": [candidate.tag]} if candidate.tag else {}
        audience |= {"tiers": [candidate.tier]} if candidate.tier else {}
        name = f"{lever}-{number}"
        coupon = {k: v for k, v in _written(candidate.coupon).items() if k not in _PLACE}
        offer = {k: v for k, v in template.items() if k in _PLACE} | coupon | {"on": True, "audience": audience}
        if message is not None:
            offer["give"] = "message"
            sender = _written(scenario.levers[message]) | {"on": True, "offer": name, "audience": audience}
            changes[f"levers.{message}-{number}"] = sender
        changes[f"levers.{name}"] = offer
    return changes


def _written(lever: Any) -> dict[str, Any]:
    """Return a lever as it would be written in a scenario."""
    return dict(lever.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _audience(bands: Sequence[float], segments: Iterable[str]) -> dict[str, Any]:
    least, most, after, until = (None if np.isnan(x) else int(x) for x in bands)
    return {"segments": sorted(segments), "orders": [least, most], "idle": [after, until]}


def rehearse_policies(
    scenario: Scenario, changes: Mapping[str, Mapping[str, Any]], *, seeds: Iterable[int], kpi: str = "profit"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate policies on common seeds; return the runs and the comparison of each policy with the first.

    `changes` maps a policy's name to what `policy_levers` returned. Runs: policy, seed, value (the KPI over the plan),
    discount (what all offers paid, tail included [yuan]). Comparison: policy, against, mean, ci_low, ci_high, seeds: the
    paired difference of the KPI with its 95 % interval (Student's t).
    """
    seeds = tuple(seeds)
    if len(seeds) < 2:
        raise ValueError(f"an interval takes at least two seeds, but got {list(seeds)}")
    rows = []
    for policy, change in changes.items():
        plan = scenario.override(change)
        for seed in seeds:
            run = simulate(plan, seed)
            kpis = run.kpis.set_index(["kpi", "window", "segment"])["value"]
            ledger = run.ledger
            discount = float(ledger.loc[ledger["kind"] == "discount", "yuan"].sum())
            rows.append((policy, seed, float(kpis.get((kpi, "plan", "all"), np.nan)), discount))
    runs = pd.DataFrame(rows, columns=["policy", "seed", "value", "discount"])
    wide = runs.pivot(index="seed", columns="policy", values="value")
    first, *others = changes
    pairs = [(other, first, *_interval((wide[other] - wide[first]).to_numpy()), len(seeds)) for other in others]
    return runs, pd.DataFrame(pairs, columns=["policy", "against", "mean", "ci_low", "ci_high", "seeds"])


def _interval(difference: Floats) -> tuple[float, float, float]:
    """Return mean and 95 % interval of paired differences."""
    mean, error = float(difference.mean()), float(difference.std(ddof=1)) / len(difference) ** 0.5
    half = float(stats.t.ppf(0.975, len(difference) - 1)) * error
    return mean, mean - half, mean + half
