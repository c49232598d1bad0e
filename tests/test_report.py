"""The report: everything escaped, nothing loaded, the same bytes again, both languages whole, words true to the tables."""

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markets import CONTROL, everything, plan

import scenarios
from experiments import replication, report, reporting
from experiments.outputs import outputs
from experiments.plots import load
from experiments.plots.funnel import STEPS
from experiments.plots.words import LANGUAGES
from experiments.replication import Replication
from experiments.report import course, promises, supply
from experiments.report.assumptions import assumptions, numbers
from experiments.report.figure import still
from experiments.report.language import Language, catalogue
from experiments.report.page import embedded
from experiments.report.risks import shocks
from experiments.report.sensitivity import influence, tornados
from experiments.report.strongest import strongest
from experiments.runner import Runner
from experiments.stress import stress
from experiments.tables import rows
from scenarios import source_of, value_at
from sim.kpis import KPIS

EVIL = "<script>alert(1)</script>"
TARGETS = {
    "orders": {"kpi": "orders", "at_least": 600, "title": f"A title with {EVIL} (訂單)"},
    "more": {"kpi": "orders", "window": "late", "at_least": 0.2, "against": "before"},
    "bounce": {"kpi": "bounce_rate", "at_most": 0.3},
    "gmv": {"kpi": "gmv", "segment": "young", "at_least": 1e4},
    "far": {"kpi": "spend", "at_most": 1},
    "unknown": {"kpi": "ltv", "at_least": 100},
}
PRIORS = {
    "behaviour.visit.rate": {"low": 0.1, "high": 0.5, "why": f"guess & {EVIL}"},
    "service.agents": {"low": 2, "high": 9},
}
PROVENANCE = {"behaviour.**": f"assumed: {EVIL}", "market.**": "plan 1", "service.**": "assumed"}
NASTY = {"name": EVIL, "question": f"Is it </title>{EVIL} & 25 % more?", "festivals": {f"<b>{EVIL}": {
    "date": "2024-02-10", "stages": {"day": {"days": [0, 0]}}}}}  # fmt: skip


@pytest.fixture(scope="module")
def lively() -> Replication:
    market = everything(CONTROL, NASTY, targets=TARGETS, priors=PRIORS, provenance=PROVENANCE)
    return replication.run(market, 3, runner=Runner(processes=1))


@pytest.fixture(scope="module")
def struck(lively: Replication) -> pd.DataFrame:
    return stress(lively.scenario, ["rival", "down"], seeds=3, runner=Runner(processes=1))


def swept(found: Replication, method: str = "oat") -> pd.DataFrame:
    """Return a table as a sweep's: the first number moves every promise, the second none for certain."""
    index = {"oat": ("low", "high"), "morris": ("mu_star",), "lhs": ("prcc",)}[method]
    strong, weak = found.scenario.priors
    lines = [
        (*output.columns, path, method, name, value, value - half, value + half)
        for output in outputs(found.scenario)
        for path, size, half in ((strong, 0.4, 0.1), (weak, 0.05, 0.3))
        for name, value in zip(index, (-size, size) if method == "oat" else (size,), strict=True)
    ]
    columns = ["name", "title", "kpi", "window", "segment", "unit", "parameter", "method", "index", "value"]
    return pd.DataFrame(lines, columns=[*columns, "ci_low", "ci_high"])


