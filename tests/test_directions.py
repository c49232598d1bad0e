"""Directions: all else equal and with common seeds, each change moves its outcome the way it must, never the other.

Where users' lives drift apart after a change (an order more is a visit less, somewhere), one seed alone may show the
opposite; then the mean over seeds must go the right way at every step and the whole range by 4 standard errors.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from markets import LIVELY, behaving, kpi, of_users, plan, total, with_lever

from scenarios import Scenario
from sim import metrics as M
from sim.run import simulate

SEEDS = range(50, 58)


def base(**part: Any) -> Scenario:
    return plan(of_users(2_000), behaving(LIVELY, {"shop": {"cart": 0.2}}), part)


def outcomes(steps: Sequence[Scenario], outcome: str | tuple[int, int] | int) -> np.ndarray:
    """Return a KPI, a metric's sum in the plan, or the ratio of two, [steps, seeds]."""

    def value(scenario: Scenario, seed: int) -> float:
        run = simulate(scenario, seed)
        if isinstance(outcome, str):
            return kpi(run, outcome)
        if isinstance(outcome, tuple):
            return total(run, outcome[0], 0, 59) / total(run, outcome[1], 0, 59)
        return total(run, outcome, 0, 59)

    return np.array([[value(s, seed) for seed in SEEDS] for s in steps])


def rises(values: np.ndarray) -> bool:
    """Return whether the mean rises at every step, and from first to last by 4 standard errors of the difference."""
    whole = values[-1] - values[0]
    return bool((np.diff(values.mean(axis=1)) > 0).all() and whole.mean() > 4 * whole.std(ddof=1) / np.sqrt(len(whole)))


def falls(values: np.ndarray) -> bool:
    return rises(-values)


def media(budget: float, **lever: Any) -> dict[str, Any]:
    return {
        "ads": {
            "kind": "media",
            "channel": "web",
            "account": "media",
            "unit_cost": 50,
            "click": 0.05,
            "budget": budget,
            **lever,
        }
    }


def test_more_media_budget_never_buys_fewer_impressions_or_clicks() -> None:
    steps = [base(levers=media(budget)) for budget in (0, 20_000, 50_000, 150_000, 500_000)]
    shown = outcomes(steps, M.EXPOSURE)
    assert (np.diff(shown, axis=0) > 0).all(), "in every seed"
    assert rises(outcomes(steps, M.AD_CLICKS))


def test_a_channel_sells_fewer_impressions_for_the_same_money_the_shallower_it_is() -> None:
    steps = [base(levers=media(200_000), market={"channels": {"web": {"depth": d}}}) for d in (0.1, 0.3, 1, 5)]
    assert (np.diff(outcomes(steps, M.EXPOSURE), axis=0) > 0).all(), "in every seed"


def test_doubling_a_budget_less_than_doubles_clicks_on_a_finite_audience() -> None:
    clicks = outcomes([base(levers=media(budget)) for budget in (25_000, 50_000, 100_000, 200_000)], M.AD_CLICKS)
    gain = clicks[1:].mean(axis=1) / clicks[:-1].mean(axis=1)
    assert (gain < 2).all()
    assert gain[-1] < gain[0], "and the more so the larger it is"
    assert (clicks[-1] < 2 * clicks[-2]).all()


def test_wear_out_lowers_the_click_rate() -> None:
    steps = [
        base(levers=media(100_000), market={"channels": {"web": {"frequency_half": h}}}) for h in (0.5, 2, 10, 1e6)
    ]
    assert rises(outcomes(steps, (M.AD_CLICKS, M.EXPOSURE)))


def coupon(off: float) -> dict[str, Any]:
    return {"sale": {"kind": "offer", "form": "amount", "off": off, "account": "users"}}


RICH = {"accounts": {"total": 10**9}}


def test_a_deeper_coupon_never_lowers_conversion() -> None:
    steps = [base(**RICH), *(base(levers=coupon(off), **RICH) for off in (5, 10, 20, 40))]
    assert rises(outcomes(steps, "order_conversion"))


def test_a_deeper_threshold_coupon_never_lowers_conversion_or_basket() -> None:
    rule = {"kind": "offer", "form": "threshold", "over": 120, "account": "users"}
    steps = [base(levers={"sale": {**rule, "off": off}}, **RICH) for off in (5, 15, 30, 60)]
    assert rises(outcomes(steps, "order_conversion"))
    assert rises(outcomes(steps, "aov"))


def test_a_coupon_moves_the_price_sensitive_more() -> None:
    def step(sensitivity: float) -> Scenario:
        return base(market={"segments": {"all-of-us": {"price_sensitivity": sensitivity}}}, levers=coupon(15), **RICH)

    assert rises(outcomes([step(s) for s in (0, 0.5, 1, 2)], "order_conversion"))


def test_users_who_come_to_expect_savings_respond_less_to_them() -> None:
    steps = [base(levers=coupon(20), behaviour={"fade": {"habituation": h}}, **RICH) for h in (0, 0.1, 0.5)]
    assert falls(outcomes(steps, "order_conversion"))


def test_more_invitations_never_bring_fewer_invited_registrations() -> None:
    invite = {"kind": "referral", "accept": 0.3}
    steps = [base(levers={"invite": {**invite, "per_order": n}}) for n in (0, 0.3, 1, 3)]
    assert rises(outcomes(steps, M.INVITED_REGISTRATIONS))


