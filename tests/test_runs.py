"""Runs that are kept: listed by what they are of, shown by key, pruned for a reason; and one user's trace."""

import json
import os
import time
from argparse import Namespace
from pathlib import Path

import pandas as pd
import pytest
from markets import CONTROL, everything, plan

import scenarios
from experiments import codec, executors, trace
from experiments.job import Job
from experiments.runner import Runner
from experiments.store import Store
from sandtable.cli import main
from sandtable.cli.runs import grouped
from sandtable.cli.trace import trace_
from sim.run import simulate

TARGETS = {"orders": {"kpi": "orders", "at_least": 1}, "more": {"kpi": "orders", "at_least": 1e12}}
SMALL = {"clock": {"days": 5, "burn_in": 5, "tail": 0}, "market": {"users": 50, "people": 5_000}}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of six runs: three seeds of a plan, two of a variant, one that ended early with all its tables."""
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SANDTABLE_STORE", raising=False)
    one = plan(SMALL, targets=TARGETS)
    other = one.override({"market.contacts.mean": 7})
    jobs = [Job(one, seed) for seed in (1, 2, 5)] + [Job(other, seed) for seed in (1, 2)] + [Job(one, 1, 3, "all")]
    store = Store(tmp_path / "runs" / "store")
    Runner(store).tables(jobs, len(jobs))
    return store


def old_run(store: Store, key: str = "f" * 64) -> Path:
    """Put the run of another version of the model into a store."""
    entry = next(store.entries())
    about = {k: v for k, v in (entry.about or {}).items() if k not in ("format", "tables", "sha256")}
    data = codec.encode(about | {"model": "an-old-one"}, codec.Decoded(entry.path.read_bytes()))
    path = store.folder / "an-old-one" / key[:2] / f"{key}.run"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def spoil(path: Path) -> None:
    """Cut a run short, as a full disk might."""
    path.write_bytes(path.read_bytes()[:-100])


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["runs", *words, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_runs_are_listed_by_what_they_are_of(kept, capsys):
    found = ask(capsys, "list")
    assert (found["runs"], found["spoilt"], len(found["groups"])) == (6, [], 3)
    groups = {(g["digest"], g["days"], g["detail"]): g for g in found["groups"]}
    one = groups[plan(SMALL, targets=TARGETS).digest, 5, "kpis"]
    assert (one["scenario"], one["users"], one["runs"], one["seeds"], one["current"]) == (
        "test",
        50,
        3,
        [1, 2, 5],
        True,
    )
    assert one["size"] == sum(kept.path(key).stat().st_size for key in one["keys"])
    assert sorted(len(group["keys"]) for group in groups.values()) == [1, 2, 3]
    assert found["bytes"] == sum(group["size"] for group in groups.values())


def test_variants_of_a_plan_share_a_line(kept, capsys):
    assert main(["runs", "list"]) == 0
    out = capsys.readouterr().out
    lines = sorted(line.split() for line in out.splitlines() if line.startswith(" test"))
    assert [line[: line.index("50") + 4] for line in lines] == [
        ["test", "(all", "tables)", "50", "3", "1", "1"], ["test", "50", "5", "2", "5"]
    ]  # fmt: skip
    assert "1-2, 5" in out
    assert "6 runs, " in out
    assert "prune" not in out


def test_an_empty_store_is_no_error(kept, capsys):
    assert main(["runs", "list", "--store", "nowhere"]) == 0
    assert capsys.readouterr().out == "no runs are kept in nowhere\n"
    assert main(["runs", "prune", "--store", "nowhere"]) == 0
    assert capsys.readouterr().out == "nothing to remove in nowhere\n"
    assert not Path("nowhere").exists()


def test_the_environment_names_the_store(kept, capsys, monkeypatch):
    monkeypatch.setenv("SANDTABLE_STORE", "elsewhere")
    assert ask(capsys, "list") == {"store": "elsewhere", "runs": 0, "bytes": 0, "groups": [], "spoilt": []}


def test_spoilt_and_old_runs_are_told(kept, capsys):
    first = next(kept.entries())
    old_run(kept)
    spoil(first.path)
    found = ask(capsys, "list")
    assert (found["runs"], found["spoilt"]) == (7, [first.key])
    assert [group["current"] for group in found["groups"]].count(False) == 1
    assert main(["runs", "list"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1 of them are spoilt and not served: " + first.key[:8] in out
    assert "are of old versions of the model and not served" in out
    assert "`sandtable runs prune` removes what is not served" in out


def test_the_newest_of_a_group_comes_first(kept):
    entries = list(kept.entries())
    for place, entry in enumerate(entries):
        os.utime(entry.path, (place, place))
    keys = [key for group in grouped(kept.entries()) for key in group["keys"]]
    assert keys[0] == entries[-1].key
    assert all(group["keys"] == sorted(group["keys"], reverse=True) for group in grouped(kept.entries()))


def test_a_run_is_shown_by_the_first_letters_of_its_key(kept, capsys):
    key = Job(plan(SMALL, targets=TARGETS), 5).key
    found = ask(capsys, "show", key[:10].upper())
    assert (found["key"], found["seed"], found["days"], found["users"]) == (key, 5, 5, 50)
    truth = simulate(plan(SMALL, targets=TARGETS), 5).kpis
    gmv = truth[(truth["kpi"] == "gmv") & (truth["window"] == "plan") & (truth["segment"] == "all")]["value"].iloc[0]
    assert [row["value"] for row in found["kpis"] if row["kpi"] == "gmv"] == [gmv]
    assert [(row["target"], row["reached"]) for row in found["targets"]] == [("orders", False), ("more", False)]
    assert main(["runs", "show", key]) == 0
    out = capsys.readouterr().out
    assert "test, seed 5" in out
    assert "Gross merchandise value" in out
    assert "0 of 2 targets reached" in out


def test_a_run_that_ended_early_is_shown_so_far(kept, capsys):
    found = ask(capsys, "show", Job(plan(SMALL, targets=TARGETS), 1, 3, "all").key[:12])
    assert {row["window"] for row in found["kpis"]} == {"so far"}
    assert (found["days"], found["detail"]) == (3, "all")


def test_keys_that_name_no_run_or_several_end_with_two(kept, capsys):
    keys = sorted(entry.key for entry in kept.entries())
    for word in ("zz", "*", ""):
        assert main(["runs", "show", word]) == 2
        assert "; it holds 6; see `sandtable runs list`" in capsys.readouterr().err
    for place, key in enumerate(keys):
        path = kept.path(key)
        path.rename(path.with_name(f"ab{place}{key[3:]}.run"))
    assert main(["runs", "show", "AB"]) == 2
    err = capsys.readouterr().err
    assert "6 runs have a key that begins with 'AB'" in err
    assert len([line for line in err.splitlines() if line.startswith("  ab")]) == 6
    assert "test, seed 5, 50 users, 5 days, kpis" in err


def test_a_spoilt_run_is_not_shown(kept, capsys):
    first = next(kept.entries())
    spoil(first.path)
    assert main(["runs", "show", first.key]) == 2
    assert "is spoilt; it is made again when needed" in capsys.readouterr().err


def test_prune_removes_what_is_not_served(kept, capsys):
    entries = list(kept.entries())
    old = old_run(kept)
    spoil(entries[0].path)
    part = entries[1].path.with_name("12345678.x.part")
    part.write_bytes(b"half")
    os.utime(part, (0, 0))
    found = ask(capsys, "prune")
    assert found["removed"] == 3
    assert found["reasons"] == {"spoilt": 1, "of another version of the model": 1, "left half-written": 1}
    assert not old.exists()
    assert {entry.key for entry in kept.entries()} == {entry.key for entry in entries[1:]}
    assert ask(capsys, "prune")["removed"] == 0


def test_prune_by_age_and_whole(kept, capsys):
    entries = list(kept.entries())
    os.utime(entries[0].path, (time.time() - 3 * 86_400,) * 2)
    assert ask(capsys, "prune", "--older-than", "4")["removed"] == 0
    assert main(["runs", "prune", "--older-than", "2"]) == 0
    assert "1 older than 2 days" in capsys.readouterr().out
    assert main(["runs", "prune", "--all"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("removed 5 files, ")
    assert "5 as asked" in out
    assert list(kept.entries()) == []


# --- A trace ----------------------------------------------------------------------------------------------------------


def test_both_engines_tell_the_same_of_a_user():
    market = everything(CONTROL)
    everyone = simulate(market, 2, days=30, journeys=range(600)).journeys
    busy = int(everyone["user"].value_counts().idxmax())
    found = trace.trace(market, busy, 2, days=30)
    mine = everyone[everyone["user"] == busy]
    assert found.columns.tolist() == list(trace.COLUMNS)
    assert (
        found[["day", "event"]].to_numpy().tolist() == mine[["day", "event"]].astype({"event": str}).to_numpy().tolist()
    )
    assert found["hour"].fillna(-1).tolist() == mine["hour"].tolist()
    assert found["date"].tolist() == [market.clock.date(day) for day in mine["day"]]
    pd.testing.assert_frame_equal(trace.trace(market, busy, 2, engine="process", days=30), found)


def test_a_user_to_whom_nothing_happens_has_an_empty_trace():
    nobody = plan(SMALL, behaviour={"start": {"aware": 0, "registered": 0}, "hear": {"spontaneous": 0}})
    found = trace.trace(nobody, 0)
    assert found.empty
    assert found.dtypes.astype(str).to_dict() == {
        "day": "int64", "date": "object", "hour": "Int64", "event": "str", "words": "str"
    }  # fmt: skip


def test_users_are_those_of_the_market():
    with pytest.raises(ValueError, match="users are numbered 0 to 49, but got 50"):
        trace.trace(plan(SMALL), 50)
    with pytest.raises(ValueError, match="but got -1"):
        trace.trace(plan(SMALL), -1)


def test_a_trace_is_told_as_json(tmp_path, capsys):
    market, path = everything(), tmp_path / "tiny.yaml"
    path.write_text(scenarios.dump(market), encoding="utf-8")
    words = {"scenario": str(path), "overlays": [], "changes": [], "users": None, "seed": 1, "engine": "columnar"}
    assert trace_(Namespace(**words, user=3, days=20, json=True)) == 0
    found, truth = json.loads(capsys.readouterr().out), trace.trace(market, 3, days=20)
    assert len(truth) > 3
    assert (found["scenario"], found["user"], found["seed"]) == ("test", 3, 1)
    assert [event["words"] for event in found["events"]] == truth["words"].tolist()
    assert [event["date"] for event in found["events"]] == [str(day) for day in truth["date"]]
    assert all(event["hour"] is None or 0 <= event["hour"] < 24 for event in found["events"])
