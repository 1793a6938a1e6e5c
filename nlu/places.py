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
    r"公寓|别墅|新城|公馆|街道|嘉园|佳园|名苑|景园|酒店|宾馆|中心)|[路街巷桥河浜湾苑乡](?![边面上口道灯况人民长委干管政过段费障权里])"
    r"|村(?![民长委干里口头子边上])|镇(?![长上里区政])|港(?![口市商])|弄(?![清明错丢翻脏合好坏虚死成走掉懂得出不鬼堂])"
)
_NUMBER = re.compile(r" ?\d{1,4} ?(?:弄|号(?!线))(?:\d{1,4}号)?(?:楼)?| ?\d{1,3} ?(?:幢|栋|组)")
_LONGEST_OF_LONG = 8
_LONGEST_OF_SHORT = 5
_SPOKEN = re.compile(
    r".*(?:[错哎呀你她想怕帮跑每哪谁啊嘛吧呢么咱们个些指]|讲(?!堂)|地点|走(?!马)|一下|一路(?!.)|孩子|老人|外地|结果|目前|现在|最近|近期|近日|另外|同时|其实|导致|影响|"
    r"如能|果能|要是|最好|希望|知道|了解|考虑|检查|通知|喝|飘满|占满|流满|流进|排进|装进|翻进|搬进|糊成|变成|直接|偷偷|私自|天天|几天|之后|以后|"
    r"时候|期间|一天到晚|工作中|为啥|或者|不清楚|天一黑|早日|三天两头|什么|怎么|这么|那么|自己|大家|不少|很多|许多|整个)"
)
"""What is said before a name and stands in none: the name begins after it."""

_NO_NAME = re.compile(
    r"(?:马路?|农村|露天|临时|烟|属|公|[一两几每那这条]条?|修|水泥|沿|道|走|过|本|全|各|农|我|你|他|该|整个?|每个|新|老|大|小|占|人行|铁|出|让|上|下|半|同|城|乡|小|断头|柏油|泥巴|机耕|"
    r"步行|商业|美食|斑马|高架|立交|天|石|木|内|外|护城|排水|臭水|线|公交|中|集体|竟然|各乡|乡|贵|我市|我县|居住|商务|购物|服务|"
    r"个|的|要|能|会|可以|进|进出|通|满|成|着|临|主|支|背|边|古|危|护|抽|封|挖|掘|铺|扫|带|清|顺|思|套|必经之|高速|快速|城际|城市|乡村|"
    r"两个|三个|几个|多个|周围|城中|邻|镇|村|市|县|区|街|路|物业|老旧|安置|住宅|商品房|农贸|菜|公共|配套|沿线|政务|社会)"
)
"""Before 路, 村, 小区…: the whole of it is no name."""

_ENDS_NO_NAME = re.compile(
    r".*(?:[整半满两几每这那小]条[路街巷河桥]|[段边泥石弯道线马半成上套思跑修压碾封掘挖铺扫带]路|(?:断头|[车我]一|天黑|雨后)路|"
    r"[临沿背炸骂过跳满]街|(?:座|独木|跨线|高架|过街|人行|建座新|圈占|过)桥|(?:[成过着抽填流]|护|条小)河)"
)
"""What ends so names none, whatever stands before it (公交线路, 满路, 过街)."""

_WIDER = re.compile(r".*(?:街道|社区|大道|[省市县区镇乡村路街弄号])")
_TOWNS = "省市县区镇乡"
_SHORT = 2
"""Characters of a name that ends like a town's and may be a road's as well."""


_VERB = re.compile(r".*(?:[进贴盖送]|会建)")
"""A name does not end so before any of the suffixes (装进小区)."""


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
        start = _start_of_name(folded, suffix)
        if start is None:
            continue
        number = _NUMBER.match(folded, suffix.end())
        found.append(text[start : number.end() if number else suffix.end()])
        if len(found) >= MOST_PLACES:
            break
    return found


def _start_of_name(folded: str, suffix: re.Match[str]) -> int | None:
    """Where the name before a suffix begins; None where nothing that stands there names a place."""
    end = suffix.start()
    start = name_before(folded, end, _LONGEST_OF_LONG if suffix["long"] else _LONGEST_OF_SHORT, within_places=True)
    if start is None:
        return None
    spoken = _SPOKEN.match(folded, start, end)
    start = spoken.end() if spoken else start
    wider = _WIDER.match(folded, start, end)
    if start == end or (wider and wider.end() == end and wider[0][-1] in _TOWNS and len(wider[0]) > _SHORT):
        return None  # 凤凰镇河…: the name goes on after what looks like its end; 杏市路 is one
    own = wider.end() if wider and wider.end() < end else start  # of 凤凰镇老桥 only 老 is the bridge's own
    if _NO_NAME.fullmatch(folded, own, end) or _VERB.fullmatch(folded, own, end):
        return None
    return None if _ENDS_NO_NAME.fullmatch(folded, start, suffix.end()) else start
