"""The run folder: what it holds, and that nothing half-written is ever left."""

import errno
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from markets import CONTROL, everything

import scenarios
from experiments import folder, replication
from experiments.folder import FolderError, check_folder, default_folder, write_folder
from experiments.plots import CHARTS
from experiments.replication import Replication
from experiments.runner import Runner
from experiments.summary import COLUMNS

TABLES = {"accounts.csv", "cohorts.csv", "credit.csv", "kpis.csv", "ledger.csv", "rules.csv"}
REST = {"daily.parquet", "manifest.json", "scenario.yaml"}


@pytest.fixture(scope="module")
def two() -> Replication:
    return replication.run(
        everything(CONTROL, targets={"orders": {"kpi": "orders", "at_least": 1}}), seeds=2, runner=Runner(processes=1)
    )


@pytest.fixture(scope="module")
def written(two: Replication, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(two, tmp_path_factory.mktemp("runs") / "deep" / "one")


def test_a_folder_holds_everything(written):
    assert {p.name for p in written.iterdir()} == TABLES | REST | {"charts"}
    assert {p.stem for p in (written / "charts").iterdir()} == set(CHARTS)
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in (written / "charts").iterdir())
    assert [p.name for p in written.parent.iterdir()] == ["one"]


def test_the_scenario_loads_back(written, two):
    assert scenarios.load(written / "scenario.yaml").digest == two.scenario.digest


def test_kpis_have_their_columns_in_order(written, two):
    table = pd.read_csv(written / "kpis.csv")
    assert tuple(table.columns) == COLUMNS
    assert table["mean"].tolist() == pytest.approx(two.summary["mean"].tolist(), nan_ok=True)


def test_the_manifest_says_what_was_run(written, two):
    found = json.loads((written / "manifest.json").read_text(encoding="utf-8"))
    assert found["scenario_digest"] == two.scenario.digest
    assert found["seeds"] == [1, 2]
    sizes = [found[name] for name in ("users", "people", "days", "burn_in", "tail")]
    assert sizes == [600, 60_000, 60, 35, 20]
    assert (found["engine"], found["threads"], found["processes"]) == ("columnar", 1, 1)
    assert found["user_days"] == 2 * 600 * 115
    assert re.fullmatch(r"[0-9a-f]{12}", found["model_version"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found["started"])


def test_nothing_names_this_machine(written):
    for path in [*TABLES, "manifest.json", "scenario.yaml"]:
        assert str(Path(__file__).parents[1]) not in (written / path).read_text(encoding="utf-8")
        assert str(written.parent) not in (written / path).read_text(encoding="utf-8")


def test_the_ledger_is_summed_to_the_cent(written, two):
    table = pd.read_csv(written / "ledger.csv")
    assert list(table.columns) == ["seed", "account", "lever", "phase", "kind", "yuan"]
    assert not table.duplicated(["seed", "account", "lever", "phase", "kind"]).any()
    assert round(table["yuan"].sum() * 100) == two.ledger["cents"].sum()


def test_daily_is_whole(written, two):
    table = pd.read_parquet(written / "daily.parquet")
    assert list(table.columns) == ["seed", "day", "metric", "segment", "channel", "value"]
    assert table["value"].sum() == pytest.approx(two.daily["value"].sum())
    assert len(table) == len(two.daily)


def test_a_folder_in_use_is_refused(two, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(FolderError, match="is not empty"):
        write_folder(two, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


def test_an_empty_folder_is_used(two, tmp_path):
    write_folder(two, tmp_path / "here", charts=False)
    (tmp_path / "empty").mkdir()
    assert (write_folder(two, tmp_path / "empty", charts=False) / "kpis.csv").is_file()
    assert not (tmp_path / "empty" / "charts").exists()


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for path, words in (("file", "not a folder"), ("file/below", "is not a folder"), ("link", "not a folder")):
        with pytest.raises(FolderError, match=words):
            check_folder(tmp_path / path)


@pytest.mark.parametrize(
    ("fault", "raised", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FolderError, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), FolderError, "Permission denied"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (ZeroDivisionError("a bug"), ZeroDivisionError, "a bug"),
    ],
)
def test_nothing_is_left_after_an_error(two, tmp_path, monkeypatch, fault, raised, words):
    def fail(place: Path, charts: object) -> None:
        assert (place.parent / "kpis.csv").is_file()
        raise fault

    monkeypatch.setattr(folder, "save_charts", fail)
    with pytest.raises(raised, match=words):
        write_folder(two, tmp_path / "a" / "b" / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_appears_meanwhile_is_kept(two, tmp_path, monkeypatch):
    def intrude(place: Path, charts: object) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "kept.txt").write_text("theirs")

    monkeypatch.setattr(folder, "save_charts", intrude)
    with pytest.raises(FolderError, match="run was not written"):
        write_folder(two, tmp_path / "run")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["kept.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_the_default_place_tells_name_time_and_digest(two):
    assert re.fullmatch(rf"runs/test-\d{{8}}T\d{{6}}Z-{two.scenario.digest[:8]}", default_folder(two).as_posix())
    odd = two.scenario.model_copy(update={"name": "../a b/圖"})
    assert default_folder(replace(two, scenario=odd)).parent == folder.RUNS
