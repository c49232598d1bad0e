"""Supply and surprises: stock, lead times, the service desk, and shocks that act in their days alone."""

from typing import Any

import numpy as np
import pytest
from markets import behaving, by_day, daily, everything, finished, of_users, plan, total

from scenarios import Scenario
from sim import metrics as M
from sim.run import Rehearsal, simulate
from sim.supply import OPEN_SECONDS, mean_wait


def shelves(users: int = 100, days: int = 60, **stock: Any) -> Scenario:
    """Return a market of one class whose demand is `users` orders a day, each of 10 in the real market."""
    return daily(users, clock={"days": days}, goods={"classes": {"thing": {"stock": {"on_time": 1.0, **stock}}}})


class Books:
    """What goes over the shelf of one class: deliveries and sales of the real market, the level every evening."""

    def __init__(self, scenario: Scenario, seed: int = 1) -> None:
        self.delivered: list[tuple[int, float]] = []
        self.level: list[float] = []
        self.attempts: list[int] = []
        self.orders: list[int] = []
        self.stage = finished(scenario, seed, self.evening, self.begin)

    def begin(self, stage: Rehearsal) -> None:
        shelf, put = stage.shelves[0], stage.shelves[0].box.put

        def counting(amount: float) -> Any:
            self.delivered.append((stage.desk.day, amount))
            return put(amount)

        shelf.box.put = counting  # type: ignore[method-assign]

    def evening(self, stage: Rehearsal, day: int, out: Any) -> None:
        self.level.append(stage.shelves[0].box.level)
        self.orders.append(int(out.tally[M.ORDERS].sum()))
        self.attempts.append(int(out.tally[M.ORDER_ATTEMPTS].sum()))


def test_what_was_delivered_less_what_was_sold_is_what_is_left_every_evening() -> None:
    books = Books(shelves(expected_daily=800, opening_days=3, cover_days=2, lead_days=4))
    scale, started = 10, 1
    for day in range(started, 60):
        delivered = sum(amount for d, amount in books.delivered if d <= day)
        assert books.level[day] == pytest.approx(delivered - scale * sum(books.orders[started : day + 1]), abs=1e-6)
        assert books.level[day] >= 0
    assert min(books.level) < 10, "never short: the test says little"


def test_no_day_sells_more_than_lay_on_the_shelf_in_the_morning() -> None:
    books = Books(shelves(expected_daily=800, opening_days=3, cover_days=2, lead_days=4))
    for day in range(1, 60):
        arrived = sum(amount for d, amount in books.delivered if d == day)
        assert books.orders[day] * 10 <= books.level[day - 1] + arrived + 1e-6
    assert sum(books.orders) < sum(books.attempts) == 100 * 60


def test_plenty_of_stock_is_never_short() -> None:
    stage = finished(shelves(expected_daily=1_000, opening_days=20, cover_days=20, lead_days=2))
    assert total(stage, M.STOCKOUTS) == 0
    assert total(stage, M.ORDERS) == 100 * 60


def test_stock_is_unlimited_until_four_weeks_of_sales_have_been_seen_or_sales_are_expected() -> None:
    short = {"opening_days": 1, "cover_days": 0, "lead_days": 9}
    unseen = by_day(finished(shelves(**short)), M.STOCKOUTS)
    assert unseen[:28].sum() == 0 < unseen[28:].sum()
    expected = by_day(finished(shelves(expected_daily=500, **short)), M.STOCKOUTS)
    assert expected[0] == 0
    assert expected[1] == 50, "opening stock is one day of expected sales: half of what is asked for"


def test_orders_are_up_to_the_cover_and_come_after_the_lead_time() -> None:
    """Demand is 1,000 a day and known: one order a day of a day's sales, from the first evening on."""
    books = Books(shelves(expected_daily=1_000, opening_days=5, cover_days=3, lead_days=2))
    assert books.delivered[0] == (0, 5_000)
    assert [day for day, _ in books.delivered[1:]] == list(range(1 + 2, 60))
    assert [amount for _, amount in books.delivered[1:]] == pytest.approx([1_000] * 57)
    assert books.level[10:] == pytest.approx([3_000] * 50)


