"""Response curves by lever and phase, with the current and the proposed point and the money at which runs were made."""

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
    """Return the fitted curves as points; columns `COLUMNS`: money [yuan], goal (what is credited of it).

    Kinds: `curve`; `current` and `proposed`, one a post; `explored`, two a post, the least and the most money at which the
    search made runs. All are at the proposed settings, with the other levers' proposed money. The posts with the
    largest changes of money come first.
    """
    space, runs = market.space, found.runs
    unit, now = space.unit(found.found), space.spend(space.current)
    then = space.spend(found.found)
    parts = found.responses.parts(then[None], unit[None])
    worth = found.responses.scale * float(parts.gain[0] * parts.lift[0])
    tables = []
    for k, (post, curve) in enumerate(zip(market.posts, found.responses.curves(unit), strict=True)):
        ends = float(runs.spend[:, k].min()), float(runs.spend[:, k].max())
        money = np.r_[np.linspace(0.0, BEYOND * max(*ends, now[k], then[k], 1.0), CORNERS), *ends, now[k], then[k]]
        kinds = [*["curve"] * CORNERS, "explored", "explored", "current", "proposed"]
        period = "" if post.period == BESIDE else post.period
        tables.append(pd.DataFrame({"post": post.name, "lever": post.lever, "period": period, "kind": kinds,
                                    "money": money, "goal": worth * curve.at(money)}))  # fmt: skip
    order = np.argsort(-np.abs(then - now), kind="stable")
    return pd.concat([tables[k] for k in order], ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


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
    ax.set_ylim(0)
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
    titled(fig, say("What media bring, as credited: {goal}", goal=say.goal(market.goal)))
    text = (
        "Diamond: current. Circle: proposed. Shaded: money at which runs were made. Fitted to all runs of the search."
    )
    footnote(fig, say(text))
    return fig
