"""Reading single values: texts, numbers, choices, flags, phones, attachments. Each reader returns or raises `Unfit`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from adapters.problems import Fault, Unfit, quoted, type_name, unfit
from domain.complaint import KIND_NAMES, URGENCY_NAMES, Attachment, Kind, Urgency

_UNWANTED = re.compile(
    # Control characters, invisible ones that only break comparison, and those that reverse the writing direction.
    "[\x01-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_PHONE_DRESS = re.compile(r"[\s\-()]+")
_PLAIN_PHONE = re.compile(r"\+?[0-9\s\-()]+")
_SCIENTIFIC = re.compile(r"([0-9])(?:\.([0-9]+))?[eE]\+?([0-9]{1,3})")
_TRAILING_ZERO = re.compile(r"([0-9]+)\.0+")
_NEXT_ADDRESS = re.compile(r"[,，;；\s]+(?=[A-Za-z][A-Za-z0-9+.\-]*:)")
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#\\<>\"]+[^\s\\<>\"\x00-\x1f\x7f]*", re.IGNORECASE)
_WORD_SEPARATORS = re.compile(r"[,，;；、|\s]+")

LONGEST_ADDRESS = 2000
MOST_ATTACHMENTS = 50
LARGEST_EXACT = 2**53  # beyond it a double no longer holds every whole number

FLAG_WORDS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "是", "yes", "y", "需要"), True),
    **dict.fromkeys(("0", "false", "否", "no", "n", "不需要"), False),
}
KIND_WORDS: Mapping[str, Kind] = {word: kind for kind, name in KIND_NAMES.items() for word in (name, kind.value)}
URGENCY_WORDS: Mapping[str, Urgency] = {
    **{word: urgency for urgency, name in URGENCY_NAMES.items() for word in (name, urgency.value)},
    **dict.fromkeys(("普通", "正常", "常规"), Urgency.NORMAL),
    **dict.fromkeys(("急", "较急"), Urgency.URGENT),
    **dict.fromkeys(("加急", "特别紧急", "非常紧急"), Urgency.CRITICAL),
}


def written(value: object, *, numbers: bool = False) -> str:
    """A text, or with `numbers` also a number's exact digits. Raises `Unfit` for other types and for NUL."""
    if isinstance(value, str):
        text = value
    elif numbers and isinstance(value, int) and not isinstance(value, bool):
        if value.bit_length() > 256:
            raise unfit("数字过长，请核对", "length")
        text = str(value)
    elif numbers and isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT:
        text = str(int(value))
    elif numbers and isinstance(value, float):
        raise unfit(f"{quoted(value)}不是完整的号码，请用文字（加引号）发送，以免丢失数位", "type")
    else:
        raise unfit(f"应为文字，收到的是{type_name(value)}", "type")
    if "\x00" in text:
        raise unfit("含有空字符（\\u0000），请删除后重新发送", "nul")
    return text


def cleaned(text: str) -> str:
    """A text in NFC, with plain line ends and without control characters."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _UNWANTED.search(text):
        text = _UNWANTED.sub("", text)
    return (text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)).strip()


def half_width(text: str) -> str:
    """Full-width digits, letters and signs as their ASCII twins."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def text_reader(limit: int) -> Callable[[object], str]:
    """Text of several lines."""

    def read(value: object) -> str:
        return _within(cleaned(written(value)), limit)

    return read


def line_reader(limit: int) -> Callable[[object], str]:
    """Text on one line: every run of white space becomes one space. Names and house numbers may come as numbers."""

    def read(value: object) -> str:
        return _within(" ".join(cleaned(written(value, numbers=True)).split()), limit)

    return read


def number_reader(limit: int) -> Callable[[object], str]:
    """A number that names something: half-width, without control characters."""

    def read(value: object) -> str:
        return _within(cleaned(half_width(written(value, numbers=True))), limit)

    return read


def sheet_number_reader(limit: int) -> Callable[[object], str]:
    """The same out of a spreadsheet, which may have turned it into a decimal and lost its last digits."""
    plain = number_reader(limit)

    def read(value: object) -> str:
        text = plain(value)
        if found := _TRAILING_ZERO.fullmatch(text):
            whole, exact = found.group(1), True
        elif found := _SCIENTIFIC.fullmatch(text):
            digits, exponent = found.group(1) + (found.group(2) or ""), int(found.group(3))
            whole = digits[: exponent + 1]
            exact = len(digits) > exponent and not digits[exponent + 1 :].strip("0")
        else:
            return text
        if not exact or int(whole) >= LARGEST_EXACT:
            raise unfit(
                f"{quoted(text)}已被表格软件改成科学计数法或小数，末尾数位可能已丢失，请将该列设为文本格式后重新导出",
                "format",
            )
        return whole

    return read


