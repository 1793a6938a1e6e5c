"""What somebody does by saying something: greets, thanks, gives up, asks for a person, corrects. By words alone.

What a text is about is the model's business; here it is only seen what the dialogue must do with it. The phrases stand in
`phrases.yml` and are compared with the bare text: full-width forms folded, spaces, punctuation and pictures left out.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml


class Act(StrEnum):
    """What a turn does, as the table of the dialogue names it."""

    # found in the words
    GREET = "greet"
    THANK = "thank"
    PART = "part"  # 再见
    CANCEL = "cancel"
    PERSON = "person"  # wants a human being
    ABILITIES = "abilities"  # what can you do?
    REPORT = "report"  # wants to report something and has not said what
    ASK = "ask"  # wants to ask something and has not said what
    STATUS = "status"
    URGE = "urge"
    RATE = "rate"
    HURRY = "hurry"
    INSULT = "insult"
    YES = "yes"
    NO = "no"
    SKIP = "skip"
    ANONYMOUS = "anonymous"
    CONFIDENTIAL = "confidential"
    OPEN = "open"  # no need for secrecy
    NO_PHONE = "no_phone"
    ADD = "add"  # 补充
    SAME_PLACE = "same_place"
    EDIT_MATTER = "edit_matter"
    EDIT_PLACE = "edit_place"
    EDIT_SINCE = "edit_since"
    EDIT_PHONE = "edit_phone"
    EDIT_PHOTO = "edit_photo"
    EDIT_KIND = "edit_kind"
    # found in what was sent
    NOTHING = "nothing"  # no text, no picture, no place
    SIGNS = "signs"  # pictures and punctuation only
    WORDS = "words"  # any text
    VAGUE = "vague"  # a text too short and too strange to be a matter
    PHOTOS = "photos"
    POINT = "point"
    PHONE = "phone"
    WRONG_PHONE = "wrong_phone"
    TICKET_NO = "ticket_no"
    TAIL = "tail"
    CORRECTED_PLACE = "corrected_place"
    JUST_PLACE = "just_place"  # a place and nothing else: 恬庄街38号
    # found by the model
    DANGER = "danger"
    SELF_HARM = "self_harm"
    QUESTION = "question"  # something that the question file answers
    TELLS = "tells"  # tells of a matter
    # buttons that are no word of any of these
    SUBMIT = "submit"
    FORWARD = "forward"
    OURS = "ours"
    SPLIT = "split"
    JOIN = "join"
    HELPED = "helped"
    ASK_DESK = "ask_desk"
    LOOK_AGAIN = "look_again"
    KIND = "kind"
    SOLVED = "solved"
    SATISFIED = "satisfied"


BUTTONS: dict[str, Act] = {
    "report": Act.REPORT,
    "ask": Act.ASK,
    "status": Act.STATUS,
    "person": Act.PERSON,
    "cancel": Act.CANCEL,
    "skip": Act.SKIP,
    "no_phone": Act.NO_PHONE,
    "anonymous": Act.ANONYMOUS,
    "confidential": Act.CONFIDENTIAL,
    "open": Act.OPEN,
    "same_place": Act.SAME_PLACE,
    "submit": Act.SUBMIT,
    "forward": Act.FORWARD,
    "ours": Act.OURS,
    "split": Act.SPLIT,
    "join": Act.JOIN,
    "helped": Act.HELPED,
    "ask_desk": Act.ASK_DESK,
    "look_again": Act.LOOK_AGAIN,
    "urge": Act.URGE,
    "rate": Act.RATE,
    "add": Act.ADD,
    "edit:matter": Act.EDIT_MATTER,
    "edit:place": Act.EDIT_PLACE,
    "edit:since": Act.EDIT_SINCE,
    "edit:phone": Act.EDIT_PHONE,
    "edit:photo": Act.EDIT_PHOTO,
    "edit:kind": Act.EDIT_KIND,
}
"""The act of each button. `kind:…`, `solved:…`, `satisfied:…` and `case:…` carry their answer behind the colon."""

CARRYING: dict[str, Act] = {
    "kind": Act.KIND,
    "solved": Act.SOLVED,
    "satisfied": Act.SATISFIED,
    "case": Act.TICKET_NO,
}

LONGEST_SMALL_TALK = 20
"""A longer text is never taken for impatience, an insult or the wish for a person: it says something, too."""

_FILE = Path(__file__).with_name("phrases.yml")
_AFTER = "(?:了|吧|啊|呀|哦|呢|哈|嘛|的|您|你|啦|么)*"
"""What may follow a phrase without changing it."""


@cache
def _phrases() -> dict[str, tuple[tuple[Act, re.Pattern[str]], ...]]:
    """How a phrase counts (`whole`, `within`, `anywhere`) → what it does and what it looks like."""
    found = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    shapes = {"whole": rf"(?:(?:{{}}){_AFTER})+", "within": "{}", "anywhere": "{}"}
    return {
        manner: tuple(
            (Act(act), re.compile(shape.format("|".join(phrases)), re.IGNORECASE))
            for act, phrases in found[manner].items()
        )
        for manner, shape in shapes.items()
    }


_KEPT = re.compile(r"[^0-9A-Za-z\u3400-\u9fff]+")
_PHONE = re.compile(
    r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)"
    r"|(?<![\d-])(0\d{2,3})[- ]?([2-8]\d{2,3})[- ]?(\d{4})(?!\d)|(?<![\d-])([2-8]\d{7})(?![\d年月元号-])"
)
_DIGITS = re.compile(r"(?<![A-Za-z\d-])\d(?:[ -]?\d){5,}")
_TICKET_NO = re.compile(r"(?<![A-Za-z])([A-Za-z]{1,6})\s?(\d{6})\s?-?\s?(\d{5,7})(?!\d)")
_TAIL = re.compile(r"(?:尾号|后四位|末四位|手机尾号|最后四位)(?:是|为|:|：)?(\d{4})(?!\d)|^\D{0,4}(\d{4})\D{0,3}$")
_NAME = re.compile(
    r"我(?:叫|姓名是|名叫)([\u3400-\u9fff]{2,4})(?=[，,。;；!！\s]|$)|我姓([\u3400-\u9fff]{1,2})(?=[，,。;；!！\s]|$)"
)
_NOT_BUT = re.compile(
    r"不(?:是|在)(?P<wrong>[^，,。；;是]{1,20}?)[，,。；; ]*(?:而)?(?:是|在|应该是|应为|应该在)(?P<right>[^，,。；;！!]{2,40})"
)
_SHOULD_BE = re.compile(
    r"(?:应该是|应为|应该在|改成|改为|更正为|换成|其实是|其实在|实际是|实际在|正确的?是|是在?)(?P<right>[^，,。；;！!]{2,40})"
)
_STREET = (
    r"[^\W\d_在被有的是了没不把很和与]{1,10}(?:路|街|巷|弄|里|桥|浜|村|社区|小区|花园|苑|园|广场|大道|市场|公寓|店|厂|委会|学校|小学|中学"
    r"|医院|银行|超市|车站)"
)
_NUMBER = r"\d{1,5}(?:-\d{1,4})?(?:号楼|号院|号|弄|幢|栋|室|单元|组|楼|层)"
_BESIDE = r"的?(?:旁边|对面|门口|附近|后面|前面|路口|村口|桥头|[东西南北][侧边面门])"
_WITHIN_ONLY = re.compile(rf"(?:{_NUMBER}){{1,4}}(?:{_BESIDE})?")
_JUST_PLACE = re.compile(
    r"(?:就在|位于|具体(?:位置|地点|地址)?(?:是|在)|地[址点](?:是|在)?|在|是)?[：: ]*"
    rf"(?P<place>{_STREET}(?:[和与、]?{_STREET}){{0,2}}(?:(?:{_NUMBER}){{1,4}}(?:{_BESIDE})?|{_BESIDE})|{_WITHIN_ONLY.pattern})"
    r"[。.!！吧呀啊 ]*"
)
_ASKS_SECRECY = (
    r"(?:请(?:一定)?(?:要)?(?:为我|替我|帮我|给我|对我)?保密|要求(?:为我)?保密|希望(?:能|可以)?(?:为我|替我|给我)?保密|需要保密"
    r"|务必(?:为我|替我|给我)?保密|(?:一定)?要?(?:为我|替我|帮我|给我)保密|匿名(?:举报|反映|投诉)?"
    r"|(?:不要|别|不能|请勿)(?:告诉|透露|泄露|泄漏|让)[^，,。；;！!\n]{0,10})"
)
_SECRECY = re.compile(
    rf"(?:(?<=[，,。；;！!\s])|^)[^，,。；;！!\n]{{0,8}}{_ASKS_SECRECY}[^，,。；;！!\n]{{0,6}}"
    rf"|{_ASKS_SECRECY}|^保密$|(?<=[，,。；;！!\s])保密(?=[。！!]?$)"
)
_SECRECY_BROKEN = re.compile(r"(?:没有?|不)(?:给|为|替|帮)?我?保密|泄露了|泄漏了|被(?:你们)?泄[露漏密]|泄密")


def plain(text: str) -> str:
    """The text with full-width letters and digits folded and control characters gone; its lines are kept."""
    folded = unicodedata.normalize("NFKC", text.replace("，", "\ue000").replace("：", "\ue001").replace("；", "\ue002"))
    folded = folded.replace("\ue000", "，").replace("\ue001", "：").replace("\ue002", "；")
    kept = "".join(
        char for char in folded if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cf"}
    )
    return kept.strip()


def bare(text: str) -> str:
    """Letters, digits and ideographs of a plain text."""
    return _KEPT.sub("", text)


def acts_of(text: str) -> frozenset[Act]:
    """What a plain text does by its words. `text` is what `plain` gave."""
    core = bare(text)
    if not core:
        return frozenset({Act.SIGNS if text else Act.NOTHING})
    phrases = _phrases()
    found = {act for act, pattern in phrases["anywhere"] if pattern.search(core)}
    if len(core) <= LONGEST_SMALL_TALK:
        found |= {act for act, pattern in phrases["whole"] if pattern.fullmatch(core)}
        found |= {act for act, pattern in phrases["within"] if pattern.search(core)}
    if Act.OPEN in found or _SECRECY_BROKEN.search(core):
        found -= {Act.ANONYMOUS, Act.CONFIDENTIAL}
    found.add(Act.WORDS)
    return frozenset(found)


def phone_in(text: str) -> str:
    """The first phone number of a plain text, digits only (a fixed line's with its area code and a dash); else empty."""
    found = _PHONE.search(text)
    if found is None:
        return ""
    if found[1]:
        return found[1] + found[2] + found[3]
    return f"{found[4]}-{found[5]}{found[6]}" if found[4] else found[7]


def looks_like_a_phone(text: str) -> bool:
    """Whether a text has a run of digits that somebody may have meant as a number to call."""
    return _DIGITS.search(text) is not None


def ticket_no_in(text: str, prefix: str) -> str:
    """A ticket number of ours, however it was typed; else empty."""
    for found in _TICKET_NO.finditer(text):
        if found[1].upper() == prefix:
            return f"{prefix}{found[2]}-{found[3]}"
    return ""


def tail_in(text: str) -> str:
    """Four digits that may be the end of a phone number; else empty."""
    found = _TAIL.search(text)
    return (found[1] or found[2] or "") if found else ""


def name_in(text: str) -> str:
    """How the person says that they are called; else empty."""
    found = _NAME.search(text)
    return (found[1] or f"{found[2]}（姓）") if found else ""


def corrected(text: str, *, said_wrong: bool) -> str:
    """What should stand there instead: of “不是A，是B” it is B; where `said_wrong`, also of “地址错了，应该是B”."""
    found = _NOT_BUT.search(text)
    if found is None and said_wrong:
        found = _SHOULD_BE.search(text)
    return found["right"].strip() if found else ""


def just_place(text: str) -> str:
    """The place, where a text names one with its number or what it lies beside and says nothing else; empty otherwise."""
    found = _JUST_PLACE.fullmatch(text)
    return found["place"] if found else ""


def is_within(place: str) -> bool:
    """Whether what `just_place` gave says only where within a place it is: 38号门口."""
    return _WITHIN_ONLY.fullmatch(place) is not None


def without_secrecy(text: str) -> str:
    """The text without the request to keep the reporter secret: that is kept beside it, and would mislead the model.

    Empty where the text says nothing else; as it is where it complains that a secret was not kept.
    """
    if _SECRECY_BROKEN.search(text):
        return text
    return _SECRECY.sub("", text).strip(" ，,。；;")
