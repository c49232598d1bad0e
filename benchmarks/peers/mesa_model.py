"""The funnel in Mesa: an agent per user, removed from the model when he churns."""

# mypy: allow-subclassing-any

import mesa  # type: ignore[import-untyped]
import numpy as np

from benchmarks.funnel import AWARE, CHURNED, CUSTOMER, REPEAT, UNAWARE, Counts, Daily, Funnel, contacts


class User(mesa.Agent):
    """One user; his contacts are numbers in the model's list of users."""

    def __init__(self, model: "Market", number: int, friends: list[int]) -> None:
        super().__init__(model)
        self.number = number
        self.friends = friends
        self.state = UNAWARE

    def step(self) -> None:
        """Live one day."""
        model, funnel = self.model, self.model.funnel
        chance = model.random.random
        state = self.state
        if state == UNAWARE:
            if self.number in model.heard or chance() < funnel.p_ad:
                self.move(AWARE)
        elif state == AWARE:
            if chance() < funnel.p_buy:
                self.order(CUSTOMER)
        else:
            if chance() < funnel.p_talk:
                self.tell()
            if chance() < funnel.p_again:
                self.order(REPEAT)

    def order(self, after: int) -> None:
        """Place one order: perhaps invite a friend, perhaps leave."""
        chance = self.model.random.random
        if chance() < self.model.funnel.p_invite:
            self.tell()
        if chance() < self.model.funnel.p_churn:
            self.move(CHURNED)
            self.remove()
        else:
            self.move(after)

    def tell(self) -> None:
        """Send a message to one random friend, heard tomorrow."""
        self.model.sent.add(self.friends[int(self.model.random.random() * len(self.friends))])

    def move(self, after: int) -> None:
        """Change state and keep the model's counts."""
        self.model.counts[self.state] -= 1
        self.model.counts[after] += 1
        self.state = after


class Market(mesa.Model):
    """The users, the messages under way and the state counts."""

    def __init__(self, funnel: Funnel, users: int, seed: int) -> None:
        super().__init__(seed=seed)
        self.funnel = funnel
        self.heard: set[int] = set()
        self.sent: set[int] = set()
        self.counts = [users, 0, 0, 0, 0]
        self.datacollector = mesa.DataCollector(model_reporters={"counts": lambda model: tuple(model.counts)})
        for number, friends in enumerate(contacts(users, seed).tolist()):
            User(self, number, friends)
        self.datacollector.collect(self)

    def step(self) -> None:
        """Run one day; no shuffle, since everyone acts on the states at its start."""
        self.agents.do("step")
        self.heard, self.sent = self.sent, set()
        self.datacollector.collect(self)


def prepare(funnel: Funnel, users: int, seed: int) -> Daily:
    """Build the market and return its daily loop."""
    market = Market(funnel, users, seed)

    def daily(days: int) -> Counts:
        for _ in range(days):
            market.step()
        return np.array(market.datacollector.model_vars["counts"], np.int64)

    return daily


def run(funnel: Funnel, users: int, days: int, seed: int) -> Counts:
    """Return the state counts [days + 1, 5]."""
    return prepare(funnel, users, seed)(days)
