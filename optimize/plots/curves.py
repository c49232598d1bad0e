"""Response curves by lever and phase, with the current and the proposed point and the money at which runs were made."""

from collections.abc import Callable
from math import ceil

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import (
    BLUE,
    GREEN,
    ORANGE,
    PALE,
    Numbers,
    canvas,
    footnote,
    label,
    nothing,
    panel,
    styled,
    titled,
)
from optimize.market import Floats
from optimize.plots.words import speech
from optimize.rehearsals import Rehearsals
from optimize.search import Proposal
from optimize.spending import BESIDE
from sim.kpis import KPIS

MOST = 12
CORNERS = 60
BEYOND = 1.08
"""How far a curve is drawn beyond what matters of it, as a share."""
COLUMNS = ("post", "lever", "period", "kind", "money", "goal")


def points(market: Rehearsals, found: Proposal) -> pd.DataFrame:
    """Return the fitted curves as points; columns `COLUMNS`: money [yuan], goal (what money brings of it).

    Kinds: `curve`; `current` and `proposed`, one a post; `explored`, two a post, the least and the most money at which the
    search made runs. All are at the proposed settings, with the other levers' proposed money. The posts with the
    largest changes of money come first.
    """
    space, runs = market.space, found.runs
    now, then = space.spend(space.current), space.spend(found.found)
    brought, tables = worths(market, found), []
    for k, post in enumerate(market.posts):
        ends = float(runs.spend[:, k].min()), float(runs.spend[:, k].max())
        money = np.r_[np.linspace(0.0, BEYOND * max(*ends, now[k], then[k], 1.0), CORNERS), *ends, now[k], then[k]]
        kinds = [*["curve"] * CORNERS, "explored", "explored", "current", "proposed"]
        period = "" if post.period == BESIDE else post.period
        tables.append(pd.DataFrame({"post": post.name, "lever": post.lever, "period": period, "kind": kinds,
                                    "money": money, "goal": brought(k, money)}))  # fmt: skip
    order = np.argsort(-np.abs(then - now), kind="stable")
    return pd.concat([tables[k] for k in order], ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def worths(market: Rehearsals, found: Proposal) -> Callable[[int, Floats], Floats]:
    """Return what money [yuan] of a post, by its number, brings of the goal at the proposal."""
    responses, space = found.responses, market.space
    unit = space.unit(found.found)
    curves, effects = responses.curves(unit), responses.effects
    if effects is not None and space.aims:
        weights = space.weights(effects.names)[0] @ effects.weights
        by_share, by_yuan = weights[1 : 1 + len(curves)], float(weights[1 + len(curves)]) + market.marginal
        return lambda k, money: np.asarray(by_share[k] * effects.curves[k].at(money) + by_yuan * money)
    parts = responses.parts(space.spend(found.found)[None], unit[None])
    worth = responses.scale * float(parts.gain[0] * parts.lift[0])
    return lambda k, money: worth * curves[k].at(money)


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, title: str = "", goal: str = "", lang: str = "en") -> Axes:
    """Draw the points of one post: the curve, the current plan a diamond, the proposed a circle, the explored shaded."""
    say, ax = speech(lang), panel(ax, 4, 3)
    if table.empty:
        return nothing(ax, say("money of a lever"), say("media have no money"))
    of = {kind: table[table["kind"] == kind] for kind in ("curve", "explored", "current", "proposed")}
    ax.axvspan(of["explored"]["money"].min(), of["explored"]["money"].max(), color=PALE, alpha=0.5, lw=0, zorder=0)
    ax.plot(of["curve"]["money"], of["curve"]["goal"], color=BLUE, zorder=2)
    for kind, colour, marker in (("current", ORANGE, "D"), ("proposed", GREEN, "o")):
        ax.plot(of[kind]["money"], of[kind]["goal"], marker, color=colour, mec="black", ms=6, zorder=3, ls="")
    ax.set_title(label(title or str(table["post"].iloc[0]), most=34), fontsize=8.5)
    ax.set_ylim(min(0.0, BEYOND * float(table["goal"].min())))
    ax.xaxis.set_major_formatter(Numbers("yuan", lang))
    ax.yaxis.set_major_formatter(Numbers(KPIS[goal].unit if goal in KPIS else "", lang))
    ax.locator_params(axis="x", nbins=5)
    return ax


@styled
def figure(market: Rehearsals, found: Proposal, *, lang: str = "en") -> Figure:
    """Draw the curves of the posts with the largest changes."""
    say, table = speech(lang), points(market, found)
    shown = list(dict.fromkeys(table["post"]))[:MOST]
    columns = 3 if len(shown) > 4 else 2
    height = max(1, ceil(len(shown) / columns))
    fig = canvas(11, 0.9 + 2.4 * height)
    axes = fig.subplots(height, columns, squeeze=False).flatten()
    for ax, post in zip(axes, shown, strict=False):
        part = table[table["post"] == post]
        lever, period = part["lever"].iloc[0], part["period"].iloc[0]
        title = say("{lever} in {period}", lever=lever, period=period) if period else lever
        draw(part, ax, title=title, goal=market.goal, lang=lang)
    for ax in axes[len(shown) :]:
        ax.remove()
    heading = "What media bring: {goal}" if market.credited else "What media bring, by fitted effects: {goal}"
    titled(fig, say(heading, goal=say.goal(market.goal)))
    text = (
        "Diamond: current. Circle: proposed. Shaded: money at which runs were made. Fitted to all runs of the search."
    )
    footnote(fig, say(text))
    return fig
