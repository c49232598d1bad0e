"""Each lever does what it says: what it costs, whom it reaches, when it pays.

Most markets here are without chance (`daily`): every user orders one basket of 100 yuan a day, each user stands for 10.
"""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from markets import (
    ALWAYS,
    DEEP,
    LIVELY,
    LOYAL,
    SILENT,
    ads,
    behaving,
    by_day,
    daily,
    finished,
    kpi,
    of_users,
    plan,
    spent,
    total,
)

from scenarios import Scenario
from sim import metrics as M
from sim.run import Run, simulate

DAYS = 60


def within(count: float, of: float, p: float) -> bool:
    return abs(count - of * p) <= 4 * np.sqrt(of * p * (1 - p))


# --- media -----------------------------------------------------------------------------------------------------------


def test_a_media_budget_is_spent_evenly_and_to_the_cent() -> None:
    run = simulate(daily(200, DEEP, ads(budget=12_345.67)))
    assert spent(run, "ads").sum() == pytest.approx(12_345.67)
    assert spent(run, "ads").to_numpy() == pytest.approx(12_345.67 / DAYS, abs=0.01)


def test_a_budget_in_percent_is_a_share_of_the_account() -> None:
    run = simulate(daily(200, DEEP, ads(budget="3%"), accounts={"total": 1_000_000}))
    assert kpi(run, "spend") == pytest.approx(0.03 * 500_000)


def test_a_days_pace_is_the_largest_that_holds_however_they_are_listed() -> None:
    phases = {
        "all": {"days": [0, 59]},
        "high": {"days": [10, 19]},
        "low": {"days": [15, 39]},
        "none": {"days": [50, 54]},
    }
    expected = np.ones(DAYS)
    expected[10:20], expected[20:40], expected[50:55] = 3, 0.5, 0
    for order in (("high", "low", "none"), ("none", "low", "high")):
        weights = {"high": 3, "low": 0.5, "none": 0}
        run = simulate(daily(200, DEEP, ads(pace={name: weights[name] for name in order}), phases=phases))
        assert spent(run, "ads").to_numpy() == pytest.approx(60_000 * expected / expected.sum(), abs=0.02)


def test_weekdays_and_openings_limit_the_days_of_a_lever() -> None:
    run = simulate(daily(200, DEEP, ads(weekdays=["tue", "sun"], open=[{"days": [0, 20]}, {"days": [30, 40]}])))
    days = np.flatnonzero(spent(run, "ads"))
    weekday = days % 7  # day 0, 2024-01-01, is a Monday
    assert set(weekday.tolist()) == {1, 6}
    assert all(d <= 20 or 30 <= d <= 40 for d in days)
    assert spent(run, "ads").sum() == pytest.approx(60_000)


@pytest.mark.parametrize(("budget", "units"), [(100_000, 3), (30_000, 1), (29_999.99, 0), (45_000, 1)])
def test_placements_are_bought_whole_and_never_beyond_the_budget(budget: float, units: int) -> None:
    """Also with days few enough that half a unit waits on the last of them."""
    for days in (60, 2):
        run = simulate(daily(200, DEEP, ads(whole_units=True, unit_cost=30_000, budget=budget), clock={"days": days}))
        rows = run.ledger[run.ledger["lever"] == "ads"]["yuan"]
        assert rows.sum() == units * 30_000
        assert set((rows / 30_000 % 1).tolist()) <= {0.0}
        left = run.accounts.set_index("account")["left"]["media"]
        assert left == 5e8 - units * 30_000


