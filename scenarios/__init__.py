"""What a plan is: schema, loader, calendar and the shipped scenarios."""

from scenarios.scenario import Scenario

__all__ = ["Scenario"]
