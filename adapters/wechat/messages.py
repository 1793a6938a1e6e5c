"""WeChat's XML: what somebody sent to the account, read into plain words; our reply, written so that WeChat shows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from xml.sax.saxutils import escape

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from adapters.coordinates import from_gcj02
from domain.complaint import Point

MOST_BYTES = 2_048
"""A text reply may have so many bytes in UTF-8; WeChat shows nothing of a longer one."""
_MORE = "……（内容较长，请在网页上查看全文）"

Kind = Literal["text", "picture", "place", "event", "other"]


class NotReadable(Exception):
    """A body that is no message; the message says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message or event. `id` is the same when WeChat sends it again.

    `sender` is the person's OpenID of this account: personal. `event`: `subscribe`, `unsubscribe`, `SCAN`, `CLICK`,
    `LOCATION`, `VIEW`…; `key` its key.
    """

    id: str
    account: str
    sender: str
    at: datetime
    kind: Kind
    text: str = ""
    point: Point | None = None
    media_id: str = ""
    event: str = ""
    key: str = ""


def fields_of(body: bytes) -> dict[str, str]:
    """The members of a message's XML. Raises NotReadable. Entities and document types are refused: they can be bombs."""
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise NotReadable("正文不是微信的 XML 消息") from None
    return {child.tag: (child.text or "").strip() for child in root}


def read(fields: dict[str, str]) -> Incoming:
    """A message from its members. Raises NotReadable where sender, receiver, time or type is missing."""
    missing = [one for one in ("ToUserName", "FromUserName", "CreateTime", "MsgType") if not fields.get(one)]
    if missing:
        raise NotReadable(f"缺少 {'、'.join(missing)}")
    written = fields["CreateTime"]
    if not (written.isascii() and written.isdigit() and len(written) <= 11):
        raise NotReadable(f"CreateTime“{written[:20]}”不是 Unix 时间")
    kind, content = _content(fields)
    return Incoming(
        id=_id(fields),
        account=fields["ToUserName"][:64],
        sender=fields["FromUserName"][:64],
        at=datetime.fromtimestamp(int(written), UTC),
        kind=kind,
        text=content,
        point=_point(fields) if kind == "place" else None,
        media_id=fields.get("MediaId", "")[:256] if kind == "picture" else "",
        event=fields.get("Event", "")[:32],
        key=fields.get("EventKey", "")[:128],
    )


def _content(fields: dict[str, str]) -> tuple[Kind, str]:
    """What kind of message it is, and its words: of a voice what WeChat recognised, of a link its title and address."""
    match fields["MsgType"]:
        case "text":
            return "text", fields.get("Content", "")
        case "voice":
            return ("text", heard) if (heard := fields.get("Recognition", "")) else ("other", "voice")
        case "link":
            parts = (fields.get(one, "") for one in ("Title", "Description", "Url"))
            return "text", "\n".join(part for part in parts if part)
        case "image":
            return "picture", ""
        case "location":
            return "place", fields.get("Label", "")
        case "event":
            return "event", ""
        case other:
            return "other", other[:32]


def _id(fields: dict[str, str]) -> str:
    """WeChat numbers messages; events it tells apart by person, second and kind."""
    number = fields.get("MsgId", "")
    if number.isascii() and number.isdigit():
        return f"wx-{number[:24]}"
    parts = (fields.get(one, "") for one in ("FromUserName", "CreateTime", "MsgType", "Event", "EventKey"))
    return f"wx-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:40]}"


def _point(fields: dict[str, str]) -> Point:
    """Location_X is the latitude; WeChat's maps are GCJ-02."""
    try:
        latitude, longitude = float(fields.get("Location_X", "")), float(fields.get("Location_Y", ""))
    except ValueError:
        raise NotReadable("定位消息的坐标不是数字") from None
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise NotReadable("定位消息的坐标超出范围")
    return from_gcj02(longitude, latitude)


def text_reply(to: Incoming, text: str, at: datetime) -> bytes:
    """A passive text reply."""
    return (
        f"<xml><ToUserName>{_cdata(to.sender)}</ToUserName><FromUserName>{_cdata(to.account)}</FromUserName>"
        f"<CreateTime>{int(at.timestamp())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{_cdata(shortened(text))}</Content></xml>"
    ).encode()


def sealed_reply(encrypted: str, signature: str, timestamp: str, nonce: str) -> bytes:
    """A reply in safe mode."""
    return (
        f"<xml><Encrypt>{_cdata(encrypted)}</Encrypt><MsgSignature>{_cdata(signature)}</MsgSignature>"
        f"<TimeStamp>{escape(timestamp)}</TimeStamp><Nonce>{_cdata(nonce)}</Nonce></xml>"
    ).encode()


def shortened(text: str) -> str:
    """The text, or as much of it as WeChat shows."""
    if len(text.encode()) <= MOST_BYTES:
        return text
    room = MOST_BYTES - len(_MORE.encode())
    return text.encode()[:room].decode(errors="ignore") + _MORE


def _cdata(text: str) -> str:
    """`]]>` would end the section: it is split over two."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
