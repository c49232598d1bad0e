"""The way from impressions to orders by repeat buyers, with what is lost between steps."""

from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.plots.style import BLACK, BLUE, RUST, canvas, headline, nothing, panel, spoken, styled
from experiments.plots.words import Words
from experiments.replication import Replication

STEPS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Paid and own-media impressions", ("exposure",), ()),
    ("Visits", ("uv",), ()),
    ("Detail pages opened", ("details",), ()),
    ("Detail pages read", ("details",), ("detail_bounces",)),
    ("Carts", ("carts",), ()),
    ("Payments made", ("payments_started",), ("payments_abandoned",)),
    ("Orders", ("orders",), ()),
    ("Orders by repeat buyers", ("orders",), ("new_customers",)),
)
"""Steps by what is added and taken away; visits also come without impressions, of users' own accord."""


def steps(daily: pd.DataFrame, first: int, last: int, lang: str = "en") -> pd.DataFrame:
    """Return step, value (mean over runs) and words (what happens before the step) for days first to last."""
    say = spoken(lang)
    part = daily[daily["day"].between(first, last)]
    sums = part.groupby("metric", observed=True)["value"].sum() / max(1, daily["seed"].nunique())
    total = {str(k): float(v) for k, v in sums.items()}
    rows = [
        (say(name), sum(total.get(m, 0.0) for m in plus) - sum(total.get(m, 0.0) for m in minus))
        for name, plus, minus in STEPS
    ]
    words = ["", _clicks(total.get("exposure", 0.0), total.get("ad_clicks", 0.0), total.get("uv", 0.0), say)]
    words += [_loss(before, after, say) for (_, before), (_, after) in pairwise(rows[1:])]
    return pd.DataFrame(rows, columns=["step", "value"]).assign(words=words)


def _clicks(shown: float, clicks: float, visits: float, say: Words) -> str:
    if not shown or not visits:
        return say("all visits come without an impression") if visits else ""
    clicked, share = say.share(clicks / shown), say.share(clicks / visits)
    return say(
        "{clicked} clicked, which makes {share} of visits; the others come without an impression",
        clicked=clicked, share=share,
    )  # fmt: skip


def _loss(before: float, after: float, say: Words) -> str:
    if not before:
        return ""
    lost, kept = before - after, after / before
    return say(
        "{n} lost ({lost}), {kept} go on", n=say.compact(lost, 3), lost=say.share(1 - kept), kept=say.share(kept)
    )


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw the steps as bars on a logarithmic scale, the first at the top."""
    say, ax = spoken(lang), panel(ax, 10, 5.5)
    values = table["value"].tolist()
    if not max(values, default=0.0) > 0:
        why = say("no impressions and no visits in the simulated plan")
        return nothing(ax, say("From impressions to repeat buyers"), why)
    floor = 10 ** (len(str(int(min(v for v in values if v > 0)))) - 2)
    names = table["step"].tolist()
    ax.barh(range(len(values)), [max(v, floor) for v in values], height=0.56, color=BLUE, zorder=2)
    ax.set_xscale("log")
    ax.set_xlim(left=floor, right=max(values) * 6)
    for k, value in enumerate(values):
        ax.text(max(value, floor) * 1.08, k, say.compact(value), va="center", fontweight="bold", color=BLACK)
        colour = "#555555" if k == 1 else RUST
        ax.text(floor * 1.1, k - 0.5, table["words"][k], va="center", fontsize=8, color=colour, zorder=3)
    ax.set_yticks(range(len(values)), names)
    ax.set_ylim(len(values) - 0.5, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False)
    ax.set_xlabel(say("number in the plan's days (logarithmic scale)"))
    ax.xaxis.set_major_formatter(lambda v, _: say.compact(v))
    return ax


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw the funnel of the whole plan, all runs together."""
    say, fig = spoken(lang), canvas(10, 6)
    draw(steps(replication.daily, 0, replication.scenario.clock.days - 1, lang), fig.subplots(), lang=lang)
    headline(fig, replication, say("from impressions to repeat buyers"), lang)
    return fig
