"""Who is out there: people, segments, channels, contacts, goods, service."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from scenarios.literals import Change, Count, Days, Factor, Number, Rate, Share, Yuan, amount, number
from scenarios.model import MisfitError, Model


class Segment(Model):
    """A part of the market whose members share tastes and hours."""

    share: Share
    """Share of the market's people; the segments' shares sum to 1."""
    tags: dict[str, Share] = {}
    """Interest or life-situation tags and the share of the segment that carries each."""
    hours: str = "everyday"
    """Name of the activity profile in `market.hours`."""
    channels: dict[str, Factor] = {}
    """Multiple of each channel's reach in this segment (result capped at 1)."""
    price_sensitivity: Factor = 1.0
    """Multiple of the response to a saving."""
    activity: Factor = 1.0
    """Multiple of the mean visit rate."""
    basket: Factor = 1.0
    """Multiple of the basket value."""


class Channel(Model):
    """A place where paid or owned messages meet people."""

    title: str = ""
    """Name for people; the key when empty."""
    place: str = "off-site"
    """on-site, off-site or offline (a grouping for reports)."""
    reach: Share = 1.0
    """Share of people who are on this channel at all; nobody else can be reached there."""
    depth: Rate = 5.0
    """Impressions a day and person reached that the channel can sell before prices double."""
    frequency_half: Annotated[float, BeforeValidator(number), Field(gt=0)] = 20.0
    """Recent impressions of paid media (a decayed count) at which a person's click rate has halved."""


class Contacts(Model):
    """The contact graph over which word of mouth, invitations and group-buys travel."""

    mean: Annotated[int, BeforeValidator(amount), Field(ge=0, le=200)] = 8
    """Contacts a person (the graph is random with this degree; an odd number is rounded up)."""
    strangers: Share = 0.0
    """Share of word of mouth that reaches a random stranger (a public post) instead of a contact."""


class Market(Model):
    """The simulated market."""

    people: Annotated[int, BeforeValidator(amount), Field(ge=1, le=10**10)]
    """Real people in the market; money and counts are reported for them."""
    users: Annotated[int, BeforeValidator(amount), Field(ge=10, le=20_000_000)] = 20_000
    """Simulated users, who stand for `people`; the number changes the noise, not the answer."""
    segments: dict[str, Segment] = Field(min_length=1, max_length=12)
    """Segments by name."""
    channels: dict[str, Channel] = Field(default={}, max_length=24)
    """Channels by name."""
    hours: dict[str, tuple[Number, ...]] = {"everyday": (1.0,) * 24}
    """Activity profiles: 24 weights, hour 0 to 23."""
    contacts: Contacts = Contacts()
    """The contact graph."""

    @model_validator(mode="after")
    def _whole(self) -> "Market":
        must_sum_to_one({name: s.share for name, s in self.segments.items()}, at="segments", what="share")
        for name, profile in self.hours.items():
            if len(profile) != 24:
                raise MisfitError(f"must hold 24 weights, but holds {len(profile)}", at=("hours", name))
            if min(profile) < 0 or sum(profile) <= 0:
                raise MisfitError("must hold no negative weight and at least one positive", at=("hours", name))
        return self


class Stock(Model):
    """Stock of a goods class: reviewed daily, reordered up to a level, delivered after a lead time."""

    opening_days: Days = 30
    """Stock when stock keeping begins, in days of expected sales: on the first evening when `expected_daily` is given, else
    after four weeks."""
    cover_days: Days = 30
    """Reorder up to so many days of the forecast."""
    lead_days: Days = 7
    """Days from order to delivery."""
    on_time: Share = 0.95
    """Share of deliveries on time; the others come `late_days` later."""
    late_days: Days = 5
    """Extra days of a late delivery."""
    expected_daily: Rate = 0.0
    """Expected sales before any are seen [orders a day of the real market]; 0 takes the first burn-in weeks."""
    divert: Share = 0.4
    """Share of buyers who take a substitute when their class is out of stock."""


class Goods(Model):
    """A class of goods."""

    demand: Share
    """Share of baskets; the classes' shares sum to 1."""
    basket: Annotated[float, BeforeValidator(amount), Field(gt=0, le=1e6)]
    """Mean basket value before discounts [yuan]."""
    spread: Annotated[float, BeforeValidator(number), Field(ge=0, le=2)] = 0.5
    """Standard deviation of the logarithm of the basket value."""
    margin: Annotated[float, BeforeValidator(number), Field(ge=-1, le=1)] = 0.3
    """Gross margin, share of the undiscounted price."""
    returns: Share = 0.05
    """Share of orders sent back and refunded."""
    stock: Stock | None = None
    """Stock keeping; none means never short."""


class Service(Model):
    """Delivery and the service desk, which make or break satisfaction."""

    shipping_cost: Yuan = 8.0
    """Cost of shipping an order [yuan]."""
    shipping_fee: Yuan = 8.0
    """Fee a buyer pays below `free_from` [yuan]."""
    free_from: Yuan = 99.0
    """Order value from which shipping is free to the buyer [yuan]."""
    delivery_days: Rate = 3.0
    """Mean delivery time [days]."""
    promised_days: Rate = 4.0
    """Delivery time that users expect; each day more costs satisfaction."""
    contacts_per_order: Rate = 0.3
    """Service contacts an order causes."""
    handle_minutes: Annotated[float, BeforeValidator(amount), Field(gt=0)] = 6.0
    """Mean handling time of a contact [minutes]."""
    agents: Count = 0
    """Agents on duty through a 12-hour day; 0 means that service is never short."""
    assisted: Share = 0.0
    """Share of contacts that an assistant program settles without an agent."""
    slow_seconds: Rate = 90.0
    """Mean response time above which satisfaction falls [seconds]."""
    slow_penalty: Share = 0.2
    """Fall of an order's satisfaction score when response is slow."""


class Effect(Model):
    """Relative changes of the steps of a visit; a page fix, a better payment path, a recommendation engine."""

    ctr: Change = 0.0
    """Click rate of item impressions."""
    detail_bounce: Change = 0.0
    """Share of detail-page visitors who leave there."""
    cart: Change = 0.0
    """Odds of putting something into the cart."""
    payment_abandonment: Change = 0.0
    """Share of started payments that are given up."""
    visits: Change = 0.0
    """Users' own visits."""
    basket: Change = 0.0
    """Basket value."""
    satisfaction: Change = 0.0
    """Satisfaction score of an order."""
    registration: Change = 0.0
    """Share of unregistered visits that end in a registration."""


class Assortment(Model):
    """All goods classes."""

    classes: dict[str, Goods] = Field(min_length=1, max_length=8)
    """Goods classes by name."""

    @model_validator(mode="after")
    def _whole(self) -> "Assortment":
        must_sum_to_one({name: g.demand for name, g in self.classes.items()}, at="classes", what="demand")
        return self


def must_sum_to_one(shares: dict[str, float], *, at: str, what: str) -> None:
    """Raise `MisfitError` at the field `at` unless the shares sum to 1."""
    total = sum(shares.values())
    if abs(total - 1) > 1e-6:
        gap = f"{abs(1 - total):.6g} {'is missing' if total < 1 else 'too much'}"
        raise MisfitError(f"the {what}s of {', '.join(shares)} must sum to 1", at=(at,), value=f"{total:.6g}", fix=gap)
