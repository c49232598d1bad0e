"""Answers: tables for spreadsheets and programs, folders whole or not at all."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from openpyxl import load_workbook

from experiments.answer import Answer, records
from experiments.folder import FolderError
from experiments.spreadsheet import harmless, write_xlsx

EVIL = ("=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1")


@pytest.fixture
def answer() -> Answer:
    first = pd.DataFrame(
        {"name": [*EVIL, "fine"], "value": [-1.5, np.nan, *range(5)], "kind": pd.Categorical(["=x", *"abcdef"])}
    )
    return Answer("compare", "A title", {"differences": first, "runs": first.head(2)}, {"seeds": [1, 2]}, ("mind",))


@pytest.mark.parametrize("text", EVIL)
def test_no_text_starts_a_formula(text):
    assert harmless(text) == f"'{text}".replace("\t", " ").replace("\r", " ")


def test_numbers_and_plain_texts_stay():
    assert [harmless(v) for v in (-1.5, 3, "gmv", "", None)] == [-1.5, 3, "gmv", "", None]


def test_a_workbook_has_the_tables_and_no_formula(tmp_path, answer):
    write_xlsx(tmp_path / "t.xlsx", answer.tables)
    book = load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["differences", "runs"]
    cells = [cell for row in book["differences"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}
    assert book["differences"]["A2"].value == "'=1+1"
    assert book["differences"]["B2"].value == -1.5
    assert (book["differences"].freeze_panes, book["differences"].auto_filter.ref) == ("A2", "A1:C8")


def test_the_folder_holds_what_was_found(tmp_path, answer):
    drawn = replace(answer, charts={"empty": Figure})
    folder = drawn.write(tmp_path / "out", extra={"summary.md": "# words\n"})
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        "manifest.json", "differences.csv", "runs.csv", "charts/empty.png", "summary.md",
    }  # fmt: skip
    assert json.loads((folder / "manifest.json").read_text()) == {
        "verb": "compare", "title": "A title", "seeds": [1, 2], "notes": ["mind"],
    }  # fmt: skip
    back = pd.read_csv(folder / "differences.csv")
    assert back["name"].tolist() == [harmless(t) for t in EVIL] + ["fine"]
    assert back["value"].tolist()[0] == -1.5
    again = answer.write(tmp_path / "book", tables="xlsx")
    assert {p.name for p in again.iterdir()} == {"manifest.json", "tables.xlsx"}


def test_a_chart_that_fails_leaves_nothing(tmp_path, answer):
    def fail() -> Figure:
        raise OSError(28, "No space left on device")

    with pytest.raises(FolderError, match="the disk is full"):
        replace(answer, charts={"bad": fail}).write(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_records_are_json(answer):
    found = json.loads(json.dumps(answer.document(), allow_nan=False))
    assert found["differences"][1] == {"name": "+1", "value": None, "kind": "a"}
    assert (found["verb"], found["good"], found["manifest"]) == ("compare", True, {"seeds": [1, 2]})


def test_what_json_has_no_word_for_is_none():
    table = pd.DataFrame({"x": [np.inf, np.nan], "y": pd.array([True, None], "boolean"), "z": [np.int64(3), 4]})
    assert records(table) == [{"x": None, "y": True, "z": 3}, {"x": None, "y": None, "z": 4}]
    json.dumps(records(table), allow_nan=False)
