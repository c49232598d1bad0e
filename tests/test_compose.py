"""Extends, overlays, changes by path, override and dump."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from scenarios import Scenario, ScenarioError
from scenarios.market import Market

BAD = Path(__file__).parent / "bad"


@pytest.fixture(scope="module")
def plan() -> Scenario:
    return scenarios.load(BAD / "_ok.yaml")


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "ok.yaml", (BAD / "_ok.yaml").read_text(encoding="utf-8"))
    return tmp_path


def faults_of(error: pytest.ExceptionInfo[ScenarioError]) -> list[str]:
    return [str(fault) for fault in error.value.faults]


# extends


def test_mappings_merge_and_the_rest_is_replaced(folder: Path) -> None:
    child = write(folder, "child.yaml", "extends: ok.yaml\nlevers:\n  welfare: {off: 30, open: [grow]}\n")
    welfare = scenarios.load(child).levers["welfare"]
    assert welfare.kind == "offer"
    assert (welfare.off, welfare.over, welfare.open) == (30, 100, ("grow",))


def test_later_parents_stand_over_earlier_ones(folder: Path) -> None:
    write(folder, "a.yaml", "market: {users: 100}\nservice: {agents: 5}\n")
    write(folder, "b.yaml", "market: {users: 200}\n")
    child = scenarios.load(write(folder, "child.yaml", "extends: [ok.yaml, a.yaml, b.yaml]\n"))
    assert (child.market.users, child.service.agents) == (200, 5)


def test_parents_in_subfolders_see_their_own_folder(folder: Path) -> None:
    write(folder, "sub/a.yaml", "extends: b.yaml\n")
    write(folder, "sub/b.yaml", "market: {users: 300}\n")
    assert scenarios.load(write(folder, "child.yaml", "extends: [ok.yaml, sub/a.yaml]\n")).market.users == 300
    write(folder, "sub/c.yaml", "extends: ../ok.yaml\n")
    with pytest.raises(ScenarioError, match=r"sub/c.yaml:1: extends: ../ok.yaml: leaves the folder"):
        scenarios.load(write(folder, "child.yaml", "extends: sub/c.yaml\n"))


def test_a_diamond_is_read_once(folder: Path) -> None:
    text = "extends: ok.yaml\n"
    for name in ("a", "b", "c", "d", "e", "f", "g", "h"):
        text = f"extends: [{write(folder, f'{name}.yaml', text).name}, {name}.yaml]\n"
    assert scenarios.load(write(folder, "child.yaml", text)).name == "ok"


def test_faults_of_a_parent_name_its_file_and_line(folder: Path) -> None:
    write(folder, "parent.yaml", "extends: ok.yaml\nlevers:\n  traffic: {click: 200%}\n")
    with pytest.raises(ScenarioError) as error:
        scenarios.load(write(folder, "child.yaml", "extends: parent.yaml\nmarket: {users: 1}\n"))
    assert [(Path(fault.file).name, fault.line) for fault in error.value.faults] == [
        ("child.yaml", 2),
        ("parent.yaml", 3),
    ]


def test_a_shipped_name_is_found_from_anywhere(tmp_path: Path) -> None:
    name = scenarios.names()[0]
    child = write(tmp_path, "child.yaml", f"extends: {name}\nname: mine\n")
    assert scenarios.load(child).market == scenarios.load(name).market


def test_null_removes_what_is_inherited(folder: Path) -> None:
    text = "extends: ok.yaml\nlevers: {letter: null}\naccounts: {reserve: null}\nmarket: {users: null}\n"
    child = scenarios.load(write(folder, "child.yaml", text))
    assert "letter" not in child.levers
    assert child.accounts.reserve is None
    assert child.market.users == Market.model_fields["users"].default


def test_null_is_a_value_where_the_schema_allows_it(folder: Path) -> None:
    write(folder, "parent.yaml", "extends: ok.yaml\nlevers:\n  welfare: {audience: {registered: true}}\n")
    child = write(folder, "child.yaml", "extends: parent.yaml\nlevers:\n  welfare: {audience: {registered: null}}\n")
    welfare = scenarios.load(child).levers["welfare"]
    assert welfare.kind == "offer"
    assert welfare.audience.registered is None


def test_another_kind_and_another_interval_replace(folder: Path) -> None:
    levers = "levers:\n  traffic: {kind: experience, effect: {cart: 1%}}\nrules: {thin: null}\n"
    text = f"extends: ok.yaml\nphases: {{open: {{days: [0, 9]}}}}\n{levers}"
    child = scenarios.load(write(folder, "child.yaml", text))
    assert child.span("open") == (0, 9)
    assert child.levers["traffic"].kind == "experience"


def test_a_removed_lever_can_be_given_anew(folder: Path) -> None:
    write(folder, "a.yaml", "extends: ok.yaml\nlevers: {welfare: null}\n")
    text = "extends: a.yaml\nlevers:\n  welfare: {kind: offer, form: amount, off: 5, account: offers}\n"
    welfare = scenarios.load(write(folder, "b.yaml", text)).levers["welfare"]
    assert welfare.kind == "offer"
    assert (welfare.over, welfare.open) == (0, ())


# overlays


def test_an_overlay_is_applied_when_asked_for() -> None:
    assert scenarios.load(BAD / "_ok.yaml", overlays=["low-cost"]).accounts.total == 500_000
    assert scenarios.load(BAD / "_ok.yaml").accounts.total == 1_000_000


def test_overlays_apply_in_order(folder: Path) -> None:
    text = "extends: ok.yaml\noverlays:\n  a: {market: {users: 100}}\n  b: {market: {users: 200}}\n"
    child = write(folder, "child.yaml", text)
    assert scenarios.load(child, overlays=["a", "b"]).market.users == 200
    assert scenarios.load(child, overlays=["b", "a"]).market.users == 100


def test_an_unknown_overlay_is_refused() -> None:
    with pytest.raises(ScenarioError, match="overlays: lowcost: unknown overlay; did you mean low-cost"):
        scenarios.load(BAD / "_ok.yaml", overlays=["lowcost"])


def test_null_in_an_overlay_removes_when_it_is_applied(folder: Path) -> None:
    child = write(folder, "child.yaml", "extends: ok.yaml\noverlays:\n  mute: {levers: {letter: null}}\n")
    assert "letter" in scenarios.load(child).levers
    assert "letter" not in scenarios.load(child, overlays="mute").levers


def test_faults_of_an_overlay_in_use_stand_at_its_lines(folder: Path) -> None:
    child = write(folder, "child.yaml", "extends: ok.yaml\noverlays:\n  a:\n    market: {users: 1}\n")
    with pytest.raises(ScenarioError) as error:
        scenarios.load(child, overlays=["a"])
    assert [(fault.line, fault.path) for fault in error.value.faults] == [(4, "market.users")]


# changes


@pytest.mark.parametrize(
    ("path", "value", "get"),
    [
        ("market.users", 5000, lambda s: s.market.users),
        ("market.segments.young.tags.sport", 0.5, lambda s: s.market.segments["young"].tags["sport"]),
        ("accounts.split.media.split.kol.share", 0.4, lambda s: s.accounts.split["media"].split["kol"].share),
        ("festivals.spring.stages.warm-up.traffic", 2.0, lambda s: s.festivals["spring"].stages["warm-up"].traffic),
        ("levers.welfare.open[0]", "grow", lambda s: s.levers["welfare"].open[0]),
        ("levers.welfare.open.0", "grow", lambda s: s.levers["welfare"].open[0]),
        ("phases.grow.days[1]", 60, lambda s: s.phases["grow"].days[1]),
        ("season.weekdays[6]", 1.5, lambda s: s.season.weekdays[6]),
        ("market.hours.everyday[23]", 0.5, lambda s: s.market.hours["everyday"][23]),
        ("service.agents", 7, lambda s: s.service.agents),
        ("goods.classes.food.stock.lead_days", 9, lambda s: s.goods.classes["food"].stock.lead_days),
        ("rules.thin.action.share", 0.5, lambda s: s.rules["thin"].action.share),
        ("provenance.levers.*.off", "plan", lambda s: s.provenance["levers.*.off"]),
        ("levers.welfare.off", "25", lambda s: str(int(s.levers["welfare"].off))),
    ],
)
def test_a_change_by_path(plan: Scenario, path: str, value: Any, get: Any) -> None:
    assert get(plan.override({path: value})) == value
    assert scenarios.load(BAD / "_ok.yaml", changes={path: value}) == plan.override({path: value})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("market.userz", "changes: market.userz: unknown path; did you mean users?"),
        ("markets.users", "changes: markets: unknown path; did you mean market?"),
        ("levers.welfar.off", "changes: levers.welfar: unknown name; did you mean welfare?"),
        ("levers.welfare.of", "changes: levers.welfare.of: unknown path; did you mean off?"),
        ("levers.welfare.budget", "known keys: title, plan, on"),
        ("levers.welfare.open[2]", "changes: levers.welfare.open[2]: unknown path; the last is levers.welfare.open[1]"),
        ("levers.welfare.off.yuan", "unknown path; levers.welfare.off is a single value"),
        ("market..users", "changes: market..users: is not a path; write a path such as"),
        ("", 'changes: "": is not a path'),
    ],
)
def test_a_path_that_does_not_exist(plan: Scenario, path: str, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        plan.override({path: 5})
    assert message in faults_of(error)[0]


def test_all_faults_of_changes_at_once(plan: Scenario) -> None:
    with pytest.raises(ScenarioError) as error:
        plan.override(
            {"market.userz": 5, "market.users": 1, "levers.traffic.channel": "radio", "phases.grow.days[1]": 95}
        )
    assert len(error.value.faults) == 4


def test_a_change_is_cross_checked(plan: Scenario) -> None:
    with pytest.raises(ScenarioError) as error:
        plan.override({"levers.welfare.over": 10})
    assert faults_of(error) == [
        "ok: levers.welfare.off: 20: must be below over (10); did you mean over: 50? "
        "(levers.welfare.over is set in changes)"
    ]


def test_null_removes_an_entry_or_resets_a_field(plan: Scenario) -> None:
    changed = plan.override({"levers.letter": None, "levers.welfare.open": None, "accounts.reserve": None})
    assert "letter" not in changed.levers
    assert changed.levers["welfare"].open == ()
    with pytest.raises(ScenarioError, match=r"levers.lettre: there is nothing to remove; did you mean letter\?"):
        plan.override({"levers.lettre": None})


def test_a_whole_entry_can_be_given(plan: Scenario) -> None:
    page = {"kind": "experience", "effect": {"cart": "5%"}}
    assert plan.override({"levers.page": page}).levers["page"].kind == "experience"
    again = plan.override({"levers.welfare": plan.levers["welfare"]})
    assert again == plan


def test_the_scenario_itself_never_changes(plan: Scenario) -> None:
    before = scenarios.dump(plan)
    plan.override({"market.users": 5000, "levers.letter": None})
    assert scenarios.dump(plan) == before


@settings(max_examples=25, deadline=None)
@given(users=st.integers(100, 10_000), off=st.floats(1, 99), share=st.floats(0, 1))
def test_override_round_trips(users: int, off: float, share: float) -> None:
    plan = scenarios.load(BAD / "_ok.yaml")
    paths = {"market.users": users, "levers.welfare.off": off, "accounts.split.media.split.kol.share": share}
    back = {"market.users": 2000, "levers.welfare.off": 20, "accounts.split.media.split.kol.share": "50%"}
    assert plan.override(paths).override(back) == plan
    assert plan.override(paths).override(paths) == plan.override(paths)


def test_changing_to_an_equal_value_gives_an_equal_scenario(plan: Scenario) -> None:
    same = plan.override(
        {"market.users": plan.market.users, "levers.traffic.budget": "100%", "levers.traffic.on": True}
    )
    assert same == plan
    assert same.digest == plan.digest


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("market.users=20_000", "market.users", "20_000"),
        ("market.users = 20000", "market.users", 20000),
        ("levers.a.click=5%", "levers.a.click", "5%"),
        ("levers.a.on=false", "levers.a.on", False),
        ("levers.a=null", "levers.a", None),
        ("levers.a=", "levers.a", None),
        ("levers.a.open=[q1, {days: [0, 3]}]", "levers.a.open", ["q1", {"days": [0, 3]}]),
        ("provenance.x=plan: a = b", "provenance.x", None),
    ],
)
def test_parse_set(text: str, path: str, value: Any) -> None:
    if value is None and text.startswith("provenance"):
        assert scenarios.parse_set(text)[0] == path
    else:
        assert scenarios.parse_set(text) == (path, value)


@pytest.mark.parametrize("text", ["market.users", "=5", "a=[1", "a=!!python/name:os.system", "a={b: 1, b: 2}"])
def test_parse_set_refuses(text: str) -> None:
    with pytest.raises(ScenarioError):
        scenarios.parse_set(text)


# dump


def test_dump_loads_back_to_an_equal_scenario(plan: Scenario, tmp_path: Path) -> None:
    again = scenarios.load(write(tmp_path, "plan.yaml", scenarios.dump(plan)))
    assert again == plan
    assert again.digest == plan.digest
    assert scenarios.dump(again) == scenarios.dump(plan)


@pytest.mark.parametrize("name", scenarios.names())
def test_shipped_scenarios_load_and_dump(name: str, tmp_path: Path) -> None:
    shipped = scenarios.load(name)
    assert scenarios.load(write(tmp_path, "plan.yaml", scenarios.dump(shipped))) == shipped
    assert shipped.override({}) == shipped
    assert scenarios.question(name).endswith("?")


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=20))
def test_any_text_survives_a_dump(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    plan = scenarios.load(BAD / "_ok.yaml").override({"question": text})
    file = write(tmp_path_factory.mktemp("dump"), "plan.yaml", scenarios.dump(plan))
    assert scenarios.load(file) == plan


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "on",
        "1e3",
        "12",
        "1_000",
        "null",
        "~",
        "2024-11-11",
        "",
        " x",
        "\x85",
        "a\u2028b",
        "a\nb",
        "a: b",
        ".inf",
        "é",
    ],
)
def test_words_that_look_like_values_survive_a_dump(text: str, plan: Scenario, tmp_path: Path) -> None:
    changed = plan.override({"question": text})
    assert scenarios.load(write(tmp_path, "plan.yaml", scenarios.dump(changed))).question == text


def test_errors_and_scenarios_travel_between_processes(plan: Scenario) -> None:
    with pytest.raises(ScenarioError) as error:
        plan.override({"market.users": 1})
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    name = scenarios.names()[0]
    for call in (scenarios.load, scenarios.question):
        with pytest.raises(ScenarioError, match=f"did you mean {name}"):
            call(name + "s")  # type: ignore[operator]
