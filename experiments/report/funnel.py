"""The way from impressions to repeat buyers, as a table with bars."""

from dataclasses import dataclass
from itertools import pairwise

from experiments.plots import funnel
from experiments.replication import Replication
from experiments.report.language import Language


@dataclass(frozen=True)
class Step:
    """A step in words; `width` is the share that goes on [percent], None where steps do not follow one another."""

    name: str
    number: str
    goes_on: str
    lost: str
    width: float | None
    words: str


def steps(replication: Replication, language: Language) -> list[Step]:
    """Return the steps over the days of the plan, mean of the runs; none when nothing happened."""
    last = replication.scenario.clock.days - 1
    table = funnel.steps(replication.daily, 0, last)
    if not table["value"].max() > 0:
        return []
    names = [language.step(name) for name in table["step"]]
    values = [float(v) for v in table["value"]]
    found = [
        Step(names[0], language.compact(values[0]), "", "", None, ""),
        Step(names[1], language.compact(values[1]), "", "", None, _clicks(replication, last, language)),
    ]
    for name, (before, after) in zip(names[2:], pairwise(values[1:]), strict=True):
        if before:
            kept, lost = language.share(after / before), language.share(1 - after / before)
            width = round(100 * min(after / before, 1.0), 2)
            found.append(Step(name, language.compact(after), kept, lost, width, ""))
        else:
            found.append(Step(name, language.compact(after), "", "", None, ""))
    return found


def _clicks(replication: Replication, last: int, language: Language) -> str:
    part = replication.daily[replication.daily["day"].between(0, last)]
    sums = part.groupby("metric", observed=True)["value"].sum()
    shown, clicks, visits = (float(sums.get(name, 0.0)) for name in ("exposure", "ad_clicks", "uv"))
    if not visits:
        return ""
    if not shown:
        return language("funnel.visits_own")
    return language("funnel.visits", clicked=language.share(clicks / shown), share=language.share(clicks / visits))
