"""Cross-checks of time, size and names: what each value allows alone, but not all of them together."""

import math
import re
from collections.abc import Iterable, Iterator

from scenarios.calendar import Clock, Interval
from scenarios.faults import nearest, shown
from scenarios.paths import Path
from scenarios.tree import Finding
from scenarios.view import View

MAX_TAGS = 16
MAX_LEVERS = 63
MAX_OFFERS = 32
_NAME = re.compile(r'[^\s.\[\]"*=,:{}#&]{1,64}')
_NAMED = [
    ("market", "segments"),
    ("market", "channels"),
    ("market", "hours"),
    ("goods", "classes"),
    ("festivals",),
    ("phases",),
    ("windows",),
    ("levers",),
    ("rules",),
    ("shocks",),
    ("targets",),
    ("overlays",),
]


def sense(view: View) -> Iterator[Finding]:
    """Yield a finding for each span outside the simulated days, size the engine cannot hold, and ambiguous name."""
    if view.clock is not None:
        yield from _spans(view, view.clock)
        yield from _openings(view, view.clock)
    yield from _sizes(view)
    yield from _names(view)
    yield from _taken(view)
    yield from _tiers(view)


def _spans(view: View, clock: Clock) -> Iterator[Finding]:
    plan, all_days = (0, clock.days - 1), (-clock.burn_in, clock.days - 1 + clock.tail)
    for name, phase in view.phases.items():
        yield from _inside(("phases", name), phase, clock, plan, "the plan")
    for name, window in view.windows.items():
        yield from _inside(("windows", name), window, clock, all_days, "the simulated days")
    for name, lever in view.levers.items():
        for index, opening in enumerate(lever.open):
            if isinstance(opening, Interval):
                yield from _inside(("levers", name, "open", index), opening, clock, plan, "the plan")
    for name, shock in view.shocks.items():
        if isinstance(shock.when, Interval):
            limits = (0, all_days[1])
            yield from _inside(("shocks", name, "when"), shock.when, clock, limits, "the plan and its tail")
    if view.accounts is not None:
        if view.accounts.reserve is not None and view.accounts.reserve.release is not None:
            release = view.accounts.reserve.release
            yield from _inside(("accounts", "reserve", "release"), release, clock, plan, "the plan")
        for index, tranche in enumerate(view.accounts.tranches):
            if not 0 <= tranche.day < clock.days:
                path = ("accounts", "tranches", index, "day")
                fix = f"did you mean {min(max(tranche.day, 0), plan[1])}?"
                yield Finding(path, f"must lie in the plan (days 0 to {plan[1]})", fix)


def _inside(path: Path, interval: Interval, clock: Clock, limits: tuple[int, int], what: str) -> Iterator[Finding]:
    first, last = interval.span(clock)
    if first < limits[0] or last > limits[1]:
        low, high = max(first, limits[0]), min(last, limits[1])
        fix = f"did you mean days: [{low}, {high}]?" if low <= high else ""
        form = next(name for name in ("days", "months", "dates") if getattr(interval, name) is not None)
        rule = f"covers days {first} to {last}, but must lie in {what} (days {limits[0]} to {limits[1]})"
        yield Finding((*path, form), rule, fix)


def _openings(view: View, clock: Clock) -> Iterator[Finding]:
    plan, all_days = (0, clock.days - 1), (-clock.burn_in, clock.days - 1 + clock.tail)
    for name, lever in view.levers.items():
        for index, opening in enumerate(lever.open):
            if isinstance(opening, str):
                yield from _meets(view, ("levers", name, "open", index), opening, plan)
    for name, shock in view.shocks.items():
        if isinstance(shock.when, str):
            yield from _meets(view, ("shocks", name, "when"), shock.when, (0, all_days[1]))
    for name, target in view.targets.items():
        yield from _within(view, ("targets", name, "window"), target.window, all_days)
        if target.against is not None:
            yield from _within(view, ("targets", name, "against"), target.against, all_days)
    for name, baseline in view.baseline.items():
        yield from _within(view, ("baseline", name, "window"), baseline.window, all_days)


def _meets(view: View, path: Path, name: str, limits: tuple[int, int]) -> Iterator[Finding]:
    span = view.span(name)
    if span is not None and (span[1] < limits[0] or span[0] > limits[1]):
        rule = f"covers days {span[0]} to {span[1]}, none of them in the plan (days {limits[0]} to {limits[1]})"
        section = next((key for key in ("windows", "phases") if name in view.names(key)), "festivals")
        yield Finding(path, rule, "", shown(name), (section, *name.split(".")[:1]))


def _within(view: View, path: Path, name: str, limits: tuple[int, int]) -> Iterator[Finding]:
    span = view.span(name) if name in view.openings and name not in view.windows and name not in view.phases else None
    if span is not None and (span[0] < limits[0] or span[1] > limits[1]):
        rule = f"covers days {span[0]} to {span[1]}, but only days {limits[0]} to {limits[1]} are simulated"
        yield Finding(path, rule, "", shown(name))


