"""Several goals: fronts of markets whose front is known, their knees, and how they are shown."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.stats import ttest_rel

from optimize.coupled import first_plans
from optimize.fitting import fit
from optimize.market import Bounds, Outcome, Plan, Setting, Space
from optimize.pareto import beaten, differences, front, knees, lattice, unbeaten
from optimize.plots.pareto import draw, figure, level
from optimize.report.front import compared, fronts
from optimize.report.wording import Wording
from optimize.runs import Runs
from sandtable.cli import optimize as verb

TOPS, HALVES = np.array([60.0, 40.0]), np.array([20.0, 10.0])
LEVERS = {"ads": Bounds(0, 100), "kol": Bounds(0, 100)}
NOW = Plan({"ads": 10.0, "kol": 40.0}, {"face": 8.0})
MEASURES = ("sales", "spend", "level", "rare")
SPACE = Space(LEVERS, 80.0, NOW, {"face": Setting(1, 10)}, MEASURES)


@dataclass
class Trade:
    """Sales want money, best split by its returns, and a face value of 4; spend wants none; the rest is the same for all."""

    space: Space = SPACE
    noise: float = 1.0

    def evaluate(self, asked):
        return [self.outcome(plan, seed) for plan, seed in asked]

    def outcome(self, plan, seed):
        random = np.random.default_rng(seed)
        x, face = np.array([plan.money.get(name, 30.0) for name in LEVERS]), plan.settings.get("face", 4.0)
        credit = TOPS * x / (HALVES + x) + 0.3 * self.noise * random.standard_normal(2)
        kpi = float(credit.sum() - (face - 4) ** 2 + self.noise * random.standard_normal())
        rare = kpi if seed % 2 else np.nan
        measures = {"sales": kpi, "spend": float(x.sum()), "level": 7.0, "rare": rare}
        mine = {name: value for name, value in zip(LEVERS, credit.tolist(), strict=True) if name in self.space.levers}
        return Outcome(kpi, mine, measures)


def sales(plan):
    x = np.array([plan.money.get(name, 30.0) for name in LEVERS])
    return float((TOPS * x / (HALVES + x)).sum() - (plan.settings.get("face", 4.0) - 4) ** 2)


def most(money):
    """Return the most sales for so much money, by enumeration to a thousandth of it."""
    x = money * np.linspace(0, 1, 1001)
    return float((TOPS[0] * x / (HALVES[0] + x) + TOPS[1] * (money - x) / (HALVES[1] + money - x)).max())


def learned(market, count=96):
    """Return runs of a random design and the curves fitted to them."""
    space = market.space
    plans = [space.plan(*each) for each in first_plans(space, count, np.random.default_rng(1))]
    seeds = 5_000 + np.arange(count) // 4
    found = market.evaluate(list(zip(plans, seeds.tolist(), strict=True)))
    runs = Runs(
        np.array([space.spend(plan) for plan in plans]), np.array([space.unit(plan) for plan in plans]), seeds,
        np.array([[o.credit[name] for name in space.levers] for o in found]), np.array([o.kpi for o in found]),
        np.array([[o.measures[name] for name in space.measures] for o in found]),
    )  # fmt: skip
    return runs, fit(runs, money=space.budget)


GOALS = {"sales": "maximize", "spend": "minimize"}


@pytest.fixture(scope="module")
def found():
    return front(Trade(), GOALS, *learned(Trade()), {"current": NOW}, range(16))


def test_front_is_near_the_known_one(found):
    """For what they spend, all plans sell within 3 % of the most that can be sold: the scale is 85 at the whole budget."""
    assert len(found.table) >= 5
    for name in found.table["plan"]:
        plan = found.plans[name]
        assert sales(plan) > most(sum(plan.money.values())) - 0.03 * most(80)


def test_front_reaches_both_ends(found):
    """The most of each goal alone: within 3 % of the most sales, and no money at all."""
    assert sales(found.plans[found.table["plan"].iloc[0]]) > 0.97 * most(80)
    assert found.table["spend"].min() == pytest.approx(0, abs=1e-9)


def test_front_is_a_front(found):
    table = found.table
    assert not beaten(table[["sales", "spend"]].to_numpy() * [1, -1]).any()
    assert table["sales"].is_monotonic_decreasing
    columns = [f"{kind}{goal}" for goal in GOALS for kind in ("", "SE ", "difference ", "low ", "high ")]
    assert list(table) == ["plan", *columns, "knee"]
    assert set(found.plans) == set(table["plan"])
    assert found.tried > len(table)
    assert "current" not in found.plans
    for plan in found.plans.values():
        SPACE.check(plan)


def test_errors_are_those_of_means(found):
    """Every run has one more standard deviation of luck than its credits': sqrt(1 + 2 x .09); 16 runs, within a half."""
    assert found.table["SE sales"].to_numpy() == pytest.approx(np.sqrt(1.18 / 16), rel=0.5)
    assert found.table["SE spend"].to_numpy() == pytest.approx(0, abs=1e-9)


