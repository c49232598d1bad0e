"""Small markets for tests: plain dicts merged into a base, and runs whose inside can be looked at."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from scenarios import Scenario
from sim.run import Rehearsal, Run

ALWAYS = {"impressions": 1, "ctr": 1.0, "detail_bounce": 0.0, "cart": 1.0, "payment_abandonment": 0.0}
"""A shop in which every visit ends in an order."""
LOYAL = {"lapse_at_registration": 0.0, "lapse_per_visit": 0.0, "drop": 0.0, "renewal": 0.0, "habituation": 0.0}
"""Nobody goes away or gets used to savings."""
SILENT = {
    "hear": {"spontaneous": 0.0, "forget_below": 0.0},
    "visit": {"aware": 0.0, "rate": 0.0, "shape": 1e6},
    "share": {"talk": 0.0},
    "settle": {"loyalty": 0.0},
    "fade": {**LOYAL, "churn_days": 3660, "dormant_days": 3660},
}
"""Nobody does anything unless told to."""

_BASE: dict[str, Any] = {
    "name": "test",
    "question": "Does it hold?",
    "clock": {"start": "2024-01-01", "days": 60, "burn_in": 30, "tail": 10},
    "market": {
        "people": 200_000,
        "users": 2_000,
        "segments": {"all-of-us": {"share": 1.0}},
        "channels": {"web": {}, "sms": {}},
    },
    "goods": {"classes": {"thing": {"demand": 1.0, "basket": 100.0, "spread": 0.0}}},
    "accounts": {"total": 1_000_000, "split": {"media": {"share": 0.5}, "users": {"share": 0.5}}},
}


def merged(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `top` over it, mappings merged deeply; other segments, goods or accounts replace."""
    result = dict(base)
    for key, value in top.items():
        old = result.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        other = both and key in ("segments", "classes", "split") and not value.keys() & old.keys()
        result[key] = merged(old, value) if both and not other else value
    return result


def plan(*parts: Mapping[str, Any], **part: Any) -> Scenario:
    """Return the quiet base market (one segment, one goods class, no levers) with parts merged over it."""
    data = _BASE
    for top in (*parts, part):
        data = merged(data, top)
    return Scenario.model_validate(data)


