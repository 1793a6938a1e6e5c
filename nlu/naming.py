"""The name that stands before a telling word: 恬庄 before 路, 某某 before 有限公司. Shared by places and parties."""

from __future__ import annotations

import re

_BEFORE_A_NAME = re.compile(
    r".*(?:[的在到与及跟是了从往去住位于对由把被将有为请叫就这那给让说因称以但而或即其也都又还再不没问找经至离靠?!]|(?<!自)来|和(?![平谐睦]|[东南西北中]$)|向(?![阳东荣])|建设(?![东南西北中]?路)"
    r"|反映|投诉|举报|建议|咨询|居民|村民|业主|我们|本人|你们|他们|附近|旁边|门口|对面|楼下|隔壁|多次|看到|发现|路过|市民|要求|希望|进驻|进入"
    r"|一个|一家|一条|几个|几家|比如|例如|如|其他|某|周边|内|里(?![东南西北中]$)|旁|东侧|西侧|南侧|北侧|交叉口|路口|整治|改造|尊敬|关于|开始|进行|取得|所谓|需要|哪个)"
)
_WIDER_PLACE = re.compile(r".*(?:街道|社区|大道|[省县区镇乡村路街弄号]|市(?![东南西北中][路街]))(?=[^ ]{2})")
"""A name of one character after it is none: 夏市东路 is not the 东路 of a city 夏市."""


def name_before(folded: str, end: int, longest: int, *, within_places: bool = False) -> int | None:
    """Where the name that ends before character `end` begins; None when nothing, or too long a run of words, stands there.

    `within_places`: the name of a wider place before it (…市…区…镇) is no part of it.
    """
    start = max(0, end - longest - 1)
    stretch = folded[start:end]
    cut = stretch.rfind(" ") + 1
    stop = _BEFORE_A_NAME.match(stretch, cut)
    if stop:
        cut = stop.end()
    if within_places:
        wider = _WIDER_PLACE.match(stretch, cut)
        if wider:
            cut = wider.end()
    if cut == len(stretch) or (cut == 0 and start > 0):
        return None
    return start + cut
