"""What the plan does: one record per lever kind. The market's answer to each kind is in `sim/levers/<kind>.py`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from scenarios.calendar import When
from scenarios.literals import Budget, Count, Days, Factor, Flag, Hours, Names, Rate, Share, Weekday, Yuan
from scenarios.literals import amount as read_amount
from scenarios.literals import aslist as read_list
from scenarios.literals import number as read_number
from scenarios.market import Effect
from scenarios.model import MisfitError, Model

Openings = Annotated[tuple[When, ...], BeforeValidator(read_list)]
"""When a lever is open: names of phases, festivals or festival stages (`double-11.burst`), or intervals."""


class Audience(Model):
    """Who may use or receive something; every condition given must hold."""

    segments: Names = ()
    """Segments; empty: all."""
    tags: Names = ()
    """At least one of these tags; empty: all."""
    tiers: Names = ()
    """Membership tiers; empty: all."""
    registered: Flag | None = True
    """Registered users only (true), unregistered only (false), or both (null)."""
    orders: tuple[Count, Count | None] = (0, None)
    """Least and most orders so far; null: no limit."""
    idle: tuple[Days, Days | None] = (0, None)
    """Least and most days since the last visit; null: no limit."""

    @model_validator(mode="after")
    def _ordered(self) -> "Audience":
        for field, (least, most) in (("orders", self.orders), ("idle", self.idle)):
            if most is not None and least > most:
                swapped = f"did you mean [{most}, {least}]?"
                raise MisfitError("the least must not be above the most", at=(field,), fix=swapped)
        return self


class Buyers(Audience):
    """An audience that has ordered, unless `orders` says otherwise."""

    orders: tuple[Count, Count | None] = (1, None)
    """Least and most orders so far; null: no limit."""


class Anyone(Audience):
    """An audience of registered and unregistered users, unless `registered` says otherwise."""

    registered: Flag | None = None
    """Registered users only (true), unregistered only (false), or both (null)."""


class Lever(Model):
    """What every lever has."""

    title: str = ""
    """Name for people; the key when empty."""
    plan: Names = ()
    """Ids of the plan's levers that this stands for, such as L000-25."""
    on: Flag = True
    """A lever that is off is the same as none."""
    standby: Flag = False
    """A lever on standby is ready but does nothing until a rule switches it on."""
    open: Openings = ()
    """When the lever works; empty: through the whole plan."""
    account: str | None = None
    """Path of the account that pays, such as content.kol.mid; none: the lever costs nothing."""


class Media(Lever):
    """Impressions bought or made: paid traffic, KOL placements, livestreams, content, slots."""

    kind: Literal["media"]
    channel: str
    """Channel on which the impressions appear."""
    role: Literal["paid", "kol", "livestream", "content", "slot"] = "paid"
    """What it is, for reports and KPIs such as kol_conversion."""
    budget: Budget = "100%"
    """Money over all openings: yuan, or a percentage of the account."""
    budget_cap: Annotated[float, BeforeValidator(read_number), Field(ge=1, le=1000)] | None = None
    """Most money over the plan to which rules may raise it, as a multiple of its budget: 120%; none: no cap."""
    pace: dict[str, Factor] = {}
    """Weight of a day's spend within a phase, festival or stage (a day takes the largest that holds); otherwise 1."""
    weekdays: tuple[Weekday, ...] = ()
    """Days of the week; empty: every day."""
    hours: Hours | None = None
    """Hours of the day; none: all day."""
    unit_cost: Annotated[float, BeforeValidator(read_amount), Field(gt=0, le=1e9)]
    """Cost of one unit: a thousand impressions, a placement, a session [yuan]."""
    unit_impressions: Annotated[float, BeforeValidator(read_amount), Field(gt=0, le=1e9)] = 1000.0
    """Impressions that one unit yields while the channel is not crowded."""
    whole_units: Flag = False
    """Units are bought whole (placements, sessions); money that does not buy a whole unit waits for the next day."""
    lasts: Days = 1
    """Days over which a unit's impressions spread, evenly."""
    click: Share
    """Clicks an impression by a person without recent exposure: visits it brings."""
    awareness: Rate = 0.1
    """Awareness stock that one impression adds."""
    quality: Factor = 1.0
    """Multiple of the odds of the cart step in visits it brings."""
    affinity: dict[str, Factor] = {}
    """Multiple of the impressions that go to each segment."""
    commission: Share = 0.0
    """Commission on the value of orders in visits it brings, paid from the account."""