def _sizes(view: View) -> Iterator[Finding]:
    market = view.market
    if market is not None:
        if market.users > market.people:
            rule = f"must not be more than people ({market.people:_})"
            fix = f"did you mean {market.people:_}?"
            yield Finding(("market", "users"), rule, fix, other=("market", "people"))
        for name, segment in market.segments.items():
            if segment.share * market.users < 1:
                rule = f"leaves the segment without a user: market.users is {market.users:_}"
                least = math.ceil(1 / segment.share) if segment.share > 1e-9 else 0
                fix = f"raise market.users to {least:_}" if least else "remove the segment"
                yield Finding(("market", "segments", name, "share"), rule, fix)
        if market.contacts.mean >= market.users:
            fix = f"did you mean {min(8, market.users - 1)}?"
            yield Finding(("market", "contacts", "mean"), f"must be below market.users ({market.users:_})", fix)
    tags, levers = view.tags, view.names("levers")
    offers = [name for name in levers if view.kind(name) == "offer"]
    for path, names, most, noun in (
        (("market", "segments"), tags, MAX_TAGS, "different tags"),
        (("levers",), levers, MAX_LEVERS, "levers"),
        (("levers",), offers, MAX_OFFERS, "offers"),
    ):
        if len(names) > most:
            yield Finding(path, f"holds {len(names)} {noun}, but at most {most} can be simulated")


def _names(view: View) -> Iterator[Finding]:
    places: list[Path] = list(_NAMED)
    places += [("market", "segments", name, "tags") for name in view.names("market", "segments")]
    places += [("festivals", name, "stages") for name in view.names("festivals")]
    places += [("levers", name, "tiers") for name in view.names("levers") if view.kind(name) == "membership"]
    places += [(*path, "split") for path in _accounts(view, ("accounts",))]
    for place in places:
        for name in view.names(*map(str, place)):
            if not (_NAME.fullmatch(name) and name.isprintable()):
                slug = re.sub(r'[\s.\[\]"*=,:{}#&]+', "-", name).strip("-")[:64]
                rule = 'a name must have 1 to 64 characters, without spaces and any of .[]"*=,:{}#&'
                yield Finding((*place, name), rule, f"did you mean {slug}?" if slug else "", "")


def _accounts(view: View, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    for name in view.names(*path, "split"):
        yield from _accounts(view, (*path, "split", name))


def _taken(view: View) -> Iterator[Finding]:
    for section in ("phases", "windows", "festivals"):
        if "plan" in view.names(section):
            yield Finding((section, "plan"), "is taken: plan always means the whole plan", "choose another name", "")
    if "all" in view.names("market", "segments"):
        yield Finding(("market", "segments", "all"), "is taken: all means every segment", "choose another name", "")
    for section, others in (("windows", ("phases",)), ("festivals", ("phases", "windows"))):
        for other in others:
            for name in _both(view.names(section), view.names(other)):
                if section == "festivals" or view.phases.get(name) != view.windows.get(name):
                    rule = f"is taken: {other}.{name} has the same name"
                    yield Finding((section, name), rule, "choose another name", "")


def _both(names: Iterable[str], others: Iterable[str]) -> list[str]:
    known = set(others)
    return [name for name in names if name in known]


def _tiers(view: View) -> Iterator[Finding]:
    owners = view.tiers
    ladders = [name for name, lever in view.levers.items() if lever.kind == "membership" and lever.on]
    for name in ladders[1:]:
        yield Finding(
            ("levers", name), f"is a second membership beside levers.{ladders[0]}", "keep one that is on", name
        )
    for name, lever in view.levers.items():
        if lever.kind != "membership":
            continue
        before = None
        for tier, record in lever.tiers.items():
            path = ("levers", name, "tiers", tier)
            if owners.get(tier, name) != name:
                yield Finding(path, f"is taken: levers.{owners[tier]} has a tier of the same name", "rename one", "")
            if before is not None and (record.spend, record.orders) < (before.spend, before.orders):
                rule = f"must not ask for less than the tier before it ({before.spend:g} yuan, {before.orders} orders)"
                asked = f"{record.spend:g} yuan, {record.orders} orders"
                yield Finding(path, rule, "list the tiers in ascending order", asked)
            before = record


def known_kpis_only(view: View, known: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each KPI that is not among the known ones."""
    kpis = list(known)
    each_lever = ["roi", "roas", "spend"]
    for name, target in view.targets.items():
        if target.kpi not in kpis:
            yield Finding(("targets", name, "kpi"), "unknown KPI", nearest(target.kpi, kpis, "KPIs"))
    for name in view.names("baseline"):
        if name not in kpis:
            yield Finding(("baseline", name), "unknown KPI", nearest(name, kpis, "KPIs"), "")
    for name, rule in view.rules.items():
        options = [*each_lever, *kpis] if rule.levers else kpis
        if rule.metric not in options:
            yield Finding(("rules", name, "metric"), "unknown KPI", nearest(rule.metric, options, "KPIs"))