def test_differences_are_paired(found):
    """Against the plan as it is, though it is beaten; by hand from the runs of both, with SciPy's own paired interval."""
    runs = {name: Trade().evaluate([(plan, seed) for seed in range(16)]) for name, plan in found.plans.items()}
    base = Trade().evaluate([(NOW, seed) for seed in range(16)])
    for row in found.table.to_dict("records"):
        for goal in GOALS:
            pairs = [[o.measures[goal] for o in each] for each in (runs[row["plan"]], base)]
            low, high = student_interval(*pairs)
            assert row[f"difference {goal}"] == pytest.approx(np.subtract(*pairs).mean(), abs=1e-9)
            assert (row[f"low {goal}"], row[f"high {goal}"]) == pytest.approx((low, high), abs=1e-9)


def student_interval(one, other):
    if np.ptp(np.subtract(one, other)) < 1e-9:
        return [float(np.mean(np.subtract(one, other)))] * 2
    interval = ttest_rel(one, other).confidence_interval(0.95)
    return [float(interval.low), float(interval.high)]


def test_common_luck_does_not_widen_differences(found):
    """The luck of a run is the same for all plans, so their differences are known to rounding where their levels are not."""
    widths = found.table["high sales"] - found.table["low sales"]
    assert (found.table["SE sales"] > 0.1).all()
    assert widths.abs().max() < 1e-9


class Lucky(Trade):
    """Half of the luck is each plan's own, so that differences are uncertain too."""

    def outcome(self, plan, seed):
        outcome = super().outcome(plan, seed)
        own = np.random.default_rng([seed, int(100 * sum(plan.money.values()))]).standard_normal()
        return Outcome(outcome.kpi, outcome.credit, {**outcome.measures, "sales": outcome.kpi + own})


def test_intervals_hold_the_true_differences():
    """A run's difference has sqrt(2) of luck: half-widths of 15 degrees are 2.13 x sqrt(2/16) = .75 on average. Of about 50
    intervals on five sets of seeds 95 % hold what is true; with neighbours that share their luck, 85 % are asked for.
    """
    market, ready, held, halves = Lucky(), learned(Lucky()), [], []
    for first in range(100, 600, 100):
        table = (many := front(market, GOALS, *ready, {"current": NOW}, range(first, first + 16))).table
        for row in table[table["plan"] != "current"].to_dict("records"):
            true = sales(many.plans[row["plan"]]) - sales(NOW)
            held.append(row["low sales"] <= true <= row["high sales"])
            halves.append((row["high sales"] - row["low sales"]) / 2)
    assert len(held) >= 30
    assert np.mean(held) > 0.85
    assert np.mean(halves) == pytest.approx(0.75, rel=0.2)


def test_one_knee_between_the_ends(found):
    """Returns diminish, so the front bulges: one plan inside it is farthest from the line between its ends."""
    table = found.table
    assert table["knee"].sum() == 1
    assert not table["knee"].iloc[[0, -1]].any()
    scaled = [(table[name] - table[name].min()) / np.ptp(table[name]) for name in ("sales", "spend")]
    assert (scaled[0] - scaled[1]).idxmax() == table["knee"].idxmax()


def test_the_same_question_has_the_same_front(found):
    again = front(Trade(), GOALS, *learned(Trade()), {"current": NOW}, range(16))
    assert again.table.equals(found.table)


def test_a_current_plan_on_the_front_stays():
    quiet = Trade(noise=1e-3)
    best = max((Plan({"ads": a, "kol": 50.0 - a}, {"face": 4.0}) for a in np.linspace(0, 50, 501)), key=sales)
    found = front(quiet, GOALS, *learned(quiet), {"current": best}, range(4))
    assert "current" in found.plans
    own = found.table[found.table["plan"] == "current"]
    assert (own[[f"{kind} {goal}" for kind in ("difference", "low", "high") for goal in GOALS]] == 0).all(axis=None)


