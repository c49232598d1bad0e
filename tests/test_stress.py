"""Stress: shocks of known size, paired by seed; what flips, what is left out, and the chart of it."""

import json
from itertools import combinations
from math import isnan
from pathlib import Path

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from markets import DEEP, SHOCKS, ads, daily, everything, paired
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from scipy import stats

import scenarios
from experiments import executors, stress
from experiments.answer import Answer
from experiments.plots import shocks as chart
from experiments.plots import style
from experiments.runner import Runner
from experiments.stress import STRESS, ask, relative_change, together, variants
from experiments.tables import rows
from sandtable.cli import main
from scenarios import Scenario
from sim.kpis import KPIS

ALONE = Runner(processes=1)
USERS, PEOPLE = 50, 500
ORDERS = PEOPLE * 60
"""Every user orders once on each of 60 days, and stands for ten people."""
DOWN = {"when": {"days": [0, 5]}, "outage": 1.0, "title": "Six days without a shop"}
LATER = {"when": {"days": [6, 8]}, "outage": 1.0}
LATE_GOODS = {"when": {"days": [0, 20]}, "lead_days": 9, "title": "Late goods that nobody keeps in stock"}
TARGETS = {
    "most": {"kpi": "orders", "at_least": ORDERS * 0.95},
    "some": {"kpi": "orders", "at_least": ORDERS * 0.5},
    "few": {"kpi": "orders", "at_most": ORDERS * 0.87},
}


@pytest.fixture(scope="module")
def still() -> Scenario:
    """A market without chance, in which every shock has a known size."""
    return daily(USERS, targets=TARGETS, shocks={"down": DOWN, "later": LATER, "late-goods": LATE_GOODS})


@pytest.fixture(scope="module")
def known(still: Scenario) -> pd.DataFrame:
    return stress.stress(still, seeds=2, runner=ALONE)


@pytest.fixture(scope="module")
def lively() -> Scenario:
    targets = {
        "orders": {"kpi": "orders", "at_least": 10, "title": "A title long enough to need a line of its own (訂單)"},
        "change": {"kpi": "gmv", "window": "late", "against": "before", "at_least": 0.1},
        "points": {"kpi": "bounce_rate", "window": "late", "against": "before", "points": True, "at_most": 0.1},
        "unknown": {"kpi": "ltv", "at_least": 1},
    }
    return everything(targets=targets, shocks=SHOCKS)


@pytest.fixture(scope="module")
def struck(lively: Scenario) -> Answer:
    return ask(lively, seeds=3, runner=ALONE)


def row(table: pd.DataFrame, shock: str, name: str) -> pd.Series:
    return table[(table["shock"] == shock) & (table["name"] == name)].iloc[0]


def test_a_shock_of_known_size_is_found_exactly(known):
    assert known.columns.tolist() == list(STRESS)
    assert known["shock"].unique().tolist() == ["down", "later", "late-goods", "all"]
    down = row(known, "down", "most")
    assert (down["calm"], down["shocked"], down["difference"]) == (ORDERS, ORDERS * 0.9, -ORDERS * 0.1)
    assert (down["ci_low"], down["ci_high"], down["seeds"]) == (-ORDERS * 0.1, -ORDERS * 0.1, 2)
    assert down["relative"] == pytest.approx(-0.1)
    assert (down["calm_probability"], down["shocked_probability"], down["flips"]) == (1.0, 0.0, "missed")
    assert down["shock_title"] == "Six days without a shop"
    assert row(known, "later", "most")["shock_title"] == "later"


def test_only_what_passes_its_level_flips(known):
    flips = {(r.shock, r.name): r.flips for r in rows(known) if r.flips}
    assert flips == {("down", "most"): "missed", ("all", "most"): "missed", ("all", "few"): "reached"}


def test_all_shocks_strike_at_once(known):
    assert row(known, "all", "some")["relative"] == pytest.approx(-9 / 60)
    assert row(known, "all", "some")["shock_title"] == "All at once"


def test_a_shock_that_does_nothing_changes_nothing(still, known):
    part = known[known["shock"] == "late-goods"]
    assert (part["difference"] == 0).all()
    assert any("changes through late-goods" in note for note in ask(still, seeds=2, runner=ALONE).notes)


def test_one_shock_alone_has_no_all(still):
    found = ask(still, ["later"], seeds=1, kpis=["orders", "uv"], runner=ALONE)
    assert found.table[["shock", "name"]].to_numpy().tolist() == [["later", "orders"], ["later", "uv"]]
    assert found.table["ci_low"].isna().all()
    assert found.table["flips"].tolist() == ["", ""]
    assert any("one seed shows no spread" in note for note in found.notes)


