"""A request body split into its members, each with its exact bytes. Not: what the members say (`fields`)."""

from __future__ import annotations

import json
import re

import msgspec

from adapters.problems import Unreadable

_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_AT_BYTE = re.compile(r"\(byte ([0-9]+)\)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\r\n]*")
_LENIENT = json.JSONDecoder(parse_int=str, parse_float=str)


def members(body: bytes, max_members: int) -> tuple[list[bytes], bool]:
    """Each member's exact bytes, and whether the body was an array.

    Raises `Unreadable` when the body is not JSON in UTF-8, is neither object nor array, is an empty array or has more
    than `max_members`. Members are checked one by one later, so that one bad member does not lose the others.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    first = body.lstrip(b" \t\r\n")[:1]
    if not first:
        raise Unreadable("请求正文是空的，应为一个 JSON 对象或由对象组成的数组")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"请求正文不是 UTF-8 编码（第 {error.start + 1} 个字节起），请改用 UTF-8 编码发送") from None
    try:
        found = [bytes(one) for one in _RAW_LIST.decode(body)] if first == b"[" else [bytes(_RAW.decode(body))]
    except msgspec.MsgspecError as error:
        found = _split(body) if first == b"[" else []
        if not found:
            raise Unreadable(f"请求正文不是有效的 JSON{_position(error, body)}，请检查后重新发送") from None
    except RecursionError:
        raise Unreadable("请求正文嵌套层数过多，无法读取，请检查后重新发送") from None
    if first not in (b"[", b"{"):
        raise Unreadable("请求正文应为一个 JSON 对象或由对象组成的数组，收到的是单个值")
    if not found:
        raise Unreadable("请求正文是空数组，至少应有一件诉求")
    if len(found) > max_members:
        raise Unreadable(f"一次最多发送 {max_members} 件，收到 {len(found)} 件，请分批发送")
    return found, first == b"["


def decoded(raw: bytes) -> object:
    """One member as plain Python values; raises `Unreadable`."""
    try:
        return _ANY.decode(raw)
    except UnicodeDecodeError:
        raise Unreadable("不是 UTF-8 编码，请改用 UTF-8 编码发送") from None
    except msgspec.ValidationError:
        raise Unreadable("含有超出范围的数字，无法读取，请改用文字（加引号）发送") from None
    except msgspec.MsgspecError as error:
        raise Unreadable(
            f"不是有效的 JSON{_position(error, raw)}，或含有不完整的字符（单独的代理项），请检查后重新发送"
        ) from None
    except RecursionError:
        raise Unreadable("嵌套层数过多，无法读取，请检查后重新发送") from None


def _split(body: bytes) -> list[bytes]:
    """The members of an array of which one holds half a character or a NaN; empty when the array itself is broken.

    The standard library is lenient with both, so that only that member is refused when it is decoded.
    """
    text = body.decode("utf-8")
    at = _past_space(text, 0) + 1
    found: list[bytes] = []
    sign = ","
    while sign == ",":
        start = _past_space(text, at)
        try:
            _, end = _LENIENT.raw_decode(text, start)
        except (ValueError, RecursionError):
            return []
        found.append(text[start:end].encode())
        at = _past_space(text, end)
        sign = text[at : at + 1]
        at += 1
    return found if sign == "]" and not text[at:].strip(" \t\r\n") else []


def _past_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _position(error: msgspec.MsgspecError, body: bytes) -> str:
    """Line and column of a decoding error, counted from 1 in characters; empty when the decoder does not say."""
    found = _AT_BYTE.search(str(error))
    if found is None:
        return "（内容不完整）" if "truncated" in str(error) else ""
    before = body[: int(found.group(1))].decode("utf-8", "ignore")
    line = before.count("\n") + 1
    return f"（第 {line} 行第 {len(before) - before.rfind(chr(10))} 个字符附近）"
