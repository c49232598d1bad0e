"""Priors: what a file may say of a number's range, what ends a prior, numbers by path, and the fingerprint of runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markets import digests, everything, merged

import scenarios
from scenarios import Scenario, ScenarioError, as_written, value_at
from sim.run import simulate

BAD = Path(__file__).parent / "bad"
CLICK = {"priors": {"levers.traffic.click": {"low": "0.5%", "high": "2%", "log": True, "why": "a guess"}}}


@pytest.fixture(scope="module")
def plan() -> Scenario:
    return scenarios.load(BAD / "_ok.yaml")


@pytest.fixture
def guessed(plan: Scenario) -> Scenario:
    return plan.override(CLICK)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / "_ok.yaml").write_text((BAD / "_ok.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_prior_is_read_with_its_literals(guessed: Scenario) -> None:
    prior = guessed.priors["levers.traffic.click"]
    assert (prior.low, prior.high, prior.log, prior.why) == (0.005, 0.02, True, "a guess")


@pytest.mark.parametrize(
    "path", ["behaviour.settle.loyalty", "levers.stars.budget", "accounts.split.media.split.kol.share", "clock.days",
             "phases.grow.days[0]", "market.contacts.mean", "levers.greeting.off"],
)  # fmt: skip
def test_any_number_may_have_a_prior(plan: Scenario, path: str) -> None:
    value = value_at(plan, path)
    ends = {"low": value - 0.25, "high": value} if value <= 1 else {"low": value - 1, "high": value + 1}
    changed = plan.override({"priors": {path: ends}})
    assert changed.priors[path].high >= value


def test_a_prior_survives_a_dump(tmp_path: Path, guessed: Scenario) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(scenarios.dump(guessed), encoding="utf-8")
    again = scenarios.load(file)
    assert again.priors == guessed.priors
    assert (again.digest, again.fingerprint) == (guessed.digest, guessed.fingerprint)


def test_faults_of_a_prior_in_changes_are_told(plan: Scenario) -> None:
    with pytest.raises(ScenarioError) as refusal:
        plan.override({"priors": {"levers.traffic.click": {"low": "2%", "high": "4%"}}})
    (fault,) = refusal.value.faults
    assert (fault.path, fault.value) == ('priors."levers.traffic.click".low', "2%")
    assert fault.fix.startswith("did you mean low: 0.01?")


# what ends a prior


@pytest.mark.parametrize(
    "changes",
    [{"levers.traffic.click": "3%"}, {"levers.traffic": None}, {"levers": {}, "rules": {}}, {"priors": {}}],
)
def test_a_change_that_leaves_the_range_ends_the_prior(guessed: Scenario, changes: dict[str, Any]) -> None:
    if "levers.traffic" in changes:
        guessed = guessed.override({"rules": {}})
    assert guessed.override(changes).priors == {}


def test_a_change_within_the_range_keeps_the_prior(guessed: Scenario) -> None:
    assert guessed.override({"levers.traffic.click": "2%"}).priors == guessed.priors


def test_a_child_may_leave_an_inherited_range(tmp_path: Path) -> None:
    write(tmp_path, "parent.yaml", f"extends: _ok.yaml\n{json.dumps(CLICK)[1:-1]}\n")
    child = write(tmp_path, "child.yaml", "extends: parent.yaml\nlevers: {traffic: {click: 3%}}\n")
    assert scenarios.load(tmp_path / "parent.yaml").priors.keys() == {"levers.traffic.click"}
    assert scenarios.load(child).priors == {}


def test_a_child_that_restates_the_prior_must_hold_it(tmp_path: Path) -> None:
    write(tmp_path, "parent.yaml", f"extends: _ok.yaml\n{json.dumps(CLICK)[1:-1]}\n")
    own = "extends: parent.yaml\nlevers: {traffic: {click: 3%}}\npriors: {levers.traffic.click: {high: HIGH}}\n"
    kept = scenarios.load(write(tmp_path, "good.yaml", own.replace("HIGH", "5%"))).priors["levers.traffic.click"]
    assert (kept.low, kept.high, kept.log) == (0.005, 0.05, True)
    with pytest.raises(
        ScenarioError, match=r"bad\.yaml:3: .* must not be below what levers\.traffic\.click is now \(3%\)"
    ):
        scenarios.load(write(tmp_path, "bad.yaml", own.replace("HIGH", "2.5%")))


def test_a_wrong_prior_is_not_ended_by_a_child(tmp_path: Path) -> None:
    write(tmp_path, "parent.yaml", "extends: _ok.yaml\npriors: {levers.trafic.click: {low: 0, high: 1}}\n")
    child = write(tmp_path, "child.yaml", "extends: parent.yaml\nlevers: {traffic: {click: 3%}}\n")
    with pytest.raises(ScenarioError, match=r"parent\.yaml:2: .* did you mean traffic"):
        scenarios.load(child)


def test_a_file_of_priors_alone_can_be_mixed_in(tmp_path: Path) -> None:
    write(tmp_path, "ranges.yaml", f"{json.dumps(CLICK)[1:-1]}\n")
    both = write(tmp_path, "both.yaml", "extends: [_ok.yaml, ranges.yaml]\n")
    assert scenarios.load(both).priors.keys() == {"levers.traffic.click"}


def test_an_overlay_ends_the_priors_of_what_it_changes(tmp_path: Path) -> None:
    overlays = "overlays: {bold: {levers: {traffic: {click: 9%}}}, mild: {levers: {traffic: {click: 2%}}}}"
    file = write(tmp_path, "plan.yaml", f"extends: _ok.yaml\n{json.dumps(CLICK)[1:-1]}\n{overlays}\n")
    assert [len(scenarios.load(file, overlays=[name]).priors) for name in ("bold", "mild")] == [0, 1]


# numbers by path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("market.users", 2_000),
        ("clock.days", 90),
        ("goods.classes.food.demand", 0.7),
        ("behaviour.shop.ctr", 0.032),
        ("levers.traffic.budget", 1.0),
        ("levers.traffic.on", True),
        ("shocks.dear.on", False),
        ("shocks.dear.media_price", 0.3),
        ("phases.open.months[1]", 1),
        ("levers.welfare.audience.orders[0]", 0),
        ("festivals.spring.stages.burst.days[1]", 2),
        ('festivals."spring".stages.burst.traffic', 1.5),
    ],
)
def test_value_at(plan: Scenario, path: str, value: float) -> None:
    found = value_at(plan, path)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


def test_value_at_reads_names_with_dots(plan: Scenario) -> None:
    paced = plan.override({"levers.traffic.pace": {"spring.burst": 3}})
    assert value_at(paced, "levers.traffic.pace.spring.burst") == 3
    changed = paced.override({"levers.traffic.pace.spring.burst": 4})
    assert value_at(changed, 'levers.traffic.pace."spring.burst"') == 4


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("behaviour.shop.crt", "behaviour.shop.crt: unknown path; did you mean cart?"),
        ("levers.trafic.click", "levers.trafic: unknown name; did you mean traffic?"),
        ("phases.open.months[2]", "phases.open.months[2]: unknown path; the last is phases.open.months[1]"),
        ("goods.classes.food.stock.lead_days",
         "goods.classes.food.stock.lead_days: unknown path; goods.classes.food.stock is not set"),
        ("levers.traffic.channel", "levers.traffic.channel: is not a number"),
        ("clock.start", "clock.start: is not a number"),
        ("market.contacts", "market.contacts: is not a number; numbers below it: mean, strangers"),
        ("levers.stars.hours", "levers.stars.hours: is not a number"),
        ("a..b", "'a..b' is not a path; write a path such as levers.welfare.off or clock.x[0]"),
    ],
)  # fmt: skip
def test_value_at_says_what_is_wrong(plan: Scenario, path: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        value_at(plan, path)


@pytest.mark.parametrize("name", scenarios.names())
def test_every_prior_of_a_shipped_plan_can_be_swept(name: str) -> None:
    plan = scenarios.load(name)
    for path, prior in plan.priors.items():
        for value in (prior.low, (prior.low + prior.high) / 2, prior.high):
            written = as_written(plan, path, value)
            changed = plan.override({path: written})
            assert value_at(changed, path) == pytest.approx(value, abs=0.5 if isinstance(written, int) else 1e-12)
            assert path in changed.priors


@pytest.mark.parametrize("name", scenarios.names())
def test_a_number_is_written_back_as_it_was(name: str) -> None:
    plan = scenarios.load(name)
    for path in [*plan.priors, "market.users", "market.people", f"levers.{next(iter(plan.levers))}.budget"]:
        same = plan.override({path: as_written(plan, path, value_at(plan, path))})
        assert same.fingerprint == plan.fingerprint


def test_as_written_of_whole_numbers_percentages_yuan_and_flags(plan: Scenario) -> None:
    part = plan.override({"levers.stars.budget": "25%", "levers.traffic.budget": 10_000})
    assert as_written(part, "levers.stars.budget", 0.4) == "40%"
    assert as_written(part, "levers.traffic.budget", 12_000.5) == 12_000.5
    assert as_written(part, "market.contacts.mean", 6.6) == 7
    assert as_written(part, "levers.traffic.on", 0.0) is False
    with pytest.raises(ValueError, match="finite"):
        as_written(part, "levers.traffic.click", float("nan"))


# shipped priors


@pytest.mark.parametrize("name", scenarios.names())
def test_shipped_priors_are_of_numbers_that_are_not_known(name: str) -> None:
    plan = scenarios.load(name)
    assert 8 <= len(plan.priors) <= 14
    for path, prior in plan.priors.items():
        assert str(scenarios.source_of(plan, path)).startswith(("assumed", "derived")), path
        assert prior.why, path
        assert prior.low < value_at(plan, path) < prior.high, path


def test_the_base_passes_all_its_priors_on() -> None:
    """A prior of the base that some plan's own number leaves would silently be no prior of that plan."""
    base = set.intersection(*(set(scenarios.load(name).priors) for name in scenarios.names()))
    assert len(base) == 7