def test_a_late_delivery_comes_late_days_later() -> None:
    books = Books(
        shelves(expected_daily=1_000, opening_days=9, cover_days=9, lead_days=2, on_time=0.5, late_days=4), seed=3
    )
    days = np.array([day for day, _ in books.delivered[1:]])
    late = 1 - np.isin(np.arange(3, 56), days).mean()
    assert 0.2 < late < 0.6, "days on which nothing came: half were late, some of those met a late one"
    assert len(days) == len(set(days)) or np.bincount(days).max() == 2


def test_all_late_or_none_moves_every_delivery_by_the_same() -> None:
    punctual, late = (
        [
            day
            for day, _ in Books(
                shelves(expected_daily=1_000, opening_days=9, lead_days=2, late_days=4, on_time=p)
            ).delivered[1:]
        ]
        for p in (1.0, 0.0)
    )
    assert late == [day + 4 for day in punctual if day + 4 < 60]


@pytest.mark.parametrize("divert", [0.0, 0.3, 1.0])
def test_the_diverted_share_of_buyers_takes_a_substitute(divert: float) -> None:
    stock = {"expected_daily": 1e-6, "opening_days": 0, "cover_days": 0, "lead_days": 0, "divert": divert}
    classes = {"gone": {"demand": 0.5, "basket": 100, "spread": 0, "returns": 0, "margin": 0.9, "stock": stock},
               "there": {"demand": 0.5, "basket": 100, "spread": 0, "returns": 0, "margin": 0.1}}  # fmt: skip
    stage = finished(daily(500, clock={"days": 20}, goods={"classes": classes}))
    out, attempts = (int(by_day(stage, k)[1:].sum()) for k in (M.STOCKOUTS, M.ORDER_ATTEMPTS))
    orders = int(by_day(stage, M.ORDERS)[1:].sum())
    assert abs(out - attempts / 2) < 4 * np.sqrt(attempts / 4)
    assert abs((attempts - orders) - out * (1 - divert)) <= 4 * np.sqrt(out * divert * (1 - divert))
    assert by_day(stage, M.MARGIN)[1:].sum() == orders * 1_000, "a substitute earns its own margin"


def test_finding_it_out_of_stock_costs_satisfaction() -> None:
    gone = {"expected_daily": 1e-6, "opening_days": 0, "cover_days": 0, "divert": 0}
    stage = finished(daily(50, clock={"days": 3}, goods={"classes": {"thing": {"stock": gone}}},
                           behaviour={"settle": {"stockout_penalty": 0.2, "spread": 0, "learn": 0}}))  # fmt: skip
    assert stage.population.world.users["satisfaction"] == pytest.approx(0.75 - 2 * 0.2)


# --- the service desk ------------------------------------------------------------------------------------------------

DESK = {"agents": 10, "contacts_per_order": 1.0, "handle_minutes": 6, "slow_seconds": 60, "slow_penalty": 0.2,
        "promised_days": 9}  # fmt: skip


@pytest.mark.parametrize(("agents", "assisted"), [(10, 0.0), (9, 0.0), (12, 0.0), (6, 0.4)])
def test_response_time_is_the_mean_wait_of_the_queue(agents: int, assisted: float) -> None:
    stage = finished(daily(100, service={**DESK, "agents": agents, "assisted": assisted}, clock={"days": 5}))
    contacts = 100 * 10 * (1 - assisted) / OPEN_SECONDS
    assert stage.observer.response_seconds == pytest.approx(mean_wait(agents, contacts, 360))


def test_a_desk_that_cannot_keep_up_answers_at_the_end_of_the_day() -> None:
    stage = finished(daily(100, service={**DESK, "agents": 3}, clock={"days": 5}))
    assert (stage.observer.response_seconds == OPEN_SECONDS).all()


