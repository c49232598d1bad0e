"""The report of an optimum: sums that reconcile, words true to the tables, nothing loaded, both languages whole."""

import base64
import hashlib
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from markets import LIVELY, behaving, of_users, plan
from matplotlib.figure import Figure
from test_optimum import ALONE, MARKET, media
from test_report import EVIL, Page, flat

from experiments.plots.words import LANGUAGES
from experiments.report.language import catalogue
from experiments.tables import rows
from optimize import plots, report, risk
from optimize.coupled import first_plans
from optimize.fitting import fit
from optimize.flags import flags
from optimize.market import Bounds, Plan, Setting, Space
from optimize.optimum import Optimum, optimum
from optimize.pieces import Points
from optimize.plots import words as chart_words
from optimize.plots.curves import points
from optimize.plots.pareto import draw as draw_front
from optimize.plots.waterfall import draw, shortened, span
from optimize.prices import price_words
from optimize.problem import MONEY, Cell, Goal, Limit, Problem
from optimize.race import Race
from optimize.report import front as pictures
from optimize.report.compared import compared, money, settings
from optimize.report.head import head
from optimize.report.making import command, sentences
from optimize.report.plans import front
from optimize.report.prices import prices
from optimize.report.sentences import PRICES, PROOF, SENTENCES, SHOWN
from optimize.report.wording import PACKAGE, Wording
from optimize.response import Responses
from optimize.runs import Runs
from optimize.search import remarks
from optimize.waterfall import contributions, slope, waterfall
from sim.kpis import KPIS

MORE = {
    "levers": {
        "good": media(0.2, channel="web", title=f"The good one {EVIL}"),
        "bad": media(0.001, channel="radio"),
        "gift": {"kind": "offer", "form": "threshold", "over": 90, "off": 15, "account": "users", "quota": 500},
    },
    "targets": {
        "orders": {"kpi": "orders", "at_least": 1},
        "moon": {"kpi": "gmv", "at_least": 1e12, "title": f"A moon {EVIL}"},
    },
    "choices": {"settings": {"levers.gift.off": {"low": 5, "high": 40}}},
    "provenance": {"levers.**": "assumed"},
}