# the fingerprint


def fingerprint_elsewhere(hash_seed: str) -> str:
    code = "import scenarios; print(scenarios.load('store-campaign-28-days').fingerprint)"
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True).stdout


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    here = scenarios.load("store-campaign-28-days").fingerprint
    assert {fingerprint_elsewhere(seed).strip() for seed in ("0", "1", "77")} == {here}


@pytest.mark.parametrize(
    "changes", [CLICK, {"provenance": {"**": "plan"}}, {"overlays": {}}, {"levers.traffic.click": "1%"}, {}]
)
def test_what_cannot_change_a_run_keeps_the_fingerprint(plan: Scenario, changes: dict[str, Any]) -> None:
    assert plan.override(changes).fingerprint == plan.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"levers.traffic.click": 0.010000001},
        {"market.users": 2_001},
        {"targets.orders.at_least": "11%"},
        {"windows.first": {"days": [0, 6]}},
        {"baseline.ctr": {"value": 0.03}},
        {"shocks.dear.on": True},
        {"levers.traffic.title": "Feed"},
    ],
)
def test_what_may_change_a_table_changes_the_fingerprint(plan: Scenario, changes: dict[str, Any]) -> None:
    assert plan.override(changes).fingerprint != plan.fingerprint


def test_the_order_of_segments_changes_the_fingerprint_and_the_run() -> None:
    """Users are numbered segment by segment, so that the same market in another order is another run."""
    one = everything()
    data = one.model_dump(by_alias=True, exclude_unset=True)
    data["market"]["segments"] = dict(reversed(data["market"]["segments"].items()))
    other = Scenario.model_validate(data)
    assert one.digest == other.digest
    assert one.fingerprint != other.fingerprint
    assert digests(simulate(one, 1))["daily"] != digests(simulate(other, 1))["daily"]


def test_runs_of_equal_fingerprint_are_equal() -> None:
    one = everything()
    top = {"priors": {"behaviour.shop.cart": {"low": 0.01, "high": 0.9}}, "provenance": {"**": "assumed"}}
    data = merged(one.model_dump(by_alias=True, exclude_unset=True), top)
    other = Scenario.model_validate(data)
    assert one.fingerprint == other.fingerprint
    assert one.digest != other.digest
    assert digests(simulate(one, 1)) == digests(simulate(other, 1))
