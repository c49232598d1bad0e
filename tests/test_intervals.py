"""Intervals for people: an end with a sign or ¥ says its own thousands, in both languages and in tables of 80 columns."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from markets import LIVELY, behaving, of_users, plan
from rich.console import Console

from experiments import replication
from experiments.report.language import Language
from experiments.runner import Runner
from experiments.scoreboard import kpi_table, promises_table
from experiments.units import amount, between, change, compact
from optimize.report.wording import Wording
from sandtable.cli import optimize as verb

ENDS = [-2.4e9, -340_697.0, -120.0, 250_000.0, 43.59e6, 47.05e6, 3.1e9]
SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "bn": 1e9, "万": 1e4, "亿": 1e8}
WIDTH = 80


def number(text: str) -> float:
    """Return what a reader who sees one end alone takes it for."""
    sign, digits, scale = re.fullmatch(r"([+−]?)¥?([\d,.]+)\s?(k|M|bn|万|亿|)", text).groups()
    return (-1 if sign == "−" else 1) * float(digits.replace(",", "")) * SCALES[scale]


PAIRS = [(low, high) for low in ENDS for high in ENDS if low < high]


@pytest.mark.parametrize(("low", "high"), PAIRS)
def test_each_end_of_an_amount_stands_for_itself(low, high):
    """Four digits count: a reader is at most 5 in 10,000 off, not a thousand times."""
    ends = amount(low, "yuan"), amount(high, "yuan")
    told = between(*ends).split(" to ")
    assert tuple(told) == ends
    assert [number(end) for end in told] == pytest.approx([low, high], rel=5e-4)
    signed = [f"+{compact(v)}" if v > 0 else compact(v) for v in (low, high)]
    assert between(*signed) == " to ".join(signed)


@pytest.mark.parametrize(("low", "high"), PAIRS)
@pytest.mark.parametrize(("code", "to"), [("en", " to "), ("zh", " 至 ")])
def test_reports_do_the_same(code, to, low, high):
    language = Language(code)
    for ends in (
        (language.amount(low, "yuan"), language.amount(high, "yuan")),
        (language.difference(low, "yuan", "gmv"), language.difference(high, "yuan", "gmv")),
        (language.compact(low), language.compact(high)) if low < 0 else None,
    ):
        if ends is not None:
            told = language.between(*ends).split(to)
            assert tuple(told) == ends
            assert [number(end.replace("\xa0", " ")) for end in told] == pytest.approx([low, high], rel=5e-4)


def test_what_cannot_be_misread_stands_once():
    """Plain numbers of one scale, percent and points, whatever their signs."""
    assert between(compact(252_100), compact(270_300)) == "252.1 to 270.3 k"
    assert between(compact(980), compact(1.2e6)) == "980 to 1.2 M"
    assert between(change(-0.02, ""), change(0.03, "")) == "−2 to +3 %"
    assert between(change(0.02, "share", points=True), change(0.03, "share", points=True)) == "+2 to +3 points"
    chinese, english = Language("zh"), Language("en")
    assert chinese.between(chinese.compact(252_100), chinese.compact(270_300)) == "25.21 至 27.03万"
    assert english.between(english.compact(2.521e6), english.compact(2.703e6)) == "2.521 to 2.703\xa0M"
    for language in (chinese, english):
        ends = [language.change(v, "share", points=True) for v in (-0.02, 0.03)]
        assert language.between(*ends).count(ends[1].lstrip("+3").strip("\xa0 ")) == 1


def lines(draw) -> list[str]:
    console = Console(width=WIDTH, force_terminal=False)
    with console.capture() as told:
        draw(console)
    return told.get().splitlines()


def test_tables_of_large_amounts_fit_on_a_terminal():
    """Columns of numbers keep to one line each and end where their rule ends; the interval says M twice."""
    market = plan(
        of_users(200, 100_000), behaving(LIVELY), clock={"burn_in": 5, "tail": 2, "days": 20},
        goods={"classes": {"thing": {"margin": -1.0}}},
        baseline={"gmv": {"value": 1e9}, "profit": {"value": -2e9}},
        targets={"least": {"kpi": "profit", "at_least": -3e8, "title": "A promise with quite a long name"}},
    )  # fmt: skip
    found = replication.run(market, range(1, 4), runner=Runner(processes=1))
    for table in (promises_table(found, WIDTH), kpi_table(found, WIDTH)):
        drawn = lines(lambda console, table=table: console.print(table))
        assert max(map(len, drawn)) <= WIDTH
        (rule,) = (line.rstrip() for line in drawn if "──" in line)
        (row,) = (line for line in drawn if re.search(r"−¥[\d.,]+ (M|bn) to −¥[\d.,]+ (M|bn)", line))
        assert len(row.rstrip()) <= len(rule)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_front_of_four_goals_fits_on_a_terminal(count):
    """Every end is whole, and the names of plans are there."""
    goals = ["gmv", "profit", "spend", "margin"][:count]
    row = {"plan": ["plan 12"], "knee": [True]}
    for place, goal in enumerate(goals, 1):
        low, high = -50.2e6 * place, 30.1e6 * place
        row |= {goal: [300.2e6], f"SE {goal}": [1.0], f"difference {goal}": [low / 2]}
        row |= {f"low {goal}": [low], f"high {goal}": [high]}
    drawn = lines(lambda console: verb._pareto(pd.DataFrame(row), console))
    table = "\n".join(drawn[: next(k for k, line in enumerate(drawn) if line.startswith("below each mean"))])
    assert max(map(len, drawn)) <= WIDTH
    assert "plan" in table
    for place in range(1, count + 1):
        assert table.count(f"{compact(-50.2e6 * place, 3)} to") == 1
        assert table.count(f"+{compact(30.1e6 * place, 3)}?") == 1


@pytest.mark.parametrize("code", ["en", "zh"])
def test_the_front_in_a_report_tells_both_scales(code):
    """As the issue found it: a loss of 341 thousand to a gain of 250 thousand."""
    wording = Wording(SimpleNamespace(market=SimpleNamespace(goal="gmv"), choice=None), code)
    told = wording.between(*(wording.more(v, "yuan") for v in (-340_697.0, 250_000.0)))
    assert re.sub(r"\s", "", told) == {"en": "−¥341kto+¥250k", "zh": "−¥34.1万至+¥25万"}[code]
