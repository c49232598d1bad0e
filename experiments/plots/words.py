"""The words of the charts in English and Chinese, and numbers and dates as readers of each write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import isnan
from typing import Any

from experiments import units
from sim.kpis import KPIS

LANGUAGES = ("en", "zh")
_THOUSANDS = ((1e9, 1e9, " bn"), (1e6, 1e6, " M"), (1e5, 1e3, " k"))
_MYRIADS = ((1e8, 1e8, "亿"), (1e5, 1e4, "万"))
"""From which size on numbers are told in which unit, and its sign."""
_POINTS = {"share": " 个百分点", "points": " 分"}
"""Sign of a change in points, by the KPI's unit."""


class Words:
    """Texts by what they are in English, and numbers for people; called with a text, it returns it translated."""

    def __init__(self, lang: str = "en") -> None:
        """Raise `ValueError` for a language that the charts do not have."""
        if lang not in LANGUAGES:
            raise ValueError(f"`lang` must be one of {', '.join(LANGUAGES)}, but got {lang!r}")
        self.lang = lang

    def __call__(self, text: str, /, **values: Any) -> str:
        """Return a text with its values in place. Raises `LookupError` when the catalogue does not have it.

        >>> Words("zh")("{n} others", n=3), Words("en")("{n} others", n=3)
        ('其余 3 项', '3 others')
        """
        if self.lang == "zh":
            if text not in TEXTS:
                raise LookupError(f"{text!r} must be in the catalogue of experiments/plots/words.py")
            text = TEXTS[text]
        return text.format_map(values) if values else text

    def name(self, name: str) -> str:
        """Return a name of Sandtable's in words; those that the plan gives stay as they are."""
        return NAMES[name] if self.lang == "zh" and name in NAMES else name

    def kpi(self, kpi: str) -> str:
        """Return a KPI's title."""
        return TITLES[kpi] if self.lang == "zh" else KPIS[kpi].title

    def verdict(self, words: str) -> str:
        """Return a verdict of `experiments.summary.promises`, without what it adds in brackets."""
        words = words.partition(" (")[0]
        return VERDICTS[words] if self.lang == "zh" else words

    def compact(self, value: float, digits: int = 4) -> str:
        """Return a number in so many digits that count, in thousands and millions, or in 万 and 亿.

        >>> Words("zh").compact(2_932_500), Words("zh").compact(12_345), Words("en").compact(2_932_500)
        ('293.2万', '12,345', '2.932 M')
        """
        rounded = value if isnan(value) else float(f"{value:.{digits}g}")
        if self.lang == "en" or not abs(rounded) >= _MYRIADS[-1][0]:
            return units.compact(value, digits)
        _, step, sign = next(row for row in _MYRIADS if abs(rounded) >= row[0])
        return units.compact(rounded / step, digits) + sign

    def amount(self, value: float, unit: str, digits: int = 4) -> str:
        """Return a value of a KPI with its unit's sign; counts have none.

        >>> Words("zh").amount(663_100_000, "yuan"), Words("zh").amount(0.0486, "share")
        ('¥6.631亿', '4.86%')
        """
        if self.lang == "en" or isnan(value):
            return units.amount(value, unit, digits)
        if unit == "share":
            return f"{units.compact(100 * value, digits)}%"
        text = self.compact(value, digits)
        if unit != "yuan":
            return text
        return f"{units.MINUS}¥{text[1:]}" if text.startswith(units.MINUS) else f"¥{text}"

    def share(self, value: float, digits: int = 3) -> str:
        """Return a share as a percentage."""
        return self.amount(value, "share", digits)

    def change(self, value: float, unit: str, *, points: bool = False) -> str:
        """Return a change: relative, or in absolute points of a KPI of that unit.

        >>> Words("zh").change(0.3, "yuan"), Words("zh").change(-0.02345, "share", points=True)
        ('+30%', '−2.3 个百分点')
        >>> Words("zh").change(4.0, "points", points=True)
        '+4 分'
        """
        text = units.change(value, unit, points=points)
        if self.lang == "en":
            return text
        return text.replace(" %", "%").replace(" points", _POINTS.get(unit, ""))

    def sentences(self, texts: Sequence[str]) -> str:
        """Return sentences as a paragraph."""
        return (" " if self.lang == "en" else "").join(text for text in texts if text)

    def spell(self, value: float, unit: str, kpi_unit: str) -> str:
        """Return a value in the unit of a row of the summary, where a change names its base (`change vs last-year`)."""
        if unit.startswith(("change vs ", "points vs ")):
            return self.change(value, kpi_unit, points=unit.startswith("points"))
        return self.amount(value, unit)

    def probability(self, value: float) -> str:
        """Return a probability in whole percent, never rounded to certainty."""
        text = units.probability(value)
        return text if self.lang == "en" else text.replace(" %", "%")

    def ticks(self, values: Sequence[float], unit: str) -> list[str]:
        """Return the texts of an axis's ticks, all of them in the same thousands or myriads.

        >>> Words("zh").ticks([0.0, 150_000.0], "yuan"), Words("en").ticks([0.0, 0.05], "share")
        (['¥0', '¥15万'], ['0 %', '5 %'])
        """
        top = max((abs(v) for v in values), default=0.0)
        known = _THOUSANDS if self.lang == "en" else _MYRIADS
        _, step, sign = next((row for row in known if top >= row[0]), (0.0, 1.0, ""))
        return [self._tick(value, unit, step, sign) for value in values]

    def _tick(self, value: float, unit: str, step: float, sign: str) -> str:
        minus, size = (units.MINUS if value < 0 else ""), abs(value)
        if unit == "share":
            return f"{minus}{100 * size:.6g}{' ' if self.lang == 'en' else ''}%"
        return f"{minus}{'¥' if unit == 'yuan' else ''}{size / step:,.6g}{sign if value else ''}"

    def day(self, when: date) -> str:
        """Return a date without its year.

        >>> Words("en").day(date(2024, 3, 1)), Words("zh").day(date(2024, 3, 1))
        ('Mar 1', '3月1日')
        """
        return f"{when:%b} {when.day}" if self.lang == "en" else f"{when.month}月{when.day}日"


