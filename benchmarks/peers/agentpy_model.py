"""The funnel in AgentPy: an agent per user in an AgentList."""

# mypy: allow-subclassing-any

import agentpy  # type: ignore[import-untyped]
import numpy as np

from benchmarks.funnel import AWARE, CHURNED, CUSTOMER, REPEAT, UNAWARE, Counts, Daily, Funnel, contacts


class User(agentpy.Agent):
    """One user; his contacts are numbers in the model's list of users."""

    def setup(self, friends: list[int], number: int) -> None:
        """Start unaware."""
        self.friends = friends
        self.number = number
        self.state = UNAWARE

    def live(self) -> None:
        """Live one day."""
        model, state = self.model, self.state
        if state == CHURNED:
            return
        funnel, chance = model.funnel, model.random.random
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
        self.move(CHURNED if chance() < self.model.funnel.p_churn else after)

    def tell(self) -> None:
        """Send a message to one random friend, heard tomorrow."""
        self.model.sent.add(self.friends[int(self.model.random.random() * len(self.friends))])

    def move(self, after: int) -> None:
        """Change state and keep the model's counts."""
        self.model.counts[self.state] -= 1
        self.model.counts[after] += 1
        self.state = after


class Market(agentpy.Model):
    """The users, the messages under way and the state counts."""

    def setup(self) -> None:
        """Build the users; AgentPy hands each one his entry of an `AttrIter`."""
        self.funnel = self.p.funnel
        self.heard: set[int] = set()
        self.sent: set[int] = set()
        self.counts = [self.p.users, 0, 0, 0, 0]
        friends = agentpy.AttrIter(contacts(self.p.users, self.p.seed).tolist())
        number = agentpy.AttrIter(list(range(self.p.users)))
        self.users = agentpy.AgentList(self, self.p.users, User, friends=friends, number=number)

    def step(self) -> None:
        """Run one day."""
        self.users.live()
        self.heard, self.sent = self.sent, set()

    def update(self) -> None:
        """Record the counts at the start and after each day."""
        self.record("counts", tuple(self.counts))


def prepare(funnel: Funnel, users: int, seed: int) -> Daily:
    """Build the market and return its daily loop, which is AgentPy's own `run` after its `sim_setup`."""
    market = Market({"funnel": funnel, "users": users, "seed": seed})
    market.sim_setup()

    def daily(days: int) -> Counts:
        for _ in range(days):
            market.sim_step()
        return np.array(market.log["counts"], np.int64)

    return daily


def run(funnel: Funnel, users: int, days: int, seed: int) -> Counts:
    """Return the state counts [days + 1, 5]."""
    return prepare(funnel, users, seed)(days)
