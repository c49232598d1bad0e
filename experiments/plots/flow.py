"""How money flows from accounts to levers, and what orders come of it: a Sankey diagram (Schmidt 2008)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from experiments.plots.credit import OWN, credited, own_share
from experiments.plots.money import costs
from experiments.plots.style import (
    BLACK,
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    VERMILLION,
    canvas,
    footnote,
    headline,
    label,
    nothing,
    panel,
    spoken,
    styled,
    title_of,
)  # fmt: skip
from experiments.replication import Replication
from experiments.tables import rows
from sim.ledger import UNFUNDED

MOST = 12
"""Accounts and levers shown by name; the others are put together."""
ORDERS = "orders"
COLUMNS = ("source", "target", "yuan", "orders", "gmv")
"""Columns of the flows: a row from an account to a lever has yuan, one from a lever to `ORDERS` has orders and gmv."""
_LABELS = 0.62
"""Share of a column's height that goes to the least heights of its nodes, so that labels have room."""
_GAP = 0.18
"""Distance of nodes, in least heights."""
COLOURS = (BLUE, ORANGE, DARK, SKY)
"""Colours of accounts, by turns."""
_SMALL = 7.5
_ACCOUNT, _LEVER, _ORDER = (0.19, 0.205), (0.43, 0.64), (0.83, 0.845)
"""Left and right edge of each column of nodes, as shares of the panel's width."""


@dataclass(frozen=True)
class Column:
    """Nodes above one another, from the top down: the top and height of each node's room."""

    tops: Mapping[str, float]
    rooms: Mapping[str, float]

    def start(self, name: str, height: float) -> float:
        """Return the top of what has that height, in the middle of its node's room."""
        return self.tops[name] - (self.rooms[name] - height) / 2

    def middle(self, name: str) -> float:
        """Return the height at which a node's label stands."""
        return self.tops[name] - self.rooms[name] / 2


@dataclass(frozen=True)
class Layout:
    """Three columns of nodes, and the heights of a yuan and of an order."""

    accounts: Column
    levers: Column
    orders: Column
    yuan: float
    order: float


def flows(replication: Replication, lang: str = "en") -> pd.DataFrame:
    """Return source, target, yuan, orders, gmv: means over runs, accounts and levers by their titles.

    Orders of users' own accord are left out. Beyond twelve, accounts and levers with little of both are put together.
    """
    say, scenario = spoken(lang), replication.scenario
    paid = costs(replication).rename(columns={"lever": "target", "account": "source"})
    earned = credited(replication).rename(columns={"lever": "source"})
    earned = earned[(earned["source"] != OWN) & (earned["orders"] > 0)].assign(target=ORDERS)
    weight = paid.groupby("target")["yuan"].sum() / max(paid["yuan"].sum(), 1e-9)
    weight = weight.combine(
        earned.set_index("source")["orders"] / max(earned["orders"].sum(), 1e-9), max, fill_value=0.0
    )
    levers = _named({str(n): say.name(title_of(scenario, str(n), most=34)) for n in weight.index}, weight, lang)
    spent = paid.groupby("source")["yuan"].sum()
    accounts = _named({str(n): label(say.name(str(n)), "account", most=24) for n in spent.index}, spent, lang)
    paid = paid.assign(source=paid["source"].map(accounts), target=paid["target"].map(levers))
    earned = earned.assign(source=earned["source"].map(levers))
    both = pd.concat([paid, earned]).reindex(columns=list(COLUMNS)).fillna({"yuan": 0.0, "orders": 0.0, "gmv": 0.0})
    return both.groupby(["source", "target"], sort=False, as_index=False).sum()


def _named(names: Mapping[str, str], weight: pd.Series, lang: str) -> dict[str, str]:
    """Return the names by key: those of equal names with their key, the lightest beyond `MOST` put together."""
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    shown = {key: f"{name} ({key})" if name in twice else name for key, name in names.items()}
    order = weight.sort_values(ascending=False, kind="stable").index.astype(str).tolist()
    rest = [key for key in order[MOST - 1 :] if key != UNFUNDED] if len(order) > MOST else []
    return shown | dict.fromkeys(rest, spoken(lang)("{n} others", n=len(rest)))