def test_more_contacts_never_bring_fewer_invited_registrations() -> None:
    invite = {"kind": "referral", "accept": 0.3, "per_order": 2}
    steps = [base(levers={"invite": invite}, market={"contacts": {"mean": n}}) for n in (0, 2, 6, 40)]
    assert rises(outcomes(steps, M.INVITED_REGISTRATIONS))


@pytest.mark.parametrize(
    "effect", [{"ctr": 0.3}, {"detail_bounce": -0.4}, {"cart": 0.3}, {"payment_abandonment": -0.5}]
)
def test_a_better_page_never_lowers_conversion(effect: dict[str, float]) -> None:
    (field, change), page = next(iter(effect.items())), {"kind": "experience"}
    steps = [base(levers={"page": {**page, "effect": {field: change * k}}}) for k in (0, 0.5, 1)]
    assert rises(outcomes(steps, "order_conversion"))


def test_more_abandoned_payments_never_mean_more_orders() -> None:
    steps = [base(behaviour={"shop": {"payment_abandonment": p}}) for p in (0, 0.2, 0.5, 0.9)]
    assert falls(outcomes(steps, M.ORDERS))


def test_message_fatigue_lowers_open_rates() -> None:
    post = {"post": {"kind": "message", "channel": "sms", "opened": 0.1}}
    tired = [base(levers=post, behaviour={"fade": {"message_half": h}}) for h in (0.3, 1, 4, 1e6)]
    assert rises(outcomes(tired, (M.MESSAGES_OPENED, M.MESSAGES)))


def test_the_more_often_one_writes_the_fewer_messages_are_opened() -> None:
    steps = [
        base(levers={"post": {"kind": "message", "channel": "sms", "opened": 0.1, "every": d}}) for d in (14, 7, 3, 1)
    ]
    assert falls(outcomes(steps, (M.MESSAGES_OPENED, M.MESSAGES)))
    assert rises(outcomes(steps, M.MESSAGES))


def shelf(**stock: Any) -> Scenario:
    return base(goods={"classes": {"thing": {"stock": {"opening_days": 6, "cover_days": 2, "on_time": 1, **stock}}}})


def test_a_longer_lead_never_means_fewer_stock_outs() -> None:
    """Opening stock is the same; a longer lead also orders more ahead, which the first weeks pay for."""
    steps = [shelf(lead_days=d, expected_daily=5_000) for d in (1, 4, 8, 16)]
    assert rises(outcomes(steps, "stockout_rate"))


def test_more_unreliable_supply_never_means_fewer_stock_outs() -> None:
    steps = [shelf(lead_days=3, late_days=6, on_time=p, expected_daily=10_000) for p in (1, 0.7, 0.3)]
    assert rises(outcomes(steps, "stockout_rate"))


def test_fewer_agents_never_mean_higher_satisfaction() -> None:
    steps = [base(service={"agents": n, "contacts_per_order": 1}) for n in (1_000, 14, 11, 6)]
    assert falls(outcomes(steps, "csat"))


def test_slower_delivery_never_means_higher_satisfaction_or_more_visits() -> None:
    steps = [base(service={"delivery_days": d}, behaviour={"settle": {"loyalty": 3}}) for d in (2, 5, 8, 12)]
    assert falls(outcomes(steps, "csat"))
    assert falls(outcomes(steps, M.UV))


def test_a_bigger_group_discount_never_means_fewer_groups() -> None:
    pair = {"kind": "group_buy", "size": 2, "accept": 0.3, "account": "users"}
    steps = [base(levers={"pair": {**pair, "rate": r}}, **RICH) for r in (0.02, 0.1, 0.3, 0.6)]
    assert rises(outcomes(steps, M.GROUPS_STARTED))
    assert rises(outcomes(steps, M.GROUPS_FILLED))


def test_a_membership_that_keeps_customers_never_lowers_repurchase() -> None:
    club = {"kind": "membership", "review_days": 7}
    steps = [base(levers={"club": {**club, "tiers": {"friend": {"orders": 0, "drop": d}}}}) for d in (1, 0.5, 0)]
    assert rises(outcomes(steps, "repurchase_12m"))
    assert falls(outcomes(steps, M.LAPSES))


def test_happier_users_come_back_more() -> None:
    steps = [base(behaviour={"settle": {"loyalty": 3, "learn": 1}}, service={"promised_days": d}) for d in (0, 2, 9)]
    assert rises(outcomes(steps, M.UV))


def test_more_word_of_mouth_never_means_fewer_registrations() -> None:
    steps = [base(behaviour={"share": {"talk": p}, "hear": {"spontaneous": 0}}) for p in (0, 0.05, 0.3)]
    assert rises(outcomes(steps, M.NEW_USERS))


def test_more_spending_on_a_lever_never_turns_into_less_for_it() -> None:
    """Spend of a media lever is its budget, to the cent, as long as the account holds it."""
    for budget in (10_000, 77_777.77, 250_000):
        run = simulate(with_lever(base(), "ads", **media(budget)["ads"]), 1)
        assert kpi(run, "spend") == pytest.approx(budget, abs=0.01)
