"""Closed forms: where the model has a solution, the simulation agrees with it.

Tolerances are 4 standard errors of what is counted unless a comment gives another reason; seeds are fixed.
"""

import math
import random
from typing import Any

import numpy as np
import pytest
import simpy
from markets import (
    ALWAYS,
    SILENT,
    behaving,
    by_day,
    everything,
    finished,
    kpi,
    of_users,
    plan,
    total,
)
from scipy.special import beta, gammaln, hyp2f1

from scenarios import Scenario
from sim import metrics as M
from sim.hear import on_channel
from sim.run import Rehearsal, simulate
from sim.supply import erlang_c, mean_wait
from sim.users import UNAWARE

CLOCK = {"burn_in": 0, "tail": 0}


def near(got: float, expected: float, se: float) -> bool:
    return abs(got - expected) <= 4 * se


def share_near(count: int, of: int, p: float) -> bool:
    return near(count, of * p, math.sqrt(of * p * (1 - p)))


# --- reach -----------------------------------------------------------------------------------------------------------


def reached(n: float, impressions: float) -> tuple[float, float]:
    """Return mean and standard deviation of the distinct people among n hit by random impressions."""
    c = impressions / n
    mean = -n * math.expm1(impressions * math.log1p(-1 / n))
    return mean, math.sqrt(n * (math.exp(-c) - (1 + c) * math.exp(-2 * c)))


def test_the_formula_of_reach_gives_the_published_numbers() -> None:
    assert reached(500, 1_000)[0] == pytest.approx(432.47, abs=0.005)
    for n in (1e3, 1e9, 1e15, 1e18):
        assert reached(n, 2 * n)[0] / n == pytest.approx(0.86466, abs=2e-4)


def billboard(users: int, impressions: int, days: int, reach: float) -> Scenario:
    """Return a market in which the only thing that happens is that impressions leave an awareness that stays."""
    return plan(
        of_users(users, 1), behaving(SILENT, {"hear": {"keep": 1.0}, "start": {"aware": 0, "registered": 0}}),
        clock={**CLOCK, "days": days}, market={"channels": {"web": {"reach": reach, "depth": 1e6}}},
        accounts={"total": 2_000_000},
        levers={"ads": {"kind": "media", "channel": "web", "account": "media", "budget": impressions / 1_000 * 20,
                        "unit_cost": 20, "click": 0, "awareness": 1}},
    )  # fmt: skip


@pytest.mark.parametrize(("times", "days"), [(0.5, 1), (2, 1), (2, 10), (5, 7)])
def test_impressions_reach_as_many_people_as_random_ones_do(times: float, days: int) -> None:
    n = 20_000
    stage = finished(billboard(n, int(times * n), days, 1.0), 3)
    shown = total(stage, M.EXPOSURE)
    assert shown == pytest.approx(times * n, abs=days)
    hit = int((stage.population.world.users["state"] != UNAWARE).sum())
    assert near(hit, *reached(n, shown))


@pytest.mark.parametrize("reach", [0.5, 0.1, 0.03])
def test_impressions_reach_the_channels_members_and_nobody_else(reach: float) -> None:
    n = 20_000
    stage = finished(billboard(n, int(1.5 * n * reach), 1, reach), 4)
    member = stage.population.market.seed, stage.channels.streams["web"]
    from sim.draws import stream

    key = np.uint64(stream(member[0], 0, member[1]))
    members = np.array([on_channel(key, i, reach) for i in range(n)])
    assert share_near(int(members.sum()), n, reach)
    hit = stage.population.world.users["state"] != UNAWARE
    assert not hit[~members].any()
    assert near(int(hit.sum()), *reached(members.sum(), total(stage, M.EXPOSURE)))


# --- Bass diffusion --------------------------------------------------------------------------------------------------


