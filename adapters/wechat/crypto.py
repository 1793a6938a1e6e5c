"""The envelope of WeChat and WeCom callbacks: signatures, and in safe mode AES.

Source: the platforms' published scheme. AES-256-CBC; the key is the 43 characters of EncodingAESKey plus `=` in Base64, the
vector its first 16 bytes; inside: 16 random bytes, the length of the message in 4 bytes, the message, the account's id;
padding to 32 bytes. Signatures are SHA-1 over the sorted parts: the platform offers no other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32
_RANDOM = 16
_KEY_LENGTH = 43


class NotFromPlatform(Exception):
    """A request that the platform did not make, or was altered on its way; the message says what does not fit."""


def signature(*parts: str) -> str:
    """The platform's signature over token, timestamp, nonce and, in safe mode, the encrypted text."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def check_signature(given: str, *parts: str) -> None:
    """Raises NotFromPlatform unless the signature is that of the parts."""
    if not hmac.compare_digest(given.encode(), signature(*parts).encode()):
        raise NotFromPlatform("签名不符，请核对平台上填写的 Token 与本系统是否一致")


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted reply with what proves it."""

    encrypted: str
    signature: str
    timestamp: str
    nonce: str


class Envelope:
    """Opens what the platform sealed and seals our replies. `receiver`: the account's AppID (WeCom: its CorpID).

    Raises ValueError, in Chinese, for a key that is none.
    """

    def __init__(self, token: str, encoding_aes_key: str, receiver: str) -> None:
        self._token = token
        self._receiver = receiver.encode()
        try:
            if len(encoding_aes_key) != _KEY_LENGTH:
                raise ValueError
            self._key = base64.b64decode(encoding_aes_key + "=", validate=True)
        except ValueError:
            raise ValueError(f"EncodingAESKey 应为 {_KEY_LENGTH} 个字母和数字，请从公众平台重新复制") from None

    def open(self, encrypted: str, given: str, timestamp: str, nonce: str) -> bytes:
        """The message in an encrypted text. Raises NotFromPlatform."""
        check_signature(given, self._token, timestamp, nonce, encrypted)
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except binascii.Error:
            raise NotFromPlatform("密文不是 Base64") from None
        if not sealed or len(sealed) % _RANDOM:
            raise NotFromPlatform("密文长度不对")
        decryptor = self._cipher().decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        padding = padded[-1]
        if not 1 <= padding <= _BLOCK or len(padded) < padding + _RANDOM + 4:
            raise NotFromPlatform("解密失败，请核对 EncodingAESKey")
        inner = padded[_RANDOM:-padding]
        length = struct.unpack(">I", inner[:4])[0]
        message, receiver = inner[4 : 4 + length], inner[4 + length :]
        if len(message) != length or not hmac.compare_digest(receiver, self._receiver):
            raise NotFromPlatform("解密失败，请核对 EncodingAESKey 和 AppID（企业微信为 CorpID）")
        return message

    def seal(self, message: bytes, timestamp: str, nonce: str) -> Sealed:
        """An encrypted reply."""
        inner = secrets.token_bytes(_RANDOM) + struct.pack(">I", len(message)) + message + self._receiver
        padding = _BLOCK - len(inner) % _BLOCK
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(inner + bytes([padding]) * padding) + encryptor.finalize()
        encrypted = base64.b64encode(sealed).decode()
        return Sealed(encrypted, signature(self._token, timestamp, nonce, encrypted), timestamp, nonce)

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))
