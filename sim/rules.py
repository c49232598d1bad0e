"""Rules: the plan's own controllers. They see the observer's measurements, late and noisy, and act for tomorrow."""

from collections.abc import Generator
from math import isnan, sqrt
from typing import Any

import simpy

from scenarios.control import Rule, Scale, Shift, Switch
from sim.clock import Moment
from sim.draws import chance, purpose
from sim.kpis import measure
from sim.levers import Desk, LeverProcess
from sim.levers.media import Media
from sim.observer import Observer

OF_A_LEVER = ("roi", "roas", "spend")
"""Metrics that are measured of one lever; any other is a KPI of the whole market."""


class RuleBook:
    """All rules of a plan. One process evaluates them, the highest priority first."""

    def __init__(self, desk: Desk, observer: Observer, levers: dict[str, LeverProcess]) -> None:
        self.desk, self.observer, self.levers = desk, observer, levers
        self.rules = sorted(
            ((name, rule) for name, rule in desk.scenario.rules.items() if rule.on),
            key=lambda r: (-r[1].priority, r[0]),
        )
        self.held: dict[tuple[str, str | None], int] = {}
        """Evaluations in a row in which the condition held, by rule and lever."""
        self.rests_until = dict.fromkeys((name for name, _ in self.rules), -1)
        self.log: list[tuple[int, str, str, float, str]] = []
        """Day, rule, lever, measured value, what was done."""

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Evaluate each rule on its days."""
        for day in range(self.desk.scenario.clock.days):
            yield self.desk.at(day, Moment.RULES)
            acted: set[str] = set()
            for name, rule in self.rules:
                if (day + 1) % rule.every == 0 and day >= self.rests_until[name]:
                    self.evaluate(name, rule, day, acted)

    def measured(self, name: str, rule: Rule, lever: str | None, day: int) -> float:
        """Return the metric as the rule sees it: of days up to `lag` ago, with the measurement's error."""
        m = self.desk.scenario.measurement
        last = day - m.lag
        first = max(last - rule.window + 1, self.desk.calendar.first)
        if lever is None:
            value = measure(self.observer, rule.metric, (first, last))
        else:
            spend = self.observer.spend(first, last, (lever,)) / 100
            lo, hi = first - self.desk.calendar.first, last - self.desk.calendar.first + 1
            sums = (
                self.observer.credit[lo:hi, self.desk.names.credits_of(lever)].sum(axis=(0, 1)) * self.desk.scale / 100
            )
            if spend <= 0:
                return float("nan")
            value = {"roas": sums[1] / spend, "roi": sums[2] / spend - 1, "spend": spend}[rule.metric]
        u = chance(self.desk.population.market.seed, day, purpose(f"measure:{name}:{lever}"), 0)
        return float(value * (1 + m.noise * sqrt(12) * (u - 0.5)))

    def evaluate(self, name: str, rule: Rule, day: int, acted: set[str]) -> None:
        """Act when the condition has held often enough."""
        levers = tuple(v for v in rule.levers if v in self.levers and v not in acted)
        if rule.metric in OF_A_LEVER:
            values: dict[str | None, float] = {t: self.measured(name, rule, t, day) for t in levers}
        else:
            whole = self.measured(name, rule, None, day)
            values = dict.fromkeys(levers or (None,), whole)
        failing = {}
        for target, value in values.items():
            holds = not isnan(value) and self.holds(rule, value)
            self.held[name, target] = self.held.get((name, target), 0) + 1 if holds else 0
            if self.held[name, target] >= rule.persist:
                failing[target] = value
        if not failing:
            return
        before = len(self.log)
        if isinstance(rule.action, Shift):
            self.shift(name, rule.action, values, failing, day, acted)
        elif isinstance(rule.action, Scale):
            self.scale(name, rule.action, failing, day, acted)
        else:
            self.switch(name, rule.action, next(iter(failing.values())), day, acted)
        if len(self.log) > before:
            self.rests_until[name] = day + rule.cool_down
            for target in failing:
                self.held[name, target] = 0

    def holds(self, rule: Rule, value: float) -> bool:
        """Return whether a value meets the rule's condition."""
        return (rule.below is not None and value < rule.below) or (rule.above is not None and value > rule.above)

    def media(self, name: str | None) -> Media:
        """Return a media lever's process."""
        lever = self.levers[str(name)]
        assert isinstance(lever, Media)
        return lever

    def shift(
        self, name: str, action: Shift, values: dict[str | None, float], failing: dict[str | None, float], day: int,
        acted: set[str],
    ) -> None:  # fmt: skip
        """Move money from each failing lever to the best of the others with room, the rest to the next; the total stays."""
        others = {t: v for t, v in values.items() if t not in failing and not isnan(v)}
        ranked = [self.media(t) for t in sorted(others, key=lambda t: -others[t])]
        for target, value in failing.items():
            worst = self.media(target)
            amount = int(max(0.0, worst.left) * action.share)
            for best in (lever for lever in ranked if lever.room > 0):
                asked = part = int(min(amount, best.room))
                if worst.spec.account != best.spec.account:
                    part = self.desk.accounts.move(day, worst.spec.account, best.spec.account, asked)
                worst.fund(-part)
                best.fund(part)
                acted.update((worst.name, best.name))
                self.log.append((day, name, worst.name, value, f"moved {part / 100:.2f} yuan to {best.name}"))
                amount -= asked
                if amount <= 0:
                    break

    def scale(self, name: str, action: Scale, failing: dict[str | None, float], day: int, acted: set[str]) -> None:
        """Change the remaining budgets; an increase is paid from the account the action names, up to the cap."""
        for target, value in failing.items():
            lever = self.media(target)
            if action.change > 0 and lever.room <= 0:
                continue
            amount = int(min(max(0.0, lever.left) * action.change, lever.room))
            if amount > 0 and action.account is not None:
                amount = self.desk.accounts.move(day, action.account, lever.spec.account, amount)
            lever.fund(amount)
            acted.add(lever.name)
            self.log.append((day, name, lever.name, value, f"changed the remaining budget by {amount / 100:.2f} yuan"))

    def switch(self, name: str, action: Switch, value: float, day: int, acted: set[str]) -> None:
        """Turn levers on or off."""
        for target in action.levers:
            if target in self.levers and target not in acted and self.levers[target].switched_on != action.to:
                self.levers[target].switched_on = action.to
                acted.add(target)
                self.log.append((day, name, target, value, "turned on" if action.to else "turned off"))