def innovators_and_imitators(users: int, p: float, q: float, days: int) -> Scenario:
    """Return a market in which all who hear come, register, order and from then on tell strangers."""
    return plan(
        of_users(users), clock={**CLOCK, "days": days}, market={"contacts": {"mean": 0, "strangers": 1.0}},
        behaviour=behaving(SILENT, {
            "start": {"aware": 0, "registered": 0}, "hear": {"spontaneous": p, "keep": 1.0, "half": 1e-6, "word": 1e3},
            "visit": {"aware": 1.0, "registration": 1.0}, "share": {"talk": q, "listen": 1.0}, "shop": ALWAYS,
        })["behaviour"],
    )  # fmt: skip


def recursion(p: float, q: float, days: int) -> np.ndarray:
    """Return the share of adopters at the end of each day of a large market with the simulator's lags.

    Who hears today comes and orders tomorrow; who ordered talks from the next day on, and is heard the day after that.
    """
    unaware, adopters, hearing = 1.0, np.zeros(days + 2), 0.0
    for t in range(days):
        adopters[t] = adopters[t - 1] + hearing
        hearing = unaware * (1 - (1 - p) * math.exp(-q * adopters[t - 2]))
        unaware -= hearing
    return adopters[:days]


def test_adoption_follows_the_discrete_bass_recursion() -> None:
    """Sup-distance over the whole curve; the tolerance is 4 standard errors of the mean of 6 seeds plus 0.002 for the
    covariance that a finite market has and the recursion has not."""
    n, p, q, days = 20_000, 0.001, 0.04, 240
    curves = [
        np.cumsum(by_day(simulate(innovators_and_imitators(n, p, q, days), s), M.NEW_CUSTOMERS)) / n for s in range(6)
    ]
    se = np.std(curves, axis=0, ddof=1).max() / math.sqrt(6)
    expected = recursion(p, q, days)
    assert np.abs(np.mean(curves, axis=0) - expected).max() < 4 * se + 0.002
    assert expected[-1] > 0.9
    assert se < 0.01


def test_adoption_peaks_when_and_as_high_as_basss_equation_says() -> None:
    """Continuous formulas. The lag of 3 days from order to order slows imitation by about 3q = 2.4 %, which delays and
    lowers the peak; chance adds about 1 %: 4 % and 5 %. The top is too flat for its place to be seen in daily counts:
    the time is when the share of the peak is reached, and the height is the mean of the 41 days around it."""
    n, p, q, days = 50_000, 0.0002, 0.008, 800
    new = sum(by_day(simulate(innovators_and_imitators(n, p, q, days), s), M.NEW_CUSTOMERS) for s in (1, 2)) / 2
    peak = int(np.searchsorted(np.cumsum(new) / n, 0.5 - p / (2 * q)))
    assert peak == pytest.approx(math.log(q / p) / (p + q), rel=0.04)
    assert new[peak - 20 : peak + 21].mean() == pytest.approx(n * (p + q) ** 2 / (4 * q), rel=0.05)
    assert new[peak - 120 : peak - 79].mean() < new[peak - 20 : peak + 21].mean() > new[peak + 80 : peak + 121].mean()


# --- Markov chains ---------------------------------------------------------------------------------------------------