def test_three_goals():
    """A goal that all plans reach alike changes nothing of what is on the front."""
    found = front(Trade(), {**GOALS, "level": "maximize"}, *learned(Trade()), {"current": NOW}, range(8))
    assert (found.table["level"] == 7).all()
    assert not beaten(found.table[["sales", "spend"]].to_numpy() * [1, -1]).any()
    assert len(found.table) >= 3


def test_runs_that_cannot_measure_a_goal_do_not_count():
    """Half of the seeds measure `rare`, which is the sales: means over those."""
    found = front(Trade(), {"rare": "maximize", "spend": "minimize"}, *learned(Trade()), {"current": NOW}, range(16))
    assert np.isfinite(found.table.drop(columns=["plan", "knee"]).to_numpy()).all()
    top = found.plans[found.table["plan"].iloc[0]]
    odd = [outcome.kpi for outcome in Trade().evaluate([(top, seed) for seed in range(1, 16, 2)])]
    assert found.table["rare"].iloc[0] == pytest.approx(np.mean(odd))
    assert found.table["SE rare"].iloc[0] == pytest.approx(np.std(odd, ddof=1) / np.sqrt(8))
    base = [outcome.kpi for outcome in Trade().evaluate([(NOW, seed) for seed in range(1, 16, 2)])]
    assert found.table["difference rare"].iloc[0] == pytest.approx(np.mean(np.subtract(odd, base)))


def test_differences_of_seeds_that_only_one_plan_measured_do_not_count():
    """Plan b has seeds 1 to 3, a has 0 to 2: two are common. With one common seed or none, nothing is known of c."""
    nan = np.nan
    values = np.array([[1.0, 2.0, 4.0, nan], [nan, 3.0, 9.0, 5.0], [nan, nan, 6.0, 8.0]])[:, :, None]
    table = unbeaten({"a": NOW, "b": NOW, "c": NOW}, ["x"], np.ones(1), values, paired=True).table
    assert table["plan"].tolist() == ["c"]
    gap, half = differences(values)
    assert gap.ravel().tolist() == pytest.approx([0, 3, nan], nan_ok=True)
    assert half[1, 0] == pytest.approx(12.706 * np.std([1, 5], ddof=1) / np.sqrt(2), rel=1e-4)
    assert np.isnan(half[2, 0])


def test_rounding_is_no_difference():
    """The same money summed in another order differs by a unit in the last place: nothing is uncertain, nor different."""
    spent = np.array([0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, 0.3 + 0.2 + 0.1]) * 1e5
    gap, half = differences(np.stack([spent, spent[::-1], spent + 7])[:, :, None])
    assert np.ptp(spent) > 0
    assert gap[:2].ravel().tolist() == half[:2].ravel().tolist() == [0, 0]
    assert (gap[2, 0], half[2, 0]) == (pytest.approx(7), 0)


def test_without_a_plan_to_compare_with_no_difference_is_told():
    found = front(Trade(), GOALS, *learned(Trade()), {}, range(8))
    told = found.table[[f"{kind} {goal}" for kind in ("difference", "low", "high") for goal in GOALS]]
    assert told.isna().all(axis=None)
    assert found.table["SE sales"].notna().all()


def test_levers_or_settings_alone():
    money = Trade(Space(LEVERS, 80.0, Plan(NOW.money, {}), {}, MEASURES))
    found = front(money, GOALS, *learned(money), {}, range(8))
    assert all(sales(plan) > most(sum(plan.money.values())) - 0.03 * most(80) for plan in found.plans.values())
    coupon = Trade(Space({}, 80.0, Plan({}, NOW.settings), SPACE.settings, MEASURES))
    found = front(coupon, GOALS, *learned(coupon), {}, range(8))
    assert found.plans[found.table["plan"].iloc[0]].settings["face"] == pytest.approx(4, abs=0.5)