class Page(HTMLParser):
    """The elements of a page: (tag, attributes), texts of scripts, headings, and what stands outside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.inside = tag if tag in ("script", "style") else self.inside
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif not self.inside:
            self.text += data

    def tags(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module", params=LANGUAGES)
def built(request: pytest.FixtureRequest, lively: Replication, struck: pd.DataFrame) -> str:
    return report.build(lively, stress=struck, sweep=swept(lively), lang=request.param)


@pytest.fixture(scope="module")
def page(built: str) -> Page:
    return Page(built)


def test_text_of_the_scenario_is_escaped(built, page, lively):
    assert EVIL not in built
    assert len(page.scripts) == len(page.tags("script")) == 3, "data, Plotly, and the page's own"
    assert page.text.count("alert(1)") >= 5, "title, question, target, festival, provenance: shown as they are written"
    data = json.loads(page.scripts[0])
    texts = [
        t for chart in data["charts"].values() for trace in chart["data"] for t in str(trace.get("text", "")).split()
    ]
    assert any("&lt;script&gt;" in t for t in texts), "the festival, where Plotly would read tags"
    assert not any("<script" in t for t in texts)


def test_json_in_the_page_cannot_end_its_script():
    text = str(embedded({"name": "</script><!--<script>&\u2028"}))
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == {"name": "</script><!--<script>&\u2028"}


def test_nothing_is_loaded(built, page):
    for name in ("src", "href", "action", "data", "poster", "srcset"):
        found = [a[name] for _, a in page.elements if name in a]
        assert all(value.startswith(("#", "data:")) for value in found), f"{name}: {found}"
    linked = [a["xlink:href"] for _, a in page.elements if "xlink:href" in a]
    assert linked
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in linked)
    styles = built[built.index("<style>") : built.index("</style>")]
    assert not re.search(r"@import|url\(|https?:", styles)
    assert not page.tags("iframe")
    assert not page.tags("object")
    assert not page.tags("form")


def test_the_policy_lets_only_the_pages_own_scripts_run(built, page):
    policy = next(a["content"] for a in page.tags("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "connect-src 'none'" in policy
    scripts = re.search(r"script-src ([^;]*)", policy)
    assert scripts is not None
    allowed = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in page.scripts[1:]}
    assert set(scripts.group(1).split()) == allowed
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]


def test_the_page_is_well_made(page):
    assert [a["id"] for a in page.tags("main")] == ["report"]
    assert len(page.tags("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.tags("a")} <= set(ids)
    assert len(page.tags("caption")) == len(page.tags("table"))
    assert all(a.get("scope") in ("col", "row") for a in page.tags("th"))
    pictures = [a for a in page.tags("div") if a.get("role") == "img"]
    assert pictures
    assert all(len(a["aria-label"]) > 20 for a in pictures)


def test_each_moving_picture_has_a_still_one(page):
    data = json.loads(page.scripts[0])
    places = [a["id"] for a in page.tags("div") if a.get("class") == "live"]
    assert places == list(data["charts"])
    fixed = [a for a in page.tags("figure") if "fixed" in a["class"].split()]
    assert len(fixed) == 1, "the flow of the money, which is a still picture only"
    still = [a for a in page.tags("div") if a.get("class") == "still"]
    assert len(still) == len(page.tags("svg")) == len(places) + len(fixed)
    assert [a["tabindex"] for a in still if "tabindex" in a] == ["0"], "a keyboard can scroll it"
    for chart in data["charts"].values():
        assert {"data", "layout", "height"} <= set(chart)


def test_the_report_is_of_a_sensible_size(built):
    assert 4_000_000 < len(built.encode()) < 8_000_000


def test_the_language_is_said(built):
    assert re.search(r'<html lang="(en|zh-CN)">', built)


def test_the_same_tables_give_the_same_bytes(lively, struck):
    again = replace(lively, started=lively.started + timedelta(hours=3), wall_seconds=99.0)
    one, other = (report.build(found, stress=struck, sweep=swept(found)) for found in (lively, again))
    assert report.build(lively, stress=struck, sweep=swept(lively)) == one
    differing = [(a, b) for a, b in zip(one.splitlines(), other.splitlines(), strict=True) if a != b]
    assert all("Runs began" in a for a, _ in differing)
    assert len(differing) == 1


def flat(words: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found = {}
    for key, value in words.items():
        assert isinstance(key, str), f"{above}{key!r} is no text: quote it"
        found |= flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {above + key: value}
    return found


def test_both_languages_have_every_text():
    english, chinese = (flat(catalogue(code)) for code in LANGUAGES)
    assert set(english) == set(chinese)
    for key, text in english.items():
        holes = [set(re.findall(r"{(\w+)}", str(t))) for t in (text, chinese[key])]
        assert holes[0] == holes[1], f"{key}: {holes}"
    chinese_words = Language("zh")
    assert all(re.search(r"[\u4e00-\u9fff]", chinese_words.kpi(kpi)) for kpi in KPIS)
    assert all(re.search(r"[\u4e00-\u9fff]", chinese_words.step(name)) for name, *_ in STEPS)


def test_every_text_is_used():
    package = Path(report.__file__).parent
    code = "".join(path.read_text("utf-8") for path in (*package.glob("*.py"), *package.glob("*.html")))
    built_up = ("assumptions.sections.", "head.figure.", "lever.of_", "making.", "page.", "promises.at_")
    idle = [key for key in flat(catalogue("en")) if key not in code and not key.startswith(built_up)]
    assert idle == []


def test_chinese_reports_say_everything_in_chinese(lively, struck):
    text = Page(report.build(lively, stress=struck, sweep=swept(lively), lang="zh")).text
    for word in ("Promise", "Expected", "Chance", "Verdict", "Registrations", "Account", "Seeds", "Orders", "points"):
        assert word not in text, word


def test_other_languages_are_refused(lively):
    with pytest.raises(ValueError, match="`lang` must be one of en, zh, but got 'fr'"):
        report.build(lively, lang="fr")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", ["bare", "one run", "cut short", "nobody", "one day"])
def test_every_kind_of_run_gives_a_report(case, lang):
    nobody = {"start": {"aware": 0, "registered": 0}, "hear": {"spontaneous": 0}}
    market, how = {
        "bare": (plan(), {"seeds": 2}),
        "one run": (everything(targets=TARGETS), {"seeds": 1}),
        "cut short": (everything(targets=TARGETS), {"seeds": 2, "days": 4}),
        "nobody": (plan(behaviour=nobody), {"seeds": 2}),
        "one day": (plan(clock={"start": "2024-02-29", "days": 1, "burn_in": 0, "tail": 0}), {"seeds": 2}),
    }[case]
    found = replication.run(market, runner=Runner(processes=1), **how)
    page = Page(report.build(found, lang=lang))
    assert "nan" not in page.text.lower().split()
    assert len(page.tags("section")) == 7


def test_the_scoreboard_says_what_the_tables_say(lively):
    english = Language("en")
    found = promises.promises(lively, None, english)
    assert len(found) == len(TARGETS)
    for row, told in zip(rows(lively.promises), found, strict=True):
        assert told.expected == english.spell(row.mean, row.unit, row.kpi)
        assert (
            told.percent is None if np.isnan(row.probability) else told.percent == pytest.approx(100 * row.probability)
        )
        assert (told.grade is None) == np.isnan(row.probability)
        if told.reach and not np.isnan(row.probability):
            kept = row.mean >= row.wanted if row.direction == "at_least" else row.mean <= row.wanted
            assert (told.reach.mean >= 50) == kept, row.name
    assert found[-1].verdict == "cannot tell: nothing to measure"
    sure = [p for p in found if p.percent is not None]
    kept = sum(p.percent > 50 for p in sure if p.percent is not None)
    assert promises.headline(lively, found, english).startswith(f"{kept} of {len(TARGETS)} promises")


def test_the_lever_named_is_the_one_whose_absence_tells_most(lively):
    row = next(rows(lively.promises))
    columns = ["lever", "name", "difference", "ci_low", "ci_high", "seeds"]
    levers = pd.DataFrame(
        [("ads", "orders", -50.0, -51.0, -49.0, 3), ("star", "orders", -900.0, -2000.0, 200.0, 3),
         ("public", "orders", 60.0, 45.0, 75.0, 3),
            ("flash", "orders", 300.0, 10.0, 590.0, 3)], columns=columns,
    )  # fmt: skip
    told = strongest(lively, row, levers, Language("en"))
    assert (told.name, told.does) == ("public", "without it +60"), "the largest beyond chance, allowing for four tries"
    none = strongest(lively, row, levers[levers["lever"] == "star"], Language("en"))
    assert none.name == "none beyond chance"
    assert none.basis == "most of 1 tried: star (−900)"


def test_without_levers_switched_off_the_basis_is_said(lively):
    told = {row.name: strongest(lively, row, None, Language("en")) for row in rows(lively.promises)}
    assert told["orders"].basis == "credited contribution"
    assert told["far"].basis == "booked cost"
    assert told["bounce"].basis.startswith("a hint only")
    assert told["gmv"].basis.startswith("a hint only"), "credit is not known by segment"
    shares = lively.costs.groupby(lively.costs["lever"].astype(str))["yuan"].sum()
    dearest = lively.scenario.levers[str(shares.idxmax())].title or str(shares.idxmax())
    assert told["far"].name == dearest


def test_the_levers_tried_are_those_with_the_most_of_the_goal_and_the_dearest_other(lively):
    aimed = replace(lively, scenario=lively.scenario.override({"choices.goal": "profit"}))
    known = list(lively.scenario.levers)
    for found, goal in ((lively, "gmv"), (aimed, "profit")):
        credit = found.credit.groupby(found.credit["lever"].astype(str))[goal].sum().reindex(known).dropna()
        most = credit[credit > 0].sort_values(ascending=False, kind="stable").index[: reporting.CREDITED].tolist()
        cost = found.costs.groupby(found.costs["lever"].astype(str))["yuan"].sum().reindex(known).dropna()
        assert reporting._strongest(found) == [*most, cost.drop(most, errors="ignore").idxmax()]


def test_the_report_names_the_levers_it_tried(lively):
    table = reporting.switched_off(lively, runner=Runner(processes=1))
    text = " ".join(Page(report.build(lively, levers=table)).text.split())
    named = "; ".join(lively.scenario.levers[name].title or name for name in table["lever"].unique())
    assert f'credited "Gross merchandise value" and the dearest of the others: {named}.' in text


def test_stock_and_service_are_drawn_where_the_plan_limits_them(lively):
    drawn = [chart.id for chart in supply.charts(lively, Language("en"))]
    assert drawn == ["course-supply-stock", "course-supply-load", "course-supply-response"]
    assert supply.unlimited(lively.scenario, Language("en")) == []
    bare = replication.run(plan(), 2, runner=Runner(processes=1))
    assert supply.charts(bare, Language("en")) == []
    said = supply.unlimited(bare.scenario, Language("zh"))
    assert said == ["方案不设库存：商品不会缺货。", "方案未设客服人数：客服不会不足。"]


def test_curves_of_service_say_what_the_runs_say(lively):
    chart = supply.charts(lively, Language("en"))[1]
    desk = load.desk(lively)
    mean = next(trace for trace in chart.plotly["data"] if trace.get("name") == "Mean")
    assert mean["y"] == pytest.approx(desk.groupby("day")["load"].mean().tolist(), rel=1e-3), "four digits and more"
    low, high = (trace["y"] for trace in chart.plotly["data"][:2])
    assert high == pytest.approx(desk.groupby("day")["load"].max().tolist(), rel=1e-3)
    assert all(a <= b for a, b in zip(low, high, strict=True))
    level = chart.plotly["data"][-1]
    assert set(level["y"]) == {1.0}
    assert Language("en").share(float(desk["load"].max())) in chart.alt


REAL = pd.DataFrame(
    [("gmv", 6, 7, 9e9), ("gmv", 13, 7, 4321.0), ("orders", 9, 2, 20.0), ("mau", 20, 30, 123.0), ("nps", 9, 7, np.nan),
     ("referral_share", 9, 1, 0.1), ("gmv", 999, 7, 5.0)], columns=["kpi", "day", "days", "value"],
)  # fmt: skip


@pytest.fixture(scope="module", params=LANGUAGES)
def measured(request: pytest.FixtureRequest, lively: Replication) -> tuple[Language, Page]:
    """A report with actuals: of KPIs that are promised and that are not, and of one that no simulated week has."""
    curves = lively.curves[lively.curves["kpi"] != "referral_share"]
    return Language(request.param), Page(report.build(replace(lively, curves=curves), actuals=REAL, lang=request.param))


def real_traces(language: Language, page: Page) -> dict[str, dict[str, Any]]:
    name, charts = language("course.measured"), json.loads(page.scripts[0])["charts"]
    return {k: trace for k, chart in charts.items() for trace in chart["data"] if trace.get("name") == name}


def test_actuals_are_drawn_over_the_curves(measured):
    """In the middle of their periods, those of all users at the end; totals at their pace a week."""
    found = real_traces(*measured)
    assert {k: (trace["x"], trace["y"]) for k, trace in found.items()} == {
        "course-gmv": (["2024-01-04", "2024-01-11"], [9e9, 4321]),
        "course-orders": (["2024-01-09"], [70]),
        "course-mau": (["2024-01-21"], [123]),
        "course-referral-share": (["2024-01-10"], [0.1]),
    }
    assert all(trace["mode"] == "markers" and trace["marker"]["symbol"] == "diamond" for trace in found.values())
    assert all(len(trace["text"]) == len(trace["x"]) for trace in found.values())
    low, high = json.loads(measured[1].scripts[0])["charts"]["course-gmv"]["layout"]["yaxis"]["range"]
    assert low <= 4321
    assert high >= 9e9


def test_a_kpi_that_was_only_measured_in_the_real_market_has_a_chart(measured):
    language, page = measured
    chart = json.loads(page.scripts[0])["charts"]["course-referral-share"]
    names = [trace.get("name") for trace in chart["data"]]
    assert names == [language("course.festival"), language("course.measured")], "no curve"
    assert language("course.nothing") in page.text


def test_actuals_stand_in_the_legend_and_in_the_alternatives(measured):
    language, page = measured
    text = " ".join(page.text.split())
    assert f"◇ {language('course.measured')}" in text
    told = {"en": "7 Jan 2024 to 21 Jan 2024 (values: 5; KPIs: 4)", "zh": "（共 5 个数值，4 个指标）"}[language.code]
    assert told in text
    labels = [a["aria-label"] for a in page.tags("div") if a.get("role") == "img"]
    gmv, orders, lone = (
        next(label for label in labels if label.startswith(course.title(kpi, language)))
        for kpi in ("gmv", "orders", "referral_share")
    )
    assert language.amount(9e9, "yuan") in gmv
    assert language.amount(4321, "yuan") in gmv
    pace = {"en": "70 a week (2 days to 10 Jan 2024)", "zh": "每周 70（截至2024年1月10日的 2 天）"}
    assert pace[language.code] in orders
    assert language("course.alt_nothing", title=course.title("referral_share", language)) in lone


def test_still_pictures_have_as_many_diamonds_as_moving_ones(lively):
    def marks(kpi: str, actuals: pd.DataFrame | None) -> int:
        found = {chart.id: chart for chart in course.charts(lively, Language("en"), actuals)}
        return len(re.findall(r"<use [^>]*fill: #ffffff; stroke: #222222", str(found[f"course-{kpi}"].svg)))

    assert [marks(kpi, REAL) for kpi in ("gmv", "orders", "spend")] == [2, 1, 0]
    assert marks("gmv", None) == 0


def test_without_actuals_nothing_is_said_of_them(lively, built):
    nothing = REAL.assign(value=np.nan)
    assert report.build(lively, actuals=nothing) == report.build(lively)
    assert "◇" not in built
    assert "--actuals" not in built


def test_what_are_no_actuals_is_refused_before_anything_is_simulated(monkeypatch):
    monkeypatch.setattr(Runner, "evaluate", lambda *_: pytest.fail("simulated for nothing"))
    for table, told in ((REAL.drop(columns="kpi"), "must have kpi"), (REAL.assign(kpi="gmw"), "did you mean gmv")):
        with pytest.raises(ValueError, match=told):
            reporting.report(plan(), 2, actuals=table, runner=Runner(processes=1))


def test_a_band_has_no_holes(lively):
    """Where one run alone could measure a KPI there is no interval; the band is then the line, not a leap over it."""
    gappy = replace(lively, curves=lively.curves[~((lively.curves["seed"] > 1) & (lively.curves["day"] < 40))])
    chart = next(c for c in course.charts(gappy, Language("en")) if c.id == "course-gmv")
    low, high = (trace["y"] for trace in chart.plotly["data"][:2])
    assert None not in low + high
    assert low[0] == high[0]
    assert low[-1] < high[-1]


def test_switching_levers_off_is_paired_with_the_plan(lively):
    table = reporting.switched_off(lively, runner=Runner(processes=1))
    assert list(table.columns) == list(reporting.SWITCHED)
    assert table["lever"].nunique() == reporting.CREDITED + reporting.DEAREST
    orders = table[table["name"] == "orders"].set_index("lever")
    assert orders["planned"].nunique() == 1
    planned = float(lively.promises.set_index("name").loc["orders", "mean"])
    assert orders["planned"].iloc[0] == pytest.approx(planned)
    without = replication.run(
        lively.scenario.override({f"levers.{orders.index[0]}.on": False}), 3, runner=Runner(processes=1)
    )
    expected = without.targets.loc[without.targets["target"] == "orders", "value"].mean() - planned
    assert orders["difference"].iloc[0] == pytest.approx(expected)


def test_sensitivity_ranks_numbers_and_leaves_out_chance(lively):
    table = swept(lively)
    ranks = influence(table)
    assert ranks.groupby("name")["parameter"].first().unique().tolist() == ["behaviour.visit.rate"]
    assert ranks["sure"].sum() == len(TARGETS)
    first = tornados(lively, table, Language("en"))[1]
    assert [d.path for d in first.drivers] == ["behaviour.visit.rate"]
    assert first.drivers[0].words == ("−40\xa0points", "+40\xa0points")
    assert first.drivers[0].low == (0.0, 50.0)
    assert first.drivers[0].high == (50.0, 50.0)


@pytest.mark.parametrize("method", ["morris", "lhs"])
def test_sensitivity_of_other_methods_is_a_bar(method, lively):
    found = tornados(lively, swept(lively, method), Language("en"))
    assert all(t.drivers[0].high is None and t.drivers[0].low == (0.0, 100.0) for t in found)


def test_risks_are_sorted_and_told_as_in_the_table(lively, struck):
    found = shocks(lively, struck, Language("en"))
    assert len(found) == struck["shock"].nunique() == 3
    assert [len(s.flips) for s in found] == sorted((len(s.flips) for s in found), reverse=True)
    flips = (struck["flips"] == "missed").sum()
    assert sum(len(s.flips) for s in found) == flips
    sure = (struck["ci_low"] > 0) | (struck["ci_high"] < 0)
    assert sum(bool(c.harm) for s in found for c in s.cells) == sure.sum()


def test_assumptions_are_those_of_the_provenance(lively):
    scenario = lively.scenario
    found = assumptions(lively, swept(lively), Language("en"))
    values = numbers(scenario)
    assumed = {path for path in values if (source_of(scenario, path) or "").startswith("assumed")}
    assert (found.count, found.of) == (len(assumed), len(values))
    assert [n.path for n in found.ranked] == ["behaviour.visit.rate", "service.agents"], "the influential one first"
    assert found.ranked[1].moves == "within chance"
    told = {n.path for part in found.rest for n in part.numbers} | {n.path for n in found.ranked}
    assert told == assumed | set(PRIORS)
    assert all(value_at(scenario, path) == value for path, value in values.items() if isinstance(value, float))
    assert [n.path for n in assumptions(lively, None, Language("en")).open] == list(PRIORS)


def test_assumptions_are_the_same_in_the_folders_resolved_scenario(lively, tmp_path):
    (tmp_path / "scenario.yaml").write_text(scenarios.dump(lively.scenario), encoding="utf-8")
    again = scenarios.load(tmp_path / "scenario.yaml")
    assert again.digest == lively.scenario.digest
    assert numbers(again) == numbers(lively.scenario)


def test_missing_answers_name_the_command_that_gives_them(lively):
    text = " ".join(Page(report.build(lively)).text.split())
    assert text.count("sandtable report") >= 3, "levers, sensitivity, risks, and how to make it again"
    assert "sandtable report scenario.yaml --seeds 3 --no-sweep --no-stress" in text


def test_a_still_picture_is_an_element_of_a_page(lively):
    from experiments.plots import kpi_curves

    svg = still(
        kpi_curves.draw, lively.curves, lively.kpis, lively.scenario, "gmv", name="one", lang="en", size=(5.0, 2.7)
    )
    assert svg.startswith("<svg ")
    assert not re.search(r"<\?xml|<!DOCTYPE|<metadata| width=\"[\d.]+pt", svg)
    assert all(name.startswith("one-") for name in re.findall(r'\bid="([^"]*)"', svg))


def test_a_written_report_has_its_tables_and_no_cell_starts_a_formula(lively, struck, tmp_path):
    evil = struck.assign(shock_title="=1+1")
    made = reporting.Report("<p>", lively, {"stress": evil})
    folder = made.write(tmp_path / "one", charts=False)
    assert (folder / "report.html").read_text("utf-8") == "<p>"
    assert {"scenario.yaml", "manifest.json", "stress.csv", "kpis.csv"} <= {p.name for p in folder.iterdir()}
    assert ",'=1+1," in (folder / "stress.csv").read_text("utf-8")
    book = made.write(tmp_path / "two", tables="xlsx", charts=False) / "tables.xlsx"
    sheet = pd.read_excel(book, sheet_name="stress")
    assert set(sheet["shock_title"]) == {"'=1+1"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"], "nothing half-made is left"


def test_the_verb_asks_everything_it_reports():
    tiny = everything(
        CONTROL,
        targets={"orders": {"kpi": "orders", "at_least": 1}},
        priors={"behaviour.visit.rate": {"low": 0.2, "high": 0.4}},
        market={"users": 200, "people": 20_000},
    )
    found = reporting.report(tiny, 2, lang="zh", runner=Runner(processes=1))
    assert list(found.answers) == ["levers", "sweep", "stress"]
    assert "--lang zh" in found.html
    assert "--no-" not in Page(found.html).text
    without = reporting.report(tiny, 2, sweep=False, stress=False, runner=Runner(processes=1))
    assert list(without.answers) == ["levers"]
    assert datetime.now(UTC) - without.replication.started < timedelta(days=1)


def test_a_plan_without_priors_and_shocks_says_so():
    found = reporting.report(plan(), 2, runner=Runner(processes=1))
    text = Page(found.html).text
    assert "The plan declares no shocks." in text
    assert "The plan states no range for any of its numbers" in text