def test_a_visit_is_the_absorbing_markov_chain_of_its_steps() -> None:
    """Transient: landing, detail page, interest, payment; absorbing: bounce, left the page, no cart, gave up, ordered.
    Visits to transient states are N = (I - Q)^-1, ends are B = N R."""
    shop = {"impressions": 20, "ctr": 0.05, "detail_bounce": 0.4, "cart": 0.3, "payment_abandonment": 0.25}
    scenario = plan(
        of_users(5_000), behaving(SILENT, {"start": {"aware": 0, "registered": 1.0}, "visit": {"rate": 0.5}, "shop": shop}),
        clock={**CLOCK, "days": 40},
    )  # fmt: skip
    run = simulate(scenario, 11)
    clicked = 1 - (1 - 0.05) ** 20
    Q, R = np.zeros((4, 4)), np.zeros((4, 5))
    Q[0, 1], R[0, 0] = clicked, 1 - clicked
    Q[1, 2], R[1, 1] = 0.6, 0.4
    Q[2, 3], R[2, 2] = 0.3, 0.7
    R[3, 3], R[3, 4] = 0.25, 0.75
    N = np.linalg.inv(np.eye(4) - Q)
    B = N @ R
    visits = total(run, M.UV)
    assert share_near(visits, 5_000 * 40, 0.5)
    for metric, p in zip((M.DETAILS, M.CARTS), (N[0, 1], N[0, 3]), strict=True):
        assert share_near(total(run, metric), visits, p)
    for metric, p in zip(
        (M.BOUNCES, M.DETAIL_BOUNCES, M.PAYMENTS_ABANDONED, M.ORDERS), B[0, [0, 1, 3, 4]], strict=True
    ):
        assert share_near(total(run, metric), visits, p)
    assert B.sum(axis=1) == pytest.approx(np.ones(4))
    clicks = total(run, M.ITEM_CLICKS)
    assert share_near(clicks, 20 * visits, 0.05)


def newcomers(users: int, days: int, *behaviour: dict[str, Any], **part: Any) -> Scenario:
    """Return a market whose people, all aware, come and register in the first weeks."""
    arrive = {
        "start": {"aware": 1.0, "registered": 0.0},
        "hear": {"keep": 1.0},
        "visit": {"aware": 1.0, "registration": 1.0},
    }
    return plan(of_users(users), behaving(SILENT, arrive, *behaviour), {"clock": {**CLOCK, "days": days}}, part)


def test_order_and_lapse_are_competing_hazards() -> None:
    """A visit ends in an order with c; else the user lapses with l: P(order first) = c / (c + (1 - c) l)."""
    c, lapse = 0.05, 0.08
    shop = {**ALWAYS, "cart": c}
    scenario = newcomers(10_000, 500, {"visit": {"rate": 0.5}, "shop": shop, "fade": {"lapse_per_visit": lapse}})
    stage = finished(scenario, 5)
    assert total(stage, M.NEW_USERS) == 10_000
    assert total(stage, M.NEW_CUSTOMERS) + total(stage, M.LAPSES) == 10_000
    assert share_near(total(stage, M.NEW_CUSTOMERS), 10_000, c / (c + (1 - c) * lapse))


# --- referral as a branching process ---------------------------------------------------------------------------------


def fission(contacts: int, per_order: float, accept: float) -> Scenario:
    """Return a market of 50,000 with 500 members whom a message makes order once; who orders invites contacts, and who
    accepts registers and orders at once."""
    return plan(
        of_users(50_000), clock={**CLOCK, "days": 60}, market={"contacts": {"mean": contacts}},
        behaviour=behaving(SILENT, {
            "start": {"aware": 0, "registered": 0.01}, "hear": {"half": 1e6}, "visit": {"registration": 1.0},
            "shop": ALWAYS, "fade": {"drop": 1.0},
        })["behaviour"],
        levers={
            "call": {"kind": "message", "channel": "sms", "opened": 1.0, "open": {"days": [0, 0]}},
            "invite": {"kind": "referral", "per_order": per_order, "accept": accept, "registration": 1},
        },
    )  # fmt: skip


def offspring(contacts: int, per_order: float, accept: float, seed: int) -> tuple[int, int]:
    """Return the members that the message called, and all who ordered in the end."""
    stage = finished(fission(contacts, per_order, accept), seed)
    called, ordered = total(stage, M.MESSAGES_OPENED), total(stage, M.NEW_CUSTOMERS)
    assert total(stage, M.ORDERS) == ordered
    assert by_day(stage, M.ORDERS)[-5:].sum() == 0, "the process has not died out"
    return called, ordered


