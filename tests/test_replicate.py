"""Replications: statistics with known answers, tables that no spreading of runs changes, children that obey."""

import subprocess
import sys
from math import isnan, nan

import numpy as np
import pandas as pd
import pytest
from markets import CONTROL, everything, plan
from scipy import stats

from experiments import executors, replication
from experiments.curves import STOCKS, TOTALS, curves
from experiments.job import KEPT, SO_FAR
from experiments.replication import Replication
from experiments.runner import Progress, Runner
from experiments.summary import COLUMNS, attainment, interval, verdict
from experiments.units import probability
from sim.kpis import KPIS
from sim.run import simulate

TARGETS = {
    "orders": {"kpi": "orders", "at_least": 10},
    "more-orders": {"kpi": "orders", "window": "late", "at_least": 5, "against": "before"},
    "never": {"kpi": "orders", "window": "late", "at_least": 1e12},
    "bounce": {"kpi": "bounce_rate", "at_most": 0.99, "title": "Few leave at once"},
    "points": {"kpi": "bounce_rate", "at_most": 0.5, "against": "before", "points": True},
    "young": {"kpi": "uv", "segment": "young", "at_least": 1},
    "second": {"kpi": "orders", "at_least": 1e12},
}
WORDS = {
    0.96: "very likely (over 95 %)", 0.95: "likely", 0.7: "likely", 0.69: "open", 0.31: "open", 0.3: "unlikely",
    0.05: "unlikely", 0.049: "very unlikely", 0.0: "very unlikely", 1.0: "very likely (over 95 %)",
}  # fmt: skip


@pytest.fixture(scope="module")
def three() -> Replication:
    return replication.run(everything(CONTROL, targets=TARGETS), seeds=3, runner=Runner(processes=1))


def test_the_interval_is_student_t():
    values = [3.1, 2.2, 4.7, 3.9]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert interval(values) == pytest.approx((np.mean(values), low, high))


def test_one_run_has_no_interval_and_no_probability():
    mean, low, high = interval([2.0])
    assert (mean, isnan(low), isnan(high)) == (2.0, True, True)
    assert isnan(attainment([2.0], 1.0, "at_least"))
    assert all(isnan(v) for v in interval([]))


def test_the_probability_of_a_further_run_is_calibrated():
    """Over many samples of five, a sixth draw's probability is uniform: 4,000 samples, three standard errors."""
    draws = np.random.default_rng(7).normal(10, 3, (4_000, 6))
    places = np.array([attainment(d[:5].tolist(), float(d[5]), "at_most") for d in draws])
    for share in (0.05, 0.25, 0.5, 0.9):
        assert (places < share).mean() == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 4_000))


def test_runs_that_agree_are_certain():
    assert attainment([0.1] * 3, 0.1, "at_least") == 1.0
    assert attainment([0.1] * 3, 0.1, "at_most") == 1.0
    assert attainment([0.1] * 3, 0.1000001, "at_least") == 0.0
    assert interval([0.1] * 3) == (0.1, 0.1, 0.1)


def test_at_least_and_at_most_share_the_whole():
    values = [1.0, 2.0, 4.0]
    assert attainment(values, 2.5, "at_least") + attainment(values, 2.5, "at_most") == pytest.approx(1)


@pytest.mark.parametrize(("chance", "words"), WORDS.items())
def test_verdicts_in_plain_words(chance, words):
    assert verdict(chance) == words


def test_a_probability_is_never_rounded_to_certainty():
    shown = {0.9999: "> 99 %", 1.0: "100 %", 0.0001: "< 1 %", 0.0: "0 %", 0.5: "50 %"}
    assert [probability(chance) for chance in shown] == list(shown.values())
    assert probability(nan) == "-"


def test_tables_are_those_of_the_single_runs(three):
    run = simulate(three.scenario, 2)
    for name in ("kpis", "daily", "ledger", "accounts", "credit", "cohorts", "rules"):
        table = getattr(three, name)
        mine = table[table["seed"] == 2].drop(columns="seed").reset_index(drop=True)
        texts = mine.select_dtypes("category").columns
        pd.testing.assert_frame_equal(mine.astype(dict.fromkeys(texts, "str")), getattr(run, name), check_dtype=False)


def test_the_summary_has_its_columns_and_every_kpi(three):
    summary = three.summary
    assert tuple(summary.columns) == COLUMNS
    assert not summary.duplicated(["kpi", "window", "segment", "unit", "target"]).any()
    orders = three.kpis[(three.kpis["kpi"] == "orders") & (three.kpis["window"] == "early")]["value"]
    row = summary[(summary["kpi"] == "orders") & (summary["window"] == "early")].iloc[0]
    assert (row["mean"], row["seeds"]) == (pytest.approx(orders.mean()), 3)
    assert row["ci_low"] < row["mean"] < row["ci_high"]
    assert isnan(row["target"])


def test_a_level_target_stands_in_its_kpis_row(three):
    summary = three.summary
    rows = summary[(summary["kpi"] == "orders") & (summary["window"] == "plan") & (summary["segment"] == "all")]
    assert rows["target"].tolist() == [10, 1e12]
    assert rows["direction"].tolist() == ["at_least", "at_least"]
    assert rows["probability"].iloc[0] > 0.9
    assert rows["probability"].iloc[1] < 0.1


def test_a_change_has_a_row_of_its_own(three):
    rows = three.summary.set_index("unit")
    change = rows.loc["change vs before"]
    kpis = three.kpis.set_index(["seed", "kpi", "window", "segment"])["value"]
    changes = [kpis[s, "orders", "late", "all"] / kpis[s, "orders", "before", "all"] - 1 for s in three.seeds]
    assert (change["kpi"], change["window"], change["target"]) == ("orders", "late", 5)
    assert change["mean"] == pytest.approx(np.mean(changes))
    assert rows.loc["points vs before", "kpi"] == "bounce_rate"


