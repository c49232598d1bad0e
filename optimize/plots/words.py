"""The words of the charts of an optimum in English and Chinese, beside those that all charts share."""

from collections.abc import Mapping
from typing import Any

from experiments.plots.style import spoken
from experiments.plots.words import Words
from experiments.units import MINUS
from sim.kpis import KPIS


class Speech(Words):
    """Texts of these charts; those that are not here are the shared ones'."""

    def __call__(self, text: str, /, **values: Any) -> str:
        """Return a text with its values in place. Raises `LookupError` when no catalogue has it.

        >>> Speech("zh")("{n} other levers", n=3), Speech("en")("{n} other levers", n=3)
        ('其余 3 个手段', '3 other levers')
        """
        if self.lang == "zh" and text in TEXTS:
            return TEXTS[text].format_map(values)
        return super().__call__(text, **values)

    def goal(self, goal: str) -> str:
        """Return the name of a goal, a KPI."""
        return self.kpi(goal) if goal in KPIS else goal

    def more(self, value: float, unit: str) -> str:
        """Return what is added to a KPI of that unit, with its sign.

        >>> Speech("en").more(1200.0, "yuan"), Speech("en").more(-3.0, "orders")
        ('+¥1,200', '−3')
        """
        text = self.amount(value, unit, 3)
        return text if text.startswith(MINUS) or text == "0" else f"+{text}"


def speech(lang: str) -> Speech:
    """Return the words of a language, or English when no font here can write them."""
    return Speech(spoken(lang).lang)


TEXTS: Mapping[str, str] = {
    "current": "现状",
    "proposed": "建议",
    # allocation
    "Media money by lever": "各手段的媒体资金",
    "Phases are summed; allocation.csv has them one by one.": "各阶段已合计；分阶段数字见 allocation.csv。",
    # curves
    "money of a lever": "手段的资金",
    "What media bring: {goal}": "媒体带来的成果：{goal}",
    "What media bring, by fitted effects: {goal}": "媒体带来的成果（按拟合效应）：{goal}",
    "Diamond: current. Circle: proposed. Shaded: money at which runs were made. Fitted to all runs of the search.":
        "菱形：现状。圆点：建议。阴影：实际运行过的资金范围。曲线由搜索的全部运行拟合。",
    "{lever} in {period}": "{lever}（{period}）",
    "media have no money": "媒体没有资金",
    # history
    "What the search expected of its best plan": "搜索对其最优方案的预期",
    "loss expected from settings not yet the best": "参数尚未最优可能带来的损失",
    "expected of the best plan so far": "截至当时最优方案的预期",
    "replications": "运行次数",
    # waterfall
    "From the current plan to the proposed": "从现状到建议",
    "{goal}, change against the current plan": "{goal}，较现状的变化",
    "current: {value}": "现状：{value}",
    "proposed: {value}": "建议：{value}",
    "nothing could be measured": "没有可测量的结果",
    "settings": "参数",
    "not explained by the curves": "曲线未能解释",
    "{n} other levers": "其余 {n} 个手段",
    "Bars: what money and settings add by the fitted curves. Whisker: 95 % interval of the simulated change.":
        "横条：按拟合曲线，资金与参数带来的变化。误差线：模拟变化的 95% 区间。",
    # front
    "Plans that no other plan beats": "没有被其他方案全面超过的方案",
    "knee": "拐点",
    "no plan was compared": "没有比较任何方案",
    "Whiskers: 95 % interval of the paired difference to the plan as it is, around each plan's mean.":
        "误差线：以各方案均值为中心，与现状配对差异的 95% 区间。",
    "Dashed: the plan as it is; a whisker that crosses its line proves no difference.":
        "虚线：现状；误差线跨过虚线即差异未获证实。",
}  # fmt: skip
"""The Chinese of each text."""
