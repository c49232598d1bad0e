"""The store and its bytes: what is written comes back, what is spoilt is never served."""

import os
import time

import numpy as np
import pandas as pd
import pytest
from markets import plan

from experiments import codec, store
from experiments.job import KEPT, Job, perform
from experiments.runner import Runner
from experiments.store import Store, StoreError


@pytest.fixture(scope="module")
def job() -> Job:
    return Job(plan(), 1)


@pytest.fixture(scope="module")
def data(job: Job) -> bytes:
    return perform(job)


def test_tables_come_back_as_they_were():
    table = pd.DataFrame(
        {"a": [1, 2], "b": pd.Categorical(["x", "y"]), "c": [0.1, np.nan], "d": pd.array([True, None], "boolean")}
    )
    found = codec.Decoded(codec.encode({"seed": 1}, {"zebra": table, "ant": table.iloc[:0]}))
    assert list(found) == ["zebra", "ant"]
    pd.testing.assert_frame_equal(found["zebra"], table)
    assert found["ant"].columns.tolist() == ["a", "b", "c", "d"]


def test_rows_come_back_as_a_table():
    kinds = {"a": str, "b": int, "c": float, "d": bool}
    rows = [("x", 1, 0.1, True), (None, 2, None, None), ("y", 3, np.nan, False)]
    found = codec.Decoded(codec.encode({}, {"some": codec.Rows(kinds, rows), "none": codec.Rows(kinds, [])}))
    wanted = pd.DataFrame(
        {"a": ["x", None, "y"], "b": [1, 2, 3], "c": [0.1, np.nan, np.nan], "d": [True, None, False]}
    ).astype({"a": "str", "d": "boolean"})
    pd.testing.assert_frame_equal(found["some"], wanted)
    pd.testing.assert_frame_equal(found["none"], wanted.iloc[:0])
    pd.testing.assert_frame_equal(codec.Rows(kinds, rows).frame(), wanted)
    columns = found.columns("some")
    assert {name: columns[name] for name in "abd"} == {"a": ["x", None, "y"], "b": [1, 2, 3], "d": [True, None, False]}
    assert columns["c"] == pytest.approx([0.1, np.nan, np.nan], nan_ok=True)


@pytest.mark.parametrize("count", [10, 100_000])
def test_large_tables_are_compressed(count):
    table = pd.DataFrame({"number": np.arange(count) // 100, "name": ["all"] * count})
    data = codec.encode({}, {"table": table})
    assert (len(data) < table["number"].to_numpy().nbytes / 2) == (count > 10)
    pd.testing.assert_frame_equal(codec.Decoded(data)["table"], table)


def test_an_older_format_is_not_read(data):
    older = data.replace(f'"format": {codec.FORMAT}'.encode(), f'"format": {codec.FORMAT - 1}'.encode(), 1)
    with pytest.raises(codec.SpoiltError, match=f"the format is not {codec.FORMAT}"):
        codec.describe(older)


def test_equal_runs_give_equal_bytes(job, data):
    assert perform(job) == data
    assert perform(Job(plan(), 1, engine="process", threads=2)) == data
    head = codec.describe(data)
    assert (head["seed"], head["users"], head["detail"]) == (1, plan().market.users, "kpis")
    assert [name for name, _ in head["tables"]] == list(KEPT["kpis"])


@pytest.mark.parametrize("place", [0, 1, 40, -1, -200])
def test_a_changed_byte_is_seen(data, place):
    spoilt = bytearray(data)
    spoilt[place] ^= 0x20
    found = None
    try:
        found = codec.describe(bytes(spoilt))
    except codec.SpoiltError:
        return
    assert spoilt[: data.index(b"\n")] != data[: data.index(b"\n")]
    assert found["sha256"] == codec.describe(data)["sha256"]


@pytest.mark.parametrize("cut", [0, 1, 100, 1000, -1])
def test_a_file_cut_short_is_seen(data, cut):
    with pytest.raises(codec.SpoiltError):
        codec.describe(data[:cut])


def test_keys_tell_apart_all_that_matters(job):
    others = [
        Job(plan(), 2), Job(plan(), 1, 3), Job(plan(), 1, detail="all"), Job(plan(), 1, journeys=(4,)),
        Job(plan().override({"market.users": 700}), 1),
    ]  # fmt: skip
    assert len({job.key, *(o.key for o in others)}) == len(others) + 1
    same = [Job(plan(), 1, engine="process"), Job(plan(), 1, threads=2), Job(plan(), 1, days=10_000)]
    assert {s.key for s in same} == {job.key}


def test_what_is_kept_is_served(tmp_path, job, data):
    kept = Store(tmp_path / "deep" / "store")
    assert kept.get(job.key) is None
    kept.put(job.key, data)
    assert kept.get(job.key) == data
    (entry,) = kept.entries()
    assert (entry.key, entry.size, entry.current) == (job.key, len(data), True)
    assert entry.about is not None
    assert entry.about["digest"] == job.scenario.digest


def test_a_spoilt_run_is_made_again(tmp_path, job, data):
    kept = Store(tmp_path)
    kept.put(job.key, data[:-7])
    assert kept.get(job.key) is None
    assert [e.about for e in kept.entries()] == [None]
    Runner(kept, processes=1).tables([job], 1)
    assert kept.get(job.key) == data


def test_a_run_of_another_model_is_not_served(tmp_path, job, data, monkeypatch):
    kept = Store(tmp_path)
    kept.put(job.key, data)
    monkeypatch.setattr(store, "source_digest", lambda: "0" * 64)
    assert kept.get(job.key) is None
    assert [e.current for e in kept.entries()] == [False]


def test_half_a_file_is_never_in_the_way(tmp_path, job, data, monkeypatch):
    kept = Store(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "replace", fail)
    with pytest.raises(StoreError, match="No space left"):
        kept.put(job.key, data)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert kept.get(job.key) is None


def test_prune_removes_what_is_unwanted_and_what_was_abandoned(tmp_path, job, data):
    kept = Store(tmp_path)
    for key in (job.key, "ab" + job.key[2:]):
        kept.put(key, data)
    old, young = (kept.path(job.key).parent / f"{name}.part" for name in ("old", "young"))
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    assert kept.prune(lambda entry: entry.key.startswith("ab")) == (2, len(data) + 4)
    assert kept.get(job.key) == data
    assert (old.exists(), young.exists()) == (False, True)
    young.unlink()
    assert kept.prune(lambda entry: True) == (1, len(data))
    assert list(tmp_path.rglob("*")) == []
