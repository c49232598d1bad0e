"""The gate: what a policy asks is judged right, drift is seen, luck is not; files that CI reads are whole."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pandas as pd
import pytest
from markets import daily, everything

import scenarios
from experiments import baseline, executors, gate, policy, stability
from experiments.junit import junit
from experiments.markdown import markdown, plain
from experiments.runner import Runner
from experiments.store import Store
from sandtable.cli import main
from scenarios import ScenarioError

ALONE = Runner(processes=1)
ORDERS = 500 * 60
"""Fifty users who stand for ten people each order once on each of 60 days."""
TARGETS = {
    "kept": {"kpi": "orders", "at_least": ORDERS},
    "missed": {"kpi": "orders", "at_least": ORDERS + 1, "title": "A <b>bold</b> | \"odd\" & 'long' title (訂單)"},
    "unknown": {"kpi": "ltv", "at_least": 1},
}
POLICY = 'seeds: 2\nbaseline: then.json\ndrift: {"*": {relative: 5%, sigmas: 0}}\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `still.yaml`, a market without chance."""
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    still = daily(50, targets=TARGETS)
    (tmp_path / "still.yaml").write_text(scenarios.dump(still), encoding="utf-8")
    return tmp_path


@pytest.fixture
def lively(here: Path) -> str:
    """A market of luck, kept in a file."""
    targets = {"orders": {"kpi": "orders", "at_least": 10}}
    (here / "lively.yaml").write_text(scenarios.dump(everything(targets=targets)), encoding="utf-8")
    return "lively.yaml"