class Offer(Lever):
    """A saving: threshold coupon, percentage, fixed amount, free shipping, gift."""

    kind: Literal["offer"]
    form: Literal["threshold", "percent", "amount", "free_shipping", "gift"]
    """threshold: `off` yuan from an order value of `over`, to which baskets may be padded; percent: `rate` off; amount: `off`
    yuan; free_shipping: no fee; gift: worth `off` to the user. `over` is the least order value of every form."""
    give: Literal["public", "registration", "order", "message", "reward"] = "public"
    """public: open to the audience; otherwise a coupon put into the wallet on registration, after an order, by a
    message that names it, or as a reward of a referral or a group-buy."""
    over: Yuan = 0.0
    """Threshold of the order value [yuan]."""
    off: Yuan = 0.0
    """Face value [yuan]."""
    rate: Share = 0.0
    """Share off, for form percent."""
    cost: Share = 1.0
    """Share of the user's saving that the plan pays (a gift may cost less than it is worth)."""
    goods: Names = ()
    """Goods classes; empty: all."""
    audience: Audience = Audience()
    """Who may use it (public) or receives it."""
    hours: Hours | None = None
    """Hours of the day; none: all day."""
    weekdays: tuple[Weekday, ...] = ()
    """Days of the week; empty: every day."""
    valid: Days = 15
    """Days a wallet coupon may be used."""
    quota: Count = 0
    """Uses a day in the real market; 0: no limit."""
    urgency: Factor = 1.0
    """Multiple of the saving as users perceive it (scarcity, countdown)."""

    @model_validator(mode="after")
    def _consistent(self) -> "Offer":
        if self.form in ("threshold", "amount", "gift") and not self.off > 0:
            raise MisfitError(f"must be above 0 for form {self.form}", at=("off",))
        if self.form == "threshold" and not self.off < self.over:
            higher = f"did you mean over: {_above(self.off):g}?"
            raise MisfitError(f"must be below over ({self.over:g})", at=("off",), fix=higher, with_=("over",))
        if self.form == "percent" and not 0 < self.rate < 1:
            rule = "must lie between 0% and 100% for form percent"
            raise MisfitError(rule, at=("rate",), fix="write the share off, such as 10%")
        if self.quota and self.give != "public":
            raise MisfitError(f"is for public offers, but give is {self.give}", at=("quota",), fix="leave it out")
        if self.form != "percent" and self.rate:
            rule = f"is for form percent, but form is {self.form}"
            raise MisfitError(rule, at=("rate",), fix="did you mean form: percent?")
        return self


def _above(value: float) -> float:
    steps = (m * 10.0**k for k in range(-2, 14) for m in (1, 2, 5))
    return next((step for step in steps if step > value), value * 2)


class Message(Lever):
    """Messages to users the plan can address: SMS, push, WeCom; on schedule or triggered."""

    kind: Literal["message"]
    channel: str
    """Channel of the message."""
    price: Yuan = 0.0
    """Cost of one message [yuan]."""
    opened: Share
    """Share of messages that bring a visit from a user without message fatigue."""
    audience: Audience = Audience()
    """Who receives it."""
    weekdays: tuple[Weekday, ...] = ()
    """Days of the week for messages on schedule; empty: every day."""
    every: Days = 0
    """At most one in so many days to each user; 0: no such limit."""
    hour: Annotated[int, BeforeValidator(read_amount), Field(ge=0, le=23)] = 20
    """Hour of sending, and of the visits it brings."""
    after: Literal["", "registration", "order", "cart", "idle"] = ""
    """Trigger; empty: on schedule. registration: while there is no order yet; idle: days since the last visit or order."""
    delay: Annotated[Days, Field(ge=1)] = 1
    """Days from the trigger to the message."""
    offer: str | None = None
    """Offer put into the wallet of each receiver."""
    quality: Factor = 1.0
    """Multiple of the odds of the cart step in visits it brings (content matched to tags)."""


class Reward(Model):
    """What a referrer gets at a stage."""

    offer: str | None = None
    """Offer put into the wallet."""
    cash: Yuan = 0.0
    """Cash paid out [yuan]."""