def test_promises_speak_plainly(three):
    promises = three.promises.set_index("name")
    assert list(promises.index) == list(TARGETS)
    assert promises.loc["bounce", "title"] == "Few leave at once"
    assert promises.loc["orders", "verdict"] == "very likely (over 95 %)"
    assert promises.loc["second", "verdict"] == "very unlikely"
    assert promises.loc["young", "segment"] == "young"


def test_everyone_is_in_one_state_every_day(three):
    people = three.states.groupby(["seed", "day"])["users"].sum()
    assert people.to_numpy() == pytest.approx(three.scenario.market.people)
    assert len(people) == 3 * (35 + 60 + 20)


def test_runs_that_end_early_say_so():
    found = replication.run(everything(targets=TARGETS), seeds=[4], days=31, runner=Runner(processes=1))
    promises = found.promises.set_index("name")
    assert not found.whole
    assert promises.loc["orders", "verdict"] == "cannot tell: not simulated"
    assert set(found.summary["window"]) >= {SO_FAR, "early", "before"}
    assert "plan" not in set(found.summary.loc[found.summary["seeds"] > 0, "window"])
    so_far = found.summary[(found.summary["window"] == SO_FAR) & (found.summary["kpi"] == "orders")]
    early = found.daily[(found.daily["metric"] == "orders") & (found.daily["day"] >= 0)]
    assert so_far["mean"].iloc[0] == pytest.approx(early["value"].sum())
    assert early["day"].max() <= 30


def test_one_run_cannot_tell():
    found = replication.run(everything(targets={"orders": TARGETS["orders"]}), seeds=[9], runner=Runner(processes=1))
    assert found.promises["verdict"].tolist() == ["cannot tell: one run"]
    assert found.summary["ci_low"].isna().all()


def test_curves_add_up_to_the_plan(three):
    run = simulate(three.scenario, 1)
    table = curves(run).set_index(["kpi", "day"])["value"]
    weeks = [day for day in table.loc["gmv"].index if 0 <= day < 56]
    gmv = run.ledger[(run.ledger["kind"] == "gmv") & run.ledger["day"].between(0, 55)]["yuan"].sum()
    assert len(weeks) == 8
    assert table.loc["gmv"].loc[weeks].sum() == pytest.approx(gmv)
    assert table.index.get_level_values("day").min() >= -35 + 6


def test_stock_kpis_are_those_that_need_a_look_at_all_users(three):
    """A week that ends on no snapshot day has no value of a stock KPI, and one of every other that ever has one."""
    run = simulate(three.scenario, 1)
    from sim.kpis import measure

    known = {kpi for kpi in KPIS if not isnan(measure(run.observer, kpi, (33, 39)))}
    assert 39 not in run.observer.snapshots
    assert not known & set(STOCKS)
    assert set(TOTALS) <= known


@pytest.mark.parametrize("cores", [1, 2, 3, 8])
def test_processes_times_threads_never_exceed_the_cores(monkeypatch, cores):
    monkeypatch.setattr(executors, "cores", lambda: cores)
    for jobs in (1, 2, 20):
        for threads in (1, 2, 16):
            for asked in (None, 1, 4):
                processes, each = executors.share_out(jobs, threads, asked)
                assert 1 <= processes <= jobs
                assert each >= 1
                assert processes * each <= cores
    assert executors.share_out(20) == (cores, 1)


@pytest.mark.parametrize("count", ["threads", "processes"])
def test_counts_below_one_are_refused(count):
    with pytest.raises(ValueError, match=f"{count} >= 1"):
        replication.run(plan(), seeds=1, runner=Runner(**{count: 0}))


@pytest.mark.parametrize(
    ("seeds", "words"), [(0, "at least one"), ([], "at least one"), ([3, 3], "must differ"), ([-1], "seed")]
)
def test_bad_seeds_are_refused(seeds, words):
    with pytest.raises(ValueError, match=words):
        replication.run(plan(), seeds=seeds, runner=Runner(processes=1))


def test_no_days_are_refused():
    with pytest.raises(ValueError, match="days >= 1"):
        replication.run(plan(), seeds=1, days=0)


def test_progress_grows_to_the_whole():
    told: list[Progress] = []
    replication.run(plan(), seeds=2, days=3, runner=Runner(processes=1, progress=told.append))
    shares = [p.share for p in told]
    assert shares == sorted(shares)
    assert len({round(s, 3) for s in shares}) > 60
    assert (told[-1].done, told[-1].of, told[-1].share) == (2, 2, 1.0)
    assert told[-1].user_days == 2 * 33 * plan().market.users


def test_processes_give_the_same_tables(monkeypatch, three):
    monkeypatch.setattr(executors, "cores", lambda: 2)
    found = replication.run(three.scenario, seeds=3, runner=Runner(processes=2))
    assert found.processes == 2
    for name in KEPT["all"]:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(three, name))


def test_a_script_without_a_guard_is_not_run_again(tmp_path):
    script = tmp_path / "plain.py"
    lines = (
        "import scenarios",
        "from experiments import executors",
        "from experiments import replication",
        "print('once', flush=True)",
        "executors.cores = lambda: 2",
        "plan = scenarios.load('shopping-festival', changes={'market.users': 500})",
        "found = replication.run(plan, seeds=2, days=1)",
        "print(found.processes, found.seeds[-1])",
    )
    script.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert done.stdout.split() == ["once", "2", "2"]