TEXTS: Mapping[str, str] = {
    # all charts
    "{name}: {what} (one run)": "{name}：{what}（一次运行）",
    "{name}: {what} (mean of {n} runs)": "{name}：{what}（{n} 次运行的均值）",
    "95 % interval of the mean": "均值的 95% 区间",
    "{n} others": "其余 {n} 项",
    "Phases": "阶段",
    "Festivals": "节日",
    "{title}: ": "{title}：",
    "; ": "；",
    "{name} ({first} to {last})": "{name}（{first}至{last}）",
    "{name} ({when})": "{name}（{when}）",
    # KPI curves
    "the main KPIs by week": "主要指标周走势",
    "{title} a week": "{title}，每周",
    "nothing to measure in the simulated weeks": "模拟的各周内没有可测量的数据",
    "{sign} {value} in {window}": "{window}：{sign} {value}",
    "{sign} {value} vs {against} in {window}": "{window}：较 {against} {sign} {value}",
    "KPI by week (dots: looks at all users)": "指标周走势（圆点：全体用户盘点）",
    "target (of a total: its pace a week)": "目标（总量折算为每周）",
    "phases by turns": "各阶段（深浅交替）",
    "festivals": "节日",
    "measured in the real market": "真实市场的实测值",
    # funnel
    "from impressions to repeat buyers": "从曝光到复购",
    "From impressions to repeat buyers": "从曝光到复购",
    "Paid and own-media impressions": "付费与自有媒体曝光",
    "Visits": "访问",
    "Detail pages opened": "打开详情页",
    "Detail pages read": "读完详情页",
    "Carts": "加购",
    "Payments made": "完成支付",
    "Orders": "订单",
    "Orders by repeat buyers": "复购订单",
    "all visits come without an impression": "所有访问都不经曝光而来",
    "{clicked} clicked, which makes {share} of visits; the others come without an impression":
        "{clicked} 点击，带来 {share} 的访问；其余访问不经曝光而来",
    "{n} lost ({lost}), {kept} go on": "流失 {n}（{lost}），{kept} 继续",
    "no impressions and no visits in the simulated plan": "模拟的方案期内没有曝光和访问",
    "number in the plan's days (logarithmic scale)": "方案期内的数量（对数刻度）",
    # money
    "where the money goes": "资金去向",
    "By account": "按账户",
    "By lever": "按手段",
    "the plan has no money": "方案没有资金",
    "no lever cost anything": "没有手段产生费用",
    "spent": "已支出",
    "left": "结余",
    "planned": "预算",
    "UNFUNDED": "无预算支付",
    "unfunded": "无预算支付",
    "{amount} owed, not paid": "应付未付 {amount}",
    "the empty part of a frame: money that rules moved elsewhere": "空心部分：规则调往别处的资金",
    # flow
    "from account to lever to orders": "从账户到手段再到订单",
    "From account to lever to orders": "从账户到手段再到订单",
    "no lever cost anything or brought an order": "没有手段产生费用或带来订单",
    "Accounts: money spent": "账户：支出",
    "Levers: cost, and cost of an order": "手段：费用与单均费用",
    "Orders credited, and their value": "归因订单及其成交额",
    "no cost": "无费用",
    "{amount}, no order credited": "{amount}，无归因订单",
    "{amount}, {each} an order": "{amount}，每单 {each}",
    "{orders}, {value}": "{orders}，{value}",
    "Heights: yuan left of the levers, credited orders right of them.": "高度：手段左侧为金额，右侧为归因订单。",
    # levers and orders
    "which levers brought the orders": "哪些手段带来订单",
    "Orders credited to levers": "归因于手段的订单",
    "no lever brought an order": "没有手段带来订单",
    "orders credited (share of all orders, and their value)": "归因订单数（占全部订单的比例与成交额）",
    "{orders}  ({share}, {value})": "{orders}（{share}，{value}）",
    "{share} of {n} orders came of users' own accord.": "{n} 单中 {share} 为用户自发下单。",
    "{n} weaker levers brought {orders} orders together.": "其余 {n} 个较弱手段合计带来 {orders} 单。",
    "One weaker lever brought {orders} orders.": "其余 1 个较弱手段带来 {orders} 单。",
    "Whiskers: 95 % interval of the mean.": "误差线：均值的 95% 区间。",
    # registrations
    "who registers, and through which channel": "谁在注册，来自哪个渠道",
    "Registrations a week": "每周注册数",
    "Shares of each week's registrations": "每周注册的渠道占比",
    "nobody registered in the simulated weeks": "模拟的各周内无人注册",
    "Brought by": "来源",
    # retention
    "who stays": "谁留了下来",
    "Share of each cohort seen in each week after registration": "各批注册用户在注册后各周的活跃比例",
    "no cohort was old enough to tell": "没有一批用户的注册时间足够长",
    "{first} to {last}  ({n})": "{first} 至 {last}（{n}）",
    "week of age": "注册后第几周",
    "weeks of age (each block: mean of its {n} weeks)": "注册后第几周（每格为 {n} 周的均值）",
    "registered (number)": "注册时间（人数）",
    # states
    "where people stand": "人群所处状态",
    "People by state": "各状态人数",
    "no day was simulated": "没有模拟任何一天",
    "People who have registered, by state": "已注册人群的状态",
    "People who have not registered, by state": "未注册人群的状态",
    "unaware": "未知晓", "aware": "知晓", "visitor": "访客", "loyal": "忠诚", "repeat-buyer": "复购", "retained": "留存",
    "first-buyer": "首购", "considering": "考虑中", "registered": "注册", "dormant": "沉睡", "churned": "流失",
    # targets
    "what was promised, and how likely it is": "承诺与兑现的可能性",
    "What was promised": "承诺",
    "the plan has no targets": "方案没有目标",
    "share of the target that is reached (1 = target; right of it the promise is kept)":
        "达成目标的比例（1 为目标，右侧即兑现）",
    "{value}   (wanted {sign} {wanted})": "{value}（目标 {sign} {wanted}）",
    "{chance}: {verdict}": "{chance}：{verdict}",
    "{title}, {where}": "{title}，{where}",
    "Dots: mean of the runs; bars: its 95 % interval; ticks: the runs. At the right: probability that one further run "
    "keeps the promise.": "圆点：各次运行的均值；横条：其 95% 区间；短线：各次运行。右侧：再运行一次时兑现的概率。",
    # stock and service
    "stock and service": "库存与客服",
    "Orders lost because goods were out of stock, by week": "每周因缺货失去的订单",
    "the plan keeps no stock: goods never run out": "方案不设库存：商品不会缺货",
    "nobody tried to order in the simulated weeks": "模拟的各周内无人尝试下单",
    "share of attempts": "占下单尝试的比例",
    "Load of the service desk": "客服负荷",
    "Response time of the service desk": "客服响应时间",
    "service is never short in this plan: it has no number of agents": "方案未设客服人数：客服不会不足",
    "share of agents' time": "占客服工时的比例",
    "all agents busy all day": "客服全天满负荷",
    "mean seconds": "平均秒数",
    "slower than {n} s costs satisfaction": "超过 {n} 秒会损害满意度",
    "mean of the runs": "各次运行的均值",
    "lowest to highest run": "最低至最高的一次运行",
    # all verbs
    "{where} vs {against}": "{where}，较 {against}",
    "on": "开",
    "off": "关",
    # compare
    "{base} against {other}": "{base} 对比 {other}",
    "{n} other plans": "其他 {n} 个方案",
    "{name} with {changes}": "{name}（改动：{changes}）",
    "Differences": "差异",
    "nothing was measured in both plans": "没有两个方案都能测量的指标",
    "difference from the base, as a share of its mean": "与基准方案的差异（占基准均值的比例）",
    "{change}, now reached": "{change}，转为达成",
    "{change}, now missed": "{change}，转为未达成",
    "Dots: mean of {n} pairs of runs under the same seeds; bars: its 95 % interval, hollow dots where it holds 0. "
    "Differences of changes are in points.":
        "标记：相同随机条件下 {n} 对运行的平均差异；横条：其 95% 区间，区间包含 0 时标记为空心。变化率之差以百分点计。",
    # replicate
    "{name}: how wide the intervals are": "{name}：结果区间有多宽",
    "Half-width of the 95 % intervals": "95% 区间的半宽",
    "needs {n} runs that differ": "至少需要 {n} 次结果不同的运行",
    "wanted: {value}": "要求：{value}",
    "widest at the end": "最终区间最宽的指标",
    "runs": "运行次数",
    "half-width": "区间半宽",
    "Half-width of the 95 % interval as a share of the mean; of a change, in points.":
        "95% 区间的半宽，占均值的比例；变化率以百分点计。",
    "Grey: the {n} other outputs.": "灰线：其余 {n} 项指标。",
    # sweep
    "{name}: what the result hangs on": "{name}：结果取决于什么",
    "{name} ({what}): {value} as planned": "{name}，{what}：按方案为 {value}",
    "{n} weaker parameters are not shown.": "另有 {n} 个影响较小的参数未显示。",
    "One weaker parameter is not shown.": "另有 1 个影响较小的参数未显示。",
    "One output more stands in the table.": "另有 1 项指标见表格。",
    "{n} outputs more stand in the table.": "另有 {n} 项指标见表格。",
    "nothing could be measured": "没有可测量的结果",
    "it could not be measured in every run": "并非每次运行都能测量该指标",
    "nothing that was varied changes it": "所变动的参数都不影响该指标",
    "the parameters move it no more than luck does": "参数的影响不超过随机波动",
    "Tornado": "龙卷风图",
    "low end of the range": "取值范围下限",
    "high end": "上限",
    "The line is the plan; beside each bar stands the parameter's value there.": "竖线为方案现值；横条旁为参数取值。",
    "Whiskers: 95 % interval over {n} common seeds; pale: may as well be no change.":
        "误差线：相同随机条件下 {n} 次运行的 95% 区间；浅色：可能并无变化。",
    "Sensitivity": "敏感度",
    "no index is known": "没有可用的敏感度指标",
    "total share of the variance": "对方差的总贡献",
    "total share of the variance, freed of luck": "对方差的总贡献（已剔除随机波动）",
    "share of the variance alone": "单独对方差的贡献",
    "share alone, freed of luck": "单独贡献（已剔除随机波动）",
    "mean size of the effect of the whole range": "在整个取值范围内的平均影响幅度",
    "what luck alone would give": "仅由随机波动造成的幅度",
    "partial rank correlation": "偏秩相关系数",
    "circle": "圆点", "diamond": "菱形", "bar": "短竖线",
    "{mark}: {meaning}": "{mark}：{meaning}",
    "{text}. Lines: 95 % intervals.": "{text}。线段：95% 区间。",
    "the mean of {n} common seeds": "相同随机条件下 {n} 次运行的均值",
    "one run": "一次运行",
    "Diamond: the plan.": "菱形：方案现值。",
    "Line: {over}, all else as planned.": "折线：{over}，其余参数按方案不变。",
    "Band: 95 % interval of the difference from the plan.": "色带：与方案之差的 95% 区间。",
    "Dots: samples, each {over}. Line: mean of neighbours, with its 95 % interval.":
        "圆点：各组取值，每点为{over}。折线：邻近各点的均值及其 95% 区间。",
    # stress
    "Stress of {name}: {shocks}, {n} seeds each": "{name} 的压力测试：{shocks}，各 {n} 次运行",
    "Stress of {name}: {shocks}, one seed each": "{name} 的压力测试：{shocks}，各 1 次运行",
    "one shock": "1 种冲击",
    "{n} shocks": "{n} 种冲击",
    "What the shocks change": "冲击的影响",
    "nothing was looked at": "没有查看任何指标",
    "now missed": "转为未达成",
    "now kept": "转为达成",
    "Change of the mean, with the half-width of its 95 % interval. Filled: worse; framed: better; grey: cannot be told "
    "from no change.": "均值的变化及其 95% 区间的半宽。填色：变差；加框：变好；灰字：与无变化难以区分。",
}  # fmt: skip
"""The Chinese of each text; what stands in braces is put in place of the same name."""