class Threshold(Reward):
    """A reward for reaching a number of invitees."""

    invitees: Annotated[int, BeforeValidator(read_amount), Field(ge=1, le=200)]
    """Number of invitees who reached the stage `counts`."""
    each: Flag = False
    """Pay it for every further invitee also."""


class Referral(Lever):
    """Invitations over the contact graph with stages invite, register, order."""

    kind: Literal["referral"]
    audience: Buyers = Buyers()
    """Who may invite."""
    per_order: Rate = 0.3
    """Mean invitations after an order."""
    per_visit: Rate = 0.0
    """Mean invitations in a visit without an order."""
    accept: Share = 0.1
    """Share of invitations that bring a visit of the invitee."""
    registration: Factor = 3.0
    """Multiple of the share of visits that end in a registration, for invitees."""
    on_register: Reward = Reward()
    """What the referrer gets when an invitee registers."""
    on_order: Reward = Reward()
    """What the referrer gets when an invitee orders for the first time."""
    counts: Literal["register", "order"] = "order"
    """Stage that counts towards thresholds."""
    thresholds: tuple[Threshold, ...] = Field(default=(), max_length=2)
    """Rewards for numbers of invitees."""


class GroupBuy(Lever):
    """A price for a group that must fill within a time limit."""

    kind: Literal["group_buy"]
    size: Annotated[int, BeforeValidator(read_amount), Field(ge=2, le=3)]
    """Members of a full group."""
    rate: Share = 0.0
    """Share off for each member."""
    off: Yuan = 0.0
    """Amount off for each member [yuan]."""
    audience: Anyone = Anyone()
    """Who may start or join."""
    goods: Names = ()
    """Goods classes; empty: all."""
    weekdays: tuple[Weekday, ...] = ()
    """Days of the week; empty: every day."""
    days: Annotated[int, BeforeValidator(read_amount), Field(ge=1, le=30)] = 1
    """Time limit to fill the group [days]."""
    start: Share = 0.3
    """Share of detail-page visitors with eligible goods who go for the group price when it is the best offer."""
    invite: Rate = 3.0
    """Contacts whom each starter asks to join, in equal parts on each day of the time limit."""
    accept: Share = 0.1
    """Share of those asked who come to join."""
    initiator: Reward = Reward()
    """What the starter of a full group gets."""

    @model_validator(mode="after")
    def _some(self) -> "GroupBuy":
        if not (self.rate > 0) ^ (self.off > 0):
            raise MisfitError("exactly one of rate and off must be above 0")
        return self


class Tier(Model):
    """A membership tier."""

    spend: Yuan = 0.0
    """Spend of the trailing year (exponentially weighted) from which a user has the tier [yuan]."""
    orders: Count = 0
    """Orders of the trailing year (exponentially weighted, rounded) from which a user has the tier."""
    discount: Share = 0.0
    """Share off every order, paid by the account."""
    free_shipping: Flag = False
    """Members pay no shipping fee."""
    visits: Factor = 1.0
    """Multiple of the member's own visits."""
    drop: Factor = 1.0
    """Multiple of the member's drop-out probability."""
    monthly_cost: Yuan = 0.0
    """Cost of benefits (gifts, dedicated service) a member and month [yuan]."""


class Membership(Lever):
    """A ladder of tiers, reviewed on schedule."""

    kind: Literal["membership"]
    tiers: dict[str, Tier] = Field(min_length=1, max_length=4)
    """Tiers in ascending order; users below the first have none."""
    review_days: Annotated[int, BeforeValidator(read_amount), Field(ge=1, le=366)] = 30
    """Days between reviews of tiers."""


class Experience(Lever):
    """A one-off improvement of page, payment, recommendation, logistics or service from a release date on."""

    kind: Literal["experience"]
    effect: Effect
    """What it changes when fully in force."""
    audience: Names = ()
    """Segments that see it; empty: all."""
    ramp: Days = 0
    """Days until it is fully in force."""
    once: Yuan = 0.0
    """One-off cost on release [yuan]."""
    daily: Yuan = 0.0
    """Running cost [yuan a day]."""


AnyLever = Annotated[
    Media | Offer | Message | Referral | GroupBuy | Membership | Experience, Field(discriminator="kind")
]