def test_refuses():
    ready = learned(Trade(), 24)
    with pytest.raises(ValueError, match=r"2 to 4 goals .* but got \['sales'\] and 8 seeds"):
        front(Trade(), {"sales": "maximize"}, *ready, {}, range(8))
    with pytest.raises(ValueError, match=r"2 seeds or more are needed, but got .* and 1 seeds"):
        front(Trade(), GOALS, *ready, {}, range(1))
    with pytest.raises(ValueError, match="'luck' is no measure of the market; it has sales, spend, level, rare"):
        front(Trade(), {"sales": "maximize", "luck": "maximize"}, *ready, {}, range(8))


def test_lattice_holds_all_weights():
    weights = lattice(3, 4)
    assert len(weights) == 15
    assert weights.sum(1) == pytest.approx(1)
    assert len({tuple(row) for row in weights.tolist()}) == 15
    assert (weights >= 0).all()


def test_beaten_by_definition():
    """Against the definition, pair by pair, on 60 rounded points with ties."""
    values = np.random.default_rng(2).integers(0, 6, (60, 3)).astype(float)
    by_hand = [any((other >= row).all() and (other > row).any() for other in values) for row in values]
    assert beaten(values).tolist() == by_hand


def test_knees_of_a_known_front():
    """`min(1, 4 (1 - x))` bends at x = 3/4; a straight front has no knee."""
    x = np.linspace(0, 1, 101)
    assert np.flatnonzero(knees(np.column_stack([x, np.minimum(1.0, 4 * (1 - x))]), 1)).tolist() == [75]
    assert not any(knees(np.column_stack([x, 1 - x - 1e-3 * np.sin(np.pi * x)]), 2))
    assert knees(np.array([[0.0, 1.0], [1.0, 0.0]]), 1) == [False, False]


class Straight(Trade):
    """Each yuan sells the same, so that every plan with the right face value is on the front."""

    def outcome(self, plan, seed):
        outcome = super().outcome(plan, seed)
        credit = {name: 0.8 * plan.money[name] for name in LEVERS}
        sold = sum(credit.values()) - (plan.settings["face"] - 4) ** 2
        return Outcome(sold, credit, {**outcome.measures, "sales": sold})


def test_a_straight_front_is_filled():
    """Weighted sums find the ends of a straight front only; between them, gaps are a quarter of the budget or less."""
    found = front(Straight(), GOALS, *learned(Straight()), {}, range(2))
    spent = np.sort(found.table["spend"])
    assert spent[0] == 0
    assert spent[-1] > 79
    assert np.diff(spent).max() <= 20
    assert found.tried <= 9


# --- Shown ------------------------------------------------------------------------------------------------------------

FRONT = pd.DataFrame({
    "plan": ["found", "plan 1"], "gmv": [3.0, 2.0], "SE gmv": [0.5] * 2, "difference gmv": [1.5, 0.5],
    "low gmv": [1.0, -0.25], "high gmv": [2.0, 1.25], "spend": [3.0, 1.2], "SE spend": [0.0] * 2,
    "difference spend": [2.0, 0.2], "low spend": [2.0, 0.2], "high spend": [2.0, 0.2], "knee": [False, False],
})  # fmt: skip
SHOWN = ("gmv", "spend")
DIFFERENCES = [name for name in FRONT if name.startswith(("difference", "low", "high"))]
ITSELF = FRONT.iloc[:1].assign(plan="current", gmv=1.5, spend=1.0, **dict.fromkeys(DIFFERENCES, 0.0))
ON = pd.concat([FRONT, ITSELF], ignore_index=True)


def wording(lang):
    return Wording(
        SimpleNamespace(market=SimpleNamespace(goal="gmv"), choice=None, proposal=SimpleNamespace(name="found")), lang
    )


def texts(drawn):
    drawn.draw_without_rendering()
    return " ".join(text.get_text() for text in drawn.findobj(lambda artist: hasattr(artist, "get_text")))


def test_whiskers_are_intervals_of_differences():
    """Half of the interval on each side of the mean, not of the level's: the standard errors would give .5."""
    ax = draw(FRONT, goals=SHOWN)
    _, up = [lines.get_segments() for lines in ax.containers[0].lines[2]]
    assert [sorted(y for _, y in line) for line in up] == [pytest.approx([2.5, 3.5]), pytest.approx([1.25, 2.75])]
    _, up = [lines.get_segments() for lines in draw(ON, goals=SHOWN).containers[0].lines[2]]
    assert np.ptp(up[2], axis=0).tolist() == [0, 0], "the plan as it is has none"