NAMES: Mapping[str, str] = {
    "own": "用户自发", "own accord": "用户自发", "word of mouth": "口碑", "word-of-mouth": "口碑", "invitation": "邀请",
    "group-buy": "拼团", "others": "其他", "plan": "整个方案期", "so far": "已模拟的天数", "unfunded": "无预算支付",
    "All at once": "全部同时发生",
}  # fmt: skip
"""Channels, levers, windows, accounts and shocks that every plan has."""

VERDICTS: Mapping[str, str] = {
    "very likely": "极有可能",
    "likely": "有可能",
    "open": "难料",
    "unlikely": "不太可能",
    "very unlikely": "极不可能",
    "cannot tell: not simulated": "无法判断：未模拟",
    "cannot tell: nothing to measure": "无法判断：没有可测量的数据",
    "cannot tell: one run": "无法判断：只有一次运行",
}

TITLES: Mapping[str, str] = {
    "exposure": "曝光量",
    "uv": "每日独立访客累计",
    "uv_per_day": "日均独立访客",
    "pv": "浏览量",
    "ctr": "商品曝光点击率",
    "ad_ctr": "付费曝光点击率",
    "bounce_rate": "无点击访问占比（跳出率）",
    "detail_bounce_rate": "详情页跳出率",
    "cart_rate": "加购访问占比",
    "payment_abandonment": "支付放弃率",
    "order_conversion": "访客下单转化率",
    "orders": "订单量",
    "gmv": "成交额（GMV）",
    "aov": "客单价",
    "new_users": "注册数",
    "new_users_per_month": "月均注册数",
    "new_customers": "首单数",
    "new_customer_order_share": "新客订单占比",
    "retention_d1": "注册次日留存率",
    "retention_d7": "注册 1 至 7 日留存率",
    "retention_d30": "注册 24 至 30 日留存率",
    "repurchase_12m": "12 个月复购率（两单及以上）",
    "ltv": "12 个月人均贴现毛利",
    "member_gmv_share": "会员成交额占比",
    "gold_share": "二级及以上会员占比",
    "referral_share": "邀请注册占比",
    "mau": "近 30 日访客数",
    "kol_conversion": "达人访问下单转化率",
    "cac": "单个新客获客成本",
    "roas": "每元支出的成交额",
    "marketing_expense_ratio": "支出占成交额比例",
    "stockout_rate": "下单缺货率",
    "csat": "订单平均满意度（0 至 1）",
    "nps": "净推荐值",
    "coupon_redemption_rate": "优惠券核销率",
    "spend": "方案支出",
    "profit": "利润",
}
"""Titles of the KPIs."""