def written(text: str, name: str = "gate.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def asked(text: str, scenario: str = "still.yaml", **how: object) -> pd.DataFrame:
    runner = Runner(processes=1, store=Store("kept"))
    return gate.gate(scenario, written(text), runner=runner, **how)  # type: ignore[arg-type]


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    return dict(zip(table["name"], table["passed"], strict=True))


# --- Targets ----------------------------------------------------------------------------------------------------------


def test_targets_are_held_to_their_probability():
    table = asked("seeds: 2\ntargets: {kept: 100%, missed: 1%}\n")
    assert table.columns.tolist() == list(gate.CHECKS)
    assert verdicts(table) == {"kept": True, "missed": False}
    assert table["value"].tolist() == [1.0, 0.0]
    assert "100 % sure of ≥ 30,000 (mean 30,000); asked for 100 %" in table["words"].iloc[0]


def test_all_stands_for_targets_that_are_not_named():
    assert verdicts(asked("seeds: 2\ntargets: {all: 50%, missed: 0%}\n")) == {
        "kept": True, "missed": True, "unknown": False
    }  # fmt: skip


def test_what_cannot_be_measured_is_not_kept():
    table = asked("seeds: 2\ntargets: {unknown: 1%}\n")
    assert verdicts(table) == {"unknown": False}
    assert table["words"].iloc[0] == "cannot tell: 0 of 2 runs could measure it"


# --- Drift ------------------------------------------------------------------------------------------------------------


def moved(change: Callable[[dict[str, object]], object], kpi: str = "orders", name: str = "then.json") -> None:
    """Change a KPI of a stored baseline."""
    stored = json.loads(Path(name).read_text())
    change(stored["kpis"][kpi])
    Path(name).write_text(json.dumps(stored))


def test_nothing_drifts_when_nothing_changes(lively):
    asked(POLICY, lively, update_baseline=True)
    file = policy.load(written(POLICY.replace("5%", "0%")))
    found = gate.ask(file.scenario(lively), file, runner=ALONE)
    assert found.good
    assert len(found.tables["drift"]) > 30
    assert (found.tables["drift"]["difference"] == 0).all()
    assert "Nothing moved" in markdown(found)
    assert found.notes == ()


@pytest.mark.parametrize(("factor", "passed"), [(0.96, True), (1 / 1.049, True), (0.95, False), (1.06, False)])
def test_drift_is_relative_to_the_baseline(factor, passed):
    """Now is 30,000 exactly; 5 % of the baseline are tolerated."""
    asked(POLICY, update_baseline=True)
    moved(lambda level: level.update(mean=ORDERS * factor))
    table = asked(POLICY.replace('"*"', "orders"))
    assert verdicts(table) == {"orders": passed}
    assert table["value"].iloc[0] == pytest.approx(ORDERS * abs(1 - factor))
    assert table["limit"].iloc[0] == pytest.approx(ORDERS * factor * 0.05)


@pytest.mark.parametrize(("sigmas", "passed"), [(1.9, False), (2.1, True)])
def test_luck_is_as_many_standard_errors_as_the_policy_says(sigmas, passed):
    """The baseline's mean of four runs has a standard error of 300; today's mean has none, and is 600 off."""
    asked(POLICY, update_baseline=True)
    moved(lambda level: level.update(mean=ORDERS - 600, sd=600, seeds=4))
    assert verdicts(
        asked(f"seeds: 2\nbaseline: then.json\ndrift: {{orders: {{relative: 0, sigmas: {sigmas}}}}}\n")
    ) == {"orders": passed}


def test_other_seeds_are_luck_and_a_changed_parameter_is_drift(lively):
    asked(POLICY.replace("2", "5", 1), lively, update_baseline=True, seeds=range(1, 6))
    lenient = POLICY.replace("sigmas: 0", "sigmas: 4")
    assert asked(lenient, lively, seeds=range(11, 16))["passed"].all()
    table = asked(lenient, lively, seeds=range(11, 16), changes={"behaviour.shop.ctr": 0.3})
    assert not verdicts(table)["ctr"]
    assert verdicts(table)["spend"]


def test_named_kpis_have_rules_of_their_own(lively):
    asked(POLICY, lively, update_baseline=True)
    rules = 'seeds: 2\nbaseline: then.json\ndrift: {"*": {relative: 0, sigmas: 0}, ctr: {relative: 100x}, pv: null}\n'
    found = verdicts(asked(rules, lively, changes={"behaviour.shop.ctr": 0.2}))
    assert found["ctr"]
    assert "pv" not in found
    assert not found["order_conversion"]


def test_what_is_not_measured_any_more_has_drifted():
    asked(POLICY, update_baseline=True)
    stored = json.loads(Path("then.json").read_text())
    stored["kpis"]["ltv"] = stored["kpis"].pop("aov")
    Path("then.json").write_text(json.dumps(stored))
    rules = POLICY.replace('"*"', '"*": {relative: 5%}, aov')
    table = asked(rules).set_index("name")
    assert (table.loc["ltv", "words"], table.loc["ltv", "passed"]) == ("not measured now", False)
    assert table.loc["aov", "words"] == "not in the baseline; run with --update-baseline"
    moved(lambda level: level.update(window="so far"))
    assert "the baseline is over so far, not plan" in asked(POLICY).set_index("name").loc["orders", "words"]


def test_an_update_stores_what_is_and_fails_nothing(here):
    asked(POLICY, update_baseline=True)
    first = Path("then.json").read_text()
    table = asked(POLICY, update_baseline=True, changes={"market.people": 1000})
    assert table["passed"].all()
    assert json.loads(Path("then.json").read_text())["kpis"]["orders"]["mean"] == 2 * ORDERS
    assert "+100 %" in table.set_index("name").loc["orders", "words"]
    assert asked(POLICY, changes={"market.people": 1000})["passed"].all()
    assert not asked(POLICY)["passed"].all()
    asked(POLICY, update_baseline=True)
    assert Path("then.json").read_text() == first
    assert sorted(path.name for path in here.iterdir()) == ["gate.yaml", "kept", "still.yaml", "then.json"]


def test_the_baseline_lies_beside_the_policy(here):
    (here / "ci").mkdir()
    gate.gate("still.yaml", written(POLICY, "ci/gate.yaml"), runner=ALONE, update_baseline=True)
    assert (here / "ci" / "then.json").is_file()
    kept = baseline.read(here / "ci" / "then.json")
    assert (kept.scenario, kept.users, kept.seeds, kept.kpis["orders"].mean) == ("test", 50, (1, 2), ORDERS)
    assert baseline.text(kept) == (here / "ci" / "then.json").read_text()


def test_a_write_that_fails_leaves_the_old_baseline(here, monkeypatch):
    asked(POLICY, update_baseline=True)
    old = Path("then.json").read_text()

    replace = os.replace

    def full(source: Path, place: Path) -> None:
        if Path(place).name == "then.json":
            raise OSError(28, "No space left on device")
        replace(source, place)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(baseline.BaselineError, match="cannot be written: No space left"):
        asked(POLICY, update_baseline=True, changes={"market.people": 1000})
    assert Path("then.json").read_text() == old
    assert not list(here.glob(".*part"))


def test_notes_tell_what_changed_since_the_baseline(monkeypatch):
    asked(POLICY, update_baseline=True)
    file = policy.load(written(POLICY))
    monkeypatch.setattr(gate, "source_digest", lambda: "another")
    found = gate.ask(file.scenario("still.yaml", changes={"market.users": 25}), file, seeds=3, runner=ALONE)
    assert found.notes == (
        "the simulator's source has changed since the baseline",
        "the plan, or what the policy sets in it, has changed since the baseline",
        "the baseline is of 50 users, 2 seeds and 60 days, this is of 25, 3 and 60",
    )


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), "there is no baseline yet; write it with --update-baseline"),
        (lambda path: path.write_text("{"), "is not a baseline"),
        (lambda path: path.write_text('{"format": 2}'), "is not a baseline: format: Input should be 1"),
        (lambda path: path.write_text(path.read_text().replace('"test"', '"other"')), "of other, not of test"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read: Is a directory"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_bad_input(capsys, spoil, told):
    asked(POLICY, update_baseline=True)
    spoil(Path("then.json"))
    assert main(["gate", "still.yaml", "--policy", "gate.yaml", "--seeds", "2", "--no-store"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


# --- Sensitivity ------------------------------------------------------------------------------------------------------

STRENGTHS = {"a": 5.0, "b": 4.0, "c": 3.0, "d": 2.0, "e": 1.0}


def test_overlap_counts_the_strongest():
    assert stability.overlap(STRENGTHS, STRENGTHS, 3) == 1.0
    assert stability.overlap({**STRENGTHS, "e": 9.0}, STRENGTHS, 3) == pytest.approx(2 / 3)
    assert pd.isna(stability.overlap(STRENGTHS, {}, 3))


def test_rank_is_spearmans():
    assert stability.rank(STRENGTHS, STRENGTHS) == pytest.approx(1.0)
    assert stability.rank({k: -v for k, v in STRENGTHS.items()}, STRENGTHS) == pytest.approx(-1.0)
    assert stability.rank({**STRENGTHS, "a": 0.0}, STRENGTHS) == pytest.approx(1 - 6 * (4**2 + 4) / (5 * 24))
    assert pd.isna(stability.rank({"a": 1.0, "b": 2.0}, STRENGTHS))
    assert pd.isna(stability.rank(dict.fromkeys(STRENGTHS, 1.0), STRENGTHS))


SWEPT = """\
days: 20
users: 300
seeds: 2
baseline: then.json
sensitivity:
  method: morris
  kpis: [orders]
  over: {behaviour.shop.cart: [10%, 90%], behaviour.visit.rate: [0.05, 0.5], behaviour.share.talk: [0.04, 0.05]}
  samples: 2
  top: 2
  overlap: 100%
  rank: 0.9
  noise: 60%
"""


def test_a_sweep_is_held_to_the_stored_ranking(lively):
    table = asked(SWEPT, lively, update_baseline=True)
    assert table["kind"].tolist() == ["overlap", "rank", "noise"]
    assert set(baseline.read(Path("then.json")).strengths["orders"]) == {
        "behaviour.shop.cart", "behaviour.visit.rate", "behaviour.share.talk"
    }  # fmt: skip
    table = asked(SWEPT, lively)
    assert table["passed"].all()
    assert table["value"].tolist()[:2] == [1.0, pytest.approx(1.0)]
    assert 0 < table["value"].iloc[2] < 0.6
    stored = json.loads(Path("then.json").read_text())
    stored["strengths"]["orders"] = {path: -size for path, size in stored["strengths"]["orders"].items()}
    Path("then.json").write_text(json.dumps(stored))
    assert verdicts(asked(SWEPT, lively).assign(name=lambda t: t["kind"])) == {
        "overlap": False, "rank": False, "noise": True
    }  # fmt: skip


# --- The policy's faults ----------------------------------------------------------------------------------------------


def faults(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        policy.load(written(text))
    return str(refused.value).splitlines()


def test_every_fault_is_told_with_its_line():
    told = faults(
        "seeds: 1\n"
        "target: {}\n"
        "targets: {kept: 150%, missed: maybe}\n"
        "drift:\n"
        "  gvm: {relative: -1}\n"
        "  orders: {sigma: 3}\n"
        "sensitivity: {method: moris, kpis: [ordrs], rank: 0.9}\n"
    )
    places = [re.match(r"gate.yaml:(\d+): ([^:]+):", line) for line in told]
    assert [place and place.groups() for place in places] == [
        ("1", "seeds"), ("2", "target"), ("3", "targets.kept"), ("3", "targets.missed"), ("4", "drift"),
        ("5", "drift.gvm.relative"), ("5", "drift.gvm"), ("6", "drift.orders.sigma"), ("7", "sensitivity.method"),
        ("7", "sensitivity.kpis[0]"), ("7", "sensitivity.rank"),
    ]  # fmt: skip
    whole = "\n".join(told)
    for fix in ("did you mean targets?", "did you mean 100%?", "did you mean sigmas?", "did you mean morris?",
                "did you mean orders?", "add baseline: FILE.json", "unknown KPI"):  # fmt: skip
        assert fix in whole


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "gate.yaml:1: the file is empty; begin with targets or drift"),
        ("- 1", "gate.yaml:1: a policy must be a mapping of keys such as seeds, targets and drift"),
        ("seeds: 3", "the policy asks nothing; add targets, drift or sensitivity"),
        ("targets: {a: 1, a: 2}", "the key is given twice"),
        ("targets: [", "is not valid YAML"),
        ("sensitivity: {kpis: orders, seeds: 2}", "asks nothing; add overlap, rank or noise"),
        ("sensitivity: {kpis: [], noise: 0.1}", "must hold at least 1 of them"),
    ],
)
def test_a_policy_that_is_none_is_refused(text, told):
    assert any(told in line for line in faults(text)), faults(text)


def test_a_policy_that_is_not_there_is_refused():
    with pytest.raises(ScenarioError, match=r"none.yaml: there is no such file"):
        policy.load("none.yaml")
    with pytest.raises(ScenarioError, match=r"cannot be read: Is a directory"):
        policy.load(".")
    Path("bad.yaml").write_bytes(b"targets: {\xff: 1}")
    with pytest.raises(ScenarioError, match=r"cannot be read"):
        policy.load("bad.yaml")


def test_what_the_plan_does_not_have_is_told_by_line():
    file = policy.load(written("seeds: 2\ntargets:\n  kept: 50%\n  mised: 50%\n"))
    with pytest.raises(ScenarioError, match=r"gate.yaml:4: targets.mised: unknown target; did you mean missed"):
        file.scenario("still.yaml")
    file = policy.load(written("days: 30\ntargets: {kept: 50%}\n"))
    with pytest.raises(ScenarioError, match="its window is not over after 30 days"):
        file.scenario("still.yaml")
    file = policy.load(written("targets: {kept: 50%}\nset:\n  market.people: 1\n  behaviour.shop.crt: 0.5\n"))
    with pytest.raises(ScenarioError, match=r"gate.yaml:4: set: behaviour.shop.crt: .*did you mean c"):
        file.scenario("still.yaml")


def test_the_policy_sets_the_market():
    file = policy.load(written("users: 20\nset: {market.people: 40}\ntargets: {all: 0%}\n"))
    plan = file.scenario("still.yaml")
    assert (plan.market.users, plan.market.people) == (20, 40)
    assert file.scenario("still.yaml", changes={"market.users": 30}).market.users == 30
    assert gate.ask(plan, file, runner=ALONE).manifest["seeds"] == list(range(1, 11))


def test_one_seed_is_not_enough():
    with pytest.raises(ValueError, match="at least 2 seeds"):
        asked("targets: {kept: 50%}\n", seeds=1)


def test_days_end_the_runs_early():
    rules = POLICY + "days: 30\ntargets: {all: 50%}\n"
    asked(rules, update_baseline=True)
    kept = baseline.read(Path("then.json"))
    assert (kept.days, kept.kpis["orders"].window, kept.kpis["orders"].mean) == (30, "so far", ORDERS / 2)
    assert asked(rules)["kind"].unique().tolist() == ["drift"]


# --- What CI reads ----------------------------------------------------------------------------------------------------

BOTH = 'seeds: 2\nbaseline: then.json\ntargets: {kept: 90%, missed: 90%}\ndrift: {"*": {relative: 1%, sigmas: 0}}\n'


def test_junit_has_a_case_for_each_check():
    asked(BOTH, update_baseline=True)
    file = policy.load("gate.yaml")
    plan = file.scenario("still.yaml", changes={"name": 'a<b>&"c"\x07', "market.people": 490})
    Path("then.json").write_text(Path("then.json").read_text().replace('"test"', json.dumps(plan.name)))
    found = gate.ask(plan, file, runner=ALONE)
    text = junit(found)
    top = Xml.fromstring(text)
    (suite,) = top
    cases, failures = suite.findall("testcase"), suite.findall("testcase/failure")
    checks = found.table
    assert (top.tag, suite.tag, suite.get("name")) == ("testsuites", "testsuite", 'a<b>&"c"\N{REPLACEMENT CHARACTER}')
    assert [case.get("name") for case in cases] == checks["name"].tolist()
    assert len(failures) == (~checks["passed"]).sum() > 2
    for element in (top, suite):
        assert (element.get("tests"), element.get("failures")) == (str(len(cases)), str(len(failures)))
    assert failures[0].get("type") == "target"
    assert failures[1].text == f"{TARGETS['missed']['title']}: {checks['words'].iloc[1]}"
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)