def phone_reader(limit: int) -> Callable[[object], str]:
    """A telephone number as far as it is one: people write anything here, so nothing is refused but cut."""

    def read(value: object) -> str:
        text = " ".join(cleaned(half_width(written(value, numbers=True))).split())
        if _PLAIN_PHONE.fullmatch(text):
            text = _PHONE_DRESS.sub("", text)
        return text[:limit]

    return read


def word_of(value: object) -> str:
    """A word to be looked up, in lower case: numbers and truth values count as their text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return half_width(cleaned(written(value, numbers=True))).lower()


def spelled(value: object) -> str:
    """A word to be compared with others; empty for what is none."""
    try:
        return "" if value is None else word_of(value)
    except Unfit:
        return ""


def choice_reader(words: Mapping[str, Any], *, keep: bool) -> Callable[[object], Any]:
    """One of `words` (by their lower-case text); an unknown one gives None with `keep`, else raises `Unfit`."""
    known = {half_width(word).lower(): meaning for word, meaning in words.items()}
    allowed = "、".join(dict.fromkeys(words))

    def read(value: object) -> Any:
        word = word_of(value)
        if word in known:
            return known[word]
        if keep:
            return None
        raise unfit(f"{quoted(value)}不在允许的取值中，可用：{allowed}", "value")

    return read


def kind_reader(words: Mapping[str, Kind], *, keep: bool) -> Callable[[object], tuple[Kind | None, str]]:
    """The platform's word for the kind, and what it means to us if anything."""
    choose = choice_reader(words, keep=keep)
    as_line = line_reader(50)

    def read(value: object) -> tuple[Kind | None, str]:
        word = as_line(value)
        return choose(word), word

    return read


def split_words(value: object) -> list[object]:
    """A list, or a text of several words as one."""
    if isinstance(value, list):
        if len(value) > MOST_ATTACHMENTS:
            raise unfit(f"最多 {MOST_ATTACHMENTS} 项，收到 {len(value)} 项", "length")
        return value
    return [word for word in _WORD_SEPARATORS.split(cleaned(written(value))) if word]


def attachments(value: object) -> tuple[Attachment, ...]:
    """Files named as a list of `{name, url}` or of addresses, one such object, or addresses joined by commas."""
    if isinstance(value, str):
        listed: list[object] = [*_NEXT_ADDRESS.split(cleaned(written(value)).strip(",，;； "))]
    elif isinstance(value, dict):
        listed = [value]
    elif isinstance(value, list):
        listed = value
    else:
        raise unfit(f"应为附件数组，收到的是{type_name(value)}", "type")
    if len(listed) > MOST_ATTACHMENTS:
        raise unfit(f"附件最多 {MOST_ATTACHMENTS} 个，收到 {len(listed)} 个", "length")
    found: list[Attachment] = []
    faults: list[Fault] = []
    for index, one in enumerate(listed):
        if one is None or one == "":
            continue
        try:
            found.append(_attachment(one))
        except Unfit as error:
            faults += [
                Fault(f"第 {index + 1} 个附件{fault.message}", fault.code, f"[{index}]{fault.at}")
                for fault in error.faults
            ]
    if faults:
        raise Unfit(*faults)
    return tuple(found)


def _attachment(value: object) -> Attachment:
    if isinstance(value, dict):
        name = value.get("name")
        return Attachment(_web_address(value.get("url"), ".url"), _attachment_name(name) if name else "")
    return Attachment(_web_address(value, ""))


def _attachment_name(value: object) -> str:
    try:
        return line_reader(300)(value)
    except Unfit as error:
        raise unfit(f"的名称{error.faults[0].message}", error.faults[0].code, ".name") from None


def _web_address(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise unfit(f"的地址应为文字，收到的是{type_name(value)}", "type", at)
    address = value.strip()
    if len(address) > LONGEST_ADDRESS:
        raise unfit(f"的地址超过 {LONGEST_ADDRESS} 个字符", "length", at)
    if not _WEB_ADDRESS.fullmatch(address):
        raise unfit(f"的地址{quoted(value)}应以 http:// 或 https:// 开头，且不含空格、引号和尖括号", "format", at)
    return address


def _within(text: str, limit: int) -> str:
    if len(text) > limit:
        raise unfit(f"最多 {limit} 个字符，收到 {len(text)} 个", "length")
    return text