def test_slow_answers_cost_the_orders_of_the_next_day_the_penalty() -> None:
    settle = {"settle": {"spread": 0.0}}
    for agents, slow in ((30, False), (9, True)):
        run = simulate(daily(100, service={**DESK, "agents": agents}, behaviour=settle, clock={"days": 5}))
        scores = by_day(run, M.SATISFACTION_SUM) / by_day(run, M.ORDERS) / M.SATISFACTION_UNIT
        late = run.observer.response_seconds[0] > 60
        assert late == slow
        assert scores == pytest.approx([0.75] + [0.55 if slow else 0.75] * 4)


def test_no_agents_means_that_service_is_never_short() -> None:
    stage = finished(daily(100, service={**DESK, "agents": 0}, clock={"days": 3}))
    assert not stage.observer.response_seconds.any()


# --- shocks ----------------------------------------------------------------------------------------------------------

FIRST, LAST = 20, 24


def shock(**what: Any) -> dict[str, Any]:
    return {"shocks": {"s": {"on": True, "when": {"days": [FIRST, LAST]}, **what}}}


def weather(scenario: Scenario) -> dict[str, np.ndarray]:
    """Return what the verbs and operations met on each day."""
    seen: dict[str, list[Any]] = {}

    def note(stage: Rehearsal, day: int, out: Any) -> None:
        c = stage.weather.conditions
        now = {
            "visits": c.visits, "intent": c.intent, "ctr": c.ctr, "basket": c.basket, "outage": c.scalar[0],
            "delivery": c.scalar[2], "web price": stage.channels.price_factor("web", day),
            "video price": stage.channels.price_factor("video", day),
            "agents": float(np.prod([1 + x for x in stage.service.agents.values()])),
            "lead": [sum(s.extra_lead.values()) for s in stage.shelves],
        }  # fmt: skip
        for name, value in now.items():
            seen.setdefault(name, []).append(np.array(value, float))

    finished(scenario, 1, note)
    return {name: np.array(values) for name, values in seen.items()}


@pytest.mark.parametrize(
    ("what", "field", "change"),
    [
        ({"traffic": -0.3}, "visits", lambda x: x * 0.7),
        ({"intent": -0.4}, "intent", lambda x: x * 0.6),
        ({"outage": 0.25}, "outage", lambda x: 0.25),
        ({"delivery_days": 3}, "delivery", lambda x: x + 3),
        ({"media_price": 0.5, "channels": ["web"]}, "web price", lambda x: x * 1.5),
        ({"media_price": -0.2, "channels": ["video"]}, "video price", lambda x: x * 0.8),
        ({"agents": -0.5}, "agents", lambda x: 0.5),
        ({"lead_days": 4}, "lead", lambda x: 4),
    ],
)
def test_a_shock_changes_what_it_says_in_its_days_and_nothing_else(what: Any, field: str, change: Any) -> None:
    calm, struck = weather(everything()), weather(everything(shock(**what)))
    during = np.zeros(115, bool)
    during[35 + FIRST : 35 + LAST + 1] = True
    for name in calm:
        if name == field:
            assert struck[name][during] == pytest.approx(
                np.broadcast_to(change(calm[name][during]), struck[name][during].shape)
            )
            assert np.array_equal(struck[name][~during], calm[name][~during])
        else:
            assert np.array_equal(struck[name], calm[name])


def test_two_shocks_at_once_both_act() -> None:
    two = {"shocks": {n: {"on": True, "when": {"days": [20, 24]}, "outage": 0.5, "traffic": -0.5} for n in "ab"}}
    seen = weather(everything(two))
    assert seen["outage"][35 + 20] == 0.75
    assert seen["visits"][35 + 20] == pytest.approx(weather(everything())["visits"][35 + 20] / 4)


def test_an_outage_loses_its_share_of_visits() -> None:
    stage = finished(daily(2_000, shock(outage=0.3)))
    lost, came = by_day(stage, M.LOST_TO_OUTAGE), by_day(stage, M.UV)
    assert (lost + came == 2_000).all()
    during = slice(FIRST, LAST + 1)
    assert abs(lost[during].sum() - 0.3 * 10_000) < 4 * np.sqrt(10_000 * 0.21)
    assert lost.sum() == lost[during].sum()


