"""Replicate: sequences that stop by a stated rule, tables with known answers, and the verb from end to end."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isnan, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markets import everything, plan
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

import scenarios
from experiments import executors, replication, runner
from experiments.job import Job, Tables
from experiments.outputs import MAIN
from experiments.plots import widths
from experiments.replicate import FEW, TABLE, half_widths, is_absolute, replicate, replications, until_narrow
from experiments.runner import Progress, Runner
from experiments.store import Store
from experiments.summary import attainment, interval
from sandtable.cli import main

ALONE = Runner(processes=1)
TARGETS = {
    "many": {"kpi": "orders", "at_least": 100.0, "title": "Many orders"},
    "leavers": {"kpi": "bounce_rate", "at_most": 0.5},
    "growth": {"kpi": "gmv", "at_least": 0.1, "against": "before"},
}
WINDOWS = {"before": {"days": [-20, -1]}}
PLAN = plan(name="canned", targets=TARGETS, windows=WINDOWS)


@dataclass(frozen=True)
class Canned(Runner):
    """A runner whose runs are made up: `say(seed)` gives the value of every target; None: nothing to measure."""

    say: Callable[[int], float | None] = lambda seed: 1.0
    made: list[int] = field(default_factory=list)

    def evaluate(self, jobs: Iterable[Job], of: int) -> Iterator[tuple[int, Tables]]:
        made = []
        for place, job in enumerate(jobs):
            self.made.append(job.seed)
            made.append((place, self.say(job.seed)))
            if self.progress is not None:
                self.progress(Progress(place + 1, of, 0, (place + 1) / of, 10.0 * (place + 1), 1.0))
        for place, value in reversed(made):
            targets = [(name, nan if value is None else value) for name in TARGETS]
            none = pd.DataFrame(columns=["kpi", "window", "segment", "unit", "value"])
            yield place, {"kpis": none, "targets": pd.DataFrame(targets, columns=["target", "value"])}


def normal(seed: int, mean: float = 100.0, spread: float = 10.0) -> float:
    return float(np.random.default_rng(seed).normal(mean, spread))


def sampler(rng: np.random.Generator, spread: float) -> Callable[[Sequence[int]], NDArray[np.float64]]:
    return lambda seeds: rng.normal(1.0, spread, (len(seeds), 1))


# --- Sequential stopping ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spread", "least"), [(0.02, 0.936), (0.05, 0.936), (0.1, 0.936)])
def test_intervals_of_stopped_sequences_cover_nearly_as_they_say(spread, least):
    """2,000 sequences that stop at a half-width of 2 %; they need about 10, 28 and 104 runs.

    Long simulation finds 93.6 % in the worst case; three standard errors of 2,000 sequences are 1.6 %. Above, no more
    than 95 % and those: an interval that covered far more would be wider than it says.
    """
    rng, covered = np.random.default_rng(2024), 0
    for _ in range(2_000):
        found, _ = until_narrow(sampler(rng, spread), [False], 0.02, most=10_000)
        _, low, high = interval(found[:, 0].tolist())
        covered += low <= 1 <= high
        assert (high - low) / 2 <= 0.02 * abs(found.mean()) * (1 + 1e-12)
    assert least - 0.016 <= covered / 2_000 <= 0.95 + 0.016


def test_the_number_of_runs_is_what_the_noise_asks_for():
    """(1.96 x 0.1 / 0.02)^2 = 96 runs, and a few for t. The variance of 100 runs is known to 14 %, so 30 sequences
    stop within three times that (and a tenth more for the step to the last look), and their mean size is within 10
    % (three standard errors are 8 %).
    """
    sizes = [len(until_narrow(sampler(np.random.default_rng(k), 0.1), [False], 0.02)[0]) for k in range(30)]
    assert np.mean(sizes) == pytest.approx(100, rel=0.1)
    assert all(58 <= n <= 156 for n in sizes)


def test_looks_are_a_tenth_to_twice_apart_and_seeds_follow_each_other():
    asked: list[int] = []

    def sample(seeds: Sequence[int]) -> NDArray[np.float64]:
        asked.extend(seeds)
        return np.array([[normal(seed), normal(seed, spread=3.0)] for seed in seeds])

    found, looks = until_narrow(sample, [False, False], 0.015, most=1_000)
    assert asked == list(range(1, len(found) + 1))
    assert looks[0] == FEW
    assert looks[-1] == len(found)
    assert all(1.1 * a <= b <= 2 * a for a, b in pairwise(looks))
    assert (half_widths(found, [False, False]) <= 0.015).all()
    assert (half_widths(found[: looks[-2]], [False, False]) > 0.015).any()


def test_it_stops_at_once_where_nothing_varies():
    found, looks = until_narrow(lambda seeds: np.full((len(seeds), 2), 5.0), [False, True], 0.001)
    assert (found.shape, looks) == ((FEW, 2), [FEW])


def test_it_stops_at_the_most_runs_allowed():
    found, looks = until_narrow(sampler(np.random.default_rng(1), 1.0), [False], 0.001, most=37)
    assert (len(found), looks) == (37, [10, 20, 37])


def test_it_begins_with_the_runs_asked_for():
    assert until_narrow(lambda seeds: np.ones((len(seeds), 1)), [False], 0.1, first=25)[1] == [25]


def test_what_no_run_can_measure_does_not_count_and_what_one_can_does():
    def sample(seeds: Sequence[int]) -> NDArray[np.float64]:
        return np.array([[1.0, nan, 7.0 if seed == 3 else nan] for seed in seeds])

    assert until_narrow(lambda seeds: sample(seeds)[:, :2], [False, False], 0.1)[1] == [FEW]
    assert until_narrow(sample, [False, False, False], 0.1, most=40)[1] == [10, 20, 40]


@pytest.mark.parametrize(
    ("how", "told"),
    [({"until": 0.0}, "`0 < until < 1` must hold, but got 0.0"), ({"until": 1.0}, "0 < until < 1"),
     ({"until": 0.1, "most": 5}, r"`10 <= seeds <= most` must hold to stop by width, but got \(seeds=10, most=5\)"),
     ({"until": 0.1, "seeds": 300}, r"seeds=300, most=200"), ({"until": 0.1, "seeds": [4, 5]}, "give the number"),
     ({"seeds": 0}, "at least one seed"), ({"kpis": ["gvm"]}, "unknown KPI 'gvm'")],
)  # fmt: skip
def test_bad_numbers_are_refused(how, told):
    canned = Canned()
    with pytest.raises(ValueError, match=told):
        replications(PLAN, runner=canned, **how)
    assert canned.made == []


# --- Widths and tables ------------------------------------------------------------------------------------------------


def test_half_widths_by_hand():
    """t(2) = 4.302653; of 1, 2, 3 the half-width is t / sqrt(3)."""
    found = np.array([[1.0, 1.0, -1.0, 4.0, 1.0, nan], [2.0, 2.0, 0.0, 4.0, nan, nan], [3.0, 3.0, 1.0, 4.0, nan, nan]])
    half = 4.302653 / np.sqrt(3)
    told = half_widths(found, [False, True, False, False, False, False])
    assert told[:2] == pytest.approx([half / 2, half], rel=1e-6)
    assert told[2:5].tolist() == [np.inf, 0.0, np.inf]
    assert isnan(told[5])


def test_a_change_and_points_of_a_share_are_absolute():
    found = {unit: is_absolute(kpi, unit) for kpi, unit in (("gmv", "change vs before"), ("ctr", "points vs before"),
             ("nps", "points vs b"), ("nps", "points"), ("ctr", "share"))}  # fmt: skip
    assert found == {"change vs before": True, "points vs before": True, "points vs b": False, "points": False,
                     "share": False}  # fmt: skip


def test_the_table_by_hand():
    table = replicate(PLAN, seeds=[1, 2, 3], runner=Canned(say=lambda seed: 50.0 * seed))
    assert tuple(table.columns) == TABLE
    assert table["name"].tolist() == list(TARGETS)
    row = table.set_index("name").loc["many"]
    half = 4.302653 * 50 / np.sqrt(3)
    assert row[["title", "kpi", "window", "unit", "direction"]].tolist() == [
        "Many orders", "orders", "plan", "orders", "at_least"]  # fmt: skip
    assert row[["mean", "sd", "seeds", "wanted"]].tolist() == [100.0, 50.0, 3, 100.0]
    assert row[["ci_low", "ci_high", "half_width"]].tolist() == pytest.approx([100 - half, 100 + half, half / 100])
    assert (row["probability"], row["verdict"]) == (attainment([50.0, 100.0, 150.0], 100.0, "at_least"), "open")
    assert table["half_width"].tolist() == pytest.approx([half / 100, half / 100, half])


def test_one_run_and_no_run_cannot_tell():
    table = replicate(PLAN, seeds=3, runner=Canned(say=lambda seed: 7.0 if seed == 2 else None))
    assert table["seeds"].tolist() == [1] * 3
    assert set(table["verdict"]) == {"cannot tell: one run"}
    assert table[["ci_low", "half_width", "sd", "probability"]].isna().all(axis=None)
    found = replications(PLAN, seeds=3, runner=Canned(say=lambda seed: None))
    assert set(found.table["verdict"]) == {"cannot tell: not measured"}
    assert "nothing to measure in any run: Many orders, leavers, growth" in found.notes


def test_a_sequence_is_told_and_good_when_narrow():
    found = replications(PLAN, until=0.05, runner=Canned(say=lambda seed: normal(seed, 1.0, 0.1)))
    notes = " | ".join(found.notes)
    assert found.good
    assert (found.table["half_width"] <= 0.05).all()
    assert found.manifest["seeds"] == list(range(1, found.manifest["looks"][-1] + 1))
    assert "stopped at the first look at which every half-width was at most 5 % (looked after 10" in notes
    assert "slightly less than 95 % (Chow & Robbins 1965)" in notes
    assert "of a change is in points" in notes
    assert "fewer than" not in notes
    assert len(found.tables["runs"]) == 3 * len(found.manifest["seeds"])


def test_a_sequence_that_stays_wide_is_not_good_and_says_how_many_seeds_would_do():
    found = replications(PLAN, seeds=5, until=0.01, most=20, runner=Canned(say=lambda seed: normal(seed, 0.2, 0.1)))
    notes = " | ".join(found.notes)
    assert not found.good
    assert found.manifest["looks"] == [10, 20]
    widest = found.table["half_width"].max()
    assert "stopped at the most seeds allowed, still wider than 1 %: Many orders" in notes
    assert f"about {20 * (widest / 0.01) ** 2:,.0f}"[:8] in notes
    assert "leavers" in notes


def test_what_is_not_told_from_0_is_named():
    found = replications(PLAN, until=0.5, most=10, runner=Canned(say=lambda seed: (-1.0) ** seed * 3))
    assert "not told from 0, where no share of the mean can be narrow: Many orders, leavers, growth" in found.notes


def test_fewer_than_ten_seeds_are_warned_of():
    def warned(seeds: int) -> bool:
        return any("fewer than 10 seeds" in note for note in replications(PLAN, seeds, runner=Canned()).notes)

    assert (warned(9), warned(10)) == (True, False)


def test_the_progress_of_all_batches_is_told_as_one():
    told: list[Progress] = []
    canned = Canned(say=normal, progress=told.append)
    found = replications(PLAN, until=0.03, runner=canned)
    runs = found.manifest["looks"][-1]
    assert len(found.manifest["looks"]) > 1
    assert canned.made == list(range(1, runs + 1))
    assert [p.done for p in told] == list(range(1, runs + 1))
    assert (told[-1].of, told[-1].share, told[-1].user_days) == (runs, 1.0, 10.0 * runs)
    assert told[-1].seconds == len(found.manifest["looks"])


def test_real_runs_give_the_promises_of_a_replication():
    market = everything(targets=TARGETS)
    table = replicate(market, seeds=3, runner=ALONE)
    promises = replication.run(market, seeds=3, runner=ALONE).promises
    pd.testing.assert_frame_equal(table[list(promises.columns)], promises, check_dtype=False)
    bare = replicate(everything(), seeds=1, days=31, runner=ALONE)
    assert bare["name"].tolist() == list(MAIN)
    assert set(bare["window"]) == {"so far"}
    assert set(bare["direction"]) == {""}


# --- The chart --------------------------------------------------------------------------------------------------------


def test_the_chart_shows_every_output_and_names_the_widest():
    rng = np.random.default_rng(5)
    found = 10 + rng.normal(0, [0.1, 0.2, 0.4, 0.8, 1.6, 0.0], (30, 6))
    table = widths.narrowing([*"abcdef"], found, [False] * 6)
    last = table[table["runs"] == 30].set_index("title")["half_width"]
    _, low, high = interval(found[:, 3].tolist())
    assert last["d"] == pytest.approx((high - low) / 2 / found[:, 3].mean())
    ax = widths.draw(table, until=0.02)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [name[0] for name in names] == ["e", "d", "c", "b", "w"]
    assert len(ax.lines) == 6
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines[-5:]}) == 5
    FigureCanvasAgg(widths.figure(table, None, "name (計畫)")).draw()


def test_a_chart_of_too_few_runs_says_so():
    ax = widths.draw(widths.narrowing(["a"], np.ones((2, 1)), [False]))
    assert "needs 3 runs" in " ".join(text.get_text() for text in ax.texts)
    FigureCanvasAgg(widths.figure(widths.narrowing(["a"], np.ones((9, 1)), [False]), 0.1, "x")).draw()


# --- The verb ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plans") / "tiny.yaml"
    path.write_text(scenarios.dump(everything(name="tiny [bold]", targets=TARGETS, windows=WINDOWS)), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def test_the_verb_prints_a_page_of_80_columns(file, capsys):
    assert main(["replicate", file, "--seeds", "2", "--users", "300"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("tiny [bold]: 2 runs", "Many orders", "95 % interval", "half-width", "target", "chance",
                  "growth", "fewer than 10 seeds", "300 simulated users"):  # fmt: skip
        assert words in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "…" not in out


def test_exit_one_when_the_intervals_stay_wide_and_zero_when_they_are_narrow(file, capsys):
    words = ["replicate", file, "--users", "200", "--days", "31", "--kpi", "uv"]
    assert main([*words, "--until", "half-width=0.01%", "--most", "11"]) == 1
    assert "stopped at the most seeds allowed" in capsys.readouterr().out
    assert main([*words, "--until", "half-width=60%"]) == 0
    assert "stopped at the first look" in capsys.readouterr().out


def test_the_document_and_the_folder(file, capsys, here):
    assert main(["replicate", file, "--users", "200", "--seeds", "2", "--json", "-o", "out", "--tables", "xlsx"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verb"], found["good"], found["folder"]) == ("replicate", True, "out")
    assert [row["name"] for row in found["outputs"]] == list(TARGETS)
    assert len(found["runs"]) == 6
    assert (found["manifest"]["seeds"], found["manifest"]["until"]) == ([1, 2], None)
    assert sorted(p.name for p in (here / "out").iterdir()) == ["charts", "manifest.json", "tables.xlsx"]
    assert [p.name for p in (here / "out" / "charts").iterdir()] == ["widths.png"]
    assert list(pd.read_excel(here / "out" / "tables.xlsx", sheet_name=None)) == ["outputs", "runs"]


@pytest.mark.parametrize(
    ("words", "told"),
    [("--most 5 --until half-width=2%", "`10 <= seeds <= most` must hold"), ("--kpi gvm", "unknown KPI 'gvm'"),
     ("--overlay nope", "unknown overlay")],
)  # fmt: skip
def test_bad_input_ends_with_two(file, words, told, capsys, here):
    assert main(["replicate", file, *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert list(here.iterdir()) == []


def test_a_second_call_simulates_nothing_and_more_seeds_only_what_is_new(file, capsys, monkeypatch):
    words = ["replicate", file, "--users", "200", "--json", "--seeds"]
    assert main([*words, "2"]) == 0
    first = capsys.readouterr().out
    made: list[int] = []
    perform = runner.perform

    def watched(job: Job) -> bytes:
        made.append(job.seed)
        return perform(job)

    monkeypatch.setattr(runner, "perform", watched)
    assert main([*words, "2"]) == 0
    assert (capsys.readouterr().out, made) == (first, [])
    assert main([*words, "3"]) == 0
    assert made == [3]
    assert len(list(Store("runs/store").entries())) == 3
