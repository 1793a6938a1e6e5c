"""Times that a text names (昨晚11点、上周六、国庆期间、每天半夜), resolved against the moment the complaint was received.

Complaints tell what happened: a date without a year, a weekday or a bare hour is the last such one before receipt.
Not a calendar: which days are worked is `domain.worktime`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

from domain.understanding import TimeSpan
from domain.worktime import LOCAL
from nlu.lexicon import Hit

TIME = "time"
"""The name of the list of time words in the lexicon."""

MOST_TIMES = 6
YEARS = range(1949, 2101)
"""A span that begins outside these years is a slip or a number of something else."""

_SEVERAL = (2, 7)
"""几天, 几小时: from so many to so many."""

_DAYS = {
    "大前天": -3, "前天": -2, "前日": -2, "昨天": -1, "昨日": -1, "昨": -1, "今天": 0, "今日": 0, "今": 0,
    "明天": 1, "明日": 1, "后天": 2,
}  # fmt: skip
_PARTS = {
    "凌晨": (0, 6), "清晨": (5, 8), "早晨": (5, 9), "早上": (5, 9), "一早": (5, 9), "一大早": (5, 9),
    "大清早": (5, 8), "早": (5, 9),
    "上午": (8, 12), "中午": (11, 14), "午间": (11, 14), "下午": (12, 18), "傍晚": (17, 19), "晚上": (18, 24), "晚间": (18, 24),
    "夜晚": (18, 24), "夜间": (20, 30), "夜里": (20, 30), "晚": (18, 24), "夜": (20, 30), "半夜": (23, 29), "大半夜": (23, 29),
    "深夜": (22, 28), "午夜": (23, 25), "后半夜": (24, 29), "白天": (6, 18), "三更半夜": (23, 29), "下半夜": (24, 29),
}  # fmt: skip
_EVENING_FROM = 12  # parts that begin at noon or later turn “8点” into 20:00
_NUMERALS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
}
_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "末": 5}
_FESTIVALS = {
    "国庆": ("国庆节", 7), "十一": ("国庆节", 7), "春节": ("春节", 7), "过年": ("春节", 7),
    "五一": ("劳动节", 5), "劳动节": ("劳动节", 5),
    "元旦": ("元旦", 3), "清明": ("清明节", 3), "端午": ("端午节", 3), "中秋": ("中秋节", 3), "除夕": ("除夕", 1),
}  # fmt: skip

_NUMBER = r"(?:\d{1,2}|十[一二三四五六七八九]?|[一二两三四五六七八九]十?[一二三四五六七八九]?)"
_PART = "|".join(sorted(_PARTS, key=len, reverse=True))
_PATTERN = re.compile(
    rf"(?P<again>每到|每逢|每天|每日|每晚|每夜|天天|夜夜|每个?(?=周|星期|礼拜)|一到)?的?"
    rf"(?:(?P<year>\d{{4}})[年/.-](?:(?P<ymonth>\d{{1,2}})(?:月份?|[/.-](?=\d))(?:(?P<yday>\d{{1,2}})[日号]?)?)?"
    rf"|(?P<rmonth>上个?月|本月|这个?月)(?:(?P<rday>{_NUMBER})[日号])?"
    rf"|(?P<month>{_NUMBER})月份?(?:(?P<day>{_NUMBER})[日号])?"
    rf"|(?<![^\W在于从到自是至和天月])(?P<only>\d{{1,2}})[号日](?![线楼院房门铺车店厅馆桥井机仓厂])"
    rf"|(?P<ago>\d{{1,3}}|{_NUMBER}|半|几)个?(?P<unit>天|日|周|星期|礼拜|月|年|小时|钟头)(?:以|之)?前"
    rf"|(?P<week>上上个?|上个?|这个?|本)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天末])"
    rf"|(?P<wholeweek>上个?|这个?|本)(?:周|星期|礼拜)"
    rf"|(?P<relative>大前天|前天|前日|昨天|昨日|今天|今日|明天|明日|后天|昨(?=[晚夜早])|今(?=[晚早]))"
    rf"|(?P<festival>{'|'.join(_FESTIVALS)})(?:节|期间|假期|长假|放假|当天|那天|小长假)+"
    rf"|(?P<whole>去年|前年|今年)(?:(?P<wmonth>{_NUMBER})月份?(?:(?P<wday>{_NUMBER})[日号])?)?)?"
    rf"[的，, ]?(?P<part>{_PART})?[的 ]?"
    rf"(?:(?P<hour>{_NUMBER})(?:点钟?|时(?!间|候|常|不|而)|[:：](?=\d\d))(?:(?P<minute>\d{{1,2}}|半|一刻|三刻|{_NUMBER})分?)?(?P<about>多|左右)?"
    rf"(?:[到至\-~—－]+(?:(?P<part2>次日|第二天)?的?(?P<part3>{_PART})?)(?P<hour2>{_NUMBER})(?:点钟?|时(?!间|候)|[:：](?=\d\d))"
    rf"(?:(?P<minute2>\d{{1,2}}|半)分?)?)?)?"
)
_OFTEN_BEFORE = re.compile(r"(?:每天|天天|每到|经常|总是|老是|一到|长期)(?:都|在|到)?$")


def words() -> Sequence[str]:
    """The phrases at which a time may begin; digits are folded to 0."""
    numerals = ("十", "一", "二", "两", "三", "四", "五", "六", "七", "八", "九")
    cues = [f"0{unit}" for unit in "年月日号点时天周个小"] + [f"{one}{unit}" for one in numerals for unit in "点月"]
    cues += [
        f"{one}{unit}前" for one in (*numerals, "几") for unit in ("天", "周", "年", "个月", "个星期", "小时", "个小时")
    ]
    cues += [
        *(part for part in _PARTS if len(part) > 1),
        *(day for day in _DAYS if len(day) > 1),
        "昨晚",
        "昨夜",
        "今晚",
        "今早",
    ]
    cues += [
        "每到",
        "每逢",
        "每天",
        "每日",
        "每晚",
        "每夜",
        "天天",
        "夜夜",
        "每周",
        "每星期",
        "每个",
        "一到",
        "上个",
        "上月",
        "本月",
        "这个",
        "这月",
    ]
    cues += [f"{week}{day}" for week in ("周", "星期", "礼拜") for day in _WEEKDAYS]
    cues += [
        "上周",
        "本周",
        "这周",
        "上星期",
        "上礼拜",
        "上上",
        "去年",
        "前年",
        "今年",
        "半年前",
        "半个月前",
        "半小时前",
        "半个小时前",
        *_FESTIVALS,
    ]
    return cues


@dataclass(slots=True)
class _Spot:
    """A stretch of days and, within each, a part of the day in hours from its midnight."""

    first: date
    last: date
    hours: tuple[float, float] | None = None

    def span(self) -> tuple[datetime, datetime]:
        begin = datetime.combine(self.first, time(), LOCAL)
        if self.hours is None:
            return begin, datetime.combine(self.last, time(), LOCAL) + timedelta(days=1)
        end = datetime.combine(self.last, time(), LOCAL)
        return begin + timedelta(hours=self.hours[0]), end + timedelta(hours=self.hours[1])


def spans(text: str, hits: Sequence[Hit], received_at: datetime | None) -> tuple[TimeSpan, ...]:
    """The times that a text names, in its order, at most six; none without a receipt time (aware) to count from.

    `hits`: what the lexicon found in the text (only those of the list `TIME` are looked at).
    """
    if received_at is None:
        return ()
    cues = [hit for hit in hits if hit.sort == TIME]
    if not cues:
        return ()
    now = received_at.astimezone(LOCAL)
    found: list[TimeSpan] = []
    end = 0
    for hit in cues:
        if hit.start < end:
            continue
        start = hit.start
        while start > end and start > hit.start - 4 and text[start - 1].isdigit():
            start -= 1
        match = _PATTERN.match(text, start)
        if match is None or match.end() <= hit.start:
            continue
        end = match.end()
        spot = _resolve(match, text, now)
        if spot is None:
            continue
        words_of = match[0].strip("的，, ")
        found.append(TimeSpan(words_of, *spot))
        if len(found) >= MOST_TIMES:
            break
    return tuple(found)


def _resolve(match: re.Match[str], text: str, now: datetime) -> tuple[datetime, datetime, bool] | None:
    """Start, end and whether it recurs; None when the words name no time after all."""
    try:
        found = _named(match, text, now)
    except (ValueError, OverflowError):
        return None  # the thirteenth month, the thirtieth of February, the end of the year 9999
    return found if found is not None and found[0].year in YEARS else None


def _named(match: re.Match[str], text: str, now: datetime) -> tuple[datetime, datetime, bool] | None:
    """`_resolve` for any year. Raises ValueError or OverflowError for a day that there is not."""
    recurring = bool(match["again"]) or bool(_OFTEN_BEFORE.search(text, max(0, match.start() - 6), match.start()))
    spot = _day(match, now)
    part = match["part"] or {"每晚": "晚", "每夜": "夜"}.get(match["again"] or "")
    hours = _hours(match, part)
    if spot is None:
        exact = match["minute"] or match["about"] or match["hour2"]
        if part is None and (hours is None or not (recurring or exact)):
            return None  # “每天”, or “8点” alone, which may as well number a list
        spot = _Spot(now.date(), now.date())
        spot.hours = hours
        if recurring or match["again"] or spot.span()[0] > now:
            spot = _before(spot, now, timedelta(days=1))
    else:
        if match["unit"] in {"小时", "钟头"}:
            return *_hours_ago(match["ago"], now), False
        spot.hours = hours
        if recurring:
            spot = _before(spot, now, timedelta(weeks=1))
    start, end = spot.span()
    return start, end, recurring


def _hours_ago(ago: str, now: datetime) -> tuple[datetime, datetime]:
    """Half an hour around the moment; for 几 from the longest to the shortest that it may be."""
    least, most = _SEVERAL if ago == "几" else (_count(ago), _count(ago))
    around = timedelta(minutes=30)
    return now - timedelta(hours=most) - around, now - timedelta(hours=least) + around


def _before(spot: _Spot, now: datetime, step: timedelta) -> _Spot:
    """The same part of the day, the last time that it began before now."""
    back = step * max(0, -((now - spot.span()[0]) // step))
    return _Spot(spot.first - back, spot.last - back, spot.hours)


def _day(match: re.Match[str], now: datetime) -> _Spot | None:
    """The day or days that the words name; None when they name none."""
    for group, resolve in _DAY_RULES:
        if match[group] is not None:
            return resolve(match, now.date())
    return None


def _dated(match: re.Match[str], today: date) -> _Spot:
    return _in_year(int(match["year"]), match["ymonth"], match["yday"])


def _this_or_last_month(match: re.Match[str], today: date) -> _Spot:
    first = today.replace(day=1)
    if match["rmonth"].startswith("上"):
        first = (first - timedelta(days=1)).replace(day=1)
    return _in_year(first.year, str(first.month), match["rday"])


def _month_and_day(match: re.Match[str], today: date) -> _Spot:
    spot = _in_year(today.year, match["month"], match["day"])
    return spot if spot.first <= today else _in_year(today.year - 1, match["month"], match["day"])


def _day_of_month(match: re.Match[str], today: date) -> _Spot:
    day = int(match["only"])
    if day <= today.day:
        return _in_year(today.year, str(today.month), str(day))
    last = today.replace(day=1) - timedelta(days=1)
    return _in_year(last.year, str(last.month), str(day))


def _ago(match: re.Match[str], today: date) -> _Spot:
    unit = match["unit"]
    days = {"天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 30, "年": 365}.get(unit, 0)
    if match["ago"] == "几":
        least, most = _SEVERAL
        return _Spot(today - timedelta(days=days * most), today - timedelta(days=days * least))
    day = today - timedelta(days=round(days * _count(match["ago"])))
    return _Spot(day, day)


def _weekday(match: re.Match[str], today: date) -> _Spot:
    monday = today - timedelta(days=today.weekday())
    week = match["week"] or ""
    monday -= timedelta(weeks=2 if week.startswith("上上") else 1 if week.startswith("上") else 0)
    first = monday + timedelta(days=_WEEKDAYS[match["weekday"]])
    if not week and first > today:
        first -= timedelta(weeks=1)
    return _Spot(first, first + timedelta(days=1 if match["weekday"] == "末" else 0))


def _whole_week(match: re.Match[str], today: date) -> _Spot:
    monday = today - timedelta(days=today.weekday())
    if match["wholeweek"].startswith("上"):
        monday -= timedelta(weeks=1)
    return _Spot(monday, monday + timedelta(days=6))


def _relative(match: re.Match[str], today: date) -> _Spot:
    day = today + timedelta(days=_DAYS[match["relative"]])
    return _Spot(day, day)


def _festival(match: re.Match[str], today: date) -> _Spot | None:
    name, days = _FESTIVALS[match["festival"]]
    for year in (today.year, today.year - 1):
        first = _festivals(year).get(name)
        if first is not None and first <= today:
            return _Spot(first, first + timedelta(days=days - 1))
    return None


def _whole_year(match: re.Match[str], today: date) -> _Spot:
    year = today.year - {"今年": 0, "去年": 1, "前年": 2}[match["whole"]]
    return _in_year(year, match["wmonth"], match["wday"])


_DAY_RULES: tuple[tuple[str, Callable[[re.Match[str], date], _Spot | None]], ...] = (
    ("year", _dated),
    ("rmonth", _this_or_last_month),
    ("month", _month_and_day),
    ("only", _day_of_month),
    ("ago", _ago),
    ("weekday", _weekday),
    ("wholeweek", _whole_week),
    ("relative", _relative),
    ("festival", _festival),
    ("whole", _whole_year),
)


def _in_year(year: int, month: str | None, day: str | None) -> _Spot:
    """A day, a month or a year. Raises ValueError when there is no such day."""
    if month is None:
        return _Spot(date(year, 1, 1), date(year, 12, 31))
    first = date(year, _number(month), 1)
    if day is not None:
        exact = first.replace(day=_number(day))
        return _Spot(exact, exact)
    return _Spot(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def _hours(match: re.Match[str], part: str | None) -> tuple[float, float] | None:
    """From which to which hour of the day; over 24: the next morning. None when no time of day is named."""
    if match["hour"] is None:
        return _PARTS[part] if part else None
    begin = _clock(match["hour"], match["minute"], part)
    if begin is None:
        return None
    if match["hour2"] is not None:
        end = _clock(match["hour2"], match["minute2"], match["part3"] or part)
        if end is not None:
            if match["part2"]:
                end = end % 24 + 24
            while end <= begin:
                end += 12
            return begin, end
    return begin, begin + (0.5 if match["minute"] else 1.0)


def _clock(hour: str, minute: str | None, part: str | None) -> float | None:
    number = _number(hour)
    if number > 24:
        return None
    minutes = {"半": 30, "一刻": 15, "三刻": 45}.get(minute or "") or (_number(minute) if minute else 0)
    if minutes > 59:
        return None
    value = number + minutes / 60
    if part is None:
        return value
    begin, end = _PARTS[part]
    if begin >= _EVENING_FROM and number <= 12 and value + 12 >= min(begin, 18) - 1:
        value += 12
    elif (end > 24 and number < 12) or (part == "晚" and number <= 5):
        value += 24  # 半夜两点: the morning after
    if part == "中午" and number <= 3:
        value += 12
    return value


def _count(text: str) -> float:
    """`半`, or a number."""
    return 0.5 if text == "半" else float(_number(text))


def _number(text: str) -> int:
    """`23`, `二十三`, `两` → int."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _NUMERALS[text[0]]
    return (_NUMERALS[tens] if tens else 1) * 10 + (_NUMERALS[ones] if ones else 0)


@cache
def _festivals(year: int) -> dict[str, date]:
    """The first day of each festival of a year, as the `holidays` package computes them."""
    import holidays  # noqa: PLC0415 (slow to load, seldom needed)

    found: dict[str, date] = {}
    for day, names in sorted(holidays.country_holidays("CN", years=year, observed=False, language="zh_CN").items()):
        for name in names.split("; "):
            for wanted in {entry for entry, _ in _FESTIVALS.values()}:
                if wanted in name:
                    found.setdefault(wanted, day)
    if "春节" in found:
        found.setdefault("除夕", found["春节"] - timedelta(days=1))
    return found
