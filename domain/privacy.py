"""Keeping personal data out of what is kept for ever or shown to many: masking of numbers and names in texts."""

from __future__ import annotations

import re

_LONG_NUMBER = re.compile(r"(?<!\d)(\d{3})[\d\- ]{4,15}(\d{2})[\dXx]{0,2}(?!\d)")


def masked_text(text: str) -> str:
    """A free text with every run of seven or more digits (phone, identity or card number) reduced to its ends."""
    return _LONG_NUMBER.sub(r"\1****\2", text)


def masked_phone(phone: str) -> str:
    """`13800001234` → `138****1234`; short numbers are hidden whole."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "*" * len(phone)


def masked_name(name: str) -> str:
    """`张三丰` → `张**`."""
    return name[:1] + "*" * (len(name) - 1)
