"""Cross-checks of names: whatever a scenario names must exist in it, and be of the right kind."""

from collections.abc import Iterable, Iterator

from scenarios.behaviour import Behaviour
from scenarios.faults import nearest, shown
from scenarios.levers import AnyLever, Experience, GroupBuy, Media, Message, Offer, Referral
from scenarios.paths import Path
from scenarios.tree import Finding
from scenarios.view import View


def references(view: View) -> Iterator[Finding]:
    """Yield a finding for each name that does not exist where it must."""
    yield from _market(view)
    yield from _money(view)
    for name, lever in view.levers.items():
        yield from _lever(view, ("levers", name), lever)
    yield from _control(view)
    yield from _targets(view)
    yield from _choices(view)


def _one(path: Path, name: str | None, known: Iterable[str], noun: str) -> Iterator[Finding]:
    options = list(known)
    if name is not None and name not in options:
        plural = " or ".join(word + ("es" if word.endswith("s") else "s") for word in noun.split(" or "))
        yield Finding(path, f"unknown {noun}", nearest(name, options, plural), shown(name))


def _each(path: Path, names: Iterable[str], known: Iterable[str], noun: str) -> Iterator[Finding]:
    options = list(known)
    for index, name in enumerate(names):
        yield from _one((*path, index), name, options, noun)


def _keys(path: Path, names: Iterable[str], known: Iterable[str], noun: str) -> Iterator[Finding]:
    options = list(known)
    for name in names:
        yield from (Finding((*path, name), found.rule, found.fix) for found in _one(path, name, options, noun))


def _market(view: View) -> Iterator[Finding]:
    channels = view.names("market", "channels")
    for name, segment in (view.market.segments if view.market else {}).items():
        path = ("market", "segments", name)
        yield from _one((*path, "hours"), segment.hours, view.profiles, "activity profile")
        yield from _keys((*path, "channels"), segment.channels, channels, "channel")
    for name, festival in view.festivals.items():
        yield from _keys(("festivals", name, "goods"), festival.goods, view.names("goods", "classes"), "goods class")


def _money(view: View) -> Iterator[Finding]:
    if view.accounts is not None and view.accounts.reserve is not None:
        yield from _one(("accounts", "reserve", "account"), view.accounts.reserve.account, view.paths, "account")


def _lever(view: View, path: Path, lever: AnyLever) -> Iterator[Finding]:
    names = [(index, opening) for index, opening in enumerate(lever.open) if isinstance(opening, str)]
    for index, opening in names:
        yield from _one((*path, "open", index), opening, view.openings, "phase or festival")
    yield from _one((*path, "account"), lever.account, view.paths, "account")
    segments = view.names("market", "segments")
    if isinstance(lever, Media | Message):
        yield from _one((*path, "channel"), lever.channel, view.names("market", "channels"), "channel")
    if isinstance(lever, Media):
        yield from _keys((*path, "pace"), lever.pace, view.openings, "phase or festival")
        yield from _keys((*path, "affinity"), lever.affinity, segments, "segment")
    if isinstance(lever, Offer | Message | Referral | GroupBuy):
        who = (*path, "audience")
        yield from _each((*who, "segments"), lever.audience.segments, segments, "segment")
        yield from _each((*who, "tags"), lever.audience.tags, view.tags, "tag")
        yield from _each((*who, "tiers"), lever.audience.tiers, view.tiers, "tier")
    if isinstance(lever, Offer | GroupBuy):
        yield from _each((*path, "goods"), lever.goods, view.names("goods", "classes"), "goods class")
    if isinstance(lever, Experience):
        yield from _each((*path, "audience"), lever.audience, segments, "segment")
    yield from _coupons(view, path, lever)


