"""The signature of the JSON channels: hex HMAC-SHA256 over `timestamp + "\\n" + nonce + "\\n" + body`.

Not: whether a nonce was seen before; that is for whoever keeps them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from datetime import datetime

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[\x21-\x7e]{1,128}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")


class BadSignature(Exception):
    """A request that is not signed as agreed. `code`: missing, timestamp, skew, nonce, format, mismatch."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def sign(secret: str, timestamp: str, nonce: str, body: bytes) -> str:
    """The signature that a sender puts into `X-Signature`, in lower-case hex."""
    message = f"{timestamp}\n{nonce}\n".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed_headers(secret: str, body: bytes) -> dict[str, str]:
    """The three headers of a body that is sent now."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(12)
    return {"X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": sign(secret, timestamp, nonce, body)}


def verify(
    secret: str, *, timestamp: str, nonce: str, signature: str, body: bytes, now: datetime, skew: int = 300
) -> str:
    """The nonce of a request whose signature holds; raises `BadSignature`.

    `timestamp`, `nonce` and `signature` are the headers' values, empty when absent. `skew`: how many seconds the
    sender's clock may differ from `now`, which is aware.
    """
    named = {"X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}
    absent = [name for name, value in named.items() if not value]
    if absent:
        raise BadSignature("missing", f"缺少签名请求头 {'、'.join(absent)}")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise BadSignature("timestamp", "X-Timestamp 应为 Unix 时间戳（秒），只含数字")
    if not _NONCE.fullmatch(nonce):
        raise BadSignature("nonce", "X-Nonce 应为 1 至 128 个可见的 ASCII 字符")
    if not _SIGNATURE.fullmatch(signature):
        raise BadSignature("format", "X-Signature 应为 64 位十六进制的 HMAC-SHA256")
    apart = int(timestamp) - now.timestamp()
    if abs(apart) > skew:
        raise BadSignature(
            "skew", f"X-Timestamp 与本机时间相差 {abs(apart):.0f} 秒，超过允许的 {skew} 秒，请校准时钟后重新签名"
        )
    if not hmac.compare_digest(sign(secret, timestamp, nonce, body), signature.lower()):
        raise BadSignature("mismatch", "签名不符，请核对密钥和签名方法（timestamp、nonce、正文以换行相连）")
    return nonce
