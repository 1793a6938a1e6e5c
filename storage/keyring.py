"""The keys that what people told us is sealed with: AES-256-GCM, and keyed digests for what must be found by equality.

A sealed value names the key that seals it, so several keys can stand side by side while one takes over from another. Not: where
keys come from (`intake_bot.keys`), nor which columns are sealed (`tables`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"\x00\x01"
"""What a sealed value begins with; then the key's number (1 byte), the nonce, and what AES-GCM made of it. No text begins so:
values from before there were keys are told apart by it."""

KEY_SIZE = 32
NONCE_SIZE = 12
LARGEST_NUMBER = 255
_INDEX = "index"
_HEADER = len(MARK) + 1
_FINGERPRINT_SIZE = 8


class UnknownKey(Exception):
    """A value is sealed with a key that is not in the keyring."""

    def __init__(self, number: int) -> None:
        super().__init__(f"密钥 {number} 不在密钥文件中：请把写入这些数据时用的密钥补回密钥文件")
        self.number = number


class Damaged(Exception):
    """A sealed value was altered, or its key is not the one that sealed it."""

    def __init__(self) -> None:
        super().__init__("加密的内容被改动过，或密钥与写入时不同")


class BadKeyring(ValueError):
    """A keyring is not written as it should be; the message says what is wrong, in Chinese, and shows no key."""


class Keyring:
    """Keys by number, the largest of which seals, and the key of digests, which stays.

    `reread` is asked for the keys of today when a value names one that is not known yet: another process may have made it.
    """

    def __init__(
        self,
        keys: Mapping[int, bytes],
        index: bytes,
        reread: Callable[[], tuple[Mapping[int, bytes], bytes]] | None = None,
    ) -> None:
        self._reread = reread
        self._index = index
        self._adopt(keys)

    def _adopt(self, keys: Mapping[int, bytes]) -> None:
        self._keys = dict(keys)
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self.newest = max(keys)
        self._begin = MARK + bytes([self.newest])

    def refresh(self) -> None:
        """Read the keys anew, where they can be."""
        if self._reread is not None:
            keys, index = self._reread()
            if index == self._index:
                self._adopt({**self._keys, **keys})

    def seal(self, plain: bytes) -> bytes:
        """Sealed with the newest key; each time differently."""
        nonce = os.urandom(NONCE_SIZE)
        return self._begin + nonce + self._ciphers[self.newest].encrypt(nonce, plain, None)

    def open(self, value: bytes) -> bytes:
        """What was sealed; a value that is not sealed is given back as it is. Raises UnknownKey and Damaged."""
        if not is_sealed(value):
            return value
        number = value[len(MARK)]
        if number not in self._ciphers:
            self.refresh()
        if number not in self._ciphers:
            raise UnknownKey(number)
        nonce_end = _HEADER + NONCE_SIZE
        try:
            return self._ciphers[number].decrypt(value[_HEADER:nonce_end], value[nonce_end:], None)
        except (InvalidTag, ValueError):  # altered, or cut short
            raise Damaged from None

    def digest(self, data: bytes, size: int = 16) -> bytes:
        """A digest that nobody can compute without the keyring, the same for ever: equal data can be found by it."""
        return hashlib.blake2b(data, key=self._index, digest_size=size).digest()

    def fingerprints(self) -> dict[int, str]:
        """What tells each key from another without telling anything of it; 0 is the key of digests."""
        named = {0: self._index, **self._keys}
        return {
            number: hashlib.blake2b(b"fingerprint", key=key, digest_size=_FINGERPRINT_SIZE).hexdigest()
            for number, key in named.items()
        }

    def spelled(self) -> str:
        """As `parsed` reads it, one key a line."""
        lines = [f"{_INDEX}:{_encoded(self._index)}"]
        lines += [f"{number}:{_encoded(key)}" for number, key in sorted(self._keys.items())]
        return "\n".join(lines) + "\n"

    def with_new_key(self) -> Keyring:
        """A keyring with one more key, which seals from now on. Raises BadKeyring when there is no number left."""
        if self.newest == LARGEST_NUMBER:
            raise BadKeyring(f"密钥编号已用到 {LARGEST_NUMBER}，不能再增加")
        return Keyring({**self._keys, self.newest + 1: secrets.token_bytes(KEY_SIZE)}, self._index)


def is_sealed(value: bytes) -> bool:
    """Whether a stored value is sealed; those from before there were keys are not."""
    return value.startswith(MARK)


def new_keyring() -> Keyring:
    """A keyring that nobody has yet."""
    return Keyring({1: secrets.token_bytes(KEY_SIZE)}, secrets.token_bytes(KEY_SIZE))


def parsed(written: str) -> tuple[dict[int, bytes], bytes]:
    """The keys by number and the key of digests, from lines (or words) like `1:base64`, `index:base64`; `#` begins a comment.

    Raises BadKeyring.
    """
    keys: dict[int, bytes] = {}
    index = b""
    lines = (line.partition("#")[0] for line in written.splitlines())
    for word in " ".join(lines).split():
        name, _, encoded = word.partition(":")
        key = _decoded(name, encoded)
        if name == _INDEX and not index:
            index = key
        elif name.isascii() and name.isdigit() and 1 <= int(name) <= LARGEST_NUMBER and int(name) not in keys:
            keys[int(name)] = key
        else:
            raise BadKeyring(f"密钥名“{name[:20]}”不对：应是 {_INDEX} 或 1 到 {LARGEST_NUMBER} 的编号，每个只写一次")
    if not index or not keys:
        raise BadKeyring(f"密钥不全：应有一个 {_INDEX} 和至少一个编号的密钥")
    return keys, index


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _decoded(name: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_SIZE:
        raise BadKeyring(f"密钥“{name[:20]}”不对：应是 {KEY_SIZE} 字节的 base64")
    return key