def _coupons(view: View, path: Path, lever: AnyLever) -> Iterator[Finding]:
    if isinstance(lever, Message):
        yield from _given(view, (*path, "offer"), lever.offer, "message")
    if isinstance(lever, Referral):
        yield from _given(view, (*path, "on_register", "offer"), lever.on_register.offer, "reward")
        yield from _given(view, (*path, "on_order", "offer"), lever.on_order.offer, "reward")
        for index, threshold in enumerate(lever.thresholds):
            yield from _given(view, (*path, "thresholds", index, "offer"), threshold.offer, "reward")
    if isinstance(lever, GroupBuy):
        yield from _given(view, (*path, "initiator", "offer"), lever.initiator.offer, "reward")


def _given(view: View, path: Path, offer: str | None, give: str) -> Iterator[Finding]:
    if offer is None or offer in view.offers(give):
        return
    if view.kind(offer) == "offer":
        fix = f"set levers.{offer}.give: {give}"
        yield Finding(path, f"must be an offer with give: {give}", fix, shown(offer))
    else:
        yield from _one(path, offer, view.offers(give), f"offer with give: {give}")


def _control(view: View) -> Iterator[Finding]:
    levers = view.names("levers")
    for name, rule in view.rules.items():
        path = ("rules", name)
        yield from _each((*path, "levers"), rule.levers, levers, "lever")
        if rule.action.do == "switch":
            yield from _each((*path, "action", "levers"), rule.action.levers, levers, "lever")
            continue
        for index, lever in enumerate(rule.levers):
            if lever in levers and view.kind(lever) != "media":
                fix = nearest(lever, (other for other in levers if view.kind(other) == "media"), "media levers")
                text = f"{rule.action.do} acts on media levers only"
                yield Finding((*path, "levers", index), text, fix, shown(lever))
        least = 2 if rule.action.do == "shift" else 1
        if len(rule.levers) < least:
            yield Finding((*path, "levers"), f"must name at least {least} media levers to {rule.action.do} money")
        if rule.action.do == "scale":
            yield from _one((*path, "action", "account"), rule.action.account, view.paths, "account")
    for name, shock in view.shocks.items():
        if isinstance(shock.when, str):
            yield from _one(("shocks", name, "when"), shock.when, view.openings, "phase or festival")
        yield from _each(("shocks", name, "channels"), shock.channels, view.names("market", "channels"), "channel")


def _targets(view: View) -> Iterator[Finding]:
    for name, target in view.targets.items():
        path = ("targets", name)
        yield from _one((*path, "window"), target.window, view.openings, "window or phase")
        yield from _one((*path, "against"), target.against, view.openings, "window or phase")
        yield from _one((*path, "segment"), target.segment, ["all", *view.names("market", "segments")], "segment")
    for name, baseline in view.baseline.items():
        path = ("baseline", name)
        yield from _one((*path, "window"), baseline.window, view.openings, "window or phase")
        if baseline.fit is not None:
            yield from _fit((*path, "fit"), baseline.fit)


def _fit(path: Path, fit: str) -> Iterator[Finding]:
    rates = [f"behaviour.{verb}.{rate}" for verb, record in Behaviour() for rate in type(record).model_fields]
    if fit not in rates:
        yield Finding(path, "must be the path of a number under behaviour", nearest(fit, rates), shown(fit))


def _choices(view: View) -> Iterator[Finding]:
    media = [name for name in view.names("levers") if view.kind(name) == "media"]
    yield from _keys(("choices", "money"), view.choices.money, media, "media lever")
    yield from _keys(("choices", "targets"), view.choices.targets, view.names("targets"), "target")
    for name, limit in view.choices.limits.items():
        path = ("choices", "limits", name)
        yield from _each((*path, "levers"), limit.levers, media, "media lever")
        yield from _each((*path, "windows"), limit.windows, view.names("phases"), "phase")
        for field in ("of", "before"):
            yield from _each((*path, field), getattr(limit, field, ()), media, "media lever")
        yield from _each((*path, "accounts"), getattr(limit, "accounts", ()), view.paths, "account")
