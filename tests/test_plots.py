"""Charts: numbers with known answers, every case drawn without a warning, nothing clipped or on top of each other."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from markets import everything, plan
from matplotlib.figure import Figure
from pictures import CASES, QUESTIONS, TARGETS, misplaced, texts

from experiments import replication, stress
from experiments.plots import (
    CHARTS,
    acquisition,
    credit,
    flow,
    funnel,
    kpi_curves,
    load,
    money,
    retention,
    states,
    style,
    targets,
)
from experiments.plots.words import Words
from experiments.replication import Replication
from experiments.runner import Runner
from sim.run import simulate

OUTAGE = {"agents-ill": {"when": {"days": [5, 20]}, "on": True, "agents": -0.5}}
"""A shock that leaves half of the service agents."""


@pytest.fixture(scope="module")
def drawn() -> dict[str, Replication]:
    return {name: replication.run(market, runner=Runner(processes=1), **how) for name, (market, how) in CASES.items()}


@pytest.fixture(scope="module")
def whole(drawn: dict[str, Replication]) -> Replication:
    return drawn["whole"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("chart", CHARTS)
def test_every_case_can_be_drawn(drawn, tmp_path, case, chart):
    figure = CHARTS[chart](drawn[case])
    figure.savefig(tmp_path / "chart.png", dpi=40)
    assert (tmp_path / "chart.png").stat().st_size > 2_000


@pytest.mark.parametrize("chart", CHARTS)
def test_no_text_is_clipped_or_stands_on_another(whole, chart):
    assert not misplaced(CHARTS[chart](whole))


@pytest.mark.parametrize("asked", QUESTIONS)
def test_no_text_of_an_answers_charts_is_clipped_or_stands_on_another(asked):
    for draw in QUESTIONS[asked]("en", Runner(processes=1)).charts.values():
        assert not misplaced(draw())


def test_a_panel_given_is_the_panel_drawn_on(whole):
    ax = Figure().subplots()
    table = money.costs(whole)
    assert money.draw_levers(table, whole.scenario, ax) is ax
    assert targets.draw(targets.attained(whole)).figure is not ax.figure


def grey(colour: str) -> float:
    """Return the lightness of a printed colour, 0 to 1 (ITU-R BT.601)."""
    return float(np.dot(matplotlib.colors.to_rgb(colour), (0.299, 0.587, 0.114)))


@pytest.mark.parametrize(
    "colours",
    [
        style.STACK,
        tuple(states.MEMBERS.values()),
        tuple(states.OUTSIDE.values()),
        (*flow.COLOURS, flow.COLOURS[0]),
        (style.BLUE, style.PALE),
        (style.ORANGE, style.VERMILLION),
    ],
    ids=["stack", "members", "outside", "accounts", "spent and left", "paid and owed"],
)
def test_neighbouring_fills_differ_in_grey(colours: Sequence[str]):
    assert min(abs(grey(a) - grey(b)) for a, b in pairwise(colours)) > 0.08


def test_all_fills_of_a_stack_differ_in_grey_or_in_hatch():
    fills = list(zip(style.STACK, style.HATCHES, strict=True))
    for (one, a), (other, b) in combinations(fills[: acquisition.MOST], 2):
        assert a != b or abs(grey(one) - grey(other)) > 0.08, (one, other)


def test_the_half_width_of_no_change_is_a_share_too():
    """Runs that differ to both sides, so that their mean is exactly that of the calm plan."""
    row = pd.Series({"kpi": "orders", "unit": "orders", "calm": 2e6, "difference": 0.0, "relative": 0.0,
                     "ci_low": -1e5, "ci_high": 1e5})  # fmt: skip
    assert stress.words(row) == ("0 %", "± 5 %")
    assert stress.words(row, Words("zh")) == ("0%", "± 5%")
    points = pd.Series({"kpi": "ctr", "unit": "points vs before", "calm": 0.1, "difference": -0.02, "relative": np.nan,
                        "ci_low": -0.03, "ci_high": -0.01})  # fmt: skip
    assert stress.words(points, Words("zh")) == ("−2 个百分点", "± 1")


def test_all_states_differ_in_grey_or_in_hatch():
    fills = [(colour, states.HATCHES.get(name, "")) for name, colour in states.MEMBERS.items()]
    for (one, a), (other, b) in combinations(fills, 2):
        assert a != b or abs(grey(one) - grey(other)) > 0.08, (one, other)


def test_fills_stand_out_from_paper():
    assert max(grey(c) for c in (*style.STACK, *states.MEMBERS.values(), *flow.COLOURS)) < 0.9


def test_texts_that_no_font_can_write_are_left_out(monkeypatch):
    monkeypatch.setattr(style, "_cjk_font", lambda: None)
    assert style.label("Mid-tier KOL (腰部)") == "Mid-tier KOL"
    assert style.label("腰部", "kol-mid") == "kol-mid"


@pytest.mark.parametrize(
    ("unit", "values", "shown"),
    [
        ("yuan", [0, 500_000, 1_000_000], ["¥0", "¥0.5 M", "¥1 M"]),
        ("users", [0, 75_000, 150_000], ["0", "75 k", "150 k"]),
        ("users", [0, 20_000], ["0", "20,000"]),
        ("share", [-0.025, 0.05], ["\N{MINUS SIGN}2.5 %", "5 %"]),
    ],
)
def test_ticks_of_an_axis_are_all_in_the_same_thousands(unit, values, shown):
    assert style.Numbers(unit).format_ticks(values) == shown


def test_the_funnel_counts_steps_and_losses():
    counts = {"exposure": 1_000, "ad_clicks": 20, "uv": 200, "details": 100, "detail_bounces": 40, "carts": 30,
              "payments_started": 30, "payments_abandoned": 10, "orders": 20, "new_customers": 15}  # fmt: skip
    daily = pd.DataFrame([(s, 3, m, "a", "own", float(v)) for s in (1, 2) for m, v in counts.items()],
                         columns=["seed", "day", "metric", "segment", "channel", "value"])  # fmt: skip
    table = funnel.steps(daily, 0, 9)
    assert table["value"].tolist() == [1_000, 200, 100, 60, 30, 20, 20, 5]
    assert table["words"].tolist()[1:4] == [
        "2 % clicked, which makes 10 % of visits; the others come without an impression",
        "100 lost (50 %), 50 % go on",
        "40 lost (40 %), 60 % go on",
    ]


def test_money_adds_up_to_what_was_spent(whole):
    spend = whole.kpis[(whole.kpis["kpi"] == "spend") & (whole.kpis["window"] == "plan")]["value"].mean()
    after = whole.ledger[(whole.ledger["day"] >= 60) & (whole.ledger["lever"] != "")]["yuan"].sum() / 3
    assert money.costs(whole)["yuan"].sum() == pytest.approx(spend + after)
    held = money.accounts(whole)
    assert (held["planned"] + held["moved"]).to_numpy() == pytest.approx((held["spent"] + held["left"]).to_numpy())


def test_registrations_add_up(whole):
    table = acquisition.registrations(whole)
    daily = whole.daily[(whole.daily["metric"] == "new_users") & whole.daily["day"].between(-35, 76)]
    assert table.index.tolist() == list(range(-35, 77, 7))
    assert table.to_numpy().sum() == pytest.approx(daily["value"].sum() / 3)
    assert table.shape[1] <= acquisition.MOST


def test_states_hold_all_people(whole):
    assert states.by_state(whole).sum(axis=1).to_numpy() == pytest.approx(60_000)
    assert set(states.by_state(whole).columns) <= {*states.OUTSIDE, *states.MEMBERS}


def test_retention_is_put_into_blocks_when_long():
    columns = ["cohort", "age_weeks", "users", "active"]
    weeks = pd.DataFrame([(0, week, 100.0, 100.0 - week) for week in range(60)], columns=columns)
    table = retention.matrix(weeks)
    assert table.columns.tolist() == list(range(1, 60, 3))
    assert table.loc[0].tolist()[:2] == pytest.approx([0.98, 0.95])
    assert len(retention.matrix(weeks[weeks["age_weeks"] < 20]).columns) == 19


def test_early_cohorts_are_left_out(whole):
    early = whole.cohorts.assign(cohort=whole.cohorts["cohort"] - 30)
    assert early["cohort"].min() == -65
    assert retention.matrix(early).index.min() == -35


def test_credit_adds_up_to_all_orders(whole):
    orders = whole.daily[(whole.daily["metric"] == "orders") & (whole.daily["day"] >= 0)]["value"].sum() / 3
    assert credit.credited(whole)["orders"].sum() == pytest.approx(orders, rel=1e-4)
    assert credit.OWN in set(credit.credited(whole)["lever"])


def test_a_total_is_compared_by_its_pace(whole):
    first, last, level, words = kpi_curves.levels(whole.scenario, whole.kpis, "orders")[0]
    assert (first, last, level, words) == (0, 59, 70.0, "≥ 600 in plan")
    base = whole.kpis[(whole.kpis["kpi"] == "orders") & (whole.kpis["window"] == "before")]["value"].mean()
    assert kpi_curves.levels(whole.scenario, whole.kpis, "orders")[1][2] == pytest.approx(base * 1.2 / 30 * 7)
    assert kpi_curves.levels(whole.scenario, whole.kpis, "bounce_rate")[0][2] == 0.3


def test_promised_kpis_come_first():
    assert kpi_curves.chosen(everything(targets=TARGETS))[:5] == ["orders", "bounce_rate", "roas", "gmv", "ltv"]
    assert len(kpi_curves.chosen(plan())) == 9


@pytest.mark.parametrize(
    ("value", "wanted", "unit", "direction", "expected"),
    [
        (3.0, 4.0, "ratio", "at_least", 0.75),
        (0.36, 0.18, "share", "at_most", 0.5),
        (-0.1, 0.2, "change vs before", "at_least", 0.75),
        (0.0, 0.0, "change vs before", "at_least", 1.0),
        (0.05, 0.1, "points vs before", "at_least", 0.75),
        (0.0, 0.0, "share", "at_most", 1.0),
    ],
)
def test_one_is_the_target(value, wanted, unit, direction, expected):
    assert targets.ratio(value, wanted, unit, direction, base=0.1) == pytest.approx(expected)


def test_promises_are_sorted_and_the_unknown_come_first(whole):
    table = targets.attained(whole)
    known = table["mean"].dropna()
    assert known.is_monotonic_increasing
    assert table["mean"].isna().tolist()[: len(table) - len(known)] == [True] * (len(table) - len(known))
    assert table.loc[table["label"].str.startswith("far"), "mean"].iloc[0] < 0.01


def test_flows_carry_all_money_and_all_credited_orders(whole):
    table = flow.flows(whole)
    credited = credit.credited(whole)
    assert table["yuan"].sum() == pytest.approx(money.costs(whole)["yuan"].sum())
    assert table["orders"].sum() == pytest.approx(credited.loc[credited["lever"] != credit.OWN, "orders"].sum())
    paid = table[table["target"] != flow.ORDERS]
    assert paid["source"].nunique() <= flow.MOST + 1
    assert len({*paid["target"], *table.loc[table["target"] == flow.ORDERS, "source"]}) <= flow.MOST
    assert paid["target"].str.contains("others").any()


def test_ribbons_are_in_proportion_and_nodes_apart(whole):
    table = flow.flows(whole)
    places = flow.layout(table)
    spent = table[table["target"] != flow.ORDERS].groupby("source")["yuan"].sum()
    for column in (places.accounts, places.levers, places.orders):
        ends = [(top, top - column.rooms[name]) for name, top in column.tops.items()]
        assert all(below < bottom for (_, bottom), (below, _) in pairwise(ends))
        assert -1e-9 <= ends[-1][1] <= ends[0][0] <= 1 + 1e-9
    assert all(places.accounts.rooms[name] >= value * places.yuan - 1e-12 for name, value in spent.items())


def test_small_nodes_take_their_least_height_from_the_others():
    assert flow.scale(pd.Series([97.0, 1.0, 2.0]), least=0.1) == pytest.approx((1 - 2 * 0.1 * 0.18 - 0.2) / 97)
    assert flow.scale(pd.Series([0.0, 0.0]), least=0.1) == 1.0


def test_levers_of_one_name_stay_apart():
    weight = pd.Series({"a": 2.0, "b": 1.0})
    assert flow._named({"a": "Coupon", "b": "Coupon"}, weight, "en") == {"a": "Coupon (a)", "b": "Coupon (b)"}


def test_response_times_are_those_of_the_simulated_desk():
    market = everything(shocks=OUTAGE)
    run = replication.run(market, [3], runner=Runner(processes=1))
    observer = simulate(market, 3).observer
    table = load.desk(run)
    known = observer.response_seconds[table["day"] - observer.calendar.first]
    assert known.max() > market.service.slow_seconds
    assert table["seconds"].to_numpy() == pytest.approx(known)
    assert {load.agents_on_duty(market)[day] for day in range(5, 21)} == {2}
    assert load.agents_on_duty(market)[4] == load.agents_on_duty(market)[21] == market.service.agents == 5


def test_lost_orders_are_the_stockouts_of_the_week(whole):
    curves = whole.curves[whole.curves["kpi"] == "stockout_rate"].set_index(["seed", "day"])["value"]
    table = load.lost(whole)
    assert len(table) > 20
    assert table["share"].max() > 0.05
    assert table["share"].tolist() == pytest.approx([curves[row.seed, row.day + 6] for row in table.itertuples()])


def test_actuals_are_brought_to_the_pace_of_the_curves():
    market = everything()
    actuals = pd.DataFrame(
        [
            ("orders", 6, 7, 70.0),
            ("orders", 9, 1, 12.0),
            ("aov", 9, 1, 88.0),
            ("aov", 10, 1, np.nan),
            ("aov", 500, 1, 9.0),
        ],
        columns=["kpi", "day", "days", "value"],
    )
    assert kpi_curves.observed(actuals, market)["value"].tolist() == [70.0, 84.0, 88.0]
    dated = actuals.assign(date=[market.clock.start + timedelta(days=int(d)) for d in actuals["day"]]).drop(
        columns="day"
    )
    pd.testing.assert_frame_equal(kpi_curves.observed(dated, market), kpi_curves.observed(actuals, market))
    text = dated.assign(date=dated["date"].map(date.isoformat))
    pd.testing.assert_frame_equal(kpi_curves.observed(text, market), kpi_curves.observed(actuals, market))
    assert kpi_curves.observed(None, market).empty


def test_actuals_are_drawn_as_dots_and_their_kpis_are_chosen(whole):
    actuals = pd.DataFrame({"kpi": ["csat", "csat", "orders"], "day": [6, 13, 6], "value": [0.5, 0.6, 9_999.0]})
    fig = kpi_curves.figure(whole, actuals)
    named = {ax.get_title(loc="left"): ax for ax in fig.axes}
    (dots,) = [line for line in named["Mean satisfaction score of orders, 0 to 1"].lines if line.get_marker() == "D"]
    assert dots.get_ydata().tolist() == [0.5, 0.6]
    assert named["Orders a week"].get_ylim()[1] > 9_999
    assert any(t.get_text() == "measured in the real market" for t, _ in texts(fig))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"kpi": ["gmw"], "day": [3], "value": [1.0]},
            "actuals must be of known KPIs, but got 'gmw'; did you mean gmv",
        ),
        ({"kpi": ["gmv"], "value": [1.0]}, "actuals must have kpi, value, and day or date"),
        ({"kpi": ["gmv"], "day": [3], "days": [0], "value": [1.0]}, "`days >= 1` must hold, but got 0"),
    ],
)
def test_actuals_that_say_nothing_are_refused(columns, words):
    with pytest.raises(ValueError, match=words):
        kpi_curves.observed(pd.DataFrame(columns), everything())


def test_bands_of_shares_end_at_one_and_at_zero():
    runs = pd.DataFrame([("cart_rate", 6, 7, 0.0), ("cart_rate", 6, 7, 1.0)], columns=["kpi", "day", "days", "value"])
    assert kpi_curves.band(runs, "cart_rate")[["mean", "low", "high"]].to_numpy().tolist() == [[0.5, 0.0, 1.0]]
    wide = kpi_curves.band(runs.assign(kpi="marketing_expense_ratio"), "marketing_expense_ratio")
    assert wide["high"].item() == pytest.approx(0.5 + 12.7062 * np.sqrt(0.5) / np.sqrt(2), rel=1e-4)
