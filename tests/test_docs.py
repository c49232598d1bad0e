"""What README, docs and docstrings show is true: examples load and run, doctests hold, files that are named exist."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import yaml

import scenarios
from sim.kpis import KPIS
from sim.run import simulate

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = ("scenarios", "sim", "experiments", "optimize", "sandtable")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def modules() -> list[str]:
    found = []
    for package in PACKAGES:
        root = importlib.import_module(package)
        found.append(package)
        found += [
            m.name for m in pkgutil.walk_packages(root.__path__, package + ".") if not m.name.endswith("__main__")
        ]
    return found


@pytest.mark.parametrize("name", modules())
def test_doctests_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_the_scenario_of_the_readme_loads_and_runs(tmp_path: Path) -> None:
    (example,) = blocks(README, "yaml")
    path = tmp_path / "douyin.yaml"
    path.write_text(example, encoding="utf-8")
    plan = scenarios.load(str(path), known_kpis=KPIS).override({"market.users": 2_000})
    assert simulate(plan, 1).targets["value"].notna().all()
    assert len([line for line in example.splitlines() if not line.startswith("#")]) == 9


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(README, "python")
    small = example.replace("20_000", "500").replace("seeds=5", "seeds=2")
    assert small != example
    exec(compile(small, "README.md", "exec"), {"__name__": "readme"})
    assert "order_conversion" in capsys.readouterr().out


def test_every_yaml_block_of_the_scenario_guide_is_yaml() -> None:
    guide = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
    examples = blocks(guide, "yaml")
    assert len(examples) > 5
    for example in examples:
        assert yaml.safe_load(example) is not None


def test_files_that_are_linked_exist() -> None:
    for name in ("README.md", "docs/model.md", "docs/scenario.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"


def test_the_changelog_names_the_version_of_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "([^"]+)"', project, flags=re.MULTILINE)
    assert version is not None
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