def behaving(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part that sets behaviour; later ones win."""
    data: dict[str, Any] = {}
    for top in parts:
        data = merged(data, top)
    return {"behaviour": data}


def of_users(users: int, scale: int = 100) -> dict[str, Any]:
    """Return a part that sets the number of users and of the people behind each."""
    return {"market": {"users": users, "people": users * scale}}


LIVELY = {
    "start": {"aware": 0.3, "registered": 0.4},
    "hear": {"spontaneous": 0.01},
    "visit": {"aware": 0.1, "rate": 0.3, "registration": 0.4},
    "shop": {"ctr": 0.1, "detail_bounce": 0.2, "cart": 0.5, "payment_abandonment": 0.25},
    "share": {"talk": 0.05},
    "fade": {"dormant_days": 12, "churn_days": 30, "renewal": 0.05, "lapse_per_visit": 0.05},
}
"""So much going on that a few hundred users and days meet every case."""

LEVERS: dict[str, dict[str, Any]] = {
    "ads": {"kind": "media", "channel": "web", "account": "media.paid", "unit_cost": 200, "click": 0.05,
            "hours": [19, 22], "pace": {"feast.burst": 3}, "affinity": {"young": 2}, "budget": "60%"},
    "star": {"kind": "media", "channel": "video", "account": "media.kol", "role": "kol", "whole_units": True,
             "lasts": 3, "unit_cost": 30_000, "unit_impressions": 90_000, "click": 0.08, "commission": 0.1,
             "budget": "60%"},
    "public": {"kind": "offer", "form": "threshold", "over": 90, "off": 15, "account": "users.coupons", "quota": 500},
    "flash": {"kind": "offer", "form": "percent", "rate": 0.2, "urgency": 1.5, "weekdays": ["wed", "sat"],
              "hours": [8, 21], "goods": ["hit"], "account": "users.coupons", "audience": {"segments": ["young"]}},
    "post-free": {"kind": "offer", "form": "free_shipping", "over": 40, "account": "users.coupons", "open": ["late"]},
    "welcome": {"kind": "offer", "form": "amount", "give": "registration", "off": 12, "account": "users.coupons",
                "audience": {"tags": ["sport"]}},
    "thanks": {"kind": "offer", "form": "gift", "give": "order", "off": 10, "cost": 0.5, "valid": 9,
               "account": "users.coupons"},
    "mailed": {"kind": "offer", "form": "threshold", "give": "message", "over": 120, "off": 30, "valid": 5,
               "account": "users.coupons"},
    "prize": {"kind": "offer", "form": "amount", "give": "reward", "off": 20, "account": "users.coupons"},
    "push": {"kind": "message", "channel": "sms", "price": 0.05, "opened": 0.05, "every": 7, "offer": "mailed",
             "account": "users.talk"},
    "weekly": {"kind": "message", "channel": "sms", "opened": 0.05, "weekdays": ["fri"], "quality": 1.3, "hour": 9,
               "audience": {"orders": [1, None]}},
    "nudge": {"kind": "message", "channel": "sms", "price": 0.05, "opened": 0.2, "after": "registration", "delay": 2,
              "account": "users.talk"},
    "again": {"kind": "message", "channel": "sms", "opened": 0.2, "after": "order", "delay": 5},
    "till": {"kind": "message", "channel": "sms", "opened": 0.3, "after": "cart", "delay": 1},
    "back": {"kind": "message", "channel": "sms", "price": 0.05, "opened": 0.2, "after": "idle", "delay": 14,
             "account": "users.talk"},
    "invite": {"kind": "referral", "account": "users.referral", "per_order": 1.5, "per_visit": 0.2, "accept": 0.4,
               "on_register": {"cash": 1}, "on_order": {"offer": "prize"},
               "thresholds": [{"invitees": 2, "cash": 5}, {"invitees": 3, "cash": 2, "each": True}]},
    "pair": {"kind": "group_buy", "size": 2, "rate": 0.3, "accept": 0.4, "start": 0.6, "days": 3,
             "account": "users.coupons", "initiator": {"offer": "prize", "cash": 1}},
    "trio": {"kind": "group_buy", "size": 3, "off": 40, "accept": 0.5, "start": 0.6, "days": 2,
             "weekdays": ["mon", "thu"], "goods": ["hit"], "account": "users.coupons"},
    "club": {"kind": "membership", "account": "users.talk", "review_days": 10,
             "tiers": {"silver": {"orders": 2, "discount": 0.03, "monthly_cost": 0.2, "visits": 1.2},
                       "gold": {"spend": 400, "orders": 3, "discount": 0.05, "drop": 0.5, "free_shipping": True}}},
    "page": {"kind": "experience", "effect": {"ctr": 0.1, "basket": 0.05, "satisfaction": 0.05}, "audience": ["young"],
             "open": {"days": [10, 50]}, "ramp": 5, "once": 2_000, "daily": 10, "account": "media"},
}  # fmt: skip
"""A lever of every kind and form, by name."""

_EVERYTHING: dict[str, Any] = {
    "clock": {"start": "2024-01-01", "days": 60, "burn_in": 35, "tail": 20},
    "market": {
        "people": 60_000,
        "users": 600,
        "segments": {
            "young": {"share": 0.6, "tags": {"sport": 0.5, "music": 0.3}, "price_sensitivity": 1.5, "hours": "evening"},
            "older": {"share": 0.4, "tags": {"sport": 0.2}, "channels": {"video": 0.5}, "activity": 0.8, "basket": 1.2},
        },
        "channels": {"web": {"reach": 0.8, "depth": 2}, "video": {"reach": 0.6, "frequency_half": 5}, "sms": {}},
        "hours": {"everyday": [1.0] * 24, "evening": [0.2] * 18 + [3.0] * 6},
        "contacts": {"mean": 6, "strangers": 0.3},
    },
    "goods": {
        "classes": {
            "hit": {"demand": 0.4, "basket": 80, "returns": 0.1,
                    "stock": {"opening_days": 4, "cover_days": 3, "lead_days": 4, "on_time": 0.7, "late_days": 3}},
            "plain": {"demand": 0.4, "basket": 130, "stock": {"opening_days": 20, "expected_daily": 900}},
            "niche": {"demand": 0.2, "basket": 60, "margin": 0.5},
        }
    },
    "service": {"agents": 5, "contacts_per_order": 1.5, "slow_seconds": 30, "shipping_fee": 6, "free_from": 95},
    "behaviour": LIVELY,
    "season": {"weekdays": [1.0, 0.9, 1.0, 1.0, 1.1, 1.3, 1.2], "growth": 0.1},
    "festivals": {
        "feast": {
            "date": "2024-01-25",
            "stages": {"warm-up": {"days": [-5, -1], "traffic": 1.2},
                       "burst": {"days": [0, 2], "traffic": 1.8, "intent": 1.4, "media_price": 0.5}},
            "goods": {"hit": 1.5},
        }
    },
    "phases": {"early": {"days": [0, 29]}, "late": {"days": [30, 59]}},
    "windows": {"week": {"days": [7, 13]}, "before": {"days": [-20, -1]}},
    "accounts": {
        "total": 2_000_000,
        "split": {
            "media": {"share": 0.35, "split": {"paid": {"share": 0.5}, "kol": {"share": 0.4}}},
            "users": {"share": 0.5,
                      "split": {"coupons": {"share": 0.5}, "referral": {"share": 0.2}, "talk": {"share": 0.2}}},
            "reserve": {"share": 0.15},
        },
        "tranches": [{"share": 0.5, "day": 0}, {"share": 0.3, "day": 20}, {"share": 0.2, "day": 40}],
        "reserve": {"account": "reserve", "release": {"days": [30, 45]}},
    },
    "levers": LEVERS,
}  # fmt: skip

RULES = {
    "better": {"metric": "roas", "levers": ["ads", "star"], "below": 4, "every": 3, "cool_down": 6, "window": 5,
               "action": {"do": "shift", "share": 0.3}},
    "more": {"metric": "roi", "levers": ["ads"], "above": -0.5, "every": 5, "cool_down": 10, "priority": -1,
             "action": {"do": "scale", "change": 0.2, "account": "reserve"}},
    "stop": {"metric": "orders", "above": 7_000, "every": 4, "window": 3, "priority": 2,
             "action": {"do": "switch", "levers": ["flash"], "to": False}},
}  # fmt: skip
SHOCKS = {
    "dear": {"on": True, "when": {"days": [5, 9]}, "media_price": 0.6, "channels": ["web"]},
    "rival": {"on": True, "when": {"days": [15, 20]}, "intent": -0.3, "traffic": -0.2},
    "strike": {"on": True, "when": {"days": [18, 28]}, "lead_days": 3, "delivery_days": 4},
    "down": {"on": True, "when": {"days": [33, 35]}, "outage": 0.3},
    "ill": {"on": True, "when": "late", "agents": -0.4},
}
CONTROL = {"rules": RULES, "shocks": SHOCKS, "measurement": {"lag": 1, "noise": 0.2}}


def everything(*parts: Mapping[str, Any], **part: Any) -> Scenario:
    """Return a market of 600 users in which every kind of lever, stock, service, season and festival is at work."""
    return plan(_EVERYTHING, *parts, part)


def without(scenario: Scenario, *levers: str) -> Scenario:
    """Return the scenario without these levers."""
    return scenario.model_copy(update={"levers": {n: v for n, v in scenario.levers.items() if n not in levers}})


def with_lever(scenario: Scenario, name: str, **lever: Any) -> Scenario:
    """Return the scenario with one lever more, or changed."""
    data = scenario.model_dump(by_alias=True, exclude_unset=True)
    data["levers"] = {**data.get("levers", {}), name: merged(data.get("levers", {}).get(name, {}), lever)}
    return Scenario.model_validate(data)


Evening = Callable[[Rehearsal, int, Any], None]
"""What a test does with (stage, day, the day's results) when a day is over."""


def finished(
    scenario: Scenario, seed: int = 1, evening: Evening | None = None, begin: Callable[[Rehearsal], None] | None = None
) -> Rehearsal:
    """Return a run that is over; `begin` was called before it, `evening` at the end of each day."""
    stage = Rehearsal(scenario, seed)
    if begin is not None:
        begin(stage)
    if evening is not None:
        watch = stage.observer.watch

        def watching(day: int, out: Any, states: Any, world: Any) -> None:
            watch(day, out, states, world)
            evening(stage, day, out)

        stage.observer.watch = watching  # type: ignore[method-assign]
    stage.run_until(stage.calendar.last)
    return stage


def total(
    run: Run | Rehearsal, metric: int, first: int = -(10**6), last: int = 10**6, segment: int | None = None
) -> int:
    """Return the sum of a metric over days first to last [simulated market]."""
    return run.observer.total(metric, first, last, segment)


def by_day(run: Run | Rehearsal, metric: int) -> Any:
    """Return a metric day by day, [days]; index 0 is the first day of the burn-in."""
    return run.observer.series[:, metric].sum(axis=1)


def kpi(run: Run, name: str, window: str = "plan") -> float:
    """Return a KPI of a run."""
    frame = run.kpis
    row = frame[(frame["kpi"] == name) & (frame["window"] == window) & (frame["segment"] == "all")]
    return float(row["value"].iloc[0])


def tables(run: Run) -> dict[str, pd.DataFrame]:
    """Return all tables of a run."""
    names = ("daily", "cohorts", "ledger", "credit", "kpis", "accounts", "rules", "journeys", "targets")
    return {name: getattr(run, name) for name in names}


def digests(run: Run) -> dict[str, str]:
    """Return a digest of the bytes of every table of a run."""
    return {name: hashlib.sha256(t.to_csv(index=False).encode()).hexdigest() for name, t in tables(run).items()}


def paired(
    one: Scenario, other: Scenario, metric: str | int, seeds: Iterable[int]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return a KPI (by id) or a metric's sum for two scenarios, [seeds] each, with common seeds."""
    from sim.run import simulate

    def value(scenario: Scenario, seed: int) -> float:
        run = simulate(scenario, seed)
        return kpi(run, metric) if isinstance(metric, str) else total(run, metric)

    seeds = list(seeds)
    return np.array([value(one, s) for s in seeds], float), np.array([value(other, s) for s in seeds], float)


def daily(users: int, *parts: Mapping[str, Any], scale: int = 10, **part: Any) -> Scenario:
    """Return a market without chance: every user visits every day and orders one basket of 100 yuan; no burn-in."""
    every_day = {"start": {"aware": 0, "registered": 1.0}, "visit": {"rate": 1.0}, "shop": ALWAYS}
    goods = {"classes": {"thing": {"returns": 0}}}
    return plan(
        of_users(users, scale), behaving(SILENT, every_day), {"clock": {"burn_in": 0, "tail": 0}, "goods": goods},
        {"accounts": {"total": 10**9}}, *parts, part,
    )  # fmt: skip


def spent(run: Run, lever: str, kind: str | None = None) -> pd.Series:
    """Return a lever's cost on each day of the plan [yuan]."""
    rows = run.ledger[(run.ledger["lever"] == lever) & (run.ledger["kind"] == (kind or run.ledger["kind"]))]
    return rows.groupby("day")["yuan"].sum().reindex(range(run.scenario.clock.days), fill_value=0.0)


DEEP = {"market": {"channels": {"web": {"depth": 1e6}}}}
"""A channel on which a budget buys what it buys uncrowded."""


def ads(**lever: Any) -> dict[str, Any]:
    """Return a part with a media lever that costs a cent an impression, 60,000 yuan in all."""
    base = {"kind": "media", "channel": "web", "account": "media", "unit_cost": 10, "click": 0, "budget": 60_000}
    return {"levers": {"ads": {**base, **lever}}}
