"""Personal data in a reply: numbers, plates, the reporter's and other private persons' names, illness and the like.

Offices' telephone numbers and office holders' names may stand in a reply. Names are found by the words around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from domain.privacy import masked_text
from nlu import parties, personal_numbers
from nlu.folding import fold_text
from nlu.reply_words import READ_CHARACTERS, patterns, word_data

CODES = (
    "leak_identity",
    "leak_bank_card",
    "leak_phone",
    "leak_plate",
    "leak_reporter",
    "leak_person",
    "leak_private_life",
)

_REASONS = {
    "leak_identity": "出现身份证号码：请删去，确需提到的只写后四位。",
    "leak_bank_card": "出现像银行卡的长号码：请删去或只写后四位。",
    "leak_phone": "出现个人电话号码：请删去；单位的办公电话请写明“联系电话”或单位名称。",
    "leak_plate": "出现车牌号码：请删去，或只写末两位，如“尾号 12 的车辆”。",
    "leak_reporter": "出现诉求人的姓名：答复可能被他人看到，请改称“您”或“诉求人”。",
    "leak_person": "出现个人姓名：请改成“当事人”“户主”或只写姓，如“王某”；工作人员的请写明职务。",
    "leak_private_life": "写到疾病等个人隐私：请删去，与办理有关的另行当面告知。",
}
_MOST_NAMES = 200

_BEFORE = 18  # how far before a number words tell whose it is: an office's mobile number, a document's
_CITIZEN = 8  # … a citizen's
_SENTENCE = 120  # … an office's wired telephone: one word serves a list of numbers
_OFFICE_REACH = 5  # how far from a name its office stands
_AFTER_NAME = (
    r"(?=$|[^\u4e00-\u9fff]|[等在于与和及向的已到对同说称因将为之是曾未家只一从自没也还仅就请要想经接持患拒系]"
    r"|本人|同志|先生|女士|夫妇|夫妻|一家|提出|反映|表示)"
)
_NO_NAME = re.compile(
    "[某先女同公您其你我他的了在是上下有所不人户客住用们这那就都和与向被把村镇路街区县市组社局站校院园店厂司场]"
)
_DOCUMENT = re.compile(r"(?:第|编号|证号|备案号|案号|文号|合同号|字号?)[^\u4e00-\u9fff]{0,12}$")
_WIRED = re.compile(r"0\d{2,3}[- ]?\d{7,8}|[2-8]\d{6,7}")


@dataclass(frozen=True, slots=True)
class Leak:
    """`code` is one of `CODES`; `spans` are (start, end) in the reply."""

    code: str
    reason: str
    spans: tuple[tuple[int, int], ...]


def find(complaint_text: str, reply: str, names: Sequence[str]) -> list[Leak]:
    """The leaks of a reply, one of each code. `names` and names by which the complaint signs are the reporter's."""
    text, complaint = reply[:READ_CHARACTERS], complaint_text[:READ_CHARACTERS]
    folded = fold_text(text)
    spans: dict[str, set[tuple[int, int]]] = {code: set() for code in CODES}
    for number in personal_numbers.find(text, folded):
        if number.kind == "phone" and _may_stand(text, folded, number.start, number.end, complaint):
            continue
        shown = text[number.start : number.end]
        if masked_text(shown) != shown:  # dates and our ticket numbers stay
            spans[f"leak_{number.kind}"].add((number.start, number.end))
    for party in parties.find(text, folded):
        if party.kind == "vehicle":
            spans["leak_plate"].update(_occurrences(text, party.text))
    reporters = {name.strip() for name in names} | set(_signed(complaint))
    for name in reporters:
        if len(name) >= 2:
            spans["leak_reporter"].update(_occurrences(text, name))
    for name in _private_names(text, complaint) - reporters:
        spans["leak_person"].update(_occurrences(text, name))
    spans["leak_private_life"].update(match.span() for match in patterns()["private_life"].finditer(folded))
    return [Leak(code, _REASONS[code], tuple(sorted(found))) for code, found in spans.items() if found]


