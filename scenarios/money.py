"""Where the money is: a tree of accounts, tranches and the reserve."""

from typing import Literal

from pydantic import Field, model_validator

from scenarios.calendar import Interval
from scenarios.literals import DayNumber, Share, Yuan
from scenarios.model import MisfitError, Model


class Account(Model):
    """A share of its parent account, which may be split again."""

    share: Share
    """Share of the parent."""
    title: str = ""
    """Name for people; the key when empty."""
    split: dict[str, "Account"] = {}
    """Sub-accounts; what they leave over stays here."""

    @model_validator(mode="after")
    def _not_over(self) -> "Account":
        check_shares(self.split, whole=False)
        return self


class Tranche(Model):
    """A part of the money that arrives later than the first day."""

    share: Share
    """Share of every account."""
    day: DayNumber = 0
    """Day number on which it arrives."""


class Reserve(Model):
    """An account held back until something goes wrong."""

    account: str
    """The account that is the reserve."""
    release: Interval | None = None
    """When it may be used at all; none: only a rule that names it takes from it."""


class Accounts(Model):
    """The plan's money. Accounts never go below zero."""

    total: Yuan
    """Total budget [yuan]."""
    split: dict[str, Account] = Field(min_length=1)
    """Accounts by name; shares sum to 1 unless `remainder` says otherwise."""
    remainder: Literal["refuse", "unallocated", "normalise"] = "refuse"
    """What to do when shares sum to less than 1: refuse the plan, leave the rest unallocated, or scale shares to 1."""
    tranches: tuple[Tranche, ...] = ()
    """When the money arrives; empty: all on the first day. Shares sum to 1."""
    reserve: Reserve | None = None
    """The reserve."""

    @model_validator(mode="after")
    def _whole(self) -> "Accounts":
        check_shares(self.split, whole=self.remainder == "refuse")
        if self.remainder == "normalise" and not any(a.share for a in self.split.values()):
            raise MisfitError("the shares must not all be 0, since they are to be scaled to 1", at=("split",))
        if self.tranches and abs(sum(t.share for t in self.tranches) - 1) > 1e-6:
            total = f"{sum(t.share for t in self.tranches):.6g}"
            raise MisfitError("the shares of the tranches must sum to 1", at=("tranches",), value=total)
        return self

    def planned(self) -> dict[str, float]:
        """Return the money of every account by path (`content.kol`), net of what its sub-accounts take [yuan].

        The values sum to the total, less what stays unallocated.
        """
        scale = 1 / sum(a.share for a in self.split.values()) if self.remainder == "normalise" else 1.0
        result: dict[str, float] = {}

        def walk(path: str, account: Account, money: float) -> None:
            for name, child in account.split.items():
                walk(f"{path}.{name}", child, money * child.share)
            result[path] = money * (1 - sum(c.share for c in account.split.values()))

        for name, account in self.split.items():
            walk(name, account, self.total * account.share * scale)
        return result


def check_shares(split: dict[str, Account], *, whole: bool) -> None:
    """Raise `MisfitError` at the field `split` when shares sum to more than 1, or (`whole`) to less."""
    total = sum(a.share for a in split.values())
    if total > 1 + 1e-6:
        rule = f"the shares of {', '.join(split)} must not sum to more than 1"
        raise MisfitError(rule, at=("split",), value=f"{total:.6g}", fix=f"{total - 1:.6g} too much")
    if whole and total < 1 - 1e-6:
        rule = f"the shares of {', '.join(split)} must sum to 1"
        fix = f"{1 - total:.6g} is missing; to accept that, set remainder: unallocated or normalise"
        raise MisfitError(rule, at=("split",), value=f"{total:.6g}", fix=fix)
