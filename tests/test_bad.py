"""Broken scenario files: each says, in its leading comments or in a text file beside it, what must be reported."""

from pathlib import Path

import pytest

import scenarios

BAD = Path(__file__).parent / "bad"
FILES = sorted(path.name for path in BAD.glob("[!_]*.yaml"))


def expected(file: Path) -> str:
    beside = file.with_suffix(".txt")
    if beside.exists():
        return beside.read_text(encoding="utf-8").rstrip("\n")
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: "))


@pytest.mark.parametrize("name", FILES)
def test_every_fault_is_reported_in_full(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(scenarios.ScenarioError) as refusal:
        scenarios.load(name)
    assert str(refusal.value) == expected(BAD / name)


def test_there_are_files_to_refuse() -> None:
    assert len(FILES) >= 45


def test_the_plan_they_extend_is_valid() -> None:
    assert scenarios.load(BAD / "_ok.yaml").name == "ok"


def test_faults_come_in_the_order_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(scenarios.ScenarioError) as refusal:
        scenarios.load("five-faults.yaml")
    lines = [fault.line for fault in refusal.value.faults]
    assert len(lines) == 5
    assert lines == sorted(lines)


@pytest.mark.parametrize("name", FILES)
def test_messages_are_in_plain_words(name: str) -> None:
    for jargon in ("Input should", "valid dictionary", "union_tag", "pydantic", "validation error", "Value error"):
        assert jargon not in expected(BAD / name)