def test_every_other_shock_is_off(still):
    plans = variants(still, ("down", "later"))
    on = {name: [k for k, shock in plan.shocks.items() if shock.on] for name, plan in plans.items()}
    assert on == {"": [], "down": ["down"], "later": ["later"], "all": ["down", "later"]}
    assert plans[""].fingerprint == still.fingerprint


def test_shocks_that_are_on_are_off_in_the_calm(still, known):
    on = still.override({"shocks.down.on": True})
    found = ask(on, seeds=2, runner=ALONE)
    pd.testing.assert_frame_equal(found.table, known)
    assert any("has down on; calm is the plan without" in note for note in found.notes)


def test_of_shocks_for_the_same_risk_the_last_strikes():
    risks = {"plan": ["R-01"], "when": "plan"}
    plan = daily(20, shocks={"by-30": {**risks, "media_price": 0.3}, "by-50": {**risks, "media_price": 0.5}, "x": DOWN})
    assert together(plan, ("by-30", "by-50", "x")) == ("by-50", "x")
    assert any("leaves out by-30" in note for note in ask(plan, seeds=1, kpis=["orders"], runner=ALONE).notes)


def test_dearer_media_buys_less():
    """Ads spread their money evenly, so a price twice as high over half of the plan leaves 3/4 of the impressions."""
    dear = {"dear": {"when": {"days": [0, 29]}, "media_price": 1.0}}
    found = stress.stress(daily(200, ads(), DEEP, shocks=dear), seeds=1, kpis=["exposure"], runner=ALONE)
    assert found["relative"].iloc[0] == pytest.approx(-0.25, abs=0.002)


def test_differences_are_paired_by_seed(lively):
    """The interval is SciPy's of paired samples; it is narrower than that of runs under seeds of their own."""
    rival = row(stress.stress(lively, ["rival"], seeds=6, kpis=["orders"], runner=ALONE), "rival", "orders")
    plans = variants(lively, ("rival",))
    calm, shocked = paired(plans[""], plans["rival"], "orders", range(1, 7))
    expected = stats.ttest_rel(shocked, calm).confidence_interval(0.95)
    assert (rival["ci_low"], rival["ci_high"]) == pytest.approx((expected.low, expected.high))
    alone = stats.ttest_ind(shocked, calm, equal_var=False).confidence_interval(0.95)
    assert rival["ci_high"] - rival["ci_low"] < 0.8 * (alone.high - alone.low)
    assert rival["difference"] < 0


def test_days_to_come_are_left_out(lively):
    found = ask(lively, seeds=1, days=20, runner=ALONE)
    assert found.table["name"].unique().tolist()[0] == "exposure"
    assert (found.table["window"] == "so far").all()
    assert "the 20 days simulated end before down, ill" in found.notes


def test_what_cannot_be_measured_has_no_change(struck):
    unknown = row(struck.table, "rival", "unknown")
    assert unknown["seeds"] == 0
    assert isnan(unknown["difference"])
    assert (unknown["flips"], unknown["relative"]) == ("", pytest.approx(float("nan"), nan_ok=True))


@pytest.mark.parametrize(
    ("unit", "before", "difference", "expected"),
    [("orders", 50.0, 5.0, 0.1), ("yuan", -50.0, 5.0, 0.1), ("change vs before", 0.25, -0.25, -0.2),
     ("points vs before", 0.1, 0.1, float("nan")), ("orders", 0.0, 1.0, float("nan"))],
)  # fmt: skip
def test_a_change_is_relative_to_the_level(unit, before, difference, expected):
    assert relative_change(unit, before, difference) == pytest.approx(expected, nan_ok=True)


def test_unknown_names_are_refused(still):
    with pytest.raises(ValueError, match="unknown shock 'dwn'; did you mean down"):
        ask(still, ["dwn"])
    with pytest.raises(ValueError, match="unknown KPI 'ordrs'"):
        ask(still, kpis=["ordrs"])
    with pytest.raises(ValueError, match="test declares no shock"):
        ask(daily(20))


# --- The chart --------------------------------------------------------------------------------------------------------


def test_worse_and_better_are_told_apart(known, struck):
    harms = {r.name: stress.harm(r) for r in rows(known[known["shock"] == "down"])}
    assert harms == {"most": pytest.approx(0.1), "some": pytest.approx(0.1), "few": pytest.approx(-0.1)}
    assert isnan(stress.harm(row(known, "late-goods", "most")))
    moved = row(struck.table, "rival", "points").copy()
    moved[["direction", "difference", "relative", "ci_low", "ci_high"]] = "", 0.01, 0.05, 0.005, 0.015
    assert KPIS["bounce_rate"].better == -1
    assert stress.harm(moved) == 0.05