def test_placements_are_bought_as_soon_as_an_even_pace_has_saved_for_them() -> None:
    run = simulate(daily(200, DEEP, ads(whole_units=True, unit_cost=9_000, budget=60_000)))
    assert (spent(run, "ads").cumsum() / 9_000).tolist() == [(day + 1) * 1_000 // 9_000 for day in range(DAYS)]


def test_a_budget_cut_below_what_waits_for_a_whole_unit_is_not_overspent() -> None:
    cut = {"cut": {"metric": "spend", "levers": ["ads"], "below": 1e9, "every": 1, "window": 1, "cool_down": 0,
                   "action": {"do": "scale", "change": -0.3}}}  # fmt: skip
    stage = finished(daily(200, DEEP, ads(whole_units=True, unit_cost=9_000, budget=40_000), rules=cut))
    assert stage.levers["ads"].left >= 0
    assert stage.accounts.spent["media"] <= 4_000_000


def test_a_units_impressions_spread_evenly_over_the_days_it_lasts() -> None:
    lasting = ads(budget=10_000, lasts=4, open={"days": [5, 5]})
    shown = by_day(simulate(daily(2_000, DEEP, lasting)), M.EXPOSURE) * 10
    assert shown[5:9] == pytest.approx(250_000, abs=20)
    assert shown.sum() == shown[5:9].sum()


def test_paid_visits_fall_into_the_levers_hours() -> None:
    silent = plan(
        of_users(2_000),
        behaving(SILENT),
        DEEP,
        ads(click=0.5, hours=[19, 21], open={"days": [0, 3]}),
        clock={"burn_in": 0},
    )
    visits = simulate(silent, journeys=range(2_000)).journeys.query("event == 'visits'")
    assert len(visits) > 500
    assert set(visits["hour"]) == {19, 20}


def test_impressions_go_to_segments_by_affinity_reach_and_size() -> None:
    segments = {"a": {"share": 0.5, "channels": {"web": 0.5}}, "b": {"share": 0.3}, "c": {"share": 0.2}}
    market = {"segments": segments, "channels": {"web": {"depth": 1e6, "reach": 0.8}}}
    run = simulate(daily(1_000, ads(affinity={"b": 2, "c": 0}), market=market))
    shown = run.observer.series[:, M.EXPOSURE].sum(axis=0)
    assert shown[0] / shown[1] == pytest.approx((0.5 * 0.4) / (0.3 * 0.8 * 2), rel=0.01)
    assert shown[2] == 0


def test_clicks_are_the_click_rate_of_fresh_impressions() -> None:
    """Fewer impressions than users, and no memory of exposure: 4 standard errors."""
    silent = behaving(SILENT, {"fade": {"fatigue_keep": 0.0}})
    run = simulate(plan(of_users(50_000, 1), silent, DEEP, ads(click=0.2, budget=600)))
    shown, clicks = total(run, M.EXPOSURE), total(run, M.AD_CLICKS)
    assert shown == pytest.approx(60_000, abs=DAYS)
    wear_out = 20 / (20 + 0.01)
    assert abs(clicks - 0.2 * shown) < 4 * np.sqrt(shown * 0.16) + shown * 0.2 * (1 - wear_out)


def test_commission_is_its_share_of_the_value_of_orders_that_the_lever_brought() -> None:
    shopping = behaving(SILENT, {"shop": ALWAYS})
    scenario = plan(
        of_users(2_000, 10), shopping, DEEP, ads(click=0.1, commission=0.15, budget=6_000), accounts={"total": 10**7}
    )
    stage = finished(scenario)
    brought = stage.observer.roles[:, stage.names.touches.index("ads"), 1].sum()
    commission = sum(cents for _, _, _, kind, cents in stage.ledger.rows if kind == "commission")
    assert brought == total(stage, M.ORDERS) > 300
    assert commission == brought * 10 * 1_500


# --- offers ----------------------------------------------------------------------------------------------------------


def offer(**what: Any) -> dict[str, Any]:
    return {"levers": {"o": {"kind": "offer", "account": "users", **what}}}


@pytest.mark.parametrize(
    ("what", "saving", "cost"),
    [
        ({"form": "amount", "off": 10}, 10, 10),
        ({"form": "amount", "off": 250}, 100, 100),
        ({"form": "percent", "rate": 0.15}, 15, 15),
        ({"form": "gift", "off": 20, "cost": 0.4}, 20, 8),
        ({"form": "threshold", "over": 100, "off": 12}, 12, 12),
        ({"form": "threshold", "over": 250, "off": 99}, 0, 0),
        ({"form": "amount", "off": 10, "over": 101}, 0, 0),
        ({"form": "free_shipping"}, 6, 6),
        ({"form": "free_shipping", "over": 101}, 0, 0),
    ],
)
def test_an_offer_saves_the_user_and_costs_the_plan_what_its_form_says(what: Any, saving: float, cost: float) -> None:
    service = {"shipping_fee": 6, "free_from": 500}
    run = simulate(daily(100, offer(**what), service=service, clock={"days": 10}))
    assert total(run, M.ORDERS) == 1_000
    assert total(run, M.SAVING) == 1_000 * saving * 100
    assert kpi(run, "spend") == 10_000 * cost


def test_baskets_below_a_threshold_are_padded_up_to_it_with_the_stated_probability() -> None:
    """A basket of 100 under 30 off 120: face / (face + missing) = 30 / 50."""
    run = simulate(daily(1_000, offer(form="threshold", over=120, off=30), clock={"days": 10}))
    padded = total(run, M.SAVING) // 3_000
    assert within(padded, 10_000, 0.6)
    assert total(run, M.GMV) == 10_000 * 10_000 + padded * 2_000


def test_baskets_too_far_below_a_threshold_are_not_padded() -> None:
    far = behaving({"shop": {"padding": 0.9}})
    assert total(simulate(daily(100, far, offer(form="threshold", over=120, off=30))), M.SAVING) == 0


def test_hours_and_weekdays_limit_an_offer() -> None:
    run = simulate(daily(1_000, offer(form="amount", off=10, hours=[8, 14], weekdays=["wed"])))
    used = by_day(run, M.SAVING) // 1_000
    assert not used[np.arange(DAYS) % 7 != 2].any()
    days = used[2::7]
    assert within(days.sum(), 1_000 * len(days), 6 / 24)


def test_goods_limit_an_offer() -> None:
    classes = {"x": {"demand": 0.3, "basket": 100, "spread": 0}, "y": {"demand": 0.7, "basket": 100, "spread": 0}}
    run = simulate(
        daily(1_000, offer(form="amount", off=10, goods=["x"]), goods={"classes": classes}, clock={"days": 10})
    )
    assert within(total(run, M.SAVING) // 1_000, 10_000, 0.3)


@pytest.mark.parametrize(
    ("audience", "share"),
    [({"segments": ["a"]}, 0.25), ({"tags": ["t"]}, 0.75 * 0.4), ({"orders": [10**6, None]}, 0), ({"idle": [0, 0]}, 0),
     ({"idle": [1, 1]}, 0.632),
     ({"registered": False}, 0), ({"registered": None}, 1), ({"segments": ["a"], "tags": ["t"]}, 0)],
)  # fmt: skip
def test_an_audience_limits_an_offer(audience: dict[str, Any], share: float) -> None:
    """Idle is counted from the visit before today's; with one visit a day, 1 - 1/e of users came yesterday."""
    market = {"segments": {"a": {"share": 0.25}, "b": {"share": 0.75, "tags": {"t": 0.4}}}}
    run = simulate(daily(4_000, offer(form="amount", off=10, audience=audience), market=market, clock={"days": 1}))
    assert within(total(run, M.SAVING) // 1_000, 4_000, share)


def test_a_quota_is_counted_in_the_real_market() -> None:
    """55 uses a day at 10 people behind a user: 5 or 6 simulated uses, 5.5 on average."""
    run = simulate(daily(200, offer(form="amount", off=10, quota=55)))
    used = by_day(run, M.SAVING) // 1_000
    assert set(used.tolist()) == {5, 6}
    assert abs(used.sum() - 5.5 * DAYS) < 4 * np.sqrt(DAYS / 4)
    assert kpi(run, "spend") == used.sum() * 100


def test_who_is_refused_an_offer_at_the_till_buys_as_if_there_were_none() -> None:
    """On one day, an offer that moves many may be used once: at most one order more than without it."""
    undecided = behaving({"shop": {"cart": 0.2}})

    def orders(**what: Any) -> tuple[int, int]:
        sale = offer(form="threshold", over=120, off=60, **what)
        run = simulate(daily(2_000, undecided, sale, clock={"days": 1}))
        return total(run, M.ORDERS), total(run, M.GMV) - 10_000 * total(run, M.ORDERS)

    none, all_of_them, one = orders(audience={"orders": [10**6, None]}), orders(), orders(quota=10)
    assert all_of_them[0] > none[0] + 300
    assert none[0] <= one[0] <= none[0] + 1
    assert one[1] <= 2_000, "and nobody pads his basket for nothing"


def test_one_offer_is_used_for_an_order_and_it_is_the_one_that_looks_best() -> None:
    levers = {
        "big": {"kind": "offer", "form": "amount", "off": 12, "account": "users"},
        "loud": {"kind": "offer", "form": "amount", "off": 8, "urgency": 2, "account": "users"},
    }
    run = simulate(daily(100, levers=levers, clock={"days": 5}))
    assert set(run.ledger["lever"]) == {"", "loud"}
    assert total(run, M.SAVING) == 500 * 800


def test_nobody_is_promised_a_saving_that_the_account_cannot_pay() -> None:
    """An account that cannot pay one more coupon moves nobody: neither its money nor users' conversion."""
    undecided = behaving(LIVELY, {"shop": {"cart": 0.2}})
    broke = {"accounts": {"total": 1_000, "split": {"purse": {"share": 1.0}}}}
    sale = {"kind": "offer", "form": "amount", "account": "purse", "off": 60}
    pair = {"kind": "group_buy", "size": 2, "rate": 0.6, "account": "purse"}
    none = simulate(plan(undecided, broke, of_users(1_000)))
    for lever in (sale, pair):
        run = simulate(plan(undecided, broke, of_users(1_000), levers={"x": lever}))
        assert np.array_equal(run.observer.series, none.observer.series)
        assert kpi(run, "spend") == 0


def test_a_member_discount_that_the_account_cannot_pay_moves_nobody() -> None:
    undecided = behaving(LIVELY, {"shop": {"cart": 0.2}})
    broke = {"accounts": {"total": 1, "split": {"purse": {"share": 1.0}}}}
    club = {"kind": "membership", "account": "purse", "review_days": 5}
    members = [{"x": {**club, "tiers": {"all": {"discount": discount}}}} for discount in (0.0, 0.5)]
    one, other = (simulate(plan(undecided, broke, of_users(1_000), levers=levers)) for levers in members)
    assert np.array_equal(one.observer.series, other.observer.series)
    assert total(one, M.MEMBER_GMV) > 0


def test_a_coupon_after_an_order_is_used_for_the_next() -> None:
    run = simulate(daily(100, offer(form="amount", off=10, give="order", valid=5), clock={"days": 20}))
    assert by_day(run, M.COUPONS_ISSUED).tolist() == [100] * 20
    assert by_day(run, M.COUPONS_REDEEMED).tolist() == [0] + [100] * 19


def test_a_coupon_expires_after_its_valid_days() -> None:
    """People register in the first days, half of the rest on each, and do not come again."""
    arrive = {
        "start": {"aware": 1.0, "registered": 0},
        "hear": {"keep": 1.0},
        "visit": {"aware": 1.0, "registration": 1.0},
    }
    welcome = offer(form="amount", off=10, give="registration", valid=7)
    run = simulate(plan(behaving(SILENT, arrive, {"shop": {"cart": 0.0}}), welcome, clock={"burn_in": 0}))
    issued, expired = by_day(run, M.COUPONS_ISSUED), by_day(run, M.COUPONS_EXPIRED)
    assert issued.sum() == 2_000
    assert np.array_equal(expired[8:], issued[:-8])
    assert not expired[:8].any()


def test_a_user_holds_each_coupon_once() -> None:
    """A threshold that no basket meets: the coupon given first is never used, and none is given beside it."""
    run = simulate(daily(100, offer(form="threshold", over=10_000, off=10, give="order", valid=100)))
    assert total(run, M.COUPONS_ISSUED) == 100


def test_coupons_given_stay_good_when_the_lever_closes() -> None:
    run = simulate(
        daily(100, offer(form="amount", off=10, give="order", valid=5, open={"days": [0, 9]}), clock={"days": 20})
    )
    assert by_day(run, M.COUPONS_ISSUED).tolist() == [100] * 10 + [0] * 10
    assert by_day(run, M.COUPONS_REDEEMED).tolist() == [0] + [100] * 10 + [0] * 9


# --- messages --------------------------------------------------------------------------------------------------------


def post(**what: Any) -> dict[str, Any]:
    return {"levers": {"m": {"kind": "message", "channel": "sms", "opened": 0.0, **what}}}


@pytest.mark.parametrize("every", [1, 3, 7, 14])
def test_a_scheduled_message_comes_to_each_user_once_in_every_so_many_days(every: int) -> None:
    journeys = simulate(daily(200, post(every=every)), journeys=range(200)).journeys
    messages = journeys[journeys["event"] == "gets-message"]
    for _, days in messages.groupby("user")["day"]:
        assert days.iloc[0] < every
        assert (np.diff(days) == every).all()
        assert days.iloc[-1] >= DAYS - every
    assert messages["user"].nunique() == 200
    if every > 1:
        assert messages.groupby("user")["day"].first().nunique() == every, "not all on the same day"


def test_weekdays_limit_scheduled_messages() -> None:
    sent = by_day(simulate(daily(50, post(weekdays=["fri"]))), M.MESSAGES)
    assert sent.tolist() == [50 if day % 7 == 4 else 0 for day in range(DAYS)]


@pytest.mark.parametrize(("every", "days"), [(7, 7), (14, 14), (3, 7)])
def test_messages_of_some_weekdays_keep_their_distance_too(every: int, days: int) -> None:
    """On Fridays only, with at most one in so many days: every Friday, or every second."""
    run = simulate(daily(100, post(every=every, weekdays=["fri"])), journeys=range(100))
    messages = run.journeys[run.journeys["event"] == "gets-message"]
    for _, received in messages.groupby("user")["day"]:
        assert (np.diff(received) == days).all()
    assert messages["user"].nunique() == 100


def test_messages_reach_the_members_of_their_channel_and_cost_their_price() -> None:
    market = {"channels": {"sms": {"reach": 0.3}}}
    run = simulate(daily(2_000, post(price=0.05, account="users"), market=market, clock={"days": 10}))
    sent = by_day(run, M.MESSAGES)
    assert within(sent[0], 2_000, 0.3)
    assert (sent == sent[0]).all(), "always the same people"
    assert kpi(run, "spend") == pytest.approx(sent.sum() * 10 * 0.05)


def test_messages_go_to_registered_users_of_the_audience_only() -> None:
    market = {"segments": {"a": {"share": 0.3}, "b": {"share": 0.7}}}
    half = behaving({"start": {"registered": 0.5}})
    stage = finished(daily(2_000, half, post(audience={"segments": ["a"]}), market=market, clock={"days": 3}))
    registered = int((stage.population.world.users["registered"] > -20_000)[:600].sum())
    assert total(stage, M.MESSAGES, segment=0) == 3 * registered
    assert total(stage, M.MESSAGES, segment=1) == 0


def test_messages_stop_when_the_account_cannot_pay_as_many_again() -> None:
    run = simulate(daily(100, post(price=1, account="users"), accounts={"total": 11_000}))
    assert by_day(run, M.MESSAGES)[:7].tolist() == [100, 100, 100, 100, 100, 0, 0]
    assert kpi(run, "spend") == 5_000


WANDERING = behaving(
    LIVELY, {"start": {"registered": 0.0}, "visit": {"rate": 0.07}, "fade": {**LOYAL, "churn_days": 400}}
)


TRIGGERS = [("registration", 1), ("registration", 3), ("order", 1), ("order", 6), ("cart", 1), ("cart", 2), ("idle", 5)]


@pytest.mark.parametrize(("after", "delay"), TRIGGERS)
def test_a_triggered_message_comes_exactly_its_delay_after_the_trigger(after: str, delay: int) -> None:
    """Expected days are worked out from the journeys: the trigger, unless something undid it before the day came."""
    scenario = plan(
        WANDERING, of_users(400), post(after=after, delay=delay, open={"days": [0, 59]}), clock={"burn_in": 20}
    )
    journeys = simulate(scenario, 9, journeys=range(400)).journeys
    days: dict[str, defaultdict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in journeys.itertuples():
        days[row.event][row.user].add(row.day)
    seen = 0
    for user in range(400):
        orders, visits = days["orders"][user], days["visits"][user]
        triggers, undone = {
            "registration": (days["registers"][user], orders),
            "order": (orders, orders),
            "cart": (days["abandons-payment"][user], orders | days["abandons-payment"][user]),
            "idle": (visits, visits),
        }[after]
        known = min(days["registers"][user], default=10**6)
        expected = {d + delay for d in triggers if d + delay > known and not undone & set(range(d + 1, d + delay))}
        if after == "registration":
            expected = {d + delay for d in triggers if not any(o < d + delay for o in orders)}
        expected = {d for d in expected if 0 <= d < DAYS}
        assert days["gets-message"][user] == expected, f"user {user}"
        seen += len(expected)
    assert seen > 30


def test_a_message_gives_its_coupon_and_brings_visits_at_its_hour() -> None:
    levers = {
        "m": {"kind": "message", "channel": "sms", "opened": 1.0, "hour": 7, "offer": "c", "open": {"days": [3, 3]}},
        "c": {"kind": "offer", "form": "amount", "give": "message", "off": 10, "account": "users"},
    }
    silent = behaving(SILENT, {"start": {"registered": 1.0, "aware": 0}, "shop": ALWAYS})
    run = simulate(plan(silent, of_users(100), levers=levers), journeys=range(100))
    assert by_day(run, M.COUPONS_REDEEMED).sum() == by_day(run, M.MESSAGES_OPENED)[33] == 100
    visits = run.journeys[run.journeys["event"] == "visits"]
    assert set(zip(visits["day"], visits["hour"], strict=True)) == {(3, 7)}


# --- referral --------------------------------------------------------------------------------------------------------

FISSION = {"kind": "referral", "per_order": 2, "accept": 0.5, "account": "users"}


def spreading(**what: Any) -> Scenario:
    """Return a market in which invitees register and order at once, and nobody is replaced."""
    behaviour = behaving(LIVELY, {"shop": {**ALWAYS, "cart": 0.5}, "fade": {**LOYAL, "churn_days": 900}})
    clock = {"burn_in": 0, "tail": 0}
    return plan(
        behaviour, of_users(1_000, 10), levers={"r": {**FISSION, **what}}, clock=clock, accounts={"total": 10**9}
    )


def test_referrers_are_paid_for_each_registration_and_each_first_order() -> None:
    stage = finished(spreading(on_register={"cash": 3}, on_order={"cash": 5}))
    registered, ordered = total(stage, M.INVITED_REGISTRATIONS), total(stage, M.INVITED_CUSTOMERS)
    assert registered > ordered > 50
    assert stage.accounts.spent["users"] == (registered * 300 + ordered * 500) * 10


@pytest.mark.parametrize("counts", ["register", "order"])
def test_thresholds_pay_at_their_number_of_invitees(counts: str) -> None:
    thresholds = [{"invitees": 2, "cash": 100}, {"invitees": 3, "cash": 1, "each": True}]
    stage = finished(spreading(counts=counts, thresholds=thresholds, per_order=5))
    invitees = stage.population.world.users["invitees"].astype(int)
    of = {"register": M.INVITED_REGISTRATIONS, "order": M.INVITED_CUSTOMERS}[counts]
    assert invitees.sum() == total(stage, of)
    expected = 100 * (invitees >= 2).sum() + np.maximum(invitees - 2, 0).sum()
    assert (invitees >= 4).sum() > 3
    assert stage.accounts.spent["users"] == expected * 100 * 10


def test_rewards_can_be_coupons() -> None:
    levers = {"c": {"kind": "offer", "form": "amount", "give": "reward", "off": 10, "account": "users", "valid": 60}}
    scenario = spreading(on_order={"offer": "c"})
    stage = finished(plan(scenario.model_dump(exclude_unset=True, by_alias=True), levers=levers))
    assert 50 < total(stage, M.COUPONS_ISSUED) <= total(stage, M.INVITED_CUSTOMERS)
    assert total(stage, M.COUPONS_REDEEMED) > 10


def test_invitations_and_acceptances_have_their_means() -> None:
    """Every order invites two contacts. Invitees come with probability 1/2 unless they are registered already; here
    only members order, once, by a message, and there are so many people that hardly two of them invite the same."""
    behaviour = behaving(
        SILENT, {"start": {"aware": 0, "registered": 0.02}, "shop": ALWAYS, "visit": {"registration": 0.25}}
    )
    call = {"kind": "message", "channel": "sms", "opened": 1.0, "open": {"days": [0, 0]}}
    visits_only = {"days": 2}
    scenario = plan(
        behaviour, of_users(20_000), market={"contacts": {"mean": 50}}, clock={"burn_in": 0, "tail": 0, **visits_only},
        levers={"r": {**FISSION, "registration": 1.0}, "call": call},
    )  # fmt: skip
    stage = finished(scenario)
    invited = int(by_day(stage, M.INVITATIONS)[0])
    assert invited == 2 * total(stage, M.ORDERS, 0, 0) > 500
    came = int(by_day(stage, M.UV)[1])
    assert within(came, invited * 0.98, 0.5)
    assert within(total(stage, M.INVITED_REGISTRATIONS), came, 1.0)


# --- group-buys ------------------------------------------------------------------------------------------------------


def grouping(size: int, **what: Any) -> Scenario:
    behaviour = behaving(LIVELY, {"shop": {**ALWAYS, "cart": 0.5}, "fade": {**LOYAL, "churn_days": 900}})
    pair = {"kind": "group_buy", "size": size, "off": 20, "accept": 0.3, "account": "users", **what}
    return plan(
        behaviour, of_users(1_000, 10), levers={"g": pair}, clock={"burn_in": 0, "tail": 20}, accounts={"total": 10**9}
    )


@pytest.mark.parametrize("size", [2, 3])
def test_a_full_group_pays_each_member_and_its_starter(size: int) -> None:
    stage = finished(grouping(size, initiator={"cash": 7}))
    started, filled, failed = (total(stage, m) for m in (M.GROUPS_STARTED, M.GROUPS_FILLED, M.GROUPS_FAILED))
    assert started == filled + failed
    assert min(filled, failed) > 50
    cost = defaultdict(int)
    for _, _, lever, kind, cents in stage.ledger.rows:
        cost[lever, kind] += cents
    assert cost["g", "discount"] == filled * size * 2_000 * 10
    assert cost["g", "reward"] == filled * 700 * 10
    assert total(stage, M.SAVING) == filled * size * 2_000


@pytest.mark.parametrize(("size", "limit"), [(2, 1), (3, 4)])
def test_groups_fill_within_their_time_or_fail_on_its_last_evening(size: int, limit: int) -> None:
    journeys = simulate(grouping(size, days=limit), journeys=range(1_000)).journeys
    started: dict[int, int] = {}
    failures = joins = 0
    for row in journeys.sort_values(["day"], kind="stable").itertuples():
        if row.event == "starts-group":
            started[row.user] = row.day
        elif row.event == "group-fails" and row.user in started:
            failures += 1
            assert row.day == started.pop(row.user) + limit
        elif row.event == "joins-group":
            joins += 1
            started.pop(row.user, None)
    assert min(failures, joins) > 50


def test_baskets_of_a_group_that_fails_are_lost() -> None:
    stage = finished(grouping(2, accept=0.0, start=1.0))
    assert total(stage, M.GROUPS_FILLED) == 0 < total(stage, M.GROUPS_FAILED)
    assert total(stage, M.SAVING) == 0
    without_orders = total(stage, M.PAYMENTS_STARTED, 0, 59) - total(stage, M.ORDERS, 0, 59)
    assert without_orders >= total(stage, M.GROUPS_STARTED)


def test_more_groups_than_the_table_held_at_first_find_room() -> None:
    stage = finished(grouping(3, accept=0.01, start=1.0, days=30, audience={"registered": None}))
    assert total(stage, M.GROUPS_STARTED) > 0
    assert len(stage.population.world.groups) > 1_000 // 16 + 64


# --- membership ------------------------------------------------------------------------------------------------------

CLUB = {"kind": "membership", "account": "users", "review_days": 10,
        "tiers": {"silver": {"orders": 5, "discount": 0.02, "monthly_cost": 3},
                  "gold": {"spend": 1_500, "discount": 0.1, "free_shipping": True}}}  # fmt: skip


FRESH = {
    "behaviour": {
        "start": {"aware": 1.0, "registered": 0}, "hear": {"half": 1e-12, "forget_below": 0},
        "visit": {"aware": 1.0, "registration": 1.0},
    }
}  # fmt: skip
"""Nobody has a past; everybody registers within the first days, with seed 6 early enough for each tier's first review."""


def test_tiers_are_reviewed_on_schedule_by_spend_and_orders() -> None:
    """Ten orders of 100 yuan in ten days make silver on day 10, twenty make gold on day 20; before, nobody has one."""
    run = simulate(daily(40, FRESH, levers={"club": CLUB}), 6, journeys=range(40))
    changes = run.journeys[run.journeys["event"] == "changes-tier"]
    assert changes.groupby("day")["detail"].agg(["count", "min", "max"]).to_dict("index") == {
        10: {"count": 40, "min": 1, "max": 1}, 20: {"count": 40, "min": 2, "max": 2}
    }  # fmt: skip


def test_members_get_their_discount_from_the_review_on() -> None:
    run = simulate(daily(40, FRESH, levers={"club": CLUB}), 6)
    discount = spent(run, "club", "discount")
    assert discount.tolist() == [0] * 10 + [40 * 10 * 2] * 10 + [40 * 10 * 10] * 40
    assert by_day(run, M.MEMBER_GMV).tolist() == [0] * 10 + [400_000] * 50
    assert run.daily.query("metric == 'users-loyal'").groupby("day")["value"].sum().to_dict() == dict.fromkeys(
        range(10, 60), 400
    )


def test_benefits_cost_their_monthly_price_at_each_review() -> None:
    run = simulate(daily(40, FRESH, levers={"club": CLUB}), 6)
    benefit = spent(run, "club", "benefit")
    assert benefit[benefit > 0].to_dict() == {10: 40 * 10 * 3 / 3}


def test_tiers_end_with_the_membership() -> None:
    stage = finished(daily(40, FRESH, levers={"club": {**CLUB, "open": {"days": [0, 24]}}}))
    members = by_day(stage, M.MEMBER_GMV) > 0
    assert members.tolist() == [False] * 10 + [True] * 15 + [False] * 35
    assert not stage.population.world.users["tier"].any()


def test_members_pay_no_shipping_fee_where_the_tier_says_so() -> None:
    run = simulate(daily(40, FRESH, levers={"club": CLUB}, service={"free_from": 1_000, "shipping_fee": 8}), 6)
    assert (by_day(run, M.SHIPPING_FEE) > 0).tolist() == [True] * 20 + [False] * 40


# --- experience ------------------------------------------------------------------------------------------------------


def page(**what: Any) -> dict[str, Any]:
    return {"levers": {"page": {"kind": "experience", "effect": {"basket": 0.4}, "account": "users", **what}}}


def basket(run: Run) -> list[float]:
    return (by_day(run, M.GMV) / by_day(run, M.ORDERS) / 10_000).round(4).tolist()


def test_an_improvement_is_paid_once_and_ramps_up_over_its_days() -> None:
    run = simulate(daily(20, page(ramp=3, once=5_000, daily=10, open={"days": [10, 29]})))
    assert spent(run, "page", "investment")[lambda x: x > 0].to_dict() == {10: 5_000}
    assert spent(run, "page", "running").tolist() == [0] * 10 + [10] * 20 + [0] * 30
    assert basket(run) == [1] * 10 + [1.1, 1.2, 1.3] + [1.4] * 17 + [1] * 30


def test_an_improvement_that_opens_twice_is_paid_once() -> None:
    run = simulate(daily(20, page(once=5_000, open=[{"days": [5, 9]}, {"days": [20, 24]}])))
    assert spent(run, "page").sum() == 5_000
    assert basket(run) == [1] * 5 + [1.4] * 5 + [1] * 10 + [1.4] * 5 + [1] * 35


def test_an_improvement_that_cannot_be_paid_waits_for_the_money() -> None:
    late = {"total": 20_000, "tranches": [{"share": 0.3, "day": 0}, {"share": 0.7, "day": 30}]}
    run = simulate(daily(20, page(once=5_000), accounts=late))
    assert spent(run, "page")[lambda x: x > 0].to_dict() == {30: 5_000}
    assert basket(run) == [1] * 30 + [1.4] * 30


def test_an_improvement_reaches_its_segments_only() -> None:
    market = {"segments": {"a": {"share": 0.5}, "b": {"share": 0.5}}}
    run = simulate(daily(20, page(audience=["b"]), market=market))
    assert kpi(run, "aov") == pytest.approx(120)
    assert total(run, M.GMV, segment=0) == 10 * DAYS * 10_000


@pytest.mark.parametrize(
    ("effect", "conversion"),
    [({}, 0.05), ({"ctr": 1}, 0.1), ({"detail_bounce": -0.5}, 0.075), ({"cart": 1}, 0.2 * (2 / 3) * 0.5),
     ({"payment_abandonment": -1}, 0.1)],
)  # fmt: skip
def test_effects_change_the_steps_they_name_by_the_stated_share(effect: dict[str, float], conversion: float) -> None:
    """One impression, clicked with 0.4; bounce 0.5; cart 0.5; abandonment 0.5: conversion 0.05."""
    shop = {"impressions": 1, "ctr": 0.4, "detail_bounce": 0.5, "cart": 0.5, "payment_abandonment": 0.5}
    stage = finished(daily(2_000, behaving({"shop": shop}), page(effect=effect), clock={"days": 20}))
    assert within(total(stage, M.ORDERS), 40_000, conversion)
