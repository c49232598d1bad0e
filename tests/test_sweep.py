"""Sweep: exact where the market leaves nothing to chance, faults told before any run, and the verb from end to end."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from markets import daily, everything, plan
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

import scenarios
from experiments import executors, runner
from experiments.answer import Answer
from experiments.design import Parameter
from experiments.job import Job, Tables
from experiments.plots import indices, responses, tornado
from experiments.ranges import parameters
from experiments.ranking import Measured, outputs_of, parameters_of, ranked, shown, why_unknown
from experiments.runner import Progress, Runner
from experiments.store import Store
from experiments.summary import interval
from experiments.sweep import INDICES, NOISE, sweep, swept
from sandtable.cli import main
from scenarios import Scenario, value_at
from sim.run import simulate

ALONE = Runner(processes=1)
BASKET = "goods.classes.thing.basket"
IDLE = "service.agents"
CLASHING = ["levers.public.over=20:100", "levers.public.off=10:60"]
"""Each range alone is fine; a coupon of more than its threshold is not."""
EVERYTHING = ["behaviour.shop.cart=0.3:0.6:3", "levers.flash.on", "service.agents=3:8"]
PRIORS = {
    "behaviour.shop.cart": {"low": 0.25, "high": 1, "log": True, "why": "assumed"},
    "behaviour.shop.ctr": {"low": "5%", "high": "20%"},
}


@dataclass(frozen=True)
class MadeUp(Runner):
    """A runner whose runs are made up: `say(scenario, seed)` is the GMV."""

    say: Callable[[Scenario, int], float] = lambda scenario, seed: 0.0

    def evaluate(self, jobs: Iterable[Job], of: int) -> Iterator[tuple[int, Tables]]:
        kpis, targets = ["kpi", "window", "segment", "unit", "value"], ["target", "value"]
        for place, job in enumerate(jobs):
            line = ("gmv", "plan", "all", "yuan", self.say(job.scenario, job.seed))
            yield place, {"kpis": pd.DataFrame([line], columns=kpis), "targets": pd.DataFrame([], columns=targets)}


def shop():
    """Return a market without chance: 30 users for 10 days, one basket of 100 yuan a day each."""
    return daily(30, clock={"days": 10})


def cell(answer: Answer, parameter: str, index: str, name: str = "gmv") -> pd.Series:
    table = answer.table
    return table[(table["parameter"] == parameter) & (table["index"] == index) & (table["name"] == name)].iloc[0]


@pytest.fixture(scope="module")
def oat() -> Answer:
    wanted = {"gmv": {"kpi": "gmv", "at_least": 1, "title": "Sales"}, "bounce": {"kpi": "bounce_rate", "at_most": 0.5}}
    return swept(everything(targets=wanted), EVERYTHING, seeds=3, runner=ALONE)


@pytest.fixture(scope="module")
def lhs() -> Answer:
    return swept(everything(), [*EVERYTHING[1:], "behaviour.shop.cart=0.3:0.6"], "lhs", 8, 2, ["gmv"], runner=ALONE)


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_one_at_a_time_is_exact_where_nothing_is_left_to_chance():
    gmv = 30 * 10 * 10 * 100.0
    found = swept(shop(), [f"{BASKET}=50:250:3", f"{IDLE}=10:40"], seeds=2, kpis=["gmv", "aov"], runner=ALONE)
    assert tuple(found.table.columns) == INDICES
    low, high = cell(found, BASKET, "low"), cell(found, BASKET, "high")
    assert low[["value", "ci_low", "ci_high"]].tolist() == pytest.approx([-gmv / 2] * 3)
    assert high[["value", "ci_low", "ci_high"]].tolist() == pytest.approx([1.5 * gmv] * 3)
    assert cell(found, BASKET, "high", "aov")["value"] == pytest.approx(150)
    assert (found.table.loc[found.table["parameter"] == IDLE, "value"] == 0).all()
    values = found.tables["values"]
    assert values.loc[values["name"] == "gmv", "value"].tolist()[:8] == pytest.approx(
        [gmv, gmv, gmv / 2, gmv / 2, 1.5 * gmv, 1.5 * gmv, 2.5 * gmv, 2.5 * gmv]
    )
    noise = found.tables["noise"]
    assert tuple(noise.columns) == NOISE
    assert noise[noise["name"] == "gmv"]["share"].tolist() == pytest.approx([1, 0, 0, 0], abs=1e-9)


@pytest.mark.parametrize(("method", "samples"), [("morris", 4), ("lhs", 12)])
def test_methods_know_a_market_that_hangs_on_one_number(method, samples):
    """GMV is the basket times a constant: an effect of the whole range, a perfect rank correlation."""
    found = swept(shop(), [f"{BASKET}=50:250", f"{IDLE}=10:40"], method, samples, 2, ["gmv"], runner=ALONE)
    if method == "morris":
        assert cell(found, BASKET, "mu")["value"] == pytest.approx(30 * 10 * 10 * 200, rel=1e-3)
        assert cell(found, BASKET, "mu_star")["value"] == cell(found, BASKET, "mu")["value"]
        assert cell(found, IDLE, "mu_star")["value"] == cell(found, BASKET, "mu_star_luck")["value"] == 0
    else:
        assert cell(found, BASKET, "prcc")["value"] == pytest.approx(1, abs=1e-6)
        assert cell(found, "", "r2")["value"] == pytest.approx(1, abs=1e-6)
    assert len(found.tables["samples"]) == 1 + samples * {"morris": 3, "lhs": 1}[method]


def test_sobol_knows_a_product_of_two_numbers_of_the_plan():
    """Runs made up as baskets times agents, 50 to 150 by 1 to 3, and noise: V1 = V2 = 1/12, V12 = 1/144, scaled.

    64 base samples leave an error of 0.15 (three bootstrap standard errors).
    """

    def gmv(scenario, seed):
        return value_at(scenario, BASKET) * value_at(scenario, "behaviour.visit.shape") + 20 * seed

    over = [f"{BASKET}=50:150", "behaviour.visit.shape=1:3", f"{IDLE}=10:40"]
    found = swept(shop(), over, "sobol", 64, 3, ["gmv"], runner=MadeUp(say=gmv))
    for path in (BASKET, "behaviour.visit.shape"):
        first, total = (cell(found, path, f"{index}_corrected") for index in ("S1", "ST"))
        assert first["value"] == pytest.approx(12 / 25, abs=0.15)
        assert total["value"] == pytest.approx(13 / 25, abs=0.15)
        assert first["ci_low"] < 12 / 25 < first["ci_high"]
        assert cell(found, path, "ST")["value"] == pytest.approx(total["value"])
    assert cell(found, IDLE, "ST")["value"] == 0
    assert len(found.tables["samples"]) == 1 + 64 * 5


def test_changes_are_those_of_single_runs_paired_by_seed(oat):
    base = everything(targets={"gmv": {"kpi": "gmv", "at_least": 1}})
    other = base.override({"levers.flash.on": False})

    def gmv(scenario, seed):
        return simulate(scenario, seed).targets["value"].iloc[0]

    differences = [gmv(other, seed) - gmv(base, seed) for seed in (1, 2, 3)]
    row = cell(oat, "levers.flash.on", "low")
    assert row[["value", "ci_low", "ci_high"]].tolist() == pytest.approx(interval(differences))
    assert cell(oat, "levers.flash.on", "high")["value"] == 0


def test_the_plan_is_the_first_sample(oat):
    samples = oat.tables["samples"]
    assert samples.iloc[0].tolist() == [0, 0.5, 1, 5]
    assert samples["service.agents"].tolist() == [5, 5, 5, 5, 5, 3, 4, 6, 7, 8]
    assert len(oat.tables["values"]) == 10 * 3 * 2


def test_priors_are_swept_when_nothing_is_asked_for():
    scenario = everything(priors=PRIORS)
    found = swept(scenario, seeds=1, kpis=["orders"], days=5, runner=ALONE)
    assert [(p.low, p.high, p.log, p.levels) for p in parameters_of(found.tables).values()] == [
        (0.25, 1, True, 2), (0.05, 0.2, False, 2),
    ]  # fmt: skip
    assert len(found.tables["samples"]) == 5
    assert found.table["window"].unique().tolist() == ["so far"]
    assert found.table["ci_low"].isna().all()
    assert any("one seed" in note for note in found.notes)
    assert any("priors" in note for note in found.notes)
    pd.testing.assert_frame_equal(
        found.table,
        sweep(scenario, PRIORS.keys(), seeds=1, kpis=["orders"], days=5, runner=ALONE),
    )


def test_a_plan_without_priors_must_be_asked_about_something():
    with pytest.raises(ValueError, match=r"has no priors; say what to vary, such as --over behaviour\.shop\.ctr="):
        swept(plan(), runner=ALONE)


def test_nothing_is_simulated_twice_and_processes_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "cores", lambda: 2)
    told: list[Progress] = []
    kept = Runner(store=Store(tmp_path), processes=2, progress=told.append)
    ask = everything(), ["levers.flash.on", "behaviour.shop.cart=0.3:0.6"], "morris", 2, 2, ["gmv"]
    first = swept(*ask, runner=kept)
    assert (told[-1].done, told[-1].reused) == (told[-1].of, 0)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "perform", None)
        again = swept(*ask, runner=replace(kept, processes=1))
    assert told[-1].reused == told[-1].of > 0
    alone = swept(*ask, runner=ALONE)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)
        pd.testing.assert_frame_equal(alone.tables[name], table)
    assert first.manifest == alone.manifest


def test_equal_samples_run_once():
    told: list[Progress] = []
    watched = replace(ALONE, progress=told.append)
    found = swept(shop(), [f"{IDLE}=30:31"], "sobol", 8, 2, ["gmv"], runner=watched)
    assert len(found.tables["samples"]) == 1 + 8 * 3
    assert told[-1].of == 3 * 2
    assert any("nothing that was varied changes Gross merchandise value" in note for note in found.notes)
    assert found.table["value"].isna().all()


def test_luck_is_told_where_it_blurs_the_indices(lhs):
    weak = swept(everything(), ["behaviour.share.talk=0.05:0.07"], "lhs", 8, 2, ["gmv"], days=20, runner=ALONE)
    shares = [found.tables["noise"].set_index("source").loc["means", "share"] for found in (weak, lhs)]
    assert shares[0] > 0.1 > shares[1]
    words = (
        f"luck in the means over seeds, as a share of their variance: Gross merchandise value {100 * shares[0]:.0f} %"
    )
    assert any(note.startswith(words) for note in weak.notes)
    assert not any(note.startswith("luck in the means") for note in lhs.notes)


def test_what_cannot_be_measured_has_no_change():
    """Nobody orders where nobody fills a cart, so there is no order to take the value of."""
    found = swept(everything(), ["behaviour.shop.cart=0:0.5"], seeds=2, kpis=["orders", "aov"], days=3, runner=ALONE)
    assert np.isnan(cell(found, "behaviour.shop.cart", "low", "aov")["value"])
    assert cell(found, "behaviour.shop.cart", "low", "orders")["value"] < 0
    words = "could not be measured in every run: Average order value; changes rest on the seeds that could"
    assert words in found.notes


def test_unknown_indices_are_explained():
    rng = np.random.default_rng(6)
    made = {
        "it could not be measured in every run": lambda scenario, seed: np.nan if seed == 2 else 1.0 * seed,
        "nothing that was varied changes it": lambda scenario, seed: 1.0 * seed,
        "the parameters move it no more than luck does": lambda scenario, seed: rng.normal(),
        "": lambda scenario, seed: 1.0 * value_at(scenario, IDLE),
    }
    for words, say in made.items():
        found = swept(shop(), [f"{IDLE}=10:40"], "sobol", 16, 2, ["gmv"], runner=MadeUp(say=say))
        ((output, table),) = outputs_of(found.tables)
        assert why_unknown(found.tables, output.name, table) == words
        assert [t.get_text() for t in found.charts["indices"]().axes[0].texts] == ([words] if words else [])


# --- Ranges -----------------------------------------------------------------------------------------------------------


def test_ranges_read_the_literals_of_their_fields():
    over = ["levers.ads.budget=30%:60%", "levers.thanks.valid=1 week:2 weeks", "levers.flash.on=false:true"]
    share, days, switch = parameters(everything(), over)
    assert (share.low, share.high, share.own, share.kind) == (0.3, 0.6, 0.6, "percentage")
    assert (days.low, days.high, days.own, days.kind) == (7, 14, 9, "whole")
    assert (switch.low, switch.high, switch.own, switch.kind) == (0, 1, 1, "switch")
    assert [p.written(p.low) for p in (share, days, switch)] == ["30%", 7, False]
    assert [p.text(p.low) for p in (share, days, switch)] == ["30 %", "7", "off"]
    by_path = {"levers.ads.budget": ("30%", "60%", 3), "service.agents": (2, 9)}
    assert [(p.levels, p.log) for p in parameters(everything(), by_path)] == [(3, False), (5, False)]


def test_a_prior_lends_its_scale_and_its_ends():
    cart, ctr = parameters(everything(priors=PRIORS), ["behaviour.shop.cart=0.1:0.9", "behaviour.shop.ctr"])
    assert (cart.low, cart.high, cart.log, cart.levels) == (0.1, 0.9, True, 5)
    assert (ctr.low, ctr.high, ctr.log, ctr.levels) == (0.05, 0.2, False, 2)


def test_what_is_written_is_what_the_plan_then_has():
    scenario = everything()
    for parameter in parameters(scenario, ["levers.ads.budget=30%:60%", "service.agents=2:9", "levers.flash.on"]):
        for value in parameter.grid:
            changed = scenario.override({parameter.path: parameter.written(value)})
            assert value_at(changed, parameter.path) == pytest.approx(value)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ("behaviour.shop.cart=0.6:0.3", "`low < high` must hold, but got (low=0.6, high=0.3); did you mean "
         "behaviour.shop.cart=0.3:0.6?"),
        ("levers.flash.on=true:false", "did you mean levers.flash.on=false:true?"),
        ("behaviour.shop.cat=0.3:0.6", "unknown path; did you mean cart?"),
        ("behaviour.shop.cart", "has no prior, so say between which values; write behaviour.shop.cart=0.25:1"),
        ("behaviour.shop.cart=0.3", "must be PATH=LO:HI or PATH=LO:HI:LEVELS; write behaviour.shop.cart=0.3:HI"),
        ("behaviour.shop.cart=0.3:600%", "high 600%: must be at most 1"),
        ("behaviour.shop.cart=0.3:much", "high much: must be a number"),
        ("behaviour.shop.cart=0.3:0.6:1", "levels must be a whole number from 2 to 1000, but got 1"),
        ("behaviour.shop", "is not a number; numbers below it: "),
        ("levers.ads.budget=1000:2000", "low 1000: must be a percentage of its account, as the plan's own value 60 %"),
        ("levers.public.off=10:100", "high 100: "),
        ("levers.public.bad[=1:2", "is not a path"),
        ("targets.gmv.at_least=1:2", "no run depends on targets"),
        ("levers.weekly.quota=10:20", "unknown path"),
        ("levers.weekly.audience.orders[1]=5:10", "the plan has no number there; give it one with --set "
         "levers.weekly.audience.orders[1]=VALUE"),
    ],
)  # fmt: skip
def test_bad_ranges_are_told_with_the_nearest_fix(over, words):
    scenario = everything(targets={"gmv": {"kpi": "gmv", "at_least": 1}})
    with pytest.raises(ValueError, match="^" + re.escape(over.partition("=")[0])) as caught:
        parameters(scenario, [over])
    assert words in str(caught.value)


def test_all_bad_ranges_are_told_at_once():
    with pytest.raises(ValueError, match="twice") as caught:
        parameters(everything(), ["service.agents=2:9", "service.agents=2:5", "x=1:2", "behaviour.shop.cart=9:7"])
    assert len(str(caught.value).splitlines()) == 4


def test_levels_are_for_one_at_a_time():
    with pytest.raises(ValueError, match=r"levels \(3\) are for oat; sobol takes samples instead"):
        parameters(everything(), ["behaviour.shop.cart=0.3:0.6:3"], "sobol")


def test_samples_that_are_no_plan_are_named_before_any_run(monkeypatch):
    monkeypatch.setattr(runner, "perform", None)
    with pytest.raises(ValueError, match=r"^sample \d+ \(levers\.public\.over=\d+") as caught:
        swept(everything(), CLASHING, "lhs", 20, runner=ALONE)
    assert "is refused: " in str(caught.value)
    assert "narrow the ranges" in str(caught.value)
    assert parameters(everything(), CLASHING)


# --- The verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "cores", lambda: 1)
    path = tmp_path / "market.yaml"
    scenario = everything(targets={"sales": {"kpi": "gmv", "at_least": 1, "title": "All sales"}}, priors=PRIORS)
    path.write_text(scenarios.dump(scenario), encoding="utf-8")
    return str(path)


def test_the_verb_prints_a_ranking_and_writes_a_folder(file, tmp_path, capsys):
    folder = tmp_path / "out"
    ask = ["sweep", file, "--seeds", "2", "--store", str(tmp_path / "store"), "-o", str(folder)]
    assert main(ask) == 0
    out = capsys.readouterr().out
    assert "All sales: ¥" in out
    assert "variance of runs: parameters " in out
    assert "behaviour.shop.ctr" in out
    assert "5 to 20" not in out
    assert "± " in out
    assert {p.name for p in (folder / "charts").iterdir()} == {"tornado.png", "responses.png"}
    tables = {p.stem for p in folder.glob("*.csv")}
    assert tables == {"indices", "noise", "parameters", "samples", "values"}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert [p["path"] for p in manifest["parameters"]] == list(PRIORS)


@pytest.mark.parametrize(("method", "size", "word"), [("morris", 2, "size of effect"), ("sobol", 4, "in all"),
                                                      ("lhs", 6, "rank correlation")])  # fmt: skip
def test_the_verb_speaks_of_every_method(method, size, word, file, tmp_path, capsys):
    ask = ["sweep", file, "--seeds", "2", "--days", "9", "--method", method, "--samples", str(size), "--kpi", "gmv"]
    assert main([*ask, "--store", str(tmp_path / "s")]) == 0
    out = capsys.readouterr().out
    assert word in out or "no more than luck" in out
    assert main([*ask, "--store", str(tmp_path / "s"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["manifest"]["method"] == method
    assert {row["index"] for row in document["indices"]} >= {
        {"morris": "mu_star", "sobol": "ST", "lhs": "prcc"}[method]
    }


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--over", "behaviour.shop.crat=0.1:0.2"], "did you mean cart?"),
        (["--method", "sobol", "--samples", "100"], "did you mean 128?"),
        (["--samples", "100"], "oat takes no samples"),
        (["--kpi", "gnv"], "unknown KPI 'gnv'"),
    ],
)
def test_the_verb_refuses_bad_input(more, words, file, capsys):
    assert main(["sweep", file, "--no-store", *more]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


# --- Charts -----------------------------------------------------------------------------------------------------------


def test_changes_are_told_in_words():
    sales = Measured("gmv", "GMV", "gmv", "plan", "all", "yuan", 200.0)
    assert sales.estimated((-5.0, -5.0, -5.0)) == "−2.5 %"
    assert sales.estimated((np.nan,) * 3) == "-"
    assert sales.estimated((5.0, np.nan, np.nan)) == "+2.5 %"
    growth = Measured("g", "Growth", "gmv", "plan", "all", "change vs last-year", 0.3)
    assert growth.estimated((0.1, 0.05, 0.15)) == "+10 points ± 5"
    assert Measured("gmv", "GMV", "gmv", "plan", "all", "yuan", 0.0).estimated((7.0, 5.0, 9.0)) == "+¥7 ± ¥2"


def test_the_strongest_comes_first_and_the_unknown_last():
    lines = [("a", "low", -1.0), ("a", "high", 2.0), ("b", "low", np.nan), ("b", "high", np.nan), ("c", "low", -3.0),
             ("c", "high", 0.0)]  # fmt: skip
    table = pd.DataFrame(lines, columns=["parameter", "index", "value"]).assign(method="oat", ci_low=0.0, ci_high=0.0)
    assert [path for path, _ in ranked(table)] == ["c", "a", "b"]
    assert shown(table) == ("low", "high")


def test_the_tornado_has_a_bar_for_each_end(oat):
    sales, _ = outputs_of(oat.tables)
    output, part = sales
    table = tornado.reaches(output, part, parameters_of(oat.tables))
    assert table["end"].tolist() == ["low", "high"] * 3
    ax = tornado.draw(table, plan=output.plan, unit=output.axis)
    bars = [p for p in ax.patches if isinstance(p, Rectangle)]
    ends = sorted(bar.get_x() + bar.get_width() for bar in bars)
    assert ends == pytest.approx(sorted(table["value"]))
    assert {bar.get_x() for bar in bars} == {output.plan}
    low, high = ax.get_xlim()
    assert low < min(ends) <= max(ends) < high
    assert [t.get_text() for t in ax.get_yticklabels()] == list(dict.fromkeys(table["label"]))
    assert {t.get_text() for t in ax.texts} == {"0.3", "0.6", "off", "on", "3", "8"}
    assert {bar.get_hatch() or "" for bar in bars} == {"", "////"}


def test_a_response_leads_through_the_plan(oat, lhs):
    cart = parameters_of(oat.tables)["behaviour.shop.cart"]
    table = responses.response(oat.tables, "gmv", cart, alone=True)
    levels = table[table["kind"] == "level"]
    assert levels["x"].tolist() == pytest.approx([0.3, 0.45, 0.5, 0.6])
    own = levels[levels["x"] == 0.5].iloc[0]
    assert own["low"] == own["high"] == own["value"] == table[table["kind"] == "plan"]["value"].iloc[0]
    assert (levels["value"].diff().dropna() > 0).all()
    drawn = responses.response(lhs.tables, "gmv", parameters_of(lhs.tables)["levers.flash.on"], alone=False)
    assert drawn["kind"].value_counts().to_dict() == {"sample": 8, "level": 2, "plan": 1}
    for one, parameter in ((table, cart), (drawn, parameters_of(lhs.tables)["levers.flash.on"])):
        ax = responses.draw(one, parameter=parameter, unit="yuan")
        assert ax.get_ylim()[0] < one["value"].min()
        assert ax.get_ylim()[1] > one["value"].max()


def test_indices_are_drawn_within_what_they_can_be(lhs):
    output, part = next(outputs_of(lhs.tables))
    table = indices.strengths(part, parameters_of(lhs.tables))
    assert len(table) == 3
    ax = indices.draw(table)
    low, high = ax.get_xlim()
    assert -1.4 <= low <= -1
    assert 1 <= high <= 1.4
    assert output.plan > 0


def test_charts_of_nothing_say_so():
    nothing = pd.DataFrame(columns=list(tornado.COLUMNS))
    assert "nothing could be measured" in [t.get_text() for t in tornado.draw(nothing, plan=1.0).texts]
    nothing = pd.DataFrame(columns=list(indices.COLUMNS))
    assert len(indices.draw(nothing).texts) == 1
    nothing = pd.DataFrame(columns=list(responses.COLUMNS))
    assert len(responses.draw(nothing, parameter=Parameter("a", 0, 1, own=0.5)).texts) == 1


def test_long_titles_keep_what_they_are_about():
    parameter = Parameter("levers.a.click", 0, 1, own=0.5, title="A lever whose title goes on and on and on: click")
    assert tornado.named(parameter, 30) == "A lever whose title…: click"


@pytest.mark.parametrize("name", ["oat", "lhs"])
def test_figures_are_drawn_with_texts_on_the_page(name, request):
    found: Answer = request.getfixturevalue(name)
    for draw in found.charts.values():
        figure = draw()
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        width, height = canvas.get_width_height()
        for ax in figure.axes:
            for text in ax.texts:
                box = text.get_window_extent()
                assert box.x0 > -2
                assert box.y0 > -2
                assert box.x1 < width + 2
                assert box.y1 < height + 2