JENKINS = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"time", "skipped"}, {"properties", "testcase", "system-out"}),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"classname", "time"}, {"failure", "system-out"}),
    "failure": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}  # fmt: skip
"""Required and optional attributes and the children that we use, as junit-10.xsd of Jenkins' xUnit plugin allows them."""


def test_junit_keeps_to_the_common_schema():
    file = policy.load(written("seeds: 2\ntargets: {all: 90%}\n"))
    top = Xml.fromstring(junit(gate.ask(file.scenario("still.yaml"), file, runner=ALONE)))
    for element in top.iter():
        required, optional, children = JENKINS[element.tag]
        assert required <= set(element.keys()) <= required | optional, element.tag
        assert {child.tag for child in element} <= children
        assert re.fullmatch(r"\d{0,3}(\.\d{0,3})?", element.get("time", ""))


def test_markdown_takes_nothing_from_a_plan_for_markup():
    asked(BOTH, update_baseline=True)
    file = policy.load("gate.yaml")
    text = markdown(gate.ask(file.scenario("still.yaml", changes={"market.people": 490}), file, runner=ALONE))
    assert text.startswith("## ❌ test: failed, ")
    assert "A &lt;b&gt;bold&lt;/b&gt; \\| \"odd\" &amp; 'long' title (訂單)" in text
    assert "### What moved" in text
    assert re.search(r"\| Orders \| 30,000 \| 29,400 \| −2 % \| ±1 %, exceeded \|", text)
    assert (text.count("<details>"), text.count("</details>")) == (1, 1)
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table


