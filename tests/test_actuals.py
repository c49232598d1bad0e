"""Actuals: every fault of a file at once, values where they belong, and the verbs that draw them."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markets import everything
from pictures import misplaced, texts

import scenarios
from experiments import executors, replication
from experiments.plots import actuals, kpi_curves, style
from experiments.runner import Runner
from sandtable.cli import main
from scenarios import Scenario, ScenarioError

GOOD = "kpi,day,days,value\norders,6,7,7000\norders,9,1,\naov,9,1,88.5\n"


@pytest.fixture(scope="module")
def market() -> Scenario:
    """A plan of 60 days from the first of January 2024, with 35 days before and a tail of twenty."""
    return everything()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(executors, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(text: str | bytes, market: Scenario) -> list[str]:
    Path("a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ScenarioError) as caught:
        actuals.read("a.csv", market)
    return [str(fault) for fault in caught.value.faults]


def test_a_file_is_read_as_it_stands(market):
    Path("a.csv").write_text(GOOD)
    found = actuals.read("a.csv", market)
    assert found.notes == ()
    assert found.table.columns.tolist() == list(actuals.TABLE)
    assert found.table.drop(columns="value").to_numpy().tolist() == [
        ["orders", 6, "2024-01-07", 7], ["orders", 9, "2024-01-10", 1], ["aov", 9, "2024-01-10", 1],
    ]  # fmt: skip
    assert found.table["value"].tolist() == pytest.approx([7000.0, np.nan, 88.5], nan_ok=True)


@pytest.mark.parametrize(
    "text",
    [
        "\N{BOM}value,date,kpi\r\n7000,2024-01-07,orders\r\n".replace("\N{BOM}", "\ufeff"),
        'kpi , day, value\n\norders,"6",7000\n,,\n',
        "kpi,day,days,value\norders,6,,7e3",
    ],
)  # fmt: skip
def test_dates_marks_blanks_and_an_absent_length_do_not_matter(market, text):
    Path("a.csv").write_text(text, encoding="utf-8")
    assert actuals.read("a.csv", market).table.to_numpy().tolist() == [["orders", 6, "2024-01-07", 7, 7000.0]]


def test_all_faults_are_told_at_once_with_place_rule_and_fix(market):
    text = (
        "kpi,date,days,value\n"
        "gmw,2024/1/7,7,100\n"
        'gmv,2024-01-14,0,"¥1,200"\n'
        "ctr,2024-02-30,7,4.5\n"
        "ctr,2024-01-07,7,4.5%\n"
        "orders,2024-01-07,7,-3\n"
        "nps,2024-01-07,30,101\n"
        "aov,2024-01-07\n"
        "aov,2024-01-07,7,80\n"
        "aov,2024-01-07,7,81\n"
        "uv,2024-01-07,7,inf\n"
        "mau,2024-01-07,7,3万\n"
    )
    assert faults(text, market) == [
        "a.csv:2: kpi: gmw: unknown KPI; did you mean gmv?",
        "a.csv:2: date: 2024/1/7: must be a date as YYYY-MM-DD; did you mean 2024-01-07?",
        "a.csv:3: value: ¥1,200: must be a plain number; did you mean 1200?",
        "a.csv:3: days: 0: must be a whole number of at least 1",
        "a.csv:4: value: 4.5: must lie between 0 and 1; did you mean 0.045?",
        "a.csv:4: date: 2024-02-30: must be a date such as 2024-01-01",
        "a.csv:5: value: 4.5%: must be a plain number; did you mean 0.045?",
        "a.csv:6: value: -3: must not be negative",
        "a.csv:7: value: 101: must lie between -100 and 100",
        "a.csv:8: aov,2024-01-07: must have 4 cells as the header, but has 2",
        "a.csv:10: aov over the 7 days to 2024-01-07: stands in line 9 already; leave one of the two out",
        "a.csv:11: value: inf: must be a plain number",
        "a.csv:12: value: 3万: must be a plain number; did you mean 30000?",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["a.csv: the file is empty; begin with a header: kpi,value,day"]),
        ("kpi,day,value\n", ["a.csv: there are no rows below the header"]),
        ("kpi;day;value\n", ["a.csv:1: kpi;day;value: columns must be separated by commas"]),
        ("kpi,dya,value,value\n", [
            "a.csv:1: dya: unknown column; did you mean day?", "a.csv:1: value: stands twice in the header",
            "a.csv:1: day: the column is missing; add day or date",
        ]),
        ("day,date\n", [
            "a.csv:1: kpi: the column is missing", "a.csv:1: value: the column is missing",
        ]),
        ("kpi,day,value\ngmv,1.5,3\n", ["a.csv:2: day: 1.5: must be a whole number, 0 is the plan's first day"]),
        ("kpi,day,value\ngmv,500,3\ngmv,3,\n", [
            "a.csv: no value lies in the days that the charts show; give values from 2023-11-27 to 2024-03-20"
        ]),
        ('kpi,day,value\ngmv,1,"3', ["a.csv:2: is not CSV: unexpected end of data"]),
        ("kpi,day,value\n成交额,1,3".encode("gbk"), ["a.csv: is not UTF-8 text; save it as CSV UTF-8"]),
    ],
)  # fmt: skip
def test_what_is_no_table_of_actuals_is_refused(market, text, told):
    assert faults(text, market) == told


def test_day_and_date_may_stand_side_by_side_where_they_agree(market):
    """So that the table in a run folder can be read again."""
    Path("a.csv").write_text("kpi,day,date,days,value\norders,6,2024-01-07,7,7000\n")
    assert actuals.read("a.csv", market).table.to_numpy().tolist() == [["orders", 6, "2024-01-07", 7, 7000.0]]
    assert faults("kpi,day,date,value\norders,6,2024-01-08,7\norders,x,2024-01-08,7\n", market) == [
        "a.csv:2: date: 2024-01-08: is not day 6 of the plan; did you mean 2024-01-07?",
        "a.csv:3: day: x: must be a whole number, 0 is the plan's first day",
    ]


def test_what_was_measured_over_more_than_the_days_shown_stands_at_their_edge(market):
    table = pd.DataFrame({"kpi": "orders", "day": [-30, 6], "days": [21, 7], "value": 1.0})
    real = kpi_curves.observed(table, market)
    assert kpi_curves.places(real, market, at_end=False) == [-35, 3]
    assert kpi_curves.places(real, market, at_end=True) == [-30, 6]


def test_files_that_cannot_be_read_are_refused(market, here):
    for path, words in (("nowhere.csv", "there is no such file"), (str(here), "cannot be read")):
        with pytest.raises(ScenarioError, match=words):
            actuals.read(path, market)


def test_losses_and_shares_above_one_are_taken_where_there_are_such(market):
    Path("a.csv").write_text("kpi,day,value\nprofit,6,-100\nltv,6,-1\nnps,6,-100\nmarketing_expense_ratio,6,1.7\n")
    assert actuals.read("a.csv", market).table["value"].tolist() == [-100, -1, -100, 1.7]


def test_what_lies_outside_is_noticed(market):
    Path("a.csv").write_text("kpi,day,value\norders,6,7\norders,79,7\norders,80,7\norders,-36,7\n")
    found = actuals.read("a.csv", market)
    assert found.table["day"].tolist() == [6, 79]
    assert found.notes == (
        "actuals outside the days that the charts show (2023-11-27 to 2024-03-20), not drawn: 2 of 4",
    )  # fmt: skip


def test_all_that_was_measured_is_drawn():
    """Also KPIs that are not promised, beyond twelve, and those of which the simulated weeks have nothing."""
    promised = {k: {"kpi": k, "at_least": 0.001} for k in list(kpi_curves.KPIS)[:14]}
    market = everything(targets=promised)
    measured = ["csat", "roas", "referral_share"]
    table = pd.DataFrame({"kpi": measured, "day": 6, "days": 7, "value": [0.5, 4.0, 0.1]})
    run = replication.run(market, 1, days=14, runner=Runner(processes=1))
    assert kpi_curves.chosen(market, measured)[-3:] == measured
    assert len(kpi_curves.chosen(market, measured)) == 15
    run.__dict__["curves"] = run.curves[run.curves["kpi"] != "roas"]
    fig = kpi_curves.figure(run, table)
    assert not misplaced(fig)
    dots = [line for ax in fig.axes for line in ax.lines if line.get_marker() == "D"]
    assert sorted(y for line in dots for y in line.get_ydata()) == [0.1, 0.5, 4.0]
    assert any("nothing to measure" in text.get_text() for text, _ in texts(fig))


# --- The verbs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(market: Scenario) -> str:
    Path("plan.yaml").write_text(scenarios.dump(market), encoding="utf-8")
    return "plan.yaml"


QUICK = ["--seeds", "1", "--users", "200", "--quiet"]
VERBS = {"run": [], "report": ["--no-sweep", "--no-stress"]}


@pytest.mark.parametrize("verb", VERBS)
def test_the_verbs_draw_actuals_and_keep_them(file, capsys, verb):
    Path("a.csv").write_text(GOOD + "orders,700,7,1\n")
    words = [verb, file, *QUICK, *VERBS[verb]]
    assert main([*words, "-o", "with", "--actuals", "a.csv"]) == 0
    told = "actuals outside the days that the charts show (2023-11-27 to 2024-03-20), not drawn: 1 of 4"
    assert capsys.readouterr().err == f"sandtable: {told}\n"
    assert main([*words, "-o", "without"]) == 0
    names = {p.name for p in Path("with").iterdir()}
    assert names - {p.name for p in Path("without").iterdir()} == {"actuals.csv"}
    changed = {p.name for p in Path("with", "charts").iterdir()
               if p.read_bytes() != Path("without", "charts", p.name).read_bytes()}  # fmt: skip
    assert changed == {"kpi-curves.png"}
    about = [json.loads(Path(name, "manifest.json").read_text()) for name in ("with", "without")]
    assert about[0]["actuals"] == {"orders": 1, "aov": 1}
    assert about[0]["notes"] == [told]
    assert {*about[0]} - {*about[1]} == {"actuals", "notes"}
    assert pd.read_csv("with/actuals.csv")["value"].tolist() == pytest.approx([7000, np.nan, 88.5], nan_ok=True)
    pages = [Path(name, "report.html").read_text("utf-8") for name in ("with", "without")]
    drawn = ["◇ </span>Measured" in page and page.count('"name":"Measured"') == 2 for page in pages]
    assert drawn == [True, False]


def test_the_page_names_the_command_that_draws_the_actuals_of_the_folder_again(file):
    Path("a.csv").write_text(GOOD)
    assert main(["report", file, *QUICK, *VERBS["report"], "-o", "out", "--actuals", "a.csv"]) == 0
    page = Path("out", "report.html").read_text("utf-8")
    (command,) = re.findall(r"<code>sandtable (report scenario.yaml [^<]*)</code>", page)
    assert command.endswith("--actuals actuals.csv")
    os.chdir("out")
    assert main([*command.split(), "--quiet", "-o", "again"]) == 0
    assert Path("again", "actuals.csv").read_bytes() == Path("actuals.csv").read_bytes()
    differing = [(a, b) for a, b in zip(page.splitlines(), Path("again", "report.html").read_text("utf-8").splitlines(),
                                        strict=True) if a != b]  # fmt: skip
    assert all("Runs began" in a for a, _ in differing)


def test_actuals_stand_in_the_workbook_too(file):
    Path("a.csv").write_text(GOOD)
    assert main(["report", file, *QUICK, *VERBS["report"], "-o", "out", "--actuals", "a.csv", "--tables", "xlsx"]) == 0
    assert pd.read_excel("out/tables.xlsx", sheet_name="actuals")["kpi"].tolist() == ["orders", "orders", "aov"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_bad_file_ends_with_two_before_anything_is_simulated(file, capsys, here, monkeypatch, verb):
    monkeypatch.setattr(Runner, "evaluate", lambda *_: pytest.fail("simulated for nothing"))
    Path("a.csv").write_text("kpi,day,value\ngmw,1,2\ngmv,1,x\n")
    assert main([verb, file, *QUICK, "-o", "out", "--actuals", "a.csv"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "sandtable: 2 faults in a.csv\n"
        "  a.csv:2: kpi: gmw: unknown KPI; did you mean gmv?\n"
        "  a.csv:3: value: x: must be a plain number\n"
    )
    assert {p.name for p in here.iterdir()} == {"plan.yaml", "a.csv"}


def test_actuals_without_charts_make_no_sense(file, capsys):
    assert main(["run", file, *QUICK, "--no-charts", "--actuals", "a.csv"]) == 2
    assert "leave one of them out" in capsys.readouterr().err


def test_after_a_full_disk_the_folder_asked_for_is_named(file, capsys, here, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("experiments.reporting.write_csv", full)
    assert main(["run", file, *QUICK, "-o", "out"]) == 2
    assert capsys.readouterr().err == "sandtable: out was not written: the disk is full\n"
    assert {p.name for p in here.iterdir()} == {"plan.yaml"}


@pytest.mark.skipif(style._cjk_font() is None, reason="no font with Chinese characters on this machine")
def test_actuals_are_drawn_in_chinese_too(market):
    table = pd.DataFrame({"kpi": ["csat"], "day": [6], "value": [0.5]})
    fig = kpi_curves.figure(replication.run(market, 1, runner=Runner(processes=1)), table, lang="zh")
    assert not misplaced(fig)
    assert any(text.get_text() == "真实市场的实测值" for text, _ in texts(fig))
