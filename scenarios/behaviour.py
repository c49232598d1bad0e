"""What a user does without any lever: the base rates of the six verbs."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from scenarios.literals import Days, Factor, Rate, Share, number
from scenarios.model import MisfitError, Model

Positive = Annotated[float, BeforeValidator(number), Field(gt=0, le=1e6)]


class Start(Model):
    """Where users stand on the first simulated day; the burn-in takes them from there."""

    aware: Share = 0.2
    """Share aware, not registered."""
    registered: Share = 0.3
    """Share registered (a part of them lapsed, as time would have made it)."""

    @model_validator(mode="after")
    def _not_over(self) -> "Start":
        if self.aware + self.registered > 1 + 1e-9:
            rule = f"must not be above 1 together with aware ({self.aware:g})"
            raise MisfitError(rule, at=("registered",), fix=f"did you mean {1 - self.aware:g}?", with_=("aware",))
        return self


class Hear(Model):
    """Awareness: a stock filled by what a user hears and decaying day by day."""

    spontaneous: Share = 0.0005
    """Probability a day that an unaware person hears of the platform without any lever or contact."""
    keep: Annotated[float, BeforeValidator(number), Field(gt=0, le=1)] = 0.97
    """Share of the awareness stock kept from one day to the next (geometric adstock)."""
    half: Positive = 1.0
    """Awareness stock at which half the full effect is reached."""
    forget_below: Share = 0.05
    """An unregistered user whose stock falls below this is unaware again; 0 never forgets."""
    word: Rate = 1.0
    """Awareness stock added by one word of mouth."""


class Visit(Model):
    """Visits to the platform that nobody prompted."""

    aware: Share = 0.01
    """Probability a day that an aware, unregistered user visits, at full awareness."""
    rate: Rate = 0.1
    """Mean visits a day of a registered user who has not lapsed."""
    shape: Positive = 1.0
    """Shape of the gamma distribution of users' own visit rates; 1e6 makes all alike."""
    registration: Share = 0.15
    """Share of an unregistered user's visits that end in a registration."""
    recall: Share = 0.3
    """Share of prompted visits of a lapsed user after which he stays."""


class Shop(Model):
    """The steps of one visit: impressions, click, detail page, cart, payment, order."""

    impressions: Annotated[int, BeforeValidator(number), Field(ge=1, le=60)] = 20
    """Item impressions that one visit shows."""
    ctr: Share = 0.032
    """Clicks an item impression; a visit without a click is a bounce."""
    detail_bounce: Share = 0.45
    """Share of detail-page visitors who leave there."""
    cart: Share = 0.1
    """Share of the others who put something into the cart."""
    payment_abandonment: Share = 0.3
    """Share of started payments that are given up."""
    saving_response: Rate = 4.0
    """Change of the log odds of the cart step for a saving of 100 % of the basket."""
    first_order: Factor = 1.0
    """Multiple of the cart odds of a user who has never ordered."""
    padding: Share = 0.6
    """A basket worth at least this share of a coupon's threshold may be padded up to it."""


class Settle(Model):
    """What an order leaves behind."""

    satisfaction: Share = 0.75
    """Mean satisfaction score of an order when nothing goes wrong."""
    spread: Share = 0.2
    """Half-width of the uniform spread of the score."""
    learn: Share = 0.3
    """Weight of the last order in a user's satisfaction."""
    late_penalty: Share = 0.05
    """Fall of the score for each day of delivery beyond the promise."""
    stockout_penalty: Share = 0.2
    """Fall of satisfaction when the goods are out of stock."""
    loyalty: Rate = 1.0
    """Response of own visits and drop-out to satisfaction: relative change for each point above or below the mean;
    0: none."""


class Tell(Model):
    """Word of mouth."""

    talk: Share = 0.002
    """Probability a day that a user with at least one order, not lapsed, tells one contact."""
    listen: Share = 1.0
    """Probability that the person told takes it in."""


class Fade(Model):
    """How users go away, are forgotten and replaced."""

    lapse_at_registration: Share = 0.3
    """Share of registrations that never visit of their own accord."""
    lapse_per_visit: Share = 0.02
    """Probability that a registered user without an order lapses at the end of a visit."""
    drop: Share = 0.2
    """Mean probability that a user lapses after an order (BG/NBD's drop-out)."""
    drop_shape: Positive = 2.0
    """a + b of the beta distribution of users' own drop-out probabilities; 1e6 makes all alike."""
    dormant_days: Days = 30
    """Days without a visit after which a registered user counts as dormant."""
    churn_days: Days = 365
    """Days without a visit after which a dormant user counts as churned."""
    renewal: Share = 0.002
    """Probability a day that a churned user leaves the market and a newcomer takes the place; 0 never."""
    fatigue_keep: Annotated[float, BeforeValidator(number), Field(ge=0, le=1)] = 0.9
    """Share of message and exposure fatigue kept from one day to the next."""
    message_half: Positive = 4.0
    """Recent messages (a decayed count) at which a user's open rate has halved."""
    habituation: Share = 0.02
    """Speed at which a user comes to expect the savings he takes (the reference-price shift)."""

    @model_validator(mode="after")
    def _dormant_first(self) -> "Fade":
        if self.dormant_days > self.churn_days:
            rule = f"must not be above churn_days ({self.churn_days})"
            raise MisfitError(rule, at=("dormant_days",), with_=("churn_days",))
        return self


class Behaviour(Model):
    """Base rates, by verb."""

    start: Start = Start()
    hear: Hear = Hear()
    visit: Visit = Visit()
    shop: Shop = Shop()
    settle: Settle = Settle()
    share: Tell = Tell()
    fade: Fade = Fade()
