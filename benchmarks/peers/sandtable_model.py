"""The funnel as a Sandtable scenario with everything else off, through the product's own clock, ledger and observer."""

import numpy as np

from benchmarks.funnel import AWARE, CHURNED, CUSTOMER, DEGREE, REPEAT, STATES, UNAWARE, Counts, Daily, Funnel
from scenarios import Scenario
from sim import metrics, users
from sim.run import Rehearsal

FOR_EVER = 3660
CERTAIN = 1.0
ALIKE = 1e6


def scenario(funnel: Funnel, users: int, days: int) -> Scenario:
    """Return the funnel as a scenario: every step of a visit certain, no satisfaction, no forgetting, no money."""
    return Scenario.model_validate(
        {
            "name": "funnel",
            "question": "How fast does the engine live a user's day?",
            "clock": {"start": "2024-01-01", "days": days, "burn_in": 0, "tail": 0},
            "market": {
                "people": users,
                "users": users,
                "segments": {"all": {"share": 1}},
                "contacts": {"mean": DEGREE},
            },
            "goods": {"classes": {"all": {"demand": 1, "basket": 100, "spread": 0, "returns": 0}}},
            "accounts": {"total": 0, "split": {"none": {"share": 1}}},
            "behaviour": {
                "start": {"aware": 0, "registered": 0},
                "hear": {"spontaneous": funnel.p_ad, "keep": 1, "half": 1e-12, "forget_below": 0},
                "visit": {"aware": funnel.p_buy, "rate": funnel.p_again, "shape": ALIKE, "registration": CERTAIN},
                "shop": {
                    "impressions": 1, "ctr": CERTAIN, "detail_bounce": 0, "cart": CERTAIN, "payment_abandonment": 0
                },
                "settle": {"loyalty": 0},
                "share": {"talk": funnel.p_talk},
                "fade": {
                    "lapse_at_registration": 0, "lapse_per_visit": 0, "drop": funnel.p_churn, "drop_shape": ALIKE,
                    "dormant_days": FOR_EVER, "churn_days": FOR_EVER, "renewal": 0,
                },
            },
            "levers": {
                "invitations": {
                    "kind": "referral", "audience": {"orders": [0, None]}, "per_order": funnel.p_invite, "accept": 0
                }
            },
        }
    )  # fmt: skip


def prepare(funnel: Funnel, users: int, seed: int) -> Daily:
    """Build the market and return its daily loop."""
    rehearsal = Rehearsal(scenario(funnel, users, 1000), seed)

    def daily(days: int) -> Counts:
        rehearsal.run_until(days - 1)
        return counts(rehearsal, days)

    return daily


def counts(rehearsal: Rehearsal, days: int) -> Counts:
    """Return the state counts [days + 1, 5]; users gone for good are counted as such from the day they leave."""
    observer = rehearsal.observer
    states = observer.states[:days].sum(axis=2)
    gone = observer.series[:days, metrics.LAPSES].sum(axis=1).cumsum()
    gone_after_first = observer.series[:days, metrics.LAPSES_FIRST].sum(axis=1).cumsum()
    result = np.zeros((days + 1, len(STATES)), np.int64)
    result[0, UNAWARE] = rehearsal.scenario.market.users
    result[1:, UNAWARE] = states[:, users.UNAWARE]
    result[1:, AWARE] = states[:, users.AWARE] + states[:, users.VISITOR]
    result[1:, CUSTOMER] = states[:, users.FIRST] + states[:, users.RETAINED] - gone_after_first
    result[1:, REPEAT] = states[:, users.REPEAT] - (gone - gone_after_first)
    result[1:, CHURNED] = gone
    return result


def run(funnel: Funnel, users: int, days: int, seed: int) -> Counts:
    """Return the state counts [days + 1, 5]."""
    return prepare(funnel, users, seed)(days)
