"""Levers: what the plan does, each a SimPy process that writes the weather. A new kind is a file here and a line below."""

from sim.levers.base import Desk, LeverProcess
from sim.levers.experience import Experience
from sim.levers.group_buy import GroupBuy
from sim.levers.media import Media
from sim.levers.membership import Membership
from sim.levers.message import Message
from sim.levers.offer import Offer
from sim.levers.referral import Referral

KINDS: dict[str, type[LeverProcess]] = {
    "media": Media,
    "offer": Offer,
    "message": Message,
    "referral": Referral,
    "group_buy": GroupBuy,
    "membership": Membership,
    "experience": Experience,
}

__all__ = ["KINDS", "Desk", "LeverProcess"]
