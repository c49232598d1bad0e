"""Charts: numbers with known answers, every case drawn without a warning, nothing clipped or on top of each other."""

from itertools import combinations, pairwise

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from markets import CONTROL, everything, plan
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from experiments import replication
from experiments.plots import CHARTS, acquisition, credit, funnel, kpi_curves, money, retention, states, style, targets
from experiments.replication import Replication
from experiments.runner import Runner

TARGETS = {
    "orders": {"kpi": "orders", "at_least": 600, "title": "A title long enough to need a line of its own (訂單)"},
    "more": {"kpi": "orders", "window": "late", "at_least": 0.2, "against": "before"},
    "bounce": {"kpi": "bounce_rate", "at_most": 0.3},
    "roas": {"kpi": "roas", "window": "early", "at_least": 4},
    "far": {"kpi": "gmv", "at_least": 1e12},
    "unknown": {"kpi": "ltv", "at_least": 100},
}
CASES = {
    "whole": (everything(CONTROL, targets=TARGETS), {"seeds": 3}),
    "one run": (everything(targets=TARGETS), {"seeds": 1}),
    "cut short": (everything(targets=TARGETS), {"seeds": 2, "days": 4}),
    "bare": (plan(), {"seeds": 2}),
    "nobody": (plan(behaviour={"start": {"aware": 0, "registered": 0}, "hear": {"spontaneous": 0}}), {"seeds": 2}),
    "one day": (plan(clock={"start": "2024-02-29", "days": 1, "burn_in": 0, "tail": 0}), {"seeds": 2}),
}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Replication]:
    return {name: replication.run(market, runner=Runner(processes=1), **how) for name, (market, how) in CASES.items()}


@pytest.fixture(scope="module")
def whole(drawn: dict[str, Replication]) -> Replication:
    return drawn["whole"]


def texts(fig: Figure) -> list[tuple[str, object]]:
    """Return the texts of a figure and where they stand."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    found = [t for t in fig.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [(t.get_text(), t.get_window_extent(canvas.get_renderer())) for t in found if t not in unpainted(fig)]


def unpainted(fig: Figure) -> set[Text]:
    """Return the labels of ticks that lie outside their axes, or whose axes are off."""
    labels = set()
    for axis in (axis for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not (axis.axes.axison and low <= tick.get_loc() <= high):
                labels |= {tick.label1, tick.label2}
    return labels


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("chart", CHARTS)
def test_every_case_can_be_drawn(drawn, tmp_path, case, chart):
    figure = CHARTS[chart](drawn[case])
    figure.savefig(tmp_path / "chart.png", dpi=40)
    assert (tmp_path / "chart.png").stat().st_size > 2_000


@pytest.mark.parametrize("chart", CHARTS)
def test_no_text_is_clipped(whole, chart):
    fig = CHARTS[chart](whole)
    page = fig.bbox
    for words, box in texts(fig):
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, words
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, words


@pytest.mark.parametrize("chart", CHARTS)
def test_no_text_stands_on_another(whole, chart):
    fig = CHARTS[chart](whole)
    for (one, a), (other, b) in combinations(texts(fig), 2):
        shared = (min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0))
        assert min(shared) < 2, (one, other)


def test_a_panel_given_is_the_panel_drawn_on(whole):
    ax = Figure().subplots()
    table = money.costs(whole)
    assert money.draw_levers(table, whole.scenario, ax) is ax
    assert targets.draw(targets.attained(whole)).figure is not ax.figure


def test_neighbours_in_a_stack_differ_in_grey():
    grey = [np.dot(matplotlib.colors.to_rgb(c), (0.299, 0.587, 0.114)) for c in style.STACK]
    assert min(abs(a - b) for a, b in pairwise(grey)) > 0.08


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
        "50 % lost, 50 % go on",
        "40 % lost, 60 % go on",
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
