"""被反映对象: whom a text complains about: a company, a shop, a building site, a vehicle by its plate."""

from __future__ import annotations

import re

from domain.understanding import Party
from nlu.naming import name_before

MOST_PARTIES = 5

_TELLING = re.compile(
    r"(?P<company>(?:有限责任公司|股份有限公司|有限公司|公司|集团|合作社|养殖场|工厂|[^ ]厂(?![房区家门商长址]))(?:分公司)?)"
    r"|(?P<shop>饭店|酒店|宾馆|餐馆|餐厅|面馆|龙虾馆|菜馆|大排档|烧烤摊|超市|美容院|修理厂|诊所|网吧|棋牌室|浴室|酒吧|歌厅|ktv|健身房|"
    r"培训机构|培训班|幼儿园|快递站|驿站|酒楼|茶楼|[^ ]店(?![铺面长员家里内外主名招]))"
    r"|(?P<site>工地|项目部|楼盘|标段|施工现场)"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·•.\- ]?[A-Za-z0-9]{5,6}(?![A-Za-z0-9])"
)
_LONGEST_NAME = 14
_NO_NAME = frozenset(
    {
        "",
        "一",
        "某",
        "该",
        "本",
        "物业",
        "分",
        "总",
        "大",
        "小",
        "几",
        "整",
        "工",
        "同",
        "开",
        "饭",
        "酒",
        "书",
        "商",
        "门",
        "网",
    }
)


def find(text: str, folded: str) -> tuple[Party, ...]:
    """The parties that a text names, in its order, at most five. Both strings have the same positions."""
    found: dict[str, Party] = {}
    for plate in _PLATE.finditer(text):
        found.setdefault(plate[0], Party(plate[0], "vehicle"))
    for telling in _TELLING.finditer(folded):
        kind = telling.lastgroup or ""
        name_end = telling.start() + (len(telling[0]) == 2 and telling[0][1] in "店厂")
        start = name_before(folded, name_end, _LONGEST_NAME)
        if start is None or folded[start:name_end] in _NO_NAME:
            continue
        name = text[start : telling.end()]
        found.setdefault(name, Party(name, kind))
        if len(found) >= MOST_PARTIES:
            break
    return tuple(found.values())[:MOST_PARTIES]
