"""Ranges of numbers: what may be chosen, and how far an assumed number may lie from the truth."""

from pydantic import model_validator

from scenarios.literals import Flag, Number
from scenarios.model import MisfitError, Model


class Range(Model):
    """The values that a number may take."""

    low: Number
    """Least value, in the unit of the number (a share of an account: 30%)."""
    high: Number
    """Largest value."""
    log: Flag = False
    """Whether the range is even on a logarithmic scale: half as much is as far as twice as much."""

    @model_validator(mode="after")
    def _a_range(self) -> "Range":
        if not self.low < self.high:
            swapped = f"did you mean low: {self.high:g}, high: {self.low:g}?" if self.low > self.high else ""
            raise MisfitError(f"must be below high ({self.high:g})", at=("low",), fix=swapped, with_=("high",))
        if self.log and not self.low > 0:
            raise MisfitError("must be above 0 with log: true", at=("low",), fix="did you mean log: false?")
        return self


class Prior(Range):
    """The range that a number may have in truth: the bounds of a sweep over it unless the sweep says otherwise."""

    why: str = ""
    """Why the range is as wide as this: the evidence, or that there is none."""
