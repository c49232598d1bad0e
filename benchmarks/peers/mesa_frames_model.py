"""The funnel in mesa-frames: one Polars frame of users, advanced by expressions."""

# mypy: allow-subclassing-any

import warnings

import numpy as np
import polars as pl

from benchmarks.funnel import (
    AWARE,
    CHURNED,
    CUSTOMER,
    DEGREE,
    REPEAT,
    STATES,
    UNAWARE,
    Counts,
    Daily,
    Funnel,
    contacts,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own use of deprecated Polars calls
    from mesa_frames import AgentSetPolars, ModelDF  # type: ignore[import-untyped]


def later(state: pl.Expr, draw: pl.Expr, heard: pl.Expr, funnel: Funnel) -> pl.Expr:
    """Return the state at the end of the day; one draw decides both the order and the churn that follows it."""
    leaves = pl.lit(CHURNED, pl.UInt8)
    return (
        pl.when(state == UNAWARE)
        .then((heard | (draw < funnel.p_ad)).cast(pl.UInt8))
        .when(state == AWARE)
        .then(
            pl.when(draw < funnel.p_buy * funnel.p_churn)
            .then(leaves)
            .when(draw < funnel.p_buy)
            .then(pl.lit(CUSTOMER, pl.UInt8))
            .otherwise(state)
        )
        .when(state == CHURNED)
        .then(state)
        .when(draw < funnel.p_again * funnel.p_churn)
        .then(leaves)
        .when(draw < funnel.p_again)
        .then(pl.lit(REPEAT, pl.UInt8))
        .otherwise(state)
    )


class Users(AgentSetPolars):
    """All users: their state and their eight contacts."""

    agents: pl.DataFrame

    def __init__(self, model: "Market", users: int, seed: int) -> None:
        super().__init__(model)
        self.sent = pl.Series("contact", [], pl.Int32)
        columns = {
            "unique_id": np.arange(users, dtype=np.int64),
            "state": np.full(users, UNAWARE, np.uint8),
            "contacts": contacts(users, seed),
        }
        self.add(pl.DataFrame(columns))

    def step(self) -> None:
        """Run one day."""
        funnel, random = self.model.funnel, self.model.random
        heard = np.zeros(len(self), np.bool_)
        heard[self.sent.to_numpy()] = True
        state, draw = pl.col("state"), pl.Series("draw", random.random(len(self), dtype=np.float32))
        day = self.agents.with_columns(draw, pl.Series("heard", heard))

        owners = day.filter(state.is_between(CUSTOMER, REPEAT)).select("contacts", "draw")
        buyers = day.filter((state == AWARE) & (pl.col("draw") < funnel.p_buy)).select("contacts")
        orders = pl.concat([buyers, owners.filter(pl.col("draw") < funnel.p_again).select("contacts")])
        senders = pl.concat([self.some(owners.select("contacts"), funnel.p_talk), self.some(orders, funnel.p_invite)])
        pick = pl.Series(random.integers(DEGREE, size=len(senders)))
        self.sent = senders.select(contact=pl.col("contacts").arr.get(pick))["contact"]

        end = later(state, pl.col("draw"), pl.col("heard"), funnel).alias("state")
        self.agents = day.select("unique_id", end, "contacts")

    def some(self, rows: pl.DataFrame, probability: float) -> pl.DataFrame:
        """Return the rows that pass an independent draw."""
        return rows.filter(pl.Series(self.model.random.random(len(rows), dtype=np.float32) < probability))

    def counts(self) -> list[int]:
        """Return the number of users in each state."""
        state = pl.col("state")
        return list(self.agents.select((state == code).sum().alias(name) for code, name in enumerate(STATES)).row(0))


class Market(ModelDF):
    """The users, and their counts at the start and after each day."""

    def __init__(self, funnel: Funnel, users: int, seed: int) -> None:
        super().__init__(seed)
        self.funnel = funnel
        self.users = Users(self, users, seed)
        self.agents += self.users
        self.rows = [self.users.counts()]

    def step(self) -> None:
        """Run one day."""
        self.agents.step()
        self.rows.append(self.users.counts())


def prepare(funnel: Funnel, users: int, seed: int) -> Daily:
    """Build the market and return its daily loop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        market = Market(funnel, users, seed)

    def daily(days: int) -> Counts:
        for _ in range(days):
            market.step()
        return np.array(market.rows, np.int64)

    return daily


def run(funnel: Funnel, users: int, days: int, seed: int) -> Counts:
    """Return the state counts [days + 1, 5]."""
    return prepare(funnel, users, seed)(days)