def test_subcritical_referral_multiplies_seeds_by_one_over_one_minus_r() -> None:
    """Variance of the total: seeds s2 / (1 - R)^3 with s2 = R (1 - accept) for whole numbers of invitations. A market
    of 50,000 is used up by 1 % on average, and a contact in 200 is the parent: R is lower by 1.5 %, so the total."""
    per_order, accept = 1.0, 0.5
    R = per_order * accept
    results = [offspring(200, per_order, accept, s) for s in range(8)]
    seeds, ordered = np.sum(results, axis=0)
    assert seeds == pytest.approx(8 * 500, rel=0.15)
    se = math.sqrt(seeds * R * (1 - accept) / (1 - R) ** 3)
    assert abs(ordered - seeds / (1 - R)) < 4 * se + 0.015 * seeds / (1 - R)


def test_limited_contacts_make_referral_smaller() -> None:
    """With 2 contacts, one of them the parent, an invitation meets somebody new with probability 1/2 or less."""
    few = np.sum([offspring(2, 1.0, 0.5, s) for s in range(3)], axis=0)
    many = np.sum([offspring(200, 1.0, 0.5, s) for s in range(3)], axis=0)
    assert few[1] / few[0] < 0.9 * many[1] / many[0]
    assert few[1] / few[0] == pytest.approx(1 + 0.5 / (1 - 0.25), rel=0.05)


# --- repeat purchases: BG/NBD ----------------------------------------------------------------------------------------

r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
"""CDNOW (Fader, Hardie & Lee 2005); time in weeks."""


def expected_purchases(t: float) -> float:
    """Return E[X(t)] of a customer, eq. 9 of Fader, Hardie & Lee (2005)."""
    z = t / (alpha + t)
    return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * float(hyp2f1(r, b, a + b - 1, z)))


def probability_of_purchases(x: int, t: float) -> float:
    """Return P(X(t) = x), eq. 8."""
    z, still = t / (alpha + t), (alpha / (alpha + t)) ** r
    terms = [math.exp(gammaln(r + j) - gammaln(r) - gammaln(j + 1)) * z**j for j in range(x + 1)]
    alive = beta(a, b + x) / beta(a, b) * still * terms[x]
    return float(alive + (beta(a + 1, b + x - 1) / beta(a, b) * (1 - still * sum(terms[:x])) if x else 0.0))


BG_NBD = {
    "visit": {"rate": r / alpha / 7, "shape": r},
    "fade": {"drop": a / (a + b), "drop_shape": a + b},
    "shop": {**ALWAYS, "cart": 1 - 1e-9},
}


@pytest.fixture(scope="module")
def customers() -> Rehearsal:
    """People register within 50 days in which nobody buys; from day 0 each visit is a purchase."""
    closed = {"date": "2024-01-01", "stages": {"closed": {"days": [-50, -1], "intent": 0}}}
    scenario = newcomers(40_000, 7 * 78, BG_NBD, clock={"burn_in": 50}, festivals={"before": closed})
    bought: dict[int, Any] = {}

    def note(stage: Rehearsal, day: int, out: Any) -> None:
        if day + 1 in (0, 7 * 39, 7 * 78):
            bought[day + 1] = stage.population.world.users["orders"].copy()

    stage = finished(scenario, 17, note)
    stage.bought = bought  # type: ignore[attr-defined]
    return stage


@pytest.mark.parametrize("weeks", [39, 78])
def test_purchases_have_the_expectation_of_bg_nbd(customers: Rehearsal, weeks: int) -> None:
    """The daily grid and the table of 4096 quantiles add about 0.3 % to the sampling error of 1 %."""
    x = customers.bought[7 * weeks]  # type: ignore[attr-defined]
    assert not customers.bought[0].any()  # type: ignore[attr-defined]
    assert near(x.mean(), expected_purchases(weeks), x.std() / math.sqrt(len(x)))


