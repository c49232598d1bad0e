"""sandtable optimize: what it prints and writes, how it ends, and what it refuses."""

import io
import json
import re
from pathlib import Path

import optuna
import pandas as pd
import pytest
from markets import LIVELY, behaving, of_users, plan

import scenarios
from experiments import executors
from optimize.spending import posts
from sandtable.cli import main

QUICK = ["optimize", "market.yaml", "--replications", "16", "--verify", "8"]


def media(click: float, **more: object) -> dict[str, object]:
    return {"kind": "media", "account": "media", "unit_cost": 20, "click": click, "budget": "40%", **more}


MARKET = {
    "clock": {"burn_in": 4, "tail": 1, "days": 14},
    "market": {"channels": {"web": {"depth": 3}, "radio": {"depth": 3}}},
    "levers": {"good": media(0.2, channel="web"), "bad": media(0.001, channel="radio")},
    "accounts": {"total": 60_000},
    "targets": {"orders": {"kpi": "orders", "at_least": 1}, "moon": {"kpi": "gmv", "at_least": 1e12}},
    "choices": {"goal": "orders", "band": 1},
    "priors": {"levers.good.click": {"low": 0.15, "high": 0.25}},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the runs and studies of all tests."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("SANDTABLE_STORE", str(store))
    quiet = behaving(LIVELY, {"visit": {"rate": 0.05, "aware": 0.02}})
    text = scenarios.dump(plan(of_users(400, 50), quiet, MARKET))
    Path("market.yaml").write_text(text, encoding="utf-8")
    return tmp_path


class Terminal(io.StringIO):
    """What stands on a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_plan_is_proved_and_written(capsys, here, store):
    """Exit status 0: the plan runs, the folder holds what the answer says, and the study lies in the store."""
    assert main([*QUICK, "-o", "plan.yaml", "--folder", "out"]) == 0
    printed, said = capsys.readouterr()
    assert said == ""
    for words in ("the most orders for at most 24,000 yuan of media", "confirmed on fresh seeds", "Media money, in yuan",
                  "What levers bring of orders now", "What is promised", "- money solver: optimal", "plan: plan.yaml",
                  "folder: out"):  # fmt: skip
        assert words in printed, words
    proposed = scenarios.load("plan.yaml")
    table = pd.read_csv("out/allocation.csv").set_index("lever")
    assert {p.lever: p.money for p in posts(proposed)} == pytest.approx(
        {lever: money for lever, money in table["proposed"].items() if money > 0}
    )
    assert Path("out/plan.yaml").read_text(encoding="utf-8") == Path("plan.yaml").read_text(encoding="utf-8")
    names = {path.name for path in Path("out").iterdir()}
    assert {"plan.yaml", "allocation.csv", "prices.csv", "verification.csv", "responses.csv", "history.csv", "settings.csv",
            "incrementality.csv", "manifest.json", "report.html"} <= names  # fmt: skip
    manifest = json.loads(Path("out/manifest.json").read_text(encoding="utf-8"))
    assert manifest["confirmed"] is True
    assert main(["check", "plan.yaml"]) == 0
    assert optuna.get_all_study_names(f"sqlite:///{store}/studies.db")
    capsys.readouterr()
    assert main([*QUICK, "--folder", "out"]) == 2
    assert "out" in capsys.readouterr().err


def test_one_json_document(capsys):
    """All numbers of the answer, with nothing else on stdout and nothing on stderr."""
    assert main([*QUICK, "--json", "-o", "plan.yaml"]) == 0
    printed, said = capsys.readouterr()
    document = json.loads(printed)
    assert said == ""
    assert document["plan"] == "plan.yaml"
    assert document["manifest"]["goal"] == "orders"
    assert document["manifest"]["replications"] >= 16
    assert {"allocation", "settings", "verification", "responses", "prices", "history"} <= set(document)
    assert {row["lever"] for row in document["allocation"]} == {"good", "bad"}
    assert any("money solver" in note for note in document["notes"])


def test_progress_is_on_the_terminal_only(capsys, monkeypatch, tmp_path):
    """Trials, the best so far with its interval, and runs stand on stderr; stdout is the same with and without them.

    A search of 16 makes 16 runs at most, one of the plan as it is, and 24 of it and without a lever; equal ones run once.
    """
    shown = Terminal()
    with monkeypatch.context() as terminal:
        terminal.setattr("sys.stderr", shown)
        assert main([*QUICK, "--store", str(tmp_path / "own")]) == 0
    printed, progress = capsys.readouterr().out, shown.getvalue()
    found = re.search(r"trial 16 of 16, best so far \d[\d,. kM]* ± \d[\d,. kM]*, (\d+) runs simulated", progress)
    assert found
    assert 24 + 8 < int(found[1]) <= 24 + 17
    assert "proving what was found" in progress
    assert "trial" not in printed
    assert main([*QUICK, "--store", str(tmp_path / "own"), "--quiet"]) == 0
    assert capsys.readouterr() == (printed, "")


def test_levers_are_taken_at_their_credit_without_holdouts(capsys):
    main([*QUICK, "--holdouts", "0", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["incrementality"] == []
    main([*QUICK, "--holdouts", "2", "--json"])
    good, bad = sorted(json.loads(capsys.readouterr().out)["incrementality"], key=lambda row: -row["credited"])
    assert (good["lever"], bad["lever"]) == ("good", "bad")
    assert good["incremental"] > bad["incremental"]
    assert good["money"] == pytest.approx(12_000)


def test_exit_status_one_when_nothing_is_gained(capsys):
    """The plan as it is stays, and it is what is written."""
    same = ["--set", "levers.bad.click=0.2", "--set", "levers.bad.channel=web"]
    assert main([*QUICK, *same, "-o", "plan.yaml"]) == 1
    printed = capsys.readouterr().out
    assert "NOT CONFIRMED: the plan as it is stays" in printed
    assert "the gain over the current plan is not proved" in printed
    money = {p.name: p.money for p in posts(scenarios.load("plan.yaml"))}
    assert money == pytest.approx({"good": 12_000, "bad": 12_000})


def test_exit_status_one_when_a_hard_target_is_out_of_reach(capsys):
    assert main([*QUICK, "--target", "moon", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["manifest"]["targets"] == {"moon": "hard"}
    assert document["notes"][0].startswith("moon must be kept, but the proposal gives")


def test_limits_in_conflict_write_nothing(capsys, here):
    """Exit status 1, the conflict on stderr in the user's words, and neither file nor folder."""
    clash = [
        "--set", "choices.limits.little={kind: spend, levers: [good, bad], at_most: 10}",
        "--set", "choices.limits.much={kind: spend, levers: [bad], at_least: 1000}",
    ]  # fmt: skip
    assert main([*QUICK, *clash, "-o", "plan.yaml", "--folder", "out"]) == 1
    printed, said = capsys.readouterr()
    assert printed == ""
    assert "no division keeps all limits" in said
    assert "little" in said
    assert "much" in said
    assert [path.name for path in here.iterdir()] == ["market.yaml"]


def test_flags_reach_the_question(capsys):
    """Each stands in the manifest as it was asked."""
    flags = [
        "--budget", "12,000", "--goal", "gmv", "--free", "levers.good.click", "--free", "levers.good.lasts=1:3",
        "--target", "orders=0.5", "--roas", "0.1", "--marginal-roas", "0.01", "--search-users", "200", "--seed", "3",
        "--pareto", "orders", "--pareto", "spend", "--lang", "zh",
    ]  # fmt: skip
    assert main([*QUICK, *flags, "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    manifest = document["manifest"]
    expected = {
        "budget": 12_000, "goal": "gmv", "settings": ["levers.good.click", "levers.good.lasts"],
        "targets": {"orders": 0.5}, "roas": 0.1, "marginal": 0.01, "search_users": 200, "users": 400, "seed": 3,
        "pareto": {"orders": "maximize", "spend": "minimize"}, "locked": False, "risk": None, "shocks": False,
    }  # fmt: skip
    assert {key: manifest[key] for key in expected} == expected
    settings = {row["path"]: row for row in document["settings"]}
    assert (settings["levers.good.click"]["low"], settings["levers.good.click"]["high"]) == (0.15, 0.25)
    assert settings["levers.good.lasts"]["proposed"] in (1, 2, 3)
    assert sum(row["proposed"] for row in document["allocation"]) <= 12_000 * (1 + 1e-9)
    assert {"orders", "spend", "knee"} <= set(document["pareto"][0])


def test_locked_money_stays(capsys):
    assert main([*QUICK, "--locked", "--free", "levers.good.click=0.15:0.25", "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert [row["change"] for row in document["allocation"]] == pytest.approx([0, 0], abs=1e-6)
    assert document["incrementality"] == [], "what levers bring does not matter where no money moves"


def test_the_least_money_that_reaches_the_targets(capsys, here):
    """Exit status 0 and the budget where it can be had; 1 and the target in the way where not."""
    asked = [*QUICK, "--verify", "4", "--reach", "80%", "--most", "2"]
    assert main([*asked, "--set", "targets.moon=null", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["manifest"]["budget"] == pytest.approx(0.05 * 24_000)
    assert main([*asked, "--folder", "out"]) == 1
    printed = capsys.readouterr().out
    assert "no media budget up to 48,000 yuan reaches all targets in 80% of runs" in printed
    assert "moon" in printed
    assert {"budgets.csv", "targets.csv", "manifest.json"} <= {path.name for path in Path("out").iterdir()}


REFUSED = [
    (["--free", "levers.good.quality"], "--free levers.good.quality: has no prior in the plan"),
    (["--free", "levers.good.click=0.1"], "--free levers.good.click=0.1: must be PATH=LO:HI"),
    (["--free", "levers.good.click=3:1"], "must be below high (1)"),
    (["--free", "levers.good.click=x:1"], "--free levers.good.click=x:1: must be a number such as 12"),
    (["--free", "levers.gold.click=1:2"], "levers.gold: unknown name"),
    (["--goal", "clicks"], "the goal must be a KPI, but got 'clicks'; known KPIs: exposure"),
    (["--goal", "cac"], "a goal is raised, but less of cac is better: hold it with a target, or draw a front with it"),
    (["--goal", "pv", "--roas", "2"], "a goal that levers are credited with, but got 'pv'"),
    (["--target", "mars"], "unknown target 'mars'; known targets: orders, moon"),
    (["--target", "orders=much"], "--target orders=much: the cost must be a number, 0 or more, but got 'much'"),
    (["--target", "orders=-1"], "the cost must be a number, 0 or more, but got '-1'"),
    (["--pareto", "orders"], "a front is of 2 to 4 KPIs, but got orders"),
    (["--pareto", "orders", "--pareto", "sales"], "unknown KPI 'sales'"),
    (["--pareto", "orders", "--pareto", "orders"], "each KPI of a front is asked for once, but got orders 2 times"),
    (["--risk", "worst"], "a risk measure is mean, cvar=SHARE or chance=GOAL"),
    (["--risk", "cvar=20%"], "`32 <= verify` must hold with a measure of risk, but got (verify=8)"),
    (["--shocks"], "`shocks` needs a measure of risk and a plan that declares shocks"),
    (["--locked"], "test has no settings to choose: `locked` leaves nothing free"),
    (["--join", "--no-store"], "--join needs a storage to share"),
    (["--storage", "nowhere"], "the storage nowhere cannot be used"),
    (["--replications", "1"], "`2 <= first < replications`"),
    (["--verify", "4"], "`8 <= verify` must hold"),
    (["-o", "none/plan.yaml"], "none/plan.yaml cannot be written: name a file in a folder that exists"),
    (["-o", "."], "cannot be written: name a file in a folder that exists"),
    (["--reach", "80%", "-o", "plan.yaml", "--budget", "5"], "takes no --budget, --output"),
    (["--reach", "80%", "--free", "levers.good.click"], "takes no --free"),
    (["--set", "levers.good.click=much"], "levers.good.click"),
]


@pytest.mark.parametrize(("flags", "words"), REFUSED, ids=[" ".join(flags) for flags, _ in REFUSED])
def test_exit_status_two_says_what_is_wrong(flags, words, capsys, here):
    """One message on stderr, nothing on stdout, nothing written, and no traceback."""
    assert main([*QUICK, *flags]) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.startswith("sandtable: ")
    assert words in said
    assert "Traceback" not in said
    assert [path.name for path in here.iterdir()] == ["market.yaml"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--budget", "0"], "must be above 0"),
        (["--roas", "-1"], "must be above 0"),
        (["--search-users", "0"], "must be at least 1"),
        (["--reach", "0%"], "must lie between 0% and 100%"),
        (["--lang", "fr"], "invalid choice: 'fr'"),
    ],
)
def test_usage_errors(flags, words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*QUICK, *flags])
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_more_replications_of_another_opening_begin_anew(capsys, store):
    """A longer search has another opening design, so it is another study: both keep theirs in one file."""
    assert main([*QUICK, "--json"]) == 0
    capsys.readouterr()
    before = optuna.get_all_study_names(f"sqlite:///{store}/studies.db")
    assert main([*QUICK, "--json", "--replications", "18"]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"]["replications"] >= 18
    after = optuna.get_all_study_names(f"sqlite:///{store}/studies.db")
    assert len(set(after) - set(before)) == 1


def test_ctrl_c_keeps_what_is_done(capsys, monkeypatch, here, tmp_path):
    """Exit status 130, nothing written; the same command then goes on from there. Eight seeds of holdouts come first."""
    from optimize.rehearsals import Rehearsals

    asked = [*QUICK, "--store", str(tmp_path / "own"), "-o", "plan.yaml"]
    evaluate, calls = Rehearsals.evaluate, []

    def broken(self, plans):
        calls.append(len(plans))
        if len(calls) == 8 + 3:
            raise KeyboardInterrupt
        return evaluate(self, plans)

    with monkeypatch.context() as broken_off:
        broken_off.setattr(Rehearsals, "evaluate", broken)
        assert main(asked) == 130
    assert capsys.readouterr().out == ""
    assert not Path("plan.yaml").exists()
    (name,) = optuna.get_all_study_names(f"sqlite:///{tmp_path}/own/studies.db")
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{tmp_path}/own/studies.db")
    assert sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials) == sum(calls[8:10])
    assert main(asked) == 0
    assert Path("plan.yaml").exists()
