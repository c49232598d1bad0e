"""Reading YAML: the core schema, places, and files that try to do harm."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenarios
from scenarios.loader import MAX_BYTES, MAX_NODES, read, read_text
from scenarios.tree import find, plain

BAD = Path(__file__).parent / "bad"
OK = (BAD / "_ok.yaml").read_text(encoding="utf-8")


def value_of(text: str) -> Any:
    node, faults = read_text(text, "x")
    assert not faults
    assert node is not None
    return plain(node)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "n", "Yes", "NO", "On"])
def test_words_of_yaml_1_1_are_text(word: str) -> None:
    assert value_of(word) == word


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-012", -12),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ('"12"', "12"),
        ("'true'", "true"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("19-21", "19-21"),
        ("2024-11-11", "2024-11-11"),
        ("2024-11-11T10:00:00Z", "2024-11-11T10:00:00Z"),
        ("3.2%", "3.2%"),
        ("1.5x", "1.5x"),
        ("=", "="),
        ("!!str 5", "5"),
        ('!!int "5"', 5),
    ],
)
def test_core_schema(text: str, value: Any) -> None:
    read = value_of(text)
    assert read == value
    assert type(read) is type(value)


def test_keys_are_text() -> None:
    assert value_of("{on: 1, off: 2, yes: 3, 618: 4, null: 5, true: 6}") == dict(
        zip(["on", "off", "yes", "618", "null", "true"], range(1, 7), strict=True)
    )


def test_every_value_knows_its_line() -> None:
    node, _ = read_text("a:\n  b:\n    - 1\n    -\n      2\n  c: x\n", "plan.yaml")
    assert node is not None
    spots = {path: find(node, path)[0].spot for path in [("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 1), ("a", "c")]}
    assert list(spots.values()) == [1, 2, 3, 5, 6]


def test_anchors_are_expanded_and_keep_their_lines() -> None:
    node, _ = read_text("a: &who {off: 5}\nb: *who\n", "plan.yaml")
    assert node is not None
    assert plain(node) == {"a": {"off": 5}, "b": {"off": 5}}
    assert find(node, ("b",))[0].key_line == 2
    assert find(node, ("b", "off"))[0].line == 1


def test_duplicate_keys_name_both_lines() -> None:
    _, faults = read_text("a: 1\nb: 2\na: 3\n", "plan.yaml")
    assert [str(fault) for fault in faults] == [
        "plan.yaml:3: a: the key is given twice, first on line 1; remove one of them"
    ]


def test_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + OK.replace("\n", "\r\n").encode())
    assert scenarios.load(file) == scenarios.load(BAD / "_ok.yaml")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"x: " + b"a" * MAX_BYTES, "larger than 2 MiB"),
        (b"x: [" + b"1," * (MAX_NODES + 1) + b"]", "more than 100,000 values"),
        (b"[" * 50_000, "more than 40 deep"),
        (b"{a: " * 50_000, "more than 40 deep"),
        (b"- " * 50_000, "more than 40 deep"),
        (b"\x00\x01", "not a text file"),
        ("name: ok".encode("utf-16"), "not a text file"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a: \x07", "not valid YAML"),
    ],
)
def test_what_is_too_much_or_no_text(tmp_path: Path, data: bytes, rule: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(data)
    root, faults = read(file, "plan.yaml")
    assert root is None
    assert rule in faults[0].rule


def test_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("pipe.yaml", "folder.yaml", "none.yaml", "a\0b.yaml", "x" * 5000 + ".yaml"):
        with pytest.raises(scenarios.ScenarioError):
            scenarios.load(tmp_path / name)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [touch executed]",
        "!!python/name:os.system",
        "!!python/module:antigravity",
        "!x y",
    ],
)
def test_tags_are_refused_and_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text(OK.replace("name: ok", f"name: {tag}"))
    with pytest.raises(scenarios.ScenarioError, match="tags are refused"):
        scenarios.load("plan.yaml")
    assert not (tmp_path / "executed").exists()
    assert "antigravity" not in sys.modules


@pytest.fixture(scope="module")
def opened() -> Iterator[list[str]]:
    """The files opened while the list is read from: an audit hook cannot be removed, so it is silenced instead."""
    seen: list[str] = []
    listening = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if listening[0] and event == "open" and isinstance(arguments[0], str):
            seen.append(arguments[0])

    sys.addaudithook(hook)
    yield seen
    listening[0] = False


def test_nothing_outside_the_folder_is_opened(tmp_path: Path, opened: list[str]) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text(OK)
    inside = tmp_path / "plans"
    inside.mkdir()
    (inside / "link.yaml").symlink_to(secret)
    (inside / "away").symlink_to(tmp_path)
    for target in ("../secret.yaml", "link.yaml", "away/secret.yaml", str(secret), "a/../../secret.yaml"):
        (inside / "plan.yaml").write_text(f"extends: {target}\n")
        opened.clear()
        with pytest.raises(scenarios.ScenarioError, match="leaves the folder"):
            scenarios.load(inside / "plan.yaml")
        assert str(secret) not in opened
        assert {os.path.dirname(name) for name in opened if name.endswith(".yaml")} == {str(inside)}


def loads_or_refuses(text: str, folder: Path) -> None:
    file = folder / "plan.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    faults = None
    try:
        scenarios.load(file)
    except scenarios.ScenarioError as refusal:
        faults = refusal.faults
    assert faults is None or (faults and all("\n" not in str(fault) for fault in faults))


QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(text=st.one_of(st.text(), st.text(alphabet="-:?,[]{}#&*!|>'\"%@` \n\tab01.~<")))
def test_garbage_is_refused(text: str, tmp_path: Path) -> None:
    loads_or_refuses(text, tmp_path)


@QUIET
@given(
    start=st.integers(0, len(OK)),
    length=st.integers(0, 30),
    text=st.text(alphabet="-:?,[]{}#&*!|>'\"% \nabon01.~<ésx", max_size=8),
)
def test_a_damaged_plan_loads_or_is_refused(start: int, length: int, text: str, tmp_path: Path) -> None:
    loads_or_refuses(OK[:start] + text + OK[start + length :], tmp_path)