def test_purchases_have_the_distribution_of_bg_nbd(customers: Rehearsal) -> None:
    x = customers.bought[7 * 39]  # type: ignore[attr-defined]
    for k in range(7):
        assert share_near(int((x == k).sum()), len(x), probability_of_purchases(k, 39))
    assert sum(probability_of_purchases(k, 39) for k in range(400)) == pytest.approx(1)


def test_users_of_the_first_day_have_a_past_as_bg_nbd_has_it() -> None:
    """Tenure is uniform over 1095 days, so the expectation is the mean of E[X(t)] over it."""
    scenario = plan(
        of_users(40_000),
        behaving(SILENT, BG_NBD, {"start": {"aware": 0, "registered": 1.0}}),
        clock={**CLOCK, "days": 1},
    )
    users = Rehearsal(scenario, 23).population.world.users
    tenure = -users["registered"].astype(int)
    assert near(tenure.mean(), 548, 1095 / math.sqrt(12 * len(users)))
    expected = np.mean([expected_purchases((d + 0.5) / 7) for d in range(1, 1096, 7)])
    x = users["orders"]
    assert near(x.mean(), expected, x.std() / math.sqrt(len(x)))
    assert share_near(
        int((x == 0).sum()), len(x), np.mean([probability_of_purchases(0, d / 7) for d in range(1, 1096, 7)])
    )


# --- queues ----------------------------------------------------------------------------------------------------------


def test_erlang_c_and_the_mean_wait_have_the_published_values() -> None:
    assert erlang_c(3, 2.0) == pytest.approx(4 / 9)
    assert mean_wait(3, 2.0, 1.0) == pytest.approx(4 / 9)
    assert mean_wait(1, 0.5, 1.0) == pytest.approx(1.0), "M/M/1: rho / (mu - lambda)"
    assert mean_wait(3, 3.0, 1.0) == math.inf
    assert erlang_c(3, 3.5) == 1.0


@pytest.mark.parametrize(("servers", "load"), [(1, 0.3), (5, 4.2), (30, 25.0), (100, 99.0)])
def test_erlang_c_is_the_sum_of_its_definition(servers: int, load: float) -> None:
    terms = [math.exp(k * math.log(load) - math.lgamma(k + 1)) for k in range(servers + 1)]
    queued = terms[servers] * servers / (servers - load)
    assert erlang_c(servers, load) == pytest.approx(queued / (sum(terms[:servers]) + queued), rel=1e-9)


def test_large_service_desks_do_not_overflow() -> None:
    assert 0 < erlang_c(10_000, 9_950.0) < 1
    assert 0 < mean_wait(100_000, 99_000.0, 1.0) < 1
    assert erlang_c(1_000, 1.0) == pytest.approx(0, abs=1e-300)


def test_an_independent_simulation_of_the_queue_agrees() -> None:
    """M/M/3 in SimPy, 240,000 customers; standard errors (2 % of the wait) from batches, nearly uncorrelated."""
    rng, env = random.Random(1), simpy.Environment()
    desk, waits = simpy.Resource(env, 3), []

    def customer() -> Any:
        came = env.now
        with desk.request() as turn:
            yield turn
            waits.append(env.now - came)
            yield env.timeout(rng.expovariate(1.0))

    def arrivals() -> Any:
        while True:
            yield env.timeout(rng.expovariate(2.0))
            env.process(customer())

    env.process(arrivals())
    env.run(until=121_000)
    batches = np.array(waits[1_000:240_000]).reshape(239, 1_000)
    for measured, expected in ((batches, mean_wait(3, 2.0, 1.0)), (batches > 0, erlang_c(3, 2.0))):
        means = measured.mean(axis=1)
        assert near(means.mean(), expected, means.std(ddof=1) / math.sqrt(239))


# --- Little's law ----------------------------------------------------------------------------------------------------


