"""Compare: paired differences with known answers, exactly zero on itself, and the verb from end to end."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from markets import everything, kpi, plan
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from scipy import stats

import scenarios
from experiments import executors, runner
from experiments.compare import TABLE, compare, comparison, paired, shares, title_of
from experiments.job import Job, Tables
from experiments.outputs import MAIN
from experiments.plots import differences
from experiments.runner import Runner
from experiments.store import Store
from experiments.summary import attainment
from experiments.tables import rows
from sandtable.cli import main
from scenarios import Scenario
from sim.run import simulate

ALONE = Runner(processes=1)
TARGETS = {
    "many": {"kpi": "orders", "at_least": 10.0, "title": "Many orders"},
    "leavers": {"kpi": "bounce_rate", "at_most": 0.5},
    "growth": {"kpi": "gmv", "at_least": 0.1, "against": "before"},
}
WINDOWS = {"before": {"days": [-20, -1]}}


@dataclass(frozen=True)
class Canned(Runner):
    """A runner whose runs are made up: `say(name of the plan, seed)` gives KPIs and targets by name."""

    say: Callable[[str, int], Mapping[str, float]] = lambda name, seed: {}
    made: list[tuple[str, int]] = field(default_factory=list)

    def evaluate(self, jobs: Iterable[Job], of: int) -> Iterator[tuple[int, Tables]]:
        for place, job in enumerate(jobs):
            self.made.append((job.scenario.name, job.seed))
            said = self.say(job.scenario.name, job.seed)
            kpis = [(k, "plan", "all", "", v) for k, v in said.items()]
            targets = [(k, said[k]) for k in job.scenario.targets if k in said]
            yield (
                place,
                {
                    "kpis": pd.DataFrame(kpis, columns=["kpi", "window", "segment", "unit", "value"]),
                    "targets": pd.DataFrame(targets, columns=["target", "value"]),
                },
            )


def two(**other: Any) -> tuple[Scenario, Scenario]:
    base = plan(name="old", targets=TARGETS, windows=WINDOWS)
    return base, plan(name="new", targets=TARGETS, windows=WINDOWS, **other)


def said(table: dict[str, dict[str, list[float]]]) -> Callable[[str, int], Mapping[str, float]]:
    """Return what `Canned` says from plan: output: value of each seed from 1 on."""
    return lambda name, seed: {output: values[seed - 1] for output, values in table[name].items()}


# --- Known answers ----------------------------------------------------------------------------------------------------


def test_a_paired_difference_by_hand():
    """Differences 1, 0, 2, 1: mean 1, variance 2/3; t(3) = 3.182446; variances 5/3 and 3."""
    found = paired([1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 5.0, 5.0])
    half = 3.182446 * np.sqrt(2 / 3 / 4)
    assert (found.base_mean, found.other_mean, found.difference, found.seeds) == (2.5, 3.5, 1.0, 4)
    assert (found.ci_low, found.ci_high) == pytest.approx((1 - half, 1 + half), rel=1e-6)
    assert found.relative == pytest.approx(0.4)
    assert found.variance_ratio == pytest.approx((5 / 3 + 3) / (2 / 3))


def test_the_interval_is_that_of_the_paired_t_test():
    draws = np.random.default_rng(3).normal(5, 2, (2, 12))
    found = paired(draws[0].tolist(), draws[1].tolist())
    theirs = stats.ttest_rel(draws[1], draws[0]).confidence_interval(0.95)
    assert (found.ci_low, found.ci_high) == pytest.approx((theirs.low, theirs.high))


def test_pairs_that_lack_a_value_do_not_count():
    whole, holed = (
        paired([1.0, 2.0, 4.0], [3.0, 2.0, 7.0]),
        paired([1.0, nan, 2.0, 9.0, 4.0], [3.0, 5.0, 2.0, nan, 7.0]),
    )
    assert holed == whole
    assert holed.difference == pytest.approx(holed.other_mean - holed.base_mean)
    nothing = paired([nan, 1.0], [2.0, nan])
    assert nothing.seeds == 0
    assert all(isnan(v) for v in (nothing.difference, nothing.ci_low, nothing.relative, nothing.variance_ratio))


@pytest.mark.parametrize(
    ("base", "other", "ratio"),
    [([1.0, 2.0, 4.0], [2.0, 3.0, 5.0], inf), ([1.0] * 3, [2.0] * 3, nan), ([1.0], [3.0], nan),
     ([1.0, 1.0], [1.0, 3.0], 1.0)],
)  # fmt: skip
def test_the_variance_ratio_at_its_ends(base, other, ratio):
    assert paired(base, other).variance_ratio == pytest.approx(ratio, nan_ok=True)


def test_a_share_of_nothing_is_not_known():
    assert isnan(paired([0.0, 0.0], [1.0, 2.0]).relative)
    assert paired([0.0, 0.0], [0.0, 0.0]).relative == 0.0
    assert paired([-2.0, -2.0], [-1.0, -1.0]).relative == 0.5


def test_the_ratio_tells_how_many_more_independent_seeds_it_takes():
    """Var(difference of independent means) / Var(difference of paired means), over 4,000 comparisons of 10 seeds.

    Shared luck of standard deviation 2, own luck of 1: the ratio is (5 + 5) / (1 + 1) = 5; each variance is known to
    2.2 % (sqrt(2 / 4,000)), so their ratio within 10 %.
    """
    rng = np.random.default_rng(11)
    shared, own = rng.normal(0, 2, (2, 4_000, 10)), rng.normal(0, 1, (2, 4_000, 10))
    apart = (shared[0] + own[0] - shared[1] - own[1]).mean(axis=1).var()
    together = (own[0] - own[1]).mean(axis=1).var()
    told = np.median([paired(s + a, s + b).variance_ratio for s, a, b in zip(shared[0], own[0], own[1], strict=True)])
    assert apart / together == pytest.approx(5, rel=0.1)
    assert told == pytest.approx(5, rel=0.1)


# --- The table --------------------------------------------------------------------------------------------------------


def test_the_table_by_hand():
    base, other = two()
    values = {
        "old": {"many": [8.0, 9.0], "leavers": [0.4, 0.5], "growth": [0.2, 0.2], "roas": [4.0, 6.0]},
        "new": {"many": [11.0, 13.0], "leavers": [0.6, 0.5], "growth": [0.2, 0.3], "roas": [4.0, 6.0]},
    }
    table = compare(base, other, seeds=2, runner=Canned(say=said(values)))
    assert tuple(table.columns) == TABLE
    assert set(table["base"]) == {"old"}
    assert set(table["other"]) == {"new"}
    assert table["name"].tolist() == [*TARGETS, *(k for k in MAIN if k != "orders")]
    row = table.set_index("name").loc
    assert row["many", ["title", "kpi", "window", "segment", "unit"]].tolist() == [
        "Many orders", "orders", "plan", "all", "orders"]  # fmt: skip
    assert row["many", ["base_mean", "other_mean", "difference", "wanted"]].tolist() == [8.5, 12.0, 3.5, 10.0]
    assert row["many", "ci_high"] == pytest.approx(3.5 + 12.706205 * 0.5)
    assert row["many", "base_probability"] == attainment([8.0, 9.0], 10.0, "at_least")
    assert row["many", "other_probability"] == attainment([11.0, 13.0], 10.0, "at_least")
    assert row[list(TARGETS), "flips"].tolist() == ["reached", "missed", ""]
    assert row["growth", "unit"] == "change vs before"
    assert row["roas", ["difference", "ci_low", "ci_high", "relative"]].tolist() == [0, 0, 0, 0]
    assert not row["roas", "differs"]
    assert row["roas", "direction"] == ""
    assert row["gmv", "seeds"] == 0


def test_it_differs_when_the_interval_leaves_0_out():
    base, other = two()
    values = {"old": {"many": [8.0] * 3, "leavers": [0.1] * 3, "growth": [0.0, 0.1, 0.2]},
              "new": {"many": [9.0, 9.1, 9.2], "leavers": [0.0, 0.1, 0.0], "growth": [-0.1, 0.0, 0.1]}}  # fmt: skip
    table = compare(base, other, seeds=3, runner=Canned(say=said(values))).set_index("name")
    assert table.loc[list(TARGETS), "differs"].tolist() == [True, False, True]
    alone = compare(base, other, seeds=1, runner=Canned(say=said(values)))
    assert not alone["differs"].any()


def test_plans_of_a_seed_run_together_and_equal_plans_once():
    base, other = two()
    canned = Canned(say=lambda name, seed: {"many": seed, "roas": seed + (name == "new")})
    table = compare(base, other, base, seeds=[5, 2], runner=canned)
    assert canned.made == [("old", 5), ("new", 5), ("old", 2), ("new", 2)]
    assert table[table["name"] == "roas"]["difference"].tolist() == [1.0, 0.0]


def test_the_kpis_asked_for_take_the_place_of_all():
    base, other = two()
    table = compare(base, other, seeds=1, kpis=["uv", "orders"], runner=Canned(say=lambda *_: {"uv": 1, "orders": 2}))
    assert table["name"].tolist() == ["uv", "orders"]
    with pytest.raises(ValueError, match="unknown KPI 'uvv'"):
        compare(base, other, kpis=["uvv"], runner=Canned())


def test_a_target_that_one_plan_lacks_is_measured_by_its_kpi():
    base, bare = two()[0], plan(name="bare", targets={"high": {"kpi": "aov", "at_least": 5.0}})
    values = {"old": {"many": [8.0], "growth": [0.2], "leavers": [0.3], "aov": [4.0]},
              "bare": {"orders": [9.0], "bounce_rate": [0.4], "high": [6.0], "gmv": [1.0]}}  # fmt: skip
    found = comparison(base, bare, seeds=1, runner=Canned(say=said(values)))
    table = found.table.set_index("name")
    assert table.index.tolist()[:4] == [*TARGETS, "high"]
    assert table.loc["many", ["base_mean", "other_mean", "difference"]].tolist() == [8.0, 9.0, 1.0]
    assert table.loc["high", ["base_mean", "other_mean", "flips"]].tolist() == [4.0, 6.0, "reached"]
    assert isnan(table.loc["growth", "difference"])
    assert table.loc["growth", ["base_mean", "seeds"]].tolist() == [0.2, 0]
    assert table.loc["growth", "flips"] == ""
    assert any(note.startswith("not measured in both plans: growth") for note in found.notes)


def test_all_plans_are_held_to_what_the_base_promises():
    base, other = two()[0], plan(name="new", targets={**TARGETS, "many": {"kpi": "orders", "at_least": 2.0, "title": "Few"}},
                                 windows=WINDOWS)  # fmt: skip
    found = comparison(base, other, seeds=1, runner=Canned(say=lambda *_: {"many": 5.0}))
    assert found.table["wanted"].iloc[0] == 10.0
    assert "new promises something else in Many orders; all plans are held to at least 10" in found.notes


def test_what_makes_totals_differ_is_told():
    base, other = two(clock={"days": 30}, market={"people": 400_000})
    notes = " | ".join(comparison(base, other, seeds=2, runner=Canned(say=lambda *_: {"roas": 1.0})).notes)
    assert "plan is 60 days in old and 30 in new" in notes
    assert "200,000 people are in old and 400,000 in new" in notes
    assert "fewer than 10 seeds" in notes
    cut = comparison(base, other, seeds=2, days=20, runner=Canned(say=lambda *_: {"roas": 1.0})).notes
    assert "days in" not in " | ".join(cut)


def test_many_seeds_are_not_warned_of_and_chance_is():
    base, other = two()
    canned = Canned(say=lambda name, seed: {"many": seed % 7 + (name == "new") * seed % 2, "roas": seed % 3})
    notes = " | ".join(comparison(base, other, seeds=10, runner=canned).notes)
    assert "fewer than" not in notes
    assert "2 intervals of 95 % stand here: about one in twenty leaves out 0 by chance" in notes
    assert "independent seeds would take" in notes


def test_titles_tell_plans_of_one_name_apart():
    base = plan(targets=TARGETS, windows=WINDOWS)
    cut = base.override({"clock.days": 20, "targets.many.at_least": 7.5})
    assert title_of(base, cut) == "test with clock.days=20, targets.many.at_least=7.5"
    assert title_of(base, base) == "test"
    assert title_of(base, base.override({"targets.many": None})) == "test with targets.many=null"
    large = base.override({"market.channels.mail": {}, "clock.tail": 0,
                           "clock.days": 9, "market.users": 300})  # fmt: skip
    assert title_of(base, large) == "test with clock.days=9, clock.tail=0, market.users=300 and 1 more"
    found = comparison(base, base, base, cut, seeds=1, runner=Canned(say=lambda *_: {"many": 1.0}))
    assert found.table["other"].unique().tolist() == ["test", "test (2)", title_of(base, cut)]


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ValueError, match="at least one plan"):
        compare(plan())
    with pytest.raises(ValueError, match="needs a title, but got 2 for 1"):
        comparison(plan(), plan(), titles=["a", "b"])
    with pytest.raises(ValueError, match="seeds must differ"):
        compare(plan(), plan(), seeds=[1, 1], runner=Canned())


# --- Real runs --------------------------------------------------------------------------------------------------------


def test_a_scenario_against_itself_is_exactly_zero():
    market = everything(targets={"many": TARGETS["many"], "growth": TARGETS["growth"]})
    table = compare(market, market.model_copy(), seeds=2, runner=ALONE)
    known = table[table["seeds"] > 0]
    assert len(known) > 10
    assert (known[["difference", "ci_low", "ci_high", "relative"]] == 0).all(axis=None)
    assert not known["differs"].any()
    assert set(known["flips"]) == {""}
    assert (known["base_mean"] == known["other_mean"]).all()
    assert set(known["variance_ratio"]) <= {inf} | {v for v in known["variance_ratio"] if isnan(v)}


def test_differences_are_those_of_the_single_runs():
    market = everything()
    dear = market.override({"levers.ads.budget": "20%"})
    table = compare(market, dear, seeds=3, kpis=["gmv", "exposure"], runner=ALONE).set_index("name")
    pairs = [(simulate(market, seed), simulate(dear, seed)) for seed in (1, 2, 3)]
    for name in ("gmv", "exposure"):
        expected = paired([kpi(a, name) for a, _ in pairs], [kpi(b, name) for _, b in pairs])
        assert table.loc[name, "difference"] == pytest.approx(expected.difference)
        assert table.loc[name, "ci_low"] == pytest.approx(expected.ci_low)
    assert table.loc["exposure", "difference"] < 0


def test_runs_that_end_early_are_compared_over_the_days_so_far():
    market = everything()
    table = compare(market, market.override({"levers.ads.on": False}), seeds=1, days=31, kpis=["orders"], runner=ALONE)
    assert table["window"].tolist() == ["so far"]
    assert table["base_mean"].iloc[0] > 0


# --- The chart --------------------------------------------------------------------------------------------------------


@pytest.fixture
def made() -> pd.DataFrame:
    """Two others in three outputs: clearly less, nothing, six times as much; and a change of three points."""
    base, _ = two()
    low, high = (plan(name=name, targets=TARGETS, windows=WINDOWS) for name in ("a plan (計畫)", "high"))
    rng = np.random.default_rng(1).normal(0, 0.01, 10)
    level = {"old": (1.0, 0.10), low.name: (0.9, 0.13), "high": (6.0, 0.10)}

    def say(name: str, seed: int) -> dict[str, float]:
        size, growth = level[name]
        return {"many": size * (5 + rng[seed - 1] * (name != "old")), "growth": growth, "roas": 3 + rng[seed - 1]}

    return compare(base, low, high, seeds=10, runner=Canned(say=say))


def test_shares_are_relative_and_those_of_changes_are_points(made):
    found = {(row.other[0], row.name): shares(row) for row in rows(made[made["seeds"] > 0])}
    assert found["a", "many"][0] == pytest.approx(-0.1, abs=0.01)
    assert found["a", "growth"] == pytest.approx((0.03, 0.03, 0.03))
    assert found["h", "roas"] == (0.0, 0.0, 0.0)


def test_dots_stand_where_the_differences_are_and_far_ones_become_arrows(made):
    ax = differences.draw(made)
    dots = [line for line in ax.lines if line.get_marker() not in ("None", "", None)]
    assert len(dots) == 6
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == ">"] == [1.0]
    places = {round(float(line.get_ydata()[0])): line for line in dots if line.get_marker() == "o"}
    assert places[0].get_xdata()[0] == pytest.approx(-0.1, abs=0.01)
    assert places[1].get_xdata()[0] == pytest.approx(0.03)
    assert places[0].get_markerfacecolor() != "white"
    assert places[2].get_markerfacecolor() == "white"
    assert list(ax.lines[0].get_xdata()) == [0, 0]
    assert list(ax.lines[0].get_ydata()) == [0, 1]


def test_others_are_told_apart_in_grey(made):
    ax = differences.draw(made)
    looks = {(h.get_marker(), matplotlib.colors.to_hex(h.get_color())) for h in ax.get_legend().legend_handles}
    assert len({marker for marker, _ in looks}) == len({colour for _, colour in looks}) == 2


@pytest.mark.parametrize("others", [1, 2])
def test_no_text_is_cut_off_or_stands_on_another(made, others):
    fig = differences.figure(made[made["other"].isin(made["other"].unique()[:others])])
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    boxes = [
        (t.get_text(), t.get_window_extent())
        for t in fig.findobj(Text)
        if t.get_visible() and t.get_text().strip() and t not in [x for ax in fig.axes for x in _unseen(ax)]
    ]
    assert len(boxes) > 8
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.x1 <= fig.bbox.x1 + 1, text
        assert box.y0 >= 0, text
        assert box.y1 <= fig.bbox.y1 + 1, text
    for k, (text, box) in enumerate(boxes):
        assert not any(box.overlaps(more) for _, more in boxes[k + 1 :]), text


def _unseen(ax: Any) -> list[Text]:
    low, high = sorted(ax.get_xlim())
    return [tick.label1 for tick in ax.xaxis.get_major_ticks() if not low <= tick.get_loc() <= high]


def test_a_chart_of_nothing_says_so():
    base, other = two()
    ax = differences.draw(compare(base, other, seeds=1, runner=Canned()))
    assert "nothing was measured" in " ".join(t.get_text() for t in ax.texts)
    differences.figure(compare(base, other, seeds=1, runner=Canned()))


# --- The verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    market = everything(
        name="tiny [bold]", targets=TARGETS, windows=WINDOWS, overlays={"dear": {"levers": {"ads": {"unit_cost": 900}}}}
    )
    path = tmp_path_factory.mktemp("plans") / "tiny.yaml"
    path.write_text(scenarios.dump(market), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def test_the_verb_prints_a_page_of_80_columns(file, capsys):
    assert main(["compare", file, "--set", "levers.ads.unit_cost=900", "--seeds", "2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("tiny [bold] against tiny [bold] with", "levers.ads.unit_cost=900: 2 seeds", "What is promised",
                  "KPIs", "Many orders", "95 % interval", "chance", "fewer than 10 seeds", "one in twenty"):  # fmt: skip
        assert words in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "…" not in out


def test_the_document_and_the_folder(file, capsys, here):
    assert main(["compare", file, file, "--seeds", "2", "--json", "-o", "out"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verb"], found["good"], found["folder"]) == ("compare", True, "out")
    assert {row["difference"] for row in found["differences"] if row["seeds"]} == {0.0}
    assert found["manifest"]["seeds"] == [1, 2]
    assert [p["title"] for p in found["manifest"]["plans"]] == ["tiny [bold]", "tiny [bold]"]
    assert sorted(p.name for p in (here / "out").iterdir()) == [
        "charts",
        "differences.csv",
        "manifest.json",
        "runs.csv",
    ]
    assert [p.name for p in (here / "out" / "charts").iterdir()] == ["differences.png"]
    table = pd.read_csv(here / "out" / "differences.csv", keep_default_na=False)
    assert tuple(table.columns) == TABLE
    values = pd.read_csv(here / "out" / "runs.csv")
    assert set(values["seed"]) == {1, 2}


def test_set_and_overlay_change_the_others_and_users_all(file, capsys):
    assert main(["compare", file, file, "--overlay", "dear", "--users", "300", "--seeds", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first, second = found["manifest"]["plans"]
    assert (first["users"], second["users"]) == (300, 300)
    assert first["scenario_digest"] != second["scenario_digest"]
    assert second["title"] == "tiny [bold] with overlay dear"
    exposure = next(row for row in found["differences"] if row["name"] == "exposure")
    assert exposure["difference"] < 0
    assert main(["compare", file, "--overlay", "dear", "--users", "300", "--seeds", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found


@pytest.mark.parametrize(
    ("words", "told"),
    [("", "there is nothing to compare with"), ("nowhere.yaml", "there is no such file"),
     ("--set levers.adds.unit_cost=3", "did you mean ads?"), ("--set clock.tail=5 --kpi gvm", "unknown KPI 'gvm'")],
)  # fmt: skip
def test_bad_input_ends_with_two(file, words, told, capsys, here):
    assert main(["compare", file, *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert list(here.iterdir()) == []


def test_a_second_call_simulates_nothing(file, capsys, monkeypatch):
    words = ["compare", file, "--set", "levers.ads.unit_cost=900", "--seeds", "2", "--json"]
    assert main(words) == 0
    first = capsys.readouterr().out

    def forbidden(job: Job) -> bytes:
        raise AssertionError(f"simulated seed {job.seed}")

    monkeypatch.setattr(runner, "perform", forbidden)
    assert main(words) == 0
    assert capsys.readouterr().out == first
    assert len(list(Store("runs/store").entries())) == 4
