"""Place words in a text: the town's own (communities, villages, aliases) and spans that look like roads or estates."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nlu.lexicon import Hit
from nlu.naming import name_before

PLACE = "place"
"""The name of the place list in the lexicon."""

MOST_PLACES = 8

_SUFFIX = re.compile(
    r"(?P<long>大道|公路|花园|花苑|家园|新村|小区|社区|广场|市场|菜场|商城|工业园|产业园|开发区|园区|学校|小学|中学|大学|医院|公园|车站|大桥|大厦|"
    r"公寓|别墅|新城|公馆|街道|嘉园|佳园|名苑|景园|酒店|宾馆|中心)|[路街巷弄桥河浜港湾村苑镇乡](?![边面上口道灯况人民长委干管政过段费障权里])"
)
_NUMBER = re.compile(r" ?\d{1,4} ?(?:弄|号(?!线))(?:\d{1,4}号)?(?:楼)?| ?\d{1,3} ?(?:幢|栋|组)")
_LONGEST_OF_LONG = 8
_LONGEST_OF_SHORT = 5
_NO_NAME = re.compile(
    r"(?:马|公|[一两几每那这条]条?|修|水泥|沿|道|走|过|本|全|各|农|我|你|他|该|整个?|每个|新|老|大|小|占|人行|铁|出|让|上|下|半|同|城|乡|小|断头|柏油|泥巴|机耕|"
    r"步行|商业|美食|斑马|高架|立交|天|石|木|内|外|护城|排水|臭水|线|公交|中|集体|竟然|各乡|乡|贵|我市|我县|居住|整个|商务|购物|服务|中)$"
)


def spans(text: str, folded: str, hits: Sequence[Hit], address: str, address_hits: Sequence[Hit]) -> tuple[str, ...]:
    """Place words of a text and of the platform's address, most telling first, as they stand there; at most eight.

    The town's own words come first: those of the text before those of the address, longer before shorter (a village
    before the town); then roads, estates and the like.
    """
    found = _own(text, hits) + _own(address, address_hits) + _patterns(text, folded)
    return tuple(dict.fromkeys(found))[:MOST_PLACES]


def _own(text: str, hits: Sequence[Hit]) -> list[str]:
    own = sorted((hit for hit in hits if hit.sort == PLACE), key=lambda hit: (hit.start - hit.end, hit.start))
    return [text[hit.start : hit.end] for hit in own]


def _patterns(text: str, folded: str) -> list[str]:
    found: list[str] = []
    for suffix in _SUFFIX.finditer(folded):
        longest = _LONGEST_OF_LONG if suffix["long"] else _LONGEST_OF_SHORT
        start = name_before(folded, suffix.start(), longest, within_places=True)
        if start is None or _NO_NAME.fullmatch(folded, start, suffix.start()):
            continue
        number = _NUMBER.match(folded, suffix.end())
        found.append(text[start : number.end() if number else suffix.end()])
        if len(found) >= MOST_PLACES:
            break
    return found