def test_dearer_media_buys_fewer_impressions_for_the_same_money() -> None:
    ads = {
        "ads": {"kind": "media", "channel": "web", "account": "media", "unit_cost": 10, "click": 0, "budget": 60_000}
    }
    deep = {"market": {"channels": {"web": {"depth": 1e6}}}}
    run = simulate(daily(200, shock(media_price=1.0), deep, levers=ads))
    shown = by_day(run, M.EXPOSURE) * 10
    spent = run.ledger[run.ledger["kind"] == "media"].groupby("day")["yuan"].sum().to_numpy()
    assert spent == pytest.approx(1_000)
    during = np.isin(np.arange(60), range(FIRST, LAST + 1))
    assert shown[during] == pytest.approx(50_000, abs=20)
    assert shown[~during] == pytest.approx(100_000, abs=20)


def test_less_traffic_means_fewer_visits_in_its_days() -> None:
    half = behaving({"visit": {"rate": 0.5}})
    calm, struck = (by_day(finished(daily(4_000, half, part)), M.UV) for part in ({}, shock(traffic=-0.4)))
    during = slice(FIRST, LAST + 1)
    assert abs(struck[during].sum() - 0.3 * 20_000) < 4 * np.sqrt(20_000 * 0.21)
    assert np.array_equal(calm[:FIRST], struck[:FIRST])
    assert np.array_equal(calm[LAST + 1 :], struck[LAST + 1 :])


def test_slow_supply_arrives_later_by_the_shocks_days() -> None:
    stock = {"expected_daily": 1_000, "opening_days": 9, "cover_days": 9, "lead_days": 2, "on_time": 1.0}
    scenario = daily(100, shock(lead_days=6), goods={"classes": {"thing": {"stock": stock}}})
    days = [day for day, _ in Books(scenario).delivered[1:]]
    ordered = range(1, 60)
    expected = sorted(d + 2 + (6 if FIRST <= d <= LAST else 0) for d in ordered)
    assert days == [d for d in expected if d < 60]


def test_a_shock_that_is_named_after_a_phase_lasts_as_long() -> None:
    part = {"shocks": {"s": {"on": True, "when": "late", "outage": 1.0}}}
    lost = by_day(finished(everything(part)), M.LOST_TO_OUTAGE)
    came = by_day(finished(everything(part)), M.UV)
    assert not lost[: 35 + 30].any()
    assert not came[35 + 30 : 35 + 60].any()
    assert came[35 + 60 :].any()


# --- the calendar ----------------------------------------------------------------------------------------------------


def test_a_festival_tilts_demand_prices_and_visits_in_its_stages_only() -> None:
    calm, feast = weather(everything({"festivals": {}})), weather(everything())
    none = weather(plan(_quiet()))
    assert none["visits"] == pytest.approx(1)
    day = 35 + 24
    assert feast["visits"][day - 6] == pytest.approx(feast["visits"][day - 13], rel=0.01), "same weekday, a week before"
    assert feast["web price"][day - 1 : day + 4].tolist() == [1, 1.5, 1.5, 1.5, 1]
    assert feast["intent"][day, 0] == 1.4
    assert set(calm) == set(feast)


def _quiet() -> dict[str, Any]:
    return {"market": {"channels": {"web": {}, "video": {}, "sms": {}}}, **of_users(100)}


def test_weekdays_and_growth_multiply_visits() -> None:
    season = {"weekdays": [1, 1, 1, 1, 1, 2, 3], "growth": 0.5}
    seen = weather(plan(_quiet(), season=season, clock={"days": 400, "burn_in": 0, "tail": 0}))["visits"][:, 0]
    assert seen[:7] == pytest.approx([1, 1, 1, 1, 1, 2, 3], rel=0.01)
    assert seen[364] / seen[0] == pytest.approx(1.5 ** (364 / 365))