def test_the_plan_as_it_is_is_drawn_on_the_front_or_not():
    """Dashed lines run through it, which a whisker crosses exactly where the interval of its difference holds 0."""
    for table, names in ((FRONT, ["current", "proposed"]), (ON, ["current", "proposed"])):
        ax = draw(table, goals=SHOWN)
        down, across = (line for line in ax.lines if line.get_linestyle() != "-" and len(line.get_xdata()) == 2)
        assert (down.get_xdata()[0], across.get_ydata()[0]) == pytest.approx((1.0, 1.5))
        assert sorted(text.get_text() for text in ax.texts) == names
    crossed = [sorted(y for _, y in line)[0] <= 1.5 for line in ax.containers[0].lines[2][1].get_segments()[:2]]
    assert crossed == [False, True] == (FRONT["low gmv"] <= 0).tolist()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pictures_say_what_whiskers_are(lang):
    words = {"en": ("95%intervalofthepaireddifference", "Dashed"), "zh": ("配对差异的95%区间", "虚线")}[lang]

    def said(table):
        text = "".join(texts(figure(table, lang=lang)).split())
        return [word in text for word in words]

    assert said(FRONT) == [True, True]
    assert said(FRONT.drop(columns=DIFFERENCES)) == [False, False]
    apart = FRONT.assign(**{"difference gmv": [1.4, 0.5], "difference spend": [1.9, 0.2]})
    assert np.isnan(level(apart, "gmv"))
    assert said(apart) == [True, False], "plans measured on other seeds than the plan as it is have no one line"


@pytest.mark.parametrize(("lang", "proved", "unproved"), [
    ("en", "+¥1.5 (+¥1 to +¥2)", "+¥0.5 (−¥0.25 to +¥1.25), not proved"),
    ("zh", "+¥1.5（+¥1 至 +¥2）", "+¥0.5（−¥0.25 至 +¥1.25），未获证实"),
])  # fmt: skip
def test_words_say_which_differences_are_proved(lang, proved, unproved):
    """A difference that is the same in every run needs no interval; the plan as it is has none to itself."""
    rows = ON.to_dict("records")
    told = [[compared(row, goal, wording(lang)).replace("\u2060", "") for goal in SHOWN] for row in rows]
    assert told == [[proved, "+¥2"], [unproved, "+¥0.2"], ["", ""]]
    assert compared(FRONT.drop(columns=DIFFERENCES).to_dict("records")[0], "gmv", wording(lang)) == ""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_moving_pictures_show_the_same(lang):
    (chart,) = fronts(FRONT, wording(lang))
    plans, beaten_plan = chart.plotly["data"]
    assert plans["error_y"]["array"] == [0.5, 0.75]
    assert plans["error_x"]["array"] == [0.0, 0.0]
    assert (beaten_plan["x"], beaten_plan["y"]) == ([1.0], [1.5])
    assert [(line["x0"], line["y0"]) for line in chart.plotly["layout"]["shapes"]] == [(0, 1.5), (1.0, 0)]
    assert chart.plotly["layout"]["yaxis"]["range"][0] < 1.25
    assert {"en": "not proved", "zh": "未获证实"}[lang] in plans["hovertext"][1]
    assert all(word in chart.note for word in {"en": ("Whiskers", "Dashed"), "zh": ("误差线", "虚线")}[lang])
    (chart,) = fronts(ON, wording(lang))
    assert len(chart.plotly["data"]) == 1
    assert chart.plotly["data"][0]["error_y"]["array"] == [0.5, 0.75, 0.0]
    (bare,) = fronts(FRONT.drop(columns=DIFFERENCES), wording(lang))
    assert (bare.note, bare.plotly["layout"]["shapes"]) == ("", [])
    json.dumps(bare.plotly, allow_nan=False)


def test_the_terminal_marks_differences_that_are_not_proved():
    console = Console(width=80, record=True, force_terminal=False)
    with console.capture() as told:
        verb._pareto(ON, console)
    lines = [line.split() for line in told.get().splitlines()]
    assert ["+1.5", "+2"] in lines
    assert ["+1", "to", "+2"] in lines
    assert ["−0.25", "to", "+1.25?"] in lines
    assert lines[lines.index(["current", "1.5", "1"]) + 1] == [], "the plan as it is has no difference"