def test_changes_are_worded_with_their_half_width(known, struck):
    points = row(struck.table, "rival", "points").copy()
    points[["difference", "relative", "ci_low", "ci_high"]] = -0.02, float("nan"), -0.03, -0.01
    assert stress.words(points) == ("−2 points", "± 1")
    assert stress.words(row(known, "down", "most")) == ("−10 %", "")
    wide = row(known, "down", "most").copy()
    wide[["ci_low", "ci_high"]] = wide["difference"] * 1.1, wide["difference"] * 0.9
    assert stress.words(wide) == ("−10 %", "± 1 %")


def test_no_text_of_the_chart_is_clipped_or_stands_on_another(struck):
    fig = struck.charts["shocks"]()
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    shown = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in shown]
    assert len(boxes) > 6 * 4 * 2
    for words, box in boxes:
        assert fig.bbox.x0 - 1 <= box.x0 <= box.x1 <= fig.bbox.x1 + 1, words
        assert fig.bbox.y0 - 1 <= box.y0 <= box.y1 <= fig.bbox.y1 + 1, words
    for (one, a), (other, b) in combinations(boxes, 2):
        assert min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)) < 2, (one, other)


def test_letters_can_be_read_on_every_fill(known):
    """Contrast of 3.8:1 at least, which is as much as dark or white letters can have on the middle of the scale."""
    losses = pd.concat([known[known["name"] == "most"].head(1)] * 30, ignore_index=True)
    size = -np.linspace(0.001, 0.4, 30)
    losses = losses.assign(
        shock=[f"s{k}" for k in range(30)], difference=size, ci_low=size, ci_high=size, relative=size
    )
    ax = chart.draw(losses)
    fills, letters = [p.get_facecolor() for p in ax.patches], [t for t in ax.texts if "%" in t.get_text()]
    assert len(fills) == len(letters) == 30
    for fill, letter in zip(fills, letters, strict=True):
        dark, light = sorted(_luminance(c) for c in (fill, letter.get_color()))
        assert (light + 0.05) / (dark + 0.05) > 3.8


def _luminance(colour: object) -> float:
    parts = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_an_empty_table_is_drawn_as_such(known):
    assert chart.draw(known.head(0)).texts[0].get_text() == "nothing was looked at"
    ax = style.panel(None)
    assert chart.draw(known, ax) is ax


# --- The command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def file(still: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("still.yaml").write_text(scenarios.dump(still), encoding="utf-8")
    return "still.yaml"


def test_the_verb_tells_what_flips(file, capsys):
    assert main(["stress", file, "--seeds", "2", "-o", "out", "--store", "kept"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("Stress of test: 3 shocks, 2 seeds each", "Six days without a shop (down)", "All at once (all)",
                  "now missed", "now kept", "100 % to 0 %", "nothing that can be told", "folder: out"):  # fmt: skip
        assert words in " ".join(out.split()), words
    assert all(len(line) <= 80 for line in out.splitlines())
    assert sorted(path.name for path in Path("out").iterdir()) == ["charts", "manifest.json", "stress.csv"]
    assert pd.read_csv("out/stress.csv").shape == (12, len(STRESS))


def test_the_verb_prints_json(file, capsys):
    assert main(["stress", file, "--seeds", "2", "--json", "--no-store", "--shock", "down", "--kpi", "orders"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verb"] == "stress"
    assert found["manifest"]["shocks"] == ["down"]
    assert [(r["shock"], r["relative"], r["wanted"]) for r in found["stress"]] == [("down", pytest.approx(-0.1), None)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shock", "dwn"], "unknown shock 'dwn'; did you mean down?"),
        (["--set", "shocks={}"], "declares no shock"),
        (["--kpi", "gvm"], "unknown KPI 'gvm'"),
    ],
)
def test_bad_input_ends_with_two(file, capsys, words, told):
    assert main(["stress", file, "--no-store", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_a_shipped_plan_is_stressed(file, capsys):
    words = ["stress", "store-campaign-28-days", "--users", "3000", "--seeds", "2", "--shock", "supplier-delay"]
    assert main([*words, "--json", "--no-store"]) == 0
    found = json.loads(capsys.readouterr().out)["stress"]
    (stock,) = [r for r in found if r["name"] == "stock-outs"]
    assert stock["shocked"] > stock["calm"]
