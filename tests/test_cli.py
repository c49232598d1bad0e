"""The command line: what it prints, what it writes, how it ends."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from markets import CONTROL, everything
from terminal import in_terminal

import sandtable as st
import scenarios
from experiments import executors, replication, scoreboard
from experiments.runner import Progress, Runner
from experiments.trace import tell
from sandtable.cli import main, screen
from sandtable.cli.parser import parser
from sim.run import simulate
from sim.world import EVENTS

HEAVY = ("numpy", "pandas", "numba", "matplotlib", "pydantic", "rich", "yaml", "scipy")
VERBS = ("list", "check", "run", "trace", "fit", "optimize", "schema", "kpis")
TARGETS = {
    "orders": {"kpi": "orders", "at_least": 1, "title": "A title so long that it cannot stand on one line of a page"},
    "more": {"kpi": "gmv", "window": "late", "at_least": 50, "against": "before"},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    plan = everything(CONTROL, targets=TARGETS, baseline={"orders": {"value": 123_456}})
    path = tmp_path_factory.mktemp("plans") / "tiny.yaml"
    path.write_text(scenarios.dump(plan), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout


HELP = "from sandtable.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"


@pytest.mark.parametrize("what", ["import sandtable", HELP])
def test_nothing_heavy_is_imported_for_nothing(what):
    loaded = python(f"{what}\nimport sys\nprint('loaded:', *(m for m in {HEAVY} if m in sys.modules))")
    assert loaded.splitlines()[-1] == "loaded:"


def test_the_version_is_told():
    done = subprocess.run([sys.executable, "-m", "sandtable", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"sandtable {st.__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    assert end.value.code == 0
    assert f"sandtable {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    ["", "frob", "run", "run x --seeds 0", "run x --users many", "run x --engine fast", "optimize", "check",
     "optimize x --budget -1", "optimize x --budget nan", "trace x", "trace x --user -1"],
)  # fmt: skip
def test_usage_errors_end_with_two(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 2
    assert "usage: sandtable" in capsys.readouterr().err


def test_money_may_be_written_with_separators():
    assert parser().parse_args(["optimize", "x", "--budget", "1_200,000"]).budget == 1_200_000


def test_list_names_every_shipped_scenario(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == scenarios.names()


def test_kpis_are_listed_with_their_units(capsys):
    assert main(["kpis"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[1:] if line[0] != " "] == list(st.KPIS)
    assert "visitor-days" in out


def test_the_schema_is_printed_and_written(capsys, here):
    assert main(["schema"]) == 0
    assert main(["schema", "-o", "schema.json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((here / "schema.json").read_text(encoding="utf-8"))
    assert main(["schema", "-o", "nowhere/schema.json"]) == 2


def test_check_counts_what_a_good_scenario_holds(file, capsys):
    assert main(["check", file, "annual-promotion"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert f"{file}: good: 20 levers, 2 targets, 3 rules, 5 shocks" in first
    assert second.startswith("annual-promotion: good: ")


def test_check_tells_every_fault_and_goes_on(file, capsys, here):
    text = Path(file).read_text(encoding="utf-8")
    Path("bad.yaml").write_text(text.replace("kpi: orders", "kpi: ordrs").replace("users: 600", "users: -5"), "utf-8")
    assert main(["check", "bad.yaml", "anual-promotion", file]) == 2
    out, err = capsys.readouterr()
    assert "did you mean orders?" in err
    assert "market.users: -5" in err
    assert "did you mean annual-promotion?" in err
    assert out.count(": good: ") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("run anual-promotion", "did you mean annual-promotion?"),
        ("run annual-promotion --set levers.search.clck=1", "did you mean click?"),
        ("run annual-promotion --set nonsense", "must be PATH=VALUE"),
        ("run annual-promotion --overlay nope", "unknown overlay"),
        ("trace annual-promotion --user 60000", "users are numbered 0 to 49999"),
        ("run nowhere.yaml", "there is no such file"),
        ("optimize annual-promotion --pareto gvm --pareto spend", "unknown KPI"),
        ("fit nowhere", "no shipped scenario"),
    ],
)
def test_bad_input_ends_with_two_and_one_message(words, told, capsys, here):
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "Traceback" not in err
    assert list(here.iterdir()) == []


def test_run_prints_the_scoreboard_and_writes_the_folder(file, capsys, here):
    assert main(["run", file, "--seeds", "2", "-o", "out", "--no-charts"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("What the plan promises", "95 % interval", "A title so", "KPIs over the plan", "123.5 k",
                  "Money, in yuan", "planned", "2 runs give rough", "run folder: out", "user-days"):  # fmt: skip
        assert words in out
    assert "\x1b" not in out
    assert "…" not in out
    assert all(line == line.rstrip() and len(line) <= 80 for line in out.splitlines())
    assert (here / "out" / "kpis.csv").is_file()
    assert not (here / "out" / "charts").exists()


def test_numbers_are_never_cut_off(file, capsys, monkeypatch):
    """On a page of 80 columns they stand whole; on a narrow one they are folded, and not a digit is missing."""
    money = {}
    for width in (80, 40):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main(["run", file, "--seeds", "1", "-o", f"out-{width}", "--no-charts"]) == 0
        out = capsys.readouterr().out
        assert "…" not in out
        money[width] = out[out.index("Money") : out.index("- one run")]
    planned = pd.read_csv("out-80/accounts.csv")["planned"]
    assert all(f" {value:,.0f} " in money[80] for value in planned if value)
    assert sorted(filter(str.isdigit, money[40])) == sorted(filter(str.isdigit, money[80]))


def test_the_command_line_and_the_library_write_the_same(file, monkeypatch):
    monkeypatch.setattr(executors, "cores", lambda: 2)
    assert main(["run", file, "--seeds", "2", "-o", "a", "--no-charts", "--quiet", "--threads", "2"]) == 0
    assert main(["run", file, "--seeds", "2", "-o", "b", "--no-charts", "--threads", "2", "--engine", "process"]) == 0
    found = replication.run(st.load(file), seeds=2, runner=Runner(processes=1))
    assert Path("a/kpis.csv").read_text() == found.summary.to_csv(index=False, lineterminator="\n")
    for name in ("kpis.csv", "ledger.csv", "accounts.csv", "credit.csv", "cohorts.csv", "rules.csv", "daily.parquet"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes(), name


def test_json_is_one_document(file, capsys):
    assert main(["run", file, "--seeds", "2", "--json", "--no-charts", "--users", "500", "--set", "clock.tail=3"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == ""
    assert set(found) == {"manifest", "window", "promises", "kpis", "accounts", "unfunded", "notes", "folder"}
    assert (found["manifest"]["users"], found["manifest"]["tail"]) == (500, 3)
    assert [p["name"] for p in found["promises"]] == list(TARGETS)
    assert Path(found["folder"]).is_dir()
    assert Path(found["folder"]).parent == Path("runs")


def test_a_run_cut_short_says_so(file, capsys):
    assert main(["run", file, "--seeds", "1", "--days", "10", "-o", "out", "--no-charts"]) == 0
    out = capsys.readouterr().out
    assert "KPIs over the first 10 days" in out
    assert "cannot tell" in out
    assert "ended early, after 10 of 60 days" in out


def test_a_folder_in_use_is_refused_before_anything_is_simulated(file, capsys, here, monkeypatch):
    monkeypatch.setattr("experiments.replication.run", lambda *a, **k: pytest.fail("simulated for nothing"))
    (here / "used").mkdir()
    (here / "used" / "mine.txt").write_text("mine")
    assert main(["run", file, "-o", "used"]) == 2
    assert "used is not empty" in capsys.readouterr().err
    assert [p.name for p in (here / "used").iterdir()] == ["mine.txt"]


def test_an_answer_that_cannot_be_written_is_printed_all_the_same(file, capsys, here, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("experiments.folder.save_charts", full)
    assert main(["run", file, "--seeds", "1", "-o", "out"]) == 2
    out, err = capsys.readouterr()
    assert "Money, in yuan" in out
    assert err == "sandtable: out was not written: the disk is full\n"
    assert list(here.iterdir()) == []


def test_ctrl_c_ends_with_130_and_leaves_nothing(file, capsys, here, monkeypatch):
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.folder.save_charts", stop)
    assert main(["run", file, "--seeds", "1"]) == 130
    assert capsys.readouterr().err == "sandtable: stopped: nothing was written\n"
    assert list(here.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals of process groups")
def test_ctrl_c_in_the_terminal_ends_parent_and_children(here):
    command = [sys.executable, "-m", "sandtable", "run", "annual-promotion", "--users", "50000", "--seeds", "4"]
    run = in_terminal(command)
    time.sleep(3)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert (run.returncode, out, err) == (
        130, "", "sandtable: stopped after 0 of 4 runs: nothing was written\n"
    )  # fmt: skip
    assert list(here.iterdir()) == []


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m sandtable schema | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ('{\n "$schem', "")


def test_trace_tells_a_users_days_in_words(file, capsys):
    run = simulate(st.load(file), 1, journeys=range(600))
    busy = int(run.journeys["user"].value_counts().idxmax())
    assert main(["trace", file, "--user", str(busy)]) == 0
    out = capsys.readouterr().out
    mine = run.journeys[run.journeys["user"] == busy]
    lines = [line for line in out.splitlines() if line.startswith("  ")]
    assert len(lines) == len(mine)
    day = int(mine["day"].iloc[0])
    when = run.scenario.clock.date(day)
    assert f"{when:%A} {when.day} {when:%B %Y}, day {day}" in out
    assert "visits" in out
    assert main(["trace", file, "--user", str(busy), "--engine", "process"]) == 0
    assert capsys.readouterr().out == out


def test_every_event_has_words_of_its_own():
    plan = everything()
    run = simulate(plan, 1, days=1)
    said = {event: tell(event, 1, 2.0, plan, run.observer.names) for event in EVENTS}
    assert len(set(said.values())) == len(EVENTS)
    assert said["visits"] == "visits through ads"
    assert tell("visits", 0, 0.0, plan, run.observer.names) == "visits of own accord"
    assert tell("hears-word", 0, 17.0, plan, run.observer.names) == "hears of it from user 17"


@pytest.mark.parametrize(("holds", "status"), [(True, 0), (False, 1)])
def test_fit_prints_the_rates_and_writes_them(monkeypatch, capsys, file, holds, status):
    written = []
    row = {"kpi": "ctr", "window": "plan", "wanted": 0.04, "before": 0.03, "mean": 0.0401, "ci_low": 0.0395,
           "ci_high": 0.0407, "holds": holds, "fitted": "behaviour.shop.ctr"}  # fmt: skip
    found = SimpleNamespace(
        table=pd.DataFrame([row]), changes={"behaviour.shop.ctr": 0.0412}, holds=holds, write=written.append
    )
    monkeypatch.setattr("experiments.fit.fit", lambda *a, **k: found)
    assert main(["fit", file]) == status
    assert "behaviour.shop.ctr: 0.0412" in capsys.readouterr().out
    assert written == []
    assert main(["fit", file, "--write"]) == status
    assert written == [Path(file)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_counts_runs_on_a_terminal_only(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with screen.bar(shown=True) as advance:
        advance(Progress(done=2, of=4, reused=1, share=0.55, user_days=3e6, seconds=2.0))
        time.sleep(0.3)
        advance("writing the run folder")
    assert "2 of 4 runs (1 kept from before), 1.5 M user-days a second" in terminal.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with screen.bar(shown=True) as advance:
        advance(1, 2)
    assert sys.stderr.getvalue() == ""


def test_the_library_is_the_same_as_its_parts():
    assert set(st.__all__) | {"__version__"} <= set(dir(st))
    assert st.simulate is simulate
    assert st.run is replication.run
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        st.nothing  # noqa: B018
    with pytest.raises(st.ScenarioError, match="did you mean orders"):
        st.load("annual-promotion", changes={"targets.gmv.kpi": "ordrs"})


def test_notes_say_what_to_mind():
    found = replication.run(everything(CONTROL), seeds=1, runner=Runner(processes=1))
    said = " ".join(scoreboard.notes(found))
    for words in ("one run shows no spread", "600 simulated users stand for 60,000", "no account could", "rules acted"):
        assert words in said