def test_plain_text_stays_on_one_line():
    assert plain("a\n\tb `c` *d* [e](f) ~g~ $h$ \\") == r"a b \`c\` \*d\* \[e\](f) \~g\~ \$h\$ \\"


# --- The command line -------------------------------------------------------------------------------------------------


def test_the_verb_ends_with_its_verdict(capsys, here):
    written(BOTH.replace("missed: 90%", "missed: 0%"))
    words = ["gate", "still.yaml", "--policy", "gate.yaml", "--seeds", "2", "--no-store"]
    assert main([*words, "--update-baseline"]) == 0
    assert "the baseline then.json was written" in capsys.readouterr().out
    files = ["--junit", "gate.xml", "--markdown", "gate.md", "-o", "out"]
    assert main([*words, *files]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "target: 2 of 2 hold" in out
    assert main([*words, *files[:4], "--set", "market.people=505"]) == 0
    assert "moved most" in capsys.readouterr().out
    assert main([*words, *files[:4], "--set", "market.people=490"]) == 1
    out, _ = capsys.readouterr()
    assert "drift orders" in out
    assert "30,000 to 29,400: −2 %; tolerated ±1 %" in out
    assert Xml.parse("gate.xml").getroot().get("failures") != "0"
    assert Path("gate.md").read_text(encoding="utf-8").startswith("## ❌")
    assert {path.name for path in (here / "out").iterdir()} == {"checks.csv", "drift.csv", "manifest.json"}


def test_the_verb_prints_json(capsys):
    written("seeds: 2\ntargets: {kept: 90%, missed: 90%}\n")
    assert main(["gate", "still.yaml", "--policy", "gate.yaml", "--seeds", "2", "--no-store", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["good"], found["drift"]) == (False, [])
    assert [check["passed"] for check in found["checks"]] == [True, False]
    assert found["manifest"]["policy"] == {"seeds": 2, "targets": {"kept": 0.9, "missed": 0.9}}


@pytest.mark.parametrize(
    ("rules", "words", "told"),
    [
        ("targets: {kpt: 50%}", [], "gate.yaml:1: targets.kpt: unknown target; did you mean kept?"),
        ("targets: {kept: 2}", [], "did you mean 2%?"),
        ("targets: {kept: 50%}", ["--set", "x"], "must be PATH=VALUE"),
        ("targets: {kept: 50%}", ["--junit", "no/where.xml"], "cannot be written"),
        ("targets: {kept: 50%}", ["--update-baseline"], "names no baseline to update"),
        ("targets: {kept: 50%}", ["--overlay", "nope"], "unknown overlay"),
    ],
)
def test_bad_input_ends_with_two(capsys, rules, words, told):
    written(rules)
    assert main(["gate", "still.yaml", "--policy", "gate.yaml", "--no-store", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_the_repositorys_own_gates_can_be_read():
    folder = Path(__file__).parent / "gates"
    files = {path.stem: policy.load(path) for path in folder.glob("*.yaml")}
    assert sorted(files) == scenarios.names()
    for name, file in files.items():
        plan = file.scenario(name)
        assert file.baseline is not None
        kept = baseline.read(file.baseline)
        assert (kept.scenario, kept.users, kept.seeds) == (
            plan.name,
            plan.market.users,
            tuple(range(1, file.policy.seeds + 1)),
        )
        assert len(kept.kpis) > 30