def layout(table: pd.DataFrame) -> Layout:
    """Return where the nodes of `flows` stand in a panel of height 1, drawn as large as all columns fit."""
    paid, earned = table[table["target"] != ORDERS], table[table["target"] == ORDERS]
    accounts, levers = _order(paid, earned)
    spent = paid.groupby("source")["yuan"].sum().reindex(accounts)
    cost = paid.groupby("target")["yuan"].sum().reindex(levers, fill_value=0.0)
    orders = earned.set_index("source")["orders"].reindex(levers).dropna()
    least = _LABELS / max(len(accounts), len(levers))
    yuan, order = min(scale(spent, least), scale(cost, least)), scale(orders, least)
    heights = pd.concat([cost * yuan, orders * order], axis=1).max(axis=1).reindex(levers)
    shrunk = min(1.0, scale(heights, least))
    return Layout(
        accounts=_column(spent * yuan * shrunk, least),
        levers=_column(heights * shrunk, least),
        orders=_column(orders * order * shrunk, least),
        yuan=yuan * shrunk,
        order=order * shrunk,
    )


def _order(paid: pd.DataFrame, earned: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return accounts, the dearest first, and levers in the order of the accounts that pay most of them."""
    accounts = (
        paid.groupby("source")["yuan"].sum().sort_values(ascending=False, kind="stable").index.astype(str).tolist()
    )
    main = paid.assign(place=paid["source"].map(accounts.index)).sort_values("yuan", ascending=False, kind="stable")
    paying = main.drop_duplicates("target").sort_values("place", kind="stable")["target"].tolist()
    free = earned.sort_values("orders", ascending=False, kind="stable")["source"]
    return accounts, [*paying, *(name for name in free if name not in paying)]


def scale(values: pd.Series, least: float) -> float:
    """Return the scale on which nodes of these values, each at least `least` high, fill a column of height 1.

    >>> scale(pd.Series([6.0, 2.0]), least=0.0)
    0.125
    """
    sizes = np.sort(values.to_numpy(float))
    height = 1 - _GAP * least * (len(sizes) - 1)
    for small in range(len(sizes)):
        if not sizes[small]:
            continue
        found = float((height - small * least) / sizes[small:].sum())
        if found * sizes[small] >= least or small == len(sizes) - 1:
            return found
    return 1.0


def _column(heights: pd.Series, least: float) -> Column:
    """Return nodes in the middle of the height 1, each with room for its label."""
    rooms = heights.clip(lower=least)
    gap = _GAP * least
    top = 0.5 + (rooms.sum() + gap * (len(rooms) - 1)) / 2
    tops = top - (rooms + gap).cumsum().shift(fill_value=0.0)
    names = [str(name) for name in rooms.index]
    return Column(dict(zip(names, tops, strict=True)), dict(zip(names, rooms, strict=True)))


@styled
def draw(table: pd.DataFrame, ax: Axes | None = None, *, lang: str = "en") -> Axes:
    """Draw the flows of `flows`: heights left of the levers are yuan, right of them orders."""
    say, ax = spoken(lang), panel(ax, 12, 7)
    if not table[["yuan", "orders"]].to_numpy().sum():
        return nothing(ax, say("From account to lever to orders"), say("no lever cost anything or brought an order"))
    places = layout(table)
    paid, earned = table[table["target"] != ORDERS], table[table["target"] == ORDERS].set_index("source")
    _draw_money(ax, paid, places, lang)
    _draw_orders(ax, earned, places, lang)
    _draw_levers(ax, paid, earned, places, lang)
    for x, text, side in (
        (_ACCOUNT[1], say("Accounts: money spent"), "right"),
        (sum(_LEVER) / 2, say("Levers: cost, and cost of an order"), "center"),
        (_ORDER[0], say("Orders credited, and their value"), "left"),
    ):
        ax.text(x, 1.03, text, ha=side, va="bottom", fontweight="bold")
    ax.set(xlim=(0, 1), ylim=(-0.01, 1.08))
    ax.axis("off")
    return ax


def _draw_money(ax: Axes, paid: pd.DataFrame, places: Layout, lang: str) -> None:
    """Draw the accounts, and what flows from them to the levers."""
    say, accounts = spoken(lang), list(places.accounts.tops)
    spent, cost = (paid.groupby(end)["yuan"].sum() for end in ("source", "target"))
    owed = label(say.name(UNFUNDED))
    colours = {name: VERMILLION if name == owed else COLOURS[k % len(COLOURS)] for k, name in enumerate(accounts)}
    out = {name: places.accounts.start(name, spent[name] * places.yuan) for name in accounts}
    into = {str(name): places.levers.start(str(name), cost[name] * places.yuan) for name in cost.index}
    ranks = {name: k for k, name in enumerate([*accounts, *places.levers.tops])}
    for row in sorted(rows(paid), key=lambda r: (ranks[r.source], ranks[r.target])):
        height = row.yuan * places.yuan
        hatch = "////" if row.source == owed else ""
        _ribbon(ax, (_ACCOUNT[1], out[row.source]), (_LEVER[0], into[row.target]), height, colours[row.source], hatch)
        out[row.source] -= height
        into[row.target] -= height
    for name in accounts:
        height = spent[name] * places.yuan
        _node(ax, _ACCOUNT, places.accounts.start(name, height), height, colours[name])
        text = f"{name}\n{say.amount(spent[name], 'yuan', 3)}"
        ax.text(_ACCOUNT[0] - 0.006, places.accounts.middle(name), text, ha="right", va="center", fontsize=_SMALL)


def _draw_orders(ax: Axes, earned: pd.DataFrame, places: Layout, lang: str) -> None:
    """Draw what flows from the levers to the orders credited to them."""
    say = spoken(lang)
    for row in rows(earned.reset_index()):
        height = row.orders * places.order
        top = places.orders.start(row.source, height)
        _ribbon(ax, (_LEVER[1], places.levers.start(row.source, height)), (_ORDER[0], top), height, GREEN)
        _node(ax, _ORDER, top, height, GREEN)
        text = say("{orders}, {value}", orders=say.compact(row.orders, 3), value=say.amount(row.gmv, "yuan", 3))
        ax.text(_ORDER[1] + 0.006, places.orders.middle(row.source), text, va="center", fontsize=_SMALL)


def _draw_levers(ax: Axes, paid: pd.DataFrame, earned: pd.DataFrame, places: Layout, lang: str) -> None:
    """Draw the levers as boxes with their names and costs."""
    say, cost = spoken(lang), paid.groupby("target")["yuan"].sum()
    left, right = _LEVER
    for name, room in places.levers.rooms.items():
        box = (left, places.levers.tops[name] - room)
        ax.add_patch(Rectangle(box, right - left, room, fc="white", ec=GREY, lw=0.7, zorder=3))
        told, yuan = say("no cost"), float(cost.get(name, 0.0))
        orders = float(earned["orders"].get(name, 0.0))
        if yuan:
            amount = say.amount(yuan, "yuan", 3)
            each = say.amount(yuan / orders, "yuan", 3) if orders else ""
            told = say(
                "{amount}, {each} an order" if orders else "{amount}, no order credited", amount=amount, each=each
            )
        text = f"{name}\n{told}"
        ax.text(
            (left + right) / 2, places.levers.middle(name), text, ha="center", va="center", fontsize=_SMALL, zorder=4
        )


def _ribbon(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], height: float, colour: str, hatch: str = ""
) -> None:
    """Draw a ribbon of a height from the top at `start` to the top at `end`."""
    (x0, y0), (x1, y1), middle = start, end, (start[0] + end[0]) / 2
    upper = [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
    lower = [(x, y - height) for x, y in reversed(upper)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    path = Path([*upper, *lower, upper[0]], codes)
    ax.add_patch(PathPatch(path, fc=(colour, 0.45), ec=(colour, 0.9), lw=0.5, hatch=hatch, zorder=1))


def _node(ax: Axes, ends: tuple[float, float], top: float, height: float, colour: str) -> None:
    ax.add_patch(Rectangle((ends[0], top - height), ends[1] - ends[0], height, fc=colour, ec=BLACK, lw=0.6, zorder=2))


@styled
def figure(replication: Replication, *, lang: str = "en") -> Figure:
    """Draw the flows of the whole plan."""
    say, table = spoken(lang), flows(replication, lang)
    accounts = set(table.loc[table["target"] != ORDERS, "source"])
    levers = {*table["source"], *table["target"]} - accounts - {ORDERS}
    fig = canvas(13, 1.6 + 0.5 * max(len(accounts), len(levers), 6))
    draw(table, fig.subplots(), lang=lang)
    headline(fig, replication, say("from account to lever to orders"), lang)
    if len(table):
        notes = [
            say("Heights: yuan left of the levers, credited orders right of them."),
            own_share(credited(replication), lang),
        ]
        footnote(fig, say.sentences(notes))
    return fig