def _may_stand(text: str, folded: str, start: int, end: int, complaint: str) -> bool:
    """Whether a number that looks like a telephone is an office's, or the number of a document.

    Of a wired telephone the words of the sentence before it tell, of a mobile one only the words just before it.
    """
    before = folded[max(0, start - _BEFORE) : start]
    wired = bool(_WIRED.fullmatch(text, start, end))
    if patterns()["citizen"].search(before[-_CITIZEN:]) or (not wired and text[start:end] in complaint):
        return False
    if not wired:
        return bool(patterns()["office_mobile"].search(before))
    sentence = folded[max(0, start - _SENTENCE) : start]
    return bool(_DOCUMENT.search(before) or patterns()["office_phone"].search(sentence))


def _occurrences(text: str, part: str) -> Iterator[tuple[int, int]]:
    at = text.find(part)
    while at >= 0:
        yield at, at + len(part)
        at = text.find(part, at + len(part))


@cache
def _name() -> str:
    """A pattern of what may be a name: a surname and one or two characters."""
    compound = "|".join(word_data()["compound_surnames"])
    return rf"(?:{compound}|[{word_data()['surnames']}])[\u4e00-\u9fff]{{1,2}}?"


@cache
def _signing() -> re.Pattern[str]:
    return re.compile(
        rf"(?:我叫|我是|本人|投诉人|举报人|反映人|来信人|信访人|诉求人|上访人)[：: ,，]{{0,2}}"
        rf"(?P<name>{_name()})(?=$|[^\u4e00-\u9fff])"
        rf"|(?:^|[\s。！!，,])(?P<signed>{_name()})"
        rf"(?=[\s，,]*(?:联系电话|电话|手机|20\d\d ?年|\d{{11}}|\*{{6,}})|\s*$)"
    )


def _signed(complaint: str) -> Iterator[str]:
    for match in _signing().finditer(complaint):
        name = match["name"] or match["signed"]
        if not _is_word(name):
            yield name


@cache
def _persons() -> re.Pattern[str]:
    before = "|".join(map(re.escape, word_data()["persons_before"]))
    after = "|".join(map(re.escape, word_data()["persons_after"]))
    listed = rf"{_name()}(?:[、，]{_name()}){{0,6}}"
    return re.compile(
        rf"(?:{before})(?:为|是|系|叫|名叫)?[：:“\" ]?(?P<before>{listed}){_AFTER_NAME}"
        rf"|(?:[与向对找同将])(?P<beside>{listed})(?=和您|进行|联系|核实|沟通|了解情况|反映|解释|说明)"
        rf"|(?:(?<![\u4e00-\u9fff])|(?<=[的与和为是]))(?P<stated>{_name()})(?=，?(?:系|男|女)[，\u4e00-\u9fff])"
        rf"|(?P<after>{listed})(?:同志|先生|女士|等[一二两三四五六七八九十几\d]{{1,3}}(?:户|人|名)|{after})"
    )


def _private_names(text: str, complaint: str) -> set[str]:
    """Names of persons without an office in the reply: told by the words around them, there or in the complaint."""
    found: set[str] = set()
    for source in (text, complaint):
        for match in _persons().finditer(source):
            for name in re.split("[、，]", match[match.lastgroup or ""]):
                if not _is_word(name) and name in text:
                    found.add(name)
    return {name for name in sorted(found)[:_MOST_NAMES] if not _holds_office(text, name)}


def _is_word(name: str) -> bool:
    return name[:2] in word_data()["not_names"] or bool(_NO_NAME.search(name, 1))


def _holds_office(text: str, name: str) -> bool:
    """Somewhere an office stands beside the name (镇长…, …局长)."""
    for start, end in _occurrences(text, name):
        beside = f"{text[max(0, start - _OFFICE_REACH) : start]} {text[end : end + _OFFICE_REACH]}"
        if patterns()["offices"].search(fold_text(beside)):
            return True
    return False
