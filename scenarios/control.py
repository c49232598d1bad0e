"""What acts on the plan while it runs: rules (its own controllers) and shocks (the world's surprises)."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from scenarios.calendar import When
from scenarios.literals import Change, Days, Factor, Flag, Names, Number, PriceChange, Share, amount
from scenarios.model import MisfitError, Model


class Measurement(Model):
    """What rules see instead of the truth."""

    lag: Days = 1
    """Age of the newest day a rule may see [days]."""
    noise: Share = 0.0
    """Standard deviation of the relative error of a measured value (one plan admits 35 % on ROI)."""


class Shift(Model):
    """Action: move money from levers that fail the condition to the lever that does best."""

    do: Literal["shift"]
    share: Share = 0.3
    """Share of the failing lever's remaining budget that moves."""


class Scale(Model):
    """Action: change the remaining daily budget of the levers that meet the condition, paid from or into an account."""

    do: Literal["scale"]
    change: Change
    """Relative change."""
    account: str | None = None
    """Account that pays an increase (such as the reserve); none: the lever's own. What a cut frees stays where it is."""


class Switch(Model):
    """Action: turn levers on or off."""

    do: Literal["switch"]
    levers: Names
    """Levers to act on."""
    to: Flag = True
    """On or off."""


class Rule(Model):
    """If a measured metric passes a threshold and stays there, act; not again before the cool-down is over."""

    title: str = ""
    """Name for people; the key when empty."""
    plan: Names = ()
    """Ids of the plan's rules that this stands for, such as C001-02."""
    on: Flag = True
    """A rule that is off is the same as none."""
    metric: str
    """KPI id, or roi, roas, spend of each lever in `levers`."""
    levers: Names = ()
    """Levers observed one by one; empty: the KPI of the whole market."""
    window: Annotated[int, BeforeValidator(amount), Field(ge=1, le=366)] = 7
    """Days over which the metric is measured."""
    below: Number | None = None
    """The condition holds when the metric is below this."""
    above: Number | None = None
    """The condition holds when the metric is above this."""
    persist: Annotated[int, BeforeValidator(amount), Field(ge=1, le=366)] = 1
    """Evaluations in a row in which the condition must hold."""
    every: Annotated[int, BeforeValidator(amount), Field(ge=1, le=366)] = 7
    """Days between evaluations."""
    cool_down: Days = 14
    """Days after an action in which the rule rests."""
    priority: Annotated[int, BeforeValidator(amount), Field(ge=-1000, le=1000)] = 0
    """Rules with a higher number act first; a lever is acted on once a day."""
    action: Annotated[Shift | Scale | Switch, Field(discriminator="do")]
    """What to do."""

    @model_validator(mode="after")
    def _one_side(self) -> "Rule":
        if (self.below is None) == (self.above is None):
            fix = "write null for the one to drop" if self.below is not None else "add one of them"
            raise MisfitError("exactly one of below and above must be given", fix=fix)
        return self


class Shock(Model):
    """A surprise with a size, a start and an end. Off unless a stress test turns it on."""

    title: str = ""
    """Name for people; the key when empty."""
    plan: Names = ()
    """Ids of the plan's risks, such as R-01."""
    on: Flag = False
    """Whether it happens."""
    when: When
    """A phase, festival or stage, or an interval."""
    media_price: PriceChange = 0.0
    """Relative change of the price of paid traffic."""
    traffic: Change = 0.0
    """Relative change of users' own visits."""
    intent: Change = 0.0
    """Relative change of the odds of the cart step (a competitor's offer)."""
    lead_days: Days = 0
    """Extra days of deliveries to the warehouse that are ordered while it lasts."""
    delivery_days: Factor = 0.0
    """Extra days of every delivery to buyers."""
    outage: Share = 0.0
    """Share of visits lost."""
    agents: Change = 0.0
    """Relative change of service agents on duty; nothing where `service.agents` is 0."""
    satisfaction: Change = 0.0
    """Relative change of the satisfaction score of orders, where no service desk is modelled."""
    channels: Names = ()
    """Channels whose price changes; empty: all."""