def test_coupons_outstanding_are_the_issue_rate_times_the_time_in_the_wallet() -> None:
    """Coupons that nobody can use stay in the wallet on the day of issue and `valid` days more. L = lambda W is exact
    when the days before the first issue and after the last expiry are in."""
    scenario = newcomers(
        3_000, 120, {"visit": {"rate": 0.1}, "shop": ALWAYS}, clock={"tail": 30},
        levers={"never": {"kind": "offer", "form": "threshold", "give": "order", "over": 1e6, "off": 1, "valid": 12,
                          "account": "users"}},
    )  # fmt: skip
    held = []
    stage = finished(scenario, 2, lambda stage, day, out: held.append(int(stage.population.outstanding.sum())))
    issued, days = total(stage, M.COUPONS_ISSUED), len(stage.calendar)
    assert held[-1] == 0 == total(stage, M.COUPONS_REDEEMED)
    assert np.mean(held) == pytest.approx(issued / days * 13)
    assert issued > 5_000


def test_stock_on_order_is_the_order_rate_times_the_lead_time() -> None:
    """Deliveries of constant lead time; over 300 days what is still under way at the ends is below 5 %."""
    stock = {"expected_daily": 40_000, "opening_days": 10, "cover_days": 5, "lead_days": 9, "on_time": 1.0}
    scenario = newcomers(
        4_000, 330, {"visit": {"rate": 0.1}, "shop": ALWAYS}, goods={"classes": {"thing": {"stock": stock}}}
    )  # fmt: skip
    coming, sold = [], []

    def note(stage: Rehearsal, day: int, out: Any) -> None:
        if day >= 60:
            coming.append(stage.shelves[0].coming)
            sold.append(stage.shelves[0].wanted[-1])

    finished(scenario, 2, note)
    assert np.mean(coming) == pytest.approx(np.mean(sold) * 9, rel=0.05)


# --- the number of simulated users -----------------------------------------------------------------------------------

SIZES = {2_000: 48, 10_000: 16, 50_000: 6}
"""Users and seeds."""
SCALE_KPIS = (
    "uv", "orders", "gmv", "new_users", "new_customers", "exposure", "order_conversion", "aov", "spend", "profit",
    "referral_share", "retention_d1", "retention_d30", "repurchase_12m", "member_gmv_share", "coupon_redemption_rate",
    "csat", "stockout_rate", "ad_ctr", "mau", "payment_abandonment", "bounce_rate", "kol_conversion",
)  # fmt: skip


def test_kpis_do_not_depend_on_the_number_of_simulated_users() -> None:
    """All lever kinds, stock and service. A KPI's variance is taken to fall as one over users times seeds and is pooled
    over sizes; where the smallest market's whole numbers bite (quotas, stock, money for one order), 1 % more."""
    values: dict[int, np.ndarray] = {}
    for users, seeds in SIZES.items():
        scenario = everything({"market": {"people": 5_000_000, "users": users}, "accounts": {"total": 40_000_000}})
        scenario = scenario.override(REAL_SIZES)
        runs = [simulate(scenario, 1_000 + s) for s in range(seeds)]
        values[users] = np.array([[kpi(run, name) for name in SCALE_KPIS] for run in runs])
    spread = sum(((v - v.mean(axis=0)) ** 2).sum(axis=0) * users for users, v in values.items())
    variance = spread / (sum(SIZES.values()) - len(SIZES))
    largest = values[50_000].mean(axis=0)
    for users in (2_000, 10_000):
        se = np.sqrt(variance * (1 / (users * SIZES[users]) + 1 / (50_000 * SIZES[50_000])))
        away = np.abs(values[users].mean(axis=0) - largest) - 0.01 * np.abs(largest)
        late = {k: round(float(x), 2) for k, x in zip(SCALE_KPIS, away / se, strict=True) if x > 4}
        assert not late, f"{users} users: {late}"


REAL_SIZES = {
    "goods.classes.plain.stock.expected_daily": 75_000,
    "levers.public.quota": 40_000,
    "levers.star.unit_impressions": 5_000_000,
    "levers.star.unit_cost": 500_000,
    "service.agents": 400,
}
"""What is counted in the real market's units, for 5 million people."""