@pytest.fixture(scope="module")
def found() -> Optimum:
    """Return an optimum with everything that a report can show."""
    market = plan(of_users(1_000, 20), behaving(LIVELY, {"visit": {"rate": 0.05, "aware": 0.02}}), MARKET, MORE)
    return optimum(
        market, replications=30, verify=32, runner=ALONE, risk=risk.CVaR(0.2),
        pareto={"gmv": "maximize", "spend": "minimize"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def plain(found: Optimum) -> Optimum:
    """Return it as if neither risk nor a front had been asked for."""
    tables = {name: table for name, table in found.answer.tables.items() if name not in ("risk", "pareto")}
    manifest = {**found.answer.manifest, "risk": None, "pareto": {}}
    return replace(found, choice=None, front=None, answer=replace(found.answer, tables=tables, manifest=manifest))


@pytest.fixture(scope="module", params=LANGUAGES)
def built(request: pytest.FixtureRequest, found: Optimum) -> str:
    return report.page(found, request.param)


@pytest.fixture(scope="module")
def page(built: str) -> Page:
    return Page(built)


# --- What the change is made of ---------------------------------------------------------------------------------------


def responses(levers: int, places: int, seed: int) -> tuple[Responses, Space]:
    """Return responses fitted to noise, whose curves, interaction, gain and charge are all at work, and their space."""
    random = np.random.default_rng(seed)
    current = Plan({f"l{k}": 10.0 for k in range(levers)}, {f"s{k}": 0.5 for k in range(places)})
    space = Space({name: Bounds(0, 60) for name in current.money}, 100, current,
                  {name: Setting(0, 1) for name in current.settings})  # fmt: skip
    plans = first_plans(space, 40, random)
    spend, unit = np.array([s for s, _ in plans]), np.array([u for _, u in plans])
    credit = spend * random.lognormal(0, 0.3, spend.shape) / (20 + spend.sum(1, keepdims=True))
    kpi = (
        credit.sum(1) * (1 + unit.sum(1)) + 0.3 * unit.sum(1) - 0.01 * spend.sum(1) + random.normal(0, 0.1, len(spend))
    )
    runs = Runs(spend, unit, np.arange(len(spend)), credit, kpi, np.empty((len(spend), 0)))
    return fit(runs, money=space.budget), space


@pytest.mark.parametrize(("levers", "places", "seed"), [(3, 2, 1), (5, 0, 2), (1, 3, 3), (4, 1, 4)])
def test_contributions_sum_up_to_the_fitted_change(levers, places, seed):
    model, space = responses(levers, places, seed)
    assert model.theta != pytest.approx(1.0, abs=0.01), "levers help or harm each other, or the sum would be too easy"
    random = np.random.default_rng(seed)
    for _ in range(20):
        before, after = (
            Plan({name: float(v) for name, v in zip(space.levers, 60 * random.random(levers) ** 3, strict=True)},
                 {name: float(v) for name, v in zip(space.settings, random.random(places), strict=True)})
            for _ in range(2)
        )  # fmt: skip
        by_money, by_settings = contributions(model, space, before, after)
        totals = [float(model.total(space.spend(p)[None], space.unit(p)[None])[0]) for p in (before, after)]
        assert by_money.sum() + by_settings == pytest.approx(totals[1] - totals[0], rel=1e-9, abs=1e-9)
        back, settings_back = contributions(model, space, after, before)
        assert back == pytest.approx(-by_money)
        assert settings_back == pytest.approx(-by_settings)


def test_what_does_not_change_contributes_nothing():
    model, space = responses(3, 2, 1)
    one = replace(space.current, money={**space.current.money, "l1": 40.0})
    by_money, by_settings = contributions(model, space, space.current, one)
    assert by_money[[0, 2]].tolist() == [0.0, 0.0]
    assert by_money[1] != 0.0
    assert by_settings == pytest.approx(0.0, abs=1e-9)
    other = replace(space.current, settings={"s0": 0.9, "s1": 0.5})
    by_money, by_settings = contributions(model, space, space.current, other)
    assert by_money.tolist() == [0.0, 0.0, 0.0]
    assert by_settings != 0.0


def test_money_from_nothing_and_its_refund_count():
    model, space = responses(3, 0, 5)
    before, after = Plan({"l0": 0.0, "l1": 10, "l2": 10}, {}), Plan({"l0": 30.0, "l1": 10, "l2": 10}, {})
    gain, charged = (contributions(model, space, before, after, refund=refund)[0][0] for refund in (0.0, 0.02))
    assert np.isfinite(gain)
    assert charged - gain == pytest.approx(0.02 * 30), "what the search charged for the yuan is given back"


@pytest.mark.parametrize("theta", [0.5, 1.0, 1.7])
def test_the_slope_of_a_chord_meets_that_of_the_curve(theta):
    near = slope(np.array([2.0, 2.0 + 1e-6]), theta)
    assert near == pytest.approx(theta * 2.0 ** (theta - 1), rel=1e-5)
    assert slope(np.array([2.0, 2.0]), theta) == pytest.approx(near, rel=1e-5)


def test_the_waterfall_reconciles_with_the_simulation(found):
    proof = found.answer.tables["verification"]
    table = waterfall(found.market, found.proposal, proof)
    row = proof[(proof["kpi"] == "orders") & (proof["name"] == "orders")].iloc[0]
    first, last = table.iloc[0], table.iloc[-1]
    assert table["kind"].tolist() == ["current", "money", "money", "settings", "rest", "proposed"]
    assert set(table.loc[table["kind"] == "money", "name"]) == {"good", "bad"}
    assert first["value"] == row["base_mean"]
    assert last["value"] == row["other_mean"]
    assert table["value"][:-1].sum() == pytest.approx(last["value"])
    assert (last["low"], last["high"]) == (row["ci_low"], row["ci_high"])
    steps = table.iloc[1:-1]
    assert steps["start"].tolist() == pytest.approx([first["value"], *steps["end"][:-1]])
    assert steps["end"].iloc[-1] == pytest.approx(last["value"])
    assert table["low"].iloc[:-1].isna().all()


def falls(levers: int) -> pd.DataFrame:
    """Return a waterfall of so many levers, each adding 10 less than the one before, and a rest."""
    steps = [("current", "current", 1000.0, 0.0, 1000.0)]
    level = 1000.0
    for k, value in enumerate([*(10.0 * (levers - k) * (-1) ** k for k in range(levers)), -40.0]):
        name, kind = (f"lever-{k}", "money") if k < levers else ("rest", "rest")
        steps.append((name, kind, value, level, level + value))
        level += value
    steps.append(("proposed", "proposed", level, 0.0, level))
    return pd.DataFrame(steps, columns=["name", "kind", "value", "start", "end"]).assign(low=np.nan, high=np.nan)


def test_many_levers_are_put_together_and_nothing_is_lost():
    table = falls(25)
    shown = shortened(table, 10)
    assert shown["kind"].tolist() == ["current", *["money"] * 9, "others", "rest", "proposed"]
    assert shown["value"][:-1].sum() == pytest.approx(table["value"][:-1].sum())
    others = shown[shown["kind"] == "others"].iloc[0]
    assert others["name"] == "16"
    assert others["start"] == pytest.approx(shown["end"].iloc[9])
    assert others["end"] == pytest.approx(shown["start"].iloc[11])
    assert shortened(falls(10), 10)["kind"].tolist().count("money") == 10


def test_the_waterfall_is_drawn_as_the_table_has_it():
    table = falls(4)
    ax = draw(table, goal="orders")
    bars = [p for p in ax.patches if p.get_height() > 0.5]
    ends = [sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in bars]
    expected = [sorted(span(row, 1000.0)) for row in rows(table) if row.kind != "current"]
    assert ends == [pytest.approx(pair) for pair in expected]
    assert [bar.get_hatch() or "" for bar in bars] == ["", "////", "", "////", "....", ""]


# --- Charts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_chart_is_drawn_in_both_languages(found, lang):
    tables, market = found.answer.tables, found.market
    table = waterfall(market, found.proposal, tables["verification"])
    drawn = [
        plots.allocation(tables["allocation"], lang=lang), plots.curves(market, found.proposal, lang=lang),
        plots.history(tables["history"], "orders", lang=lang), plots.waterfall(table, "orders", lang=lang),
        plots.pareto(tables["pareto"], lang=lang),
    ]  # fmt: skip
    text = " ".join(_texts(figure) for figure in drawn)
    for word in ("current", "proposed", "replications", "settings", "Whisker", "money"):
        assert (word in text) == (lang == "en"), word
    assert ("现状" in text) == (lang == "zh")


def _texts(figure: Figure) -> str:
    figure.canvas.draw()
    found = [t.get_text() for t in figure.findobj(matplotlib.text.Text)]
    return " ".join(found)


def test_the_words_of_the_charts_have_the_same_holes():
    for english, chinese in chart_words.TEXTS.items():
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", chinese)), english
        assert re.search(r"[\u4e00-\u9fff（]", chinese), english


def test_curves_are_shaded_where_runs_were_made(found):
    table = points(found.market, found.proposal)
    runs, space = found.proposal.runs, found.market.space
    changes = [abs(found.proposal.found.money[name] - space.current.money[name]) for name in space.levers]
    names = list(space.levers)
    assert list(dict.fromkeys(table["post"])) == [names[k] for k in np.argsort(-np.array(changes), kind="stable")]
    for k, name in enumerate(names):
        part = table[table["post"] == name]
        explored = part[part["kind"] == "explored"]["money"]
        assert (explored.min(), explored.max()) == (runs.spend[:, k].min(), runs.spend[:, k].max())
        for kind, of in (("current", space.current), ("proposed", found.proposal.found)):
            assert part.loc[part["kind"] == kind, "money"].tolist() == [of.money[name]]
        curve = part[part["kind"] == "curve"]
        assert curve["goal"].is_monotonic_increasing
        assert curve["money"].max() >= explored.max()
        ax = plots.curves(found.market, found.proposal).axes[0]
        assert ax.get_ylim()[0] == 0


def test_the_front_marks_the_knee_and_names_the_plans():
    table = pd.DataFrame({
        "plan": ["found", "plan 1", "current"], "gmv": [3.0, 2.0, 1.0], "SE gmv": [0.1] * 3,
        "spend": [3.0, 1.2, 1.0], "SE spend": [0.1] * 3, "knee": [False, True, False],
    })  # fmt: skip
    ax = draw_front(table, goals=("gmv", "spend"))
    assert sorted(text.get_text() for text in ax.texts) == ["current", "knee", "proposed"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == (KPIS["gmv"].title, KPIS["spend"].title)
    assert len(plots.pareto(table.assign(orders=[1, 2, 3])).axes) == 2
    empty = draw_front(table.iloc[:0], goals=("gmv", "spend"))
    assert "no plan was compared" in [text.get_text() for text in empty.texts]


# --- The page ---------------------------------------------------------------------------------------------------------


def test_text_of_the_scenario_is_escaped(built, page):
    assert EVIL not in built
    assert page.text.count("alert(1)") >= 3
    assert len(page.scripts) == len(page.tags("script")) == 3
    data = json.loads(page.scripts[0])
    assert "<script" not in json.dumps(data)
    assert "&lt;script" in json.dumps(data), "the lever's name above its bar, where Plotly would read tags"


def test_nothing_is_loaded_and_only_the_pages_own_scripts_run(built, page):
    for name in ("src", "href", "action", "data", "poster", "srcset"):
        assert all(a[name].startswith(("#", "data:")) for _, a in page.elements if name in a), name
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
    policy = next(a["content"] for a in page.tags("meta") if a.get("http-equiv") == "Content-Security-Policy")
    allowed = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in page.scripts[1:]}
    assert set(re.search(r"script-src ([^;]*)", policy)[1].split()) == allowed  # type: ignore[index]


def test_the_page_is_well_made(page):
    assert len(page.tags("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.tags("a")} <= set(ids)
    assert len(page.tags("caption")) == len(page.tags("table"))
    data = json.loads(page.scripts[0])
    places = [a["id"] for a in page.tags("div") if a.get("class") == "live"]
    assert places == list(data["charts"])
    assert {"waterfall", "history", "front-0", "curve-0", "curve-1"} == set(places)
    assert "nan" not in page.text.lower().split()


def test_the_same_optimum_gives_the_same_bytes(found, built):
    assert built in [report.page(found, lang) for lang in LANGUAGES]


def test_other_languages_are_refused(found):
    with pytest.raises(ValueError, match="`lang` must be one of en, zh, but got 'fr'"):
        report.page(found, "fr")


def test_sections_come_only_with_their_tables(plain, found):
    def titles(found: Optimum) -> set[str]:
        return {a["id"] for a in Page(report.page(found)).tags("section")}

    whole = {"compare", "money", "gain", "curves", "prices", "targets", "front", "risk", "proof"}
    assert titles(found) == whole
    assert titles(plain) == whole - {"front", "risk"}
    tables = plain.answer.tables
    empty = {name: tables[name].iloc[:0] for name in ("prices", "responses")}
    less = replace(plain, answer=replace(plain.answer, tables={**tables, **empty}))
    assert titles(less) == whole - {"front", "risk", "prices", "targets"}


def test_settings_alone_make_a_report():
    market = plan(of_users(500, 20), behaving(LIVELY), {
        "levers": {"gift": MORE["levers"]["gift"]}, "choices": {**MORE["choices"], "goal": "gmv"},  # type: ignore[index]
    })  # fmt: skip
    budget = {"budget": 1.0}
    found = optimum(market, replications=10, verify=8, runner=ALONE, **budget)
    page = Page(report.page(found))
    assert "Which settings bring the most GMV?" in page.text
    assert {a["id"] for a in page.tags("section")} == {"compare", "money", "gain", "proof"}
    assert found.before is None
    assert "in one run" not in page.text, "there are no targets"


def test_the_head_says_what_the_tables_say(found, plain):
    wording = Wording(plain, "en")
    row = found.answer.tables["verification"].set_index("name").loc["orders"]
    for confirmed, said in ((True, "Use the proposed plan: move"), (False, "Keep the plan as it is.")):
        told = head(replace(plain, confirmed=confirmed), wording)
        assert told.answer[0].startswith(said)
        assert wording.held(wording.more(row["difference"], "orders")) in told.answer[1]
        assert f"on {int(row['seeds'])} fresh seeds" in told.answer[1].replace("On", "on")
        assert told.grade == (4 if confirmed else 0)
    figures = {figure.title: figure for figure in told.figures}
    assert figures["Orders of the proposal"].value == wording.of_goal(row["other_mean"], 3)
    moved = found.answer.tables["allocation"]["change"].clip(lower=0).sum()
    assert figures["Money that moves"].value == wording.yuan(moved)
    assert found.before is not None
    assert figures["All 2 targets in one run"].value == "0\xa0%"


def test_a_broken_promise_is_warned_of(plain):
    broken = replace(plain, confirmed=False, broken=True, answer=replace(plain.answer, good=False))
    text = " ".join(Page(report.page(broken)).text.split())
    assert "The proposal misses what must be kept" in text
    assert "but misses what must be kept" in text
    assert "must be kept; see" not in Page(report.page(replace(broken, broken=False))).text


def test_kpis_are_told_as_verified(found):
    told = compared(found, Wording(found, "en"))
    table = found.answer.tables["verification"]
    table = table[table["difference"].notna()].reset_index(drop=True)
    assert len(told) == len(table)
    for row, line in zip(rows(table), told, strict=True):
        assert line.target == (row.direction != ""), row.name
        better = {"at_least": 1, "at_most": -1, "": KPIS[row.kpi].better}[row.direction]
        assert line.sign == (0 if not row.differs else int(np.sign(row.difference * better)))
        if line.dot is not None:
            assert line.dot.low <= line.dot.mean <= line.dot.high
            assert (line.dot.mean > 50) == (row.difference > 0) or line.dot.mean == 50
    assert any(line.dot and line.dot.low > 50 for line in told), "something rises beyond chance: the money moved"


def test_money_is_told_as_allocated(found):
    wording = Wording(found, "en")
    levers, periods, whole = money(found, wording)
    table = found.answer.tables["allocation"]
    assert [row.proposed for row in periods] == [
        wording.whole(v) for v in table.sort_values("proposed", ascending=False)["proposed"]
    ]
    assert whole is not None
    assert whole.proposed == wording.whole(table["proposed"].sum())
    assert max(row.proposed_width for row in levers) == 100.0
    assert levers[0].name.startswith("The good one"), "the largest first, by its title"
    assert levers[0].returns == wording.of_goal(1e4 * float(table.set_index("lever")["marginal"]["good"]), 3)
    (setting,) = settings(found, wording)
    assert setting.name == "levers.gift.off", "its lever has no title"
    assert setting.places[0] == pytest.approx(100 * (15 - 5) / (40 - 5), abs=0.01)


def test_prices_come_dearest_first_and_in_goal(found):
    said = prices(found, Wording(found, "en"))
    table = found.answer.tables["prices"]
    paid = table.loc[table["binding"].astype(bool), "price"].abs()
    assert len(said) == (paid > 1e-4 * paid.max()).sum() > 0
    assert all(re.search(r"(buys|costs) [\d.,]+(\xa0[kM])? orders\.|costs nothing\.", words) for words in said), said
    assert "e+0" not in " ".join(said), "numbers are told as people write them"


def test_plans_have_one_name_whatever_decided(found, plain):
    by_risk, by_mean = Wording(found, "en"), Wording(plain, "en")
    assert by_mean.plan("found") == "the proposal"
    assert found.choice is not None
    chosen = by_risk.plan(found.choice.name)
    assert chosen in ("the proposal", "the plan as it is")
    if found.choice.name != "found":
        assert by_risk.plan("found") == "the best by mean"
    goals, lines = front(found.answer.tables["pareto"], by_risk)
    assert goals == ["GMV", "Spend"]
    table = found.answer.tables["pareto"]
    assert len(lines) == len(table)
    for line, row in zip(lines, table.to_dict("records"), strict=True):
        assert [below for _, below in line.cells] == [
            pictures.compared(row, goal, by_risk) for goal in ("gmv", "spend")
        ]
    assert any(below for line in lines for _, below in line.cells), "plans are compared with the plan as it is"


def test_the_command_asks_the_same_again(found, plain):
    words = command(found).split()
    assert words[:3] == ["sandtable", "optimize", "test"]
    for asked in ("--risk 'cvar=20%'", "--pareto gmv --pareto spend", "--replications 30", "--verify 32", "--users 1000",
                  "--budget 24000", "--seed 1", "--goal orders"):  # fmt: skip
        assert asked.replace("'", "") in command(found).replace("'", ""), asked
    assert "--risk" not in command(plain)
    free = replace(found, scenario=found.scenario.override({"choices.settings": {}}))
    assert "--free levers.gift.off=5:40" in command(free)


# --- Words ------------------------------------------------------------------------------------------------------------


def test_both_languages_have_every_text():
    english, chinese = (flat(catalogue(code, PACKAGE)) for code in LANGUAGES)
    assert set(english) == set(chinese)
    for key, text in english.items():
        holes = [set(re.findall(r"{(\w+)}", str(t))) for t in (text, chinese[key])]
        assert holes[0] == holes[1], f"{key}: {holes}"


def test_every_text_is_used():
    package = Path(report.__file__).parent
    code = "".join(path.read_text("utf-8") for path in (*package.glob("*.py"), *package.glob("*.html")))
    shared = Path(report.__file__).parents[2] / "experiments" / "report"
    code += (shared / "base.html").read_text("utf-8") + (shared / "macros.html").read_text("utf-8")
    built_up = ("page.", "goal.", "worth.", "names.", "money_at.", "plans.", "making.", "said.", "gain.", "wording.")
    idle = [key for key in flat(catalogue("en", PACKAGE)) if key not in code and not key.startswith(built_up)]
    assert idle == []


def test_every_sentence_can_be_said_in_both_languages():
    for code in LANGUAGES:
        said = catalogue(code, PACKAGE)["said"]
        assert set(said) == set(SENTENCES)
        for key, pattern in SENTENCES.items():
            assert set(re.findall(r"{(\w+)}", said[key])) <= set(pattern.groupindex), key
    assert {*PROOF, *PRICES, *SHOWN} <= set(SENTENCES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_whatever_the_search_said_is_understood(found, plain, lang):
    for one in (found, plain):
        wording = Wording(one, lang)
        unknown = [note for note in one.answer.notes if not wording.sentence(note)[0]]
        assert unknown == []
    proof, doubts = sentences(found, Wording(found, lang))
    assert proof
    assert doubts
    if lang == "zh":
        assert all(re.search(r"[\u4e00-\u9fff]", text) for text, _ in doubts)


def test_a_sentence_not_known_stays_as_it_is_and_says_so(found):
    strange = replace(found, answer=replace(found.answer, notes=("A sentence <b>nobody</b> foresaw",)))
    assert sentences(strange, Wording(strange, "zh"))[1] == [("A sentence <b>nobody</b> foresaw", False)]
    assert '<li lang="en">A sentence &lt;b&gt;nobody' in report.page(strange, "zh")


@pytest.mark.parametrize("sense", ["<=", ">=", "=="])
@pytest.mark.parametrize("unit", [MONEY, "orders"])
@pytest.mark.parametrize("price", [2.5, -2.5, 0.0, np.nan])
def test_prices_in_words_are_understood(found, sense, unit, price):
    limit = Limit("the media budget", {"good": 1.0}, {}, sense, 1e4, unit=unit)
    cells = [Cell("good", {"goal": Points([0.0, 1e5], [0.0, 9.0])})]
    problem = Problem(cells, [limit], Goal({"goal": 1.0}, 0.0, "orders"))
    words = price_words(problem, limit, price, 1.0)
    kind, told = Wording(found, "en").sentence(words)
    assert kind in PRICES, words
    assert "the media budget" in told
    if price and not np.isnan(price):
        gain = price > 0 if sense != ">=" else price < 0
        assert ("buys" in told) == gain


def test_doubts_are_understood(found):
    """All that flags, the race and the measure of risk can say, said by themselves."""
    wording, market = Wording(found, "zh"), found.market
    space, proof = market.space, found.answer.tables["verification"]
    extreme = Plan({"good": space.levers["good"].high, "bad": 0.0}, {"levers.gift.off": 40.0})
    lost = proof.assign(
        difference=np.where(proof["kpi"] == "profit", -1e4, proof["difference"]), relative=-0.3, differs=True
    )
    shared = proof.iloc[[0]].assign(kpi="referral_share", window="plan", segment="all", other_mean=0.7, differs=True)
    small = proof.iloc[[0]].assign(
        kpi="aov", window="plan", segment="all", relative=-0.3, difference=-9.0, differs=True
    )
    said = list(flags(market, replace(found.proposal, found=extreme), pd.concat([lost, shared, small])))
    kinds = [wording.sentence(note)[0] for note in said]
    wanted = {"edge", "ceiling", "assumed", "loss", "invitations", "baskets"}
    assert wanted <= set(kinds), said
    assert {"given_up", "given_up_unseen"} & set(kinds)
    seen = found.proposal.race.kpis["found"]
    table = found.proposal.race.table
    race = Race(table, {"found": seen}, 1)
    for note in remarks(10 * abs(float(seen.mean())), race, False):
        assert wording.sentence(note)[0] in ("unproved", "surprise"), note
    credit = np.array([[9.0, 1.0], [1.0, 1.0]])
    (warning,) = risk.abandoned(["good", "bad"], np.array([[10.0, 10.0], [1.0, 19.0]]), credit, risk.CVaR(0.2))
    kind, text = wording.sentence(warning)
    assert kind == "safe"
    assert "20%" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_of_limits_are_said_for_people(found, lang):
    names = ["the media budget", "account a.b", "account a.b, at least", "account a, at most 30%", "target moon",
             "the return on media", "upper bound of good", "lower bound of bad", "a rule of mine"]  # fmt: skip
    fake: Any = SimpleNamespace(
        answer=SimpleNamespace(tables={
            "prices": pd.DataFrame({"name": names}), "allocation": found.answer.tables["allocation"],
        }),
        scenario=found.scenario, market=found.market, choice=None,
    )  # fmt: skip
    wording = Wording(fake, lang)
    told = [wording.names(name) for name in names]
    assert len(set(told)) == len(names)
    assert told[-1] == "a rule of mine"
    assert all(t != n for t, n in zip(told[2:4], names[2:4], strict=True))
    if lang == "zh":
        assert told[0] == "媒体预算"
        assert told[2] == "账户 a.b（下限）"
    assert wording.names("good, bad and 3 more").endswith({"en": " and 3 more", "zh": "等，另有 3 项"}[lang])
    both = wording.names("the media budget, account a.b, at least")
    assert told[0] in both
    assert told[2] in both
