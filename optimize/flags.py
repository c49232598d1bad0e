"""Flags: why a reader should not trust an optimum too far, in words."""

from collections.abc import Iterator
from math import isnan

import pandas as pd

import scenarios
from experiments.units import compact
from optimize.rehearsals import Rehearsals
from optimize.search import Proposal
from optimize.settings import assumed

UNPAID = ("service.agents", "service.assisted")
"""Settings whose cost no run counts."""
EDGE = 0.01
"""A setting so near an end of its range, as a share of it, is at the edge."""
LITTLE = 0.1
"""A post that falls below this share of its present money is abandoned."""
FEW = 5
"""Runs with little money from which on the effect of little money counts as seen."""


def flags(market: Rehearsals, found: Proposal, proof: pd.DataFrame) -> Iterator[str]:
    """Yield what to doubt: edges, assumptions, levers abandoned for lack of data, gains that exploit a gap of the model.

    `proof` is the table of `experiments.compare` between the plan as it is and the proposal.
    """
    yield from _edges(market, found)
    yield from _responses(market, found)
    yield from _assumed(market, found)
    yield from _abandoned(market, found)
    yield from _exploits(market, proof)


def _edges(market: Rehearsals, found: Proposal) -> Iterator[str]:
    for path, setting in market.space.settings.items():
        place = setting.unit(found.found.settings[path])
        if min(place, 1 - place) <= EDGE:
            end = setting.low if place < 0.5 else setting.high
            yield f"{path} lies at the edge of its range ({end:g}): the best value may lie beyond it"
    full = [
        post.name
        for post in market.posts
        if (b := market.space.levers[post.name]).high > b.low and found.found.money[post.name] >= b.high * (1 - 1e-6)
    ]
    if full:
        yield f"at the most money they may get, more was never tried: {', '.join(full)}"


def _responses(market: Rehearsals, found: Proposal) -> Iterator[str]:
    for path, value in found.found.settings.items():
        now, then = compact(market.space.current.settings[path]), compact(value)
        if now != then and assumed(market.scenario, path):
            yield (
                f"{path} is an assumption about the market, not a decision: no plan can move it from {now} to {then}, so do "
                "not count on what that gains"
            )
        if path in UNPAID and value > market.space.current.settings[path]:
            yield f"{path} costs nothing in this market, so that more always looks better: bound it by what you can pay"


def _assumed(market: Rehearsals, found: Proposal) -> Iterator[str]:
    gains: dict[str, float] = {}
    for post in market.posts:
        change = found.found.money[post.name] - market.space.current.money[post.name]
        gains[post.lever] = gains.get(post.lever, 0.0) + change
    for lever in sorted(gains, key=lambda name: -gains[name])[:3]:
        source = scenarios.source_of(market.scenario, f"levers.{lever}.click") or ""
        if gains[lever] > 0 and source.startswith("assumed"):
            yield f"{lever} gets {gains[lever]:,.0f} yuan more on an assumed click rate; test it before paying for it"


def _abandoned(market: Rehearsals, found: Proposal) -> Iterator[str]:
    for post in market.posts:
        now = market.space.current.money[post.name]
        if now > 0 and found.found.money[post.name] < LITTLE * now:
            column = f"money.{post.name}"
            seen = int((found.trace[column] < 2 * LITTLE * now).sum()) if column in found.trace else 0
            doubt = "" if seen >= FEW else f"; only {seen} of the search's beliefs ever had it so low"
            yield f"{post.name} is given up{doubt}"


def _exploits(market: Rehearsals, proof: pd.DataFrame) -> Iterator[str]:
    here = proof[(proof["window"] == "plan") & (proof["segment"] == "all") & proof["differs"].astype(bool)]
    changes = dict(zip(here["kpi"], here["difference"], strict=True))
    if market.goal != "profit" and changes.get("profit", 0.0) < 0:
        yield f"profit falls by {-changes['profit']:,.0f} yuan: the goal is bought at a loss"
    referral = here.loc[here["kpi"] == "referral_share", "other_mean"]
    if len(referral) and float(referral.iloc[0]) > 0.5:
        yield "more than half of the registrations come from invitations: look for people who invite themselves"
    aov = changes.get("aov", 0.0)
    share = here.loc[here["kpi"] == "aov", "relative"]
    if len(share) and not isnan(aov) and float(share.iloc[0]) < -0.2:
        yield "baskets shrink by more than a fifth: orders may be had for next to nothing"
